// SPDX-License-Identifier: Apache-2.0
#include "tools/incept-sim/cudnn/EngineRules.h"

#include <algorithm>

namespace incept::sim::cudnn {

namespace {

constexpr unsigned kNarrow = kHalf | kBfloat;

// Engines by what they ask for. Forward, backward data, backward weights; 16-bit types, f32.
constexpr int kForward16[] = {21, 22, 23, 27, 45, 47, 51, 52, 62, 71, 72, 73, 75, 79, 80};
constexpr int kForward32[] = {35, 36, 39, 46, 48, 53, 54, 67, 71, 72, 73, 75, 79, 80};
constexpr int kForwardHalf[] = {74};
constexpr int kForwardDirect[] = {57};
constexpr int kData16[] = {22, 23, 24, 40, 43, 46, 49, 57, 59, 64, 67, 73, 77, 78, 79, 80, 82, 83, 84};
constexpr int kData32[] = {27, 28, 34, 51, 53, 54, 56, 58, 60, 65, 71, 76, 77, 78, 79, 80, 82, 83, 84};
constexpr int kDataQuads[] = {26};
constexpr int kDataDirect[] = {62};
constexpr int kDataStrided[] = {24};
constexpr int kWeights16[] = {9, 10, 15, 24, 33, 37, 39, 45, 47, 49, 65, 69, 70, 71, 74};
constexpr int kWeights32[] = {22, 23, 25, 30, 34, 38, 40, 46, 48, 50, 57, 58, 68, 69, 70, 71, 74};
constexpr int kWeightsPairs[] = {1};
constexpr int kWeightsHalf[] = {72};
constexpr int kWeightsDirect[] = {61};

const EngineRule kRules[] = {
    {OpKind::Convolution, kNarrow, kForward16, 16},
    {OpKind::Convolution, kFloat, kForward32, 16},
    {OpKind::Convolution, kHalf, kForwardHalf, 8},
    {OpKind::Convolution, kNarrow, kForwardDirect, 1, 8, 8, true},
    {OpKind::Convolution, kFloat, kForwardDirect, 1, 4, 4, true},
    {OpKind::BackwardData, kNarrow, kData16, 16},
    {OpKind::BackwardData, kFloat, kData32, 16},
    {OpKind::BackwardData, kFloat, kDataQuads, 1, 4, 1},
    {OpKind::BackwardData, kNarrow, kDataDirect, 1, 8, 8, true},
    {OpKind::BackwardData, kFloat, kDataDirect, 1, 4, 4, true},
    {OpKind::BackwardData, kNarrow, kDataStrided, 1, 8, 8, true, true, true},
    {OpKind::BackwardWeights, kNarrow, kWeights16, 16},
    {OpKind::BackwardWeights, kFloat, kWeights32, 16},
    {OpKind::BackwardWeights, kNarrow, kWeightsPairs, 4},
    {OpKind::BackwardWeights, kHalf, kWeightsHalf, 8},
    {OpKind::BackwardWeights, kNarrow, kWeightsDirect, 1, 8, 8, true, true},
    {OpKind::BackwardWeights, kFloat, kWeightsDirect, 1, 4, 4, true, true},
};

unsigned bitOf(cudnnDataType_t type) {
  switch (type) {
  case CUDNN_DATA_HALF:
    return kHalf;
  case CUDNN_DATA_BFLOAT16:
    return kBfloat;
  case CUDNN_DATA_FLOAT:
    return kFloat;
  default:
    return 0;
  }
}

std::string nameOf(const Tensor &tensor) { return "tensor " + std::to_string(tensor.uid); }

/// Of an activation (N,C,H,W).
Status checkActivation(const EngineRule &rule, const Tensor &tensor, int64_t multiple) {
  int64_t channels = tensor.dims[1], pixel = tensor.strides[3];
  if (channels % multiple != 0)
    return inputError(nameOf(tensor) + " has " + std::to_string(channels) + " channels, not a multiple of " +
                      std::to_string(multiple));
  if (rule.channelsLast && (tensor.strides[1] != 1 || pixel % multiple != 0))
    return inputError(nameOf(tensor) + " does not have its channels last, with pixels a multiple of " +
                      std::to_string(multiple) + " elements apart");
  if (rule.dense && pixel != channels)
    return inputError(nameOf(tensor) + " is a channel slice");
  return {};
}

/// Of a convolution and the sums of its result, or of a gradient of weights, whose src is normalised by what stands
/// before operation `at`, if anything does: the precompiled engines of sm_80 and of sm_90.
Status checkStatistics(const Graph &graph, size_t at, int64_t engine) {
  constexpr int64_t kOf80 = 0, kOf90 = 2, kChannels = 8;
  if (engine != kOf80 && engine != kOf90)
    return {};
  const Node &node = graph.nodes[at];
  const Tensor &src = graph.tensors[graph.nodes[0].operands[0]], &weights = graph.tensors[node.operands[1]],
               &dst = graph.tensors[node.operands[2]];
  if (src.type != CUDNN_DATA_HALF)
    return inputError(nameOf(src) + " is not of half");
  if (node.padBegin != node.padEnd)
    return inputError("the padding is not symmetric");
  if (weights.dims[1] != src.dims[1])
    return inputError("the convolution has groups");
  EngineRule rule{OpKind::Convolution, kHalf, {}};
  rule.channelsLast = true;
  rule.dense = at == 0; // what is normalised is read where it lies
  INCEPT_RETURN_IF_ERROR(checkActivation(rule, src, kChannels));
  rule.dense = true;
  return checkActivation(rule, dst, engine == kOf90 ? kChannels : 1);
}

/// Of a gradient of data and what goes on with it: the precompiled engines of sm_80 and of sm_90.
Status checkNormGradients(const Graph &graph, int64_t engine) {
  constexpr int64_t kOf80 = 0, kOf90 = 1, kChannels = 8;
  if (engine != kOf80 && engine != kOf90)
    return {};
  const Node &node = graph.nodes.front(), &last = graph.nodes.back();
  const Tensor &weights = graph.tensors[node.operands[1]], &diffDst = graph.tensors[node.operands[2]],
               &src = graph.tensors[last.operands[0]];
  if (diffDst.type != CUDNN_DATA_HALF)
    return inputError(nameOf(diffDst) + " is not of half");
  if (node.padBegin != node.padEnd)
    return inputError("the padding is not symmetric");
  if (weights.dims[1] != src.dims[1])
    return inputError("the convolution has groups");
  EngineRule rule{OpKind::BackwardData, kHalf, {}};
  rule.dense = true;
  INCEPT_RETURN_IF_ERROR(checkActivation(rule, diffDst, engine == kOf90 ? kChannels : 1));
  return src.dims[1] % kChannels == 0 || engine != kOf90
             ? Status()
             : inputError(nameOf(src) + " has " + std::to_string(src.dims[1]) + " channels, not a multiple of " +
                          std::to_string(kChannels));
}

} // namespace

std::span<const EngineRule> engineRules() { return kRules; }

bool hasEngineRules(int version) {
  constexpr int kMinor = 100; // 9.19, whatever its patch
  return version / kMinor == 919;
}

Status checkEngine(const Graph &graph, int64_t engine) {
  constexpr size_t kSrc = 0, kWeights = 1, kDst = 2; // rows of `operations()`, whatever the direction
  auto kindOf = [&](size_t node) { return operations()[graph.nodes[node].op].kind; };
  size_t first = 0; // behind what normalises
  while (first + 1 < graph.nodes.size() && kindOf(first) == OpKind::Pointwise)
    ++first;
  if (kindOf(first) == OpKind::Convolution && graph.nodes.size() == first + 2 && kindOf(first + 1) == OpKind::GenStats)
    return checkStatistics(graph, first, engine);
  if (first > 0 && kindOf(first) == OpKind::BackwardWeights)
    return checkStatistics(graph, first, engine);
  if (operations()[graph.nodes.front().op].kind == OpKind::BackwardData &&
      operations()[graph.nodes.back().op].kind == OpKind::NormGradients)
    return checkNormGradients(graph, engine);
  if (graph.nodes.size() != 1 || graph.nodes[0].operands.size() != 3)
    return {};
  const Node &node = graph.nodes[0];
  const OpKind kind = operations()[node.op].kind;
  const Tensor &src = graph.tensors[node.operands[kSrc]], &weights = graph.tensors[node.operands[kWeights]],
               &dst = graph.tensors[node.operands[kDst]];
  // Mixed types were not asked for.
  if (src.type != weights.type || src.type != dst.type || src.dims.size() != 4 || dst.dims.size() != 4)
    return {};
  const bool isStrided =
      std::any_of(node.stride.begin(), node.stride.end(), [](int64_t stride) { return stride != 1; });
  for (const EngineRule &rule : kRules) {
    if (rule.kind != kind || !(rule.types & bitOf(src.type)) || (rule.strided && !isStrided) ||
        std::find(rule.engines.begin(), rule.engines.end(), engine) == rule.engines.end())
      continue;
    for (const Tensor *tensor : {&src, &weights, &dst})
      if (tensor->alignment % rule.alignment != 0)
        return inputError(nameOf(*tensor) + " is aligned to " + std::to_string(tensor->alignment) + " bytes, not to " +
                          std::to_string(rule.alignment));
    INCEPT_RETURN_IF_ERROR(checkActivation(rule, src, rule.srcMultiple));
    INCEPT_RETURN_IF_ERROR(checkActivation(rule, dst, rule.dstMultiple));
  }
  return {};
}

} // namespace incept::sim::cudnn
