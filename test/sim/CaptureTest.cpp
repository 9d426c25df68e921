// SPDX-License-Identifier: Apache-2.0
//
// What the simulated driver, and cuDNN on it, allow while a stream is being captured. Each rule is broken once, and
// kept once.
#include "test/sim/Simulated.h"

#include <gtest/gtest.h>

#include <functional>
#include <thread>
#include <vector>

using namespace incept::sim;

namespace {

class Capture : public testing::Test {
protected:
  void SetUp() override {
    makeCurrent();
    first = stream(CU_STREAM_NON_BLOCKING);
    second = stream(CU_STREAM_NON_BLOCKING);
    ASSERT_EQ(cu("cuEventCreate", &event, 0u), CUDA_SUCCESS);
    ASSERT_EQ(cu("cuEventCreate", &other, 0u), CUDA_SUCCESS);
    ASSERT_EQ(cu("cuMemAlloc", &memory, size_t(64)), CUDA_SUCCESS);
    fill(CUstream(nullptr), 0, 16);
    ASSERT_EQ(cu("cuCtxSynchronize"), CUDA_SUCCESS);
  }
  void TearDown() override {
    EXPECT_EQ(cu("cuCtxSynchronize"), CUDA_SUCCESS); // no capture is left
    for (CUstream made : streams)
      cu("cuStreamDestroy", made);
    EXPECT_EQ(cu("cuMemFree", memory), CUDA_SUCCESS);
  }

  CUstream stream(unsigned flags) {
    CUstream made = nullptr;
    EXPECT_EQ(cu("cuStreamCreate", &made, flags), CUDA_SUCCESS);
    streams.push_back(made);
    return made;
  }
  CUresult fill(CUstream to, unsigned value, size_t count = 1, size_t at = 0) {
    return cu("cuMemsetD32Async", memory + 4 * at, value, count, to);
  }
  void begin(CUstream of, CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED) {
    ASSERT_EQ(cu("cuStreamBeginCapture", of, mode), CUDA_SUCCESS);
  }
  CUresult end(CUstream of, CUgraph *result = nullptr) {
    CUgraph graph = nullptr;
    CUresult ended = cu("cuStreamEndCapture", of, &graph);
    EXPECT_EQ(graph != nullptr, ended == CUDA_SUCCESS);
    if (result)
      *result = graph;
    return ended;
  }
  CUresult record(CUstream in, CUevent which) { return cu("cuEventRecord", which, in); }
  CUresult wait(CUstream in, CUevent which) { return cu("cuStreamWaitEvent", in, which, 0u); }
  CUstreamCaptureStatus status(CUstream of) {
    CUstreamCaptureStatus result = CU_STREAM_CAPTURE_STATUS_NONE;
    EXPECT_EQ(cu("cuStreamIsCapturing", of, &result), CUDA_SUCCESS);
    return result;
  }
  CUresult sync(CUstream of) { return cu("cuStreamSynchronize", of); }
  CUresult copy() { return cu("cuMemcpyHtoD", memory, static_cast<const void *>(numbers), sizeof(numbers)); }
  CUresult allocate() {
    CUdeviceptr made = 0;
    CUresult result = cu("cuMemAlloc", &made, size_t(16));
    return result == CUDA_SUCCESS ? cu("cuMemFree", made) : result;
  }

  /// `call` in a capture of `of` gives `error`, and the capture is lost; or, with CUDA_SUCCESS, goes on.
  void expectInCapture(CUstream of, CUstreamCaptureMode mode, const char *what, const std::function<CUresult()> &call,
                       CUresult error) {
    begin(of, mode);
    EXPECT_EQ(call(), error) << what;
    EXPECT_EQ(end(of), error == CUDA_SUCCESS ? CUDA_SUCCESS : CUDA_ERROR_STREAM_CAPTURE_INVALIDATED) << what;
  }

  static constexpr int numbers[2] = {1, 2};
  std::vector<CUstream> streams;
  CUstream first = nullptr, second = nullptr;
  CUevent event = nullptr, other = nullptr;
  CUdeviceptr memory = 0;
};

TEST_F(Capture, StreamsForkAndJoin) {
  begin(first);
  EXPECT_EQ(fill(first, 1), CUDA_SUCCESS);
  EXPECT_EQ(record(first, event), CUDA_SUCCESS);
  EXPECT_EQ(wait(second, event), CUDA_SUCCESS);
  EXPECT_EQ(status(second), CU_STREAM_CAPTURE_STATUS_ACTIVE);
  EXPECT_EQ(fill(second, 2, 1, 1), CUDA_SUCCESS);
  EXPECT_EQ(record(second, other), CUDA_SUCCESS);
  EXPECT_EQ(wait(first, other), CUDA_SUCCESS);
  CUgraph graph = nullptr;
  ASSERT_EQ(end(first, &graph), CUDA_SUCCESS);
  EXPECT_EQ(status(second), CU_STREAM_CAPTURE_STATUS_NONE);
  CUgraphExec executable = nullptr;
  ASSERT_EQ(cu("cuGraphInstantiate", &executable, graph, 0ull), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuGraphLaunch", executable, second), CUDA_SUCCESS);
  EXPECT_EQ(sync(second), CUDA_SUCCESS);
  int result[2] = {};
  EXPECT_EQ(cu("cuMemcpyDtoH", static_cast<void *>(result), memory, sizeof(result)), CUDA_SUCCESS);
  EXPECT_EQ(result[0], 1);
  EXPECT_EQ(result[1], 2);
}

TEST_F(Capture, ForkedWorkMustBeJoined) {
  begin(first);
  record(first, event);
  wait(second, event);
  fill(second, 2);
  EXPECT_EQ(end(first), CUDA_ERROR_STREAM_CAPTURE_UNJOINED);
  EXPECT_EQ(fill(second, 3), CUDA_SUCCESS); // out of the capture
  EXPECT_EQ(sync(second), CUDA_SUCCESS);
  // An event from before the last work does not join it.
  begin(first);
  record(first, event);
  wait(second, event);
  fill(second, 2);
  record(second, other);
  fill(second, 3);
  wait(first, other);
  EXPECT_EQ(end(first), CUDA_ERROR_STREAM_CAPTURE_UNJOINED);
  // By way of a third stream.
  CUstream third = stream(CU_STREAM_NON_BLOCKING);
  begin(first);
  record(first, event);
  wait(second, event);
  fill(second, 2);
  record(second, other);
  wait(third, other);
  fill(third, 4);
  record(third, event);
  wait(first, event);
  EXPECT_EQ(end(first), CUDA_SUCCESS);
  // A stream that joined and did nothing.
  begin(first);
  record(first, event);
  wait(second, event);
  EXPECT_EQ(end(first), CUDA_SUCCESS);
}

TEST_F(Capture, EndsInTheStreamWhereItBegan) {
  begin(first);
  record(first, event);
  wait(second, event);
  EXPECT_EQ(end(second), CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
  EXPECT_EQ(end(first), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  EXPECT_EQ(end(first), CUDA_ERROR_ILLEGAL_STATE);
}

TEST_F(Capture, EndsInTheThreadWhereItBegan) {
  begin(first, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
  std::thread([&] {
    makeCurrent();
    EXPECT_EQ(end(first), CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD);
  }).join();
  EXPECT_EQ(end(first), CUDA_SUCCESS);
  begin(first, CU_STREAM_CAPTURE_MODE_RELAXED);
  std::thread([&] {
    makeCurrent();
    EXPECT_EQ(end(first), CUDA_SUCCESS);
  }).join();
}

TEST_F(Capture, CapturesDoNotMerge) {
  begin(first);
  begin(second);
  record(first, event);
  EXPECT_EQ(wait(second, event), CUDA_ERROR_STREAM_CAPTURE_MERGE);
  EXPECT_EQ(end(first), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  EXPECT_EQ(end(second), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
}

TEST_F(Capture, CapturedEventsMeanNothingOutside) {
  for (const char *function : {"cuEventQuery", "cuEventSynchronize"})
    expectInCapture(
        first, CU_STREAM_CAPTURE_MODE_RELAXED, function,
        [&] {
          record(first, event);
          return cu(function, event);
        },
        CUDA_ERROR_CAPTURED_EVENT);
  begin(first);
  record(first, event);
  EXPECT_EQ(end(first), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuEventSynchronize", event), CUDA_ERROR_CAPTURED_EVENT);
  EXPECT_EQ(wait(second, event), CUDA_ERROR_CAPTURED_EVENT);
  EXPECT_EQ(record(second, event), CUDA_SUCCESS); // and now it does
  EXPECT_EQ(cu("cuEventSynchronize", event), CUDA_SUCCESS);
}

TEST_F(Capture, TakesNoWorkAfterItIsLost) {
  begin(first);
  record(first, event);
  EXPECT_EQ(sync(first), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  EXPECT_EQ(fill(first, 1), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  EXPECT_EQ(record(first, other), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  EXPECT_EQ(wait(second, event), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  EXPECT_EQ(status(second), CU_STREAM_CAPTURE_STATUS_NONE);
  EXPECT_EQ(end(first), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  EXPECT_EQ(fill(first, 1), CUDA_SUCCESS);
}

// Who asks for all streams asks for the one that is captured.
TEST_F(Capture, NothingWaitsForItWhateverTheMode) {
  for (CUstreamCaptureMode mode :
       {CU_STREAM_CAPTURE_MODE_GLOBAL, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL, CU_STREAM_CAPTURE_MODE_RELAXED}) {
    constexpr CUresult kUnsupported = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    expectInCapture(
        first, mode, "cuCtxSynchronize", [] { return cu("cuCtxSynchronize"); }, kUnsupported);
    expectInCapture(
        first, mode, "cuStreamSynchronize", [&] { return sync(first); }, kUnsupported);
    expectInCapture(
        first, mode, "cuStreamQuery", [&] { return cu("cuStreamQuery", first); }, kUnsupported);
    expectInCapture(
        first, mode, "another stream", [&] { return sync(second); }, CUDA_SUCCESS);
  }
}

TEST_F(Capture, TheModeSaysWhatIsUnsafe) {
  record(second, event);
  void *host = nullptr;
  ASSERT_EQ(cu("cuMemHostAlloc", &host, size_t(16), 0u), CUDA_SUCCESS);
  static char own[64];
  struct {
    const char *what;
    std::function<CUresult()> call;
  } calls[] = {
      {"cuMemAlloc", [&] { return allocate(); }},
      {"cuMemcpyHtoD", [&] { return copy(); }},
      {"cuEventQuery", [&] { return cu("cuEventQuery", event); }},
      {"cuEventSynchronize", [&] { return cu("cuEventSynchronize", event); }},
      {"cuMemHostRegister", [&] { return cu("cuMemHostRegister", static_cast<void *>(own), sizeof(own), 0u); }},
      {"cuMemHostUnregister", [&] { return cu("cuMemHostUnregister", static_cast<void *>(own)); }},
      {"cuMemFreeHost", [&] { return cu("cuMemFreeHost", host); }},
  };
  for (CUstreamCaptureMode mode : {CU_STREAM_CAPTURE_MODE_GLOBAL, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL})
    for (auto &[what, call] : calls)
      expectInCapture(first, mode, what, call, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  for (auto &[what, call] : calls)
    expectInCapture(first, CU_STREAM_CAPTURE_MODE_RELAXED, what, call, CUDA_SUCCESS);
}

// A global capture binds every thread, but one that says otherwise.
TEST_F(Capture, OtherThreadsAreBoundByAGlobalCapture) {
  auto elsewhere = [&](CUstreamCaptureMode mode) {
    CUresult result = CUDA_ERROR_UNKNOWN;
    std::thread([&] {
      makeCurrent();
      CUstreamCaptureMode changed = mode;
      EXPECT_EQ(cu("cuThreadExchangeStreamCaptureMode", &changed), CUDA_SUCCESS);
      EXPECT_EQ(changed, CU_STREAM_CAPTURE_MODE_GLOBAL);
      result = allocate();
    }).join();
    return result;
  };
  expectInCapture(
      first, CU_STREAM_CAPTURE_MODE_GLOBAL, "global", [&] { return elsewhere(CU_STREAM_CAPTURE_MODE_GLOBAL); },
      CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  for (CUstreamCaptureMode mode : {CU_STREAM_CAPTURE_MODE_THREAD_LOCAL, CU_STREAM_CAPTURE_MODE_RELAXED})
    expectInCapture(
        first, CU_STREAM_CAPTURE_MODE_GLOBAL, "by its own mode", [&] { return elsewhere(mode); }, CUDA_SUCCESS);
  expectInCapture(
      first, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL, "thread-local",
      [&] { return elsewhere(CU_STREAM_CAPTURE_MODE_GLOBAL); }, CUDA_SUCCESS);
}

// The legacy stream stands for all that block.
TEST_F(Capture, TheLegacyStreamIsNotUsedBesideABlockingOne) {
  CUstream blocking = stream(CU_STREAM_DEFAULT);
  const CUstreamCaptureMode relaxed = CU_STREAM_CAPTURE_MODE_RELAXED;
  auto legacy = CUstream(nullptr);
  struct {
    const char *what;
    std::function<CUresult()> call;
  } calls[] = {
      {"cuMemsetD32Async", [&] { return fill(legacy, 1); }},
      {"cuMemcpyHtoD", [&] { return copy(); }},
      {"cuEventRecord", [&] { return record(legacy, event); }},
      {"cuStreamSynchronize", [&] { return sync(legacy); }},
      {"cuStreamQuery", [&] { return cu("cuStreamQuery", legacy); }},
  };
  for (auto &[what, call] : calls) {
    expectInCapture(blocking, relaxed, what, call, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
    expectInCapture(first, relaxed, what, call, CUDA_SUCCESS);
  }
  expectInCapture(
      first, relaxed, "legacy waits",
      [&] {
        record(first, event);
        return wait(legacy, event);
      },
      CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
  begin(blocking);
  CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_NONE;
  EXPECT_EQ(cu("cuStreamIsCapturing", legacy, &status), CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
  EXPECT_EQ(end(blocking), CUDA_SUCCESS); // asking broke nothing
}

TEST_F(Capture, IsLostWithItsStream) {
  CUstream gone = nullptr;
  ASSERT_EQ(cu("cuStreamCreate", &gone, unsigned(CU_STREAM_NON_BLOCKING)), CUDA_SUCCESS);
  begin(gone);
  record(gone, event);
  wait(second, event);
  EXPECT_EQ(cu("cuStreamDestroy", gone), CUDA_SUCCESS);
  EXPECT_EQ(status(second), CU_STREAM_CAPTURE_STATUS_NONE);
  EXPECT_EQ(fill(second, 1), CUDA_SUCCESS);
}

TEST_F(Capture, TheReasonIsSaid) {
  testing::internal::CaptureStderr();
  expectInCapture(
      first, CU_STREAM_CAPTURE_MODE_GLOBAL, "cuMemAlloc", [&] { return allocate(); },
      CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "incept-sim: cuMemAlloc breaks the capture of a stream: CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED\n");
  testing::internal::CaptureStderr();
  expectInCapture(
      first, CU_STREAM_CAPTURE_MODE_GLOBAL, "fill", [&] { return fill(first, 1); }, CUDA_SUCCESS);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(Capture, CudnnAllocatesAndLoadsBeforeIt) {
  cudnnHandle_t handle = nullptr;
  begin(first, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
  EXPECT_EQ(dnn("cudnnCreate", &handle), CUDNN_STATUS_EXECUTION_FAILED_CUDA_DRIVER);
  EXPECT_EQ(end(first), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  ASSERT_EQ(dnn("cudnnCreate", &handle), CUDNN_STATUS_SUCCESS);
  begin(first, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
  EXPECT_EQ(dnn("cudnnSetStream", handle, first), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(end(first), CUDA_SUCCESS);
  begin(first, CU_STREAM_CAPTURE_MODE_GLOBAL);
  EXPECT_EQ(dnn("cudnnDestroy", handle), CUDNN_STATUS_EXECUTION_FAILED_CUDA_DRIVER);
  EXPECT_EQ(end(first), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  cudnnHandle_t more = nullptr;
  begin(first, CU_STREAM_CAPTURE_MODE_RELAXED);
  EXPECT_EQ(dnn("cudnnCreate", &more), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(dnn("cudnnDestroy", more), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(end(first), CUDA_SUCCESS);
  EXPECT_EQ(dnn("cudnnDestroy", handle), CUDNN_STATUS_SUCCESS);
}

} // namespace
