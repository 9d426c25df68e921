// SPDX-License-Identifier: Apache-2.0

#include "runtime/device/cuda/CudaPlans.h"
#include "runtime/support/Cache.h"

#include <charconv>
#include <chrono>
#include <cstdlib>

namespace incept::cuda {

namespace {

/// What a built plan depends on, as text.
std::string cacheKey(const program::Plan &plan, const std::string &library, const std::string &device) {
  nlohmann::ordered_json key = {{"cudnn", library}, {"device", device}, {"engine", plan.engine}, {"knobs", plan.knobs}};
  for (const auto &[name, value] : plan.fields)
    key["problem"][name] = value;
  return key.dump();
}

} // namespace

std::string PlanReport::sentence() const {
  if (rebuilt == 0)
    return "";
  char time[32];
  std::snprintf(time, sizeof time, "%.1f s", seconds);
  return "the program's cuDNN plans are of another machine: " + std::to_string(rebuilt) + " rebuilt in " + time + ", " +
         std::to_string(cached) + " from this machine's cache, " + std::to_string(loaded) + " as they are";
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
  if (handle)
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

Status CudaPlans::build(const program::Image &image, const std::string &device, void *stream) {
  if (image.plans.empty())
    return {};
  auto start = std::chrono::steady_clock::now();
  INCEPT_RETURN_IF_ERROR(openLibrary(image));
  std::string error;
  if (!library->createHandle(stream, handle, error))
    return machineError(error);
  for (size_t i = 0; i < image.plans.size(); ++i) {
    cudnn::Plan plan;
    INCEPT_RETURN_IF_ERROR(buildOne(image.plans[i], i, device, plan));
    plans.push_back(std::move(plan));
  }
  report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return {};
}

Status CudaPlans::buildOne(const program::Plan &plan, size_t index, const std::string &device, cudnn::Plan &built) {
  cudnn::Problem problem;
  std::string error;
  if (!cudnn::decode(plan.fields, problem, error))
    return inputError("the program image is damaged: plan " + std::to_string(index) + ": " + error);
  cudnn::Choice choice;
  choice.engine = plan.engine;
  choice.knobs = plan.knobs;
  choice.workspaceBytes = plan.scratchpadBytes;
  choice.impl = plan.impl;
  choice.serialized = std::string(plan.serialized);
  if (!choice.serialized.empty() && built.load(library, handle, problem, choice, error)) {
    ++report_.loaded;
    return {};
  }
  auto root = cacheRoot();
  Cache cache(root ? *root + "/rebuilt-plans" : "");
  std::string key = cacheKey(plan, library->version(), device);
  if (auto kept = cache.load(key)) {
    choice.serialized = std::move(*kept);
    if (built.load(library, handle, problem, choice, error)) {
      ++report_.cached;
      return {};
    }
  }
  if (!built.rebuild(library, handle, problem, choice, error))
    return machineError("cuDNN refuses plan " + std::to_string(index) + " (" + plan.kind + ", " + plan.impl +
                        "): " + error + ": compile the program again for this machine (incept compile)");
  ++report_.rebuilt;
  if (std::string text; built.serialize(text, error))
    cache.store(key, text);
  return {};
}

bool CudaPlans::run(size_t plan, void *const *operands, size_t count, std::string &error) {
  return plans[plan].execute(handle, operands, count, error);
}

} // namespace incept::cuda
