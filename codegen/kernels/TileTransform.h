// SPDX-License-Identifier: Apache-2.0
//
// The matrices of fast correlations, in exact arithmetic (A. L. Toom 1963, S. A. Cook 1966; for correlations
// S. Winograd 1980). A correlation with r taps has m outputs y of n = m + r - 1 inputs x; with the matrices of its
// points
//
//   y = outputs * ((taps * w) . (inputs * x))
//
// needs n products, where `.` multiplies element by element. The gradient of the taps is its transpose,
// dw = taps^T * ((inputs * x) . (outputs^T * dy)).
#pragma once

#include "mlir/Analysis/Presburger/Fraction.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace incept::kernels {

using Rational = mlir::presburger::Fraction;
using RationalMatrix = std::vector<std::vector<Rational>>;
using RealMatrix = std::vector<std::vector<double>>;

struct TileTransform {
  RationalMatrix inputs;  ///< n x inputs of a tile: n, of a transposed one m + ceil(r / stride) - 1
  RationalMatrix taps;    ///< n x r
  RationalMatrix outputs; ///< outputs of a tile x n: m, of a transposed one m * stride
};

/// The transform of `outputs` outputs and as many taps as there are then points for: `points` and one at infinity.
/// Rows of `inputs` are scaled by powers of two such that their largest entry is near 1.
TileTransform makeTileTransform(int64_t outputs, const std::vector<Rational> &points);

/// How a window moves over the tile that a transform is for.
struct WindowStep {
  int64_t stride = 1;
  /// The gradient of what was read instead, with the window turned. For stride 1 that is a correlation itself.
  bool transposed = false;
};

/// The transform that kernels use for `places` of a window, none where there is none (hasTileTransform). Their points
/// are few-digit fractions in pairs p, -p, which share half of the arithmetic, found by search for a small error.
///
/// A window with a stride is one of fewer taps on each of the images of every stride-th pixel, whose results are added.
/// The transform is theirs side by side, n = stride * (m - 1) + r points in all.
std::optional<TileTransform> findTileTransform(int64_t places, int64_t taps, WindowStep step = {});

RealMatrix toReal(const RationalMatrix &matrix);
RealMatrix transpose(const RealMatrix &matrix);

} // namespace incept::kernels
