// SPDX-License-Identifier: Apache-2.0
//
// What the simulator wants to know of the program that it runs, read from the image inside the executable. The rest of
// the image is the program's own business.
#pragma once

#include "runtime/support/Status.h"

#include <cstdint>
#include <string>
#include <vector>

namespace incept::sim {

/// A library plan that the image carries.
struct StoredPlan {
  std::string json;
  uint64_t workspaceBytes = 0;
};

struct ProgramFile {
  std::string kind;   ///< of the target: "cuda"
  std::string device; ///< name of a profile
  std::string cudnn;  ///< "9.19.0"
  std::vector<StoredPlan> plans;
};

/// Errors (Input): no such file, no executable with an image, a damaged image.
Expected<ProgramFile> readProgramFile(const std::string &path);

} // namespace incept::sim
