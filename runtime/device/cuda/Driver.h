// SPDX-License-Identifier: Apache-2.0
//
// CUDA's driver API as a table of functions, opened at run time: nothing links it, so a program starts anywhere and
// says what is missing.
#pragma once

#include "runtime/support/Status.h"

#include <cuda.h>

#include <memory>
#include <string>
#include <utility>

namespace incept::cuda {

/// The functions this project calls.
struct Api {
  decltype(&cuInit) init = nullptr;
  decltype(&cuDriverGetVersion) driverGetVersion = nullptr;
  decltype(&cuDeviceGetCount) deviceGetCount = nullptr;
  decltype(&cuDeviceGet) deviceGet = nullptr;
  decltype(&cuDeviceGetName) deviceGetName = nullptr;
  decltype(&cuDeviceGetUuid) deviceGetUuid = nullptr;
  decltype(&cuDeviceTotalMem) deviceTotalMem = nullptr;
  decltype(&cuDeviceGetAttribute) deviceGetAttribute = nullptr;
  decltype(&cuDevicePrimaryCtxRetain) primaryCtxRetain = nullptr;
  decltype(&cuDevicePrimaryCtxRelease) primaryCtxRelease = nullptr;
  decltype(&cuCtxSetCurrent) ctxSetCurrent = nullptr;
  decltype(&cuMemGetInfo) memGetInfo = nullptr;
  decltype(&cuMemAlloc) memAlloc = nullptr;
  decltype(&cuMemFree) memFree = nullptr;
  decltype(&cuMemHostAlloc) memHostAlloc = nullptr;
  decltype(&cuMemFreeHost) memFreeHost = nullptr;
  decltype(&cuMemcpyHtoDAsync) copyToDevice = nullptr;
  decltype(&cuMemcpyDtoHAsync) copyToHost = nullptr;
  decltype(&cuMemcpyDtoDAsync) copyOnDevice = nullptr;
  decltype(&cuMemsetD8Async) memsetD8 = nullptr;
  decltype(&cuMemsetD32Async) memsetD32 = nullptr;
  decltype(&cuStreamCreate) streamCreate = nullptr;
  decltype(&cuStreamDestroy) streamDestroy = nullptr;
  decltype(&cuStreamSynchronize) streamSynchronize = nullptr;
  decltype(&cuStreamWaitEvent) streamWaitEvent = nullptr;
  decltype(&cuStreamBeginCapture) streamBeginCapture = nullptr;
  decltype(&cuStreamEndCapture) streamEndCapture = nullptr;
  decltype(&cuGraphInstantiateWithFlags) graphInstantiate = nullptr;
  decltype(&cuGraphLaunch) graphLaunch = nullptr;
  decltype(&cuGraphDestroy) graphDestroy = nullptr;
  decltype(&cuGraphExecDestroy) graphExecDestroy = nullptr;
  decltype(&cuEventCreate) eventCreate = nullptr;
  decltype(&cuEventRecord) eventRecord = nullptr;
  decltype(&cuEventSynchronize) eventSynchronize = nullptr;
  decltype(&cuEventElapsedTime) eventElapsedTime = nullptr;
  decltype(&cuEventDestroy) eventDestroy = nullptr;
  decltype(&cuModuleLoadData) moduleLoadData = nullptr;
  decltype(&cuModuleLoadDataEx) moduleLoadDataEx = nullptr;
  decltype(&cuModuleGetFunction) moduleGetFunction = nullptr;
  decltype(&cuModuleUnload) moduleUnload = nullptr;
  decltype(&cuLaunchKernel) launchKernel = nullptr;
  decltype(&cuGetErrorName) getErrorName = nullptr;
  decltype(&cuGetErrorString) getErrorString = nullptr;
};

/// The opened driver; it stays open for the life of the process.
class Driver {
public:
  /// A machine error where there is no driver, one that lacks a function, or no device.
  static Expected<Driver> open();

  const Api *operator->() const { return &api; }
  /// A machine error "WHAT: the driver's words (ITS_NAME)".
  Status error(CUresult result, const std::string &what) const;
  /// The same where there is one.
  Status check(CUresult result, const char *what) const {
    return result == CUDA_SUCCESS ? Status() : error(result, what);
  }

private:
  Api api;
};

/// What the driver gave, given back with the object.
template <typename Handle>
class Owned {
public:
  Owned() = default;
  Owned(Handle handle, CUresult (*release)(Handle)) : handle(handle), release(release) {}
  Owned(Owned &&other) noexcept { *this = std::move(other); }
  Owned &operator=(Owned &&other) noexcept {
    std::swap(handle, other.handle);
    std::swap(release, other.release);
    return *this;
  }
  ~Owned() {
    if (release)
      (void)release(handle); // nobody is left to be told
  }
  explicit operator bool() const { return release != nullptr; }
  Handle get() const { return handle; }

private:
  Handle handle{};
  CUresult (*release)(Handle) = nullptr;
};

} // namespace incept::cuda
