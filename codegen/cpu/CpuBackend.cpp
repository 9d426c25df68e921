// SPDX-License-Identifier: Apache-2.0

#include "codegen/cpu/CpuBackend.h"
#include "codegen/Codegen.h"
#include "codegen/cpu/CompileKernels.h"
#include "codegen/cpu/CpuTarget.h"
#include "codegen/cpu/Processor.h"
#include "codegen/image/ImageWriter.h"
#include "runtime/device/cpu/OneDnn.h"

#include <thread>

using namespace mlir;

namespace incept::cpu {

namespace {

class CpuBackend final : public Backend {
public:
  explicit CpuBackend(TargetAttr attribute)
      : attribute(attribute), target(createCpuTarget(threads(), attribute.getFlag("same_bits"), this)) {}

  const Target *passTarget() const { return target.get(); }
  StringRef stub() const override { return "incept-stub-cpu"; }

  std::string identity() const override {
    std::string error;
    auto processor = Processor::find(cpu(), error);
    return failed(processor) ? error : processor->name + " " + processor->features;
  }

  FailureOr<std::string> emitImage(ModuleOp module) const override {
    std::string error;
    auto processor = Processor::find(cpu(), error);
    if (failed(processor))
      return module.emitError() << error;
    StringRef isa = attribute.getText("isa");
    if (!cpu().empty() && processor->isa != isa)
      return module.emitError() << "a program for '" << cpu() << "' needs oneDNN's plans for " << processor->isa
                                << ", but here they are for " << isa
                                << ": compile it on such a machine; --emit=object and --stop-after work here too";
    if (failed(verifyProgram(module)))
      return failure();
    auto kernels = compileKernels(module, kernelOptions());
    if (failed(kernels))
      return failure();
    ImageContents contents;
    contents.target.kind = "cpu";
    contents.target.texts = {{"isa", isa.str()}, {"onednn", attribute.getText("onednn").str()}};
    contents.target.numbers = {{"threads", threads()}, {"vector_bits", processor->vectorBits}};
    contents.blobs = {{"kernels", std::string(kernels->begin(), kernels->end())}};
    return writeImage(module, contents);
  }

  LogicalResult emitPart(ModuleOp module, StringRef kind, llvm::raw_ostream &stream) const override {
    if (kind != "object")
      return module.emitError() << "target cpu has no '" << kind << "' to emit: expected object";
    auto kernels = compileKernels(module, kernelOptions());
    if (failed(kernels))
      return failure();
    stream.write(kernels->data(), kernels->size());
    return success();
  }

private:
  std::string cpu() const { return attribute.getDevice().str(); }

  KernelOptions kernelOptions() const {
    KernelOptions options;
    options.cpu = cpu();
    return options;
  }

  int64_t threads() const { return attribute.getNumber("threads", 1); }

  TargetAttr attribute;
  std::shared_ptr<const Target> target;
};

struct CpuKind final : TargetKind {
  std::string usage() const override { return "cpu"; }

  Expected<TargetAttr> complete(TargetAttr given) const override {
    std::string device = given.getDevice().str(), error;
    auto processor = Processor::find(device, error);
    if (failed(processor))
      return usageError(error);
    // A complete attribute has what is left of the processor's instruction sets here.
    std::string isa = given.getText("isa").empty() ? processor->isa : given.getText("isa").str();
    if (!device.empty() && !onednn::limitIsa(isa, error))
      return machineError(error);
    TargetSettings settings(given);
    settings.number("threads", std::max(1u, std::thread::hardware_concurrency()), 1);
    settings.flag("same_bits");
    settings.fact("isa", onednn::isa());
    settings.fact("onednn", onednn::version());
    return settings.finish(device);
  }

  Expected<std::shared_ptr<const Target>> make(TargetAttr attribute) const override {
    auto backend = std::make_shared<const CpuBackend>(attribute);
    return std::shared_ptr<const Target>(backend, backend->passTarget());
  }
};

} // namespace

void registerTarget(DialectRegistry &registry) { incept::registerTarget(registry, "cpu", std::make_shared<CpuKind>()); }

} // namespace incept::cpu
