// SPDX-License-Identifier: Apache-2.0
//
// What ops cost in launches of their own and in one, as passes ask for it.

#include "passes/LaunchCost.h"
#include "codegen/cuda/CudaTarget.h"
#include "dialect/InceptOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "passes/KernelRules.h"

#include <gtest/gtest.h>

using namespace mlir;

namespace incept::test {

namespace {

class LaunchCostTest : public testing::Test {
protected:
  LaunchCostTest() {
    DialectRegistry registry;
    registry.insert<InceptDialect, func::FuncDialect>();
    registerKernelRules(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    module = parseSourceString<ModuleOp>(R"(
      func.func @f(%x: tensor<2x4x5x5xf16>, %w: tensor<8x4x1x1xf16>, %k: tensor<8xf32>)
          -> (tensor<2x8x5x5xf16>, tensor<8xf32>, tensor<8xf32>) {
        %y = incept.conv2d %x, %w : (tensor<2x4x5x5xf16>, tensor<8x4x1x1xf16>) -> tensor<2x8x5x5xf16>
        %s, %q = incept.channel_stats %y shift %k : (tensor<2x8x5x5xf16>, tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>)
        %r = incept.relu %y : (tensor<2x8x5x5xf16>) -> tensor<2x8x5x5xf16>
        return %r, %s, %q : tensor<2x8x5x5xf16>, tensor<8xf32>, tensor<8xf32>
      })",
                                         &context);
    if (module)
      for (Operation &op : (*module->getOps<func::FuncOp>().begin()).getBody().front().without_terminator())
        ops.push_back(&op);
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::vector<Operation *> ops; ///< conv2d, channel_stats, relu
};

/// 1x1, 4 to 8 channels, 2 images of 25 pixels in f16: src 400 bytes, weights 64, dst 800; sums of 8 channels in
/// f32 32.
TEST_F(LaunchCostTest, WhatStaysInALaunchIsNotMoved) {
  ASSERT_EQ(ops.size(), 3u);
  LaunchCost conv = costTogether({ops[0]}), stats = costTogether({ops[1]}), relu = costTogether({ops[2]});
  EXPECT_EQ(conv.flops, 2 * 50 * 4 * 8);
  EXPECT_EQ(conv.bytes, 400 + 64 + 800);
  EXPECT_EQ(stats.flops, 4 * 400);
  EXPECT_EQ(stats.bytes, 800 + 3 * 32);
  EXPECT_EQ(relu.bytes, 800 + 800);
  // The convolution's result is used elsewhere, by the ReLU: written, but not read.
  LaunchCost both = costTogether({ops[0], ops[1]});
  EXPECT_EQ(both.flops, conv.flops + stats.flops);
  EXPECT_EQ(both.bytes, conv.bytes + 3 * 32);
  // Here it is not: only the ReLU's is written.
  LaunchCost all = costTogether(ops);
  EXPECT_EQ(all.bytes, 400 + 64 + 3 * 32 + 800);
}

// Two launches in one do the work of both; what else is said is of the one that moves more, and as few blocks are on a
// multiprocessor as either allows. A grid that fills the device, 0, stays one.
TEST_F(LaunchCostTest, TwoInOne) {
  LaunchWork large{LaunchKind::Reduction, Arithmetic::F16, {3, 100}, /*older=*/true,
                   /*copiedBytes=*/7,     /*blocks=*/5,    4},
      small{LaunchKind::Map, Arithmetic::F32, {10, 99}, false, 0, /*blocks=*/2, 3};
  for (bool swapped : {false, true}) {
    LaunchWork both = swapped ? together(small, large) : together(large, small);
    EXPECT_EQ(both.kind, LaunchKind::Reduction);
    EXPECT_EQ(both.arithmetic, Arithmetic::F16);
    EXPECT_TRUE(both.older);
    EXPECT_EQ(both.copiedBytes, 7);
    EXPECT_EQ(both.cost.flops, 13);
    EXPECT_EQ(both.cost.bytes, 199);
    EXPECT_EQ(both.blocks, 7);
    EXPECT_EQ(both.resident, 3);
  }
  small.cost.bytes = 100; // as many: the first is meant
  EXPECT_EQ(together(small, large).kind, LaunchKind::Map);
  EXPECT_EQ(together(large, small).kind, LaunchKind::Reduction);
  small.blocks = 0;
  EXPECT_EQ(together(small, large).blocks, 0);
  EXPECT_EQ(together(large, small).blocks, 0);
  EXPECT_EQ(std::string(launchKindName(LaunchKind::Library)) + launchKindName(LaunchKind::Map) +
                launchKindName(LaunchKind::Reduction) + launchKindName(LaunchKind::Other),
            "librarymapreductionother");
}

// Of a launch nothing is known until it is said.
TEST_F(LaunchCostTest, IsKeptWithALaunch) {
  ASSERT_EQ(ops.size(), 3u);
  EXPECT_EQ(launchCost(ops[0]).flops, 0);
  EXPECT_EQ(launchCost(ops[0]).bytes, 0);
  setLaunchCost(ops[0], {5, 70});
  setLaunchCost(ops[1], {11, 13});
  LaunchCost one = launchCost(ops[0]), all = launchCost(ops);
  EXPECT_EQ(one.flops, 5);
  EXPECT_EQ(one.bytes, 70);
  EXPECT_EQ(all.flops, 16);
  EXPECT_EQ(all.bytes, 83);
}

/// 1e9 bytes per second and a floor of 1 ms: the fused call saves a launch and the read of dst, unless its engine is
/// slow.
TEST_F(LaunchCostTest, ATargetSaysWhatAFusionSaves) {
  ASSERT_EQ(ops.size(), 3u);
  cuda::LaunchCosts costs;
  costs.engines.bytesPerSecond = 1e9;
  costs.engines.launchSeconds = 1e-3;
  costs.engines.peakF32 = costs.engines.peakTf32 = costs.engines.peakBf16 = 1e12;
  costs.engines.peakF16 = 1e15;
  costs.engines.ownShare = 1;
  costs.engines.olderShare = 1e-12;
  costs.engines.architecture = 90;
  costs.libraryShare = costs.mapShare = costs.reductionShare = costs.otherShare = costs.fillShare = 1;
  costs.multiprocessors = 1;
  cuda::NoPlans plans;
  auto target = cuda::createCudaTarget(plans, false, /*multiprocessors=*/1, nullptr, costs);
  cudnn::Problem problem;
  problem.type = problem.resultType = cudnn::Type::F16;
  problem.mb = 2, problem.ic = 4, problem.oc = 8;
  problem.ih = problem.iw = problem.oh = problem.ow = 5;
  problem.kh = problem.kw = 1;
  LibraryPlan plan;
  plan.config = cudnn::encode(problem);
  plan.config.push_back({"engine", "3"});
  plan.config.push_back({"knobs", ""});
  plan.impl = "engine 3";
  plan.tensorCore = true;
  LaunchCost conv = costTogether({ops[0]}), stats = costTogether({ops[1]}), both = costTogether({ops[0], ops[1]});
  EXPECT_EQ(target->describeCall(plan, conv).arithmetic, Arithmetic::F16);
  EXPECT_EQ(target->describeCall(plan, conv).blocks, 1);
  double apart = secondsOf(*target, {target->describeCall(plan, conv), reductionOf(stats)});
  double fused = secondsOf(*target, {target->describeCall(plan, both)});
  EXPECT_NEAR(apart - fused, 1e-3 + 800 / 1e9, 1e-12);
  plan.impl = "native_sm80_convFwd";
  EXPECT_GT(secondsOf(*target, {target->describeCall(plan, both)}), apart);
  // Without costs there are no times to compare.
  auto unknown = cuda::createCudaTarget(plans, false, /*multiprocessors=*/1);
  EXPECT_EQ(secondsOf(*unknown, {unknown->describeCall(plan, conv)}), 0);
}

} // namespace

} // namespace incept::test
