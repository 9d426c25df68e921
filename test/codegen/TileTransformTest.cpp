// SPDX-License-Identifier: Apache-2.0
//
// The matrices of transforms of tiles, in exact arithmetic.

#include "codegen/kernels/TileTransform.h"
#include "dialect/TileConvolution.h"
#include "llvm/ADT/STLExtras.h"

#include <gtest/gtest.h>

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
