// SPDX-License-Identifier: Apache-2.0

#include "codegen/cpu/KernelEmitter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace incept::cpu {

KernelEmitter::KernelEmitter(ModuleOp module, exec::KernelDefOp definition, int64_t width)
    : builder(module.getContext()), loc(builder.getUnknownLoc()), definition(definition), width(width) {
  builder.setInsertionPointToEnd(module.getBody());
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext()), i64 = builder.getI64Type();
  function = func::FuncOp::create(builder, loc, definition.getSymName(),
                                  builder.getFunctionType({pointer, pointer, i64, i64}, {}));
  Block *entry = function.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  operands = entry->getArgument(0);
  extents = entry->getArgument(1);
  begin = entry->getArgument(2);
  end = entry->getArgument(3);
}

void KernelEmitter::finish() { func::ReturnOp::create(builder, loc); }

Value KernelEmitter::operand(unsigned index) {
  return loadScalar(operands, this->index(index), LLVM::LLVMPointerType::get(builder.getContext()));
}

Value KernelEmitter::extent(unsigned index) { return loadScalar(extents, this->index(index), builder.getI64Type()); }

Value KernelEmitter::index(int64_t value) { return arith::ConstantIntOp::create(builder, loc, value, 64); }
Value KernelEmitter::add(Value a, Value b) { return arith::AddIOp::create(builder, loc, a, b); }
Value KernelEmitter::sub(Value a, Value b) { return arith::SubIOp::create(builder, loc, a, b); }
Value KernelEmitter::mul(Value a, Value b) { return arith::MulIOp::create(builder, loc, a, b); }
Value KernelEmitter::div(Value a, Value b) { return arith::DivUIOp::create(builder, loc, a, b); }
Value KernelEmitter::rem(Value a, Value b) { return arith::RemUIOp::create(builder, loc, a, b); }
Value KernelEmitter::min(Value a, Value b) { return arith::MinSIOp::create(builder, loc, a, b); }
Value KernelEmitter::max(Value a, Value b) { return arith::MaxSIOp::create(builder, loc, a, b); }
Value KernelEmitter::ceilDiv(Value a, Value b) { return div(add(a, sub(b, index(1))), b); }

Value KernelEmitter::less(Value a, Value b) {
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, a, b);
}

Value KernelEmitter::real(double value) {
  return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(float(value)));
}

Value KernelEmitter::splat(Value scalar) {
  return vector::BroadcastOp::create(builder, loc, vectorOf(scalar.getType()), scalar);
}

Value KernelEmitter::toReal(Value integer) { return arith::SIToFPOp::create(builder, loc, f32(), integer); }
Value KernelEmitter::addf(Value a, Value b) { return arith::AddFOp::create(builder, loc, a, b); }
Value KernelEmitter::subf(Value a, Value b) { return arith::SubFOp::create(builder, loc, a, b); }
Value KernelEmitter::mulf(Value a, Value b) { return arith::MulFOp::create(builder, loc, a, b); }
Value KernelEmitter::divf(Value a, Value b) { return arith::DivFOp::create(builder, loc, a, b); }
Value KernelEmitter::fma(Value a, Value b, Value c) { return math::FmaOp::create(builder, loc, a, b, c); }

Value KernelEmitter::maxKeepingNan(Value a, Value b) {
  Value takesB = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLE, a, b);
  return arith::SelectOp::create(builder, loc, takesB, b, a);
}

static unsigned bytesOf(Type element) {
  return isa<LLVM::LLVMPointerType>(element) ? 8 : llvm::divideCeil(element.getIntOrFloatBitWidth(), 8u);
}

Value KernelEmitter::address(Value base, Value offset, Type element) {
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  return LLVM::GEPOp::create(builder, loc, pointer, element, base, ValueRange(offset), LLVM::GEPNoWrapFlags::inbounds);
}

Value KernelEmitter::loadScalar(Value base, Value offset, Type element) {
  return LLVM::LoadOp::create(builder, loc, element, address(base, offset, element), bytesOf(element));
}

void KernelEmitter::storeScalar(Value value, Value base, Value offset) {
  Type element = value.getType();
  LLVM::StoreOp::create(builder, loc, value, address(base, offset, element), bytesOf(element));
}

Value KernelEmitter::loadVector(Value base, Value offset, Type element, Lanes lanes) {
  Value from = address(base, offset, element);
  VectorType type = vectorOf(element);
  if (!lanes.mask)
    return LLVM::LoadOp::create(builder, loc, type, from, bytesOf(element));
  Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  return LLVM::MaskedLoadOp::create(builder, loc, type, from, lanes.mask, zero,
                                    builder.getI32IntegerAttr(bytesOf(element)), UnitAttr());
}

void KernelEmitter::storeVector(Value value, Value base, Value offset, Lanes lanes) {
  Type element = cast<VectorType>(value.getType()).getElementType();
  Value to = address(base, offset, element);
  if (!lanes.mask)
    LLVM::StoreOp::create(builder, loc, value, to, bytesOf(element));
  else
    LLVM::MaskedStoreOp::create(builder, loc, value, to, lanes.mask, builder.getI32IntegerAttr(bytesOf(element)));
}

void KernelEmitter::loop(Value from, Value to, int64_t step, llvm::function_ref<void(Value)> body) {
  loop(from, to, step, ValueRange(), [&](Value i, ValueRange) {
    body(i);
    return SmallVector<Value>();
  });
}

SmallVector<Value> KernelEmitter::loop(Value from, Value to, int64_t step, ValueRange init,
                                       llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto op = scf::ForOp::create(builder, loc, from, to, index(step), init);
  OpBuilder::InsertionGuard guard(builder);
  // Without carried values the builder has already made a terminator.
  if (init.empty())
    builder.setInsertionPoint(op.getBody()->getTerminator());
  else
    builder.setInsertionPointToEnd(op.getBody());
  SmallVector<Value> results = body(op.getInductionVar(), op.getRegionIterArgs());
  if (!init.empty())
    scf::YieldOp::create(builder, loc, results);
  return SmallVector<Value>(op.getResults());
}

void KernelEmitter::vectors(Value from, Value to, llvm::function_ref<void(Value, Lanes)> body) {
  Value left = rem(sub(to, from), index(width));
  Value full = sub(to, left);
  loop(from, full, width, [&](Value i) { body(i, Lanes()); });
  auto tail = scf::IfOp::create(builder, loc, less(full, to), /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(tail.thenBlock());
  SmallVector<int32_t> lanes(width);
  for (auto [i, lane] : llvm::enumerate(lanes))
    lane = i;
  Value iota = arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(vectorOf(builder.getI32Type()), ArrayRef<int32_t>(lanes)));
  Value count = splat(arith::TruncIOp::create(builder, loc, builder.getI32Type(), left));
  body(full, Lanes{arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, iota, count)});
}

void KernelEmitter::vectorBlocks(Value from, Value to, llvm::function_ref<void(ArrayRef<Value>, Lanes)> body) {
  Value full = sub(to, rem(sub(to, from), index(kBlock * width)));
  loop(from, full, kBlock * width, [&](Value first) {
    SmallVector<Value> offsets;
    for (int64_t i = 0; i < kBlock; ++i)
      offsets.push_back(add(first, index(i * width)));
    body(offsets, Lanes());
  });
  vectors(full, to, [&](Value offset, Lanes lanes) { body(offset, lanes); });
}

} // namespace incept::cpu
