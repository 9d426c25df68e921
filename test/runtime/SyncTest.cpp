// SPDX-License-Identifier: Apache-2.0
//
// What is written is on the disk when it has its name: libc's fsync and rename are ours here, and keep what they did.

#include "runtime/support/Files.h"
#include "runtime/train/TrainingLog.h"
#include "test/runtime/TinyProgram.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace incept;

static std::vector<std::string> &events() {
  static std::vector<std::string> instance;
  return instance;
}

extern "C" int fsync(int file) {
  std::array<char, 4096> path{};
  ssize_t size = ::readlink(("/proc/self/fd/" + std::to_string(file)).c_str(), path.data(), path.size() - 1);
  struct stat info {};
  bool isFolder = ::fstat(file, &info) == 0 && S_ISDIR(info.st_mode);
  std::string name = std::filesystem::path(std::string(path.data(), size > 0 ? size_t(size) : 0)).filename();
  events().push_back("sync " + name.substr(0, name.find('.')) + (isFolder ? "/" : " " + std::to_string(info.st_size)));
  return static_cast<int>(::syscall(SYS_fsync, file));
}

extern "C" int rename(const char *from, const char *to) noexcept {
  events().push_back("rename to " + std::filesystem::path(to).filename().string());
  return static_cast<int>(::syscall(SYS_rename, from, to));
}

static bool takesNothing = false;

extern "C" ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) {
  errno = 0;
  return takesNothing ? 0 : ::syscall(SYS_pwrite64, file, bytes, size, offset);
}

// A disk that takes no byte, and does not say why, is full.
TEST(Sync, WhatTakesNothingIsFull) {
  tests::TemporaryDirectory directory;
  takesNothing = true;
  Status status = writeFile(directory.path("file"), [](const Sink &sink) { return sink("12345", 5); });
  takesNothing = false;
  EXPECT_NE(status.message().find(std::strerror(ENOSPC)), std::string::npos) << status.message();
}

// The bytes first, then the name, then the folder that has it.
TEST(Sync, FilesAreOnTheDiskBeforeTheyHaveTheirName) {
  tests::TemporaryDirectory directory;
  std::filesystem::create_directory(directory.path("folder"));
  std::string path = directory.path("folder/file");
  for (int round = 0; round < 2; ++round) { // a new file, and one that is replaced
    events().clear();
    ASSERT_TRUE(writeFile(path, [](const Sink &sink) { return sink("12345", 5); }).ok());
    EXPECT_EQ(events(), (std::vector<std::string>{"sync file 5", "rename to file", "sync folder/"}));
  }
}

TEST(Sync, LogsAreOnTheDiskAfterAFlush) {
  tests::TemporaryDirectory directory;
  TrainingLog log;
  ASSERT_TRUE(log.open(directory.path("log")).ok());
  ASSERT_TRUE(log.startAnew().ok());
  log.evaluation(1, 0.5, 0.25);
  events().clear();
  ASSERT_TRUE(log.flush().ok());
  ASSERT_EQ(events().size(), 1u);
  EXPECT_EQ(events()[0], "sync log " + std::to_string(std::filesystem::file_size(directory.path("log"))));
  EXPECT_GT(std::filesystem::file_size(directory.path("log")), 20u);
}
