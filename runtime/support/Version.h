// SPDX-License-Identifier: Apache-2.0
//
// Which incept this is.
#pragma once

namespace incept {

/// "0.1.0", the project's version.
const char *version();

} // namespace incept
