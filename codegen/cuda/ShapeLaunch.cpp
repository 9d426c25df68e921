// SPDX-License-Identifier: Apache-2.0

#include "codegen/cuda/ShapeLaunch.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringSet.h"
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

int64_t elementBytes(Value operand) {
  return llvm::divideCeil(cast<MemRefType>(operand.getType()).getElementTypeBitWidth(), 8);
}

/// Lanes of 16 bytes of the narrowest operand, fewer where channels, strides or addresses are no multiples.
int64_t widthOf(exec::KernelOp launch, const KernelLoops &loops, bool isFlat) {
  if (loops.channels < 0 && !isFlat)
    return 1;
  ArrayRef<int64_t> extents = launch.getExtents();
  int64_t narrowest = kVectorBytes;
  SmallVector<Value> full;
  int64_t stride = loops.firstStride;
  for (Value operand : launch->getOperands()) {
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

/// The shape with vectors of `width`. Reports one that no grid can hold.
FailureOr<LaunchShape> shapeFor(exec::KernelOp launch, exec::KernelDefOp definition, const KernelLoops &loops,
                                int64_t width) {
  KernelFamily family = definition.getFamily();
  ArrayRef<int64_t> extents = launch.getExtents();
  int64_t units = launch.getUnits(), inFlight = vectorsInFlight(definition, width);
  LaunchShape shape;
  shape.width = width;
  auto set = [&](int64_t x, int64_t y, int64_t threadsX, int64_t threadsY) {
    shape.grid = {std::max<int64_t>(x, 1), std::max<int64_t>(y, 1), 1};
    shape.block = {threadsX, threadsY, 1};
  };
  auto ceil = [](int64_t a, int64_t b) { return int64_t(llvm::divideCeil(a, b)); };
  if (family == KernelFamily::Flat) {
    set(ceil(extents[0], kBlockThreads * width * inFlight), 1, kBlockThreads, 1);
  } else if (family == KernelFamily::Combine) {
    set(ceil(extents[1], 32), 1, 32, kBlockThreads / 32);
  } else if (loops.unit == UnitSize::Row) {
    int64_t vectors = extents[loops.channels] / width, threads = std::min(vectors, kBlockThreads);
    set(units, ceil(vectors, threads), threads, 1);
  } else if (loops.unit == UnitSize::Block) {
    set(units, 1, kBlockThreads, 1);
  } else if (loops.unit == UnitSize::Thread) {
    set(ceil(units, kBlockThreads), 1, kBlockThreads, 1);
  } else {
    Tile tile = tileOf(extents[loops.channels] / width);
    set(family == KernelFamily::Map ? ceil(extents[0], tile.y * inFlight) : units, tile.blocks, tile.x, tile.y);
  }
  // Rows and units are divided in 32 bits.
  constexpr int64_t kMostX = INT32_MAX, kMostY = 65535;
  bool countsRows = loops.channels >= 0 || loops.unit == UnitSize::Thread;
  int64_t rows = family == KernelFamily::Reduce ? extents[0] : countsRows ? units : 0;
  if (shape.grid[0] > kMostX || shape.grid[1] > kMostY || rows > kMostX)
    return launch.emitOpError() << "is too large for a GPU's grid: use a smaller --batch-size";
  return shape;
}

} // namespace

int64_t vectorsInFlight(exec::KernelDefOp definition, int64_t width) {
  // Half of a thread's registers hold what was read.
  constexpr int64_t kRegisters = 96, kMost = 4;
  int64_t full = 0, channels = 0, fullRank = definition.getFamily() == KernelFamily::Flat ? 1 : 2;
  for (Value input : definition.getBody().getArguments()) {
    int64_t rank = cast<RankedTensorType>(input.getType()).getRank();
    full += rank >= fullRank;
    channels += rank == 1 && fullRank == 2;
  }
  return std::clamp<int64_t>((kRegisters - channels * width) / (std::max<int64_t>(full, 1) * width), 1, kMost);
}

int64_t registerBudget(exec::KernelDefOp definition) {
  constexpr size_t kManyOperands = 8;
  size_t operands = definition.getBody().getNumArguments() + definition.getYield().getValues().size();
  return operands > kManyOperands ? 255 : 128;
}

FailureOr<LaunchShape> shapeLaunch(exec::KernelOp launch, exec::KernelDefOp definition) {
  FailureOr<KernelLoops> loops = definition.getLoops();
  if (failed(loops))
    return failure();
  return shapeFor(launch, definition, *loops, widthOf(launch, *loops, definition.getFamily() == KernelFamily::Flat));
}

FailureOr<std::vector<Variant>> collectVariants(ModuleOp module) {
  SymbolTable symbols(module);
  std::vector<Variant> variants;
  llvm::StringSet<> seen;
  for (func::FuncOp function : module.getOps<func::FuncOp>())
    for (exec::KernelOp launch : function.getOps<exec::KernelOp>()) {
      auto definition = symbols.lookup<exec::KernelDefOp>(launch.getKernel());
      FailureOr<KernelLoops> loops = definition.getLoops();
      if (failed(loops))
        return failure();
      if (!launch.getWidth())
        return launch.emitOpError() << "has no shape: expected incept-shape-launches for this target before";
      // Narrower vectors are right too, but what is not aligned is not, nor another grid.
      int64_t width = *launch.getWidth(),
              widest = widthOf(launch, *loops, definition.getFamily() == KernelFamily::Flat);
      auto shape = shapeFor(launch, definition, *loops, widest % width == 0 ? width : widest);
      if (failed(shape))
        return failure();
      if (shape->width != width || ArrayRef(shape->grid) != *launch.getGrid() ||
          ArrayRef(shape->block) != *launch.getBlock())
        return launch.emitOpError() << "has a shape that does not fit it: expected width " << shape->width << ", grid "
                                    << shape->grid[0] << " x " << shape->grid[1] << " and block " << shape->block[0]
                                    << " x " << shape->block[1];
      if (seen.insert(launch.getCodeSymbol()).second)
        variants.push_back({definition, width, unsigned(launch.getExtents().size()), launch.getCodeSymbol()});
    }
  return variants;
}

} // namespace incept::cuda
