// SPDX-License-Identifier: Apache-2.0
//
// A description as its author wrote it: blocks, ops and expressions with the places they came from, before parameters
// have values and shapes are known. Independent of the file's form: each reader produces it, each writer prints it, the
// emitter consumes it.
#pragma once

#include "frontend/Expression.h"

namespace incept {

/// A name and where it stands.
struct Name {
  std::string text;
  SourceRange range;
};

/// What a reader keeps only for a writer.
struct Layout {
  std::string comment;  ///< above, lines separated by ends of lines; no slashes
  std::string trailing; ///< behind it, one line
  bool spaced = false;  ///< an empty line comes before it
};

enum class OpKind {
  Invalid, ///< reported by the reader; stands for an unknown value
  Conv,
  ConvTranspose,
  MaxPool,
  AvgPool,
  GlobalAvgPool,
  AdaptiveAvgPool,
  Resize,
  Upsample, ///< as Resize, by a factor
  BatchNorm,
  Relu,
  Relu6, ///< as the next ones, an activation of ActivationKind
  LeakyRelu,
  Sigmoid,
  Silu,
  HardSigmoid,
  HardSwish,
  Gelu,
  Dropout,
  DropPath, ///< stochastic depth
  Linear,
  Flatten,
  PixelScores, ///< the class scores of each pixel: the end of a network
  PadChannels,
  ChannelShuffle,
  ChannelScale, ///< a trained factor for each channel
  LayerNorm,    ///< over the channels of each pixel
  GroupNorm,    ///< over groups of channels of each image
  LocalResponseNorm,
  Softmax, ///< over the channels of each pixel
  Concat,
  Split, ///< as Concat, of parts of the channels
  Residual,
  Sequence,
  Add,       ///< adds a named value, or the results of branches to each other
  Multiply,  ///< the same with products
  Value,     ///< goes on from a named value; `in` is the block's input
  Block,     ///< one use of a block
  Auxiliary, ///< an auxiliary head; the value goes on unchanged
  Output,    ///< a named output; the value goes on unchanged
  Identity,  ///< nothing
  // Not ops of the network, but what says which there are. They add no level of names.
  Let,     ///< a name for a number, row or list (`value`), or for the result of a branch
  If,      ///< the first body where `value` is not 0, else the second, if there is one
  For,     ///< the body for each item of `value`
  Assert,  ///< a mistake with `text` where `value` is 0
  Comment, ///< a comment with nothing below it
};

/// A head: its body's scores have a loss, and the value goes on as if it were not there.
inline bool isHead(OpKind kind) { return kind == OpKind::Auxiliary || kind == OpKind::Output; }
inline bool isControl(OpKind kind) { return kind >= OpKind::Let; }
/// Has filters, which stand behind the kernel without their name.
inline bool isConvolution(OpKind kind) { return kind == OpKind::Conv || kind == OpKind::ConvTranspose; }
/// Takes a named value, or the results of branches, together.
inline bool isCombination(OpKind kind) { return kind == OpKind::Add || kind == OpKind::Multiply; }

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
  Layout layout;
};

struct Op;

/// Ops in sequence; none means the identity. `label` is empty where the branch has no name of its own.
struct Branch {
  Name label;
  SourceRange range;
  std::vector<Op> ops;
  bool single = false; ///< written as one op: its label is the op's
  std::vector<Expr> labelIndices = {};
};

struct Op {
  OpKind kind = OpKind::Invalid;
  SourceRange range; ///< of the op's word
  SourceRange place; ///< where the op begins: its location in the IR
  Name label;        ///< empty: named by kind and ordinal. May be several names joined by dots, with indices in braces
  std::vector<Expr> labelIndices; ///< what is in the label's braces, in order
  Name saveAs;                    ///< named value that keeps the result, empty for none
  Name target;                    ///< the block, or the named value of Add and Value
  std::optional<Expr> repeat;
  Argument main;                   ///< the value beside the op's word
  std::vector<Argument> arguments; ///< of a block: those without a name are its first parameters
  std::vector<Branch>
      bodies; ///< Concat, Split, Add: branches; Residual: body and perhaps the shortcut; Sequence, heads: body
  std::optional<Expr> value; ///< Let, If, For, Assert
  std::vector<Name> names;   ///< Let: one; For: that of the item and perhaps that of its number, which counts from 1
  std::string text;          ///< Assert
  bool chained = false;      ///< written behind "->": of the layout only
  Layout layout;
};

/// What a parameter may be given.
enum class ParameterType { Any, Int, Real, Bool, Row, Table, List, Activation, Block };

/// "int", "real", ...; Any has no word.
llvm::StringRef parameterTypeName(ParameterType type);
std::optional<ParameterType> findParameterType(llvm::StringRef name);
std::vector<std::string> parameterTypeNames();
/// Whether `value` may be given to a parameter of that type.
bool hasType(const Value &value, ParameterType type);

/// A parameter of a block or network. A required one has no default; another without one had a mistake in it.
struct Parameter {
  Name name;
  bool required = false;
  std::optional<Expr> value;
  ParameterType type = ParameterType::Any;
  SourceRange typeRange;
};

struct BlockDef {
  Name name;
  std::vector<Parameter> parameters;
  std::vector<Op> ops;
  Layout layout;
};

/// Limits of both forms. Among a file's ops are the statements that choose between them.
inline constexpr size_t kMaxFileOps = 100000;
inline constexpr size_t kMaxTableRows = 2000, kMaxTableColumns = 64, kMaxListItems = 256;

struct Table {
  Name name;
  std::vector<std::string> columns; ///< of all rows, in the order of the text
  std::vector<Row> rows;            ///< in the order of the text
  std::vector<Layout> layouts;      ///< of the rows
  bool named = true;                ///< rows have names, else numbers
  Layout layout;

  /// The row that is called `name`, or null.
  const Row *find(llvm::StringRef name) const;
};

/// Options that ops of a kind have unless they say otherwise.
struct Defaults {
  OpKind kind;
  std::vector<Argument> arguments;
  Layout layout;
  SourceRange range = {};
};

/// What training needs, as records of expressions and words; the keys are those of the program image.
struct Section {
  SourceRange range;
  std::vector<Argument> arguments;
  Layout layout;
};

/// A network as its file has it, before imports.
struct NetworkDef {
  Name name;
  SourceRange range; ///< what misses a section
  std::vector<Parameter> parameters;
  std::vector<Defaults> defaults;
  std::optional<Section> input;
  std::optional<Section> training;
  std::vector<Op> ops;
  Layout layout;
};

/// One file: what it defines itself and what it imports (paths as written).
struct SpecFile {
  std::vector<Name> imports;
  std::vector<Table> tables;
  std::vector<Defaults> defaults;
  std::vector<BlockDef> blocks;
  std::vector<NetworkDef> networks;
  std::string comment;    ///< of the file
  std::string endComment; ///< at its end

  /// What stands where in the file, after the imports and the defaults: indices into `tables`, `blocks`, `networks`.
  enum class Item { Table, Block, Network };
  std::vector<std::pair<Item, size_t>> order;
};

/// A network with everything it imports.
struct Spec {
  bool hasNetwork = false;
  Name network; ///< empty in a library of blocks
  std::vector<Parameter> parameters;
  std::optional<Section> input;
  std::optional<Section> training;
  std::vector<Op> ops;
  std::map<std::string, BlockDef, std::less<>> blocks;
  std::map<std::string, Table, std::less<>> tables;
  /// In order of import: a later one wins, the network's own come last.
  std::vector<Defaults> defaults;
  /// False where an import could not be read: names may be missing through no fault of their users.
  bool complete = true;
};

/// Appends a line to a comment; an empty one is none.
void appendLine(std::string &to, llvm::StringRef line);

/// True for a word that no parameter, table, value or block may have as its name: it means something where names stand.
bool isReserved(llvm::StringRef word);
/// As isReserved for blocks, which stand where ops do.
bool isReservedForBlocks(llvm::StringRef word);

} // namespace incept
