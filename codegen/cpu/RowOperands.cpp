// SPDX-License-Identifier: Apache-2.0

#include "codegen/cpu/RowOperands.h"

using namespace mlir;

namespace incept::cpu {

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

RowOperands::RowOperands(KernelEmitter &emitter, int64_t firstStride) : e(emitter), flat(firstStride < 0) {
  SmallVector<Value> all(e.body().getArguments());
  inputs = all.size();
  llvm::append_range(all, e.definition.getYield().getValues());
  for (auto [index, value] : llvm::enumerate(all)) {
    Slot slot;
    slot.value = value;
    slot.base = e.operand(index);
    Operation *producer = value.getDefiningOp();
    slot.isSum = producer && producer->hasTrait<OpTrait::Reduce>();
    if (typeOf(value).getRank() >= 2 && !flat)
      slot.stride = e.extent(firstStride++);
    if (typeOf(value).getRank() == 0 && index < inputs)
      slot.scalar = e.splat(e.loadScalar(slot.base, e.index(0), typeOf(value).getElementType()));
    slots.push_back(slot);
  }
}

LogicalResult RowOperands::check() {
  for (auto [index, slot] : llvm::enumerate(slots)) {
    Type element = typeOf(slot.value).getElementType();
    if (!element.isF32())
      return e.definition.emitOpError() << "expected operands of f32, but operand " << index << " has " << element;
    if (index < inputs)
      continue;
    int64_t rank = typeOf(slot.value).getRank();
    bool scalarsOnly = llvm::all_of(slots, [](const Slot &slot) { return typeOf(slot.value).getRank() == 0; });
    if ((rank == 0 && !(flat && scalarsOnly)) || (rank == 1 && !flat && !slot.isSum))
      return e.definition.emitOpError() << "cannot write result " << index - inputs << " of rank " << rank
                                        << " in a kernel over rows";
  }
  return success();
}

void RowOperands::loadChannels(Value c, Lanes lanes, Values &values) {
  for (const Slot &slot : ArrayRef(slots).take_front(inputs))
    if (!slot.stride)
      values[slot.value] = slot.scalar ? slot.scalar : e.loadVector(slot.base, c, e.f32(), lanes);
}

void RowOperands::load(Value row, Value c, Lanes lanes, Values &values) {
  if (values.empty())
    loadChannels(c, lanes, values);
  for (const Slot &slot : ArrayRef(slots).take_front(inputs))
    if (slot.stride)
      values[slot.value] = e.loadVector(slot.base, e.add(e.mul(row, slot.stride), c), e.f32(), lanes);
}

void RowOperands::store(Value row, Value c, Lanes lanes, Values &values) {
  for (const Slot &slot : ArrayRef(slots).drop_front(inputs))
    if (!slot.isSum)
      e.storeVector(values.lookup(slot.value), slot.base, e.add(e.mul(row, slot.stride), c), lanes);
}

void RowOperands::loadFlat(Value i, Lanes lanes, Values &values) {
  for (const Slot &slot : ArrayRef(slots).take_front(inputs))
    values[slot.value] = slot.scalar ? slot.scalar : e.loadVector(slot.base, i, e.f32(), lanes);
}

void RowOperands::storeFlat(Value i, Lanes lanes, Values &values) {
  for (const Slot &slot : ArrayRef(slots).drop_front(inputs))
    e.storeVector(values.lookup(slot.value), slot.base, i, lanes);
}

} // namespace incept::cpu
