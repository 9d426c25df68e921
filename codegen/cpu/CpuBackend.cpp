// SPDX-License-Identifier: Apache-2.0

#include "codegen/cpu/CpuBackend.h"
#include "codegen/cpu/CompileKernels.h"
#include "codegen/cpu/CpuTarget.h"
#include "codegen/image/Executable.h"
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

  LogicalResult emitExecutable(ModuleOp module, const ExecutableOptions &executable) const override {
    KernelOptions kernelOptions;
    kernelOptions.cpu = options.cpu;
    auto kernels = compileKernels(module, kernelOptions);
    if (failed(kernels))
      return failure();
    ImageContents contents;
    contents.target.kind = "cpu";
    contents.target.texts = {{"isa", onednn::isa()}, {"onednn", onednn::version()}};
    contents.target.numbers = {{"threads", options.threads}, {"vector_bits", vectorBits(options.cpu)}};
    contents.specText = executable.specText;
    contents.blobs = {{"kernels", std::string(kernels->begin(), kernels->end())}};
    auto image = writeImage(module, contents);
    if (failed(image))
      return failure();
    if (auto error = writeExecutable(executable.stub, *image, executable.output))
      return module.emitError() << llvm::toString(std::move(error));
    return success();
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
