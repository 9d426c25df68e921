// SPDX-License-Identifier: Apache-2.0
#include "tools/incept/Devices.h"
#include "codegen/cuda/plans/DeviceProfile.h"
#include "codegen/cuda/plans/OpenCudnn.h"
#include "tools/incept/Driver.h"
#include "llvm/Support/raw_ostream.h"

namespace incept {

std::string cudnnVersion() {
  std::string error;
  auto library = cuda::openCudnn("", error);
  return library ? "cuDNN " + library->version() : "no cuDNN: " + error;
}

int listDevices() {
  llvm::outs() << "cpu: this machine's processor\n\n" << cuda::deviceTable() << '\n' << cudnnVersion() << '\n';
  return kDone;
}

} // namespace incept
