// SPDX-License-Identifier: Apache-2.0
//
// Plans that were found before, on disk. An entry's key is everything the answer depends on, in the clear.
#pragma once

#include "runtime/device/cuda/Cudnn.h"
#include "runtime/support/Cache.h"

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
  explicit PlanCache(std::string directory) : cache(std::move(directory)) {}

  std::optional<PlanAnswer> load(const std::string &key) const;
  /// Keeps a choice; a reason why there is none is asked for again. Failures are silent: a cache that cannot be written
  /// costs time, nothing else.
  void store(const std::string &key, const PlanAnswer &answer) const;
  /// The file of an entry.
  std::string path(const std::string &key) const { return cache.path(key); }

private:
  Cache cache;
};

} // namespace incept::cuda
