/* SPDX-License-Identifier: Apache-2.0
 *
 * A driver library for a machine without a driver. cuDNN's runtime-compiled engines compile their kernel with NVRTC
 * and then load it through libcuda.so.1 before they call a plan final; nothing is launched. This library lets the load
 * succeed with a made-up handle, so that such plans can be built where there is no GPU. The compiler opens it only
 * where there is no real driver, and no compiled program ever sees it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

enum { SUCCESS = 0, NO_DEVICE = 100, NOT_FOUND = 500 };

/* The driver's version that device profiles give. */
enum { DRIVER_VERSION = 13000 };

int cuInit(unsigned flags) {
  (void)flags;
  return NO_DEVICE;
}

int cuDriverGetVersion(int *version) {
  *version = DRIVER_VERSION;
  return SUCCESS;
}

int cuDeviceGetCount(int *count) {
  *count = 0;
  return SUCCESS;
}

int cuGetErrorName(int error, const char **name) {
  (void)error;
  *name = "CUDA_ERROR_NO_DEVICE";
  return SUCCESS;
}

int cuGetErrorString(int error, const char **text) {
  (void)error;
  *text = "there is no driver on this machine";
  return SUCCESS;
}

int cuGetExportTable(const void **table, const void *id) {
  (void)id;
  *table = NULL;
  return NOT_FOUND;
}

/* Modules, libraries and kernels: the handle points at this. */
static char handle[64];

int cuLibraryLoadData(void **library) {
  *library = handle;
  return SUCCESS;
}

int cuLibraryGetKernel(void **kernel) {
  *kernel = handle;
  return SUCCESS;
}

int cuKernelGetFunction(void **function) {
  *function = handle;
  return SUCCESS;
}

int cuModuleLoadData(void **module) {
  *module = handle;
  return SUCCESS;
}

int cuModuleGetFunction(void **function) {
  *function = handle;
  return SUCCESS;
}

/* Everything else that cuDNN looks up by name: it must be there, and is not called for anything that counts. */
static int succeed(void) { return SUCCESS; }
#define INCEPT_SUCCEEDS(name) int name(void) __attribute__((alias("succeed")))
INCEPT_SUCCEEDS(cuCtxGetCurrent);
INCEPT_SUCCEEDS(cuCtxGetDevice);
INCEPT_SUCCEEDS(cuCtxGetLimit);
INCEPT_SUCCEEDS(cuCtxPopCurrent);
INCEPT_SUCCEEDS(cuCtxPushCurrent);
INCEPT_SUCCEEDS(cuDeviceGet);
INCEPT_SUCCEEDS(cuDeviceGetAttribute);
INCEPT_SUCCEEDS(cuDevicePrimaryCtxRelease);
INCEPT_SUCCEEDS(cuDevicePrimaryCtxReset);
INCEPT_SUCCEEDS(cuDevicePrimaryCtxRetain);
INCEPT_SUCCEEDS(cuFuncGetAttribute);
INCEPT_SUCCEEDS(cuFuncSetAttribute);
INCEPT_SUCCEEDS(cuKernelGetAttribute);
INCEPT_SUCCEEDS(cuKernelSetAttribute);
INCEPT_SUCCEEDS(cuLaunchCooperativeKernel);
INCEPT_SUCCEEDS(cuLaunchKernel);
INCEPT_SUCCEEDS(cuLaunchKernelEx);
INCEPT_SUCCEEDS(cuLibraryLoadFromFile);
INCEPT_SUCCEEDS(cuLibraryUnload);
INCEPT_SUCCEEDS(cuLinkAddData);
INCEPT_SUCCEEDS(cuLinkAddData_v2);
INCEPT_SUCCEEDS(cuLinkAddFile_v2);
INCEPT_SUCCEEDS(cuLinkComplete);
INCEPT_SUCCEEDS(cuLinkCreate);
INCEPT_SUCCEEDS(cuLinkCreate_v2);
INCEPT_SUCCEEDS(cuLinkDestroy);
INCEPT_SUCCEEDS(cuMemcpyDtoH_v2);
INCEPT_SUCCEEDS(cuModuleGetGlobal_v2);
INCEPT_SUCCEEDS(cuModuleLoadDataEx);
INCEPT_SUCCEEDS(cuModuleLoadFatBinary);
INCEPT_SUCCEEDS(cuModuleUnload);
INCEPT_SUCCEEDS(cuOccupancyMaxActiveBlocksPerMultiprocessor);
INCEPT_SUCCEEDS(cuOccupancyMaxPotentialClusterSize);
INCEPT_SUCCEEDS(cuStreamGetCtx);
INCEPT_SUCCEEDS(cuStreamSynchronize);
INCEPT_SUCCEEDS(cuTensorMapEncodeIm2col);
INCEPT_SUCCEEDS(cuTensorMapEncodeTiled);

/* Looks a name up in this library alone. */
int cuGetProcAddress_v2(const char *name, void **address, int version, unsigned long long flags, int *found) {
  static void *self;
  Dl_info info;
  (void)version;
  (void)flags;
  if (!self && dladdr(handle, &info))
    self = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  *address = self ? dlsym(self, name) : NULL;
  if (found)
    *found = *address ? 0 : 1;
  return *address ? SUCCESS : NOT_FOUND;
}

int cuGetProcAddress(const char *name, void **address, int version, unsigned long long flags) {
  return cuGetProcAddress_v2(name, address, version, flags, NULL);
}
