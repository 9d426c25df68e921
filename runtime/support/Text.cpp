// SPDX-License-Identifier: Apache-2.0

#include "runtime/support/Text.h"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace incept {

namespace {

/// Decodes the code point at the beginning of `text`; returns its bytes, 0 where there is none.
size_t decode(std::string_view text, uint32_t &code) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  size_t size = byte(0) < 0x80 ? 1 : byte(0) >> 5 == 6 ? 2 : byte(0) >> 4 == 14 ? 3 : byte(0) >> 3 == 30 ? 4 : 0;
  if (size == 0 || size > text.size())
    return 0;
  code = size == 1 ? byte(0) : byte(0) & (0x7F >> size);
  for (size_t i = 1; i < size; ++i) {
    if (byte(i) >> 6 != 2)
      return 0;
    code = code << 6 | (byte(i) & 0x3F);
  }
  constexpr uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  bool isSurrogate = code >= 0xD800 && code < 0xE000;
  return code < least[size] || code > 0x10FFFF || isSurrogate ? 0 : size;
}

/// Control characters, separators of lines, and what changes the direction of text.
bool isControl(uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C || (code >= 0x200E && code <= 0x200F) ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

std::string escape(const char *pattern, uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

template <typename Value>
bool readWhole(std::string_view text, Value &value) {
  auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && stop == text.data() + text.size();
}

} // namespace

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    uint32_t code = 0;
    size_t size = decode(text, code);
    if (size == 0)
      result += escape("\\x%02x", static_cast<unsigned char>(text[0]));
    else if (code == '\n' || code == '\t')
      result += code == '\n' ? "\\n" : "\\t";
    else if (isControl(code))
      result += escape(code < 0x80 ? "\\x%02x" : "\\u{%x}", code);
    else
      result += text.substr(0, size);
    text.remove_prefix(size > 0 ? size : 1);
  }
  return result;
}

std::string jsonNumber(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return std::isfinite(value) ? text : "null";
}

bool readInteger(std::string_view text, int64_t low, int64_t high, int64_t &value) {
  return readWhole(text, value) && value >= low && value <= high;
}

bool readInteger(std::string_view text, uint64_t &value) { return readWhole(text, value); }

bool readNumber(std::string_view text, double &value) { return readWhole(text, value) && std::isfinite(value); }

} // namespace incept
