// SPDX-License-Identifier: Apache-2.0
//
// Appends the loss and all gradients to the forward computation, in reverse mode. Every gradient is written once; a
// value with several consumers gets one add_n of what they contribute, in consumer order.

#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "passes/Passes.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_DIFFERENTIATEPASS
#include "passes/Passes.h.inc"

namespace {

class Differentiator {
public:
  explicit Differentiator(func::FuncOp function)
      : function(function), module(function->getParentOfType<ModuleOp>()), symbols(module),
        builder(function.getContext()) {}

  LogicalResult run() {
    markActive();
    useTrainingForms();
    if (failed(appendLoss()) || failed(walkBackwards()) || failed(writeGradients()))
      return failure();
    eraseDead();
    return success();
  }

private:
  /// A value is active if a parameter influences it: only those get gradients.
  void markActive() {
    for (Operation &op : function.getBody().front()) {
      bool isActive = llvm::any_of(op.getOperands(), [&](Value operand) { return active.contains(operand); });
      if (auto read = dyn_cast<ReadOp>(op))
        isActive = isParameter(read.getVariable());
      if (isActive)
        active.insert(op.result_begin(), op.result_end());
    }
  }

  bool isParameter(StringRef name) {
    auto variable = symbols.lookup<VariableOp>(name);
    return variable && variable.getKind() == "parameter";
  }

  /// Batch norm on the batch's own statistics, and max pooling that remembers where the maximum was.
  void useTrainingForms() {
    for (Operation &op : llvm::make_early_inc_range(function.getBody().front())) {
      builder.setInsertionPoint(&op);
      if (auto norm = dyn_cast<BatchNormOp>(op))
        replace(norm, useBatchStatistics(norm));
      else if (auto pool = dyn_cast<MaxPoolOp>(op); pool && active.contains(pool.getDst()))
        replace(pool, rememberMaximum(pool));
    }
  }

  void replace(Operation *op, Operation *by) {
    setPath(by, getPath(op));
    if (active.contains(op->getResult(0)))
      active.insert(by->getResult(0));
    op->getResult(0).replaceAllUsesWith(by->getResult(0));
    // A later op may get the erased one's address: it must not inherit its mark.
    active.erase(op->getResult(0));
    op->erase();
  }

  Operation *useBatchStatistics(BatchNormOp norm) {
    Type vector = norm.getBeta().getType();
    auto training = BatchNormTrainingOp::create(builder, norm.getLoc(),
                                                TypeRange{norm.getDst().getType(), vector, vector, vector, vector},
                                                norm.getSrc(), norm.getGamma(), norm.getBeta(), norm.getMean(),
                                                norm.getVariance(), norm.getEpsilonAttr(), norm.getDecayAttr());
    for (auto [read, value] : {std::pair(norm.getMean(), training.getNewRunningMean()),
                               std::pair(norm.getVariance(), training.getNewRunningVar())})
      if (auto variable = read.getDefiningOp<ReadOp>())
        WriteOp::create(builder, norm.getLoc(), variable.getVariable(), value);
    return training;
  }

  Operation *rememberMaximum(MaxPoolOp pool) {
    auto dst = cast<RankedTensorType>(pool.getDst().getType());
    auto index = RankedTensorType::get(dst.getShape(), builder.getIntegerType(8, /*isSigned=*/false));
    return MaxPoolWithIndexOp::create(builder, pool.getLoc(), dst, index, pool.getSrc(), pool.getKernelAttr(),
                                      pool.getStrideAttr(), pool.getPadBeginAttr(), pool.getPadEndAttr());
  }

  LogicalResult appendLoss() {
    // The network's own logits come first, then those of auxiliary heads.
    SmallVector<WriteOp> writes;
    for (WriteOp write : function.getOps<WriteOp>())
      if (write.getVariable() == "io/logits" || write.getVariable().starts_with("io/auxiliary_logits"))
        writes.push_back(write);
    if (writes.empty() || writes.front().getVariable() != "io/logits")
      return function.emitError() << "expected a write of io/logits: run incept-build-entry-points first";
    SmallVector<double> weights(writes.size(), 1.0);
    if (auto given = function->getAttrOfType<DenseF64ArrayAttr>("incept.loss_weights")) {
      if (given.size() != static_cast<int64_t>(writes.size()))
        return function.emitError() << "expected incept.loss_weights with " << writes.size() << " values, but got "
                                    << given.size();
      weights.assign(given.asArrayRef().begin(), given.asArrayRef().end());
    }
    builder.setInsertionPointAfter(writes.back());
    Location loc = writes.front().getValue().getLoc();
    auto type = cast<RankedTensorType>(writes.front().getValue().getType());
    Value labels =
        ReadOp::create(builder, loc, RankedTensorType::get({type.getDimSize(0)}, builder.getI64Type()), "io/labels");
    SmallVector<Value> losses;
    for (auto [write, weight] : llvm::zip_equal(writes, weights))
      losses.push_back(weighLoss(write.getValue(), labels, weight));
    Value loss = losses.front();
    if (losses.size() > 1)
      loss = marked(AddNOp::create(builder, loc, loss.getType(), losses)).getDst();
    WriteOp::create(builder, loc, "io/loss", loss);
    for (auto [write, weight] : llvm::zip_equal(writes, weights)) {
      Value logits = write.getValue();
      auto backward = marked(SoftmaxCrossEntropyBackwardOp::create(builder, loc, type, logits, labels, Value(),
                                                                   labelSmoothing(), builder.getF64FloatAttr(weight)));
      contributions[logits].push_back({backward, backward.getDiffLogits()});
    }
    return success();
  }

  Value weighLoss(Value logits, Value labels, double weight) {
    auto scalar = RankedTensorType::get({}, cast<RankedTensorType>(logits.getType()).getElementType());
    Value loss =
        marked(SoftmaxCrossEntropyOp::create(builder, logits.getLoc(), scalar, logits, labels, labelSmoothing()))
            .getLoss();
    if (weight == 1.0)
      return loss;
    return marked(ScaleOp::create(builder, logits.getLoc(), scalar, loss, builder.getF64FloatAttr(weight))).getDst();
  }

  template <typename OpTy>
  static OpTy marked(OpTy op) {
    setPath(op, "loss");
    return op;
  }

  FloatAttr labelSmoothing() {
    auto training = module->getAttrOfType<DictionaryAttr>("incept.training");
    auto value = training ? training.getAs<FloatAttr>("label_smoothing") : FloatAttr();
    return builder.getF64FloatAttr(value ? value.getValueAsDouble() : 0.0);
  }

  LogicalResult walkBackwards() {
    SmallVector<Operation *> forward;
    for (Operation &op : function.getBody().front())
      forward.push_back(&op);
    builder.setInsertionPoint(function.getBody().front().getTerminator());
    for (Operation *op : llvm::reverse(forward)) {
      if (op->getNumResults() == 0 || isa<ReadOp>(op) || !isActiveOp(op))
        continue;
      SmallVector<Value> diffResults;
      for (Value result : op->getResults())
        diffResults.push_back(gradientOf(result));
      if (llvm::none_of(diffResults, [](Value gradient) { return bool(gradient); }))
        continue; // no loss depends on it
      auto rule = dyn_cast<Differentiable>(op);
      if (!rule)
        return op->emitOpError() << "has no gradient rule, but a parameter before it is trained";
      Operation *before = function.getBody().front().getTerminator()->getPrevNode();
      SmallVector<Value> gradients = rule.buildGradient(builder, diffResults);
      for (Operation *made = before->getNextNode(); made && !made->hasTrait<mlir::OpTrait::IsTerminator>();
           made = made->getNextNode())
        setPath(made, getPath(op));
      for (auto [operand, gradient] : llvm::zip_equal(op->getOperands(), gradients))
        if (gradient && active.contains(operand))
          contributions[operand].push_back({op, gradient});
    }
    return success();
  }

  bool isActiveOp(Operation *op) {
    return llvm::any_of(op->getResults(), [&](Value result) { return active.contains(result); });
  }

  /// The sum of what the consumers of `value` contributed, null for none.
  Value gradientOf(Value value) {
    auto found = contributions.find(value);
    if (found == contributions.end())
      return {};
    SmallVector<Value> terms; // contributed from the last consumer to the first
    for (auto &[consumer, term] : llvm::reverse(found->second))
      terms.push_back(term);
    if (terms.size() == 1)
      return terms.front();
    auto sum = AddNOp::create(builder, value.getLoc(), value.getType(), terms);
    if (Operation *op = value.getDefiningOp())
      setPath(sum, getPath(op));
    return sum;
  }

  /// Gradients that no one asked for: of the images, of batch norm without gamma.
  void eraseDead() {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
      if (op.use_empty() && isPure(&op) && op.getNumResults() > 0)
        op.erase();
  }

  LogicalResult writeGradients() {
    llvm::MapVector<StringAttr, SmallVector<Value>> byVariable;
    SmallVector<ReadOp> reads(function.getOps<ReadOp>());
    for (ReadOp read : reads)
      if (isParameter(read.getVariable()))
        for (auto &[consumer, term] : llvm::reverse(contributions[read.getValue()]))
          byVariable[read.getVariableAttr().getAttr()].push_back(term);
    for (VariableOp variable : llvm::make_early_inc_range(module.getOps<VariableOp>())) {
      if (variable.getKind() != "parameter")
        continue;
      auto &terms = byVariable[variable.getSymNameAttr()];
      if (terms.empty())
        return variable.emitError() << "parameter '" << variable.getSymName()
                                    << "' does not influence the loss, so it cannot be trained";
      Value gradient = terms.front();
      if (terms.size() > 1)
        gradient = AddNOp::create(builder, variable.getLoc(), variable.getType(), terms);
      std::string name = ("grad/" + variable.getSymName()).str();
      OpBuilder atModule(module.getContext());
      atModule.setInsertionPoint(function);
      VariableOp::create(atModule, variable.getLoc(), name, variable.getType(), "gradient", DictionaryAttr(), false);
      OpBuilder after(module.getContext());
      after.setInsertionPointAfterValue(gradient);
      WriteOp::create(after, variable.getLoc(), name, gradient);
    }
    return success();
  }

  func::FuncOp function;
  ModuleOp module;
  SymbolTable symbols; ///< without the gradients that are added
  OpBuilder builder;
  DenseSet<Value> active;
  /// Per forward value: consumer and what it contributes to the gradient, from the last consumer to the first.
  llvm::MapVector<Value, SmallVector<std::pair<Operation *, Value>>> contributions;
};

struct DifferentiatePass : impl::DifferentiatePassBase<DifferentiatePass> {
  void runOnOperation() override {
    auto function = getOperation().lookupSymbol<func::FuncOp>("forward_backward");
    if (function && failed(Differentiator(function).run()))
      signalPassFailure();
  }
};

} // namespace
} // namespace incept
