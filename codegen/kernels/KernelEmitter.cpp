// SPDX-License-Identifier: Apache-2.0

#include "codegen/kernels/KernelEmitter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;

namespace incept::kernels {

KernelEmitter::KernelEmitter(OpBuilder builder, exec::KernelDefOp definition, int64_t width)
    : builder(builder), loc(builder.getUnknownLoc()), definition(definition), width(width) {}

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

Value KernelEmitter::isNotZero(Value vector) {
  return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNE, vector, splatReal(0.0));
}

Value KernelEmitter::pick(Value a, Value b, llvm::function_ref<int64_t(int64_t)> laneOf) {
  SmallVector<int64_t> lanes;
  for (int64_t i = 0; i < width; ++i)
    lanes.push_back(laneOf(i));
  return vector::ShuffleOp::create(builder, loc, a, b, lanes);
}

static unsigned bytesOf(Type element) {
  return isa<LLVM::LLVMPointerType>(element) ? 8 : llvm::divideCeil(element.getIntOrFloatBitWidth(), 8u);
}

Value KernelEmitter::address(Value base, Value offset, Type element) {
  return LLVM::GEPOp::create(builder, loc, base.getType(), element, base, ValueRange(offset),
                             LLVM::GEPNoWrapFlags::inbounds);
}

Value KernelEmitter::load(Value base, Value from, Type type, unsigned alignment) {
  return LLVM::LoadOp::create(builder, loc, type, from, alignment, /*isVolatile=*/false, /*isNonTemporal=*/false,
                              /*isInvariant=*/isConstant(base));
}

void KernelEmitter::prefetch(Value base, Value offset, Type element, bool isWritten) {
  constexpr uint32_t kAllLevels = 3, kData = 1;
  Value at =
      LLVM::GEPOp::create(builder, loc, base.getType(), element, base, ValueRange(offset)); // maybe behind the end
  LLVM::Prefetch::create(builder, loc, at, isWritten, kAllLevels, kData);
}

Value KernelEmitter::loadScalar(Value base, Value offset, Type element) {
  return load(base, address(base, offset, element), element, bytesOf(element));
}

void KernelEmitter::storeScalar(Value value, Value base, Value offset) {
  Type element = value.getType();
  LLVM::StoreOp::create(builder, loc, value, address(base, offset, element), bytesOf(element));
}

Value KernelEmitter::loadVector(Value base, Value offset, Type element, Lanes lanes) {
  Value from = address(base, offset, element);
  VectorType type = vectorOf(element);
  if (!lanes.mask)
    return load(base, from, type, vectorAlignment(element));
  Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  return LLVM::MaskedLoadOp::create(builder, loc, type, from, lanes.mask, zero,
                                    builder.getI32IntegerAttr(bytesOf(element)), UnitAttr());
}

void KernelEmitter::storeVector(Value value, Value base, Value offset, Lanes lanes) {
  Type element = cast<VectorType>(value.getType()).getElementType();
  Value to = address(base, offset, element);
  if (!lanes.mask)
    LLVM::StoreOp::create(builder, loc, value, to, vectorAlignment(element));
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
  return strided(from, to, index(step), init, body);
}

SmallVector<Value> KernelEmitter::strided(Value from, Value to, Value step, ValueRange init,
                                          llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto op = scf::ForOp::create(builder, loc, from, to, step, init);
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

void KernelEmitter::ifThen(Value condition, llvm::function_ref<void()> body) {
  auto op = scf::IfOp::create(builder, loc, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(op.thenBlock());
  body();
}

void KernelEmitter::ifElse(Value condition, llvm::function_ref<void()> then, llvm::function_ref<void()> otherwise) {
  auto op = scf::IfOp::create(builder, loc, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(op.thenBlock());
  then();
  builder.setInsertionPointToStart(op.elseBlock());
  otherwise();
}

Value KernelEmitter::choose(Value condition, llvm::function_ref<Value()> then, Value otherwise) {
  auto op = scf::IfOp::create(builder, loc, TypeRange(otherwise.getType()), condition, /*addThenBlock=*/true,
                              /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(op.thenBlock());
  scf::YieldOp::create(builder, loc, ValueRange(then()));
  builder.setInsertionPointToStart(op.elseBlock());
  scf::YieldOp::create(builder, loc, ValueRange(otherwise));
  return op.getResult(0);
}

double KernelEmitter::neutralOf(Fold how) { return how == Fold::Sum ? 0.0 : -std::numeric_limits<double>::infinity(); }

Value KernelEmitter::combine(Fold how, Value a, Value b) {
  return how == Fold::Sum ? addf(a, b) : Value(arith::MaximumFOp::create(builder, loc, a, b));
}

/// `value`, a scalar or vector, with elements of type `element`.
static Value convert(OpBuilder &builder, Location loc, Value value, Type element) {
  Type from = getElementTypeOrSelf(value.getType()), to = element;
  if (from == to)
    return value;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    to = vector.clone(element);
  if (element.getIntOrFloatBitWidth() > from.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(builder, loc, to, value);
  return arith::TruncFOp::create(builder, loc, to, value);
}

Value KernelEmitter::rounded(Value value, Type element) {
  return convert(builder, loc, convert(builder, loc, value, element), f32());
}

/// bf16 is moved as integers: back ends without it make a library call of each element that they take apart.
static Type storage(Type element) { return element.isBF16() ? IntegerType::get(element.getContext(), 16) : element; }

/// The same bits with elements of type `element`.
static Value reinterpret(OpBuilder &builder, Location loc, Value value, Type element) {
  if (getElementTypeOrSelf(value.getType()) == element)
    return value;
  auto vector = dyn_cast<VectorType>(value.getType());
  return arith::BitcastOp::create(builder, loc, vector ? Type(vector.clone(element)) : element, value);
}

Value KernelEmitter::loadReals(Value base, Value offset, Type element, Lanes lanes) {
  Value bits = loadVector(base, offset, storage(element), lanes);
  return convert(builder, loc, reinterpret(builder, loc, bits, element), f32());
}

void KernelEmitter::storeReals(Value value, Value base, Value offset, Type element, Lanes lanes) {
  Value rounded = convert(builder, loc, value, element);
  storeVector(reinterpret(builder, loc, rounded, storage(element)), base, offset, lanes);
}

Value KernelEmitter::loadReal(Value base, Value offset, Type element) {
  Value bits = loadScalar(base, offset, storage(element));
  return convert(builder, loc, reinterpret(builder, loc, bits, element), f32());
}

void KernelEmitter::storeReal(Value value, Value base, Value offset, Type element) {
  Value rounded = convert(builder, loc, value, element);
  storeScalar(reinterpret(builder, loc, rounded, storage(element)), base, offset);
}

Type KernelEmitter::elementOf(unsigned index) {
  unsigned inputs = body().getNumArguments();
  Value value = index < inputs ? Value(body().getArgument(index)) : definition.getYield().getValues()[index - inputs];
  return getElementTypeOrSelf(value.getType());
}

void registerKernelCode(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, InceptDialect *) {
    attachFormulas(context);
    attachChannelLoops(context);
    attachDropoutLoops(context);
    attachNormLoops(context);
    attachPoolLoops(context);
    attachStagingLoops(context);
  });
}

} // namespace incept::kernels
