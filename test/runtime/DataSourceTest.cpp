// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/DataSource.h"
#include "runtime/support/Files.h"
#include "test/runtime/TinyProgram.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zlib.h>

using namespace incept;

namespace {

std::string big(std::initializer_list<uint32_t> words) {
  std::string bytes;
  for (uint32_t word : words)
    for (int shift : {24, 16, 8, 0})
      bytes += static_cast<char>(word >> shift);
  return bytes;
}

const ImageShape kShape{1, 2, 3, 10};
const std::string kImages = big({0x803, 2, 2, 3}) + "abcdefghijkl";
const std::string kLabels = big({0x801, 2}) + std::string("\x01\x09", 2);

/// The message of loading these training files, empty where they are accepted.
std::string load(const std::string &images, const std::string &labels, const ImageShape &shape = kShape) {
  tests::TemporaryDirectory directory;
  directory.write("train-images-idx3-ubyte", images);
  directory.write("train-labels-idx1-ubyte", labels);
  auto set = loadImages("idx:" + directory.path(""), Split::Train, shape);
  EXPECT_TRUE(bool(set) || set.status().code() == Code::Input);
  return set ? "" : set.status().message();
}

void expectWords(const std::string &message, const std::string &file, const std::string &words) {
  EXPECT_NE(message.find(words), std::string::npos) << message;
  EXPECT_NE(message.find(file), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}

} // namespace

TEST(Idx, ReadsImagesAndLabels) {
  tests::TemporaryDirectory directory;
  directory.write("train-images-idx3-ubyte", kImages);
  directory.write("train-labels-idx1-ubyte", kLabels);
  auto set = loadImages(directory.path(""), Split::Train, kShape);
  ASSERT_TRUE(bool(set)) << set.status().message();
  EXPECT_EQ(set->count, 2);
  EXPECT_EQ(std::string(set->image(1), set->image(1) + set->imageBytes()), "ghijkl");
  EXPECT_EQ(set->labels8, (std::vector<uint8_t>{1, 9}));
  // A test split that is not there is empty.
  auto test = loadImages(directory.path(""), Split::Test, kShape);
  ASSERT_TRUE(bool(test));
  EXPECT_EQ(test->count, 0);
}

/// Writes a packed file.
void writeGz(const tests::TemporaryDirectory &directory, const std::string &name, const std::string &bytes) {
  gzFile file = ::gzopen(directory.path(name).c_str(), "wb");
  ASSERT_EQ(::gzwrite(file, bytes.data(), bytes.size()), int(bytes.size()));
  ::gzclose(file);
}

TEST(Idx, ReadsGzip) {
  tests::TemporaryDirectory directory;
  writeGz(directory, "train-images-idx3-ubyte.gz", kImages);
  writeGz(directory, "train-labels-idx1-ubyte.gz", kLabels);
  auto set = loadImages("idx:" + directory.path(""), Split::Train, kShape);
  ASSERT_TRUE(bool(set)) << set.status().message();
  EXPECT_EQ(set->count, 2);
}

// What the headers say is refused before anything is unpacked: of 8 MB that would unpack to 8 GB not a megabyte is
// read.
TEST(Idx, ComparesPackedFilesWithTheirHeaders) {
  auto load = [](const std::string &images, const std::string &labels) {
    tests::TemporaryDirectory directory;
    writeGz(directory, "train-images-idx3-ubyte.gz", images);
    writeGz(directory, "train-labels-idx1-ubyte.gz", labels);
    auto set = loadImages(directory.path(""), Split::Train, kShape);
    return set ? "" : set.status().message();
  };
  std::string many = std::string(1 << 20, '\0');
  expectWords(load(big({0x803, 1000, 1000, 1000}) + many, kLabels), "train-images", "truncated"); // no room for it
  expectWords(load(big({0x803, 174762, 2, 3}) + many, kLabels), "train-labels", "has 2 labels");
  expectWords(load(big({0x803, 2, 512, 1024}) + many, kLabels), "train-images", "1x512x1024");
  expectWords(load(kImages + "x", kLabels), "train-images", "longer");
  expectWords(load(kImages.substr(0, 20), kLabels), "train-images", "truncated");
}

// Compressed data end with a checksum.
TEST(Idx, NoticesDamagedGzip) {
  tests::TemporaryDirectory directory;
  writeGz(directory, "train-images-idx3-ubyte.gz", kImages);
  writeGz(directory, "train-labels-idx1-ubyte.gz", kLabels);
  std::string path = directory.path("train-images-idx3-ubyte.gz"), good(LoadedFile::open(path)->bytes());
  for (size_t i : {good.size() - 1, good.size() - 8, good.size() - 12}) {
    std::string damaged = good;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    directory.write("train-images-idx3-ubyte.gz", damaged);
    EXPECT_FALSE(bool(loadImages(directory.path(""), Split::Train, kShape))) << i;
  }
  directory.write("train-images-idx3-ubyte.gz", good.substr(0, good.size() - 3));
  expectWords(loadImages(directory.path(""), Split::Train, kShape).status().message(), "train-images", "");
}

// gzip files may be put one behind the other.
TEST(Idx, ReadsGzipInSeveralParts) {
  tests::TemporaryDirectory directory;
  const char *name = "train-images-idx3-ubyte.gz";
  writeGz(directory, "train-labels-idx1-ubyte.gz", kLabels);
  std::string parts;
  for (size_t begin : {size_t(0), size_t(7), kImages.size()}) {
    writeGz(directory, name, begin == 0 ? kImages.substr(0, 7) : begin == 7 ? kImages.substr(7) : "");
    parts += LoadedFile::open(directory.path(name))->bytes();
  }
  directory.write(name, parts);
  EXPECT_TRUE(loadImages(directory.path(""), Split::Train, kShape).status().ok());
  directory.write(name, parts + "xxxx");
  expectWords(loadImages(directory.path(""), Split::Train, kShape).status().message(), "train-images",
              "compressed data are damaged");
}

TEST(Idx, WantsRegularFilesInPairs) {
  tests::TemporaryDirectory directory;
  directory.write("t10k-images-idx3-ubyte", kImages);
  Status status = loadImages("idx:" + directory.path(""), Split::Test, kShape).status();
  expectWords(status.message(), "has no t10k-labels-idx1-ubyte", "beside t10k-images-idx3-ubyte");
  ASSERT_EQ(::mkfifo(directory.path("t10k-labels-idx1-ubyte").c_str(), 0600), 0);
  expectWords(loadImages("idx:" + directory.path(""), Split::Test, kShape).status().message(), "t10k-labels",
              "but it is a pipe");
}

TEST(Idx, NamesTheFileThatIsWrong) {
  const char *images = "train-images-idx3-ubyte", *labels = "train-labels-idx1-ubyte";
  for (size_t cut = 0; cut < kImages.size(); ++cut)
    expectWords(load(kImages.substr(0, cut), kLabels), images, "truncated");
  for (size_t cut = 0; cut < kLabels.size(); ++cut)
    expectWords(load(kImages, kLabels.substr(0, cut)), labels, "truncated");
  expectWords(load(kImages + "x", kLabels), images, "longer");
  for (uint32_t magic : {0x801u, 0x903u, 0x10803u, 0xd03u})
    expectWords(load(big({magic}) + kImages.substr(4), kLabels), images, "magic number");
  expectWords(load(big({0x803, 0xffffffff, 0xffffffff, 0xffffffff}), kLabels), images, "dimensions");
  expectWords(load(big({0x803, 0, 2, 3}), kLabels), images, "expected one image at least");
  expectWords(load(big({0x803, 2, 0, 3}), kLabels), images, "dimensions of at least 1");
  expectWords(load(big({0x803, 2000000000, 2, 3}) + "abc", kLabels), images, "truncated");
  expectWords(load(kImages, big({0x801, 1}) + "\x01"), labels, "1 labels");
  expectWords(load(kImages, kLabels, {1, 2, 3, 9}), labels, "label 9 at image 1");
  expectWords(load(kImages, kLabels, {1, 3, 2, 10}), images, "1x2x3");
  expectWords(load(kImages, kLabels, {3, 2, 3, 10}), images, "3x2x3");
}

TEST(Synthetic, IsTheSameEachTime) {
  auto a = loadImages("synthetic:", Split::Train, {3, 4, 5, 7}),
       b = loadImages("synthetic:", Split::Train, {3, 4, 5, 7});
  ASSERT_TRUE(bool(a) && bool(b));
  EXPECT_EQ(a->pixels, b->pixels);
  EXPECT_EQ(a->labels8, b->labels8);
  EXPECT_LT(*std::max_element(a->labels8.begin(), a->labels8.end()), 7);
  EXPECT_EQ(loadImages("nowhere:", Split::Train, kShape).status().code(), Code::Input);
}
