// SPDX-License-Identifier: Apache-2.0
//
// Stored plans. Those under Inputs/plans were written by cuDNN 9.19.0 for the device in Inputs/h100.json; the machine
// code of the ones that are compiled at run time has been taken out.
#include "test/sim/CudnnReference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

using namespace incept::sim::cudnn;
using incept::Code;
using incept::Expected;

namespace {

std::string readInput(const std::string &name) {
  std::ifstream file(std::string(INCEPT_SIM_INPUTS) + "/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

Expected<Plan> readStored(const std::string &name) { return readPlan(readInput("plans/" + name + ".json")); }

const char *const kPlans[] = {"forward",           "backward-data",   "backward-weights", "backward-weights-grouped",
                              "forward-bias-relu", "forward-f32bias", "matmul-bias",      "genstats",
                              "reduction",         "backward-norm",   "normalized"};

TEST(CudnnPlan, ReadsWhatCudnnWrites) {
  for (const char *name : kPlans) {
    Expected<Plan> plan = readStored(name);
    ASSERT_TRUE(plan) << name << ": " << plan.status().message();
    EXPECT_EQ(plan->version, 91900);
    EXPECT_TRUE(sameDevice(plan->profile, readInput("h100.json")).ok());
  }
  // 2x16x9x7 to 24 filters of 3x1, stride 2x1, one row of padding above only; both sides are channel slices.
  Expected<Plan> forward = readStored("forward");
  const Graph &graph = forward->graph;
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.nodes[0].padBegin, (std::vector<int64_t>{1, 0}));
  EXPECT_EQ(graph.nodes[0].padEnd, (std::vector<int64_t>{0, 0}));
  EXPECT_EQ(graph.nodes[0].stride, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(graph.tensors[0].strides, (std::vector<int64_t>{2016, 1, 224, 32}));
  EXPECT_EQ(graph.tensors[0].type, CUDNN_DATA_BFLOAT16);
  EXPECT_EQ(forward->engine, 45);
  EXPECT_EQ(forward->knobs.at("CUDNN_KNOB_TYPE_TILE_SIZE"), 4);
}

// The plans of convolutions compute what the loops compute.
TEST(CudnnPlan, ExecutesWhatCudnnPlanned) {
  for (const char *name : {"forward", "backward-data", "backward-weights", "backward-weights-grouped"}) {
    Expected<Plan> plan = readStored(name);
    ASSERT_TRUE(plan);
    // The reference wants src, weights, dst as tensors 1, 2, 3.
    Plan ordered = *plan;
    for (size_t i = 0; i < 3; ++i) {
      ordered.graph.tensors[i] = plan->graph.tensors[plan->graph.nodes[0].operands[i]];
      ordered.graph.tensors[i].uid = int64_t(i) + 1;
      ordered.graph.nodes[0].operands[i] = int(i);
    }
    Bench bench(ordered);
    ASSERT_TRUE(bench.run().ok());
    Numbers expected = referenceConvolution(ordered, bench.numbers);
    int64_t result = std::string(name) == "forward" ? 3 : std::string(name) == "backward-data" ? 1 : 2;
    EXPECT_LE(difference(bench.read(result), expected), 0x1p-8) << name;
  }
}

TEST(CudnnPlan, ExecutesEpilogues) {
  Expected<Plan> plan = readStored("forward-bias-relu");
  ASSERT_TRUE(plan);
  Bench bench(*plan);
  ASSERT_TRUE(bench.run().ok());
  Shape shape{2, 16, 9, 7, 24, 3, 3};
  shape.top = shape.left = shape.bottom = shape.right = 1;
  std::map<int64_t, Numbers> operands = {{1, bench.numbers[1]}, {2, bench.numbers[2]}};
  Numbers expected =
      referenceConvolution(convolutionPlan(OpKind::Convolution, shape, CUDNN_DATA_FLOAT, CUDNN_DATA_FLOAT), operands);
  for (size_t i = 0; i < expected.size(); ++i)
    expected[i] = std::max(0.0, expected[i] + bench.numbers[3][i / 63 % 24]);
  EXPECT_LE(difference(bench.read(4), expected), 1e-5);

  Expected<Plan> product = readStored("matmul-bias");
  Bench second(*product);
  ASSERT_TRUE(second.run().ok());
  Numbers sums(320);
  for (size_t i = 0; i < 320; ++i) {
    sums[i] = second.numbers[3][i % 10];
    for (size_t k = 0; k < 48; ++k)
      sums[i] += second.numbers[1][i / 10 * 48 + k] * second.numbers[2][k * 10 + i % 10];
  }
  EXPECT_LE(difference(second.read(4), sums), 1e-5);
}

// 2x16x9x7 behind a batch norm and its ReLU, which are computed again, before 24 filters of 3x3.
TEST(CudnnPlan, ExecutesGradientsOfBatchNorms) {
  Expected<Plan> plan = readStored("backward-norm");
  ASSERT_TRUE(plan);
  Bench bench(*plan);
  ASSERT_TRUE(bench.run().ok());
  Shape shape{2, 16, 9, 7, 24, 3, 3};
  shape.top = shape.left = shape.bottom = shape.right = 1;
  std::map<int64_t, Numbers> operands = {{2, bench.numbers[2]}, {3, bench.numbers[1]}};
  Numbers expected =
      referenceConvolution(convolutionPlan(OpKind::BackwardData, shape, CUDNN_DATA_HALF, CUDNN_DATA_FLOAT), operands);
  const Numbers diffSrc = bench.read(8);
  Numbers diffGamma(16), diffBeta(16); // of what is stored
  size_t masked = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    size_t c = i / 63 % 16;
    auto vector = [&](int64_t uid) { return bench.numbers[uid][c]; };
    double n = (bench.numbers[3][i] - vector(4)) * vector(5);
    if (n * vector(6) + vector(7) <= 0) {
      expected[i] = 0;
      ++masked;
    }
    diffGamma[c] += diffSrc[i] * n;
    diffBeta[c] += diffSrc[i];
  }
  EXPECT_GT(masked, expected.size() / 8);
  EXPECT_LT(masked, expected.size() * 7 / 8);
  EXPECT_LE(difference(diffSrc, expected), 0x1p-11);
  EXPECT_LE(difference(bench.read(9), diffGamma), 1e-5);
  EXPECT_LE(difference(bench.read(10), diffBeta), 1e-5);
}

// 2x16x9x7, which is normalised and goes through a ReLU, to 24 filters of 3x3, and the sums of the result. What is
// convolved is of half; outside the image it is 0.
TEST(CudnnPlan, ExecutesWhatIsNormalised) {
  Expected<Plan> plan = readStored("normalized");
  ASSERT_TRUE(plan);
  Bench bench(*plan);
  ASSERT_TRUE(bench.run().ok());
  Numbers image = bench.numbers[1];
  size_t masked = 0;
  for (size_t i = 0; i < image.size(); ++i) {
    size_t c = i / 63 % 16;
    double value = image[i] * bench.numbers[3][c] + bench.numbers[4][c];
    image[i] = rounded(std::max(float(value), 0.0f), CUDNN_DATA_HALF);
    masked += value <= 0;
  }
  EXPECT_GT(masked, image.size() / 8);
  EXPECT_LT(masked, image.size() * 7 / 8);
  Shape shape{2, 16, 9, 7, 24, 3, 3};
  shape.top = shape.left = shape.bottom = shape.right = 1;
  std::map<int64_t, Numbers> operands = {{1, image}, {2, bench.numbers[2]}};
  Numbers expected =
      referenceConvolution(convolutionPlan(OpKind::Convolution, shape, CUDNN_DATA_HALF, CUDNN_DATA_FLOAT), operands);
  EXPECT_LE(difference(bench.read(5), expected), 0x1p-11);
  Numbers sums(24);
  for (size_t i = 0; i < expected.size(); ++i)
    sums[i / 63 % 24] += expected[i];
  EXPECT_LE(difference(bench.read(6), sums), 1e-3);
}

TEST(CudnnPlan, WritesWhatItReads) {
  for (const char *name : kPlans) {
    Expected<Plan> plan = readStored(name);
    Expected<Plan> again = readPlan(writePlan(*plan));
    ASSERT_TRUE(again) << name << ": " << again.status().message();
    EXPECT_EQ(signature(plan->graph), signature(again->graph));
    EXPECT_EQ(plan->engine, again->engine);
    EXPECT_EQ(plan->knobs, again->knobs);
    EXPECT_TRUE(sameDevice(plan->profile, again->profile).ok());
  }
}

TEST(CudnnPlan, BelongsToOneDevice) {
  auto device = nlohmann::json::parse(readInput("h100.json"));
  std::string made = device.dump();
  for (const char *key : {"deviceName", "l2CacheSize", "totalGlobalMem", "smClockRateKHz"}) {
    auto other = device;
    other[key] = 1;
    EXPECT_TRUE(sameDevice(made, other.dump()).ok()) << key;
  }
  for (const char *key : {"deviceVer", "multiProcessorCount", "maxSharedMemoryPerBlock", "driverVer", "maxGridSize"}) {
    auto other = device;
    other[key] = 1;
    EXPECT_NE(sameDevice(made, other.dump()).message().find(key), std::string::npos);
    other.erase(key);
    EXPECT_FALSE(sameDevice(made, other.dump()).ok());
  }
}

// Nothing that a file holds may crash the reader: every cut, and every value replaced by one of another kind or size.
TEST(CudnnPlan, SurvivesDamage) {
  for (const char *name : kPlans) {
    std::string text = readInput(std::string("plans/") + name + ".json");
    for (size_t length = 0; length + 1 < text.size(); length += 7)
      EXPECT_FALSE(readPlan(std::string_view(text).substr(0, length)));
    const auto original = nlohmann::json::parse(text);
    const auto flat = original.flatten(); // for the paths of its values
    const nlohmann::json values[] = {nullptr, -1,  0,    int64_t(1) << 40,       INT64_MAX, INT64_MIN, UINT64_MAX,
                                     1e300,   "x", true, nlohmann::json::array()};
    size_t refused = 0;
    for (const auto &entry : flat.items())
      for (const auto &value : values) {
        auto damaged = original;
        damaged.at(nlohmann::json::json_pointer(entry.key())) = value;
        refused += !readPlan(damaged.dump());
      }
    EXPECT_GT(refused, flat.size());
  }
  EXPECT_FALSE(readPlan(std::string(100000, '[')));
}

TEST(CudnnPlan, SaysWhatIsWrong) {
  auto plan = nlohmann::json::parse(readInput("plans/forward.json"));
  auto messageOf = [](const nlohmann::json &json) { return readPlan(json.dump()).status().message(); };
  auto other = plan;
  other["operationGraph"]["tensors"][2]["dim"][1] = 25;
  EXPECT_NE(messageOf(other).find("shapes do not agree"), std::string::npos) << messageOf(other);
  other = plan;
  other["operationGraph"]["nodes"][0].erase("W");
  EXPECT_NE(messageOf(other).find("it lacks W"), std::string::npos) << messageOf(other);
  other = plan;
  other["operationGraph"]["nodes"][0]["W"] = "77";
  EXPECT_NE(messageOf(other).find("a tensor that is not there"), std::string::npos) << messageOf(other);
  other = plan;
  other["operationGraph"]["tensors"][0]["isVirtual"] = true;
  EXPECT_NE(messageOf(other).find("tensor 1 is read before it is written"), std::string::npos) << messageOf(other);
  // What cuDNN can and the simulator cannot.
  other = plan;
  other["operationGraph"]["nodes"][0]["operation"] = "CUDNN_BACKEND_OPERATION_RESAMPLE_FWD_DESCRIPTOR";
  EXPECT_EQ(readPlan(other.dump()).status().code(), Code::Machine);
  EXPECT_EQ(messageOf(other), "CUDNN_BACKEND_OPERATION_RESAMPLE_FWD_DESCRIPTOR");
}

} // namespace
