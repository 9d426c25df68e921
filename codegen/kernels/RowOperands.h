// SPDX-License-Identifier: Apache-2.0
//
// The operands of a kernel whose tensors are rows x channels: which are full tensors, channel vectors and scalars, and
// how one vector of each is read and written.
#pragma once

#include "codegen/kernels/KernelEmitter.h"

namespace incept::kernels {

class RowOperands {
public:
  /// Loads addresses, scalars, and the strides of full operands (in operand order, from extent `firstStride`; -1: the
  /// kernel is flat) where it is constructed, so that stores in the loops cannot make them be loaded again. With
  /// `writesVectors` the loops write results of rank 1 too, once (storeVectors).
  RowOperands(KernelEmitter &emitter, int64_t firstStride, bool writesVectors = false);

  /// Reports operands that the loops cannot handle.
  mlir::LogicalResult check();

  /// Reads one vector of each channel vector and scalar; a later `load` into the same values leaves them.
  void loadChannels(mlir::Value c, Lanes lanes, Values &values);
  /// Reads one vector of every input: row `row`, channels from `c`.
  void load(mlir::Value row, mlir::Value c, Lanes lanes, Values &values);
  /// Writes one vector of every output that has rows.
  void store(mlir::Value row, mlir::Value c, Lanes lanes, Values &values);
  /// Asks for the cache lines of one vector of everything that has rows.
  void prefetch(mlir::Value row, mlir::Value c);
  /// Reads one vector of row `row` of the full input `value`.
  mlir::Value loadRow(mlir::Value value, mlir::Value row, mlir::Value c);
  /// Reads what only results of rank 1 need, which they may take the place of: running statistics.
  void loadReplaced(mlir::Value c, Values &values);
  void storeVectors(mlir::Value c, Values &values);
  void loadFlat(mlir::Value i, Lanes lanes, Values &values);
  void storeFlat(mlir::Value i, Lanes lanes, Values &values);

  /// Address of output `index`.
  mlir::Value output(unsigned index) { return slots[inputs + index].base; }

private:
  struct Slot {
    mlir::Value value;       ///< argument or yielded value of the definition
    mlir::Value base;        ///< address
    mlir::Value stride;      ///< distance of rows; null for channel vectors and scalars
    mlir::Value scalar;      ///< the value of a rank-0 input
    mlir::Type element;      ///< in memory
    bool isLate = false;     ///< a sum, or what is computed of sums: not of rows
    bool isReplaced = false; ///< an input that results of rank 1 alone need
  };

  KernelEmitter &e;
  bool flat;
  unsigned inputs = 0;
  llvm::SmallVector<Slot> slots;
};

} // namespace incept::kernels
