// SPDX-License-Identifier: Apache-2.0
//
// `incept devices`: what there is to compile for.
#pragma once

namespace incept {

/// Prints the profiles of CUDA devices and what of cuDNN and the CUDA toolkit is here; always succeeds.
int listDevices();

} // namespace incept
