// SPDX-License-Identifier: Apache-2.0

#include "runtime/device/cuda/Nvrtc.h"

#include <dlfcn.h>

namespace incept::cuda {

std::string nvrtcVersion() {
  for (const char *name : {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"}) {
    void *library = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    auto version = library ? reinterpret_cast<int (*)(int *, int *)>(dlsym(library, "nvrtcVersion")) : nullptr;
    int major = 0, minor = 0;
    if (version && version(&major, &minor) == 0)
      return std::to_string(major) + "." + std::to_string(minor);
  }
  return "none";
}

} // namespace incept::cuda
