// SPDX-License-Identifier: Apache-2.0

#include "runtime/device/Stub.h"
#include "runtime/device/cuda/CudaDevice.h"

namespace incept {

const Backend &stubBackend() { return cuda::cudaBackend(); }

} // namespace incept
