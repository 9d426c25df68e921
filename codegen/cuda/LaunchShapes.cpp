// SPDX-License-Identifier: Apache-2.0

#include "codegen/cuda/LaunchShapes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringMap.h"
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

class Shaper {
public:
  explicit Shaper(ModuleOp module) : symbols(module) {}

  LogicalResult shape(exec::KernelOp launch) {
    auto definition = symbols.lookup<exec::KernelDefOp>(launch.getKernel());
    FailureOr<KernelLoops> loops = definition.getLoops();
    if (failed(loops))
      return failure();
    KernelFamily family = definition.getFamily();
    int64_t width = widthOf(launch, *loops, family == KernelFamily::Flat);
    LaunchShape result = grid(launch, *loops, family, width, vectorsInFlight(definition, width));
    result.variant = intern(definition, width, launch.getExtents().size());
    // Rows and units are divided in 32 bits.
    constexpr int64_t kMostX = INT32_MAX, kMostY = 65535;
    bool countsRows = loops->channels >= 0 || loops->unit == UnitSize::Thread;
    int64_t rows = countsRows ? int64_t(launch.getUnits()) : 0;
    if (family == KernelFamily::Reduce)
      rows = launch.getExtents()[0];
    if (result.grid[0] > kMostX || result.grid[1] > kMostY || rows > kMostX)
      return launch.emitOpError() << "is too large for a GPU's grid: use a smaller --batch-size";
    shapes.launches[launch] = result;
    return success();
  }

  LaunchShapes shapes;

private:
  /// Lanes of 16 bytes of the narrowest operand, fewer where channels, strides or addresses are no multiples.
  static int64_t widthOf(exec::KernelOp launch, const KernelLoops &loops, bool isFlat) {
    if (loops.channels < 0 && !isFlat)
      return 1;
    ArrayRef<int64_t> extents = launch.getExtents();
    int64_t narrowest = kVectorBytes;
    SmallVector<Value> full;
    int64_t stride = loops.firstStride;
    for (Value operand : launch.getArguments()) {
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

  static LaunchShape grid(exec::KernelOp launch, const KernelLoops &loops, KernelFamily family, int64_t width,
                          int64_t inFlight) {
    ArrayRef<int64_t> extents = launch.getExtents();
    int64_t units = launch.getUnits();
    LaunchShape shape;
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
    return shape;
  }

  size_t intern(exec::KernelDefOp definition, int64_t width, unsigned extents) {
    std::string symbol = (definition.getSymName() + "_v" + Twine(width)).str();
    auto [entry, isNew] = bySymbol.try_emplace(symbol, shapes.variants.size());
    if (isNew)
      shapes.variants.push_back({definition, width, extents, symbol});
    return entry->second;
  }

  SymbolTable symbols;
  llvm::StringMap<size_t> bySymbol;
};

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

FailureOr<LaunchShapes> shapeLaunches(ModuleOp module) {
  Shaper shaper(module);
  for (func::FuncOp function : module.getOps<func::FuncOp>())
    for (exec::KernelOp launch : function.getOps<exec::KernelOp>())
      if (failed(shaper.shape(launch)))
        return failure();
  return std::move(shaper.shapes);
}

} // namespace incept::cuda
