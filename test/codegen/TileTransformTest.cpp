// SPDX-License-Identifier: Apache-2.0
//
// The matrices of transforms of tiles, in exact arithmetic.

#include "codegen/kernels/TileTransform.h"
#include "dialect/TileConvolution.h"
#include "llvm/ADT/STLExtras.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace incept::test {

namespace {

using kernels::Rational;

constexpr std::pair<int64_t, int64_t> kSizes[] = {{2, 3}, {4, 3}, {6, 3}, {2, 5}, {4, 5}, {2, 7}, {4, 7}, {6, 7}};

// outputs * ((taps * w) . (inputs * x)) is the correlation for all unit vectors x and w, so for all.
TEST(TileTransform, IsTheCorrelation) {
  for (auto [m, r] : kSizes) {
    auto t = kernels::findTileTransform(m, r);
    ASSERT_TRUE(t && hasTileTransform(m, r));
    int64_t n = m + r - 1;
    ASSERT_EQ(int64_t(t->inputs.size()), n);
    for (int64_t i = 0; i < m; ++i)
      for (int64_t k = 0; k < r; ++k)
        for (int64_t j = 0; j < n; ++j) {
          Rational sum(0);
          for (int64_t p = 0; p < n; ++p)
            sum += t->outputs[i][p] * t->taps[p][k] * t->inputs[p][j];
          EXPECT_TRUE(sum == Rational(j == i + k)) << "F(" << m << "," << r << ") " << i << " " << k << " " << j;
        }
  }
}

// The same of a window with a stride, which moves on by 2, and of its gradient with the window turned, which writes two
// outputs for each place from what the inputs from one place before on give.
TEST(TileTransform, IsTheStridedCorrelation) {
  constexpr int64_t m = 2, r = 3, n = 2 * (m - 1) + r;
  for (bool transposed : {false, true}) {
    auto t = kernels::findTileTransform(m, r, {2, transposed});
    ASSERT_TRUE(t && hasTileTransform(m, r, 2));
    int64_t outputs = transposed ? 2 * m : m, inputs = transposed ? m + 1 : n;
    ASSERT_EQ(int64_t(t->taps.size()), n);
    ASSERT_EQ(int64_t(t->inputs.size()), n);
    ASSERT_EQ(int64_t(t->outputs.size()), outputs);
    for (int64_t i = 0; i < outputs; ++i)
      for (int64_t k = 0; k < r; ++k)
        for (int64_t j = 0; j < inputs; ++j) {
          Rational sum(0);
          for (int64_t p = 0; p < n; ++p)
            sum += t->outputs[i][p] * t->taps[p][k] * t->inputs[p][j];
          // Turned, tap k is tap 2 - k of the window, which reaches output 2 * place + tap.
          bool meets = transposed ? i == 2 * (j - 1) + 2 - k : j == 2 * i + k;
          EXPECT_TRUE(sum == Rational(meets)) << transposed << ": " << i << " " << k << " " << j;
        }
  }
}

// Rows that images are transformed by are scaled by a power of two such that their largest entry is near 1: what is
// lost by rounding is lost of numbers of one size.
TEST(TileTransform, RowsAreScaled) {
  for (auto [m, r] : kSizes) {
    auto t = kernels::findTileTransform(m, r);
    ASSERT_TRUE(t);
    for (const std::vector<double> &row : kernels::toReal(t->inputs)) {
      double largest = 0;
      for (double entry : row)
        largest = std::max(largest, std::abs(entry));
      EXPECT_LE(std::abs(std::log2(largest)), 0.5) << "F(" << m << "," << r << ")";
    }
    // Outputs are sums of powers of the points, from the first on: 1 of each, and for the last besides 1 of infinity.
    auto outputs = kernels::toReal(t->outputs);
    for (size_t i = 0; i < outputs.size(); ++i)
      for (size_t p = 0; p < outputs[i].size(); ++p) {
        bool isInfinity = p + 1 == outputs[i].size();
        double point = outputs.size() > 1 ? outputs[1][p] : 0;
        EXPECT_NEAR(outputs[i][p], isInfinity ? double(i + 1 == outputs.size()) : std::pow(point, double(i)), 1e-12);
      }
    EXPECT_EQ(kernels::transpose(kernels::transpose(outputs)), outputs);
    EXPECT_EQ(kernels::transpose(outputs)[1][0], outputs[0][1]);
  }
}

TEST(TileTransform, OnlyOfKnownSizes) {
  for (int64_t m = 1; m <= 8; ++m)
    for (int64_t r = 1; r <= 9; ++r) {
      bool isKnown = llvm::is_contained(kSizes, std::pair(m, r));
      for (int64_t stride : {1, 2, 3}) {
        bool isIt = stride == 1 ? isKnown : stride == 2 && m == 2 && r == 3;
        EXPECT_EQ(hasTileTransform(m, r, stride), isIt) << m << " " << r << " " << stride;
        EXPECT_EQ(bool(kernels::findTileTransform(m, r, {stride})), isIt) << m << " " << r << " " << stride;
      }
    }
  EXPECT_TRUE((TileShape{3, 3, 2, 2, 8, 2}).isKnown());
  EXPECT_FALSE((TileShape{3, 3, 2, 2, 8, 3}).isKnown());
  EXPECT_FALSE((TileShape{1, 3, 1, 2, 8, 2}).isKnown());
  EXPECT_FALSE((TileShape{5, 5, 2, 2, 8, 2}).isKnown());
  EXPECT_TRUE((TileShape{5, 5, 4, 4}).isKnown());
  EXPECT_FALSE((TileShape{1, 5, 1, 4}).isKnown());
  EXPECT_FALSE((TileShape{3, 5, 2, 2}).isKnown());
}

} // namespace

} // namespace incept::test
