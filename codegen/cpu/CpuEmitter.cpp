// SPDX-License-Identifier: Apache-2.0

#include "codegen/cpu/CpuEmitter.h"
#include "dialect/Kernels.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace incept::cpu {

CpuEmitter::CpuEmitter(ModuleOp module, exec::KernelDefOp definition, int64_t width)
    : KernelEmitter(OpBuilder::atBlockEnd(module.getBody()), definition, width) {
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

void CpuEmitter::finish() { func::ReturnOp::create(builder, loc); }

Value CpuEmitter::operand(unsigned index) {
  return loadScalar(operands, this->index(index), LLVM::LLVMPointerType::get(builder.getContext()));
}

Value CpuEmitter::extent(unsigned index) { return loadScalar(extents, this->index(index), builder.getI64Type()); }

unsigned CpuEmitter::vectorAlignment(Type element) { return llvm::divideCeil(element.getIntOrFloatBitWidth(), 8u); }

void CpuEmitter::units(llvm::function_ref<void(Value)> body) { loop(begin, end, 1, body); }

void CpuEmitter::items(Value count, llvm::function_ref<void(Value)> body) { loop(index(0), count, 1, body); }

void CpuEmitter::vectors(Value count, llvm::function_ref<void(Value, Lanes)> body) {
  vectorsBetween(index(0), count, body);
}

void CpuEmitter::vectorsBetween(Value from, Value to, llvm::function_ref<void(Value, Lanes)> body) {
  Value left = rem(sub(to, from), index(width));
  Value full = sub(to, left);
  loop(from, full, width, [&](Value i) { body(i, Lanes()); });
  ifThen(less(full, to), [&] { body(full, firstLanes(left)); });
}

Lanes CpuEmitter::firstLanes(Value count) {
  SmallVector<int32_t> lanes(width);
  for (auto [i, lane] : llvm::enumerate(lanes))
    lane = i;
  Value iota = arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(vectorOf(builder.getI32Type()), ArrayRef<int32_t>(lanes)));
  Value narrow = splat(arith::TruncIOp::create(builder, loc, builder.getI32Type(), count));
  return {arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, iota, narrow)};
}

void CpuEmitter::rows(Value count, llvm::function_ref<void(Value)> body) {
  loop(mul(begin, index(kRowsUnit)), min(mul(end, index(kRowsUnit)), count), 1, body);
}

Value CpuEmitter::sumOfRow(Value count, llvm::function_ref<Value(Value, Lanes)> term) {
  Value left = rem(count, index(width)), full = sub(count, left);
  auto sum = loop(index(0), full, width, ValueRange(splatReal(0.0)),
                  [&](Value c, ValueRange carried) { return SmallVector<Value>{addf(carried[0], term(c, Lanes()))}; });
  // A mask without lanes where the vectors fill the row: nothing is read then.
  Lanes rest = firstLanes(left);
  Value last = arith::SelectOp::create(builder, loc, rest.mask, term(full, rest), splatReal(0.0));
  return vector::ReductionOp::create(builder, loc, vector::CombiningKind::ADD, addf(sum[0], last));
}

void CpuEmitter::vectorBlocks(Value count, llvm::function_ref<void(ArrayRef<Value>, Lanes)> body) {
  Value full = sub(count, rem(count, index(kBlock * width)));
  loop(index(0), full, kBlock * width, [&](Value first) {
    SmallVector<Value> offsets;
    for (int64_t i = 0; i < kBlock; ++i)
      offsets.push_back(add(first, index(i * width)));
    body(offsets, Lanes());
  });
  vectorsBetween(full, count, [&](Value offset, Lanes lanes) { body(offset, lanes); });
}

} // namespace incept::cpu
