// SPDX-License-Identifier: Apache-2.0
//
// The simulated driver: device, memory, streams, events, captures. A test that breaks the device, or wants other
// options, runs in a process of its own.
#include "test/sim/Simulated.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

using namespace incept::sim;

namespace {

class Driver : public testing::Test {
protected:
  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    makeCurrent();
  }

  CUdeviceptr allocate(size_t bytes) {
    CUdeviceptr address = 0;
    EXPECT_EQ(cu("cuMemAlloc", &address, bytes), CUDA_SUCCESS);
    return address;
  }
  CUstream stream() {
    CUstream made = nullptr;
    EXPECT_EQ(cu("cuStreamCreate", &made, unsigned(CU_STREAM_NON_BLOCKING)), CUDA_SUCCESS);
    return made;
  }
  void copyIn(CUdeviceptr dst, const std::vector<int> &values) {
    EXPECT_EQ(cu("cuMemcpyHtoD", dst, static_cast<const void *>(values.data()), values.size() * 4), CUDA_SUCCESS);
  }
  std::vector<int> copyOut(CUdeviceptr src, size_t count) {
    std::vector<int> values(count);
    EXPECT_EQ(cu("cuMemcpyDtoH", static_cast<void *>(values.data()), src, count * 4), CUDA_SUCCESS);
    return values;
  }
};

using DriverDeathTest = Driver;

TEST_F(Driver, TellsWhatTheProfileSays) {
  int count = 0, value = 0, version = 0;
  EXPECT_EQ(cu("cuDeviceGetCount", &count), CUDA_SUCCESS);
  EXPECT_EQ(count, 1);
  char name[64] = "";
  EXPECT_EQ(cu("cuDeviceGetName", static_cast<char *>(name), 64, CUdevice(0)), CUDA_SUCCESS);
  EXPECT_STREQ(name, "NVIDIA H100 80GB HBM3");
  size_t bytes = 0;
  EXPECT_EQ(cu("cuDeviceTotalMem", &bytes, CUdevice(0)), CUDA_SUCCESS);
  EXPECT_EQ(bytes, 85029158912u);
  EXPECT_EQ(cu("cuDeviceTotalMem", static_cast<size_t *>(nullptr), CUdevice(0)), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuDriverGetVersion", &version), CUDA_SUCCESS);
  EXPECT_EQ(version, 13000);
  EXPECT_EQ(cu("cuDeviceGetAttribute", &value, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, CUdevice(0)),
            CUDA_SUCCESS);
  EXPECT_EQ(value, 9);
  EXPECT_EQ(cu("cuDeviceGetAttribute", &value, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, CUdevice(0)), CUDA_SUCCESS);
  EXPECT_EQ(value, 132);
  CUdevice device = 7;
  EXPECT_EQ(cu("cuDeviceGet", &device, 1), CUDA_ERROR_INVALID_DEVICE);
  size_t available = 0, total = 0;
  EXPECT_EQ(cu("cuMemGetInfo", &available, &total), CUDA_SUCCESS);
  EXPECT_EQ(total, 85029158912u);
}

TEST_F(Driver, NeedsAContext) {
  std::thread([] {
    CUdeviceptr address = 0;
    EXPECT_EQ(cu("cuMemAlloc", &address, size_t(16)), CUDA_ERROR_INVALID_CONTEXT);
    CUcontext context = nullptr;
    EXPECT_EQ(cu("cuCtxCreate_v2", &context, 0u, CUdevice(0)), CUDA_SUCCESS);
    EXPECT_EQ(cu("cuMemAlloc", &address, size_t(16)), CUDA_SUCCESS);
    EXPECT_EQ(cu("cuMemFree", address), CUDA_SUCCESS);
    EXPECT_EQ(cu("cuCtxDestroy", context), CUDA_SUCCESS);
    EXPECT_EQ(cu("cuCtxPushCurrent", context), CUDA_ERROR_INVALID_CONTEXT);
    EXPECT_EQ(cu("cuMemAlloc", &address, size_t(16)), CUDA_ERROR_INVALID_CONTEXT);
  }).join();
}

TEST_F(Driver, CopiesAndFills) {
  CUdeviceptr a = allocate(16), b = allocate(16);
  copyIn(a, {1, 2, 3, 4});
  EXPECT_EQ(cu("cuMemcpyDtoD", b, a, size_t(16)), CUDA_SUCCESS);
  EXPECT_EQ(copyOut(b, 4), (std::vector<int>{1, 2, 3, 4}));
  EXPECT_EQ(cu("cuMemsetD32", b + 4, 7u, size_t(2)), CUDA_SUCCESS);
  EXPECT_EQ(copyOut(b, 4), (std::vector<int>{1, 7, 7, 4}));
  EXPECT_EQ(cu("cuMemsetD8", a, static_cast<unsigned char>(0), size_t(16)), CUDA_SUCCESS);
  EXPECT_EQ(copyOut(a, 4), (std::vector<int>{0, 0, 0, 0}));
  EXPECT_EQ(cu("cuMemsetD16", a, static_cast<unsigned short>(1), size_t(2)), CUDA_SUCCESS);
  EXPECT_EQ(copyOut(a, 1), (std::vector<int>{0x10001}));
  EXPECT_EQ(cu("cuMemsetD32", a + 2, 7u, size_t(1)), CUDA_ERROR_INVALID_VALUE); // not aligned
  EXPECT_EQ(cu("cuMemFree", a), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemFree", b), CUDA_SUCCESS);
}

TEST_F(Driver, RunsOutOfMemoryAsTheDeviceWould) {
  CUdeviceptr address = 0;
  EXPECT_EQ(cu("cuMemAlloc", &address, size_t(85029158913)), CUDA_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(cu("cuMemAlloc", &address, ~size_t(0)), CUDA_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(cu("cuMemAlloc", &address, size_t(0)), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(Driver, PageLockedMemoryIsHostMemory) {
  void *pointer = nullptr;
  EXPECT_EQ(cu("cuMemHostAlloc", &pointer, size_t(64), 0u), CUDA_SUCCESS);
  memset(pointer, 1, 64);
  EXPECT_EQ(cu("cuMemFreeHost", pointer), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemFreeHost", pointer), CUDA_ERROR_INVALID_VALUE);
  static char own[64];
  EXPECT_EQ(cu("cuMemHostRegister", static_cast<void *>(own), size_t(64), 0u), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemHostUnregister", static_cast<void *>(own)), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemHostUnregister", static_cast<void *>(own)), CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
}

TEST_F(Driver, EventsMeasureAndHandlesAreChecked) {
  CUevent start = nullptr, end = nullptr;
  EXPECT_EQ(cu("cuEventCreate", &start, 0u), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuEventCreate", &end, 0u), CUDA_SUCCESS);
  CUstream s = stream();
  float milliseconds = -1;
  EXPECT_EQ(cu("cuEventElapsedTime", &milliseconds, start, end), CUDA_ERROR_INVALID_HANDLE); // not recorded
  EXPECT_EQ(cu("cuEventRecord", start, s), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuEventRecord", end, s), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuEventSynchronize", end), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuEventQuery", end), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuEventElapsedTime", &milliseconds, start, end), CUDA_SUCCESS);
  EXPECT_GE(milliseconds, 0);
  EXPECT_EQ(cu("cuStreamWaitEvent", s, end, 0u), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuEventDestroy", end), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuEventDestroy", end), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cu("cuStreamDestroy", s), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuStreamSynchronize", s), CUDA_ERROR_INVALID_HANDLE);
}

//===--- Captures -------------------------------------------------------------------------------------------------===//

TEST_F(Driver, AGraphReadsItsValuesWhenItIsLaunched) {
  CUstream s = stream();
  CUdeviceptr a = allocate(8), b = allocate(8);
  copyIn(a, {1, 2});
  copyIn(b, {0, 0});
  int host[2] = {10, 20}, result[2] = {-1, -1};
  ASSERT_EQ(cu("cuStreamBeginCapture", s, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemcpyDtoDAsync", b, a, size_t(8), s), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemcpyHtoDAsync", a, static_cast<const void *>(host), size_t(8), s), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemcpyDtoHAsync", static_cast<void *>(result), b, size_t(8), s), CUDA_SUCCESS);
  CUgraph graph = nullptr;
  ASSERT_EQ(cu("cuStreamEndCapture", s, &graph), CUDA_SUCCESS);
  EXPECT_EQ(result[0], -1); // nothing has run
  EXPECT_EQ(copyOut(b, 2), (std::vector<int>{0, 0}));

  size_t nodes = 0;
  EXPECT_EQ(cu("cuGraphGetNodes", graph, static_cast<CUgraphNode *>(nullptr), &nodes), CUDA_SUCCESS);
  EXPECT_EQ(nodes, 3u);
  CUgraphExec executable = nullptr;
  ASSERT_EQ(cu("cuGraphInstantiate", &executable, graph, 0ull), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuGraphDestroy", graph), CUDA_SUCCESS);
  copyIn(a, {3, 4});
  host[0] = 11;
  EXPECT_EQ(cu("cuGraphLaunch", executable, s), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuStreamSynchronize", s), CUDA_SUCCESS);
  EXPECT_EQ(result[0], 3);
  EXPECT_EQ(copyOut(a, 2), (std::vector<int>{11, 20}));
  EXPECT_EQ(cu("cuGraphLaunch", executable, s), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuStreamSynchronize", s), CUDA_SUCCESS);
  EXPECT_EQ(result[0], 11);
  EXPECT_EQ(cu("cuGraphExecDestroy", executable), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuGraphLaunch", executable, s), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(Driver, WhatACaptureForbidsBreaksIt) {
  CUstream s = stream();
  CUdeviceptr address = 0;
  CUgraph graph = nullptr;
  auto begin = [&](CUstreamCaptureMode mode) { ASSERT_EQ(cu("cuStreamBeginCapture", s, mode), CUDA_SUCCESS); };
  begin(CU_STREAM_CAPTURE_MODE_GLOBAL);
  EXPECT_EQ(cu("cuStreamSynchronize", s), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  EXPECT_EQ(cu("cuMemsetD8Async", address, static_cast<unsigned char>(0), size_t(0), s), CUDA_SUCCESS); // nothing to do
  EXPECT_EQ(cu("cuStreamEndCapture", s, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  EXPECT_EQ(graph, nullptr);

  begin(CU_STREAM_CAPTURE_MODE_GLOBAL);
  EXPECT_EQ(cu("cuMemAlloc", &address, size_t(8)), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_NONE;
  EXPECT_EQ(cu("cuStreamIsCapturing", s, &status), CUDA_SUCCESS);
  EXPECT_EQ(status, CU_STREAM_CAPTURE_STATUS_INVALIDATED);
  EXPECT_EQ(cu("cuStreamEndCapture", s, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);

  CUevent outside = nullptr;
  cu("cuEventCreate", &outside, 0u);
  cu("cuEventRecord", outside, CUstream(nullptr));
  begin(CU_STREAM_CAPTURE_MODE_RELAXED);
  EXPECT_EQ(cu("cuStreamWaitEvent", s, outside, 0u), CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
  EXPECT_EQ(cu("cuStreamEndCapture", s, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);

  begin(CU_STREAM_CAPTURE_MODE_RELAXED);
  EXPECT_EQ(cu("cuMemAlloc", &address, size_t(8)), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuStreamEndCapture", s, &graph), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuStreamEndCapture", s, &graph), CUDA_ERROR_ILLEGAL_STATE);
  EXPECT_EQ(cu("cuStreamBeginCapture", CUstream(nullptr), CU_STREAM_CAPTURE_MODE_RELAXED),
            CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  EXPECT_EQ(cu("cuMemFree", address), CUDA_SUCCESS);
}

//===--- Errors ---------------------------------------------------------------------------------------------------===//

TEST_F(Driver, FunctionsThatAreNotSimulatedSayTheirName) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(cu("cuArrayCreate"), CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(cu("cuArrayCreate"), CUDA_ERROR_NOT_SUPPORTED); // said once
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "incept-sim: not simulated: cuArrayCreate_v2\n");
  const char *text = nullptr;
  EXPECT_EQ(cu("cuGetErrorString", CUDA_ERROR_NOT_SUPPORTED, &text), CUDA_SUCCESS);
  EXPECT_STREQ(text, "operation not supported (not simulated: cuArrayCreate_v2)");
  EXPECT_EQ(cu("cuGetErrorName", CUDA_ERROR_ILLEGAL_ADDRESS, &text), CUDA_SUCCESS);
  EXPECT_STREQ(text, "CUDA_ERROR_ILLEGAL_ADDRESS");
  EXPECT_EQ(driverFunction<void *>("cuNoSuchFunction"), nullptr);
  EXPECT_EQ(driverFunction<void *>("malloc"), nullptr);
}

// The rest ends in processes of its own: a report makes the exit status non-zero whatever the program does.
TEST_F(DriverDeathTest, RangesOutsideOfAllocationsAreRefused) {
  EXPECT_EXIT(
      {
        CUdeviceptr a = allocate(16);
        char host[32] = {};
        if (cu("cuMemcpyHtoD", a, static_cast<const void *>(host), size_t(17)) != CUDA_ERROR_INVALID_VALUE)
          exit(99);
        exit(cu("cuMemcpyHtoD", a, static_cast<const void *>(host), size_t(16))); // not sticky
      },
      testing::ExitedWithCode(1), "cuMemcpyHtoD: .*out of bounds");
  EXPECT_EXIT(
      {
        CUdeviceptr a = allocate(16);
        cu("cuMemFree", a);
        exit(cu("cuMemFree", a) == CUDA_ERROR_INVALID_VALUE ? 0 : 99);
      },
      testing::ExitedWithCode(1), "cuMemFree: ");
}

TEST_F(DriverDeathTest, ReadingWhatWasNeverWrittenIsAStickyError) {
  EXPECT_EXIT(
      {
        CUdeviceptr a = allocate(16);
        char host[16];
        CUresult first = cu("cuMemcpyDtoH", static_cast<void *>(host), a, size_t(16));
        CUresult later = cu("cuMemsetD8", a, static_cast<unsigned char>(0), size_t(16));
        exit(first == CUDA_ERROR_ILLEGAL_ADDRESS && later == CUDA_ERROR_ILLEGAL_ADDRESS ? 0 : 99);
      },
      testing::ExitedWithCode(1), "cuMemcpyDtoH: .*written");
}

// A copy on the device does not make unwritten bytes written.
TEST_F(DriverDeathTest, CopiesKeepUnwrittenBytesUnwritten) {
  EXPECT_EXIT(
      {
        CUdeviceptr a = allocate(16);
        CUdeviceptr b = allocate(16);
        cu("cuMemsetD8", a, static_cast<unsigned char>(0), size_t(8));
        char host[16];
        if (cu("cuMemcpyDtoD", b, a, size_t(16)) != CUDA_SUCCESS ||
            cu("cuMemcpyDtoH", static_cast<void *>(host), b, size_t(8)) != CUDA_SUCCESS)
          exit(99);
        exit(cu("cuMemcpyDtoH", static_cast<void *>(host), b + 8, size_t(8)) == CUDA_ERROR_ILLEGAL_ADDRESS ? 0 : 99);
      },
      testing::ExitedWithCode(1), "cuMemcpyDtoH: ");
}

TEST_F(DriverDeathTest, WithoutChecksUnwrittenBytesAreFine) {
  setenv("INCEPT_SIM_CHECK", "none", 1);
  EXPECT_EXIT(
      {
        CUdeviceptr a = allocate(16);
        char host[16];
        exit(cu("cuMemcpyDtoH", static_cast<void *>(host), a, size_t(16)));
      },
      testing::ExitedWithCode(0), "");
  unsetenv("INCEPT_SIM_CHECK");
}

} // namespace
