// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/Safetensors.h"
#include "test/runtime/TinyProgram.h"

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
