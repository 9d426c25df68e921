// SPDX-License-Identifier: Apache-2.0
//
// Which bytes slices are, and whether two slices, or two launches, can touch each other.
#pragma once

#include "dialect/InceptOps.h"

namespace incept::exec {

/// Bytes in rows of one length that are equally far apart: one row where a tensor is dense, one per pixel where it is a
/// channel slice of a wider one.
struct Footprint {
  int64_t rowBytes = 0, rows = 1;
  int64_t pitch = 0; ///< from one row to the next; 0 where there is one

  /// From the first to behind the last.
  int64_t bytes() const { return (rows - 1) * pitch + rowBytes; }
};

/// The bytes of a memref, from its first element on; fails where they are no such rows, and then `why` says what was
/// expected.
mlir::FailureOr<Footprint> footprintOf(mlir::MemRefType type, std::string &why);

/// True where the memref's elements are these rows, no more and no fewer.
bool consistsOf(mlir::MemRefType type, const KernelRows &rows);

/// False where the two slices have no byte in common.
bool mayTouch(SliceOp first, SliceOp second);

/// What a launch of several parts does of one: the kernel once, on operands and with extents of its own.
struct LaunchPart {
  llvm::SmallVector<mlir::Value> operands; ///< what it reads, then what it writes
  size_t reads = 0;                        ///< how many of them it reads
  llvm::ArrayRef<int64_t> extents;
};

/// The parts of a launch of `definition`, one of most launches; none where the operands or extents are not those of
/// some parts.
llvm::SmallVector<LaunchPart, 1> partsOf(KernelOp launch, KernelDefOp definition);

/// The launches that run in one, of which `first` is the first: it, and those behind that `with_next` binds to it.
llvm::SmallVector<KernelOp, 1> launchOf(KernelOp first);
/// True for a launch that runs in one with the one before it.
bool isContinuation(KernelOp launch);
/// The name of the code of launches that run in one: those of all.
std::string codeSymbolOf(llvm::ArrayRef<KernelOp> launches);

/// The block of the description that launches which are one are in: the names that their paths begin with, or the
/// path of the first where they have none in common.
llvm::StringRef pathOf(llvm::ArrayRef<mlir::Operation *> launches);

/// Attribute of a launch that could have been one with another: which, and what spoke against it.
inline constexpr llvm::StringLiteral kApartAttr = "incept.apart";
/// The end of a reason that is two times by costs.
inline constexpr llvm::StringLiteral kByCosts = "us apart";
/// `other` is the first of its launch, and called as that is: by the path of all.
void setApart(KernelOp launch, KernelOp other, llvm::StringRef why);
/// "KERNEL of PATH: REASON", empty where there is nothing to say.
llvm::StringRef getApart(KernelOp launch);

/// False where neither of two launches writes what the other reads or writes: their order does not matter.
bool mayConflict(mlir::Operation *first, mlir::Operation *second);

} // namespace incept::exec
