// SPDX-License-Identifier: Apache-2.0
//
// What happens before the first step: the machine is checked, everything is allocated, loaded and bound.

#include "runtime/device/cuda/CudaDevice.h"
#include "runtime/device/cuda/CudaImage.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <numeric>
#include <unistd.h>

namespace incept::cuda {

namespace {

constexpr uint64_t kAlignment = 256;

/// Room for cuDNN's kernels beside the planned memory: an assumption, not measured on a card.
constexpr uint64_t kLibraryBytes = uint64_t(256) << 20;

uint64_t aligned(uint64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

/// Operations per clock of one multiprocessor, from the tables of its architecture's data sheet: f32 outside the tensor
/// cores, and 16-bit types with f32 sums inside them (TF32 has half of that).
struct Throughput {
  int major, minor;
  double f32, half;
};
constexpr Throughput kThroughputs[] = {{7, 0, 128, 1024}, {7, 5, 128, 1024}, {8, 0, 128, 2048},  {8, 6, 256, 1024},
                                       {8, 9, 256, 1024}, {9, 0, 256, 4096}, {10, 0, 256, 8192}, {12, 0, 256, 1024}};

} // namespace

static std::string describeLibrary() {
  std::string error;
  auto library = openCudnn(error);
  return library ? "cuDNN " + library->version() : "no library: " + error;
}

/// The UUID as tools of the vendor print it; a slice of a device (MIG) has one of its own.
static std::string formatUuid(const CUuuid &uuid, const std::string &name) {
  std::string text = name.find(" MIG ") != std::string::npos ? "MIG" : "GPU";
  for (size_t i = 0; i < sizeof uuid.bytes; ++i) {
    char digits[4];
    std::snprintf(digits, sizeof digits, "%s%02x", i == 0 || i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                  static_cast<unsigned char>(uuid.bytes[i]));
    text += digits;
  }
  return text;
}

static std::string architectureName(const CudaFacts &facts) {
  return "sm_" + std::to_string(facts.major) + std::to_string(facts.minor);
}

/// True where the program's kernels run there: as machine code or compiled from its PTX.
static bool runsOn(const program::Image &image, const CudaFacts &facts) {
  Architecture architecture;
  parseArchitecture(image.arch, architecture); // checkImage has seen it
  return architecture.runsOn(facts.major, facts.minor);
}

static Expected<CudaFacts> describeDevice(const Driver &driver, CUdevice device) {
  CudaFacts facts;
  char name[256] = "";
  INCEPT_RETURN_IF_ERROR(driver.check(driver->deviceGetName(name, sizeof name, device), "cannot name the CUDA device"));
  facts.name = name;
  struct Attribute {
    CUdevice_attribute attribute;
    int *value;
    bool needed;
  };
  const Attribute attributes[] = {
      {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, &facts.major, true},
      {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, &facts.minor, true},
      {CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, &facts.multiprocessors, true},
      {CU_DEVICE_ATTRIBUTE_CLOCK_RATE, &facts.clockKHz, false},
      {CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE, &facts.memoryClockKHz, false},
      {CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH, &facts.memoryBusBits, false},
  };
  for (const Attribute &wanted : attributes)
    if (CUresult result = driver->deviceGetAttribute(wanted.value, wanted.attribute, device);
        result != CUDA_SUCCESS && wanted.needed)
      return driver.error(result, "cannot describe the CUDA device");
  INCEPT_RETURN_IF_ERROR(driver.check(driver->driverGetVersion(&facts.driverVersion), "cannot ask the CUDA driver"));
  return facts;
}

static Expected<nlohmann::ordered_json> listDevices(const program::Image &image) {
  auto driver = Driver::open();
  if (!driver)
    return driver.status();
  const char *what = "cannot describe the CUDA device";
  int count = 0;
  INCEPT_RETURN_IF_ERROR(driver->check((*driver)->deviceGetCount(&count), what));
  auto result = nlohmann::ordered_json::array();
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    CUdevice device = 0;
    CUuuid uuid{};
    size_t bytes = 0;
    INCEPT_RETURN_IF_ERROR(driver->check((*driver)->deviceGet(&device, ordinal), what));
    auto facts = describeDevice(*driver, device);
    if (!facts)
      return facts.status();
    INCEPT_RETURN_IF_ERROR(driver->check((*driver)->deviceGetUuid(&uuid, device), what));
    INCEPT_RETURN_IF_ERROR(driver->check((*driver)->deviceTotalMem(&bytes, device), what));
    result.push_back({{"device", ordinal},
                      {"name", facts->name},
                      {"uuid", formatUuid(uuid, facts->name)},
                      {"arch", architectureName(*facts)},
                      {"multiprocessors", facts->multiprocessors},
                      {"memory_bytes", bytes},
                      {"runs", runsOn(image, *facts)}});
  }
  return result;
}

const Backend &cudaBackend() {
  static constexpr Backend backend = {"cuda",      checkImage,  describeImage,     describeLibrary,
                                      listDevices, planResults, CudaDevice::create};
  return backend;
}

Expected<CudaOptions> CudaOptions::fromText(std::string_view text) {
  CudaOptions options;
  while (!text.empty()) {
    std::string_view word = text.substr(0, text.find(','));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (word == "direct")
      options.direct = true;
    else if (word == "sync")
      options.direct = options.sync = true;
    else if (word == "alone")
      options.alone = true;
    else
      return usageError("expected INCEPT_CUDA to be a list of direct, sync, alone, but got '" + std::string(word) +
                        "'");
  }
  return options;
}

Expected<std::unique_ptr<Device>> CudaDevice::create(const program::Image &image, const DeviceUse &use) {
  const char *text = std::getenv("INCEPT_CUDA");
  auto options = CudaOptions::fromText(text ? text : "");
  if (!options)
    return options.status();
  auto driver = Driver::open();
  if (!driver)
    return driver.status();
  std::unique_ptr<CudaDevice> device(new CudaDevice(image, *driver, *options, use));
  INCEPT_RETURN_IF_ERROR(device->openDevice());
  INCEPT_RETURN_IF_ERROR(device->checkMachine());
  INCEPT_RETURN_IF_ERROR(device->allocate());
  INCEPT_RETURN_IF_ERROR(device->loadModule());
  // What a plan depends on besides the library.
  const CudaFacts &facts = device->facts;
  std::string name = facts.name + " " + architectureName(facts) + " " + std::to_string(facts.multiprocessors) +
                     " multiprocessors, driver " + std::to_string(facts.driverVersion);
  INCEPT_RETURN_IF_ERROR(device->buildPlans(name));
  INCEPT_RETURN_IF_ERROR(device->bind());
  return std::unique_ptr<Device>(std::move(device));
}

CudaDevice::~CudaDevice() {
  if (stream)
    (void)driver->streamSynchronize(stream.get()); // nothing may use what goes now
}

Status CudaDevice::openDevice() {
  int count = 0;
  INCEPT_RETURN_IF_ERROR(driver.check(driver->deviceGetCount(&count), "cannot count CUDA devices"));
  if (use.ordinal >= count)
    return usageError("there is no device " + std::to_string(use.ordinal) + ": the driver sees " +
                      std::to_string(count) + ", the first is 0 (info --devices lists them)");
  INCEPT_RETURN_IF_ERROR(driver.check(driver->deviceGet(&device, use.ordinal), "cannot open the CUDA device"));
  auto described = describeDevice(driver, device);
  if (!described)
    return described.status();
  facts = std::move(*described);
  INCEPT_RETURN_IF_ERROR(driver.check(driver->primaryCtxRetain(&primary, device), "cannot use the CUDA device"));
  context = {device, driver->primaryCtxRelease};
  INCEPT_RETURN_IF_ERROR(driver.check(driver->ctxSetCurrent(primary), "cannot use the CUDA device"));
  for (Owned<CUstream> *created : {&stream, &copyStream}) {
    CUstream handle = nullptr;
    INCEPT_RETURN_IF_ERROR(
        driver.check(driver->streamCreate(&handle, CU_STREAM_NON_BLOCKING), "cannot create a CUDA stream"));
    *created = {handle, driver->streamDestroy};
  }
  return {};
}

Status CudaDevice::checkMachine() {
  if (runsOn(image, facts))
    return {};
  std::string have = architectureName(facts);
  return machineError("the program was compiled for " + image.arch + ", but this machine's device (" + facts.name +
                      ") is " + have + ": compile it again (incept compile --target=cuda:" + have + ")");
}

std::string CudaDevice::note() const {
  std::string plansNote = plans.report().sentence();
  if (compiledHere)
    plansNote +=
        (plansNote.empty() ? "" : "; ") + std::string("the driver has compiled the program's kernels from PTX");
  if (facts.name == image.card && facts.multiprocessors == image.multiprocessors)
    return plansNote;
  auto describe = [](const std::string &name, int64_t multiprocessors) {
    return name + " (" + std::to_string(multiprocessors) + " multiprocessors)";
  };
  return "compiled for " + describe(image.card, image.multiprocessors) + ", runs on " +
         describe(facts.name, facts.multiprocessors) + (plansNote.empty() ? "" : "; " + plansNote);
}

Status CudaDevice::checkMemory() {
  uint64_t needed = kSlots * aligned(layout.stagedBytes);
  for (const program::Region &region : image.regions)
    needed += aligned(std::max<uint64_t>(region.bytes, 1));
  size_t total = 0;
  INCEPT_RETURN_IF_ERROR(driver.check(driver->memGetInfo(&freeAtStart, &total), "cannot ask for the device's memory"));
  uint64_t library = image.plans.empty() ? 0 : kLibraryBytes;
  if (needed <= freeAtStart && library <= freeAtStart - needed)
    return {};
  return machineError("the program needs " + std::to_string(needed) + " bytes of the device's memory" +
                      (library > 0 ? " and up to " + std::to_string(library) + " for cuDNN's kernels" : "") +
                      ", but only " + std::to_string(freeAtStart) + " of " + std::to_string(total) + " are free on " +
                      facts.name + ": compile it again with a smaller --batch-size");
}

Status CudaDevice::allocate() {
  int step = image.findRegion(program::kStepRegion);
  uint64_t stepBytes = step < 0 ? 0 : image.regions[step].bytes;
  layout.step = aligned(image.find(program::kLabels)->elements * sizeof(int64_t));
  layout.images = layout.step + aligned(stepBytes);
  layout.stagedBytes = layout.images + image.find(program::kU8Images)->elements;
  layout.hostBytes = layout.stagedBytes;
  auto addResult = [&](const std::string &name, bool ofTraining) {
    const program::Tensor *tensor = image.find(name);
    uint64_t host = aligned(layout.hostBytes);
    layout.results.push_back({tensor, host, ofTraining});
    layout.hostBytes = host + tensor->elements * sizeof(float);
  };
  addResult(program::kLoss, true);
  addResult(program::kLogits, false);
  bool hasLosses = image.outputCount() > 1 && image.mode == "train";
  for (size_t output = 0; hasLosses && output < image.outputCount(); ++output)
    addResult(image.lossOf(output), true);
  for (size_t output = 1; output < image.outputCount(); ++output)
    addResult(image.logitsOf(output), false);
  INCEPT_RETURN_IF_ERROR(checkMemory());
  for (const program::Region &region : image.regions) {
    CUdeviceptr memory = 0;
    uint64_t bytes = std::max<uint64_t>(region.bytes, 1);
    if (CUresult result = driver->memAlloc(&memory, bytes); result != CUDA_SUCCESS)
      return driver.error(result,
                          "cannot allocate " + std::to_string(bytes) + " bytes for region '" + region.name + "'");
    regions.emplace_back(memory, driver->memFree);
    // What is in the arena was written by a launch before another reads it.
    if (region.name != program::kArenaRegion)
      INCEPT_RETURN_IF_ERROR(
          driver.check(driver->memsetD8(memory, 0, bytes, stream.get()), "cannot clear the device's memory"));
  }
  for (Slot &slot : slots)
    INCEPT_RETURN_IF_ERROR(allocateSlot(slot));
  return wait("cannot clear the device's memory");
}

Status CudaDevice::allocateSlot(Slot &slot) {
  const char *what = "cannot allocate memory for a batch";
  void *host = nullptr;
  INCEPT_RETURN_IF_ERROR(driver.check(driver->memHostAlloc(&host, layout.hostBytes, 0), what));
  slot.host = {host, driver->memFreeHost};
  std::fill_n(static_cast<std::byte *>(host), layout.hostBytes, std::byte(0));
  CUdeviceptr staged = 0;
  INCEPT_RETURN_IF_ERROR(driver.check(driver->memAlloc(&staged, layout.stagedBytes), what));
  slot.staged = {staged, driver->memFree};
  for (Owned<CUevent> *created : {&slot.copied, &slot.done}) {
    CUevent event = nullptr;
    INCEPT_RETURN_IF_ERROR(driver.check(driver->eventCreate(&event, CU_EVENT_DISABLE_TIMING), what));
    *created = {event, driver->eventDestroy};
  }
  slot.f32Images.reset(new float[image.find(program::kF32Images)->elements]); // not touched before it is needed
  auto *bytes = static_cast<std::byte *>(host);
  slot.batch.labels = reinterpret_cast<int64_t *>(bytes);
  slot.batch.step = bytes + layout.step;
  slot.batch.u8Images = reinterpret_cast<uint8_t *>(bytes + layout.images);
  slot.batch.f32Images = slot.f32Images.get();
  auto result = [&](size_t index) { return reinterpret_cast<const float *>(bytes + layout.results[index].host); };
  slot.batch.loss = result(0);
  slot.batch.logits = result(1);
  for (size_t index = 2; index < layout.results.size(); ++index)
    (layout.results[index].ofTraining ? slot.batch.losses : slot.batch.otherLogits).push_back(result(index));
  return {};
}

Status CudaDevice::loadModule() {
  if (image.kernels.empty())
    return {};
  CUmodule loaded = nullptr;
  // The cubin where the device takes it, otherwise the driver compiles the PTX. Copies, since a driver expects aligned
  // and terminated data.
  CUresult refusal = CUDA_ERROR_NO_BINARY_FOR_GPU;
  if (std::string cubin(image.cubin); !cubin.empty()) {
    refusal = driver->moduleLoadData(&loaded, cubin.c_str());
    compiledHere = refusal == CUDA_ERROR_NO_BINARY_FOR_GPU;
  }
  // Anything else, such as want of memory, is no reason to compile.
  if (refusal != CUDA_SUCCESS && refusal != CUDA_ERROR_NO_BINARY_FOR_GPU)
    return driver.error(refusal, "the program's kernels cannot be loaded");
  if (refusal == CUDA_ERROR_NO_BINARY_FOR_GPU) {
    std::string ptx(image.ptx), log(4096, '\0');
    CUjit_option names[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
    void *values[] = {log.data(), reinterpret_cast<void *>(log.size())};
    CUresult result = driver->moduleLoadDataEx(&loaded, ptx.c_str(), 2, names, values);
    if (result == CUDA_ERROR_UNSUPPORTED_PTX_VERSION)
      return machineError("the program's kernels are newer than the driver (CUDA " +
                          std::to_string(facts.driverVersion / 1000) + "." +
                          std::to_string(facts.driverVersion % 1000 / 10) + "): install a newer driver");
    if (result != CUDA_SUCCESS) {
      std::string reason = log.substr(0, std::min(log.find('\n'), log.find('\0')));
      Status status =
          driver.error(result, "the program's kernels cannot be loaded" + (reason.empty() ? "" : ": " + reason));
      return result == CUDA_ERROR_INVALID_PTX ? inputError("the program image is damaged: " + status.message())
                                              : status;
    }
  }
  module = {loaded, driver->moduleUnload};
  for (const program::Kernel &kernel : image.kernels) {
    CUfunction function = nullptr;
    if (CUresult result = driver->moduleGetFunction(&function, loaded, kernel.name.c_str()); result != CUDA_SUCCESS)
      return inputError("the program image is damaged: " +
                        driver.error(result, "kernel '" + kernel.name + "' is missing").message());
    kernels.push_back(function);
  }
  return {};
}

Status CudaDevice::buildPlans(const std::string &name) {
  CudaPlans::Settings settings;
  settings.device = name;
  settings.wanted = use.plansOf(image);
  settings.stream = stream.get();
  settings.enter = [&] { return driver.check(driver->ctxSetCurrent(primary), "cannot use the CUDA device"); };
  if (use.reports && isatty(STDERR_FILENO))
    settings.progress = [](size_t done, size_t total) {
      fprintf(stderr, done < total ? "\rcuDNN plans: %zu of %zu built for this machine" : "\r\033[K", done, total);
    };
  if (Status built = plans.build(image, settings); !built.ok()) {
    if (settings.progress)
      settings.progress(1, 1); // the line is the error's
    return built;
  }
  uint64_t bytes = plans.growth();
  if (bytes == 0)
    return {};
  CUdeviceptr memory = 0;
  if (CUresult result = driver->memAlloc(&memory, bytes); result != CUDA_SUCCESS)
    return driver.error(result, "cannot allocate " + std::to_string(bytes) +
                                    " bytes of workspace, which cuDNN needs here beside the planned memory");
  workspace = {memory, driver->memFree};
  return {};
}

Status CudaDevice::bind() {
  size_t longest = 0;
  for (const auto &[name, launches] : image.entries) {
    List &list = lists[name];
    list.steps.resize(launches.size());
    list.times.resize(launches.size());
    longest = std::max(longest, launches.size());
    for (size_t i = 0; i < launches.size(); ++i) {
      const program::Launch &launch = launches[i];
      Step &step = list.steps[i];
      step.launch = &launch;
      for (const program::Operand &operand : launch.operands)
        step.values.push_back(regions[operand.region].get() + operand.offset);
      if (!launch.isKernel && plans.outgrows(launch.index, image.plans[launch.index].scratchpadBytes))
        step.values.back() = workspace.get();
      for (int64_t extent : launch.extents)
        step.values.push_back(static_cast<uint64_t>(extent));
      for (uint64_t &value : step.values)
        step.pointers.push_back(launch.isKernel ? &value : std::bit_cast<void *>(value));
      if (launch.isKernel)
        step.kernel = kernels[launch.index];
    }
  }
  for (size_t i = 0; i <= longest; ++i) {
    CUevent event = nullptr;
    INCEPT_RETURN_IF_ERROR(driver.check(driver->eventCreate(&event, CU_EVENT_DEFAULT), "cannot create a CUDA event"));
    marks.emplace_back(event, driver->eventDestroy);
  }
  return {};
}

Expected<Peaks> CudaDevice::peaks() {
  for (const Throughput &entry : kThroughputs) {
    if (entry.major != facts.major || entry.minor != facts.minor)
      continue;
    double perClock = image.precision != "f32" ? entry.half : image.tf32 ? entry.half / 2 : entry.f32;
    Peaks result;
    result.flops = perClock * facts.multiprocessors * 1e3 * facts.clockKHz;
    result.bandwidth = 2e3 * facts.memoryClockKHz * facts.memoryBusBits / 8; // two transfers a clock
    result.of = facts.name + " by its clock rates";
    if (result.flops > 0 && result.bandwidth > 0)
      return result;
  }
  return machineError("bench --profile does not know the peaks of " + facts.name +
                      ": it takes them from clock rates, which the driver does not say, or from the architecture");
}

uint64_t CudaDevice::peakResidentBytes() const {
  // Nothing is given back before the end, so what is held now is the most.
  size_t free = 0, total = 0;
  return driver->memGetInfo(&free, &total) == CUDA_SUCCESS && free < freeAtStart ? freeAtStart - free : 0;
}

} // namespace incept::cuda
