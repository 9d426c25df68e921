// SPDX-License-Identifier: Apache-2.0

#include "runtime/device/cuda/CudaPlans.h"
#include "runtime/device/cuda/Nvrtc.h"
#include "runtime/support/Cache.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace incept::cuda {

namespace {

/// What a built plan depends on, as text.
std::string cacheKey(const program::Plan &plan, const std::string &library, const std::string &device) {
  static const std::string nvrtc = nvrtcVersion();
  nlohmann::ordered_json key = {
      {"cudnn", library}, {"nvrtc", nvrtc}, {"device", device}, {"engine", plan.engine}, {"knobs", plan.knobs}};
  for (const auto &[name, value] : plan.fields)
    key["problem"][name] = value;
  return key.dump();
}

/// What an engine that is chosen here may use, as the compiler's default is.
constexpr uint64_t kWorkspaceLimit = uint64_t(256) << 20;

/// A handle holds memory of the device, and more threads than this gain nothing.
constexpr size_t kMaxThreads = 16;

Cache planCache() { return Cache(cacheDirectory(CacheKind::RebuiltPlans)); }

} // namespace

std::string PlanReport::sentence() const {
  std::string more = growth ? std::to_string(growth) + " bytes of workspace beside the planned memory" : "";
  if (rebuilt == 0)
    return more.empty() ? "" : "the program's cuDNN plans need " + more;
  char time[32];
  std::snprintf(time, sizeof time, "%.1f s", seconds);
  return "the program's cuDNN plans are of another machine: " + std::to_string(rebuilt) + " rebuilt in " + time +
         (chosen ? " (" + std::to_string(chosen) + " on another engine)" : "") + ", " + std::to_string(cached) +
         " from this machine's cache, " + std::to_string(loaded) + " as they are" +
         (more.empty() ? "" : "; they need " + more);
}

bool isAtLeast(std::string_view have, std::string_view wanted) {
  auto next = [](std::string_view &text) {
    int value = 0;
    size_t dot = std::min(text.find('.'), text.size());
    std::from_chars(text.data(), text.data() + dot, value);
    text.remove_prefix(std::min(dot + 1, text.size()));
    return value;
  };
  while (!have.empty() || !wanted.empty()) {
    int a = next(have), b = next(wanted);
    if (a != b)
      return a > b;
  }
  return true;
}

CudaPlans::~CudaPlans() {
  plans.clear();
  for (cudnn::Handle handle : handles)
    library->destroyHandle(handle);
}

std::shared_ptr<const cudnn::Library> openCudnn(std::string &error) {
  const char *directory = std::getenv("INCEPT_CUDNN_DIR"); // where it is not in the loader's search path
  return cudnn::Library::open({directory ? directory : "", {}}, error);
}

Status CudaPlans::openLibrary(const program::Image &image) {
  std::string error;
  library = openCudnn(error);
  if (!library)
    return machineError(error + ": install cuDNN " + image.cudnn +
                        " or newer, or say where it is with INCEPT_CUDNN_DIR");
  if (!isAtLeast(library->version(), image.cudnn))
    return machineError("the program was compiled with cuDNN " + image.cudnn + ", but this machine has " +
                        library->version() + ": install the newer one, or compile it again (incept compile)");
  return {};
}

Status CudaPlans::build(const program::Image &image, const Settings &settings) {
  plans.resize(image.plans.size());
  if (std::find(settings.wanted.begin(), settings.wanted.end(), true) == settings.wanted.end())
    return {};
  auto start = std::chrono::steady_clock::now();
  INCEPT_RETURN_IF_ERROR(openLibrary(image));
  handles.resize(1);
  std::string error;
  if (!library->createHandle(settings.stream, handles.front(), error))
    return machineError(error);
  std::vector<Entry> entries(image.plans.size());
  std::vector<size_t> missing;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (!settings.wanted[i])
      continue;
    INCEPT_RETURN_IF_ERROR(readEntry(image.plans[i], i, entries[i]));
    if (!load(image.plans[i], settings.device, entries[i], plans[i]))
      missing.push_back(i);
  }
  INCEPT_RETURN_IF_ERROR(rebuildAll(image, entries, missing, settings));
  for (size_t i = 0; i < plans.size(); ++i)
    if (outgrows(i, image.plans[i].scratchpadBytes))
      report_.growth = std::max(report_.growth, plans[i].workspaceBytes());
  report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return {};
}

Status CudaPlans::readEntry(const program::Plan &plan, size_t index, Entry &entry) const {
  std::string error;
  if (!cudnn::decode(plan.fields, entry.problem, error))
    return inputError("the program image is damaged: plan " + std::to_string(index) + ": " + error);
  entry.choice.engine = plan.engine;
  entry.choice.knobs = plan.knobs;
  entry.choice.workspaceBytes = plan.scratchpadBytes;
  entry.choice.impl = plan.impl;
  entry.choice.serialized = std::string(plan.serialized);
  return {};
}

/// Takes the plan as the program holds it, or as this machine has kept it.
bool CudaPlans::load(const program::Plan &stored, const std::string &device, Entry &entry, cudnn::Plan &plan) {
  std::string ignored;
  if (!entry.choice.serialized.empty() && plan.load(library, handles.front(), entry.problem, entry.choice, ignored)) {
    ++report_.loaded;
    return true;
  }
  entry.key = cacheKey(stored, library->version(), device);
  auto kept = planCache().load(entry.key);
  if (!kept)
    return false;
  entry.choice.serialized = std::move(*kept);
  bool isLoaded = plan.load(library, handles.front(), entry.problem, entry.choice, ignored);
  report_.cached += isLoaded;
  return isLoaded;
}

Status CudaPlans::rebuildAll(const program::Image &image, const std::vector<Entry> &entries,
                             const std::vector<size_t> &missing, const Settings &settings) {
  size_t threads = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kMaxThreads);
  threads = std::min(threads, missing.size());
  for (std::string error; handles.size() < threads;)
    if (!library->createHandle(settings.stream, handles.emplace_back(), error)) {
      handles.pop_back();
      return machineError(error);
    }
  std::mutex mutex; // of what follows
  std::atomic<size_t> next = 0;
  Status result;
  auto work = [&](size_t thread) {
    Status status = settings.enter();
    for (size_t i; status.ok() && (i = next++) < missing.size();) {
      size_t index = missing[i];
      bool isChosen = false;
      status = rebuild(image.plans[index], index, entries[index], handles[thread], isChosen);
      std::lock_guard lock(mutex);
      report_.chosen += isChosen;
      ++report_.rebuilt;
      if (settings.progress)
        settings.progress(report_.rebuilt, missing.size());
    }
    std::lock_guard lock(mutex);
    if (!status.ok()) {
      next = missing.size();
      result = status;
    }
  };
  std::vector<std::thread> pool;
  for (size_t thread = 1; thread < threads; ++thread)
    pool.emplace_back(work, thread);
  if (threads > 0)
    work(0);
  for (std::thread &thread : pool)
    thread.join();
  return result;
}

Status CudaPlans::rebuild(const program::Plan &plan, size_t index, const Entry &entry, cudnn::Handle handle,
                          bool &isChosen) {
  std::string refusal, error;
  cudnn::Plan &built = plans[index];
  if (built.rebuild(library, handle, entry.problem, entry.choice, refusal)) {
    if (std::string text; built.serialize(text, error))
      planCache().store(entry.key, text);
    return {};
  }
  // What is chosen here is not kept: a refusal may be of the moment, for want of memory for example.
  isChosen = true;
  cudnn::Choice choice;
  uint64_t limit = std::max<uint64_t>(plan.scratchpadBytes, kWorkspaceLimit);
  if (library->choose(entry.problem, handle, limit, choice, error) &&
      built.rebuild(library, handle, entry.problem, choice, error))
    return {};
  return machineError("cuDNN refuses plan " + std::to_string(index) + " (" + plan.kind + ", " + plan.impl +
                      "): " + refusal + ", and has no other: " + error +
                      ": compile the program again for this machine (incept compile)");
}

bool CudaPlans::run(size_t plan, void *const *operands, size_t count, std::string &error) {
  return plans[plan].execute(handles.front(), operands, count, error);
}

} // namespace incept::cuda
