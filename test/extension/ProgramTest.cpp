// SPDX-License-Identifier: Apache-2.0
//
// A network with the ops of the extension as a program: a step of it gives what the interpreter gives. One kernel is
// launched with several shapes.

#include "codegen/cpu/CpuBackend.h"
#include "test/extension/Extension.h"
#include "test/extension/ProgramRun.h"
#include "test/numerics/TestNetworks.h"

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

void addDialects(mlir::DialectRegistry &registry) {
  extension::registerExtension(registry);
  cpu::registerTarget(registry);
}

} // namespace

TEST(ExtensionProgram, StepsAsTheInterpreter) {
  TestRun expected(networkFor("fake"), addDifferentiation, addDialects);
  TestRun compiled(networkFor("cpu, threads = 1"), buildAllPhases, addDialects);
  ASSERT_TRUE(expected.ok() && compiled.ok());
  ProgramRun program;
  auto add = [&]<typename T>(TensorFile &file, const std::string &name, const char *type,
                             const reference::Tensor &tensor, T) {
    file.add<T>(name, type, {tensor.shape.begin(), tensor.shape.end()}, tensor.values);
  };
  for (const std::string &name : expected.namesOf("parameter"))
    add(program.weights, name, "F32", expected.variables()[name], float());
  add(program.batch, "images", "F32", expected.variables()["io/f32_input"], float());
  add(program.batch, "labels", "I64", expected.variables()["io/labels"], int64_t());
  ASSERT_TRUE(program.step(compiled.module(), ""));

  expected.call("forward_backward");
  for (auto [variable, name] : {std::pair("io/loss", "loss"),
                                {"io/logits", "logits"},
                                {"grad/first.weight", "grad/first.weight"},
                                {"grad/last.weight", "grad/last.weight"}}) {
    const reference::Tensor &reference = expected.variables()[variable];
    reference::Tensor actual = reference;
    actual.values = program.read(name);
    ASSERT_EQ(actual.values.size(), reference.values.size()) << name;
    EXPECT_GT(largest(reference), 1e-6) << name << ": what vanishes proves nothing";
    expectClose(reference, actual, 1e-5, name);
  }
}

} // namespace incept::test
