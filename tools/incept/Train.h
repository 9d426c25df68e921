// SPDX-License-Identifier: Apache-2.0
//
// `incept train`: compile into a cache, then run.
#pragma once

#include "tools/incept/Driver.h"

#include <vector>

namespace incept {

/// Compiles into the user's cache, unless the same description was compiled with the same options by this compiler, and
/// replaces this process by `PROGRAM train ARGUMENTS`. Returns only where that fails.
int train(const CompileOptions &options, const std::vector<std::string> &arguments);

} // namespace incept
