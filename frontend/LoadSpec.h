// SPDX-License-Identifier: Apache-2.0
//
// A description with everything it imports.
#pragma once

#include "frontend/Spec.h"

namespace incept {

/// Reads the network in `path` and the files it imports (paths are relative to the importing file), and checks what can
/// be checked without shapes: that blocks, parameters and named values exist and no block uses itself. Reports
/// mistakes; nothing is returned only where the file could not be read at all.
std::optional<Spec> loadSpec(llvm::StringRef path, Diagnostics &diagnostics);

} // namespace incept
