// SPDX-License-Identifier: Apache-2.0
//
// Steps: a batch goes to the device, the launches follow, results come back.

#include "runtime/device/cuda/CudaDevice.h"
#include "runtime/device/cuda/CudaImage.h"

#include <algorithm>
#include <bit>

namespace incept::cuda {

/// The entries of a step, in order; the last may be null.
static std::array<const char *, 3> entriesOf(Work work, Input input) {
  const char *stage = input == Input::U8 ? program::kStageU8 : program::kStageF32;
  if (work == Work::Infer)
    return {stage, program::kInfer, nullptr};
  return {stage, program::kForwardBackward, work == Work::Accumulate ? nullptr : program::kUpdate};
}

/// The lowest that is not under way.
size_t CudaDevice::nextSlot() const {
  size_t slot = 0;
  while (std::find(underWay.begin(), underWay.begin() + underWayCount, slot) != underWay.begin() + underWayCount)
    ++slot;
  return slot;
}

Status CudaDevice::start(Work work, Input input) {
  size_t index = nextSlot(), kind = kindOf(work, input);
  Slot &slot = slots[index];
  INCEPT_RETURN_IF_ERROR(stage(slot, input));
  if (options.direct || profiling || observer || !ranOnce[kind]) {
    INCEPT_RETURN_IF_ERROR(enqueue(slot, work, input));
    ranOnce[kind] = true;
  } else {
    // Captured together, so that no later step pays for it.
    for (Slot &each : slots)
      if (!each.graphs[kind])
        INCEPT_RETURN_IF_ERROR(capture(each, work, input));
    INCEPT_RETURN_IF_ERROR(
        driver.check(driver->graphLaunch(slot.graphs[kind].get(), stream.get()), "a step cannot be launched"));
  }
  INCEPT_RETURN_IF_ERROR(driver.check(driver->eventRecord(slot.done.get(), stream.get()), "a step cannot be launched"));
  underWay[underWayCount++] = index;
  return {};
}

Status CudaDevice::finish() {
  size_t index = underWay[0];
  std::copy(underWay.begin() + 1, underWay.end(), underWay.begin());
  --underWayCount;
  finishedSlot = index;
  CUresult result = driver->eventSynchronize(slots[index].done.get());
  if (result == CUDA_SUCCESS)
    return {};
  Status status = driver.error(result, "a step failed");
  return options.sync ? status : machineError(status.message() + ": set INCEPT_CUDA=sync to learn which launch it was");
}

/// Copies the batch beside whatever the device computes; the step waits for it.
Status CudaDevice::stage(Slot &slot, Input input) {
  const char *what = "cannot copy a batch to the device";
  uint64_t bytes = input == Input::U8 ? layout.stagedBytes : layout.images;
  INCEPT_RETURN_IF_ERROR(
      driver.check(driver->copyToDevice(slot.staged.get(), slot.host.get(), bytes, copyStream.get()), what));
  INCEPT_RETURN_IF_ERROR(driver.check(driver->eventRecord(slot.copied.get(), copyStream.get()), what));
  INCEPT_RETURN_IF_ERROR(driver.check(driver->streamWaitEvent(stream.get(), slot.copied.get(), 0), what));
  if (input == Input::U8)
    return {};
  const program::Tensor &images = *image.find(program::kF32Images);
  return driver.check(
      driver->copyToDevice(address(images), slot.f32Images.get(), images.elements * sizeof(float), stream.get()), what);
}

/// Everything of a step that goes to the stream, and may be captured.
Status CudaDevice::enqueue(Slot &slot, Work work, Input input) {
  struct Copy {
    CUdeviceptr to, from;
    uint64_t bytes;
  };
  CUdeviceptr staged = slot.staged.get();
  const program::Tensor &labels = *image.find(program::kLabels), &images = *image.find(program::kU8Images);
  int step = image.findRegion(program::kStepRegion);
  const Copy copies[] = {
      {address(labels), staged, labels.elements * sizeof(int64_t)},
      {step < 0 ? 0 : regions[step].get(), staged + layout.step, step < 0 ? 0 : image.regions[step].bytes},
      {address(images), staged + layout.images, input == Input::U8 ? uint64_t(images.elements) : 0}};
  for (const Copy &copy : copies)
    if (copy.bytes > 0)
      INCEPT_RETURN_IF_ERROR(driver.check(driver->copyOnDevice(copy.to, copy.from, copy.bytes, stream.get()),
                                          "cannot copy a batch on the device"));
  for (const char *entry : entriesOf(work, input))
    if (entry)
      INCEPT_RETURN_IF_ERROR(launchList(entry));
  const char *what = "cannot copy results from the device";
  auto *host = static_cast<std::byte *>(slot.host.get());
  for (const SlotLayout::Result &result : layout.results)
    if (work != Work::Infer || !result.ofTraining)
      INCEPT_RETURN_IF_ERROR(driver.check(driver->copyToHost(host + result.host, address(*result.tensor),
                                                             result.tensor->elements * sizeof(float), stream.get()),
                                          what));
  return {};
}

Status CudaDevice::capture(Slot &slot, Work work, Input input) {
  const char *what = "cannot make a CUDA graph of a step";
  // Relaxed: a library may still load code while it is captured.
  INCEPT_RETURN_IF_ERROR(driver.check(driver->streamBeginCapture(stream.get(), CU_STREAM_CAPTURE_MODE_RELAXED), what));
  Status enqueued = enqueue(slot, work, input);
  CUgraph captured = nullptr;
  CUresult ended = driver->streamEndCapture(stream.get(), &captured);
  INCEPT_RETURN_IF_ERROR(enqueued);
  INCEPT_RETURN_IF_ERROR(driver.check(ended, what));
  Owned<CUgraph> graph(captured, driver->graphDestroy);
  CUgraphExec ready = nullptr;
  INCEPT_RETURN_IF_ERROR(driver.check(driver->graphInstantiate(&ready, captured, 0), what));
  slot.graphs[kindOf(work, input)] = {ready, driver->graphExecDestroy};
  return {};
}

Status CudaDevice::launch(Step &step) {
  const program::Launch &launch = *step.launch;
  auto where = [&] { return "'" + launch.op + "' (" + launch.location + ") failed"; };
  if (launch.isKernel) {
    const auto &grid = launch.grid, &block = launch.block;
    CUresult result = driver->launchKernel(step.kernel, grid[0], grid[1], grid[2], block[0], block[1], block[2], 0,
                                           stream.get(), step.pointers.data(), nullptr);
    if (result != CUDA_SUCCESS)
      return driver.error(result, where());
  } else if (std::string error; !plans.run(launch.index, step.pointers.data(), step.pointers.size(), error)) {
    return machineError(where() + ": " + error);
  }
  if (!options.sync)
    return {};
  CUresult result = driver->streamSynchronize(stream.get());
  return result == CUDA_SUCCESS ? Status() : driver.error(result, where());
}

Status CudaDevice::launchList(std::string_view entry) {
  INCEPT_RETURN_IF_ERROR(use.check(entry));
  List &list = lists.find(entry)->second;
  if (profiling)
    return launchTimed(list);
  for (Step &step : list.steps) {
    INCEPT_RETURN_IF_ERROR(launch(step));
    if (!observer)
      continue;
    INCEPT_RETURN_IF_ERROR(wait("a launch failed"));
    INCEPT_RETURN_IF_ERROR(observer(*step.launch));
  }
  return {};
}

Status CudaDevice::launchTimed(List &list) {
  const char *what = "cannot time launches";
  INCEPT_RETURN_IF_ERROR(driver.check(driver->eventRecord(marks[0].get(), stream.get()), what));
  for (size_t i = 0; i < list.steps.size(); ++i) {
    INCEPT_RETURN_IF_ERROR(launch(list.steps[i]));
    INCEPT_RETURN_IF_ERROR(driver.check(driver->eventRecord(marks[i + 1].get(), stream.get()), what));
  }
  INCEPT_RETURN_IF_ERROR(wait(what));
  for (size_t i = 0; i < list.steps.size(); ++i) {
    float milliseconds = 0;
    INCEPT_RETURN_IF_ERROR(
        driver.check(driver->eventElapsedTime(&milliseconds, marks[i].get(), marks[i + 1].get()), what));
    list.times[i].push_back(1e-3 * milliseconds);
  }
  return {};
}

Status CudaDevice::wait(const char *what) { return driver.check(driver->streamSynchronize(stream.get()), what); }

Status CudaDevice::run(std::string_view entry) {
  INCEPT_RETURN_IF_ERROR(launchList(entry));
  return wait("a launch failed");
}

Status CudaDevice::runOnly(std::string_view entry, const std::function<bool(const program::Launch &)> &wanted) {
  INCEPT_RETURN_IF_ERROR(use.check(entry));
  for (Step &step : lists.find(entry)->second.steps)
    if (wanted(*step.launch))
      INCEPT_RETURN_IF_ERROR(launch(step));
  return wait("a launch failed");
}

Status CudaDevice::read(const program::Tensor &tensor, std::byte *logical) {
  const char *what = "cannot read a tensor from the device";
  uint64_t bytes = tensor.elements * program::typeBytes(tensor.type);
  std::vector<std::byte> memory(isPermuted(tensor) ? bytes : 0);
  std::byte *to = isPermuted(tensor) ? memory.data() : logical;
  INCEPT_RETURN_IF_ERROR(driver.check(driver->copyToHost(to, address(tensor), bytes, stream.get()), what));
  INCEPT_RETURN_IF_ERROR(wait(what));
  if (isPermuted(tensor))
    toLogical(tensor, memory.data(), logical);
  return {};
}

Status CudaDevice::write(const program::Tensor &tensor, const std::byte *logical) {
  const char *what = "cannot write a tensor to the device";
  uint64_t bytes = tensor.elements * program::typeBytes(tensor.type);
  std::vector<std::byte> memory(isPermuted(tensor) ? bytes : 0);
  if (isPermuted(tensor))
    toMemory(tensor, logical, memory.data());
  const std::byte *from = isPermuted(tensor) ? memory.data() : logical;
  INCEPT_RETURN_IF_ERROR(driver.check(driver->copyToDevice(address(tensor), from, bytes, stream.get()), what));
  return wait(what);
}

Status CudaDevice::readMemory(size_t region, uint64_t offset, uint64_t bytes, std::byte *to) {
  const char *what = "cannot read the device's memory";
  INCEPT_RETURN_IF_ERROR(
      driver.check(driver->copyToHost(to, regions[region].get() + offset, bytes, stream.get()), what));
  return wait(what);
}

Status CudaDevice::writeMemory(size_t region, uint64_t offset, uint64_t bytes, const std::byte *from) {
  const char *what = "cannot write the device's memory";
  INCEPT_RETURN_IF_ERROR(
      driver.check(driver->copyToDevice(regions[region].get() + offset, from, bytes, stream.get()), what));
  return wait(what);
}

Status CudaDevice::fill(size_t region, float value) {
  const char *what = "cannot fill a region";
  uint64_t count = image.regions[region].bytes / sizeof(float);
  INCEPT_RETURN_IF_ERROR(driver.check(
      driver->memsetD32(regions[region].get(), std::bit_cast<uint32_t>(value), count, stream.get()), what));
  return wait(what);
}

void CudaDevice::startProfile(int64_t runs) {
  profiling = true;
  for (auto &[name, list] : lists)
    for (std::vector<double> &times : list.times) {
      times.clear();
      times.reserve(runs);
    }
}

} // namespace incept::cuda
