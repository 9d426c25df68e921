// SPDX-License-Identifier: Apache-2.0
//
// Kernels of the CPU: one MLIR function per kernel definition, `void k(ptr operands, ptr extents, i64 begin, i64 end)`.
// A call does the units [begin, end) one after the other; the last vector of a row is masked.
#pragma once

#include "codegen/kernels/KernelEmitter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace incept::cpu {

using namespace kernels;

/// The attribute of functions that are not kernels, but what kernels share. Names say nothing: a kernel may have any.
inline constexpr llvm::StringLiteral kShared = "shared";

class CpuEmitter final : public KernelEmitter {
public:
  /// Declares the function in `module` and opens its body. `width` is the number of f32 lanes of a vector.
  CpuEmitter(mlir::ModuleOp module, exec::KernelDefOp definition, int64_t width);

  /// Ends the function.
  void finish();

  mlir::Value begin, end;

  mlir::Value operand(unsigned index) override;
  mlir::Value extent(unsigned index) override;
  void units(llvm::function_ref<void(mlir::Value)> body) override;
  void smallUnits(mlir::Value, llvm::function_ref<void(mlir::Value)> body) override { units(body); }
  void unitRuns(mlir::Value count, mlir::Value line, llvm::function_ref<void(mlir::Value, mlir::Value)> body) override;
  void items(mlir::Value count, llvm::function_ref<void(mlir::Value)> body) override;
  void vectors(mlir::Value count, llvm::function_ref<void(mlir::Value, Lanes)> body) override;
  void vectorBlocks(mlir::Value count, llvm::function_ref<void(llvm::ArrayRef<mlir::Value>, Lanes)> body) override;
  void rows(mlir::Value count, llvm::function_ref<void(mlir::Value)> body) override;
  void groupUnits(mlir::Value groups, mlir::Value channels,
                  llvm::function_ref<void(mlir::Value, mlir::Value)> body) override;
  mlir::Value fold(Fold how, mlir::Value lines, mlir::Value count, mlir::Value segment,
                   llvm::function_ref<mlir::Value(mlir::Value, mlir::Value, Lanes)> term) override;
  void along(mlir::Value lines, mlir::Value count,
             llvm::function_ref<void(mlir::Value, mlir::Value, Lanes)> body) override;
  Lanes lanesInside(mlir::Value first, mlir::Value count) override;

  /// How many rows of `channels` channels before it is used a line of memory is asked for. A processor foresees no row
  /// of a channel slice, which has gaps: measured on two threads, rows of 96 of 384 channels read and normalised at
  /// 17 GB/s without and 41 with it, written at 16 and 40, without gaps 45 and 53, with 4 to 16 rows ahead, where the
  /// third level of cache holds them. From memory slices were written a tenth faster, and read a seventh slower; a step
  /// of a network gains. 11 rows of 96 channels are 4 KiB.
  mlir::Value rowsAhead(mlir::Value channels) { return ceilDiv(index(1024), channels); }

  /// Calls `body` for [from, to) in steps of a vector: full vectors in a loop, then at most one with a mask.
  void vectorsBetween(mlir::Value from, mlir::Value to, llvm::function_ref<void(mlir::Value, Lanes)> body);

  /// Calls the function `name`, which kernels share. Its body, of its arguments, is emitted where no kernel called it
  /// yet; nothing else of a kernel is known in it.
  void call(llvm::StringRef name, mlir::ValueRange arguments, llvm::function_ref<void(mlir::ValueRange)> body);

protected:
  /// Nothing is assumed beyond the element's: a slice may begin anywhere.
  unsigned vectorAlignment(mlir::Type element) override;

private:
  /// Vectors that share the scalar work of a loop nest; few enough that sums stay in registers.
  static constexpr int64_t kBlock = 4;

  mlir::func::FuncOp function;
  mlir::Value operands, extents;
};

// Loops of the families.
mlir::LogicalResult emitFlat(CpuEmitter &emitter);
mlir::LogicalResult emitMap(CpuEmitter &emitter);
mlir::LogicalResult emitReduce(CpuEmitter &emitter);
mlir::LogicalResult emitCombine(CpuEmitter &emitter);
mlir::LogicalResult emitReduceCombine(CpuEmitter &emitter);

// Loops of opaque kernels.
void emitCountNonfinite(CountNonfiniteOp op, CpuEmitter &emitter);
void emitSumSquares(SumSquaresOp op, CpuEmitter &emitter);
void emitSoftmaxCrossEntropy(SoftmaxCrossEntropyOp op, CpuEmitter &emitter);
void emitSoftmaxCrossEntropyBackward(SoftmaxCrossEntropyBackwardOp op, CpuEmitter &emitter);

} // namespace incept::cpu
