// SPDX-License-Identifier: Apache-2.0

#include "codegen/cpu/CpuBackend.h"
#include "codegen/cpu/CompileKernels.h"
#include "codegen/cpu/CpuTarget.h"
#include "codegen/image/ImageWriter.h"
#include "passes/Target.h"
#include "runtime/device/cpu/OneDnn.h"

using namespace mlir;

namespace incept::cpu {

namespace {

class CpuBackend final : public Backend {
public:
  explicit CpuBackend(const BackendOptions &options) : options(options), passTarget(createCpuTarget(options.threads)) {}

  std::shared_ptr<const Target> target() const override { return passTarget; }
  StringRef stub() const override { return "incept-stub-cpu"; }

  std::string identity() const override {
    std::string error, processor = options.cpu;
    if (auto found = Processor::find(options.cpu, error); succeeded(found))
      processor = found->name + " " + found->features;
    return onednn::isa() + " oneDNN " + onednn::version() + " " + processor;
  }

  FailureOr<std::string> emitImage(ModuleOp module, StringRef specText) const override {
    KernelOptions kernelOptions;
    kernelOptions.cpu = options.cpu;
    auto kernels = compileKernels(module, kernelOptions);
    if (failed(kernels))
      return failure();
    ImageContents contents;
    contents.target.kind = "cpu";
    contents.target.texts = {{"isa", onednn::isa()}, {"onednn", onednn::version()}};
    contents.target.numbers = {{"threads", options.threads}, {"vector_bits", vectorBits(options.cpu)}};
    contents.specText = specText.str();
    contents.blobs = {{"kernels", std::string(kernels->begin(), kernels->end())}};
    return writeImage(module, contents);
  }

  LogicalResult emitPart(ModuleOp module, StringRef kind, llvm::raw_ostream &stream) const override {
    if (kind != "object")
      return module.emitError() << "target cpu has no '" << kind << "' to emit: expected object";
    KernelOptions kernelOptions;
    kernelOptions.cpu = options.cpu;
    auto kernels = compileKernels(module, kernelOptions);
    if (failed(kernels))
      return failure();
    stream.write(kernels->data(), kernels->size());
    return success();
  }

private:
  BackendOptions options;
  std::shared_ptr<const Target> passTarget;
};

} // namespace

std::unique_ptr<Backend> createBackend(const BackendOptions &options) { return std::make_unique<CpuBackend>(options); }

} // namespace incept::cpu
