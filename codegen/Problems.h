// SPDX-License-Identifier: Apache-2.0
//
// Library ops as problems: what every library is told of them.
#pragma once

#include "dialect/InceptOps.h"
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

} // namespace incept
