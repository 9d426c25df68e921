// SPDX-License-Identifier: Apache-2.0
//
// A libcuda.so.1 for tests of the runtime's CUDA device. Its kernels are those of TinyKernels.c, whatever the PTX says,
// and it is as lazy as a driver may be: nothing on a stream happens before something waits for it, so that what the
// runtime reads or overwrites too early is seen. FAKE_CUDA holds words that make it fail.

#include <cuda.h>

#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#undef cuEventElapsedTime // the plain name is what every driver has

extern "C" {
using Kernel = void(void *const *, const int64_t *, int64_t, int64_t);
Kernel tiny_stage_u8, tiny_stage_f32, tiny_linear, tiny_loss, tiny_update;
}

using Work = std::function<void()>;

struct CUstream_st {
  std::deque<Work> work;
  std::vector<Work> *capture = nullptr;
};
struct CUevent_st {
  CUstream stream = nullptr;
  std::shared_ptr<bool> done = std::make_shared<bool>(true);
};
struct CUgraph_st {
  std::vector<Work> work;
};
struct CUgraphExec_st {
  std::vector<Work> work;
};
struct CUfunc_st {
  const char *name;
  Kernel *run;
  int operands;
  int64_t (*units)(const int64_t *extents);
};

namespace {

CUfunc_st functions[] = {{"tiny_stage_u8", tiny_stage_u8, 2, [](const int64_t *e) { return e[0]; }},
                         {"tiny_stage_f32", tiny_stage_f32, 2, [](const int64_t *e) { return e[0]; }},
                         {"tiny_linear", tiny_linear, 3, [](const int64_t *e) { return e[0]; }},
                         {"tiny_loss", tiny_loss, 5, [](const int64_t *) { return int64_t(1); }},
                         {"tiny_update", tiny_update, 3, [](const int64_t *e) { return e[1] * e[2]; }}};

CUresult failure = CUDA_SUCCESS; ///< sticky, as a fault on a device is
std::map<char *, size_t> pinned;
size_t allocated = 0; ///< of the device's memory
int launches = 0, graphs = 0;

bool has(const char *word) {
  const char *words = std::getenv("FAKE_CUDA");
  return words && (" " + std::string(words) + " ").find(" " + std::string(word) + " ") != std::string::npos;
}

bool isPinned(const void *memory) {
  auto after = pinned.upper_bound(const_cast<char *>(static_cast<const char *>(memory)));
  if (after == pinned.begin())
    return false;
  --after;
  return static_cast<const char *>(memory) < after->first + after->second;
}

CUresult put(CUstream stream, Work work) {
  if (stream->capture)
    stream->capture->push_back(std::move(work));
  else
    stream->work.push_back(std::move(work));
  return failure;
}

void runOne(CUstream stream) {
  Work work = std::move(stream->work.front());
  stream->work.pop_front();
  if (failure == CUDA_SUCCESS)
    work();
}

char *host(CUdeviceptr address) { return reinterpret_cast<char *>(address); }

} // namespace

extern "C" {

CUresult cuInit(unsigned) { return has("no-init") ? CUDA_ERROR_SYSTEM_DRIVER_MISMATCH : CUDA_SUCCESS; }
CUresult cuDriverGetVersion(int *version) { return *version = 13000, CUDA_SUCCESS; }
CUresult cuDeviceGetCount(int *count) { return *count = has("no-device") ? 0 : has("two") ? 2 : 1, CUDA_SUCCESS; }
CUresult cuDeviceGet(CUdevice *device, int ordinal) { return *device = ordinal, CUDA_SUCCESS; }
CUresult cuDeviceGetName(char *name, int size, CUdevice device) {
  std::strncpy(name, device == 0 ? "Fake 1" : "Fake 2 MIG 1g", size);
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device) {
  for (int i = 0; i < 16; ++i)
    uuid->bytes[i] = static_cast<char>(16 * i + device);
  return CUDA_SUCCESS;
}
CUresult cuDeviceTotalMem(size_t *bytes, CUdevice) { return *bytes = size_t(1) << 30, CUDA_SUCCESS; }
CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice) {
  *value = attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR   ? (has("old") ? 7 : 9)
           : attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR ? 0
                                                                       : 1000;
  return CUDA_SUCCESS;
}
CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice) {
  *context = reinterpret_cast<CUcontext>(functions);
  return CUDA_SUCCESS;
}
CUresult cuDevicePrimaryCtxRelease(CUdevice) {
  if (has("count")) // how the work came
    std::fprintf(stderr, "fake: %d launches, %d graphs\n", launches, graphs);
  return CUDA_SUCCESS;
}
CUresult cuCtxSetCurrent(CUcontext) { return CUDA_SUCCESS; }

CUresult cuMemGetInfo(size_t *free, size_t *total) {
  *total = size_t(1) << 30;
  *free = has("full") ? 1000 : (has("nearly-full") ? *total / 4 : *total / 2) - allocated;
  return CUDA_SUCCESS;
}
CUresult cuMemAlloc(CUdeviceptr *memory, size_t size) {
  if (has("no-memory"))
    return CUDA_ERROR_OUT_OF_MEMORY;
  void *bytes = std::aligned_alloc(256, (size + 255) / 256 * 256);
  std::memset(bytes, 0x7f, size); // not zero
  allocated += size;
  return *memory = reinterpret_cast<CUdeviceptr>(bytes), CUDA_SUCCESS;
}
CUresult cuMemFree(CUdeviceptr memory) { return std::free(host(memory)), CUDA_SUCCESS; }
CUresult cuMemHostAlloc(void **memory, size_t size, unsigned) {
  *memory = std::aligned_alloc(4096, (size + 4095) / 4096 * 4096);
  pinned[static_cast<char *>(*memory)] = size;
  return CUDA_SUCCESS;
}
CUresult cuMemFreeHost(void *memory) {
  pinned.erase(static_cast<char *>(memory));
  return std::free(memory), CUDA_SUCCESS;
}
CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t size, CUstream stream) {
  if (isPinned(from))
    return put(stream, [=] { std::memcpy(host(to), from, size); });
  std::vector<char> now(static_cast<const char *>(from), static_cast<const char *>(from) + size);
  return put(stream, [to, size, now = std::move(now)] { std::memcpy(host(to), now.data(), size); });
}
CUresult cuStreamSynchronize(CUstream stream) {
  while (!stream->work.empty())
    runOne(stream);
  return failure;
}
CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t size, CUstream stream) {
  CUresult result = put(stream, [=] { std::memcpy(to, host(from), size); });
  return isPinned(to) ? result : cuStreamSynchronize(stream);
}
CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t size, CUstream stream) {
  return put(stream, [=] { std::memcpy(host(to), host(from), size); });
}
CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t count, CUstream stream) {
  return put(stream, [=] { std::memset(host(to), value, count); });
}
CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t count, CUstream stream) {
  return put(stream, [=] { std::fill_n(reinterpret_cast<unsigned *>(to), count, value); });
}

CUresult cuStreamCreate(CUstream *stream, unsigned) { return *stream = new CUstream_st, CUDA_SUCCESS; }
CUresult cuStreamDestroy(CUstream stream) { return delete stream, CUDA_SUCCESS; }
CUresult cuEventCreate(CUevent *event, unsigned) { return *event = new CUevent_st, CUDA_SUCCESS; }
CUresult cuEventDestroy(CUevent event) { return delete event, CUDA_SUCCESS; }
CUresult cuEventRecord(CUevent event, CUstream stream) {
  event->stream = stream;
  event->done = std::make_shared<bool>(false);
  return put(stream, [done = event->done] { *done = true; });
}
CUresult cuEventSynchronize(CUevent event) {
  if (has("deaf")) // what a runtime that forgets to wait would see
    return failure;
  while (!*event->done && !event->stream->work.empty())
    runOne(event->stream);
  return failure;
}
CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned) {
  return put(stream, [done = event->done, other = event->stream] {
    while (!*done && !other->work.empty())
      runOne(other);
  });
}
CUresult cuEventElapsedTime(float *milliseconds, CUevent, CUevent) { return *milliseconds = 0.5f, CUDA_SUCCESS; }

CUresult cuStreamBeginCapture(CUstream stream, CUstreamCaptureMode) {
  return stream->capture = new std::vector<Work>, CUDA_SUCCESS;
}
CUresult cuStreamEndCapture(CUstream stream, CUgraph *graph) {
  *graph = new CUgraph_st{std::move(*stream->capture)};
  delete stream->capture;
  stream->capture = nullptr;
  return failure;
}
CUresult cuGraphInstantiateWithFlags(CUgraphExec *ready, CUgraph graph, unsigned long long) {
  return *ready = new CUgraphExec_st{graph->work}, CUDA_SUCCESS;
}
CUresult cuGraphLaunch(CUgraphExec graph, CUstream stream) {
  ++graphs;
  return put(stream, [work = graph->work] {
    for (const Work &each : work)
      each();
  });
}
CUresult cuGraphDestroy(CUgraph graph) { return delete graph, CUDA_SUCCESS; }
CUresult cuGraphExecDestroy(CUgraphExec graph) { return delete graph, CUDA_SUCCESS; }

CUresult cuModuleLoadData(CUmodule *, const void *) {
  return has("full-at-load") ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_ERROR_NO_BINARY_FOR_GPU;
}
CUresult cuModuleLoadDataEx(CUmodule *module, const void *text, unsigned, CUjit_option *, void **values) {
  if (std::strstr(static_cast<const char *>(text), ".version"))
    return *module = reinterpret_cast<CUmodule>(functions), CUDA_SUCCESS;
  std::strcpy(static_cast<char *>(values[0]), "line 1: no version");
  return CUDA_ERROR_INVALID_PTX;
}
CUresult cuModuleGetFunction(CUfunction *function, CUmodule, const char *name) {
  for (CUfunc_st &each : functions)
    if (std::strcmp(each.name, name) == 0)
      return *function = &each, CUDA_SUCCESS;
  return CUDA_ERROR_NOT_FOUND;
}
CUresult cuModuleUnload(CUmodule) { return CUDA_SUCCESS; }
CUresult cuLaunchKernel(CUfunction function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                        CUstream stream, void **parameters, void **) {
  std::vector<void *> operands;
  std::vector<int64_t> extents;
  for (int i = 0; i < function->operands; ++i)
    operands.push_back(*static_cast<void **>(parameters[i]));
  for (int i = 0; i < 3; ++i)
    extents.push_back(*static_cast<int64_t *>(parameters[function->operands + i]));
  launches += !stream->capture;
  return put(stream, [=] {
    if (has((std::string("fail=") + function->name).c_str()))
      failure = CUDA_ERROR_ILLEGAL_ADDRESS;
    else
      function->run(operands.data(), extents.data(), 0, function->units(extents.data()));
  });
}

CUresult cuGetErrorName(CUresult error, const char **name) {
  *name = error == CUDA_ERROR_ILLEGAL_ADDRESS ? "CUDA_ERROR_ILLEGAL_ADDRESS" : "CUDA_ERROR_FAKE";
  return CUDA_SUCCESS;
}
CUresult cuGetErrorString(CUresult error, const char **words) {
  *words = error == CUDA_ERROR_ILLEGAL_ADDRESS ? "an illegal memory access was encountered" : "a fake reason";
  return CUDA_SUCCESS;
}
}
