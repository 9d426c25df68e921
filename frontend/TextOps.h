// SPDX-License-Identifier: Apache-2.0
//
// Statements and options of the text form, checked against the table of words (OpTable.h).
#pragma once

#include "frontend/Cursor.h"
#include "frontend/OpTable.h"

namespace incept {

/// Reads what stands in braces. Recursion is bounded: deeper braces are a mistake, and are passed without being read.
class TextOps {
public:
  explicit TextOps(Cursor &cursor) : cursor(cursor), diagnostics(cursor.diagnostics) {}

  /// Statements up to '}', which is passed; the opening one was.
  std::vector<Op> readBody();
  /// One statement of a body, an op for each item of its chain.
  void readStatement(std::vector<Op> &ops);
  /// `{`, or a report. What comes is then passed up to the end of the line.
  bool openBrace(const llvm::Twine &what);
  /// True at '}', which is passed, and, with a report, at the end of the file.
  bool closeBrace();
  /// True at ',', which is passed with the ends of lines behind it: there long lines are broken.
  bool acceptComma();
  /// A name of letters, digits and '_', or a report.
  Name readName(llvm::StringRef what);
  /// As readName, of something that expressions or statements may name.
  Name readOwnName(llvm::StringRef what, bool ofBlock = false);
  std::optional<Expr> readExpr() { return ExpressionParser(cursor).parse(); }
  /// Options up to what ends them, after the first comma; with `first` also one before it. In parentheses these are
  /// open.
  void readOptions(llvm::ArrayRef<KeyInfo> keys, const llvm::Twine &owner, bool first,
                   std::vector<Argument> &arguments);
  bool missesComma(llvm::ArrayRef<KeyInfo> keys);
  /// The value of an option behind '='.
  std::optional<Argument> readValue(const KeyInfo &key);
  /// Passes the rest of the line, braces on it included.
  void skipStatement();
  /// Gives the comments that were passed to `layout`: those in their own line as comment, the others as trailing one.
  void takeComments(Layout &layout, bool before);
  /// Nothing but a comment may follow on the line.
  void endStatement(Layout &layout);

private:
  void readChain(std::vector<Op> &ops, bool branch);
  bool readItem(Op &op, bool labelled);
  bool readControl(std::vector<Op> &ops);
  void readIf(Op &op);
  void readFor(Op &op);
  void readLet(Op &op);
  void readAssert(Op &op);
  bool readLabel(Op &op);
  bool readRepeat(Op &op);
  bool readOp(Op &op);
  void readMain(const OpInfo &info, Op &op);
  void readBlockUse(Op &op);
  void readBranches(Op &op);
  Branch readBranch();
  bool readBodyOf(Op &op, Name label = {});
  void readParentheses(llvm::ArrayRef<KeyInfo> keys, const llvm::Twine &owner, std::vector<Argument> &arguments,
                       llvm::StringRef positional);
  bool readOption(llvm::ArrayRef<KeyInfo> keys, const llvm::Twine &owner, std::vector<Argument> &arguments);
  std::optional<Argument> readPair(const KeyInfo &key);
  std::optional<Argument> readTexts(const KeyInfo &key);
  std::optional<Argument> readRecord(llvm::ArrayRef<KeyInfo> keys, const KeyInfo *kind);
  bool atEndOfOption();
  bool countOp();

  static constexpr int kMaxDepth = 64;
  Cursor &cursor;
  Diagnostics &diagnostics;
  int depth = 0;
  size_t count = 0; ///< ops of the file
};

/// The keys of a record that stands for an option's value, none where there is no such record.
llvm::ArrayRef<KeyInfo> recordKeys(const KeyInfo &key);

} // namespace incept
