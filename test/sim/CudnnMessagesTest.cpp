// SPDX-License-Identifier: Apache-2.0
//
// Each sentence that refuses a stored plan or an operation graph, and what is just not refused.
#include "test/sim/CudnnReference.h"
#include "tools/incept-sim/cudnn/EngineRules.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <tuple>

using namespace incept::sim::cudnn;
using incept::Code;
using incept::Expected;
using incept::Status;
using nlohmann::json;

namespace {

json storedPlan(const std::string &name) {
  std::ifstream file(std::string(INCEPT_SIM_INPUTS) + "/plans/" + name + ".json");
  return json::parse(std::string(std::istreambuf_iterator<char>(file), {}));
}

const char *const kRemoved = "removed";

/// What is said of a plan with one value changed, or removed. A path that begins with t or n is of a tensor or a node.
std::string messageOf(const json &plan, const std::string &path, const json &value) {
  json changed = plan;
  std::string full = path[0] == 't'   ? "/operationGraph/tensors" + path.substr(1)
                     : path[0] == 'n' ? "/operationGraph/nodes" + path.substr(1)
                                      : path;
  bool isRemoved = value == kRemoved;
  json patch = json::array({{{"op", isRemoved ? "remove" : "add"}, {"path", full}, {"value", value}}});
  if (!isRemoved && full.back() != '-' && changed.contains(json::json_pointer(full)))
    patch[0]["op"] = "replace";
  changed = changed.patch(patch);
  Status status = readPlan(changed.dump()).status();
  return (status.code() == Code::Machine && !status.ok() ? "not simulated: " : "") + status.message();
}

TEST(CudnnMessages, OfDamagedPlans) {
  const json plan = storedPlan("forward");
  struct {
    const char *path;
    json value;
    const char *message; ///< behind "a stored plan is damaged: "; empty: none
  } cases[] = {
      {"/cudnnVersion", kRemoved, "it lacks 'cudnnVersion'"},
      {"/cudnnVersion", "x", "'cudnnVersion' is not an integer in range"},
      {"/cudnnVersion", 1.5, "'cudnnVersion' is not an integer in range"},
      {"/operationGraph", kRemoved, "it lacks 'operationGraph'"},
      {"/operationGraph", 5, "it lacks 'tensors'"},
      {"t", kRemoved, "it lacks 'tensors'"},
      {"n", kRemoved, "it lacks 'nodes'"},
      {"t", 5, "'tensors' and 'nodes' are not lists"},
      {"n", json::object(), "'tensors' and 'nodes' are not lists"},
      {"t", json(std::vector<int>(1001)), "'tensors' and 'nodes' are not lists"},
      {"t", json(std::vector<int>(1000)), "it lacks 'name'"},
      {"n", json(std::vector<int>(1001)), "'tensors' and 'nodes' are not lists"},
      {"n", json(std::vector<int>(1000)), "it lacks 'operation'"},
      {"t/0/name", kRemoved, "it lacks 'name'"},
      {"t/0/name", 5, "'name' is not a string"},
      {"t/0/name", "1x", "'1x' is not the name of a tensor"},
      {"t/0/name", "", "'' is not the name of a tensor"},
      {"t/0/dataType", kRemoved, "it lacks 'dataType'"},
      {"t/0/dataType", 5, "'dataType' is not a string"},
      {"t/0/dim", kRemoved, "it lacks 'dim'"},
      {"t/0/dim", 5, "'dim' is not a short list"},
      {"t/0/dim", json(std::vector<int>(9, 1)), "'dim' is not a short list"},
      {"t/0/dim", json::array(), "a tensor has no dimensions"},
      {"t/0/dim/1", "x", "'dim' is not an integer in range"},
      {"t/0/stride", kRemoved, "it lacks 'stride'"},
      {"t/0/stride", 5, "'stride' is not a short list"},
      {"t/0/isVirtual", 1, "'isVirtual' is not a truth value"},
      {"t/0/isVirtual", kRemoved, ""},
      {"t/0/isByValue", "x", "'isByValue' is not a truth value"},
      {"t/0/isByValue", kRemoved, ""},
      {"t/0/ptrAlignment", kRemoved, "it lacks 'ptrAlignment'"},
      {"t/0/ptrAlignment", "x", "'ptrAlignment' is not an integer in range"},
      {"t/0/vectCount", "x", "'vectCount' is not an integer in range"},
      {"t/0/vectCount", kRemoved, ""},
      {"n/0/operation", kRemoved, "it lacks 'operation'"},
      {"n/0/X", "9", "an operation names a tensor that is not there"},
      {"n/0/X", 5, "'X' is not a string"},
      {"n/0/X", "a", "'a' is not the name of a tensor"},
      {"n/0/mode", kRemoved, "it lacks 'mode'"},
      {"n/0/alpha", "x", "'alpha' is not a number"},
      {"n/0/alpha", kRemoved, ""},
      {"n/0/beta", "x", "'beta' is not a number"},
      {"n/0/beta", kRemoved, ""},
      {"n/0/pad_lower", kRemoved, "it lacks 'pad_lower'"},
      {"n/0/pad_upper", kRemoved, "it lacks 'pad_upper'"},
      {"n/0/stride", kRemoved, "it lacks 'stride'"},
      {"n/0/dilation", kRemoved, "it lacks 'dilation'"},
      {"/GPUProfile", kRemoved, "it lacks 'GPUProfile'"},
      {"/engine", kRemoved, "it lacks 'engine'"},
      {"/engine/engineId", kRemoved, "it lacks 'engineId'"},
      {"/engine/engineId", int64_t(1) << 41, ""},
      {"/engine/engineId", -(int64_t(1) << 41), ""},
      {"/engine/engineId", (int64_t(1) << 41) + 1, "'engineId' is not an integer in range"},
      {"/engine/engineId", -(int64_t(1) << 41) - 1, "'engineId' is not an integer in range"},
      {"/engine/engineId", UINT64_MAX, "'engineId' is not an integer in range"},
      {"/engine/knobChoices", kRemoved, ""},
      {"/engine/knobChoices", 5, "'knobChoices' is not an object"},
      {"/engine/knobChoices", {{"a", "x"}}, "'knobChoices' is not an integer in range"},
  };
  for (const auto &c : cases)
    EXPECT_EQ(messageOf(plan, c.path, c.value), *c.message ? "a stored plan is damaged: " + std::string(c.message) : "")
        << c.path << " " << c.value;
  for (const char *text : {"", "5", "[]", "{"})
    EXPECT_EQ(readPlan(text).status().message(), "a stored plan is damaged: it is not a JSON object");
  // What cuDNN has, and the simulator has not.
  const std::pair<const char *, json> others[] = {{"t/0/dataType", "CUDNN_DATA_INT8"},
                                                  {"n/0/mode", "CUDNN_CONVOLUTION"},
                                                  {"n/0/operation", "CUDNN_BACKEND_OPERATION_CONCAT_DESCRIPTOR"}};
  for (const auto &[path, value] : others)
    EXPECT_EQ(messageOf(plan, path, value), "not simulated: " + value.get<std::string>());
  EXPECT_EQ(messageOf(plan, "t/0/vectCount", 4), "not simulated: vectorised tensors");
  EXPECT_EQ(messageOf(storedPlan("matmul-bias"), "n/1/pointwiseMode", "CUDNN_POINTWISE_ERF"),
            "not simulated: CUDNN_POINTWISE_ERF");
  EXPECT_EQ(messageOf(storedPlan("reduction"), "n/1/reductionOp", "CUDNN_REDUCE_TENSOR_NORM1"),
            "not simulated: CUDNN_REDUCE_TENSOR_NORM1");
}

TEST(CudnnMessages, OfGraphs) {
  struct {
    const char *plan, *path;
    json value;
    std::string message;
  } cases[] = {
      {"forward", "n", json::array(), "the operation graph is empty"},
      {"forward", "t/-", storedPlan("forward")["operationGraph"]["tensors"][2], "tensor 3 appears twice"},
      {"forward", "n/-", storedPlan("forward")["operationGraph"]["nodes"][0], "tensor 3 is written twice"},
      {"forward", "n/0/X", kRemoved, "CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR: it lacks X"},
      {"forward", "n/0/Y", kRemoved, "CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR: it lacks Y"},
      {"forward", "t/1/isVirtual", true, "tensor 2 is read before it is written"},
      {"forward", "t/2/isVirtual", true, ""},
      {"forward", "t/0/stride", {1, 1, 1}, "tensor 1 must have as many strides as dimensions, at most 8"},
      {"forward", "t/0/dim/0", 0, "tensor 1 of 0x16x9x7 is out of range"},
      {"forward", "t/0/stride/0", -1, "tensor 1 of 2x16x9x7 is out of range"},
      {"forward", "t/0/stride/0", 0, ""},
      {"forward", "t/0/stride/0", (int64_t(1) << 40) + 1, "tensor 1 of 2x16x9x7 is out of range"},
      {"forward", "t/0/stride/0", (int64_t(1) << 40) - 15 - 8 * 224 - 6 * 32, ""},
      {"forward", "t/0/stride/0", (int64_t(1) << 40) - 14 - 8 * 224 - 6 * 32, "tensor 1 of 2x16x9x7 is out of range"},
      {"forward", "t/0/dim", {(int64_t(1) << 40) + 1, 1, 1, 1}, "tensor 1 of 1099511627777x1x1x1 is out of range"},
      {"forward",
       "t/0/dim",
       {1 << 20, 1 << 20, 1 << 20, 1 << 20},
       "tensor 1 of 1048576x1048576x1048576x1048576 is out of range"},
      {"forward", "t/0/ptrAlignment", 0, "tensor 1 must be aligned to a multiple of its elements' 2 bytes, but has 0"},
      {"forward", "t/0/ptrAlignment", 3, "tensor 1 must be aligned to a multiple of its elements' 2 bytes, but has 3"},
      {"forward", "t/0/ptrAlignment", -2,
       "tensor 1 must be aligned to a multiple of its elements' 2 bytes, but has -2"},
      {"forward", "t/0/ptrAlignment", 2, ""},
      {"forward", "t/0/dim", {2, 16, 9}, "tensor 1 must have as many strides as dimensions, at most 8"},
      {"matmul-bias",
       "t/0/dim",
       {1, 32, 47},
       "a matrix product's shapes do not agree: 1x32x47 by 1x48x10 into 1x32x10"},
      {"matmul-bias",
       "t/0/dim",
       {1, 31, 48},
       "a matrix product's shapes do not agree: 1x31x48 by 1x48x10 into 1x32x10"},
      {"matmul-bias",
       "t/0/dim",
       {2, 32, 48},
       "a matrix product's shapes do not agree: 2x32x48 by 1x48x10 into 1x32x10"},
      {"matmul-bias",
       "t/1/dim",
       {1, 48, 11},
       "a matrix product's shapes do not agree: 1x32x48 by 1x48x11 into 1x32x10"},
      {"matmul-bias",
       "t/1/dim",
       {2, 48, 10},
       "a matrix product's shapes do not agree: 1x32x48 by 2x48x10 into 1x32x10"},
      {"matmul-bias", "t/4/dim", {2, 32, 10}, "CUDNN_POINTWISE_ADD: 2x32x10 does not broadcast to 1x32x10"},
      {"matmul-bias", "t/2/dim", {1, 1, 9}, "CUDNN_POINTWISE_ADD: 1x1x9 does not broadcast to 1x32x10"},
      {"matmul-bias", "t/2/dim", {1, 32, 1}, ""},
      {"matmul-bias", "n/1/Y", kRemoved, "CUDNN_POINTWISE_ADD: it lacks its result, or has one too many"},
      {"matmul-bias", "n/1/B", kRemoved, "CUDNN_POINTWISE_ADD: wrong number of operands"},
      {"matmul-bias", "n/1/T", "3", "CUDNN_POINTWISE_ADD: wrong number of operands"},
      {"matmul-bias", "n/1/dY", "3", "CUDNN_POINTWISE_ADD: it lacks its result, or has one too many"},
      {"forward-bias-relu", "n/2/B", "3", "CUDNN_POINTWISE_RELU_FWD: wrong number of operands"},
      {"reduction", "t/3/dim", {1, 31, 1, 1}, "a reduction's shapes do not agree: 2x32x8x8 to 1x31x1x1"},
      {"reduction", "t/3/dim", {2, 1, 8, 1}, ""},
      {"genstats", "t/3/dim", {1, 31, 1, 1}, "a reduction's shapes do not agree: 2x32x8x8 to 1x31x1x1"},
      {"genstats", "t/4/dim", {1, 32, 1, 7}, "a reduction's shapes do not agree: 2x32x8x8 to 1x32x1x7"},
      {"backward-norm",
       "t/12/dim",
       {1, 15, 1, 1},
       "the shapes of a batch norm's gradient do not agree: 2x16x9x7 and 1x15x1x1"},
      {"backward-norm",
       "t/8/dim",
       {1, 16, 1, 2},
       "the shapes of a batch norm's gradient do not agree: 2x16x9x7 and 1x16x1x2"},
  };
  for (const auto &c : cases)
    EXPECT_EQ(messageOf(storedPlan(c.plan), c.path, c.value), c.message) << c.plan << " " << c.path << " " << c.value;
}

// 2x16x9x7 with 24 filters of 3x1, strides of 2 and 1, one row of padding above.
TEST(CudnnMessages, OfConvolutions) {
  const json plan = storedPlan("forward");
  const std::string shapes = "CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR: shapes do not agree: ";
  const std::string window =
      "CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR: paddings, strides or dilations are out of range";
  struct {
    const char *path;
    json value;
    std::string message;
  } cases[] = {
      {"t/2/dim", {3, 24, 4, 7}, shapes + "2x16x9x7 with weights 24x16x3x1 and 3x24x4x7"},
      {"t/2/dim", {2, 23, 4, 7}, shapes + "2x16x9x7 with weights 24x16x3x1 and 2x23x4x7"},
      {"t/2/dim", {2, 24, 5, 7}, shapes + "2x16x9x7 with weights 24x16x3x1 and 2x24x5x7"},
      {"t/2/dim", {2, 24, 4, 6}, shapes + "2x16x9x7 with weights 24x16x3x1 and 2x24x4x6"},
      {"t/1/dim", {24, 5, 3, 1}, shapes + "2x16x9x7 with weights 24x5x3x1 and 2x24x4x7"},
      {"t/1/dim", {24, 1, 3, 1}, shapes + "2x16x9x7 with weights 24x1x3x1 and 2x24x4x7"}, // 16 groups of 24
      {"t/1/dim", {24, 2, 3, 1}, ""},
      {"t/1/dim", {24, 4, 3, 1}, ""},
      {"t/0/dim", {2, 16, 8, 7}, ""}, // a row that no filter reaches
      {"t/0/dim", {2, 16, 7, 7}, shapes + "2x16x7x7 with weights 24x16x3x1 and 2x24x4x7"},
      {"t/0/dim", {2, 16, 10, 7}, shapes + "2x16x10x7 with weights 24x16x3x1 and 2x24x4x7"},
      {"n/0/stride", {3, 1}, shapes + "2x16x9x7 with weights 24x16x3x1 and 2x24x4x7"},
      {"n/0/pad_upper", {1, 0}, shapes + "2x16x9x7 with weights 24x16x3x1 and 2x24x4x7"},
      {"n/0/pad_lower", {0, 0}, ""}, // 9 rows, as 10 with the one above
      {"n/0/dilation", {2, 1}, shapes + "2x16x9x7 with weights 24x16x3x1 and 2x24x4x7"},
      {"n/0/dilation", {1, (1 << 20) - 1}, ""}, // of one column
      {"n/0/dilation", {1, 1 << 20}, window},
      {"n/0/dilation", {0, 1}, window},
      {"n/0/dilation", json::array({1}), window},
      {"n/0/stride", {1, 0}, window},
      {"n/0/stride", {2, 1, 1}, window},
      {"n/0/pad_lower", {-1, 0}, window},
      {"n/0/pad_upper", {0, -1}, window},
      {"n/0/pad", {0, 0}, ""}, // counts where it is there
      {"n/0/pad", {0, 1}, shapes + "2x16x9x7 with weights 24x16x3x1 and 2x24x4x7"},
  };
  for (const auto &c : cases)
    EXPECT_EQ(messageOf(plan, c.path, c.value), c.message) << c.path << " " << c.value;
}

// Of each mode: whether it takes B, T, dY and dX, in all combinations.
TEST(CudnnMessages, OperandsOfPointwiseModes) {
  const std::string unary = " ABS EXP LOG NEG RSQRT SQRT IDENTITY RECIPROCAL RELU_FWD TANH_FWD SIGMOID_FWD RELU_BWD ";
  for (const Name &name : pointwiseNames()) {
    const std::string mode = std::string(name.text).substr(16);
    const bool backward = mode == "RELU_BWD", select = mode == "BINARY_SELECT";
    const bool takesB = unary.find(" " + mode + " ") == std::string::npos;
    for (int present = 0; present < 32; ++present) { // B, Y, dY, dX, T
      Graph graph;
      for (int64_t uid = 1; uid <= 6; ++uid)
        graph.tensors.push_back(activations(uid, CUDNN_DATA_FLOAT, 1, 2, 3, 4));
      std::vector<int> operands = {0, -1, -1, -1, -1, -1};
      for (int i = 0; i < 5; ++i)
        operands[size_t(i) + 1] = present >> i & 1 ? i + 1 : -1;
      graph.nodes.push_back(makeNode(OpKind::Pointwise, operands, name.value));
      const bool b = present & 1, y = present & 2, dy = present & 4, dx = present & 8, t = present & 16;
      std::string wanted = y == backward || dx != backward || dy != backward
                               ? ": it lacks its result, or has one too many"
                           : b != takesB || t != select ? ": wrong number of operands"
                                                        : "";
      EXPECT_EQ(checkGraph(graph).message(), wanted.empty() ? "" : name.text + wanted) << present;
    }
  }
  Graph graph;
  graph.tensors = {activations(1, CUDNN_DATA_FLOAT, 1, 2, 3, 4), activations(2, CUDNN_DATA_FLOAT, 1, 2, 3, 4)};
  graph.nodes = {makeNode(OpKind::Pointwise, {0, -1, 1, -1, -1, -1}, 12345)};
  EXPECT_EQ(checkGraph(graph).message(), "pointwise mode 12345");
  graph.nodes = {makeNode(OpKind::Reduction, {0, 1}, 12345)};
  EXPECT_EQ(checkGraph(graph).message(), "reduction 12345");
}

// What a graph is known by: names of virtual tensors and what lies behind them do not matter, everything else does.
TEST(CudnnMessages, Signatures) {
  auto signatureOf = [](const json &plan) {
    Expected<Plan> read = readPlan(plan.dump());
    EXPECT_TRUE(read) << read.status().message();
    return read ? signature(read->graph) : "";
  };
  const json plan = storedPlan("matmul-bias");
  EXPECT_EQ(signatureOf(plan), "3:0:1.000000:0.000000:::: 1=0:1x32x48:1536x48x1 2=0:1x48x10:480x1x48 -1;"
                               "4:0:1.000000:1.000000:::: -1 3=0:1x1x10:10x10x1 4=0:1x32x10:320x10x1 - - -;");
  json renamed = plan;
  renamed["operationGraph"]["tensors"][4]["name"] = "555";
  renamed["operationGraph"]["nodes"][0]["matC"] = renamed["operationGraph"]["nodes"][1]["X"] = "555";
  EXPECT_EQ(signatureOf(renamed), signatureOf(plan));
  const json forward = storedPlan("forward");
  // What is left out is 1 for what is new and 0 for what was there, and 1 for both operands.
  for (auto [from, node, key] :
       {std::tuple{&forward, 0, "alpha"}, {&forward, 0, "beta"}, {&plan, 1, "alpha1"}, {&plan, 1, "alpha2"}}) {
    json less = *from;
    less["operationGraph"]["nodes"][node].erase(key);
    EXPECT_EQ(signatureOf(less), signatureOf(*from)) << key;
  }
  const std::pair<const char *, json> changes[] = {{"/operationGraph/nodes/0/alpha", 2},
                                                   {"/operationGraph/nodes/0/beta", 1},
                                                   {"/operationGraph/nodes/0/pad_lower", {0, 0}},
                                                   {"/operationGraph/nodes/0/dilation", {1, 2}},
                                                   {"/operationGraph/tensors/0/stride", {2016, 1, 224, 31}},
                                                   {"/operationGraph/tensors/0/dataType", "CUDNN_DATA_HALF"},
                                                   {"/operationGraph/tensors/0/dim", {2, 16, 8, 7}}};
  for (const auto &[path, value] : changes) {
    json other = forward;
    other.at(json::json_pointer(path)) = value;
    EXPECT_NE(signatureOf(other), signatureOf(forward)) << path;
  }
}

/// What an engine says of a stored graph that `change` has changed.
template <typename Change>
std::string engineSays(const char *plan, int64_t engine, Change change) {
  Expected<Plan> read = readPlan(storedPlan(plan).dump());
  EXPECT_TRUE(read) << read.status().message();
  Graph graph = read->graph;
  change(graph);
  return checkEngine(graph, engine).message();
}

// Of a convolution with the sums of its result: 0 is of sm_80, 2 of sm_90, and of others nothing is known.
TEST(CudnnMessages, OfEnginesThatGiveStatistics) {
  auto says = [](auto change, int64_t engine = 0) { return engineSays("genstats", engine, change); };
  auto pixels = [](Tensor &tensor, int64_t channels, int64_t pitch) {
    tensor.dims[1] = channels;
    tensor.strides[3] = pitch;
  };
  for (int64_t engine : {0, 1, 2, 3})
    EXPECT_EQ(says([](Graph &) {}, engine), "");
  for (int64_t engine : {0, 2}) {
    EXPECT_EQ(says([](Graph &g) { g.tensors[0].type = CUDNN_DATA_BFLOAT16; }, engine), "tensor 1 is not of half");
    EXPECT_EQ(says([](Graph &g) { g.nodes[0].padEnd[1] = 0; }, engine), "the padding is not symmetric");
    EXPECT_EQ(says([](Graph &g) { g.tensors[1].dims[1] = 8; }, engine), "the convolution has groups");
    EXPECT_EQ(says([&](Graph &g) { pixels(g.tensors[0], 12, 12), g.tensors[1].dims[1] = 12; }, engine),
              "tensor 1 has 12 channels, not a multiple of 8");
    EXPECT_EQ(says([](Graph &g) { g.tensors[0].strides[1] = 64; }, engine),
              "tensor 1 does not have its channels last, with pixels a multiple of 8 elements apart");
    EXPECT_EQ(says([&](Graph &g) { pixels(g.tensors[0], 16, 20); }, engine),
              "tensor 1 does not have its channels last, with pixels a multiple of 8 elements apart");
    EXPECT_EQ(says([&](Graph &g) { pixels(g.tensors[0], 16, 24); }, engine), "tensor 1 is a channel slice");
    EXPECT_EQ(says([&](Graph &g) { pixels(g.tensors[2], 32, 40); }, engine), "tensor 3 is a channel slice");
    EXPECT_EQ(says([&](Graph &g) { pixels(g.tensors[2], 20, 20); }, engine),
              engine == 0 ? "" : "tensor 3 has 20 channels, not a multiple of 8");
  }
  EXPECT_EQ(says([](Graph &g) { g.tensors[0].type = CUDNN_DATA_FLOAT; }, 1), "");
}

// Of a gradient of data and a batch norm's gradient: 0 is of sm_80, 1 of sm_90.
TEST(CudnnMessages, OfEnginesThatGiveNormGradients) {
  auto says = [](auto change, int64_t engine = 0) { return engineSays("backward-norm", engine, change); };
  for (int64_t engine : {0, 1, 2})
    EXPECT_EQ(says([](Graph &) {}, engine), "");
  for (int64_t engine : {0, 1}) {
    EXPECT_EQ(says([](Graph &g) { g.tensors[0].type = CUDNN_DATA_FLOAT; }, engine), "tensor 1 is not of half");
    EXPECT_EQ(says([](Graph &g) { g.nodes[0].padBegin[0] = 2; }, engine), "the padding is not symmetric");
    EXPECT_EQ(says([](Graph &g) { g.tensors[1].dims[1] = 8; }, engine), "the convolution has groups");
    EXPECT_EQ(says([](Graph &g) { g.tensors[0].strides[3] = 32; }, engine), "tensor 1 is a channel slice");
    EXPECT_EQ(says([](Graph &g) { g.tensors[0].dims[1] = g.tensors[0].strides[3] = 20; }, engine),
              engine == 0 ? "" : "tensor 1 has 20 channels, not a multiple of 8");
    EXPECT_EQ(says([](Graph &g) { g.tensors[1].dims[1] = g.tensors[2].dims[1] = 12; }, engine),
              engine == 0 ? "" : "tensor 3 has 12 channels, not a multiple of 8");
  }
  EXPECT_EQ(says([](Graph &g) { g.tensors[0].type = CUDNN_DATA_FLOAT; }, 2), "");
  for (auto [version, known] : {std::pair{91899, false}, {91900, true}, {91999, true}, {92000, false}})
    EXPECT_EQ(hasEngineRules(version), known) << version;
}

TEST(CudnnMessages, OfOtherDevices) {
  std::ifstream file(INCEPT_SIM_INPUTS "/h100.json");
  const json device = json::parse(file);
  const std::string made = device.dump();
  for (const char *key : {"deviceVer", "multiProcessorCount", "maxGridSize", "maxBlockSize", "regsPerBlock", "warpSize",
                          "maxSharedMemoryPerBlock", "maxSharedMemoryPerBlockOptin", "reservedSharedMemoryPerBlock",
                          "maxRegistersPerSM", "maxCtasPerSM", "maxThreadsPerBlock", "maxThreadsPerSM", "driverVer"}) {
    json other = device;
    other[key] = 1;
    const std::string wanted = std::string("the plan was made for a device with another ") + key;
    EXPECT_EQ(sameDevice(made, other.dump()).message(), wanted);
    other.erase(key);
    EXPECT_EQ(sameDevice(made, other.dump()).message(), wanted);
    EXPECT_EQ(sameDevice(other.dump(), made).message(), wanted);
  }
  for (const char *text : {"", "5", "[]"}) {
    EXPECT_EQ(sameDevice(made, text).message(), "the plan was made for a device with another deviceVer");
    EXPECT_EQ(sameDevice(text, made).message(), "the plan was made for a device with another deviceVer");
  }
}

} // namespace
