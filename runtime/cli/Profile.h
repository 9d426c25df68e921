// SPDX-License-Identifier: Apache-2.0
//
// Where the time of a step goes, against the least time that the machine's peaks allow.
#pragma once

#include "runtime/train/Program.h"

namespace incept {

/// True for the launches that convolutions and matrix products are, the libraries' and generated ones.
bool isContraction(const program::Image &image, const program::Launch &launch);

/// One launch, or several together.
struct ProfileRow {
  std::string name;
  double seconds = 0, bound = 0; ///< measured; the least that the peaks allow
  int64_t launches = 0;
  double flops = 0, bytes = 0;

  double lost() const { return seconds - bound; }
  void add(const ProfileRow &other);
};

struct LaunchProfile {
  std::string entry, what, op, location; ///< `what` is the kernel or the primitive
  std::string family;                    ///< of the kernel; "library"
  bool tensorCore = false;
  ProfileRow cost;
  std::vector<std::string> members = {}; ///< families of the kernels of one that is "mixed"
};

/// Every launch that the profiled steps ran, with the median of its times, in the order of execution.
std::vector<LaunchProfile> collectProfile(Program &program, const Peaks &peaks);

/// Two tables, by kernel or primitive and by block of the network, and the list of all launches where it is wanted;
/// all sorted by time.
void printProfile(const std::vector<LaunchProfile> &launches, const Peaks &peaks, bool list);
nlohmann::ordered_json profileJson(const std::vector<LaunchProfile> &launches, const Peaks &peaks);

} // namespace incept
