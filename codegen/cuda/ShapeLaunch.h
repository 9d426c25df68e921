// SPDX-License-Identifier: Apache-2.0
//
// How launches of generated kernels fill a GPU: the variant of the kernel that fits a launch's memory, its grid and its
// blocks. A variant is a kernel definition with a vector width; a launch gets the widest whose accesses are aligned.
// The pass `incept-shape-launches` writes the shape into the launch, and what comes behind it reads it there.
#pragma once

#include "dialect/InceptOps.h"
#include "passes/Target.h"

#include <string>
#include <vector>

namespace incept::cuda {

/// Threads of a block, at most.
inline constexpr int64_t kBlockThreads = 256;
/// Bytes of the widest access.
inline constexpr int64_t kVectorBytes = 16;

/// Vectors of each full operand that a thread of an elementwise kernel or a reduction has in flight: up to 4, fewer
/// where a kernel reads so much that they would not fit into registers.
int64_t vectorsInFlight(exec::KernelDefOp definition, int64_t width);

/// Registers that a thread of a kernel may use: two blocks of kBlockThreads fit on a multiprocessor, one where a kernel
/// has so many operands that their loads alone keep memory busy.
int64_t registerBudget(exec::KernelDefOp definition);

struct Variant {
  exec::KernelDefOp definition;
  int64_t width = 1;    ///< lanes of a vector
  unsigned extents = 0; ///< how many a launch passes
  std::string symbol;   ///< "k3_scale_shift_relu_v4"
};

/// The shape of a launch with the widest vectors. Reports one that no grid can hold.
mlir::FailureOr<LaunchShape> shapeLaunch(exec::KernelOp launch, exec::KernelDefOp definition);

/// The variants that the launches of an exec-phase module run, in order of first use. Reports launches that have no
/// shape, or one that does not fit.
mlir::FailureOr<std::vector<Variant>> collectVariants(mlir::ModuleOp module);

} // namespace incept::cuda
