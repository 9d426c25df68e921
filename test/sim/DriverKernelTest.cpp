// SPDX-License-Identifier: Apache-2.0
//
// The simulated driver: modules, launches and their limits, and work that runs late.
#include "test/sim/Simulated.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

using namespace incept::sim;

namespace {

// dst[i] = 2 * src[i] for i < count
constexpr const char *kDouble = R"(
.version 8.0
.target sm_80
.address_size 64
.visible .entry twice(.param .u64 src, .param .u64 dst, .param .u64 count)
{
  .reg .pred %p<2>;
  .reg .b32 %r<5>;
  .reg .b64 %rd<8>;
  .reg .f32 %f<3>;
  ld.param.u64 %rd1, [src];
  ld.param.u64 %rd2, [dst];
  ld.param.u64 %rd3, [count];
  mov.u32 %r1, %ctaid.x;
  mov.u32 %r2, %ntid.x;
  mov.u32 %r3, %tid.x;
  mad.lo.s32 %r4, %r1, %r2, %r3;
  cvt.u64.u32 %rd4, %r4;
  setp.ge.u64 %p1, %rd4, %rd3;
  @%p1 bra DONE;
  shl.b64 %rd5, %rd4, 2;
  add.s64 %rd6, %rd1, %rd5;
  add.s64 %rd7, %rd2, %rd5;
  ld.global.f32 %f1, [%rd6];
  add.f32 %f2, %f1, %f1;
  st.global.f32 [%rd7], %f2;
DONE:
  ret;
}
)";

class Kernels : public testing::Test {
protected:
  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    makeCurrent();
    ASSERT_EQ(cu("cuModuleLoadData", &module, static_cast<const void *>(kDouble)), CUDA_SUCCESS);
    ASSERT_EQ(cu("cuModuleGetFunction", &function, module, static_cast<const char *>("twice")), CUDA_SUCCESS);
    ASSERT_EQ(cu("cuStreamCreate", &stream, unsigned(CU_STREAM_NON_BLOCKING)), CUDA_SUCCESS);
  }

  CUdeviceptr device(const std::vector<float> &values) {
    CUdeviceptr address = 0;
    cu("cuMemAlloc", &address, values.size() * 4);
    write(address, values);
    return address;
  }
  void write(CUdeviceptr address, const std::vector<float> &values) {
    EXPECT_EQ(cu("cuMemcpyHtoD", address, static_cast<const void *>(values.data()), values.size() * 4), CUDA_SUCCESS);
  }
  std::vector<float> read(CUdeviceptr src, size_t count) {
    std::vector<float> values(count);
    EXPECT_EQ(cu("cuMemcpyDtoH", static_cast<void *>(values.data()), src, count * 4), CUDA_SUCCESS);
    return values;
  }
  CUresult launch(CUdeviceptr src, CUdeviceptr dst, uint64_t count, unsigned grid = 2, unsigned block = 4,
                  unsigned shared = 0) {
    void *parameters[] = {&src, &dst, &count};
    return cu("cuLaunchKernel", function, grid, 1u, 1u, block, 1u, 1u, shared, stream, static_cast<void **>(parameters),
              static_cast<void **>(nullptr));
  }

  CUmodule module = nullptr;
  CUfunction function = nullptr;
  CUstream stream = nullptr;
};

using KernelsDeathTest = Kernels;

TEST_F(Kernels, RunOnTheirParameters) {
  CUdeviceptr src = device({1, 2, 3, 4, 5}), dst = device({0, 0, 0, 0, 0});
  EXPECT_EQ(launch(src, dst, 5), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuStreamSynchronize", stream), CUDA_SUCCESS);
  EXPECT_EQ(read(dst, 5), (std::vector<float>{2, 4, 6, 8, 10}));

  // The same parameters as one buffer.
  struct {
    CUdeviceptr src, dst;
    uint64_t count;
  } packed = {dst, src, 2};
  size_t bytes = sizeof(packed);
  void *extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, &packed, CU_LAUNCH_PARAM_BUFFER_SIZE, &bytes, CU_LAUNCH_PARAM_END};
  CUlaunchConfig config = {};
  config.gridDimX = config.gridDimY = config.gridDimZ = config.blockDimY = config.blockDimZ = 1;
  config.blockDimX = 32;
  config.hStream = stream;
  EXPECT_EQ(cu("cuLaunchKernelEx", static_cast<const CUlaunchConfig *>(&config), function,
               static_cast<void **>(nullptr), static_cast<void **>(extra)),
            CUDA_SUCCESS);
  EXPECT_EQ(cu("cuStreamSynchronize", stream), CUDA_SUCCESS);
  EXPECT_EQ(read(src, 3), (std::vector<float>{4, 8, 3}));
}

// Addresses and extents are those of the capture, values those of the launch.
TEST_F(Kernels, RunInAGraph) {
  CUdeviceptr src = device({1, 2}), dst = device({0, 0});
  uint64_t count = 2;
  void *parameters[] = {&src, &dst, &count};
  CUdeviceptr kept = dst;
  ASSERT_EQ(cu("cuStreamBeginCapture", stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL), CUDA_SUCCESS);
  ASSERT_EQ(cu("cuLaunchKernel", function, 1u, 1u, 1u, 32u, 1u, 1u, 0u, stream, static_cast<void **>(parameters),
               static_cast<void **>(nullptr)),
            CUDA_SUCCESS);
  dst = 0;
  count = 1;
  CUgraph graph = nullptr;
  CUgraphExec executable = nullptr;
  ASSERT_EQ(cu("cuStreamEndCapture", stream, &graph), CUDA_SUCCESS);
  ASSERT_EQ(cu("cuGraphInstantiate", &executable, graph, 0ull), CUDA_SUCCESS);
  EXPECT_EQ(read(kept, 2), (std::vector<float>{0, 0}));
  write(src, {5, 6});
  EXPECT_EQ(cu("cuGraphLaunch", executable, stream), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuStreamSynchronize", stream), CUDA_SUCCESS);
  EXPECT_EQ(read(kept, 2), (std::vector<float>{10, 12}));
}

TEST_F(Kernels, LaunchesHaveLimits) {
  CUdeviceptr src = device({1}), dst = device({0});
  EXPECT_EQ(launch(src, dst, 1, 1, 1025), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(launch(src, dst, 1, 0, 32), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(launch(src, dst, 1, 1, 32, 49153), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuFuncSetAttribute", function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 232449),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuFuncSetAttribute", function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 232448), CUDA_SUCCESS);
  EXPECT_EQ(launch(src, dst, 1, 1, 32, 49153), CUDA_SUCCESS);
  uint64_t count = 1;
  void *parameters[] = {&src, &dst, &count};
  auto withGrid = [&](unsigned y, unsigned z) {
    return cu("cuLaunchKernel", function, 1u, y, z, 32u, 1u, 1u, 0u, stream, static_cast<void **>(parameters),
              static_cast<void **>(nullptr));
  };
  EXPECT_EQ(cu("cuLaunchKernel", function, 1u, 1u, 1u, 32u, 1u, 1u, 0u, stream, static_cast<void **>(nullptr),
               static_cast<void **>(nullptr)),
            CUDA_ERROR_INVALID_VALUE); // it has parameters
  EXPECT_EQ(withGrid(65536, 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(withGrid(1, 65536), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuStreamSynchronize", stream), CUDA_SUCCESS);
  int blocks = 0;
  EXPECT_EQ(cu("cuOccupancyMaxActiveBlocksPerMultiprocessor", &blocks, function, 256, size_t(0)), CUDA_SUCCESS);
  EXPECT_EQ(blocks, 8);
  EXPECT_EQ(cu("cuOccupancyMaxActiveBlocksPerMultiprocessor", &blocks, function, 32, size_t(100000)), CUDA_SUCCESS);
  EXPECT_EQ(blocks, 2);
}

// What the kernel was compiled for is a limit too.
TEST_F(Kernels, LaunchesKeepToTheKernelsBounds) {
  std::string text = kDouble;
  text.replace(text.find("{", text.find("count)")), 1, ".maxntid 64, 1, 1 {");
  CUmodule bounded = nullptr;
  ASSERT_EQ(cu("cuModuleLoadData", &bounded, static_cast<const void *>(text.c_str())), CUDA_SUCCESS);
  ASSERT_EQ(cu("cuModuleGetFunction", &function, bounded, static_cast<const char *>("twice")), CUDA_SUCCESS);
  CUdeviceptr src = device({1}), dst = device({0});
  testing::internal::CaptureStderr();
  EXPECT_EQ(launch(src, dst, 1, 1, 65), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(
      testing::internal::GetCapturedStderr(),
      "incept-sim: a launch of 'twice' is refused: the block has 65 threads, and the kernel is compiled for at most "
      "64 (.maxntid)\n");
  EXPECT_EQ(launch(src, dst, 1, 1, 64), CUDA_SUCCESS);
  int threads = 0;
  EXPECT_EQ(cu("cuFuncGetAttribute", &threads, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, function), CUDA_SUCCESS);
  EXPECT_EQ(threads, 64);
  std::string required = text;
  required.replace(required.find(".maxntid 64, 1, 1"), 17, ".reqntid 32, 2, 1");
  ASSERT_EQ(cu("cuModuleLoadData", &bounded, static_cast<const void *>(required.c_str())), CUDA_SUCCESS);
  ASSERT_EQ(cu("cuModuleGetFunction", &function, bounded, static_cast<const char *>("twice")), CUDA_SUCCESS);
  EXPECT_EQ(launch(src, dst, 1, 1, 64), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuStreamSynchronize", stream), CUDA_SUCCESS);
}

TEST_F(Kernels, ModulesThatDoNotLoad) {
  CUmodule other = nullptr;
  auto load = [&](const std::string &image) {
    return cu("cuModuleLoadData", &other, static_cast<const void *>(image.c_str()));
  };
  EXPECT_EQ(load("\x7f"
                 "ELF\2\1\1"),
            CUDA_ERROR_NO_BINARY_FOR_GPU);
  std::string newer = kDouble;
  EXPECT_EQ(load(newer.replace(newer.find("sm_80"), 5, "sm_99")), CUDA_ERROR_INVALID_PTX);
  std::string broken = kDouble;
  broken.replace(broken.find("mad.lo.s32"), 10, "mad.lo.s3]");
  char log[200] = "";
  CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, reinterpret_cast<void *>(sizeof(log))};
  EXPECT_EQ(cu("cuModuleLoadDataEx", &other, static_cast<const void *>(broken.c_str()), 2u,
               static_cast<CUjit_option *>(options), static_cast<void **>(values)),
            CUDA_ERROR_INVALID_PTX);
  EXPECT_NE(std::string(log).find("ptx:1"), std::string::npos) << log;
  CUfunction missing = nullptr;
  EXPECT_EQ(cu("cuModuleGetFunction", &missing, module, static_cast<const char *>("thrice")), CUDA_ERROR_NOT_FOUND);
  EXPECT_EQ(cu("cuModuleUnload", module), CUDA_SUCCESS);
  EXPECT_EQ(launch(0, 0, 0), CUDA_ERROR_INVALID_HANDLE); // the function went with its module
  EXPECT_EQ(cu("cuModuleUnload", module), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(KernelsDeathTest, AccessesOutsideOfAllocationsAreStickyErrors) {
  EXPECT_EXIT(
      {
        CUdeviceptr src = device({1, 2});
        CUdeviceptr dst = device({0});
        CUresult launched = launch(src, dst, 2);
        CUresult waited = cu("cuStreamSynchronize", stream);
        CUresult again = launch(src, dst, 1);
        exit(launched == CUDA_SUCCESS && waited == CUDA_ERROR_ILLEGAL_ADDRESS && again == waited ? 0 : 99);
      },
      testing::ExitedWithCode(1), "twice: .*4 bytes.*out of bounds");
  EXPECT_EXIT(
      {
        CUdeviceptr src = 0;
        cu("cuMemAlloc", &src, size_t(4));
        launch(src, device({0}), 1);
        exit(cu("cuStreamSynchronize", stream) == CUDA_ERROR_ILLEGAL_ADDRESS ? 0 : 99);
      },
      testing::ExitedWithCode(1), "twice: .*written");
}

// A program that looks at a result before it has waited for it sees nothing there.
TEST_F(KernelsDeathTest, LateWorkWaitsForTheProgramToWait) {
  setenv("INCEPT_SIM_SCHEDULE", "late", 1);
  EXPECT_EXIT(
      {
        void *pointer = nullptr;
        cu("cuMemHostAlloc", &pointer, size_t(4), 0u);
        auto *host = static_cast<float *>(pointer);
        *host = 7;
        CUdeviceptr src = device({1});
        CUdeviceptr dst = device({0});
        launch(src, dst, 1);
        cu("cuMemcpyDtoHAsync", pointer, dst, size_t(4), stream);
        float early = *host;
        cu("cuStreamSynchronize", stream);
        exit(early == 7 && *host == 2 ? 0 : 99);
      },
      testing::ExitedWithCode(0), "");
  unsetenv("INCEPT_SIM_SCHEDULE");
}

} // namespace
