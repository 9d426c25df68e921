// SPDX-License-Identifier: Apache-2.0
//
// Turns kernel groups into kernel definitions that are generic in extents, one for all groups of the same computation,
// and says how each group launches it. Families and extents: dialect/README.md.
#pragma once

#include "dialect/InceptOps.h"

#include <unordered_map>

namespace incept {

class Target;

/// One launch of a group.
struct KernelLaunch {
  llvm::StringRef symbol;
  KernelExtents extents;
  int64_t units = 0, flops = 0;
  /// What it reads, then what it writes: inputs and outputs of the group, and results of reductions inside it, which
  /// stand for their partial sums, f32 (units of the first launch, channels).
  llvm::SmallVector<mlir::Value> operands;
  size_t reads = 0; ///< how many of the operands it reads
};

class KernelTable {
public:
  KernelTable(mlir::ModuleOp module, const Target &target) : module(module), target(target) {}

  /// The launches of a kernel group in the planned phase: one, or for reductions two, where the target's first does not
  /// also do what the second does, which adds the partial sums and computes what is computed of the sums. Adds kernels
  /// to the module that are new. Reports a group that no family of kernels computes.
  mlir::FailureOr<llvm::SmallVector<KernelLaunch, 2>> get(GroupOp group);
  /// The kernel that adds the partial sums of one result.
  llvm::StringRef getCombine();
  /// The kernel that adds the partial sums of a loss and of the rows that count, and divides.
  llvm::StringRef getMeanLoss();
  /// The kernel that computes `op`, a total (isTotal), of one tensor of `element`s.
  llvm::StringRef getTotal(mlir::Operation *op, mlir::Type element);

private:
  mlir::FailureOr<KernelLaunch> getOpaque(GroupOp group, mlir::Operation *op);
  /// Completes a launch of `definition`, which becomes the module's or is erased.
  void finish(KernelLaunch &launch, exec::KernelDefOp definition);
  llvm::StringRef intern(exec::KernelDefOp definition);

  mlir::ModuleOp module;
  const Target &target;
  std::unordered_map<size_t, llvm::SmallVector<exec::KernelDefOp, 1>> byHash;
  size_t count = 0;
  mlir::Operation *last = nullptr;
};

} // namespace incept
