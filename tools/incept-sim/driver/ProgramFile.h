// SPDX-License-Identifier: Apache-2.0
//
// What the simulator wants to know of the program that it runs, read from the image inside the executable. The rest of
// the image is the program's own business.
#pragma once

#include "runtime/support/Status.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace incept::sim {

/// A library plan that the image carries.
struct StoredPlan {
  std::string json;
  uint64_t workspaceBytes = 0;
};

/// A launch of a kernel, as the image describes it.
struct DescribedLaunch {
  std::string kernel, what;                            ///< `what`: "'stem.conv1.bn' (specs/x.json:12:3)"
  std::vector<std::pair<uint64_t, uint64_t>> operands; ///< region, offset
  std::vector<uint64_t> extents;
};

struct ProgramFile {
  std::string kind;   ///< of the target: "cuda"
  std::string device; ///< name of a profile
  std::string cudnn;  ///< "9.19.0"
  std::string cubin;  ///< machine code of the kernels, may be empty
  std::vector<StoredPlan> plans;
  std::vector<DescribedLaunch> launches;
};

/// What a launch with these parameters computes, empty where none of `launches` fits: the same kernel and extents, and
/// operands of one region as far from each other as the image has them.
std::string describeLaunch(const std::vector<DescribedLaunch> &launches, const std::string &kernel,
                           const std::vector<uint64_t> &parameters);

/// Errors (Input): no such file, no executable with an image, a damaged image.
Expected<ProgramFile> readProgramFile(const std::string &path);

} // namespace incept::sim
