// SPDX-License-Identifier: Apache-2.0
//
// What evaluation counts, on logits written by hand: an image's first pixel says which row it gets.

#include "runtime/train/Trainer.h"
#include "test/runtime/MakePng.h"
#include "test/runtime/ScriptedDevice.h"
#include "test/runtime/TinyProgram.h"

#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>
#include <limits>

using namespace incept;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Row {
  int label;
  std::vector<float> logits;
};

/// log(sum of exp) - own, as the definition has it.
double crossEntropy(const Row &row) {
  double sum = 0;
  for (float logit : row.logits)
    sum += std::exp(double(logit));
  return std::log(sum) - row.logits[row.label];
}

class EvaluatorTest : public ::testing::Test {
protected:
  tests::TemporaryDirectory directory;

  /// Evaluates one image per row in batches of four, with so many steps under way.
  Accuracy evaluateRows(const std::vector<Row> &rows, size_t depth = 1) {
    auto word = [](size_t value) { return std::string{0, 0, static_cast<char>(value >> 8), static_cast<char>(value)}; };
    std::string images = word(0x803) + word(rows.size()) + word(2) + word(2), labels = word(0x801) + word(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      images += std::string{static_cast<char>(i + 1), 7, 7, 7};
      labels += static_cast<char>(rows[i].label);
    }
    directory.write("t10k-images-idx3-ubyte", images);
    directory.write("t10k-labels-idx1-ubyte", labels);
    return evaluateSource("idx:" + directory.path(""), rows, depth);
  }

  /// The same of a network that scores the only pixel of each image's map.
  Accuracy evaluatePixels(const std::vector<Row> &rows, std::optional<int64_t> ignored) {
    for (const char *folder : {"images", "masks"}) {
      std::filesystem::remove_all(directory.path(folder));
      std::filesystem::create_directories(directory.path(folder));
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      auto write = [&](const std::string &folder, size_t value) {
        std::string row{0, static_cast<char>(value), static_cast<char>(value)};
        directory.write(folder + "/" + std::to_string(i) + ".png", tests::makePng(2, 2, 8, 0, row + row));
      };
      write("images", i + 1);
      write("masks", size_t(rows[i].label));
    }
    nlohmann::json map = {{"height", 1}, {"width", 1}};
    if (ignored)
      map["ignore"] = *ignored;
    return evaluateSource("masks:" + directory.path("."), rows, 1, map);
  }

private:
  Accuracy evaluateSource(const std::string &source, const std::vector<Row> &rows, size_t depth,
                          const nlohmann::json &map = nullptr) {
    tests::script() = {};
    tests::script().depth = depth;
    tests::script().compute = [rows](const tests::ScriptedStep &step, std::vector<float> &logits, float &) {
      size_t classes = rows[0].logits.size();
      for (size_t row = 0; row < logits.size() / classes; ++row) {
        size_t image = step.images[row * 4];
        // Rows of no image look like a sure hit of any class.
        for (size_t k = 0; k < classes; ++k)
          logits[row * classes + k] = image == 0 ? 0 : rows[image - 1].logits[k];
      }
    };
    nlohmann::json header = tests::scriptedHeader(4, int64_t(rows[0].logits.size()));
    if (!map.is_null())
      header["label_map"] = map;
    std::string elf = tests::makeElf(tests::makeImage(header, tests::tinyKernels()));
    auto program = Program::open(directory.write("program", elf), tests::scriptedBackend());
    EXPECT_TRUE(bool(program)) << program.status().message();
    auto set = openDataset(source, map.is_null() ? Split::Test : Split::Evaluation, (*program)->imageShape());
    EXPECT_TRUE(bool(set)) << set.status().message();
    auto accuracy = evaluate(**program, std::move(*set), {});
    EXPECT_TRUE(bool(accuracy)) << accuracy.status().message();
    return *accuracy;
  }
};

// Five images, a batch of four and one of one: the sixth to eighth row are no images.
const std::vector<Row> kFive = {{2, {0, 1, 5, 2, 3, -1, 4}},   // the largest
                                {0, {2, 3, 1, 0, 0, 0, 0}},    // the second
                                {6, {9, 8, 7, 6, 5, 4, 1}},    // the last of seven
                                {5, {9, 8, 7, 6, 1, 5, 0}},    // the fifth
                                {4, {9, 8, 7, 6, 3, 5, 0.5}}}; // the sixth

} // namespace

TEST_F(EvaluatorTest, CountsFiveImagesInBatchesOfFour) {
  for (size_t depth : {1, 2, 3}) {
    Accuracy accuracy = evaluateRows(kFive, depth);
    EXPECT_EQ(accuracy.images, 5) << depth;
    EXPECT_EQ(accuracy.top1, 1) << depth;
    EXPECT_EQ(accuracy.top5, 3) << depth;
    double loss = 0;
    for (const Row &row : kFive)
      loss += crossEntropy(row) / 5;
    EXPECT_NEAR(accuracy.loss, loss, 1e-9) << depth;
    ASSERT_EQ(tests::script().steps.size(), 2u) << depth;
    EXPECT_EQ(tests::script().steps[0].images, (std::vector<uint8_t>{1, 7, 7, 7, 2, 7, 7, 7, 3, 7, 7, 7, 4, 7, 7, 7}));
    EXPECT_EQ(tests::script().steps[1].images, (std::vector<uint8_t>{5, 7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
    for (const tests::ScriptedStep &step : tests::script().steps)
      EXPECT_EQ(step.work, Work::Infer);
    EXPECT_EQ(tests::script().entries, (std::vector<std::string>{"prepare_inference"}));
  }
}

// The last batch may be whole, and the only one may not.
TEST_F(EvaluatorTest, CountsEachImageOnce) {
  for (size_t count : {1, 3, 4, 8, 9}) {
    std::vector<Row> rows;
    for (size_t i = 0; i < count; ++i)
      rows.push_back(kFive[i % 5]);
    Accuracy accuracy = evaluateRows(rows, 2);
    EXPECT_EQ(accuracy.images, int64_t(count));
    EXPECT_EQ(accuracy.top1, int64_t(count / 5 + (count % 5 >= 1)));
    EXPECT_EQ(accuracy.top5, int64_t(count / 5 * 3 + (count % 5 >= 1) + (count % 5 >= 2) + (count % 5 >= 4)));
  }
}

// A class that shares its score with the label's stands before it, on either side: a network that says the same of
// everything has learned nothing.
TEST_F(EvaluatorTest, TiesCountAgainstTheNetwork) {
  Accuracy first = evaluateRows({{0, {3, 3, 0, 0, 0, 0, 0}}}), second = evaluateRows({{1, {3, 3, 0, 0, 0, 0, 0}}});
  EXPECT_EQ(first.top1 + second.top1, 0);
  EXPECT_EQ(first.top5 + second.top5, 2);
  // Four above it and one beside it.
  EXPECT_EQ(evaluateRows({{4, {9, 8, 7, 6, 5, 5, 0}}}).top5, 0);
  EXPECT_EQ(evaluateRows({{5, {9, 8, 7, 6, 5, 5, 0}}}).top5, 0);
  Accuracy flat = evaluateRows({{3, {1, 1, 1, 1, 1, 1, 1}}});
  EXPECT_EQ(flat.top1 + flat.top5, 0);
  EXPECT_NEAR(flat.loss, std::log(7.0), 1e-12);
}

TEST_F(EvaluatorTest, NumbersThatAreNoneCountAgainstTheNetwork) {
  Accuracy own = evaluateRows({{1, {0, kNan, 0, 0, 0, 0, 0}}});
  EXPECT_EQ(own.images, 1);
  EXPECT_EQ(own.top1 + own.top5, 0);
  EXPECT_TRUE(std::isnan(own.loss));
  Accuracy other = evaluateRows({{1, {kNan, 9, 0, 0, 0, 0, 0}}, {2, {0, 0, 5, 0, 0, 0, 0}}});
  EXPECT_EQ(other.top1, 1);
  EXPECT_EQ(other.top5, 2);
  EXPECT_TRUE(std::isnan(other.loss));
}

// Scores beyond what exp can hold have a loss all the same, and a class that is ruled out has an infinite one.
TEST_F(EvaluatorTest, LossOfLargeScores) {
  EXPECT_NEAR(evaluateRows({{0, {1000, 999, 0, 0, 0, 0, 0}}}).loss, std::log1p(std::exp(-1.0)), 1e-9);
  EXPECT_NEAR(evaluateRows({{1, {-5000, -5001, -9000, -9000, -9000, -9000, -9000}}}).loss,
              1 + std::log1p(std::exp(-1.0)), 1e-9);
  Accuracy none = evaluateRows({{0, {-kInfinity, 1, 0, 0, 0, 0, 0}}});
  EXPECT_EQ(none.top1, 0);
  EXPECT_EQ(none.loss, kInfinity);
}

// With fewer classes than five every image is among the best five, unless its score is no number.
TEST_F(EvaluatorTest, FewerThanFiveClasses) {
  Accuracy accuracy = evaluateRows({{0, {1, 2, 3}}, {2, {1, 2, 3}}, {1, {1, 2, 3}}});
  EXPECT_EQ(accuracy.top1, 1);
  EXPECT_EQ(accuracy.top5, 3);
}

// As in the share of right pixels, ties and scores that are no numbers count against the network.
TEST_F(EvaluatorTest, MeanIou) {
  std::vector<Row> rows = {{0, {5, 1, 0, 0, -1}},    // right
                           {0, {3, 3, 0, 0, -1}},    // taken for 1
                           {1, {3, 3, 0, 0, -1}},    // taken for 0
                           {1, {0, 9, kNan, 0, -1}}, // for nothing
                           {1, {0, 9, 0, 0, -1}},    // right
                           {2, {0, 0, 5, 9, -1}},    // taken for 3
                           {3, {0, 0, 0, 9, -1}}};   // right, or ignored
  Accuracy all = evaluatePixels(rows, std::nullopt);
  EXPECT_EQ(all.labels, 7);
  EXPECT_EQ(all.top1, 3);
  // No pixel has class 4 or was taken for it.
  EXPECT_NEAR(all.meanIou, (1.0 / 3 + 1.0 / 4 + 0 + 1.0 / 2) / 4, 1e-12);
  Accuracy some = evaluatePixels(rows, 3);
  EXPECT_EQ(some.labels, 6);
  EXPECT_EQ(some.top1, 2);
  EXPECT_NEAR(some.meanIou, (1.0 / 3 + 1.0 / 4 + 0) / 3, 1e-12);
  EXPECT_NEAR(evaluatePixels(rows, 255).meanIou, all.meanIou, 1e-12);
}
