// SPDX-License-Identifier: Apache-2.0
//
// The words of the language: which ops there are and which options each takes. Readers check against this table, the
// emitter gives the words their meaning.
#pragma once

#include "frontend/Spec.h"

namespace incept {

/// What an option may be given.
enum class KeyType {
  Value,      ///< expression
  Pair,       ///< expression, or [vertical, horizontal]
  Padding,    ///< "same", "valid", expression, [vertical, horizontal] or {"begin": pair, "end": pair}
  Flag,       ///< true, false, or an expression that is true unless 0
  True,       ///< true
  Word,       ///< a string that is one of the key's words; null is the word "linear"
  Activation, ///< as Word, or an expression that gives an activation
  Name,       ///< the name of a block or value
  BatchNorm,  ///< flag, or a record of epsilon, decay, scale
  Init,       ///< a word, or a record of kind, value, std
  Keep,       ///< a record of keep
  Body,       ///< ops
  Branches,   ///< branches
  Numbers,    ///< expression or a list of them
  Record,     ///< a record whose keys are in `fields`
  Texts,      ///< a list of strings
};

struct KeyInfo {
  llvm::StringRef name;
  KeyType type;
  llvm::ArrayRef<llvm::StringRef> words = {};
  llvm::ArrayRef<KeyInfo> fields = {};
  bool required = false; ///< every op or record has it itself: defaults cannot
};

struct OpInfo {
  OpKind kind;
  llvm::StringRef name;
  KeyInfo main;
  llvm::ArrayRef<KeyInfo> keys;
};

llvm::ArrayRef<OpInfo> opTable();
/// The words of activations; "linear", that there is none, is not among them.
llvm::ArrayRef<llvm::StringRef> activationWords();
/// The entry of a kind; not for Invalid.
const OpInfo &opInfo(OpKind kind);
const OpInfo *findOp(llvm::StringRef name);
/// As `suggestion`, of a word that is none of `names`: ops also by what other programs call them.
std::string suggestOp(llvm::StringRef word, llvm::ArrayRef<std::string> names);
const KeyInfo *findKey(llvm::ArrayRef<KeyInfo> keys, llvm::StringRef name);
std::vector<std::string> keyNames(llvm::ArrayRef<KeyInfo> keys);
/// Whether `defaults` may have options for an op, and which.
bool hasDefaults(const OpInfo &info);
std::vector<KeyInfo> defaultKeys(const OpInfo &info);

/// Options of the `input` and `training` sections and of records.
llvm::ArrayRef<KeyInfo> inputKeys();
llvm::ArrayRef<KeyInfo> trainingKeys();
llvm::ArrayRef<KeyInfo> batchNormKeys();
llvm::ArrayRef<KeyInfo> initKeys();
llvm::ArrayRef<KeyInfo> keepKeys();
llvm::ArrayRef<KeyInfo> paddingKeys();

} // namespace incept
