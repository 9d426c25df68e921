// SPDX-License-Identifier: Apache-2.0
//
// What each function of the simulated driver answers, and which arguments it refuses.
#include "test/sim/Simulated.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

using namespace incept::sim;

namespace {

template <typename T>
T *null() {
  return nullptr;
}

class Answers : public testing::Test {
protected:
  void SetUp() override { makeCurrent(); }
};

// By the numbers of Inputs/h100.json.
TEST_F(Answers, OfEveryAttribute) {
  const std::pair<CUdevice_attribute, int> rows[] = {{CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 1024},
                                                     {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, 1024},
                                                     {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y, 1024},
                                                     {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, 64},
                                                     {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, 2147483647},
                                                     {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, 65535},
                                                     {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, 65535},
                                                     {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, 49152},
                                                     {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 232448},
                                                     {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR, 233472},
                                                     {CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK, 1024},
                                                     {CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY, 65536},
                                                     {CU_DEVICE_ATTRIBUTE_WARP_SIZE, 32},
                                                     {CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK, 65536},
                                                     {CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR, 65536},
                                                     {CU_DEVICE_ATTRIBUTE_CLOCK_RATE, 1980000},
                                                     {CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE, 2619000},
                                                     {CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH, 5120},
                                                     {CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE, 52428800},
                                                     {CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 132},
                                                     {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR, 2048},
                                                     {CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR, 32},
                                                     {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 9},
                                                     {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 0},
                                                     {CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING, 1},
                                                     {CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY, 1},
                                                     {CU_DEVICE_ATTRIBUTE_STREAM_PRIORITIES_SUPPORTED, 1},
                                                     {CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT, 1},
                                                     {CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS, 1},
                                                     {CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY, 0},
                                                     {CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS, 0},
                                                     {CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED, 0},
                                                     {CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH, 0},
                                                     {CU_DEVICE_ATTRIBUTE_INTEGRATED, 0},
                                                     {CU_DEVICE_ATTRIBUTE_ECC_ENABLED, 0},
                                                     {CU_DEVICE_ATTRIBUTE_PCI_BUS_ID, 0},
                                                     {CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID, 0},
                                                     {CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID, 0},
                                                     {CU_DEVICE_ATTRIBUTE_COMPUTE_MODE, 0},
                                                     {CU_DEVICE_ATTRIBUTE_KERNEL_EXEC_TIMEOUT, 0}};
  for (auto [attribute, wanted] : rows) {
    int value = -1;
    EXPECT_EQ(cu("cuDeviceGetAttribute", &value, attribute, CUdevice(0)), CUDA_SUCCESS) << int(attribute);
    EXPECT_EQ(value, wanted) << int(attribute);
  }
  int value = -1;
  EXPECT_EQ(cu("cuDeviceGetAttribute", null<int>(), CU_DEVICE_ATTRIBUTE_WARP_SIZE, CUdevice(0)),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuDeviceGetAttribute", &value, CU_DEVICE_ATTRIBUTE_WARP_SIZE, CUdevice(1)), CUDA_ERROR_INVALID_DEVICE);
  testing::internal::CaptureStderr();
  EXPECT_EQ(cu("cuDeviceGetAttribute", &value, CU_DEVICE_ATTRIBUTE_MAX_PITCH, CUdevice(0)), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "incept-sim: not simulated: device attribute 11\n");
  EXPECT_EQ(value, -1);
}

TEST_F(Answers, OfTheDevice) {
  EXPECT_EQ(cu("cuInit", 1u), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuDriverGetVersion", null<int>()), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuDeviceGetCount", null<int>()), CUDA_ERROR_INVALID_VALUE);
  CUdevice device = 7;
  EXPECT_EQ(cu("cuDeviceGet", null<CUdevice>(), 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuDeviceGet", &device, 0), CUDA_SUCCESS);
  EXPECT_EQ(device, 0);
  EXPECT_EQ(cu("cuDeviceGet", &device, -1), CUDA_ERROR_INVALID_DEVICE);
  char name[8] = "xxxxxxx";
  EXPECT_EQ(cu("cuDeviceGetName", null<char>(), 8, CUdevice(0)), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuDeviceGetName", static_cast<char *>(name), 0, CUdevice(0)), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuDeviceGetName", static_cast<char *>(name), 1, CUdevice(0)), CUDA_SUCCESS);
  EXPECT_STREQ(name, "");
  EXPECT_EQ(cu("cuDeviceGetName", static_cast<char *>(name), 8, CUdevice(0)), CUDA_SUCCESS);
  EXPECT_STREQ(name, "NVIDIA ");
  EXPECT_EQ(cu("cuDeviceGetName", static_cast<char *>(name), 8, CUdevice(1)), CUDA_ERROR_INVALID_DEVICE);
  size_t bytes = 0;
  EXPECT_EQ(cu("cuDeviceTotalMem", &bytes, CUdevice(1)), CUDA_ERROR_INVALID_DEVICE);
  CUuuid uuid;
  EXPECT_EQ(cu("cuDeviceGetUuid", null<CUuuid>(), CUdevice(0)), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuDeviceGetUuid", &uuid, CUdevice(0)), CUDA_SUCCESS);
  EXPECT_EQ(memcmp(uuid.bytes, "incept-sim\0\0\0\0\0", 16), 0);
  EXPECT_EQ(cu("cuDeviceGetUuid", &uuid, CUdevice(2)), CUDA_ERROR_INVALID_DEVICE);
}

TEST_F(Answers, OfContexts) {
  CUcontext primary = nullptr, current = nullptr, made = nullptr, popped = nullptr;
  EXPECT_EQ(cu("cuDevicePrimaryCtxRetain", null<CUcontext>(), CUdevice(0)), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuDevicePrimaryCtxRetain", &primary, CUdevice(1)), CUDA_ERROR_INVALID_DEVICE);
  EXPECT_EQ(primary, nullptr);
  EXPECT_EQ(cu("cuDevicePrimaryCtxRetain", &primary, CUdevice(0)), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuCtxGetCurrent", &current), CUDA_SUCCESS);
  EXPECT_EQ(current, primary);
  EXPECT_EQ(cu("cuCtxGetCurrent", null<CUcontext>()), CUDA_ERROR_INVALID_VALUE);
  unsigned flags = 0;
  int active = -1;
  EXPECT_EQ(cu("cuDevicePrimaryCtxSetFlags", CUdevice(0), unsigned(CU_CTX_SCHED_YIELD)), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuDevicePrimaryCtxSetFlags", CUdevice(1), 0u), CUDA_ERROR_INVALID_DEVICE);
  EXPECT_EQ(cu("cuDevicePrimaryCtxSetFlags", CUdevice(0), unsigned(CU_CTX_SCHED_SPIN)), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuDevicePrimaryCtxGetState", CUdevice(0), &flags, &active), CUDA_SUCCESS);
  EXPECT_EQ(flags, unsigned(CU_CTX_SCHED_SPIN));
  EXPECT_EQ(active, 1);
  EXPECT_EQ(cu("cuDevicePrimaryCtxGetState", CUdevice(0), null<unsigned>(), &active), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuDevicePrimaryCtxGetState", CUdevice(0), &flags, null<int>()), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuDevicePrimaryCtxGetState", CUdevice(1), &flags, &active), CUDA_ERROR_INVALID_DEVICE);
  EXPECT_EQ(cu("cuCtxGetFlags", &flags), CUDA_SUCCESS);
  EXPECT_EQ(flags, unsigned(CU_CTX_SCHED_SPIN));
  EXPECT_EQ(cu("cuCtxGetFlags", null<unsigned>()), CUDA_ERROR_INVALID_VALUE);
  CUdevice device = 7;
  EXPECT_EQ(cu("cuCtxGetDevice", &device), CUDA_SUCCESS);
  EXPECT_EQ(device, 0);
  EXPECT_EQ(cu("cuCtxGetDevice", null<CUdevice>()), CUDA_ERROR_INVALID_VALUE);
  int least = -1, greatest = -1;
  EXPECT_EQ(cu("cuCtxGetStreamPriorityRange", &least, &greatest), CUDA_SUCCESS);
  EXPECT_EQ(least, 0);
  EXPECT_EQ(greatest, 0);

  // A stack of contexts; setting one takes the place of the uppermost.
  EXPECT_EQ(cu("cuCtxCreate_v2", null<CUcontext>(), 0u, CUdevice(0)), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuCtxCreate_v2", &made, 0u, CUdevice(1)), CUDA_ERROR_INVALID_DEVICE);
  EXPECT_EQ(cu("cuCtxCreate_v2", &made, unsigned(CU_CTX_SCHED_YIELD), CUdevice(0)), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuCtxGetFlags", &flags), CUDA_SUCCESS);
  EXPECT_EQ(flags, unsigned(CU_CTX_SCHED_YIELD));
  EXPECT_EQ(cu("cuCtxPushCurrent", primary), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuCtxPopCurrent", &popped), CUDA_SUCCESS);
  EXPECT_EQ(popped, primary);
  EXPECT_EQ(cu("cuCtxGetCurrent", &current), CUDA_SUCCESS);
  EXPECT_EQ(current, made);
  EXPECT_EQ(cu("cuCtxSetCurrent", reinterpret_cast<CUcontext>(&flags)), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(cu("cuCtxSetCurrent", primary), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuCtxPopCurrent", null<CUcontext>()), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuCtxGetCurrent", &current), CUDA_SUCCESS);
  EXPECT_EQ(current, primary); // of makeCurrent
  EXPECT_EQ(cu("cuCtxSetCurrent", CUcontext(nullptr)), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuCtxGetCurrent", &current), CUDA_SUCCESS);
  EXPECT_EQ(current, nullptr);
  EXPECT_EQ(cu("cuCtxPopCurrent", &popped), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(cu("cuCtxSynchronize"), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(cu("cuCtxPushCurrent", made), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuCtxSynchronize"), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuCtxDestroy", made), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuCtxDestroy", made), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(cu("cuCtxGetCurrent", &current), CUDA_SUCCESS);
  EXPECT_EQ(current, nullptr);

  // The primary one is there as long as somebody has it.
  EXPECT_EQ(cu("cuCtxSetCurrent", primary), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuDevicePrimaryCtxRelease", CUdevice(1)), CUDA_ERROR_INVALID_DEVICE);
  while (cu("cuDevicePrimaryCtxRelease", CUdevice(0)) == CUDA_SUCCESS) {
  }
  EXPECT_EQ(cu("cuDevicePrimaryCtxRelease", CUdevice(0)), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(cu("cuDevicePrimaryCtxGetState", CUdevice(0), &flags, &active), CUDA_SUCCESS);
  EXPECT_EQ(active, 0);
  EXPECT_EQ(cu("cuCtxSynchronize"), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(cu("cuCtxSetCurrent", primary), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(cu("cuDevicePrimaryCtxRetain", &primary, CUdevice(0)), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuCtxSynchronize"), CUDA_SUCCESS);
}

TEST_F(Answers, NamesOfErrors) {
#define NAMED(code)                                                                                                    \
  { code, #code }
  const std::pair<CUresult, const char *> rows[] = {NAMED(CUDA_SUCCESS),
                                                    NAMED(CUDA_ERROR_INVALID_VALUE),
                                                    NAMED(CUDA_ERROR_OUT_OF_MEMORY),
                                                    NAMED(CUDA_ERROR_NOT_INITIALIZED),
                                                    NAMED(CUDA_ERROR_NO_DEVICE),
                                                    NAMED(CUDA_ERROR_INVALID_DEVICE),
                                                    NAMED(CUDA_ERROR_INVALID_CONTEXT),
                                                    NAMED(CUDA_ERROR_NO_BINARY_FOR_GPU),
                                                    NAMED(CUDA_ERROR_INVALID_PTX),
                                                    NAMED(CUDA_ERROR_INVALID_HANDLE),
                                                    NAMED(CUDA_ERROR_ILLEGAL_STATE),
                                                    NAMED(CUDA_ERROR_NOT_FOUND),
                                                    NAMED(CUDA_ERROR_NOT_READY),
                                                    NAMED(CUDA_ERROR_ILLEGAL_ADDRESS),
                                                    NAMED(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES),
                                                    NAMED(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED),
                                                    NAMED(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED),
                                                    NAMED(CUDA_ERROR_LAUNCH_FAILED),
                                                    NAMED(CUDA_ERROR_NOT_SUPPORTED),
                                                    NAMED(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED),
                                                    NAMED(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED),
                                                    NAMED(CUDA_ERROR_STREAM_CAPTURE_MERGE),
                                                    NAMED(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED),
                                                    NAMED(CUDA_ERROR_STREAM_CAPTURE_UNJOINED),
                                                    NAMED(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT),
                                                    NAMED(CUDA_ERROR_STREAM_CAPTURE_ISOLATION),
                                                    NAMED(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD),
                                                    NAMED(CUDA_ERROR_CAPTURED_EVENT),
                                                    NAMED(CUDA_ERROR_UNKNOWN)};
#undef NAMED
  const char *text = nullptr;
  for (auto [code, name] : rows) {
    EXPECT_EQ(cu("cuGetErrorName", code, &text), CUDA_SUCCESS) << name;
    EXPECT_STREQ(text, name);
    EXPECT_EQ(cu("cuGetErrorString", code, &text), CUDA_SUCCESS) << name;
    EXPECT_GT(strlen(text), 7u) << name;
  }
  EXPECT_EQ(cu("cuGetErrorString", CUDA_ERROR_OUT_OF_MEMORY, &text), CUDA_SUCCESS);
  EXPECT_STREQ(text, "out of memory");
  for (const char *function : {"cuGetErrorName", "cuGetErrorString"}) {
    text = "before";
    EXPECT_EQ(cu(function, CUresult(12345), &text), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(text, nullptr);
    EXPECT_EQ(cu(function, CUDA_SUCCESS, null<const char *>()), CUDA_ERROR_INVALID_VALUE);
  }
}

TEST_F(Answers, NamesOfFunctions) {
  auto *lookUp =
      reinterpret_cast<CUresult (*)(const char *, void **, int, cuuint64_t, CUdriverProcAddressQueryResult *)>(
          dlsym(openSimulated("libcuda.so.1"), "cuGetProcAddress_v2"));
  void *function = nullptr, *newer = nullptr;
  auto status = CUdriverProcAddressQueryResult(7);
  EXPECT_EQ(lookUp("cuInit", &function, CUDA_VERSION, 0, &status), CUDA_SUCCESS);
  EXPECT_EQ(status, CU_GET_PROC_ADDRESS_SUCCESS);
  EXPECT_EQ(function, dlsym(openSimulated("libcuda.so.1"), "cuInit"));
  EXPECT_EQ(lookUp("cuMemAlloc", &function, CUDA_VERSION, 0, nullptr), CUDA_SUCCESS);
  EXPECT_EQ(lookUp("cuMemAlloc_v2", &newer, CUDA_VERSION, 0, nullptr), CUDA_SUCCESS);
  EXPECT_EQ(function, newer);
  for (const char *unknown : {"cuNothing", "malloc", "", "inceptSimServices"}) {
    EXPECT_EQ(lookUp(unknown, &function, CUDA_VERSION, 0, &status), CUDA_ERROR_NOT_FOUND) << unknown;
    EXPECT_EQ(function, nullptr);
    EXPECT_EQ(status, CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND);
  }
  EXPECT_EQ(lookUp(nullptr, &function, CUDA_VERSION, 0, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(lookUp("cuInit", nullptr, CUDA_VERSION, 0, nullptr), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(Answers, OfMemory) {
  size_t total = 0, before = 0, after = 0;
  ASSERT_EQ(cu("cuMemGetInfo", &before, &total), CUDA_SUCCESS);
  CUdeviceptr a = 0, b = 0, base = 0;
  size_t bytes = 0;
  EXPECT_EQ(cu("cuMemAlloc", null<CUdeviceptr>(), size_t(8)), CUDA_ERROR_INVALID_VALUE);
  ASSERT_EQ(cu("cuMemAlloc", &a, size_t(100)), CUDA_SUCCESS);
  ASSERT_EQ(cu("cuMemAlloc", &b, size_t(64)), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemGetInfo", &after, &total), CUDA_SUCCESS);
  EXPECT_EQ(before - after, 164u);
  EXPECT_EQ(cu("cuMemGetInfo", null<size_t>(), &total), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuMemGetInfo", &after, null<size_t>()), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuMemGetAddressRange", &base, &bytes, a + 99), CUDA_SUCCESS);
  EXPECT_EQ(base, a);
  EXPECT_EQ(bytes, 100u);
  EXPECT_EQ(cu("cuMemGetAddressRange", null<CUdeviceptr>(), null<size_t>(), a), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemGetAddressRange", &base, &bytes, a + 100), CUDA_ERROR_NOT_FOUND);

  // Both sides are told apart by their addresses; nothing to copy is no copy.
  int from[4] = {1, 2, 3, 4}, to[4] = {};
  auto address = [](int *numbers) { return reinterpret_cast<CUdeviceptr>(numbers); };
  EXPECT_EQ(cu("cuMemcpy", a, address(from), size_t(16)), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemcpy", b, a, size_t(16)), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemcpy", address(to), b, size_t(12)), CUDA_SUCCESS);
  EXPECT_EQ(std::vector<int>(to, to + 4), (std::vector<int>{1, 2, 3, 0}));
  EXPECT_EQ(cu("cuMemcpy", address(to), address(from), size_t(16)), CUDA_ERROR_INVALID_VALUE);
  CUstream s = nullptr, none = reinterpret_cast<CUstream>(&to);
  ASSERT_EQ(cu("cuStreamCreate", &s, unsigned(CU_STREAM_NON_BLOCKING)), CUDA_SUCCESS);
  from[0] = 9;
  EXPECT_EQ(cu("cuMemcpyAsync", a, address(from), size_t(16), s), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemcpyAsync", b, a, size_t(16), s), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemcpyAsync", address(to), b, size_t(16), s), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemcpyAsync", address(to), address(from), size_t(16), s), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuStreamSynchronize", s), CUDA_SUCCESS);
  EXPECT_EQ(std::vector<int>(to, to + 4), (std::vector<int>{9, 2, 3, 4}));
  EXPECT_EQ(cu("cuMemcpyHtoD", a, null<const void>(), size_t(4)), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuMemcpyDtoH", null<void>(), a, size_t(4)), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuMemcpyHtoDAsync", a, null<const void>(), size_t(4), s), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuMemcpyDtoHAsync", null<void>(), a, size_t(4), s), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuMemcpyHtoDAsync", a, static_cast<const void *>(from), size_t(4), none), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cu("cuMemcpyDtoHAsync", static_cast<void *>(to), a, size_t(4), none), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cu("cuMemcpyDtoDAsync", a, b, size_t(4), none), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cu("cuMemsetD32Async", a, 1u, size_t(1), none), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cu("cuMemcpyHtoD", CUdeviceptr(1), null<const void>(), size_t(0)), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemcpyDtoH", null<void>(), CUdeviceptr(1), size_t(0)), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemcpyDtoD", CUdeviceptr(1), CUdeviceptr(1), size_t(0)), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemcpyHtoDAsync", CUdeviceptr(1), null<const void>(), size_t(0), none), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemcpyDtoHAsync", null<void>(), CUdeviceptr(1), size_t(0), none), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemcpyDtoDAsync", CUdeviceptr(1), CUdeviceptr(1), size_t(0), none), CUDA_SUCCESS);

  // Fills of each width, and sizes that do not fit into a number.
  EXPECT_EQ(cu("cuMemsetD8Async", a, static_cast<unsigned char>(0x5a), size_t(3), s), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemsetD16Async", a + 4, static_cast<unsigned short>(0x1234), size_t(2), s), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemsetD32Async", a + 8, 0x89abcdefu, size_t(2), s), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuStreamSynchronize", s), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemcpyDtoH", static_cast<void *>(to), a, size_t(16)), CUDA_SUCCESS);
  EXPECT_EQ(std::vector<int>(to, to + 4), (std::vector<int>{0x005a5a5a, 0x12341234, int(0x89abcdef), int(0x89abcdef)}));
  EXPECT_EQ(cu("cuMemsetD16", a + 1, static_cast<unsigned short>(0), size_t(1)), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuMemsetD32", a + 3, 0u, size_t(1)), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuMemsetD32", a, 0u, ~size_t(0) / 4 + 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuMemsetD32", a + 1, 0u, size_t(0)), CUDA_SUCCESS);

  // Page-locked memory.
  void *pinned = nullptr;
  EXPECT_EQ(cu("cuMemAllocHost", &pinned, size_t(64)), CUDA_SUCCESS);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(pinned) % 4096, 0u);
  EXPECT_EQ(cu("cuMemAllocHost", null<void *>(), size_t(64)), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuMemAllocHost", &pinned, size_t(0)), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuMemFreeHost", pinned), CUDA_SUCCESS);
  static char own[64];
  EXPECT_EQ(cu("cuMemHostRegister", null<void>(), size_t(64), 0u), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuMemHostRegister", static_cast<void *>(own), size_t(0), 0u), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuMemHostRegister", static_cast<void *>(own), size_t(64), 0u), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemHostRegister", static_cast<void *>(own), size_t(64), 0u),
            CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
  EXPECT_EQ(cu("cuMemHostUnregister", static_cast<void *>(own)), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemFree", CUdeviceptr(0)), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemFree", a), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemGetAddressRange", &base, &bytes, a), CUDA_ERROR_NOT_FOUND);
  EXPECT_EQ(cu("cuMemFree", b), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemGetInfo", &after, &total), CUDA_SUCCESS);
  EXPECT_EQ(after, before);
}

TEST_F(Answers, OfStreamsEventsAndGraphs) {
  CUstream s = nullptr, blocking = nullptr, none = reinterpret_cast<CUstream>(&s);
  EXPECT_EQ(cu("cuStreamCreate", null<CUstream>(), 0u), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuStreamCreate", &s, 2u), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuStreamCreateWithPriority", &s, unsigned(CU_STREAM_NON_BLOCKING), -3), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuStreamCreate", &blocking, unsigned(CU_STREAM_DEFAULT)), CUDA_SUCCESS);
  unsigned flags = 7;
  int priority = 7;
  EXPECT_EQ(cu("cuStreamGetFlags", s, &flags), CUDA_SUCCESS);
  EXPECT_EQ(flags, 1u);
  EXPECT_EQ(cu("cuStreamGetFlags", blocking, &flags), CUDA_SUCCESS);
  EXPECT_EQ(flags, 0u);
  EXPECT_EQ(cu("cuStreamGetPriority", s, &priority), CUDA_SUCCESS);
  EXPECT_EQ(priority, -3);
  EXPECT_EQ(cu("cuStreamGetPriority", blocking, &priority), CUDA_SUCCESS);
  EXPECT_EQ(priority, 0);
  EXPECT_EQ(cu("cuStreamGetFlags", s, null<unsigned>()), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuStreamGetPriority", s, null<int>()), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuStreamQuery", s), CUDA_SUCCESS);
  for (const char *function : {"cuStreamQuery", "cuStreamSynchronize", "cuStreamDestroy"})
    EXPECT_EQ(cu(function, none), CUDA_ERROR_INVALID_HANDLE) << function;
  for (CUstream special : {CUstream(nullptr), CU_STREAM_LEGACY, CU_STREAM_PER_THREAD})
    EXPECT_EQ(cu("cuStreamSynchronize", special), CUDA_SUCCESS);
  int calls = 0;
  auto *count = +[](void *data) { ++*static_cast<int *>(data); };
  EXPECT_EQ(cu("cuLaunchHostFunc", s, CUhostFn(count), static_cast<void *>(&calls)), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuLaunchHostFunc", s, CUhostFn(nullptr), static_cast<void *>(&calls)), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuStreamSynchronize", s), CUDA_SUCCESS);
  EXPECT_EQ(calls, 1);

  CUevent timed = nullptr, plain = nullptr, unrecorded = nullptr, nothing = reinterpret_cast<CUevent>(&s);
  EXPECT_EQ(cu("cuEventCreate", null<CUevent>(), 0u), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuEventCreate", &timed, 0u), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuEventCreate", &unrecorded, 0u), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuEventCreate", &plain, unsigned(CU_EVENT_DISABLE_TIMING)), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuEventRecord", timed, none), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cu("cuEventRecord", nothing, s), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cu("cuEventRecord", timed, s), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuEventRecord", plain, s), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuStreamSynchronize", s), CUDA_SUCCESS);
  float ms = -1;
  for (auto [first, last] :
       {std::pair{timed, plain}, {plain, timed}, {timed, unrecorded}, {unrecorded, timed}, {timed, nothing}})
    EXPECT_EQ(cu("cuEventElapsedTime", &ms, first, last), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cu("cuEventElapsedTime", null<float>(), timed, timed), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(ms, -1);
  EXPECT_EQ(cu("cuEventElapsedTime", &ms, timed, timed), CUDA_SUCCESS);
  EXPECT_EQ(ms, 0);
  EXPECT_EQ(cu("cuStreamWaitEvent", s, nothing, 0u), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cu("cuStreamWaitEvent", none, timed, 0u), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cu("cuStreamWaitEvent", s, unrecorded, 0u), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuEventSynchronize", unrecorded), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuEventQuery", nothing), CUDA_ERROR_INVALID_HANDLE);

  CUgraph graph = nullptr;
  CUgraphExec executable = nullptr;
  size_t nodes = 7;
  EXPECT_EQ(cu("cuGraphCreate", null<CUgraph>(), 0u), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuGraphCreate", &graph, 0u), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuGraphGetNodes", graph, null<CUgraphNode>(), &nodes), CUDA_SUCCESS);
  EXPECT_EQ(nodes, 0u);
  EXPECT_EQ(cu("cuGraphGetNodes", graph, null<CUgraphNode>(), null<size_t>()), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuGraphGetNodes", reinterpret_cast<CUgraph>(&s), null<CUgraphNode>(), &nodes),
            CUDA_ERROR_INVALID_VALUE);
  CUgraphNode node = nullptr;
  testing::internal::CaptureStderr();
  EXPECT_EQ(cu("cuGraphGetNodes", graph, &node, &nodes), CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "incept-sim: not simulated: cuGraphGetNodes, except for the number of nodes\n");
  EXPECT_EQ(cu("cuGraphInstantiate", null<CUgraphExec>(), graph, 0ull), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuGraphInstantiate", &executable, reinterpret_cast<CUgraph>(&s), 0ull), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuGraphInstantiate", &executable, graph, 0ull), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuGraphUpload", executable, s), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuGraphUpload", reinterpret_cast<CUgraphExec>(&s), s), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuGraphUpload", executable, none), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cu("cuGraphLaunch", executable, none), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cu("cuGraphLaunch", executable, s), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuGraphExecDestroy", executable), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuGraphExecDestroy", executable), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuGraphDestroy", graph), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuGraphDestroy", graph), CUDA_ERROR_INVALID_VALUE);
  for (CUevent event : {timed, plain, unrecorded})
    EXPECT_EQ(cu("cuEventDestroy", event), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuStreamDestroy", s), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuStreamDestroy", blocking), CUDA_SUCCESS);
}

} // namespace
