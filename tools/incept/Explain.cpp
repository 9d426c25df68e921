// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/Explain.h"
#include "dialect/ExecMemory.h"
#include "dialect/TileOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace incept {

/// True where a library op normalises what it reads.
static bool normalizes(Operation *op) {
  auto conv = dyn_cast<Conv2DStatsOp>(op);
  auto gradient = dyn_cast<Conv2DBackwardWeightsOp>(op);
  return (conv && conv.getFactor()) || (gradient && gradient.getFactor());
}

/// What a library call does besides what its plan's kind says.
static std::string describeFusion(Operation *op) {
  std::string text = normalizes(op) ? " of what it normalises" : "";
  return text + (isa<Conv2DStatsOp>(op)          ? " with the statistics of its result"
                 : isa<Conv2DBackwardNormOp>(op) ? " with the gradient of the batch norm before it"
                                                 : "");
}

/// What a generated kernel does besides what its name says.
static llvm::StringRef describeExtras(Operation *op) {
  auto convolve = dyn_cast<ConvolveTilesOp>(op);
  auto correlate = dyn_cast<CorrelateTilesOp>(op);
  bool isNormalized = (convolve && convolve.getCenter()) || (correlate && correlate.getCenter());
  return isNormalized ? ", which normalises what it reads" : "";
}

void explainPlans(ModuleOp module, const Backend &backend) {
  llvm::SmallPtrSet<Operation *, 16> seen;
  module.walk([&](GroupOp group) {
    auto candidates = group->getAttrOfType<StringAttr>("incept.candidates");
    if (!group.getPlan() && candidates)
      llvm::errs() << getPath(group) << ": " << group.getFirstOp()->getName().stripDialect()
                   << describeExtras(group.getFirstOp()) << "\n";
    if (candidates && !group.getPlan())
      llvm::errs() << "  " << candidates.getValue() << "\n";
    if (!group.getPlan())
      return;
    auto plan = SymbolTable::lookupNearestSymbolFrom<exec::PlanOp>(group, group.getPlanAttr());
    llvm::errs() << getPath(group) << ": " << stringifyPlanKind(plan.getKind()) << describeFusion(group.getFirstOp())
                 << " by " << plan.getConfig().getAs<StringAttr>("impl").getValue() << ", scratchpad "
                 << group.getScratchpad().value_or(0) << " bytes\n";
    if (candidates)
      llvm::errs() << "  " << candidates.getValue() << "\n";
    if (auto reason = group.getFirstOp()->getAttrOfType<StringAttr>("incept.statistics"))
      llvm::errs() << "  without the statistics of its result: " << reason.getValue() << "\n";
    if (auto reason = group.getFirstOp()->getAttrOfType<StringAttr>("incept.norm_gradient"))
      llvm::errs() << "  without the gradient of a batch norm: " << reason.getValue() << "\n";
    if (auto reason = group.getFirstOp()->getAttrOfType<StringAttr>("incept.normalized"))
      llvm::errs() << "  without the normalisation of what it reads: " << reason.getValue() << "\n";
    if (seen.insert(plan).second)
      for (const std::string &line : backend.explain(plan))
        llvm::errs() << "  " << line << "\n";
  });
}

/// "relu (3 parts) and max_pool in one launch"; empty for a launch of one part.
static std::string describeParts(ArrayRef<exec::KernelOp> launches, const SymbolTable &symbols) {
  std::string text;
  bool isOne = launches.size() == 1;
  for (exec::KernelOp launch : launches) {
    size_t parts = exec::partsOf(launch, symbols.lookup<exec::KernelDefOp>(launch.getKernel())).size();
    text += (text.empty() ? "" : " and ") + launch.getKernel().str();
    text += parts > 1 ? " (" + std::to_string(parts) + " parts)" : "";
    isOne &= parts == 1;
  }
  return isOne ? "" : text + " in one launch";
}

/// "  PATH: WHAT", without a path where there is none.
static std::string lineOf(StringRef path, const llvm::Twine &what) {
  return ("  " + path + (path.empty() ? "" : ": ") + what + "\n").str();
}

void explainLaunches(ModuleOp module, const Backend &backend) {
  SymbolTable symbols(module);
  const std::string costs = backend.costs();
  for (func::FuncOp function : module.getOps<func::FuncOp>()) {
    std::string text;
    bool isByCosts = false; // as kernels beside each other are, but not parts
    for (auto launch : function.getBody().front().getOps<exec::KernelOp>()) {
      if (!exec::isContinuation(launch)) {
        SmallVector<exec::KernelOp, 1> together = exec::launchOf(launch);
        if (std::string parts = describeParts(together, symbols); !parts.empty())
          text += lineOf(exec::pathOf(SmallVector<Operation *>(together.begin(), together.end())), parts);
        isByCosts |= together.size() > 1;
      }
      if (StringRef why = exec::getApart(launch); !why.empty()) {
        text += lineOf(getPath(launch), launch.getKernel() + " apart from " + why);
        isByCosts |= why.ends_with(exec::kByCosts);
      }
    }
    if (!text.empty())
      llvm::errs() << "launches of '" << function.getName() << "'"
                   << (isByCosts && !costs.empty() ? ", by costs " + costs : "") << ":\n"
                   << text;
  }
}

} // namespace incept
