// SPDX-License-Identifier: Apache-2.0

#include "runtime/device/Device.h"

#include <algorithm>

namespace incept {

double Peaks::bound(double flopCount, double byteCount) const {
  return std::max(flopCount / flops, byteCount / bandwidth);
}

bool DeviceUse::runs(std::string_view entry) const {
  if (entry == program::kStageU8 || entry == program::kStageF32)
    return true;
  return entry == program::kInfer || entry == program::kPrepareInference ? infers : trains;
}

Status DeviceUse::check(std::string_view entry) const {
  return runs(entry) ? Status() : machineError("entry point '" + std::string(entry) + "' was not made ready");
}

std::vector<bool> DeviceUse::plansOf(const program::Image &image) const {
  std::vector<bool> result(image.plans.size());
  for (const auto &[entry, launches] : image.entries)
    for (const program::Launch &launch : launches)
      if (!launch.isKernel && runs(entry))
        result[launch.index] = true;
  return result;
}

} // namespace incept
