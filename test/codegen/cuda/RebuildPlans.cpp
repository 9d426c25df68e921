// SPDX-License-Identifier: Apache-2.0
//
// Rebuilds the plans of a compiled program as the runtime does, but on described devices: with the engine and knobs
// that were chosen, within the workspace that was planned. Usage: incept-rebuild-plans [OPTION] PROGRAM DEVICE...
//   --with-workspace  only plans that have one: engines that are compiled while the plan is built take a second each
//   --second-start    no rebuilding: the plans as a machine's cache holds them after the first start, read and loaded
//                     one after the other as the runtime does, on the one device that they were made for; with the time

#include "codegen/cuda/plans/DeviceProfile.h"
#include "codegen/cuda/plans/OpenCudnn.h"
#include "runtime/device/cuda/CudnnGraph.h"
#include "runtime/program/Image.h"
#include "runtime/support/Cache.h"
#include "runtime/support/Files.h"

#include <atomic>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <mutex>
#include <thread>

using namespace incept;

namespace {

struct Counts {
  int refused = 0, over = 0;
};

/// What becomes of one plan on one device; prints what is wrong.
void rebuild(const cudnn::Library &library, const program::Plan &plan, size_t index, const cuda::DeviceProfile &device,
             std::mutex &mutex, Counts &counts) {
  cudnn::Problem problem;
  cudnn::Choice choice;
  choice.engine = plan.engine;
  choice.knobs = plan.knobs;
  uint64_t bytes = 0;
  std::string error;
  bool isBuilt = cudnn::decode(plan.fields, problem, error) &&
                 library.workspaceOn(problem, choice, device.cudnnProperties, bytes, error);
  std::lock_guard lock(mutex);
  if (!isBuilt) {
    ++counts.refused;
    printf("%s refuses plan %zu (engine %ld): %s\n", device.name.c_str(), index, long(plan.engine), error.c_str());
  } else if (bytes > plan.scratchpadBytes) {
    ++counts.over;
    printf("%s: plan %zu (engine %ld) needs %lu bytes, but %lu were planned\n", device.name.c_str(), index,
           long(plan.engine), static_cast<unsigned long>(bytes), static_cast<unsigned long>(plan.scratchpadBytes));
  }
}

/// Milliseconds of computing that loading every plan takes, from a cache with checksums; prints what does not load.
Expected<double> secondStart(const cudnn::Library &library, const program::Image &image,
                             const cuda::DeviceProfile &device, int &refused) {
  std::string folder = std::filesystem::temp_directory_path() / "incept-second-start-XXXXXX", error;
  if (!mkdtemp(folder.data()))
    return machineError("cannot make a folder for the cache");
  Cache cache(folder);
  auto keyOf = [](size_t index) { return "plan " + std::to_string(index); };
  for (size_t i = 0; i < image.plans.size(); ++i)
    cache.store(keyOf(i), std::string(image.plans[i].serialized));
  // Of the start, not of its plans: a handle knows its device.
  auto described = cudnn::describeDevice(library.internals(), device.cudnnProperties, error);
  std::clock_t start = std::clock();
  for (size_t i = 0; described && i < image.plans.size(); ++i) {
    cudnn::Problem problem;
    cudnn::Descriptor plan;
    auto text = cache.load(keyOf(i));
    if (text && cudnn::decode(image.plans[i].fields, problem, error) &&
        cudnn::loadPlan(library.internals().api, problem, *text, {nullptr, described.get()}, plan, error))
      continue;
    ++refused;
    printf("plan %zu does not load: %s\n", i, text ? error.c_str() : "it is not in the cache");
  }
  double milliseconds = 1e3 * double(std::clock() - start) / CLOCKS_PER_SEC;
  std::filesystem::remove_all(folder);
  return described ? Expected<double>(milliseconds) : Expected<double>(machineError(error));
}

int fail(const Status &status) {
  fprintf(stderr, "incept-rebuild-plans: %s\n", status.message().c_str());
  return 1;
}

} // namespace

int main(int argc, char **argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  bool onlyWithWorkspace = !arguments.empty() && arguments.front() == "--with-workspace";
  bool isSecondStart = !arguments.empty() && arguments.front() == "--second-start";
  if (onlyWithWorkspace || isSecondStart)
    arguments.erase(arguments.begin());
  if (arguments.size() < 2)
    return fail(usageError("expected a program and devices"));
  auto file = LoadedFile::open(arguments.front(), uint64_t(1) << 32);
  if (!file)
    return fail(file.status());
  std::string_view section;
  program::Image image;
  if (Status status = program::findSection(file->bytes(), section); !status.ok())
    return fail(status);
  if (Status status = program::parseImage(section, image); !status.ok())
    return fail(status);
  std::string error;
  auto library = cuda::openCudnn("", error);
  if (!library)
    return fail(machineError(error));
  std::vector<cuda::DeviceProfile> devices;
  for (size_t i = 1; i < arguments.size(); ++i) {
    auto device = cuda::findDeviceProfile(arguments[i]);
    if (!device)
      return fail(device.status());
    devices.push_back(std::move(*device));
  }
  if (isSecondStart) {
    constexpr double kMost = 2000; // milliseconds
    int refused = 0;
    auto time = secondStart(*library, image, devices.front(), refused);
    if (!time)
      return fail(time.status());
    printf("%zu plans loaded in %.0f ms of computing, %d refused\n", image.plans.size(), *time, refused);
    return !image.plans.empty() && refused == 0 && *time < kMost ? 0 : 1;
  }
  Counts counts;
  std::mutex mutex;
  std::atomic<size_t> next = 0, rebuilt = 0;
  auto work = [&] {
    for (size_t i; (i = next++) < image.plans.size();) {
      if (onlyWithWorkspace && image.plans[i].scratchpadBytes == 0)
        continue;
      ++rebuilt;
      for (const cuda::DeviceProfile &device : devices)
        rebuild(*library, image.plans[i], i, device, mutex, counts);
    }
  };
  std::thread other(work);
  work();
  other.join();
  printf("%zu plans on %zu devices: %d over, %d refused\n", rebuilt.load(), devices.size(), counts.over,
         counts.refused);
  return rebuilt > 0 && counts.over + counts.refused == 0 ? 0 : 1;
}
