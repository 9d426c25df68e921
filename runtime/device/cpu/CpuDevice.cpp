// SPDX-License-Identifier: Apache-2.0

#include "runtime/device/cpu/CpuDevice.h"
#include "runtime/device/cpu/CpuImage.h"
#include "runtime/device/cpu/Peaks.h"
#include "runtime/support/Memory.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <omp.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace incept {

static std::string describeLibrary() {
  std::string error;
  return onednn::isAvailable(error) ? "oneDNN " + onednn::version() + " for " + onednn::isa() : "no library: " + error;
}

/// The processor; it is one device.
static Expected<nlohmann::ordered_json> listDevices(const program::Image &image) {
  std::string error;
  if (!onednn::isAvailable(error))
    return machineError(error);
  return nlohmann::ordered_json::array(
      {{{"device", 0}, {"name", "CPU"}, {"isa", onednn::isa()}, {"runs", onednn::isa() == image.isa}}});
}

/// True where so many threads can run beside this one: OpenMP ends the process where it cannot start its own.
static bool canStartThreads(int64_t count) {
  std::atomic<bool> done = false;
  auto wait = [](void *flag) -> void * {
    static_cast<std::atomic<bool> *>(flag)->wait(false);
    return nullptr;
  };
  std::vector<pthread_t> threads;
  for (pthread_t thread; int64_t(threads.size()) < count && ::pthread_create(&thread, nullptr, wait, &done) == 0;)
    threads.push_back(thread);
  done = true;
  done.notify_all();
  for (pthread_t thread : threads)
    ::pthread_join(thread, nullptr);
  return int64_t(threads.size()) == count;
}

const Backend &cpuBackend() {
  static constexpr Backend backend = {"cpu",       cpu::checkImage,  cpu::describeImage, describeLibrary,
                                      listDevices, cpu::planResults, CpuDevice::create};
  return backend;
}

Expected<std::unique_ptr<Device>> CpuDevice::create(const program::Image &image, const DeviceUse &use) {
  if (use.ordinal != 0)
    return usageError("there is no device " + std::to_string(use.ordinal) + ": the program runs on the CPU, device 0");
  std::unique_ptr<CpuDevice> device(new CpuDevice(image, use));
  INCEPT_RETURN_IF_ERROR(device->checkMachine());
  INCEPT_RETURN_IF_ERROR(device->allocate());
  INCEPT_RETURN_IF_ERROR(device->loadKernels());
  INCEPT_RETURN_IF_ERROR(device->buildPrimitives());
  INCEPT_RETURN_IF_ERROR(device->bind());
  return std::unique_ptr<Device>(std::move(device));
}

CpuDevice::~CpuDevice() {
  for (size_t i = 0; i < regions.size(); ++i)
    if (regions[i])
      ::munmap(regions[i], std::max<uint64_t>(image.regions[i].bytes, 1));
  if (library)
    ::dlclose(library);
  if (kernelFile >= 0)
    ::close(kernelFile);
}

Status CpuDevice::checkMachine() {
  const std::string again = ": compile it again on this machine (incept compile)";
  if (std::string error; !onednn::isAvailable(error))
    return machineError(error);
  // A program for an older processor has that one's implementations and bits on a newer one too. A limit that the user
  // sets stays.
  std::string ignored;
  if (!std::getenv("ONEDNN_MAX_CPU_ISA"))
    (void)onednn::limitIsa(image.isa, ignored);
  if (image.isa != onednn::isa())
    return machineError("the program was compiled for " + image.isa + ", but this machine has " + onednn::isa() +
                        again);
  if (image.onednn != onednn::version())
    return machineError("the program was compiled with oneDNN " + image.onednn + ", but this machine has " +
                        onednn::version() + again);
  // oneDNN waits for as many threads as it was promised: with fewer a step would never end.
  if (omp_get_thread_limit() < image.threads)
    return machineError("the program was compiled for " + std::to_string(image.threads) +
                        " threads, but OpenMP allows " + std::to_string(omp_get_thread_limit()) +
                        ": unset OMP_THREAD_LIMIT or compile it again (incept compile --threads)");
  if (!canStartThreads(image.threads - 1))
    return machineError("the program was compiled for " + std::to_string(image.threads) +
                        " threads, but this process cannot start them: raise the limit of processes (ulimit -u) or "
                        "compile it again (incept compile --threads)");
  omp_set_max_active_levels(1);
  omp_set_dynamic(0);
  omp_set_num_threads(static_cast<int>(image.threads));
  return {};
}

Status CpuDevice::allocate() {
  // Memory that does not exist would end the process in the middle of a step.
  uint64_t bytes = 0;
  for (const program::Region &region : image.regions)
    bytes += region.bytes;
  INCEPT_RETURN_IF_ERROR(checkMemory(bytes, "the program", "compile it with a smaller --batch-size"));
  // Fresh pages are zero and cost nothing until they are touched.
  for (const program::Region &region : image.regions) {
    void *memory = ::mmap(nullptr, std::max<uint64_t>(region.bytes, 1), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
      return machineError("cannot allocate " + std::to_string(region.bytes) + " bytes for region '" + region.name +
                          "': use a smaller --batch-size");
    ::madvise(memory, region.bytes, MADV_HUGEPAGE);
    regions.push_back(static_cast<std::byte *>(memory));
  }
  return {};
}

Status CpuDevice::loadKernels() {
  if (image.kernels.empty())
    return {};
  // It stays open: the loader knows libraries by their names, and another program's would get this one's number.
  int file = kernelFile = ::memfd_create("incept-kernels", MFD_CLOEXEC);
  if (file < 0)
    return machineError(std::string("cannot create memory for kernels: ") + std::strerror(errno));
  std::string_view left = image.kernelObject;
  while (!left.empty()) {
    ssize_t written = ::write(file, left.data(), left.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return machineError("cannot store the program's kernels in memory");
    left.remove_prefix(written);
  }
  std::string path = "/proc/self/fd/" + std::to_string(file);
  library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return inputError("the program image is damaged: its kernels cannot be loaded");
  for (const program::Kernel &kernel : image.kernels) {
    auto code = reinterpret_cast<Kernel>(::dlsym(library, kernel.name.c_str()));
    if (!code)
      return inputError("the program image is damaged: kernel '" + kernel.name + "' is missing");
    kernels.push_back(code);
  }
  return {};
}

Status CpuDevice::buildPrimitives() {
  std::vector<bool> wanted = use.plansOf(image);
  primitives.resize(image.plans.size());
  for (size_t i = 0; i < image.plans.size(); ++i) {
    if (!wanted[i])
      continue;
    const program::Plan &plan = image.plans[i];
    onednn::Problem problem;
    std::string error;
    if (!onednn::decode(plan.fields, problem, error))
      return inputError("the program image is damaged: plan " + std::to_string(i) + ": " + error);
    onednn::Primitive &primitive = primitives[i];
    if (!primitive.build(problem, error))
      return machineError("oneDNN refuses plan " + std::to_string(i) + ": " + error);
    // Bits, scratchpads and speed depend on what was planned.
    const onednn::Description &built = primitive.description();
    if (!onednn::isSameImplementation(built.impl, plan.impl) || built.scratchpadBytes > plan.scratchpadBytes)
      return machineError("plan " + std::to_string(i) + " was made for implementation " + plan.impl +
                          ", but oneDNN chooses " + built.impl +
                          " here: compile the program again on this machine (incept compile)");
  }
  return {};
}

Status CpuDevice::bind() {
  for (const auto &[name, launches] : image.entries) {
    List &list = lists[name];
    for (const program::Launch &launch : launches) {
      Step step;
      step.launch = &launch;
      if (launch.isKernel)
        step.kernel = kernels[launch.index];
      else
        step.primitive = &primitives[launch.index];
      for (const program::Operand &operand : launch.operands)
        step.operands.push_back(regions[operand.region] + operand.offset);
      list.steps.push_back(std::move(step));
    }
    list.times.resize(list.steps.size());
  }
  auto place = [&](const std::string &name) { return memory(*image.find(name)); };
  batch.u8Images = reinterpret_cast<uint8_t *>(place(program::kU8Images));
  batch.f32Images = reinterpret_cast<float *>(place(program::kF32Images));
  batch.labels = reinterpret_cast<int64_t *>(place(program::kLabels));
  batch.loss = reinterpret_cast<const float *>(place(program::kLoss));
  batch.logits = reinterpret_cast<const float *>(place(program::kLogits));
  for (size_t output = 0; image.outputCount() > 1 && output < image.outputCount(); ++output) {
    if (image.mode == "train")
      batch.losses.push_back(reinterpret_cast<const float *>(place(image.lossOf(output))));
    if (output > 0)
      batch.otherLogits.push_back(reinterpret_cast<const float *>(place(image.logitsOf(output))));
  }
  if (int region = image.findRegion(program::kStepRegion); region >= 0)
    batch.step = regions[region];
  return {};
}

Status CpuDevice::launch(Step &step) {
  const program::Launch &launch = *step.launch;
  if (step.primitive) {
    std::string error;
    if (step.primitive->run(step.operands.data(), step.operands.size(), error))
      return {};
    return machineError("'" + launch.op + "' (" + launch.location + ") failed: " + error);
  }
  int64_t threads = std::min<int64_t>(image.threads, launch.units);
  if (threads == 1) {
    step.kernel(step.operands.data(), launch.extents.data(), 0, launch.units);
    return {};
  }
#pragma omp parallel num_threads(static_cast <int>(image.threads))
  {
    int64_t count = omp_get_num_threads(), index = omp_get_thread_num();
    int64_t begin = launch.units / count * index + std::min<int64_t>(launch.units % count, index);
    int64_t end = begin + launch.units / count + (index < launch.units % count);
    if (begin < end)
      step.kernel(step.operands.data(), launch.extents.data(), begin, end);
  }
  return {};
}

Status CpuDevice::start(Work work, Input input) {
  INCEPT_RETURN_IF_ERROR(run(input == Input::U8 ? program::kStageU8 : program::kStageF32));
  if (work == Work::Infer)
    return run(program::kInfer);
  INCEPT_RETURN_IF_ERROR(run(program::kForwardBackward));
  return work == Work::Accumulate ? Status() : run(program::kUpdate);
}

Status CpuDevice::run(std::string_view entry) {
  INCEPT_RETURN_IF_ERROR(use.check(entry));
  List &list = lists.find(entry)->second;
  if (!profiling) {
    for (Step &step : list.steps) {
      INCEPT_RETURN_IF_ERROR(launch(step));
      if (observer)
        INCEPT_RETURN_IF_ERROR(observer(*step.launch));
    }
    return {};
  }
  using Clock = std::chrono::steady_clock;
  for (size_t i = 0; i < list.steps.size(); ++i) {
    auto start = Clock::now();
    INCEPT_RETURN_IF_ERROR(launch(list.steps[i]));
    list.times[i].push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  return {};
}

Status CpuDevice::runOnly(std::string_view entry, const std::function<bool(const program::Launch &)> &wanted) {
  INCEPT_RETURN_IF_ERROR(use.check(entry));
  for (Step &step : lists.find(entry)->second.steps)
    if (wanted(*step.launch))
      INCEPT_RETURN_IF_ERROR(launch(step));
  return {};
}

Status CpuDevice::read(const program::Tensor &tensor, std::byte *logical) {
  std::string error;
  if (cpu::isPlain(tensor)) {
    std::memcpy(logical, memory(tensor), tensor.elements * program::typeBytes(tensor.type));
    return {};
  }
  if (!onednn::unpack(tensor.shape, tensor.format, reinterpret_cast<const float *>(memory(tensor)),
                      reinterpret_cast<float *>(logical), error))
    return machineError("cannot read tensor '" + tensor.name + "': " + error);
  return {};
}

Status CpuDevice::write(const program::Tensor &tensor, const std::byte *logical) {
  std::string error;
  if (cpu::isPlain(tensor)) {
    std::memcpy(memory(tensor), logical, tensor.elements * program::typeBytes(tensor.type));
    return {};
  }
  if (!onednn::pack(tensor.shape, tensor.format, reinterpret_cast<const float *>(logical),
                    reinterpret_cast<float *>(memory(tensor)), error))
    return machineError("cannot write tensor '" + tensor.name + "': " + error);
  return {};
}

Status CpuDevice::readMemory(size_t region, uint64_t offset, uint64_t bytes, std::byte *to) {
  std::memcpy(to, regions[region] + offset, bytes);
  return {};
}

Status CpuDevice::writeMemory(size_t region, uint64_t offset, uint64_t bytes, const std::byte *from) {
  std::memcpy(regions[region] + offset, from, bytes);
  return {};
}

Status CpuDevice::fill(size_t region, float value) {
  std::fill_n(reinterpret_cast<float *>(regions[region]), image.regions[region].bytes / sizeof(float), value);
  return {};
}

Expected<Peaks> CpuDevice::peaks() { return measurePeaks(image.threads, image.precision); }

uint64_t CpuDevice::peakResidentBytes() const {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return uint64_t(usage.ru_maxrss) * 1024;
}

void CpuDevice::startProfile(int64_t runs) {
  profiling = true;
  for (auto &[name, list] : lists)
    for (std::vector<double> &times : list.times) {
      times.clear();
      times.reserve(runs);
    }
}

} // namespace incept
