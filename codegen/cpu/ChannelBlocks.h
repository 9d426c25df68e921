// SPDX-License-Identifier: Apache-2.0
//
// Where oneDNN's convolutions gain from activations in blocks of channels.
#pragma once

#include "mlir/Support/LLVM.h"
#include "runtime/device/cpu/OneDnn.h"

namespace incept::cpu {

/// The blocks of channels in which a convolution is to be computed, which has this implementation on NHWC: empty for
/// none. What it has on blocks has to be the same.
llvm::StringRef blocksFor(const onednn::Problem &problem, llvm::StringRef impl);

} // namespace incept::cpu
