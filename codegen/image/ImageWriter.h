// SPDX-License-Identifier: Apache-2.0
//
// Prints an exec-phase module as a program image (runtime/program/ProgramFormat.h). It decides nothing.
#pragma once

#include "dialect/InceptOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

#include <array>
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

/// For a target that launches grids: its kernels, and which one each exec.kernel launches how.
struct Grids {
  struct Launch {
    size_t kernel = 0;
    std::array<int64_t, 3> grid, block;
  };
  struct Kernel {
    std::string symbol;
    exec::KernelDefOp definition;
  };
  std::vector<Kernel> kernels;
  llvm::DenseMap<mlir::Operation *, Launch> launches;
};

struct ImageContents {
  TargetFacts target;
  std::string specText;
  std::vector<Blob> blobs;
  std::optional<Grids> grids;
  std::optional<bool> tf32; ///< for a GPU: f32 products may be rounded to TF32
  /// Plan symbol -> its range of the blob "plans": {offset, bytes}.
  llvm::StringMap<std::pair<uint64_t, uint64_t>> serializedPlans;
};

/// The bytes of the image.
mlir::FailureOr<std::string> writeImage(mlir::ModuleOp module, const ImageContents &contents);

} // namespace incept
