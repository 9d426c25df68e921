// SPDX-License-Identifier: Apache-2.0

#include "passes/Layouts.h"

using namespace mlir;

namespace incept {

LayoutAttr layoutOf(Value value) {
  return dyn_cast_or_null<LayoutAttr>(cast<RankedTensorType>(value.getType()).getEncoding());
}

RankedTensorType withLayout(RankedTensorType type, LayoutAttr layout) {
  return RankedTensorType::get(type.getShape(), type.getElementType(), layout);
}

StringRef libraryFormat(LayoutAttr layout) {
  return !layout || layout.getFormat() == kDenseFormat ? StringRef() : layout.getFormat();
}

OpOperand *layoutSource(OpResult result) {
  Operation *op = result.getOwner();
  if (isa<UpdateOpInterface>(op)) // slots and averages are laid out as the parameter
    return &op->getOpOperand(0);
  if (!op->hasTrait<OpTrait::Map>())
    return nullptr;
  auto shape = [](Value value) { return cast<RankedTensorType>(value.getType()).getShape(); };
  for (OpOperand &operand : op->getOpOperands())
    if (shape(operand.get()) == shape(result))
      return &operand;
  return nullptr;
}

int64_t elementBytes(Type type) { return (type.getIntOrFloatBitWidth() + 7) / 8; }

} // namespace incept
