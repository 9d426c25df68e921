// SPDX-License-Identifier: Apache-2.0
//
// The JSON form of the language: one file to a Spec. docs/Spec.md is its reference.
#pragma once

#include "frontend/Spec.h"

namespace incept {

/// Reads file number `file`. Mistakes are reported; what could be understood is returned all the same, so that later
/// checks can find more of them. Nothing is returned where the text is not JSON.
std::optional<SpecFile> readJsonSpec(uint32_t file, Diagnostics &diagnostics);

} // namespace incept
