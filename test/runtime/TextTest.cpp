// SPDX-License-Identifier: Apache-2.0

#include "runtime/support/Text.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace incept;

// What a terminal would obey is written out; letters of any script stay.
TEST(Text, ControlCharactersAreEscaped) {
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},
      {"step-1.safetensors", "step-1.safetensors"},
      {"Gr\xc3\xb6\xc3\x9f"
       "e \xe7\x8c\xab \xf0\x9f\x90\x88",
       "Gr\xc3\xb6\xc3\x9f"
       "e \xe7\x8c\xab \xf0\x9f\x90\x88"},
      {"a\nb\tc\r", "a\\nb\\tc\\x0d"},
      {"\x1b[2J\x07\x7f", "\\x1b[2J\\x07\\x7f"},
      {std::string("a\0b", 3), "a\\x00b"},
      {"\xc2\x9b", "\\u{9b}"},             // the terminal's one-byte escape
      {"\xe2\x80\xae", "\\u{202e}"},       // right to left
      {"\xe2\x80\xa8", "\\u{2028}"},       // a new line
      {"\xff\xc3", "\\xff\\xc3"},          // no UTF-8, and cut
      {"\xc0\x8a", "\\xc0\\x8a"},          // a new line in two bytes
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"}, // half of a pair
  };
  for (const auto &[text, expected] : cases)
    EXPECT_EQ(printable(text), expected);
}

// Both ends of each range that is written out, and what is beside them.
TEST(Text, RangesOfControlCharacters) {
  auto encoded = [](uint32_t code) {
    if (code < 0x80)
      return std::string(1, char(code));
    if (code < 0x800)
      return std::string{char(0xc0 | code >> 6), char(0x80 | (code & 63))};
    if (code < 0x10000)
      return std::string{char(0xe0 | code >> 12), char(0x80 | (code >> 6 & 63)), char(0x80 | (code & 63))};
    return std::string{char(0xf0 | code >> 18), char(0x80 | (code >> 12 & 63)), char(0x80 | (code >> 6 & 63)),
                       char(0x80 | (code & 63))};
  };
  const std::pair<uint32_t, uint32_t> ranges[] = {{0x7f, 0x9f},     {0x61c, 0x61c},   {0x200e, 0x200f},
                                                  {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff}};
  for (auto [first, last] : ranges)
    for (uint32_t code = first - 1; code <= last + 1; ++code) {
      char escaped[16];
      std::snprintf(escaped, sizeof escaped, code < 0x80 ? "\\x%02x" : "\\u{%x}", code);
      EXPECT_EQ(printable(encoded(code)), code < first || code > last ? encoded(code) : escaped) << code;
    }
  for (uint32_t code : {0x20u, 0x7eu, 0xa0u, 0x7ffu, 0x800u, 0xd7ffu, 0xe000u, 0xffffu, 0x10000u, 0x10ffffu})
    EXPECT_EQ(printable(encoded(code)), encoded(code)) << code;
  EXPECT_EQ(printable("\x1f"), "\\x1f");
  // Beyond the last code point, halves of pairs, numbers in more bytes than they need, and bytes that begin nothing.
  for (const char *text : {"\xf4\x90\x80\x80", "\xed\xbf\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xc1\xbf",
                           "\xf8\x88\x80\x80\x80", "\x80", "\xbf", "\xe2\x82", "\xf0\x9f\x90"}) {
    std::string expected;
    for (const char *c = text; *c; ++c) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(*c));
      expected += escaped;
    }
    EXPECT_EQ(printable(text), expected);
  }
}

TEST(Text, NumbersAreJson) {
  EXPECT_EQ(jsonNumber(0.25), "0.25");
  EXPECT_EQ(jsonNumber(NAN), "null");
  EXPECT_EQ(jsonNumber(-INFINITY), "null");
}

TEST(Text, NumbersAreWholeTexts) {
  int64_t whole = 0;
  uint64_t seed = 0;
  double real = 0;
  EXPECT_TRUE(readInteger("12", 0, 12, whole));
  EXPECT_EQ(whole, 12);
  for (const char *bad : {"", "13", "-1", "1x", " 1", "1.5", "9223372036854775808"})
    EXPECT_FALSE(readInteger(bad, 0, 12, whole)) << bad;
  EXPECT_TRUE(readInteger("18446744073709551615", seed));
  EXPECT_FALSE(readInteger("-1", seed));
  EXPECT_FALSE(readInteger("18446744073709551616", seed));
  EXPECT_TRUE(readNumber("1e-3", real));
  for (const char *bad : {"", "nan", "inf", "1e999", "0.1x"})
    EXPECT_FALSE(readNumber(bad, real)) << bad;
}
