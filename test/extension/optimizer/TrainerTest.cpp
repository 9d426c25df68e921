// SPDX-License-Identifier: Apache-2.0
//
// The optimizer and the loss of the tests' own: in kernels of both targets, and ten steps in the interpreter against a
// loop that knows nothing of the compiler.

#include "test/extension/optimizer/Trainer.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Phases.h"
#include "test/codegen/KernelHarness.h"
#include "test/extension/optimizer/TrainingLoop.h"
#include "test/numerics/TestNetworks.h"

#include <cmath>
#include <gtest/gtest.h>

namespace incept::test {

using mlir::OpPassManager;
using trainer::registerTrainer;

namespace {

/// The passes up to `phase`.
auto upTo(Phase phase, bool updateEarly, const std::string &precision = "f32") {
  return [=](OpPassManager &passes) {
    PhaseOptions options;
    options.precision = precision;
    options.updateEarly = updateEarly;
    for (Phase next : {Phase::Training, Phase::Fused})
      if (next <= phase)
        buildPhase(passes, next, options);
  };
}

/// Logits that do not saturate the softmax, slots and hyper-parameters as a program begins with them.
void start(TestRun &run) {
  for (double &value : run.variables()["last.weight"].values)
    value *= 0.1;
  for (const std::string &name : run.namesOf("slot"))
    run.variables()[name].values.assign(run.variables()[name].size(), 0);
  if (run.variables().count("loss_scale/scale"))
    run.variables()["loss_scale/scale"].values = {1024};
  run.stepValues() = {{"learning_rate", TrainingLoop::kRate}, {"beta1", TrainingLoop::kBeta1},
                      {"beta2", TrainingLoop::kBeta2},        {"epsilon", TrainingLoop::kEpsilon},
                      {"weight_decay", TrainingLoop::kDecay}, {"step", 0}};
  if (run.module().lookupSymbol("prepare_training"))
    run.call("prepare_training");
}

/// The loop from where `run` is.
TrainingLoop loopOf(TestRun &run) {
  TrainingLoop loop;
  for (const std::string &name : run.namesOf("parameter"))
    loop.variables[name] = run.variables()[name].values;
  loop.images = run.variables()["io/f32_input"].values;
  for (double label : run.variables()["io/labels"].values)
    loop.labels.push_back(size_t(label));
  return loop;
}

double step(TestRun &run, int number) {
  run.stepValues()["step"] = number;
  run.call("forward_backward");
  run.call("update");
  return run.variables()["io/loss"].values[0];
}

double norm(const std::vector<double> &a, const std::vector<double> &b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

} // namespace

// In kernels.

using Runner = std::pair<const char *, KernelRunner &(*)()>;

class TrainerKernels : public testing::TestWithParam<Runner> {
protected:
  void check(const GroupCase &group) { checkGroup(group, GetParam().second(), registerTrainer); }
};

// From the first step, whose correction of the second moment is 1000, to steps beyond which there is none.
TEST_P(TrainerKernels, Adamw) {
  const char *p = "tensor<3x37x5x4xf32>", *s = "tensor<f32>";
  std::string types = R"((tensor<3x37x5x4xf32>, tensor<3x37x5x4xf32>, tensor<3x37x5x4xf32>, tensor<3x37x5x4xf32>,
      tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i64>)
      -> (tensor<3x37x5x4xf32>, tensor<3x37x5x4xf32>, tensor<3x37x5x4xf32>))";
  for (double step : {0, 1, 9, 1000, 3000000})
    for (const char *decay : {"", "decay "})
      check({"",
             {{"p", p},
              {"g", p},
              {"m", p},
              {"v", p, 0.1, 1},
              {"lr", s, 0.1, 0.2},
              {"b1", s, 0.9, 0.9},
              {"b2", s, 0.999, 0.999},
              {"ep", s, 0.01, 0.02},
              {"wd", s, 0.1, 0.2},
              {"t", "tensor<i64>", step, step}},
             std::string("%q, %n, %w = trainer.adamw_update %p, %g, %m, %v, %lr, %b1, %b2, %ep, %wd, %t ") + decay +
                 ": " + types,
             {{"q", p}, {"n", p}, {"w", p}}});
}

// With gradients in low precision and a factor that unscales them, or 0, which keeps everything as it was.
TEST_P(TrainerKernels, AdamwUnscaled) {
  const char *p = "tensor<3x37x5x4xf32>", *low = "tensor<3x37x5x4xf16>", *s = "tensor<f32>";
  for (double unscale : {0.0, 0.5})
    check({"",
           {{"p", p},
            {"g", low},
            {"m", p},
            {"v", p, 0.1, 1},
            {"lr", s, 0.1, 0.2},
            {"b1", s, 0.5, 0.9},
            {"b2", s, 0.5, 0.9},
            {"ep", s, 0.01, 0.02},
            {"wd", s, 0.1, 0.2},
            {"t", "tensor<i64>", 3, 3},
            {"u", s, unscale, unscale}},
           R"(%q, %n, %w, %k = trainer.adamw_update %p, %g, %m, %v, %lr, %b1, %b2, %ep, %wd, %t, %u decay
                  : (tensor<3x37x5x4xf32>, tensor<3x37x5x4xf16>, tensor<3x37x5x4xf32>, tensor<3x37x5x4xf32>,
                     tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i64>, tensor<f32>)
                  -> (tensor<3x37x5x4xf32>, tensor<3x37x5x4xf32>, tensor<3x37x5x4xf32>, tensor<3x37x5x4xf16>))",
           {{"q", p}, {"n", p}, {"w", p}, {"k", low}},
           unscale == 0 ? 1e-9 : 1e-3});
}

TEST_P(TrainerKernels, Brier) {
  const char *logits = "tensor<5x13xf32>", *low = "tensor<5x13xf16>", *labels = "tensor<5xi64>", *s = "tensor<f32>";
  check({"",
         {{"x", logits, -3, 3}, {"l", labels, 0, 13}},
         "%y = trainer.brier %x, %l : (tensor<5x13xf32>, tensor<5xi64>) -> tensor<f32>",
         {{"y", s}}});
  check({"",
         {{"x", logits, -3, 3}, {"l", labels, 0, 13}},
         "%y = trainer.brier_backward %x, %l {weight = 0.4 : f64} : (tensor<5x13xf32>, tensor<5xi64>) -> "
         "tensor<5x13xf32>",
         {{"y", logits}}});
  check({"",
         {{"x", logits, -3, 3}, {"l", labels, 0, 13}, {"k", s, 100, 200}},
         "%y = trainer.brier_backward %x, %l, %k {weight = 1.0 : f64} : (tensor<5x13xf32>, tensor<5xi64>, tensor<f32>) "
         "-> tensor<5x13xf16>",
         {{"y", low}},
         1e-3});
}

INSTANTIATE_TEST_SUITE_P(Targets, TrainerKernels, testing::Values(Runner("cpu", cpuRunner), Runner("cuda", cudaRunner)),
                         [](const auto &info) { return std::string(info.param.first); });

// In the interpreter, which computes in f64.

TEST(TrainerSteps, TenAreThoseOfTheLoop) {
  for (auto [phase, updateEarly] :
       {std::pair(Phase::Training, false), std::pair(Phase::Training, true), std::pair(Phase::Fused, true)}) {
    TestRun run(trainedNetwork("fake"), upTo(phase, updateEarly), registerTrainer);
    ASSERT_TRUE(run.ok());
    // Vectors are updated in @update all the same.
    EXPECT_EQ(run.namesOf("gradient").size(), updateEarly ? 2u : 4u);
    start(run);
    TrainingLoop loop = loopOf(run);
    double first = 0, last = 0;
    for (int number = 0; number < 10; ++number) {
      double expected = loop.step();
      last = step(run, number);
      first = number == 0 ? last : first;
      ASSERT_NEAR(last, expected, 1e-10) << "step " << number;
    }
    EXPECT_LT(last, 0.5 * first); // it learns
    ASSERT_EQ(loop.variables.size(), 12u);
    for (const auto &[name, values] : loop.variables) {
      reference::Tensor expected = run.variables()[name];
      expected.values = values;
      expectClose(expected, run.variables()[name], 1e-9, name);
    }
  }
}

/// How far training in f16 may be from the loop, relative to the way that a tensor has gone: Adam divides a gradient by
/// its size, so that small ones count with all their rounding.
constexpr double kHalfTolerance = 0.05;

TEST(TrainerSteps, InHalfPrecision) {
  for (auto [phase, updateEarly] : {std::pair(Phase::Training, false), std::pair(Phase::Fused, true)}) {
    TestRun run(trainedNetwork("fake"), upTo(phase, updateEarly, "f16"), registerTrainer);
    ASSERT_TRUE(run.ok());
    start(run);
    TrainingLoop loop = loopOf(run);
    auto before = loop.variables;
    for (int number = 0; number < 10; ++number) {
      double expected = loop.step();
      ASSERT_NEAR(step(run, number), expected, 0.01) << "step " << number;
    }
    for (const std::string &name : run.namesOf("parameter"))
      EXPECT_LT(norm(run.variables()[name].values, loop.variables[name]),
                kHalfTolerance * norm(before[name], loop.variables[name]))
          << name;
    // The update has kept the copies that the forward pass reads.
    std::vector<std::string> copies = run.namesOf("copy");
    EXPECT_FALSE(copies.empty());
    std::map<std::string, std::vector<double>> kept;
    for (const std::string &name : copies)
      kept[name] = run.variables()[name].values;
    run.call("prepare_training");
    for (const std::string &name : copies)
      EXPECT_EQ(kept[name], run.variables()[name].values) << name;
  }
}

// A step whose gradients overflow changes nothing but the scale.
TEST(TrainerSteps, SkippedWhereGradientsOverflow) {
  TestRun run(trainedNetwork("fake"), upTo(Phase::Fused, true, "f16"), registerTrainer);
  ASSERT_TRUE(run.ok());
  start(run);
  step(run, 0);
  run.variables()["loss_scale/scale"].values = {16777216}; // too much for the largest f16, 65504
  auto before = run.variables();
  step(run, 1);
  EXPECT_EQ(run.variables()["loss_scale/scale"].values, std::vector<double>{8388608});
  for (const char *kind : {"parameter", "slot", "copy"})
    for (const std::string &name : run.namesOf(kind))
      if (name != "loss_scale/scale" && name != "loss_scale/good_steps") {
        EXPECT_EQ(before[name].values, run.variables()[name].values) << name;
      }
}

// The loss' gradient is its slope.
TEST(TrainerGradients, AgreeWithCentralDifferences) {
  TestRun run(trainedNetwork("fake"), addDifferentiation, registerTrainer);
  ASSERT_TRUE(run.ok());
  start(run);
  run.call("forward_backward");
  auto variables = run.variables(); // a copy: later calls write gradients too
  for (const std::string name : {"first.bias", "last.bias"}) {
    const std::vector<double> &gradient = variables["grad/" + name].values;
    for (size_t i = 0; i < gradient.size(); ++i) {
      constexpr double h = 1e-5;
      double &value = run.variables()[name].values[i], original = value, loss[2];
      for (int side : {0, 1}) {
        value = original + (side ? h : -h);
        run.call("forward_backward");
        loss[side] = run.variables()["io/loss"].values[0];
      }
      value = original;
      EXPECT_NEAR(gradient[i], (loss[1] - loss[0]) / (2 * h), 1e-8) << name << "[" << i << "]";
    }
  }
}

// What a description may say: numbers that two optimizers share have the fallback of the one that is chosen.
TEST(TrainerTable, NumbersAreThoseOfTheOptimizer) {
  const Optimizer *optimizers[] = {&optimizers::kSgd, &optimizers::kRmsprop, &trainer::kAdamw};
  auto fallback = [&](llvm::StringRef kind, llvm::StringRef key) {
    int found = 0;
    double value = 0;
    for (const Hyperparameter *number : optimizerNumbers(kind, optimizers))
      if (number->key == key) {
        ++found;
        value = number->fallback;
      }
    EXPECT_EQ(found, 1) << key.str();
    return value;
  };
  EXPECT_EQ(fallback("rmsprop", "epsilon"), 1.0);
  EXPECT_EQ(fallback("adamw_of_tests", "epsilon"), 1e-8);
  EXPECT_EQ(fallback("sgd", "epsilon"), 1.0); // that of the first which has it
  EXPECT_EQ(fallback("sgd", "beta2"), 0.999);
}

} // namespace incept::test
