// SPDX-License-Identifier: Apache-2.0

#include "dialect/reference/Tensor.h"

using namespace mlir;

namespace incept::reference {

/// 2 GiB of doubles: the interpreter is for small problems, and hostile IR must not exhaust memory.
static constexpr int64_t kMaxElements = int64_t(1) << 28;

int64_t Tensor::channelOf(int64_t index) const {
  if (shape.size() < 2)
    return index;
  int64_t inner = 1;
  for (size_t dim = 2; dim < shape.size(); ++dim)
    inner *= shape[dim];
  return index / inner % shape[1];
}

FailureOr<Tensor> makeTensor(Type type) {
  auto ranked = dyn_cast<RankedTensorType>(type);
  if (!ranked || !ranked.hasStaticShape())
    return failure();
  FailureOr<int64_t> count = countElements(ranked.getShape());
  if (failed(count) || *count < 1 || *count > kMaxElements)
    return failure();
  Tensor tensor;
  Type element = ranked.getElementType();
  if (isa<FloatType>(element))
    tensor.kind = ElementKind::Float;
  else if (element.isInteger(64))
    tensor.kind = ElementKind::Int64;
  else if (element.isUnsignedInteger(8))
    tensor.kind = ElementKind::UInt8;
  else
    return failure();
  tensor.shape.assign(ranked.getShape().begin(), ranked.getShape().end());
  tensor.values.assign(*count, 0.0);
  return tensor;
}

} // namespace incept::reference
