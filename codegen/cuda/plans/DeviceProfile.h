// SPDX-License-Identifier: Apache-2.0
//
// What the compiler knows of a GPU that is not there. The profiles are JSON files (codegen/cuda/devices/), typed from
// public data sheets and compiled in, so that the compiler stays one file: cuDNN's device properties, and an object
// "incept" with what our own code generation and estimates need.
#pragma once

#include "codegen/cuda/plans/LaunchCosts.h"
#include "runtime/support/Status.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace incept::cuda {

struct DeviceProfile {
  std::string name;                 ///< "h100"
  std::string title;                ///< "NVIDIA H100 SXM, 80 GB"
  std::string card;                 ///< as its driver names it: "NVIDIA H100 80GB HBM3"
  std::string arch;                 ///< "sm_90"
  int ptxVersion = 0;               ///< 80 for PTX 8.0
  bool isDefaultForArch = false;    ///< what "cuda:sm_90" means
  int64_t memoryBytes = 0;          ///< of the device
  int64_t memoryBytesPerSecond = 0; ///< bandwidth
  int64_t multiprocessors = 0;
  int64_t l2Bytes = 0;
  /// Dense multiply-add peaks in operations per second; tf32, bf16 and f16 on tensor cores with sums in f32.
  int64_t peakF32 = 0, peakTf32 = 0, peakBf16 = 0, peakF16 = 0;
  /// What launches take; null where the profile neither assumes nor measured anything.
  std::optional<LaunchCosts> costs;
  std::string cudnnProperties; ///< JSON text for cuDNN's device property descriptor
  /// The same of the other cards on which its programs run: other products of the architecture, and this one at other
  /// clocks. A plan may need another workspace there.
  std::vector<std::string> variants;
};

/// Reads and checks a profile; `where` names it in errors.
Expected<DeviceProfile> parseDeviceProfile(const std::string &text, const std::string &where);

/// The profiles that are compiled in, by name.
const std::vector<DeviceProfile> &deviceProfiles();

/// "h100", "sm_90" (the default profile of that architecture), or the path of a profile (ends in ".json"). The error
/// for an unknown name lists what there is, and the nearest name.
Expected<DeviceProfile> findDeviceProfile(const std::string &name);

/// The table `incept devices` prints: a line of headings, then a line a profile.
std::string deviceTable();

} // namespace incept::cuda
