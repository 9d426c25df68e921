// SPDX-License-Identifier: Apache-2.0
//
// Trainings on a device that computes nothing.
#pragma once

#include "runtime/train/Trainer.h"
#include "test/runtime/ScriptedDevice.h"
#include "test/runtime/TinyProgram.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>

namespace incept {

using nlohmann::json;

inline constexpr int kClasses = 3;
/// The step of the script from its block; images are numbered by their first pixel, and so are their labels.
inline int64_t stepOf(const tests::ScriptedStep &step) {
  int64_t value;
  std::memcpy(&value, step.block.data(), 8);
  return value;
}

/// A program of `header` on that device, made anew for each training.
class ScriptedTraining : public ::testing::Test {
protected:
  json header;
  tests::TemporaryDirectory directory;
  std::string folder = directory.path("run");

  ScriptedTraining(int64_t batch, int64_t classes) {
    tests::script() = {};
    header = tests::scriptedHeader(batch, classes);
  }

  template <typename Body>
  Status with(Body body) {
    std::string elf = tests::makeElf(tests::makeImage(header, tests::tinyKernels()));
    auto program =
        Program::open(directory.write("program" + std::to_string(programs++), elf), tests::scriptedBackend());
    return program ? body(**program) : program.status();
  }
  Status run(const TrainOptions &options) {
    return with([&](Program &program) { return train(program, options); });
  }

private:
  int programs = 0;
};

class TrainerTest : public ScriptedTraining {
protected:
  std::string log = directory.path("log");

  TrainerTest() : ScriptedTraining(4, kClasses) {
    tests::script().depth = 2;
    tests::script().compute = [](const tests::ScriptedStep &step, std::vector<float> &, float &loss) {
      loss = 1 / float(stepOf(step) + 1);
    };
  }

  /// Writes images 0 to count - 1 of a split, image i of class i mod 3.
  void writeImages(const std::string &prefix, int count) {
    auto word = [](int value) { return std::string{0, 0, static_cast<char>(value >> 8), static_cast<char>(value)}; };
    std::string images = word(0x803) + word(count) + word(2) + word(2), labels = word(0x801) + word(count);
    for (int i = 0; i < count; ++i) {
      images += std::string{static_cast<char>(i), 1, 2, 3};
      labels += static_cast<char>(i % kClasses);
    }
    directory.write(prefix + "-images-idx3-ubyte", images);
    directory.write(prefix + "-labels-idx1-ubyte", labels);
  }

  TrainOptions options(int64_t steps, bool resume = false) {
    TrainOptions result;
    result.data = "idx:" + directory.path("");
    result.steps = steps;
    result.checkpointDirectory = folder;
    result.log = log;
    result.resume = resume;
    return result;
  }

  /// The steps of training that were started, in their order.
  static std::vector<tests::ScriptedStep> trained() {
    std::vector<tests::ScriptedStep> result;
    std::copy_if(tests::script().steps.begin(), tests::script().steps.end(), std::back_inserter(result),
                 [](const tests::ScriptedStep &step) { return step.work == Work::Train; });
    return result;
  }
  /// The images of so many steps from `first` on.
  static std::vector<int> imagesOf(const std::vector<tests::ScriptedStep> &steps, size_t first, size_t count) {
    std::vector<int> result;
    for (size_t i = first; i < first + count; ++i)
      for (size_t row = 0; row < 4; ++row)
        result.push_back(steps.at(i).images[row * 4]);
    return result;
  }
  static std::vector<int> sorted(std::vector<int> values) {
    std::sort(values.begin(), values.end());
    return values;
  }

  std::vector<json> logLines() {
    std::vector<json> result;
    std::ifstream file(log);
    for (std::string line; std::getline(file, line);)
      result.push_back(json::parse(line));
    return result;
  }

  template <typename T>
  static T field(const tests::ScriptedStep &step, size_t offset) {
    T value;
    std::memcpy(&value, step.block.data() + offset, sizeof value);
    return value;
  }
};

} // namespace incept
