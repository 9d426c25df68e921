// SPDX-License-Identifier: Apache-2.0
//
// Runs a program's launch lists on a CUDA device. Everything is on one stream, except the copy of the next batch. The
// first step of a kind is launched one by one, since libraries may load code in it; from the second on a step is one
// launch of a CUDA graph.
#pragma once

#include "runtime/device/Device.h"
#include "runtime/device/cuda/CudaPlans.h"
#include "runtime/device/cuda/Driver.h"

#include <array>

namespace incept::cuda {

/// What incept-stub-cuda is linked with.
const Backend &cudaBackend();

/// What the environment variable INCEPT_CUDA may say, separated by commas; for tests, and to find what fails.
struct CudaOptions {
  bool direct = false; ///< "direct": no graphs
  bool sync = false;   ///< "sync": no graphs, and each launch is waited for, so that an error names it
  bool alone = false;  ///< "alone": one step at a time
  static Expected<CudaOptions> fromText(std::string_view text);
};

/// The device as the driver describes it.
struct CudaFacts {
  std::string name;
  int major = 0, minor = 0, multiprocessors = 0;
  int clockKHz = 0, memoryClockKHz = 0, memoryBusBits = 0; ///< 0 where the driver does not say
  int driverVersion = 0;
};

class CudaDevice final : public Device {
public:
  static Expected<std::unique_ptr<Device>> create(const program::Image &image, const DeviceUse &use);
  ~CudaDevice() override;

  size_t depth() const override { return options.alone ? 1 : kSlots; }
  Batch &next() override { return slots[nextSlot()].batch; }
  Status start(Work work, Input input) override;
  Status finish() override;
  const Batch &finished() const override { return slots[finishedSlot].batch; }

  Status run(std::string_view entry) override;
  Status runOnly(std::string_view entry, const std::function<bool(const program::Launch &)> &wanted) override;
  Status read(const program::Tensor &tensor, std::byte *logical) override;
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
  std::string note() const override;

private:
  static constexpr size_t kSlots = 2;

  struct Step {
    const program::Launch *launch;
    CUfunction kernel = nullptr;
    std::vector<uint64_t> values; ///< addresses of the operands, then the extents
    std::vector<void *> pointers; ///< a kernel: to the values; a plan: the addresses
  };
  struct List {
    std::vector<Step> steps;
    std::vector<std::vector<double>> times;
  };

  /// A batch on its way to the device and back. Host and device hold labels, step block and u8 images in one piece,
  /// so that they are one copy; behind them the host holds the results.
  struct Slot {
    Batch batch;
    Owned<void *> host;
    Owned<CUdeviceptr> staged;
    Owned<CUevent> copied, done;
    std::unique_ptr<float[]> f32Images;       ///< not staged: only commands that wait for each step use them
    std::array<Owned<CUgraphExec>, 6> graphs; ///< by kindOf
  };
  /// Where the parts of a slot lie, in bytes.
  struct SlotLayout {
    uint64_t step = 0, images = 0, stagedBytes = 0, hostBytes = 0;
    /// What the host gets: loss and logits, then the losses of named outputs, then the logits of those behind the
    /// first.
    struct Result {
      const program::Tensor *tensor;
      uint64_t host;
      bool ofTraining; ///< inference has no losses
    };
    std::vector<Result> results;
  };

  CudaDevice(const program::Image &image, Driver driver, CudaOptions options, const DeviceUse &use)
      : image(image), use(use), driver(std::move(driver)), options(options) {}

  Status openDevice();
  Status checkMachine();
  Status checkMemory();
  Status allocate();
  Status allocateSlot(Slot &slot);
  Status loadModule();
  Status buildPlans(const std::string &name);
  Status bind();

  static size_t kindOf(Work work, Input input) { return size_t(work) * 2 + size_t(input); }
  size_t nextSlot() const;
  CUdeviceptr address(const program::Tensor &tensor) const { return regions[tensor.region].get() + tensor.offset; }
  Status stage(Slot &slot, Input input);
  Status enqueue(Slot &slot, Work work, Input input);
  Status capture(Slot &slot, Work work, Input input);
  Status launch(Step &step);
  Status launchList(std::string_view entry);
  Status launchTimed(List &list);
  Status wait(const char *what);

  const program::Image &image;
  DeviceUse use;
  Driver driver;
  CudaOptions options;
  CUdevice device = 0;
  CUcontext primary = nullptr; ///< `context` releases it
  CudaFacts facts;
  size_t freeAtStart = 0;

  // In the order in which they need each other; destroyed backwards.
  Owned<CUdevice> context;
  Owned<CUstream> stream, copyStream;
  std::vector<Owned<CUdeviceptr>> regions;
  SlotLayout layout;
  std::array<Slot, kSlots> slots;
  Owned<CUmodule> module;
  std::vector<CUfunction> kernels;
  bool compiledHere = false; ///< the kernels, since the program's machine code is for another device
  CudaPlans plans;
  Owned<CUdeviceptr> workspace; ///< of plans that need more here than was planned
  std::map<std::string, List, std::less<>> lists;

  std::array<size_t, kSlots> underWay{}; ///< slots, oldest first
  size_t underWayCount = 0, finishedSlot = 0;
  std::array<bool, 6> ranOnce{}; ///< by kindOf
  bool profiling = false;
  LaunchObserver observer;
  std::vector<Owned<CUevent>> marks; ///< between launches that are timed
};

} // namespace incept::cuda
