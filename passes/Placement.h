// SPDX-License-Identifier: Apache-2.0
//
// Where the values of a function live: in which value's buffer and where in it, in a variable's memory or in the arena,
// and how many bytes of the arena that takes. Layouts, scheduling, memory planning and lowering all ask here.
#pragma once

#include "dialect/InceptOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Target.h"

namespace incept {

/// The region of what lives within one entry point, and of what is prepared for inference.
inline constexpr llvm::StringLiteral kArenaRegion = "arena";

/// A group that runs at the same time as the next one in its block: what both need lies apart (incept-gather-kernels).
inline constexpr llvm::StringLiteral kWithNextAttr = "incept.with_next";

/// A value's place in the value whose buffer it lies in: follows views to the root.
struct Placement {
  mlir::Value root;          ///< a group's result, a concat_view's result or a read
  int64_t channelOffset = 0; ///< first channel in the root
  int64_t rowElements = 0;   ///< elements of the rows before it, for a range of rows

  /// First element in the root, in NHWC or, for rows, in a format that keeps them apart.
  int64_t elementOffset() const { return channelOffset + rowElements; }
};

/// The placements of a function's values, each found once: `getChildAnalysis<PlacementAnalysis>(function)`. It holds
/// while views stay as they are; passes that move ops or add groups preserve it.
class PlacementAnalysis {
public:
  explicit PlacementAnalysis(mlir::Operation * = nullptr) {}
  Placement of(mlir::Value value);

private:
  llvm::DenseMap<mlir::Value, Placement> places;
};

/// The same for a value of IR that is being changed.
inline Placement placementOf(mlir::Value value) { return PlacementAnalysis().of(value); }

/// The places of values that lie side by side, in this order, in one buffer.
llvm::SmallVector<ChannelSlice> slicesOf(mlir::ValueRange values);

/// True where an op behind `op` in its block computes with `value` or a view of it.
bool isUsedAfter(mlir::Value value, mlir::Operation *op);

/// The values that live in the variable they are written to, with that write: a group computes each behind all uses of
/// the variable's old value. Every other write needs a copy. Gradients of joined parameters lie side by side, and so
/// does what is written to them row by row: it has the first of the writes, its rows have their own.
llvm::DenseMap<mlir::Value, WriteOp> valuesInVariables(mlir::func::FuncOp function, PlacementAnalysis &placements);

/// A stretch of the arena, for all values that have the root `root`.
struct ArenaBuffer {
  mlir::Value root;
  int64_t bytes; ///< a multiple of kAlignment
  /// That need it, each once, in program order: groups, and writes of what does not live in its variable.
  llvm::SmallVector<mlir::Operation *, 4> users;
};

/// What a function needs of the arena, scratchpads aside, by first use; `inVariables` has no place there. Where it is
/// not a function that memory can be planned for, an error has been emitted.
mlir::FailureOr<llvm::SmallVector<ArenaBuffer>> collectBuffers(mlir::func::FuncOp function, const Target &target,
                                                               PlacementAnalysis &placements,
                                                               const llvm::DenseMap<mlir::Value, WriteOp> &inVariables);

/// True for an op that adds up something over all elements of its operands: launches for stretches of memory, and one
/// that adds what these give.
inline bool isTotal(mlir::Operation *op) { return mlir::isa<CountNonfiniteOp, SumSquaresOp>(op); }

/// How a group over tensors of the shape `domain` is cut into partial sums.
Reduction cutReduction(GroupOp group, llvm::ArrayRef<int64_t> domain, const Target &target);

/// How a group of a softmax cross entropy is cut: in one part, where a target's launch adds up its own partial sums.
Reduction cutLoss(GroupOp group, const Target &target);

/// Bytes of temporary memory while `group` runs, a multiple of kAlignment: a library's scratchpad, which its plan
/// knows, or the partial sums of a reduction or a total.
int64_t scratchpadBytes(GroupOp group, const Target &target);

} // namespace incept
