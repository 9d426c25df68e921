// SPDX-License-Identifier: Apache-2.0
//
// The body of a `combine` kernel: sums over partial sums, then map ops on channel vectors; and that part of the body of
// a `reduce_combine` kernel.
#pragma once

#include "codegen/kernels/KernelEmitter.h"

namespace incept::kernels {

class CombineBody {
public:
  /// Loads addresses and counts where it is constructed. `check` must succeed before anything else is called.
  explicit CombineBody(KernelEmitter &emitter);

  mlir::LogicalResult check();

  /// A sum of a `combine` kernel's body and the address of its partial sums, (P,C) f32.
  struct Sum {
    mlir::Value value, partials;
  };
  llvm::ArrayRef<Sum> sums() const { return found; }

  /// For the channels from `c` on, one vector of them: computes what is computed of the sums, which `values` holds, and
  /// writes the results.
  mlir::LogicalResult finish(mlir::Value c, Lanes lanes, Values &values);

private:
  struct Operand {
    mlir::Value value, base;
    mlir::Type element;
  };

  /// True where what goes on with the sums reads `argument`.
  bool isLate(mlir::Value argument) const;

  KernelEmitter &e;
  bool isWhole; ///< of family `reduce_combine`
  llvm::SetVector<mlir::Operation *> late;
  llvm::SmallVector<Sum> found;
  llvm::SmallVector<Operand> inputs, outputs;            ///< channel vectors
  llvm::DenseMap<mlir::Operation *, mlir::Value> counts; ///< vectors
};

} // namespace incept::kernels
