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
