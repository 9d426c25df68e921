// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/ImageFile.h"
#include "runtime/support/Philox.h"
#include "test/runtime/MakePng.h"
#include "test/runtime/TinyProgram.h"

#include <gtest/gtest.h>
#include <zlib.h>

using namespace incept;

namespace {

std::string fromHex(const std::string &hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

/// 16x8 pixels, the left half red, the right half blue.
std::string colorJpeg() {
  return fromHex(
      "ffd8ffe000104a46494600010100000100010000ffdb0043000d090a0b0a080d0b0a0b0e0e0d0f13201513121213271c1e17202e2931302e"
      "292d2c333a4a3e333646372c2d405741464c4e525352323e5a615a50604a51524fffdb0043010e0e0e131113261515264f352d354f4f4f4f"
      "4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4fffc00011080008001003"
      "011100021101031101ffc4001500010100000000000000000000000000000506ffc40014100100000000000000000000000000000000ffc4"
      "001501010100000000000000000000000000000705ffc40014110100000000000000000000000000000000ffda000c03010002110311003f"
      "009f462482310a9fffd9");
}

/// 8x8 pixels of gray 100, progressive.
std::string grayJpeg() {
  return fromHex(
      "ffd8ffe000104a46494600010100000100010000ffdb004300100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c39"
      "33383740485c4e404457453738506d51575f626768673e4d71797064785c656763ffc2000b080008000801011100ffc40014000100000000"
      "000000000000000000000003ffda00080101000000010fffc40014100100000000000000000000000000000000ffda00080101000105027f"
      "ffc40014100100000000000000000000000000000000ffda0008010100063f027fffc40014100100000000000000000000000000000000ff"
      "da0008010100013f217fffda00080101000000107fffc40014100100000000000000000000000000000000ffda0008010100013f107fff"
      "d9");
}

using Bytes = std::vector<uint8_t>;

struct Picture {
  int64_t height = 0, width = 0;
  Bytes pixels; ///< (H,W,C)
};

/// The whole file, strictly. `channels` is 3 or 1.
Expected<Picture> decodePicture(const std::string &bytes, int64_t channels) {
  PictureDecoder decoder;
  INCEPT_RETURN_IF_ERROR(decoder.open(bytes, "f"));
  Picture picture{decoder.height(), decoder.width(), {}};
  auto view = decoder.decode({0, 0, decoder.width(), decoder.height()}, channels == 3 ? 4 : 1, /*strict=*/true);
  if (!view)
    return view.status();
  for (int64_t y = 0; y < view->height; ++y)
    for (int64_t x = 0; x < view->width; ++x)
      for (int64_t c = 0; c < channels; ++c)
        picture.pixels.push_back(view->data[y * view->stride + x * view->channels + c]);
  return picture;
}

Picture decode(const std::string &bytes, int64_t channels) {
  auto picture = decodePicture(bytes, channels);
  EXPECT_TRUE(bool(picture)) << picture.status().message();
  return picture ? *picture : Picture{};
}

std::string refusal(const std::string &bytes, int64_t channels = 3) {
  auto picture = decodePicture(bytes, channels);
  if (picture)
    return "";
  EXPECT_EQ(picture.status().code(), Code::Input);
  return picture.status().message();
}

} // namespace

TEST(ImageFile, Jpeg) {
  Picture picture = decode(colorJpeg(), 3);
  ASSERT_EQ(picture.width, 16);
  ASSERT_EQ(picture.height, 8);
  ASSERT_EQ(picture.pixels.size(), 16u * 8 * 3);
  for (int64_t i = 0; i < 16 * 8; ++i) {
    bool left = i % 16 < 8;
    EXPECT_NEAR(picture.pixels[3 * i], left ? 255 : 0, 3);
    EXPECT_NEAR(picture.pixels[3 * i + 1], 0, 3);
    EXPECT_NEAR(picture.pixels[3 * i + 2], left ? 0 : 255, 3);
  }
  Picture gray = decode(colorJpeg(), 1);
  ASSERT_EQ(gray.pixels.size(), 16u * 8);
  EXPECT_NEAR(gray.pixels[0], 0.299 * 255, 3);
  EXPECT_NEAR(gray.pixels[15], 0.114 * 255, 3);
  EXPECT_EQ(decode(grayJpeg(), 3).pixels, Bytes(8 * 8 * 3, 100));
  EXPECT_EQ(decode(grayJpeg(), 1).pixels, Bytes(8 * 8, 100));
}

TEST(ImageFile, Png) {
  using namespace std::string_literals;
  std::string rgb = tests::makePng(2, 1, 8, 2, "\0\x01\x02\x03\xff\0\x80"s);
  EXPECT_EQ(decode(rgb, 3).pixels, (Bytes{1, 2, 3, 255, 0, 128}));
  // 0.299*1 + 0.587*2 + 0.114*3 = 1.815; 0.299*255 + 0.114*128 = 90.837
  EXPECT_EQ(decode(rgb, 1).pixels, (Bytes{2, 91}));
  std::string gray = tests::makePng(3, 1, 8, 0, "\0\0\x4d\xff"s);
  EXPECT_EQ(decode(gray, 1).pixels, (Bytes{0, 77, 255}));
  EXPECT_EQ(decode(gray, 3).pixels, (Bytes{0, 0, 0, 77, 77, 77, 255, 255, 255}));
  // One bit per pixel, 16 bits, transparency that is dropped, and a palette.
  EXPECT_EQ(decode(tests::makePng(3, 1, 1, 0, "\0\xa0"s), 1).pixels, (Bytes{255, 0, 255}));
  EXPECT_EQ(decode(tests::makePng(1, 1, 16, 2, "\0\xff\xff\x80\0\0\0"s), 3).pixels, (Bytes{255, 128, 0}));
  EXPECT_EQ(decode(tests::makePng(1, 1, 8, 6, "\0\x0a\x14\x1e\0"s), 3).pixels, (Bytes{10, 20, 30}));
  EXPECT_EQ(
      decode(tests::makePng(2, 1, 8, 3, "\0\x01\0"s, tests::pngChunk("PLTE", "\x01\x02\x03\x04\x05\x06")), 3).pixels,
      (Bytes{4, 5, 6, 1, 2, 3}));
}

TEST(ImageFile, RefusesWhatIsNoImage) {
  for (const char *bytes : {"", "\xff\xd8", "GIF89a", "\x89PNG"})
    EXPECT_EQ(refusal(bytes), "cannot read the image 'f': expected a JPEG or PNG file");
  EXPECT_NE(refusal("\xff\xd8\xff"), "");
  EXPECT_NE(refusal("\x89PNG\r\n\x1a\n"), "");
}

TEST(ImageFile, RefusesHugeSizesBeforeAllocating) {
  std::string jpeg = colorJpeg();
  size_t at = jpeg.find(fromHex("0800080010"));
  ASSERT_NE(at, std::string::npos);
  jpeg.replace(at + 1, 4, fromHex("ffdcffdc"));
  EXPECT_EQ(refusal(jpeg), "cannot read the image 'f': expected at most 67108864 pixels, but it has 65500x65500");
  EXPECT_EQ(refusal(tests::makePng(1000000, 100000, 8, 2, "")),
            "cannot read the image 'f': expected at most 67108864 pixels, but it has 1000000x100000");
  EXPECT_NE(refusal(tests::makePng(0x7fffffff, 0x7fffffff, 8, 2, "")), "");
  EXPECT_NE(refusal(tests::makePng(0, 5, 8, 2, "")), "");
}

// Cut anywhere before the end of its pixels a file is refused (what is behind them, a checksum and marks of the end, is
// not missed); with bytes changed it is decoded or refused.
TEST(ImageFile, SurvivesDamage) {
  std::string rows;
  for (int i = 0; i < 20 * 31; ++i)
    rows.push_back(i % 31 ? char(i * 37) : char(0));
  for (const std::string &file : {colorJpeg(), grayJpeg(), tests::makePng(10, 20, 8, 2, rows)}) {
    bool isPng = file[0] != '\xff';
    for (size_t size = 0; size < file.size() - (isPng ? 16 : 2); ++size)
      EXPECT_NE(refusal(file.substr(0, size)), "") << size;
    PhiloxStream random(1, file.size());
    for (int run = 0; run < 2000; ++run) {
      std::string damaged = file;
      for (uint64_t changes = random.below(4) + 1; changes > 0; --changes)
        damaged[random.below(file.size())] = char(random.next());
      int64_t channels = 1 + 2 * (run % 2);
      auto picture = decodePicture(damaged, channels);
      if (picture)
        EXPECT_EQ(int64_t(picture->pixels.size()), picture->height * picture->width * channels);
      else
        EXPECT_FALSE(picture.status().message().empty());
    }
  }
}
