// SPDX-License-Identifier: Apache-2.0
//
// What can be known of a CUDA program on any machine: its kernels' parameters, formats, plans, architecture.
#pragma once

#include "runtime/program/Image.h"

#include <map>

namespace incept::cuda {

/// "sm_90", "sm_90a", "sm_120".
struct Architecture {
  int major = 0, minor = 0;
  bool exact = false; ///< a suffix: its code runs on this very architecture only

  /// True where PTX of this architecture runs on a device of that compute capability.
  bool runsOn(int deviceMajor, int deviceMinor) const;
};

/// False where `text` is no architecture.
bool parseArchitecture(std::string_view text, Architecture &architecture);

/// The kernels of PTX text by name, and how many 64-bit parameters each takes; -1 where it has others.
std::map<std::string, int64_t, std::less<>> kernelParameters(std::string_view ptx);

/// Architecture, formats, plans and kernels make sense together: every launch gives its kernel as many parameters, and
/// its plan as many operands, as it takes. The driver checks neither.
Status checkImage(const program::Image &image);

/// Adds what `info` says of the target.
void describeImage(const program::Image &image, nlohmann::ordered_json &info);
/// What a plan writes.
std::vector<program::PlanResult> planResults(const program::Image &image, size_t plan);

/// True where memory has another order than the tensor's shape: weights O,I,H,W that lie as O,H,W,I.
bool isPermuted(const program::Tensor &tensor);
/// Copies such a tensor from one order to the other; both are dense.
void toLogical(const program::Tensor &tensor, const std::byte *memory, std::byte *logical);
void toMemory(const program::Tensor &tensor, const std::byte *logical, std::byte *memory);

} // namespace incept::cuda
