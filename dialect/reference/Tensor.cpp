// SPDX-License-Identifier: Apache-2.0

#include "dialect/reference/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/APFloat.h"

#include <cmath>

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

/// `value` with `precision` significant bits, fewer where its exponent is below `minExponent`.
static double roundTo(double value, int precision, int minExponent, double largest) {
  if (value == 0 || !std::isfinite(value))
    return value;
  int exponent = std::max(std::ilogb(value), minExponent);
  int scale = precision - 1 - exponent; // makes the last significant bit a 1; powers of two are exact
  double rounded = std::scalbn(std::nearbyint(std::scalbn(value, scale)), -scale);
  return std::abs(rounded) > largest ? std::copysign(INFINITY, value) : rounded;
}

void roundToType(Type type, Tensor &tensor) {
  Type element = getElementTypeOrSelf(type);
  if (!element.isBF16() && !element.isF16())
    return;
  const llvm::fltSemantics &semantics = cast<FloatType>(element).getFloatSemantics();
  llvm::APFloat most = llvm::APFloat::getLargest(semantics);
  bool loses = false;
  most.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &loses);
  int precision = static_cast<int>(llvm::APFloat::semanticsPrecision(semantics));
  for (double &value : tensor.values)
    value = roundTo(value, precision, llvm::APFloat::semanticsMinExponent(semantics), most.convertToDouble());
}

} // namespace incept::reference
