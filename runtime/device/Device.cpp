// SPDX-License-Identifier: Apache-2.0

#include "runtime/device/Device.h"

#include <algorithm>

namespace incept {

double Peaks::bound(double flopCount, double byteCount) const {
  return std::max(flopCount / flops, byteCount / bandwidth);
}

} // namespace incept
