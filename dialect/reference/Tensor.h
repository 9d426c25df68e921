// SPDX-License-Identifier: Apache-2.0
//
// The values that the reference interpreter computes with: everything is an f64, whatever the IR's type says. Values of
// type bf16 and f16 are rounded to what these can hold; f32 is not.
#pragma once

#include "dialect/ShapeInference.h"
#include "mlir/IR/BuiltinTypes.h"

#include <cstdint>
#include <vector>

namespace incept::reference {

/// What the IR's element type was. Integers are held as doubles too: exact up to 2^53, which is enough for labels,
/// bytes, steps and sample indices; a seed beyond 2^53 cannot be represented.
enum class ElementKind { Float, Int64, UInt8 };

/// A dense tensor in logical order, the last dimension contiguous.
struct Tensor {
  Shape shape;
  ElementKind kind = ElementKind::Float;
  std::vector<double> values;

  /// Element of a rank-4 tensor; indices must be in range.
  double &at(int64_t n, int64_t c, int64_t h, int64_t w) {
    return values[((n * shape[1] + c) * shape[2] + h) * shape[3] + w];
  }
  double at(int64_t n, int64_t c, int64_t h, int64_t w) const { return const_cast<Tensor *>(this)->at(n, c, h, w); }

  /// Element of a rank-2 tensor; indices must be in range.
  double &at(int64_t row, int64_t column) { return values[row * shape[1] + column]; }
  double at(int64_t row, int64_t column) const { return values[row * shape[1] + column]; }

  /// Number of elements.
  int64_t size() const { return static_cast<int64_t>(values.size()); }

  /// Channel of the element at position `index` in `values`: dimension 1, or the only dimension of a vector.
  int64_t channelOf(int64_t index) const;
};

/// A tensor of zeros of `type`. Fails without a message where the type has dynamic dimensions, no elements or more than
/// 2^28, or an element type other than a float, i64 and u8.
mlir::FailureOr<Tensor> makeTensor(mlir::Type type);

/// Rounds the values of a tensor of `type` to the nearest ones (to even between two) that bf16 or f16 have; those too
/// large become infinite. Does nothing for other types.
void roundToType(mlir::Type type, Tensor &tensor);

} // namespace incept::reference
