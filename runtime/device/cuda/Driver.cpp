// SPDX-License-Identifier: Apache-2.0

#include "runtime/device/cuda/Driver.h"

#include <dlfcn.h>

namespace incept::cuda {

namespace {

constexpr const char *kLibrary = "libcuda.so.1";

struct Symbol {
  const char *name;
  void *place; ///< of the function's pointer in an Api
};

/// Looks up every function; returns the name of one that is missing, or null.
const char *loadSymbols(void *library, Api &api) {
  // Names with a version are those that cuda.h makes of the plain ones.
  const Symbol symbols[] = {{"cuInit", &api.init},
                            {"cuDriverGetVersion", &api.driverGetVersion},
                            {"cuDeviceGetCount", &api.deviceGetCount},
                            {"cuDeviceGet", &api.deviceGet},
                            {"cuDeviceGetName", &api.deviceGetName},
                            {"cuDeviceGetUuid_v2", &api.deviceGetUuid},
                            {"cuDeviceTotalMem_v2", &api.deviceTotalMem},
                            {"cuDeviceGetAttribute", &api.deviceGetAttribute},
                            {"cuDevicePrimaryCtxRetain", &api.primaryCtxRetain},
                            {"cuDevicePrimaryCtxRelease_v2", &api.primaryCtxRelease},
                            {"cuCtxSetCurrent", &api.ctxSetCurrent},
                            {"cuMemGetInfo_v2", &api.memGetInfo},
                            {"cuMemAlloc_v2", &api.memAlloc},
                            {"cuMemFree_v2", &api.memFree},
                            {"cuMemHostAlloc", &api.memHostAlloc},
                            {"cuMemFreeHost", &api.memFreeHost},
                            {"cuMemcpyHtoDAsync_v2", &api.copyToDevice},
                            {"cuMemcpyDtoHAsync_v2", &api.copyToHost},
                            {"cuMemcpyDtoDAsync_v2", &api.copyOnDevice},
                            {"cuMemsetD8Async", &api.memsetD8},
                            {"cuMemsetD32Async", &api.memsetD32},
                            {"cuStreamCreate", &api.streamCreate},
                            {"cuStreamDestroy_v2", &api.streamDestroy},
                            {"cuStreamSynchronize", &api.streamSynchronize},
                            {"cuStreamWaitEvent", &api.streamWaitEvent},
                            {"cuStreamBeginCapture_v2", &api.streamBeginCapture},
                            {"cuStreamEndCapture", &api.streamEndCapture},
                            {"cuGraphInstantiateWithFlags", &api.graphInstantiate},
                            {"cuGraphLaunch", &api.graphLaunch},
                            {"cuGraphDestroy", &api.graphDestroy},
                            {"cuGraphExecDestroy", &api.graphExecDestroy},
                            {"cuEventCreate", &api.eventCreate},
                            {"cuEventRecord", &api.eventRecord},
                            {"cuEventSynchronize", &api.eventSynchronize},
                            {"cuEventElapsedTime", &api.eventElapsedTime}, // _v2 is newer than many drivers
                            {"cuEventDestroy_v2", &api.eventDestroy},
                            {"cuModuleLoadData", &api.moduleLoadData},
                            {"cuModuleLoadDataEx", &api.moduleLoadDataEx},
                            {"cuModuleGetFunction", &api.moduleGetFunction},
                            {"cuModuleUnload", &api.moduleUnload},
                            {"cuLaunchKernel", &api.launchKernel},
                            {"cuGetErrorName", &api.getErrorName},
                            {"cuGetErrorString", &api.getErrorString}};
  for (const Symbol &symbol : symbols) {
    void *function = ::dlsym(library, symbol.name);
    if (!function)
      return symbol.name;
    *static_cast<void **>(symbol.place) = function;
  }
  return nullptr;
}

} // namespace

Expected<Driver> Driver::open() {
  void *library = ::dlopen(kLibrary, RTLD_NOW | RTLD_GLOBAL); // cuDNN looks for it too
  if (!library)
    return machineError(std::string("the program needs a CUDA device, but there is no driver (") + kLibrary +
                        "): install NVIDIA's driver, or run the program under incept-sim");
  Driver driver;
  if (const char *missing = loadSymbols(library, driver.api))
    return machineError(std::string("the CUDA driver is too old: it has no '") + missing + "'");
  if (CUresult result = driver->init(0); result != CUDA_SUCCESS)
    return driver.error(result, "the CUDA driver cannot start");
  int count = 0;
  INCEPT_RETURN_IF_ERROR(driver.check(driver->deviceGetCount(&count), "cannot count CUDA devices"));
  if (count < 1)
    return machineError("the program needs a CUDA device, but the driver sees none");
  return driver;
}

Status Driver::error(CUresult result, const std::string &what) const {
  const char *name = nullptr, *words = nullptr;
  if (api.getErrorName(result, &name) != CUDA_SUCCESS || !name)
    name = "an unknown error";
  if (api.getErrorString(result, &words) != CUDA_SUCCESS || !words)
    words = "the driver gave no reason";
  return machineError(what + ": " + words + " (" + name + ")");
}

} // namespace incept::cuda
