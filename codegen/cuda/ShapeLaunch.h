// SPDX-License-Identifier: Apache-2.0
//
// How launches of generated kernels fill a GPU: the variant of the kernel that fits a launch's memory, its grid and its
// blocks. A variant is a kernel definition with a vector width; a launch gets the widest whose accesses are aligned.
// The pass `incept-shape-launches` writes the shape into the launch, and what comes behind it reads it there.
#pragma once

#include "dialect/InceptOps.h"
#include "passes/Target.h"
#include "runtime/program/ProgramFormat.h"
#include "llvm/ADT/SmallBitVector.h"

#include <string>
#include <vector>

namespace incept::cuda {

/// Threads of a block, at most.
inline constexpr int64_t kBlockThreads = 256;
/// Ranges of channels, each with its own count of finished blocks, of a part of a launch that adds its partial sums, at
/// most.
inline constexpr int64_t kMostRanges = program::kMostRanges;
/// Vectors of one operand that a thread reads before it uses the first, at most.
inline constexpr int64_t kMostInFlight = 4;
/// Blocks of the launch that computes the loss, at most.
inline constexpr int64_t kLossBlocks = 64;
/// Threads of a warp.
inline constexpr int64_t kWarp = 32;
/// Bytes of the widest access.
inline constexpr int64_t kVectorBytes = 16;

/// Vectors of each full operand that a thread of an elementwise kernel or a reduction has in flight: up to 4, fewer
/// where a kernel reads so much that they would not fit into registers.
int64_t vectorsInFlight(exec::KernelDefOp definition, int64_t width);

/// Blocks of kBlockThreads that are on a multiprocessor at once, at least: what ptxas is told (`.minnctapersm`), and
/// what grids of reductions are made for. One where a kernel has so many operands that their loads alone keep memory
/// busy, or where a reduction's would not fit into half of the registers; its grid then takes two turns.
int64_t residentBlocks(exec::KernelDefOp definition, int64_t width);

/// Registers that a thread of a kernel may use so that residentBlocks fit on a multiprocessor.
int64_t registerBudget(exec::KernelDefOp definition, int64_t width);

/// Vector loads that a thread of a kernel issues before it uses the first, in its main loop; 0 where nothing is
/// promised.
int64_t designedLoads(exec::KernelDefOp definition, int64_t width);

/// True for an elementwise kernel that only finalises what batch norms have of channels: it goes over no rows.
bool givesVectorsOnly(exec::KernelDefOp definition);

/// Cuts a reduction so that its grid is one wave, all blocks that fit on the device at once, or as many as have rows
/// enough to read.
Reduction cutReduction(int64_t rows, int64_t channels, int64_t elementBytes, int64_t multiprocessors);

struct Variant {
  exec::KernelDefOp definition;
  int64_t width = 1;    ///< lanes of a vector
  unsigned extents = 0; ///< how many a launch passes for each part
  std::string symbol;   ///< "k3_scale_shift_relu_v4", "k3_scale_shift_relu_v4_p2" of launches with two parts
  /// Of the arguments: those that no launch of it writes.
  llvm::SmallBitVector constant;
  unsigned parts = 1; ///< of a launch
  /// The kernels that run in one launch behind this one, whose symbol is then of all.
  std::vector<Variant> others = {};
};

/// registerBudget and designedLoads of all code of a variant: as many registers as the kernel that leaves fewest.
int64_t registerBudget(const Variant &variant);
int64_t designedLoads(const Variant &variant);
/// residentBlocks of all code of a variant.
int64_t residentBlocks(const Variant &variant);

/// The shape of a launch with the widest vectors that all parts can have. Reports one that no grid can hold.
mlir::FailureOr<LaunchShape> shapeLaunch(exec::KernelOp launch, exec::KernelDefOp definition);

/// True for kernels whose code may stand beside another's: families, and pools with a window.
bool runsBesideOthers(exec::KernelDefOp definition);

/// The variants that the launches of an exec-phase module run, in order of first use. Reports launches that have no
/// shape, or one that does not fit.
mlir::FailureOr<std::vector<Variant>> collectVariants(mlir::ModuleOp module);

} // namespace incept::cuda
