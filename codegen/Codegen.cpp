// SPDX-License-Identifier: Apache-2.0

#include "codegen/Codegen.h"
#include "codegen/cpu/CompileKernels.h"
#include "codegen/image/Executable.h"
#include "codegen/image/ImageWriter.h"
#include "runtime/device/cpu/OneDnn.h"

using namespace mlir;

namespace incept {

LogicalResult emitCpuExecutable(ModuleOp module, const CodegenOptions &options) {
  cpu::KernelOptions kernelOptions;
  kernelOptions.cpu = options.cpu;
  auto kernels = cpu::compileKernels(module, kernelOptions);
  if (failed(kernels))
    return failure();
  TargetFacts target;
  target.kind = "cpu";
  target.isa = onednn::isa();
  target.onednn = onednn::version();
  target.threads = options.threads;
  target.vectorBits = cpu::vectorBits(options.cpu);
  auto image = writeImage(module, target, options.specText, *kernels);
  if (failed(image))
    return failure();
  if (auto error = writeExecutable(options.stub, *image, options.output)) {
    module.emitError() << llvm::toString(std::move(error));
    return failure();
  }
  return success();
}

} // namespace incept
