// SPDX-License-Identifier: Apache-2.0
//
// The simulator's rules of engines (alignment, multiples of channels, layout) against the real cuDNN, which finalises
// engines for devices that are not there.
#include "tools/incept-sim/cudnn/EngineRules.h"
#include "runtime/device/cuda/CudnnGraph.h"
#include "test/codegen/cuda/CudnnFixture.h"

#include <algorithm>
#include <set>

namespace incept::cuda {

namespace {

using cudnn::Descriptor;
using sim::cudnn::OpKind;
using sim::cudnn::Tensor;

constexpr OpKind kKinds[] = {OpKind::Convolution, OpKind::BackwardData, OpKind::BackwardWeights};
constexpr cudnnDataType_t kDataTypes[] = {CUDNN_DATA_HALF, CUDNN_DATA_BFLOAT16, CUDNN_DATA_FLOAT};

/// A convolution as both sides see it. Tensors are src, weights, dst.
struct Case {
  OpKind kind = OpKind::Convolution;
  std::array<Tensor, 3> tensors;
  std::vector<int64_t> pad, stride;

  sim::cudnn::Graph graph() const {
    sim::cudnn::Graph result;
    result.tensors.assign(tensors.begin(), tensors.end());
    sim::cudnn::Node &node = result.nodes.emplace_back();
    while (sim::cudnn::operations()[node.op].kind != kind)
      ++node.op;
    node.operands = {0, 1, 2};
    node.padBegin = node.padEnd = pad;
    node.stride = stride;
    node.dilation = {1, 1};
    return result;
  }
};

/// What differs from a plain convolution.
struct Variation {
  const char *name;
  int64_t ic = 64, oc = 96, alignment = 16;
  int64_t srcStride = 0, dstStride = 0; ///< between pixels
  bool channelsFirst = false;
  int only = -1; ///< the one tensor with this alignment
};
constexpr Variation kVariations[] = {
    {"plain"},
    {"aligned to 8 bytes", 64, 96, 8},
    {"aligned to 4 bytes", 64, 96, 4},
    {"aligned to 2 bytes", 64, 96, 2},
    {"src aligned to 8 bytes", 64, 96, 8, 0, 0, false, 0},
    {"weights aligned to 8 bytes", 64, 96, 8, 0, 0, false, 1},
    {"dst aligned to 8 bytes", 64, 96, 8, 0, 0, false, 2},
    {"32 bytes", 64, 96, 32},
    {"60 channels", 60},
    {"62 channels", 62},
    {"63 channels", 63},
    {"3 channels", 3},
    {"to 92 channels", 64, 92},
    {"to 94 channels", 64, 94},
    {"to 95 channels", 64, 95},
    {"a slice of src", 64, 96, 16, 72},
    {"a slice of src, 68 apart", 64, 96, 16, 68},
    {"a slice of src, 65 apart", 64, 96, 16, 65},
    {"a slice of dst", 64, 96, 16, 0, 104},
    {"a slice of dst, 100 apart", 64, 96, 16, 0, 100},
    {"a slice of dst, 97 apart", 64, 96, 16, 0, 97},
    {"channels first", 64, 96, 16, 0, 0, true},
};

Case makeCase(OpKind kind, cudnnDataType_t type, bool isWide, const Variation &v) {
  Case result;
  result.kind = kind;
  int64_t kh = isWide ? 1 : 3, kw = isWide ? 7 : 3, step = isWide ? 2 : 1, size = isWide ? 17 : 35;
  result.pad = {kh / 2, kw / 2};
  result.stride = {step, step};
  int64_t out = (size - 1) / step + 1;
  auto tensor = [&](int which, int64_t n, int64_t c, int64_t h, int64_t w, int64_t pixel) {
    Tensor &t = result.tensors[size_t(which)];
    t.uid = which + 1;
    t.type = type;
    t.dims = {n, c, h, w};
    pixel = pixel ? pixel : c;
    t.strides = v.channelsFirst ? std::vector<int64_t>{c * h * w, h * w, w, 1}
                                : std::vector<int64_t>{h * w * pixel, 1, w * pixel, pixel};
    t.alignment = v.only < 0 || v.only == which ? v.alignment : 16;
  };
  tensor(0, 16, v.ic, size, size, v.srcStride);
  tensor(1, v.oc, v.ic, kh, kw, 0);
  tensor(2, 16, v.oc, out, out, v.dstStride);
  return result;
}

class EngineRulesTest : public CudnnTest {
protected:
  void SetUp() override {
    CudnnTest::SetUp();
    if (!IsSkipped() && !sim::cudnn::hasEngineRules(version()))
      GTEST_SKIP() << "the rules are not of cuDNN " << library->version();
  }
  int version() const { return int(api().getVersion()); }
  const cudnn::Api &api() const { return library->internals().api; }

  /// The real graph; false where a part of it is refused.
  bool build(const Case &c, cudnn::Graph &result) {
    static constexpr cudnnBackendAttributeName_t kNames[3][6] = {
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA}};
    std::string error;
    for (const Tensor &t : c.tensors)
      if (!describe(t, result))
        return false;
    cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    Descriptor &window = result.parts.emplace_back(api(), CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    window.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t(2))
        .set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT)
        .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode)
        .set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, c.pad)
        .set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, c.pad)
        .set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, c.stride)
        .set(CUDNN_ATTR_CONVOLUTION_DILATIONS, std::vector<int64_t>{1, 1});
    if (!window.finalize(error))
      return false;
    const auto &names = kNames[size_t(c.kind)];
    Descriptor &op = result.parts.emplace_back(api(), sim::cudnn::operations()[c.graph().nodes[0].op].descriptor);
    op.set(names[0], window)
        .set(names[1], result.parts[0])
        .set(names[2], result.parts[1])
        .set(names[3], result.parts[2])
        .set(names[4], 1.0f)
        .set(names[5], 0.0f);
    if (!op.finalize(error))
      return false;
    result.graph = Descriptor(api(), CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    result.graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, std::vector<const Descriptor *>{&op});
    return result.graph.finalize(error);
  }

  bool describe(const Tensor &t, cudnn::Graph &result) {
    std::string error;
    Descriptor &tensor = result.parts.emplace_back(api(), CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    tensor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, t.uid)
        .set(CUDNN_ATTR_TENSOR_DATA_TYPE, t.type)
        .set(CUDNN_ATTR_TENSOR_DIMENSIONS, t.dims)
        .set(CUDNN_ATTR_TENSOR_STRIDES, t.strides)
        .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, t.alignment);
    return tensor.finalize(error);
  }
};

// Every engine of every direction and type: where the plain convolution is taken, each variation is taken by the real
// library exactly where the rules say so.
TEST_F(EngineRulesTest, AreThoseOfTheRealLibrary) {
  std::set<std::pair<int, int64_t>> refusing;
  for (const char *name : {"a100", "l40s", "h100", "b200", "rtx5090"}) {
    std::string error;
    auto device = cudnn::describeDevice(library->internals(), findDeviceProfile(name)->cudnnProperties, error);
    ASSERT_TRUE(device) << error;
    const cudnn::Place place{nullptr, device.get()};
    for (OpKind kind : kKinds)
      for (cudnnDataType_t type : kDataTypes)
        for (bool isWide : {false, true}) {
          std::deque<cudnn::Graph> graphs;
          std::vector<bool> isBuilt;
          for (const Variation &v : kVariations)
            isBuilt.push_back(build(makeCase(kind, type, isWide, v), graphs.emplace_back()));
          ASSERT_TRUE(isBuilt[0]);
          int64_t count = 0;
          ASSERT_TRUE(graphs[0].graph.get(CUDNN_ATTR_OPERATIONGRAPH_ENGINE_GLOBAL_COUNT, count));
          for (int64_t engine = 0; engine < count; ++engine) {
            auto takes = [&](size_t which) {
              Descriptor made;
              return isBuilt[which] && cudnn::buildEngine(api(), graphs[which], engine, place, made, error);
            };
            if (!takes(0))
              continue;
            for (size_t i = 1; i < std::size(kVariations); ++i) {
              sim::cudnn::Graph graph = makeCase(kind, type, isWide, kVariations[i]).graph();
              Status tensors = sim::cudnn::checkGraph(graph), rules = sim::cudnn::checkEngine(graph, engine);
              EXPECT_EQ(takes(i), tensors.ok() && rules.ok())
                  << name << ", direction " << int(kind) << ", type " << int(type) << (isWide ? ", 1x7/2" : ", 3x3")
                  << ", engine " << engine << ", " << kVariations[i].name << ": " << tensors.message()
                  << rules.message();
              if (!rules.ok())
                refusing.emplace(int(kind), engine);
            }
          }
        }
  }
  // Each rule was met.
  for (const sim::cudnn::EngineRule &rule : sim::cudnn::engineRules())
    EXPECT_TRUE(std::any_of(rule.engines.begin(), rule.engines.end(), [&](int engine) {
      return refusing.count({int(rule.kind), engine}) != 0;
    }));
}

/// The tensors of a graph as the simulator has them.
std::vector<Tensor> tensorsOf(const cudnn::Graph &graph) {
  std::vector<Tensor> result;
  for (const cudnn::TensorFacts &facts : graph.tensors) {
    Tensor &t = result.emplace_back();
    int type = 0;
    EXPECT_TRUE(sim::cudnn::valueOf(sim::cudnn::typeNames(), facts.type, type));
    t.uid = std::stoll(facts.id);
    t.type = cudnnDataType_t(type);
    t.dims = facts.dims;
    t.strides = facts.strides;
    t.alignment = cudnn::kOperandAlignment;
  }
  return result;
}

/// An operation of the simulator, a convolution's with the window of a problem.
sim::cudnn::Node nodeOf(OpKind kind, std::vector<int> operands, const cudnn::Problem &p) {
  sim::cudnn::Node node;
  while (sim::cudnn::operations()[node.op].kind != kind)
    ++node.op;
  node.operands = std::move(operands);
  node.padBegin = {p.pt, p.pl};
  node.padEnd = {p.pb, p.pr};
  node.stride = {p.sh, p.sw};
  node.dilation = {p.dh, p.dw};
  return node;
}

/// The graph of the simulator for a convolution and the sums of its result.
sim::cudnn::Graph statisticsGraph(const cudnn::Problem &p, const cudnn::Graph &graph) {
  return {tensorsOf(graph), {nodeOf(OpKind::Convolution, {0, 1, 2}, p), nodeOf(OpKind::GenStats, {2, 3, 4}, p)}};
}

/// The graph of the simulator for what normalises what it reads: a convolution and the sums of its result, or a
/// gradient of weights.
sim::cudnn::Graph normalizedGraph(const cudnn::Problem &p, const cudnn::Graph &graph) {
  const bool isForward = p.kind == cudnn::Kind::ConvolutionForward;
  auto pointwise = [&](int mode, int a, int b, int result) {
    sim::cudnn::Node node = nodeOf(OpKind::Pointwise, {a, b, result, -1, -1, -1}, p);
    node.mode = mode;
    return node;
  };
  const sim::cudnn::Graph tensors{tensorsOf(graph), {}};
  auto find = [&](int64_t uid) { return tensors.find(uid); };
  int product = find(101), sum = find(102), image = find(103);
  sim::cudnn::Graph result{tensors.tensors,
                           {pointwise(CUDNN_POINTWISE_MUL, find(1), find(3), product),
                            pointwise(CUDNN_POINTWISE_ADD, product, find(4), sum),
                            pointwise(CUDNN_POINTWISE_RELU_FWD, sum, -1, image)}};
  for (int index : {product, sum, image})
    result.tensors[size_t(index)].isVirtual = true;
  if (isForward) {
    result.nodes.push_back(nodeOf(OpKind::Convolution, {image, find(2), find(5)}, p));
    result.nodes.push_back(nodeOf(OpKind::GenStats, {find(5), find(6), find(7)}, p));
  } else {
    result.nodes.push_back(nodeOf(OpKind::BackwardWeights, {image, find(5), find(2)}, p));
  }
  return result;
}

/// The first and the last operation of a gradient of data that goes on with that of a batch norm.
sim::cudnn::Graph normGradientGraph(const cudnn::Problem &p, const cudnn::Graph &graph) {
  constexpr int kDiff = 13; // behind all operands
  return {tensorsOf(graph),
          {nodeOf(OpKind::BackwardData, {kDiff, 1, 0}, p),
           nodeOf(OpKind::NormGradients, {2, 7, 3, 4, 5, 8, 9, 10, 11, 12}, p)}};
}

TEST_F(EngineRulesTest, SumsNeedWhatTheRealLibraryNeeds) {
  struct Change {
    const char *name;
    void (*apply)(cudnn::Problem &);
  };
  const Change kChanges[] = {
      {"plain", [](cudnn::Problem &) {}},
      {"bf16", [](cudnn::Problem &p) { p.type = p.resultType = cudnn::Type::BF16; }},
      {"12 channels", [](cudnn::Problem &p) { p.ic = 12; }},
      {"to 92 channels", [](cudnn::Problem &p) { p.oc = 92; }},
      {"three channels", [](cudnn::Problem &p) { p.ic = 3; }},
      {"groups", [](cudnn::Problem &p) { p.g = 2; }},
      {"a slice of src", [](cudnn::Problem &p) { p.srcStride = 320; }},
      {"a slice of dst", [](cudnn::Problem &p) { p.dstStride = 320; }},
      {"a slice before batch norm", [](cudnn::Problem &p) { p.normStride = p.normGradient ? 320 : 0; }},
      {"padding at one side", [](cudnn::Problem &p) { p.pt = p.pl = 0, p.oh = p.ow = 34; }},
      {"stride", [](cudnn::Problem &p) { p.sh = p.sw = 2, p.oh = p.ow = 18; }},
      {"dilation", [](cudnn::Problem &p) { p.dh = p.dw = 2, p.pt = p.pl = p.pb = p.pr = 2; }},
  };
  struct Engine {
    cudnn::Kind kind;
    const char *device;
    int64_t number;
    bool normalized = false;
  };
  for (auto [kind, name, engine, normalized] : {Engine{cudnn::Kind::ConvolutionForward, "a100", 0},
                                                {cudnn::Kind::ConvolutionForward, "h100", 2},
                                                {cudnn::Kind::ConvolutionForward, "a100", 0, true},
                                                {cudnn::Kind::ConvolutionForward, "h100", 2, true},
                                                {cudnn::Kind::ConvolutionBackwardWeights, "a100", 0, true},
                                                {cudnn::Kind::ConvolutionBackwardWeights, "h100", 2, true},
                                                {cudnn::Kind::ConvolutionBackwardData, "a100", 0},
                                                {cudnn::Kind::ConvolutionBackwardData, "h100", 1}}) {
    std::string error;
    auto device = cudnn::describeDevice(library->internals(), findDeviceProfile(name)->cudnnProperties, error);
    ASSERT_TRUE(device) << error;
    const cudnn::Place place{nullptr, device.get()};
    for (const Change &change : kChanges) {
      cudnn::Problem problem = convolution(kind, cudnn::Type::F16);
      problem.stats = kind == cudnn::Kind::ConvolutionForward;
      problem.normGradient = kind == cudnn::Kind::ConvolutionBackwardData;
      problem.normalized = normalized;
      change.apply(problem);
      cudnn::Graph graph;
      ASSERT_TRUE(cudnn::buildGraph(api(), problem, place, graph, error)) << error;
      Descriptor made;
      cudnn::BuiltPlan built; // these engines finalise with any such graph, plans of them do not
      bool isTaken = cudnn::buildEngine(api(), graph, engine, place, made, error) &&
                     cudnn::buildPlan(api(), std::move(made), {}, place, built, error);
      sim::cudnn::Graph simulated = normalized             ? normalizedGraph(problem, graph)
                                    : problem.normGradient ? normGradientGraph(problem, graph)
                                                           : statisticsGraph(problem, graph);
      EXPECT_TRUE(sim::cudnn::checkGraph(simulated).ok());
      Status rules = sim::cudnn::checkEngine(simulated, engine);
      EXPECT_EQ(isTaken, rules.ok()) << name << ", " << change.name << ": " << rules.message();
    }
  }
}

// Tensors alone: what the real library refuses, the simulated one does.
TEST_F(EngineRulesTest, TensorsAreCheckedAlike) {
  auto tensor = [](std::vector<int64_t> dims, std::vector<int64_t> strides, int64_t alignment, cudnnDataType_t type) {
    Tensor result;
    result.uid = 1;
    result.dims = std::move(dims);
    result.strides = std::move(strides);
    result.alignment = alignment;
    result.type = type;
    return result;
  };
  const std::vector<int64_t> dims = {2, 8, 3, 3}, strides = {72, 1, 24, 8};
  const Tensor rows[] = {
      tensor(dims, strides, 16, CUDNN_DATA_HALF),
      tensor(dims, strides, 0, CUDNN_DATA_HALF),
      tensor(dims, strides, 1, CUDNN_DATA_HALF),
      tensor(dims, strides, 2, CUDNN_DATA_HALF),
      tensor(dims, strides, 3, CUDNN_DATA_HALF),
      tensor(dims, strides, 6, CUDNN_DATA_HALF),
      tensor(dims, strides, -16, CUDNN_DATA_HALF),
      tensor(dims, strides, 256, CUDNN_DATA_HALF),
      tensor(dims, strides, 2, CUDNN_DATA_FLOAT),
      tensor(dims, strides, 4, CUDNN_DATA_FLOAT),
      tensor({2, -1, 3, 3}, strides, 16, CUDNN_DATA_HALF),
      tensor(dims, {72, -1, 24, 8}, 16, CUDNN_DATA_HALF),
      tensor(dims, {72, 0, 24, 8}, 16, CUDNN_DATA_HALF),
      tensor(dims, {72, 1, 24}, 16, CUDNN_DATA_HALF),
      tensor({8}, {1}, 16, CUDNN_DATA_HALF),
      tensor({1, 1, 1, 1, 1, 1, 1, 8}, {8, 8, 8, 8, 8, 8, 8, 1}, 16, CUDNN_DATA_HALF),
      tensor({1, 1, 1, 1, 1, 1, 1, 1, 8}, {8, 8, 8, 8, 8, 8, 8, 8, 1}, 16, CUDNN_DATA_HALF),
  };
  for (const Tensor &row : rows) {
    cudnn::Graph graph;
    EXPECT_EQ(describe(row, graph), sim::cudnn::checkTensor(row).ok()) << &row - rows;
  }
}

} // namespace

} // namespace incept::cuda
