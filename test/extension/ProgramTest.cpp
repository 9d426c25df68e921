// SPDX-License-Identifier: Apache-2.0
//
// A network with the ops of the extension as a program: a step of it gives what the interpreter gives. One kernel is
// launched with several shapes.

#include "codegen/Codegen.h"
#include "codegen/cpu/CpuBackend.h"
#include "codegen/image/Executable.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Phases.h"
#include "passes/Target.h"
#include "runtime/io/Safetensors.h"
#include "test/extension/Extension.h"
#include "test/numerics/TestNetworks.h"

#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <list>

namespace incept::test {

namespace {

/// The network for `target`.
std::string networkFor(const std::string &target) {
  return R"(
    !x = tensor<2x16x6x6xf32>
    module attributes {
        incept.target = #incept.target<)" +
         target + R"(>, incept.mode = "train", incept.network = "extended", incept.spec_hash = "0123456789abcdef",
        incept.macs = 1 : i64, incept.keep_gradients,
        incept.normalization = {mean = array<f64: 0.5, 0.5, 0.5>, std = array<f64: 0.5, 0.5, 0.5>},
        incept.training = {epochs = 1 : i64, label_smoothing = 0.1, seed = 0 : i64, weight_decay = 0.0,
          learning_rate = {base = 0.01, every_epochs = 2.0, final = 0.0, gamma = 0.9, kind = "constant",
                           warmup_epochs = 0.0},
          optimizer = {decay = 0.9, epsilon = 1.0, kind = "sgd", momentum = 0.9}}} {
      incept.variable @first.weight kind parameter init {kind = "zeros"} : tensor<16x3x3x3xf32>
      incept.variable @last.weight kind parameter init {kind = "zeros"} : tensor<3x16x6x6xf32>
      func.func @network(%images: tensor<2x3x6x6xf32>) -> tensor<2x3xf32> {
        %fw = incept.read @first.weight : tensor<16x3x3x3xf32>
        %i = extension.flip_columns %images : (tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
        %x = incept.conv2d %i, %fw pad [1, 1] pad_end [1, 1]
            : (tensor<2x3x6x6xf32>, tensor<16x3x3x3xf32>) -> !x
        %s = extension.softsign %x : (!x) -> !x
        %f = extension.flip_columns %s : (!x) -> !x
        %y = incept.add %x, %f : (!x, !x) -> !x
        %lw = incept.read @last.weight : tensor<3x16x6x6xf32>
        %l = incept.conv2d %y, %lw : (!x, tensor<3x16x6x6xf32>) -> tensor<2x3x1x1xf32>
        %logits = incept.flatten %l : (tensor<2x3x1x1xf32>) -> tensor<2x3xf32>
        return %logits : tensor<2x3xf32>
      }
    })";
}

void buildAll(mlir::OpPassManager &passes) {
  for (Phase phase : kPhases)
    buildPhase(passes, phase, PhaseOptions());
}

void addDialects(mlir::DialectRegistry &registry) {
  extension::registerExtension(registry);
  cpu::registerTarget(registry);
}

/// Files to be, whose bytes live as long as this.
class Writer {
public:
  template <typename T>
  void add(const std::string &name, const std::string &type, const reference::Tensor &tensor) {
    std::string &bytes = storage.emplace_back();
    for (double value : tensor.values) {
      T element = T(value);
      bytes.append(reinterpret_cast<const char *>(&element), sizeof(T));
    }
    tensors.push_back({name, type, {tensor.shape.begin(), tensor.shape.end()}, bytes});
  }
  bool write(const std::string &path) { return writeSafetensors(path, tensors, {}).ok(); }

private:
  std::list<std::string> storage;
  std::vector<TensorToWrite> tensors;
};

} // namespace

TEST(ExtensionProgram, StepsAsTheInterpreter) {
  TestRun expected(networkFor("fake"), addDifferentiation, addDialects);
  TestRun compiled(networkFor("cpu, threads = 1"), buildAll, addDialects);
  ASSERT_TRUE(expected.ok() && compiled.ok());
  std::string directory = testing::TempDir() + "/incept-extension-XXXXXX";
  ASSERT_TRUE(mkdtemp(directory.data()));
  std::string program = directory + "/program";
  const Target *target = findTarget(compiled.module());
  ASSERT_TRUE(target);
  auto image = target->backend()->emitImage(compiled.module());
  ASSERT_TRUE(succeeded(image) && writeExecutable(INCEPT_BIN "/incept-stub-cpu", *image, program).ok());

  Writer weights, batch;
  for (const std::string &name : expected.namesOf("parameter"))
    weights.add<float>(name, "F32", expected.variables()[name]);
  batch.add<float>("images", "F32", expected.variables()["io/f32_input"]);
  batch.add<int64_t>("labels", "I64", expected.variables()["io/labels"]);
  ASSERT_TRUE(weights.write(directory + "/weights") && batch.write(directory + "/batch"));
  std::string command = program + " step --weights=" + directory + "/weights --batch=" + directory +
                        "/batch --output=" + directory + "/output";
  ASSERT_EQ(std::system(command.c_str()), 0);
  auto output = SafetensorsFile::open(directory + "/output");
  ASSERT_TRUE(bool(output)) << output.status().message();

  expected.call("forward_backward");
  for (auto [variable, name] : {std::pair("io/loss", "loss"),
                                {"io/logits", "logits"},
                                {"grad/first.weight", "grad/first.weight"},
                                {"grad/last.weight", "grad/last.weight"}}) {
    const reference::Tensor &reference = expected.variables()[variable];
    auto found = output->tensors.find(name);
    ASSERT_NE(found, output->tensors.end()) << name;
    reference::Tensor actual = reference;
    ASSERT_EQ(found->second.bytes.size(), 4 * actual.values.size());
    for (size_t i = 0; i < actual.values.size(); ++i) {
      float value;
      std::memcpy(&value, found->second.bytes.data() + 4 * i, 4);
      actual.values[i] = value;
    }
    EXPECT_GT(largest(reference), 1e-6) << name << ": what vanishes proves nothing";
    expectClose(reference, actual, 1e-5, name);
  }
  std::system(("rm -r '" + directory + "'").c_str());
}

} // namespace incept::test
