// SPDX-License-Identifier: Apache-2.0
#include "test/sim/CudnnReference.h"

#include <cmath>
#include <cstring>

namespace incept::sim::cudnn {

Plan convolutionPlan(OpKind kind, const Shape &s, cudnnDataType_t type, cudnnDataType_t resultType) {
  Plan plan;
  Tensor src = activations(1, kind == OpKind::BackwardData ? resultType : type, s.n, s.c, s.h, s.w, s.srcPitch);
  Tensor weights = activations(2, kind == OpKind::BackwardWeights ? resultType : type, s.k, s.c / s.g, s.r, s.s);
  Tensor dst =
      activations(3, kind == OpKind::Convolution ? resultType : type, s.n, s.k, s.outH(), s.outW(), s.dstPitch);
  plan.graph.tensors = {src, weights, dst};
  Node node;
  node.op = operation(kind);
  node.operands = {0, 1, 2};
  node.padBegin = {s.top, s.left};
  node.padEnd = {s.bottom, s.right};
  node.stride = {s.strideH, s.strideW};
  node.dilation = {s.dilationH, s.dilationW};
  plan.graph.nodes = {node};
  return plan;
}

Numbers referenceConvolution(const Plan &plan, std::map<int64_t, Numbers> &operands) {
  const Node &node = plan.graph.nodes[0];
  OpKind kind = operations()[node.op].kind;
  const auto &src = plan.graph.tensors[0].dims, &weights = plan.graph.tensors[1].dims,
             &dst = plan.graph.tensors[2].dims;
  Numbers &x = operands[1], &w = operands[2], &y = operands[3];
  Numbers &result = kind == OpKind::Convolution ? y : kind == OpKind::BackwardData ? x : w;
  const auto &dims = kind == OpKind::Convolution ? dst : kind == OpKind::BackwardData ? src : weights;
  result.assign(size_t(dims[0] * dims[1] * dims[2] * dims[3]), 0.0);
  int64_t filters = dst[1] / (src[1] / weights[1]);
  for (int64_t n = 0; n < dst[0]; ++n)
    for (int64_t k = 0; k < dst[1]; ++k)
      for (int64_t p = 0; p < dst[2]; ++p)
        for (int64_t q = 0; q < dst[3]; ++q)
          for (int64_t c = 0; c < weights[1]; ++c)
            for (int64_t r = 0; r < weights[2]; ++r)
              for (int64_t s = 0; s < weights[3]; ++s) {
                int64_t h = p * node.stride[0] - node.padBegin[0] + r * node.dilation[0];
                int64_t v = q * node.stride[1] - node.padBegin[1] + s * node.dilation[1];
                if (h < 0 || h >= src[2] || v < 0 || v >= src[3])
                  continue;
                double &a = x[((n * src[1] + k / filters * weights[1] + c) * src[2] + h) * src[3] + v];
                double &b = w[((k * weights[1] + c) * weights[2] + r) * weights[3] + s];
                double &d = y[((n * dst[1] + k) * dst[2] + p) * dst[3] + q];
                if (kind == OpKind::Convolution)
                  d += a * b;
                else if (kind == OpKind::BackwardData)
                  a += d * b;
                else
                  b += a * d;
              }
  return result;
}

Bench::Bench(const Plan &given, unsigned seed) : plan(given) {
  std::mt19937 random(seed);
  std::vector<bool> written(plan.graph.tensors.size());
  for (const Node &node : plan.graph.nodes)
    for (size_t i = 0; i < node.operands.size(); ++i)
      if (node.operands[i] >= 0 && operations()[node.op].operands[i].output)
        written[node.operands[i]] = true;
  for (size_t i = 0; i < plan.graph.tensors.size(); ++i) {
    const Tensor &tensor = plan.graph.tensors[i];
    if (tensor.isVirtual)
      continue;
    binding.addresses[tensor.uid] = *memory.allocate(uint64_t(extent(tensor) * typeBytes(tensor.type)));
    Numbers &values = numbers[tensor.uid];
    values.resize(size_t(elementCount(tensor)));
    if (written[i])
      continue;
    for (double &value : values)
      value = double(int(random() % 65) - 32) / 32; // exact in every type
    write(tensor.uid, values);
  }
  if (plan.workspaceBytes)
    binding.workspace = *memory.allocate(plan.workspaceBytes);
}

void Bench::forEach(int64_t uid, const std::function<void(char *, size_t)> &element) const {
  const Tensor &t = tensor(uid);
  std::vector<int64_t> index(t.dims.size());
  for (size_t i = 0; i < size_t(elementCount(t)); ++i) {
    int64_t offset = 0;
    for (size_t d = 0; d < index.size(); ++d)
      offset += index[d] * t.strides[d];
    element(reinterpret_cast<char *>(binding.addresses.at(uid)) + offset * typeBytes(t.type), i);
    for (size_t d = index.size(); d-- > 0 && ++index[d] == t.dims[d];)
      index[d] = 0;
  }
}

Numbers Bench::read(int64_t uid) const {
  Numbers result(size_t(elementCount(tensor(uid))));
  cudnnDataType_t type = tensor(uid).type;
  forEach(uid, [&](char *at, size_t i) {
    float wide;
    uint16_t narrow;
    memcpy(&wide, at, type == CUDNN_DATA_FLOAT ? 4 : 2);
    memcpy(&narrow, at, 2);
    result[i] = type == CUDNN_DATA_FLOAT ? wide : type == CUDNN_DATA_HALF ? fromHalf(narrow) : fromBfloat(narrow);
  });
  return result;
}

void Bench::write(int64_t uid, const Numbers &values) {
  cudnnDataType_t type = tensor(uid).type;
  forEach(uid, [&](char *at, size_t i) {
    auto wide = float(values[i]);
    uint16_t narrow = type == CUDNN_DATA_HALF ? toHalf(wide) : toBfloat(wide);
    if (type == CUDNN_DATA_FLOAT)
      memcpy(at, &wide, 4);
    else
      memcpy(at, &narrow, 2);
    memory.markWritten(reinterpret_cast<uint64_t>(at), uint64_t(typeBytes(type)));
  });
}

double difference(const Numbers &got, const Numbers &expected) {
  if (got.size() != expected.size())
    return INFINITY;
  double most = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    double here = std::abs(got[i] - expected[i]) / (1 + std::abs(expected[i]));
    most = here <= most ? most : here; // a NaN counts
  }
  return most;
}

} // namespace incept::sim::cudnn
