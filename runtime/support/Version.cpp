// SPDX-License-Identifier: Apache-2.0

#include "runtime/support/Version.h"

namespace incept {

const char *version() { return INCEPT_VERSION; }

} // namespace incept
