// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/LaunchReport.h"
#include "dialect/ExecMemory.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/LaunchCost.h"

using namespace mlir;

namespace incept {

/// The op that a plan is named after, and what the library does behind it, by the flags of its configuration.
static std::vector<std::string> opsOf(exec::PlanOp plan) {
  static constexpr llvm::StringLiteral kOfOperands[] = {"tf32", "transpose_a", "transpose_b"};
  std::vector<std::string> ops = {stringifyPlanKind(plan.getKind()).str()};
  for (NamedAttribute entry : plan.getConfig())
    if (auto text = dyn_cast<StringAttr>(entry.getValue());
        text && text.getValue() == "true" && !llvm::is_contained(kOfOperands, entry.getName().getValue()))
      ops.push_back(entry.getName().str());
  return ops;
}

static std::vector<std::string> opsOf(exec::KernelDefOp kernel) {
  std::vector<std::string> ops;
  for (Operation &op : kernel.getBody().front().without_terminator())
    ops.push_back(op.getName().stripDialect().str());
  return ops;
}

static LaunchReport describe(Operation &op, StringRef entry, const SymbolTable &symbols, const Target &target,
                             const std::optional<Peaks> &peaks) {
  LaunchReport report;
  report.entry = entry.str();
  LaunchWork work = target.describeLaunch(&op);
  SmallVector<exec::KernelOp, 1> kernels; // that run in one launch
  if (auto kernel = dyn_cast<exec::KernelOp>(op))
    kernels = exec::launchOf(kernel);
  SmallVector<Operation *> ops = {&op};
  for (exec::KernelOp kernel : llvm::drop_begin(kernels, kernels.empty() ? 0 : 1)) {
    work = together(work, target.describeLaunch(kernel));
    ops.push_back(kernel);
  }
  report.path = exec::pathOf(ops).str();
  report.flops = work.cost.flops;
  report.bytes = work.cost.bytes;
  report.blocks = work.blocks;
  report.resident = work.resident;
  report.kind = launchKindName(work.kind);
  report.seconds = target.estimateSeconds(work);
  if (auto library = dyn_cast<exec::LibraryOp>(op)) {
    auto plan = symbols.lookup<exec::PlanOp>(library.getPlan());
    DictionaryAttr config = plan.getConfig();
    report.library = true;
    report.what = config.getAs<StringAttr>("impl").str();
    report.ops = opsOf(plan);
    report.tensorCore = config.contains("tensor_core");
    report.workspaceBytes = config.getAs<IntegerAttr>("scratchpad_bytes").getInt();
  }
  for (exec::KernelOp launch : kernels) {
    auto kernel = symbols.lookup<exec::KernelDefOp>(launch.getKernel());
    report.what += (report.what.empty() ? "" : "__") + kernel.getSymName().str();
    llvm::append_range(report.ops, opsOf(kernel));
    report.updates |= !kernel.getBody().getOps<UpdateOpInterface>().empty();
  }
  if (peaks) {
    double flops = report.tensorCore ? peaks->tensorCoreFlops : peaks->flops;
    report.bound = std::max(double(report.flops) / flops, double(report.bytes) / peaks->bytesPerSecond);
  }
  return report;
}

std::vector<LaunchReport> collectLaunches(ModuleOp module, const Target &target, const std::optional<Peaks> &peaks) {
  SymbolTable symbols(module);
  std::vector<LaunchReport> launches;
  for (func::FuncOp function : module.getOps<func::FuncOp>())
    for (Operation &op : function.getBody().front()) {
      auto kernel = dyn_cast<exec::KernelOp>(op);
      if (isa<exec::LibraryOp>(op) || (kernel && !exec::isContinuation(kernel)))
        launches.push_back(describe(op, function.getName(), symbols, target, peaks));
    }
  return launches;
}

} // namespace incept
