// SPDX-License-Identifier: Apache-2.0
//
// The simulated driver's schedules and the errors it is told to give. Each test runs in processes of its own, since
// options are read once.
#include "test/sim/Simulated.h"

#include <gtest/gtest.h>

#include <vector>

using namespace incept::sim;

namespace {

class ScheduleDeathTest : public testing::Test {
protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  void TearDown() override {
    unsetenv("INCEPT_SIM_SCHEDULE");
    unsetenv("INCEPT_SIM_INJECT");
  }
};
using InjectDeathTest = ScheduleDeathTest;

CUdeviceptr allocate(std::vector<int> values) {
  CUdeviceptr address = 0;
  cu("cuMemAlloc", &address, values.size() * 4);
  cu("cuMemcpyHtoD", address, static_cast<const void *>(values.data()), values.size() * 4);
  return address;
}

int *pageLocked(int value) {
  void *pointer = nullptr;
  cu("cuMemHostAlloc", &pointer, size_t(4), 0u);
  *static_cast<int *>(pointer) = value;
  return static_cast<int *>(pointer);
}

CUstream stream(unsigned flags = CU_STREAM_NON_BLOCKING) {
  CUstream made = nullptr;
  cu("cuStreamCreate", &made, flags);
  return made;
}

/// A value goes to the device on one stream and back on another, with or without an event between. The value that
/// comes back; 1 is right, 0 was there before.
int throughTwoStreams(bool waits) {
  makeCurrent();
  CUstream in = stream(), out = stream();
  CUdeviceptr place = allocate({0});
  CUevent copied = nullptr;
  cu("cuEventCreate", &copied, unsigned(CU_EVENT_DISABLE_TIMING));
  int *from = pageLocked(1), *to = pageLocked(-1);
  cu("cuMemcpyHtoDAsync", place, static_cast<const void *>(from), size_t(4), in);
  cu("cuEventRecord", copied, in);
  if (waits)
    cu("cuStreamWaitEvent", out, copied, 0u);
  cu("cuMemcpyDtoHAsync", static_cast<void *>(to), place, size_t(4), out);
  cu("cuStreamSynchronize", out);
  return *to;
}

TEST_F(ScheduleDeathTest, AMissingWaitShows) {
  setenv("INCEPT_SIM_SCHEDULE", "late", 1);
  EXPECT_EXIT(exit(throughTwoStreams(true)), testing::ExitedWithCode(1), "");
  EXPECT_EXIT(exit(throughTwoStreams(false)), testing::ExitedWithCode(0), "");
  setenv("INCEPT_SIM_SCHEDULE", "early", 1);
  EXPECT_EXIT(exit(throughTwoStreams(false)), testing::ExitedWithCode(1), "");
}

TEST_F(ScheduleDeathTest, RandomOrdersAreOnesThatEventsAllow) {
  for (int seed : {1, 2, 3}) {
    setenv("INCEPT_SIM_SCHEDULE", ("random:" + std::to_string(seed)).c_str(), 1);
    EXPECT_EXIT(exit(throughTwoStreams(true)), testing::ExitedWithCode(1), "") << seed;
  }
  // Many chances in one process: without the wait some come too early.
  EXPECT_EXIT(
      {
        int wrong = 0;
        for (int i = 0; i < 20; ++i)
          wrong += throughTwoStreams(false) == 0;
        exit(wrong > 2 && wrong < 18 ? 0 : 99);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(ScheduleDeathTest, AQueryDoesNotWait) {
  setenv("INCEPT_SIM_SCHEDULE", "random:4", 1);
  EXPECT_EXIT(
      {
        makeCurrent();
        CUstream s = stream();
        CUdeviceptr place = allocate({0});
        for (int i = 0; i < 20; ++i)
          cu("cuMemsetD32Async", place, 7u, size_t(1), s);
        int notReady = 0;
        while (cu("cuStreamQuery", s) == CUDA_ERROR_NOT_READY && notReady < 1000)
          ++notReady;
        exit(notReady > 0 && notReady < 40 ? 0 : 99);
      },
      testing::ExitedWithCode(0), "");
}

// The default stream and one that is not told to be non-blocking wait for each other.
TEST_F(ScheduleDeathTest, TheDefaultStreamWaits) {
  for (const char *schedule : {"late", "random:1", "random:2"}) {
    setenv("INCEPT_SIM_SCHEDULE", schedule, 1);
    EXPECT_EXIT(
        {
          makeCurrent();
          CUstream s = stream(CU_STREAM_DEFAULT);
          CUdeviceptr place = allocate({0});
          cu("cuMemsetD32Async", place, 5u, size_t(1), s);
          int value = 0;
          cu("cuMemcpyDtoH", static_cast<void *>(&value), place, size_t(4));
          exit(value);
        },
        testing::ExitedWithCode(5), "");
  }
}

// What is waited for before an event is recorded is nothing; records count from the last.
TEST_F(ScheduleDeathTest, WaitsForTheRecordBeforeThem) {
  setenv("INCEPT_SIM_SCHEDULE", "late", 1);
  EXPECT_EXIT(
      {
        makeCurrent();
        CUstream a = stream();
        CUstream b = stream();
        CUdeviceptr place = allocate({0});
        CUevent event = nullptr;
        cu("cuEventCreate", &event, 0u);
        cu("cuStreamWaitEvent", b, event, 0u); // never recorded
        cu("cuEventRecord", event, a);
        cu("cuStreamWaitEvent", b, event, 0u);
        cu("cuMemsetD32Async", place, 3u, size_t(1), a);
        cu("cuEventRecord", event, a); // later than the wait
        int *value = pageLocked(-1);
        cu("cuMemcpyDtoHAsync", static_cast<void *>(value), place, size_t(4), b);
        cu("cuStreamSynchronize", b);
        if (*value != 0)
          exit(99);
        cu("cuEventSynchronize", event);
        cu("cuMemcpyDtoHAsync", static_cast<void *>(value), place, size_t(4), b);
        cu("cuStreamSynchronize", b);
        exit(*value);
      },
      testing::ExitedWithCode(3), "");
}

TEST_F(InjectDeathTest, TheNthCallFails) {
  setenv("INCEPT_SIM_INJECT", "oom:2,copy-fail:3", 1);
  EXPECT_EXIT(
      {
        makeCurrent();
        CUdeviceptr a = 0;
        int host = 1;
        int wrong = 0;
        for (int i = 1; i <= 3; ++i)
          wrong += cu("cuMemAlloc", &a, size_t(4)) != (i == 2 ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_SUCCESS);
        for (int i = 1; i <= 4; ++i)
          wrong += cu("cuMemcpyHtoD", a, static_cast<const void *>(&host), size_t(4)) !=
                   (i == 3 ? CUDA_ERROR_UNKNOWN : CUDA_SUCCESS);
        exit(wrong);
      },
      testing::ExitedWithCode(0), "");
}

// A sticky error comes with some work and stays; it is not the program's, so that the exit status is.
TEST_F(InjectDeathTest, AStickyErrorStays) {
  setenv("INCEPT_SIM_INJECT", "sticky:2", 1);
  EXPECT_EXIT(
      {
        makeCurrent();
        CUdeviceptr a = 0;
        int host = 1;
        cu("cuMemAlloc", &a, size_t(4));
        CUresult first = cu("cuMemcpyHtoD", a, static_cast<const void *>(&host), size_t(4));
        CUresult second = cu("cuMemcpyHtoD", a, static_cast<const void *>(&host), size_t(4));
        CUresult third = cu("cuMemFree", a);
        exit(first == CUDA_SUCCESS && second == CUDA_ERROR_ILLEGAL_ADDRESS && third == second ? 0 : 99);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(InjectDeathTest, NoDeviceAndAnOldDriver) {
  setenv("INCEPT_SIM_INJECT", "no-device", 1);
  EXPECT_EXIT(exit(cu("cuInit", 0u) == CUDA_ERROR_NO_DEVICE ? 0 : 99), testing::ExitedWithCode(0), "");
  setenv("INCEPT_SIM_INJECT", "driver-old,cudnn-mismatch", 1);
  EXPECT_EXIT(
      {
        makeCurrent();
        int version = 0;
        cu("cuDriverGetVersion", &version);
        CUmodule module = nullptr;
        CUresult loaded = cu("cuModuleLoadData", &module, static_cast<const void *>(".version 8.0\n.target sm_80\n"));
        cudnnHandle_t handle = nullptr;
        cudnnStatus_t made = dnn("cudnnCreate", &handle);
        exit(version == 11000 && loaded == CUDA_ERROR_UNSUPPORTED_PTX_VERSION &&
                     made == CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH
                 ? 0
                 : 99);
      },
      testing::ExitedWithCode(0), "");
  setenv("INCEPT_SIM_INJECT", "oom:0", 1);
  EXPECT_EXIT(exit(cu("cuInit", 0u)), testing::ExitedWithCode(CUDA_ERROR_NO_DEVICE), "INCEPT_SIM_INJECT must be");
}

// The time between two events is there when both have been reached.
TEST_F(ScheduleDeathTest, EventsThatAreNotReached) {
  setenv("INCEPT_SIM_SCHEDULE", "late", 1);
  EXPECT_EXIT(
      {
        makeCurrent();
        CUstream s = stream();
        CUevent first = nullptr;
        CUevent last = nullptr;
        cu("cuEventCreate", &first, 0u);
        cu("cuEventCreate", &last, 0u);
        cu("cuEventRecord", first, s);
        cu("cuEventRecord", last, s);
        float ms = -1;
        CUresult none = cu("cuEventElapsedTime", &ms, first, last);
        cu("cuEventSynchronize", first);
        CUresult half = cu("cuEventElapsedTime", &ms, first, last);
        CUresult other = cu("cuEventElapsedTime", &ms, last, first);
        bool isUntouched = ms == -1;
        cu("cuEventSynchronize", last);
        CUresult both = cu("cuEventElapsedTime", &ms, first, last);
        exit(none == CUDA_ERROR_NOT_READY && half == CUDA_ERROR_NOT_READY && other == CUDA_ERROR_NOT_READY &&
                     isUntouched && both == CUDA_SUCCESS && ms >= 0 && ms < 60000
                 ? 0
                 : 99);
      },
      testing::ExitedWithCode(0), "");
}

// The summary: the work that took longest first.
TEST_F(ScheduleDeathTest, StatisticsAtTheEnd) {
  setenv("INCEPT_SIM_STATISTICS", "1", 1);
  EXPECT_EXIT(
      {
        makeCurrent();
        CUdeviceptr small = allocate({0});
        CUdeviceptr large = 0;
        cu("cuMemAlloc", &large, size_t(1) << 27);
        for (int i = 0; i < 3; ++i)
          cu("cuMemsetD16", small, static_cast<unsigned short>(1), size_t(2));
        cu("cuMemsetD32", large, 1u, size_t(1) << 25);
        exit(0);
      },
      testing::ExitedWithCode(0),
      "^incept-sim:         runs           ms  work\n"
      "incept-sim:            1 +[0-9]+\\.[0-9]{3}  cuMemsetD32\n"
      "(.*\n)*incept-sim:            3 +[0-9]+\\.[0-9]{3}  cuMemsetD16\n");
  unsetenv("INCEPT_SIM_STATISTICS");
}

} // namespace
