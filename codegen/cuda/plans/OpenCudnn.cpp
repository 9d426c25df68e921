// SPDX-License-Identifier: Apache-2.0
#include "codegen/cuda/plans/OpenCudnn.h"
#include "runtime/device/cuda/Nvrtc.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

namespace incept::cuda {

namespace fs = std::filesystem;

namespace {

/// The version of libcuda.so.1 where it is there and finds a device; it then stays open. Otherwise empty.
std::string openDriver() {
  void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!driver)
    return "";
  auto initialise = reinterpret_cast<int (*)(unsigned)>(dlsym(driver, "cuInit"));
  auto getVersion = reinterpret_cast<int (*)(int *)>(dlsym(driver, "cuDriverGetVersion"));
  int version = 0;
  if (initialise && initialise(0) == 0 && getVersion && getVersion(&version) == 0)
    return std::to_string(version);
  dlclose(driver);
  return "";
}

/// The stub in lib/incept-driver-stub beside the program's bin.
std::string driverStub() {
  std::error_code error;
  fs::path program = fs::read_symlink("/proc/self/exe", error);
  return error ? "" : (program.parent_path().parent_path() / "lib/incept-driver-stub/libcuda.so.1").string();
}

/// Which driver cuDNN finds, since it looks for it by its name and finds the one that is open: its version, "stub" or
/// "none".
const std::string &driver() {
  static const std::string found = [] {
    std::string version = openDriver();
    if (version.empty())
      version = dlopen(driverStub().c_str(), RTLD_NOW | RTLD_GLOBAL) ? "stub" : "none";
    return version;
  }();
  return found;
}

} // namespace

std::string planTools() { return "driver " + driver() + ", nvrtc " + nvrtcVersion(); }

std::shared_ptr<const cudnn::Library> openCudnn(const std::string &directory, std::string &error) {
  driver();
  cudnn::Paths paths;
  const char *chosen = std::getenv("INCEPT_CUDNN_DIR"); // as compiled programs have it
  paths.directory = directory.empty() && chosen ? chosen : directory;
  std::error_code ignored;
  if (paths.directory.empty() && fs::exists(fs::path(INCEPT_CUDNN_DIR) / "libcudnn.so.9", ignored))
    paths.directory = INCEPT_CUDNN_DIR;
  return cudnn::Library::open(paths, error);
}

} // namespace incept::cuda
