// SPDX-License-Identifier: Apache-2.0
#include "codegen/cuda/plans/OpenCudnn.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>

namespace incept::cuda {

namespace fs = std::filesystem;

namespace {

/// True where libcuda.so.1 is there and finds a device; it then stays open.
bool openDriver() {
  void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!driver)
    return false;
  auto initialise = reinterpret_cast<int (*)(unsigned)>(dlsym(driver, "cuInit"));
  if (initialise && initialise(0) == 0)
    return true;
  dlclose(driver);
  return false;
}

/// The stub in lib/incept-driver-stub beside the program's bin.
std::string driverStub() {
  std::error_code error;
  fs::path program = fs::read_symlink("/proc/self/exe", error);
  return error ? "" : (program.parent_path().parent_path() / "lib/incept-driver-stub/libcuda.so.1").string();
}

} // namespace

std::shared_ptr<const cudnn::Library> openCudnn(const std::string &directory, std::string &error) {
  // cuDNN looks for the driver by its name and finds the one that is open.
  static std::once_flag once;
  std::call_once(once, [] {
    if (!openDriver())
      dlopen(driverStub().c_str(), RTLD_NOW | RTLD_GLOBAL);
  });
  cudnn::Paths paths;
  const char *chosen = std::getenv("INCEPT_CUDNN_DIR"); // as compiled programs have it
  paths.directory = directory.empty() && chosen ? chosen : directory;
  std::error_code ignored;
  if (paths.directory.empty() && fs::exists(fs::path(INCEPT_CUDNN_DIR) / "libcudnn.so.9", ignored))
    paths.directory = INCEPT_CUDNN_DIR;
  return cudnn::Library::open(paths, error);
}

} // namespace incept::cuda
