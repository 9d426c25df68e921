// SPDX-License-Identifier: Apache-2.0
//
// Headers of safetensors files: every type, what is said of each mistake, both sides of limits, and the bytes of the
// headers that are written.

#include "runtime/io/SafetensorsHeader.h"

#include <gtest/gtest.h>

using namespace incept;
using namespace incept::safetensors;

namespace {

/// What is said of a header with `dataBytes` behind it; empty where it is accepted.
std::string parse(const std::string &text, uint64_t dataBytes) {
  std::map<std::string, TensorPlace> tensors;
  Metadata metadata;
  std::string why;
  bool isGood = parseHeader(text, dataBytes, tensors, metadata, why);
  EXPECT_EQ(isGood, why.empty());
  return why;
}

std::string entry(const std::string &shape, const std::string &offsets, const std::string &type = "F32") {
  return R"({"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

} // namespace

TEST(SafetensorsHeader, TypesHaveTheirSizes) {
  const std::pair<const char *, int64_t> types[] = {{"BOOL", 1}, {"U8", 1},   {"I8", 1},  {"I16", 2}, {"U16", 2},
                                                    {"F16", 2},  {"BF16", 2}, {"I32", 4}, {"U32", 4}, {"F32", 4},
                                                    {"F64", 8},  {"I64", 8},  {"U64", 8}, {"F8", 0},  {"", 0}};
  for (auto [type, bytes] : types) {
    EXPECT_EQ(typeSize(type), bytes) << type;
    std::string good = R"({"a":)" + entry("[3]", "[1," + std::to_string(1 + 3 * bytes) + "]", type) + "}";
    EXPECT_EQ(parse(good, 100), bytes ? "" : std::string("tensor 'a': unknown dtype '") + type + "'");
  }
}

TEST(SafetensorsHeader, IsReadIntoPlaces) {
  std::map<std::string, TensorPlace> tensors;
  Metadata metadata;
  std::string why;
  std::string text = R"({"__metadata__":{"k":"v","":"w"},"b":)" + entry("[2,3]", "[8,32]") + R"(,"s":)" +
                     entry("[]", "[0,4]") + R"(,"e":)" + entry("[5,0]", "[8,8]", "I64") +
                     R"(,"x":{"more":null,"list":[1,"a",true],"dtype":"U8","shape":[1],"data_offsets":[4,5]}})";
  ASSERT_TRUE(parseHeader(text, 32, tensors, metadata, why)) << why;
  EXPECT_EQ(metadata, (Metadata{{"k", "v"}, {"", "w"}}));
  ASSERT_EQ(tensors.size(), 4u);
  const TensorPlace &b = tensors["b"], &s = tensors["s"], &e = tensors["e"];
  EXPECT_EQ(b.type, "F32");
  EXPECT_EQ(b.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(b.offset, 8u);
  EXPECT_EQ(b.bytes, 24u);
  EXPECT_TRUE(s.shape.empty());
  EXPECT_EQ(s.bytes, 4u);
  EXPECT_EQ(e.bytes, 0u);
  EXPECT_EQ(tensors["x"].offset, 4u);
}

TEST(SafetensorsHeader, MistakesHaveTheirSentences) {
  const std::string whole = "tensor 'a': expected dtype, shape and two data_offsets",
                    outside = "tensor 'a': its data_offsets lie outside the file",
                    object = "its header is not an object of tensors", json = "its header is not JSON",
                    metadata = "a value of __metadata__ is not a string";
  auto a = [](const std::string &shape, const std::string &offsets) { return "{\"a\":" + entry(shape, offsets) + "}"; };
  const std::pair<std::string, std::string> cases[] = {
      {"", json},
      {"{", json},
      {"{}x", json},
      {"1", object},
      {"1.5", object},
      {"-1", object},
      {"null", object},
      {"true", object},
      {"\"a\"", object},
      {"[]", object},
      {R"({"a":1})", whole},
      {R"({"a":1.5})", whole},
      {R"({"a":"b"})", whole},
      {R"({"a":null})", whole},
      {R"({"a":[]})", whole},
      {R"({"a":{}})", whole},
      {R"({"a":{"shape":{}}})", whole},
      {R"({"a":{"shape":[1],"data_offsets":[0,4]}})", whole},
      {R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", whole},
      {R"({"a":{"dtype":"F32","shape":[1]}})", whole},
      {R"({"a":{"dtype":1,"shape":[1],"data_offsets":[0,4]}})", whole},
      {a("[1]", "[0]"), whole},
      {a("[1]", "[0,4,8]"), whole},
      {a("[1]", "[[0,4]]"), "a list in a list"},
      {a("[1]", "[0,null]"), outside},
      {a("[1]", "[0,true]"), outside},
      {a("[1]", "[0,\"4\"]"), outside},
      {a("[1]", "[0,4.0]"), outside},
      {a("[1]", "[-1,3]"), outside},
      {a("[1]", "[5,9]"), outside}, // of eight bytes
      {a("[1]", "[4,8]"), ""},
      {a("[0]", "[8,8]"), ""},
      {a("[0]", "[9,9]"), outside},
      {a("[1]", "[8,4]"), outside},
      {a("[-1]", "[0,4]"), "tensor 'a': its shape is negative or too large"},
      {a("[4611686018427387904]", "[0,4]"), "tensor 'a': its shape is negative or too large"},
      {a("[2]", "[0,4]"), "tensor 'a': expected 8 bytes for its shape, but data_offsets span 4"},
      {"{\"a\":" + entry("[1]", "[0,4]") + ",\"a\":" + entry("[1]", "[4,8]") + "}", "a tensor's name appears twice"},
      {"{\"a\":" + entry("[1]", "[0,4]") + ",\"b\":" + entry("[1]", "[4,8]") + "}", ""},
      {"{\"a\":" + entry("[1]", "[4,8]") + ",\"b\":" + entry("[1]", "[0,4]") + "}", ""},
      {"{\"a\":" + entry("[1]", "[0,4]") + ",\"b\":" + entry("[1]", "[3,7]") + "}", "two tensors overlap"},
      {"{\"a\":" + entry("[1]", "[0,4]") + ",\"b\":" + entry("[0]", "[2,2]") + "}", ""}, // it has no bytes
      {R"({"__metadata__":1})", "__metadata__ is not an object"},
      {R"({"__metadata__":[]})", "__metadata__ is not an object"},
      {R"({"__metadata__":{"a":1}})", metadata},
      {R"({"__metadata__":{"a":null}})", metadata},
      {R"({"__metadata__":{"a":[]}})", metadata},
      {R"({"__metadata__":{"a":{}}})", metadata},
      {R"({"__metadata__":{},"__metadata__":{}})", "a tensor's name appears twice"},
  };
  for (const auto &[text, words] : cases)
    EXPECT_EQ(parse(text, 8), words) << text;
  // As many dimensions as there may be.
  std::string dims = "[1";
  for (int i = 1; i < 64; ++i)
    dims += ",1";
  EXPECT_EQ(parse(a(dims + "]", "[0,4]"), 8), "");
  EXPECT_EQ(parse(a(dims + ",1]", "[0,4]"), 8), "tensor 'a': expected at most 64 dimensions");
}

TEST(SafetensorsHeader, IsWrittenByteByByte) {
  TensorToWrite filled{"c\"\xff", "I64", {}};
  filled.size = 8;
  filled.fill = [](std::byte *) { return Status(); };
  std::string head = makeHead({{"a", "F32", {2, 1}, "01234567"}, filled, {"b", "U8", {3}, "xyz"}}, {{"k", "\n"}});
  // What is no UTF-8 is replaced.
  std::string text =
      R"({"__metadata__":{"incept.checksum":"0000000000000000","incept.checksum_kind":"xxh64","k":"\n"},)"
      R"("a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
      "\"c\\\"\xef\xbf\xbd\""
      R"(:{"dtype":"I64","shape":[],"data_offsets":[8,16]},)"
      R"("b":{"dtype":"U8","shape":[3],"data_offsets":[16,19]}})";
  std::string padded = text;
  while (padded.size() % 8 != 0)
    padded += ' ';
  ASSERT_GT(padded.size(), 255u); // two bytes of the length
  ASSERT_EQ(head.size(), 8 + padded.size());
  EXPECT_EQ(head.substr(8), padded);
  EXPECT_EQ(head.substr(0, 8), std::string({char(padded.size() & 255), char(padded.size() >> 8), 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(findChecksum(head), 8 + text.find("0000000000000000"));
  // What only looks like one: before the header's begin, cut, or longer.
  const std::string key = "\"incept.checksum\":\"", zeros(16, '0');
  EXPECT_EQ(findChecksum("01234567" + key + zeros + "\""), 8 + key.size());
  EXPECT_EQ(findChecksum("0123456" + key + zeros + "\""), std::string::npos);
  EXPECT_EQ(findChecksum("01234567" + key + zeros), std::string::npos);
  EXPECT_EQ(findChecksum("01234567" + key + zeros + "0\""), std::string::npos);
  EXPECT_EQ(findChecksum("01234567" + key), std::string::npos);
  EXPECT_EQ(findChecksum(""), std::string::npos);
}
