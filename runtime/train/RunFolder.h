// SPDX-License-Identifier: Apache-2.0
//
// The folder of a run's checkpoints, DIR/step-N.safetensors. It belongs to one training at a time: DIR/lock is locked
// while it is open.
#pragma once

#include "runtime/support/Status.h"

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace incept {

class RunFolder {
public:
  /// Makes the folder where it is new and locks it; fails where another training has it.
  static Expected<std::unique_ptr<RunFolder>> open(const std::string &directory);
  ~RunFolder();
  RunFolder(const RunFolder &) = delete;
  RunFolder &operator=(const RunFolder &) = delete;

  const std::string &directory() const { return folder; }
  /// A sentence for the user about the lock; empty where it holds.
  const std::string &note() const { return lockNote; }
  /// The steps of which there are checkpoints, damaged ones too, in order.
  std::vector<int64_t> steps() const;
  std::string path(int64_t step) const;

  /// Removes what killed processes left half-written.
  void removeLeftovers() const;
  Status removeCheckpoint(int64_t step) const;
  /// Renames a checkpoint that cannot be read to NAME.damaged, or NAME.damaged-N, so that its name is free.
  Status setAside(int64_t step) const;
  /// Removes checkpoints but for the last `count` and those of `kept`; 0 is all.
  Status prune(size_t count, const std::set<int64_t> &kept) const;

private:
  explicit RunFolder(std::string directory) : folder(std::move(directory)) {}
  Status lock();
  std::string folder, lockNote;
  int file = -1;
};

} // namespace incept
