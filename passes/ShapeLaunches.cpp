// SPDX-License-Identifier: Apache-2.0
//
// Writes into launches how a target runs them: vectors, grids and blocks.

#include "dialect/InceptOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Passes.h"
#include "passes/Target.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_SHAPELAUNCHESPASS
#include "passes/Passes.h.inc"

template <typename Number>
static std::string tooMany(Number count, const char *what, Number most) {
  return std::to_string(count) + " " + what + ", but at most " + std::to_string(most) + " are possible";
}

std::string whyNotTogether(size_t parts, size_t numbers) {
  if (parts > size_t(kMostParts))
    return tooMany(parts, "parts", size_t(kMostParts));
  if (numbers > kMostNumbers)
    return tooMany(numbers, "addresses, extents and sizes", kMostNumbers);
  return "";
}

std::string whyNotTogether(ArrayRef<exec::KernelOp> launches) {
  constexpr int64_t kMostBlocks = INT32_MAX;
  size_t parts = 0, numbers = 0;
  int64_t blocks = 0;
  for (exec::KernelOp launch : launches) {
    ArrayRef<int64_t> grid = *launch.getGrid();
    size_t own = grid.size() / 3;
    parts += own;
    numbers += launch->getNumOperands() + launch.getExtents().size() + kPartSizes * own;
    for (size_t i = 0; i < grid.size(); i += 3)
      blocks += std::min(saturatingProduct({grid[i], grid[i + 1], grid[i + 2]}), kMostBlocks + 1);
  }
  if (std::string why = whyNotTogether(parts, numbers); !why.empty())
    return why;
  return blocks > kMostBlocks ? tooMany(blocks, "blocks", kMostBlocks) : "";
}

LogicalResult shapeLaunches(ModuleOp module, const Target &target) {
  SymbolTable symbols(module);
  for (func::FuncOp function : module.getOps<func::FuncOp>())
    for (exec::KernelOp launch : function.getOps<exec::KernelOp>()) {
      auto shape = target.shapeLaunch(launch, symbols.lookup<exec::KernelDefOp>(launch.getKernel()));
      if (failed(shape))
        return failure();
      if (!*shape)
        continue;
      launch.setWidth((*shape)->width);
      launch.setGrid((*shape)->grid);
      launch.setBlock((*shape)->block);
    }
  return success();
}

namespace {

struct ShapeLaunchesPass : impl::ShapeLaunchesPassBase<ShapeLaunchesPass> {
  void runOnOperation() override {
    const Target *target = findTarget(getOperation());
    if (!target || failed(shapeLaunches(getOperation(), *target)))
      signalPassFailure();
  }
};

} // namespace
} // namespace incept
