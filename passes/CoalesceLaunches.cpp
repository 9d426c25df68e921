// SPDX-License-Identifier: Apache-2.0
//
// Joins launches of one flat kernel on adjacent memory: the optimizer's updates of hundreds of parameters become one
// launch per group of weight decay, since parameters, gradients and slots lie in regions of one layout.

#include "dialect/InceptOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/LaunchCost.h"
#include "passes/LaunchShape.h"
#include "passes/Passes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_COALESCELAUNCHESPASS
#include "passes/Passes.h.inc"

namespace {

exec::SliceOp sliceOf(Value value) { return value.getDefiningOp<exec::SliceOp>(); }
bool isScalar(Value value) { return cast<MemRefType>(value.getType()).getRank() == 0; }

int64_t bytesPerElement(Value value) { return cast<MemRefType>(value.getType()).getElementTypeBitWidth() / 8; }

/// Joins `next` to `launch` if each tensor of `next` begins where that of `launch` ends, up to alignment.
bool join(exec::KernelOp launch, exec::KernelOp next) {
  if (launch.getKernel() != next.getKernel() || launch.getArguments().size() != next.getArguments().size() ||
      launch.getExtents().size() != 1 || next.getExtents().size() != 1)
    return false;
  int64_t distance = -1; // from the start of launch to the start of next, in elements
  for (auto [a, b] : llvm::zip(launch.getArguments(), next.getArguments())) {
    exec::SliceOp first = sliceOf(a), second = sliceOf(b);
    if (first.getRegion() != second.getRegion())
      return false;
    if (isScalar(a) || isScalar(b)) {
      if (isScalar(a) != isScalar(b) || first.getOffset() != second.getOffset())
        return false;
      continue;
    }
    int64_t bytes = bytesPerElement(a), end = first.getOffset() + launch.getExtents()[0] * bytes;
    int64_t begin = second.getOffset();
    bool follows = begin == int64_t(llvm::alignTo(end, kAlignment)) ||
                   begin == int64_t(llvm::alignTo(end, parameterAlignment(bytes)));
    if (!follows || bytesPerElement(b) != bytes)
      return false;
    int64_t here = (second.getOffset() - first.getOffset()) / bytes;
    if (distance >= 0 && here != distance)
      return false;
    distance = here;
  }
  if (distance < 0)
    return false;
  int64_t total = distance + next.getExtents()[0];
  launch.setExtents({total});
  launch.setUnits(llvm::divideCeil(total, kFlatUnit));
  LaunchCost first = launchCost(launch), second = launchCost(next);
  setLaunchCost(launch, {first.flops + second.flops, first.bytes + second.bytes});
  return true;
}

/// Reads and writes of the two may overlap; both are lists of slices, so an overlap of regions is enough to say so.
bool mayConflict(exec::KernelOp a, exec::KernelOp b) {
  for (Value x : a.getArguments())
    for (Value y : b.getArguments()) {
      exec::SliceOp first = sliceOf(x), second = sliceOf(y);
      if (first.getRegion() != second.getRegion() || isScalar(x) || isScalar(y))
        continue;
      int64_t firstEnd = first.getOffset() + a.getExtents()[0] * bytesPerElement(x);
      int64_t secondEnd = second.getOffset() + b.getExtents()[0] * bytesPerElement(y);
      if (int64_t(first.getOffset()) < secondEnd && int64_t(second.getOffset()) < firstEnd)
        return true;
    }
  return false;
}

struct CoalesceLaunchesPass : impl::CoalesceLaunchesPassBase<CoalesceLaunchesPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      coalesce(function, symbols);
  }

  static void coalesce(func::FuncOp function, SymbolTable &symbols) {
    SmallVector<exec::KernelOp> run; // flat launches with nothing else between them
    for (Operation &op : llvm::make_early_inc_range(function.getBody().front())) {
      if (isa<exec::SliceOp>(op))
        continue;
      auto launch = dyn_cast<exec::KernelOp>(op);
      if (!launch || symbols.lookup<exec::KernelDefOp>(launch.getKernel()).getFamily() != KernelFamily::Flat) {
        run.clear();
        continue;
      }
      if (!joinAny(run, launch))
        run.push_back(launch);
    }
    for (exec::SliceOp slice : llvm::make_early_inc_range(function.getOps<exec::SliceOp>()))
      if (slice->use_empty())
        slice.erase();
  }

  /// Joins `launch` to the latest launch of the run it is adjacent to, unless one in between touches its memory.
  static bool joinAny(SmallVectorImpl<exec::KernelOp> &run, exec::KernelOp launch) {
    for (exec::KernelOp earlier : llvm::reverse(run)) {
      if (join(earlier, launch)) {
        launch.erase();
        return true;
      }
      if (mayConflict(earlier, launch))
        return false;
    }
    return false;
  }
};

} // namespace
} // namespace incept
