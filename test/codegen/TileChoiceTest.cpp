// SPDX-License-Identifier: Apache-2.0
//
// The model by which a way to compute a convolution is chosen, and how its costs are fitted.

#include "codegen/cpu/TileChoice.h"
#include "codegen/cpu/Tune.h"

#include <gtest/gtest.h>

using namespace mlir;

namespace incept::test {

namespace {

using cpu::ConvolutionCosts;
using cpu::Work;

LibraryProblem problem(LibraryKind kind, int64_t images, int64_t size, int64_t in, int64_t out, int64_t kh,
                       int64_t kw) {
  LibraryProblem p;
  p.kind = kind;
  p.mb = images, p.ic = in, p.oc = out, p.kh = kh, p.kw = kw;
  p.ih = p.iw = p.oh = p.ow = size;
  p.pt = p.pb = (kh - 1) / 2, p.pl = p.pr = (kw - 1) / 2;
  return p;
}

TEST(ConvolutionCosts, AreReadAsTheyArePrinted) {
  for (int64_t lanes : {8, 16}) {
    std::string text = ConvolutionCosts::shipped(lanes).text();
    auto read = ConvolutionCosts::parse(text);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->nanoseconds, ConvolutionCosts::shipped(lanes).nanoseconds);
  }
  std::string text = ConvolutionCosts::shipped(8).text();
  EXPECT_FALSE(ConvolutionCosts::parse(""));
  EXPECT_FALSE(ConvolutionCosts::parse(text + " more=1"));
  EXPECT_FALSE(ConvolutionCosts::parse(StringRef(text).drop_back(12)));
  std::string other = text, negative = text, infinite = text;
  EXPECT_FALSE(ConvolutionCosts::parse(other.replace(0, 6, "others")));
  size_t number = text.find('=') + 1;
  EXPECT_FALSE(ConvolutionCosts::parse(negative.insert(number, "-")));
  EXPECT_FALSE(ConvolutionCosts::parse(infinite.replace(number, text.find(' ') - number, "inf")));
}

// Samples that costs explain exactly give these costs back, and one that is no use stays 0.
TEST(ConvolutionCosts, AreFitted) {
  ConvolutionCosts truth;
  truth.nanoseconds[size_t(Work::Direct)] = 0.3;
  truth.nanoseconds[size_t(Work::Product)] = 0.2;
  truth.nanoseconds[size_t(Work::Input)] = 1.5;
  std::vector<cpu::TuneSample> samples;
  for (double scale : {1.0, 2.0, 7.0})
    for (Work work : {Work::Direct, Work::Product, Work::Input}) {
      cpu::TuneSample sample{"", {}, 0};
      sample.work[work] = 1000 * scale;
      sample.work[Work::Product] += 100 * scale * scale;
      sample.work[Work::Far] = work == Work::Direct ? 50 : 0;
      sample.microseconds = truth.microseconds(sample.work);
      samples.push_back(sample);
    }
  ConvolutionCosts fitted = fitCosts(samples);
  for (auto [is, was] : llvm::zip(fitted.nanoseconds, truth.nanoseconds))
    EXPECT_NEAR(is, was, 1e-4);
}

TEST(TileChoice, TakesTheFastestThatIsNotRefused) {
  const ConvolutionCosts &costs = ConvolutionCosts::shipped(16);
  auto p = problem(LibraryKind::ConvolutionForward, 8, 17, 192, 224, 1, 7);
  auto candidates = cpu::listCandidates(p, 16, 2, {}, costs);
  ASSERT_EQ(candidates.size(), 4u);
  EXPECT_EQ(candidates[0].name, "direct");
  EXPECT_EQ(cpu::chooseCandidate(candidates).name, "tiles 1x6");
  // A smaller bound of the error leaves the larger tiles out, and direct ones are direct.
  EXPECT_EQ(cpu::chooseCandidate(cpu::listCandidates(p, 16, 2, {true, 5e-6}, costs)).name, "tiles 1x4");
  EXPECT_EQ(cpu::chooseCandidate(cpu::listCandidates(p, 16, 2, {true, 1e-7}, costs)).name, "direct");
  EXPECT_EQ(cpu::chooseCandidate(cpu::listCandidates(p, 16, 2, {false, 0}, costs)).name, "direct");
  // Where products of tiles cost a hundred times as much, nothing is gained.
  ConvolutionCosts slow = costs;
  slow.nanoseconds[size_t(Work::Product)] *= 100;
  EXPECT_EQ(cpu::chooseCandidate(cpu::listCandidates(p, 16, 2, {}, slow)).name, "direct");
}

TEST(TileChoice, NothingButDirectForOthers) {
  const ConvolutionCosts &costs = ConvolutionCosts::shipped(8);
  auto strided = problem(LibraryKind::ConvolutionForward, 8, 17, 32, 32, 3, 3);
  strided.sh = 2;
  EXPECT_EQ(cpu::listCandidates(strided, 8, 1, {}, costs).size(), 1u);
  strided.sh = strided.sw = 3;
  EXPECT_EQ(cpu::listCandidates(strided, 8, 1, {}, costs).size(), 1u);
  auto column = problem(LibraryKind::ConvolutionForward, 8, 17, 32, 32, 3, 1);
  column.sh = column.sw = 2;
  EXPECT_EQ(cpu::listCandidates(column, 8, 1, {}, costs).size(), 1u);
  auto five = problem(LibraryKind::ConvolutionForward, 8, 17, 32, 32, 1, 5);
  EXPECT_EQ(cpu::listCandidates(five, 8, 1, {}, costs).size(), 1u);
}

// A window with a stride of 2 has one size of tiles, in all directions. It pays for gradients of weights, and for those
// of data where pixels are many and channels few, but not where oneDNN's own convolution is as fast, which is so of all
// forward ones.
TEST(TileChoice, StridedWindowsWhereTilesPay) {
  auto choose = [](LibraryKind kind, int64_t size, int64_t in, int64_t out, int64_t lanes = 16) {
    auto p = problem(kind, 8, size, in, out, 3, 3);
    p.sh = p.sw = 2;
    p.pt = p.pl = p.pb = p.pr = 0;
    p.oh = p.ow = (size - 3) / 2 + 1;
    auto candidates = cpu::listCandidates(p, lanes, 2, {}, ConvolutionCosts::shipped(lanes));
    EXPECT_EQ(candidates.size(), 2u);
    EXPECT_EQ(candidates.back().plan->shape.stride, 2);
    EXPECT_EQ(candidates.back().plan->shape.transposed, kind == LibraryKind::ConvolutionBackwardData);
    return cpu::chooseCandidate(candidates).name;
  };
  EXPECT_EQ(choose(LibraryKind::ConvolutionForward, 147, 64, 96), "direct");
  EXPECT_EQ(choose(LibraryKind::ConvolutionBackwardData, 147, 64, 96), "tiles 2x2");
  EXPECT_EQ(choose(LibraryKind::ConvolutionBackwardWeights, 147, 64, 96), "tiles 2x2");
  EXPECT_EQ(choose(LibraryKind::ConvolutionForward, 35, 384, 384), "direct");
  EXPECT_EQ(choose(LibraryKind::ConvolutionBackwardData, 35, 384, 384), "direct");
  EXPECT_EQ(choose(LibraryKind::ConvolutionBackwardWeights, 71, 192, 192), "tiles 2x2");
  EXPECT_EQ(choose(LibraryKind::ConvolutionForward, 299, 3, 32), "direct");
  // With AVX2 likewise.
  EXPECT_EQ(choose(LibraryKind::ConvolutionForward, 147, 64, 96, 8), "direct");
  EXPECT_EQ(choose(LibraryKind::ConvolutionBackwardData, 147, 64, 96, 8), "tiles 2x2");
  EXPECT_EQ(choose(LibraryKind::ConvolutionForward, 35, 384, 384, 8), "direct");
  EXPECT_EQ(choose(LibraryKind::ConvolutionBackwardData, 35, 384, 384, 8), "direct");
  EXPECT_EQ(choose(LibraryKind::ConvolutionBackwardWeights, 71, 192, 192, 8), "tiles 2x2");
}

// What inference transforms before it begins costs it no time.
TEST(TileChoice, WeightsThatArePreparedCostNothing) {
  const ConvolutionCosts &costs = ConvolutionCosts::shipped(16);
  auto p = problem(LibraryKind::ConvolutionForward, 1, 8, 448, 512, 3, 1);
  auto each = cpu::listCandidates(p, 16, 2, {}, costs);
  auto once = cpu::listCandidates(p, 16, 2, {}, costs, cpu::WeightsTransform::Once);
  ASSERT_EQ(each.size(), once.size());
  EXPECT_EQ(each[0].microseconds, once[0].microseconds);
  for (size_t i = 1; i < each.size(); ++i) {
    EXPECT_GT(each[i].work[Work::Weights], 0);
    EXPECT_EQ(once[i].work[Work::Weights], 0);
    // They are far away by the next time.
    EXPECT_GE(once[i].work[Work::Far], once[i].work[Work::Stream]);
    EXPECT_EQ(once[i].plan->block, each[i].plan->block);
  }
}

// Few tiles do not take a whole product, and nearly a whole one does.
TEST(TileShape, ProductsOfFewTiles) {
  TileShape wide{1, 7, 1, 6, 16}, narrow{1, 7, 1, 6, 8};
  constexpr int64_t kWide[][3] = {{1, 0, 4}, {8, 0, 8}, {9, 12, 12}, {12, 12, 12}, {26, 24, 28}},
                    kNarrow[][3] = {{1, 0, 3}, {3, 0, 3}, {4, 6, 6}, {25, 24, 27}, {26, 24, 27}};
  for (auto [count, whole, rows] : kWide) {
    EXPECT_EQ(wide.inWholeProducts(count), whole);
    EXPECT_EQ(wide.productRows(count), rows);
  }
  for (auto [count, whole, rows] : kNarrow) {
    EXPECT_EQ(narrow.inWholeProducts(count), whole);
    EXPECT_EQ(narrow.productRows(count), rows);
  }
}

// One image has few tiles, and every thread that takes some of them reads all weights: they share out the output
// channels instead.
TEST(TileChoice, FewTilesAreNotSharedOut) {
  const ConvolutionCosts &costs = ConvolutionCosts::shipped(16);
  auto one = cpu::listCandidates(problem(LibraryKind::ConvolutionForward, 1, 17, 192, 224, 1, 7), 16, 2, {}, costs,
                                 cpu::WeightsTransform::Once);
  EXPECT_EQ(one.back().plan->units, 2);
  EXPECT_EQ(one.back().plan->parts, 2);
  auto many = cpu::listCandidates(problem(LibraryKind::ConvolutionForward, 32, 73, 64, 64, 1, 7), 16, 2, {}, costs);
  EXPECT_EQ(many.back().plan->units, 2);
  EXPECT_EQ(many.back().plan->parts, 1);
}

// Of gradients only: what a step needs most memory for.
TEST(TileChoice, GradientsNeedNoMoreMemoryThanTheyReadAndWrite) {
  const ConvolutionCosts &costs = ConvolutionCosts::shipped(16);
  for (LibraryKind kind : {LibraryKind::ConvolutionBackwardData, LibraryKind::ConvolutionBackwardWeights}) {
    auto few = cpu::listCandidates(problem(kind, 1, 8, 448, 512, 3, 1), 16, 2, {}, costs);
    EXPECT_NE(few.back().refusal.find("MB of temporary memory"), std::string::npos) << few.back().refusal;
    auto many = cpu::listCandidates(problem(kind, 32, 17, 64, 64, 3, 1), 16, 2, {true, 1}, costs);
    EXPECT_EQ(many.back().refusal, "");
  }
  auto forward = cpu::listCandidates(problem(LibraryKind::ConvolutionForward, 1, 8, 448, 512, 3, 1), 16, 2, {}, costs);
  EXPECT_EQ(forward.back().refusal, "");
  // Sums of gradients are rounded block by block, so blocks do not depend on the number of threads.
  auto p = problem(LibraryKind::ConvolutionBackwardWeights, 8, 17, 192, 224, 1, 7);
  for (size_t i = 1; i < 4; ++i)
    EXPECT_EQ(cpu::listCandidates(p, 16, 1, {}, costs)[i].plan->block,
              cpu::listCandidates(p, 16, 7, {}, costs)[i].plan->block);
}

} // namespace

} // namespace incept::test
