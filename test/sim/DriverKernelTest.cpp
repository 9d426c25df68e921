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

TEST_F(Kernels, AttributesOfFunctions) {
  const std::string text = R"(
.version 8.0
.target sm_80
.address_size 64
.global .b32 table[3] = {1, 2, 3};
.visible .entry one(.param .u64 p) .maxntid 256, 2, 1 {
  .reg .b64 %rd<5>; .reg .f32 %f<7>; .shared .b8 x[1000]; .local .b8 y[40]; ret;
}
)";
  CUmodule made = nullptr;
  CUfunction one = nullptr;
  ASSERT_EQ(cu("cuModuleLoadData", &made, static_cast<const void *>(text.c_str())), CUDA_SUCCESS);
  ASSERT_EQ(cu("cuModuleGetFunction", &one, made, static_cast<const char *>("one")), CUDA_SUCCESS);
  auto attribute = [&](CUfunction_attribute name) {
    int value = -1;
    EXPECT_EQ(cu("cuFuncGetAttribute", &value, name, one), CUDA_SUCCESS) << int(name);
    return value;
  };
  EXPECT_EQ(attribute(CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK), 512);
  EXPECT_EQ(attribute(CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES), 1000);
  EXPECT_EQ(attribute(CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES), 40);
  EXPECT_EQ(attribute(CU_FUNC_ATTRIBUTE_NUM_REGS), 17);
  EXPECT_EQ(attribute(CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES), 0);
  EXPECT_EQ(attribute(CU_FUNC_ATTRIBUTE_BINARY_VERSION), 90);
  EXPECT_EQ(attribute(CU_FUNC_ATTRIBUTE_PTX_VERSION), 90);
  EXPECT_EQ(attribute(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES), 49152 - 1000);
  int value = -1;
  testing::internal::CaptureStderr();
  EXPECT_EQ(cu("cuFuncGetAttribute", &value, CU_FUNC_ATTRIBUTE_CACHE_MODE_CA, one), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "incept-sim: not simulated: function attribute 7\n");
  EXPECT_EQ(cu("cuFuncGetAttribute", static_cast<int *>(nullptr), CU_FUNC_ATTRIBUTE_NUM_REGS, one),
            CUDA_ERROR_INVALID_VALUE);
  const auto none = reinterpret_cast<CUfunction>(&value);
  EXPECT_EQ(cu("cuFuncGetAttribute", &value, CU_FUNC_ATTRIBUTE_NUM_REGS, none), CUDA_ERROR_INVALID_HANDLE);

  auto set = [&](CUfunction of, CUfunction_attribute name, int to) { return cu("cuFuncSetAttribute", of, name, to); };
  constexpr CUfunction_attribute kDynamic = CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
  EXPECT_EQ(set(none, kDynamic, 0), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(set(one, kDynamic, -1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(set(one, kDynamic, 232448 - 1000 + 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(attribute(kDynamic), 49152 - 1000);
  EXPECT_EQ(set(one, kDynamic, 232448 - 1000), CUDA_SUCCESS);
  EXPECT_EQ(attribute(kDynamic), 232448 - 1000);
  EXPECT_EQ(set(one, kDynamic, 0), CUDA_SUCCESS);
  EXPECT_EQ(attribute(kDynamic), 0);
  EXPECT_EQ(set(one, CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT, 50), CUDA_SUCCESS);
  EXPECT_EQ(set(one, CU_FUNC_ATTRIBUTE_NUM_REGS, 5), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(attribute(kDynamic), 0);
  EXPECT_EQ(cu("cuFuncSetCacheConfig", one, CU_FUNC_CACHE_PREFER_L1), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuFuncSetCacheConfig", none, CU_FUNC_CACHE_PREFER_L1), CUDA_ERROR_INVALID_HANDLE);

  auto resident = [&](CUfunction of, int block, size_t shared) {
    int blocks = -1;
    CUresult result = cu("cuOccupancyMaxActiveBlocksPerMultiprocessor", &blocks, of, block, shared);
    return result == CUDA_SUCCESS ? blocks : -int(result);
  };
  // 233,472 bytes in all; each block takes 1,000 of its own and 1,024 that the driver keeps.
  EXPECT_EQ(resident(one, 64, 0), 32);
  EXPECT_EQ(resident(one, 64, 10000), 19);
  EXPECT_EQ(resident(one, 1024, 0), 2);
  EXPECT_EQ(resident(one, 1025, 0), -CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(resident(one, 1, 0), 32);
  EXPECT_EQ(resident(one, 0, 0), -CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(resident(one, 32, size_t(1) << 30), 0);
  EXPECT_EQ(resident(one, 32, (size_t(1) << 30) + 1), -CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(resident(none, 32, 0), -CUDA_ERROR_INVALID_HANDLE);

  CUdeviceptr address = 0;
  size_t bytes = 0;
  const char *table = "table", *other = "chair";
  EXPECT_EQ(cu("cuModuleGetGlobal", &address, &bytes, made, table), CUDA_SUCCESS);
  EXPECT_EQ(bytes, 12u);
  int numbers[3] = {};
  EXPECT_EQ(cu("cuMemcpyDtoH", static_cast<void *>(numbers), address, size_t(12)), CUDA_SUCCESS);
  EXPECT_EQ(std::vector<int>(numbers, numbers + 3), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(cu("cuModuleGetGlobal", static_cast<CUdeviceptr *>(nullptr), static_cast<size_t *>(nullptr), made, table),
            CUDA_SUCCESS);
  EXPECT_EQ(cu("cuModuleGetGlobal", &address, &bytes, made, other), CUDA_ERROR_NOT_FOUND);
  EXPECT_EQ(cu("cuModuleGetGlobal", &address, &bytes, made, static_cast<const char *>(nullptr)),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuModuleGetGlobal", &address, &bytes, reinterpret_cast<CUmodule>(&value), table),
            CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cu("cuModuleGetFunction", &one, made, static_cast<const char *>(nullptr)), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuModuleGetFunction", static_cast<CUfunction *>(nullptr), made, table), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuModuleGetFunction", &one, reinterpret_cast<CUmodule>(&value), table), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cu("cuModuleUnload", made), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemGetAddressRange", &address, &bytes, address), CUDA_ERROR_NOT_FOUND); // its memory went with it
}

// Libraries are modules of another name.
TEST_F(Kernels, Libraries) {
  CUlibrary library = nullptr;
  CUkernel kernel = nullptr;
  CUfunction found = nullptr;
  auto load = [&](unsigned options) {
    return cu("cuLibraryLoadData", &library, static_cast<const void *>(kDouble), static_cast<CUjit_option *>(nullptr),
              static_cast<void **>(nullptr), 0u, static_cast<CUlibraryOption *>(nullptr), static_cast<void **>(nullptr),
              options);
  };
  EXPECT_EQ(load(1), CUDA_ERROR_NOT_SUPPORTED);
  ASSERT_EQ(load(0), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuLibraryGetKernel", &kernel, library, static_cast<const char *>("thrice")), CUDA_ERROR_NOT_FOUND);
  ASSERT_EQ(cu("cuLibraryGetKernel", &kernel, library, static_cast<const char *>("twice")), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuKernelGetFunction", static_cast<CUfunction *>(nullptr), kernel), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuKernelGetFunction", &found, reinterpret_cast<CUkernel>(&found)), CUDA_ERROR_INVALID_HANDLE);
  ASSERT_EQ(cu("cuKernelGetFunction", &found, kernel), CUDA_SUCCESS);
  function = found;
  CUdeviceptr src = device({3}), dst = device({0});
  EXPECT_EQ(launch(src, dst, 1), CUDA_SUCCESS);
  EXPECT_EQ(read(dst, 1), (std::vector<float>{6}));
  EXPECT_EQ(cu("cuLibraryUnload", library), CUDA_SUCCESS);
  EXPECT_EQ(launch(src, dst, 1), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(Kernels, ParametersThatAreRefused) {
  CUdeviceptr src = device({3}), dst = device({0});
  uint64_t count = 1;
  void *parameters[] = {&src, &dst, &count}, *missing[] = {&src, nullptr, &count};
  struct {
    CUdeviceptr src, dst;
    uint64_t count;
  } packed = {src, dst, 1};
  size_t bytes = sizeof(packed), less = bytes - 1;
  void *buffer = CU_LAUNCH_PARAM_BUFFER_POINTER, *size = CU_LAUNCH_PARAM_BUFFER_SIZE, *end = CU_LAUNCH_PARAM_END;
  auto launchWith = [&](void **list, std::vector<void *> extra, CUstream to) {
    return cu("cuLaunchKernel", function, 1u, 1u, 1u, 32u, 1u, 1u, 0u, to, list,
              extra.empty() ? nullptr : extra.data());
  };
  EXPECT_EQ(launchWith(missing, {}, stream), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(launchWith(nullptr, {}, stream), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(launchWith(parameters, {buffer, &packed, size, &bytes, end}, stream), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(launchWith(nullptr, {buffer, &packed, size, &less, end}, stream), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(launchWith(nullptr, {size, &bytes, end}, stream), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(launchWith(nullptr, {buffer, &packed, end}, stream), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(launchWith(nullptr, {&packed, &packed, end}, stream), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(launchWith(parameters, {}, reinterpret_cast<CUstream>(&src)), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cu("cuStreamSynchronize", stream), CUDA_SUCCESS);
  EXPECT_EQ(read(dst, 1), (std::vector<float>{0}));
  EXPECT_EQ(launchWith(nullptr, {size, &bytes, buffer, &packed, end}, stream), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuStreamSynchronize", stream), CUDA_SUCCESS);
  EXPECT_EQ(read(dst, 1), (std::vector<float>{6}));

  CUlaunchConfig config = {};
  config.gridDimX = config.gridDimY = config.gridDimZ = config.blockDimX = config.blockDimY = config.blockDimZ = 1;
  config.hStream = stream;
  CUlaunchAttribute attributes[2] = {};
  attributes[0].id = CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION;
  attributes[1].id = CU_LAUNCH_ATTRIBUTE_PRIORITY;
  config.attrs = attributes;
  config.numAttrs = 2;
  auto launchConfigured = [&](const CUlaunchConfig *with) {
    return cu("cuLaunchKernelEx", with, function, static_cast<void **>(parameters), static_cast<void **>(nullptr));
  };
  EXPECT_EQ(launchConfigured(nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(launchConfigured(&config), CUDA_SUCCESS);
  attributes[1].id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
  testing::internal::CaptureStderr();
  EXPECT_EQ(launchConfigured(&config), CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "incept-sim: not simulated: launch attribute 4\n");
}

// What the JIT is told: where its words go, and what it need not know.
TEST_F(Kernels, OptionsOfTheJit) {
  CUmodule made = nullptr;
  auto load = [&](const void *image, std::vector<CUjit_option> options, std::vector<void *> values) {
    return cu("cuModuleLoadDataEx", &made, image, unsigned(options.size()), options.data(), values.data());
  };
  for (CUjit_option option : {CU_JIT_INFO_LOG_BUFFER, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES, CU_JIT_MAX_REGISTERS,
                              CU_JIT_OPTIMIZATION_LEVEL, CU_JIT_TARGET_FROM_CUCONTEXT, CU_JIT_LOG_VERBOSE,
                              CU_JIT_GENERATE_LINE_INFO, CU_JIT_GENERATE_DEBUG_INFO, CU_JIT_CACHE_MODE}) {
    EXPECT_EQ(load(kDouble, {option}, {nullptr}), CUDA_SUCCESS) << int(option);
    EXPECT_EQ(cu("cuModuleUnload", made), CUDA_SUCCESS);
  }
  testing::internal::CaptureStderr();
  EXPECT_EQ(load(kDouble, {CU_JIT_MAX_REGISTERS, CU_JIT_FALLBACK_STRATEGY}, {nullptr, nullptr}),
            CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "incept-sim: not simulated: JIT option " + std::to_string(int(CU_JIT_FALLBACK_STRATEGY)) + "\n");
  EXPECT_EQ(cu("cuModuleLoadDataEx", &made, static_cast<const void *>(kDouble), 1u,
               static_cast<CUjit_option *>(nullptr), static_cast<void **>(nullptr)),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(load(nullptr, {}, {}), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cu("cuModuleLoadData", static_cast<CUmodule *>(nullptr), static_cast<const void *>(kDouble)),
            CUDA_ERROR_INVALID_VALUE);
  char log[8] = "xxxxxxx";
  auto bytes = [](size_t n) { return reinterpret_cast<void *>(n); };
  EXPECT_EQ(load("what's this?", {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES}, {log, bytes(6)}),
            CUDA_ERROR_INVALID_PTX);
  EXPECT_EQ(std::string(log, 8), std::string("ptx:1\0x\0", 8));
  EXPECT_EQ(load("what's this?", {CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES}, {bytes(6)}), CUDA_ERROR_INVALID_PTX);
  // Machine code by its first bytes: ELF, and the two containers of nvcc.
  for (uint32_t magic : {0x464c457fu, 0xba55ed50u, 0x466243b1u}) {
    uint32_t image[2] = {magic, 0};
    EXPECT_EQ(load(image, {}, {}), CUDA_ERROR_NO_BINARY_FOR_GPU);
  }
  // Of a device that is newer, older, or has no number.
  std::string text = kDouble;
  auto target = [&](const char *name) {
    std::string other = text;
    other.replace(other.find("sm_80"), 5, name);
    return load(other.c_str(), {}, {});
  };
  for (const char *good : {"sm_90", "sm_90a", "sm_75", "texmode"})
    EXPECT_EQ(target(good), CUDA_SUCCESS) << good;
  testing::internal::CaptureStderr();
  EXPECT_EQ(target("sm_91"), CUDA_ERROR_INVALID_PTX);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "incept-sim: the module is for sm_91, which is newer than the device\n");
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
