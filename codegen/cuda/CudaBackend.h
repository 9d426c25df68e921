// SPDX-License-Identifier: Apache-2.0
//
// The targets `cuda:DEVICE` as a whole.
#pragma once

#include "codegen/Codegen.h"

namespace incept::cuda {

/// The target for the device profile called `device`. Null with a sentence in `error` where there is no such profile
/// (`isUsage`), or where cuDNN or ptxas cannot be found.
std::unique_ptr<Backend> createBackend(const BackendOptions &options, llvm::StringRef device, std::string &error,
                                       bool &isUsage);

} // namespace incept::cuda
