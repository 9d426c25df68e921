// SPDX-License-Identifier: Apache-2.0
//
// Library ops as problems: what every library is told of them.
#pragma once

#include "dialect/InceptOps.h"
#include "dialect/ShapeInference.h"
#include "runtime/device/LibraryProblem.h"

#include <optional>

namespace incept {

/// A problem and its activations: `src` stands for diff_src too, `dst` for diff_dst (both are null for products).
struct OpProblem {
  LibraryProblem problem;
  mlir::Value src, dst;
};

/// The problem that a library op poses; none for a reorder, which is a problem of formats.
std::optional<OpProblem> describeProblem(mlir::Operation *op);

/// The part that a tensor plays in a problem; `Src` and `Dst` stand for diff_src and diff_dst too. `Factor` is a vector
/// that src is normalised with, `NormSrc` what a batch norm reads, `Vector` what it has for each channel.
enum class ProblemPart { Src, Dst, Weights, Factor, Bias, Residual, NormSrc, Vector, A, B, C };

/// What some libraries do in the call of a convolution.
struct ProblemExtras {
  bool residual = false;     ///< forward: adds a tensor like dst
  bool stats = false;        ///< forward: gives the sums of dst and of its squares too
  bool normGradient = false; ///< backward data: gives the gradients of the batch norm before it too
  bool normalized = false;   ///< forward and backward weights: normalises src by factors and offsets
};

/// The type of a tensor of a problem in memory, failure where it cannot be.
using ProblemMemory = llvm::function_ref<mlir::FailureOr<mlir::MemRefType>(ProblemPart part, const Shape &shape)>;

/// The signature of a plan for a convolution, one of its gradients or a product, in the order of the libraries'
/// operands; null where `memory` fails. Shapes are logical, those of a product's matrices as they are stored.
mlir::FunctionType problemSignature(mlir::MLIRContext *context, const LibraryProblem &problem, ProblemExtras extras,
                                    ProblemMemory memory);

/// Checks that a plan describes the problem that an op poses, in a library's own text; `why` says what differs.
mlir::LogicalResult compareProblems(const std::vector<std::pair<std::string, std::string>> &planned,
                                    const std::vector<std::pair<std::string, std::string>> &posed, std::string &why);

} // namespace incept
