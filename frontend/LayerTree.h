// SPDX-License-Identifier: Apache-2.0
//
// A network of the graph phase as its names arrange it: blocks and labels, in them the ops of the description. What
// prints or draws networks for people goes through this.
#pragma once

#include "dialect/ShapeInference.h"
#include "mlir/IR/BuiltinOps.h"

#include <memory>
#include <string>
#include <vector>

namespace incept {

/// A block, a label, or one op of the description: a convolution with its batch norm and ReLU is one.
struct LayerNode {
  std::string name, path;             ///< the last part of the path; all of it, with a number where several ops have it
  std::string kind;                   ///< the block's name; "conv2d + batch_norm + relu" of an op; empty of a label
  std::vector<mlir::Operation *> ops; ///< of an op: what it became, in order
  std::vector<std::unique_ptr<LayerNode>> children; ///< of a block or label, in order of their first ops
  Shape src, dst; ///< of the first operand of the first op, and of the result of the last one, with the batch
  int64_t parameters = 0, states = 0, macs = 0; ///< of all in it, as LayerCounts

  bool isOp() const { return !ops.empty(); }
};

/// "96x35x35", "1000": a shape without the batch.
std::string formatImage(llvm::ArrayRef<int64_t> shape);

/// Trainable scalars, running statistics and multiply-accumulates (one image, forward) of one op of the graph phase.
struct LayerCounts {
  int64_t parameters = 0, states = 0, macs = 0;
};
LayerCounts countLayer(mlir::Operation *op, const mlir::SymbolTable &symbols);

/// True for an op of the graph phase that computes a value from others: not for blocks, reads and constants.
bool isLayer(mlir::Operation *op);

/// The network of a module of the graph phase; the root has no name.
std::unique_ptr<LayerNode> buildLayerTree(mlir::ModuleOp module);

} // namespace incept
