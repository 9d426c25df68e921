// SPDX-License-Identifier: Apache-2.0

#include "codegen/Codegen.h"
#include "codegen/cpu/CpuBackend.h"
#ifdef INCEPT_HAS_CUDA
#include "codegen/cuda/CudaBackend.h"
#endif

using namespace mlir;

namespace incept {

std::unique_ptr<Backend> createBackend(const BackendOptions &options, std::string &error, bool &isUsage) {
  isUsage = true;
  StringRef name = options.target;
  if (name == "cpu")
    return cpu::createBackend(options);
  if (!name.consume_front("cuda:")) {
    error = "unknown target '" + options.target + "': expected cpu or cuda:DEVICE, e.g. cuda:h100";
    return nullptr;
  }
#ifdef INCEPT_HAS_CUDA
  return cuda::createBackend(options, name, error, isUsage);
#else
  isUsage = false;
  error = "target '" + options.target +
          "' needs the CUDA toolkit and cuDNN, which this compiler was built without: run scripts/setup.sh --cuda and "
          "build it again";
  return nullptr;
#endif
}

} // namespace incept
