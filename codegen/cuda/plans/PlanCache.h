// SPDX-License-Identifier: Apache-2.0
//
// Plans that were found before, on disk. An entry's key is everything the answer depends on, in the clear; its file is
// named after the key's hash and holds the key, so that a collision is a miss. A damaged entry is a miss too and is
// written again. Entries are written whole or not at all, so several compilers may share a cache.
#pragma once

#include "runtime/device/cuda/Cudnn.h"

#include <optional>
#include <string>

namespace incept::cuda {

/// The answer to a problem: a choice, or the reason why there is none.
struct PlanAnswer {
  cudnn::Choice choice;
  std::string error; ///< empty where there is a choice
};

class PlanCache {
public:
  /// A cache in `directory`, which is created when something is written. Empty: no cache.
  explicit PlanCache(std::string directory) : directory(std::move(directory)) {}

  /// $XDG_CACHE_HOME/incept/plans, or ~/.cache/incept/plans; empty where neither variable is set.
  static std::string defaultDirectory();

  std::optional<PlanAnswer> load(const std::string &key) const;
  /// Failures are silent: a cache that cannot be written costs time, nothing else.
  void store(const std::string &key, const PlanAnswer &answer) const;
  /// The file of an entry.
  std::string path(const std::string &key) const;

private:
  std::string directory;
};

} // namespace incept::cuda
