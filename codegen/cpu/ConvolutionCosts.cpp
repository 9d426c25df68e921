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
  // From incept tune on a Xeon of 2023 (Sapphire Rapids): for its own vectors, and with --cpu=x86-64-v3.
  static constexpr ConvolutionCosts kWide = {
      {0.1443, 0.1505, 0.1701, 8.3443, 12.7288, 0.1589, 0.1796, 1.8367, 2.0193, 3.4155, 4.3235, 1.7794, 1.9242, 0}};
  static constexpr ConvolutionCosts kNarrow = {
      {0.1610, 0.1513, 0.1573, 6.5964, 10.6462, 0.1927, 0.2228, 1.4518, 1.0935, 2.3114, 2.6311, 0.8348, 1.0569, 0}};
  return lanes == 16 ? kWide : kNarrow;
}

} // namespace incept::cpu
