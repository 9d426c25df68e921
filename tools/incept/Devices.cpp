// SPDX-License-Identifier: Apache-2.0
#include "tools/incept/Devices.h"
#include "codegen/cuda/plans/DeviceProfile.h"
#include "codegen/cuda/plans/OpenCudnn.h"
#include "tools/incept/Driver.h"
#include "llvm/Support/raw_ostream.h"

namespace incept {

int listDevices() {
  llvm::outs() << "cpu: this machine's processor\n\n" << cuda::deviceTable() << '\n';
  std::string error;
  if (auto library = cuda::openCudnn("", error))
    llvm::outs() << "cuDNN " << library->version() << '\n';
  else
    llvm::outs() << "no cuDNN: " << error << '\n';
  return kDone;
}

} // namespace incept
