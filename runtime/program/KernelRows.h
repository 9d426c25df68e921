// SPDX-License-Identifier: Apache-2.0
//
// Where in an operand's range its elements lie: a slice of channels has rows with gaps between, where other values lie.
#pragma once

#include "runtime/program/Kernels.h"

namespace incept::program {

struct OperandRows {
  uint64_t rowBytes = 0, strideBytes = 0; ///< of a whole operand the same: all of it
  bool isKnown = false;
};

/// For each operand of a launch that `measureLaunch` accepts. Those of a `fixed` kernel are not known.
std::vector<OperandRows> operandRows(const Kernel &kernel, const std::vector<int64_t> &extents);

} // namespace incept::program
