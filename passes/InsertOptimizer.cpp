// SPDX-License-Identifier: Apache-2.0
//
// Adds the function that updates parameters from their gradients, and the optimizer's slots. Which optimizer: the
// update op that is registered for its name says what it needs. Around it stands what all optimizers share: sums over
// the batches of a step, clipping, and averages of weights.

#include "dialect/EntryPoints.h"
#include "dialect/InceptOps.h"
#include "passes/Passes.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_INSERTOPTIMIZERPASS
#include "passes/Passes.h.inc"

namespace {

/// What `incept.training` says of steps, besides the optimizer.
struct StepOptions {
  bool clipsNorm = false, clipsValues = false; ///< the limits are step fields
  bool averages = false;                       ///< the decay is a step field
  bool accumulates = false;                    ///< a step has several batches

  explicit StepOptions(DictionaryAttr training) {
    auto isThere = [&](StringRef name) {
      auto number = training.getAs<FloatAttr>(name);
      return number && number.getValueAsDouble() > 0;
    };
    clipsNorm = isThere("clip_norm");
    clipsValues = isThere("clip_value");
    averages = isThere("ema");
    accumulates = batchesOf(training) > 1;
  }
};

class OptimizerBuilder {
public:
  OptimizerBuilder(ModuleOp module, RegisteredOperationName update, const StepOptions &options)
      : module(module), update(update), optimizer(update.getInterface<UpdateOpInterface>()->getOptimizer()),
        options(options), builder(module.getContext()) {}

  LogicalResult run() {
    DenseMap<StringAttr, VariableOp> gradients;
    for (VariableOp variable : module.getOps<VariableOp>())
      if (variable.getKind() == VariableKind::Gradient)
        gradients[variable.getOwnerAttr().getAttr()] = variable;
    func::FuncOp training = findEntry(module, EntryPoint::ForwardBackward);
    if (options.accumulates)
      accumulate(training);
    builder.setInsertionPointToEnd(module.getBody());
    function = createEntry(builder, module.getLoc(), EntryPoint::Update);
    builder.setInsertionPointToStart(&function.getBody().front());
    SmallVector<Value> numbers;
    for (const Hyperparameter &number : optimizer.hyperparameters)
      numbers.push_back(stepValue(number.field, number.isCounter));
    SmallVector<VariableOp> variables(module.getOps<VariableOp>());
    if (options.clipsNorm)
      clipNorm(variables, gradients);
    for (VariableOp parameter : variables) {
      if (!parameter.isTrained())
        continue;
      VariableOp gradient = gradients.lookup(parameter.getSymNameAttr());
      if (!gradient)
        return parameter.emitError() << "expected a gradient of parameter '" << parameter.getSymName()
                                     << "', but there is none";
      insertUpdate(parameter, gradient, numbers);
    }
    if (options.averages)
      averageStates(training);
    func::ReturnOp::create(builder, module.getLoc());
    return success();
  }

private:
  Value stepValue(StringRef field, bool isCounter = false) {
    Type type = isCounter ? Type(builder.getI64Type()) : builder.getF32Type();
    return StepValueOp::create(builder, module.getLoc(), StepFieldOp::declare(module, field, type));
  }

  RankedTensorType scalar() { return RankedTensorType::get({}, builder.getF32Type()); }

  /// Lets the training function add its gradients to those of the batches before in the same step.
  void accumulate(func::FuncOp training) {
    builder.setInsertionPointToStart(&training.getBody().front());
    Value part = stepValue("part", /*isCounter=*/true);
    SymbolTable symbols(module);
    for (WriteOp write : llvm::to_vector(training.getOps<WriteOp>())) {
      auto variable = symbols.lookup<VariableOp>(write.getVariable());
      if (variable.getKind() != VariableKind::Gradient)
        continue;
      builder.setInsertionPoint(write);
      Value gradient = write.getValue();
      // The gradient first: what the library gives takes the variable's layout (layoutSource).
      auto sum = AddOp::create(builder, write.getLoc(), gradient.getType(), gradient, read(variable));
      auto whole = SelectOp::create(builder, write.getLoc(), gradient.getType(), part, sum, gradient);
      for (Operation *op : {sum.getOperation(), whole.getOperation()})
        setPath(op, *variable.getOwner());
      write.getValueMutable().set(whole);
    }
  }

  /// The factor of all gradients that gives them a norm of `clip_norm` at most.
  void clipNorm(ArrayRef<VariableOp> variables, const DenseMap<StringAttr, VariableOp> &gradients) {
    SmallVector<Value> all;
    for (VariableOp parameter : variables)
      if (VariableOp gradient = gradients.lookup(parameter.getSymNameAttr()))
        all.push_back(reads[gradient] = read(gradient));
    if (all.empty())
      return;
    auto squares = SumSquaresOp::create(builder, module.getLoc(), scalar(), all);
    auto clip =
        ClipFactorOp::create(builder, module.getLoc(), scalar(), squares, stepValue("clip_norm"), /*unscale=*/Value());
    for (Operation *op : {squares.getOperation(), clip.getOperation()})
      setPath(op, "clip_norm");
    factor = clip;
  }

  void insertUpdate(VariableOp parameter, VariableOp gradient, ArrayRef<Value> numbers) {
    Location loc = parameter.getLoc();
    SmallVector<StringRef> written = {parameter.getSymName()};
    SmallVector<Value> operands = {read(parameter), gradientOf(gradient)};
    for (const OptimizerSlot &slot : optimizer.slots) {
      VariableOp variable = declareSlot(parameter, slot);
      written.push_back(variable.getSymName());
      operands.push_back(read(variable));
    }
    llvm::append_range(operands, numbers);
    if (parameter.getRate())
      scaleRate(parameter, MutableArrayRef(operands).take_back(numbers.size()));
    if (optimizer.takesNorms) {
      Value direction = directionOf(parameter, operands);
      for (Value tensor : {operands[0], direction})
        operands.push_back(squaresOf(tensor, parameter));
    }
    if (factor)
      operands.push_back(factor);
    OperationState state(loc, update);
    state.addOperands(operands);
    state.addTypes(SmallVector<Type>(written.size(), parameter.getType()));
    if (parameter.getDecay())
      state.addAttribute("decay", builder.getUnitAttr());
    Operation *op = builder.create(state);
    setPath(op, parameter.getSymName());
    for (auto [name, value] : llvm::zip_equal(written, op->getResults()))
      WriteOp::create(builder, loc, name, value);
    if (options.averages)
      average(parameter, op->getResult(0));
  }

  /// Gives the learning rate among `numbers` the factor of `parameter`.
  void scaleRate(VariableOp parameter, MutableArrayRef<Value> numbers) {
    for (auto [index, number] : llvm::enumerate(optimizer.hyperparameters)) {
      if (number.field != optimizers::kLearningRate.field)
        continue;
      Value &scaled = rates[parameter.getRateAttr()];
      if (!scaled) {
        OpBuilder::InsertionGuard guard(builder);
        builder.setInsertionPointAfterValue(numbers[index]);
        auto scale = ScaleOp::create(builder, parameter.getLoc(), numbers[index].getType(), numbers[index],
                                     parameter.getRateAttr());
        setPath(scale, number.field);
        scaled = scale;
      }
      numbers[index] = scaled;
    }
  }

  /// As updates take it: with its elements clipped where the description asks for it.
  Value gradientOf(VariableOp gradient) {
    Value known = reads.lookup(gradient), value = known ? known : read(gradient);
    if (!options.clipsValues)
      return value;
    if (!valueLimit) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(&function.getBody().front());
      valueLimit = stepValue("clip_value");
    }
    auto clip = ClipOp::create(builder, gradient.getLoc(), value.getType(), value, valueLimit, /*unscale=*/Value());
    setPath(clip, *gradient.getOwner());
    return clip;
  }

  /// What the optimizer wants to know the norm of, besides the parameter; null for what has no decay.
  Value directionOf(VariableOp parameter, ArrayRef<Value> operands) {
    if (!parameter.getDecay())
      return {};
    Value direction =
        update.getInterface<UpdateOpInterface>()->buildDirection(builder, parameter.getLoc(), operands, factor);
    if (direction != operands[1])
      setPath(direction.getDefiningOp(), parameter.getSymName());
    return direction;
  }

  /// 0 for what has no decay: biases and batch norms are small, and their norms say little.
  Value squaresOf(Value tensor, VariableOp parameter) {
    if (parameter.getDecay()) {
      auto squares = SumSquaresOp::create(builder, parameter.getLoc(), scalar(), tensor);
      setPath(squares, parameter.getSymName());
      return squares;
    }
    if (!zero) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(&function.getBody().front());
      auto zeros = ZerosOp::create(builder, module.getLoc(), scalar());
      setPath(zeros, optimizer.kind);
      zero = zeros;
    }
    return zero;
  }

  /// Lets ema/NAME follow the new value of `variable`.
  void average(VariableOp variable, Value value) {
    if (!decay) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(&function.getBody().front());
      decay = stepValue("ema");
      step = stepValue("step", /*isCounter=*/true);
    }
    VariableOp mean = declareSlot(
        variable, "ema", builder.getDictionaryAttr(builder.getNamedAttr("kind", builder.getStringAttr("copy"))));
    auto next =
        AverageUpdateOp::create(builder, variable.getLoc(), mean.getTensorType(), read(mean), value, decay, step);
    setPath(next, variable.getSymName());
    WriteOp::create(builder, variable.getLoc(), mean.getSymName(), next);
  }

  /// The statistics that the training function has written.
  void averageStates(func::FuncOp training) {
    SymbolTable symbols(module);
    for (WriteOp write : training.getOps<WriteOp>())
      if (auto state = symbols.lookup<VariableOp>(write.getVariable()); state.getKind() == VariableKind::State)
        average(state, read(state));
  }

  VariableOp declareSlot(VariableOp parameter, const OptimizerSlot &slot) {
    auto init = builder.getDictionaryAttr({builder.getNamedAttr("kind", builder.getStringAttr("constant")),
                                           builder.getNamedAttr("value", builder.getF64FloatAttr(slot.initial))});
    return declareSlot(parameter, slot.role, init);
  }

  VariableOp declareSlot(VariableOp of, StringRef role, DictionaryAttr init) {
    OpBuilder before(function);
    return VariableOp::create(before, of.getLoc(), (role + "/" + of.getSymName()).str(), of.getTensorType(),
                              VariableKind::Slot, of.getSymName(), role, init);
  }

  Value read(VariableOp variable) {
    return ReadOp::create(builder, variable.getLoc(), variable.getType(), variable.getSymName());
  }

  ModuleOp module;
  RegisteredOperationName update;
  const Optimizer &optimizer;
  const StepOptions &options;
  OpBuilder builder;
  func::FuncOp function;
  DenseMap<Operation *, Value> reads; ///< of gradients that were read before their updates
  Value factor, valueLimit, zero;     ///< of all gradients; where they are needed
  Value decay, step;                  ///< of averages
  DenseMap<Attribute, Value> rates;   ///< the learning rate times a factor
};

struct InsertOptimizerPass : impl::InsertOptimizerPassBase<InsertOptimizerPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (!findEntry(module, EntryPoint::ForwardBackward))
      return;
    auto training = module->getAttrOfType<DictionaryAttr>("incept.training");
    auto optimizer = training ? training.getAs<DictionaryAttr>("optimizer") : DictionaryAttr();
    auto kind = optimizer ? optimizer.getAs<StringAttr>("kind") : StringAttr();
    auto update = kind ? UpdateOpInterface::find(&getContext(), kind.getValue()) : std::nullopt;
    if (!update) {
      auto diagnostic = module.emitError() << "expected incept.training with an optimizer of a kind that is registered";
      if (kind)
        diagnostic << ", but got '" << kind.getValue() << "'";
      return signalPassFailure();
    }
    StepOptions options(training);
    if (options.clipsNorm && options.clipsValues) {
      module.emitError() << "expected incept.training with clip_norm or clip_value, but got both";
      return signalPassFailure();
    }
    if (failed(OptimizerBuilder(module, *update, options).run()))
      signalPassFailure();
  }
};

} // namespace
} // namespace incept
