// SPDX-License-Identifier: Apache-2.0
#include "tools/incept-sim/cudnn/Execute.h"
#include "tools/incept-sim/cudnn/Kernels.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace incept::sim::cudnn {

namespace {

/// The values of one execution: read from memory at their first use, written when they are computed.
class Run {
public:
  Run(const Plan &plan, const Binding &binding, memory::Memory &memory)
      : graph(plan.graph), binding(binding), memory(memory), values(plan.graph.tensors.size()) {}

  void compute(const Node &node);

private:
  const Value &input(int index);
  /// An operand of the node; null where it is missing.
  const Value *operand(const Node &node, size_t which) {
    return node.operands[which] < 0 ? nullptr : &input(node.operands[which]);
  }
  void output(int index, Value value);
  void convolve(OpKind kind, const Node &node);
  Value empty(const Node &node, size_t which) const { return Value::dense(graph.tensors[node.operands[which]].dims); }

  const Graph &graph;
  const Binding &binding;
  memory::Memory &memory;
  std::vector<std::optional<Value>> values;
};

const Value &Run::input(int index) {
  std::optional<Value> &value = values[index];
  if (value)
    return *value;
  const Tensor &tensor = graph.tensors[index];
  if (tensor.byValue) {
    value = Value::dense(tensor.dims);
    std::fill(value->data.begin(), value->data.end(), binding.scalars.at(tensor.uid));
  } else {
    value = load(tensor, reinterpret_cast<const void *>(binding.addresses.at(tensor.uid)));
  }
  return *value;
}

void Run::output(int index, Value value) {
  const Tensor &tensor = graph.tensors[index];
  if (!tensor.isVirtual)
    store(tensor, value, binding.addresses.at(tensor.uid), memory);
  auto reads = [&](const Node &node) { return std::count(node.operands.begin(), node.operands.end(), index) > 0; };
  if (std::count_if(graph.nodes.begin(), graph.nodes.end(), reads) < 2)
    return; // nobody but its own node names it
  if (tensor.type != CUDNN_DATA_FLOAT)
    for (float &number : value.data)
      number = rounded(number, tensor.type);
  values[index] = std::move(value);
}

void Run::convolve(OpKind kind, const Node &node) {
  // The table's order is src, weights, dst; one of them is the result.
  size_t to = kind == OpKind::Convolution ? 2 : kind == OpKind::BackwardData ? 0 : 1;
  const Value &a = *operand(node, kind == OpKind::BackwardData ? 2 : 0);
  const Value &b = *operand(node, kind == OpKind::BackwardWeights ? 2 : 1);
  Value result = empty(node, to);
  if (!convolutionOneDnn(kind, node, a, b, result))
    convolutionLoops(kind, node, a, b, result);
  if (node.alpha != 1 || node.beta != 0) {
    const Value *old = node.beta != 0 ? &input(node.operands[to]) : nullptr;
    for (size_t i = 0; i < result.data.size(); ++i)
      result.data[i] = float(node.alpha) * result.data[i] + (old ? float(node.beta) * old->data[i] : 0.0f);
  }
  output(node.operands[to], std::move(result));
}

void Run::compute(const Node &node) {
  OpKind kind = operations()[node.op].kind;
  switch (kind) {
  case OpKind::Convolution:
  case OpKind::BackwardData:
  case OpKind::BackwardWeights:
    convolve(kind, node);
    break;
  case OpKind::MatMul: {
    Value result = empty(node, 2);
    const Value &a = *operand(node, 0), &b = *operand(node, 1);
    if (!matmulOneDnn(a, b, result))
      matmulLoops(a, b, result);
    output(node.operands[2], std::move(result));
    break;
  }
  case OpKind::Pointwise: {
    bool backward = node.mode == CUDNN_POINTWISE_RELU_BWD;
    size_t to = backward ? 4 : 2;
    Value result = empty(node, to);
    pointwise(node, *operand(node, backward ? 3 : 0), operand(node, backward ? 0 : 1), operand(node, 5), result);
    output(node.operands[to], std::move(result));
    break;
  }
  case OpKind::Reduction: {
    Value result = empty(node, 1);
    reduce(node.mode, *operand(node, 0), result);
    output(node.operands[1], std::move(result));
    break;
  }
  case OpKind::GenStats: {
    Value sums = empty(node, 1), squares = empty(node, 2);
    genStats(*operand(node, 0), sums, squares);
    output(node.operands[1], std::move(sums));
    output(node.operands[2], std::move(squares));
    break;
  }
  case OpKind::NormGradients: {
    NormResults results{empty(node, 5), empty(node, 6), empty(node, 7), empty(node, 8), empty(node, 9)};
    normGradients({*operand(node, 0), *operand(node, 1), *operand(node, 2), *operand(node, 3), *operand(node, 4)},
                  results);
    Value *values[] = {&results.diffGamma, &results.diffBeta, &results.a, &results.b, &results.c};
    for (size_t i = 0; i < std::size(values); ++i)
      output(node.operands[5 + i], std::move(*values[i]));
    break;
  }
  }
}

/// True where some operation writes the tensor, and none needs its old value.
std::vector<bool> writtenTensors(const Graph &graph) {
  std::vector<bool> written(graph.tensors.size());
  for (const Node &node : graph.nodes) {
    const OpInfo &info = operations()[node.op];
    bool window =
        info.kind == OpKind::Convolution || info.kind == OpKind::BackwardData || info.kind == OpKind::BackwardWeights;
    for (size_t i = 0; i < node.operands.size(); ++i)
      if (node.operands[i] >= 0 && info.operands[i].output && !(window && node.beta != 0))
        written[node.operands[i]] = true;
  }
  return written;
}

Status checkOperands(const Plan &plan, const Binding &binding, const memory::Memory &memory, bool check) {
  std::vector<bool> written = writtenTensors(plan.graph);
  for (size_t i = 0; i < plan.graph.tensors.size(); ++i) {
    const Tensor &tensor = plan.graph.tensors[i];
    if (!tensor.isVirtual && !tensor.byValue)
      INCEPT_RETURN_IF_ERROR(checkOperand(tensor, binding.addresses.at(tensor.uid), memory, check && !written[i]));
  }
  return {};
}

/// Fills the workspace. An operand inside it would be lost, so that is an error of its own.
Status spoil(const Plan &plan, const Binding &binding, memory::Memory &memory) {
  uint64_t bytes = plan.workspaceBytes;
  if (bytes == 0)
    return {};
  memory::Fault fault = memory.check(binding.workspace, bytes, memory::Access::Write);
  if (fault != memory::Fault::None)
    return inputError("workspace: " + memory.checked(binding.workspace, bytes, memory::Access::Write).message());
  for (const Tensor &tensor : plan.graph.tensors) {
    if (tensor.isVirtual || tensor.byValue)
      continue;
    uint64_t begin = binding.addresses.at(tensor.uid), size = uint64_t(extent(tensor) * typeBytes(tensor.type));
    if (begin < binding.workspace + bytes && binding.workspace < begin + size)
      return inputError("tensor " + std::to_string(tensor.uid) + " overlaps the workspace");
  }
  memset(reinterpret_cast<void *>(binding.workspace), 0xff, bytes); // NaNs in every type
  memory.markUnwritten(binding.workspace, bytes);
  return {};
}

} // namespace

Status execute(const Plan &plan, const Binding &binding, memory::Memory &memory, bool check) {
  INCEPT_RETURN_IF_ERROR(checkOperands(plan, binding, memory, check));
  INCEPT_RETURN_IF_ERROR(spoil(plan, binding, memory));
  Run run(plan, binding, memory);
  for (const Node &node : plan.graph.nodes)
    run.compute(node);
  return {};
}

std::string describe(const Graph &graph) {
  static constexpr const char *kNames[] = {"convolution",
                                           "convolution backward data",
                                           "convolution backward weights",
                                           "matrix product",
                                           "pointwise",
                                           "reduction",
                                           "statistics",
                                           "gradients of batch norm"};
  std::string result = "cuDNN";
  for (const Node &node : graph.nodes)
    result += (&node == graph.nodes.data() ? " " : " + ") + std::string(kNames[int(operations()[node.op].kind)]);
  return result;
}

} // namespace incept::sim::cudnn
