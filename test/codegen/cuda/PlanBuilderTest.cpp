// SPDX-License-Identifier: Apache-2.0
//
// Plans for many problems, and their cache on disk.
#include "codegen/cuda/plans/PlanBuilder.h"
#include "codegen/cuda/plans/OpenCudnn.h"
#include "test/codegen/cuda/CudnnFixture.h"

#include <ctime>
#include <filesystem>
#include <fstream>

namespace incept::cuda {

namespace {

namespace fs = std::filesystem;
using cudnn::Choice;
using cudnn::Kind;
using cudnn::Problem;
using cudnn::Type;

class PlanCacheTest : public ::testing::Test {
protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "incept-plans-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory = name;
  }
  void TearDown() override { fs::remove_all(directory); }

  std::string directory;
};

PlanAnswer sample() {
  PlanAnswer answer;
  answer.choice.engine = 62;
  answer.choice.knobs = "2=9,14=4";
  answer.choice.workspaceBytes = uint64_t(1) << 40;
  answer.choice.impl = "engine 62";
  answer.choice.tensorCore = true;
  answer.choice.serialized = "{\"cudnnVersion\": 91900}";
  answer.choice.declined = {"engine 5: too slow", "engine 6: \xff"};
  return answer;
}

TEST_F(PlanCacheTest, WhatIsStoredIsFound) {
  PlanCache cache(directory + "/a/b");
  EXPECT_FALSE(cache.load("key"));
  cache.store("key", sample());
  auto found = cache.load("key");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->choice.engine, 62);
  EXPECT_EQ(found->choice.knobs, "2=9,14=4");
  EXPECT_EQ(found->choice.workspaceBytes, uint64_t(1) << 40);
  EXPECT_EQ(found->choice.serialized, sample().choice.serialized);
  EXPECT_EQ(found->choice.impl, "engine 62");
  EXPECT_TRUE(found->choice.tensorCore);
  EXPECT_FALSE(found->choice.runtimeCompiled);
  EXPECT_EQ(found->error, "");
  ASSERT_EQ(found->choice.declined.size(), 2u);
  EXPECT_EQ(found->choice.declined[0], "engine 5: too slow");
  PlanAnswer other = sample();
  other.choice.tensorCore = false;
  other.choice.runtimeCompiled = true;
  other.choice.declined.clear();
  cache.store("other", other);
  found = cache.load("other");
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->choice.tensorCore);
  EXPECT_TRUE(found->choice.runtimeCompiled);
  EXPECT_TRUE(found->choice.declined.empty());
  EXPECT_FALSE(cache.load("another key"));
  PlanAnswer none;
  none.error = "cuDNN has no engine for it";
  cache.store("failure", none); // is asked for again
  EXPECT_FALSE(cache.load("failure"));
}

TEST_F(PlanCacheTest, DamagedEntriesAreMisses) {
  PlanCache cache(directory);
  cache.store("key", sample());
  std::string path = cache.path("key"), whole;
  {
    std::ifstream file(path, std::ios::binary);
    whole.assign(std::istreambuf_iterator<char>(file), {});
  }
  auto write = [&](const std::string &bytes) { std::ofstream(path, std::ios::binary) << bytes; };
  for (size_t size = 0; size < whole.size(); size += 7) {
    write(whole.substr(0, size));
    EXPECT_FALSE(cache.load("key")) << size;
  }
  for (size_t at = 0; at < whole.size(); at += 3) {
    std::string flipped = whole;
    flipped[at] ^= 1;
    write(flipped);
    EXPECT_FALSE(cache.load("key")) << at;
  }
  // Another key's entry under this name, as a collision of hashes would leave it.
  cache.store("other", sample());
  fs::copy_file(cache.path("other"), path, fs::copy_options::overwrite_existing);
  EXPECT_FALSE(cache.load("key"));
  cache.store("key", sample());
  EXPECT_TRUE(cache.load("key"));
}

TEST_F(PlanCacheTest, ThatCannotBeWritten) {
  PlanCache nowhere(""), blocked("/proc/incept");
  nowhere.store("key", sample());
  blocked.store("key", sample());
  EXPECT_FALSE(nowhere.load("key"));
  EXPECT_FALSE(blocked.load("key"));
}

class PlanBuilderTest : public CudnnTest {
protected:
  void SetUp() override {
    CudnnTest::SetUp();
    std::string name = fs::temp_directory_path() / "incept-plans-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    options.cacheDirectory = name;
    options.threads = 2;
  }
  void TearDown() override { fs::remove_all(options.cacheDirectory); }

  std::unique_ptr<PlanBuilder> builder() {
    return std::make_unique<PlanBuilder>(library, *findDeviceProfile("h100"), options);
  }
  /// Twelve problems, each twice, once with its dense strides written out.
  std::vector<Problem> problems() const {
    std::vector<Problem> result;
    for (Kind kind : kConvolutions)
      for (int64_t channels : {32, 64, 96, 128}) {
        Problem problem = convolution(kind, Type::F16);
        problem.ic = channels;
        result.push_back(problem);
        problem.srcStride = problem.ic;
        problem.dstStride = problem.oc;
        result.push_back(problem);
      }
    return result;
  }

  PlanBuilderOptions options;
};

TEST_F(PlanBuilderTest, IdenticalProblemsOnce) {
  size_t calls = 0;
  options.progress = [&](size_t done, size_t total) {
    EXPECT_EQ(done, ++calls);
    EXPECT_EQ(total, 12u);
  };
  auto plans = builder();
  plans->prepare(problems());
  EXPECT_EQ(calls, 12u);
  plans->prepare(problems());
  EXPECT_EQ(calls, 12u);
  EXPECT_EQ(plans->counts().problems, 12u);
  EXPECT_EQ(plans->counts().cached, 0u);
  std::string error;
  const Choice *dense = plans->find(problems()[0], error), *same = plans->find(problems()[1], error);
  ASSERT_NE(dense, nullptr) << error;
  EXPECT_EQ(dense, same);
}

TEST_F(PlanBuilderTest, TheCacheGivesTheSame) {
  auto first = builder();
  first->prepare(problems());
  std::clock_t start = std::clock();
  auto second = builder();
  second->prepare(problems());
  EXPECT_LT(std::clock() - start, CLOCKS_PER_SEC / 2); // of computing, however busy the machine is
  EXPECT_EQ(second->counts().cached, 12u);
  PlanBuilderOptions alone;
  alone.cacheDirectory.clear();
  alone.threads = 1;
  auto uncached = std::make_unique<PlanBuilder>(library, *findDeviceProfile("h100"), alone);
  std::string error;
  for (const Problem &problem : problems()) {
    const Choice *a = first->find(problem, error), *b = second->find(problem, error),
                 *c = uncached->find(problem, error);
    ASSERT_TRUE(a && b && c) << error;
    for (const Choice *other : {b, c}) {
      EXPECT_EQ(a->engine, other->engine);
      EXPECT_EQ(a->knobs, other->knobs);
      EXPECT_EQ(a->workspaceBytes, other->workspaceBytes);
      EXPECT_EQ(a->serialized, other->serialized);
    }
  }
}

// What is planned is enough on every card of the architecture: a fast engine may cut its work by their multiprocessors.
TEST_F(PlanBuilderTest, WorkspacesAreThoseOfTheLargestCard) {
  DeviceProfile device = *findDeviceProfile("h100"), alone = device;
  alone.variants.clear();
  options.cacheDirectory.clear();
  PlanBuilder plans(library, device, options), own(library, alone, options);
  size_t larger = 0;
  for (Kind kind : kConvolutions)
    for (bool isColumn : {true, false}) {
      Problem problem = convolution(kind, Type::F16);
      problem.mb = 64;
      problem.ic = 192, problem.oc = 224;
      problem.ih = problem.iw = problem.oh = problem.ow = 17;
      problem.kh = isColumn ? 7 : 1, problem.kw = isColumn ? 1 : 7;
      problem.pt = problem.pb = isColumn ? 3 : 0, problem.pl = problem.pr = isColumn ? 0 : 3;
      std::string error;
      const Choice *choice = plans.find(problem, error), *here = own.find(problem, error);
      ASSERT_TRUE(choice && here) << error;
      EXPECT_EQ(choice->engine, here->engine);
      larger += choice->workspaceBytes > here->workspaceBytes;
      for (const std::string &variant : device.variants) {
        uint64_t bytes = 0;
        if (library->workspaceOn(problem, *choice, variant, bytes, error)) {
          EXPECT_LE(bytes, choice->workspaceBytes);
        }
      }
    }
  if (library->version() == "9.19.0") {
    EXPECT_GT(larger, 0u);
  }
}

TEST_F(PlanBuilderTest, DamagedEntriesAreMadeAgain) {
  Problem problem = problems()[0];
  std::string error;
  ASSERT_NE(builder()->find(problem, error), nullptr) << error;
  PlanCache cache(options.cacheDirectory);
  std::string path = cache.path(builder()->key(problem));
  ASSERT_TRUE(fs::exists(path));
  fs::resize_file(path, fs::file_size(path) / 2);
  auto plans = builder();
  ASSERT_NE(plans->find(problem, error), nullptr) << error;
  EXPECT_EQ(plans->counts().cached, 0u);
  EXPECT_TRUE(cache.load(builder()->key(problem)));
}

TEST_F(PlanBuilderTest, LimitsAndDevicesHaveEntriesOfTheirOwn) {
  Problem problem = problems()[0];
  std::string key = builder()->key(problem);
  options.workspaceLimit = 0;
  EXPECT_NE(builder()->key(problem), key);
  std::string error;
  const auto plans = builder();
  const Choice *choice = plans->find(problem, error);
  ASSERT_NE(choice, nullptr) << error;
  EXPECT_EQ(choice->workspaceBytes, 0u);
  options.workspaceLimit = PlanBuilderOptions().workspaceLimit;
  EXPECT_NE(PlanBuilder(library, *findDeviceProfile("a100"), options).key(problem), key);
}

// The stub, a real driver or another NVRTC may give another choice.
TEST_F(PlanBuilderTest, ToolsHaveEntriesOfTheirOwn) {
  std::string key = builder()->key(problems()[0]);
  options.tools = "driver stub, nvrtc 12.9";
  EXPECT_NE(builder()->key(problems()[0]), key);
  std::string tools = planTools();
  EXPECT_TRUE(tools.starts_with("driver ") && tools.find(", nvrtc ") != std::string::npos) << tools;
}

// A failure may be of the moment, so that another builder asks again.
TEST_F(PlanBuilderTest, FailuresAreRememberedByOneBuilder) {
  Problem problem = problems()[0];
  problem.bias = problem.residual = true;
  problem.biasType = Type::F32;
  problem.scale = 0.5f;
  std::string error;
  EXPECT_EQ(builder()->find(problem, error), nullptr);
  EXPECT_FALSE(error.empty());
  auto plans = builder();
  for (int i = 0; i < 2; ++i) {
    std::string again;
    EXPECT_EQ(plans->find(problem, again), nullptr);
    EXPECT_EQ(again, error);
  }
  EXPECT_EQ(plans->counts().cached, 0u);
  EXPECT_EQ(plans->counts().problems, 1u);
}

} // namespace

} // namespace incept::cuda
