// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/Resample.h"
#include "runtime/support/Checksum.h"
#include "runtime/support/Philox.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace incept;

namespace {

PixelBuffer noise(int64_t height, int64_t width, int64_t channels) {
  PixelBuffer pixels;
  pixels.resize(height, width, channels);
  PhiloxStream random(3, uint64_t(height * 1000 + width));
  for (uint8_t &byte : pixels.bytes)
    byte = uint8_t(random.next());
  return pixels;
}

std::vector<uint8_t> resize(const PixelBuffer &from, int64_t height, int64_t width, Filter filter,
                            Vectors vectors = Vectors::IfThere) {
  Resampler resampler(vectors);
  PixelBuffer to;
  resampler.resize(from.view(), 0, 0, {from.height, height, 0, height}, {from.width, width, 0, width}, filter, to);
  EXPECT_EQ(to.height, height);
  EXPECT_EQ(to.width, width);
  return to.bytes;
}

constexpr std::pair<int, int> kSizes[] = {{1, 1}, {2, 3}, {7, 7}, {96, 31}, {299, 299}, {33, 500}};

} // namespace

// Every width of a row's end and every number of weights, odd ones too.
TEST(Resample, VectorsAndPlainHaveTheSameIntegers) {
  for (Filter filter : {Filter::Bilinear, Filter::Bicubic, Filter::Tf1})
    for (auto [h, w] : {std::pair(1, 1), {1, 90}, {90, 1}, {37, 53}, {375, 500}, {300, 17}})
      for (auto [outH, outW] : kSizes)
        for (int64_t channels : {4, 1}) {
          PixelBuffer from = noise(h, w, channels);
          ASSERT_EQ(resize(from, outH, outW, filter), resize(from, outH, outW, filter, Vectors::Never))
              << h << "x" << w << " to " << outH << "x" << outW << " channels " << channels;
        }
}

// Checksums of what PyTorch 2.15 makes of the same pixels: interpolate(uint8, antialias=True), channels last.
TEST(Resample, HasPyTorchsIntegers) {
  struct Case {
    Filter filter;
    int64_t height, width, outHeight, outWidth;
    const char *checksum;
  };
  const Case cases[] = {
      {Filter::Bilinear, 375, 500, 299, 299, "24cbed1c04d845ce"},
      {Filter::Bilinear, 64, 48, 96, 96, "f6cef4424e7f8434"},
      {Filter::Bilinear, 1, 7, 5, 3, "74f64277cf7b543e"},
      {Filter::Bilinear, 333, 90, 31, 200, "6273534faeac5942"},
      {Filter::Bilinear, 256, 256, 224, 224, "04e2e8750992c7ae"},
      {Filter::Bicubic, 375, 500, 299, 299, "bc9d42c45498760e"},
      {Filter::Bicubic, 64, 48, 96, 96, "2fc0c8522092d01e"},
      {Filter::Bicubic, 1, 7, 5, 3, "dec2d5c87540b317"},
      {Filter::Bicubic, 333, 90, 31, 200, "5b907b7831e3b446"},
      {Filter::Bicubic, 256, 256, 224, 224, "6c0291ae0342be91"},
  };
  for (const Case &c : cases) {
    PixelBuffer from;
    from.resize(c.height, c.width, 4);
    for (uint64_t i = 0; i < uint64_t(c.height * c.width * 3); ++i)
      from.bytes[i / 3 * 4 + i % 3] = uint8_t(i * i * 7 + i * 13 + (i >> 5));
    std::string dense;
    std::vector<uint8_t> to = resize(from, c.outHeight, c.outWidth, c.filter);
    for (size_t i = 0; i < to.size(); ++i)
      if (i % 4 < 3)
        dense.push_back(char(to[i]));
    EXPECT_EQ(Checksum().add(dense).text(), c.checksum) << c.height << "x" << c.width << " to " << c.outHeight;
  }
}

TEST(Resample, KeepsWhatNeedsNoChange) {
  PixelBuffer from = noise(31, 47, 4);
  for (Filter filter : {Filter::Bilinear, Filter::Bicubic, Filter::Tf1})
    EXPECT_EQ(resize(from, 31, 47, filter), from.bytes);
}

TEST(Resample, KeepsConstants) {
  for (Filter filter : {Filter::Bilinear, Filter::Bicubic, Filter::Tf1})
    for (auto [h, w] : {std::pair(1, 1), {1, 500}, {500, 1}, {97, 301}})
      for (auto [outH, outW] : kSizes) {
        PixelBuffer from;
        from.resize(h, w, 1);
        std::fill(from.bytes.begin(), from.bytes.end(), uint8_t(201));
        for (uint8_t pixel : resize(from, outH, outW, filter))
          ASSERT_EQ(pixel, 201) << h << "x" << w << " to " << outH << "x" << outW;
      }
}

// Within two roundings of the same filter in f64.
TEST(Resample, IsTheFilter) {
  PixelBuffer from = noise(40, 61, 1);
  for (auto [outH, outW] : {std::pair(13, 100), {80, 17}}) {
    std::vector<uint8_t> got = resize(from, outH, outW, Filter::Bilinear);
    auto weight = [](double at, int input, double scale) {
      return std::max(0.0, 1 - std::abs(input + 0.5 - at) / std::max(scale, 1.0));
    };
    double down = 40.0 / outH, across = 61.0 / outW;
    for (int y = 0; y < outH; ++y)
      for (int x = 0; x < outW; ++x) {
        double sum = 0, total = 0;
        for (int i = 0; i < 40; ++i)
          for (int j = 0; j < 61; ++j) {
            double w = weight((y + 0.5) * down, i, down) * weight((x + 0.5) * across, j, across);
            sum += w * from.bytes[i * 61 + j];
            total += w;
          }
        ASSERT_NEAR(got[y * outW + x], sum / total, 1.1);
      }
  }
}

// TensorFlow 1 without align_corners: the source of output i is i * in / out, between its neighbours.
TEST(Resample, Tf1) {
  PixelBuffer from;
  from.resize(1, 4, 1);
  from.bytes = {0, 100, 200, 40};
  EXPECT_EQ(resize(from, 1, 8, Filter::Tf1), (std::vector<uint8_t>{0, 50, 100, 150, 200, 120, 40, 40}));
  EXPECT_EQ(resize(from, 1, 2, Filter::Tf1), (std::vector<uint8_t>{0, 200}));
  EXPECT_EQ(resize(from, 1, 3, Filter::Tf1), (std::vector<uint8_t>{0, 133, 93})); // at 0, 4/3 and 8/3
}

// A window of the outputs, from only those inputs that it needs, has the integers of the whole.
TEST(Resample, Windows) {
  PixelBuffer from = noise(200, 150, 4);
  for (Filter filter : {Filter::Bilinear, Filter::Bicubic, Filter::Tf1}) {
    std::vector<uint8_t> whole = resize(from, 90, 120, filter);
    ResizeAxis rows{200, 90, 11, 50}, columns{150, 120, 30, 61};
    Span down = inputsOf(rows, filter), across = inputsOf(columns, filter);
    EXPECT_GT(down.begin, 0);
    EXPECT_LT(down.end, 200);
    PixelBuffer part, to;
    part.resize(down.end - down.begin, across.end - across.begin, 4);
    for (int64_t y = 0; y < part.height; ++y)
      std::copy_n(from.bytes.data() + ((y + down.begin) * 150 + across.begin) * 4, part.width * 4,
                  part.bytes.data() + y * part.width * 4);
    Resampler resampler;
    resampler.resize(part.view(), down.begin, across.begin, rows, columns, filter, to);
    for (int64_t y = 0; y < 50; ++y)
      for (int64_t i = 0; i < 61 * 4; ++i)
        ASSERT_EQ(to.bytes[y * 61 * 4 + i], whole[((y + 11) * 120 + 30) * 4 + i]);
  }
}

// What is kept from one picture to the next changes nothing, whichever of size, window and filter is another one.
TEST(Resample, IsUsedAgain) {
  Resampler kept;
  PixelBuffer from = noise(40, 40, 1);
  for (Filter filter : {Filter::Bilinear, Filter::Bicubic, Filter::Bilinear, Filter::Tf1, Filter::Bicubic})
    for (ResizeAxis axis :
         {ResizeAxis{40, 20, 0, 20}, {40, 20, 0, 10}, {40, 20, 5, 10}, {40, 30, 5, 10}, {36, 30, 5, 10}}) {
      PixelBuffer again, fresh;
      kept.resize(from.view(), 0, 0, axis, axis, filter, again);
      Resampler().resize(from.view(), 0, 0, axis, axis, filter, fresh);
      EXPECT_EQ(again.bytes, fresh.bytes) << axis.inputs << " " << axis.outputs << " " << axis.first;
    }
}

// A pattern finer than the output becomes its mean and no coarse pattern.
TEST(Resample, FiltersWhatIsTooFine) {
  PixelBuffer from;
  from.resize(256, 256, 1);
  for (size_t i = 0; i < from.bytes.size(); ++i)
    from.bytes[i] = i % 2 ? 200 : 0;
  for (uint8_t pixel : resize(from, 28, 28, Filter::Bilinear))
    ASSERT_NEAR(pixel, 100, 5);
}
