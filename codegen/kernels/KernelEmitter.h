// SPDX-License-Identifier: Apache-2.0
//
// What the kernel families of all targets are written with: integer and f32 arithmetic, vectors, memory, and the loops
// of a launch, which a target runs one after the other or hands to its threads. Integers are i64; arithmetic is f32,
// whatever the type in memory.
#pragma once

#include "dialect/InceptOps.h"
#include "dialect/OpRule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace incept::kernels {

/// Which lanes of a vector take part; a null mask means all of them.
struct Lanes {
  mlir::Value mask;
};

class KernelEmitter {
public:
  virtual ~KernelEmitter() = default;

  mlir::OpBuilder builder;
  mlir::Location loc;
  exec::KernelDefOp definition;
  int64_t width; ///< lanes of a vector

  mlir::Block &body() { return definition.getBody().front(); }

  /// The address of operand `index`: inputs first, then outputs. Loads are emitted where it is called.
  virtual mlir::Value operand(unsigned index) = 0;
  virtual mlir::Value extent(unsigned index) = 0;

  // The loops of a launch. What their bodies write depends on no other iteration.
  /// body(unit) for each unit of the launch, where a unit is worth a group of threads.
  virtual void units(llvm::function_ref<void(mlir::Value)> body) = 0;
  /// body(unit) for each of the launch's `count` units, where a unit is scalar work.
  virtual void smallUnits(mlir::Value count, llvm::function_ref<void(mlir::Value)> body) = 0;
  /// body(first, n) for the same, some of them at a time, up to a vector's: none across a multiple of `line`.
  virtual void unitRuns(mlir::Value count, mlir::Value line, llvm::function_ref<void(mlir::Value, mlir::Value)> body) {
    smallUnits(count, [&](mlir::Value unit) { body(unit, index(1)); });
  }
  /// body(i) for 0 <= i < count, inside a unit.
  virtual void items(mlir::Value count, llvm::function_ref<void(mlir::Value)> body) = 0;
  /// body(c, lanes) for [0, count) in steps of a vector, inside a unit.
  virtual void vectors(mlir::Value count, llvm::function_ref<void(mlir::Value, Lanes)> body) = 0;
  /// The same with some neighbouring vectors at a time, which share the scalar work of a loop nest.
  virtual void vectorBlocks(mlir::Value count, llvm::function_ref<void(llvm::ArrayRef<mlir::Value>, Lanes)> body) = 0;

  /// How many positions of a row of a pool's window are read at a time: the most that fit, from the first on.
  virtual llvm::ArrayRef<int64_t> windowGroups() {
    static constexpr int64_t kOne[] = {1};
    return kOne;
  }

  // What threads take together: each row of a kernel whose units are some rows (kRowsUnit), by a part of the unit's
  // threads, or a whole unit, by all of them.
  /// body(row) for 0 <= row < count, each with its threads.
  virtual void rows(mlir::Value count, llvm::function_ref<void(mlir::Value)> body) = 0;
  /// body(unit, count) for all units, which are groups of `channels` channels, `groups` to an image: `count` of one
  /// image at a time, where vectors have room for several side by side.
  virtual void groupUnits(mlir::Value groups, mlir::Value channels,
                          llvm::function_ref<void(mlir::Value, mlir::Value)> body) {
    units([&](mlir::Value unit) { body(unit, index(1)); });
  }
  enum class Fold { Sum, Largest };
  /// The sum of term(line, c, lanes), or the largest (NaN where one is), over [0, lines) and [0, count), a scalar that
  /// all threads have. Terms are f32 vectors; where `lines` is null there is one, whose number is null. With a
  /// `segment` the results are a vector: what is `segment` lanes wide is added up by itself.
  virtual mlir::Value fold(Fold how, mlir::Value lines, mlir::Value count, mlir::Value segment,
                           llvm::function_ref<mlir::Value(mlir::Value, mlir::Value, Lanes)> term) = 0;
  /// body(line, c, lanes) over the same.
  virtual void along(mlir::Value lines, mlir::Value count,
                     llvm::function_ref<void(mlir::Value, mlir::Value, Lanes)> body) = 0;
  /// The lanes of a vector at `first`, which may be negative, that lie in [0, count). Lanes() where all of them have
  /// to.
  virtual Lanes lanesInside(mlir::Value first, mlir::Value count) { return {}; }

  /// for (i = from; i < to; i += step) body(i), by one thread.
  void loop(mlir::Value from, mlir::Value to, int64_t step, llvm::function_ref<void(mlir::Value)> body);
  /// The same with values carried from one iteration to the next.
  llvm::SmallVector<mlir::Value>
  loop(mlir::Value from, mlir::Value to, int64_t step, mlir::ValueRange init,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);
  /// The same with a step that need not be a constant.
  llvm::SmallVector<mlir::Value>
  strided(mlir::Value from, mlir::Value to, mlir::Value step, mlir::ValueRange init,
          llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);
  void ifThen(mlir::Value condition, llvm::function_ref<void()> body);
  void ifElse(mlir::Value condition, llvm::function_ref<void()> then, llvm::function_ref<void()> otherwise);
  /// condition ? then() : otherwise, where `then` is computed only if it is needed.
  mlir::Value choose(mlir::Value condition, llvm::function_ref<mlir::Value()> then, mlir::Value otherwise);

  // i64 arithmetic.
  mlir::Value index(int64_t value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  virtual mlir::Value div(mlir::Value a, mlir::Value b); ///< of values that are not negative
  virtual mlir::Value rem(mlir::Value a, mlir::Value b); ///< of values that are not negative
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
  mlir::Value isNotZero(mlir::Value vector);
  /// f32, rounded to the nearest number of `element`.
  mlir::Value rounded(mlir::Value value, mlir::Type element);
  /// The lanes laneOf(0), laneOf(1), ... of two vectors side by side.
  mlir::Value pick(mlir::Value a, mlir::Value b, llvm::function_ref<int64_t(int64_t)> laneOf);

  // Memory. Offsets count elements.
  mlir::Value address(mlir::Value base, mlir::Value offset, mlir::Type element);
  mlir::Value loadScalar(mlir::Value base, mlir::Value offset, mlir::Type element);
  void storeScalar(mlir::Value value, mlir::Value base, mlir::Value offset);
  mlir::Value loadVector(mlir::Value base, mlir::Value offset, mlir::Type element, Lanes lanes);
  void storeVector(mlir::Value value, mlir::Value base, mlir::Value offset, Lanes lanes);
  /// A floating-point vector of any width in memory as f32, and f32 rounded to the nearest of the type in memory.
  mlir::Value loadReals(mlir::Value base, mlir::Value offset, mlir::Type element, Lanes lanes);
  void storeReals(mlir::Value value, mlir::Value base, mlir::Value offset, mlir::Type element, Lanes lanes);
  mlir::Value loadReal(mlir::Value base, mlir::Value offset, mlir::Type element);
  void storeReal(mlir::Value value, mlir::Value base, mlir::Value offset, mlir::Type element);

  /// Asks for the cache line of an element that is read, or written, later; the address may be any.
  void prefetch(mlir::Value base, mlir::Value offset, mlir::Type element, bool isWritten);

  /// Element type of operand `index` (inputs first, then outputs) in memory.
  mlir::Type elementOf(unsigned index);

protected:
  KernelEmitter(mlir::OpBuilder builder, exec::KernelDefOp definition, int64_t width);

  mlir::Value load(mlir::Value base, mlir::Value from, mlir::Type type, unsigned alignment);

  /// The number that changes nothing in a fold, and one step of it, of vectors or scalars.
  static double neutralOf(Fold how);
  mlir::Value combine(Fold how, mlir::Value a, mlir::Value b);

  /// True where nothing writes what lies behind the operand `base` while the kernel runs.
  virtual bool isConstant(mlir::Value base) { return false; }

  /// Bytes that the address of a vector in memory is a multiple of.
  virtual unsigned vectorAlignment(mlir::Type element) = 0;
};

/// Values of a body for one vector (or one scalar per rank-0 tensor), by SSA value of the definition.
using Values = llvm::DenseMap<mlir::Value, mlir::Value>;

/// What an op of a body computes of one vector: a map op its results, a reduction what one row adds to them. The value
/// is the f32 vector of a CountedOpInterface's count, null for other ops.
class FormulaRule : public OpRule<FormulaRule, mlir::LogicalResult(KernelEmitter &, Values &, mlir::Value)> {
public:
  using OpRule::OpRule;
};
/// Emits `op` on vectors by its rule.
mlir::LogicalResult emitOp(KernelEmitter &emitter, mlir::Operation *op, Values &values, mlir::Value count = {});

/// 1 where the f32 `value`, a scalar or a vector, is infinite or NaN, else 0.
mlir::Value isNonfinite(KernelEmitter &emitter, mlir::Value value);

/// The body of the function of an opaque kernel, for one target's emitter or, with KernelEmitter, for those of all.
template <typename Emitter>
class LoopsRule : public OpRule<LoopsRule<Emitter>, mlir::LogicalResult(Emitter &)> {
public:
  using OpRule<LoopsRule, mlir::LogicalResult(Emitter &)>::OpRule;
};

/// Emits the body of `e`'s function. The families' loops are functions next to the target's emitter.
template <typename Emitter>
mlir::LogicalResult emitKernel(Emitter &e) {
  switch (e.definition.getFamily()) {
  case KernelFamily::Flat:
    return emitFlat(e);
  case KernelFamily::Map:
    return emitMap(e);
  case KernelFamily::Reduce:
    return emitReduce(e);
  case KernelFamily::ReduceCombine:
    return emitReduceCombine(e);
  case KernelFamily::Combine:
    return emitCombine(e);
  case KernelFamily::Opaque:
    break;
  }
  mlir::Operation *op = &e.body().front();
  if (auto loops = llvm::dyn_cast<LoopsRule<Emitter>>(op))
    return loops(e);
  if (auto loops = llvm::dyn_cast<LoopsRule<KernelEmitter>>(op))
    return loops(e);
  return e.definition.emitOpError() << "'" << op->getName() << "' has no code on this target";
}

/// Lends the ops their formulas, and those whose loops all targets share their loops.
void registerKernelCode(mlir::DialectRegistry &registry);
// The rules of one topic each.
void attachFormulas(mlir::MLIRContext *context);
void attachChannelLoops(mlir::MLIRContext *context);
void attachDropoutLoops(mlir::MLIRContext *context);
void attachNormLoops(mlir::MLIRContext *context);
void attachPoolLoops(mlir::MLIRContext *context);
void attachStagingLoops(mlir::MLIRContext *context);

} // namespace incept::kernels
