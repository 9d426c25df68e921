// SPDX-License-Identifier: Apache-2.0
//
// NVRTC, with which cuDNN compiles the kernels of some plans.
#pragma once

#include <string>

namespace incept::cuda {

/// "13.0", of the library that the loader finds by the names that cuDNN opens; "none" where there is none. It then
/// stays open.
std::string nvrtcVersion();

} // namespace incept::cuda
