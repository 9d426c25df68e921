// SPDX-License-Identifier: Apache-2.0
//
// Adds the function that updates parameters from their gradients, and the optimizer's slots.

#include "dialect/InceptOps.h"
#include "passes/Passes.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_INSERTOPTIMIZERPASS
#include "passes/Passes.h.inc"

namespace {

class OptimizerBuilder {
public:
  explicit OptimizerBuilder(ModuleOp module) : module(module), builder(module.getContext()) {}

  LogicalResult run(StringRef kind) {
    SmallVector<VariableOp> parameters;
    for (VariableOp variable : module.getOps<VariableOp>())
      if (variable.getKind() == "parameter")
        parameters.push_back(variable);
    function = func::FuncOp::create(builder, module.getLoc(), "update", builder.getFunctionType({}, {}));
    module.push_back(function);
    builder.setInsertionPointToStart(function.addEntryBlock());
    auto field = [&](StringRef name) -> Value {
      return StepValueOp::create(builder, module.getLoc(), StepFieldOp::declare(module, name, builder.getF32Type()));
    };
    rate = field("learning_rate");
    momentum = field("momentum");
    decay = field("weight_decay");
    if (kind == "rmsprop") {
      rmsDecay = field("rms_decay");
      epsilon = field("rms_epsilon");
    }
    for (VariableOp parameter : parameters)
      kind == "rmsprop" ? updateRmsprop(parameter) : updateSgd(parameter);
    func::ReturnOp::create(builder, module.getLoc());
    return success();
  }

private:
  /// Reads `name`; declares it as a slot that starts at `initial` if it does not exist.
  Value readSlot(VariableOp parameter, StringRef slot, double initial) {
    std::string name = (slot + "/" + parameter.getSymName()).str();
    OpBuilder before(function);
    auto init = builder.getDictionaryAttr({builder.getNamedAttr("kind", builder.getStringAttr("constant")),
                                           builder.getNamedAttr("value", builder.getF64FloatAttr(initial))});
    VariableOp::create(before, parameter.getLoc(), name, parameter.getType(), "slot", init, false);
    return read(parameter, name);
  }

  Value read(VariableOp parameter, StringRef name) {
    return ReadOp::create(builder, parameter.getLoc(), parameter.getType(), name);
  }

  void write(VariableOp parameter, StringRef slot, Value value) {
    std::string name = slot.empty() ? parameter.getSymName().str() : (slot + "/" + parameter.getSymName()).str();
    WriteOp::create(builder, parameter.getLoc(), name, value);
  }

  void updateSgd(VariableOp parameter) {
    Type type = parameter.getType();
    Value value = read(parameter, parameter.getSymName());
    Value gradient = read(parameter, ("grad/" + parameter.getSymName()).str());
    Value velocity = readSlot(parameter, "momentum", 0);
    auto update = SgdUpdateOp::create(builder, parameter.getLoc(), type, type, Type(), value, gradient, velocity, rate,
                                      momentum, decay, Value(), parameter.getDecay());
    setPath(update, parameter.getSymName());
    write(parameter, "", update.getNewParameter());
    write(parameter, "momentum", update.getNewVelocity());
  }

  void updateRmsprop(VariableOp parameter) {
    Type type = parameter.getType();
    Value value = read(parameter, parameter.getSymName());
    Value gradient = read(parameter, ("grad/" + parameter.getSymName()).str());
    Value meanSquare = readSlot(parameter, "mean_square", 1);
    Value velocity = readSlot(parameter, "momentum", 0);
    auto update =
        RmspropUpdateOp::create(builder, parameter.getLoc(), type, type, type, Type(), value, gradient, meanSquare,
                                velocity, rate, momentum, rmsDecay, epsilon, decay, Value(), parameter.getDecay());
    setPath(update, parameter.getSymName());
    write(parameter, "", update.getNewParameter());
    write(parameter, "mean_square", update.getNewMeanSquare());
    write(parameter, "momentum", update.getNewVelocity());
  }

  ModuleOp module;
  func::FuncOp function;
  OpBuilder builder;
  Value rate, momentum, decay, rmsDecay, epsilon;
};

struct InsertOptimizerPass : impl::InsertOptimizerPassBase<InsertOptimizerPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (!module.lookupSymbol<func::FuncOp>("forward_backward"))
      return;
    auto training = module->getAttrOfType<DictionaryAttr>("incept.training");
    auto optimizer = training ? training.getAs<DictionaryAttr>("optimizer") : DictionaryAttr();
    auto kind = optimizer ? optimizer.getAs<StringAttr>("kind") : StringAttr();
    if (!kind || (kind.getValue() != "sgd" && kind.getValue() != "rmsprop")) {
      module.emitError() << "expected incept.training with an optimizer of kind sgd or rmsprop";
      return signalPassFailure();
    }
    if (failed(OptimizerBuilder(module).run(kind.getValue())))
      signalPassFailure();
  }
};

} // namespace
} // namespace incept
