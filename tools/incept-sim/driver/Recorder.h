// SPDX-License-Identifier: Apache-2.0
//
// Follows a program through its launch lists while its work runs: what a list does not read again must not be read, the
// first value that is not finite is told, and what every launch did is counted.
#pragma once

#include "tools/incept-sim/driver/Course.h"
#include "tools/incept-sim/driver/Profile.h"
#include "tools/incept-sim/memory/Memory.h"
#include "tools/incept-sim/ptx/Ptx.h"

#include <map>

namespace incept::sim {

class Recorder {
public:
  /// Both outlive it.
  Recorder(const Options &options, memory::Memory &memory) : options(options), memory(memory) {}

  /// When a launch is issued: which one it is (see Course::follow); null where nothing is to be recorded, or unknown.
  const CourseLaunch *follow(const std::string &kernel, const std::vector<uint64_t> &values);
  /// Before and after a launch runs; both do nothing for null.
  void enter(const CourseLaunch *launch);
  void leave(const CourseLaunch *launch, const ptx::Counters &counters);
  /// Writes Options::report, where it is wanted.
  Status write() const;

private:
  void endValues(const CourseLaunch &launch);
  void findNotFinite(const CourseLaunch &launch);

  const Options &options;
  memory::Memory &memory;
  bool isRead = false; ///< the course, or that there is none
  std::unique_ptr<Course> course;
  const CourseLaunch *last = nullptr; ///< that ran
  bool toldNotFinite = false;
  struct Record {
    uint64_t runs = 0;
    ptx::Counters counters;
  };
  std::map<const CourseLaunch *, Record> records;
};

} // namespace incept::sim
