// SPDX-License-Identifier: Apache-2.0
//
// What the operations of a graph compute, on dense f32 values. Products are exact and sums are f32, in an order that
// depends on nothing but the shapes and the number of threads.
#pragma once

#include "tools/incept-sim/cudnn/Values.h"

namespace incept::sim::cudnn {

/// The three directions of a convolution (cross-correlation) with groups. `result` has its dimensions set and is
/// overwritten. The loops are the definition; oneDNN is quick, and false where it declines the problem.
///   Convolution       a = src,  b = weights,  result = dst
///   BackwardData      a = diff_dst, b = weights, result = diff_src
///   BackwardWeights   a = src,  b = diff_dst, result = diff_weights
void convolutionLoops(OpKind kind, const Node &node, const Value &a, const Value &b, Value &result);
bool convolutionOneDnn(OpKind kind, const Node &node, const Value &a, const Value &b, Value &result);

/// result[batch] = a[batch] * b[batch]; a batch of 1 is used for all.
void matmulLoops(const Value &a, const Value &b, Value &result);
bool matmulOneDnn(const Value &a, const Value &b, Value &result);

/// Elementwise with broadcasting; b, t may be null. A backward mode has a = dY and b = X.
void pointwise(const Node &node, const Value &a, const Value *b, const Value *t, Value &result);

/// Reduces a to the dimensions of `result` that are 1.
void reduce(int mode, const Value &a, Value &result);
/// Sums and sums of squares over all dimensions of `sums` that are 1.
void genStats(const Value &a, Value &sums, Value &squares);

/// What the gradient of a batch norm reads, and gives for each channel: the sums of diff * n and of diff, with
/// n = (src - mean) * invStd, and the factors with which a * diff + b * src + c is the gradient of src.
struct NormReads {
  const Value &src, &diff, &mean, &invStd, &gamma;
};
struct NormResults {
  Value diffGamma, diffBeta, a, b, c;
};
void normGradients(const NormReads &reads, NormResults &results);

} // namespace incept::sim::cudnn
