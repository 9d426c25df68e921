// SPDX-License-Identifier: Apache-2.0

#include "codegen/cpu/CpuEmitter.h"
#include "dialect/Kernels.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

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

void CpuEmitter::call(StringRef name, ValueRange arguments, llvm::function_ref<void(ValueRange)> body) {
  std::string symbol = ("shared_" + name).str();
  while (SymbolTable::lookupSymbolIn(definition->getParentOp(), symbol)) // a kernel's
    symbol += '_';
  auto shared = function->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(symbol);
  if (!shared) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(function);
    shared = func::FuncOp::create(builder, loc, symbol, builder.getFunctionType(arguments.getTypes(), {}));
    shared->setAttr(kShared, builder.getUnitAttr());
    Block *entry = shared.addEntryBlock();
    builder.setInsertionPointToStart(entry);
    body(entry->getArguments());
    func::ReturnOp::create(builder, loc);
  }
  func::CallOp::create(builder, loc, shared, arguments);
}

Value CpuEmitter::operand(unsigned index) {
  return loadScalar(operands, this->index(index), LLVM::LLVMPointerType::get(builder.getContext()));
}

Value CpuEmitter::extent(unsigned index) { return loadScalar(extents, this->index(index), builder.getI64Type()); }

unsigned CpuEmitter::vectorAlignment(Type element) { return llvm::divideCeil(element.getIntOrFloatBitWidth(), 8u); }

void CpuEmitter::units(llvm::function_ref<void(Value)> body) { loop(begin, end, 1, body); }

void CpuEmitter::unitRuns(Value, Value line, llvm::function_ref<void(Value, Value)> body) {
  loop(div(begin, line), ceilDiv(end, line), 1, [&](Value i) {
    Value first = max(begin, mul(i, line)), last = min(end, mul(add(i, index(1)), line));
    loop(first, last, width, [&](Value unit) { body(unit, min(index(width), sub(last, unit))); });
  });
}

void CpuEmitter::items(Value count, llvm::function_ref<void(Value)> body) { loop(index(0), count, 1, body); }

void CpuEmitter::vectors(Value count, llvm::function_ref<void(Value, Lanes)> body) {
  vectorsBetween(index(0), count, body);
}

void CpuEmitter::vectorsBetween(Value from, Value to, llvm::function_ref<void(Value, Lanes)> body) {
  Value left = rem(sub(to, from), index(width));
  Value full = sub(to, left);
  loop(from, full, width, [&](Value i) { body(i, Lanes()); });
  ifThen(less(full, to), [&] { body(full, lanesInside(index(0), left)); });
}

Lanes CpuEmitter::lanesInside(Value first, Value count) {
  SmallVector<int32_t> lanes(width);
  for (auto [i, lane] : llvm::enumerate(lanes))
    lane = i;
  Type i32 = builder.getI32Type();
  auto narrow = [&](Value value) { return splat(arith::TruncIOp::create(builder, loc, i32, value)); };
  Value at = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(vectorOf(i32), ArrayRef<int32_t>(lanes)));
  if (matchPattern(first, m_Zero()))
    return {arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, at, narrow(count))};
  // What is negative is large without its sign.
  at = arith::AddIOp::create(builder, loc, at, narrow(first));
  return {arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult, at, narrow(count))};
}

void CpuEmitter::rows(Value count, llvm::function_ref<void(Value)> body) {
  loop(mul(begin, index(kRowsUnit)), min(mul(end, index(kRowsUnit)), count), 1, body);
}

void CpuEmitter::groupUnits(Value groups, Value channels, llvm::function_ref<void(Value, Value)> body) {
  auto isEqual = [&](Value a, Value b) { return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, a, b); };
  Value fitting = div(index(width), channels);
  Value together =
      arith::SelectOp::create(builder, loc, isEqual(mul(fitting, channels), index(width)), fitting, index(1));
  loop(begin, end, 1, ValueRange(begin), [&](Value unit, ValueRange next) {
    auto take = [&] {
      Value count = min(min(together, sub(end, unit)), sub(groups, rem(unit, groups)));
      body(unit, count);
      return add(unit, count);
    };
    return SmallVector<Value>{choose(isEqual(unit, next[0]), take, next[0])};
  });
}

Value CpuEmitter::fold(Fold how, Value lines, Value count, Value segment,
                       llvm::function_ref<Value(Value, Value, Lanes)> term) {
  Value neutral = splatReal(neutralOf(how)), left = rem(count, index(width)), full = sub(count, left);
  auto ofLine = [&](Value line) {
    Value whole = loop(index(0), full, width, ValueRange(neutral), [&](Value c, ValueRange carried) {
      return SmallVector<Value>{combine(how, carried[0], term(line, c, Lanes()))};
    })[0];
    auto withRest = [&] {
      Lanes rest = lanesInside(index(0), left);
      Value last = arith::SelectOp::create(builder, loc, rest.mask, term(line, full, rest), neutral);
      return combine(how, whole, last);
    };
    return choose(less(full, count), withRest, whole);
  };
  // Lines by themselves first: sums of many of them round less.
  Value lanes =
      !lines ? ofLine(Value()) : loop(index(0), lines, 1, ValueRange(neutral), [&](Value line, ValueRange carried) {
        return SmallVector<Value>{combine(how, carried[0], ofLine(line))};
      })[0];
  if (segment) { // lanes that hold nothing hold what changes nothing
    for (int64_t distance = 1; distance < width; distance *= 2) {
      SmallVector<int64_t> partners;
      for (int64_t lane = 0; lane < width; ++lane)
        partners.push_back(lane ^ distance);
      Value other = vector::ShuffleOp::create(builder, loc, lanes, lanes, partners);
      lanes = arith::SelectOp::create(builder, loc, less(index(distance), segment), combine(how, lanes, other), lanes);
    }
    return lanes;
  }
  auto kind = how == Fold::Sum ? vector::CombiningKind::ADD : vector::CombiningKind::MAXIMUMF;
  return vector::ReductionOp::create(builder, loc, kind, lanes);
}

void CpuEmitter::along(Value lines, Value count, llvm::function_ref<void(Value, Value, Lanes)> body) {
  auto alongLine = [&](Value line) { vectors(count, [&](Value c, Lanes lanes) { body(line, c, lanes); }); };
  lines ? loop(index(0), lines, 1, alongLine) : alongLine(Value());
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
