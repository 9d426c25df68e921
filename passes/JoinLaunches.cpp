// SPDX-License-Identifier: Apache-2.0
//
// Lets one launch do what independent ones of a kernel would, each as a part of it. What they work on may lie anywhere:
// neighbours in memory are joined before (incept-coalesce-launches), and need no parts.

#include "dialect/ExecMemory.h"
#include "dialect/InceptOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/LaunchCost.h"
#include "passes/LaunchShape.h"
#include "passes/Passes.h"
#include "passes/Target.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_JOINLAUNCHESPASS
#include "passes/Passes.h.inc"

namespace {

/// A launch is compared with this many before it, at most.
constexpr size_t kMostCompared = 64;

/// Launches that become one, in the place of the first.
struct Batch {
  SmallVector<exec::KernelOp> parts;
  int64_t width;     ///< of their vectors; 0 where no other may be a part
  size_t other = 0;  ///< batch that its first could have been a part of
  std::string why{}; ///< and what spoke against it; empty where there is none

  bool conflictsWith(exec::KernelOp launch) {
    return llvm::any_of(parts, [&](exec::KernelOp part) { return exec::mayConflict(part, launch); });
  }

  bool mayTake(exec::KernelOp launch) { return width && parts.front().getKernelAttr() == launch.getKernelAttr(); }

  /// What keeps a launch of this kernel from being one more part, empty where nothing does.
  std::string whyNot(exec::KernelOp launch, int64_t itsWidth) {
    if (width != itsWidth)
      return "vectors of " + std::to_string(width) + " there, of " + std::to_string(itsWidth) + " here";
    size_t numbers = launch->getNumOperands() + launch.getExtents().size() + kPartSizes;
    return whyNotTogether(parts.size() + 1, (parts.size() + 1) * numbers);
  }

  /// Puts one launch in the place of all, as the only part.
  void join() {
    if (parts.size() == 1)
      return;
    exec::KernelOp first = parts.front();
    SmallVector<Value> ins, outs;
    SmallVector<int64_t> extents;
    int64_t units = 0;
    for (exec::KernelOp part : parts) {
      for (Value operand : part->getOperands())
        if (Operation *slice = operand.getDefiningOp(); first->isBeforeInBlock(slice))
          slice->moveBefore(first);
      llvm::append_range(ins, part.getIns());
      llvm::append_range(outs, part.getOuts());
      llvm::append_range(extents, part.getExtents());
      units += part.getUnits();
    }
    OpBuilder builder(first);
    auto joined = exec::KernelOp::create(builder, first.getLoc(), first.getKernel(), ins, outs, extents, units);
    SmallVector<Operation *> all(parts.begin(), parts.end());
    setPath(joined, exec::pathOf(all));
    setLaunchCost(joined, launchCost(all));
    for (exec::KernelOp part : parts)
      part.erase();
    parts = {joined};
  }
};

class FunctionJoiner {
public:
  FunctionJoiner(func::FuncOp function, const SymbolTable &symbols, const Target &target)
      : function(function), symbols(symbols), target(target) {}

  LogicalResult run() {
    for (Operation &op : function.getBody().front()) {
      if (isa<exec::SliceOp>(op))
        continue;
      auto launch = dyn_cast<exec::KernelOp>(op);
      if (!launch)
        begin = batches.size();
      else if (failed(add(launch)))
        return failure();
    }
    for (Batch &batch : batches)
      batch.join();
    // By names that launches have now.
    for (Batch &batch : batches)
      if (!batch.why.empty())
        exec::setApart(batch.parts.front(), batches[batch.other].parts.front(), batch.why);
    return success();
  }

private:
  LogicalResult add(exec::KernelOp launch) {
    auto definition = symbols.lookup<exec::KernelDefOp>(launch.getKernel());
    if (definition.getFamily() == KernelFamily::Opaque || launch.getWidth() ||
        exec::partsOf(launch, definition).size() != 1) {
      batches.push_back({{launch}, 0});
      return success();
    }
    auto shape = target.shapeLaunch(launch, definition);
    if (failed(shape))
      return failure();
    Batch alone{{launch}, *shape ? (*shape)->width : 1};
    size_t end = batches.size(), last = std::max(begin, end - std::min(end, kMostCompared));
    for (size_t i = end; i-- > last;) {
      // What lies between was passed without a conflict.
      if (batches[i].conflictsWith(launch))
        break;
      if (!batches[i].mayTake(launch))
        continue;
      std::string reason = batches[i].whyNot(launch, alone.width);
      if (reason.empty()) {
        batches[i].parts.push_back(launch);
        return success();
      }
      if (alone.why.empty()) { // of the last that could have taken it
        alone.other = i;
        alone.why = std::move(reason);
      }
    }
    batches.push_back(std::move(alone));
    return success();
  }

  func::FuncOp function;
  const SymbolTable &symbols;
  const Target &target;
  SmallVector<Batch, 0> batches;
  size_t begin = 0; ///< of the batches behind the last library call
};

struct JoinLaunchesPass : impl::JoinLaunchesPassBase<JoinLaunchesPass> {
  void runOnOperation() override {
    const Target *target = findTarget(getOperation());
    if (!target)
      return signalPassFailure();
    if (!target->joinsLaunches())
      return;
    SymbolTable symbols(getOperation());
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      if (failed(FunctionJoiner(function, symbols, *target).run()))
        return signalPassFailure();
  }
};

} // namespace
} // namespace incept
