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
  auto file = LoadedFile::open(path);
  ASSERT_TRUE(bool(file));
  EXPECT_EQ(file->bytes(), "new");
}

// The old file stays and nothing is left beside it.
TEST(Files, LeavesNothingOfWhatFailed) {
  tests::TemporaryDirectory directory;
  std::string path = directory.write("f", "old");
  EXPECT_EQ(writeFile(path, [](const Sink &sink) { return sink("half", 4) && false; }).code(), Code::Machine);
  auto file = LoadedFile::open(path);
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
  EXPECT_EQ(LoadedFile::open(directory.path("none")).status().code(), Code::Input);
  EXPECT_EQ(LoadedFile::open(directory.path("")).status().code(), Code::Input);
  auto empty = LoadedFile::open(directory.write("empty", ""));
  ASSERT_TRUE(bool(empty));
  EXPECT_EQ(empty->bytes().size(), 0u);
}

// A pipe is refused at once: nobody writes to it.
TEST(Files, DoesNotWaitForPipes) {
  tests::TemporaryDirectory directory;
  std::string pipe = directory.path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const std::string &path : {pipe, directory.path(""), std::string("/dev/zero")}) {
    Status status = LoadedFile::open(path).status();
    EXPECT_EQ(status.code(), Code::Input);
    EXPECT_NE(status.message().find("expected a regular file, but it is a "), std::string::npos) << status.message();
  }
  EXPECT_EQ(LoadedFile::open(directory.write("f", "123456"), 5).status().code(), Code::Input);
}

TEST(Files, SaysThatAFileBecameShorter) {
  tests::TemporaryDirectory directory;
  std::string path = directory.write("f", std::string(100, 'x'));
  auto file = InputFile::open(path);
  ASSERT_TRUE(bool(file));
  char bytes[100];
  EXPECT_TRUE(file->read(0, bytes, 100).ok());
  std::filesystem::resize_file(path, 50);
  Status status = file->read(0, bytes, 100);
  EXPECT_EQ(status.code(), Code::Input);
  EXPECT_NE(status.message().find("became shorter"), std::string::npos) << status.message();
}

static mode_t permissions(const std::string &path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0);
  return info.st_mode & 0777;
}

TEST(Files, HonoursTheUmask) {
  tests::TemporaryDirectory directory;
  mode_t old = ::umask(077);
  EXPECT_TRUE(writeFile(directory.path("private"), put).ok());
  EXPECT_TRUE(writeFile(directory.path("program"), put, FileKind::Program).ok());
  ::umask(022);
  EXPECT_TRUE(writeFile(directory.path("public"), put).ok());
  EXPECT_TRUE(writeFile(directory.path("private"), put).ok()); // a file keeps what it has
  EXPECT_TRUE(writeFile(directory.path("public"), put, FileKind::Program).ok());
  ::umask(old);
  EXPECT_EQ(permissions(directory.path("private")), 0600u);
  EXPECT_EQ(permissions(directory.path("program")), 0700u);
  EXPECT_EQ(permissions(directory.path("public")), 0755u);
}

TEST(Files, WritesThroughSymbolicLinks) {
  tests::TemporaryDirectory directory;
  std::string file = directory.write("file", "old"), link = directory.path("link"), lost = directory.path("lost");
  std::filesystem::create_symlink("file", link);
  std::filesystem::create_symlink("nowhere", lost);
  EXPECT_TRUE(writeFile(link, put).ok());
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(LoadedFile::open(file)->bytes(), "new");
  EXPECT_EQ(writeFile(lost, put).code(), Code::Input);
  EXPECT_FALSE(std::filesystem::exists(directory.path("nowhere")));
}

// Trying leaves no trace, and finds what writing would.
TEST(Files, OutputsAreTried) {
  tests::TemporaryDirectory directory;
  std::string file = directory.write("file", "old");
  EXPECT_TRUE(tryOutput("").ok());
  EXPECT_TRUE(tryOutput(file).ok());
  EXPECT_TRUE(tryOutput(directory.path("other")).ok());
  EXPECT_EQ(LoadedFile::open(file)->bytes(), "old");
  for (const std::string &bad : {directory.path("no/such"), directory.path(""), file + "/x", std::string("/dev/null")})
    EXPECT_FALSE(tryOutput(bad).ok()) << bad;
  auto entries = std::filesystem::directory_iterator(directory.path(""));
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST(Files, KnowsItsLeftovers) {
  EXPECT_TRUE(isLeftover("f.aZ09bc", "f"));
  for (const char *other : {"f", "f.aZ09b", "f.aZ09bcd", "f.-Z09bc", "f.aZ-9bc", "f.aZ09b-", "g.aZ09bc", "f.damaged"})
    EXPECT_FALSE(isLeftover(other, "f")) << other;
}
