// SPDX-License-Identifier: Apache-2.0
//
// Where a program is in the launch lists of its image: which launch a call is, what it reads and writes, and which
// values nobody reads after it. Programs that are not incept's have no course.
#pragma once

#include "runtime/support/Status.h"
#include "tools/incept-sim/driver/Ranges.h"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace incept::sim {

struct CourseOperand {
  size_t region = 0;
  uint64_t offset = 0, bytes = 0;
  uint64_t rowBytes = 0, strideBytes = 0; ///< its rows, the same where it is one; 0: not known
  bool isRead = false, isWritten = false;
  std::string type; ///< of what is written: "f32"; empty where it is not known

  bool isDense() const { return rowBytes == strideBytes && rowBytes > 0; }
};

struct CourseLaunch {
  std::string entry;
  size_t index = 0;
  std::string kernel, family; ///< a plan has no kernel, and its kind as family
  std::string op, location;
  std::vector<CourseOperand> operands; ///< a plan's workspace is the last
  std::vector<uint64_t> extents;
  std::array<uint64_t, 6> sizes{};  ///< grid and block of a kernel
  int64_t bytes = 0;                ///< the compiler's estimate
  std::vector<Ranges::Range> ended; ///< bytes of the arena that are not read after it before they are written again

  /// "'stem.conv1.bn' (specs/x.json:12:3)"
  std::string what() const { return "'" + op + "' (" + location + ")"; }
};

class Course {
public:
  /// Of an executable. Errors (Input): it has no image, or a damaged one.
  static Expected<std::unique_ptr<Course>> read(const std::string &path);

  const std::vector<std::vector<CourseLaunch>> &lists() const { return entries; }

  /// The launch that a call is, which was issued after the one before; null where none fits. `kernel` is empty for a
  /// plan, whose `values` are the addresses of its operands; those of a kernel are followed by extents.
  const CourseLaunch *follow(const std::string &kernel, const std::vector<uint64_t> &values);
  /// True where `next` runs right behind `last`, in a list or at the begin of one that follows the other's, so that its
  /// values are there. A program may also run parts of a list, to time them.
  bool isNext(const CourseLaunch *last, const CourseLaunch &next) const;
  /// Where the arena begins; 0 as long as no launch has told it.
  uint64_t arena() const { return arenaRegion < begins.size() ? begins[arenaRegion] : 0; }
  /// The address of an operand of a launch that `follow` has found.
  uint64_t address(const CourseOperand &operand) const { return begins[operand.region] + operand.offset; }

private:
  bool fits(const CourseLaunch &launch, const std::string &kernel, const std::vector<uint64_t> &values) const;
  void findEnds(const Ranges &tensors, const Ranges &derived);
  /// Walks a list backwards from what is live behind it; returns what is live before it.
  Ranges walk(std::vector<CourseLaunch> &list, Ranges live, bool ends);
  std::vector<CourseLaunch> *find(const std::string &entry);

  std::vector<std::vector<CourseLaunch>> entries;
  std::vector<uint64_t> begins; ///< of regions; 0: not known yet
  size_t arenaRegion = ~size_t(0);
  const CourseLaunch *lastIssued = nullptr;
};

} // namespace incept::sim
