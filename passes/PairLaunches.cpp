// SPDX-License-Identifier: Apache-2.0
//
// Lets one launch do what independent ones of different kernels would: the pool of a branch beside the batch norms of
// others. Launches of one kernel are joined before (incept-join-launches).

#include "dialect/ExecMemory.h"
#include "dialect/InceptOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/LaunchCost.h"
#include "passes/Passes.h"
#include "passes/Target.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_PAIRLAUNCHESPASS
#include "passes/Passes.h.inc"

namespace {

/// Kernels whose code is in one, at most: each of its blocks has the registers that the one with most needs.
constexpr size_t kMostKernels = 2;
/// A launch is compared with this many before it, at most.
constexpr size_t kMostCompared = 64;

/// Launches that become one, in the place of the first.
struct Pair {
  SmallVector<exec::KernelOp, kMostKernels> launches;
  LaunchWork work;
  bool takes;                ///< whether others may run beside it
  exec::KernelOp other = {}; ///< that its first could have run beside, and why it does not
  std::string why = {};

  bool conflictsWith(exec::KernelOp launch) {
    return llvm::any_of(launches, [&](exec::KernelOp own) { return exec::mayConflict(own, launch); });
  }

  /// The same code is not there twice: its launches are joined, or too large to be.
  bool hasCodeOf(exec::KernelOp launch) {
    std::string code = launch.getCodeSymbol();
    return llvm::any_of(launches, [&](exec::KernelOp own) { return own.getCodeSymbol() == code; });
  }

  /// What keeps a launch from running in one with these, empty where nothing does. `both` becomes the work of all.
  std::string whyNot(exec::KernelOp launch, const LaunchWork &itsWork, const Target &target, LaunchWork &both) {
    if (launches.size() == kMostKernels)
      return "it has " + std::to_string(kMostKernels) + " kernels already";
    SmallVector<exec::KernelOp, kMostKernels> all(launches.begin(), launches.end());
    all.push_back(launch);
    if (std::string why = whyNotTogether(all); !why.empty())
      return why;
    both = together(work, itsWork);
    double one = secondsOf(target, {both}), apart = secondsOf(target, {work, itsWork});
    if (one <= apart)
      return "";
    return llvm::formatv("{0:f4} us in one launch, {1:f4} {2}", 1e6 * one, 1e6 * apart, exec::kByCosts).str();
  }

  /// Puts all behind the first, with what they work on before it.
  void join() {
    for (exec::KernelOp launch : ArrayRef(launches).drop_front())
      for (Value operand : launch->getOperands())
        if (Operation *slice = operand.getDefiningOp(); launches.front()->isBeforeInBlock(slice))
          slice->moveBefore(launches.front());
    for (size_t i = 1; i < launches.size(); ++i) {
      launches[i]->moveAfter(launches[i - 1]);
      launches[i - 1].setWithNext(true);
    }
  }
};

struct PairLaunchesPass : impl::PairLaunchesPassBase<PairLaunchesPass> {
  void runOnOperation() override {
    const Target *target = findTarget(getOperation());
    if (!target)
      return signalPassFailure();
    SymbolTable symbols(getOperation());
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      pair(function, symbols, *target);
  }

  static void pair(func::FuncOp function, const SymbolTable &symbols, const Target &target) {
    SmallVector<Pair, 0> pairs;
    size_t begin = 0; // of those behind the last library call
    for (Operation &op : function.getBody().front()) {
      if (isa<exec::SliceOp>(op))
        continue;
      auto launch = dyn_cast<exec::KernelOp>(op);
      if (!launch) {
        begin = pairs.size();
        continue;
      }
      auto definition = symbols.lookup<exec::KernelDefOp>(launch.getKernel());
      // What runs in one with others already stays as it is.
      bool isAlone = !launch.getWithNext() && !exec::isContinuation(launch);
      bool takes = launch.getGrid() && isAlone && target.runsBesideOthers(definition);
      Pair alone{{launch}, target.describeLaunch(launch), takes};
      if (!takes || !add(alone, MutableArrayRef(pairs).drop_front(begin), target))
        pairs.push_back(std::move(alone));
    }
    for (Pair &pair : pairs) {
      pair.join();
      bool isExplained = pair.launches.size() > 1 || !exec::getApart(pair.launches.front()).empty();
      if (pair.other && !isExplained)
        exec::setApart(pair.launches.front(), pair.other, pair.why);
    }
  }

  /// Adds a launch to the last of `pairs` that takes it: what is passed on the way has nothing to do with it.
  static bool add(Pair &alone, MutableArrayRef<Pair> pairs, const Target &target) {
    exec::KernelOp launch = alone.launches.front();
    for (Pair &pair : llvm::reverse(pairs.take_back(kMostCompared))) {
      if (pair.conflictsWith(launch))
        return false;
      if (!pair.takes || pair.hasCodeOf(launch))
        continue;
      LaunchWork both;
      std::string reason = pair.whyNot(launch, alone.work, target, both);
      if (reason.empty()) {
        pair.launches.push_back(launch);
        pair.work = both;
        return true;
      }
      if (!alone.other) {
        alone.other = pair.launches.front();
        alone.why = std::move(reason);
      }
    }
    return false;
  }
};

} // namespace
} // namespace incept
