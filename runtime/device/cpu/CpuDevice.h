// SPDX-License-Identifier: Apache-2.0
//
// Runs a program's launch lists on the CPU. Lifecycle: create (checks the machine, allocates everything, builds every
// primitive), then run. Running allocates nothing.
#pragma once

#include "runtime/device/cpu/OneDnn.h"
#include "runtime/program/Image.h"

#include <memory>
#include <string_view>

namespace incept {

/// Time of one launch, summed over runs.
struct LaunchTime {
  double seconds = 0;
  int64_t runs = 0;
};

class CpuDevice {
public:
  static Expected<std::unique_ptr<CpuDevice>> create(const program::Image &image);
  ~CpuDevice();

  /// Runs an entry point; it must exist.
  Status run(std::string_view entry);
  /// Memory of a region, valid for the device's life.
  std::byte *region(size_t index) { return regions[index]; }
  std::byte *memory(const program::Tensor &tensor) { return regions[tensor.region] + tensor.offset; }

  /// From now on each launch is timed.
  void startProfile();
  const std::vector<LaunchTime> &profile(std::string_view entry) { return lists.find(entry)->second.times; }

private:
  using Kernel = void (*)(void *const *, const int64_t *, int64_t, int64_t);
  struct Step {
    const program::Launch *launch;
    Kernel kernel = nullptr;
    onednn::Primitive *primitive = nullptr;
    std::vector<void *> operands;
  };
  struct List {
    std::vector<Step> steps;
    std::vector<LaunchTime> times;
  };

  explicit CpuDevice(const program::Image &image) : image(image) {}
  Status checkMachine();
  Status allocate();
  Status loadKernels();
  Status buildPrimitives();
  Status bind();
  Status launch(Step &step);

  const program::Image &image;
  std::vector<std::byte *> regions;
  void *library = nullptr;
  std::vector<Kernel> kernels;
  std::vector<onednn::Primitive> primitives;
  std::map<std::string, List, std::less<>> lists; // looked up in every step: without making a string
  bool profiling = false;
};

} // namespace incept
