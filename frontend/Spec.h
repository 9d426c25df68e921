// SPDX-License-Identifier: Apache-2.0
//
// A description as its author wrote it: blocks, ops and expressions with the places they came from, before parameters
// have values and shapes are known. Independent of the file format: each reader produces it, the emitter consumes it.
#pragma once

#include "frontend/Expression.h"

namespace incept {

/// A name and where it stands.
struct Name {
  std::string text;
  SourceRange range;
};

enum class OpKind {
  Invalid, ///< reported by the reader; stands for an unknown value
  Conv,
  MaxPool,
  AvgPool,
  GlobalAvgPool,
  BatchNorm,
  Relu,
  Dropout,
  Linear,
  Flatten,
  PadChannels,
  Concat,
  Residual,
  Sequence,
  Add,       ///< adds a named value
  Value,     ///< goes on from a named value
  Block,     ///< one use of a block
  Auxiliary, ///< an auxiliary head; the value goes on unchanged
};

enum class ArgumentKind { Null, Flag, Word, Expression, List, Record };

/// What an option was given. Word: `word` (`same`, a name); Expression: `expr`; List and Record: `items`, named in a
/// record.
struct Argument {
  ArgumentKind kind = ArgumentKind::Null;
  Name name;
  SourceRange range;
  bool flag = false;
  std::string word;
  Expr expr;
  std::vector<Argument> items;
};

struct Op;

/// Ops in sequence; none means the identity. `label` is empty where the branch has no name of its own.
struct Branch {
  Name label;
  SourceRange range;
  std::vector<Op> ops;
  bool single = false; ///< written as one op: its label is the op's
};

struct Op {
  OpKind kind = OpKind::Invalid;
  SourceRange range; ///< of the op's word
  SourceRange place; ///< where the op begins: its location in the IR
  Name label;        ///< empty: named by kind and ordinal
  Name saveAs;       ///< named value that keeps the result, empty for none
  Name target;       ///< the block, or the named value of Add and Value
  std::optional<Expr> repeat;
  Argument main; ///< the value beside the op's word
  std::vector<Argument> arguments;
  std::vector<Branch> bodies; ///< Concat: branches; Residual: body and perhaps the shortcut; Sequence, Auxiliary: body
};

/// A parameter of a block or network. A required one has no default; another without one had a mistake in it.
struct Parameter {
  Name name;
  bool required = false;
  std::optional<Expr> value;
};

struct BlockDef {
  Name name;
  std::vector<Parameter> parameters;
  std::vector<Op> ops;
};

struct Table {
  Name name;
  std::map<std::string, Row> rows;
};

/// Options that ops of a kind have unless they say otherwise.
struct Defaults {
  OpKind kind;
  std::vector<Argument> arguments;
};

/// What training needs, as records of expressions and words; the keys are those of the program image.
struct Section {
  SourceRange range;
  std::vector<Argument> arguments;
};

struct Spec {
  Name network; ///< empty in a library of blocks
  std::vector<Parameter> parameters;
  std::optional<Section> input;
  std::optional<Section> training;
  std::vector<Op> ops;
  std::map<std::string, BlockDef> blocks;
  std::map<std::string, Table> tables;
  /// In order of import: a later one wins, the network's own come last.
  std::vector<Defaults> defaults;
  /// False where an import could not be read: names may be missing through no fault of their users.
  bool complete = true;
};

} // namespace incept
