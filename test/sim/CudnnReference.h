// SPDX-License-Identifier: Apache-2.0
//
// Graphs for the tests of the simulated cuDNN, memory for their tensors, and what they should compute, in f64 and in
// the plainest way.
#pragma once

#include "tools/incept-sim/cudnn/Execute.h"
#include "tools/incept-sim/cudnn/Values.h"

#include <functional>
#include <map>
#include <random>

namespace incept::sim::cudnn {

/// N,C,H,W with channels innermost and pixels `pitch` apart (0: dense).
inline Tensor activations(int64_t uid, cudnnDataType_t type, int64_t n, int64_t c, int64_t h, int64_t w,
                          int64_t pitch = 0) {
  pitch = pitch ? pitch : c;
  return {uid, type, {n, c, h, w}, {h * w * pitch, 1, w * pitch, pitch}, typeBytes(type)};
}

inline size_t operation(OpKind kind) {
  size_t op = 0;
  while (operations()[op].kind != kind)
    ++op;
  return op;
}

/// An operation on tensors of the graph, by index, with its mode; an elementwise one takes both operands as they are.
inline Node makeNode(OpKind kind, std::vector<int> operands, int mode = 0) {
  Node node;
  node.op = operation(kind);
  node.operands = std::move(operands);
  node.mode = mode;
  node.beta = kind == OpKind::Pointwise;
  node.upperClip = 3e38;
  return node;
}

/// A convolution's shape. The output's size follows.
struct Shape {
  int64_t n = 2, c = 6, h = 7, w = 5, k = 4, r = 3, s = 3, g = 1;
  int64_t strideH = 1, strideW = 1, dilationH = 1, dilationW = 1, top = 0, left = 0, bottom = 0, right = 0;
  int64_t srcPitch = 0, dstPitch = 0;
  int64_t outH() const { return (h + top + bottom - (r - 1) * dilationH - 1) / strideH + 1; }
  int64_t outW() const { return (w + left + right - (s - 1) * dilationW - 1) / strideW + 1; }
};

/// One convolution of tensors 1 (src), 2 (weights), 3 (dst); the type of the result is `resultType`.
Plan convolutionPlan(OpKind kind, const Shape &shape, cudnnDataType_t type, cudnnDataType_t resultType);

/// A tensor's numbers by their logical index, row by row.
using Numbers = std::vector<double>;

/// What the plan's one convolution computes from its operands (of which the result's entry is not used).
Numbers referenceConvolution(const Plan &plan, std::map<int64_t, Numbers> &operands);

/// Device memory with the tensors of a plan, filled with random numbers that their types hold exactly, except for those
/// that are written, which are untouched.
class Bench {
public:
  explicit Bench(const Plan &plan, unsigned seed = 1);

  Status run(bool check = true) { return execute(plan, binding, memory, check); }
  /// The numbers of a tensor in memory.
  Numbers read(int64_t uid) const;
  void write(int64_t uid, const Numbers &numbers);
  const Tensor &tensor(int64_t uid) const { return plan.graph.tensors[plan.graph.find(uid)]; }

  Plan plan;
  memory::Memory memory{uint64_t(1) << 30};
  Binding binding;
  std::map<int64_t, Numbers> numbers; ///< of the inputs

private:
  void forEach(int64_t uid, const std::function<void(char *, size_t)> &element) const;
};

/// Largest difference, as a part of 1 + the magnitude of the expected number.
double difference(const Numbers &got, const Numbers &expected);

} // namespace incept::sim::cudnn
