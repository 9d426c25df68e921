// SPDX-License-Identifier: Apache-2.0
//
// Folders, tar archives and CIFAR files: what is found, and what is refused.

#include "runtime/io/Dataset.h"
#include "runtime/io/ShardIndex.h"
#include "runtime/io/Tar.h"
#include "runtime/support/Philox.h"
#include "test/runtime/MakeTar.h"
#include "test/runtime/TinyProgram.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <set>
#include <thread>

using namespace incept;
using tests::tarEnd;
using tests::tarMember;
namespace fs = std::filesystem;

namespace {

const ImageShape kShape{3, 8, 8, 2};

class SourceTest : public ::testing::Test {
protected:
  void put(const std::string &name, const std::string &bytes = "x") {
    fs::create_directories(fs::path(directory.path(name)).parent_path());
    directory.write(name, bytes);
  }
  std::unique_ptr<Dataset> open(const std::string &source, Split split = Split::Train, ImageShape shape = kShape) {
    auto dataset = openDataset(source, split, shape);
    EXPECT_TRUE(bool(dataset)) << dataset.status().message();
    return dataset ? std::move(*dataset) : nullptr;
  }
  /// Opening is refused with these words.
  void expectRefused(const std::string &source, const std::string &words, Split split = Split::Train,
                     ImageShape shape = kShape) {
    auto dataset = openDataset(source, split, shape);
    ASSERT_FALSE(bool(dataset)) << words;
    EXPECT_EQ(dataset.status().code(), Code::Input);
    EXPECT_NE(dataset.status().message().find(words), std::string::npos) << dataset.status().message();
  }
  std::string root() const { return directory.path("d"); }
  static std::string text(const Dataset &dataset, int64_t sample) {
    std::string bytes;
    EXPECT_TRUE(dataset.read(sample, bytes).ok());
    return bytes;
  }

  tests::TemporaryDirectory directory;
};

} // namespace

TEST_F(SourceTest, FolderWithSplits) {
  for (const char *name : {"d/train/b/2.JPG", "d/train/b/10.jpeg", "d/train/a/deep/x.Png", "d/train/a/notes.txt",
                           "d/train/.hidden/1.jpg", "d/train/a/.1.jpg", "d/val/a/1.jpg", "d/val/b/1.jpg"})
    put(name, name);
  auto train = open("folder:" + root());
  ASSERT_TRUE(train);
  EXPECT_EQ(train->classes(), (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(train->size(), 3);
  // Sorted by bytes: "10" is before "2".
  EXPECT_EQ(train->name(0), root() + "/train/a/deep/x.Png");
  EXPECT_EQ(train->name(1), root() + "/train/b/10.jpeg");
  EXPECT_EQ(train->label(0), 0);
  EXPECT_EQ(train->label(2), 1);
  EXPECT_EQ(text(*train, 2), "d/train/b/2.JPG");
  EXPECT_EQ(train->note(), "1 files in '" + root() + "/train' are no pictures and are passed over");
  EXPECT_EQ(open(root(), Split::Test)->size(), 2);
  EXPECT_EQ(open(root(), Split::Evaluation)->name(1), root() + "/val/b/1.jpg");
  EXPECT_EQ(countClasses("folder:" + root()), 2);
  EXPECT_EQ(countClasses(root() + "/val"), 2);
  EXPECT_EQ(countClasses("synthetic:"), 0);
  EXPECT_EQ(countClasses("folder:" + root() + "/none"), 0);
  // The checksum is of names, labels and sizes.
  std::string before = train->hash();
  EXPECT_EQ(open(root())->hash(), before);
  put("d/train/a/deep/x.Png", "other");
  EXPECT_NE(open(root())->hash(), before);
}

TEST_F(SourceTest, FolderWithoutSplits) {
  put("d/a/1.jpg");
  put("d/b/1.jpg");
  EXPECT_EQ(open(root())->size(), 2);
  EXPECT_EQ(open(root(), Split::Test)->size(), 0);
  EXPECT_EQ(open(root(), Split::Evaluation)->size(), 2);
}

TEST_F(SourceTest, FlatFolderWithLabels) {
  put("d/train/a/1.jpg");
  put("d/train/b/1.jpg");
  put("d/val/images/v1.jpg");
  put("d/val/v0.jpg");
  put("d/val/labels.txt", "v1.jpg\tb\t0\t0\r\n\nv0.jpg,a\n");
  auto test = open(root(), Split::Test);
  ASSERT_TRUE(test);
  ASSERT_EQ(test->size(), 2);
  EXPECT_EQ(test->name(0), root() + "/val/v0.jpg");
  EXPECT_EQ(test->label(0), 0);
  EXPECT_EQ(test->name(1), root() + "/val/images/v1.jpg");
  EXPECT_EQ(test->label(1), 1);
  for (auto [lines, words] : {std::pair("v1.jpg\n", "line 1 of"),
                              {"v1.jpg c\n", "the class 'c'"},
                              {"none.jpg a\n", "has no such picture"},
                              {"v0.jpg a\nv0.jpg b\n", "'v0.jpg' twice"},
                              {"", "names no picture"},
                              {"../train/a/1.jpg a\n", "below this folder"},
                              {"/etc/passwd a\n", "below this folder"},
                              {"x/../../train/a/1.jpg a\n", "below"}}) {
    put("d/val/labels.txt", lines);
    expectRefused(root(), words, Split::Test);
  }
}

TEST_F(SourceTest, FoldersThatAreNone) {
  expectRefused("folder:" + root(), "is no folder");
  put("d/train/a/1.jpg");
  expectRefused(root(), "has 1 classes, but the program has 2: compile it with --set classes=1");
  fs::create_directories(root() + "/train/b");
  expectRefused(root(), "/train/b' has no pictures");
  put("d/train/b/1.jpg");
  expectRefused(root(), "has no test pictures", Split::Evaluation);
  put("d/val/a/1.jpg");
  put("d/val/c/1.jpg");
  expectRefused(root(), "'c' of the test pictures is none of the training pictures", Split::Test);
  expectRefused(root(), "input has 5 channels", Split::Train, {5, 8, 8, 2});
  std::string deep = "d/train/a";
  for (int i = 0; i < 20; ++i)
    deep += "/d";
  put(deep + "/1.jpg");
  expectRefused(root(), "more than 16 folders deep");
}

TEST_F(SourceTest, WebDataset) {
  directory.write("s-00.tar", tarMember("x/0001.jpg", "one") + tarMember("x/0001.cls", "1\n") +
                                  tarMember("__meta__.json", "{}") + tarMember("x/0002.cls", "0") +
                                  tarMember("x/0002.meta.json", "{}") + tarMember("x/0002.PNG", "two") + tarEnd());
  std::string longName = std::string(180, 'n') + ".jpeg";
  directory.write("s-01.tar", tests::tarPax("path", longName) + tarMember("short.jpeg", "three") +
                                  tests::tarLongName(std::string(150, 'n') + ".x") + tarMember("other", "") +
                                  tarMember(std::string(180, 'n').substr(0, 90) + ".cls", "0", '5') + tarEnd());
  std::string pattern = "webdataset:" + directory.path("s-{00..00}.tar");
  auto dataset = open(pattern);
  ASSERT_TRUE(dataset);
  ASSERT_EQ(dataset->size(), 2);
  EXPECT_EQ(dataset->name(0), directory.path("s-00.tar") + ":x/0001.jpg");
  EXPECT_EQ(dataset->label(0), 1);
  EXPECT_EQ(text(*dataset, 0), "one");
  EXPECT_EQ(text(*dataset, 1), "two");
  EXPECT_EQ(dataset->label(1), 0);
  // Numbers are as wide as the first is written.
  for (const char *same : {"s-0{0..0}.tar", "s-{0..0}0.tar", "s-{00..0}.tar"}) {
    auto shards = open("webdataset:" + directory.path(same));
    ASSERT_TRUE(shards) << same;
    EXPECT_EQ(shards->size(), 2) << same;
  }
  for (const char *number : {"8", "9", "08", "09", "10", "11"})
    directory.write("t-" + std::string(number) + ".tar",
                    tarMember("a.jpg", number) + tarMember("a.cls", "1") + tarEnd());
  for (const auto &[wide, numbers] : {std::pair("t-{8..11}.tar", "8 9 10 11 "), {"t-{08..11}.tar", "08 09 10 11 "}}) {
    auto shards = open("webdataset:" + directory.path(wide));
    ASSERT_TRUE(shards) << wide;
    std::string found;
    for (int64_t i = 0; i < shards->size(); ++i)
      found += text(*shards, i) + " ";
    EXPECT_EQ(found, numbers);
  }
  EXPECT_EQ(open(pattern, Split::Test)->size(), 0);
  EXPECT_EQ(open(pattern, Split::Evaluation)->size(), 2);
  expectRefused("webdataset:" + directory.path("s-{00..01}.tar"), "has no label"); // its label is a folder
  expectRefused("webdataset:" + directory.path("s-{00,99}.tar"), "s-99.tar");
  for (const char *bad : {"s-{00..", "s-{0..x}.tar", "s-{5..2}.tar", "s-{0..99999999}.tar"})
    expectRefused("webdataset:" + directory.path(bad), "is no pattern of shards");
}

// The index of an archive is kept: it is taken while the file is the same, and is made anew where it does not fit it.
TEST_F(SourceTest, WebDatasetsAreIndexedOnce) {
  std::string path = directory.path("kept.tar"), big(600'000, 'p');
  auto write = [&](char label) {
    directory.write("kept.tar", tarMember("1.jpg", big) + tarMember("1.cls", "1") + tarMember("2.jpg", big) +
                                    tarMember("2.cls", std::string(1, label)) + tarEnd());
  };
  write('0');
  ShardCache cache(directory.path("cache"));
  auto load = [&] {
    auto file = InputFile::open(path);
    return file ? cache.load(*file) : std::nullopt;
  };
  std::vector<ShardSample> samples = {{512, 600'000, 1, "1.jpg"}, {602'112, 600'000, 0, "2.jpg"}};
  auto store = [&] { cache.store(*InputFile::open(path), samples); };
  store(); // the file is too young: it could change once more without its times telling
  EXPECT_FALSE(load());
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  store();
  ASSERT_TRUE(load());
  EXPECT_EQ((*load())[1].name, "2.jpg");
  EXPECT_EQ((*load())[1].offset, 602'112u);
  // Another content of the same size and time of modification.
  auto time = fs::last_write_time(path);
  write('1');
  fs::last_write_time(path, time);
  EXPECT_FALSE(load());
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  // What does not fit the archive is not taken, whoever wrote it.
  auto refused = [&](ShardSample bad) {
    std::swap(bad, samples[1]);
    store();
    EXPECT_FALSE(load()) << samples[1].offset << " " << samples[1].size;
    std::swap(bad, samples[1]);
  };
  refused({602'112, 700'000, 0, "2.jpg"});
  refused({UINT64_MAX, 2, 0, "2.jpg"});
  refused({1000, 5, 0, "2.jpg"});
  refused({602'112, 5, uint32_t(1) << 31, "2.jpg"});
  refused({602'112, 5, 0, ""});
  std::vector<ShardSample> decoded;
  std::string text = encodeShard(samples);
  EXPECT_TRUE(decodeShard(text, fs::file_size(path), decoded));
  for (size_t cut = 1; cut < text.size(); ++cut)
    if (cut != text.size() / 2) { // one sample
      EXPECT_FALSE(decodeShard(std::string_view(text).substr(0, cut), fs::file_size(path), decoded)) << cut;
    }
  // A data set takes what is kept: here a label that the archive does not have.
  const char *old = std::getenv("XDG_CACHE_HOME");
  std::string before = old ? old : "";
  ::setenv("XDG_CACHE_HOME", directory.path("home").c_str(), 1);
  auto dataset = open("webdataset:" + path);
  ASSERT_TRUE(dataset);
  EXPECT_EQ(dataset->label(1), 1);
  samples[1].label = 0;
  ShardCache().store(*InputFile::open(path), samples);
  EXPECT_EQ(open("webdataset:" + path)->label(1), 0);
  samples[1].label = 7; // checked as those of an archive
  ShardCache().store(*InputFile::open(path), samples);
  expectRefused("webdataset:" + path, "has label 7");
  old ? ::setenv("XDG_CACHE_HOME", before.c_str(), 1) : ::unsetenv("XDG_CACHE_HOME");
}

TEST_F(SourceTest, WebDatasetSplits) {
  std::string shard = tarMember("0.jpg", "a") + tarMember("0.cls", "0") + tarEnd();
  fs::create_directories(root());
  for (const char *name : {"d/train-0.tar", "d/train-1.tar", "d/val-0.tar"})
    put(name, shard);
  EXPECT_EQ(open("webdataset:" + root())->size(), 2);
  EXPECT_EQ(open("webdataset:" + root(), Split::Test)->size(), 1);
  EXPECT_EQ(open(directory.path("d/val-0.tar"))->size(), 1); // a bare path
}

// As of folders, the checksum is of names, labels and sizes; also of the archives' names, whose order is that of the
// samples.
TEST_F(SourceTest, WebDatasetsHaveAChecksum) {
  auto hash = [&](const char *archive, const char *name, const char *label, const char *picture) {
    directory.write(archive, tarMember(std::string(name) + ".jpg", picture) +
                                 tarMember(std::string(name) + ".cls", label) + tarEnd());
    return open("webdataset:" + directory.path(archive))->hash();
  };
  std::string before = hash("a.tar", "x", "0", "picture");
  EXPECT_EQ(hash("a.tar", "x", "0", "changed"), before);
  std::set<std::string> hashes = {before, hash("b.tar", "x", "0", "picture"), hash("a.tar", "y", "0", "picture"),
                                  hash("a.tar", "x", "1", "picture"), hash("a.tar", "x", "0", "pictures")};
  EXPECT_EQ(hashes.size(), 5u);
}

TEST_F(SourceTest, WebDatasetsThatAreNone) {
  auto refuse = [&](const std::string &bytes, const std::string &words) {
    directory.write("x.tar", bytes);
    expectRefused("webdataset:" + directory.path("x.tar"), words);
  };
  std::string good = tarMember("0.jpg", "a") + tarMember("0.cls", "0");
  refuse("", "it is too short");
  refuse(tarEnd(), "has no samples");
  refuse(std::string(1024, 'x'), "expected a tar archive that is not compressed, at byte 0");
  refuse(good + std::string(512, 'x'), "its header there is damaged, at byte 2048");
  refuse(good.substr(0, 600), "truncated");
  refuse(good + tarMember("1.jpg", "a") + tarEnd(), "has no label: expected a member '1.cls'");
  refuse(good + tarMember("1.cls", "1") + tarEnd(), "has no picture");
  refuse(tarMember("0.jpg", "a") + tarMember("0.jpg", "a") + tarEnd(), "is there twice");
  refuse(tarMember("0.jpg", "a") + tarMember("0.png", "a") + tarEnd(), "second picture");
  for (const char *label : {"", "x", "-1", "1.5", "99999999999", "0000000000000000000000000000000000000001"})
    refuse(tarMember("0.jpg", "a") + tarMember("0.cls", label) + tarEnd(), "is no label");
  refuse(tarMember("0.jpg", "a") + tarMember("0.cls", "2") + tarEnd(), "has label 2, but the program has 2 classes");
  // Headers that lie about sizes.
  for (uint64_t size : {uint64_t(4096), uint64_t(1) << 40, ~uint64_t(0) >> 1})
    refuse(tests::tarHeader("0.jpg", size, '0') + std::string(512, 'a'), "truncated");
  refuse(tests::tarHeader("0", uint64_t(1) << 21, 'x') + std::string(1 << 21, 'a'),
         "extended header of more than 1 MiB");
  refuse(tests::tarHeader("0", 512, 'L') + std::string(100, 'a'), "truncated");
  for (const char *record : {"5 path=x\n", "99 path=x\n", "path=x\n", "10 size=x\n", "9 pathxx\n"})
    refuse(tarMember("0", record, 'x') + good + tarEnd(), "extended header is damaged");
  refuse(tarMember("0", "", 'S') + good + tarEnd(), "sparse");
}

// Whatever bytes change, the archive is read or refused, and what is found lies in it.
TEST_F(SourceTest, DamagedArchives) {
  std::string good = tests::tarPax("path", "0.jpg") + tarMember("y", "abc") + tarMember("0.cls", "0") +
                     tests::tarLongName("1.jpg") + tarMember("z", "abcd") + tarMember("1.cls", "1") + tarEnd();
  PhiloxStream random(1, 1);
  int read = 0;
  for (int run = 0; run < 3000; ++run) {
    std::string bytes = good.substr(0, run % 3 ? good.size() : random.below(good.size()));
    for (uint64_t changes = random.below(3); changes > 0 && !bytes.empty(); --changes) {
      size_t at = random.below(bytes.size());
      bytes[at] = char(random.next());
      if (random.below(2))
        tests::repairChecksum(bytes, at / 512 * 512);
    }
    std::string path = directory.write("r.tar", bytes);
    auto file = InputFile::open(path);
    ASSERT_TRUE(bool(file));
    read += readTar(*file, [&](TarMember member) {
              EXPECT_LE(member.offset + member.size, bytes.size());
              EXPECT_LE(member.size, bytes.size());
              return Status();
            }).ok();
  }
  EXPECT_GT(read, 100);
}

TEST_F(SourceTest, Cifar) {
  std::string image(3072, '\0');
  for (int i = 0; i < 1024; ++i) {
    image[i] = char(i % 7);        // red
    image[1024 + i] = char(i % 5); // green
    image[2048 + i] = char(i % 3); // blue
  }
  for (int i = 1; i <= 5; ++i)
    put("d/data_batch_" + std::to_string(i) + ".bin", std::string(1, char(i)) + image);
  put("d/batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
  ImageShape shape{3, 32, 32, 10};
  auto train = open("cifar:" + root(), Split::Train, shape);
  ASSERT_TRUE(train);
  ASSERT_EQ(train->size(), 5);
  EXPECT_EQ(train->label(4), 5);
  EXPECT_EQ(train->classes(), (std::vector<std::string>{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}));
  PixelView view = train->pixels(3);
  EXPECT_EQ(view.data[3 * 13], 13 % 7);
  EXPECT_EQ(view.data[3 * 13 + 1], 13 % 5);
  EXPECT_EQ(view.data[3 * 13 + 2], 13 % 3);
  EXPECT_EQ(open(root(), Split::Test, shape)->size(), 0);
  expectRefused("cifar:" + root(), "compile it with --set classes=10", Split::Train, {3, 32, 32, 11});
  EXPECT_EQ(countClasses(root()), 10);
  put("d/data_batch_3.bin", std::string(1, '\x0a') + image);
  expectRefused(root(), "has label 10 at image 0", Split::Train, shape);
  put("d/data_batch_3.bin", image);
  expectRefused(root(), "expected a multiple of 3073 bytes, but it has 3072", Split::Train, shape);
  fs::remove(root() + "/data_batch_3.bin");
  expectRefused(root(), "data_batch_3.bin", Split::Train, shape);
  put("e/cifar-100-binary/train.bin", std::string("\x01\x63", 2) + image);
  auto hundred = open(directory.path("e"), Split::Train, {3, 32, 32, 100});
  ASSERT_TRUE(hundred);
  EXPECT_EQ(hundred->label(0), 99); // the fine one
  expectRefused("cifar:" + directory.path("f"), "is no CIFAR in binary form");
}

TEST_F(SourceTest, SplitsOffAPart) {
  for (int i = 0; i < 50; ++i)
    put(std::string("d/") + (i % 2 ? "a/" : "b/") + std::to_string(i) + ".jpg");
  std::shared_ptr<const Dataset> whole = open(root());
  auto [rest, drawn] = splitDataset(whole, 0.2, 7);
  EXPECT_EQ(rest->size(), 40);
  EXPECT_EQ(drawn->size(), 10);
  std::set<std::string> names;
  for (int64_t i = 0; i < 40; ++i)
    names.insert(rest->name(i));
  for (int64_t i = 0; i < 10; ++i)
    names.insert(drawn->name(i));
  EXPECT_EQ(names.size(), 50u);
  EXPECT_EQ(drawn->classes(), whole->classes());
  auto again = splitDataset(whole, 0.2, 7), other = splitDataset(whole, 0.2, 8);
  EXPECT_EQ(again.second->hash(), drawn->hash());
  EXPECT_NE(other.second->hash(), drawn->hash());
  EXPECT_NE(rest->hash(), whole->hash());
  EXPECT_EQ(splitDataset(whole, 1e-9, 1).second->size(), 1);
  EXPECT_EQ(splitDataset(whole, 0.999, 1).first->size(), 1);
}
