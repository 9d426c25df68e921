// SPDX-License-Identifier: Apache-2.0

#include "codegen/kernels/RowOperands.h"
#include "dialect/RunningStatistics.h"

using namespace mlir;

namespace incept::kernels {

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// A scalar in memory as f32. Counters are i64.
static Value loadNumber(KernelEmitter &e, Value base, Type element) {
  return element.isInteger(64) ? e.toReal(e.loadScalar(base, e.index(0), element))
                               : e.loadReal(base, e.index(0), element);
}

RowOperands::RowOperands(KernelEmitter &emitter, int64_t firstStride, bool writesVectors)
    : e(emitter), flat(firstStride < 0) {
  bool isWhole = e.definition.getFamily() == KernelFamily::ReduceCombine;
  SmallVector<Value> all(e.body().getArguments());
  inputs = all.size();
  llvm::append_range(all, e.definition.getYield().getValues());
  for (auto [index, value] : llvm::enumerate(all)) {
    Slot slot;
    slot.value = value;
    slot.base = e.operand(index);
    slot.element = typeOf(value).getElementType();
    Operation *producer = value.getDefiningOp();
    slot.isLate = index >= inputs && (isWhole         ? typeOf(value).getRank() == 1
                                      : writesVectors ? isa_and_nonnull<BatchNormFinalizeOp>(producer)
                                                      : producer && producer->hasTrait<OpTrait::Reduce>());
    slot.isReplaced = index < inputs && writesVectors && typeOf(value).getRank() == 1 && isRunningStatistic(value);
    if (typeOf(value).getRank() >= 2 && !flat)
      slot.stride = e.extent(firstStride++);
    if (typeOf(value).getRank() == 0 && index < inputs)
      slot.scalar = loadNumber(e, slot.base, slot.element);
    slots.push_back(slot);
  }
}

LogicalResult RowOperands::check() {
  for (auto [index, slot] : llvm::enumerate(slots)) {
    bool isCounter = slot.scalar && slot.element.isInteger(64);
    if (!isCounter && !slot.element.isF32() && !slot.element.isF16() && !slot.element.isBF16())
      return e.definition.emitOpError() << "expected operands of f32, f16 or bf16, but operand " << index << " has "
                                        << slot.element;
    if (index < inputs)
      continue;
    int64_t rank = typeOf(slot.value).getRank();
    bool scalarsOnly = llvm::all_of(slots, [](const Slot &slot) { return typeOf(slot.value).getRank() == 0; });
    if ((rank == 0 && !(flat && scalarsOnly)) || (rank == 1 && !flat && !slot.isLate))
      return e.definition.emitOpError() << "cannot write result " << index - inputs << " of rank " << rank
                                        << " in a kernel over rows";
  }
  return success();
}

void RowOperands::loadChannels(Value c, Lanes lanes, Values &values) {
  for (const Slot &slot : ArrayRef(slots).take_front(inputs))
    if (!slot.stride && !slot.isReplaced)
      values[slot.value] = slot.scalar ? e.splat(slot.scalar) : e.loadReals(slot.base, c, slot.element, lanes);
}

void RowOperands::load(Value row, Value c, Lanes lanes, Values &values) {
  if (values.empty())
    loadChannels(c, lanes, values);
  for (const Slot &slot : ArrayRef(slots).take_front(inputs))
    if (slot.stride)
      values[slot.value] = e.loadReals(slot.base, e.add(e.mul(row, slot.stride), c), slot.element, lanes);
}

void RowOperands::store(Value row, Value c, Lanes lanes, Values &values) {
  for (const Slot &slot : ArrayRef(slots).drop_front(inputs))
    if (!slot.isLate)
      e.storeReals(values.lookup(slot.value), slot.base, e.add(e.mul(row, slot.stride), c), slot.element, lanes);
}

void RowOperands::prefetch(Value row, Value c) {
  for (auto [index, slot] : llvm::enumerate(slots))
    if (slot.stride && !slot.isLate)
      e.prefetch(slot.base, e.add(e.mul(row, slot.stride), c), slot.element, /*isWritten=*/index >= inputs);
}

Value RowOperands::loadRow(Value value, Value row, Value c) {
  const Slot &slot = *llvm::find_if(slots, [&](const Slot &slot) { return slot.value == value; });
  return e.loadReals(slot.base, e.add(e.mul(row, slot.stride), c), slot.element, Lanes());
}

void RowOperands::loadReplaced(Value c, Values &values) {
  for (const Slot &slot : slots)
    if (slot.isReplaced)
      values[slot.value] = e.loadReals(slot.base, c, slot.element, Lanes());
}

void RowOperands::storeVectors(Value c, Values &values) {
  for (const Slot &slot : slots)
    if (slot.isLate)
      e.storeReals(values.lookup(slot.value), slot.base, c, slot.element, Lanes());
}

void RowOperands::loadFlat(Value i, Lanes lanes, Values &values) {
  for (const Slot &slot : ArrayRef(slots).take_front(inputs))
    values[slot.value] = slot.scalar ? e.splat(slot.scalar) : e.loadReals(slot.base, i, slot.element, lanes);
}

void RowOperands::storeFlat(Value i, Lanes lanes, Values &values) {
  for (const Slot &slot : ArrayRef(slots).drop_front(inputs))
    e.storeReals(values.lookup(slot.value), slot.base, i, slot.element, lanes);
}

} // namespace incept::kernels
