// SPDX-License-Identifier: Apache-2.0
//
// Samples of pixels, moved, flipped and erased, against the same done here with the numbers of the same stream.

#include "runtime/io/SampleMaker.h"
#include "runtime/io/Sources.h"

#include <gtest/gtest.h>

using namespace incept;

namespace {

/// Images whose pixels are all different, as far as bytes can be.
std::unique_ptr<Dataset> images(int64_t height, int64_t width, int64_t channels) {
  ImageSet set;
  set.count = 3;
  set.height = height, set.width = width, set.channels = channels;
  for (int64_t i = 0; i < set.count * set.imageBytes(); ++i)
    set.pixels.push_back(uint8_t(i * 7 + i / 251));
  set.labels8 = {2, 0, 1};
  return makePixelDataset(std::move(set), "pixels", {});
}

} // namespace

TEST(SampleModel, MovesFlipsAndErases) {
  int flipped = 0, erased = 0, moved = 0;
  for (int64_t channels : {1, 3})
    for (int64_t width : {1, 2, 5, 6, 7, 9, 10, 13, 33})
      for (int64_t height : {1, 8, 20})
        for (int64_t padding : {0, 3}) {
          auto dataset = images(height, width, channels);
          SampleOptions options;
          options.shape = {channels, height, width, 3};
          options.training = true;
          options.augment = AugmentOptions::of(Augmentation::Cifar);
          options.augment.padding = double(padding);
          options.augment.erase = 0.7;
          options.seed = uint64_t(width * 100 + height * 10 + padding);
          SampleMaker maker(options);
          for (int64_t sample = 0; sample < 3; ++sample)
            for (int64_t epoch : {0, 11}) {
              std::vector<uint8_t> got(size_t(height * width * channels));
              ASSERT_TRUE(maker.make(*dataset, sample, epoch, got.data()).ok());
              PhiloxStream random(options.seed,
                                  hashName("augment/" + std::to_string(epoch) + "/" + std::to_string(sample)));
              int64_t dy = int64_t(random.below(uint64_t(2 * padding + 1))) - padding;
              int64_t dx = int64_t(random.below(uint64_t(2 * padding + 1))) - padding;
              bool flips = random.uniform() < 0.5;
              Box box;
              if (random.uniform() < 0.7)
                box = erasedBox(height, width, random);
              moved += dy != 0 || dx != 0, flipped += flips, erased += box.width > 0;
              PixelView view = dataset->pixels(sample);
              for (int64_t y = 0; y < height; ++y)
                for (int64_t x = 0; x < width; ++x)
                  for (int64_t c = 0; c < channels; ++c) {
                    int64_t from = flips ? width - 1 - x : x;
                    bool isErased = y >= box.y && y < box.y + box.height && from >= box.x && from < box.x + box.width;
                    int64_t row = y + dy, column = from + dx;
                    bool isInside = row >= 0 && row < height && column >= 0 && column < width;
                    int expected = isErased ? 128 : isInside ? view.data[row * view.stride + column * channels + c] : 0;
                    ASSERT_EQ(int(got[size_t((y * width + x) * channels + c)]), expected)
                        << channels << " channels, " << height << "x" << width << " at " << y << "," << x;
                  }
              int64_t label = -1;
              ASSERT_TRUE(maker.makeLabels(*dataset, sample, &label).ok());
              EXPECT_EQ(label, dataset->label(sample));
            }
        }
  EXPECT_GT(flipped, 200);
  EXPECT_GT(erased, 100);
  EXPECT_GT(moved, 200);
}

// Gray pixels for a network of colors, and colors for one of gray.
TEST(SampleModel, OfOtherChannels) {
  for (int64_t width : {1, 6, 9}) {
    SampleOptions options;
    options.shape = {3, 4, width, 3};
    auto gray = images(4, width, 1), colors = images(4, width, 3);
    std::vector<uint8_t> got(size_t(4 * width * 3));
    ASSERT_TRUE(SampleMaker(options).make(*gray, 1, 0, got.data()).ok());
    PixelView view = gray->pixels(1);
    for (int64_t i = 0; i < 4 * width * 3; ++i)
      ASSERT_EQ(got[size_t(i)], view.data[i / 3]);
    options.shape.channels = 1;
    ASSERT_TRUE(SampleMaker(options).make(*colors, 1, 0, got.data()).ok());
    view = colors->pixels(1);
    for (int64_t i = 0; i < 4 * width; ++i) {
      const uint8_t *pixel = view.data + 3 * i; // 0.299, 0.587 and 0.114 of red, green and blue, to the nearest
      ASSERT_EQ(int(got[size_t(i)]), (299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2] + 500) / 1000);
    }
  }
}

// Pixels of the network's size are its input; those of another size are resized, and what is cut is cut.
TEST(SampleModel, OfOtherSizes) {
  SampleOptions options;
  options.shape = {1, 6, 9, 3};
  options.evaluation = EvaluationOptions::wholePicture();
  for (auto [height, width] : {std::pair(6, 9), {9, 6}, {6, 12}, {12, 9}, {13, 20}}) {
    auto dataset = images(height, width, 1);
    std::vector<uint8_t> got(54);
    ASSERT_TRUE(SampleMaker(options).make(*dataset, 2, 0, got.data()).ok());
    PixelBuffer expected;
    Resampler().resize(dataset->pixels(2), 0, 0, {height, 6, 0, 6}, {width, 9, 0, 9}, Filter::Bilinear, expected);
    EXPECT_EQ(got, expected.bytes) << height << "x" << width;
  }
}
