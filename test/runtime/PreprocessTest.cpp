// SPDX-License-Identifier: Apache-2.0
//
// Geometry of evaluation, distributions of random crops, and colors against their definitions.

#include "runtime/io/Preprocess.h"
#include "runtime/io/Color.h"
#include "runtime/io/SampleMaker.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace incept;

TEST(Evaluation, Timm) {
  // 500x375 at 299: the shorter side becomes floor(299 / 0.875) = 341, the longer 454; the middle of that.
  Geometry g = evaluationGeometry(EvaluationOptions::of(Protocol::Timm), 375, 500, 299, 299);
  EXPECT_EQ(g.rows.outputs, 341);
  EXPECT_EQ(g.columns.outputs, 454);
  EXPECT_EQ(g.rows.first, 21);
  EXPECT_EQ(g.columns.first, 78); // 77.5, to even
  EXPECT_EQ(g.rows.count, 299);
  EXPECT_GT(g.box.x, 75);
  EXPECT_LT(g.box.x + g.box.width, 425);
  EXPECT_GT(g.box.y, 15);
  // At 32 pixels 87.5 % are 28: those in the middle, unchanged.
  g = evaluationGeometry(EvaluationOptions::of(Protocol::Timm), 32, 40, 28, 28);
  EXPECT_EQ(g.rows.inputs, g.rows.outputs);
  EXPECT_EQ(g.columns.inputs, g.columns.outputs);
  EXPECT_EQ(g.rows.first, 2);
  EXPECT_EQ(g.columns.first, 6);
}

TEST(Evaluation, Tf) {
  // 437.5 x 328.125 of 500x375, rounded up by TensorFlow: 62/2... begins at floor(375/16) = 23.
  Geometry g = evaluationGeometry(EvaluationOptions::of(Protocol::Tf), 375, 500, 299, 299);
  EXPECT_EQ(g.box.y, 23);
  EXPECT_EQ(g.box.x, 31);
  EXPECT_EQ(g.box.height, 329);
  EXPECT_EQ(g.box.width, 438);
  EXPECT_EQ(g.filter, Filter::Tf1);
}

// Boxes lie in the picture, whatever the sizes.
TEST(Evaluation, AnySize) {
  for (Protocol protocol : {Protocol::Timm, Protocol::Tf})
    for (double crop : {0.05, 0.875, 1.0})
      for (auto [h, w] : {std::pair(1, 1), {1, 5000}, {5000, 1}, {2, 3}, {301, 299}})
        for (auto [outH, outW] : {std::pair(1, 1), {299, 299}, {96, 31}}) {
          EvaluationOptions options = EvaluationOptions::of(protocol);
          options.crop = crop;
          Geometry g = evaluationGeometry(options, h, w, outH, outW);
          EXPECT_GE(g.box.x, 0);
          EXPECT_GE(g.box.y, 0);
          EXPECT_GE(g.box.width, 1);
          EXPECT_GE(g.box.height, 1);
          EXPECT_LE(g.box.x + g.box.width, w);
          EXPECT_LE(g.box.y + g.box.height, h);
          EXPECT_GE(g.rows.first, 0);
          EXPECT_LE(g.rows.first + g.rows.count, g.rows.outputs);
          EXPECT_LE(g.columns.first + g.columns.count, g.columns.outputs);
        }
}

TEST(Crop, TensorFlowsDistribution) {
  AugmentOptions options = AugmentOptions::of(Augmentation::Inception);
  PhiloxStream random(1, 2);
  double area = 0, least = 1, most = 0;
  constexpr int kCount = 20000;
  for (int i = 0; i < kCount; ++i) {
    Box box = distortedCrop(options, 375, 500, random);
    ASSERT_GE(box.x, 0);
    ASSERT_GE(box.y, 0);
    ASSERT_LE(box.x + box.width, 500);
    ASSERT_LE(box.y + box.height, 375);
    double part = double(box.width * box.height) / (375 * 500), ratio = double(box.width) / double(box.height);
    ASSERT_GT(ratio, 0.74);
    ASSERT_LT(ratio, 1.35);
    // The last offset is never drawn.
    ASSERT_TRUE(box.width == 500 || box.x + box.width < 500);
    area += part;
    least = std::min(least, part);
    most = std::max(most, part);
  }
  EXPECT_NEAR(area / kCount, 0.39, 0.01); // parts of less than a tenth are rejected
  EXPECT_GE(least, 0.1);
  EXPECT_GT(most, 0.95);
}

TEST(Crop, TorchvisionsDistribution) {
  AugmentOptions options = AugmentOptions::of(Augmentation::RandomResizedCrop);
  PhiloxStream random(1, 2);
  double area = 0, least = 1;
  constexpr int kCount = 20000;
  for (int i = 0; i < kCount; ++i) {
    Box box = randomResizedCrop(options, 375, 500, random);
    ASSERT_GE(box.x, 0);
    ASSERT_GE(box.y, 0);
    ASSERT_LE(box.x + box.width, 500);
    ASSERT_LE(box.y + box.height, 375);
    double part = double(box.width * box.height) / (375 * 500);
    area += part;
    least = std::min(least, part);
  }
  EXPECT_NEAR(area / kCount, 0.43, 0.01);
  EXPECT_NEAR(least, 0.08, 0.01);
  // Nothing of these ratios fits: the middle, at the nearest ratio.
  Box box = randomResizedCrop(options, 10, 1000, random);
  EXPECT_EQ(box.height, 10);
  EXPECT_EQ(box.width, 13);
  EXPECT_EQ(box.x, 493);
  for (auto [h, w] : {std::pair(1, 1), {1, 300}, {300, 1}}) {
    for (int i = 0; i < 100; ++i)
      for (Box any : {randomResizedCrop(options, h, w, random),
                      distortedCrop(AugmentOptions::of(Augmentation::Inception), h, w, random)}) {
        ASSERT_GE(any.width, 1);
        ASSERT_GE(any.height, 1);
        ASSERT_LE(any.x + any.width, w);
        ASSERT_LE(any.y + any.height, h);
      }
  }
}

namespace {

/// HSV as its definition has it: hue in turns.
void toHsv(const double *rgb, double *hsv) {
  double most = std::max({rgb[0], rgb[1], rgb[2]}), least = std::min({rgb[0], rgb[1], rgb[2]}), range = most - least;
  double hue = 0;
  if (range > 0)
    hue = most == rgb[0]   ? (rgb[1] - rgb[2]) / range
          : most == rgb[1] ? (rgb[2] - rgb[0]) / range + 2
                           : (rgb[0] - rgb[1]) / range + 4;
  hsv[0] = hue / 6 - std::floor(hue / 6);
  hsv[1] = most > 0 ? range / most : 0;
  hsv[2] = most;
}

/// `c` is the range of the channels: saturation times value.
void fromHsv(const double *hsv, double c, double *rgb) {
  double h = hsv[0] * 6, x = c * (1 - std::abs(std::fmod(h, 2) - 1)), m = hsv[2] - c;
  double table[6][3] = {{c, x, 0}, {x, c, 0}, {0, c, x}, {0, x, c}, {x, 0, c}, {c, 0, x}};
  for (int i = 0; i < 3; ++i)
    rgb[i] = table[std::min(int(h), 5)][i] + m;
}

} // namespace

// Each operation alone and all in each order, against the definitions in f64.
TEST(Color, IsTheDefinition) {
  PixelBuffer original;
  original.resize(37, 61, 4);
  PhiloxStream random(4, 4);
  for (uint8_t &byte : original.bytes)
    byte = uint8_t(random.next());
  original.bytes[0] = original.bytes[1] = original.bytes[2] = 0; // black, white and gray have no hue
  original.bytes[4] = original.bytes[5] = original.bytes[6] = 255;
  original.bytes[8] = original.bytes[9] = original.bytes[10] = 77;
  int64_t count = 37 * 61;
  std::vector<ColorChange> changes;
  for (ColorOp op : {ColorOp::Brightness, ColorOp::Saturation, ColorOp::Hue, ColorOp::Contrast})
    changes.push_back({{op}, 1, 0.1f, 1.4f, -0.15f, 0.6f});
  for (int i = 0; i < 20; ++i)
    changes.push_back(drawColors(ColorMode::Full, random));
  for (const ColorChange &change : changes) {
    std::vector<double> values;
    for (int64_t i = 0; i < count; ++i)
      for (int c = 0; c < 3; ++c)
        values.push_back(original.bytes[4 * i + c] / 255.0);
    for (int k = 0; k < change.count; ++k) {
      double mean[3] = {};
      for (int64_t i = 0; i < 3 * count; ++i)
        mean[i % 3] += values[i] / double(count);
      for (int64_t i = 0; i < count; ++i) {
        double *rgb = values.data() + 3 * i, hsv[3];
        toHsv(rgb, hsv);
        if (change.order[k] == ColorOp::Brightness)
          for (int c = 0; c < 3; ++c)
            rgb[c] += change.brightness;
        if (change.order[k] == ColorOp::Contrast)
          for (int c = 0; c < 3; ++c)
            rgb[c] = (rgb[c] - mean[c]) * change.contrast + mean[c];
        if (change.order[k] == ColorOp::Saturation) {
          hsv[1] = std::min(hsv[1] * change.saturation, 1.0);
          fromHsv(hsv, hsv[1] * hsv[2], rgb);
        }
        if (change.order[k] == ColorOp::Hue) {
          hsv[0] += change.hue - std::floor(hsv[0] + change.hue);
          fromHsv(hsv, hsv[2] - std::min({rgb[0], rgb[1], rgb[2]}), rgb);
        }
      }
    }
    PixelBuffer changed = original;
    ColorChanger().apply(change, changed);
    double worst = 0;
    for (int64_t i = 0; i < count; ++i)
      for (int c = 0; c < 3; ++c) {
        double expected = std::min(std::max(values[3 * i + c], 0.0), 1.0) * 255;
        worst = std::max(worst, std::abs(expected - changed.bytes[4 * i + c]));
      }
    EXPECT_LT(worst, 0.51) << int(change.order[0]) << " of " << change.count;
  }
}

TEST(Color, DrawsBothOrdersAndTheirRanges) {
  PhiloxStream random(5, 5);
  int first = 0;
  float low = 1, high = 0;
  for (int i = 0; i < 4000; ++i) {
    ColorChange change = drawColors(ColorMode::Fast, random);
    ASSERT_EQ(change.count, 2);
    first += change.order[0] == ColorOp::Brightness;
    low = std::min(low, change.brightness);
    high = std::max(high, change.saturation);
    ASSERT_LE(std::abs(change.brightness), 32.0f / 255);
    ASSERT_GE(change.saturation, 0.5f);
  }
  EXPECT_NEAR(first, 1000, 150);
  EXPECT_LT(low, -0.12f);
  EXPECT_GT(high, 1.49f);
}

TEST(Options, AreReadAndChecked) {
  auto json = parseOptions("inception,color=full,erase=0.25");
  ASSERT_TRUE(bool(json));
  auto options = AugmentOptions::fromJson(*json);
  ASSERT_TRUE(bool(options)) << options.status().message();
  EXPECT_EQ(options->kind, Augmentation::Inception);
  EXPECT_EQ(options->color, ColorMode::Full);
  EXPECT_EQ(options->erase, 0.25);
  EXPECT_EQ(options->minArea, 0.05);
  EXPECT_NE(options->text(), AugmentOptions::of(Augmentation::Inception).text());
  for (auto [text, words] : {std::pair("inceptoin", "expected one of none, inception, random_resized_crop, cifar"),
                             {"cifar,flip=2", "expected a number from 0 to 1 for 'augmentation.flip'"},
                             {"cifar,flop=1", "'augmentation' has no 'flop'"},
                             {"inception,min_area=0.5,max_area=0.2", "min_area <= max_area"},
                             {"inception,color=1", "expected one of none, fast, full"}}) {
    auto parsed = parseOptions(text);
    ASSERT_TRUE(bool(parsed));
    Status status = AugmentOptions::fromJson(*parsed).status();
    EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
  }
  EXPECT_FALSE(bool(parseOptions("cifar,x")));
  EXPECT_NE(EvaluationOptions::fromJson({{"kind", "tf"}, {"crop", 2}}).status().message(), "");
  EXPECT_EQ(EvaluationOptions::fromJson({{"kind", "tf"}})->text(), "tf, crop 0.875, tf1");
  auto evaluation = EvaluationOptions::fromJson({{"kind", "tf"}, {"filter", "bicubic"}});
  ASSERT_TRUE(bool(evaluation)) << evaluation.status().message();
  EXPECT_EQ(evaluation->filter, Filter::Bicubic);
}
