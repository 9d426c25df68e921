// SPDX-License-Identifier: Apache-2.0
//
// Ten steps of a compiled program with the optimizer and the loss of the tests' own, against the loop. The runtime,
// too, knows nothing of them: it finds the hyper-parameters in the program.

#include "codegen/cpu/CpuBackend.h"
#include "test/extension/ProgramRun.h"
#include "test/extension/optimizer/Trainer.h"
#include "test/extension/optimizer/TrainingLoop.h"
#include "test/numerics/TestNetworks.h"

#include <cmath>

namespace incept::test {

namespace {

void addDialects(mlir::DialectRegistry &registry) {
  trainer::registerTrainer(registry);
  cpu::registerTarget(registry);
}

/// Checks a tensor that the steps wrote.
void expectTensor(const ProgramRun &program, const std::string &name, const std::vector<double> &expected) {
  std::vector<double> actual = program.read(name);
  ASSERT_EQ(actual.size(), expected.size()) << name;
  double largest = 0;
  for (double value : expected)
    largest = std::max(largest, std::abs(value));
  for (size_t i = 0; i < expected.size(); ++i)
    ASSERT_NEAR(actual[i], expected[i], 2e-5 * largest) << name << "[" << i << "]";
}

} // namespace

TEST(TrainerProgram, TenStepsAreThoseOfTheLoop) {
  TestRun compiled(trainedNetwork("cpu, threads = 1"), buildAllPhases, addDialects);
  ASSERT_TRUE(compiled.ok());
  TrainingLoop loop;
  loop.labels = {2, 0};
  ProgramRun program;
  auto fill = [](size_t count, double scale) {
    std::vector<double> values(count);
    for (size_t i = 0; i < count; ++i)
      values[i] = float(scale * std::sin(double(i * i + 3 * i + 1)));
    return values;
  };
  for (const auto &[name, shape, scale] :
       std::vector<std::tuple<std::string, std::vector<int64_t>, double>>{{"first.weight", {16, 3, 1, 1}, 0.8},
                                                                          {"first.bias", {16}, 0.4},
                                                                          {"last.weight", {3, 16, 6, 6}, 0.05},
                                                                          {"last.bias", {3}, 0.1}}) {
    size_t count = 1;
    for (int64_t size : shape)
      count *= size_t(size);
    loop.variables[name] = fill(count, scale);
    program.weights.add<float>(name, "F32", shape, loop.variables[name]);
  }
  loop.images = fill(216, 1);
  program.batch.add<float>("images", "F32", {2, 3, 6, 6}, loop.images);
  program.batch.add<int64_t>("labels", "I64", {2}, loop.labels);
  ASSERT_TRUE(program.step(compiled.module(), "--steps=10"));

  std::vector<double> losses;
  for (int step = 0; step < 10; ++step)
    losses.push_back(loop.step());
  EXPECT_LT(losses.back(), 0.5 * losses.front()); // it learns
  expectTensor(program, "losses", losses);
  for (const char *name : {"first.weight", "first.bias", "last.weight", "last.bias"})
    expectTensor(program, name, loop.variables[name]);
}

} // namespace incept::test
