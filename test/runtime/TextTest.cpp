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
