// SPDX-License-Identifier: Apache-2.0
//
// Every gradient rule against central differences of the loss, in the f64 interpreter.

#include "TestNetworks.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

namespace incept::test {

class Gradients : public testing::TestWithParam<TestNetwork> {};

/// (loss(value + h) - loss(value - h)) / 2h for element `index` of a parameter.
static double centralDifference(TestRun &run, const std::string &parameter, int64_t index) {
  constexpr double h = 1e-5;
  double &value = run.variables()[parameter].values[index];
  double original = value;
  double loss[2];
  for (int side : {0, 1}) {
    value = original + (side ? h : -h);
    // Running statistics move with each call, but the loss does not depend on them.
    run.call("forward_backward");
    loss[side] = run.variables()["io/loss"].values[0];
  }
  value = original;
  return (loss[1] - loss[0]) / (2 * h);
}

TEST_P(Gradients, AgreeWithCentralDifferences) {
  TestRun run(moduleText(GetParam()), addDifferentiation);
  ASSERT_TRUE(run.ok());
  run.call("forward_backward");
  auto variables = run.variables(); // a copy: later calls write gradients too
  for (const std::string &parameter : run.namesOf("parameter")) {
    const reference::Tensor &gradient = variables["grad/" + parameter];
    double scale = std::max(largest(gradient), 1e-3);
    if (llvm::StringRef(parameter).ends_with("weight")) {
      EXPECT_GT(largest(gradient), 1e-6) << parameter << ": a gradient that vanishes proves nothing";
    }
    // All elements of small parameters, a sample of large ones.
    int64_t step = std::max<int64_t>(gradient.size() / 61, 1);
    for (int64_t index = 0; index < gradient.size(); index += step)
      EXPECT_NEAR(gradient.values[index], centralDifference(run, parameter, index), 1e-6 * scale)
          << parameter << "[" << index << "]";
  }
}

INSTANTIATE_TEST_SUITE_P(Rules, Gradients, testing::ValuesIn(testNetworks()),
                         [](const auto &info) { return std::string(info.param.name); });

} // namespace incept::test
