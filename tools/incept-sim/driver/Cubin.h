// SPDX-License-Identifier: Apache-2.0
//
// What machine code says of itself: an assembled module is an ELF file whose `.nv.info` sections list, per kernel, what
// ptxas reports. The instructions are not looked at.
#pragma once

#include "runtime/support/Status.h"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace incept::sim {

/// One kernel's report.
struct CubinKernel {
  uint32_t registers = 0;                    ///< per thread
  uint64_t sharedBytes = 0;                  ///< static, with those that the system takes of each block
  std::array<uint32_t, 3> maxThreads{};      ///< .maxntid; zeros: none
  std::array<uint32_t, 3> requiredThreads{}; ///< .reqntid; zeros: none
};

struct Cubin {
  bool reservesShared = false; ///< `sharedBytes` of its kernels count what the system takes
  std::map<std::string, CubinKernel> kernels;
};

/// Reads a cubin, which may be damaged. Errors (Input): no ELF file for a GPU, or a range outside of it.
Expected<Cubin> readCubin(std::string_view bytes);

} // namespace incept::sim
