// SPDX-License-Identifier: Apache-2.0
//
// Runs a program's launch lists on the CPU. Lifecycle: create (checks the machine, allocates everything, builds every
// primitive), then run. Running allocates nothing.
#pragma once

#include "runtime/device/Device.h"
#include "runtime/device/cpu/OneDnn.h"

namespace incept {

/// What incept-stub-cpu is linked with.
const Backend &cpuBackend();

class CpuDevice final : public Device {
public:
  static Expected<std::unique_ptr<Device>> create(const program::Image &image, const DeviceUse &use);
  ~CpuDevice() override;

  // A step runs inside `start`, on the program's own memory: there is one batch, and nothing to wait for.
  size_t depth() const override { return 1; }
  Batch &next() override { return batch; }
  Status start(Work work, Input input) override;
  Status finish() override { return {}; }
  const Batch &finished() const override { return batch; }

  Status run(std::string_view entry) override;
  Status runOnly(std::string_view entry, const std::function<bool(const program::Launch &)> &wanted) override;
  Status read(const program::Tensor &tensor, std::byte *logical) override;
  bool isReadByThreads() const override { return true; }
  Status write(const program::Tensor &tensor, const std::byte *logical) override;
  Status readMemory(size_t region, uint64_t offset, uint64_t bytes, std::byte *to) override;
  Status writeMemory(size_t region, uint64_t offset, uint64_t bytes, const std::byte *from) override;
  Status fill(size_t region, float value) override;

  void observe(LaunchObserver value) override { observer = std::move(value); }
  void startProfile(int64_t runs) override;
  const std::vector<std::vector<double>> &profile(std::string_view entry) const override {
    return lists.find(entry)->second.times;
  }
  Expected<Peaks> peaks() override;
  uint64_t peakResidentBytes() const override;

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
    std::vector<std::vector<double>> times;
  };

  CpuDevice(const program::Image &image, const DeviceUse &use) : image(image), use(use) {}
  Status checkMachine();
  Status allocate();
  Status loadKernels();
  Status buildPrimitives();
  Status bind();
  std::byte *memory(const program::Tensor &tensor) { return regions[tensor.region] + tensor.offset; }
  Status launch(Step &step);

  const program::Image &image;
  DeviceUse use;
  std::vector<std::byte *> regions;
  int kernelFile = -1;
  void *library = nullptr; ///< loaded from `kernelFile`
  std::vector<Kernel> kernels;
  std::vector<onednn::Primitive> primitives;
  std::map<std::string, List, std::less<>> lists; // looked up in every step: without making a string
  Batch batch;
  bool profiling = false;
  LaunchObserver observer;
};

} // namespace incept
