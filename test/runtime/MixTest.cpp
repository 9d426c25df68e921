// SPDX-License-Identifier: Apache-2.0
//
// Images that are mixed of two: the distribution of the draw, pixels of known images, and batches of a loader.

#include "runtime/io/Mix.h"
#include "runtime/io/DataSource.h"
#include "runtime/io/Loader.h"
#include "runtime/support/Philox.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

using namespace incept;

// Mean 1/2 and variance 1 / (4 (2 alpha + 1)) of Beta(alpha, alpha), for alpha on both sides of 1.
TEST(Mix, DrawsBeta) {
  for (double alpha : {0.05, 0.4, 1.0, 3.0, 50.0}) {
    PhiloxStream random(3, hashName("beta"));
    constexpr int kDraws = 40000;
    double sum = 0, squares = 0;
    for (int i = 0; i < kDraws; ++i) {
      double value = drawBeta(random, alpha);
      ASSERT_TRUE(value >= 0 && value <= 1) << value;
      sum += value;
      squares += (value - 0.5) * (value - 0.5);
    }
    double variance = 1 / (4 * (2 * alpha + 1));
    EXPECT_NEAR(sum / kDraws, 0.5, 5 * std::sqrt(variance / kDraws)) << alpha;
    EXPECT_NEAR(squares / kDraws, variance, 0.03 * variance) << alpha;
  }
}

TEST(Mix, AveragesPairs) {
  // Three images of 1x2 with one channel: the one in the middle meets itself.
  std::vector<uint8_t> images = {0, 200, 10, 20, 100, 255};
  mixImages({0.75, 0.75}, images.data(), 3, 1, 2, 1);
  // 0.75 * 0 + 0.25 * 100, 0.75 * 200 + 0.25 * 255 = 213.75; the other way round 75 and 241.25.
  EXPECT_EQ(images, (std::vector<uint8_t>{25, 214, 10, 20, 75, 241}));
}

TEST(Mix, CutsBoxes) {
  // Two images of 3x3 with two channels; the box is the row in the middle, from the second column on.
  std::vector<uint8_t> images(36);
  for (size_t i = 0; i < images.size(); ++i)
    images[i] = uint8_t(i);
  std::vector<uint8_t> expected = images;
  std::swap_ranges(expected.begin() + 8, expected.begin() + 12, expected.begin() + 18 + 8);
  mixImages({1, 1 - 2.0 / 9, 1, 2, 1, 3}, images.data(), 2, 3, 3, 2);
  EXPECT_EQ(images, expected);
}

// The box has the image's proportions and 1 - share of its area, cut off at the edges; both kinds take turns.
TEST(Mix, DrawsBoxes) {
  AugmentOptions options;
  options.cutmix = 1;
  int whole = 0;
  for (int64_t number = 0; number < 200; ++number) {
    Mix mix = drawMix(options, 7, number, 40, 60);
    EXPECT_EQ(mix.weight, 1);
    EXPECT_TRUE(mix.y0 >= 0 && mix.y1 >= mix.y0 && mix.y1 <= 40 && mix.x0 >= 0 && mix.x1 >= mix.x0 && mix.x1 <= 60);
    int64_t height = mix.y1 - mix.y0, width = mix.x1 - mix.x0;
    EXPECT_DOUBLE_EQ(mix.share, 1 - double(height * width) / 2400);
    if (mix.y0 > 0 && mix.y1 < 40 && mix.x0 > 0 && mix.x1 < 60) {
      EXPECT_NEAR(double(width), 1.5 * double(height), 3);
      ++whole;
    }
  }
  EXPECT_GT(whole, 20);
  options.mixup = 1;
  int cut = 0;
  for (int64_t number = 0; number < 400; ++number)
    cut += drawMix(options, 7, number, 40, 60).weight == 1;
  EXPECT_NEAR(cut, 200, 50);
  EXPECT_EQ(drawMix(options, 7, 5, 40, 60).share, drawMix(options, 7, 5, 40, 60).share);
  EXPECT_NE(drawMix(options, 7, 5, 40, 60).share, drawMix(options, 8, 5, 40, 60).share);
}

// Batches of a loader are the same with any number of threads, and evaluation mixes nothing.
TEST(Mix, Loader) {
  ImageShape shape{1, 4, 4, 10};
  auto opened = openDataset("synthetic:", Split::Train, shape);
  ASSERT_TRUE(bool(opened));
  std::shared_ptr<const Dataset> images = std::move(*opened);
  auto batches = [&](bool training, int threads, double mixup) {
    LoaderOptions load;
    load.sample.shape = shape;
    load.sample.training = training;
    load.sample.augment.mixup = mixup;
    load.sample.seed = 4;
    load.batch = 6;
    load.threads = threads;
    Loader loader(images, load);
    std::vector<std::pair<std::vector<uint8_t>, double>> result;
    for (int i = 0; i < 4; ++i) {
      std::vector<uint8_t> pixels(6 * 16);
      std::vector<int64_t> labels(6);
      double share = -1;
      EXPECT_TRUE(loader.next(pixels.data(), labels.data(), &share).ok());
      result.emplace_back(pixels, share);
    }
    return result;
  };
  auto plain = batches(true, 0, 0), mixed = batches(true, 0, 0.6);
  EXPECT_EQ(mixed, batches(true, 2, 0.6));
  EXPECT_EQ(plain[0].second, 1);
  for (size_t i = 0; i < plain.size(); ++i) {
    double share = mixed[i].second;
    for (size_t k = 0; k < 16; ++k) // image 1 with image 4
      EXPECT_NEAR(mixed[i].first[16 + k], share * plain[i].first[16 + k] + (1 - share) * plain[i].first[64 + k], 0.51);
  }
  EXPECT_EQ(batches(false, 0, 0.6), batches(false, 0, 0));
}
