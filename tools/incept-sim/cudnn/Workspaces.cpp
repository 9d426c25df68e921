// SPDX-License-Identifier: Apache-2.0
#include "tools/incept-sim/cudnn/Workspaces.h"
#include "tools/incept-sim/cudnn/PlanJson.h"
#include "tools/incept-sim/driver/ProgramFile.h"

#include <map>

namespace incept::sim::cudnn {

uint64_t plannedWorkspace(const std::string &program, const Graph &graph, int64_t engine) {
  // Once per process: there is one program, and its plans do not change.
  static const std::map<std::string, uint64_t> sizes = [&] {
    std::map<std::string, uint64_t> result;
    if (program.empty())
      return result;
    Expected<ProgramFile> file = readProgramFile(program);
    if (!file)
      return result;
    for (const StoredPlan &stored : file->plans)
      if (Expected<Plan> plan = readPlan(stored.json); plan) {
        std::string key = std::to_string(plan->engine) + ";" + signature(plan->graph);
        auto [entry, isNew] = result.emplace(key, stored.workspaceBytes);
        if (!isNew)
          entry->second = std::min(entry->second, stored.workspaceBytes);
      }
    return result;
  }();
  auto found = sizes.find(std::to_string(engine) + ";" + signature(graph));
  return found == sizes.end() ? 0 : found->second;
}

} // namespace incept::sim::cudnn
