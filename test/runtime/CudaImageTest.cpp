// SPDX-License-Identifier: Apache-2.0
//
// What the CUDA device knows without a driver: PTX kernels, architectures, orders of weights, versions.

#include "runtime/device/cuda/CudaImage.h"
#include "runtime/device/cuda/CudaDevice.h"
#include "runtime/device/cuda/Cudnn.h"

#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <tuple>

using namespace incept;
using namespace incept::cuda;

TEST(CudaImage, CountsParametersOfKernels) {
  auto kernels = kernelParameters(R"(
// .entry not_this(.param .u64 a)
/* .entry nor_this() */
.visible .entry two(
  .param .u64 two_0, // a comment, with a comma
  .param .b64 .ptr .align 16 two_1
)
{ ret; }
.entry none() { ret; }
.visible .entry bare { ret; }
.visible .entry narrow(.param .u32 a, .param .u64 b) { ret; }
.visible .entry array(.param .align 8 .b64 a[16]) { ret; }
.func helper(.param .u64 a) { ret; }
.visible .entry cut(.param .u64)");
  std::map<std::string, int64_t, std::less<>> expected = {{"two", 2},     {"none", 0},   {"bare", 0},
                                                          {"narrow", -1}, {"array", -1}, {"cut", 0}};
  EXPECT_EQ(kernels, expected);
  EXPECT_TRUE(kernelParameters("").empty());
  EXPECT_TRUE(kernelParameters(".entry").empty());
}

TEST(CudaImage, ReadsArchitectures) {
  Architecture architecture;
  for (const char *text : {"", "sm_", "sm_9", "sm90", "sm_90b", "sm_90aa", "sm_-90", "sm_9999", "compute_90", "sm_49",
                           "sm_1000", "sm_49a"})
    EXPECT_FALSE(parseArchitecture(text, architecture)) << text;
  ASSERT_TRUE(parseArchitecture("sm_90", architecture));
  EXPECT_TRUE(architecture.runsOn(9, 0) && architecture.runsOn(10, 0) && architecture.runsOn(12, 1));
  EXPECT_FALSE(architecture.runsOn(8, 9));
  ASSERT_TRUE(parseArchitecture("sm_90a", architecture));
  EXPECT_TRUE(architecture.runsOn(9, 0));
  EXPECT_FALSE(architecture.runsOn(10, 0));
  EXPECT_FALSE(architecture.runsOn(9, 1) || architecture.runsOn(8, 9) || architecture.runsOn(0, 9));
  for (auto [text, major, minor, exact] :
       {std::tuple("sm_50", 5, 0, false), {"sm_999", 99, 9, false}, {"sm_103f", 10, 3, true}, {"sm_89", 8, 9, false}}) {
    ASSERT_TRUE(parseArchitecture(text, architecture)) << text;
    EXPECT_TRUE(architecture.major == major && architecture.minor == minor && architecture.exact == exact) << text;
  }
  EXPECT_TRUE(architecture.runsOn(8, 9) && architecture.runsOn(9, 0));
  EXPECT_FALSE(architecture.runsOn(8, 8) || architecture.runsOn(7, 9));
  ASSERT_TRUE(parseArchitecture("sm_120", architecture));
  EXPECT_TRUE(architecture.runsOn(12, 0));
  EXPECT_FALSE(architecture.runsOn(10, 3));
}

// Sums are f32 beside a result in f16.
TEST(CudaImage, KnowsWhatPlansWrite) {
  cudnn::Problem problem;
  problem.type = problem.resultType = cudnn::Type::F16;
  problem.mb = problem.g = problem.sh = problem.sw = problem.dh = problem.dw = 1;
  problem.ic = 8, problem.oc = 24, problem.ih = problem.iw = problem.oh = problem.ow = 5;
  problem.kh = problem.kw = 1;
  auto resultsOf = [&] {
    program::Image image;
    image.plans.emplace_back().fields = cudnn::encode(problem);
    std::vector<std::pair<uint64_t, std::string>> results;
    for (const program::PlanResult &result : planResults(image, 0))
      results.emplace_back(result.bytes, result.type);
    return results;
  };
  using Results = std::vector<std::pair<uint64_t, std::string>>;
  EXPECT_EQ(resultsOf(), (Results{{24 * 25 * 2, "f16"}}));
  problem.stats = true;
  EXPECT_EQ(resultsOf(), (Results{{24 * 25 * 2, "f16"}, {24 * 4, "f32"}, {24 * 4, "f32"}}));
  problem.stats = false;
  problem.kind = cudnn::Kind::ConvolutionBackwardData;
  problem.normGradient = true;
  Results expected(6, {8 * 4, "f32"});
  expected[0] = {8 * 25 * 2, "f16"};
  EXPECT_EQ(resultsOf(), expected);
}

// Logical O,I,H,W = 2,3,2,2 counts up; in memory channels come last.
TEST(CudaImage, PermutesWeights) {
  program::Tensor tensor;
  tensor.shape = {2, 3, 2, 2};
  tensor.elements = 24;
  tensor.format = "ohwi";
  for (const char *type : {"f32", "bf16"}) {
    tensor.type = type;
    size_t size = program::typeBytes(type);
    std::vector<std::byte> logical(24 * size), memory(24 * size), back(24 * size);
    for (size_t i = 0; i < 24; ++i)
      logical[i * size] = std::byte(i);
    toMemory(tensor, logical.data(), memory.data());
    const int expected[] = {0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, 12, 16, 20};
    for (size_t i = 0; i < std::size(expected); ++i)
      EXPECT_EQ(int(memory[i * size]), expected[i]) << type << i;
    toLogical(tensor, memory.data(), back.data());
    EXPECT_EQ(back, logical);
  }
}

TEST(CudaPlans, ComparesVersions) {
  EXPECT_TRUE(isAtLeast("9.19.0", "9.19.0"));
  EXPECT_TRUE(isAtLeast("9.28.1", "9.19.0"));
  EXPECT_TRUE(isAtLeast("10.0", "9.19.0"));
  EXPECT_FALSE(isAtLeast("9.8.0", "9.19.0"));
  EXPECT_FALSE(isAtLeast("9.19", "9.19.1"));
  EXPECT_FALSE(isAtLeast("", "1"));
  EXPECT_TRUE(isAtLeast("1", "") && isAtLeast("", "") && isAtLeast("9.19", "9.19.0") && isAtLeast("9.19.0", "9.19"));
  EXPECT_TRUE(isAtLeast("9.x.1", "9.0.1") && !isAtLeast("9.x.1", "9.1.0")); // what is no number counts as 0
  const std::string parts[] = {"0", "2", "10"};
  for (int a = 0; a < 27; ++a)
    for (int b = 0; b < 27; ++b) {
      auto text = [&](int i) { return parts[i / 9] + "." + parts[i / 3 % 3] + "." + parts[i % 3]; };
      EXPECT_EQ(isAtLeast(text(a), text(b)), a >= b) << text(a) << " " << text(b);
    }
}

TEST(CudaPlans, SaysHowTheyBecameReady) {
  PlanReport report;
  report.loaded = 12;
  EXPECT_EQ(report.sentence(), "");
  report.cached = 3;
  EXPECT_EQ(report.sentence(), "");
  report.rebuilt = 1;
  report.seconds = 1.25;
  EXPECT_EQ(report.sentence(), "the program's cuDNN plans are of another machine: 1 rebuilt in 1.2 s, 3 from this "
                               "machine's cache, 12 as they are");
  report.rebuilt = 2;
  report.chosen = 1;
  report.growth = 4096;
  report.seconds = 0.04;
  EXPECT_EQ(report.sentence(),
            "the program's cuDNN plans are of another machine: 2 rebuilt in 0.0 s (1 on another "
            "engine), 3 from this machine's cache, 12 as they are; they need 4096 bytes of workspace "
            "beside the planned memory");
  report.rebuilt = 0;
  EXPECT_EQ(report.sentence(), "the program's cuDNN plans need 4096 bytes of workspace beside the planned memory");
}

TEST(CudaOptions, AreChecked) {
  EXPECT_TRUE(bool(CudaOptions::fromText("")));
  auto all = CudaOptions::fromText("alone,sync");
  ASSERT_TRUE(bool(all));
  EXPECT_TRUE(all->alone && all->sync && all->direct);
  for (auto [text, direct, sync, alone] : {std::tuple("", false, false, false),
                                           {"direct", true, false, false},
                                           {"sync", true, true, false},
                                           {"alone", false, false, true},
                                           {"direct,alone,", true, false, true}}) {
    auto options = CudaOptions::fromText(text);
    ASSERT_TRUE(bool(options)) << text;
    EXPECT_TRUE(options->direct == direct && options->sync == sync && options->alone == alone) << text;
  }
  for (auto [text, word] : {std::pair("fast", "fast"), {"direct,,alone", ""}, {" direct", " direct"}, {",", ""}}) {
    Status status = CudaOptions::fromText(text).status();
    EXPECT_EQ(status.code(), Code::Usage) << text;
    EXPECT_EQ(status.message(),
              "expected INCEPT_CUDA to be a list of direct, sync, alone, but got '" + std::string(word) + "'");
  }
}
