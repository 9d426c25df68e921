// SPDX-License-Identifier: Apache-2.0
//
// How much memory there is.
#pragma once

#include "runtime/support/Status.h"

#include <cstdint>

namespace incept {

/// Bytes that this process can have at most: of the machine, its swap space too, or of the control group that it is in.
uint64_t memoryLimit();

/// An error where `bytes` for `what` ("the program", "'file'") are more than there can be; `advice` says what to do.
Status checkMemory(uint64_t bytes, const std::string &what, const std::string &advice);

} // namespace incept
