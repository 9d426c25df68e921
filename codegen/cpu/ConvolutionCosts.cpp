// SPDX-License-Identifier: Apache-2.0

#include "codegen/cpu/ConvolutionCosts.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;

namespace incept::cpu {

/// The names of `Work`, in its order.
static constexpr StringRef kNames[kWorks] = {
    "direct",   "direct_data", "direct_weights", "direct_image", "direct_weight_vector", "product",
    "gradient", "input",       "output",         "weights",      "transposed",           "stream",
    "far",      "call"};

double ConvolutionCosts::microseconds(const WorkCounts &work) const {
  double sum = 0;
  for (size_t i = 0; i < kWorks; ++i)
    sum += nanoseconds[i] * work.counts[i];
  return sum / 1000;
}

std::string ConvolutionCosts::text() const {
  std::string text;
  for (auto [name, cost] : llvm::zip(kNames, nanoseconds))
    text += (text.empty() ? "" : " ") + llvm::formatv("{0}={1:f4}", name, cost).str();
  return text;
}

std::optional<ConvolutionCosts> ConvolutionCosts::parse(StringRef text) {
  ConvolutionCosts costs;
  SmallVector<StringRef> entries;
  text.split(entries, ' ', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  if (entries.size() != kWorks)
    return std::nullopt;
  for (auto [i, entry] : llvm::enumerate(entries)) {
    auto [name, number] = entry.split('=');
    if (name != kNames[i] || number.getAsDouble(costs.nanoseconds[i]) || !(costs.nanoseconds[i] >= 0) ||
        std::isinf(costs.nanoseconds[i]))
      return std::nullopt;
  }
  return costs;
}

const ConvolutionCosts &ConvolutionCosts::shipped(int64_t lanes) {
  static constexpr ConvolutionCosts kWide = {{0.30, 0.30, 0.34, 0, 0, 0.33, 0.36, 1.1, 1.3, 1.6, 4.0, 1.0, 3.0, 0}};
  static constexpr ConvolutionCosts kNarrow = {{0.15, 0.15, 0.18, 0, 0, 0.16, 0.18, 0.6, 0.7, 0.9, 2.5, 0.6, 2.0, 0}};
  return lanes == 16 ? kWide : kNarrow;
}

} // namespace incept::cpu
