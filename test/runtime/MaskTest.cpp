// SPDX-License-Identifier: Apache-2.0
//
// Masks follow their pictures through every crop, flip and move, and what is no mask is refused.

#include "runtime/io/Mask.h"
#include "runtime/io/Loader.h"
#include "test/runtime/MakePng.h"
#include "test/runtime/TinyProgram.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <tuple>

using namespace incept;

namespace {

constexpr int64_t kHeight = 40, kWidth = 56;

/// Four classes in quarters: the color of a picture's pixel tells the number of its mask's.
int64_t classAt(int64_t y, int64_t x) { return (y >= kHeight / 2 ? 2 : 0) + (x >= kWidth / 2 ? 1 : 0); }

/// The class number of a pixel.
using Numbers = std::function<int64_t(int64_t y, int64_t x)>;

/// Rows of a gray or palette PNG with numbers of `depth` bits.
std::string packRows(int depth, int64_t height, int64_t width, const Numbers &number) {
  std::string rows;
  for (int64_t y = 0; y < height; ++y) {
    std::string row(size_t((width * depth + 7) / 8), 0);
    for (int64_t x = 0; x < width; ++x) {
      int64_t value = number(y, x);
      if (depth == 16)
        row[size_t(2 * x)] = char(value >> 8), row[size_t(2 * x + 1)] = char(value);
      else
        row[size_t(x * depth / 8)] = char(row[size_t(x * depth / 8)] | value << (8 - depth - x * depth % 8));
    }
    rows += '\0' + row;
  }
  return rows;
}

std::string mask(int depth, int color, const Numbers &number, int64_t height = kHeight, int64_t width = kWidth) {
  std::string palette;
  for (int i = 0; i < (color == 3 ? 1 << depth : 0); ++i)
    palette += std::string{char(i * 3), char(200 - i), char(i)};
  return tests::makePng(uint32_t(width), uint32_t(height), depth, color, packRows(depth, height, width, number),
                        palette.empty() ? "" : tests::pngChunk("PLTE", palette));
}

std::string picture(const Numbers &number) {
  return tests::makePng(kWidth, kHeight, 8, 0,
                        packRows(8, kHeight, kWidth, [&](int64_t y, int64_t x) { return 20 + 60 * number(y, x); }));
}

class MaskTest : public ::testing::Test {
protected:
  MaskTest() {
    for (const char *folder : {"images", "masks"})
      std::filesystem::create_directories(directory.path(folder));
    for (int i = 0; i < 6; ++i)
      put(i, mask(8, 0, classAt));
    options.sample.shape = {1, 24, 32, 4, {24, 32, {}}};
    options.sample.training = true;
    options.sample.seed = 4;
    options.batch = 6;
    options.note = [this](const std::string &text) { notes.push_back(text); };
  }
  void put(int number, const std::string &file, const Numbers &numbers = classAt) {
    directory.write("images/" + std::to_string(number) + ".png", picture(numbers));
    directory.write("masks/" + std::to_string(number) + ".png", file);
  }

  struct Batch {
    std::vector<uint8_t> pixels;
    std::vector<int64_t> labels;
    bool operator==(const Batch &) const = default;
  };
  Status read(int threads, int64_t count, std::vector<Batch> &batches) {
    const ImageShape &shape = options.sample.shape;
    auto opened = openDataset(directory.path("."), Split::Train, shape);
    if (!opened)
      return opened.status();
    notes.clear();
    options.threads = threads;
    Loader loader(std::move(*opened), options);
    for (int64_t i = 0; i < count; ++i) {
      Batch batch;
      batch.pixels.resize(size_t(options.batch * shape.height * shape.width));
      batch.labels.resize(size_t(options.batch * shape.labels()));
      INCEPT_RETURN_IF_ERROR(loader.next(batch.pixels.data(), batch.labels.data()));
      batches.push_back(std::move(batch));
    }
    return {};
  }
  std::vector<Batch> expectRead(int threads, int64_t count) {
    std::vector<Batch> batches;
    Status status = read(threads, count, batches);
    EXPECT_TRUE(status.ok()) << status.message();
    return batches;
  }
  /// How many pixels have another label than their color says, of those whose neighbours have the same color; `pure`
  /// counts these.
  int64_t differ(const Batch &batch, int64_t &pure) const {
    const ImageShape &shape = options.sample.shape;
    int64_t wrong = 0;
    for (int64_t n = 0; n < options.batch; ++n)
      for (int64_t y = 1; y + 1 < shape.height; ++y)
        for (int64_t x = 1; x + 1 < shape.width; ++x) {
          auto at = [&](int64_t row, int64_t column) {
            return size_t((n * shape.height + row) * shape.width + column);
          };
          int64_t color = batch.pixels[at(y, x)], number = (color - 20) / 60;
          bool isPure = color >= 20 && (color - 20) % 60 == 0;
          for (int64_t i = 0; i < 9; ++i)
            isPure &= batch.pixels[at(y - 1 + i / 3, x - 1 + i % 3)] == color;
          pure += isPure;
          wrong += isPure && batch.labels[at(y, x)] != number;
        }
    return wrong;
  }

  tests::TemporaryDirectory directory;
  LoaderOptions options;
  std::vector<std::string> notes;
};

} // namespace

TEST_F(MaskTest, FollowsThePicture) {
  for (Augmentation kind : {Augmentation::None, Augmentation::RandomResizedCrop, Augmentation::Inception}) {
    options.sample.augment = AugmentOptions::of(kind);
    options.sample.augment.color = ColorMode::None;
    int64_t pure = 0;
    for (const Batch &batch : expectRead(2, 8))
      EXPECT_EQ(differ(batch, pure), 0);
    EXPECT_GT(pure, 6 * 8 * 24 * 32 / 3);
  }
}

TEST_F(MaskTest, FollowsWhereItIsMoved) {
  options.sample.augment = AugmentOptions::of(Augmentation::Cifar);
  options.sample.augment.padding = 8;
  options.sample.shape.map.ignored = 255;
  int64_t pure = 0, outside = 0;
  for (const Batch &batch : expectRead(0, 8)) {
    EXPECT_EQ(differ(batch, pure), 0);
    for (size_t i = 0; i < batch.pixels.size(); ++i) {
      EXPECT_EQ(batch.pixels[i] == 0, batch.labels[i] == 255); // what comes in is black, and ignored
      outside += batch.pixels[i] == 0;
    }
  }
  EXPECT_GT(outside, 0);
  options.sample.shape.map.ignored = std::nullopt; // else it is the first class
  for (const Batch &batch : expectRead(0, 1))
    for (size_t i = 0; i < batch.pixels.size(); ++i)
      EXPECT_TRUE(batch.pixels[i] != 0 || batch.labels[i] == 0);
}

// A map of a third of the size: each label is that of the pixel in its middle.
TEST_F(MaskTest, SmallerMaps) {
  options.sample.shape.map = {8, 8, {}};
  options.sample.augment = AugmentOptions::of(Augmentation::None);
  options.sample.evaluation = EvaluationOptions::wholePicture();
  std::vector<Batch> batches = expectRead(0, 1);
  ASSERT_EQ(batches.size(), 1u);
  for (int64_t y = 0; y < 8; ++y)
    for (int64_t x = 0; x < 8; ++x)
      EXPECT_EQ(batches[0].labels[size_t(y * 8 + x)], (y >= 4 ? 2 : 0) + (x >= 4 ? 1 : 0));
}

TEST_F(MaskTest, ThreadsAndBeginningsChangeNothing) {
  // Each sample has its classes elsewhere.
  for (int i = 0; i < 6; ++i) {
    auto number = [i](int64_t y, int64_t x) { return (i < 4 ? classAt(y, x) + i : 3 * classAt(y, x) + i) % 4; };
    put(i, mask(8, 0, number), number);
  }
  options.sample.augment = AugmentOptions::of(Augmentation::RandomResizedCrop);
  options.batch = 4;
  std::vector<Batch> expected = expectRead(0, 9);
  for (int threads : {1, 3})
    EXPECT_EQ(expectRead(threads, 9), expected) << threads;
  EXPECT_NE(expected[0].labels, expected[1].labels);
  int64_t pure = 0;
  for (const Batch &batch : expected)
    EXPECT_EQ(differ(batch, pure), 0);
  options.first = 5;
  std::vector<Batch> rest = expectRead(2, 4);
  EXPECT_TRUE(std::equal(rest.begin(), rest.end(), expected.begin() + 5));
}

// Evaluation has each sample once; rows of none have no labels.
TEST_F(MaskTest, Evaluation) {
  options.sample.training = false;
  options.sample.evaluation = EvaluationOptions::wholePicture();
  options.batch = 4;
  std::vector<Batch> batches = expectRead(2, 2);
  int64_t pure = 0;
  EXPECT_EQ(differ(batches[0], pure), 0);
  size_t half = batches[1].labels.size() / 2;
  EXPECT_EQ(std::count(batches[1].labels.begin(), batches[1].labels.begin() + int64_t(half), kNoLabel), 0);
  EXPECT_EQ(std::count(batches[1].labels.begin() + int64_t(half), batches[1].labels.end(), kNoLabel), int64_t(half));
}

TEST(Mask, Depths) {
  MaskDecoder decoder;
  Placement whole;
  whole.geometry = boxGeometry({0, 0, 9, 5}, Filter::Bilinear, 5, 9);
  whole.height = 5;
  whole.width = 9;
  for (auto [depth, color, classes] : std::initializer_list<std::tuple<int, int, int64_t>>{
           {1, 0, 2}, {2, 3, 4}, {4, 0, 16}, {4, 3, 16}, {8, 3, 256}, {8, 0, 256}, {16, 0, 1000}}) {
    ImageShape shape{3, 5, 9, classes, {5, 9, {}}};
    auto number = [classes = classes](int64_t y, int64_t x) { return (y * 97 + x * 13) % classes; };
    std::vector<int64_t> labels(45);
    Status status = decoder.labels(mask(depth, color, number, 5, 9), "m", whole, shape, labels.data());
    ASSERT_TRUE(status.ok()) << status.message();
    for (int64_t i = 0; i < 45; ++i)
      EXPECT_EQ(labels[size_t(i)], number(i / 9, i % 9)) << depth << " " << i;
  }
}

// The seven passes of a small picture, of which some are empty; nothing of the mask before is left.
TEST(Mask, Interlaced) {
  constexpr int64_t kRows = 5, kColumns = 9;
  constexpr int64_t kPasses[7][4] = {{0, 0, 8, 8}, {0, 4, 8, 8}, {4, 0, 8, 4}, {0, 2, 4, 4},
                                     {2, 0, 4, 2}, {0, 1, 2, 2}, {1, 0, 2, 1}}; // first row and column, and steps
  Placement whole;
  whole.geometry = boxGeometry({0, 0, kColumns, kRows}, Filter::Bilinear, kRows, kColumns);
  whole.height = kRows;
  whole.width = kColumns;
  for (int depth : {1, 2, 4, 8, 16}) {
    MaskDecoder decoder;
    int64_t classes = std::min(int64_t(1) << depth, int64_t(1000));
    ImageShape shape{3, kRows, kColumns, classes, {kRows, kColumns, {}}};
    std::vector<int64_t> labels(kRows * kColumns);
    auto decode = [&](const std::string &file) {
      Status status = decoder.labels(file, "m", whole, shape, labels.data());
      EXPECT_TRUE(status.ok()) << status.message();
    };
    auto last = [&](int64_t, int64_t) { return classes - 1; };
    decode(mask(depth, 0, last, kRows, kColumns));
    auto number = [&](int64_t y, int64_t x) { return (y * 97 + x * 13) % classes; };
    std::string rows;
    for (auto [y0, x0, dy, dx] : kPasses)
      if (int64_t height = (kRows - y0 + dy - 1) / dy, width = (kColumns - x0 + dx - 1) / dx; height > 0 && width > 0)
        rows += packRows(depth, height, width, [&, y0 = y0, x0 = x0, dy = dy, dx = dx](int64_t y, int64_t x) {
          return number(y0 + y * dy, x0 + x * dx);
        });
    decode(tests::makePng(kColumns, kRows, depth, 0, rows, "", /*interlaced=*/true));
    for (int64_t i = 0; i < kRows * kColumns; ++i)
      EXPECT_EQ(labels[size_t(i)], number(i / kColumns, i % kColumns)) << depth << " " << i;
  }
}

TEST_F(MaskTest, DamagedMasksArePassedOver) {
  put(0, mask(8, 0, [](int64_t, int64_t) { return 4; }));         // no such class
  put(1, mask(8, 0, classAt, kHeight, kWidth - 1).substr(0, 60)); // another size, which the header says
  put(2, tests::makePng(kWidth, kHeight, 8, 2, std::string(kHeight * (1 + 3 * kWidth), 0))); // colors
  put(3, mask(8, 0, classAt).substr(0, 60));                                                 // cut
  put(4, "no PNG");
  options.sample.augment = AugmentOptions::of(Augmentation::None);
  std::vector<Batch> batches = expectRead(2, 1);
  std::sort(notes.begin(), notes.end());
  ASSERT_EQ(notes.size(), 5u);
  auto says = [&](size_t note, const std::string &text) {
    EXPECT_NE(notes[note].find(text), std::string::npos) << notes[note];
  };
  says(0, "masks/0.png': expected class numbers below 4, but got 4 at column 0 of row 0; with ignore_label = 4 in the "
          "description such pixels count for nothing");
  says(1, "masks/1.png': expected a mask of its picture's size, 56x40, but it has 55x40");
  says(2, "masks/2.png': expected class numbers as gray or by palette, but it has colors or transparency");
  says(3, "masks/3.png': ");
  says(4, "masks/4.png': expected a PNG file: a mask has a class number for each pixel");
  options.sample.shape.map.ignored = 4;
  expectRead(0, 1);
  EXPECT_EQ(notes.size(), 4u);
}

TEST_F(MaskTest, Sources) {
  auto open = [&](const std::string &source, Split split = Split::Train) -> std::string {
    auto dataset = openDataset(source, split, options.sample.shape);
    return dataset ? std::to_string((*dataset)->size()) : dataset.status().message();
  };
  std::string root = directory.path(".");
  EXPECT_EQ(open(root), "6");
  EXPECT_EQ(open("masks:" + root, Split::Test), "0");
  EXPECT_EQ(open(root, Split::Evaluation), "6");
  EXPECT_EQ(open("synthetic:"),
            "the network scores every pixel, but 'synthetic:' has one label for each image: expected "
            "folders 'images' and 'masks' (masks:DIR)");
  auto hash = (*openDataset(root, Split::Train, options.sample.shape))->hash();
  put(5, mask(8, 3, classAt));
  EXPECT_NE((*openDataset(root, Split::Train, options.sample.shape))->hash(), hash);
  directory.write("images/more.jpg", "x");
  EXPECT_EQ(open(root), "'" + root + "/images/more.jpg' has no mask: expected '" + root + "/masks/more.png'");
  directory.write("masks/more.png", "x");
  directory.write("images/more.png", "x");
  EXPECT_EQ(open(root), "'" + root +
                            "/images/more.png' and 'more.jpg' have the same mask: expected names that differ "
                            "before the last dot");
  for (const char *folder : {"s/train/images", "s/train/masks", "s/val/images", "s/val/masks", "t/images/train",
                             "t/masks/train", "t/images/test", "t/masks/test"}) {
    std::filesystem::create_directories(directory.path(folder));
    directory.write(std::string(folder) + "/a.png", "x");
  }
  directory.write("s/train/images/b.jpg", "x");
  directory.write("s/train/masks/b.png", "x");
  for (const char *source : {"s", "t"}) {
    EXPECT_EQ(open(directory.path(source)), source[0] == 's' ? "2" : "1");
    EXPECT_EQ(open(directory.path(source), Split::Test), "1");
    EXPECT_EQ(open(directory.path(source), Split::Evaluation), "1");
  }
  std::filesystem::create_directories(directory.path("none"));
  EXPECT_EQ(open("masks:" + directory.path("none")),
            "'" + directory.path("none") +
                "' has no pictures with masks: expected folders images and masks in it, or in "
                "folders train and val");
  // A network that gives an image one class takes no masks.
  options.sample.shape.map = {};
  std::string refusal = "has masks, but the network gives an image one class: expected one that ends in pixel_scores";
  EXPECT_EQ(open("masks:" + root), "'masks:" + root + "' " + refusal);
  EXPECT_EQ(open(root), "'" + root + "' " + refusal + ", or folder:" + root + " where images and masks are classes");
  for (const char *folder : {"classes/images", "classes/masks"}) {
    std::filesystem::create_directories(directory.path(folder));
    directory.write(std::string(folder) + "/a.png", "x");
  }
  options.sample.shape.classes = 2;
  EXPECT_EQ(open("folder:" + directory.path("classes")), "2");
}
