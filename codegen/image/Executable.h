// SPDX-License-Identifier: Apache-2.0
//
// Joins a program image to a copy of the runtime stub.
#pragma once

#include "runtime/support/Status.h"

#include <string>
#include <string_view>

namespace incept {

/// Writes `output`, a regular file or a new name: the ELF executable `stub` with the section `.incept` holding `image`.
/// Appears whole or not at all.
Status writeExecutable(const std::string &stub, std::string_view image, const std::string &output);

} // namespace incept
