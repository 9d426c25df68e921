// SPDX-License-Identifier: Apache-2.0
//
// Stored plans, in the JSON form that cuDNN 9 writes: version, operation graph, device profile, engine with its knobs,
// and, for an engine that is compiled at run time, its machine code, which is not looked at.
#pragma once

#include "tools/incept-sim/cudnn/Graph.h"
#include "tools/incept-sim/driver/Profile.h"

#include <map>
#include <string_view>

namespace incept::sim::cudnn {

struct Plan {
  Graph graph;
  int version = 0;     ///< of the cuDNN that made it
  std::string profile; ///< JSON text of the device it was made for
  int64_t engine = 0;
  std::map<std::string, int64_t> knobs; ///< by name
  uint64_t workspaceBytes = 0;          ///< not part of the stored form
};

/// Reads a stored plan, which may be damaged. Errors as those of `checkGraph`.
Expected<Plan> readPlan(std::string_view json);
std::string writePlan(const Plan &plan);

/// Ok where a plan made for the device `made` runs on `present`; otherwise names the first difference. Both are JSON
/// texts.
Status sameDevice(const std::string &made, const std::string &present);

} // namespace incept::sim::cudnn
