// SPDX-License-Identifier: Apache-2.0
#include "tools/incept/TuneCommand.h"
#include "codegen/cpu/Tune.h"
#include "runtime/device/cpu/OneDnn.h"
#include "runtime/support/Cache.h"
#include "tools/incept/Driver.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

namespace incept {

static Cache costsCache() { return Cache(cacheDirectory(CacheKind::Costs)); }

/// The processor, with oneDNN held to what it has.
static mlir::FailureOr<cpu::Processor> findProcessor(const std::string &name, std::string &error) {
  auto processor = cpu::Processor::find(name, error);
  if (succeeded(processor) && !name.empty() && !onednn::limitIsa(processor->isa, error))
    return mlir::failure();
  return processor;
}

std::optional<std::string> findTunedCosts(const std::string &name) {
  std::string error;
  auto processor = findProcessor(name, error);
  auto text = succeeded(processor) ? costsCache().load(cpu::costsKey(*processor)) : std::nullopt;
  return text && cpu::ConvolutionCosts::parse(*text) ? text : std::nullopt;
}

int tune(const std::string &name, bool verbose, bool keep) {
  std::string error;
  auto report = [&](ExitStatus status, llvm::StringRef sentence) {
    llvm::errs() << "incept: error: " << sentence << "\n";
    return status;
  };
  auto processor = findProcessor(name, error);
  if (failed(processor))
    return report(kUsage, error);
  auto samples = cpu::measureConvolutions(*processor, error);
  if (failed(samples))
    return report(kMachineAtFault, error);
  cpu::ConvolutionCosts costs = cpu::fitCosts(*samples);
  if (verbose)
    for (const cpu::TuneSample &sample : *samples)
      llvm::outs() << llvm::format("%9.0f us, by the costs %9.0f us  ", sample.microseconds,
                                   costs.microseconds(sample.work))
                   << sample.name << "\n";
  llvm::outs() << costs.text() << "\n";
  if (!keep)
    return kDone;
  if (!costsCache().store(cpu::costsKey(*processor), costs.text()))
    return report(kMachineAtFault, "cannot keep the costs: expected a cache folder that can be written");
  return kDone;
}

} // namespace incept
