// SPDX-License-Identifier: Apache-2.0
//
// The basic blocks of a kernel, and what the decoder finds by them.
#pragma once

#include "tools/incept-sim/ptx/Program.h"

#include <span>

namespace incept::sim::ptx {

/// The last, empty block is the end of the kernel, where every unconditional exit goes.
struct Graph {
  std::vector<uint32_t> begin; ///< first instruction of each block
  std::vector<std::vector<uint32_t>> successors, predecessors;

  /// Branches have their targets.
  explicit Graph(const KernelCode &kernel);

private:
  void connect(uint32_t from, uint32_t to);
};

/// Sets the reconvergence points of all branches: the instruction where every path from the branch to the end of the
/// kernel meets again (immediate post-dominator), or code.size().
void findReconvergence(KernelCode &kernel);

/// PTX has a register for each value, more than fit into a cache: rows of the same size whose values are never needed
/// at one time share a place. Returns for each row the one whose place it takes, which may be itself. `bytes`: the
/// sizes of the rows; 0: a row that keeps its own.
std::vector<Row> shareRows(const KernelCode &kernel, std::span<const uint32_t> bytes);

} // namespace incept::sim::ptx
