// SPDX-License-Identifier: Apache-2.0
//
// Ten steps of a compiled program with the optimizer and the loss of the tests' own, against the loop. The runtime,
// too, knows nothing of them: it finds the hyper-parameters in the program.

#include "codegen/Codegen.h"
#include "codegen/cpu/CpuBackend.h"
#include "codegen/image/Executable.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Phases.h"
#include "passes/Target.h"
#include "runtime/io/Safetensors.h"
#include "test/extension/optimizer/Trainer.h"
#include "test/extension/optimizer/TrainingLoop.h"
#include "test/numerics/TestNetworks.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <list>

namespace incept::test {

namespace {

void buildAll(mlir::OpPassManager &passes) {
  for (Phase phase : kPhases)
    buildPhase(passes, phase, PhaseOptions());
}

void addDialects(mlir::DialectRegistry &registry) {
  trainer::registerTrainer(registry);
  cpu::registerTarget(registry);
}

/// A file to be.
template <typename T>
struct Contents {
  std::list<std::vector<T>> storage;
  std::vector<TensorToWrite> tensors;

  void add(const std::string &name, const char *type, const std::vector<int64_t> &shape, const auto &values) {
    std::vector<T> &own = storage.emplace_back(values.begin(), values.end());
    tensors.push_back({name, type, shape, {reinterpret_cast<const char *>(own.data()), own.size() * sizeof(T)}});
  }
};

/// Checks a tensor of a file, f32.
void expectTensor(const SafetensorsFile &file, const std::string &name, const std::vector<double> &expected) {
  auto found = file.tensors.find(name);
  ASSERT_NE(found, file.tensors.end()) << name;
  ASSERT_EQ(found->second.bytes.size(), 4 * expected.size()) << name;
  double largest = 0;
  for (double value : expected)
    largest = std::max(largest, std::abs(value));
  for (size_t i = 0; i < expected.size(); ++i) {
    float value;
    std::memcpy(&value, found->second.bytes.data() + 4 * i, 4);
    ASSERT_NEAR(value, expected[i], 2e-5 * largest) << name << "[" << i << "]";
  }
}

} // namespace

TEST(TrainerProgram, TenStepsAreThoseOfTheLoop) {
  TestRun compiled(trainedNetwork("cpu, threads = 1"), buildAll, addDialects);
  ASSERT_TRUE(compiled.ok());
  std::string directory = testing::TempDir() + "/incept-trainer-XXXXXX";
  ASSERT_TRUE(mkdtemp(directory.data()));
  std::string program = directory + "/program";
  const Target *target = findTarget(compiled.module());
  ASSERT_TRUE(target);
  auto image = target->backend()->emitImage(compiled.module());
  ASSERT_TRUE(succeeded(image) && writeExecutable(INCEPT_BIN "/incept-stub-cpu", *image, program).ok());

  TrainingLoop loop;
  loop.labels = {2, 0};
  Contents<float> weights;
  Contents<float> images;
  Contents<int64_t> labels;
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
    weights.add(name, "F32", shape, loop.variables[name]);
  }
  loop.images = fill(216, 1);
  images.add("images", "F32", {2, 3, 6, 6}, loop.images);
  labels.add("labels", "I64", {2}, loop.labels);
  images.tensors.push_back(labels.tensors.front());
  ASSERT_TRUE(writeSafetensors(directory + "/weights", weights.tensors, {}).ok());
  ASSERT_TRUE(writeSafetensors(directory + "/batch", images.tensors, {}).ok());
  std::string command = program + " step --steps=10 --weights=" + directory + "/weights --batch=" + directory +
                        "/batch --output=" + directory + "/output";
  ASSERT_EQ(std::system(command.c_str()), 0);
  auto output = SafetensorsFile::open(directory + "/output");
  ASSERT_TRUE(bool(output)) << output.status().message();

  std::vector<double> losses;
  for (int step = 0; step < 10; ++step)
    losses.push_back(loop.step());
  EXPECT_LT(losses.back(), 0.5 * losses.front()); // it learns
  expectTensor(*output, "losses", losses);
  for (const char *name : {"first.weight", "first.bias", "last.weight", "last.bias"})
    expectTensor(*output, name, loop.variables[name]);
  std::system(("rm -r '" + directory + "'").c_str());
}

} // namespace incept::test
