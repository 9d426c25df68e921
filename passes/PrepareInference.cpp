// SPDX-License-Identifier: Apache-2.0
//
// Folds batch norm into convolutions for inference. What inference reads is computed once, by @prepare_inference.

#include "dialect/EntryPoints.h"
#include "dialect/InceptOps.h"
#include "passes/Passes.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_PREPAREINFERENCEPASS
#include "passes/Passes.h.inc"

namespace {

class InferencePreparer {
public:
  InferencePreparer(ModuleOp module, func::FuncOp infer)
      : module(module), infer(infer), prepare(module.getContext()), variables(module.getContext()) {}

  LogicalResult run() {
    OpBuilder builder(infer);
    func::FuncOp function = createEntry(builder, infer.getLoc(), EntryPoint::PrepareInference);
    variables.setInsertionPoint(function);
    prepare.setInsertionPointToStart(&function.getBody().front());
    SmallVector<BatchNormOp> norms(infer.getOps<BatchNormOp>());
    for (BatchNormOp norm : norms)
      if (failed(lower(norm)))
        return failure();
    func::ReturnOp::create(prepare, infer.getLoc());
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(infer.getBody().front())))
      if (isa<ReadOp>(op) && op.use_empty())
        op.erase();
    return success();
  }

private:
  /// The same read, in @prepare_inference.
  Value readAgain(Value value) {
    if (!value)
      return {};
    auto read = value.getDefiningOp<ReadOp>();
    return ReadOp::create(prepare, read.getLoc(), read.getValue().getType(), read.getVariable());
  }

  static bool isReadOrNull(Value value) { return !value || value.getDefiningOp<ReadOp>(); }

  /// Declares the derived variable folded/NAME, written by @prepare_inference, and reads it before `user`.
  Value derive(Operation *user, StringRef name, Value value) {
    std::string symbol = ("folded/" + name).str();
    VariableOp::create(variables, user->getLoc(), symbol, cast<RankedTensorType>(value.getType()),
                       VariableKind::Derived);
    WriteOp::create(prepare, user->getLoc(), symbol, value);
    OpBuilder before(user);
    return ReadOp::create(before, user->getLoc(), value.getType(), symbol);
  }

  LogicalResult lower(BatchNormOp norm) {
    for (Value operand : {norm.getGamma(), norm.getBeta(), norm.getMean(), norm.getVariance()})
      if (!isReadOrNull(operand))
        return norm.emitOpError() << "expected statistics and parameters that are read from variables";
    auto conv = norm.getSrc().getDefiningOp<Conv2DOp>();
    bool folds = conv && !folded.contains(conv) && conv->hasOneUse() && !conv.getRelu() &&
                 isReadOrNull(conv.getWeights()) && isReadOrNull(conv.getBias());
    Value beta = readAgain(norm.getBeta());
    Type vector = beta.getType();
    Value mean = readAgain(norm.getMean());
    auto fold = FoldBatchNormOp::create(prepare, norm.getLoc(), vector, vector, readAgain(norm.getGamma()), beta, mean,
                                        readAgain(norm.getVariance()), folds ? readAgain(conv.getBias()) : Value(),
                                        norm.getEpsilonAttr());
    setPath(fold, getPath(norm));
    folds ? foldInto(conv, norm, fold) : keep(norm, fold);
    return success();
  }

  void foldInto(Conv2DOp conv, BatchNormOp norm, FoldBatchNormOp fold) {
    auto weights = ReorderOp::create(prepare, conv.getLoc(), conv.getWeights().getType(), readAgain(conv.getWeights()),
                                     fold.getScale());
    setPath(weights, getPath(conv));
    Value scaled = derive(conv, (getPath(conv) + ".weight").str(), weights);
    Value bias = derive(conv, (getPath(conv) + ".bias").str(), fold.getShift());
    OpBuilder before(conv);
    auto replacement =
        Conv2DOp::create(before, conv.getLoc(), conv.getType(), conv.getSrc(), scaled, bias, Value(),
                         conv.getStrideAttr(), conv.getPadBeginAttr(), conv.getPadEndAttr(), conv.getDilationAttr(),
                         conv.getGroupsAttr(), conv.getScaleAttr(), conv.getReluAttr());
    setPath(replacement, getPath(conv));
    folded.insert(replacement);
    norm.replaceAllUsesWith(replacement.getDst());
    norm.erase();
    conv.erase();
  }

  /// (src - mean) * scale + beta, with scale prepared.
  void keep(BatchNormOp norm, FoldBatchNormOp fold) {
    Value scale = derive(norm, (getPath(norm) + ".scale").str(), fold.getScale());
    OpBuilder before(norm);
    auto apply = ScaleShiftOp::create(before, norm.getLoc(), norm.getType(), norm.getSrc(), norm.getMean(), scale,
                                      norm.getBeta());
    setPath(apply, getPath(norm));
    norm.replaceAllUsesWith(apply.getDst());
    norm.erase();
  }

  ModuleOp module;
  func::FuncOp infer;
  OpBuilder prepare;                  ///< in @prepare_inference
  llvm::DenseSet<Operation *> folded; ///< convolutions that have a batch norm in them
  OpBuilder variables;                ///< before the functions
};

struct PrepareInferencePass : impl::PrepareInferencePassBase<PrepareInferencePass> {
  void runOnOperation() override {
    func::FuncOp infer = findEntry(getOperation(), EntryPoint::Infer);
    if (infer && failed(InferencePreparer(getOperation(), infer).run()))
      signalPassFailure();
  }
};

} // namespace
} // namespace incept
