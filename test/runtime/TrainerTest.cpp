// SPDX-License-Identifier: Apache-2.0
//
// What the training loop gives to each step, and what it makes of its losses: on a device that computes nothing.

#include "runtime/train/Checkpoint.h"
#include "test/runtime/TrainerFixture.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>

using namespace incept;
namespace fs = std::filesystem;

// Every image once in an epoch, in another order each time, with its own pixels and label.
TEST_F(TrainerTest, EpochsArePermutations) {
  writeImages("train", 40);
  TrainOptions first = options(30);
  first.seed = 5;
  ASSERT_EQ(run(first).message(), "");
  auto steps = trained();
  ASSERT_EQ(steps.size(), 30u);
  std::vector<int> all(40);
  std::iota(all.begin(), all.end(), 0);
  std::vector<int> epochs[3];
  for (size_t epoch = 0; epoch < 3; ++epoch) {
    epochs[epoch] = imagesOf(steps, 10 * epoch, 10);
    EXPECT_EQ(sorted(epochs[epoch]), all) << epoch;
    EXPECT_NE(epochs[epoch], all) << epoch;
    for (size_t other = 0; other < epoch; ++other) {
      EXPECT_NE(epochs[epoch], epochs[other]);
      // Not the same batches with another order inside or among them either.
      EXPECT_NE(sorted({epochs[epoch].begin(), epochs[epoch].begin() + 4}),
                sorted({epochs[other].begin(), epochs[other].begin() + 4}));
    }
  }
  for (const tests::ScriptedStep &step : steps)
    for (int row = 0; row < 4; ++row) {
      uint8_t image = step.images[row * 4];
      EXPECT_EQ((std::vector<uint8_t>(step.images.begin() + row * 4, step.images.begin() + row * 4 + 4)),
                (std::vector<uint8_t>{image, 1, 2, 3}));
      EXPECT_EQ(step.labels[row], image % kClasses);
    }
  // Another seed, another order.
  fs::remove_all(folder);
  tests::script().steps.clear();
  first.seed = 6;
  ASSERT_EQ(run(first).message(), "");
  EXPECT_NE(imagesOf(trained(), 0, 10), epochs[0]);
}

// Of 11 images in batches of four three are left out, other ones in other epochs, and none comes twice.
TEST_F(TrainerTest, WhatFillsNoBatchIsLeftOut) {
  writeImages("train", 11);
  TrainOptions some = options(0);
  some.epochs = 12;
  ASSERT_EQ(run(some).message(), "");
  auto steps = trained();
  ASSERT_EQ(steps.size(), 24u);
  std::set<int> seen;
  for (size_t epoch = 0; epoch < 12; ++epoch) {
    std::vector<int> images = sorted(imagesOf(steps, 2 * epoch, 2));
    EXPECT_EQ(std::unique(images.begin(), images.end()), images.end()) << epoch;
    seen.insert(images.begin(), images.end());
  }
  EXPECT_EQ(seen.size(), 11u);
  writeImages("train", 3);
  fs::remove_all(folder);
  Status few = run(some);
  EXPECT_NE(few.message().find("has 3 training images, fewer than one batch of 4"), std::string::npos) << few.message();
}

// The block of each step: its number, the seed, the number of the first sample, and the rate.
TEST_F(TrainerTest, StepBlocks) {
  writeImages("train", 16);
  header["training"]["learning_rate"] = {{"kind", "constant"}, {"base", 0.5}, {"warmup_epochs", 1.5}};
  TrainOptions some = options(8);
  some.seed = 0x123456789abcdef0;
  ASSERT_EQ(run(some).message(), "");
  auto steps = trained();
  ASSERT_EQ(steps.size(), 8u);
  // Six steps of warm-up: the first has a seventh of the rate.
  const double shares[] = {1. / 7, 2. / 7, 3. / 7, 4. / 7, 5. / 7, 6. / 7, 1, 1};
  for (int64_t step = 0; step < 8; ++step) {
    EXPECT_EQ(field<int64_t>(steps[step], 0), step);
    EXPECT_EQ(field<uint64_t>(steps[step], 8), 0x123456789abcdef0u);
    EXPECT_EQ(field<int64_t>(steps[step], 16), 4 * step);
    EXPECT_FLOAT_EQ(field<float>(steps[step], 24), float(0.5 * shares[step]));
  }
  auto lines = logLines();
  ASSERT_EQ(lines.size(), 8u);
  for (int step = 0; step < 8; ++step)
    EXPECT_NEAR(lines[step]["learning_rate"].get<double>(), 0.5 * shares[step], 1e-9);
}

// A field of f32 that the runtime does not know is the optimizer's number of that name.
TEST_F(TrainerTest, StepBlocksHaveTheOptimizersNumbers) {
  writeImages("train", 8);
  header["step"].push_back({{"name", "momentum"}, {"type", "f32"}, {"offset", 28}});
  header["training"]["optimizer"]["momentum"] = 0.75;
  ASSERT_EQ(run(options(2)).message(), "");
  EXPECT_EQ(field<float>(trained()[1], 28), 0.75f);
}

// The rows of the log: which step, where in the epoch, the loss and the share of rows that are right. The first of
// equal scores is the network's answer, and a score that is no number is none.
TEST_F(TrainerTest, LogsWhatTheStepsGave) {
  writeImages("train", 16);
  writeImages("t10k", 5);
  tests::script().compute = [](const tests::ScriptedStep &step, std::vector<float> &logits, float &loss) {
    loss = step.work == Work::Train ? 2.5f - float(stepOf(step)) / 8 : 99;
    std::fill(logits.begin(), logits.end(), 0.f);
    if (step.work == Work::Infer) // right for images 0 and 3
      for (size_t row = 0; row < 4; ++row)
        logits[row * kClasses] = 1;
    else if (stepOf(step) == 0) // nothing but equals: class 0
      return;
    else if (stepOf(step) == 1) // all right
      for (size_t row = 0; row < 4; ++row)
        logits[row * kClasses + size_t(step.labels[row])] = 1;
    else if (stepOf(step) == 2) // the last two are right
      for (size_t row = 0; row < 4; ++row)
        logits[row * kClasses + (size_t(step.labels[row]) + (row < 2)) % kClasses] = 1;
    else // one number that is none, in whatever place
      for (size_t row = 0; row < 4; ++row) {
        logits[row * kClasses + size_t(step.labels[row])] = 1;
        if (row < 3)
          logits[row * kClasses + row] = std::numeric_limits<float>::quiet_NaN();
      }
  };
  ASSERT_EQ(run(options(4)).message(), "");
  auto lines = logLines();
  ASSERT_EQ(lines.size(), 5u);
  auto steps = trained();
  double zeros = double(std::count(steps[0].labels.begin(), steps[0].labels.end(), 0)) / 4;
  const double accuracies[] = {zeros, 1, 0.5, 0.25};
  for (int step = 0; step < 4; ++step) {
    EXPECT_EQ(lines[step]["step"], step);
    EXPECT_DOUBLE_EQ(lines[step]["epoch"].get<double>(), step / 4.0);
    EXPECT_DOUBLE_EQ(lines[step]["loss"].get<double>(), 2.5 - step / 8.0);
    EXPECT_DOUBLE_EQ(lines[step]["accuracy"].get<double>(), accuracies[step]) << step;
    EXPECT_DOUBLE_EQ(lines[step]["learning_rate"].get<double>(), 0.5);
  }
  EXPECT_EQ(lines[4]["step"], 4);
  EXPECT_NEAR(lines[4]["test_accuracy"].get<double>(), 0.4, 1e-6);
  // log(e + 2) less the own score: 1 twice, 0 three times.
  EXPECT_NEAR(lines[4]["test_loss"].get<double>(), std::log(std::exp(1.0) + 2) - 0.4, 1e-5);
}

// A log of a run that was resumed twice has every step once, and the evaluation of each end.
TEST_F(TrainerTest, ResumedLogIsWhole) {
  writeImages("train", 16);
  writeImages("t10k", 4);
  TrainOptions every = options(6);
  every.checkpointSteps = 3;
  ASSERT_EQ(run(every).message(), "");
  fs::remove(folder + "/step-6.safetensors"); // as if it had been killed: the log is ahead
  every.resume = true;
  every.steps = 8;
  ASSERT_EQ(run(every).message(), "");
  every.steps = 10;
  ASSERT_EQ(run(every).message(), "");
  std::vector<int> steps, evaluations;
  for (const json &line : logLines())
    (line.contains("test_accuracy") ? evaluations : steps).push_back(line["step"]);
  EXPECT_EQ(steps, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(evaluations, (std::vector<int>{4, 8, 10}));
  // A training without --resume starts its log anew.
  TrainOptions anew = options(2);
  anew.overwrite = true;
  ASSERT_EQ(run(anew).message(), "");
  EXPECT_EQ(logLines().size(), 3u);
}

// --weights brings parameters and statistics; what is drawn is drawn before.
TEST_F(TrainerTest, WeightsBringStatistics) {
  writeImages("train", 8);
  std::string weights = directory.path("weights");
  auto bytes = [](std::vector<float> values) {
    return std::string(reinterpret_cast<const char *>(values.data()), values.size() * 4);
  };
  std::string linear = bytes({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}), mean = bytes({0.5f, -1, 2, 3});
  std::vector<TensorToWrite> tensors = {{"linear.weight", "F32", {3, 4}, linear},
                                        {"bn.running_mean", "F32", {4}, mean}};
  ASSERT_TRUE(writeSafetensors(weights, tensors, {}).ok());
  TrainOptions from = options(2);
  from.weights = weights;
  from.save = directory.path("saved");
  ASSERT_EQ(run(from).message(), "");
  auto saved = SafetensorsFile::open(from.save);
  ASSERT_TRUE(bool(saved));
  EXPECT_EQ(saved->tensors.at("linear.weight").bytes, linear);
  EXPECT_EQ(saved->tensors.at("bn.running_mean").bytes, mean);
  // Without them, a file of parameters alone, or of another type or shape, is refused with the name.
  auto refused = [&](std::vector<TensorToWrite> others, const std::string &words) {
    fs::remove_all(folder);
    ASSERT_TRUE(writeSafetensors(weights, others, {}).ok());
    Status status = run(from);
    EXPECT_EQ(status.code(), Code::Input);
    EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
  };
  refused({tensors[0]}, "missing 'bn.running_mean'");
  refused({tensors[0], tensors[1], {"more", "F32", {4}, mean}}, "unexpected 'more'");
  refused({tensors[0], {"bn.running_mean", "I32", {4}, mean}}, "'bn.running_mean' has another shape or type");
  refused({tensors[0], {"bn.running_mean", "F16", {4}, mean.substr(8)}}, "'bn.running_mean' has another shape or type");
  refused({tensors[0], {"bn.running_mean", "F32", {2, 2}, mean}}, "'bn.running_mean' has another shape or type");
}

// The step whose loss is no number, or none that is finite, is the last; the checkpoint before it is named and stays.
TEST_F(TrainerTest, StopsWhereTheLossIsNotFinite) {
  writeImages("train", 40);
  for (float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                    std::numeric_limits<float>::quiet_NaN()}) {
    fs::remove_all(folder);
    tests::script().steps.clear();
    tests::script().compute = [bad](const tests::ScriptedStep &step, std::vector<float> &, float &loss) {
      loss = stepOf(step) == 5 ? bad : 1;
    };
    TrainOptions some = options(20);
    some.checkpointSteps = 2;
    some.save = directory.path("final");
    Status status = run(some);
    EXPECT_EQ(status.code(), Code::Input);
    EXPECT_NE(status.message().find("the loss is not finite at step 5: "), std::string::npos) << status.message();
    EXPECT_NE(status.message().find("/step-4.safetensors', is finite"), std::string::npos) << status.message();
    EXPECT_FALSE(fs::exists(folder + "/step-6.safetensors"));
    EXPECT_FALSE(fs::exists(some.save));
    EXPECT_EQ(logLines().size(), 6u);
    EXPECT_LE(trained().size(), 9u); // one may be under way, and two are made again
  }
}

// A checkpoint says of which step it is; under another name it is passed over.
TEST_F(TrainerTest, RenamedCheckpointsAreNotTaken) {
  writeImages("train", 40);
  TrainOptions some = options(4);
  some.checkpointSteps = 2;
  ASSERT_EQ(run(some).message(), "");
  fs::rename(folder + "/step-4.safetensors", folder + "/step-7.safetensors");
  std::vector<std::string> notes;
  TrainOptions again = options(5, true);
  again.note = [&](const std::string &note) { notes.push_back(note); };
  tests::script().steps.clear();
  ASSERT_EQ(run(again).message(), "");
  auto steps = trained();
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_EQ(stepOf(steps[0]), 2);
  ASSERT_FALSE(notes.empty());
  EXPECT_NE(notes[0].find("step-7.safetensors' does not say where training stopped"), std::string::npos) << notes[0];
  // Where it is the only one, there is nothing to go on from.
  fs::remove_all(folder);
  ASSERT_EQ(run(options(4)).message(), "");
  fs::rename(folder + "/step-4.safetensors", folder + "/step-3.safetensors");
  Status status = run(options(5, true));
  EXPECT_EQ(status.code(), Code::Input);
  EXPECT_NE(status.message().find("step-3.safetensors' does not say where training stopped"), std::string::npos)
      << status.message();
}

// No step is started beyond an epoch's end or a checkpoint before those are over.
TEST_F(TrainerTest, NothingRunsWhileWeightsAreRead) {
  writeImages("train", 20);
  writeImages("t10k", 4);
  tests::script().depth = 3;
  TrainOptions some = options(11);
  some.checkpointSteps = 2;
  some.keep = 0;
  ASSERT_EQ(run(some).message(), "");
  std::string order;
  for (const tests::ScriptedStep &step : tests::script().steps)
    order += step.work == Work::Train ? 't' : 'e';
  EXPECT_EQ(order, "ttttt"
                   "e"
                   "ttttt"
                   "e"
                   "t"
                   "e");
  std::set<int64_t> kept;
  auto opened = RunFolder::open(folder);
  ASSERT_TRUE(bool(opened));
  EXPECT_EQ((*opened)->steps(), (std::vector<int64_t>{2, 4, 5, 6, 8, 10, 11}));
}

// A step of three batches: the first two are added up, the third ends it; each has its own images, its place in the
// step and the number of its first sample, and the log has what all of them gave together.
TEST_F(TrainerTest, StepsOfSeveralBatches) {
  writeImages("train", 28); // two steps of 12 images, and 4 that are left over
  header["training"]["accumulate"] = 3;
  header["step"].push_back({{"name", "part"}, {"type", "i64"}, {"offset", 32}});
  tests::script().compute = [](const tests::ScriptedStep &step, std::vector<float> &logits, float &loss) {
    int64_t part = field<int64_t>(step, 32);
    loss = float(10 * stepOf(step) + part * part);
    std::fill(logits.begin(), logits.end(), 0.f);
    for (size_t row = 0; row < 4; ++row) // of the batch `part` that many rows are right
      logits[row * kClasses + (size_t(step.labels[row]) + (int64_t(row) >= part)) % kClasses] = 1;
  };
  TrainOptions some = options(4);
  some.checkpointSteps = 1;
  ASSERT_EQ(run(some).message(), "");
  const auto &steps = tests::script().steps;
  ASSERT_EQ(steps.size(), 12u);
  for (int64_t i = 0; i < 12; ++i) {
    EXPECT_EQ(steps[i].work, i % 3 == 2 ? Work::Train : Work::Accumulate);
    EXPECT_EQ(stepOf(steps[i]), i / 3);
    EXPECT_EQ(field<int64_t>(steps[i], 16), 4 * i);
    EXPECT_EQ(field<int64_t>(steps[i], 32), i % 3);
  }
  for (int epoch = 0; epoch < 2; ++epoch) { // no image twice
    std::vector<int> images = sorted(imagesOf(steps, size_t(6 * epoch), 6));
    EXPECT_TRUE(std::adjacent_find(images.begin(), images.end()) == images.end()) << epoch;
  }
  auto lines = logLines();
  ASSERT_EQ(lines.size(), 4u);
  for (int step = 0; step < 4; ++step) {
    EXPECT_DOUBLE_EQ(lines[step]["epoch"].get<double>(), step / 2.0);
    EXPECT_NEAR(lines[step]["loss"].get<double>(), 10 * step + 5 / 3.0, 1e-6);
    EXPECT_NEAR(lines[step]["accuracy"].get<double>(), 3 / 12.0, 1e-4);
  }
  // Resumed, it goes on with the same images.
  auto all = imagesOf(steps, 0, 12);
  fs::remove(folder + "/step-4.safetensors");
  fs::remove(folder + "/step-3.safetensors");
  tests::script().steps.clear();
  some.resume = true;
  ASSERT_EQ(run(some).message(), "");
  EXPECT_EQ(imagesOf(tests::script().steps, 0, 6), std::vector<int>(all.begin() + 24, all.end()));
  // Too few images for a step.
  writeImages("train", 11);
  fs::remove_all(folder);
  Status few = run(options(4));
  EXPECT_NE(few.message().find("has 11 training images, fewer than one step of 3 batches of 4"), std::string::npos)
      << few.message();
}

// A step that has begun is finished before a training that was interrupted ends.
TEST_F(TrainerTest, InterruptedBetweenSteps) {
  writeImages("train", 24);
  header["training"]["accumulate"] = 3;
  tests::script().compute = [](const tests::ScriptedStep &step, std::vector<float> &, float &loss) {
    loss = 1;
    if (stepOf(step) == 2)
      std::raise(SIGTERM);
  };
  EXPECT_EQ(run(options(40)).code(), Code::Interrupted);
  EXPECT_EQ(tests::script().steps.size() % 3, 0u);
  EXPECT_EQ(tests::script().steps.back().work, Work::Train);
  EXPECT_TRUE(fs::exists(folder + "/step-3.safetensors"));
}

// Averages begin where the weights do, are evaluated in their place, and both are what they were afterwards.
TEST_F(TrainerTest, AveragesAreEvaluatedToo) {
  writeImages("train", 8);
  writeImages("t10k", 4);
  json average = header["tensors"][5];
  average["name"] = "ema/linear.weight";
  average["kind"] = "slot";
  average["offset"] = 1024;
  average["init"] = {{"kind", "copy"}};
  header["tensors"].push_back(average);
  std::vector<std::byte> weights, seen;
  tests::script().compute = [&](const tests::ScriptedStep &step, std::vector<float> &logits, float &loss) {
    loss = 1;
    auto &tensors = tests::script().tensors;
    if (step.work == Work::Train && stepOf(step) == 1) {
      weights = tensors["linear.weight"];
      EXPECT_EQ(tensors["ema/linear.weight"], weights);
      tensors["ema/linear.weight"].assign(weights.size(), std::byte(1));
    }
    std::fill(logits.begin(), logits.end(), 0.f);
    if (step.work == Work::Infer && tensors["linear.weight"] != weights) {
      seen = tensors["linear.weight"];
      EXPECT_EQ(tensors["ema/linear.weight"], weights);
      for (size_t row = 0; row < 4; ++row) // all right
        logits[row * kClasses + row % kClasses] = 1;
    }
  };
  TrainOptions some = options(2);
  some.save = directory.path("saved");
  ASSERT_EQ(run(some).message(), "");
  EXPECT_EQ(seen, std::vector<std::byte>(weights.size(), std::byte(1)));
  EXPECT_EQ(tests::script().tensors["linear.weight"], weights);
  EXPECT_EQ(tests::script().tensors["ema/linear.weight"], seen);
  json line = logLines().back();
  EXPECT_NEAR(line["test_accuracy"].get<double>(), 0, 1e-6); // equal scores count against the network
  EXPECT_NEAR(line["ema_test_accuracy"].get<double>(), 1, 1e-6);
  auto saved = SafetensorsFile::open(some.save);
  ASSERT_TRUE(bool(saved));
  EXPECT_EQ(saved->tensors.count("ema/linear.weight"), 1u);
  auto checkpoint = SafetensorsFile::open(folder + "/step-2.safetensors");
  ASSERT_TRUE(bool(checkpoint));
  EXPECT_EQ(checkpoint->tensors.at("ema/linear.weight").bytes, saved->tensors.at("ema/linear.weight").bytes);
  // What starts from the file starts averages anew; a program without averages takes the file too, and can read the
  // averages in the weights' place.
  std::string own(saved->tensors.at("linear.weight").bytes);
  ASSERT_EQ(with([&](Program &program) {
              auto file = SafetensorsReader::open(some.save);
              INCEPT_RETURN_IF_ERROR(program.loadTensors(*file, {"parameter", "state"}));
              EXPECT_EQ(tests::script().tensors["ema/linear.weight"], weights);
              return Status();
            }).message(),
            "");
  header["tensors"].erase(header["tensors"].size() - 1);
  ASSERT_EQ(with([&](Program &program) {
              auto file = SafetensorsReader::open(some.save);
              INCEPT_RETURN_IF_ERROR(program.loadTensors(*file, {"parameter", "state"}));
              EXPECT_EQ(tests::script().tensors["linear.weight"], weights);
              INCEPT_RETURN_IF_ERROR(program.loadTensors(*file, {"parameter", "state"}, /*averages=*/true));
              EXPECT_EQ(tests::script().tensors["linear.weight"], seen);
              return Status();
            }).message(),
            "");
}

// Weights for another number of classes: the rows of classes begin anew, all else is read, and a note says so.
TEST_F(TrainerTest, WeightsOfOtherClasses) {
  writeImages("train", 8);
  std::string weights = directory.path("weights"), linear(5 * 4 * 4, 'x'), mean(16, '\1');
  ASSERT_TRUE(
      writeSafetensors(weights, {{"linear.weight", "F32", {5, 4}, linear}, {"bn.running_mean", "F32", {4}, mean}}, {})
          .ok());
  TrainOptions from = options(2);
  from.weights = weights;
  std::vector<std::string> notes;
  from.note = [&](const std::string &note) { notes.push_back(note); };
  ASSERT_EQ(run(from).message(), "");
  EXPECT_EQ(notes.front(), "'" + weights + "' is for another number of classes: linear.weight begins anew");
  auto &tensors = tests::script().tensors;
  EXPECT_EQ(std::memcmp(tensors["bn.running_mean"].data(), mean.data(), mean.size()), 0);
  ASSERT_EQ(tensors["linear.weight"].size(), 48u);
  EXPECT_NE(std::memcmp(tensors["linear.weight"].data(), linear.data(), 48), 0);
  // Rows of another length are another network.
  fs::remove_all(folder);
  ASSERT_TRUE(
      writeSafetensors(weights, {{"linear.weight", "F32", {4, 5}, linear}, {"bn.running_mean", "F32", {4}, mean}}, {})
          .ok());
  EXPECT_NE(run(from).message().find("'linear.weight' has another shape or type"), std::string::npos);
}

// How much of its images is their own goes with each batch to the step; a program whose loss has one label cannot mix.
TEST_F(TrainerTest, MixedImages) {
  writeImages("train", 16);
  TrainOptions mixed = options(6);
  mixed.augment = "none,mixup=0.5";
  Status refused = run(mixed);
  EXPECT_EQ(refused.code(), Code::Input);
  EXPECT_NE(refused.message().find("expected a program whose loss takes mixed images"), std::string::npos)
      << refused.message();
  header["step"].push_back({{"name", "share"}, {"type", "f32"}, {"offset", 28}});
  ASSERT_EQ(run(mixed).message(), "");
  std::set<float> shares;
  for (const tests::ScriptedStep &step : trained()) {
    float share = field<float>(step, 28);
    EXPECT_TRUE(share >= 0 && share <= 1);
    shares.insert(share);
    for (size_t row = 0; row < 4; ++row) { // the first pixel is the image's number, whose class the label is
      double own = 0, other = 0;
      bool fits = false;
      for (int a = 0; a < 16 && !fits; ++a)
        for (int b = 0; b < 16 && !fits; ++b) {
          own = a % kClasses == step.labels[row] ? a : -1;
          other = b % kClasses == step.labels[3 - row] ? b : -1;
          fits = own >= 0 && other >= 0 && std::abs(share * own + (1 - share) * other - step.images[row * 4]) < 0.51;
        }
      EXPECT_TRUE(fits) << row;
    }
  }
  EXPECT_EQ(shares.size(), 6u);
}
