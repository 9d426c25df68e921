// SPDX-License-Identifier: Apache-2.0
//
// Archives, indexes of them, idx files and lists of labels: what each says, and the whole sentence of each mistake.

#include "runtime/io/Dataset.h"
#include "runtime/io/ShardIndex.h"
#include "runtime/io/Tar.h"
#include "runtime/support/Philox.h"
#include "test/runtime/MakeTar.h"
#include "test/runtime/TinyProgram.h"

#include <filesystem>
#include <gtest/gtest.h>

using namespace incept;
using tests::tarEnd;
using tests::tarHeader;
using tests::tarMember;

namespace {

class ContainersTest : public ::testing::Test {
protected:
  /// "NAME@OFFSET+SIZE ..." of an archive's files, or what is wrong with it, without its path.
  std::string list(const std::string &bytes) {
    std::string path = directory.write("t.tar", bytes), text;
    auto file = InputFile::open(path);
    EXPECT_TRUE(bool(file));
    Status status = readTar(*file, [&](TarMember member) {
      text += member.name + "@" + std::to_string(member.offset) + "+" + std::to_string(member.size) + " ";
      return Status();
    });
    if (status.ok())
      return text;
    const std::string begin = "'" + path + "' is no valid tar archive: ";
    EXPECT_TRUE(status.message().starts_with(begin)) << status.message();
    return text + status.message().substr(begin.size());
  }
  /// A header with other bytes at `at`, and the checksum for them.
  static std::string changed(std::string header, size_t at, const std::string &bytes) {
    header.replace(at, bytes.size(), bytes);
    tests::repairChecksum(header, 0);
    return header;
  }

  tests::TemporaryDirectory directory;
};

} // namespace

TEST_F(ContainersTest, ArchivesAreRead) {
  const std::string block(512, '\0');
  EXPECT_EQ(list(tarMember("a", "x") + tarMember("b", std::string(512, 'y')) + tarMember("c", "") + tarEnd()),
            "a@512+1 b@1536+512 c@2560+0 ");
  EXPECT_EQ(list(tarMember("a", "x") + block + tarMember("b", "y")), "a@512+1 "); // one empty block is the end
  EXPECT_EQ(list(tarMember("a", "x")), "a@512+1 ");                               // none is one too
  EXPECT_EQ(list(block), "");
  // Other kinds of members are passed over, files are those of three types.
  for (char type : {'0', '7', '\0'})
    EXPECT_EQ(list(tarMember("a", "x", type)), "a@512+1 ") << type;
  for (char type : {'1', '2', '5', '6', 'g', 'K'})
    EXPECT_EQ(list(tarMember("a", "xy", type) + tarMember("b", "z")), "b@1536+1 ") << type;
  EXPECT_EQ(list(tarMember("a", "x", 'S')), "sparse files are not supported, at byte 0");
  // Names: of both fields where the archive is of POSIX, of a hundred characters, or of a header before.
  std::string posix = changed(tarHeader("a", 0, '0'), 345, "some/folder");
  EXPECT_EQ(list(posix), "some/folder/a@512+0 ");
  EXPECT_EQ(list(changed(posix, 257, "ustar  ")), "a@512+0 "); // GNU's has other things there
  EXPECT_EQ(list(tarMember(std::string(100, 'n'), "x")), std::string(100, 'n') + "@512+1 ");
  EXPECT_EQ(list(tests::tarLongName("long") + tarMember("a", "x") + tarMember("b", "y")), "long@1536+1 b@2560+1 ");
  EXPECT_EQ(list(tests::tarPax("path", "p=q") + tarMember("a", "x") + tarMember("b", "y")), "p=q@1536+1 b@2560+1 ");
  EXPECT_EQ(list(tests::tarPax("size", "3") + tarHeader("a", 0, '0') + std::string(512, 'x') + tarMember("b", "y")),
            "a@1536+3 b@2560+1 ");
  EXPECT_EQ(list(tests::tarPax("mtime", "1") + tarMember("a", "x")), "a@1536+1 ");
  EXPECT_EQ(list(tarMember("p", "12 path=first\n12 path=other\n", 'x') + tarMember("a", "x")),
            "an extended header is damaged, at byte 0"); // lengths are of 14
  EXPECT_EQ(list(tarMember("p", "14 path=first\n14 path=other\n", 'x') + tarMember("a", "x")), "other@1536+1 ");
}

TEST_F(ContainersTest, NumbersOfArchives) {
  const std::string empty = tarHeader("a", 0, '0');
  auto size = [&](const std::string &field) { return list(changed(empty, 124, field) + std::string(512, 'x')); };
  EXPECT_EQ(size("00000000017\0"), "a@512+15 ");
  EXPECT_EQ(size("        17 x"), "a@512+15 ");
  EXPECT_EQ(size(std::string("777\0xxxxxxxx", 12)), "a@512+511 ");
  EXPECT_EQ(size(std::string(12, ' ')), "a@512+0 its header there is damaged, at byte 512"); // none is 0
  EXPECT_EQ(size("000000000008"), "the size of a member is no number, at byte 0");
  EXPECT_EQ(size("00000000001x"), "the size of a member is no number, at byte 0");
  EXPECT_EQ(size("777777777777"), "a member announces 68719476735 bytes, but it is truncated, at byte 0");
  EXPECT_EQ(size(std::string("\x80\0\0\0\0\0\0\0\0\0\1\1", 12)), "a@512+257 ");
  EXPECT_EQ(size(std::string("\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12)),
            "a member announces 9223372036854775807 bytes, but it is truncated, at byte 0");
  EXPECT_EQ(size(std::string("\x80\0\1\0\0\0\0\0\0\0\0\0", 12)), "the size of a member is no number, at byte 0");
  EXPECT_EQ(size("00000001000"), "a@512+512 ");
  EXPECT_EQ(size("00000001001"), "a member announces 513 bytes, but it is truncated, at byte 0");
}

TEST_F(ContainersTest, MistakesOfArchives) {
  const std::string good = tarMember("a", "x");
  EXPECT_EQ(list(good.substr(0, 511)), "it is too short, at byte 0");
  EXPECT_EQ(list(good.substr(0, 1023)), "a@512+1 it is truncated, at byte 1024");
  EXPECT_EQ(list(good.substr(0, 512)), "a member announces 1 bytes, but it is truncated, at byte 0");
  EXPECT_EQ(list(good + "x"), "a@512+1 it is truncated, at byte 1024");
  std::string damaged = good + good;
  damaged[0] ^= 1;
  EXPECT_EQ(list(damaged), "expected a tar archive that is not compressed, at byte 0");
  damaged = good + good;
  damaged[1024] ^= 1;
  EXPECT_EQ(list(damaged), "a@512+1 its header there is damaged, at byte 1024");
  damaged = good;
  damaged.replace(148, 8, "x       ");
  EXPECT_EQ(list(damaged), "expected a tar archive that is not compressed, at byte 0");
  // Bytes of a header count without a sign.
  EXPECT_EQ(list(tarMember("\xff\xfe", "x")), "\xff\xfe@512+1 ");
  for (const char *records : {"x", "5", "5 a=b\n", "6 a=b\n6", "7 a=b\n", "2 \n", "5 ab\n", "9 size=x\n", "9 size=-\n",
                              "6 a=bc", " a=b\n", "-6 a=b\n"})
    EXPECT_EQ(list(tarMember("p", records, 'x') + good), "an extended header is damaged, at byte 0") << records;
  EXPECT_EQ(list(tarMember("p", "6 a=b\n", 'x') + good), "a@1536+1 ");
  const uint64_t most = uint64_t(1) << 20;
  EXPECT_EQ(list(tarMember("p", std::string(most, '\0'), 'L') + good), "@1049600+1 ");
  EXPECT_EQ(list(tarMember("p", std::string(most + 1, '\0'), 'L') + good),
            "an extended header of more than 1 MiB, at byte 0");
  // What the caller says ends it.
  auto file = InputFile::open(directory.write("two.tar", good + good));
  int count = 0;
  EXPECT_EQ(readTar(*file, [&](TarMember) { return ++count, inputError("enough"); }).message(), "enough");
  EXPECT_EQ(count, 1);
}

TEST_F(ContainersTest, IndexesOfArchives) {
  const ShardSample first{1000, 20, 7, "a.jpg"}, second{1532, 1 << 30, 0x7fffffff, "b"};
  const uint64_t archive = 1532 + (uint64_t(1) << 30);
  std::string text = encodeShard({first, second});
  EXPECT_EQ(text.substr(0, 25), std::string("\xe8\3\0\0\0\0\0\0\x14\0\0\0\7\0\0\0\5\0\0\0a.jpg", 25));
  std::vector<ShardSample> read;
  ASSERT_TRUE(decodeShard(text, archive, read));
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[1].name, "b");
  EXPECT_EQ(
      (std::vector<uint64_t>{read[0].offset, read[0].size, read[0].label, read[1].offset, read[1].size, read[1].label}),
      (std::vector<uint64_t>{1000, 20, 7, 1532, 1 << 30, 0x7fffffff}));
  auto accepts = [&](ShardSample a, ShardSample b, uint64_t bytes) {
    std::vector<ShardSample> samples;
    return decodeShard(encodeShard({std::move(a), std::move(b)}), bytes, samples);
  };
  EXPECT_FALSE(accepts(first, second, archive - 1));
  EXPECT_FALSE(accepts(first, {1531, 20, 7, "b"}, archive)); // no room for its header
  EXPECT_TRUE(accepts({512, 0, 0, "a"}, {1024, 0, 0, "b"}, 1024));
  EXPECT_FALSE(accepts({511, 0, 0, "a"}, {1024, 0, 0, "b"}, 1024));
  EXPECT_FALSE(accepts(first, {1532, (1 << 30) + 1, 7, "b"}, archive + 1));
  EXPECT_FALSE(accepts(first, {1532, 20, 0x80000000u, "b"}, archive));
  EXPECT_FALSE(accepts(first, {1532, 20, 7, ""}, archive));
  EXPECT_FALSE(accepts(first, {archive + 1, 0, 7, "b"}, archive));
  for (size_t size = 1; size < text.size(); ++size) {
    read.clear();
    EXPECT_EQ(decodeShard(text.substr(0, size), archive, read), size == 25) << size; // the first alone
  }
  EXPECT_TRUE(decodeShard("", 0, read));
}

TEST_F(ContainersTest, SyntheticImages) {
  for (auto [split, name] : {std::pair(Split::Train, "synthetic/train"), {Split::Test, "synthetic/test"}})
    for (int64_t classes : {2, 300}) {
      auto set = loadImages("synthetic:", split, {3, 4, 5, classes});
      ASSERT_TRUE(bool(set));
      EXPECT_EQ((std::vector{set->count, set->height, set->width, set->channels, set->imageBytes()}),
                (std::vector<int64_t>{256, 4, 5, 3, 60}));
      PhiloxStream random(0, hashName(name));
      ASSERT_EQ(set->pixels.size(), 256u * 60);
      for (uint8_t pixel : set->pixels)
        ASSERT_EQ(pixel, random.next() & 255);
      ASSERT_EQ(set->labels8.size(), 256u);
      for (uint8_t label : set->labels8) // a byte each
        ASSERT_EQ(label, random.below(uint64_t(std::min<int64_t>(classes, 256))));
    }
}

TEST_F(ContainersTest, HeadersOfIdxFiles) {
  auto word = [](uint32_t value) {
    return std::string{char(value >> 24), char(value >> 16), char(value >> 8), char(value)};
  };
  auto load = [&](const std::string &images, const std::string &labels, const ImageShape &shape) {
    directory.write("train-images-idx3-ubyte", images);
    directory.write("train-labels-idx1-ubyte", labels);
    auto set = loadImages("idx:" + directory.path(""), Split::Train, shape);
    if (!set)
      return set.status().message();
    return std::to_string(set->count) + "x" + std::to_string(set->channels) + "x" + std::to_string(set->height) + "x" +
           std::to_string(set->width) + " " + std::to_string(set->pixels.size());
  };
  const std::string path = directory.path("") + "/train-", images = "'" + path + "images-idx3-ubyte'",
                    labels = "'" + path + "labels-idx1-ubyte'";
  auto pair = [&](uint32_t count, uint32_t height, uint32_t width) {
    return load(word(0x803) + word(count) + word(height) + word(width) +
                    std::string(std::min<uint64_t>(uint64_t(count) * height * width, 1 << 19), 'p'),
                word(0x801) + word(count) + std::string(count, '\1'), {1, int64_t(height), int64_t(width), 10});
  };
  EXPECT_EQ(pair(2, 300, 7), "2x1x300x7 4200");
  EXPECT_EQ(pair(1, 66000, 2), "1x1x66000x2 132000"); // three bytes of a number
  EXPECT_EQ(pair(70000, 1, 2), "70000x1x1x2 140000");
  const std::string good = word(0x803) + word(2) + word(2) + word(3) + "abcdefghijkl", two = word(0x801) + word(2);
  const ImageShape shape{1, 2, 3, 10};
  EXPECT_EQ(load(good, two + "\1\2", shape), "2x1x2x3 12");
  EXPECT_EQ(load("", two, shape), images + " is no valid idx file: it is truncated in its header");
  EXPECT_EQ(load(good.substr(0, 15), two, shape), images + " is no valid idx file: it is truncated in its header");
  EXPECT_EQ(load(good.substr(0, 27), two, shape),
            images + " is no valid idx file: its header announces 12 bytes, but it is truncated");
  EXPECT_EQ(load(good + "m", two, shape), images + " is no valid idx file: it is longer than its header announces");
  EXPECT_EQ(load(good, two + "\1", shape),
            labels + " is no valid idx file: its header announces 2 bytes, but it is truncated");
  EXPECT_EQ(load(two, two, shape), images +
                                       " is no valid idx file: expected magic number 0x00000803 (unsigned bytes, 3 "
                                       "dimensions)");
  EXPECT_EQ(load(good, good, shape), labels + " is no valid idx file: expected magic number 0x00000801 (unsigned "
                                              "bytes, 1 dimensions)");
  EXPECT_EQ(load(word(0x803) + word(0) + word(2) + word(3), two, shape),
            images + " is no valid idx file: expected one image at least, but its header announces 0");
  EXPECT_EQ(load(word(0x803) + word(2) + word(2) + word(0), two, shape),
            images + " is no valid idx file: expected dimensions of at least 1, but its header announces 0");
  // 16 GiB are no mistake by themselves.
  EXPECT_EQ(load(word(0x803) + word(1 << 30) + word(4) + word(4), two, shape),
            images + " is no valid idx file: its header announces 17179869184 bytes, but it is truncated");
  EXPECT_EQ(load(word(0x803) + word((1 << 30) + 1) + word(4) + word(4), two, shape),
            images + " is no valid idx file: expected dimensions of at most 16 GiB in all");
  EXPECT_EQ(load(good, word(0x801) + word(3) + "\1\2\3", shape),
            images + " has 2 images, but " + labels + " has 3 labels");
  EXPECT_EQ(load(good, two + "\1\x0a", shape), labels + " has label 10 at image 1, but the program has 10 classes");
  EXPECT_EQ(load(good, two + "\1\2", {1, 3, 2, 10}),
            images + " has images of 1x2x3, but the program was compiled for 1x3x2: compile it with other parameters "
                     "(incept compile --set)");
}

TEST_F(ContainersTest, ListsOfLabels) {
  std::filesystem::create_directories(directory.path("d/images"));
  for (const char *name : {"a.png", "b.png", "images/c.png"})
    directory.write(std::string("d/") + name, "xyz");
  directory.write("d/empty.png", "");
  const std::string root = directory.path("d"), list = root + "/labels.txt";
  auto read = [&](const std::string &text, int64_t classes = 2) {
    directory.write("d/labels.txt", text);
    auto set = openDataset("folder:" + root, Split::Evaluation, {3, 8, 8, classes});
    if (!set)
      return set.status().message();
    std::string result;
    for (int64_t i = 0; i < (*set)->size(); ++i)
      result += (*set)->name(i).substr(root.size()) + "=" + (*set)->classes()[size_t((*set)->label(i))] + " ";
    return result;
  };
  EXPECT_EQ(read("b.png,two,more\r\n\n\ta.png\tone \nc.png two"), "/a.png=one /b.png=two /images/c.png=two ");
  auto line = [&](int number) {
    return "line " + std::to_string(number) + " of '" + list +
           "': expected the name of a picture below this folder and its class";
  };
  EXPECT_EQ(read("a.png one\nb.png\n"), line(2));
  EXPECT_EQ(read("\n\n/a.png one"), line(3));
  for (const char *out : {"../a.png", "..", "x/../a.png", "/"})
    EXPECT_EQ(read(std::string(out) + " one"), line(1)) << out;
  EXPECT_EQ(read("..a.png one\nb.png two"), "'" + list + "' names '..a.png', but '" + root + "' has no such picture");
  EXPECT_EQ(read("a.png one\nb.png two\na.png two"), "'" + list + "' names 'a.png' twice");
  EXPECT_EQ(read("a.png one\nempty.png two"),
            "'" + list + "' names 'empty.png', but '" + root + "' has no such picture");
  EXPECT_EQ(read("a.png one\nimages two"), "'" + list + "' names 'images', but '" + root + "' has no such picture");
  EXPECT_EQ(read(" \n,\n"), "'" + list + "' names no picture");
  EXPECT_EQ(read("a.png one\nb.png two", 3).find("'" + root + "' has 2 classes, but the program has 3"), 0u);
}
