// SPDX-License-Identifier: Apache-2.0

#include "runtime/support/Files.h"
#include "test/runtime/TinyProgram.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>

using namespace incept;

static bool put(const Sink &sink) { return sink("new", 3); }

TEST(Files, WritesWholeFiles) {
  tests::TemporaryDirectory directory;
  std::string path = directory.write("f", "an older and longer text");
  ASSERT_TRUE(writeFile(path, put).ok());
  auto file = MappedFile::open(path);
  ASSERT_TRUE(bool(file));
  EXPECT_EQ(file->bytes(), "new");
}

// The old file stays and nothing is left beside it.
TEST(Files, LeavesNothingOfWhatFailed) {
  tests::TemporaryDirectory directory;
  std::string path = directory.write("f", "old");
  EXPECT_EQ(writeFile(path, [](const Sink &sink) { return sink("half", 4) && false; }).code(), Code::Machine);
  auto file = MappedFile::open(path);
  ASSERT_TRUE(bool(file));
  EXPECT_EQ(file->bytes(), "old");
  auto entries = std::filesystem::directory_iterator(directory.path(""));
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
  EXPECT_EQ(writeFile(directory.path("no/such/f"), put).code(), Code::Machine);
}

// A rename would put a plain file where a device or a pipe was: as root, in place of /dev/null.
TEST(Files, DoesNotReplaceWhatIsNoFile) {
  tests::TemporaryDirectory directory;
  std::string path = directory.path("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_FALSE(writeFile(path, put).ok());
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_TRUE(S_ISFIFO(info.st_mode));
}

TEST(Files, ReadsRegularFilesOnly) {
  tests::TemporaryDirectory directory;
  EXPECT_EQ(MappedFile::open(directory.path("none")).status().code(), Code::Input);
  EXPECT_EQ(MappedFile::open(directory.path("")).status().code(), Code::Input);
  auto empty = MappedFile::open(directory.write("empty", ""));
  ASSERT_TRUE(bool(empty));
  EXPECT_EQ(empty->bytes().size(), 0u);
}
