// SPDX-License-Identifier: Apache-2.0
//
// Training in bf16 and f16: gradients, logits and steps agree with those of f32 within the rounding, fused or not; and
// loss scaling skips the steps that it must skip.

#include "TestNetworks.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "passes/Phases.h"

#include <cmath>
#include <gtest/gtest.h>

namespace incept::test {

using mlir::OpPassManager;

/// The passes up to `phase` for activations of type `precision`.
static auto upTo(Phase phase, const std::string &precision, bool updateEarly = false) {
  return [=](OpPassManager &passes) {
    PhaseOptions options;
    options.precision = precision;
    options.updateEarly = updateEarly;
    for (Phase next : {Phase::Training, Phase::Fused})
      if (next <= phase)
        buildPhase(passes, next, options);
  };
}

/// The training phase in f16, with a loss scale that grows after two good steps.
static void addScaledTraining(OpPassManager &passes) {
  PhaseOptions options;
  options.updateEarly = false;
  buildPhase(passes, Phase::Training, options);
  AssignPrecisionPassOptions precision;
  precision.precision = "f16";
  precision.growthInterval = 2;
  passes.addPass(createAssignPrecisionPass(precision));
}

static const TestNetwork &network(const std::string &name) {
  for (const TestNetwork &candidate : testNetworks())
    if (candidate.name == name)
      return candidate;
  throw std::out_of_range(name);
}

static void start(TestRun &run, double scale) {
  if (run.variables().count("loss_scale/scale")) {
    run.variables()["loss_scale/scale"].values = {scale};
    run.variables()["loss_scale/good_steps"].values = {0};
  }
  if (run.module().lookupSymbol("prepare_training"))
    run.call("prepare_training");
}

/// Values of the variables of `kinds`, by name.
static std::map<std::string, std::vector<double>> valuesOf(TestRun &run, const std::vector<std::string> &kinds) {
  std::map<std::string, std::vector<double>> values;
  for (const std::string &kind : kinds)
    for (const std::string &name : run.namesOf(kind))
      values[name] = run.variables()[name].values;
  return values;
}

static double norm(const std::vector<double> &values) {
  double sum = 0;
  for (double value : values)
    sum += value * value;
  return std::sqrt(sum);
}

/// Makes weights small enough for logits that do not saturate the softmax, whose gradient would magnify every rounding.
static void shrinkWeights(TestRun &run) {
  for (const std::string &name : run.namesOf("parameter"))
    if (reference::Tensor &weights = run.variables()[name]; weights.shape.size() > 1)
      for (double &value : weights.values)
        value /= std::sqrt(double(weights.size() / weights.shape[0]) / 4);
}

/// The largest error that rounding at each op may add up to in these networks, relative to a tensor's largest value:
/// two units of a type's last place per op, of which a path has up to 20.
static double tolerance(const std::string &precision) { return 40 * std::ldexp(1, precision == "bf16" ? -9 : -12); }

class Precision : public testing::TestWithParam<std::tuple<TestNetwork, std::string>> {
protected:
  std::string text() { return moduleText(std::get<0>(GetParam()), "rmsprop"); }
  std::string precision() { return std::get<1>(GetParam()); }
};

TEST_P(Precision, GradientsAreThoseOfF32) {
  constexpr double kScale = 1024;
  TestRun expected(text(), upTo(Phase::Training, "f32")), actual(text(), upTo(Phase::Training, precision()));
  ASSERT_TRUE(expected.ok() && actual.ok());
  shrinkWeights(expected);
  shrinkWeights(actual);
  start(actual, kScale);
  expected.call("forward_backward");
  actual.call("forward_backward");
  for (const char *name : {"io/loss", "io/logits"})
    expectClose(expected.variables()[name], actual.variables()[name], tolerance(precision()), name);
  // Rounding may change which element is a window's maximum or below zero: tensors are compared as a whole, and such
  // that vanish but for rounding (a bias before batch norm) with the others.
  double largest = 0;
  for (const std::string &name : expected.namesOf("gradient"))
    largest = std::max(largest, norm(expected.variables()[name].values));
  for (const std::string &name : expected.namesOf("gradient")) {
    const std::vector<double> &gradient = expected.variables()[name].values;
    std::vector<double> difference = actual.variables()[name].values;
    for (size_t i = 0; i < difference.size(); ++i)
      difference[i] = difference[i] / (precision() == "f16" ? kScale : 1) - gradient[i];
    EXPECT_LE(norm(difference), tolerance(precision()) * std::max(norm(gradient), largest / 25)) << name;
  }
}

TEST_P(Precision, FusionChangesNothing) {
  TestRun expected(text(), upTo(Phase::Training, precision())), actual(text(), upTo(Phase::Fused, precision(), true));
  ASSERT_TRUE(expected.ok() && actual.ok());
  for (TestRun *run : {&expected, &actual}) {
    start(*run, 1024);
    run->call("forward_backward");
    run->call("update");
    run->call("prepare_inference");
    run->call("infer");
  }
  // The interpreter rounds inside groups as it does outside, so that only the order of sums could differ.
  for (const auto &[name, values] : valuesOf(expected, {"io", "state", "parameter", "slot", "copy"}))
    expectClose(expected.variables()[name], actual.variables()[name], 1e-9, name);
}

TEST_P(Precision, UpdateWritesTheCopies) {
  TestRun run(text(), upTo(Phase::Training, precision(), true));
  ASSERT_TRUE(run.ok());
  start(run, 1024);
  auto before = valuesOf(run, {"copy"});
  run.call("forward_backward");
  run.call("update");
  auto after = valuesOf(run, {"copy"});
  ASSERT_FALSE(after.empty());
  EXPECT_NE(before, after);
  run.call("prepare_training");
  EXPECT_EQ(after, valuesOf(run, {"copy"}));
}

TEST_P(Precision, LogitsOfInferenceAreThoseOfF32) {
  TestRun expected(text(), upTo(Phase::Fused, "f32")), actual(text(), upTo(Phase::Fused, precision()));
  ASSERT_TRUE(expected.ok() && actual.ok());
  for (TestRun *run : {&expected, &actual}) {
    run->call("prepare_inference");
    run->call("infer");
  }
  expectClose(expected.variables()["io/logits"], actual.variables()["io/logits"], tolerance(precision()), "io/logits");
}

INSTANTIATE_TEST_SUITE_P(Networks, Precision,
                         testing::Combine(testing::ValuesIn(testNetworks()), testing::Values("bf16", "f16")),
                         [](const auto &info) {
                           return std::get<0>(info.param).name + ("_" + std::get<1>(info.param));
                         });

TEST(LossScaling, OverflowLeavesEverythingAsItWas) {
  for (const char *optimizer : {"sgd", "nesterov", "rmsprop", "adam", "adamw", "lars", "lamb"}) {
    TestRun run(moduleText(network("inception"), optimizer), upTo(Phase::Fused, "f16", true));
    ASSERT_TRUE(run.ok());
    start(run, 16777216); // too much for the largest f16, 65504
    auto before = valuesOf(run, {"parameter", "state", "slot", "copy"});
    run.call("forward_backward");
    EXPECT_EQ(before, valuesOf(run, {"parameter", "state", "slot", "copy"})); // running statistics wait for the update
    bool overflowed = false;
    for (const auto &[name, values] : valuesOf(run, {"gradient"}))
      for (double value : values)
        overflowed |= !std::isfinite(value);
    ASSERT_TRUE(overflowed);
    run.call("update");
    before["loss_scale/scale"] = {8388608};
    EXPECT_EQ(before, valuesOf(run, {"parameter", "state", "slot", "copy"})) << optimizer;
  }
}

TEST(LossScaling, GrowsAfterGoodStepsAndShrinksAfterBadOnes) {
  TestRun run(moduleText(network("residual")), addScaledTraining);
  ASSERT_TRUE(run.ok());
  start(run, 256);
  auto step = [&] {
    run.call("forward_backward");
    run.call("update");
    return std::pair(run.variables()["loss_scale/scale"].values[0], run.variables()["loss_scale/good_steps"].values[0]);
  };
  EXPECT_EQ(step(), std::pair(256.0, 1.0));
  EXPECT_EQ(step(), std::pair(512.0, 0.0));
  EXPECT_EQ(step(), std::pair(512.0, 1.0));
  run.variables()["io/f32_input"].values[0] = INFINITY;
  EXPECT_EQ(step(), std::pair(256.0, 0.0));
  run.variables()["loss_scale/scale"].values[0] = 1; // never below 1
  EXPECT_EQ(step(), std::pair(1.0, 0.0));
}

TEST(LossScaling, DoesNotChangeTheStep) {
  for (double scale : {1.0, 64.0, 1024.0}) {
    TestRun expected(moduleText(network("batch_norm_after_conv2d")), upTo(Phase::Training, "f16"));
    TestRun actual(moduleText(network("batch_norm_after_conv2d")), upTo(Phase::Training, "f16"));
    ASSERT_TRUE(expected.ok() && actual.ok());
    start(expected, 256);
    start(actual, scale);
    for (TestRun *run : {&expected, &actual}) {
      run->call("forward_backward");
      run->call("update");
    }
    for (const auto &[name, values] : valuesOf(expected, {"parameter", "state"}))
      expectClose(expected.variables()[name], actual.variables()[name], 1e-4, name); // the smallest gradients round
  }
}

TEST(Training, TenStepsAreThoseOfF32) {
  std::vector<double> losses[3];
  const char *precisions[] = {"f32", "bf16", "f16"};
  for (int i = 0; i < 3; ++i) {
    TestRun run(moduleText(network("inception")), upTo(Phase::Fused, precisions[i], true));
    ASSERT_TRUE(run.ok());
    for (const std::string &name : run.namesOf("slot"))
      run.variables()[name].values.assign(run.variables()[name].size(), 0);
    run.stepValues()["learning_rate"] = 0.01;
    start(run, 1024);
    for (int step = 0; step < 10; ++step) {
      run.call("forward_backward");
      run.call("update");
      losses[i].push_back(run.variables()["io/loss"].values[0]);
    }
  }
  EXPECT_LT(losses[0].back(), 0.9 * losses[0].front()); // it learns
  for (int step = 0; step < 10; ++step) {
    EXPECT_NEAR(losses[1][step], losses[0][step], 0.02 * losses[0][0]) << step;
    EXPECT_NEAR(losses[2][step], losses[0][step], 0.003 * losses[0][0]) << step;
  }
}

} // namespace incept::test
