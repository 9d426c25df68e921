// SPDX-License-Identifier: Apache-2.0
//
// EXIF's orientation: read from files, also from those that lie, and what it does to a picture and to a part of one.

#include "runtime/io/Orientation.h"
#include "runtime/io/SampleMaker.h"
#include "test/runtime/MakeJpeg.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace incept;

namespace {

std::string number(uint32_t value, size_t size, bool isLittle) {
  std::string text;
  for (size_t i = 0; i < size; ++i)
    text += char(value >> 8 * (isLittle ? i : size - 1 - i));
  return text;
}

/// A TIFF structure whose second entry is the orientation.
std::string tiff(uint32_t orientation, bool isLittle, uint32_t type = 3) {
  auto n = [&](uint32_t value, size_t size) { return number(value, size, isLittle); };
  return (isLittle ? "II" : "MM") + n(42, 2) + n(8, 4) + n(2, 2) + n(0x010f, 2) + n(2, 2) + n(1, 4) + n(0, 4) +
         n(0x0112, 2) + n(type, 2) + n(1, 4) + n(orientation, 2) + n(0, 2) + n(0, 4);
}

/// `file` with a segment behind its first marker.
std::string with(const std::string &file, const std::string &data, char marker = '\xe1') {
  return file.substr(0, 2) + '\xff' + marker + number(uint32_t(data.size() + 2), 2, false) + data + file.substr(2);
}

std::string exif(const std::string &data) { return std::string("Exif\0\0", 6) + data; }

} // namespace

TEST(Orientation, IsRead) {
  std::string file = tests::makeJpeg(16, 16, {});
  EXPECT_EQ(orientationOf(file).number, 1);
  for (uint32_t value = 1; value <= 8; ++value)
    for (bool isLittle : {false, true})
      EXPECT_EQ(orientationOf(with(with(file, exif(tiff(value, isLittle))), "JFIF", '\xe0')).number, int(value));
}

TEST(Orientation, NonsenseIsNone) {
  std::string file = tests::makeJpeg(16, 16, {}), good = tiff(6, true);
  for (uint32_t value : {0u, 9u, 65535u})
    EXPECT_EQ(orientationOf(with(file, exif(tiff(value, true)))).number, 1);
  EXPECT_EQ(orientationOf(with(file, exif(tiff(6, true, 4)))).number, 1);
  EXPECT_EQ(orientationOf(with(file, good)).number, 1);
  std::string all = with(file, exif(good));
  // Cut anywhere, and with any byte another one, it is a number from 1 to 8.
  for (size_t i = 0; i < exif(good).size() + 6; ++i) {
    EXPECT_EQ(orientationOf(std::string_view(all).substr(0, i)).number, 1) << i;
    for (char byte : {'\0', '\x7f', '\xff'}) {
      std::string damaged = all;
      damaged[i] = byte;
      int value = orientationOf(damaged).number;
      EXPECT_TRUE(value >= 1 && value <= 8) << i;
    }
  }
  EXPECT_EQ(orientationOf("").number, 1);
}

// Where each of the stored picture's corners goes, as the standard describes the eight numbers.
TEST(Orientation, TurnsAsDescribed) {
  // a b c
  // d e f
  const uint8_t stored[] = {'a', 'b', 'c', 'd', 'e', 'f'};
  const char *expected[] = {"abcdef", "cbafed", "fedcba", "defabc", "adbecf", "daebfc", "fcebda", "cfbead"};
  for (int value = 1; value <= 8; ++value) {
    PixelBuffer turned;
    Orientation{value}.turn({stored, 3, 2, 3, 1}, turned);
    EXPECT_EQ(std::string(turned.bytes.begin(), turned.bytes.end()), expected[value - 1]) << value;
    EXPECT_EQ(turned.width, value >= 5 ? 2 : 3);
    // A part of the turned picture is a part of the stored one.
    Box box = value >= 5 ? Box{1, 0, 1, 2} : Box{0, 1, 2, 1};
    Box part = Orientation{value}.stored(box, 2, 3);
    PixelBuffer piece;
    Orientation{value}.turn({stored + part.y * 3 + part.x, 3, part.height, part.width, 1}, piece);
    EXPECT_EQ(piece.bytes, value >= 5 ? std::vector<uint8_t>({turned.bytes[1], turned.bytes[3]})
                                      : std::vector<uint8_t>({turned.bytes[3], turned.bytes[4]}))
        << value;
  }
}

// A picture that was stored turned, with the number that says so, is the picture; without the option it is not.
TEST(Orientation, IsAnOption) {
  int height = 48, width = 64;
  std::vector<uint8_t> pixels = tests::makePixels(width, height, 3, 4);
  tests::JpegForm form;
  form.horizontal = form.vertical = 1;
  form.quality = 100;
  SampleOptions options;
  options.shape = {3, 24, 24, 10};
  auto make = [&](const std::string &file) {
    std::vector<uint8_t> out(24 * 24 * 3);
    EXPECT_TRUE(SampleMaker(options).makePicture(file, "f", out.data()).ok());
    return out;
  };
  std::vector<uint8_t> upright = make(tests::encodeJpeg(pixels, width, height, form));
  for (int value = 2; value <= 8; ++value) {
    Orientation back{value == 6 ? 8 : value == 8 ? 6 : value};
    PixelBuffer stored;
    back.turn({pixels.data(), width * 3, height, width, 3}, stored);
    std::string file = with(tests::encodeJpeg(stored.bytes, int(stored.width), int(stored.height), form),
                            exif(tiff(uint32_t(value), false)));
    options.evaluation.orient = 0;
    std::vector<uint8_t> plain = make(file);
    options.evaluation.orient = 1;
    std::vector<uint8_t> turned = make(file);
    int most = 0, plainMost = 0;
    for (size_t i = 0; i < upright.size(); ++i) {
      most = std::max(most, std::abs(int(turned[i]) - int(upright[i])));
      plainMost = std::max(plainMost, std::abs(int(plain[i]) - int(upright[i])));
    }
    EXPECT_LE(most, 4) << value;
    EXPECT_GT(plainMost, 30) << value;
  }
}
