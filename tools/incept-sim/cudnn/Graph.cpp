// SPDX-License-Identifier: Apache-2.0
#include "tools/incept-sim/cudnn/Graph.h"

#include <algorithm>

namespace incept::sim::cudnn {

namespace {

/// Beyond this a tensor is a damaged plan, not a network.
constexpr int64_t kMaxElements = int64_t(1) << 40;

constexpr OpInfo kOperations[] = {
    {OpKind::Convolution,
     CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
     "CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR",
     {{{"X", CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, false, false},
       {"W", CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, false, false},
       {"Y", CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, true, false}}}},
    {OpKind::BackwardData,
     CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
     "CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR",
     {{{"dX", CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, true, false},
       {"W", CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, false, false},
       {"dY", CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, false, false}}}},
    {OpKind::BackwardWeights,
     CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
     "CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR",
     {{{"X", CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, false, false},
       {"dW", CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, true, false},
       {"dY", CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, false, false}}}},
    {OpKind::MatMul,
     CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR,
     "CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR",
     {{{"matA", CUDNN_ATTR_OPERATION_MATMUL_ADESC, false, false},
       {"matB", CUDNN_ATTR_OPERATION_MATMUL_BDESC, false, false},
       {"matC", CUDNN_ATTR_OPERATION_MATMUL_CDESC, true, false}}}},
    {OpKind::Pointwise,
     CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR,
     "CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR",
     {{{"X", CUDNN_ATTR_OPERATION_POINTWISE_XDESC, false, false},
       {"B", CUDNN_ATTR_OPERATION_POINTWISE_BDESC, false, true},
       {"Y", CUDNN_ATTR_OPERATION_POINTWISE_YDESC, true, true},
       {"dY", CUDNN_ATTR_OPERATION_POINTWISE_DYDESC, false, true},
       {"dX", CUDNN_ATTR_OPERATION_POINTWISE_DXDESC, true, true},
       {"T", CUDNN_ATTR_OPERATION_POINTWISE_TDESC, false, true}}}},
    {OpKind::Reduction,
     CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR,
     "CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR",
     {{{"X", CUDNN_ATTR_OPERATION_REDUCTION_XDESC, false, false},
       {"Y", CUDNN_ATTR_OPERATION_REDUCTION_YDESC, true, false}}}},
    {OpKind::GenStats,
     CUDNN_BACKEND_OPERATION_GEN_STATS_DESCRIPTOR,
     "CUDNN_BACKEND_OPERATION_GEN_STATS_DESCRIPTOR",
     {{{"X", CUDNN_ATTR_OPERATION_GENSTATS_XDESC, false, false},
       {"Sum", CUDNN_ATTR_OPERATION_GENSTATS_SUMDESC, true, false},
       {"SqSum", CUDNN_ATTR_OPERATION_GENSTATS_SQSUMDESC, true, false}}}},
    {OpKind::NormGradients,
     CUDNN_BACKEND_OPERATION_BN_BWD_WEIGHTS_DESCRIPTOR,
     "CUDNN_BACKEND_OPERATION_BN_BWD_WEIGHTS_DESCRIPTOR",
     {{{"xDesc", CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_X_DESC, false, false},
       {"dyDesc", CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_DY_DESC, false, false},
       {"BNmeanDesc", CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_MEAN_DESC, false, false},
       {"BNinvstdDesc", CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_INVSTD_DESC, false, false},
       {"BNscaleDesc", CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_BN_SCALE_DESC, false, false},
       {"dGammaDesc", CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_DBN_SCALE_DESC, true, false},
       {"dBetaDesc", CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_DBN_BIAS_DESC, true, false},
       {"eqDyScaleDesc", CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_EQ_DY_SCALE_DESC, true, false},
       {"eqXScaleDesc", CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_EQ_X_SCALE_DESC, true, false},
       {"eqBiasDesc", CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_EQ_BIAS, true, false}}}},
};

/// Types that are simulated.
constexpr Name kTypes[] = {{CUDNN_DATA_FLOAT, "CUDNN_DATA_FLOAT"},
                           {CUDNN_DATA_HALF, "CUDNN_DATA_HALF"},
                           {CUDNN_DATA_BFLOAT16, "CUDNN_DATA_BFLOAT16"}};

constexpr Name kPointwise[] = {{CUDNN_POINTWISE_ADD, "CUDNN_POINTWISE_ADD"},
                               {CUDNN_POINTWISE_ADD_SQUARE, "CUDNN_POINTWISE_ADD_SQUARE"},
                               {CUDNN_POINTWISE_DIV, "CUDNN_POINTWISE_DIV"},
                               {CUDNN_POINTWISE_MAX, "CUDNN_POINTWISE_MAX"},
                               {CUDNN_POINTWISE_MIN, "CUDNN_POINTWISE_MIN"},
                               {CUDNN_POINTWISE_MUL, "CUDNN_POINTWISE_MUL"},
                               {CUDNN_POINTWISE_SUB, "CUDNN_POINTWISE_SUB"},
                               {CUDNN_POINTWISE_ABS, "CUDNN_POINTWISE_ABS"},
                               {CUDNN_POINTWISE_EXP, "CUDNN_POINTWISE_EXP"},
                               {CUDNN_POINTWISE_LOG, "CUDNN_POINTWISE_LOG"},
                               {CUDNN_POINTWISE_NEG, "CUDNN_POINTWISE_NEG"},
                               {CUDNN_POINTWISE_RSQRT, "CUDNN_POINTWISE_RSQRT"},
                               {CUDNN_POINTWISE_SQRT, "CUDNN_POINTWISE_SQRT"},
                               {CUDNN_POINTWISE_IDENTITY, "CUDNN_POINTWISE_IDENTITY"},
                               {CUDNN_POINTWISE_RECIPROCAL, "CUDNN_POINTWISE_RECIPROCAL"},
                               {CUDNN_POINTWISE_RELU_FWD, "CUDNN_POINTWISE_RELU_FWD"},
                               {CUDNN_POINTWISE_TANH_FWD, "CUDNN_POINTWISE_TANH_FWD"},
                               {CUDNN_POINTWISE_SIGMOID_FWD, "CUDNN_POINTWISE_SIGMOID_FWD"},
                               {CUDNN_POINTWISE_RELU_BWD, "CUDNN_POINTWISE_RELU_BWD"},
                               {CUDNN_POINTWISE_CMP_GT, "CUDNN_POINTWISE_CMP_GT"},
                               {CUDNN_POINTWISE_CMP_GE, "CUDNN_POINTWISE_CMP_GE"},
                               {CUDNN_POINTWISE_CMP_LT, "CUDNN_POINTWISE_CMP_LT"},
                               {CUDNN_POINTWISE_CMP_LE, "CUDNN_POINTWISE_CMP_LE"},
                               {CUDNN_POINTWISE_CMP_EQ, "CUDNN_POINTWISE_CMP_EQ"},
                               {CUDNN_POINTWISE_CMP_NEQ, "CUDNN_POINTWISE_CMP_NEQ"},
                               {CUDNN_POINTWISE_BINARY_SELECT, "CUDNN_POINTWISE_BINARY_SELECT"}};

constexpr Name kReductions[] = {{CUDNN_REDUCE_TENSOR_ADD, "CUDNN_REDUCE_TENSOR_ADD"},
                                {CUDNN_REDUCE_TENSOR_AVG, "CUDNN_REDUCE_TENSOR_AVG"},
                                {CUDNN_REDUCE_TENSOR_MAX, "CUDNN_REDUCE_TENSOR_MAX"},
                                {CUDNN_REDUCE_TENSOR_MIN, "CUDNN_REDUCE_TENSOR_MIN"},
                                {CUDNN_REDUCE_TENSOR_AMAX, "CUDNN_REDUCE_TENSOR_AMAX"}};

Status notSimulated(const std::string &what) { return machineError(what); }

std::string text(const std::vector<int64_t> &values) {
  std::string result;
  for (int64_t value : values)
    result += (result.empty() ? "" : "x") + std::to_string(value);
  return result;
}

//===--- Nodes ----------------------------------------------------------------------------------------------------===//

/// Window parameters are there and small, so that sums of them cannot overflow.
Status checkWindow(const Node &node, const OpInfo &info) {
  if (info.kind != OpKind::Convolution && info.kind != OpKind::BackwardData && info.kind != OpKind::BackwardWeights)
    return {};
  for (const auto *list : {&node.padBegin, &node.padEnd, &node.stride, &node.dilation}) {
    int64_t low = list == &node.stride || list == &node.dilation;
    bool good = list->size() == 2 && std::all_of(list->begin(), list->end(), [&](int64_t value) {
                  return value >= low && value < (int64_t(1) << 20);
                });
    if (!good)
      return inputError(std::string(info.name) + ": paddings, strides or dilations are out of range");
  }
  return {};
}

Status checkConvolution(const Graph &graph, const Node &node, const char *name) {
  auto operand = [&](size_t index) -> const std::vector<int64_t> & { return graph.tensors[node.operands[index]].dims; };
  const auto &src = operand(0), &weights = operand(1), &dst = operand(2);
  if (src.size() != 4 || weights.size() != 4 || dst.size() != 4)
    return notSimulated("convolutions that do not have two spatial dimensions");
  bool channels =
      src[0] == dst[0] && dst[1] == weights[0] && src[1] % weights[1] == 0 && weights[0] % (src[1] / weights[1]) == 0;
  for (size_t i = 0; i < 2 && channels; ++i) {
    int64_t covered = src[2 + i] + node.padBegin[i] + node.padEnd[i] - (weights[2 + i] - 1) * node.dilation[i] - 1;
    channels = covered >= 0 && dst[2 + i] == covered / node.stride[i] + 1;
  }
  if (!channels)
    return inputError(std::string(name) + ": shapes do not agree: " + text(src) + " with weights " + text(weights) +
                      " and " + text(dst));
  return {};
}

Status checkMatMul(const Graph &graph, const Node &node) {
  auto operand = [&](size_t index) -> const std::vector<int64_t> & { return graph.tensors[node.operands[index]].dims; };
  const auto &a = operand(0), &b = operand(1), &c = operand(2);
  if (a.size() != 3 || b.size() != 3 || c.size() != 3)
    return notSimulated("matrix products that do not have one batch dimension");
  if (a[2] != b[1] || a[1] != c[1] || b[2] != c[2] || (a[0] != c[0] && a[0] != 1) || (b[0] != c[0] && b[0] != 1))
    return inputError("a matrix product's shapes do not agree: " + text(a) + " by " + text(b) + " into " + text(c));
  return {};
}

/// Every dimension of `part` is that of `whole`, or 1.
bool broadcasts(const std::vector<int64_t> &part, const std::vector<int64_t> &whole) {
  return part.size() == whole.size() &&
         std::equal(part.begin(), part.end(), whole.begin(), [](int64_t p, int64_t w) { return p == w || p == 1; });
}

Status checkPointwise(const Graph &graph, const Node &node) {
  const char *mode = nameOf(kPointwise, node.mode);
  if (!mode)
    return notSimulated("pointwise mode " + std::to_string(node.mode));
  bool backward = node.mode == CUDNN_POINTWISE_RELU_BWD;
  int result = node.operands[backward ? 4 : 2];
  if (result < 0 || node.operands[backward ? 2 : 4] >= 0 || (node.operands[3] >= 0) != backward)
    return inputError(std::string(mode) + ": it lacks its result, or has one too many");
  bool unary = (node.mode >= CUDNN_POINTWISE_ABS && node.mode <= CUDNN_POINTWISE_RECIPROCAL) ||
               (node.mode >= CUDNN_POINTWISE_RELU_FWD && node.mode <= CUDNN_POINTWISE_SIGMOID_FWD) || backward ||
               node.mode == CUDNN_POINTWISE_SQRT;
  bool select = node.mode == CUDNN_POINTWISE_BINARY_SELECT;
  if ((node.operands[1] >= 0) == unary || (node.operands[5] >= 0) != select)
    return inputError(std::string(mode) + ": wrong number of operands");
  for (int operand : node.operands)
    if (operand >= 0 && !broadcasts(graph.tensors[operand].dims, graph.tensors[result].dims))
      return inputError(std::string(mode) + ": " + text(graph.tensors[operand].dims) + " does not broadcast to " +
                        text(graph.tensors[result].dims));
  return {};
}

Status checkReduction(const Graph &graph, const Node &node) {
  if (operations()[node.op].kind == OpKind::Reduction && !nameOf(kReductions, node.mode))
    return notSimulated("reduction " + std::to_string(node.mode));
  const auto &src = graph.tensors[node.operands[0]].dims;
  for (size_t i = 1; i < node.operands.size(); ++i)
    if (!broadcasts(graph.tensors[node.operands[i]].dims, src))
      return inputError("a reduction's shapes do not agree: " + text(src) + " to " +
                        text(graph.tensors[node.operands[i]].dims));
  return {};
}

/// Two images of one shape, and vectors of their channels.
Status checkNormGradients(const Graph &graph, const Node &node) {
  auto operand = [&](size_t index) -> const std::vector<int64_t> & { return graph.tensors[node.operands[index]].dims; };
  const std::vector<int64_t> &src = operand(0);
  if (src.size() != 4)
    return notSimulated("batch norms that do not have two spatial dimensions");
  const std::vector<int64_t> vector = {1, src[1], 1, 1};
  for (size_t i = 1; i < node.operands.size(); ++i)
    if (operand(i) != (i == 1 ? src : vector))
      return inputError("the shapes of a batch norm's gradient do not agree: " + text(src) + " and " +
                        text(operand(i)));
  return {};
}

Status checkNode(const Graph &graph, const Node &node) {
  const OpInfo &info = operations()[node.op];
  switch (info.kind) {
  case OpKind::Convolution:
  case OpKind::BackwardData:
  case OpKind::BackwardWeights:
    return checkConvolution(graph, node, info.name);
  case OpKind::MatMul:
    return checkMatMul(graph, node);
  case OpKind::Pointwise:
    return checkPointwise(graph, node);
  case OpKind::Reduction:
  case OpKind::GenStats:
    return checkReduction(graph, node);
  case OpKind::NormGradients:
    return checkNormGradients(graph, node);
  }
  return {};
}

} // namespace

std::span<const OpInfo> operations() { return kOperations; }
std::span<const Name> typeNames() { return kTypes; }
std::span<const Name> pointwiseNames() { return kPointwise; }
std::span<const Name> reductionNames() { return kReductions; }

size_t OpInfo::operandCount() const {
  return size_t(std::count_if(operands.begin(), operands.end(), [](const OperandInfo &info) { return info.key; }));
}

const char *nameOf(std::span<const Name> names, int value) {
  auto found = std::find_if(names.begin(), names.end(), [&](const Name &name) { return name.value == value; });
  return found == names.end() ? nullptr : found->text;
}

bool valueOf(std::span<const Name> names, const std::string &text, int &value) {
  auto found = std::find_if(names.begin(), names.end(), [&](const Name &name) { return text == name.text; });
  if (found == names.end())
    return false;
  value = found->value;
  return true;
}

int64_t elementCount(const Tensor &tensor) {
  int64_t count = 1;
  for (int64_t dim : tensor.dims)
    count *= dim;
  return count;
}

int64_t extent(const Tensor &tensor) {
  int64_t last = 0;
  for (size_t i = 0; i < tensor.dims.size(); ++i)
    last += (tensor.dims[i] - 1) * tensor.strides[i];
  return last + 1;
}

int64_t typeBytes(cudnnDataType_t type) {
  return type == CUDNN_DATA_FLOAT ? 4 : type == CUDNN_DATA_HALF || type == CUDNN_DATA_BFLOAT16 ? 2 : 0;
}

int Graph::find(int64_t uid) const {
  for (size_t i = 0; i < tensors.size(); ++i)
    if (tensors[i].uid == uid)
      return int(i);
  return -1;
}

Status checkTensor(const Tensor &tensor) {
  std::string name = "tensor " + std::to_string(tensor.uid);
  if (!nameOf(kTypes, tensor.type))
    return notSimulated("data type " + std::to_string(int(tensor.type)));
  if (tensor.dims.empty() || tensor.dims.size() > CUDNN_DIM_MAX || tensor.dims.size() != tensor.strides.size())
    return inputError(name + " must have as many strides as dimensions, at most 8");
  int64_t elements = 1, last = 0;
  for (size_t i = 0; i < tensor.dims.size(); ++i) {
    int64_t span = 0;
    if (tensor.dims[i] < 1 || tensor.strides[i] < 0 || __builtin_mul_overflow(elements, tensor.dims[i], &elements) ||
        elements > kMaxElements || __builtin_mul_overflow(tensor.dims[i] - 1, tensor.strides[i], &span) ||
        span > kMaxElements || (last += span) > kMaxElements)
      return inputError(name + " of " + text(tensor.dims) + " is out of range");
  }
  if (tensor.alignment < 1 || tensor.alignment % typeBytes(tensor.type) != 0)
    return inputError(name + " must be aligned to a multiple of its elements' " +
                      std::to_string(typeBytes(tensor.type)) + " bytes, but has " + std::to_string(tensor.alignment));
  return {};
}

Status checkGraph(const Graph &graph) {
  if (graph.nodes.empty())
    return inputError("the operation graph is empty");
  std::vector<bool> written(graph.tensors.size());
  for (const Tensor &tensor : graph.tensors) {
    INCEPT_RETURN_IF_ERROR(checkTensor(tensor));
    if (graph.find(tensor.uid) != &tensor - graph.tensors.data())
      return inputError("tensor " + std::to_string(tensor.uid) + " appears twice");
  }
  for (const Node &node : graph.nodes) {
    const OpInfo &info = operations()[node.op];
    INCEPT_RETURN_IF_ERROR(checkWindow(node, info));
    for (size_t i = 0; i < info.operandCount(); ++i) {
      int operand = node.operands[i];
      if (operand < 0) {
        if (!info.operands[i].optional)
          return inputError(std::string(info.name) + ": it lacks " + info.operands[i].key);
        continue;
      }
      const Tensor &tensor = graph.tensors[operand];
      if (info.operands[i].output) {
        if (written[operand])
          return inputError("tensor " + std::to_string(tensor.uid) + " is written twice");
        written[operand] = true;
      } else if (tensor.isVirtual && !written[operand]) {
        return inputError("tensor " + std::to_string(tensor.uid) + " is read before it is written");
      }
    }
    INCEPT_RETURN_IF_ERROR(checkNode(graph, node));
  }
  return {};
}

std::string signature(const Graph &graph) {
  std::string result;
  std::vector<int64_t> place(graph.tensors.size(), 0); // virtual tensors by the order in which they are written
  int64_t next = -1;
  for (const Node &node : graph.nodes) {
    result += std::to_string(node.op) + ":" + std::to_string(node.mode) + ":" + std::to_string(node.alpha) + ":" +
              std::to_string(node.beta) + ":" + text(node.padBegin) + ":" + text(node.padEnd) + ":" +
              text(node.stride) + ":" + text(node.dilation);
    for (int operand : node.operands) {
      if (operand < 0) {
        result += " -";
        continue;
      }
      const Tensor &tensor = graph.tensors[operand];
      if (tensor.isVirtual && place[operand] == 0)
        place[operand] = next--;
      result += " " + std::to_string(tensor.isVirtual ? place[operand] : tensor.uid);
      if (!tensor.isVirtual)
        result += "=" + std::to_string(int(tensor.type)) + ":" + text(tensor.dims) + ":" + text(tensor.strides);
    }
    result += ";";
  }
  return result;
}

} // namespace incept::sim::cudnn
