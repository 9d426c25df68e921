// SPDX-License-Identifier: Apache-2.0
//
// The ops that compute convolutions by transforms of tiles: what a target may make of a convolution in the layout
// phase.
#pragma once

#include "dialect/InceptOps.h"
#include "dialect/TileConvolution.h"

#define GET_OP_CLASSES
#include "dialect/InceptTileOps.h.inc"

namespace incept {

/// What an op by tiles says of its tiles. `kernel` and `tile` have two numbers each.
template <typename OpTy>
TileShape tileShape(OpTy op) {
  TileShape shape{op.getKernel()[0], op.getKernel()[1], op.getTile()[0], op.getTile()[1], int64_t(op.getLanes())};
  shape.stride = int64_t(op.getStride());
  if constexpr (requires { op.getTransposed(); })
    shape.transposed = op.getTransposed();
  return shape;
}

} // namespace incept
