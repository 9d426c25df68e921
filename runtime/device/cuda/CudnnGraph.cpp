// SPDX-License-Identifier: Apache-2.0
#include "runtime/device/cuda/CudnnGraph.h"
#include "runtime/device/cuda/CudnnText.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace incept::cudnn {

namespace {

/// A value of an enumeration and the name that plans' texts have for it.
template <typename Enum>
struct Named {
  Enum value;
  const char *name;
};

constexpr Named<cudnnDataType_t> kHalf = {CUDNN_DATA_HALF, "CUDNN_DATA_HALF"},
                                 kBFloat16 = {CUDNN_DATA_BFLOAT16, "CUDNN_DATA_BFLOAT16"},
                                 kFloat = {CUDNN_DATA_FLOAT, "CUDNN_DATA_FLOAT"};
constexpr Named<cudnnPointwiseMode_t> kAdd = {CUDNN_POINTWISE_ADD, "CUDNN_POINTWISE_ADD"},
                                      kSubtract = {CUDNN_POINTWISE_SUB, "CUDNN_POINTWISE_SUB"},
                                      kMultiply = {CUDNN_POINTWISE_MUL, "CUDNN_POINTWISE_MUL"},
                                      kRelu = {CUDNN_POINTWISE_RELU_FWD, "CUDNN_POINTWISE_RELU_FWD"},
                                      kReluBackward = {CUDNN_POINTWISE_RELU_BWD, "CUDNN_POINTWISE_RELU_BWD"};

Named<cudnnDataType_t> dataType(Type type) {
  switch (type) {
  case Type::F16:
    return kHalf;
  case Type::BF16:
    return kBFloat16;
  case Type::F32:
    break;
  }
  return kFloat;
}

/// Logical dimensions and the distance between neighbours in each, in elements.
struct Shape {
  std::vector<int64_t> dims, strides;
};

/// N,C,H,W with the channels of a pixel together and pixels `stride` apart (0: dense). Weights O,I,H,W too.
Shape nhwc(int64_t n, int64_t c, int64_t h, int64_t w, int64_t stride = 0) {
  stride = stride ? stride : c;
  return {{n, c, h, w}, {h * w * stride, 1, w * stride, stride}};
}

/// A matrix of rows x columns, stored row by row with this pitch, or its transpose.
Shape matrix(int64_t rows, int64_t columns, int64_t pitch, bool transposed) {
  return transposed ? Shape{{1, rows, columns}, {columns * pitch, 1, pitch}}
                    : Shape{{1, rows, columns}, {rows * pitch, pitch, 1}};
}

/// What the gradient of a batch norm reads and gives.
struct NormTensors {
  const Descriptor &diff, &src, &mean, &invStd, &gamma, &diffGamma, &diffBeta, &a, &b, &c;
};

/// Collects tensors and operations and remembers the first failure, so that a graph reads as a list of its parts.
class GraphBuilder {
public:
  GraphBuilder(const Api &api, Graph &graph) : api(api), graph(graph) {}

  /// The next operand of the problem.
  Descriptor &operand(Type type, const Shape &shape) { return tensor(nextOperand++, dataType(type), shape, false); }
  /// A value between two operations, never in memory: f32 where no type is said.
  Descriptor &between(const Shape &shape, Type type = Type::F32) {
    return tensor(nextBetween++, dataType(type), shape, true);
  }
  Descriptor &part(cudnnBackendDescriptorType_t type) { return graph.parts.emplace_back(api, type); }
  void finish(Descriptor &part);
  void operation(Descriptor &op, std::string name);
  void window(const Problem &p);
  /// dst = scale * a + b, or with no `b` a function of a.
  void pointwise(const Named<cudnnPointwiseMode_t> &mode, const Descriptor &a, const Descriptor *b,
                 const Descriptor &dst, float scale = 1);
  /// dst = diff where `of` is greater than 0, else 0.
  void reluBackward(const Descriptor &diff, const Descriptor &of, const Descriptor &dst);
  /// Sums of each channel's values and of their squares.
  void statistics(const Descriptor &src, const Descriptor &sum, const Descriptor &sumSquares);
  /// The gradients of a batch norm's parameters, and the factors that give that of what it reads.
  void normGradients(const NormTensors &tensors);
  bool build(const Place &place, std::string &why);

private:
  Descriptor &tensor(int64_t id, const Named<cudnnDataType_t> &type, const Shape &shape, bool isVirtual);
  /// A pointwise operation, whose operands are to be set.
  Descriptor &beginPointwise(const Named<cudnnPointwiseMode_t> &mode);
  void finishPointwise(Descriptor &op, const Named<cudnnPointwiseMode_t> &mode) {
    operation(op, std::string("CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR ") + mode.name);
  }

  const Api &api;
  Graph &graph;
  std::vector<const Descriptor *> operations;
  int64_t nextOperand = 1, nextBetween = 101;
  std::string error;
};

void GraphBuilder::finish(Descriptor &part) {
  std::string why;
  if (!part.finalize(why) && error.empty())
    error = why;
}

void GraphBuilder::operation(Descriptor &op, std::string name) {
  finish(op);
  operations.push_back(&op);
  graph.operations.push_back(std::move(name));
}

void GraphBuilder::window(const Problem &p) {
  graph.padBegin = {p.pt, p.pl};
  graph.padEnd = {p.pb, p.pr};
  graph.strides = {p.sh, p.sw};
  graph.dilations = {p.dh, p.dw};
}

Descriptor &GraphBuilder::tensor(int64_t id, const Named<cudnnDataType_t> &type, const Shape &shape, bool isVirtual) {
  graph.tensors.push_back({std::to_string(id), type.name, shape.dims, shape.strides});
  Descriptor &tensor = part(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  tensor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id)
      .set(CUDNN_ATTR_TENSOR_DATA_TYPE, type.value)
      .set(CUDNN_ATTR_TENSOR_DIMENSIONS, shape.dims)
      .set(CUDNN_ATTR_TENSOR_STRIDES, shape.strides)
      .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, kOperandAlignment)
      .set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, isVirtual);
  finish(tensor);
  return tensor;
}

Descriptor &GraphBuilder::beginPointwise(const Named<cudnnPointwiseMode_t> &mode) {
  Descriptor &kind = part(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  kind.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode.value)
      .set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
  finish(kind);
  Descriptor &op = part(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  op.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, kind);
  return op;
}

void GraphBuilder::pointwise(const Named<cudnnPointwiseMode_t> &mode, const Descriptor &a, const Descriptor *b,
                             const Descriptor &dst, float scale) {
  Descriptor &op = beginPointwise(mode);
  op.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, a).set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, dst);
  if (b)
    op.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *b);
  if (scale != 1)
    op.set(CUDNN_ATTR_OPERATION_POINTWISE_ALPHA1, scale);
  finishPointwise(op, mode);
}

void GraphBuilder::reluBackward(const Descriptor &diff, const Descriptor &of, const Descriptor &dst) {
  Descriptor &op = beginPointwise(kReluBackward);
  op.set(CUDNN_ATTR_OPERATION_POINTWISE_DYDESC, diff)
      .set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, of)
      .set(CUDNN_ATTR_OPERATION_POINTWISE_DXDESC, dst);
  finishPointwise(op, kReluBackward);
}

void GraphBuilder::statistics(const Descriptor &src, const Descriptor &sum, const Descriptor &sumSquares) {
  cudnnGenStatsMode_t mode = CUDNN_GENSTATS_SUM_SQSUM;
  Descriptor &op = part(CUDNN_BACKEND_OPERATION_GEN_STATS_DESCRIPTOR);
  op.set(CUDNN_ATTR_OPERATION_GENSTATS_MODE, CUDNN_TYPE_GENSTATS_MODE, 1, &mode)
      .set(CUDNN_ATTR_OPERATION_GENSTATS_MATH_PREC, CUDNN_DATA_FLOAT)
      .set(CUDNN_ATTR_OPERATION_GENSTATS_XDESC, src)
      .set(CUDNN_ATTR_OPERATION_GENSTATS_SUMDESC, sum)
      .set(CUDNN_ATTR_OPERATION_GENSTATS_SQSUMDESC, sumSquares);
  operation(op, "CUDNN_BACKEND_OPERATION_GEN_STATS_DESCRIPTOR");
}

void GraphBuilder::normGradients(const NormTensors &tensors) {
  Descriptor &op = part(CUDNN_BACKEND_OPERATION_BN_BWD_WEIGHTS_DESCRIPTOR);
  op.set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_MATH_PREC, CUDNN_DATA_FLOAT)
      .set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_DY_DESC, tensors.diff)
      .set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_X_DESC, tensors.src)
      .set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_MEAN_DESC, tensors.mean)
      .set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_INVSTD_DESC, tensors.invStd)
      .set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_BN_SCALE_DESC, tensors.gamma)
      .set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_DBN_SCALE_DESC, tensors.diffGamma)
      .set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_DBN_BIAS_DESC, tensors.diffBeta)
      .set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_EQ_DY_SCALE_DESC, tensors.a)
      .set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_EQ_X_SCALE_DESC, tensors.b)
      .set(CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_EQ_BIAS, tensors.c);
  operation(op, "CUDNN_BACKEND_OPERATION_BN_BWD_WEIGHTS_DESCRIPTOR");
}

bool GraphBuilder::build(const Place &place, std::string &why) {
  if (!error.empty())
    return fail(why, error);
  graph.graph = Descriptor(api, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  graph.graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operations);
  if (place.handle)
    graph.graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &place.handle);
  return graph.graph.finalize(why);
}

//===--- The kinds ------------------------------------------------------------------------------------------------===//

/// Where the three directions differ: the operation, and the names of its attributes. `alpha` and `beta` weigh the new
/// and the old value of the result.
struct Direction {
  Named<cudnnBackendDescriptorType_t> type;
  cudnnBackendAttributeName_t convolution, src, weights, dst, alpha, beta;
};
constexpr Direction kForward = {
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, "CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR"},
    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
constexpr Direction kBackwardData = {{CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
                                      "CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR"},
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
constexpr Direction kBackwardWeights = {{CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
                                         "CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR"},
                                        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                                        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                                        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                                        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                                        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                                        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};

void addConvolution(const Problem &p, const Direction &direction, const Descriptor &src, const Descriptor &weights,
                    const Descriptor &dst, GraphBuilder &builder) {
  cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
  Descriptor &convolution = builder.part(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  convolution.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t(2))
      .set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT)
      .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode)
      .set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, std::vector{p.pt, p.pl})
      .set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, std::vector{p.pb, p.pr})
      .set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, std::vector{p.sh, p.sw})
      .set(CUDNN_ATTR_CONVOLUTION_DILATIONS, std::vector{p.dh, p.dw});
  builder.finish(convolution);
  builder.window(p);
  Descriptor &op = builder.part(direction.type.value);
  op.set(direction.convolution, convolution)
      .set(direction.src, src)
      .set(direction.weights, weights)
      .set(direction.dst, dst)
      .set(direction.alpha, 1.0f)
      .set(direction.beta, 0.0f);
  builder.operation(op, direction.type.name);
}

/// The vectors with which `src` is normalised, which are the next operands; what is convolved then: the positive part
/// of src * factor + offset, rounded to what tensor cores take.
Descriptor &addNormalization(const Problem &p, const Descriptor &src, GraphBuilder &builder) {
  const Shape dense = nhwc(p.mb, p.ic, p.ih, p.iw), vector = nhwc(1, p.ic, 1, 1);
  Descriptor &factor = builder.operand(p.type, vector), &offset = builder.operand(p.type, vector);
  Descriptor &product = builder.between(dense), &sum = builder.between(dense), &result = builder.between(dense, p.type);
  builder.pointwise(kMultiply, src, &factor, product);
  builder.pointwise(kAdd, product, &offset, sum);
  builder.pointwise(kRelu, sum, nullptr, result);
  return result;
}

void addForward(const Problem &p, GraphBuilder &builder) {
  Shape dstShape = nhwc(p.mb, p.oc, p.oh, p.ow, p.dstStride);
  Shape dense = nhwc(p.mb, p.oc, p.oh, p.ow);
  Descriptor &src = builder.operand(p.type, nhwc(p.mb, p.ic, p.ih, p.iw, p.srcStride));
  Descriptor &weights = builder.operand(p.type, nhwc(p.oc, p.ic / p.g, p.kh, p.kw));
  Descriptor &read = p.normalized ? addNormalization(p, src, builder) : src;
  Descriptor *bias = p.bias ? &builder.operand(p.biasType, nhwc(1, p.oc, 1, 1)) : nullptr;
  Descriptor *residual =
      p.residual ? &builder.operand(p.type, nhwc(p.mb, p.oc, p.oh, p.ow, p.residualStride)) : nullptr;
  Descriptor &dst = builder.operand(p.resultType, dstShape);

  int epilogue = int(p.bias) + int(p.residual) + int(p.relu);
  auto next = [&]() -> Descriptor & { return epilogue-- == 0 ? dst : builder.between(dense); };
  Descriptor *value = &next();
  addConvolution(p, kForward, read, weights, *value, builder);
  auto append = [&](const Named<cudnnPointwiseMode_t> &mode, const Descriptor *other, float scale) {
    Descriptor &result = next();
    builder.pointwise(mode, *value, other, result, scale);
    value = &result;
  };
  // The residual before the bias: in this order cuDNN has precompiled engines.
  if (residual)
    append(kAdd, residual, p.scale);
  if (bias)
    append(kAdd, bias, 1);
  if (p.relu)
    append(kRelu, nullptr, 1);
  if (p.stats) {
    Descriptor &sum = builder.operand(Type::F32, nhwc(1, p.oc, 1, 1));
    Descriptor &sumSquares = builder.operand(Type::F32, nhwc(1, p.oc, 1, 1));
    builder.statistics(dst, sum, sumSquares);
  }
}

/// The gradient of data, masked by the ReLU of a batch norm that is computed again, and that batch norm's gradients.
void addNormGradient(const Problem &p, const Descriptor &diffDst, const Descriptor &weights, GraphBuilder &builder) {
  const Shape dense = nhwc(p.mb, p.ic, p.ih, p.iw);
  auto vector = [&]() -> Descriptor & { return builder.operand(Type::F32, nhwc(1, p.ic, 1, 1)); };
  Descriptor &src = builder.operand(p.resultType, nhwc(p.mb, p.ic, p.ih, p.iw, p.normStride));
  Descriptor &mean = vector(), &invStd = vector(), &gamma = vector(), &beta = vector();
  Descriptor &diffSrc = builder.operand(p.resultType, nhwc(p.mb, p.ic, p.ih, p.iw, p.srcStride));
  Descriptor &diffGamma = vector(), &diffBeta = vector(), &a = vector(), &b = vector(), &c = vector();

  Descriptor &diff = builder.between(dense);
  addConvolution(p, kBackwardData, diff, weights, diffDst, builder);
  const Descriptor *value = &src;
  for (auto [mode, operand] :
       {std::pair{&kSubtract, &mean}, {&kMultiply, &invStd}, {&kMultiply, &gamma}, {&kAdd, &beta}}) {
    Descriptor &next = builder.between(dense);
    builder.pointwise(*mode, *value, operand, next);
    value = &next;
  }
  builder.reluBackward(diff, *value, diffSrc);
  builder.normGradients({diffSrc, src, mean, invStd, gamma, diffGamma, diffBeta, a, b, c});
}

void addBackwardData(const Problem &p, GraphBuilder &builder) {
  Descriptor &diffDst = builder.operand(p.type, nhwc(p.mb, p.oc, p.oh, p.ow, p.dstStride));
  Descriptor &weights = builder.operand(p.type, nhwc(p.oc, p.ic / p.g, p.kh, p.kw));
  if (p.normGradient)
    return addNormGradient(p, diffDst, weights, builder);
  Descriptor &diffSrc = builder.operand(p.resultType, nhwc(p.mb, p.ic, p.ih, p.iw, p.srcStride));
  addConvolution(p, kBackwardData, diffSrc, weights, diffDst, builder);
}

/// `diffDstFirst`: the first operand is diff_dst, the second src.
void addBackwardWeights(const Problem &p, GraphBuilder &builder, bool diffDstFirst = false) {
  Shape srcShape = nhwc(p.mb, p.ic, p.ih, p.iw, p.srcStride), diffDstShape = nhwc(p.mb, p.oc, p.oh, p.ow, p.dstStride);
  Descriptor &first = builder.operand(p.type, diffDstFirst ? diffDstShape : srcShape);
  Descriptor &second = builder.operand(p.type, diffDstFirst ? srcShape : diffDstShape);
  Descriptor &src = diffDstFirst ? second : first, &diffDst = diffDstFirst ? first : second;
  Descriptor &read = p.normalized ? addNormalization(p, src, builder) : src;
  Descriptor &diffWeights = builder.operand(p.resultType, nhwc(p.oc, p.ic / p.g, p.kh, p.kw));
  addConvolution(p, kBackwardWeights, read, diffWeights, diffDst, builder);
}

/// The 1x1 convolution of 1x1 images that computes a matmul, where there is one: cuDNN has engines for those in every
/// type, but none for a matmul in f32 without TF32.
bool asConvolution(const Problem &p, Problem &result) {
  if (p.transposeA && p.transposeB)
    return false;
  result = Problem();
  result.type = p.type;
  result.resultType = p.resultType;
  result.ih = result.iw = result.oh = result.ow = result.kh = result.kw = 1;
  if (p.transposeB) { // c (m,n) = src (m,k) * weights (n,k)
    result.kind = Kind::ConvolutionForward;
    result.mb = p.m, result.ic = p.k, result.oc = p.n;
    result.srcStride = p.lda, result.dstStride = p.ldc;
    result.bias = p.bias;
    result.biasType = p.biasType;
    return p.ldb == p.k;
  }
  if (p.bias)
    return false;
  if (!p.transposeA) { // c (m,n) = diff_dst (m,k) * weights (k,n)
    result.kind = Kind::ConvolutionBackwardData;
    result.mb = p.m, result.oc = p.k, result.ic = p.n;
    result.dstStride = p.lda, result.srcStride = p.ldc;
    return p.ldb == p.n;
  }
  // c (m,n) = diff_dst (k,m) * src (k,n)
  result.kind = Kind::ConvolutionBackwardWeights;
  result.mb = p.k, result.oc = p.m, result.ic = p.n;
  result.dstStride = p.lda, result.srcStride = p.ldb;
  return p.ldc == p.n;
}

void addConvolution(const Problem &p, GraphBuilder &builder, bool diffDstFirst = false) {
  switch (p.kind) {
  case Kind::ConvolutionForward:
    return addForward(p, builder);
  case Kind::ConvolutionBackwardData:
    return addBackwardData(p, builder);
  default:
    return addBackwardWeights(p, builder, diffDstFirst);
  }
}

void addMatMul(const Problem &p, GraphBuilder &builder) {
  Problem convolution;
  if (asConvolution(p, convolution))
    return addConvolution(convolution, builder, /*diffDstFirst=*/true);
  Descriptor &a = builder.operand(p.type, matrix(p.m, p.k, p.lda, p.transposeA));
  Descriptor &b = builder.operand(p.type, matrix(p.k, p.n, p.ldb, p.transposeB));
  Descriptor *bias = p.bias ? &builder.operand(p.biasType, matrix(1, p.n, p.n, false)) : nullptr;
  Descriptor &c = builder.operand(p.resultType, matrix(p.m, p.n, p.ldc, false));
  Descriptor &product = bias ? builder.between(matrix(p.m, p.n, p.n, false)) : c;
  Descriptor &kind = builder.part(CUDNN_BACKEND_MATMUL_DESCRIPTOR);
  kind.set(CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_DATA_FLOAT);
  builder.finish(kind);
  Descriptor &op = builder.part(CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR);
  op.set(CUDNN_ATTR_OPERATION_MATMUL_DESC, kind)
      .set(CUDNN_ATTR_OPERATION_MATMUL_ADESC, a)
      .set(CUDNN_ATTR_OPERATION_MATMUL_BDESC, b)
      .set(CUDNN_ATTR_OPERATION_MATMUL_CDESC, product);
  builder.operation(op, "CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR");
  if (bias)
    builder.pointwise(kAdd, product, bias, c);
}

} // namespace

bool buildGraph(const Api &api, const Problem &problem, const Place &place, Graph &result, std::string &error) {
  if (!check(problem, error))
    return false;
  result = Graph();
  GraphBuilder builder(api, result);
  if (problem.kind == Kind::MatMul)
    addMatMul(problem, builder);
  else
    addConvolution(problem, builder);
  return builder.build(place, error);
}

bool isOfGraph(const std::string &json, const Graph &graph, std::string &error) {
  using Json = nlohmann::json;
  const Json root = Json::parse(json, nullptr, false), none;
  auto get = [&](const Json &object, const char *key) -> const Json & {
    return object.is_object() && object.contains(key) ? object[key] : none;
  };
  const Json &stored = get(root, "operationGraph"), &tensors = get(stored, "tensors"), &nodes = get(stored, "nodes");
  if (!tensors.is_array() || !nodes.is_array() || tensors.size() != graph.tensors.size() ||
      nodes.size() != graph.operations.size())
    return fail(error, "the stored plan has other tensors or operations");
  for (const TensorFacts &facts : graph.tensors)
    if (std::none_of(tensors.begin(), tensors.end(), [&](const Json &tensor) {
          return get(tensor, "name") == facts.id && get(tensor, "dataType") == facts.type &&
                 get(tensor, "dim") == facts.dims && get(tensor, "stride") == facts.strides;
        }))
      return fail(error, "the stored plan has another tensor " + facts.id);
  for (size_t i = 0; i < nodes.size(); ++i) {
    const Json &name = get(nodes[i], "operation"), &mode = get(nodes[i], "pointwiseMode");
    if (!name.is_string() ||
        name.get<std::string>() + (mode.is_string() ? " " + mode.get<std::string>() : "") != graph.operations[i])
      return fail(error, "the stored plan has another operation " + std::to_string(i));
    if (get(nodes[i], "dilation").is_null())
      continue; // no convolution
    bool isSymmetric = !get(nodes[i], "pad").is_null();
    if (get(nodes[i], isSymmetric ? "pad" : "pad_lower") != graph.padBegin ||
        get(nodes[i], isSymmetric ? "pad" : "pad_upper") != graph.padEnd || get(nodes[i], "stride") != graph.strides ||
        get(nodes[i], "dilation") != graph.dilations)
      return fail(error, "the stored plan has another window");
  }
  return true;
}

//===--- Engines and plans ----------------------------------------------------------------------------------------===//

bool buildEngine(const Api &api, const Graph &graph, int64_t index, const Place &place, Descriptor &engine,
                 std::string &error) {
  engine = Descriptor(api, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  engine.set(CUDNN_ATTR_ENGINE_OPERATION_GRAPH, graph.graph).set(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, index);
  if (place.device)
    engine.set(CUDNN_ATTR_ENGINE_DEVICEPROP, *place.device);
  return engine.finalize(error);
}

bool buildPlan(const Api &api, Descriptor engine, const Knobs &knobs, const Place &place, BuiltPlan &built,
               std::string &error) {
  built = BuiltPlan();
  built.parts.push_back(std::move(engine));
  const Descriptor &owned = built.parts.front();
  std::vector<const Descriptor *> choices;
  for (auto [type, value] : knobs) {
    Descriptor &choice = built.parts.emplace_back(api, CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR);
    auto knob = cudnnBackendKnobType_t(type);
    choice.set(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE, 1, &knob)
        .set(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, value);
    if (!choice.finalize(error))
      return false;
    choices.push_back(&choice);
  }
  Descriptor &config = built.parts.emplace_back(api, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
  config.set(CUDNN_ATTR_ENGINECFG_ENGINE, owned);
  if (!choices.empty())
    config.set(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, choices);
  if (!config.finalize(error))
    return false;
  built.plan = Descriptor(api, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  built.plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config);
  if (place.handle)
    built.plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &place.handle);
  if (place.device)
    built.plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, *place.device);
  return built.plan.finalize(error);
}

bool buildChoice(const Api &api, const Problem &problem, const Choice &choice, const Place &place, Graph &graph,
                 BuiltPlan &built, std::string &error) {
  Knobs knobs;
  Descriptor engine;
  if (!text::parseKnobs(choice.knobs, knobs))
    return fail(error, "malformed knobs '" + choice.knobs + "'");
  return buildGraph(api, problem, place, graph, error) &&
         buildEngine(api, graph, choice.engine, place, engine, error) &&
         buildPlan(api, std::move(engine), knobs, place, built, error);
}

bool loadPlan(const Api &api, const Problem &problem, const std::string &json, const Place &place, Descriptor &plan,
              std::string &error) {
  if (json.empty())
    return fail(error, "the plan was not stored");
  Graph wanted;
  if (!buildGraph(api, problem, place, wanted, error) || !isOfGraph(json, wanted, error))
    return false;
  plan = Descriptor(api, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  if (place.handle)
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &place.handle);
  if (place.device)
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, *place.device);
  plan.set(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, int64_t(json.size()), json.data());
  return plan.finalize(error);
}

uint64_t planWorkspace(const Descriptor &plan) {
  int64_t bytes = 0;
  return plan.get(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, bytes) && bytes > 0 ? uint64_t(bytes) : 0;
}

bool planJson(const Descriptor &plan, std::string &json, std::string &error) {
  int64_t size = plan.get(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, 0, nullptr);
  if (size <= 0)
    return fail(error, "cuDNN does not write this plan as text");
  json.assign(size_t(size), '\0');
  size = plan.get(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, size, json.data());
  if (size <= 0)
    return fail(error, "cuDNN does not write this plan as text");
  json.resize(size_t(size));
  while (!json.empty() && json.back() == '\0') // the text comes with its terminator
    json.pop_back();
  return true;
}

} // namespace incept::cudnn
