// SPDX-License-Identifier: Apache-2.0
//
// --cse and --canonicalize may run between any two passes: programs for the CPU still compute what the interpreter
// does.

#include "EditRun.h"
#include "mlir/Parser/Parser.h"
#include "test/numerics/TestNetworks.h"

#include <gtest/gtest.h>

using namespace mlir;

namespace incept::test {

class Cleaning : public testing::TestWithParam<TestNetwork> {};

TEST_P(Cleaning, KeepsThePrograms) {
  std::string text = moduleText(GetParam(), "rmsprop"), target = "#incept.target<fake>";
  text.replace(text.find(target), target.size(), "#incept.target<cpu, threads = 1>");
  static EditRun run;
  auto module = parseSourceString<ModuleOp>(text, &run.mlirContext(), "network");
  ASSERT_TRUE(module);
  // Some ops have no fast implementation, or f64, in a program.
  Verdict plain = run.judge(*module, Phase::Graph);
  if (plain.kind == Verdict::Refused)
    GTEST_SKIP() << plain.why;
  EXPECT_EQ(plain.kind, Verdict::Equal) << plain.why;
  Verdict cleaned = run.judge(*module, Phase::Graph, /*cleans=*/true);
  EXPECT_EQ(cleaned.kind, Verdict::Equal) << cleaned.why;
}

INSTANTIATE_TEST_SUITE_P(Networks, Cleaning, testing::ValuesIn(testNetworks()),
                         [](const auto &info) { return std::string(info.param.name); });

} // namespace incept::test
