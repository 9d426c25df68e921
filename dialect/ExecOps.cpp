// SPDX-License-Identifier: Apache-2.0
//
// Verifiers of the executable tier.

#include "dialect/ExecMemory.h"
#include "dialect/InceptOps.h"
#include "dialect/RunningStatistics.h"

using namespace mlir;

namespace incept::exec {

LogicalResult PlanOp::verify() {
  // exec.plan_c1
  auto isMemory = [](Type type) { return isa<MemRefType>(type); };
  FunctionType signature = getSignature();
  if (!llvm::all_of(signature.getInputs(), isMemory) || !llvm::all_of(signature.getResults(), isMemory))
    return emitOpError() << "expected a signature from memrefs to memrefs, but got " << signature;
  return success();
}

int64_t PlanOp::getScratchpadBytes() {
  auto bytes = getConfig().getAs<IntegerAttr>("scratchpad_bytes");
  return bytes ? bytes.getInt() : 0;
}

LogicalResult RegionOp::verify() {
  // exec.region_c1
  if (int64_t(getBytes()) < 0)
    return emitOpError() << "expected a size that is not negative, but got " << int64_t(getBytes());
  return success();
}

LogicalResult FieldOp::verifySymbolUses(SymbolTableCollection &table) {
  // exec.field_c1
  auto region = table.lookupNearestSymbolFrom<RegionOp>(*this, getRegionAttr());
  if (!region)
    return emitOpError() << "expected a region named '" << getRegion() << "', but there is none";
  int64_t offset = getOffset(), bytes = getBytes();
  if (offset < 0 || offset > int64_t(region.getBytes()) - bytes || offset % bytes != 0)
    return emitOpError() << "expected a multiple of " << bytes << " inside region '" << getRegion() << "' of "
                         << region.getBytes() << " bytes, but got offset " << offset;
  // exec.field_c2
  for (FieldOp other : (*this)->getBlock()->getOps<FieldOp>()) {
    bool meets = other.getRegionAttr() == getRegionAttr() && int64_t(other.getOffset()) < offset + bytes &&
                 offset < int64_t(other.getOffset()) + other.getBytes();
    if (other != *this && (meets || other.getName() == getName()))
      return emitOpError() << "expected a name and bytes of its own, but field '" << other.getName() << "' at "
                           << other.getOffset() << " has them";
  }
  return success();
}

LogicalResult SliceOp::verifySymbolUses(SymbolTableCollection &table) {
  // exec.slice_c1
  auto region = table.lookupNearestSymbolFrom<RegionOp>(*this, getRegionAttr());
  if (!region)
    return emitOpError() << "expected a region named '" << getRegion() << "', but there is none";
  auto type = cast<MemRefType>(getSlice().getType());
  if (!type.hasStaticShape() || !type.getElementType().isIntOrFloat())
    return emitOpError() << "expected a static shape of integers or floats, but got " << type;
  std::string why;
  auto footprint = footprintOf(type, why);
  if (failed(footprint)) // exec.slice_c2
    return emitOpError() << "expected " << why << ", but got " << type;
  int64_t offset = getOffset(), bytes = footprint->bytes();
  // exec.slice_c3
  if (int64_t size = llvm::divideCeil(type.getElementTypeBitWidth(), 8); offset % size != 0)
    return emitOpError() << "expected a multiple of " << size << " bytes, the size of an element, but got offset "
                         << offset;
  if (offset < 0 || offset > int64_t(region.getBytes()) - bytes)
    return emitOpError() << "expected bytes " << offset << " to " << offset + bytes << " to lie inside region '"
                         << getRegion() << "' of " << region.getBytes() << " bytes";
  return success();
}

LogicalResult KernelOp::verify() {
  // exec.kernel_c3
  constexpr int64_t kMost = 1024;
  auto isShape = [](ArrayRef<int64_t> sizes) {
    return !sizes.empty() && sizes.size() % 3 == 0 && llvm::all_of(sizes, [](int64_t size) { return size > 0; });
  };
  auto fits = [](ArrayRef<int64_t> blocks) {
    for (; !blocks.empty(); blocks = blocks.drop_front(3))
      if (llvm::any_of(blocks.take_front(3), [](int64_t size) { return size > kMost; }) ||
          blocks[0] * blocks[1] * blocks[2] > kMost)
        return false;
    return true;
  };
  if (!getWidth() && !getGrid() && !getBlock())
    return success();
  if (!getWidth() || !getGrid() || !getBlock() || !isShape(*getGrid()) || !isShape(*getBlock()) ||
      getGrid()->size() != getBlock()->size() || !fits(*getBlock()))
    return emitOpError() << "expected a width, a grid of three positive sizes and a block of three with at most "
                         << kMost << " threads, for each part";
  return success();
}

/// The first pair of operands, one of which is written, that have bytes in common; `mayShare` says which pairs may.
static LogicalResult verifyApart(Operation *op, size_t reads, llvm::function_ref<bool(size_t, size_t)> mayShare) {
  for (size_t second = reads; second < op->getNumOperands(); ++second)
    for (size_t first = 0; first < second; ++first) {
      auto a = op->getOperand(first).getDefiningOp<SliceOp>(), b = op->getOperand(second).getDefiningOp<SliceOp>();
      if (a && b && mayTouch(a, b) && !mayShare(first, second))
        return op->emitOpError() << "expected what it writes to lie apart from what else it works on, but operands "
                                 << first << " and " << second << " have bytes in common";
    }
  return success();
}

std::string KernelOp::getCodeSymbol() {
  size_t parts = getGrid() ? getGrid()->size() / 3 : 1;
  return (getKernel() + (getWidth() ? "_v" + std::to_string(*getWidth()) : "") +
          (parts > 1 ? "_p" + std::to_string(parts) : ""))
      .str();
}

LogicalResult KernelOp::verifySymbolUses(SymbolTableCollection &table) {
  // exec.kernel_c1
  auto definition = table.lookupNearestSymbolFrom<KernelDefOp>(*this, getKernelAttr());
  if (!definition)
    return emitOpError() << "expected a kernel named '" << getKernel() << "', but there is none";
  if (int64_t(getUnits()) < 1)
    return emitOpError() << "expected at least 1 unit, but got " << int64_t(getUnits());
  // exec.kernel_c2
  ValueRange arguments = definition.getBody().getArguments(), results = definition.getYield().getValues();
  SmallVector<LaunchPart, 1> parts = partsOf(*this, definition);
  bool isOpaque = definition.getFamily() == KernelFamily::Opaque;
  if (parts.empty() || (isOpaque && parts.size() > 1))
    return emitOpError() << "expected " << arguments.size() << " ins and " << results.size() << " outs as kernel '"
                         << getKernel() << "' has them, but got " << getIns().size() << " and " << getOuts().size();
  if (getGrid() && getGrid()->size() != 3 * parts.size())
    return emitOpError() << "expected a grid and a block for each of " << parts.size() << " parts";
  FailureOr<KernelLoops> loops = definition.getLoops();
  if (failed(loops))
    return failure();
  int64_t units = 0;
  SmallVector<KernelReach, 1> reaches;
  for (const LaunchPart &part : parts) {
    for (auto [index, operand] : llvm::enumerate(part.operands)) {
      bool isIn = index < part.reads;
      auto own = cast<MemRefType>(operand.getType());
      auto its = cast<RankedTensorType>((isIn ? arguments[index] : results[index - arguments.size()]).getType());
      // What an opaque kernel writes is its own business: parts of a scalar, for example.
      bool mayDiffer = !isIn && isOpaque;
      if (own.getElementType() != its.getElementType() || ((own.getRank() == 0) != (its.getRank() == 0) && !mayDiffer))
        return emitOpError() << "expected operand " << index << " to be like " << its << " of kernel '" << getKernel()
                             << "', but got " << own;
    }
    // exec.kernel_c4
    if (part.extents.size() != loops->extents || llvm::any_of(part.extents, [](int64_t extent) { return extent < 0; }))
      return emitOpError() << "expected " << loops->extents << " extents that are not negative, but got "
                           << getExtentsAttr();
    reaches.push_back(definition.getReach(part.extents));
    if (llvm::AddOverflow(units, reaches.back().units, units) || reaches.back().units < 1)
      units = 0;
    if (units == 0)
      break;
  }
  if (units != int64_t(getUnits()))
    return emitOpError() << "expected " << units << " units with these extents, but got " << getUnits();
  // exec.kernel_c5
  for (auto [part, reach] : llvm::zip(parts, reaches))
    for (auto [index, operand, rows] : llvm::enumerate(part.operands, reach.operands))
      if (auto type = cast<MemRefType>(operand.getType()); !consistsOf(type, rows))
        return emitOpError() << "expected operand " << index << " to be " << rows.rows << " rows of " << rows.width
                             << " elements at a distance of " << rows.stride << ", but got " << type;
  // exec.kernel_c7
  if (getWithNext()) {
    SmallVector<KernelOp, 1> launches = launchOf(*this);
    if (launches.size() == 1 || !llvm::all_of(launches, [](KernelOp launch) { return launch.getGrid().has_value(); }))
      return emitOpError() << "expected a launch of a kernel behind it that it runs in one with, both with a grid";
    for (KernelOp other : ArrayRef(launches).drop_front())
      if (mayConflict(*this, other))
        return emitOpError() << "expected not to work on what launches write that it runs in one with, nor they on "
                                "what it writes";
  }
  // exec.kernel_c6
  size_t reads = getIns().size();
  if (isOpaque)
    return verifyApart(*this, reads, [](size_t, size_t) { return false; });
  return verifyApart(*this, reads, [&](size_t first, size_t second) {
    if (first >= reads || first / arguments.size() != (second - reads) / results.size())
      return false;
    // Each of its units may read all rows, and each reads the channel vectors; the first one writes those it gives.
    Value argument = arguments[first % arguments.size()], result = results[(second - reads) % results.size()];
    if (definition.getFamily() == KernelFamily::Map && cast<RankedTensorType>(result.getType()).getRank() == 1 &&
        !isRunningStatistic(argument))
      return false;
    if (llvm::any_of(argument.getUsers(), [&](Operation *user) {
          auto finalize = dyn_cast<BatchNormFinalizeOp>(user);
          return finalize && finalize.getSrc() == argument;
        }))
      return false;
    const KernelReach &reach = reaches[first / arguments.size()];
    auto a = getOperand(first).getDefiningOp<SliceOp>(), b = getOperand(second).getDefiningOp<SliceOp>();
    const KernelRows &read = reach.operands[first % arguments.size()],
                     &written = reach.operands[arguments.size() + (second - reads) % results.size()];
    return a.getOffset() == b.getOffset() && read.rows == written.rows && read.width == written.width &&
           read.stride == written.stride;
  });
}

LogicalResult LibraryOp::verifySymbolUses(SymbolTableCollection &table) {
  // exec.library_c1
  auto plan = table.lookupNearestSymbolFrom<PlanOp>(*this, getPlanAttr());
  if (!plan)
    return emitOpError() << "expected a plan named '" << getPlan() << "', but there is none";
  // exec.library_c2
  FunctionType signature = plan.getSignature();
  if (TypeRange(getIns()) != signature.getInputs() || TypeRange(getOuts()) != signature.getResults())
    return emitOpError() << "expected memory as plan '" << getPlan() << "' has it, " << signature << ", but got "
                         << FunctionType::get(getContext(), TypeRange(getIns()), TypeRange(getOuts()));
  // exec.library_c3
  std::string why;
  auto scratchpad = footprintOf(cast<MemRefType>(getScratchpad().getType()), why);
  if (failed(scratchpad) || scratchpad->bytes() < plan.getScratchpadBytes())
    return emitOpError() << "expected a scratchpad of " << plan.getScratchpadBytes() << " bytes or more, but got "
                         << getScratchpad().getType();
  // exec.library_c4
  return verifyApart(*this, getIns().size(), [](size_t, size_t) { return false; });
}

LogicalResult KernelDefOp::verifyRegions() {
  // exec.kernel_def_c1
  Block &body = getBody().front();
  bool isOne = llvm::hasSingleElement(body.without_terminator());
  if (getFamily() == KernelFamily::Opaque && !(isOne && llvm::equal(body.front().getOperands(), body.getArguments()) &&
                                               llvm::equal(body.front().getResults(), getYield().getValues())))
    return emitOpError() << "expected one op that takes all arguments and whose results are all yielded, in order";
  return success();
}

FailureOr<KernelLoops> KernelDefOp::getLoops() {
  Block &body = getBody().front();
  auto isFull = [](Value value) { return cast<RankedTensorType>(value.getType()).getRank() >= 2; };
  unsigned full = llvm::count_if(body.getArguments(), isFull) + llvm::count_if(getYield().getValues(), isFull);
  unsigned counts = llvm::count_if(body, [](Operation &op) { return isa<CountedOpInterface>(op); });
  switch (getFamily()) {
  case KernelFamily::Flat:
    return KernelLoops{1 + counts};
  case KernelFamily::Map:
    return KernelLoops{2 + full, UnitSize::Tile, 1, 2};
  case KernelFamily::Reduce:
    return KernelLoops{3 + full, UnitSize::Tile, 1, 3};
  case KernelFamily::ReduceCombine:
    return KernelLoops{4 + full, UnitSize::Tile, 1, 4};
  case KernelFamily::Combine:
    return KernelLoops{2 + counts};
  case KernelFamily::Opaque:
    break;
  }
  if (auto kernel = dyn_cast<KernelOpInterface>(body.front()))
    return kernel.getLoops();
  return emitOpError() << "'" << body.front().getName() << "' has no kernel rule";
}

KernelReach KernelDefOp::getReach(ArrayRef<int64_t> extents) {
  Block &body = getBody().front();
  KernelFamily family = getFamily();
  if (family == KernelFamily::Opaque)
    return cast<KernelOpInterface>(body.front()).getReach(extents);
  KernelReach reach;
  auto ceil = [](int64_t a, int64_t b) { return b ? (a / b) + (a % b != 0) : 0; };
  unsigned stride = 2; // of full tensors
  switch (family) {
  case KernelFamily::Flat:
    reach.units = ceil(extents[0], kFlatUnit);
    break;
  case KernelFamily::Reduce:
    reach.units = ceil(extents[0], extents[2]);
    stride = 3;
    break;
  case KernelFamily::ReduceCombine:
    // The runtime, which has no body, knows the number of sums from the extents.
    reach.units = extents[3] == int64_t(countSums()) ? ceil(extents[0], extents[2]) : 0;
    stride = 4;
    break;
  case KernelFamily::Combine:
    reach.units = ceil(extents[1], kCombineUnit);
    break;
  default:
    reach.units = extents[0];
  }
  unsigned partials = family == KernelFamily::ReduceCombine ? countSums() : 0; // among the vectors to come
  auto add = [&](Value value) {
    int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
    if (rank == 0)
      reach.operands.push_back(KernelRows());
    else if (family == KernelFamily::Flat)
      reach.operands.push_back(KernelRows::dense(extents[0]));
    else if (family == KernelFamily::Combine && rank > 1)
      reach.operands.push_back({extents[0], extents[1], extents[1]});
    else if (rank > 1)
      reach.operands.push_back({extents[0], extents[1], extents[stride++]});
    else if (value.getDefiningOp() && (family == KernelFamily::Reduce || (partials > 0 && partials--)))
      reach.operands.push_back({reach.units, extents[1], extents[1]});
    else
      reach.operands.push_back(KernelRows::dense(extents[1]));
  };
  llvm::for_each(body.getArguments(), add);
  llvm::for_each(getYield().getValues(), add);
  return reach;
}

static bool isSum(Value value) { return value.getDefiningOp() && value.getDefiningOp()->hasTrait<OpTrait::Reduce>(); }

unsigned KernelDefOp::countSums() {
  llvm::SmallPtrSet<Value, 4> sums;
  for (Value value : getYield().getValues())
    if (isSum(value))
      sums.insert(value);
  return sums.size();
}

llvm::SetVector<Operation *> KernelDefOp::getLateOps() {
  llvm::SetVector<Operation *> late;
  bool isCombine = getFamily() == KernelFamily::Combine;
  for (Operation &op : getBody().front().without_terminator()) {
    bool isLate = llvm::any_of(op.getOperands(), [&](Value operand) {
      return isSum(operand) || (operand.getDefiningOp() && late.contains(operand.getDefiningOp()));
    });
    if (isCombine ? !isa<ChannelSumOp>(op) : isLate)
      late.insert(&op);
  }
  return late;
}

YieldOp KernelDefOp::getYield() { return cast<YieldOp>(getBody().front().getTerminator()); }

} // namespace incept::exec
