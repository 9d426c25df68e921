// SPDX-License-Identifier: Apache-2.0
//
// Spec to the graph phase. Shapes are inferred op by op while the IR is built; after a mistake the value is unknown,
// and emission goes on with it, without IR, to find further mistakes.
#pragma once

#include "dialect/InceptOps.h"
#include "dialect/ShapeInference.h"
#include "frontend/Frontend.h"
#include "frontend/OpTable.h"
#include "frontend/ValueScope.h"

namespace incept {

/// Of filters, channels, outputs.
inline constexpr int64_t kMaxDimension = (int64_t(1) << 31) - 1;

/// A value of the network; unknown (null) after a mistake.
struct Tensor {
  mlir::Value value;
  Shape shape; ///< (N,C,H,W) or (N,C)
  bool known() const { return static_cast<bool>(value); }
};

/// The class scores of a head and the weight of their loss.
struct Head {
  Tensor logits;
  SourceRange range;
  double weight;
  std::string name; ///< of an output; empty for an auxiliary head
};

/// One use of a block, or the network itself (without parent). Frames live on the C++ stack.
struct Frame {
  Frame(const Spec &spec, const ValueScope *network) : scope(spec, network) {}
  const Frame *parent = nullptr;
  const BlockDef *block = nullptr;
  SourceRange use;
  int depth = 0;
  ValueScope scope;
  std::map<std::string, Tensor> values;      ///< named values; `in` is the input
  std::map<std::string, SourceRange> places; ///< where they got their names
};

/// The names of siblings below one path.
class Names {
public:
  explicit Names(std::string prefix = "") : prefix(std::move(prefix)) {}
  std::string path(llvm::StringRef name) const { return prefix.empty() ? name.str() : prefix + "." + name.str(); }
  /// KIND1, KIND2, ... in the order of calls.
  std::string ordinal(llvm::StringRef kind);
  /// Takes `name`; returns where it was taken before, or nothing.
  std::optional<SourceRange> take(const std::string &name, SourceRange range);

private:
  std::string prefix;
  std::map<std::string, int> ordinals;
  std::map<std::string, SourceRange> taken;
};

/// A shape without the batch: "3x224x224", "a row of 1000".
std::string formatSize(llvm::ArrayRef<int64_t> shape);

/// "an integer", "a row": what a parameter of that type expects.
std::string describeParameterType(ParameterType type);

class GraphEmitter {
public:
  GraphEmitter(mlir::MLIRContext &context, const Spec &spec, const LoadOptions &options, Diagnostics &diagnostics);

  /// The module; only complete where no mistake was reported.
  mlir::OwningOpRef<mlir::ModuleOp> run();
  /// Whether the network has all its ops.
  bool complete() const { return done; }

private:
  // EmitGraph.cpp: the network and its structure.
  void emitNetwork();
  void setParameters(Frame &frame);
  std::optional<Shape> inputShape(Frame &frame);
  void emitSections(Frame &frame);
  /// Marks the variables that `frozen` and `rates` name. Behind the network.
  void markParameters(Frame &frame);
  Tensor emitSequence(const std::vector<Op> &ops, Tensor src, Names &names, Frame &frame);
  Tensor emitControl(const Op &op, const Tensor &src, Names &names, Frame &frame);
  Tensor emitFor(const Op &op, const Tensor &src, Names &names, Frame &frame);
  bool count(const Op &op, const Frame &frame);
  void setSource(const Tensor &src, Frame &frame);
  std::string label(const Name &name, llvm::ArrayRef<Expr> indices, Names &names, Frame &frame);
  Tensor emitOp(const Op &op, const Tensor &src, const std::string &name, Names &names, Frame &frame);
  std::string takeName(Names &names, const std::string &name, SourceRange range, const Frame &frame);
  std::string nameOp(const Op &op, int64_t index, Names &names, Frame &frame);
  llvm::SmallVector<Tensor> splitChannels(const Op &op, const Tensor &src, const std::string &path, Frame &frame);
  Tensor emitSplit(const Op &op, const Tensor &src, const std::string &name, Names &names, Frame &frame);
  Tensor emitConcat(const Op &op, llvm::ArrayRef<Tensor> sources, const std::string &name, Names &names, Frame &frame);
  Tensor emitBranch(const Branch &branch, const Tensor &src, Names &names, Frame &frame);
  Tensor emitCombination(const Op &op, const Tensor &src, const std::string &name, Names &names, Frame &frame);
  Tensor emitResidual(const Op &op, const Tensor &src, const std::string &path, Frame &frame);
  Tensor emitNamed(const Op &op, const Tensor &src, const std::string &path, Frame &frame);
  Tensor emitBlock(const Op &op, const Tensor &src, const std::string &name, const std::string &path, Frame &frame);
  const BlockDef *findBlock(const Op &op, Frame &caller);
  void bindParameters(const Op &op, Frame &caller, Frame &frame);
  Tensor multiply(const Op &op, const Tensor &lhs, const Tensor &rhs, const std::string &path, Frame &frame);
  Tensor combine(const Op &op, const Tensor &lhs, const Tensor &rhs, const std::string &path, Frame &frame);
  void explainOperands(const Op &op, const Tensor &lhs, const Tensor &rhs, Frame &frame);
  Tensor sum(const Op &op, const Tensor &lhs, const Tensor &rhs, const std::string &path, Frame &frame);

  // EmitHeads.cpp: what a network ends in.
  Tensor emitHead(const Op &op, const Tensor &src, const std::string &path, Frame &frame);
  /// Moves the network's own scores to the front of the heads: those of the last output, or of the last layer.
  bool orderHeads(const Tensor &last, Frame &frame);
  bool checkHeads(const Frame &frame);
  Tensor emitPixelScores(const Op &op, const Tensor &src, const std::string &path, Frame &frame);
  /// Scores of pixels are the end of the network or of a head, and images are not mixed.
  bool checkPixelScores(const Frame &frame);

  // EmitOps.cpp: ops that compute.
  Tensor emitConv(const Op &op, const Tensor &src, const std::string &path, Frame &frame);
  std::optional<int64_t> groups(const Op &op, const Tensor &src, int64_t filters, Frame &frame);
  Tensor emitPool(const Op &op, const Tensor &src, const std::string &path, Frame &frame);
  Tensor emitGlobalAvgPool(const Op &op, const Tensor &src, const std::string &path, Frame &frame);
  Tensor emitBatchNorm(const Op &op, const Tensor &src, const std::string &path, Frame &frame);
  /// `word` of `activationWords`; with "linear" what flows in.
  Tensor emitActivation(const Op &op, llvm::StringRef word, const Tensor &src, const std::string &path, Frame &frame);
  Tensor emitAdaptiveAvgPool(const Op &op, const Tensor &src, const std::string &path, Frame &frame);
  // EmitUpsample.cpp: ops that make images larger.
  Tensor emitConvTranspose(const Op &op, const Tensor &src, const std::string &path, Frame &frame);
  std::optional<Window> transposedWindow(const Op &op, int64_t (&outputPadding)[2], Frame &frame);
  Tensor emitResize(const Op &op, const Tensor &src, const std::string &path, Frame &frame);
  // EmitChannels.cpp: ops on channels and rows.
  Tensor emitChannelShuffle(const Op &op, const Tensor &src, const std::string &path, Frame &frame);
  Tensor emitChannelScale(const Op &op, const Tensor &src, const std::string &path, Frame &frame);
  Tensor emitLayerNorm(const Op &op, const Tensor &src, const std::string &path, Frame &frame);
  Tensor emitGroupNorm(const Op &op, const Tensor &src, const std::string &path, Frame &frame);
  /// `normal` with a trained factor and addend for each channel.
  Tensor emitAffine(const Op &op, const Tensor &normal, const std::string &path, Frame &frame);
  Tensor emitLocalResponseNorm(const Op &op, const Tensor &src, const std::string &path, Frame &frame);
  Tensor emitSoftmax(const Op &op, const Tensor &src, const std::string &path);
  /// The op's number of groups of channels; reports one that does not divide those of `src`.
  std::optional<int64_t> channelGroups(const Op &op, const Tensor &src, Frame &frame);
  Tensor emitDropout(const Op &op, const Tensor &src, const std::string &path, Frame &frame);
  Tensor emitLinear(const Op &op, const Tensor &src, const std::string &path, Frame &frame);
  Tensor emitFlatten(const Op &op, const Tensor &src, const std::string &path, Frame &frame);
  Tensor emitPadChannels(const Op &op, const Tensor &src, const std::string &path, Frame &frame);
  mlir::Value variable(const Op &op, const std::string &name, llvm::ArrayRef<int64_t> shape, VariableKind kind,
                       mlir::DictionaryAttr init, bool decay, Frame &frame);
  mlir::DictionaryAttr weightsInit(const Op &op, llvm::StringRef fallback, int64_t fanIn, int64_t fanOut, Frame &frame);
  mlir::DictionaryAttr constantInit(llvm::StringRef kind);
  std::optional<int64_t> filters(const Op &op, Frame &frame);
  /// The window of a convolution or pool, with its paddings.
  std::optional<Window> window(const Op &op, const Tensor &src, Frame &frame);
  /// Kernel, stride and dilation; false after a mistake.
  bool givenWindow(Window &window, const Op &op, const Frame &frame);
  /// Paddings that are given in numbers.
  bool givenPadding(Window &window, const Argument &given, const ValueScope &scope, const Frame &frame);
  bool setPadding(Window &window, const Op &op, const Tensor &src, Frame &frame);
  void explainWindow(const Op &op, const Tensor &src, const Window &window);
  void warnOfWindow(const Op &op, const Tensor &src, const Window &window, bool ceil, const Frame &frame);

  // Options.cpp: options of ops, given or by default.
  struct Option {
    const Argument *argument = nullptr;
    const ValueScope *scope = nullptr;
    explicit operator bool() const { return argument != nullptr; }
  };
  Option find(const Op &op, llvm::StringRef key, const Frame &frame) const;
  Option findDefault(OpKind kind, llvm::StringRef key) const;
  std::optional<int64_t> integer(const Expr &expr, const ValueScope &scope, llvm::StringRef what, int64_t least,
                                 int64_t most, const Frame &frame);
  std::optional<double> real(const Expr &expr, const ValueScope &scope, llvm::StringRef what, double least, double most,
                             const Frame &frame);
  /// The number of option `key`, `fallback` where it is left out.
  std::optional<double> number(const Op &op, llvm::StringRef key, double fallback, double least, double most,
                               const Frame &frame);
  /// The value of a flag; false after a mistake in its expression.
  bool truth(const Argument &argument, const ValueScope &scope, const Frame &frame);
  bool flag(const Op &op, llvm::StringRef key, bool fallback, const Frame &frame);
  bool hasBatchNorm(const Op &op, const Frame &frame) const;
  /// The word of the op's option `activation`, "linear" for none.
  std::string activation(const Op &op, llvm::StringRef fallback, const Frame &frame);
  /// A field of a batch norm: of the op's record, of the defaults, or `fallback`.
  std::optional<double> batchNormField(const Op &op, llvm::StringRef key, double fallback, double least, double most,
                                       const Frame &frame);
  bool batchNormScale(const Op &op, const Frame &frame);
  const Argument *batchNormRecord(const Op &op, llvm::StringRef key) const;
  /// Writes an expression or [vertical, horizontal] to `values`; false after a mistake.
  bool pair(const Argument &argument, const ValueScope &scope, llvm::StringRef what, int64_t least,
            int64_t (&values)[2], const Frame &frame);

  // Places and mistakes.
  mlir::Location location(SourceRange range) const;
  void error(SourceRange range, const llvm::Twine &message, const Frame &frame);
  void addUses(const Frame &frame);
  std::optional<Value> value(const Expr &expr, const ValueScope &scope, const Frame &frame);
  /// Runs a shape rule; reports its message at `op` with the shape of `src`.
  std::optional<Shape> infer(const Op &op, const Tensor &src, Frame &frame,
                             llvm::function_ref<mlir::FailureOr<Shape>(EmitError)> rule);
  mlir::RankedTensorType type(llvm::ArrayRef<int64_t> shape) const;
  /// Marks the op that computes `value` with its path.
  Tensor tensor(mlir::Value value, llvm::StringRef path) const;
  bool needsImage(const Op &op, const Tensor &src, Frame &frame);

  mlir::MLIRContext &context;
  const Spec &spec;
  const LoadOptions &options;
  Diagnostics &diagnostics;
  mlir::OpBuilder builder;         ///< where the next op goes
  mlir::OpBuilder variableBuilder; ///< before the function
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::map<std::string, SourceRange> variables;
  ValueScope networkScope; ///< the network's parameters: what defaults and sections see
  std::vector<Head> heads;
  std::vector<std::pair<mlir::Value, SourceRange>> pixelScores; ///< results of pixel_scores
  const Op *lastOp = nullptr; ///< what the value of the main road came through last: no control, and nothing skipped
  int64_t macs = 0;
  int64_t emitted = 0;
  bool done = false;
};

} // namespace incept
