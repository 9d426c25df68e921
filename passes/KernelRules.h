// SPDX-License-Identifier: Apache-2.0
//
// Rules by which an op that is a kernel by itself is launched: its loops and the numbers that a launch passes.
#pragma once

#include "dialect/InceptOps.h"

namespace incept {

/// Lends the ops their rules, and their counts of operations (passes/LaunchCost.h), once the dialect is loaded.
void registerKernelRules(mlir::DialectRegistry &registry);

/// Distance of rows in elements.
int64_t strideOf(mlir::Value value);

/// Makes OpTy a kernel with these loops; `work` gives the extents and units of one op, `reach` what a launch with these
/// extents touches (none: launches are not checked). Windows are passed as extents.
template <typename OpTy, KernelLoops loops, KernelWork (*work)(OpTy),
          KernelReach (*reach)(OpTy, llvm::ArrayRef<int64_t>) = nullptr>
struct KernelRule : KernelOpInterface::ExternalModel<KernelRule<OpTy, loops, work, reach>, OpTy> {
  KernelWork getWork(mlir::Operation *op) const { return work(llvm::cast<OpTy>(op)); }
  KernelLoops getLoops(mlir::Operation *) const { return loops; }
  std::optional<KernelReach> getReach(mlir::Operation *op, llvm::ArrayRef<int64_t> extents) const {
    if constexpr (reach == nullptr)
      return std::nullopt;
    else
      return reach(llvm::cast<OpTy>(op), extents);
  }
  void eraseExtents(mlir::Operation *op) const {
    if constexpr (requires(OpTy pool) { pool.getKernel(), pool.getPadEnd(); }) {
      auto pool = llvm::cast<OpTy>(op);
      pool.setKernel({1, 1});
      pool.setStride({1, 1});
      pool.setPadBegin({0, 0});
      pool.setPadEnd({0, 0});
    }
  }
};

template <typename OpTy, KernelLoops loops, KernelWork (*work)(OpTy),
          KernelReach (*reach)(OpTy, llvm::ArrayRef<int64_t>) = nullptr>
void attachKernelRule(mlir::MLIRContext *context) {
  OpTy::template attachInterface<KernelRule<OpTy, loops, work, reach>>(*context);
}

} // namespace incept
