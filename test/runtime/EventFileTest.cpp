// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/EventFile.h"
#include "runtime/train/Curve.h"
#include "test/runtime/TinyProgram.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

using namespace incept;

namespace {

std::string read(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The messages of a file, whose lengths and checksums are right.
std::vector<std::string> records(const std::string &bytes) {
  std::vector<std::string> result;
  auto masked = [](std::string_view text) {
    uint32_t sum = crc32c(text);
    return (sum >> 15 | sum << 17) + 0xA282EAD8u;
  };
  for (size_t at = 0; at < bytes.size();) {
    uint64_t size = 0;
    uint32_t sum = 0;
    std::memcpy(&size, bytes.data() + at, 8);
    std::memcpy(&sum, bytes.data() + at + 8, 4);
    EXPECT_EQ(sum, masked(std::string_view(bytes).substr(at, 8)));
    if (at + 16 + size > bytes.size())
      break;
    result.push_back(bytes.substr(at + 12, size));
    std::memcpy(&sum, bytes.data() + at + 12 + size, 4);
    EXPECT_EQ(sum, masked(result.back()));
    at += 16 + size;
  }
  return result;
}

} // namespace

TEST(EventFile, Checksum) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(""), 0u);
}

TEST(EventFile, Records) {
  tests::TemporaryDirectory directory;
  for (int64_t step : {0, 300}) {
    EventFile events;
    ASSERT_TRUE(events.open(directory.path("."), step).ok());
    events.scalars(step, {{"loss", 0.5}, {"rate", 1}});
    events.picture(step, "p", 2, 300, "png");
    EXPECT_TRUE(events.flush().ok());
  }
  std::vector<std::vector<std::string>> files; // two in one second have names of their own
  for (const auto &entry : std::filesystem::directory_iterator(directory.path(".")))
    files.push_back(records(read(entry.path())));
  ASSERT_EQ(files.size(), 2u);
  if (files[0].size() > files[1].size())
    std::swap(files[0], files[1]);
  ASSERT_EQ(files[0].size(), 3u);
  ASSERT_EQ(files[1].size(), 4u);
  auto ends = [](const std::string &text, std::string_view with) { return std::string_view(text).ends_with(with); };
  for (auto &file : files)
    EXPECT_TRUE(ends(file[0], std::string("\x10\0\x1a\x0d", 4) + "brain.Event:2"));
  // Field 7 {1: 1} of step 300: a session starts.
  EXPECT_TRUE(ends(files[1][1], "\x10\xac\x02\x3a\x02\x08\x01"));
  // Field 5, a summary of two values {1: tag, 2: float}.
  EXPECT_TRUE(ends(files[0][1], std::string("\x10\0\x2a\x1a\x0a\x0b\x0a\x04loss\x15\0\0\0\x3f\x0a\x0b\x0a\x04rate\x15"
                                            "\0\0\x80\x3f",
                                            30)));
  // A value {1: tag, 4: {height, width, 3, png}}.
  EXPECT_TRUE(ends(files[0][2], "\x2a\x13\x0a\x11\x0a\x01p\x22\x0c\x08\x02\x10\xac\x02\x18\x03\x22\x03png"));
  EXPECT_FALSE(EventFile().open(directory.path("none"), 0).ok());
}

// What a log says, torn lines and foreign ones left out, is the curve of who wrote it.
TEST(Curve, IsReadFromALog) {
  tests::TemporaryDirectory directory;
  CurveBuilder whole(2000), part(2000);
  std::string text;
  for (int64_t step = 0; step < 1200; ++step) {
    double loss = 1.0 / double(step + 1), accuracy = double(step) / 1200;
    whole.step(step, loss, accuracy);
    char line[200];
    std::snprintf(line, sizeof line, "{\"step\":%lld,\"epoch\":0.1,\"loss\":%.9g,\"accuracy\":%.4f}\n",
                  static_cast<long long>(step), loss, accuracy);
    text += line;
  }
  whole.evaluation(1200, 0.75);
  text += "{\"step\":1200,\"test_accuracy\":0.75,\"test_loss\":1}\n[]\nx\n{\"step\":-1}\n{\"step\":1e300,\"loss\":1}\n"
          "{\"loss\":1}\n{\"step\":1201,\"loss\":null}\n{\"step\":1201,\"los";
  readCurve(directory.write("log", text), part);
  ASSERT_EQ(part.curve().loss.size(), whole.curve().loss.size());
  EXPECT_EQ(part.curve().loss.size(), 240u);
  for (size_t i = 0; i < 240; ++i) {
    EXPECT_EQ(part.curve().loss[i].step, whole.curve().loss[i].step);
    EXPECT_NEAR(part.curve().loss[i].value, whole.curve().loss[i].value, 1e-6);
    EXPECT_NEAR(part.curve().accuracy[i].value, whole.curve().accuracy[i].value, 1e-4);
  }
  ASSERT_EQ(part.curve().testAccuracy.size(), 1u);
  EXPECT_EQ(part.curve().testAccuracy[0].step, 1200);
  readCurve(directory.path("none"), part); // nothing happens
}
