// SPDX-License-Identifier: Apache-2.0
//
// cuDNN plans as JSON: what is read can be written, and is then read as the same.
#include "test/fuzz/Targets.h"
#include "tools/incept-sim/cudnn/PlanJson.h"

namespace incept::fuzz {

void fuzzPlan(std::string_view text) {
  auto plan = sim::cudnn::readPlan(text);
  if (!plan)
    return;
  std::string written = sim::cudnn::writePlan(*plan);
  auto again = sim::cudnn::readPlan(written);
  promise(again && sim::cudnn::writePlan(*again) == written);
}

} // namespace incept::fuzz
