// SPDX-License-Identifier: Apache-2.0
//
// Load, check, prepare and step with a program written by hand, whose values can be computed here.

#include "runtime/device/cpu/CpuDevice.h"
#include "runtime/support/Philox.h"
#include "runtime/train/Trainer.h"
#include "test/runtime/TinyProgram.h"

#include <cmath>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>

using namespace incept;
using nlohmann::json;

namespace {

class ProgramTest : public ::testing::Test {
protected:
  json header = tests::tinyHeader(tests::tinyKernels().size());
  tests::TemporaryDirectory directory;

  std::string path() { return directory.write("tiny", tests::makeElf(tests::makeImage(header, tests::tinyKernels()))); }
  Expected<std::unique_ptr<Program>> open() { return Program::open(path(), cpuBackend()); }

  static std::vector<float> values(Program &program, const char *name) {
    auto bytes = program.read(*program.image().find(name));
    EXPECT_TRUE(bool(bytes));
    std::vector<float> result(bytes->size() / 4);
    std::memcpy(result.data(), bytes->data(), bytes->size());
    return result;
  }

  /// Four one-pixel images, of classes 0, 1, 2, 0.
  static void fill(Program &program) {
    std::memset(program.u8Images(), 0, 16);
    for (int row = 0; row < 4; ++row) {
      program.u8Images()[row * 4 + row] = 255;
      program.labels()[row] = row % 3;
    }
  }

  /// The message with which opening fails.
  std::string refusal(Code code) {
    auto program = open();
    if (program)
      return "";
    EXPECT_EQ(program.status().code(), code) << program.status().message();
    return program.status().message();
  }
};

/// Mean and deviation.
std::pair<double, double> moments(const std::vector<float> &values) {
  double sum = 0, squares = 0;
  for (float value : values) {
    sum += value;
    squares += double(value) * value;
  }
  double mean = sum / double(values.size());
  return {mean, std::sqrt(squares / double(values.size()) - mean * mean)};
}

} // namespace

// From zero weights every class has probability 1/3, so loss is log 3 and the gradient is known.
TEST_F(ProgramTest, StepsAsComputedByHand) {
  auto opened = open();
  ASSERT_TRUE(bool(opened)) << opened.status().message();
  Program &program = **opened;
  ASSERT_TRUE(program.initialize(1).ok());
  fill(program);
  ASSERT_TRUE(program.trainStep(0, 1, 1).ok());
  EXPECT_NEAR(program.loss(), std::log(3.0), 1e-6);
  auto gradient = values(program, "grad/linear.weight"), weights = values(program, "linear.weight");
  for (int k = 0; k < 3; ++k)
    for (int p = 0; p < 4; ++p) {
      double expected = (1.0 / 3 - (p % 3 == k)) / 4;
      EXPECT_NEAR(gradient[k * 4 + p], expected, 1e-6);
      EXPECT_NEAR(weights[k * 4 + p], -0.5 * expected, 1e-6); // learning rate 0.5
    }
  float before = program.loss();
  for (int step = 1; step < 50; ++step)
    ASSERT_TRUE(program.trainStep(step, 1, 1).ok());
  EXPECT_LT(program.loss(), 0.8f * before);
}

// The third launch writes the loss; a subset of launches leaves alone what only the others write.
TEST_F(ProgramTest, RunsOnlyTheLaunchesThatAreWanted) {
  auto opened = open();
  ASSERT_TRUE(bool(opened));
  Program &program = **opened;
  ASSERT_TRUE(program.initialize(1).ok());
  fill(program);
  ASSERT_TRUE(program.device().run(program::kStageU8).ok());
  auto isLoss = [](const program::Launch &launch) { return launch.index == 3; };
  ASSERT_TRUE(program.device()
                  .runOnly(program::kForwardBackward, [&](const program::Launch &launch) { return !isLoss(launch); })
                  .ok());
  EXPECT_EQ(program.loss(), 0);
  ASSERT_TRUE(program.device().runOnly(program::kForwardBackward, isLoss).ok());
  EXPECT_NEAR(program.loss(), std::log(3.0), 1e-6);
}

// One time for each run of each launch, from the start of the profile on.
TEST_F(ProgramTest, TimesEachLaunch) {
  auto opened = open();
  ASSERT_TRUE(bool(opened));
  Program &program = **opened;
  fill(program);
  ASSERT_TRUE(program.trainStep(0, 1, 1).ok());
  program.device().startProfile(2);
  for (int step = 1; step < 3; ++step)
    ASSERT_TRUE(program.trainStep(step, 1, 1).ok());
  const auto &times = program.device().profile(program::kForwardBackward);
  ASSERT_EQ(times.size(), 2u);
  for (const auto &launch : times) {
    ASSERT_EQ(launch.size(), 2u);
    for (double seconds : launch)
      EXPECT_GE(seconds, 0);
  }
  EXPECT_TRUE(program.device().profile(program::kInfer)[0].empty());
}

// prepare_training runs before the first step after weights came in, and not before the others.
TEST_F(ProgramTest, PreparesTrainingOncePerWeights) {
  json copy = header["tensors"][1], launch = header["entries"]["stage_f32"][0];
  copy.update({{"name", "copy"}, {"kind", "copy"}, {"region", 2}, {"offset", 1024}});
  header["tensors"].push_back(copy);
  launch["operands"][1] = {2, 1024};
  header["entries"]["prepare_training"] = json::array({launch});
  auto opened = open();
  ASSERT_TRUE(bool(opened)) << opened.status().message();
  Program &program = **opened;
  auto copied = [&](float value, int64_t step) {
    std::fill_n(program.f32Images(), 16, value);
    EXPECT_TRUE(program.trainStep(step, 1, 1).ok());
    return values(program, "copy")[0];
  };
  ASSERT_TRUE(program.initialize(1).ok());
  EXPECT_EQ(copied(2, 0), 2);
  EXPECT_EQ(copied(3, 1), 2);
  ASSERT_TRUE(program.initialize(1).ok());
  EXPECT_EQ(copied(4, 2), 4);
}

TEST_F(ProgramTest, InitialWeightsHaveTheirDistributions) {
  struct Case {
    json init;
    double mean, deviation, limit;
  };
  const Case cases[] = {{{{"kind", "he_normal"}, {"fan_in", 8}, {"fan_out", 4}}, 0, 0.5, 3.5},
                        {{{"kind", "he_uniform"}, {"fan_in", 6}, {"fan_out", 4}}, 0, 1 / std::sqrt(3.0), 1},
                        {{{"kind", "glorot_uniform"}, {"fan_in", 16}, {"fan_out", 8}}, 0, 0.5 / std::sqrt(3.0), 0.5},
                        {{{"kind", "truncated_normal"}, {"std", 0.1}}, 0, 0.1 * 0.8796, 0.2},
                        {{{"kind", "constant"}, {"value", 0.25}}, 0.25, 0, 0.25},
                        {{{"kind", "ones"}}, 1, 0, 1}};
  for (const Case &c : cases) {
    header = tests::tinyHeader(tests::tinyKernels().size());
    json wide = header["tensors"][5];
    wide.update({{"name", "wide.weight"}, {"shape", {16000}}, {"offset", 1024}, {"bytes", 64000}, {"init", c.init}});
    header["tensors"].push_back(wide);
    auto opened = open();
    ASSERT_TRUE(bool(opened)) << opened.status().message();
    ASSERT_TRUE((*opened)->initialize(3).ok());
    auto drawn = values(**opened, "wide.weight");
    auto [mean, deviation] = moments(drawn);
    EXPECT_NEAR(mean, c.mean, 5 * c.deviation / std::sqrt(16000.0) + 1e-6) << c.init;
    EXPECT_NEAR(deviation, c.deviation, 0.03 * c.deviation + 1e-4) << c.init;
    for (float value : drawn)
      ASSERT_LE(std::abs(value), c.limit * (1 + 1e-6)) << c.init;
    ASSERT_TRUE((*opened)->initialize(3).ok());
    EXPECT_EQ(values(**opened, "wide.weight"), drawn);
    ASSERT_TRUE((*opened)->initialize(4).ok());
    EXPECT_EQ(values(**opened, "wide.weight") == drawn, c.deviation == 0) << c.init;
  }
}

// Each value is the next of its tensor's own stream, whatever the number of threads and the order of tensors.
TEST_F(ProgramTest, InitialWeightsDependOnSeedAndNameAlone) {
  const std::vector<std::string> names = {"a.weight", "b.weight", "c.weight", "d.weight", "e.weight"};
  int64_t offset = 1024, elements = 1000;
  for (const std::string &name : names) { // of 1,000 to 81,000 elements: threads draw the last two
    json tensor = header["tensors"][5];
    tensor.update({{"name", name}, {"shape", {elements}}, {"offset", offset}, {"bytes", elements * 4}});
    tensor["init"] = {{"kind", "he_uniform"}, {"fan_in", 6}};
    header["tensors"].push_back(tensor);
    offset += (elements * 4 + 63) / 64 * 64;
    elements *= 3;
  }
  header["regions"][header["tensors"][5]["region"].get<size_t>()]["bytes"] = offset;
  auto opened = open();
  ASSERT_TRUE(bool(opened)) << opened.status().message();
  for (size_t threads : {1, 2, 7}) {
    ASSERT_TRUE((*opened)->initialize(3).ok());
    ASSERT_TRUE((*opened)->initialize(11, threads).ok());
    for (const std::string &name : names) {
      PhiloxStream random(11, hashName(name));
      for (float value : values(**opened, name.c_str()))
        ASSERT_EQ(value, static_cast<float>(2 * random.uniform() - 1)) << name << ", " << threads << " threads";
    }
  }
}

TEST_F(ProgramTest, SavesAndLoadsWeights) {
  auto opened = open();
  ASSERT_TRUE(bool(opened));
  Program &program = **opened;
  fill(program);
  ASSERT_TRUE(program.trainStep(0, 1, 1).ok());
  auto before = values(program, "linear.weight");
  std::string path = directory.path("w.safetensors");
  ASSERT_TRUE(program.saveTensors(path, {"parameter", "state"}, {}, {}).ok());
  ASSERT_TRUE(program.initialize(1).ok());
  auto file = SafetensorsReader::open(path);
  ASSERT_TRUE(bool(file));
  ASSERT_TRUE(program.loadTensors(*file, {"parameter", "state"}).ok());
  EXPECT_EQ(values(program, "linear.weight"), before);
}

// All that is wrong is said at once, and nothing has been loaded.
TEST_F(ProgramTest, ListsEveryWrongTensor) {
  json second = header["tensors"][5];
  second.update({{"name", "other.weight"}, {"offset", 1024}});
  header["tensors"].push_back(second);
  auto opened = open();
  ASSERT_TRUE(bool(opened)) << opened.status().message();
  std::string path = directory.path("w.safetensors"), data(48, '\x11');
  ASSERT_TRUE(writeSafetensors(path, {{"linear.weight", "F32", {4, 3}, data}, {"extra", "F32", {12}, data}}, {}).ok());
  auto file = SafetensorsReader::open(path);
  ASSERT_TRUE(bool(file));
  auto before = values(**opened, "linear.weight");
  Status status = (*opened)->loadTensors(*file, {"parameter"});
  EXPECT_EQ(status.code(), Code::Input);
  for (const char *words : {"'linear.weight' has another shape", "missing 'other.weight'", "unexpected 'extra'"})
    EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
  EXPECT_EQ(values(**opened, "linear.weight"), before);
}

TEST_F(ProgramTest, RefusesAnotherMachine) {
  header["target"]["isa"] = "avx9000";
  EXPECT_NE(refusal(Code::Machine).find("incept compile"), std::string::npos);
  auto loaded = Program::load(path(), cpuBackend());
  ASSERT_TRUE(bool(loaded)) << loaded.status().message(); // to be looked at on any machine
  EXPECT_EQ((*loaded)->image().isa, "avx9000");
  header = tests::tinyHeader(tests::tinyKernels().size());
  header["target"]["onednn"] = "0.0.1";
  EXPECT_NE(refusal(Code::Machine).find("incept compile"), std::string::npos);
}

TEST_F(ProgramTest, RefusesWhatCannotRun) {
  header["kernels"][0]["name"] = "no_such_symbol";
  EXPECT_NE(refusal(Code::Input).find("no_such_symbol"), std::string::npos);
  header = tests::tinyHeader(tests::tinyKernels().size());
  header["entries"].erase("infer");
  EXPECT_NE(refusal(Code::Input).find("infer"), std::string::npos);
  header = tests::tinyHeader(tests::tinyKernels().size());
  header["tensors"].erase(4);
  EXPECT_NE(refusal(Code::Input).find("io/logits"), std::string::npos);
}

TEST_F(ProgramTest, RefusesDamagedHyperparameters) {
  header["training"]["learning_rate"]["kind"] = "by mood";
  EXPECT_EQ(refusal(Code::Input), "the program image is damaged: its learning rate is of unknown kind 'by mood'");
  header["training"] = json::array();
  EXPECT_EQ(refusal(Code::Input), "the program image is damaged: 'training' is not an object");
}

// A format that needs more room than its tensor has must not reach the library that writes it.
TEST_F(ProgramTest, RefusesFormatsBeyondTheirTensor) {
  header["tensors"][5]["format"] = "no such format";
  EXPECT_NE(refusal(Code::Input), "");
  header["tensors"][5]["format"] = "";
  header["tensors"][5]["type"] = "u8"; // only f32 is packed
  header["tensors"][5]["format"] = "nhwc8c";
  EXPECT_NE(refusal(Code::Input), "");
  // Nor bf16, but for copies that only the program reads.
  header = tests::tinyHeader(tests::tinyKernels().size());
  header["tensors"][5].update({{"type", "bf16"}, {"format", "3x4/1x3/"}});
  EXPECT_NE(refusal(Code::Input).find("'3x4/1x3/' does not fit tensor 'linear.weight'"), std::string::npos);
  header = tests::tinyHeader(tests::tinyKernels().size());
  json copy = header["tensors"][5];
  copy.update({{"name", "copy/linear.weight"}, {"kind", "copy"}, {"type", "bf16"}, {"format", "3x4/1x3/"}});
  copy.update({{"offset", 1024}, {"bytes", 24}});
  header["tensors"].push_back(copy);
  EXPECT_TRUE(bool(open()));
  header["tensors"].back()["bytes"] = 23;
  EXPECT_NE(refusal(Code::Input), "");
  header["tensors"].back().update({{"bytes", 24}, {"format", "16x4/1x16/"}});
  EXPECT_NE(refusal(Code::Input).find("does not fit tensor 'copy/linear.weight'"), std::string::npos);
}

// Fields of the step block are written with 8 bytes or as f32.
TEST_F(ProgramTest, RefusesNarrowStepFields) {
  header["step"][0] = {{"name", "step"}, {"type", "u8"}, {"offset", 63}};
  EXPECT_NE(refusal(Code::Input), "");
}

// Memory that no machine has is refused before the first step, and not before `info`.
TEST_F(ProgramTest, RefusesMoreMemoryThanThereIs) {
  header["regions"][0]["bytes"] = int64_t(1) << 45;
  std::string message = refusal(Code::Machine);
  EXPECT_NE(message.find("bytes of memory, but there are"), std::string::npos) << message;
  EXPECT_NE(message.find("smaller --batch-size"), std::string::npos) << message;
  EXPECT_TRUE(bool(Program::load(path(), cpuBackend())));
}

// With --epochs the schedule ends where the training does, not where the description's would.
TEST_F(ProgramTest, CosineEndsWithTheTraining) {
  header["training"]["learning_rate"] = {{"kind", "cosine"}, {"base", 0.5}, {"final", 0.0}};
  auto opened = open();
  ASSERT_TRUE(bool(opened));
  TrainOptions options;
  options.data = "synthetic:";
  options.epochs = 2;
  ASSERT_EQ(train(**opened, options).message(), "");
  EXPECT_NEAR((*opened)->hyperparameters().learningRate(64, 64), 0.25, 1e-12);
}

// More epochs than can be counted, or none, are not a training that ends at once.
TEST_F(ProgramTest, RefusesEpochsThatCannotBeCounted) {
  for (double epochs : {1e300, -1.0}) {
    auto opened = open();
    ASSERT_TRUE(bool(opened));
    TrainOptions options;
    options.data = "synthetic:";
    (*opened)->hyperparameters().setEpochs(epochs);
    EXPECT_EQ(train(**opened, options).code(), Code::Usage) << epochs;
  }
}
