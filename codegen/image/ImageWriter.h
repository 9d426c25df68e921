// SPDX-License-Identifier: Apache-2.0
//
// Prints an exec-phase module as a program image (runtime/program/ProgramFormat.h). It decides nothing.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace incept {

/// What the image says about the machine it was made for: the keys of `target`.
struct TargetFacts {
  std::string kind;
  std::vector<std::pair<std::string, std::string>> texts;
  std::vector<std::pair<std::string, int64_t>> numbers;
};

/// Named bytes behind the header.
struct Blob {
  std::string name, bytes;
};

struct ImageContents {
  TargetFacts target;
  std::vector<Blob> blobs;
  bool launchesGrids = false; ///< its launches are of grids, and may be of several kernels
  std::optional<bool> tf32;   ///< for a GPU: f32 products may be rounded to TF32
  /// Plan symbol -> its range of the blob "plans": {offset, bytes}.
  llvm::StringMap<std::pair<uint64_t, uint64_t>> serializedPlans;
};

/// Checks that the module has what the runtime needs of a program: entry points and the io variables, of sizes that
/// belong together.
mlir::LogicalResult verifyProgram(mlir::ModuleOp module);

/// The bytes of the image.
mlir::FailureOr<std::string> writeImage(mlir::ModuleOp module, const ImageContents &contents);

} // namespace incept
