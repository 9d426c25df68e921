// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace incept {

/// Speaks the Language Server Protocol on standard input and output until the editor says exit; returns the exit
/// status.
int serveEditor();

} // namespace incept
