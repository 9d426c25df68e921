// SPDX-License-Identifier: Apache-2.0
//
// Pictures of networks (`incept draw`).
#pragma once

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace incept {

struct NetworkPicture {
  int depth = 1 << 20; ///< levels of blocks and labels that are opened
  bool all = false;    ///< open each of several equal blocks in a row, not only the first
};

/// The network of a module of the graph phase in Graphviz's language: a box for each block and each label at the top,
/// in it the ops (a convolution with its batch norm and ReLU is one) or, where it is closed, its sums; the shapes of
/// one image on the edges.
std::string drawNetwork(mlir::ModuleOp module, const NetworkPicture &picture);

} // namespace incept
