// SPDX-License-Identifier: Apache-2.0

#include "codegen/cuda/ShapeLaunch.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace incept::cuda {

namespace {

/// The extents that decide a family's shape: where the channels are and where the strides of full operands begin.
struct FamilyShape {
  StringRef name;
  int channels;                     ///< index of the extent that vectors run along, -1: vectors of elements or none
  int firstStride;                  ///< index of the first stride, -1: none
  size_t vectorOperands = SIZE_MAX; ///< this many of the operands, from the first, are read in vectors
};
constexpr FamilyShape kFamilies[] = {
    {"flat", -1, -1},
    {"map", 1, 2},
    {"reduce", 1, 3},
    {"combine", -1, -1},
    {"count_nonfinite", 1, -1, 1}, // a chunk has whole vectors; what is written are single counts
    {"reorder", 1, -1},
    {"max_pool", 3, 14},
    {"max_pool_with_index", 3, 14},
    {"max_pool_backward", 3, 14},
    {"avg_pool", 3, 14},
    {"avg_pool_backward", 3, 14},
    {"global_avg_pool", 2, 3},
    {"global_avg_pool_backward", 2, 3},
    {"dropout", 1, 3},
    {"softmax_cross_entropy", -1, -1},
    {"softmax_cross_entropy_backward", -1, -1},
    {"normalize_image", -1, -1},
    {"import_image", -1, -1},
};

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

const FamilyShape *findFamily(exec::KernelDefOp definition) {
  const FamilyShape *family =
      llvm::find_if(kFamilies, [&](const FamilyShape &f) { return f.name == definition.getFamily(); });
  if (family != std::end(kFamilies))
    return family;
  definition.emitOpError() << "unknown kernel family '" << definition.getFamily() << "'";
  return nullptr;
}

/// Lanes of 16 bytes of the narrowest operand, fewer where channels, strides or addresses are no multiples.
int64_t widthOf(exec::KernelOp launch, const FamilyShape &family) {
  bool isFlat = family.name == "flat";
  if (family.channels < 0 && !isFlat)
    return 1;
  ArrayRef<int64_t> extents = launch.getExtents();
  int64_t narrowest = kVectorBytes;
  SmallVector<Value> full;
  int64_t stride = family.firstStride;
  for (Value operand : launch->getOperands()) {
    // Scalars and channel vectors have no stride; vectors are dense.
    if (cast<MemRefType>(operand.getType()).getRank() == 0)
      continue;
    if (full.size() == family.vectorOperands)
      break;
    full.push_back(operand);
    if (elementBytes(operand) > 1)
      narrowest = std::min(narrowest, elementBytes(operand));
  }
  int64_t width = kVectorBytes / narrowest;
  auto fits = [&](int64_t lanes) {
    if (!isFlat && extents[family.channels] % lanes != 0)
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
FailureOr<LaunchShape> shapeFor(exec::KernelOp launch, exec::KernelDefOp definition, const FamilyShape &family,
                                int64_t width) {
  ArrayRef<int64_t> extents = launch.getExtents();
  int64_t units = launch.getUnits(), inFlight = vectorsInFlight(definition, width);
  LaunchShape shape;
  shape.width = width;
  auto set = [&](int64_t x, int64_t y, int64_t threadsX, int64_t threadsY) {
    shape.grid = {std::max<int64_t>(x, 1), std::max<int64_t>(y, 1), 1};
    shape.block = {threadsX, threadsY, 1};
  };
  auto ceil = [](int64_t a, int64_t b) { return int64_t(llvm::divideCeil(a, b)); };
  if (family.name == "flat") {
    set(ceil(extents[0], kBlockThreads * width * inFlight), 1, kBlockThreads, 1);
  } else if (family.name == "combine") {
    set(ceil(extents[1], 32), 1, 32, kBlockThreads / 32);
  } else if (family.name == "reorder") {
    int64_t vectors = extents[1] / width, threads = std::min(vectors, kBlockThreads);
    set(extents[0], ceil(vectors, threads), threads, 1);
  } else if (family.name == "softmax_cross_entropy" || family.name == "softmax_cross_entropy_backward" ||
             family.name == "count_nonfinite") {
    set(units, 1, kBlockThreads, 1);
  } else if (family.channels < 0) {
    set(ceil(units, kBlockThreads), 1, kBlockThreads, 1);
  } else {
    Tile tile = tileOf(extents[family.channels] / width);
    set(family.name == "map" ? ceil(extents[0], tile.y * inFlight) : units, tile.blocks, tile.x, tile.y);
  }
  // Rows and units are divided in 32 bits.
  constexpr int64_t kMostX = INT32_MAX, kMostY = 65535;
  bool countsRows = family.channels >= 0 || family.name == "import_image" || family.name == "normalize_image";
  int64_t rows = family.name == "reduce" ? extents[0] : countsRows ? units : 0;
  if (shape.grid[0] > kMostX || shape.grid[1] > kMostY || rows > kMostX)
    return launch.emitOpError() << "is too large for a GPU's grid: use a smaller --batch-size";
  return shape;
}

} // namespace

int64_t vectorsInFlight(exec::KernelDefOp definition, int64_t width) {
  // Half of a thread's registers hold what was read.
  constexpr int64_t kRegisters = 96, kMost = 4;
  int64_t full = 0, channels = 0, fullRank = definition.getFamily() == "flat" ? 1 : 2;
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
  const FamilyShape *family = findFamily(definition);
  return family ? shapeFor(launch, definition, *family, widthOf(launch, *family)) : failure();
}

FailureOr<std::vector<Variant>> collectVariants(ModuleOp module) {
  SymbolTable symbols(module);
  std::vector<Variant> variants;
  llvm::StringSet<> seen;
  for (func::FuncOp function : module.getOps<func::FuncOp>())
    for (exec::KernelOp launch : function.getOps<exec::KernelOp>()) {
      auto definition = symbols.lookup<exec::KernelDefOp>(launch.getKernel());
      const FamilyShape *family = findFamily(definition);
      if (!family)
        return failure();
      if (!launch.getWidth())
        return launch.emitOpError() << "has no shape: expected incept-shape-launches for this target before";
      // Narrower vectors are right too, but what is not aligned is not, nor another grid.
      int64_t width = *launch.getWidth(), widest = widthOf(launch, *family);
      auto shape = shapeFor(launch, definition, *family, widest % width == 0 ? width : widest);
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
