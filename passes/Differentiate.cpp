// SPDX-License-Identifier: Apache-2.0
//
// Appends the loss and all gradients to the forward computation, in reverse mode. Every gradient is written once; a
// value with several consumers gets one add_n of what they contribute, in consumer order.

#include "dialect/EntryPoints.h"
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
    return variable && variable.isTrained();
  }

  /// Batch norm on the batch's own statistics, and max pooling that remembers where the maximum was.
  void useTrainingForms() {
    for (Operation &op : llvm::make_early_inc_range(function.getBody().front())) {
      builder.setInsertionPoint(&op);
      if (auto norm = dyn_cast<BatchNormOp>(op))
        replace(norm, isFrozen(norm) ? useRunningStatistics(norm) : useBatchStatistics(norm));
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

  /// Whether nothing of it is trained: it stays as it is in inference, and so do its running statistics.
  bool isFrozen(BatchNormOp norm) {
    auto isFixed = [&](Value value) {
      auto read = value.getDefiningOp<ReadOp>();
      auto variable = read ? symbols.lookup<VariableOp>(read.getVariable()) : VariableOp();
      return variable && variable.getFrozen();
    };
    return isFixed(norm.getBeta()) && (!norm.getGamma() || isFixed(norm.getGamma()));
  }

  Operation *useRunningStatistics(BatchNormOp norm) {
    Type vector = norm.getBeta().getType();
    auto fold = FoldBatchNormOp::create(builder, norm.getLoc(), vector, vector, norm.getGamma(), norm.getBeta(),
                                        norm.getMean(), norm.getVariance(), /*bias=*/Value(), norm.getEpsilonAttr());
    setPath(fold, getPath(norm));
    return ScaleShiftOp::create(builder, norm.getLoc(), norm.getDst().getType(), norm.getSrc(), norm.getMean(),
                                fold.getScale(), norm.getBeta());
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

  /// The role of an io variable, empty for others.
  StringRef ioRole(StringRef name) {
    auto variable = symbols.lookup<VariableOp>(name);
    return variable && variable.getKind() == VariableKind::Io ? *variable.getRole() : StringRef();
  }

  StringRef ioName(StringRef role) {
    for (VariableOp variable : module.getOps<VariableOp>())
      if (variable.hasIoRole(role))
        return variable.getSymName();
    return {};
  }

  LogicalResult appendLoss() {
    // The network's own logits come first, then those of other outputs and of auxiliary heads.
    SmallVector<WriteOp> writes;
    for (WriteOp write : function.getOps<WriteOp>())
      if (StringRef role = ioRole(write.getVariable());
          role == "logits" || role.starts_with("logits/") || role.starts_with("auxiliary_logits"))
        writes.push_back(write);
    StringRef labelsName = ioName("labels"), lossName = ioName("loss");
    if (writes.empty() || ioRole(writes.front().getVariable()) != "logits" || labelsName.empty() || lossName.empty())
      return function.emitError()
             << "expected io variables of roles logits, labels and loss, and a write of the first: "
                "run incept-build-entry-points first";
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
        ReadOp::create(builder, loc, RankedTensorType::get({type.getDimSize(0)}, builder.getI64Type()), labelsName);
    auto training = module->getAttrOfType<DictionaryAttr>("incept.training");
    auto kindAttr = training ? training.getAs<StringAttr>("loss") : StringAttr();
    StringRef kind = kindAttr ? kindAttr.getValue() : kLosses[0];
    auto registered = LossOpInterface::find(builder.getContext(), kind);
    if (!registered)
      return function.emitError() << "expected incept.training with a loss that is registered, but got '" << kind
                                  << "'";
    auto *lossKind = registered->getInterface<LossOpInterface>();
    SmallVector<LossOpInterface> losses, others;
    SmallVector<Value> weighed;
    Value share = mixesImages(training) ? readShare() : Value();
    if (share && module->hasAttr("incept.label_map"))
      return function.emitError() << "expected one label for each image where images are mixed: a mixed image has two "
                                     "maps of labels";
    auto outputs = module->getAttrOfType<ArrayAttr>("incept.outputs");
    for (auto [head, write, weight] : llvm::enumerate(writes, weights)) {
      Value logits = write.getValue();
      auto build = [&](SmallVector<LossOpInterface> &list) {
        Value loss = marked(lossKind->buildLoss(builder, logits.getLoc(), logits, labels, training));
        list.push_back(loss.getDefiningOp<LossOpInterface>());
        return loss;
      };
      Value loss = build(losses);
      if (share) {
        Value other = build(others);
        if (!others.back().reverseLabels())
          return function.emitError() << "expected a loss that takes two labels for images that are mixed, but '"
                                      << kind << "' does not";
        loss = marked(MixOp::create(builder, logits.getLoc(), loss.getType(), loss, other, share));
      }
      if (outputs && outputs.size() > 1 && head < outputs.size()) {
        StringRef own = ioName(("loss/" + cast<StringAttr>(outputs[head]).getValue()).str());
        if (own.empty())
          return function.emitError() << "expected an io variable for the loss of each of incept.outputs";
        WriteOp::create(builder, loc, own, loss);
      }
      if (weight != 1.0)
        loss = marked(ScaleOp::create(builder, logits.getLoc(), loss.getType(), loss, builder.getF64FloatAttr(weight)));
      weighed.push_back(loss);
    }
    Value loss = weighed.front();
    if (weighed.size() > 1)
      loss = marked(AddNOp::create(builder, loc, loss.getType(), weighed));
    WriteOp::create(builder, loc, lossName, loss);
    // Of the mean over all batches of a step: their gradients are added.
    auto batches = double(batchesOf(training));
    for (size_t head = 0; head < writes.size(); ++head) {
      WriteOp write = writes[head];
      Value gradient = marked(losses[head].buildGradient(builder, weights[head] / batches));
      if (share) {
        Value other = marked(others[head].buildGradient(builder, weights[head] / batches));
        gradient = marked(MixOp::create(builder, loc, gradient.getType(), gradient, other, share));
      }
      contributions[write.getValue()].push_back({gradient.getDefiningOp(), gradient});
    }
    return success();
  }

  /// The step field that says how much of each image is the image itself.
  Value readShare() {
    return StepValueOp::create(builder, function.getLoc(), StepFieldOp::declare(module, "share", builder.getF32Type()));
  }

  static Value marked(Value value) {
    setPath(value.getDefiningOp(), "loss");
    return value;
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

  /// Gradients that no one asked for: of the images, of batch norm without gamma; and positions of maxima, where no
  /// gradient came back to the pool.
  void eraseDead() {
    PatternRewriter rewriter(function.getContext());
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front()))) {
      rewriter.setInsertionPoint(&op);
      if (op.use_empty() && isPure(&op) && op.getNumResults() > 0)
        op.erase();
      else if (auto pool = dyn_cast<MaxPoolWithIndexOp>(op))
        (void)MaxPoolWithIndexOp::canonicalize(pool, rewriter);
    }
  }

  LogicalResult writeGradients() {
    llvm::MapVector<StringAttr, SmallVector<Value>> byVariable;
    SmallVector<ReadOp> reads(function.getOps<ReadOp>());
    for (ReadOp read : reads)
      if (isParameter(read.getVariable()))
        for (auto &[consumer, term] : llvm::reverse(contributions[read.getValue()]))
          byVariable[read.getVariableAttr().getAttr()].push_back(term);
    for (VariableOp variable : llvm::make_early_inc_range(module.getOps<VariableOp>())) {
      if (!variable.isTrained())
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
      VariableOp::create(atModule, variable.getLoc(), name, variable.getTensorType(), VariableKind::Gradient,
                         variable.getSymName());
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
    func::FuncOp function = findEntry(getOperation(), EntryPoint::ForwardBackward);
    if (function && failed(Differentiator(function).run()))
      signalPassFailure();
  }
};

} // namespace
} // namespace incept
