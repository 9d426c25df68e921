// SPDX-License-Identifier: Apache-2.0
//
// `incept devices`: what there is to compile for.
#pragma once

#include <string>

namespace incept {

/// "cuDNN 9.19.0", or why there is none.
std::string cudnnVersion();

/// Prints the profiles of CUDA devices and what of cuDNN and the CUDA toolkit is here; always succeeds.
int listDevices();

} // namespace incept
