// SPDX-License-Identifier: Apache-2.0
//
// The text form of the language: one file to what it defines. docs/Spec.md has its grammar.
#pragma once

#include "frontend/Spec.h"

namespace incept {

/// Reads file number `file`. Mistakes are reported; what could be understood is returned all the same, so that later
/// checks can find more of them. Nothing is returned where the file is too large.
std::optional<SpecFile> readTextSpec(uint32_t file, Diagnostics &diagnostics);

} // namespace incept
