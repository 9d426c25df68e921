// SPDX-License-Identifier: Apache-2.0
//
// What the operations that convolutions are counted in take on one core: data of two classes of processors, or what
// `incept tune` has measured on one. A prediction is their product with the counts (TileChoice.h).
#pragma once

#include "mlir/Support/LLVM.h"

#include <array>
#include <optional>
#include <string>

namespace incept::cpu {

/// What is counted; each is a vector's worth but for Call.
enum class Work {
  Direct,             ///< a multiply-add of oneDNN's forward convolutions
  DirectData,         ///< of its gradients of data
  DirectWeights,      ///< of its gradients of weights
  DirectImage,        ///< a vector of an image that one of them reads or writes
  DirectWeightVector, ///< a vector of weights that one of them reads or writes
  Product,            ///< a multiply-add of a product of tiles
  Gradient,           ///< of a product over tiles
  Input,              ///< a transform of a tile, for each point
  Output,             ///< a transform back, for each point
  Weights,            ///< a transform of weights, for each point
  Transposed,         ///< the same where input and output channels change places
  Stream,             ///< a vector of transformed weights or their sums that a block of tiles goes through
  Far,                ///< the same where they do not stay near, on top of what it takes there
  Call,               ///< what every call takes
};
inline constexpr size_t kWorks = size_t(Work::Call) + 1;

/// How much there is of each.
struct WorkCounts {
  std::array<double, kWorks> counts = {};
  double &operator[](Work work) { return counts[size_t(work)]; }
};

struct ConvolutionCosts {
  std::array<double, kWorks> nanoseconds = {};

  double microseconds(const WorkCounts &work) const;

  /// "direct=0.3 ... call=900", and back; none where an entry is missing, unknown or not a number of at least 0.
  std::string text() const;
  static std::optional<ConvolutionCosts> parse(llvm::StringRef text);

  /// Those for vectors of `lanes` where nothing was measured.
  static const ConvolutionCosts &shipped(int64_t lanes);
};

} // namespace incept::cpu
