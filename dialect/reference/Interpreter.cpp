// SPDX-License-Identifier: Apache-2.0
//
// Structure: functions, regions, variables, step values and constants. What ops compute is in the family files.

#include "dialect/reference/Interpreter.h"
#include "dialect/reference/Evaluators.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace incept::reference {

LogicalResult Values::create(Value value) {
  FailureOr<Tensor> tensor = makeTensor(value.getType());
  if (failed(tensor))
    return failure();
  set(value, std::make_shared<Tensor>(std::move(*tensor)));
  return success();
}

static void attachEvaluators(MLIRContext *context, InceptDialect *) {
  attachConvEvaluators(context);
  attachElementwiseEvaluators(context);
  attachLossEvaluators(context);
  attachNormEvaluators(context);
  attachOptimizerEvaluators(context);
  attachPoolEvaluators(context);
}

namespace {

/// One run of one function.
class Run {
public:
  Run(const std::map<std::string, Tensor> &variables, const std::map<std::string, double> &fields)
      : variables(variables), fields(fields) {}

  /// Evaluates the ops of `block` up to its terminator; its arguments must have values.
  LogicalResult block(Block &block);

  Values values;
  /// New values of variables, by name.
  std::map<std::string, std::shared_ptr<Tensor>> writes;

private:
  LogicalResult operation(Operation *op);
  LogicalResult region(Operation *op, Block &body);
  LogicalResult read(ReadOp op);
  LogicalResult write(WriteOp op);
  LogicalResult stepValue(StepValueOp op);
  LogicalResult constant(Operation *op, ElementsAttr attribute);

  const std::map<std::string, Tensor> &variables;
  const std::map<std::string, double> &fields;
};

} // namespace

LogicalResult Run::block(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(operation(&op)))
      return failure();
  return success();
}

LogicalResult Run::operation(Operation *op) {
  for (Value operand : op->getOperands())
    if (!values.share(operand))
      return op->emitOpError() << "is interpreted before its operand has a value";
  if (auto block = dyn_cast<BlockOp>(op))
    return region(op, block.getBody().front());
  if (auto group = dyn_cast<GroupOp>(op))
    return region(op, group.getBody().front());
  if (auto write = dyn_cast<WriteOp>(op))
    return this->write(write);

  for (Value result : op->getResults())
    if (failed(values.create(result)))
      return op->emitOpError() << "has a result of type " << result.getType()
                               << ", which the interpreter cannot hold: it takes static shapes of 1 to 2^28 "
                                  "elements that are floats, i64 or ui8";
  if (auto read = dyn_cast<ReadOp>(op))
    return this->read(read);
  if (auto step = dyn_cast<StepValueOp>(op))
    return stepValue(step);
  ElementsAttr attribute;
  if (matchPattern(op, m_Constant(&attribute)))
    return constant(op, attribute);
  auto evaluator = dyn_cast<Evaluator>(op);
  if (!evaluator)
    return op->emitOpError() << "is unknown to the interpreter, which runs the graph, training and fused phases";
  if (failed(evaluator(values)))
    return failure();
  for (Value result : op->getResults())
    roundToType(result.getType(), values.result(result));
  return success();
}

LogicalResult Run::region(Operation *op, Block &body) {
  for (auto [argument, operand] : llvm::zip_equal(body.getArguments(), op->getOperands()))
    values.set(argument, values.share(operand));
  if (failed(block(body)))
    return failure();
  for (auto [result, yielded] : llvm::zip_equal(op->getResults(), body.getTerminator()->getOperands()))
    values.set(result, values.share(yielded));
  return success();
}

LogicalResult Run::read(ReadOp op) {
  auto found = variables.find(op.getVariable().str());
  if (found == variables.end())
    return op.emitOpError() << "expected a value for variable '" << op.getVariable() << "', but it has none";
  Tensor &value = values.result(op.getValue());
  if (found->second.shape != value.shape || found->second.size() != value.size())
    return op.emitOpError() << "expected variable '" << op.getVariable() << "' with shape " << formatShape(value.shape)
                            << ", but its value has shape " << formatShape(found->second.shape);
  value = found->second;
  roundToType(op.getType(), value); // a caller may have set it to anything
  return success();
}

LogicalResult Run::write(WriteOp op) {
  if (!writes.emplace(op.getVariable().str(), values.share(op.getValue())).second)
    return op.emitOpError() << "expected one write of variable '" << op.getVariable()
                            << "' in a function, but this is the second";
  return success();
}

LogicalResult Run::stepValue(StepValueOp op) {
  auto found = fields.find(op.getField().str());
  if (found == fields.end())
    return op.emitOpError() << "expected a value for step field '" << op.getField() << "', but there is none";
  values.result(op.getValue()).values[0] = found->second;
  return success();
}

LogicalResult Run::constant(Operation *op, ElementsAttr attribute) {
  auto dense = dyn_cast<DenseElementsAttr>(attribute);
  if (!dense)
    return op->emitOpError() << "expected a dense constant";
  Tensor &result = values.result(op->getResult(0));
  int64_t index = 0;
  if (auto floats = dyn_cast<DenseFPElementsAttr>(dense)) {
    for (APFloat value : floats) {
      bool loses = false;
      value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &loses);
      result.values[index++] = value.convertToDouble();
    }
    return success();
  }
  for (APInt value : dense.getValues<APInt>())
    result.values[index++] =
        result.kind == ElementKind::UInt8 ? double(value.getZExtValue()) : double(value.getSExtValue());
  return success();
}

Interpreter::Interpreter(ModuleOp module) : module(module) {
  DialectRegistry registry;
  registry.addExtension(attachEvaluators);
  module.getContext()->appendDialectRegistry(registry);
  for (VariableOp variable : module.getOps<VariableOp>())
    if (FailureOr<Tensor> tensor = makeTensor(variable.getType()); succeeded(tensor))
      variableValues[variable.getSymName().str()] = std::move(*tensor);
}

LogicalResult Interpreter::run(StringRef name, ArrayRef<Tensor> inputs, SmallVectorImpl<Tensor> &outputs) {
  auto function = module.lookupSymbol<func::FuncOp>(name);
  if (!function || function.isExternal())
    return module.emitError() << "expected a function '" << name << "' with a body, but there is none";
  if (!llvm::hasSingleElement(function.getBody()))
    return function.emitError() << "expected a function of one block, but got "
                                << std::distance(function.getBody().begin(), function.getBody().end());
  Block &body = function.getBody().front();
  if (inputs.size() != body.getNumArguments())
    return function.emitError() << "expected " << body.getNumArguments() << " inputs, but got " << inputs.size();

  Run run(variableValues, fields);
  for (auto [argument, input] : llvm::zip_equal(body.getArguments(), inputs)) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type || type.getShape() != ArrayRef<int64_t>(input.shape))
      return function.emitError() << "expected input " << argument.getArgNumber() << " of type " << argument.getType()
                                  << ", but got shape " << formatShape(input.shape);
    run.values.set(argument, std::make_shared<Tensor>(input));
  }
  if (failed(run.block(body)))
    return failure();
  auto returned = dyn_cast<func::ReturnOp>(body.getTerminator());
  if (!returned)
    return body.getTerminator()->emitOpError() << "is unknown to the interpreter: expected func.return";

  outputs.clear();
  for (Value value : returned.getOperands())
    outputs.push_back(run.values[value]);
  for (auto &[variable, value] : run.writes)
    variableValues[variable] = *value;
  return success();
}

} // namespace incept::reference
