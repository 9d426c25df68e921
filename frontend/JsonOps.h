// SPDX-License-Identifier: Apache-2.0
//
// From JSON values to ops and their arguments, checked against the table of words (OpTable.h).
#pragma once

#include "frontend/JsonTree.h"
#include "frontend/OpTable.h"

namespace incept {

/// Reports "expected WHAT, but got ..." at `value`.
void reportWrongType(Diagnostics &diagnostics, const JsonValue &value, const llvm::Twine &what);
/// The string's text, located inside its quotes.
Name innerText(const JsonValue &string);
/// The string `value` as a name of letters, digits and '_'; reports a mistake and returns an empty one otherwise.
Name readName(Diagnostics &diagnostics, const JsonValue &value, llvm::StringRef what);
/// As readName, for a member's key.
Name readKeyName(Diagnostics &diagnostics, const JsonValue &member, llvm::StringRef what);

/// As readName, of something that expressions or statements may name.
Name readOwnName(Diagnostics &diagnostics, Name name, llvm::StringRef what, bool ofBlock = false);
/// The comments of an object: its first member is what stands above it, another one what stands behind it.
void readComments(const JsonValue &object, Layout &layout);

/// Reads arguments and ops of one file; recursion is bounded by the depth of the tree.
class OpReader {
public:
  explicit OpReader(Diagnostics &diagnostics) : diagnostics(diagnostics) {}

  std::optional<Expr> readExpression(const JsonValue &value, llvm::StringRef key);
  std::optional<Argument> readArgument(const JsonValue &value, const KeyInfo &key);
  /// The members of `object` that are in `keys`; reports others. `owner` is what the message calls the object.
  std::vector<Argument> readRecord(const JsonValue &object, llvm::ArrayRef<KeyInfo> keys, llvm::StringRef owner);
  /// An array of ops.
  std::vector<Op> readOps(const JsonValue &value);

private:
  Op readOp(const JsonValue &value);
  Op readBareOp(const JsonValue &value);
  std::optional<Argument> readParameterValue(const JsonValue &member);
  bool readControl(const JsonValue &object, Op &op);
  void readLabel(Name &label, std::vector<Expr> &indices);
  void readBranches(const JsonValue &value, Op &op);
  void readArguments(const JsonValue &array, Op &op);
  const JsonValue *findWord(const JsonValue &object);
  void readMembers(const JsonValue &object, const JsonValue &word, const OpInfo &info, Op &op);
  void readMain(const JsonValue &value, const OpInfo &info, Op &op);
  bool readCommonKey(const JsonValue &member, Op &op);
  const KeyInfo *findKeyOrNearest(const JsonValue &member, llvm::ArrayRef<KeyInfo> keys, llvm::StringRef owner);
  Branch readBranch(const JsonValue &value);
  std::optional<Argument> readList(const JsonValue &value, const KeyInfo &key, size_t size, KeyType elementType);
  std::optional<Argument> readTexts(const JsonValue &value, const KeyInfo &key);
  std::optional<Argument> readWord(const JsonValue &value, const KeyInfo &key);

  Diagnostics &diagnostics;
  size_t count = 0; ///< ops of the file
};

} // namespace incept
