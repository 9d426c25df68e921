// SPDX-License-Identifier: Apache-2.0
//
// Verifiers of variables, blocks and groups.

#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"

using namespace mlir;

namespace incept {

LogicalResult VariableOp::verify() {
  // variable_c1
  if (!llvm::is_contained({"parameter", "state", "gradient", "slot", "io", "derived", "copy", "pending"}, getKind()))
    return emitOpError() << "expected kind parameter, state, gradient, slot, io, derived, copy or pending, but got '"
                         << getKind() << "'";
  // variable_c2
  if (!cast<RankedTensorType>(getType()).hasStaticShape())
    return emitOpError() << "expected a static shape, but got " << getType();
  return success();
}

static LogicalResult verifyVariableUse(Operation *op, FlatSymbolRefAttr name, Value value,
                                       SymbolTableCollection &table) {
  auto variable = table.lookupNearestSymbolFrom<VariableOp>(op, name);
  if (!variable)
    return op->emitOpError() << "expected a variable named '" << name.getValue() << "', but there is none";
  auto declared = cast<RankedTensorType>(variable.getType()), used = cast<RankedTensorType>(value.getType());
  if (declared.getShape() == used.getShape() && declared.getElementType() == used.getElementType())
    return success();
  auto diagnostic = op->emitOpError() << "expected the variable's type " << declared << ", but got " << used;
  diagnostic.attachNote(variable.getLoc()) << "variable defined here";
  return diagnostic;
}

LogicalResult ReadOp::verifySymbolUses(SymbolTableCollection &table) {
  // read_c1
  return verifyVariableUse(*this, getVariableAttr(), getValue(), table);
}

LogicalResult WriteOp::verifySymbolUses(SymbolTableCollection &table) {
  // write_c1
  return verifyVariableUse(*this, getVariableAttr(), getValue(), table);
}

StepFieldOp StepFieldOp::declare(ModuleOp module, StringRef name, Type type) {
  if (auto field = module.lookupSymbol<StepFieldOp>(name))
    return field;
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  return StepFieldOp::create(builder, module.getLoc(), name, type);
}

/// Of a field's values: they have no sign.
static Type valueType(StepFieldOp field) {
  Type type = field.getType();
  return type.isInteger() ? IntegerType::get(type.getContext(), type.getIntOrFloatBitWidth()) : type;
}

void StepValueOp::build(OpBuilder &builder, OperationState &state, StepFieldOp field) {
  build(builder, state, RankedTensorType::get({}, valueType(field)), field.getSymName());
}

LogicalResult StepValueOp::verifySymbolUses(SymbolTableCollection &table) {
  // step_value_c1
  auto field = table.lookupNearestSymbolFrom<StepFieldOp>(*this, getFieldAttr());
  if (!field)
    return emitOpError() << "expected a step field named '" << getField() << "', but there is none";
  if (getElementTypeOrSelf(getValue().getType()) != valueType(field))
    return emitOpError() << "expected a scalar of type " << valueType(field) << ", but got " << getValue().getType();
  return success();
}

/// The region's arguments and yield agree with the op's operands and results.
static LogicalResult verifyBoundary(Operation *op, Block &body) {
  if (body.getArgumentTypes() != op->getOperandTypes())
    return op->emitOpError() << "expected region arguments with the types of the operands";
  if (body.empty() || !isa<YieldOp>(body.back()))
    return op->emitOpError() << "expected the region to end with incept.yield";
  if (TypeRange(body.back().getOperands()) != op->getResultTypes())
    return op->emitOpError() << "expected incept.yield with the types of the results";
  return success();
}

// block_c1
LogicalResult BlockOp::verifyRegions() { return verifyBoundary(*this, getBody().front()); }

LogicalResult GroupOp::verify() {
  // group_c1
  if (getKind() != "library" && getKind() != "kernel")
    return emitOpError() << "expected kind library or kernel, but got '" << getKind() << "'";
  return success();
}

// group_c2
LogicalResult GroupOp::verifyRegions() { return verifyBoundary(*this, getBody().front()); }

YieldOp GroupOp::getYield() { return cast<YieldOp>(getBody().front().getTerminator()); }

} // namespace incept
