// SPDX-License-Identifier: Apache-2.0
//
// Every gradient rule against central differences of the loss, in the f64 interpreter.

#include "TestNetworks.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

namespace incept::test {

class Gradients : public testing::TestWithParam<TestNetwork> {};

TEST_P(Gradients, AgreeWithCentralDifferences) { expectGradientsOf(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Rules, Gradients, testing::ValuesIn(testNetworks()),
                         [](const auto &info) { return std::string(info.param.name); });

} // namespace incept::test
