// SPDX-License-Identifier: Apache-2.0
//
// A module means the same after each phase: gradients, running statistics and logits agree with those of the phase
// before, in the f64 interpreter. And an update is what its formula says.

#include "passes/Phases.h"
#include "TestNetworks.h"
#include "dialect/InceptOps.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "passes/Placement.h"

#include <cmath>
#include <gtest/gtest.h>

namespace incept::test {

/// All rewrites, but gradients stay variables, so that they can be compared.
static PhaseOptions keepingGradients() {
  PhaseOptions options;
  options.updateEarly = false;
  return options;
}

static void addTraining(mlir::OpPassManager &passes) { buildPhase(passes, Phase::Training, keepingGradients()); }

static void addFused(mlir::OpPassManager &passes) {
  addTraining(passes);
  buildPhase(passes, Phase::Fused, PhaseOptions());
}

static void addFusedWithEarlyUpdates(mlir::OpPassManager &passes) {
  buildPhase(passes, Phase::Training, PhaseOptions());
  buildPhase(passes, Phase::Fused, PhaseOptions());
}

static void addFusedWithoutRewrites(mlir::OpPassManager &passes) {
  addTraining(passes);
  buildPhase(passes, Phase::Fused, PhaseOptions::none());
}

class Phases : public testing::TestWithParam<TestNetwork> {
protected:
  /// Compares the variables of `kinds` after `functions` ran in both modules.
  static void compare(TestRun &expected, TestRun &actual, const std::vector<std::string> &kinds) {
    for (const std::string &kind : kinds)
      for (const std::string &name : expected.namesOf(kind))
        expectClose(expected.variables()[name], actual.variables()[name], 1e-9, name);
  }

  static void compareTraining(llvm::function_ref<void(mlir::OpPassManager &)> passes) {
    TestRun expected(moduleText(GetParam()), addDifferentiation), actual(moduleText(GetParam()), passes);
    ASSERT_TRUE(expected.ok() && actual.ok());
    expected.call("forward_backward");
    actual.call("forward_backward");
    compare(expected, actual, {"io", "state", "gradient"});
  }

  /// After a whole step, parameters and slots are the same.
  static void compareStep(llvm::function_ref<void(mlir::OpPassManager &)> passes) {
    TestRun expected(moduleText(GetParam(), "rmsprop"), addTraining), actual(moduleText(GetParam(), "rmsprop"), passes);
    ASSERT_TRUE(expected.ok() && actual.ok());
    for (const char *function : {"forward_backward", "update"}) {
      expected.call(function);
      actual.call(function);
    }
    compare(expected, actual, {"io", "state", "parameter", "slot"});
  }

  static void compareInference(llvm::function_ref<void(mlir::OpPassManager &)> passes) {
    TestRun expected(moduleText(GetParam()), addDifferentiation), actual(moduleText(GetParam()), passes);
    ASSERT_TRUE(expected.ok() && actual.ok());
    expected.call("infer");
    actual.call("prepare_inference");
    actual.call("infer");
    compare(expected, actual, {"io"});
  }
};

TEST_P(Phases, TrainingKeepsGradients) { compareTraining(addTraining); }
TEST_P(Phases, FusedKeepsGradients) { compareTraining(addFused); }
TEST_P(Phases, FusedWithoutRewritesKeepsGradients) { compareTraining(addFusedWithoutRewrites); }
TEST_P(Phases, EarlyUpdatesKeepTheStep) { compareStep(addFusedWithEarlyUpdates); }
TEST_P(Phases, TrainingKeepsLogits) { compareInference(addTraining); }
TEST_P(Phases, FusedKeepsLogits) { compareInference(addFused); }

// --cse and --canonicalize may run between any two passes. Through exec, compiled for the CPU: test/edits.
TEST_P(Phases, CleaningKeepsGradients) {
  compareTraining([](mlir::OpPassManager &passes) { addWithCleaning(passes, addFused); });
}
TEST_P(Phases, CleaningKeepsTheStep) {
  compareStep([](mlir::OpPassManager &passes) { addWithCleaning(passes, addFusedWithEarlyUpdates); });
}
TEST_P(Phases, CleaningKeepsLogits) {
  compareInference([](mlir::OpPassManager &passes) { addWithCleaning(passes, addFused); });
}

INSTANTIATE_TEST_SUITE_P(Networks, Phases, testing::ValuesIn(testNetworks()),
                         [](const auto &info) { return std::string(info.param.name); });

/// Two branches of other widths, each with a batch norm.
static std::string branchesText() {
  std::string variables, body;
  for (auto [name, channels] : {std::pair<std::string, std::string>{"a", "6"}, {"b", "5"}}) {
    variables += "incept.variable @" + name + ".weight kind parameter : tensor<" + channels + "x4x1x1xf32>\n";
    for (std::string suffix : {".gamma", ".beta"})
      variables += "incept.variable @" + name + suffix + " kind parameter : tensor<" + channels + "xf32>\n";
    for (std::string suffix : {".mean", ".var"})
      variables += "incept.variable @" + name + suffix + " kind state : tensor<" + channels + "xf32>\n";
    std::string text = R"(
      %w$ = incept.read @$.weight : tensor<#x4x1x1xf32>
      %g$ = incept.read @$.gamma : tensor<#xf32>
      %b$ = incept.read @$.beta : tensor<#xf32>
      %m$ = incept.read @$.mean : tensor<#xf32>
      %v$ = incept.read @$.var : tensor<#xf32>
      %c$ = incept.conv2d %x, %w$ {incept.path = "$.conv"} : (!x, tensor<#x4x1x1xf32>) -> tensor<2x#x6x6xf32>
      %n$ = incept.batch_norm %c$ gamma %g$ beta %b$ mean %m$ variance %v$ {epsilon = 1.0e-3, decay = 0.9,
          incept.path = "$"} : (tensor<2x#x6x6xf32>, tensor<#xf32>, tensor<#xf32>, tensor<#xf32>, tensor<#xf32>)
          -> tensor<2x#x6x6xf32>
      %r$ = incept.relu %n$ : (tensor<2x#x6x6xf32>) -> tensor<2x#x6x6xf32>)";
    for (char c : text)
      body += c == '$' ? name : c == '#' ? channels : std::string(1, c);
  }
  body += "%y = incept.concat %ra, %rb : (tensor<2x6x6x6xf32>, tensor<2x5x6x6xf32>) -> tensor<2x11x6x6xf32>";
  std::string text = moduleText({"branches", variables.c_str(), body.c_str(), 11, 6, 6}, "rmsprop");
  return text.replace(text.find("<fake>"), 6, "<fake, joins>");
}

// Groups that were brought together compute what they did, bit for bit.
TEST(Gather, ChangesNoBit) {
  TestRun expected(branchesText(), addFused), actual(branchesText(), [](mlir::OpPassManager &passes) {
    addFused(passes);
    passes.addPass(createGatherKernelsPass());
  });
  ASSERT_TRUE(expected.ok() && actual.ok());
  auto countGathered = [](TestRun &run) {
    int count = 0;
    run.module().walk([&](GroupOp group) { count += group->hasAttr(kWithNextAttr); });
    return count;
  };
  EXPECT_EQ(countGathered(expected), 0);
  EXPECT_GE(countGathered(actual), 3); // statistics, their gradients, and what follows
  for (const char *function : {"forward_backward", "update"}) {
    expected.call(function);
    actual.call(function);
  }
  for (const char *kind : {"io", "state", "gradient", "parameter", "slot"})
    for (const std::string &name : expected.namesOf(kind))
      EXPECT_EQ(expected.variables()[name].values, actual.variables()[name].values) << name;
}

static bool hasDecay(const std::string &parameter) { return parameter != "first.bias" && parameter != "p.bias"; }

TEST(Update, SgdFollowsItsFormula) {
  TestRun run(moduleText(testNetworks().front(), "sgd"), addTraining);
  ASSERT_TRUE(run.ok());
  run.call("forward_backward");
  auto before = run.variables();
  run.call("update");
  for (const std::string &name : run.namesOf("parameter"))
    for (int64_t index = 0; index < before[name].size(); ++index) {
      double value = before[name].values[index];
      double gradient = before["grad/" + name].values[index] + (hasDecay(name) ? 0.01 * value : 0);
      double velocity = 0.9 * before["momentum/" + name].values[index] + gradient;
      EXPECT_DOUBLE_EQ(run.variables()["momentum/" + name].values[index], velocity) << name;
      EXPECT_DOUBLE_EQ(run.variables()[name].values[index], value - 0.1 * velocity) << name;
    }
}

TEST(Update, RmspropFollowsItsFormula) {
  TestRun run(moduleText(testNetworks().front(), "rmsprop"), addTraining);
  ASSERT_TRUE(run.ok());
  run.call("forward_backward");
  auto before = run.variables();
  run.call("update");
  for (const std::string &name : run.namesOf("parameter"))
    for (int64_t index = 0; index < before[name].size(); ++index) {
      double value = before[name].values[index];
      double gradient = before["grad/" + name].values[index] + (hasDecay(name) ? 0.01 * value : 0);
      double meanSquare = 0.8 * before["mean_square/" + name].values[index] + 0.2 * gradient * gradient;
      double velocity = 0.9 * before["momentum/" + name].values[index] + 0.1 * gradient / std::sqrt(meanSquare + 0.5);
      EXPECT_NEAR(run.variables()["mean_square/" + name].values[index], meanSquare, 1e-14) << name;
      EXPECT_NEAR(run.variables()["momentum/" + name].values[index], velocity, 1e-14) << name;
      EXPECT_NEAR(run.variables()[name].values[index], value - velocity, 1e-14) << name;
    }
}

} // namespace incept::test
