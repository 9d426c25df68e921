// SPDX-License-Identifier: Apache-2.0
//
// What the one who launches a kernel has to know of it.
#pragma once

#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace incept {

/// The numbers of one launch.
struct KernelWork {
  llvm::SmallVector<int64_t, 16> extents;
  int64_t units = 0; ///< the kernel processes parts of [0, units)
};

/// Who processes one unit, where there are many threads.
enum class UnitSize {
  Thread, ///< one thread
  Block,  ///< threads that meet, in an order that the kernel knows
  Row,    ///< a thread per vector of the unit's one row
  Tile,   ///< a thread per vector, of the unit's rows some at a time
};

/// The loops of a kernel.
struct KernelLoops {
  unsigned extents = 0; ///< how many a launch passes
  UnitSize unit = UnitSize::Block;
  int channels = -1;             ///< index of the extent that vectors run along, -1: elements, or no vectors
  int firstStride = -1;          ///< index of the first distance of rows, the last extents are; -1: there is none
  unsigned vectorOperands = ~0u; ///< this many of the operands, from the first, are read in vectors
};

} // namespace incept
