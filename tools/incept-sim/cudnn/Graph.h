// SPDX-License-Identifier: Apache-2.0
//
// An operation graph as the simulated cuDNN keeps it, whether it was built from descriptors or read from a stored plan.
// One table names each operation's operands in both forms.
#pragma once

#include "runtime/support/Status.h"

#include <cudnn_backend.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace incept::sim::cudnn {

/// Dimensions in logical order (N,C,H,W; O,I,H,W; batch,rows,columns); strides in elements.
struct Tensor {
  int64_t uid = 0;
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  std::vector<int64_t> dims, strides;
  int64_t alignment = 4;  ///< bytes, a multiple of an element's
  bool isVirtual = false; ///< never in memory, rounded to its type all the same
  bool byValue = false;   ///< the variant pack points to the host
};

/// Number of elements.
int64_t elementCount(const Tensor &tensor);
/// Distance in elements from the first element to behind the last one.
int64_t extent(const Tensor &tensor);
/// Bytes of an element, 0 where the type is not simulated.
int64_t typeBytes(cudnnDataType_t type);

/// An operation. Operands are indices of tensors in the order of the operation's table row, -1 for one that is missing.
struct Node {
  size_t op = 0; ///< row of `operations()`
  std::vector<int> operands;
  int mode = 0; ///< cudnnPointwiseMode_t or cudnnReduceTensorOp_t
  /// Convolutions: result = alpha * new + beta * old. Pointwise: of the first and the second operand.
  double alpha = 1, beta = 0;
  double lowerClip = 0, upperClip = 0, lowerSlope = 0; ///< of a ReLU
  std::vector<int64_t> padBegin, padEnd, stride, dilation;
};

struct Graph {
  std::vector<Tensor> tensors;
  std::vector<Node> nodes;

  /// Index of a tensor, or -1.
  int find(int64_t uid) const;
};

enum class OpKind {
  Convolution,
  BackwardData,
  BackwardWeights,
  MatMul,
  Pointwise,
  Reduction,
  GenStats,
  NormGradients ///< of a batch norm's parameters, and the factors that give that of what it reads
};

struct OperandInfo {
  const char *key; ///< in a stored plan; null: the row has fewer operands
  cudnnBackendAttributeName_t attribute;
  bool output, optional;
};

struct OpInfo {
  OpKind kind;
  cudnnBackendDescriptorType_t descriptor;
  const char *name; ///< in a stored plan
  std::array<OperandInfo, 10> operands;

  size_t operandCount() const;
};
std::span<const OpInfo> operations();

/// An enumerator and its name in stored plans.
struct Name {
  int value;
  const char *text;
};
std::span<const Name> typeNames();
std::span<const Name> pointwiseNames();
std::span<const Name> reductionNames();
/// Null where the value has no name.
const char *nameOf(std::span<const Name> names, int value);
/// False where the name is not known.
bool valueOf(std::span<const Name> names, const std::string &text, int &value);

/// Checks one tensor: a type that is simulated, sizes in range.
Status checkTensor(const Tensor &tensor);

/// Checks the graph as a whole: types and sizes, every operand there, shapes that agree, each value written once and
/// before it is read. Errors (Input) say what is wrong; those with code Machine that it is not simulated.
Status checkGraph(const Graph &graph);

/// A text that two graphs share exactly where they compute the same on the same operands.
std::string signature(const Graph &graph);

} // namespace incept::sim::cudnn
