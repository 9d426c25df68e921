// SPDX-License-Identifier: Apache-2.0
//
// Makes activations and their gradients bf16 or f16; parameters, statistics, optimizer and loss stay f32. Weights that
// a library reads have a copy in the low precision, which the update that writes the parameter writes too. With f16 the
// loss is scaled, and a step whose gradients are not finite changes nothing.

#include "dialect/EntryPoints.h"
#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Passes.h"
#include "passes/Target.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_ASSIGNPRECISIONPASS
#include "passes/Passes.h.inc"

namespace {

/// A type with other elements.
RankedTensorType withElement(Type type, Type element) {
  auto tensor = cast<RankedTensorType>(type);
  return RankedTensorType::get(tensor.getShape(), element, tensor.getEncoding());
}

Type elementOfVariable(VariableOp variable) { return variable.getTensorType().getElementType(); }

/// Tensors that may be in low precision; vectors and scalars never are.
bool isFullTensor(Value value) { return shapeOf(value).size() >= 2 && isa<FloatType>(elementOf(value)); }

/// Ops that a library computes from tensors of one type.
bool isLibraryCompute(Operation *op) { return op->hasTrait<OpTrait::Library>() && !isa<ReorderOp>(op); }

/// True where `use` is how weights get into a convolution or a linear layer, forward or backward, or a bias into a
/// convolution: fast libraries add a bias of the tensors' type. (A linear layer's is f32, as its logits are.)
bool isWeightsUse(OpOperand &use) {
  auto conv = dyn_cast<Conv2DOp>(use.getOwner());
  return isa<JoinRowsOp>(use.getOwner()) || (conv && use.get() == conv.getBias()) ||
         (use.getOperandNumber() == 1 &&
          isa<Conv2DOp, Conv2DBackwardDataOp, LinearOp, LinearBackwardDataOp>(use.getOwner()));
}

/// Gives the values of one function their types, in program order.
class FunctionNarrower {
public:
  FunctionNarrower(func::FuncOp function, Type low, const Target &target)
      : function(function), symbols(function->getParentOfType<ModuleOp>()), low(low), target(target) {}

  void run() {
    for (Operation &op : llvm::make_early_inc_range(function.getBody().front()))
      visit(&op);
  }

private:
  void visit(Operation *op) {
    if (auto read = dyn_cast<ReadOp>(op))
      return setElement(read.getValue(), elementOfVariable(symbols.lookup<VariableOp>(read.getVariable())));
    if (auto write = dyn_cast<WriteOp>(op))
      return visitWrite(write);
    if (isa<CastOp>(op))
      return; // somebody asked for this type
    if (auto add = dyn_cast<AddOp>(op); add && readsGradient(add.getRhs()))
      return sumInF32(add);
    if (isa<NormalizeImageOp, ImportImageOp>(op))
      return setElement(op->getResult(0), low);
    if (isa<ZerosOp>(op)) {
      if (isFullTensor(op->getResult(0)))
        setElement(op->getResult(0), low);
      return;
    }
    if (auto loss = dyn_cast<LossOpInterface>(op))
      return castOperand(loss.getLogitsOperand(), f32());
    if (auto gradient = dyn_cast<LossGradientOpInterface>(op)) {
      castOperand(gradient.getLogitsOperand(), f32());
      return setElement(op->getResult(0), low);
    }
    if (auto sample = dyn_cast<ChannelSampleOp>(op))
      return setElement(sample.getDst(), elementOf(sample.getSrc()));
    follow(op);
  }

  bool readsGradient(Value value) {
    auto read = value.getDefiningOp<ReadOp>();
    return read && symbols.lookup<VariableOp>(read.getVariable()).getKind() == VariableKind::Gradient;
  }

  /// Sums over the batches of a step.
  void sumInF32(AddOp add) {
    castOperand(add.getLhsMutable(), f32());
    setElement(add.getDst(), f32());
  }

  Type f32() { return Float32Type::get(function.getContext()); }

  static void setElement(Value value, Type element) { value.setType(withElement(value.getType(), element)); }

  /// Results have the type of the tensors that they are computed from; a library gets all of these in low precision.
  void follow(Operation *op) {
    Type element;
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isFullTensor(operand.get()))
        continue;
      if (!element)
        element = isLibraryCompute(op) ? low : elementOf(operand.get());
      castOperand(operand, element);
    }
    if (!element)
      return;
    if (auto conv = dyn_cast<Conv2DOp>(op); conv && conv.getBias())
      castOperand(*conv.getBiasMutable().begin(), element);
    if (isa<Conv2DBackwardWeightsOp, LinearBackwardWeightsOp>(op))
      element = target.gradientType(op);
    else if (isa<LinearOp>(op) && isLogits(op->getResult(0)))
      element = f32();
    for (Value result : op->getResults())
      if (isFullTensor(result))
        setElement(result, element);
  }

  /// True where only the loss reads `value`, and variables that are f32.
  bool isLogits(Value value) {
    return llvm::all_of(value.getUsers(), [&](Operation *user) {
      auto write = dyn_cast<WriteOp>(user);
      return isa<LossOpInterface, LossGradientOpInterface>(user) ||
             (write && elementOfVariable(symbols.lookup<VariableOp>(write.getVariable())).isF32());
    });
  }

  /// A gradient's variable takes the gradient's type, any other value that of its variable.
  void visitWrite(WriteOp write) {
    auto variable = symbols.lookup<VariableOp>(write.getVariable());
    Type element = elementOf(write.getValue());
    if (variable.getKind() == VariableKind::Gradient)
      variable.setType(withElement(variable.getType(), element));
    else
      castOperand(write.getValueMutable(), elementOfVariable(variable));
  }

  /// Replaces the operand by one of type `element`, which all of its users in the function share.
  void castOperand(OpOperand &operand, Type element) {
    Value value = operand.get();
    if (elementOf(value) == element)
      return;
    Value &made = casts[{value, element}];
    if (!made) {
      OpBuilder builder(function.getContext());
      builder.setInsertionPointAfterValue(value);
      auto op = CastOp::create(builder, value.getLoc(), withElement(value.getType(), element), value);
      if (Operation *producer = value.getDefiningOp())
        setPath(op, getPath(producer));
      made = op.getDst();
    }
    operand.set(made);
  }

  func::FuncOp function;
  SymbolTable symbols;
  Type low;
  const Target &target;
  DenseMap<std::pair<Value, Type>, Value> casts;
};

class PrecisionAssigner {
public:
  PrecisionAssigner(ModuleOp module, Type low, const Target &target, int64_t growthInterval)
      : module(module), low(low), target(target), growthInterval(growthInterval), symbols(module) {}

  void run() {
    func::FuncOp forwardBackward = findEntry(module, EntryPoint::ForwardBackward);
    func::FuncOp infer = findEntry(module, EntryPoint::Infer);
    for (VariableOp variable : module.getOps<VariableOp>())
      if (variable.hasIoRole("f32_input"))
        variable.setType(withElement(variable.getType(), low));
    if (forwardBackward)
      readCopies(forwardBackward);
    if (infer)
      readPrepared(infer);
    using enum EntryPoint;
    for (EntryPoint entry : {StageU8, StageF32, ForwardBackward, Infer})
      if (func::FuncOp function = findEntry(module, entry))
        FunctionNarrower(function, low, target).run();
    func::FuncOp update = findEntry(module, Update);
    if (forwardBackward && update) {
      for (ReadOp read : update.getOps<ReadOp>()) // gradients may have another type now
        read.getValue().setType(symbols.lookup<VariableOp>(read.getVariable()).getType());
      Value unscale = low.isF16() ? scaleLoss(forwardBackward, update) : Value();
      extendUpdates(update, unscale);
      buildPrepareTraining(forwardBackward);
    }
  }

private:
  /// Declares PREFIX/NAME of the variable `of`, behind it.
  VariableOp declare(VariableOp of, StringRef prefix, Type type, VariableKind kind) {
    OpBuilder builder(of);
    builder.setInsertionPointAfter(of);
    auto variable = VariableOp::create(builder, of.getLoc(), (prefix + "/" + of.getSymName()).str(),
                                       cast<RankedTensorType>(type), kind, of.getSymName());
    symbols.insert(variable);
    return variable;
  }

  /// Calls `replace(read, variable)` for each read of a variable whose value is used as weights; the value that it
  /// returns takes that use.
  template <typename Replace>
  void replaceWeights(func::FuncOp function, Replace replace) {
    for (ReadOp read : llvm::make_early_inc_range(function.getOps<ReadOp>())) {
      if (llvm::none_of(read.getValue().getUses(), isWeightsUse))
        continue;
      Value value = replace(read, symbols.lookup<VariableOp>(read.getVariable()));
      read.getValue().replaceUsesWithIf(value, isWeightsUse);
      if (read.use_empty())
        read.erase();
    }
  }

  /// Training reads copies of weights, which the update keeps up to date.
  void readCopies(func::FuncOp function) {
    replaceWeights(function, [&](ReadOp read, VariableOp weights) -> Value {
      VariableOp &copy = copies[weights];
      if (!copy)
        copy = declare(weights, "copy", withElement(weights.getType(), low), VariableKind::Copy);
      OpBuilder builder(read);
      return ReadOp::create(builder, read.getLoc(), copy.getType(), copy.getSymName());
    });
  }

  /// Inference reads what @prepare_inference writes: folded weights, and others cast.
  void readPrepared(func::FuncOp infer) {
    func::FuncOp prepare = findEntry(module, EntryPoint::PrepareInference);
    llvm::StringMap<WriteOp> writes;
    DenseMap<Operation *, VariableOp> narrow; // of weights
    for (WriteOp write : prepare.getOps<WriteOp>())
      writes[write.getVariable()] = write;
    replaceWeights(infer, [&](ReadOp read, VariableOp weights) -> Value {
      if (WriteOp write = writes.lookup(weights.getSymName())) {
        narrowWrite(write, weights);
        read.getValue().setType(weights.getType());
        return read.getValue();
      }
      VariableOp &variable = narrow[weights];
      if (!variable) {
        variable = declare(weights, "narrow", weights.getType(), VariableKind::Derived);
        OpBuilder builder(prepare.getBody().front().getTerminator());
        Value value = ReadOp::create(builder, read.getLoc(), weights.getType(), weights.getSymName());
        narrowWrite(WriteOp::create(builder, read.getLoc(), variable.getSymName(), value), variable);
      }
      OpBuilder builder(read);
      return ReadOp::create(builder, read.getLoc(), variable.getType(), variable.getSymName());
    });
  }

  /// Lets @prepare_inference write `variable`, f32 so far, in low precision.
  void narrowWrite(WriteOp write, VariableOp variable) {
    RankedTensorType type = withElement(variable.getType(), low);
    if (variable.getType() == type)
      return; // read twice
    OpBuilder builder(write);
    auto cast = CastOp::create(builder, write.getLoc(), type, write.getValue());
    setPath(cast, variable.getSymName());
    write.getValueMutable().set(cast.getDst());
    variable.setType(type);
  }

  /// Gives updates `unscale` where there is one, and the copy of what they update. Clipping is behind the unscaling.
  void extendUpdates(func::FuncOp update, Value unscale) {
    for (ClipOp clip : update.getOps<ClipOp>())
      clip.getDst().setType(clip.getSrc().getType());
    if (unscale)
      for (UnscalingOpInterface op : update.getOps<UnscalingOpInterface>())
        op.setUnscale(unscale);
    for (UpdateOpInterface op : llvm::to_vector(update.getOps<UpdateOpInterface>())) {
      auto parameter = symbols.lookup<VariableOp>(op.getParameter().getDefiningOp<ReadOp>().getVariable());
      VariableOp copy = copies.lookup(parameter);
      OperationState state(op.getLoc(), op->getName());
      state.addOperands(op->getOperands());
      state.addTypes(op->getResultTypes());
      state.addAttributes(op->getAttrs());
      if (unscale && !op.getUnscale())
        state.addOperands(unscale);
      if (copy)
        state.addTypes(copy.getType());
      OpBuilder builder(op);
      Operation *extended = builder.create(state);
      op->replaceAllUsesWith(extended->getResults().take_front(op->getNumResults()));
      if (copy)
        WriteOp::create(builder, op.getLoc(), copy.getSymName(), extended->getResults().back());
      op.erase();
    }
  }

  /// The copies from the parameters, for when these were set by somebody else than an update.
  void buildPrepareTraining(func::FuncOp training) {
    if (copies.empty())
      return;
    OpBuilder builder(training);
    func::FuncOp function = createEntry(builder, module.getLoc(), EntryPoint::PrepareTraining);
    builder.setInsertionPointToStart(&function.getBody().front());
    for (auto [parameter, copy] : copies) {
      VariableOp variable = copy;
      Value value = ReadOp::create(builder, variable.getLoc(), cast<VariableOp>(parameter).getType(),
                                   cast<VariableOp>(parameter).getSymName());
      auto made = CastOp::create(builder, variable.getLoc(), cast<RankedTensorType>(variable.getType()), value);
      setPath(made, cast<VariableOp>(parameter).getSymName());
      WriteOp::create(builder, variable.getLoc(), variable.getSymName(), made);
    }
    func::ReturnOp::create(builder, module.getLoc());
  }

  /// Scales the loss, counts what is not finite in its gradients, and keeps running statistics back until that is
  /// known. Returns the factor of gradients in @update: 0 where the step is not to be made.
  Value scaleLoss(func::FuncOp training, func::FuncOp update) {
    OpBuilder builder(module.getContext());
    auto scalar = RankedTensorType::get({}, builder.getF32Type());
    declareSlot(training, "loss_scale/scale", scalar, 65536.0);
    declareSlot(training, "loss_scale/good_steps", scalar, 0.0);
    builder.setInsertionPointToStart(&training.getBody().front());
    Value scale = ReadOp::create(builder, training.getLoc(), scalar, "loss_scale/scale");
    for (auto gradient : training.getOps<LossGradientOpInterface>())
      gradient.setLossScale(scale);

    builder.setInsertionPointToStart(&update.getBody().front());
    Location loc = update.getLoc();
    SmallVector<Value> gradients;
    for (ReadOp read : llvm::make_early_inc_range(update.getOps<ReadOp>()))
      if (symbols.lookup<VariableOp>(read.getVariable()).getKind() == VariableKind::Gradient) {
        read->moveBefore(&update.getBody().front(), builder.getInsertionPoint());
        gradients.push_back(read.getValue());
      }
    auto bad = CountNonfiniteOp::create(builder, loc, scalar, gradients);
    scale = ReadOp::create(builder, loc, scalar, "loss_scale/scale");
    Value good = ReadOp::create(builder, loc, scalar, "loss_scale/good_steps");
    auto next = LossScaleUpdateOp::create(builder, loc, scalar, scalar, scalar, bad, scale, good,
                                          builder.getI64IntegerAttr(growthInterval));
    for (Operation *op : {bad.getOperation(), next.getOperation()})
      setPath(op, "loss_scale");
    WriteOp::create(builder, loc, "loss_scale/scale", next.getNewScale());
    WriteOp::create(builder, loc, "loss_scale/good_steps", next.getNewGoodSteps());
    holdBackStates(training, update, next.getUnscale());
    return next.getUnscale();
  }

  void declareSlot(func::FuncOp training, StringRef name, RankedTensorType type, double value) {
    OpBuilder builder(training);
    auto init = builder.getDictionaryAttr({builder.getNamedAttr("kind", builder.getStringAttr("constant")),
                                           builder.getNamedAttr("value", builder.getF64FloatAttr(value))});
    symbols.insert(
        VariableOp::create(builder, module.getLoc(), name, type, VariableKind::Slot, "", "loss_scale", init));
  }

  /// Running statistics go to pending/NAME; @update makes them count if the step does. Where a step has several
  /// batches, all but the first go on from there.
  void holdBackStates(func::FuncOp training, func::FuncOp update, Value unscale) {
    OpBuilder builder(update.getContext());
    llvm::StringMap<Value> later; // what @update reads
    for (ReadOp read : llvm::make_early_inc_range(update.getOps<ReadOp>()))
      if (symbols.lookup<VariableOp>(read.getVariable()).getKind() == VariableKind::State)
        later[read.getVariable()] = read.getValue();
    if (later.empty())
      builder.setInsertionPoint(update.getBody().front().getTerminator());
    else // before what is computed of the new statistics
      builder.setInsertionPointAfterValue(unscale);
    for (WriteOp write : training.getOps<WriteOp>()) {
      auto state = symbols.lookup<VariableOp>(write.getVariable());
      if (state.getKind() != VariableKind::State)
        continue;
      VariableOp pendingState = declare(state, "pending", state.getType(), VariableKind::Pending);
      write.setVariable(pendingState.getSymName());
      Location loc = write.getLoc();
      Value pending = ReadOp::create(builder, loc, state.getType(), pendingState.getSymName());
      Value old = ReadOp::create(builder, loc, state.getType(), state.getSymName());
      auto selected = SelectOp::create(builder, loc, state.getType(), unscale, pending, old);
      setPath(selected, state.getSymName());
      WriteOp::create(builder, loc, state.getSymName(), selected);
      if (Value read = later.lookup(state.getSymName())) {
        read.replaceAllUsesWith(selected);
        read.getDefiningOp()->erase();
      }
      goOnFrom(pendingState, state, training);
    }
  }

  /// Lets `training` read `pending` in the place of `state` in all batches of a step but the first.
  void goOnFrom(VariableOp pending, VariableOp state, func::FuncOp training) {
    auto fields = training.getOps<StepValueOp>();
    auto part = llvm::find_if(fields, [](StepValueOp value) { return value.getField() == "part"; });
    if (part == fields.end())
      return;
    (*part)->moveBefore(&training.getBody().front().front());
    for (ReadOp read : llvm::to_vector(training.getOps<ReadOp>())) {
      if (read.getVariable() != state.getSymName())
        continue;
      OpBuilder builder(read->getContext());
      builder.setInsertionPointAfter(read);
      Value before = ReadOp::create(builder, read.getLoc(), state.getType(), pending.getSymName());
      auto selected = SelectOp::create(builder, read.getLoc(), state.getType(), *part, before, read);
      setPath(selected, state.getSymName());
      read.getValue().replaceAllUsesExcept(selected, selected);
    }
  }

  ModuleOp module;
  Type low;
  const Target &target;
  int64_t growthInterval;
  SymbolTable symbols;
  llvm::MapVector<Operation *, VariableOp> copies; ///< of parameters
};

struct AssignPrecisionPass : impl::AssignPrecisionPassBase<AssignPrecisionPass> {
  using Base::Base;

  void runOnOperation() override {
    if (precision == "f32")
      return;
    ModuleOp module = getOperation();
    Builder builder(&getContext());
    Type low = precision == "bf16"  ? Type(builder.getBF16Type())
               : precision == "f16" ? Type(builder.getF16Type())
                                    : Type();
    if (!low || growthInterval < 1) {
      module.emitError() << "expected precision f32, bf16 or f16 and a positive growth interval, but got '" << precision
                         << "' and " << int64_t(growthInterval);
      return signalPassFailure();
    }
    const Target *target = findTarget(getOperation());
    if (!target)
      return signalPassFailure();
    PrecisionAssigner(module, low, *target, growthInterval).run();
    module->setAttr("incept.precision", builder.getStringAttr(precision));
  }
};

} // namespace

} // namespace incept
