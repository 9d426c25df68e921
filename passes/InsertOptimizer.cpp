// SPDX-License-Identifier: Apache-2.0
//
// Adds the function that updates parameters from their gradients, and the optimizer's slots. Which optimizer: the
// update op that is registered for its name says what it needs.

#include "dialect/EntryPoints.h"
#include "dialect/InceptOps.h"
#include "passes/Passes.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_INSERTOPTIMIZERPASS
#include "passes/Passes.h.inc"

namespace {

class OptimizerBuilder {
public:
  OptimizerBuilder(ModuleOp module, RegisteredOperationName update)
      : module(module), update(update), optimizer(update.getInterface<UpdateOpInterface>()->getOptimizer()),
        builder(module.getContext()) {}

  LogicalResult run() {
    DenseMap<StringAttr, VariableOp> gradients;
    for (VariableOp variable : module.getOps<VariableOp>())
      if (variable.getKind() == VariableKind::Gradient)
        gradients[variable.getOwnerAttr().getAttr()] = variable;
    builder.setInsertionPointToEnd(module.getBody());
    function = createEntry(builder, module.getLoc(), EntryPoint::Update);
    builder.setInsertionPointToStart(&function.getBody().front());
    SmallVector<Value> numbers;
    for (const Hyperparameter &number : optimizer.hyperparameters)
      numbers.push_back(StepValueOp::create(builder, module.getLoc(),
                                            StepFieldOp::declare(module, number.field, builder.getF32Type())));
    for (VariableOp parameter : llvm::to_vector(module.getOps<VariableOp>())) {
      if (!parameter.isParameter())
        continue;
      VariableOp gradient = gradients.lookup(parameter.getSymNameAttr());
      if (!gradient)
        return parameter.emitError() << "expected a gradient of parameter '" << parameter.getSymName()
                                     << "', but there is none";
      insertUpdate(parameter, gradient, numbers);
    }
    func::ReturnOp::create(builder, module.getLoc());
    return success();
  }

private:
  void insertUpdate(VariableOp parameter, VariableOp gradient, ArrayRef<Value> numbers) {
    Location loc = parameter.getLoc();
    SmallVector<StringRef> written = {parameter.getSymName()};
    SmallVector<Value> operands = {read(parameter), read(gradient)};
    for (const OptimizerSlot &slot : optimizer.slots) {
      VariableOp variable = declareSlot(parameter, slot);
      written.push_back(variable.getSymName());
      operands.push_back(read(variable));
    }
    llvm::append_range(operands, numbers);
    OperationState state(loc, update);
    state.addOperands(operands);
    state.addTypes(SmallVector<Type>(written.size(), parameter.getType()));
    if (parameter.getDecay())
      state.addAttribute("decay", builder.getUnitAttr());
    Operation *op = builder.create(state);
    setPath(op, parameter.getSymName());
    for (auto [name, value] : llvm::zip_equal(written, op->getResults()))
      WriteOp::create(builder, loc, name, value);
  }

  VariableOp declareSlot(VariableOp parameter, const OptimizerSlot &slot) {
    OpBuilder before(function);
    auto init = builder.getDictionaryAttr({builder.getNamedAttr("kind", builder.getStringAttr("constant")),
                                           builder.getNamedAttr("value", builder.getF64FloatAttr(slot.initial))});
    return VariableOp::create(before, parameter.getLoc(), (slot.role + "/" + parameter.getSymName()).str(),
                              parameter.getTensorType(), VariableKind::Slot, parameter.getSymName(), slot.role, init);
  }

  Value read(VariableOp variable) {
    return ReadOp::create(builder, variable.getLoc(), variable.getType(), variable.getSymName());
  }

  ModuleOp module;
  RegisteredOperationName update;
  const Optimizer &optimizer;
  OpBuilder builder;
  func::FuncOp function;
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
    if (failed(OptimizerBuilder(module, *update).run()))
      signalPassFailure();
  }
};

} // namespace
} // namespace incept
