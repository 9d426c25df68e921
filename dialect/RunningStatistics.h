// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mlir/IR/Value.h"

namespace incept {

/// True for an argument of a kernel that batch norm's next running statistics alone are made from. Of what a kernel
/// over rows reads of channels, it is what no unit needs but the one that writes them.
bool isRunningStatistic(mlir::Value argument);

} // namespace incept
