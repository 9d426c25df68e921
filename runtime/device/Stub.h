// SPDX-License-Identifier: Apache-2.0
//
// What tells the stubs apart: each is linked with one definition.
#pragma once

#include "runtime/device/Device.h"

namespace incept {

/// The kind of device that this executable runs on.
const Backend &stubBackend();

} // namespace incept
