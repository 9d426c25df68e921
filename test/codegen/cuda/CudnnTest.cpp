// SPDX-License-Identifier: Apache-2.0
//
// Choices of engines for a device that is described, not there. Nothing is executed.
#include "runtime/device/cuda/CudnnGraph.h"
#include "test/codegen/cuda/CudnnFixture.h"

#include <algorithm>

namespace incept::cuda {

namespace {

using cudnn::Choice;
using cudnn::Kind;
using cudnn::kindName;
using cudnn::Problem;
using cudnn::Type;

bool mentions(const Choice &choice, const std::string &words) {
  return std::any_of(choice.declined.begin(), choice.declined.end(),
                     [&](const std::string &reason) { return reason.find(words) != std::string::npos; });
}

TEST_F(CudnnTest, EveryConvolutionHasAnEngine) {
  for (Type type : kTypes)
    for (Kind kind : kConvolutions) {
      SCOPED_TRACE(std::string(kindName(kind)) + " " + std::string(typeName(type)));
      Choice choice = choose(convolution(kind, type));
      EXPECT_GE(choice.engine, 0);
      EXPECT_EQ(choice.tensorCore, type != Type::F32);
      EXPECT_FALSE(choice.runtimeCompiled);
      EXPECT_NE(choice.serialized.find("\"engineId\":" + std::to_string(choice.engine)), std::string::npos);
    }
}

TEST_F(CudnnTest, EveryProductHasAnEngine) {
  for (Type type : kTypes) {
    SCOPED_TRACE(std::string(typeName(type)));
    Problem linear = product(type, 64, 1000, 1536, false, true);
    linear.bias = type == Type::F32; // in other types the kernel is compiled, which takes long
    EXPECT_EQ(choose(linear).tensorCore, type != Type::F32);
    EXPECT_EQ(choose(product(type, 64, 1536, 1000, false, false)).tensorCore, type != Type::F32);
    EXPECT_EQ(choose(product(type, 1000, 1536, 64, true, false)).tensorCore, type != Type::F32);
  }
}

TEST_F(CudnnTest, StatisticsComeFromPrecompiledEnginesAlone) {
  Problem problem = convolution(Kind::ConvolutionForward, Type::F16);
  problem.stats = true;
  Choice choice = choose(problem);
  EXPECT_FALSE(choice.runtimeCompiled);
  EXPECT_TRUE(choice.tensorCore);
  EXPECT_GT(choice.workspaceBytes, 0u); // partial sums: a kernel without them would need atomic additions
  auto declines = [&](Problem other) {
    Choice none;
    std::string error;
    EXPECT_FALSE(library->choose(other, h100, kPlenty, none, error)) << none.impl;
    EXPECT_TRUE(mentions(none, "it adds the sums of its blocks up in any order")) << error;
  };
  Problem bf16 = convolution(Kind::ConvolutionForward, Type::BF16), slice = problem;
  bf16.stats = true;
  slice.srcStride = 320;
  for (const Problem &other : {bf16, slice})
    declines(other);
}

// What is normalised is read where it lies, and no copy of it is kept: forward there are pairs of partial sums for 128
// rows, and in both a part of what is split, which does not grow with the image.
TEST_F(CudnnTest, SourcesAreNormalisedByPrecompiledEnginesAlone) {
  for (Kind kind : {Kind::ConvolutionForward, Kind::ConvolutionBackwardWeights}) {
    Problem problem = convolution(kind, Type::F16);
    problem.stats = kind == Kind::ConvolutionForward;
    problem.normalized = true;
    Choice choice = choose(problem);
    EXPECT_FALSE(choice.runtimeCompiled);
    EXPECT_TRUE(choice.tensorCore);
    const int64_t rows = problem.mb * problem.ih * problem.iw;
    EXPECT_LT(choice.workspaceBytes, uint64_t(rows * problem.ic * 2 / 2));
    Problem slice = problem, gradient = problem, bf16 = problem;
    slice.srcStride = 320;
    EXPECT_EQ(choose(slice).workspaceBytes, choice.workspaceBytes);
    gradient.dstStride = 320;
    bf16.type = bf16.resultType = Type::BF16;
    for (const Problem &other : {gradient, bf16}) {
      Choice none;
      std::string error;
      EXPECT_FALSE(library->choose(other, h100, kPlenty, none, error)) << none.impl;
    }
    std::string error;
    Choice older;
    EXPECT_TRUE(library->choose(problem, findDeviceProfile("a100")->cudnnProperties, kPlenty, older, error)) << error;
    // A B200 has one for the gradient alone.
    bool isGradient = kind == Kind::ConvolutionBackwardWeights;
    EXPECT_EQ(library->choose(problem, findDeviceProfile("b200")->cudnnProperties, kPlenty, older, error), isGradient);
  }
}

TEST_F(CudnnTest, GradientsOfBatchNormComeFromPrecompiledEnginesAlone) {
  Problem problem = convolution(Kind::ConvolutionBackwardData, Type::F16);
  problem.normGradient = true;
  Choice choice = choose(problem);
  EXPECT_FALSE(choice.runtimeCompiled);
  EXPECT_TRUE(choice.tensorCore);
  // A pair of partial sums for at most 256 rows of the result, and counters: nothing is kept of the gradient.
  const int64_t rows = problem.mb * problem.ih * problem.iw;
  EXPECT_GE(choice.workspaceBytes, uint64_t((rows + 255) / 256 * 2 * 4 * problem.ic));
  EXPECT_LT(choice.workspaceBytes, uint64_t(rows * problem.ic * 2 / 4));
  Problem slice = problem; // batch norm reads a part of what siblings give
  slice.normStride = 320;
  EXPECT_EQ(choose(slice).workspaceBytes, choice.workspaceBytes);
  Problem bf16 = convolution(Kind::ConvolutionBackwardData, Type::BF16), wide = problem;
  bf16.normGradient = true;
  wide.dstStride = 320;
  for (const Problem &other : {bf16, wide}) {
    Choice none;
    std::string error;
    EXPECT_FALSE(library->choose(other, h100, kPlenty, none, error)) << none.impl;
  }
  // Devices before it and behind it have the engine that keeps the whole gradient in f32.
  std::string error;
  Choice older;
  ASSERT_TRUE(library->choose(problem, findDeviceProfile("a100")->cudnnProperties, kPlenty, older, error)) << error;
  EXPECT_GT(older.workspaceBytes, uint64_t(rows * problem.ic * 4));
}

TEST_F(CudnnTest, FloatIsNotRoundedUnlessAllowed) {
  Problem problem = convolution(Kind::ConvolutionForward, Type::F32);
  Choice exact = choose(problem);
  EXPECT_FALSE(exact.tensorCore);
  EXPECT_TRUE(mentions(exact, "it rounds f32 to tf32"));
  problem.tf32 = true;
  EXPECT_TRUE(choose(problem).tensorCore);
}

TEST_F(CudnnTest, TheSameProblemGivesTheSameChoice) {
  for (Kind kind : kConvolutions) {
    Choice first = choose(convolution(kind, Type::BF16)), second = choose(convolution(kind, Type::BF16));
    EXPECT_EQ(first.engine, second.engine);
    EXPECT_EQ(first.knobs, second.knobs);
    EXPECT_EQ(first.workspaceBytes, second.workspaceBytes);
    EXPECT_EQ(first.serialized, second.serialized);
  }
}

/// The epilogue of inference has engines that need no compilation, in every type.
TEST_F(CudnnTest, Epilogues) {
  for (Type type : kTypes) {
    SCOPED_TRACE(std::string(typeName(type)));
    Problem problem = convolution(Kind::ConvolutionForward, type);
    problem.bias = problem.relu = true;
    Choice choice = choose(problem);
    EXPECT_FALSE(choice.runtimeCompiled);
    EXPECT_EQ(choice.tensorCore, type != Type::F32);
    problem.residual = true;
    problem.scale = 0.17f;
    choice = choose(problem);
    EXPECT_FALSE(choice.runtimeCompiled);
    EXPECT_EQ(choice.tensorCore, type != Type::F32);
    EXPECT_NE(choice.serialized.find("\"alpha1\":0.17"), std::string::npos) << choice.serialized;
  }
}

/// A slice is read where it lies: an engine whose kernel is compiled here, and which says its name.
TEST_F(CudnnTest, SlicesAreNotCopied) {
  Problem problem = convolution(Kind::ConvolutionForward, Type::F16);
  problem.srcStride = 320;
  Choice choice = choose(problem);
  EXPECT_TRUE(choice.tensorCore);
  EXPECT_LT(choice.workspaceBytes, uint64_t(problem.mb * problem.ih * problem.iw * problem.ic * 2));
  EXPECT_TRUE(choice.runtimeCompiled);
  EXPECT_EQ(choice.impl.rfind("cudnn_generated", 0), 0u) << choice.impl;
  EXPECT_NE(choice.serialized.find("\"stride\":[392000,1,11200,320]"), std::string::npos);

  // In f32 the engines that rank first transpose whatever they get, but there is one without any workspace.
  problem = convolution(Kind::ConvolutionForward, Type::F32);
  problem.dstStride = 320;
  EXPECT_EQ(choose(problem, 0).workspaceBytes, 0u);
}

/// Where arithmetic outweighs the copy, an engine of the device's own kind is worth it; where it does not, or where the
/// device's own kind takes slices as they lie, nothing is copied. The other is named with both times.
TEST_F(CudnnTest, SlicesAreCopiedWhereThatIsQuicker) {
  struct {
    const char *device;
    int64_t ic, oc, pixels, kernel;
    bool copies;
  } rows[] = {{"h100", 192, 192, 35, 3, true}, {"h100", 384, 96, 35, 1, false}, {"a100", 192, 192, 35, 3, false}};
  for (auto [name, ic, oc, pixels, kernel, copies] : rows) {
    SCOPED_TRACE(std::string(name) + ", " + std::to_string(ic) + " to " + std::to_string(oc));
    DeviceProfile device = *findDeviceProfile(name);
    ASSERT_TRUE(device.costs);
    Problem problem = convolution(Kind::ConvolutionForward, Type::F16);
    problem.mb = 64;
    problem.ic = ic, problem.oc = oc;
    problem.ih = problem.iw = problem.oh = problem.ow = pixels;
    problem.kh = problem.kw = kernel;
    problem.pt = problem.pl = problem.pb = problem.pr = kernel / 2;
    problem.dstStride = 384;
    problem.bias = problem.relu = true;
    Choice choice;
    std::string error;
    ASSERT_TRUE(library->choose(problem, device.cudnnProperties, kPlenty, choice, error, &device.costs->engines))
        << error;
    EXPECT_EQ(choice.workspaceBytes >= cudnn::packedSlices(problem).smallest, copies);
    ASSERT_FALSE(choice.declined.empty());
    const char *words = copies ? "us with slices where they lie, against " : "bytes of slices copied, against ";
    EXPECT_NE(choice.declined.front().find(words), std::string::npos) << choice.declined.front();
    EXPECT_TRUE(choice.declined.front().ends_with("(assumed costs)")) << choice.declined.front();
    // Within a limit that the copy does not fit into, there is no choice.
    uint64_t limit = cudnn::packedSlices(problem).smallest - 1;
    ASSERT_TRUE(library->choose(problem, device.cudnnProperties, limit, choice, error, &device.costs->engines))
        << error;
    EXPECT_LE(choice.workspaceBytes, limit);
    EXPECT_FALSE(mentions(choice, "assumed costs"));
    // Without costs, nothing is copied.
    EXPECT_LT(choose(problem).workspaceBytes, limit);
  }
}

/// Backward, engines that copy are better than those that do without tensor cores.
TEST_F(CudnnTest, SlicesKeepTensorCores) {
  Problem problem = convolution(Kind::ConvolutionBackwardWeights, Type::BF16);
  problem.dstStride = 320;
  EXPECT_TRUE(choose(problem).tensorCore);
}

TEST_F(CudnnTest, WorkspaceLimit) {
  Problem problem = convolution(Kind::ConvolutionForward, Type::F32);
  Choice choice = choose(problem);
  ASSERT_GT(choice.workspaceBytes, 0u); // src and dst are transposed
  Choice limited = choose(problem, choice.workspaceBytes - 1);
  EXPECT_LT(limited.workspaceBytes, choice.workspaceBytes);
  EXPECT_TRUE(mentions(limited, "bytes is over " + std::to_string(choice.workspaceBytes - 1)));
  EXPECT_EQ(choose(problem, 0).workspaceBytes, 0u);
}

TEST_F(CudnnTest, DeclinedProblemsSayWhy) {
  Choice choice;
  std::string error;
  Problem problem = convolution(Kind::ConvolutionForward, Type::F16);
  problem.oh = 34;
  EXPECT_FALSE(library->choose(problem, h100, kPlenty, choice, error));
  EXPECT_NE(error.find("does not have the size"), std::string::npos) << error;
  // A bias in f32 beside f16 cannot go with a scale.
  problem = convolution(Kind::ConvolutionForward, Type::F16);
  problem.bias = problem.residual = true;
  problem.biasType = Type::F32;
  problem.scale = 0.5f;
  EXPECT_FALSE(library->choose(problem, h100, kPlenty, choice, error));
  EXPECT_EQ(error.rfind("cuDNN has no engine for it: engine ", 0), 0u) << error;
  EXPECT_FALSE(choice.declined.empty());
}

TEST_F(CudnnTest, ProfilesThatAreNone) {
  Choice choice;
  std::string error;
  for (const char *profile : {"", "{}", "h100", "{\"deviceVer\": 900}"}) {
    EXPECT_FALSE(library->choose(convolution(Kind::ConvolutionForward, Type::F16), profile, kPlenty, choice, error));
    EXPECT_EQ(error.rfind("cuDNN does not accept the device profile: ", 0), 0u) << error;
  }
}

TEST_F(CudnnTest, PlansWithoutADevice) {
  cudnn::Plan plan;
  std::string error;
  Problem problem = convolution(Kind::ConvolutionForward, Type::F16);
  Choice choice = choose(problem);
  void *operands[4] = {};
  EXPECT_FALSE(plan.execute(nullptr, operands, 4, error));
  EXPECT_EQ(error, "the plan was not built");
  EXPECT_FALSE(plan.load(library, nullptr, problem, choice, error));
  EXPECT_FALSE(plan.rebuild(library, nullptr, problem, choice, error));
  EXPECT_EQ(error, "there is no handle of a device");
}

/// What cuDNN writes of a plan is of the problem's graph, and of no other's.
TEST_F(CudnnTest, StoredPlansAreOfTheirGraph) {
  std::vector<Problem> problems;
  for (Kind kind : kConvolutions)
    problems.push_back(convolution(kind, Type::F16));
  Problem &asymmetric = problems.emplace_back(convolution(Kind::ConvolutionForward, Type::BF16));
  asymmetric.pt = 0;
  asymmetric.oh -= 1;
  Problem &epilogue = problems.emplace_back(convolution(Kind::ConvolutionForward, Type::F16));
  epilogue.bias = epilogue.relu = true;
  epilogue.biasType = Type::F16;
  problems.push_back(product(Type::F16, 64, 1000, 1536, false, true));
  std::vector<cudnn::Graph> graphs(problems.size());
  std::string error;
  for (size_t i = 0; i < problems.size(); ++i)
    ASSERT_TRUE(cudnn::buildGraph(library->internals().api, problems[i], {}, graphs[i], error)) << error;
  for (size_t i = 0; i < problems.size(); ++i) {
    Choice choice = choose(problems[i]);
    for (size_t j = 0; j < problems.size(); ++j)
      EXPECT_EQ(cudnn::isOfGraph(choice.serialized, graphs[j], error), i == j) << i << " " << j << " " << error;
  }
}

TEST(CudnnLibraryTest, MissingLibrary) {
  std::string error;
  EXPECT_EQ(cudnn::Library::open({"/nowhere", {}}, error), nullptr);
  EXPECT_FALSE(error.empty());
}

} // namespace

} // namespace incept::cuda
