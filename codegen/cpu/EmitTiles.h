// SPDX-License-Identifier: Apache-2.0
//
// Code of convolutions by transforms of tiles.
#pragma once

namespace mlir {
class MLIRContext;
}

namespace incept::cpu {

/// Lends the ops of dialect/InceptTileOps.td their loops.
void attachTileLoops(mlir::MLIRContext *context);

} // namespace incept::cpu
