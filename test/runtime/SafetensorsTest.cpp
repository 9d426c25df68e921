// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/Safetensors.h"
#include "test/runtime/TinyProgram.h"

#include <chrono>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

using namespace incept;

namespace {

std::string file(const std::string &header, size_t dataBytes, uint64_t length) {
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i)
    bytes[i] = static_cast<char>(length >> (8 * i));
  return bytes + header + std::string(dataBytes, 'x');
}

/// The message of a file with this header, empty where it is accepted.
std::string parse(const std::string &bytes) {
  std::map<std::string, TensorView> tensors;
  std::map<std::string, std::string> metadata;
  Status status = SafetensorsFile::parse(bytes, "f", tensors, metadata);
  EXPECT_TRUE(status.ok() || status.code() == Code::Input);
  return status.message();
}

std::string parse(const std::string &header, size_t dataBytes) { return parse(file(header, dataBytes, header.size())); }

std::string tensor(const std::string &type, const std::string &shape, const std::string &offsets) {
  return R"({"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

} // namespace

TEST(Safetensors, AcceptsGapsAndEmptyTensors) {
  EXPECT_EQ(parse("{}", 0), "");
  EXPECT_EQ(parse(R"({"a":)" + tensor("F32", "[2]", "[4,12]") + R"(,"e":)" + tensor("F32", "[0,3]", "[4,4]") + "}", 16),
            "");
}

TEST(Safetensors, RefusesWhatLies) {
  struct Case {
    std::string type, shape, offsets, words;
  };
  const Case cases[] = {
      {"F32", "[1]", "[-4,0]", "outside the file"},
      {"F32", "[1]", "[4,0]", "outside the file"},
      {"F32", "[1]", "[8,12]", "outside the file"},
      {"F32", "[1]", "[9223372036854775804,9223372036854775808]", "outside the file"},
      {"F32", "[1]", "[18446744073709551612,18446744073709551616]", "outside the file"},
      {"F32", "[1]", "[0.0,4.0]", "outside the file"},
      {"F32", "[1]", "[0]", "two data_offsets"},
      {"F32", "[1]", "null", "two data_offsets"},
      {"F32", "[-1]", "[0,4]", "negative or too large"},
      {"F32", "[1.5]", "[0,4]", "negative or too large"},
      {"F32", "[4611686018427387904,4]", "[0,0]", "negative or too large"},
      {"F32", "[4294967296,4294967296]", "[0,0]", "negative or too large"},
      {"F32", "[2]", "[0,4]", "expected 8 bytes"},
      {"F8", "[1]", "[0,1]", "unknown dtype"},
      {"", "[1]", "[0,1]", "unknown dtype"},
  };
  for (const Case &c : cases)
    EXPECT_NE(parse(R"({"a":)" + tensor(c.type, c.shape, c.offsets) + "}", 8).find(c.words), std::string::npos)
        << c.type << c.shape << c.offsets;
  std::string first = R"({"a":)" + tensor("F32", "[1]", "[0,4]");
  EXPECT_NE(parse(first + R"(,"b":)" + tensor("F32", "[1]", "[3,7]") + "}", 8).find("overlap"), std::string::npos);
  EXPECT_NE(parse(first + R"(,"a":)" + tensor("F32", "[1]", "[4,8]") + "}", 8).find("twice"), std::string::npos);
}

TEST(Safetensors, RefusesHeadersThatAreNone) {
  for (const char *header : {"", "[]", "1", "null", "{", "{\"a\":1}", "{\"a\":{}}", "{\"\xff\":{}}",
                             R"({"__metadata__":[]})", R"({"__metadata__":{"a":1}})"})
    EXPECT_NE(parse(header, 0), "") << header;
  EXPECT_NE(parse(std::string(500000, '['), 0), "");
  EXPECT_NE(parse(""), "");
  EXPECT_NE(parse("1234567"), "");
  for (uint64_t length : {uint64_t(3), uint64_t(100'000'001), uint64_t(1) << 63, ~uint64_t(0), ~uint64_t(0) - 7})
    EXPECT_NE(parse(file("{}", 0, length)), "") << length;
}

// Every cut and every changed byte of a good file: an error or a file whose tensors lie inside it.
TEST(Safetensors, SurvivesEveryDamagedByte) {
  std::string header = R"({"__metadata__":{"k":"v"},"a":)" + tensor("F32", "[1]", "[0,4]") + R"(,"b":)" +
                       tensor("I64", "[1]", "[4,12]") + "}";
  const std::string good = file(header, 12, header.size());
  ASSERT_EQ(parse(good), "");
  for (size_t i = 0; i < good.size(); ++i) {
    EXPECT_NE(parse(good.substr(0, i)), "") << "cut at " << i;
    for (unsigned char byte : {0x00, 0x2d, 0x39, 0x5b, 0x7f, 0xff}) {
      std::string damaged = good;
      damaged[i] = static_cast<char>(byte);
      std::map<std::string, TensorView> tensors;
      std::map<std::string, std::string> metadata;
      if (!SafetensorsFile::parse(damaged, "f", tensors, metadata).ok())
        continue;
      for (const auto &[name, view] : tensors)
        EXPECT_TRUE(view.bytes.data() >= damaged.data() + 8 &&
                    view.bytes.data() + view.bytes.size() <= damaged.data() + damaged.size());
    }
  }
}

TEST(Safetensors, WritesWhatItReads) {
  tests::TemporaryDirectory directory;
  std::string path = directory.path("w.safetensors"), data = "abcdefgh";
  ASSERT_TRUE(writeSafetensors(path, {{"x", "F32", {2, 1}, data}, {"y", "U8", {}, "z"}}, {{"step", "3"}}).ok());
  auto read = SafetensorsFile::open(path);
  ASSERT_TRUE(bool(read)) << read.status().message();
  EXPECT_EQ(read->tensors.at("x").bytes, data);
  EXPECT_EQ(read->tensors.at("x").shape, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(read->tensors.at("y").bytes, "z");
  EXPECT_EQ(read->metadata.at("step"), "3");
}

// A hundred thousand names are read in well under a second; a list that is searched for each would take minutes.
TEST(Safetensors, ReadsManyNamesInLinearTime) {
  std::string header = "{";
  for (int i = 0; i < 100'000; ++i)
    header += (i ? ",\"tensor." : "\"tensor.") + std::to_string(i) + "\":" + tensor("F32", "[0]", "[0,0]");
  auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(parse(header + "}", 0), "");
  std::vector<TensorToWrite> tensors(100'000, {"", "F32", {0}, ""});
  for (size_t i = 0; i < tensors.size(); ++i)
    tensors[i].name = "t" + std::to_string(i);
  tests::TemporaryDirectory directory;
  EXPECT_TRUE(writeSafetensors(directory.path("w"), tensors, {}).ok());
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), 15);
}

namespace {

const std::string kValues = "0123456789abcdef";

/// A file of two tensors, written here.
std::string writeTwo(const tests::TemporaryDirectory &directory) {
  std::string path = directory.path("w.safetensors");
  EXPECT_TRUE(writeSafetensors(path, {{"x", "F32", {2, 2}, kValues}, {"y", "U8", {3}, "xyz"}}, {{"step", "3"}}).ok());
  return path;
}

/// What reading the file a tensor at a time gives: its error, or nothing.
std::string readAll(const std::string &path, std::map<std::string, std::string> *tensors = nullptr) {
  auto reader = SafetensorsReader::open(path);
  if (!reader)
    return reader.status().message();
  return reader
      ->read([&](const std::string &name, std::string_view bytes) {
        EXPECT_EQ(reinterpret_cast<uintptr_t>(bytes.data()) % 64, 0u);
        if (tensors)
          (*tensors)[name] = bytes;
        return Status();
      })
      .message();
}

} // namespace

// No changed bit of a file goes unnoticed, wherever it is and however the file is read.
TEST(Safetensors, NoticesEveryDamagedBit) {
  tests::TemporaryDirectory directory;
  std::string path = writeTwo(directory), good(LoadedFile::open(path)->bytes());
  std::map<std::string, std::string> tensors;
  ASSERT_EQ(readAll(path, &tensors), "");
  EXPECT_EQ(tensors, (std::map<std::string, std::string>{{"x", kValues}, {"y", "xyz"}}));
  for (size_t i = 0; i < good.size(); ++i) {
    std::string damaged = good;
    damaged[i] = static_cast<char>(damaged[i] ^ 1 << i % 8);
    directory.write("w.safetensors", damaged);
    EXPECT_NE(readAll(path), "") << "byte " << i;
    EXPECT_FALSE(bool(SafetensorsFile::open(path))) << "byte " << i;
  }
  directory.write("w.safetensors", good + "x");
  EXPECT_NE(readAll(path), "");
}

// Files of others have no checksum and are read; one that others changed says how to be read.
TEST(Safetensors, ReadsFilesWithoutChecksum) {
  tests::TemporaryDirectory directory;
  std::string header = R"({"a":)" + tensor("F32", "[1]", "[4,8]") + R"(,"e":)" + tensor("F32", "[0]", "[0,0]") + "}";
  std::string path = directory.write("other", file(header, 12, header.size())); // with gaps before and after
  std::map<std::string, std::string> tensors;
  EXPECT_EQ(readAll(path, &tensors), "");
  EXPECT_EQ(tensors, (std::map<std::string, std::string>{{"a", "xxxx"}, {"e", ""}}));
  auto sum = SafetensorsReader::open(path)->checksum();
  ASSERT_TRUE(bool(sum));
  EXPECT_EQ(sum->size(), 16u);
  header = R"({"__metadata__": {"incept.checksum": "0123456789abcdef"},"a":)" + tensor("F32", "[1]", "[0,4]") + "}";
  std::string message = readAll(directory.write("changed", file(header, 4, header.size())));
  EXPECT_NE(message.find("it records 0123456789abcdef"), std::string::npos) << message;
  EXPECT_NE(message.find("remove incept.checksum"), std::string::npos) << message;
}

TEST(Safetensors, WritesOnlyFiniteValuesWhereAsked) {
  tests::TemporaryDirectory directory;
  std::string path = directory.path("w");
  for (float bad : {NAN, INFINITY, -INFINITY, 1e38f}) {
    std::string bytes(8, '\0');
    std::memcpy(bytes.data() + 4, &bad, 4);
    Status status = writeSafetensors(path, {{"x", "F32", {2}, bytes}}, {}, Values::Finite);
    EXPECT_EQ(status.ok(), bool(std::isfinite(bad))) << bad;
    EXPECT_TRUE(std::isfinite(bad) || status.message().find("'x' has values that are not finite") != std::string::npos);
    EXPECT_TRUE(writeSafetensors(path, {{"x", "F32", {2}, bytes}}, {}).ok());
  }
  for (double bad : {double(NAN), double(INFINITY), 1e308}) {
    std::string bytes(16, '\0');
    std::memcpy(bytes.data() + 8, &bad, 8);
    EXPECT_EQ(writeSafetensors(path, {{"x", "F64", {2}, bytes}}, {}, Values::Finite).ok(), bool(std::isfinite(bad)));
  }
  const std::pair<std::string, std::string> halves[] = {{"BF16", "\x80\x7f"}, {"F16", std::string("\0\x7c", 2)}};
  for (const auto &[type, infinity] : halves) {
    EXPECT_FALSE(writeSafetensors(path, {{"x", type, {1}, infinity}}, {}, Values::Finite).ok()) << type;
    EXPECT_TRUE(writeSafetensors(path, {{"x", "U8", {2}, infinity}}, {}, Values::Finite).ok());
  }
}

// A tensor that cannot be read from the device leaves the old file.
TEST(Safetensors, KeepsTheOldFileWhenATensorFails) {
  tests::TemporaryDirectory directory;
  std::string path = writeTwo(directory);
  TensorToWrite lost{"z", "F32", {1}};
  lost.size = 4;
  lost.fill = [](std::byte *) { return machineError("the device is lost"); };
  EXPECT_EQ(writeSafetensors(path, {lost}, {}).message(), "the device is lost");
  EXPECT_EQ(readAll(path), "");
}
