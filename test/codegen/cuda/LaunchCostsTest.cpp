// SPDX-License-Identifier: Apache-2.0
//
// What launches take, by costs in round numbers.
#include "codegen/cuda/plans/LaunchCosts.h"

#include <gtest/gtest.h>

namespace incept::cuda {

namespace {

/// 10 multiprocessors; 1e12 bytes and, in f16, 1e14 operations per second, of which half is reached; a floor of 1 us.
LaunchCosts roundCosts() {
  LaunchCosts costs;
  costs.engines.bytesPerSecond = 1e12;
  costs.engines.launchSeconds = 1e-6;
  costs.engines.peakF32 = 1e13;
  costs.engines.peakTf32 = 2e13;
  costs.engines.peakBf16 = 4e13;
  costs.engines.peakF16 = 1e14;
  costs.engines.ownShare = 0.5;
  costs.engines.olderShare = 0.25;
  costs.engines.architecture = 90;
  costs.libraryShare = 0.8;
  costs.mapShare = 1;
  costs.reductionShare = 0.5;
  costs.otherShare = 0.25;
  costs.fillShare = 0.5;
  costs.multiprocessors = 10;
  return costs;
}

constexpr double kNear = 1e-12;

TEST(LaunchCostsTest, TheLastWaveCountsWhole) {
  EXPECT_EQ(waveFactor(0, 10, 1), 1); // cut as finely as need be
  EXPECT_EQ(waveFactor(10, 10, 1), 1);
  EXPECT_EQ(waveFactor(20, 10, 1), 1);
  EXPECT_EQ(waveFactor(11, 10, 1), 20. / 11);
  EXPECT_EQ(waveFactor(1, 10, 1), 10);
  // Where half of the slots does as much as all.
  EXPECT_EQ(waveFactor(11, 10, 0.5), 15. / 11);
  EXPECT_EQ(waveFactor(18, 10, 0.5), 1);
  EXPECT_EQ(waveFactor(1, 10, 0.5), 5);
}

TEST(LaunchCostsTest, TimesAreAFloorAndBytesOrOperations) {
  LaunchCosts costs = roundCosts();
  LaunchWork work;
  EXPECT_NEAR(estimateSeconds(work, costs), 1e-6, kNear); // nothing to do
  work.cost = {/*flops=*/0, /*bytes=*/4000000};           // 4 us at the peak
  EXPECT_NEAR(estimateSeconds(work, costs), 5e-6, kNear);
  work.kind = LaunchKind::Reduction;
  EXPECT_NEAR(estimateSeconds(work, costs), 9e-6, kNear);
  work.kind = LaunchKind::Other;
  EXPECT_NEAR(estimateSeconds(work, costs), 17e-6, kNear);
  work.kind = LaunchKind::Library;
  EXPECT_NEAR(estimateSeconds(work, costs), 6e-6, kNear);
  work.cost.flops = 200000000; // 20 us in f32, at half of the peak 40
  EXPECT_NEAR(estimateSeconds(work, costs), 41e-6, kNear);
  work.arithmetic = Arithmetic::Tf32;
  EXPECT_NEAR(estimateSeconds(work, costs), 21e-6, kNear);
  work.arithmetic = Arithmetic::Bf16;
  EXPECT_NEAR(estimateSeconds(work, costs), 11e-6, kNear);
  work.older = true;
  EXPECT_NEAR(estimateSeconds(work, costs), 21e-6, kNear);
  work.arithmetic = Arithmetic::F16; // 2 us, 8 where it is older
  EXPECT_NEAR(estimateSeconds(work, costs), 9e-6, kNear);
  work.blocks = 11; // of 10 at once: 20 slots for 11
  EXPECT_NEAR(estimateSeconds(work, costs), 1e-6 + 8e-6 * 20 / 11, kNear);
  work.resident = 2;
  EXPECT_NEAR(estimateSeconds(work, costs), 1e-6 + 8e-6 * 20 / 11, kNear); // one wave of 20
  work.blocks = 20;
  EXPECT_NEAR(estimateSeconds(work, costs), 9e-6, kNear);
  work.copiedBytes = 1000000; // read and written, in a launch more
  EXPECT_NEAR(estimateSeconds(work, costs), 9e-6 + 2e-6 + 1e-6, kNear);
}

TEST(LaunchCostsTest, TilesAreInNamesOfKernels) {
  BlockTile tile = blockTileOf("sm90_xmma_fprop_implicit_gemm_f16f16_nhwc_tilesize128x256x64_warpgroupsize1x1x1");
  EXPECT_EQ(tile.rows, 128);
  EXPECT_EQ(tile.columns, 256);
  for (const char *name : {"engine 28", "", "tilesize", "tilesize64", "tilesize64x", "tilesizeax1", "tilesize0x4"}) {
    tile = blockTileOf(name);
    EXPECT_EQ(tile.rows, 128) << name;
    EXPECT_EQ(tile.columns, 128) << name;
  }
}

TEST(LaunchCostsTest, CallsAreDescribedByProblemAndEngine) {
  cudnn::Problem problem;
  problem.kind = cudnn::Kind::ConvolutionForward;
  problem.type = problem.resultType = cudnn::Type::F16;
  problem.mb = 4, problem.ic = 64, problem.oc = 200, problem.g = 1;
  problem.ih = problem.iw = problem.oh = problem.ow = 10;
  problem.kh = problem.kw = problem.sh = problem.sw = problem.dh = problem.dw = 1;
  cudnn::Choice choice;
  choice.impl = "engine 41";
  LaunchWork work = describeCall(problem, choice, {7, 9}, 90);
  EXPECT_EQ(work.kind, LaunchKind::Library);
  EXPECT_EQ(work.arithmetic, Arithmetic::F32);
  EXPECT_EQ(work.cost.flops, 7);
  EXPECT_EQ(work.cost.bytes, 9);
  EXPECT_EQ(work.blocks, 4 * 2); // 400 pixels by 200 channels in tiles of 128
  EXPECT_FALSE(work.older);
  EXPECT_EQ(work.copiedBytes, 0);
  choice.tensorCore = true;
  choice.impl = "sm80_xmma_fprop_tilesize64x64x32";
  problem.dstStride = 320;
  choice.workspaceBytes = 400 * 200 * 2;
  work = describeCall(problem, choice, {7, 9}, 90);
  EXPECT_EQ(work.arithmetic, Arithmetic::F16);
  EXPECT_TRUE(work.older);
  EXPECT_EQ(work.blocks, 7 * 4);
  EXPECT_EQ(work.copiedBytes, 400 * 200 * 2);
  EXPECT_FALSE(describeCall(problem, choice, {7, 9}, 89).older);
  problem.kind = cudnn::Kind::ConvolutionBackwardData; // of 400 pixels and 64 channels
  EXPECT_EQ(describeCall(problem, choice, {7, 9}, 90).blocks, 7);
  problem.normGradient = true; // partial sums are no copy, the whole gradient is one
  problem.dstStride = 0;
  for (uint64_t bytes : {400 * 64 / 8, 400 * 64 * 4 - 1}) {
    choice.workspaceBytes = bytes;
    EXPECT_EQ(describeCall(problem, choice, {7, 9}, 90).copiedBytes, 0) << bytes;
  }
  choice.workspaceBytes = 400 * 128 * 4;
  EXPECT_EQ(describeCall(problem, choice, {7, 9}, 90).copiedBytes, 400 * 128 * 4);
  problem.normGradient = false;
  problem.kind = cudnn::Kind::ConvolutionBackwardWeights; // pixels are cut
  EXPECT_EQ(describeCall(problem, choice, {7, 9}, 90).blocks, 0);
}

} // namespace

} // namespace incept::cuda
