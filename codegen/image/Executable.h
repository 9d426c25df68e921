// SPDX-License-Identifier: Apache-2.0
//
// Joins a program image to a copy of the runtime stub.
#pragma once

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace incept {

/// Writes `output`: the ELF executable `stub` with the section `.incept` holding `image`. Appears whole or not at all.
llvm::Error writeExecutable(llvm::StringRef stub, llvm::StringRef image, llvm::StringRef output);

} // namespace incept
