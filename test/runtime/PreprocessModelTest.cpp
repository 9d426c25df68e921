// SPDX-License-Identifier: Apache-2.0
//
// What is read of options, on both sides of every limit, and the boxes that are drawn: against the definitions that
// docs/Data.md names, written down here once more, drawing from the same stream.

#include "runtime/io/Color.h"
#include "runtime/io/Preprocess.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace incept;
using nlohmann::json;

namespace {

std::string augmentation(const json &options) {
  auto read = AugmentOptions::fromJson(options);
  return read ? read->text() : read.status().message();
}

std::string evaluation(const json &options) {
  auto read = EvaluationOptions::fromJson(options);
  return read ? read->text() : read.status().message();
}

void expectSameBox(const Box &box, const Box &expected, const std::string &what) {
  EXPECT_EQ((std::vector{box.x, box.y, box.width, box.height}),
            (std::vector{expected.x, expected.y, expected.width, expected.height}))
      << what;
}

/// Both streams stand where they have drawn as many words.
void expectSamePlace(PhiloxStream a, PhiloxStream b, const std::string &what) { EXPECT_EQ(a.next(), b.next()) << what; }

double nearest(double value) { // halves to even
  double below = std::floor(value), part = value - below;
  return part > 0.5 || (part == 0.5 && std::fmod(below, 2) != 0) ? below + 1 : below;
}

} // namespace

TEST(PreprocessOptions, KindsHaveTheirNumbers) {
  EXPECT_EQ(augmentation(json::object()),
            "none, color none, bilinear, min_area 1, max_area 1, min_ratio 1, max_ratio 1, "
            "flip 0, erase 0, padding 0");
  EXPECT_EQ(augmentation({{"kind", "inception"}}), "inception, color fast, bilinear, min_area 0.05, max_area 1, "
                                                   "min_ratio 0.75, max_ratio 1.33, flip 0.5, erase 0, padding 0");
  EXPECT_EQ(augmentation({{"kind", "random_resized_crop"}}),
            "random_resized_crop, color none, bilinear, min_area 0.08, max_area 1, min_ratio 0.75, max_ratio "
            "1.33333333, flip 0.5, erase 0, padding 0");
  EXPECT_EQ(augmentation({{"kind", "cifar"}}), "cifar, color none, bilinear, min_area 1, max_area 1, min_ratio 1, "
                                               "max_ratio 1, flip 0.5, erase 0, padding 4");
  EXPECT_EQ(augmentation({{"kind", "cifar"},
                          {"color", "full"},
                          {"filter", "bicubic"},
                          {"min_area", 0.25},
                          {"max_area", 0.5},
                          {"min_ratio", 2},
                          {"max_ratio", 3},
                          {"flip", 1},
                          {"erase", 0.125},
                          {"padding", 7},
                          {"mixup", 0.2},
                          {"cutmix", 1},
                          {"orient", 1},
                          {"scaled", 1}}),
            "cifar, color full, bicubic, min_area 0.25, max_area 0.5, min_ratio 2, max_ratio 3, flip 1, erase 0.125, "
            "padding 7, mixup 0.2, cutmix 1, orient, scaled");
  EXPECT_EQ(evaluation(json::object()), "timm, crop 0.875, bicubic");
  EXPECT_EQ(evaluation({{"kind", "tf"}, {"crop", 0.5}, {"filter", "bilinear"}, {"orient", 1}, {"scaled", 1}}),
            "tf, crop 0.5, bilinear, orient, scaled");
  EXPECT_EQ(EvaluationOptions::wholePicture().text(), "tf, crop 1, bilinear");
  AugmentOptions options;
  EXPECT_FALSE(options.mixes());
  options.cutmix = 0.5;
  EXPECT_TRUE(options.mixes());
  std::swap(options.cutmix, options.mixup);
  EXPECT_TRUE(options.mixes());
}

TEST(PreprocessOptions, NumbersHaveTheirLimits) {
  struct Range {
    const char *key, *least, *most;
    double low, high;
  };
  const Range ranges[] = {{"min_area", "0.0001", "1", 1e-4, 1},
                          {"max_area", "0.0001", "1", 1e-4, 1},
                          {"min_ratio", "0.01", "100", 0.01, 100},
                          {"max_ratio", "0.01", "100", 0.01, 100},
                          {"flip", "0", "1", 0, 1},
                          {"erase", "0", "1", 0, 1},
                          {"padding", "0", "1024", 0, 1024},
                          {"mixup", "0", "100", 0, 100},
                          {"cutmix", "0", "100", 0, 100}};
  for (const Range &range : ranges) {
    for (double good : {range.low, range.high}) {
      json options = {{range.key, good}};
      // The other end of an interval lies where this one may be.
      options.emplace("max_area", 1), options.emplace("min_area", 1e-4);
      options.emplace("max_ratio", 100), options.emplace("min_ratio", 0.01);
      EXPECT_NE(augmentation(options).find(", color none"), std::string::npos) << range.key << good;
    }
    for (json bad : {json(range.low - 1e-5), json(range.high + 1e-5), json("1"), json(nullptr)})
      EXPECT_EQ(augmentation({{range.key, bad}}), std::string("expected a number from ") + range.least + " to " +
                                                      range.most + " for 'augmentation." + range.key + "', but got " +
                                                      bad.dump());
  }
  for (const char *key : {"orient", "scaled"})
    for (json bad : {json(0.5), json(2), json(-1), json(true)}) {
      EXPECT_EQ(augmentation({{key, bad}}),
                std::string("expected 0 or 1 for 'augmentation.") + key + "', but got " + bad.dump());
      EXPECT_EQ(evaluation({{key, bad}}),
                std::string("expected 0 or 1 for 'evaluation.") + key + "', but got " + bad.dump());
    }
  EXPECT_EQ(evaluation({{"crop", 0.05}}), "timm, crop 0.05, bicubic");
  EXPECT_EQ(evaluation({{"crop", 1}}), "timm, crop 1, bicubic");
  for (double bad : {0.049, 1.001})
    EXPECT_EQ(evaluation({{"crop", bad}}),
              "expected a number from 0.05 to 1 for 'evaluation.crop', but got " + json(bad).dump());
  EXPECT_EQ(evaluation({{"kind", "timm2"}}), "expected one of timm, tf for 'evaluation.kind', but got \"timm2\"");
  EXPECT_EQ(evaluation({{"filter", 1}}), "expected one of bilinear, bicubic, tf1 for 'evaluation.filter', but got 1");
  EXPECT_EQ(augmentation({{"color", "red"}}),
            "expected one of none, fast, full for 'augmentation.color', but got \"red\"");
  EXPECT_EQ(evaluation(json::array()), "expected an object for 'evaluation'");
  EXPECT_EQ(augmentation(1), "expected an object for 'augmentation'");
  EXPECT_EQ(evaluation({{"size", 1}}),
            "'evaluation' has no 'size': expected one of kind, filter, crop, orient, scaled");
  EXPECT_EQ(augmentation({{"size", 1}}),
            "'augmentation' has no 'size': expected one of kind, color, filter, min_area, max_area, min_ratio, "
            "max_ratio, flip, erase, padding, mixup, cutmix, orient, scaled");
  const std::string ends = "expected min_area <= max_area and min_ratio <= max_ratio of 'augmentation'";
  EXPECT_EQ(augmentation({{"max_area", 0.5}}), ends);
  EXPECT_EQ(augmentation({{"min_ratio", 2}}), ends);
}

TEST(PreprocessOptions, CommandLinesBecomeObjects) {
  auto parsed = [](const char *text) {
    auto options = parseOptions(text);
    return options ? options->dump() : options.status().message();
  };
  EXPECT_EQ(parsed("tf"), R"({"kind":"tf"})");
  EXPECT_EQ(parsed("tf,crop=0.5,filter=tf1"), R"({"crop":0.5,"filter":"tf1","kind":"tf"})");
  EXPECT_EQ(parsed("crop=1"), R"({"crop":1.0})");
  EXPECT_EQ(parsed("a=b=c,d="), R"({"a":"b=c","d":""})");
  EXPECT_EQ(parsed("tf,crop=1,"), R"({"crop":1.0,"kind":"tf"})");
  EXPECT_EQ(parsed(""), R"({"kind":""})");
  EXPECT_EQ(parsed("tf,timm"), "expected KIND,KEY=VALUE,... but got 'tf,timm'");
  EXPECT_EQ(parsed("tf,,crop=1"), "expected KIND,KEY=VALUE,... but got 'tf,,crop=1'");
}

// In whole numbers: the shorter side becomes size / crop, the middle of that is the output.
TEST(PreprocessGeometry, IsTheMiddle) {
  for (auto [height, width] : {std::pair(10, 10), {10, 13}, {13, 10}, {64, 480}, {480, 64}, {7, 5}, {301, 299}})
    for (auto [outHeight, outWidth] : {std::pair(8, 8), {8, 12}, {12, 8}, {5, 7}, {224, 224}})
      for (int percent : {50, 75, 100}) { // whose quotients are exact
        std::string what = std::to_string(height) + "x" + std::to_string(width) + " to " + std::to_string(outHeight) +
                           "x" + std::to_string(outWidth) + " at " + std::to_string(percent);
        EvaluationOptions options = EvaluationOptions::of(Protocol::Timm);
        options.crop = percent / 100.0;
        Geometry g = evaluationGeometry(options, height, width, outHeight, outWidth);
        int64_t tall = outHeight * 100 / percent, wide = outWidth * 100 / percent;
        if (tall * width <= wide * height)
          tall = std::max<int64_t>(wide * height / width, outHeight);
        else
          wide = std::max<int64_t>(tall * width / height, outWidth);
        EXPECT_EQ((std::vector{g.rows.inputs, g.rows.outputs, g.rows.first, g.rows.count}),
                  (std::vector{int64_t(height), tall, int64_t(nearest((tall - outHeight) / 2.0)), int64_t(outHeight)}))
            << what;
        EXPECT_EQ((std::vector{g.columns.inputs, g.columns.outputs, g.columns.first, g.columns.count}),
                  (std::vector{int64_t(width), wide, int64_t(nearest((wide - outWidth) / 2.0)), int64_t(outWidth)}))
            << what;
        Span rows = inputsOf(g.rows, options.filter), columns = inputsOf(g.columns, options.filter);
        expectSameBox(g.box, {columns.begin, rows.begin, columns.end - columns.begin, rows.end - rows.begin}, what);
        EXPECT_EQ(g.y0, rows.begin);
        EXPECT_EQ(g.x0, columns.begin);
        EXPECT_EQ(g.filter, Filter::Bicubic);
        options.protocol = Protocol::Tf;
        g = evaluationGeometry(options, height, width, outHeight, outWidth);
        int64_t top = height * (100 - percent) / 200, left = width * (100 - percent) / 200;
        expectSameBox(g.box, {left, top, width - 2 * left, height - 2 * top}, "tf " + what);
        EXPECT_EQ((std::vector{g.rows.inputs, g.rows.outputs, g.rows.first, g.rows.count, g.columns.inputs,
                               g.columns.outputs, g.columns.first, g.columns.count, g.y0, g.x0}),
                  (std::vector<int64_t>{height - 2 * top, outHeight, 0, outHeight, width - 2 * left, outWidth, 0,
                                        outWidth, 0, 0}))
            << what;
      }
}

TEST(PreprocessGeometry, ScalesAreThoseThatLeaveEnough) {
  for (int64_t rows = 1; rows <= 90; rows += 7)
    for (int64_t columns = 1; columns <= 90; columns += 11) {
      int64_t expected = 1;
      for (int64_t scale : {2, 4, 8})
        if (rows >= scale * 10 && columns >= scale * 5)
          expected = scale;
      EXPECT_EQ(scaleOf(boxGeometry({3, 4, columns, rows}, Filter::Bilinear, 10, 5)), expected) << rows << columns;
    }
  EXPECT_EQ(scaleOf(boxGeometry({0, 0, 40, 80}, Filter::Bilinear, 10, 5)), 8); // neither may be one less
  EXPECT_EQ(scaleOf(boxGeometry({0, 0, 39, 80}, Filter::Bilinear, 10, 5)), 4);
  EXPECT_EQ(scaleOf(boxGeometry({0, 0, 40, 79}, Filter::Bilinear, 10, 5)), 4);
}

namespace {

constexpr std::pair<int64_t, int64_t> kPictures[] = {{32, 32}, {375, 500}, {500, 333}, {20, 400}, {400, 20},
                                                     {5, 3},   {1, 300},   {300, 1},   {1, 1}};

} // namespace

// torchvision's: an area and a ratio, ten times, then the middle of the nearest ratio.
TEST(PreprocessCrop, IsTorchvisions) {
  for (auto [height, width] : kPictures)
    for (uint64_t seed = 0; seed < 40; ++seed) {
      AugmentOptions options = AugmentOptions::of(Augmentation::RandomResizedCrop);
      if (seed % 2)
        options.minArea = 0.5, options.maxArea = 0.75, options.minRatio = 0.5, options.maxRatio = 3;
      PhiloxStream random(seed, 7), again(seed, 7);
      Box expected;
      for (int attempt = 0; attempt < 10 && expected.width == 0; ++attempt) {
        double area =
            double(height * width) * (options.minArea + (options.maxArea - options.minArea) * again.uniform());
        double low = std::log(options.minRatio), high = std::log(options.maxRatio);
        double ratio = std::exp(low + (high - low) * again.uniform());
        double w = nearest(std::sqrt(area * ratio)), h = nearest(std::sqrt(area / ratio));
        if (w > 0 && h > 0 && w <= double(width) && h <= double(height)) {
          int64_t y = int64_t(again.below(uint64_t(height - int64_t(h) + 1)));
          int64_t x = int64_t(again.below(uint64_t(width - int64_t(w) + 1)));
          expected = {x, y, int64_t(w), int64_t(h)};
        }
      }
      if (expected.width == 0) {
        double ratio = double(width) / double(height);
        int64_t w = ratio > options.maxRatio ? int64_t(nearest(double(height) * options.maxRatio)) : width;
        int64_t h = ratio < options.minRatio ? int64_t(nearest(double(width) / options.minRatio)) : height;
        w = std::clamp<int64_t>(w, 1, width), h = std::clamp<int64_t>(h, 1, height);
        expected = {(width - w) / 2, (height - h) / 2, w, h};
      }
      std::string what = std::to_string(height) + "x" + std::to_string(width) + " " + std::to_string(seed);
      expectSameBox(randomResizedCrop(options, height, width, random), expected, what);
      expectSamePlace(random, again, what);
    }
}

// TensorFlow's sample_distorted_bounding_box (GenerateRandomCrop) of a picture that is its own object.
TEST(PreprocessCrop, IsTensorFlows) {
  size_t whole = 0, drawn = 0;
  for (auto [height, width] : kPictures)
    for (uint64_t seed = 0; seed < 40; ++seed) {
      AugmentOptions options = AugmentOptions::of(Augmentation::Inception);
      if (seed % 2)
        options.minArea = 0.09, options.maxArea = 0.3, options.minRatio = 0.25, options.maxRatio = 2.5;
      const double least = options.minArea * double(height * width), most = options.maxArea * double(height * width);
      PhiloxStream random(seed, 7), again(seed, 7);
      Box expected{0, 0, width, height};
      bool isFound = false;
      for (int attempt = 0; attempt < 100 && !isFound; ++attempt) {
        double ratio = options.minRatio + (options.maxRatio - options.minRatio) * again.uniform();
        double low = nearest(std::sqrt(least / ratio)), high = nearest(std::sqrt(most / ratio));
        if (nearest(high * ratio) > double(width))
          high = std::floor((double(width) + 0.5 - 1e-7) / ratio);
        high = std::min(high, double(height));
        low = std::min(low, high);
        double h = low + double(again.below(uint64_t(high - low) + 1)), w = nearest(h * ratio);
        if (w * h < least)
          h += 1, w = nearest(h * ratio);
        if (w * h > most)
          h -= 1, w = nearest(h * ratio);
        bool fits = h >= 1 && w >= 1 && h <= double(height) && w <= double(width) && w * h >= least && w * h <= most &&
                    w * h >= 0.1 * double(height * width);
        if (!fits)
          continue;
        isFound = true;
        expected.width = int64_t(w), expected.height = int64_t(h);
        expected.y = expected.height < height ? int64_t(again.below(uint64_t(height - expected.height))) : 0;
        expected.x = expected.width < width ? int64_t(again.below(uint64_t(width - expected.width))) : 0;
      }
      (isFound ? drawn : whole) += 1;
      std::string what = std::to_string(height) + "x" + std::to_string(width) + " " + std::to_string(seed);
      expectSameBox(distortedCrop(options, height, width, random), expected, what);
      expectSamePlace(random, again, what);
    }
  EXPECT_GT(whole, 40u);
  EXPECT_GT(drawn, 100u);
}

TEST(PreprocessCrop, ErasesAsDescribed) {
  size_t none = 0;
  for (auto [height, width] : kPictures)
    for (uint64_t seed = 0; seed < 40; ++seed) {
      PhiloxStream random(seed, 7), again(seed, 7);
      Box expected;
      for (int attempt = 0; attempt < 10 && expected.width == 0; ++attempt) {
        double area = double(height * width) * (0.02 + 0.31 * again.uniform());
        double ratio = std::exp(std::log(0.3) + (std::log(3.3) - std::log(0.3)) * again.uniform());
        double h = nearest(std::sqrt(area / ratio)), w = nearest(std::sqrt(area * ratio));
        if (h < 1 || w < 1 || h >= double(height) || w >= double(width))
          continue;
        int64_t y = int64_t(again.below(uint64_t(height - int64_t(h) + 1)));
        int64_t x = int64_t(again.below(uint64_t(width - int64_t(w) + 1)));
        expected = {x, y, int64_t(w), int64_t(h)};
      }
      none += expected.width == 0;
      std::string what = std::to_string(height) + "x" + std::to_string(width) + " " + std::to_string(seed);
      expectSameBox(erasedBox(height, width, random), expected, what);
      expectSamePlace(random, again, what);
    }
  EXPECT_GT(none, 80u); // nothing fits a line of pixels
}

TEST(Color, DrawsWhatItsModeHas) {
  using enum ColorOp;
  const std::array<ColorOp, 4> orders[] = {{Brightness, Saturation, Hue, Contrast},
                                           {Saturation, Brightness, Contrast, Hue},
                                           {Contrast, Hue, Brightness, Saturation},
                                           {Hue, Saturation, Contrast, Brightness}};
  std::array<int, 4> seen{};
  for (uint64_t seed = 0; seed < 200; ++seed) {
    PhiloxStream random(seed, 1), again(seed, 1), fast(seed, 1), none(seed, 1);
    ColorChange change = drawColors(ColorMode::Full, random);
    size_t order = again.below(4);
    ++seen[order];
    EXPECT_EQ(change.count, 4);
    EXPECT_EQ(change.order, orders[order]);
    auto between = [&](double low, double high) { return float(low + (high - low) * again.uniform()); };
    EXPECT_FLOAT_EQ(change.brightness, between(-32 / 255.0, 32 / 255.0));
    EXPECT_FLOAT_EQ(change.saturation, between(0.5, 1.5));
    EXPECT_FLOAT_EQ(change.hue, between(-0.2, 0.2));
    EXPECT_FLOAT_EQ(change.contrast, between(0.5, 1.5));
    expectSamePlace(random, again, "full");
    ColorChange two = drawColors(ColorMode::Fast, fast);
    EXPECT_EQ(two.count, 2);
    EXPECT_EQ(two.order[0], order == 0 ? Brightness : Saturation); // in one of four
    EXPECT_EQ(two.order[1], order == 0 ? Saturation : Brightness);
    EXPECT_EQ(two.brightness, change.brightness);
    EXPECT_EQ(two.saturation, change.saturation);
    EXPECT_EQ(drawColors(ColorMode::None, none).count, 0);
    expectSamePlace(none, PhiloxStream(seed, 1), "none");
  }
  for (int count : seen)
    EXPECT_GT(count, 20);
}
