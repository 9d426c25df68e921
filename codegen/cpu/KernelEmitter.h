// SPDX-License-Identifier: Apache-2.0
//
// Shared helpers of the kernel families: one MLIR function per kernel definition, integer arithmetic, loops, and vector
// access to memory. A kernel is `void k(ptr operands, ptr extents, i64 begin, i64 end)`; integers are i64, data f32.
#pragma once

#include "dialect/InceptOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace incept::cpu {

/// Which lanes of a vector take part; a null mask means all of them.
struct Lanes {
  mlir::Value mask;
};

class KernelEmitter {
public:
  /// Declares the function in `module` and opens its body. `width` is the number of f32 lanes of a vector.
  KernelEmitter(mlir::ModuleOp module, exec::KernelDefOp definition, int64_t width);

  /// Ends the function.
  void finish();

  mlir::OpBuilder builder;
  mlir::Location loc;
  exec::KernelDefOp definition;
  const int64_t width;
  mlir::Value begin, end;

  /// The address of operand `index`: inputs first, then outputs. Loads are emitted where it is called.
  mlir::Value operand(unsigned index);
  mlir::Value extent(unsigned index);
  mlir::Block &body() { return definition.getBody().front(); }
  /// The body's only op besides the terminator, for families that stand for one op.
  mlir::Operation *only() { return &body().front(); }

  // i64 arithmetic.
  mlir::Value index(int64_t value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value div(mlir::Value a, mlir::Value b); ///< of values that are not negative
  mlir::Value rem(mlir::Value a, mlir::Value b); ///< of values that are not negative
  mlir::Value min(mlir::Value a, mlir::Value b);
  mlir::Value max(mlir::Value a, mlir::Value b);
  /// ceil(a / b) of a value that is not negative.
  mlir::Value ceilDiv(mlir::Value a, mlir::Value b);
  mlir::Value less(mlir::Value a, mlir::Value b);

  // f32, scalar or vector.
  mlir::Type f32() { return builder.getF32Type(); }
  mlir::VectorType vectorOf(mlir::Type element) { return mlir::VectorType::get({width}, element); }
  mlir::Value real(double value);        ///< scalar constant
  mlir::Value splat(mlir::Value scalar); ///< scalar -> vector
  mlir::Value splatReal(double value) { return splat(real(value)); }
  mlir::Value toReal(mlir::Value integer); ///< i64 -> f32
  mlir::Value addf(mlir::Value a, mlir::Value b);
  mlir::Value subf(mlir::Value a, mlir::Value b);
  mlir::Value mulf(mlir::Value a, mlir::Value b);
  mlir::Value divf(mlir::Value a, mlir::Value b);
  mlir::Value fma(mlir::Value a, mlir::Value b, mlir::Value c); ///< a * b + c
  /// a > b ? a : b, and NaN where a is NaN (that of torch's relu); b must not be NaN.
  mlir::Value maxKeepingNan(mlir::Value a, mlir::Value b);

  // Memory. Offsets count elements; nothing is assumed about alignment beyond the element's.
  mlir::Value address(mlir::Value base, mlir::Value offset, mlir::Type element);
  mlir::Value loadScalar(mlir::Value base, mlir::Value offset, mlir::Type element);
  void storeScalar(mlir::Value value, mlir::Value base, mlir::Value offset);
  mlir::Value loadVector(mlir::Value base, mlir::Value offset, mlir::Type element, Lanes lanes);
  void storeVector(mlir::Value value, mlir::Value base, mlir::Value offset, Lanes lanes);

  /// for (i = from; i < to; i += step) body(i)
  void loop(mlir::Value from, mlir::Value to, int64_t step, llvm::function_ref<void(mlir::Value)> body);
  /// The same with values carried from one iteration to the next.
  llvm::SmallVector<mlir::Value>
  loop(mlir::Value from, mlir::Value to, int64_t step, mlir::ValueRange init,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);
  /// Calls `body` for [from, to) in steps of a vector: full vectors in a loop, then at most one with a mask.
  void vectors(mlir::Value from, mlir::Value to, llvm::function_ref<void(mlir::Value, Lanes)> body);
  /// The same with up to `kBlock` neighbouring vectors at a time: `body` gets the offsets of `count` vectors.
  void vectorBlocks(mlir::Value from, mlir::Value to,
                    llvm::function_ref<void(llvm::ArrayRef<mlir::Value>, Lanes)> body);

private:
  /// Vectors that share the scalar work of a loop nest; few enough that sums stay in registers.
  static constexpr int64_t kBlock = 4;

  mlir::func::FuncOp function;
  mlir::Value operands, extents;
};

/// The families, each in the file of its topic. They emit the whole body of the function and report what they cannot do
/// at the kernel definition.
mlir::LogicalResult emitFlat(KernelEmitter &emitter);
mlir::LogicalResult emitMap(KernelEmitter &emitter);
mlir::LogicalResult emitReduce(KernelEmitter &emitter);
mlir::LogicalResult emitCombine(KernelEmitter &emitter);
mlir::LogicalResult emitMaxPool(KernelEmitter &emitter);
mlir::LogicalResult emitMaxPoolBackward(KernelEmitter &emitter);
mlir::LogicalResult emitAvgPool(KernelEmitter &emitter);
mlir::LogicalResult emitAvgPoolBackward(KernelEmitter &emitter);
mlir::LogicalResult emitGlobalAvgPool(KernelEmitter &emitter);
mlir::LogicalResult emitGlobalAvgPoolBackward(KernelEmitter &emitter);
mlir::LogicalResult emitDropout(KernelEmitter &emitter);
mlir::LogicalResult emitSoftmaxCrossEntropy(KernelEmitter &emitter);
mlir::LogicalResult emitSoftmaxCrossEntropyBackward(KernelEmitter &emitter);
mlir::LogicalResult emitNormalizeImage(KernelEmitter &emitter);
mlir::LogicalResult emitImportImage(KernelEmitter &emitter);

/// Values of a body for one vector (or one scalar per rank-0 tensor), by SSA value of the definition.
using Values = llvm::DenseMap<mlir::Value, mlir::Value>;

/// Emits a map op on vectors. `count` is the f32 vector of the op's `count` attribute, where it has one.
mlir::LogicalResult emitMapOp(KernelEmitter &emitter, mlir::Operation *op, Values &values, mlir::Value count);

} // namespace incept::cpu
