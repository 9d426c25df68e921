// SPDX-License-Identifier: Apache-2.0
//
// Plans for many problems: identical ones once, several at a time, and none that the cache knows.
#pragma once

#include "codegen/cuda/PlanSource.h"
#include "codegen/cuda/plans/DeviceProfile.h"
#include "codegen/cuda/plans/PlanCache.h"

#include <functional>
#include <map>
#include <mutex>

namespace incept::cuda {

struct PlanBuilderOptions {
  std::string cacheDirectory = incept::cacheDirectory(CacheKind::Plans); ///< empty: no cache
  uint64_t workspaceLimit = uint64_t(1) << 30;                           ///< bytes, for each plan
  std::string tools;    ///< what plans depend on besides cuDNN (planTools)
  unsigned threads = 0; ///< 0: one per core
  /// Called after each problem of `prepare`, from any thread but one at a time.
  std::function<void(size_t done, size_t total)> progress;
};

class PlanBuilder final : public PlanSource {
public:
  /// What the builder did, for reports.
  struct Counts {
    size_t problems = 0; ///< distinct
    size_t cached = 0;
    size_t compiled = 0; ///< found anew on an engine that is compiled when the plan is built
  };

  PlanBuilder(std::shared_ptr<const cudnn::Library> library, DeviceProfile device, PlanBuilderOptions options = {});

  void prepare(const std::vector<cudnn::Problem> &problems) override;
  const cudnn::Choice *find(const cudnn::Problem &problem, std::string &error) override;

  Counts counts() const;
  /// What the answer to a problem depends on, as the cache's key.
  std::string key(const cudnn::Problem &problem) const;

private:
  /// Answers one problem from the cache or the library; safe to call from several threads.
  PlanAnswer answer(const cudnn::Problem &problem, const std::string &key);
  /// The most workspace that a plan needs on the device and its variants.
  uint64_t largestWorkspace(const cudnn::Problem &problem, const cudnn::Choice &choice) const;

  std::shared_ptr<const cudnn::Library> library;
  DeviceProfile device;
  PlanBuilderOptions options;
  PlanCache cache;
  mutable std::mutex mutex; ///< guards what follows
  std::map<std::string, PlanAnswer> answers;
  Counts tally;
};

} // namespace incept::cuda
