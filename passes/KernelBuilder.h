// SPDX-License-Identifier: Apache-2.0
//
// Turns kernel groups into kernel definitions that are generic in extents, one for all groups of the same computation,
// and says how each group launches it. Families and extents: dialect/README.md.
#pragma once

#include "dialect/InceptOps.h"
#include "llvm/ADT/StringMap.h"

namespace incept {

class Target;

/// How a group launches its kernel.
struct KernelLaunch {
  llvm::StringRef symbol;
  llvm::SmallVector<int64_t, 16> extents;
  int64_t units = 0;
  llvm::SmallVector<bool, 4> isSum; ///< per result of the group: written as partial sums
};

class KernelTable {
public:
  KernelTable(mlir::ModuleOp module, const Target &target) : module(module), target(target) {}

  /// The launch of a kernel group in the planned phase; adds its kernel to the module if it is new.
  KernelLaunch get(GroupOp group);
  /// The kernel that adds the partial sums of `count` results.
  llvm::StringRef getCombine(size_t count);
  /// The kernel that counts in one tensor of `element`s what is not finite.
  llvm::StringRef getCountNonfinite(mlir::Type element);

private:
  llvm::StringRef intern(exec::KernelDefOp definition);

  mlir::ModuleOp module;
  const Target &target;
  llvm::StringMap<mlir::StringAttr> byText;
  mlir::Operation *last = nullptr;
};

} // namespace incept
