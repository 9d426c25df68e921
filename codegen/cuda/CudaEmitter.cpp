// SPDX-License-Identifier: Apache-2.0

#include "codegen/cuda/CudaEmitter.h"
#include "dialect/Kernels.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace incept::cuda {

/// NVPTX's numbers of global and shared memory.
constexpr unsigned kGlobal = 1, kShared = 3;

CudaEmitter::CudaEmitter(gpu::GPUModuleOp module, const Variant &variant)
    : KernelEmitter(OpBuilder::atBlockEnd(module.getBody()), variant.definition, variant.width), module(module) {
  operandCount = body().getNumArguments() + definition.getYield().getValues().size();
  MLIRContext *context = builder.getContext();
  SmallVector<Type> types(operandCount, LLVM::LLVMPointerType::get(context, kGlobal));
  types.append(variant.extents, builder.getI64Type());
  function = gpu::GPUFuncOp::create(builder, loc, variant.symbol, builder.getFunctionType(types, {}));
  function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), builder.getUnitAttr());
  // No bound on the threads of a block is told: a block of kBlockThreads fits with any number of registers, and ptxas
  // would rather spill one than use one more than a bound suggests.
  builder.setInsertionPointToStart(&function.getBody().front());
}

void CudaEmitter::finish() { gpu::ReturnOp::create(builder, loc); }

unsigned CudaEmitter::vectorAlignment(Type element) {
  int64_t bytes = width * llvm::divideCeil(element.getIntOrFloatBitWidth(), 8u);
  return std::min(bytes, kVectorBytes);
}

Value CudaEmitter::narrow(Value value) { return arith::TruncIOp::create(builder, loc, builder.getI32Type(), value); }

Value CudaEmitter::widen(Value value) { return arith::ExtUIOp::create(builder, loc, builder.getI64Type(), value); }

Value CudaEmitter::div(Value a, Value b) { return widen(arith::DivUIOp::create(builder, loc, narrow(a), narrow(b))); }

Value CudaEmitter::rem(Value a, Value b) { return widen(arith::RemUIOp::create(builder, loc, narrow(a), narrow(b))); }

void CudaEmitter::smallUnits(Value count, llvm::function_ref<void(Value)> body) {
  Value unit = add(mul(blockX(), threadsX()), threadX());
  ifThen(less(unit, count), [&] { body(unit); });
}

void CudaEmitter::items(Value count, llvm::function_ref<void(Value)> body) {
  strided(threadY(), count, threadsY(), {}, [&](Value i, ValueRange) {
    body(i);
    return SmallVector<Value>();
  });
}

Value CudaEmitter::channel() { return mul(add(mul(blockY(), threadsX()), threadX()), index(width)); }

void CudaEmitter::vectors(Value count, llvm::function_ref<void(Value, Lanes)> body) {
  Value c = channel();
  ifThen(less(c, count), [&] { body(c, Lanes()); });
}

void CudaEmitter::vectorBlocks(Value count, llvm::function_ref<void(ArrayRef<Value>, Lanes)> body) {
  vectors(count, [&](Value c, Lanes lanes) { body(c, lanes); });
}

constexpr int64_t kWarp = 32;

void CudaEmitter::rows(Value count, llvm::function_ref<void(Value)> body) {
  static_assert(kBlockThreads == kRowsUnit * kWarp, "a warp of the block for each row of the unit");
  Value row = add(mul(blockX(), index(kRowsUnit)), div(threadX(), index(kWarp)));
  ifThen(less(row, count), [&] { body(row); });
}

Value CudaEmitter::sumOfRow(Value count, llvm::function_ref<Value(Value, Lanes)> term) {
  Value lane = mul(rem(threadX(), index(kWarp)), index(width));
  auto carried = strided(lane, count, index(kWarp * width), ValueRange(splatReal(0.0)),
                         [&](Value c, ValueRange sum) { return SmallVector<Value>{addf(sum[0], term(c, Lanes()))}; });
  Value sum = vector::ReductionOp::create(builder, loc, vector::CombiningKind::ADD, carried[0]);
  for (int32_t mask = kWarp / 2; mask > 0; mask /= 2)
    sum = addf(sum, shuffleXor(sum, mask));
  return sum;
}

void CudaEmitter::alongRow(Value count, llvm::function_ref<void(Value, Lanes)> body) {
  Value lane = mul(rem(threadX(), index(kWarp)), index(width));
  strided(lane, count, index(kWarp * width), {}, [&](Value c, ValueRange) {
    body(c, Lanes());
    return SmallVector<Value>();
  });
}

void CudaEmitter::ifElse(Value condition, llvm::function_ref<void()> then, llvm::function_ref<void()> otherwise) {
  auto op = scf::IfOp::create(builder, loc, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(op.thenBlock());
  then();
  builder.setInsertionPointToStart(op.elseBlock());
  otherwise();
}

Value CudaEmitter::shared(int64_t elements, Type element) {
  std::string name = (function.getName() + "_shared").str();
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(function);
    LLVM::GlobalOp::create(builder, loc, LLVM::LLVMArrayType::get(element, elements), /*isConstant=*/false,
                           LLVM::Linkage::Internal, name, Attribute(), /*alignment=*/kVectorBytes, kShared);
  }
  return LLVM::AddressOfOp::create(builder, loc, LLVM::LLVMPointerType::get(builder.getContext(), kShared), name);
}

Value CudaEmitter::shuffleXor(Value value, int32_t mask) {
  return gpu::ShuffleOp::create(builder, loc, value, mask, 32, gpu::ShuffleMode::XOR).getShuffleResult();
}

} // namespace incept::cuda
