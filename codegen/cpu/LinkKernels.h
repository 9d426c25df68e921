// SPDX-License-Identifier: Apache-2.0
//
// The in-process linker.
#pragma once

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"

#include <string>
#include <vector>

namespace incept::cpu {

/// Links relocatable objects to a shared object that needs no library. On failure `error` has the linker's words.
mlir::LogicalResult linkSharedObject(llvm::ArrayRef<std::string> objects, std::vector<char> &sharedObject,
                                     std::string &error);

} // namespace incept::cpu
