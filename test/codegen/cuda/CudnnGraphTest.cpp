// SPDX-License-Identifier: Apache-2.0
//
// What cuDNN is told of a problem, attribute by attribute: a table of functions that writes down what they are given
// stands in its place. Needs its headers, not the library.
#include "runtime/device/cuda/CudnnGraph.h"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

namespace incept::cudnn {

namespace {

struct Made {
  cudnnBackendDescriptorType_t type;
  std::string text; ///< "tensor id=1 ..."
  std::string id;   ///< of a tensor: "t1"
};
std::deque<Made> made;
size_t destroyed = 0;
cudnnStatus_t failure = CUDNN_STATUS_SUCCESS; ///< of attributes and of finalising
std::string words;                            ///< of the last error
std::string answer;                           ///< of a plan as text
int64_t answers = 0;                          ///< of descriptors that are asked for, and of numbers: itself

const std::map<int, const char *> kTypes = {
    {CUDNN_BACKEND_TENSOR_DESCRIPTOR, "tensor"},
    {CUDNN_BACKEND_POINTWISE_DESCRIPTOR, "kind"},
    {CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, "pointwise"},
    {CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, "window"},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, "forward"},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR, "backward_data"},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR, "backward_weights"},
    {CUDNN_BACKEND_OPERATION_GEN_STATS_DESCRIPTOR, "statistics"},
    {CUDNN_BACKEND_OPERATION_BN_BWD_WEIGHTS_DESCRIPTOR, "norm"},
    {CUDNN_BACKEND_MATMUL_DESCRIPTOR, "product"},
    {CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR, "matmul"},
    {CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, "graph"},
    {CUDNN_BACKEND_ENGINE_DESCRIPTOR, "engine"},
    {CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, "knob"},
    {CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, "config"},
    {CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, "plan"},
    {CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, "device"}};

const std::map<int, const char *> kAttributes = {{CUDNN_ATTR_TENSOR_UNIQUE_ID, "id"},
                                                 {CUDNN_ATTR_TENSOR_DATA_TYPE, "type"},
                                                 {CUDNN_ATTR_TENSOR_DIMENSIONS, "dims"},
                                                 {CUDNN_ATTR_TENSOR_STRIDES, "strides"},
                                                 {CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, "align"},
                                                 {CUDNN_ATTR_TENSOR_IS_VIRTUAL, "virtual"},
                                                 {CUDNN_ATTR_POINTWISE_MODE, "mode"},
                                                 {CUDNN_ATTR_POINTWISE_MATH_PREC, "sums"},
                                                 {CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, "kind"},
                                                 {CUDNN_ATTR_OPERATION_POINTWISE_XDESC, "x"},
                                                 {CUDNN_ATTR_OPERATION_POINTWISE_YDESC, "y"},
                                                 {CUDNN_ATTR_OPERATION_POINTWISE_BDESC, "b"},
                                                 {CUDNN_ATTR_OPERATION_POINTWISE_ALPHA1, "alpha"},
                                                 {CUDNN_ATTR_OPERATION_POINTWISE_DYDESC, "dy"},
                                                 {CUDNN_ATTR_OPERATION_POINTWISE_DXDESC, "dx"},
                                                 {CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, "rank"},
                                                 {CUDNN_ATTR_CONVOLUTION_COMP_TYPE, "sums"},
                                                 {CUDNN_ATTR_CONVOLUTION_CONV_MODE, "mode"},
                                                 {CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, "begin"},
                                                 {CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, "end"},
                                                 {CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, "strides"},
                                                 {CUDNN_ATTR_CONVOLUTION_DILATIONS, "dilations"},
                                                 {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, "window"},
                                                 {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, "x"},
                                                 {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, "w"},
                                                 {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, "y"},
                                                 {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, "alpha"},
                                                 {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, "beta"},
                                                 {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, "window"},
                                                 {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, "dx"},
                                                 {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, "w"},
                                                 {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, "dy"},
                                                 {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, "alpha"},
                                                 {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, "beta"},
                                                 {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, "window"},
                                                 {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, "x"},
                                                 {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, "dw"},
                                                 {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, "dy"},
                                                 {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, "alpha"},
                                                 {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA, "beta"},
                                                 {CUDNN_ATTR_OPERATION_GENSTATS_MODE, "mode"},
                                                 {CUDNN_ATTR_OPERATION_GENSTATS_MATH_PREC, "sums"},
                                                 {CUDNN_ATTR_OPERATION_GENSTATS_XDESC, "x"},
                                                 {CUDNN_ATTR_OPERATION_GENSTATS_SUMDESC, "sum"},
                                                 {CUDNN_ATTR_OPERATION_GENSTATS_SQSUMDESC, "squares"},
                                                 {CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_MATH_PREC, "sums"},
                                                 {CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_DY_DESC, "dy"},
                                                 {CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_X_DESC, "x"},
                                                 {CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_MEAN_DESC, "mean"},
                                                 {CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_INVSTD_DESC, "inv_std"},
                                                 {CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_BN_SCALE_DESC, "gamma"},
                                                 {CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_DBN_SCALE_DESC, "diff_gamma"},
                                                 {CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_DBN_BIAS_DESC, "diff_beta"},
                                                 {CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_EQ_DY_SCALE_DESC, "of_dy"},
                                                 {CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_EQ_X_SCALE_DESC, "of_x"},
                                                 {CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_EQ_BIAS, "of_1"},
                                                 {CUDNN_ATTR_MATMUL_COMP_TYPE, "sums"},
                                                 {CUDNN_ATTR_OPERATION_MATMUL_DESC, "product"},
                                                 {CUDNN_ATTR_OPERATION_MATMUL_ADESC, "a"},
                                                 {CUDNN_ATTR_OPERATION_MATMUL_BDESC, "b"},
                                                 {CUDNN_ATTR_OPERATION_MATMUL_CDESC, "c"},
                                                 {CUDNN_ATTR_OPERATIONGRAPH_OPS, "ops"},
                                                 {CUDNN_ATTR_OPERATIONGRAPH_HANDLE, "handle"},
                                                 {CUDNN_ATTR_ENGINE_OPERATION_GRAPH, "graph"},
                                                 {CUDNN_ATTR_ENGINE_GLOBAL_INDEX, "index"},
                                                 {CUDNN_ATTR_ENGINE_DEVICEPROP, "device"},
                                                 {CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, "type"},
                                                 {CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, "value"},
                                                 {CUDNN_ATTR_ENGINECFG_ENGINE, "engine"},
                                                 {CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, "knobs"},
                                                 {CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, "config"},
                                                 {CUDNN_ATTR_EXECUTION_PLAN_HANDLE, "handle"},
                                                 {CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, "device"},
                                                 {CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, "json"}};

std::string valueText(cudnnBackendAttributeType_t type, const void *values, int64_t i) {
  switch (type) {
  case CUDNN_TYPE_INT64:
    return std::to_string(static_cast<const int64_t *>(values)[i]);
  case CUDNN_TYPE_FLOAT: {
    char text[32];
    std::snprintf(text, sizeof text, "%g", double(static_cast<const float *>(values)[i]));
    return text;
  }
  case CUDNN_TYPE_BOOLEAN:
    return static_cast<const bool *>(values)[i] ? "true" : "false";
  case CUDNN_TYPE_DATA_TYPE: {
    auto value = static_cast<const cudnnDataType_t *>(values)[i];
    return value == CUDNN_DATA_FLOAT      ? "f32"
           : value == CUDNN_DATA_HALF     ? "f16"
           : value == CUDNN_DATA_BFLOAT16 ? "bf16"
                                          : "?";
  }
  case CUDNN_TYPE_POINTWISE_MODE: {
    auto value = static_cast<const cudnnPointwiseMode_t *>(values)[i];
    return value == CUDNN_POINTWISE_ADD        ? "add"
           : value == CUDNN_POINTWISE_SUB      ? "subtract"
           : value == CUDNN_POINTWISE_MUL      ? "multiply"
           : value == CUDNN_POINTWISE_RELU_FWD ? "relu"
           : value == CUDNN_POINTWISE_RELU_BWD ? "relu_backward"
                                               : "?";
  }
  case CUDNN_TYPE_CONVOLUTION_MODE:
    return static_cast<const cudnnConvolutionMode_t *>(values)[i] == CUDNN_CROSS_CORRELATION ? "correlation" : "?";
  case CUDNN_TYPE_GENSTATS_MODE:
    return static_cast<const cudnnGenStatsMode_t *>(values)[i] == CUDNN_GENSTATS_SUM_SQSUM ? "sums" : "?";
  case CUDNN_TYPE_KNOB_TYPE:
    return std::to_string(int(static_cast<const cudnnBackendKnobType_t *>(values)[i]));
  case CUDNN_TYPE_HANDLE:
    return static_cast<void *const *>(values)[i] == &made ? "ours" : "?";
  case CUDNN_TYPE_CHAR:
    return std::string(1, static_cast<const char *>(values)[i]);
  case CUDNN_TYPE_BACKEND_DESCRIPTOR: {
    auto *other = static_cast<const Made *>(static_cast<void *const *>(values)[i]);
    return other->type == CUDNN_BACKEND_TENSOR_DESCRIPTOR ? other->id : kTypes.at(other->type);
  }
  default:
    return "?";
  }
}

Api recorder() {
  Api api;
  api.getLastErrorString = [](char *text, size_t size) { std::snprintf(text, size, "%s", words.c_str()); };
  api.createDescriptor = [](cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t *descriptor) {
    made.push_back({type, kTypes.at(type), ""});
    *descriptor = &made.back();
    return CUDNN_STATUS_SUCCESS;
  };
  api.destroyDescriptor = [](cudnnBackendDescriptor_t) {
    ++destroyed;
    return CUDNN_STATUS_SUCCESS;
  };
  api.finalize = [](cudnnBackendDescriptor_t) { return failure; };
  api.setAttribute = [](cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                        cudnnBackendAttributeType_t type, int64_t count, const void *values) {
    auto *one = static_cast<Made *>(descriptor);
    std::string text;
    for (int64_t i = 0; i < count; ++i)
      text += (i && type != CUDNN_TYPE_CHAR ? "," : "") + valueText(type, values, i);
    if (name == CUDNN_ATTR_TENSOR_UNIQUE_ID)
      one->id = "t" + text;
    one->text += std::string(" ") + kAttributes.at(name) + "=" + text;
    return failure;
  };
  api.getAttribute = [](cudnnBackendDescriptor_t, cudnnBackendAttributeName_t, cudnnBackendAttributeType_t type,
                        int64_t capacity, int64_t *count, void *values) {
    if (type == CUDNN_TYPE_CHAR) {
      *count = int64_t(answer.size());
      if (capacity > 0)
        answer.copy(static_cast<char *>(values), size_t(capacity));
    } else if (type == CUDNN_TYPE_INT64) {
      *count = 1;
      *static_cast<int64_t *>(values) = answers;
    } else {
      *count = answers;
    }
    return failure;
  };
  return api;
}

Problem distinct(Kind kind) {
  Problem p;
  p.kind = kind;
  p.type = Type::F16, p.resultType = Type::BF16, p.biasType = Type::F32;
  p.mb = 2, p.g = 3, p.ic = 6, p.ih = 11, p.iw = 12, p.oc = 9;
  p.kh = 4, p.kw = 5, p.sh = 2, p.sw = 3, p.dh = 2, p.dw = 1, p.pt = 1, p.pl = 0, p.pb = 2, p.pr = 4;
  p.oh = 4, p.ow = 4;
  p.srcStride = 20, p.dstStride = 21;
  return p;
}

Problem matmul() {
  Problem p;
  p.kind = Kind::MatMul;
  p.type = Type::BF16, p.resultType = Type::F32, p.biasType = Type::F16;
  p.m = 4, p.n = 5, p.k = 6, p.lda = 7, p.ldb = 8, p.ldc = 9;
  return p;
}

class CudnnGraph : public ::testing::Test {
protected:
  void SetUp() override {
    made.clear();
    destroyed = 0;
    failure = CUDNN_STATUS_SUCCESS;
    words = answer = "";
    answers = 0;
  }
  /// What was made, a line each.
  static std::string all() {
    std::string text;
    for (const Made &one : made)
      text += one.text + "\n";
    return text;
  }
  std::string graphOf(const Problem &problem, const Place &place = {}) {
    made.clear();
    std::string error;
    graph = Graph();
    EXPECT_TRUE(buildGraph(api, problem, place, graph, error)) << error;
    return all();
  }
  /// A line of a tensor that is in memory, or between two operations.
  static std::string tensor(int id, const char *type, const char *dims, const char *strides, bool isVirtual = false) {
    return "tensor id=" + std::to_string(id) + " type=" + type + " dims=" + dims + " strides=" + strides +
           " align=16 virtual=" + (isVirtual ? "true\n" : "false\n");
  }
  static std::string pointwise(const char *mode, const char *operands) {
    return std::string("kind mode=") + mode + " sums=f32\npointwise kind=kind " + operands + "\n";
  }

  Api api = recorder();
  Graph graph;
};

// Pixels 20 and 21 elements apart; channels together.
const char *const kSrc = "2,6,11,12", *const kSrcStrides = "2640,1,240,20", *const kDst = "2,9,4,4",
                  *const kDstStrides = "336,1,84,21", *const kWeights = "9,2,4,5", *const kWeightStrides = "40,1,10,2",
                  *const kWindow =
                      "window rank=2 sums=f32 mode=correlation begin=1,0 end=2,4 strides=2,3 dilations=2,1\n";

} // namespace

TEST_F(CudnnGraph, OfForwardConvolutions) {
  Problem p = distinct(Kind::ConvolutionForward);
  const std::string src = tensor(1, "f16", kSrc, kSrcStrides), weights = tensor(2, "f16", kWeights, kWeightStrides);
  EXPECT_EQ(graphOf(p), src + weights + tensor(3, "bf16", kDst, kDstStrides) + kWindow +
                            "forward window=window x=t1 w=t2 y=t3 alpha=1 beta=0\ngraph ops=forward\n");
  EXPECT_EQ(graph.padBegin, (std::vector<int64_t>{1, 0}));
  EXPECT_EQ(graph.padEnd, (std::vector<int64_t>{2, 4}));
  EXPECT_EQ(graph.strides, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(graph.dilations, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(graph.operations, std::vector<std::string>{"CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR"});
  ASSERT_EQ(graph.tensors.size(), 3u);
  EXPECT_EQ(graph.tensors[2].id + graph.tensors[2].type, "3CUDNN_DATA_BFLOAT16");
  EXPECT_EQ(graph.tensors[1].dims, (std::vector<int64_t>{9, 2, 4, 5}));
  EXPECT_EQ(graph.tensors[1].strides, (std::vector<int64_t>{40, 1, 10, 2}));
  // The residual comes before the bias.
  p.bias = p.residual = p.relu = true;
  p.scale = 0.5f, p.residualStride = 22;
  const char *dense = "144,1,36,9";
  EXPECT_EQ(graphOf(p), src + weights + tensor(3, "f32", "1,9,1,1", "9,1,9,9") + tensor(4, "f16", kDst, "352,1,88,22") +
                            tensor(5, "bf16", kDst, kDstStrides) + tensor(101, "f32", kDst, dense, true) + kWindow +
                            "forward window=window x=t1 w=t2 y=t101 alpha=1 beta=0\n" +
                            tensor(102, "f32", kDst, dense, true) + pointwise("add", "x=t101 y=t102 b=t4 alpha=0.5") +
                            tensor(103, "f32", kDst, dense, true) + pointwise("add", "x=t102 y=t103 b=t3") +
                            pointwise("relu", "x=t103 y=t5") + "graph ops=forward,pointwise,pointwise,pointwise\n");
  EXPECT_EQ(graph.operations[3], "CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR CUDNN_POINTWISE_RELU_FWD");
  EXPECT_EQ(graph.operations[1], "CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR CUDNN_POINTWISE_ADD");
  p = distinct(Kind::ConvolutionForward);
  p.bias = true, p.biasType = Type::F16, p.type = Type::F32;
  EXPECT_EQ(graphOf(p), tensor(1, "f32", kSrc, kSrcStrides) + tensor(2, "f32", kWeights, kWeightStrides) +
                            tensor(3, "f16", "1,9,1,1", "9,1,9,9") + tensor(4, "bf16", kDst, kDstStrides) +
                            tensor(101, "f32", kDst, dense, true) + kWindow +
                            "forward window=window x=t1 w=t2 y=t101 alpha=1 beta=0\n" +
                            pointwise("add", "x=t101 y=t4 b=t3") + "graph ops=forward,pointwise\n");
  p = distinct(Kind::ConvolutionForward);
  p.stats = true, p.srcStride = 0;
  EXPECT_EQ(graphOf(p), tensor(1, "f16", kSrc, "792,1,72,6") + weights + tensor(3, "bf16", kDst, kDstStrides) +
                            kWindow + "forward window=window x=t1 w=t2 y=t3 alpha=1 beta=0\n" +
                            tensor(4, "f32", "1,9,1,1", "9,1,9,9") + tensor(5, "f32", "1,9,1,1", "9,1,9,9") +
                            "statistics mode=sums sums=f32 x=t3 sum=t4 squares=t5\ngraph ops=forward,statistics\n");
  EXPECT_EQ(graph.operations[1], "CUDNN_BACKEND_OPERATION_GEN_STATS_DESCRIPTOR");
}

TEST_F(CudnnGraph, OfGradients) {
  Problem p = distinct(Kind::ConvolutionBackwardData);
  const std::string diffDst = tensor(1, "f16", kDst, kDstStrides), weights = tensor(2, "f16", kWeights, kWeightStrides);
  EXPECT_EQ(graphOf(p), diffDst + weights + tensor(3, "bf16", kSrc, kSrcStrides) + kWindow +
                            "backward_data window=window dx=t3 w=t2 dy=t1 alpha=1 beta=0\ngraph ops=backward_data\n");
  EXPECT_EQ(graph.operations, std::vector<std::string>{"CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR"});
  EXPECT_EQ(graphOf(distinct(Kind::ConvolutionBackwardWeights)),
            tensor(1, "f16", kSrc, kSrcStrides) + tensor(2, "f16", kDst, kDstStrides) +
                tensor(3, "bf16", kWeights, kWeightStrides) + kWindow +
                "backward_weights window=window x=t1 dw=t3 dy=t2 alpha=1 beta=0\ngraph ops=backward_weights\n");
  EXPECT_EQ(graph.operations,
            std::vector<std::string>{"CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR"});
  // n = (src - mean) * inv_std, where gamma * n + beta > 0.
  p.normGradient = true, p.normStride = 23;
  const char *dense = "792,1,72,6";
  auto vector = [](int id) { return tensor(id, "f32", "1,6,1,1", "6,1,6,6"); };
  auto between = [&](int id) { return tensor(id, "f32", kSrc, dense, true); };
  EXPECT_EQ(graphOf(p),
            diffDst + weights + tensor(3, "bf16", kSrc, "3036,1,276,23") + vector(4) + vector(5) + vector(6) +
                vector(7) + tensor(8, "bf16", kSrc, kSrcStrides) + vector(9) + vector(10) + vector(11) + vector(12) +
                vector(13) + between(101) + kWindow +
                "backward_data window=window dx=t101 w=t2 dy=t1 alpha=1 beta=0\n" + between(102) +
                pointwise("subtract", "x=t3 y=t102 b=t4") + between(103) + pointwise("multiply", "x=t102 y=t103 b=t5") +
                between(104) + pointwise("multiply", "x=t103 y=t104 b=t6") + between(105) +
                pointwise("add", "x=t104 y=t105 b=t7") + pointwise("relu_backward", "dy=t101 x=t105 dx=t8") +
                "norm sums=f32 dy=t8 x=t3 mean=t4 inv_std=t5 gamma=t6 diff_gamma=t9 diff_beta=t10 of_dy=t11 of_x=t12 "
                "of_1=t13\ngraph ops=backward_data,pointwise,pointwise,pointwise,pointwise,pointwise,norm\n");
  EXPECT_EQ(graph.operations.back(), "CUDNN_BACKEND_OPERATION_BN_BWD_WEIGHTS_DESCRIPTOR");
  EXPECT_EQ(graph.operations[5], "CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR CUDNN_POINTWISE_RELU_BWD");
}

// As convolutions of single pixels where there is one, else as they are.
TEST_F(CudnnGraph, OfProducts) {
  const std::string window = "window rank=2 sums=f32 mode=correlation begin=0,0 end=0,0 strides=1,1 dilations=1,1\n";
  Problem p = matmul();
  p.transposeB = true, p.ldb = 6;
  EXPECT_EQ(graphOf(p), tensor(1, "bf16", "4,6,1,1", "7,1,7,7") + tensor(2, "bf16", "5,6,1,1", "6,1,6,6") +
                            tensor(3, "f32", "4,5,1,1", "9,1,9,9") + window +
                            "forward window=window x=t1 w=t2 y=t3 alpha=1 beta=0\ngraph ops=forward\n");
  p.bias = true;
  EXPECT_EQ(graphOf(p), tensor(1, "bf16", "4,6,1,1", "7,1,7,7") + tensor(2, "bf16", "5,6,1,1", "6,1,6,6") +
                            tensor(3, "f16", "1,5,1,1", "5,1,5,5") + tensor(4, "f32", "4,5,1,1", "9,1,9,9") +
                            tensor(101, "f32", "4,5,1,1", "5,1,5,5", true) + window +
                            "forward window=window x=t1 w=t2 y=t101 alpha=1 beta=0\n" +
                            pointwise("add", "x=t101 y=t4 b=t3") + "graph ops=forward,pointwise\n");
  p = matmul();
  p.ldb = 5;
  EXPECT_EQ(graphOf(p), tensor(1, "bf16", "4,6,1,1", "7,1,7,7") + tensor(2, "bf16", "6,5,1,1", "5,1,5,5") +
                            tensor(3, "f32", "4,5,1,1", "9,1,9,9") + window +
                            "backward_data window=window dx=t3 w=t2 dy=t1 alpha=1 beta=0\ngraph ops=backward_data\n");
  p = matmul();
  p.transposeA = true, p.ldc = 5;
  EXPECT_EQ(graphOf(p), tensor(1, "bf16", "6,4,1,1", "7,1,7,7") + tensor(2, "bf16", "6,5,1,1", "8,1,8,8") +
                            tensor(3, "f32", "4,5,1,1", "5,1,5,5") + window +
                            "backward_weights window=window x=t2 dw=t3 dy=t1 alpha=1 beta=0\ngraph "
                            "ops=backward_weights\n");
  const std::string product = "product sums=f32\nmatmul product=product a=t1 b=t2 c=";
  const std::string a = tensor(1, "bf16", "1,4,6", "28,7,1"), b = tensor(2, "bf16", "1,6,5", "48,8,1"),
                    turnedA = tensor(1, "bf16", "1,4,6", "42,1,7"), turnedB = tensor(2, "bf16", "1,6,5", "40,1,8"),
                    c = tensor(3, "f32", "1,4,5", "36,9,1");
  p = matmul(); // rows of b, or of c, with gaps
  EXPECT_EQ(graphOf(p), a + b + c + product + "t3\ngraph ops=matmul\n");
  p.transposeB = true;
  EXPECT_EQ(graphOf(p), a + turnedB + c + product + "t3\ngraph ops=matmul\n");
  p.transposeA = true;
  EXPECT_EQ(graphOf(p), turnedA + turnedB + c + product + "t3\ngraph ops=matmul\n");
  p.transposeB = false;
  EXPECT_EQ(graphOf(p), turnedA + b + c + product + "t3\ngraph ops=matmul\n");
  EXPECT_EQ(graph.operations, std::vector<std::string>{"CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR"});
  for (bool transposeA : {false, true}) {
    p = matmul();
    p.bias = true, p.transposeA = transposeA;
    EXPECT_EQ(graphOf(p), (transposeA ? turnedA : a) + b + tensor(3, "f16", "1,1,5", "5,5,1") +
                              tensor(4, "f32", "1,4,5", "36,9,1") + tensor(101, "f32", "1,4,5", "20,5,1", true) +
                              product + "t101\n" + pointwise("add", "x=t101 y=t4 b=t3") +
                              "graph ops=matmul,pointwise\n");
  }
}

TEST_F(CudnnGraph, OfPlans) {
  std::string error;
  Place place{&made, nullptr};
  EXPECT_TRUE(graphOf(distinct(Kind::ConvolutionForward), place).ends_with("\ngraph ops=forward handle=ours\n"));
  made.clear();
  Choice choice;
  choice.engine = 7;
  choice.knobs = "2=9,14=-4";
  BuiltPlan built;
  const std::string text = graphOf(distinct(Kind::ConvolutionForward));
  made.clear();
  ASSERT_TRUE(buildChoice(api, distinct(Kind::ConvolutionForward), choice, place, graph, built, error)) << error;
  EXPECT_EQ(all(), text.substr(0, text.size() - 1) +
                       " handle=ours\nengine graph=graph index=7\nknob type=2 value=9\nknob type=14 value=-4\n"
                       "config engine=engine knobs=knob,knob\nplan config=config handle=ours\n");
  Descriptor device(api, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR), plan;
  choice.knobs.clear();
  built = BuiltPlan();
  made.clear();
  graph = Graph();
  Descriptor described(api, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  place = {nullptr, &described};
  ASSERT_TRUE(buildChoice(api, distinct(Kind::ConvolutionForward), choice, place, graph, built, error)) << error;
  EXPECT_EQ(all(), "device\n" + text +
                       "engine graph=graph index=7 device=device\nconfig engine=engine\nplan config=config "
                       "device=device\n");
  choice.knobs = "9";
  EXPECT_FALSE(buildChoice(api, distinct(Kind::ConvolutionForward), choice, place, graph, built, error));
  EXPECT_EQ(error, "malformed knobs '9'");
  answers = 4096;
  EXPECT_EQ(planWorkspace(built.plan), 4096u);
  answers = -1;
  EXPECT_EQ(planWorkspace(built.plan), 0u);
  std::string json;
  EXPECT_FALSE(planJson(built.plan, json, error));
  EXPECT_EQ(error, "cuDNN does not write this plan as text");
  answer = std::string("{}\0\0", 4);
  EXPECT_TRUE(planJson(built.plan, json, error));
  EXPECT_EQ(json, "{}");
  EXPECT_FALSE(loadPlan(api, distinct(Kind::ConvolutionForward), "", place, plan, error));
  EXPECT_EQ(error, "the plan was not stored");
  answers = 3;
  EXPECT_EQ(device.getDescriptors(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR, 5).size(), 3u);
  answers = 9;
  EXPECT_EQ(device.getDescriptors(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR, 5).size(), 5u);
}

// A plan's text has the tensors, operations and windows of its graph, and nothing else.
TEST_F(CudnnGraph, StoredPlansAreCompared) {
  Problem p = distinct(Kind::ConvolutionForward);
  p.relu = true;
  std::string error;
  ASSERT_TRUE(buildGraph(api, p, {}, graph, error)) << error;
  nlohmann::json json, &stored = json["operationGraph"];
  for (const TensorFacts &facts : graph.tensors)
    stored["tensors"].push_back(
        {{"name", facts.id}, {"dataType", facts.type}, {"dim", facts.dims}, {"stride", facts.strides}});
  stored["nodes"] = {
      {{"operation", "CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR"},
       {"pad_lower", {1, 0}},
       {"pad_upper", {2, 4}},
       {"stride", {2, 3}},
       {"dilation", {2, 1}}},
      {{"operation", "CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR"}, {"pointwiseMode", "CUDNN_POINTWISE_RELU_FWD"}}};
  auto said = [&](const nlohmann::json &text) {
    error.clear();
    bool isGood = isOfGraph(text.dump(), graph, error);
    EXPECT_EQ(isGood, error.empty());
    return error;
  };
  auto with = [&](const char *pointer, const nlohmann::json &value) {
    nlohmann::json other = json;
    other[nlohmann::json::json_pointer(pointer)] = value;
    return said(other);
  };
  ASSERT_EQ(said(json), "");
  const std::string tensor = "the stored plan has another tensor ",
                    operation = "the stored plan has another operation ", window = "the stored plan has another window",
                    other = "the stored plan has other tensors or operations";
  for (const char *key : {"name", "dataType", "dim", "stride"})
    for (size_t i = 0; i < 3; ++i)
      EXPECT_EQ(with(("/operationGraph/tensors/" + std::to_string(i) + "/" + key).c_str(), "x"),
                tensor + graph.tensors[i].id);
  EXPECT_EQ(with("/operationGraph/tensors/1/dim/2", 5), tensor + "2");
  EXPECT_EQ(with("/operationGraph/nodes/0/operation", "x"), operation + "0");
  EXPECT_EQ(with("/operationGraph/nodes/0/operation", 1), operation + "0");
  EXPECT_EQ(with("/operationGraph/nodes/0/pointwiseMode", "x"), operation + "0");
  EXPECT_EQ(with("/operationGraph/nodes/1/pointwiseMode", "CUDNN_POINTWISE_ADD"), operation + "1");
  EXPECT_EQ(with("/operationGraph/nodes/1/pointwiseMode", nullptr), operation + "1");
  for (const char *key : {"pad_lower", "pad_upper", "stride", "dilation"})
    for (const char *place : {"/0", "/1"})
      EXPECT_EQ(with((std::string("/operationGraph/nodes/0/") + key + place).c_str(), 7), window);
  EXPECT_EQ(with("/operationGraph/nodes/0/pad", {1, 0}), window); // which is both
  EXPECT_EQ(with("/operationGraph/nodes", nlohmann::json::array()), other);
  EXPECT_EQ(with("/operationGraph/tensors", 1), other);
  EXPECT_EQ(with("/operationGraph", 1), other);
  EXPECT_EQ(said(1), other);
  EXPECT_FALSE(isOfGraph("{", graph, error));
  p = distinct(Kind::ConvolutionForward);
  p.pt = p.pb = 2, p.pl = p.pr = 1;
  p.oh = 5, p.ow = 4;
  graph = Graph();
  ASSERT_TRUE(buildGraph(api, p, {}, graph, error)) << error;
  stored["tensors"].clear();
  for (const TensorFacts &facts : graph.tensors)
    stored["tensors"].push_back(
        {{"name", facts.id}, {"dataType", facts.type}, {"dim", facts.dims}, {"stride", facts.strides}});
  stored["nodes"].erase(1);
  stored["nodes"][0].erase("pad_lower");
  stored["nodes"][0].erase("pad_upper");
  stored["nodes"][0]["pad"] = {2, 1};
  EXPECT_EQ(said(json), "");
  EXPECT_EQ(with("/operationGraph/nodes/0/pad/1", 2), window);
}

TEST_F(CudnnGraph, ErrorsStickAndAreExplained) {
  words = "a\nb\t \n";
  const std::pair<int, const char *> texts[] = {
      {CUDNN_STATUS_NOT_SUPPORTED_SHAPE, "the engine does not take these shapes"},
      {CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH, "the device or driver is not the one the plan was made for"},
      {CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED, "the device is out of memory"},
      {1000, "cuDNN is not ready"},
      {1999, "cuDNN is not ready"},
      {2999, "cuDNN does not accept the description"},
      {3999, "the engine does not support it"},
      {4999, "cuDNN failed internally"},
      {5999, "the device failed"},
      {6000, "cuDNN gave an unknown answer"},
      {999, "cuDNN gave an unknown answer"}};
  for (auto [status, text] : texts)
    EXPECT_EQ(explain(api, cudnnStatus_t(status)), std::string(text) + " (status " + std::to_string(status) + ": a b)");
  words = " ";
  EXPECT_EQ(explain(api, CUDNN_STATUS_NOT_SUPPORTED),
            "the engine does not support it (status " + std::to_string(int(CUDNN_STATUS_NOT_SUPPORTED)) + ")");
  words = std::string(1000, 'x');
  EXPECT_EQ(explain(api, cudnnStatus_t(3999)),
            "the engine does not support it (status 3999: " + words.substr(0, 511) + ")");
  words.clear();
  std::string error;
  {
    Descriptor descriptor(api, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    failure = CUDNN_STATUS_NOT_SUPPORTED_LAYOUT;
    descriptor.set(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, int64_t(1)).set(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, int64_t(2));
    failure = CUDNN_STATUS_SUCCESS;
    EXPECT_FALSE(descriptor.finalize(error));
    EXPECT_EQ(error, explain(api, CUDNN_STATUS_NOT_SUPPORTED_LAYOUT));
    EXPECT_EQ(made.back().text, "engine index=1"); // the second was not passed on
    Descriptor moved = std::move(descriptor);
    EXPECT_TRUE(bool(moved) && !bool(descriptor)); // NOLINT: what is left of it
    EXPECT_EQ(destroyed, 0u);
  }
  EXPECT_EQ(destroyed, 1u);
  failure = CUDNN_STATUS_NOT_SUPPORTED_SHAPE;
  Graph none;
  EXPECT_FALSE(buildGraph(api, distinct(Kind::ConvolutionForward), {}, none, error));
  EXPECT_EQ(error, explain(api, failure));
  EXPECT_EQ(made.back().type, CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR); // no graph was begun
  Problem wrong = distinct(Kind::ConvolutionForward);
  wrong.oh += 1;
  EXPECT_FALSE(buildGraph(api, wrong, {}, none, error));
  EXPECT_EQ(error, "the convolution's dst does not have the size that its src, window and padding give");
}

} // namespace incept::cudnn
