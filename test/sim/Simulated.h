// SPDX-License-Identifier: Apache-2.0
//
// The simulator's two libraries as a program sees them: opened by name at run time, functions looked up by name.
#pragma once

#include <cuda.h>
#include <cudnn_backend.h>

#include <cstdlib>
#include <dlfcn.h>
#include <string>

namespace incept::sim {

/// Opens a library of the simulator and leaves it open.
inline void *openSimulated(const char *name) {
  setenv("INCEPT_SIM_DEVICE", INCEPT_SIM_INPUTS "/h100.json", /*overwrite=*/0);
  void *library = dlopen((std::string(INCEPT_SIM_LIBRARIES) + "/" + name).c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (!library) {
    fprintf(stderr, "%s\n", dlerror());
    abort();
  }
  return library;
}

/// A function of the driver by the name of its documentation.
template <typename Function>
Function driverFunction(const char *name) {
  static auto lookUp = reinterpret_cast<CUresult (*)(const char *, void **, int, cuuint64_t, void *)>(
      dlsym(openSimulated("libcuda.so.1"), "cuGetProcAddress_v2"));
  void *function = nullptr;
  lookUp(name, &function, CUDA_VERSION, 0, nullptr);
  return reinterpret_cast<Function>(function);
}

/// cu("cuMemAlloc", &address, bytes): a call of a driver function with arguments of the right types.
template <typename... Arguments>
CUresult cu(const char *name, Arguments... arguments) {
  return driverFunction<CUresult (*)(Arguments...)>(name)(arguments...);
}

/// The same for cuDNN.
template <typename... Arguments>
cudnnStatus_t dnn(const char *name, Arguments... arguments) {
  static void *library = (driverFunction<void *>("cuInit"), openSimulated("libcudnn.so.9"));
  return reinterpret_cast<cudnnStatus_t (*)(Arguments...)>(dlsym(library, name))(arguments...);
}

/// Makes the device's primary context current.
inline void makeCurrent() {
  CUcontext context = nullptr;
  CUdevice device = 0;
  cu("cuInit", 0u);
  cu("cuDeviceGet", &device, 0);
  cu("cuDevicePrimaryCtxRetain", &context, device);
  cu("cuCtxSetCurrent", context);
}

} // namespace incept::sim
