// SPDX-License-Identifier: Apache-2.0
//
// Runs a plan on the simulated device's memory.
#pragma once

#include "tools/incept-sim/cudnn/PlanJson.h"
#include "tools/incept-sim/memory/Memory.h"

#include <map>

namespace incept::sim::cudnn {

/// The operands of one execution.
struct Binding {
  std::map<int64_t, uint64_t> addresses; ///< by unique id: device addresses
  std::map<int64_t, float> scalars;      ///< by unique id: tensors by value
  uint64_t workspace = 0;
};

/// Checks every operand (place, alignment, written before), computes, and writes the results. The workspace is filled
/// with rubbish and counts as never written, so that nothing else can live in it. A report names the tensor.
Status execute(const Plan &plan, const Binding &binding, memory::Memory &memory, bool check);

/// "convolution 3x3, 64 -> 96, ..." for reports and statistics.
std::string describe(const Graph &graph);

} // namespace incept::sim::cudnn
