// SPDX-License-Identifier: Apache-2.0
//
// Batches do not depend on threads, and damaged pictures are named, counted and passed over.

#include "runtime/io/Loader.h"
#include "test/runtime/MakeJpeg.h"
#include "test/runtime/TinyProgram.h"

#include <filesystem>
#include <gtest/gtest.h>

using namespace incept;

namespace {

class LoaderTest : public ::testing::Test {
protected:
  static constexpr int kPictures = 23;
  LoaderTest() {
    for (int i = 0; i < kPictures; ++i) {
      std::filesystem::create_directories(directory.path(i % 2 ? "a" : "b"));
      tests::JpegForm form;
      form.progressive = i % 3 == 0;
      form.colors = i % 5 == 0 ? tests::JpegColors::Gray : tests::JpegColors::Ycbcr;
      if (form.colors == tests::JpegColors::Gray)
        form.horizontal = form.vertical = 1;
      directory.write(name(i), tests::makeJpeg(40 + i, 60 - i, form, uint64_t(i)));
    }
    options.sample.shape = {3, 24, 20, 2};
    options.sample.training = true;
    options.sample.augment = AugmentOptions::of(Augmentation::Inception);
    options.sample.augment.erase = 0.5;
    options.sample.seed = 9;
    options.batch = 4;
    options.note = [this](const std::string &text) { notes.push_back(text); };
  }
  static std::string name(int i) { return (i % 2 ? "a/" : "b/") + std::to_string(10 + i) + ".jpg"; }

  struct Batch {
    std::vector<uint8_t> pixels;
    std::vector<int64_t> labels;
    bool operator==(const Batch &) const = default;
  };
  Expected<std::vector<Batch>> read(int64_t count, int threads) {
    auto opened = openDataset(directory.path("."), Split::Train, options.sample.shape);
    if (!opened)
      return opened.status();
    notes.clear();
    options.threads = threads;
    Loader loader(std::move(*opened), options);
    EXPECT_EQ(loader.threads(), threads);
    std::vector<Batch> batches;
    for (int64_t i = 0; i < (count < 0 ? loader.batches() : count); ++i) {
      Batch batch;
      batch.pixels.resize(options.batch * 24 * 20 * 3);
      batch.labels.resize(options.batch);
      INCEPT_RETURN_IF_ERROR(loader.next(batch.pixels.data(), batch.labels.data()));
      batches.push_back(std::move(batch));
    }
    bad = loader.badImages();
    memory = loader.memoryBytes();
    return batches;
  }
  std::vector<Batch> expectRead(int64_t count, int threads) {
    auto batches = read(count, threads);
    EXPECT_TRUE(bool(batches)) << batches.status().message();
    return batches ? *batches : std::vector<Batch>();
  }

  tests::TemporaryDirectory directory;
  LoaderOptions options;
  std::vector<std::string> notes;
  int64_t bad = 0, memory = 0;
};

} // namespace

TEST_F(LoaderTest, ThreadsChangeNothing) {
  std::vector<Batch> expected = expectRead(17, 0); // more than three epochs
  for (int threads : {1, 2, 7})
    ASSERT_EQ(expectRead(17, threads), expected) << threads;
  EXPECT_LT(memory, 1 << 20);
  // An epoch has every picture once at most, and the next one another order and other crops.
  EXPECT_NE(expected[0], expected[5]);
  options.sample.seed = 10;
  EXPECT_NE(expectRead(1, 2)[0], expected[0]);
}

TEST_F(LoaderTest, GoesOnInTheMiddle) {
  std::vector<Batch> expected = expectRead(12, 2);
  options.first = 7;
  std::vector<Batch> rest = expectRead(5, 2);
  EXPECT_TRUE(std::equal(rest.begin(), rest.end(), expected.begin() + 7));
}

// What two processes read of a batch of 2 each is what one reads of 4.
TEST_F(LoaderTest, Ranks) {
  std::vector<Batch> whole = expectRead(7, 1);
  options.batch = 2;
  options.ranks = 2;
  size_t half = whole[0].pixels.size() / 2;
  for (int64_t rank : {0, 1}) {
    options.rank = rank;
    std::vector<Batch> part = expectRead(7, 1);
    for (size_t i = 0; i < part.size(); ++i)
      EXPECT_TRUE(std::equal(part[i].pixels.begin(), part[i].pixels.end(), whole[i].pixels.begin() + rank * half)) << i;
  }
}

TEST_F(LoaderTest, EvaluationHasEachOnce) {
  options.sample.training = false;
  std::vector<Batch> batches = expectRead(-1, 2);
  ASSERT_EQ(batches.size(), 6u);
  EXPECT_EQ(batches, expectRead(-1, 0));
  std::vector<int64_t> labels;
  for (const Batch &batch : batches)
    labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
  std::vector<int64_t> expected(11, 0);
  expected.insert(expected.end(), 12, 1);
  expected.push_back(kNoLabel);
  EXPECT_EQ(labels, expected);
  size_t row = batches[0].pixels.size() / 4;
  EXPECT_EQ(std::count(batches[5].pixels.end() - row, batches[5].pixels.end(), 0), int64_t(row));
}

TEST_F(LoaderTest, PassesOverWhatIsDamaged) {
  std::string whole = tests::makeJpeg(50, 50, {});
  directory.write(name(3), whole.substr(0, whole.size() / 3));
  directory.write(name(8), "no picture");
  std::vector<Batch> expected = expectRead(11, 0);
  EXPECT_EQ(bad, 2);
  EXPECT_EQ(notes.size(), 2u); // once each, though there are two epochs
  for (const std::string &note : notes)
    EXPECT_TRUE(note.find("passed over: cannot read the image '" + directory.path("./" + name(3))) == 0 ||
                note.find("passed over: cannot read the image '" + directory.path("./" + name(8))) == 0)
        << note;
  for (const Batch &batch : expected)
    EXPECT_EQ(std::count(batch.labels.begin(), batch.labels.end(), kNoLabel), 0);
  for (int threads : {1, 3})
    EXPECT_EQ(expectRead(11, threads), expected);
  options.maxBadImages = 1;
  for (int threads : {0, 3}) {
    Status status = read(11, threads).status();
    EXPECT_EQ(status.code(), Code::Input);
    EXPECT_NE(status.message().find("more than 1 images are damaged, the last one '"), std::string::npos)
        << status.message();
  }
  // In evaluation they do not count.
  options.maxBadImages = 2;
  options.sample.training = false;
  int64_t left = 0;
  for (const Batch &batch : expectRead(-1, 2))
    left += std::count(batch.labels.begin(), batch.labels.end(), kNoLabel);
  EXPECT_EQ(left, 1 + 2);
}

TEST_F(LoaderTest, NothingThatCanBeRead) {
  for (int i = 0; i < kPictures; ++i)
    directory.write(name(i), "no picture");
  Status status = read(1, 2).status();
  EXPECT_EQ(status.code(), Code::Input);
  EXPECT_NE(status.message().find("none of the images can be read"), std::string::npos) << status.message();
}

// A loader that is not read to its end stops.
TEST_F(LoaderTest, StopsAtOnce) {
  for (int64_t count : {0, 1})
    expectRead(count, 3);
}
