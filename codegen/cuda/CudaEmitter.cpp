// SPDX-License-Identifier: Apache-2.0

#include "codegen/cuda/CudaEmitter.h"
#include "dialect/Kernels.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace incept::cuda {

/// NVPTX's numbers of global and shared memory.
constexpr unsigned kGlobal = 1, kShared = 3;

CudaEmitter::CudaEmitter(gpu::GPUModuleOp module, gpu::GPUFuncOp function, OpBuilder builder, const Variant &kernel)
    : KernelEmitter(builder, kernel.definition, kernel.width), module(module), function(function),
      constant(kernel.constant) {}

static unsigned readsOf(exec::KernelDefOp definition) { return definition.getBody().getNumArguments(); }
static unsigned writesOf(exec::KernelDefOp definition) { return definition.getYield().getValues().size(); }

LogicalResult CudaEmitter::emit(gpu::GPUModuleOp module, const Variant &variant) {
  SmallVector<const Variant *, 2> kernels = {&variant};
  for (const Variant &other : variant.others)
    kernels.push_back(&other);
  unsigned ins = 0, outs = 0, extents = 0, parts = 0;
  for (const Variant *kernel : kernels) {
    ins += kernel->parts * readsOf(kernel->definition);
    outs += kernel->parts * writesOf(kernel->definition);
    extents += kernel->parts * kernel->extents;
    parts += kernel->parts;
  }
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Location loc = builder.getUnknownLoc();
  SmallVector<Type> types(ins + outs, LLVM::LLVMPointerType::get(builder.getContext(), kGlobal));
  types.append(extents + (parts > 1 ? parts * kPartSizes : 0), builder.getI64Type());
  auto function = gpu::GPUFuncOp::create(builder, loc, variant.symbol, builder.getFunctionType(types, {}));
  function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), builder.getUnitAttr());
  // Without them ptxas guesses how many blocks shall fit, and issues loads one by one to save registers.
  function->setAttr(NVVM::NVVMDialect::getMaxntidAttrName(), builder.getDenseI32ArrayAttr({int32_t(kBlockThreads)}));
  function->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                    builder.getI32IntegerAttr(int32_t(residentBlocks(variant))));
  Share share{0, ins, ins + outs, ins + outs + extents, {}, {}, nullptr};
  builder.setInsertionPointToStart(&function.getBody().front());
  for (const Variant *kernel : kernels) {
    CudaEmitter emitter(module, function, builder, *kernel);
    if (parts > 1) {
      emitter.enterPart(*kernel, share, kernel == kernels.back());
      if (share.rest)
        builder.setInsertionPointToStart(share.rest);
    } else {
      llvm::append_range(emitter.operands, function.getArguments().take_front(ins + outs));
      llvm::append_range(emitter.extents, function.getArguments().drop_front(ins + outs));
    }
    if (failed(emitKernel(emitter)))
      return failure();
  }
  builder.setInsertionPointToEnd(&function.getBody().back());
  gpu::ReturnOp::create(builder, loc);
  return success();
}

void CudaEmitter::enterPart(const Variant &kernel, Share &share, bool isLast) {
  unsigned reads = readsOf(definition), writes = writesOf(definition), parts = kernel.parts;
  Share at = share;
  auto argument = [&](unsigned index) -> Value { return function.getArgument(index); };
  Value block = id<gpu::BlockIdOp>(gpu::Dimension::x), thread = id<gpu::ThreadIdOp>(gpu::Dimension::x);
  auto size = [&](unsigned part, unsigned which) { return argument(at.sizes + part * kPartSizes + which); };
  // Tickets are counted for ranges of kernels that have some.
  bool counts = definition.getFamily() == KernelFamily::ReduceCombine ||
                isa<SoftmaxCrossEntropyOp>(definition.getBody().front().front());
  // Whether the block belongs to a part before each of the others.
  SmallVector<Value> isBefore;
  Value begin = at.blocks ? at.blocks : index(0), first = begin;
  Value ranges = at.ranges ? at.ranges : index(0), rangesBefore = ranges;
  auto pass = [&](unsigned part) {
    begin = add(begin, mul(size(part, 0), size(part, 1)));
    if (counts)
      ranges = add(ranges, size(part, 1));
  };
  for (unsigned part = 1; part < parts; ++part) {
    pass(part - 1);
    isBefore.push_back(less(block, begin));
    first = arith::SelectOp::create(builder, loc, isBefore.back(), first, begin);
    rangesBefore = arith::SelectOp::create(builder, loc, isBefore.back(), rangesBefore, ranges);
  }
  if (!isLast) {
    pass(parts - 1);
    // The other kernels come otherwise, not behind: threads that a part does not use have to end.
    auto own = scf::IfOp::create(builder, loc, less(block, begin), /*withElseRegion=*/true);
    builder.setInsertionPointToStart(own.thenBlock());
    share = {at.ins + parts * reads,
             at.outs + parts * writes,
             at.extents + parts * kernel.extents,
             unsigned(at.sizes + parts * kPartSizes),
             begin,
             ranges,
             own.elseBlock()};
  }
  auto ofPart = [&](llvm::function_ref<Value(unsigned)> valueOf) {
    Value value = valueOf(0);
    for (unsigned part = 1; part < parts; ++part)
      value = arith::SelectOp::create(builder, loc, isBefore[part - 1], value, valueOf(part));
    return value;
  };
  for (unsigned i = 0; i < reads; ++i)
    operands.push_back(ofPart([&](unsigned part) { return argument(at.ins + part * reads + i); }));
  for (unsigned i = 0; i < writes; ++i)
    operands.push_back(ofPart([&](unsigned part) { return argument(at.outs + part * writes + i); }));
  for (unsigned i = 0; i < kernel.extents; ++i)
    extents.push_back(ofPart([&](unsigned part) { return argument(at.extents + part * kernel.extents + i); }));
  Place own;
  own.ranges = rangesBefore;
  own.blocksX = ofPart([&](unsigned part) { return size(part, 0); });
  own.threadsX = ofPart([&](unsigned part) { return size(part, 2); });
  own.threadsY = ofPart([&](unsigned part) { return size(part, 3); });
  Value inPart = sub(block, first);
  own.blockX = rem(inPart, own.blocksX);
  own.blockY = div(inPart, own.blocksX);
  own.threadX = rem(thread, own.threadsX);
  own.threadY = div(thread, own.threadsX);
  // Barriers do not wait for threads that have ended.
  auto used = scf::IfOp::create(builder, loc, less(own.threadY, own.threadsY), /*withElseRegion=*/false);
  builder.setInsertionPointToStart(used.thenBlock());
  place = own;
}

unsigned CudaEmitter::vectorAlignment(Type element) {
  int64_t bytes = width * llvm::divideCeil(element.getIntOrFloatBitWidth(), 8u);
  return std::min(bytes, kVectorBytes);
}

bool CudaEmitter::isConstant(Value base) {
  const auto *operand = llvm::find(operands, base);
  size_t index = operand - operands.begin();
  return index < constant.size() && constant[index];
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

void CudaEmitter::rows(Value count, llvm::function_ref<void(Value)> body) {
  static_assert(kBlockThreads == kRowsUnit * kWarp, "a warp of the block for each row of the unit");
  Value row = add(mul(blockX(), index(kRowsUnit)), div(threadX(), index(kWarp)));
  team = kWarp;
  ifThen(less(row, count), [&] { body(row); });
  team = kBlockThreads;
}

SmallVector<Value> CudaEmitter::walk(Value lines, Value count, ValueRange init,
                                     llvm::function_ref<SmallVector<Value>(Value, Value, ValueRange)> body) {
  Value lane = rem(threadX(), index(team)), step = index(team * width);
  auto alongLine = [&](Value line, Value first, ValueRange carried) {
    return strided(mul(first, index(width)), count, step, carried,
                   [&](Value c, ValueRange inner) { return body(line, c, inner); });
  };
  if (!lines)
    return alongLine(Value(), lane, init);
  // Neighbouring threads take the vectors of a line, and those behind them the next line's, as far as they are enough
  // for whole lines. Where they are too few for one they take its vectors in turn.
  Value vectors = div(count, index(width)), together = max(div(index(team), vectors), index(1));
  Value line = div(lane, vectors);
  Value first = arith::SelectOp::create(builder, loc, less(line, together), line, lines);
  return strided(first, lines, together, init,
                 [&](Value line, ValueRange carried) { return alongLine(line, rem(lane, vectors), carried); });
}

Value CudaEmitter::fold(Fold how, Value lines, Value count, Value segment,
                        llvm::function_ref<Value(Value, Value, Lanes)> term) {
  auto step = [&](Value line, Value c, ValueRange carried) {
    return SmallVector<Value>{combine(how, carried[0], term(line, c, Lanes()))};
  };
  Value ofThread = walk(lines, count, ValueRange(splatReal(neutralOf(how))), step)[0];
  Value result = vector::ExtractOp::create(builder, loc, ofThread, 0);
  for (int64_t lane = 1; lane < width; ++lane)
    result = combine(how, result, vector::ExtractOp::create(builder, loc, ofThread, lane));
  for (int32_t mask = kWarp / 2; mask > 0; mask /= 2)
    result = combine(how, result, shuffleXor(result, mask));
  if (team == kWarp)
    return segment ? splat(result) : result;
  Value memory = shared(kBlockThreads / kWarp, f32()), x = threadX();
  barrier(); // all have read what was there before
  ifThen(less(rem(x, index(kWarp)), index(1)), [&] { storeScalar(result, memory, div(x, index(kWarp))); });
  barrier();
  Value all = loadScalar(memory, index(0), f32());
  for (int64_t warp = 1; warp < kBlockThreads / kWarp; ++warp)
    all = combine(how, all, loadScalar(memory, index(warp), f32()));
  return segment ? splat(all) : all; // a unit is one segment
}

void CudaEmitter::along(Value lines, Value count, llvm::function_ref<void(Value, Value, Lanes)> body) {
  walk(lines, count, {}, [&](Value line, Value c, ValueRange) {
    body(line, c, Lanes());
    return SmallVector<Value>();
  });
}

Value CudaEmitter::global(StringRef name, Type type, unsigned space) {
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext(), space);
  auto bytesOf = [](Type type) {
    auto array = cast<LLVM::LLVMArrayType>(type);
    return array.getNumElements() * (array.getElementType().getIntOrFloatBitWidth() / 8);
  };
  if (auto known = module.lookupSymbol<LLVM::GlobalOp>(name)) {
    // Kernels of one function share it: a block runs one of them.
    if (bytesOf(type) > bytesOf(known.getGlobalType()))
      known.setGlobalType(type);
  } else {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    // Shared memory has no first value, what the module has in global memory begins as zeros.
    Attribute init = space == kShared ? Attribute() : LLVM::ZeroAttr::get(builder.getContext());
    LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/false, LLVM::Linkage::Internal, name, init,
                           /*alignment=*/kVectorBytes, space);
  }
  return LLVM::AddressOfOp::create(builder, loc, pointer, name);
}

Value CudaEmitter::shared(int64_t elements, Type element, StringRef suffix) {
  return global((function.getName() + suffix).str(), LLVM::LLVMArrayType::get(element, elements), kShared);
}

Value CudaEmitter::moduleMemory(int64_t elements, Type element, StringRef name) {
  return global(name, LLVM::LLVMArrayType::get(element, elements), kGlobal);
}

Value CudaEmitter::isLastOfRange() {
  Type i32 = builder.getI32Type();
  Value flag = shared(1, i32, "_last"), none = index(0);
  Value tickets = moduleMemory(kMostRanges * kMostParts, i32, "tickets");
  barrier();
  ifThen(less(add(threadX(), threadY()), index(1)), [&] {
    auto fence = [&] { LLVM::FenceOp::create(builder, loc, LLVM::AtomicOrdering::acq_rel, "device"); };
    fence();
    Value ticket = place ? add(place->ranges, blockY()) : blockY();
    // Counts up to the last block's number and starts again, so that the next launch finds 0.
    Value last = narrow(sub(blocksX(), index(1)));
    Value before = LLVM::AtomicRMWOp::create(builder, loc, LLVM::AtomicBinOp::uinc_wrap, address(tickets, ticket, i32),
                                             last, LLVM::AtomicOrdering::monotonic, "device");
    fence();
    Value isLast = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, before, last);
    storeScalar(arith::ExtUIOp::create(builder, loc, i32, isLast), flag, none);
  });
  barrier();
  Value zero = arith::ConstantIntOp::create(builder, loc, 0, 32);
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, loadScalar(flag, none, i32), zero);
}

Value CudaEmitter::shuffleXor(Value value, int32_t mask) {
  return gpu::ShuffleOp::create(builder, loc, value, mask, 32, gpu::ShuffleMode::XOR).getShuffleResult();
}

} // namespace incept::cuda
