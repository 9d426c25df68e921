// SPDX-License-Identifier: Apache-2.0

#include "runtime/device/Stub.h"
#include "runtime/device/cpu/CpuDevice.h"

namespace incept {

const Backend &stubBackend() { return cpuBackend(); }

} // namespace incept
