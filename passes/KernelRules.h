// SPDX-License-Identifier: Apache-2.0
//
// Rules by which an op that is a kernel by itself is launched: its loops, the extents that a launch passes, and what
// these make of it.
#pragma once

#include "dialect/InceptOps.h"

namespace incept {

/// Lends the ops their rules, and their counts of operations (passes/LaunchCost.h), once the dialect is loaded.
void registerKernelRules(mlir::DialectRegistry &registry);

/// Distance of rows in elements.
int64_t strideOf(mlir::Value value);

/// `extents(op)` are those of one op, `reach(op, extents)` what a launch with them touches. Windows are passed as
/// extents.
template <typename OpTy, KernelLoops loops, auto extents, auto reach>
struct KernelRule : KernelOpInterface::ExternalModel<KernelRule<OpTy, loops, extents, reach>, OpTy> {
  KernelExtents getExtents(mlir::Operation *op) const { return extents(llvm::cast<OpTy>(op)); }
  KernelLoops getLoops(mlir::Operation *) const { return loops; }
  KernelReach getReach(mlir::Operation *op, llvm::ArrayRef<int64_t> given) const {
    return reach(llvm::cast<OpTy>(op), given);
  }
  void eraseExtents(mlir::Operation *op) const {
    if constexpr (requires(OpTy grouped) { grouped.setGroups(1); })
      llvm::cast<OpTy>(op).setGroups(1);
    if constexpr (requires(OpTy pool) { pool.getKernel(), pool.getPadEnd(); }) {
      auto pool = llvm::cast<OpTy>(op);
      pool.setKernel({1, 1});
      pool.setStride({1, 1});
      pool.setPadBegin({0, 0});
      pool.setPadEnd({0, 0});
    }
  }
};

/// Makes OpTy a kernel with these loops.
template <typename OpTy, KernelLoops loops, auto extents, auto reach>
void attachKernelRule(mlir::MLIRContext *context) {
  OpTy::template attachInterface<KernelRule<OpTy, loops, extents, reach>>(*context);
}

} // namespace incept
