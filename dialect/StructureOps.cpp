// SPDX-License-Identifier: Apache-2.0
//
// Verifiers of variables, blocks and groups.

#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"

using namespace mlir;

namespace incept {

void VariableOp::build(OpBuilder &builder, OperationState &state, StringRef name, RankedTensorType type,
                       VariableKind kind, StringRef owner, StringRef role, DictionaryAttr init, bool decay) {
  MLIRContext *context = builder.getContext();
  build(builder, state, name, type, kind, owner.empty() ? FlatSymbolRefAttr() : FlatSymbolRefAttr::get(context, owner),
        role.empty() ? StringAttr() : builder.getStringAttr(role), init, decay, /*frozen=*/false, /*rate=*/FloatAttr(),
        FlatSymbolRefAttr(), IntegerAttr(), IntegerAttr());
}

LogicalResult VariableOp::verify() {
  VariableKind kind = getKind();
  using enum VariableKind;
  bool needsOwner = llvm::is_contained({Gradient, Copy, Pending}, kind);
  bool mayHaveOwner = needsOwner || llvm::is_contained({Slot, Derived}, kind);
  // variable_c1
  if (getOwner() ? !mayHaveOwner : needsOwner)
    return emitOpError() << "expected a variable of kind " << stringifyVariableKind(kind) << " to be "
                         << (needsOwner ? "'of' another" : "of no other");
  // variable_c2
  if (!getTensorType().hasStaticShape())
    return emitOpError() << "expected a static shape, but got " << getType();
  // variable_c3
  if (bool needsRole = llvm::is_contained({Slot, Io}, kind); getRole().has_value() != needsRole)
    return emitOpError() << "expected a variable of kind " << stringifyVariableKind(kind)
                         << (needsRole ? " to have a role" : " to have no role");
  // variable_c5
  if ((getFrozen() || getRate()) && kind != Parameter)
    return emitOpError() << "expected a parameter where something is frozen or has a rate, but got a variable of kind "
                         << stringifyVariableKind(kind);
  if (getRate() && !(getRate()->convertToDouble() > 0))
    return emitOpError() << "expected a positive rate, but got " << getRate()->convertToDouble();
  return success();
}

LogicalResult VariableOp::verifySymbolUses(SymbolTableCollection &table) {
  // variable_c4
  if (!getOwner())
    return success();
  auto owner = table.lookupNearestSymbolFrom<VariableOp>(*this, getOwnerAttr());
  if (!owner)
    return emitOpError() << "expected a variable named '" << *getOwner() << "', but there is none";
  VariableKind expected = getKind() == VariableKind::Pending ? VariableKind::State : VariableKind::Parameter;
  bool isOfKind = getKind() == VariableKind::Derived || owner.getKind() == expected ||
                  (getKind() == VariableKind::Slot && owner.getKind() == VariableKind::State);
  if (isOfKind && owner.getTensorType().getShape() == getTensorType().getShape())
    return success();
  auto diagnostic = emitOpError();
  if (isOfKind)
    diagnostic << "expected the shape of '" << *getOwner() << "', " << formatShape(owner.getTensorType().getShape())
               << ", but got " << formatShape(getTensorType().getShape());
  else
    diagnostic << "expected to be of a " << stringifyVariableKind(expected) << ", but '" << *getOwner()
               << "' is of kind " << stringifyVariableKind(owner.getKind());
  diagnostic.attachNote(owner.getLoc()) << "variable defined here";
  return diagnostic;
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

/// The region's arguments and yield, which its trait has checked, agree with the op's operands and results.
static LogicalResult verifyBoundary(Operation *op, Block &body) {
  if (body.getArgumentTypes() != op->getOperandTypes())
    return op->emitOpError() << "expected region arguments with the types of the operands";
  if (TypeRange(body.back().getOperands()) != op->getResultTypes())
    return op->emitOpError() << "expected incept.yield with the types of the results";
  return success();
}

// block_c1
LogicalResult BlockOp::verifyRegions() { return verifyBoundary(*this, getBody().front()); }

void GroupOp::build(OpBuilder &builder, OperationState &state, TypeRange outputs, GroupKind kind, ValueRange inputs) {
  build(builder, state, outputs, kind, inputs, FlatSymbolRefAttr(), IntegerAttr(), DenseI64ArrayAttr(), IntegerAttr());
}

/// The body is what a launch of this kind computes (C1).
static LogicalResult verifyBody(GroupOp group) {
  auto ops = group.getBody().front().without_terminator();
  if (ops.empty())
    return group.emitOpError() << "expected ops in its region";
  Operation &first = *ops.begin();
  bool isOne = llvm::hasSingleElement(ops);
  if (group.isLibrary()) {
    if (!isOne || !first.hasTrait<OpTrait::Library>())
      return group.emitOpError() << "expected one library op in a library group, but got "
                                 << (isOne ? first.getName().getStringRef() : StringRef("several ops"));
    if (group.getYield().getValues() != first.getResults())
      return group.emitOpError() << "expected a library group to yield the results of its op";
    return success();
  }
  if (group.getPlan())
    return group.emitOpError() << "expected no plan in a kernel group";
  if (isOne && (first.hasTrait<OpTrait::Opaque>() || isa<KernelOpInterface>(first))) {
    if (group.getYield().getValues() != first.getResults())
      return group.emitOpError() << "expected a group to yield the results of the op that is its kernel";
    return success();
  }
  for (Operation &op : ops)
    if (!op.hasTrait<OpTrait::Map>() && !op.hasTrait<OpTrait::Reduce>())
      return group.emitOpError() << "expected map and reduce ops, or one op that is a kernel by itself, in a kernel "
                                    "group, but got "
                                 << op.getName();
  return success();
}

LogicalResult GroupOp::verifyRegions() {
  // group_c2
  if (failed(verifyBoundary(*this, getBody().front())))
    return failure();
  // group_c1
  return verifyBody(*this);
}

LogicalResult GroupOp::verifySymbolUses(SymbolTableCollection &table) {
  // group_c3
  if (getPlan() && !table.lookupNearestSymbolFrom<exec::PlanOp>(*this, getPlanAttr()))
    return emitOpError() << "expected a plan named '" << *getPlan() << "', but there is none";
  return success();
}

YieldOp GroupOp::getYield() { return cast<YieldOp>(getBody().front().getTerminator()); }

} // namespace incept
