// SPDX-License-Identifier: Apache-2.0
//
// What a launch may ask of a device: sizes of grids and blocks, registers and shared memory, as the driver checks them
// before it launches.
#pragma once

#include "tools/incept-sim/driver/Cubin.h"
#include "tools/incept-sim/driver/Profile.h"

namespace incept::sim {

/// What a kernel takes of a multiprocessor.
struct KernelNeeds {
  int64_t registers = 0;                     ///< per thread; 0: not known, and not checked
  int64_t sharedBytes = 0;                   ///< static
  int64_t maxThreads = 1024;                 ///< of a block, by .maxntid or .reqntid
  std::array<uint32_t, 3> requiredThreads{}; ///< .reqntid; zeros: none
};

/// Takes over what machine code says of the kernel, where that is stricter.
void restrict(KernelNeeds &needs, const Cubin &cubin, const std::string &kernel, const Profile &profile);

struct LaunchSizes {
  std::array<uint32_t, 3> grid{}, block{}; ///< x, y, z
  uint64_t dynamicShared = 0;              ///< bytes
};

enum class Refusal {
  None,
  InvalidValue,   ///< CUDA_ERROR_INVALID_VALUE
  OutOfResources, ///< CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES
};

/// Registers that a multiprocessor, or a block of it, has to set aside for a block of so many threads: by warp, in
/// pieces, and for as many warps in each quarter of the multiprocessor.
int64_t registersOfBlock(const Profile &profile, const KernelNeeds &needs, int64_t threads);

/// The largest block, in threads.
int64_t largestBlock(const Profile &profile, const KernelNeeds &needs);

/// Blocks that a multiprocessor holds at once, by registers, threads, shared memory and number.
int64_t residentBlocks(const Profile &profile, const KernelNeeds &needs, int64_t threads, int64_t dynamicShared);

/// Whether the driver takes the launch; `why` is a sentence without a final stop where it does not. `dynamicLimit`: the
/// kernel's CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES.
Refusal checkLaunch(const Profile &profile, const KernelNeeds &needs, const LaunchSizes &sizes, int64_t dynamicLimit,
                    std::string &why);

} // namespace incept::sim
