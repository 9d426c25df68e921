// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/LaunchReport.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/LaunchCost.h"

using namespace mlir;

namespace incept {

static LaunchReport describe(Operation &op, StringRef entry, const SymbolTable &symbols,
                             const std::optional<Peaks> &peaks) {
  LaunchReport report;
  report.entry = entry.str();
  report.path = getPath(&op).str();
  LaunchCost cost = launchCost(&op);
  report.flops = cost.flops;
  report.bytes = cost.bytes;
  if (auto library = dyn_cast<exec::LibraryOp>(op)) {
    DictionaryAttr config = symbols.lookup<exec::PlanOp>(library.getPlan()).getConfig();
    report.library = true;
    report.what = config.getAs<StringAttr>("impl").str();
    report.tensorCore = config.contains("tensor_core");
    report.workspaceBytes = config.getAs<IntegerAttr>("scratchpad_bytes").getInt();
  } else {
    report.what = cast<exec::KernelOp>(op).getKernel().str();
  }
  if (peaks) {
    double flops = report.tensorCore ? peaks->tensorCoreFlops : peaks->flops;
    report.seconds = std::max(double(report.flops) / flops, double(report.bytes) / peaks->bytesPerSecond);
  }
  return report;
}

std::vector<LaunchReport> collectLaunches(ModuleOp module, const std::optional<Peaks> &peaks) {
  SymbolTable symbols(module);
  std::vector<LaunchReport> launches;
  for (func::FuncOp function : module.getOps<func::FuncOp>())
    for (Operation &op : function.getBody().front())
      if (isa<exec::KernelOp, exec::LibraryOp>(op))
        launches.push_back(describe(op, function.getName(), symbols, peaks));
  return launches;
}

} // namespace incept
