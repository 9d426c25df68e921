// SPDX-License-Identifier: Apache-2.0

#include "codegen/cuda/ShapeLaunch.h"
#include "dialect/ExecMemory.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Placement.h"
#include "runtime/program/Kernels.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace incept::cuda {

namespace {

/// A block's threads over the vectors of a row (x) and rows (y), and the blocks that a row takes.
struct Tile {
  int64_t x, y, blocks;
};

Tile tileOf(int64_t vectors) {
  constexpr int64_t kMostVectors = 128;
  int64_t x = vectors;
  if (vectors > kMostVectors)
    x = llvm::divideCeil(vectors, llvm::divideCeil(vectors, kMostVectors));
  return {x, std::max<int64_t>(kBlockThreads / x, 1), int64_t(llvm::divideCeil(vectors, x))};
}

/// The same of a kernel that adds rows: as few channels as still make whole lines of memory, so that many threads share
/// the rows of a channel and few partial sums are left of them. Of such tiles the one that wastes the fewest threads.
Tile rangeOf(int64_t vectors) {
  constexpr int64_t kLeast = 8, kMost = 16;
  auto waste = [&](int64_t x) { return int64_t(llvm::alignTo(vectors, x)) - vectors; };
  int64_t x = std::min(vectors, kLeast);
  for (int64_t other = kLeast + 2; other <= kMost && vectors > kLeast; other += 2)
    x = waste(other) < waste(x) ? other : x;
  return {x, kBlockThreads / x, int64_t(llvm::divideCeil(vectors, x))};
}

/// Of reductions: two hide the latency of memory, with 128 registers for a thread.
constexpr int64_t kReductionBlocks = 2;

/// True for a kernel whose threads add up rows, or pixels, and then meet.
bool addsRows(exec::KernelDefOp definition) {
  KernelFamily family = definition.getFamily();
  return family == KernelFamily::Reduce || family == KernelFamily::ReduceCombine ||
         (family == KernelFamily::Opaque && isa<GlobalAvgPoolOp>(definition.getBody().front().front()));
}

/// True for a tensor of the size that the kernel is about.
bool isFull(exec::KernelDefOp definition, Value value) {
  bool isFlat = definition.getFamily() == KernelFamily::Flat || isTotal(&definition.getBody().front().front());
  return cast<RankedTensorType>(value.getType()).getRank() >= (isFlat ? 1 : 2);
}

} // namespace

bool givesVectorsOnly(exec::KernelDefOp definition) {
  return definition.getFamily() == KernelFamily::Map &&
         llvm::none_of(definition.getYield().getValues(), [&](Value value) { return isFull(definition, value); });
}

namespace {

int64_t elementBytes(Value operand) {
  return llvm::divideCeil(getElementTypeOrSelf(operand.getType()).getIntOrFloatBitWidth(), 8);
}

/// Pixels whose bytes a thread normalises: 1 where images have more channels than registers allow, or do not lie dense
/// and aligned. Extents are pixels, channels and the distance between pixels.
int64_t pixelsOf(const exec::LaunchPart &part) {
  constexpr int64_t kPixels = kVectorBytes, kMostChannels = 4;
  ArrayRef<int64_t> extents = part.extents;
  bool isAligned = llvm::all_of(part.operands, [](Value operand) {
    return operand.getDefiningOp<exec::SliceOp>().getOffset() % kVectorBytes == 0;
  });
  bool isDense = extents[2] == extents[1] && extents[0] % kPixels == 0;
  return isDense && isAligned && extents[1] <= kMostChannels ? kPixels : 1;
}

/// Lanes of 16 bytes of the narrowest operand, fewer where channels, strides or addresses are no multiples.
int64_t widthOf(const exec::LaunchPart &part, exec::KernelDefOp definition, const KernelLoops &loops) {
  bool isFlat = definition.getFamily() == KernelFamily::Flat;
  if (isa<NormalizeImageOp>(definition.getBody().front().front()))
    return pixelsOf(part);
  if (loops.channels < 0 && !isFlat)
    return 1;
  ArrayRef<int64_t> extents = part.extents;
  int64_t narrowest = kVectorBytes;
  SmallVector<Value> full;
  int64_t stride = loops.firstStride;
  for (Value operand : part.operands) {
    // Scalars and channel vectors have no stride; vectors are dense.
    if (cast<MemRefType>(operand.getType()).getRank() == 0)
      continue;
    if (full.size() == loops.vectorOperands)
      break;
    full.push_back(operand);
    if (elementBytes(operand) > 1)
      narrowest = std::min(narrowest, elementBytes(operand));
  }
  int64_t width = kVectorBytes / narrowest;
  auto fits = [&](int64_t lanes) {
    if (!isFlat && extents[loops.channels] % lanes != 0)
      return false;
    for (int64_t i = stride; stride >= 0 && i < int64_t(extents.size()); ++i)
      if (extents[i] % lanes != 0)
        return false;
    return llvm::all_of(full, [&](Value operand) {
      int64_t bytes = std::min(lanes * elementBytes(operand), kVectorBytes);
      return operand.getDefiningOp<exec::SliceOp>().getOffset() % bytes == 0;
    });
  };
  while (width > 1 && !fits(width))
    width /= 2;
  return width;
}

/// True where two slices have a byte in common, or lie between each other's rows.
bool mayOverlap(Value first, Value second) {
  auto a = first.getDefiningOp<exec::SliceOp>(), b = second.getDefiningOp<exec::SliceOp>();
  std::string why;
  auto bytesOf = [&](exec::SliceOp slice) {
    auto rows = exec::footprintOf(cast<MemRefType>(slice.getType()), why);
    return failed(rows) ? INT64_MAX / 2 : rows->bytes();
  };
  int64_t from = a.getOffset(), other = b.getOffset();
  return a.getRegion() == b.getRegion() && from < other + bytesOf(b) && other < from + bytesOf(a);
}

/// Of all parts of a launch.
int64_t widthOf(ArrayRef<exec::LaunchPart> parts, const KernelLoops &loops, exec::KernelDefOp definition) {
  int64_t width = kVectorBytes;
  for (const exec::LaunchPart &part : parts)
    width = std::min(width, widthOf(part, definition, loops));
  return width;
}

/// The numbers of a part: blocks of its grid, and threads of a block.
struct PartShape {
  int64_t x, y, threadsX, threadsY;
};

/// The shape of a part with vectors of `width`.
PartShape shapePart(const exec::LaunchPart &part, exec::KernelDefOp definition, const KernelLoops &loops,
                    int64_t width) {
  KernelFamily family = definition.getFamily();
  ArrayRef<int64_t> extents = part.extents;
  int64_t units = definition.getReach(extents).units, inFlight = vectorsInFlight(definition, width);
  auto ceil = [](int64_t a, int64_t b) { return int64_t(llvm::divideCeil(a, b)); };
  if (family == KernelFamily::Flat)
    return {ceil(extents[0], kBlockThreads * width * inFlight), 1, kBlockThreads, 1};
  if (family == KernelFamily::Combine)
    return {ceil(extents[1], 32), 1, 32, kBlockThreads / 32};
  if (loops.unit == UnitSize::Row) {
    int64_t vectors = extents[loops.channels] / width, threads = std::min(vectors, kBlockThreads);
    return {units, ceil(vectors, threads), threads, 1};
  }
  if (family == KernelFamily::Opaque && isa<SoftmaxCrossEntropyOp>(definition.getBody().front().front()))
    return {std::min(ceil(extents[0], kBlockThreads / kWarp), kLossBlocks), 1, kBlockThreads, 1}; // a warp a row
  if (loops.unit == UnitSize::Block)
    return {units, 1, kBlockThreads, 1};
  if (loops.unit == UnitSize::Thread)
    return {ceil(ceil(units, width), kBlockThreads), 1, kBlockThreads, 1};
  int64_t vectors = extents[loops.channels] / width;
  Tile tile = addsRows(definition) || givesVectorsOnly(definition) ? rangeOf(vectors) : tileOf(vectors);
  if (givesVectorsOnly(definition)) // a block for each range of channels; where it adds rows, it adds all of them
    return {1, tile.blocks, tile.x, tile.y};
  return {family == KernelFamily::Map ? ceil(extents[0], tile.y * inFlight) : units, tile.blocks, tile.x, tile.y};
}

/// The shape with vectors of `width`. Reports one that no grid can hold.
FailureOr<LaunchShape> shapeFor(exec::KernelOp launch, ArrayRef<exec::LaunchPart> parts, exec::KernelDefOp definition,
                                const KernelLoops &loops, int64_t width) {
  LaunchShape shape;
  shape.width = width;
  // Rows and units are divided in 32 bits.
  constexpr int64_t kMostX = INT32_MAX, kTooMany = kMostX + 1;
  KernelFamily family = definition.getFamily();
  const int64_t kMostY = family == KernelFamily::ReduceCombine ? kMostRanges : 65535;
  bool countsRows = loops.channels >= 0 || loops.unit == UnitSize::Thread;
  bool isReduction = family == KernelFamily::Reduce || family == KernelFamily::ReduceCombine;
  if (parts.size() > size_t(kMostParts))
    return launch.emitOpError() << "has " << parts.size() << " parts: expected at most " << kMostParts;
  int64_t blocks = 0;
  for (const exec::LaunchPart &part : parts) {
    PartShape own = shapePart(part, definition, loops, width);
    own.x = std::max<int64_t>(own.x, 1);
    own.y = std::max<int64_t>(own.y, 1);
    llvm::append_values(shape.grid, own.x, own.y, 1);
    llvm::append_values(shape.block, own.threadsX, own.threadsY, 1);
    // Blocks of several parts are numbered one after the other.
    blocks += std::min(parts.size() == 1 ? own.x : saturatingProduct({own.x, own.y}), kTooMany);
    int64_t rows = isReduction ? part.extents[0] : countsRows ? definition.getReach(part.extents).units : 0;
    if (blocks > kMostX || own.y > kMostY || rows > kMostX)
      return launch.emitOpError() << "is too large for a GPU's grid: use a smaller --batch-size";
  }
  return shape;
}

} // namespace

/// Half of a thread's registers hold what was read.
static constexpr int64_t kReadRegisters = 96;

namespace {
/// What the main loop of a kernel reads: tensors of its size, and vectors of the channels.
struct Reads {
  int64_t full = 0, channels = 0;
};
} // namespace

static Reads readsOf(exec::KernelDefOp definition) {
  Reads reads;
  auto late = definition.getLateOps();
  for (Value input : definition.getBody().getArguments()) {
    reads.full += isFull(definition, input);
    bool isVector = !isFull(definition, input) && cast<RankedTensorType>(input.getType()).getRank() == 1;
    reads.channels += isVector && !llvm::all_of(input.getUsers(), [&](Operation *user) { return late.contains(user); });
  }
  return reads;
}

int64_t vectorsInFlight(exec::KernelDefOp definition, int64_t width) {
  auto [full, channels] = readsOf(definition);
  int64_t left = kReadRegisters - channels * width;
  return std::clamp<int64_t>(left / (std::max<int64_t>(full, 1) * width), 1, kMostInFlight);
}

int64_t residentBlocks(exec::KernelDefOp definition, int64_t width) {
  constexpr size_t kManyOperands = 8;
  constexpr int64_t kMostRead = 64; // beside sums and what is computed, of 128 registers
  // Vectors that a kernel over rows gives are written before its loops.
  bool isMap = definition.getFamily() == KernelFamily::Map;
  size_t operands = definition.getBody().getNumArguments() +
                    llvm::count_if(definition.getYield().getValues(),
                                   [&](Value value) { return !isMap || isFull(definition, value); });
  auto [full, channels] = readsOf(definition);
  bool isMuch = addsRows(definition) ? (full + channels) * width > kMostRead : operands > kManyOperands;
  return isMuch ? 1 : kReductionBlocks;
}

int64_t registerBudget(exec::KernelDefOp definition, int64_t width) {
  // Of a multiprocessor, of a thread, and how many a warp's threads get at a time.
  constexpr int64_t kRegisters = 65536, kMost = 255, kStep = 8;
  return std::min(kRegisters / (kBlockThreads * residentBlocks(definition, width)) / kStep * kStep, kMost);
}

int64_t designedLoads(exec::KernelDefOp definition, int64_t width) {
  constexpr int64_t kWindow = 3, kPixels = 2; // columns of a pool's window; pixels of a global pool
  KernelFamily family = definition.getFamily();
  bool hasLoop = family != KernelFamily::Combine && !givesVectorsOnly(definition);
  int64_t inFlight = hasLoop ? vectorsInFlight(definition, width) : 0;
  if (family == KernelFamily::Opaque)
    inFlight = llvm::TypeSwitch<Operation *, int64_t>(&definition.getBody().front().front())
                   .Case<MaxPoolWithIndexOp, MaxPoolBackwardOp, AvgPoolOp, AvgPoolBackwardOp>(
                       [](Operation *) { return kWindow; })
                   .Case<GlobalAvgPoolOp>([](Operation *) { return kPixels; })
                   .Case<NormalizeImageOp>([](NormalizeImageOp op) { return int64_t(op.getMean().size()); })
                   .Case<CountNonfiniteOp, SumSquaresOp>([](Operation *) { return kMostInFlight; })
                   .Default([](Operation *) { return 0; });
  int64_t loads = 0;
  for (Value input : definition.getBody().getArguments()) {
    int64_t bytes = isFull(definition, input) ? width * elementBytes(input) : 0;
    loads += bytes < kVectorBytes / 2 ? 0 : llvm::divideCeil(bytes, kVectorBytes);
  }
  return loads * inFlight;
}

Reduction cutReduction(int64_t rows, int64_t channels, int64_t elementBytes, int64_t multiprocessors) {
  constexpr int64_t kRows = 32;
  int64_t width = kVectorBytes / elementBytes;
  while (channels % width != 0)
    width /= 2;
  int64_t slots = multiprocessors * kReductionBlocks, across = rangeOf(std::max<int64_t>(channels / width, 1)).blocks;
  int64_t partials = std::clamp<int64_t>(slots / across, 1, std::max<int64_t>(rows / kRows, 1));
  int64_t chunk = std::max<int64_t>(llvm::divideCeil(rows, partials), 1);
  return {chunk, int64_t(llvm::divideCeil(rows, chunk))};
}

FailureOr<LaunchShape> shapeLaunch(exec::KernelOp launch, exec::KernelDefOp definition) {
  FailureOr<KernelLoops> loops = definition.getLoops();
  if (failed(loops))
    return failure();
  SmallVector<exec::LaunchPart, 1> parts = exec::partsOf(launch, definition);
  return shapeFor(launch, parts, definition, *loops, widthOf(parts, *loops, definition));
}

bool runsBesideOthers(exec::KernelDefOp definition) {
  return definition.getFamily() != KernelFamily::Opaque ||
         isa<MaxPoolOp, MaxPoolWithIndexOp, MaxPoolBackwardOp, AvgPoolOp, AvgPoolBackwardOp>(
             definition.getBody().front().front());
}

int64_t residentBlocks(const Variant &variant) {
  int64_t blocks = residentBlocks(variant.definition, variant.width);
  for (const Variant &other : variant.others)
    blocks = std::min(blocks, residentBlocks(other));
  return blocks;
}

int64_t registerBudget(const Variant &variant) {
  int64_t budget = registerBudget(variant.definition, variant.width);
  for (const Variant &other : variant.others)
    budget = std::max(budget, registerBudget(other));
  return budget;
}

int64_t designedLoads(const Variant &variant) {
  int64_t loads = designedLoads(variant.definition, variant.width);
  for (const Variant &other : variant.others)
    loads = std::max(loads, designedLoads(other));
  return loads;
}

/// The code of a launch by itself.
static Variant variantOf(exec::KernelOp launch, exec::KernelDefOp definition) {
  SmallVector<exec::LaunchPart, 1> parts = exec::partsOf(launch, definition);
  return {definition,
          int64_t(*launch.getWidth()),
          unsigned(parts.front().extents.size()),
          launch.getCodeSymbol(),
          llvm::SmallBitVector(parts.front().reads, true),
          unsigned(parts.size())};
}

/// Notes which inputs the launch may write.
static void resetWritten(Variant &variant, exec::KernelOp launch) {
  for (auto [index, in] : llvm::enumerate(launch.getIns()))
    if (llvm::any_of(launch.getOuts(), [in = in](Value out) { return mayOverlap(in, out); }))
      variant.constant.reset(index % variant.constant.size());
}

static_assert(kPartSizes == program::kPartSizes, "the image has what a kernel's code takes");

/// Reports launches that cannot run in one, as none are that incept-pair-launches puts together.
static LogicalResult verifyTogether(ArrayRef<exec::KernelOp> launches, const SymbolTable &symbols) {
  if (launches.size() == 1)
    return success();
  for (exec::KernelOp launch : launches)
    if (!runsBesideOthers(symbols.lookup<exec::KernelDefOp>(launch.getKernel())))
      return launch.emitOpError() << "runs in one launch with another kernel's, but '" << launch.getKernel()
                                  << "' takes a launch of its own";
  if (std::string why = whyNotTogether(launches); !why.empty())
    return launches.front()->emitOpError() << "does not fit into one launch with the next: " << why;
  return success();
}

FailureOr<std::vector<Variant>> collectVariants(ModuleOp module) {
  SymbolTable symbols(module);
  std::vector<Variant> variants;
  llvm::StringMap<size_t> seen;
  for (func::FuncOp function : module.getOps<func::FuncOp>())
    for (exec::KernelOp launch : function.getOps<exec::KernelOp>()) {
      auto definition = symbols.lookup<exec::KernelDefOp>(launch.getKernel());
      FailureOr<KernelLoops> loops = definition.getLoops();
      if (failed(loops))
        return failure();
      if (!launch.getWidth())
        return launch.emitOpError() << "has no shape: expected incept-shape-launches for this target before";
      // Narrower vectors are right too, but what is not aligned is not, nor another grid.
      SmallVector<exec::LaunchPart, 1> parts = exec::partsOf(launch, definition);
      int64_t width = *launch.getWidth(), widest = widthOf(parts, *loops, definition);
      auto shape = shapeFor(launch, parts, definition, *loops, widest % width == 0 ? width : widest);
      if (failed(shape))
        return failure();
      if (shape->width != width || ArrayRef(shape->grid) != *launch.getGrid() ||
          ArrayRef(shape->block) != *launch.getBlock())
        return launch.emitOpError() << "has a shape that does not fit it: expected width " << shape->width << ", grid "
                                    << shape->grid[0] << " x " << shape->grid[1] << " and block " << shape->block[0]
                                    << " x " << shape->block[1];
      if (exec::isContinuation(launch))
        continue;
      SmallVector<exec::KernelOp, 1> together = exec::launchOf(launch);
      if (failed(verifyTogether(together, symbols)))
        return failure();
      auto [entry, isNew] = seen.try_emplace(exec::codeSymbolOf(together), variants.size());
      if (isNew) {
        variants.push_back(variantOf(launch, definition));
        variants.back().symbol = entry->first().str();
        for (exec::KernelOp other : llvm::drop_begin(together))
          variants.back().others.push_back(variantOf(other, symbols.lookup<exec::KernelDefOp>(other.getKernel())));
      }
      Variant &variant = variants[entry->second];
      resetWritten(variant, launch);
      for (auto [other, its] : llvm::zip_equal(llvm::drop_begin(together), variant.others))
        resetWritten(its, other);
    }
  return variants;
}

} // namespace incept::cuda
