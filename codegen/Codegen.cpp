// SPDX-License-Identifier: Apache-2.0

#include "codegen/Codegen.h"
#include "codegen/cpu/CpuBackend.h"
#include "codegen/cuda/CudaBackend.h"

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
  return cuda::createBackend(options, name, error, isUsage);
}

} // namespace incept
