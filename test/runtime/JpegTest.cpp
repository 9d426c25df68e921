// SPDX-License-Identifier: Apache-2.0
//
// Boxes of JPEG files against the whole, in every form that photographs come in.

#include "runtime/io/ImageFile.h"
#include "runtime/support/Philox.h"
#include "test/runtime/MakeJpeg.h"

#include <gtest/gtest.h>

using namespace incept;

namespace {

std::vector<uint8_t> decodeBox(PictureDecoder &decoder, const Box &box, int64_t channels, int64_t scale = 1) {
  auto view = decoder.decode(box, channels, /*strict=*/true, scale);
  EXPECT_TRUE(bool(view)) << view.status().message();
  std::vector<uint8_t> pixels;
  for (int64_t y = 0; view && y < view->height; ++y)
    for (int64_t x = 0; x < view->width; ++x)
      for (int64_t c = 0; c < std::min<int64_t>(channels, 3); ++c)
        pixels.push_back(view->data[y * view->stride + x * view->channels + c]);
  return pixels;
}

std::vector<uint8_t> cut(const std::vector<uint8_t> &whole, int64_t width, const Box &box, int64_t channels) {
  std::vector<uint8_t> pixels;
  for (int64_t y = box.y; y < box.y + box.height; ++y) {
    auto row = whole.begin() + (y * width + box.x) * channels;
    pixels.insert(pixels.end(), row, row + box.width * channels);
  }
  return pixels;
}

} // namespace

// A box has the pixels of the whole picture: with colors at half resolution too, whose upsampling looks at neighbours.
TEST(Jpeg, BoxesAreExact) {
  for (tests::JpegForm form : {tests::JpegForm{2, 2},
                               {2, 1},
                               {1, 2},
                               {1, 1},
                               {4, 1},
                               {2, 2, true},
                               {2, 1, true},
                               {1, 1, false, tests::JpegColors::Gray},
                               {1, 1, false, tests::JpegColors::Rgb},
                               {1, 1, false, tests::JpegColors::Cmyk},
                               {2, 2, false, tests::JpegColors::Ycck}}) {
    form.restart = form.progressive ? 0 : 3;
    for (auto [width, height] : {std::pair(131, 97), {64, 48}, {17, 200}, {9, 5}}) {
      std::string file = tests::makeJpeg(width, height, form);
      PictureDecoder decoder;
      PhiloxStream random(1, width);
      for (int64_t channels : {4, 1}) {
        ASSERT_TRUE(decoder.open(file, "f").ok());
        ASSERT_EQ(decoder.width(), width);
        ASSERT_EQ(decoder.height(), height);
        std::vector<uint8_t> whole = decodeBox(decoder, {0, 0, width, height}, channels);
        for (int i = 0; i < 25; ++i) {
          Box box;
          box.width = int64_t(random.below(width)) + 1;
          box.height = int64_t(random.below(height)) + 1;
          box.x = int64_t(random.below(width - box.width + 1));
          box.y = int64_t(random.below(height - box.height + 1));
          ASSERT_TRUE(decoder.open(file, "f").ok());
          ASSERT_EQ(decodeBox(decoder, box, channels), cut(whole, width, box, std::min<int64_t>(channels, 3)))
              << form.horizontal << "x" << form.vertical << " " << form.progressive << " " << int(form.colors)
              << " box " << box.x << "," << box.y << " " << box.width << "x" << box.height << " of " << width << "x"
              << height;
        }
      }
    }
  }
}

// The same of pictures that are decoded at a half, a quarter or an eighth, which look like averages of the whole.
TEST(Jpeg, ScaledBoxesAreExact) {
  for (tests::JpegForm form : {tests::JpegForm{2, 2}, {1, 1}, {2, 1, true}}) {
    int width = 301, height = 203;
    std::vector<uint8_t> pixels = tests::makePixels(width, height, 3);
    std::string file = tests::encodeJpeg(pixels, width, height, form);
    PictureDecoder decoder;
    PhiloxStream random(2, 0);
    for (int64_t scale : {2, 4, 8}) {
      int64_t w = (width + scale - 1) / scale, h = (height + scale - 1) / scale;
      ASSERT_TRUE(decoder.open(file, "f").ok());
      std::vector<uint8_t> whole = decodeBox(decoder, {0, 0, w, h}, 4, scale);
      for (int i = 0; i < 20; ++i) {
        Box box;
        box.width = int64_t(random.below(uint64_t(w))) + 1;
        box.height = int64_t(random.below(uint64_t(h))) + 1;
        box.x = int64_t(random.below(uint64_t(w - box.width + 1)));
        box.y = int64_t(random.below(uint64_t(h - box.height + 1)));
        ASSERT_TRUE(decoder.open(file, "f").ok());
        ASSERT_EQ(decodeBox(decoder, box, 4, scale), cut(whole, w, box, 3))
            << scale << " box " << box.x << "," << box.y;
      }
      double difference = 0;
      int64_t count = 0;
      for (int64_t y = 0; y < height / scale; ++y)
        for (int64_t x = 0; x < width / scale; ++x, ++count) {
          double sum = 0;
          for (int64_t i = 0; i < scale * scale; ++i)
            sum += pixels[((y * scale + i / scale) * width + x * scale + i % scale) * 3];
          difference += std::abs(sum / double(scale * scale) - whole[(y * w + x) * 3]);
        }
      EXPECT_LT(difference / double(count), 8) << scale;
    }
  }
}

// Cyan ink is what red light does not come back from, however the file writes it.
TEST(Jpeg, ColorsForPrinting) {
  for (tests::JpegColors colors : {tests::JpegColors::Cmyk, tests::JpegColors::Ycck}) {
    tests::JpegForm form;
    form.colors = colors;
    std::vector<uint8_t> inks;
    for (int i = 0; i < 64; ++i)
      inks.insert(inks.end(), {55, 155, 255, 128}); // Adobe's: the light that is left
    std::string file = tests::encodeJpeg(inks, 8, 8, form);
    PictureDecoder decoder;
    ASSERT_TRUE(decoder.open(file, "f").ok());
    std::vector<uint8_t> pixels = decodeBox(decoder, {0, 0, 8, 8}, 4);
    EXPECT_NEAR(pixels[0], 55 * 128 / 255, 3);
    EXPECT_NEAR(pixels[1], 155 * 128 / 255, 3);
    EXPECT_NEAR(pixels[2], 128, 3);
    ASSERT_TRUE(decoder.open(file, "f").ok());
    EXPECT_NEAR(decodeBox(decoder, {0, 0, 8, 8}, 1)[0], (299 * 28 + 587 * 78 + 114 * 128) / 1000, 3);
  }
}

// What a decoder warns of is an error only where that is wanted; a file that ends too early is one always.
TEST(Jpeg, WarningsAreCounted) {
  std::string file = tests::makeJpeg(64, 64, {});
  PictureDecoder decoder;
  // Damage in the data: markers where none should be.
  std::string damaged = file;
  damaged[damaged.size() - 40] = '\xff';
  damaged[damaged.size() - 39] = '\xd3';
  ASSERT_TRUE(decoder.open(damaged, "f").ok());
  EXPECT_TRUE(bool(decoder.decode({0, 0, 64, 64}, 4, /*strict=*/false)));
  EXPECT_GT(decoder.warnings(), 0);
  ASSERT_TRUE(decoder.open(damaged, "f").ok());
  EXPECT_FALSE(bool(decoder.decode({0, 0, 64, 64}, 4, /*strict=*/true)));
  std::string shortened = file.substr(0, file.size() / 2);
  ASSERT_TRUE(decoder.open(shortened, "f").ok());
  auto view = decoder.decode({0, 0, 64, 64}, 4, /*strict=*/false);
  ASSERT_FALSE(bool(view));
  EXPECT_EQ(view.status().message(), "cannot read the image 'f': Premature end of JPEG file");
  // The decoder goes on with the next file.
  ASSERT_TRUE(decoder.open(file, "f").ok());
  EXPECT_TRUE(bool(decoder.decode({0, 0, 64, 64}, 4, /*strict=*/true)));
  EXPECT_EQ(decoder.warnings(), 0);
}
