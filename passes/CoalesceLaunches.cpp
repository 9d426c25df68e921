// SPDX-License-Identifier: Apache-2.0
//
// Joins launches of one flat kernel on adjacent memory: the optimizer's updates of hundreds of parameters become one
// launch per group of weight decay, since parameters, gradients and slots lie in regions of one layout.

#include "dialect/ExecMemory.h"
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
MemRefType typeOf(Value value) { return cast<MemRefType>(value.getType()); }

/// Elements from the start of each tensor of `launch` to the start of that of `next`, where each begins where the other
/// ends, up to alignment, and scalars are the same; none where one does not.
std::optional<int64_t> distance(exec::KernelOp launch, exec::KernelOp next) {
  if (launch.getKernel() != next.getKernel() || launch.getExtents().size() != 1 || next.getExtents().size() != 1 ||
      launch.getIns().size() != next.getIns().size() || launch.getOuts().size() != next.getOuts().size())
    return std::nullopt;
  std::optional<int64_t> result;
  for (auto [a, b] : llvm::zip(launch->getOperands(), next->getOperands())) {
    exec::SliceOp first = sliceOf(a), second = sliceOf(b);
    bool isScalar = typeOf(a).getRank() == 0;
    if (first.getRegion() != second.getRegion() || isScalar != (typeOf(b).getRank() == 0))
      return std::nullopt;
    int64_t from = first.getOffset(), to = second.getOffset();
    if (isScalar) {
      if (from != to)
        return std::nullopt;
      continue;
    }
    int64_t bytes = typeOf(a).getElementTypeBitWidth() / 8, end = from + launch.getExtents()[0] * bytes;
    bool follows =
        to == int64_t(llvm::alignTo(end, kAlignment)) || to == int64_t(llvm::alignTo(end, parameterAlignment(bytes)));
    int64_t here = (to - from) / bytes;
    if (!follows || typeOf(a).getElementType() != typeOf(b).getElementType() || result.value_or(here) != here)
      return std::nullopt;
    result = here;
  }
  return result;
}

/// Joins `next` to `launch` if its tensors follow and neither needs what the other writes.
bool join(exec::KernelOp launch, exec::KernelOp next) {
  std::optional<int64_t> elements = distance(launch, next);
  if (!elements || exec::mayConflict(launch, next))
    return false;
  int64_t total = *elements + next.getExtents()[0];
  OpBuilder builder(launch);
  for (OpOperand &operand : launch->getOpOperands()) {
    exec::SliceOp slice = sliceOf(operand.get());
    if (auto type = typeOf(operand.get()); type.getRank() > 0)
      operand.set(exec::SliceOp::create(builder, slice.getLoc(), MemRefType::get({total}, type.getElementType()),
                                        slice.getRegion(), slice.getOffset()));
  }
  launch.setExtents({total});
  launch.setUnits(llvm::divideCeil(total, kFlatUnit));
  LaunchCost first = launchCost(launch), second = launchCost(next);
  setLaunchCost(launch, {first.flops + second.flops, first.bytes + second.bytes});
  return true;
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
      if (exec::mayConflict(earlier, launch))
        return false;
    }
    return false;
  }
};

} // namespace
} // namespace incept
