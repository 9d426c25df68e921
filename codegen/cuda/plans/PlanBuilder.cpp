// SPDX-License-Identifier: Apache-2.0
#include "codegen/cuda/plans/PlanBuilder.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace incept::cuda {

namespace {

/// The same problem in its one spelling: a stride that says "dense" becomes 0.
cudnn::Problem normalised(cudnn::Problem problem) {
  for (auto [stride, channels] : {std::pair{&problem.srcStride, problem.ic},
                                  {&problem.dstStride, problem.oc},
                                  {&problem.residualStride, problem.oc},
                                  {&problem.normStride, problem.ic}})
    if (*stride == channels)
      *stride = 0;
  return problem;
}

} // namespace

PlanBuilder::PlanBuilder(std::shared_ptr<const cudnn::Library> library, DeviceProfile device,
                         PlanBuilderOptions options)
    : library(std::move(library)), device(std::move(device)), options(std::move(options)),
      cache(this->options.cacheDirectory) {}

std::string PlanBuilder::key(const cudnn::Problem &problem) const {
  std::string text = "cudnn " + library->version() + "\nrules " + std::to_string(cudnn::kChoiceRules) + "\n" +
                     options.tools + "\ndevice " + device.cudnnProperties + "\nworkspace_limit " +
                     std::to_string(options.workspaceLimit) + "\n";
  if (device.costs) {
    const cudnn::EngineCosts &c = device.costs->engines;
    text += "costs";
    for (double number : {c.bytesPerSecond, c.launchSeconds, c.peakF32, c.peakTf32, c.peakBf16, c.peakF16, c.ownShare,
                          c.olderShare, double(c.architecture)})
      text += " " + std::to_string(number * 1e9); // to_string has six digits behind the point
    text += "\n";
  }
  for (const std::string &variant : device.variants)
    text += "variant " + variant + "\n";
  for (const auto &[name, value] : cudnn::encode(normalised(problem)))
    text += name + " " + value + "\n";
  return text;
}

PlanAnswer PlanBuilder::answer(const cudnn::Problem &problem, const std::string &key) {
  if (auto known = cache.load(key)) {
    std::lock_guard lock(mutex);
    ++tally.cached;
    return *known;
  }
  PlanAnswer fresh;
  const cudnn::EngineCosts *costs = device.costs ? &device.costs->engines : nullptr;
  if (library->choose(normalised(problem), device.cudnnProperties, options.workspaceLimit, fresh.choice, fresh.error,
                      costs))
    fresh.choice.workspaceBytes = std::min(largestWorkspace(normalised(problem), fresh.choice), options.workspaceLimit);
  else if (fresh.error.empty())
    fresh.error = "cuDNN has no engine for it";
  cache.store(key, fresh);
  std::lock_guard lock(mutex);
  tally.compiled += fresh.choice.runtimeCompiled;
  return fresh;
}

uint64_t PlanBuilder::largestWorkspace(const cudnn::Problem &problem, const cudnn::Choice &choice) const {
  uint64_t largest = choice.workspaceBytes;
  if (largest == 0) // engines without one had none on any card that was tried; a device would say so when it starts
    return 0;
  for (const std::string &variant : device.variants) {
    uint64_t bytes = 0;
    std::string ignored; // where a card refuses the engine, its machine chooses another
    if (library->workspaceOn(problem, choice, variant, bytes, ignored))
      largest = std::max(largest, bytes);
  }
  return largest;
}

void PlanBuilder::prepare(const std::vector<cudnn::Problem> &problems) {
  std::map<std::string, const cudnn::Problem *> wanted;
  for (const cudnn::Problem &problem : problems)
    wanted.emplace(key(problem), &problem);
  {
    std::lock_guard lock(mutex);
    std::erase_if(wanted, [&](const auto &entry) { return answers.count(entry.first) != 0; });
  }
  std::vector<std::pair<std::string, const cudnn::Problem *>> work(wanted.begin(), wanted.end());
  std::atomic<size_t> next = 0;
  size_t done = 0;
  auto run = [&] {
    for (size_t i; (i = next++) < work.size();) {
      PlanAnswer found = answer(*work[i].second, work[i].first);
      std::lock_guard lock(mutex);
      answers.emplace(work[i].first, std::move(found));
      ++tally.problems;
      ++done;
      if (options.progress)
        options.progress(done, work.size());
    }
  };
  size_t threads = options.threads ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> pool;
  for (size_t i = 1; i < std::min(threads, work.size()); ++i)
    pool.emplace_back(run);
  run();
  for (std::thread &thread : pool)
    thread.join();
}

const cudnn::Choice *PlanBuilder::find(const cudnn::Problem &problem, std::string &error) {
  std::string wanted = key(problem);
  bool isKnown = [&] {
    std::lock_guard lock(mutex);
    return answers.count(wanted) != 0;
  }();
  if (!isKnown)
    prepare({problem});
  std::lock_guard lock(mutex);
  const PlanAnswer &found = answers.at(wanted);
  if (found.error.empty())
    return &found.choice;
  error = found.error;
  return nullptr;
}

PlanBuilder::Counts PlanBuilder::counts() const {
  std::lock_guard lock(mutex);
  return tally;
}

} // namespace incept::cuda
