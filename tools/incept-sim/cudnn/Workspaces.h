// SPDX-License-Identifier: Apache-2.0
//
// A plan's workspace is what the program under test has set aside for it: a stored plan does not tell, and only the
// real engine knows. So the size is looked up in the program's image, and all of it is overwritten at each execution.
#pragma once

#include "tools/incept-sim/cudnn/Graph.h"

namespace incept::sim::cudnn {

/// Bytes that the image of `program` (a path) plans for this graph and engine, the least where it has several; 0 where
/// it has none or is no program of incept.
uint64_t plannedWorkspace(const std::string &program, const Graph &graph, int64_t engine);

} // namespace incept::sim::cudnn
