// SPDX-License-Identifier: Apache-2.0

#include "codegen/cpu/CpuBackend.h"
#include "codegen/Codegen.h"
#include "codegen/cpu/CompileKernels.h"
#include "codegen/cpu/CpuTarget.h"
#include "codegen/image/Executable.h"
#include "codegen/image/ImageWriter.h"
#include "runtime/device/cpu/OneDnn.h"

#include <thread>

using namespace mlir;

namespace incept::cpu {

namespace {

class CpuBackend final : public Backend {
public:
  explicit CpuBackend(TargetAttr attribute) : attribute(attribute), target(createCpuTarget(threads(), this)) {}

  const Target *passTarget() const { return target.get(); }
  StringRef stub() const override { return "incept-stub-cpu"; }

  LogicalResult emitExecutable(ModuleOp module, const ExecutableOptions &executable) const override {
    if (failed(verifyProgram(module)))
      return failure();
    auto kernels = compileKernels(module, KernelOptions());
    if (failed(kernels))
      return failure();
    ImageContents contents;
    contents.target.kind = "cpu";
    contents.target.texts = {{"isa", onednn::isa()}, {"onednn", onednn::version()}};
    contents.target.numbers = {{"threads", threads()}, {"vector_bits", vectorBits("")}};
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
    auto kernels = compileKernels(module, KernelOptions());
    if (failed(kernels))
      return failure();
    stream.write(kernels->data(), kernels->size());
    return success();
  }

private:
  int64_t threads() const { return attribute.getNumber("threads", 1); }

  TargetAttr attribute;
  std::shared_ptr<const Target> target;
};

struct CpuKind final : TargetKind {
  std::string usage() const override { return "cpu"; }

  Expected<TargetAttr> complete(TargetAttr given) const override {
    TargetSettings settings(given);
    settings.number("threads", std::max(1u, std::thread::hardware_concurrency()), 1);
    settings.fact("isa", onednn::isa());
    settings.fact("onednn", onednn::version());
    return settings.finish("");
  }

  Expected<std::shared_ptr<const Target>> make(TargetAttr attribute) const override {
    auto backend = std::make_shared<const CpuBackend>(attribute);
    return std::shared_ptr<const Target>(backend, backend->passTarget());
  }
};

} // namespace

void registerTarget(DialectRegistry &registry) { incept::registerTarget(registry, "cpu", std::make_shared<CpuKind>()); }

} // namespace incept::cpu
