// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/Orientation.h"

#include <cstring>

namespace incept {

namespace {

/// Bytes of a TIFF structure; what lies behind their end is 0.
struct Tiff {
  std::string_view bytes;
  bool isLittle = false;

  uint32_t number(size_t at, size_t size) const {
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      size_t place = at + (isLittle ? size - 1 - i : i);
      value = value << 8 | (place < bytes.size() ? static_cast<unsigned char>(bytes[place]) : 0u);
    }
    return value;
  }
};

int orientationOfTiff(std::string_view bytes) {
  constexpr uint32_t kTag = 0x0112, kShort = 3;
  Tiff tiff{bytes, bytes.starts_with("II")};
  if ((!tiff.isLittle && !bytes.starts_with("MM")) || tiff.number(2, 2) != 42)
    return 1;
  size_t directory = tiff.number(4, 4);
  if (directory >= bytes.size())
    return 1;
  uint32_t count = tiff.number(directory, 2);
  for (uint32_t i = 0; i < count; ++i) {
    size_t entry = directory + 2 + size_t(i) * 12;
    if (entry + 12 > bytes.size())
      return 1;
    if (tiff.number(entry, 2) != kTag)
      continue;
    uint32_t value = tiff.number(entry + 8, 2);
    return tiff.number(entry + 2, 2) == kShort && value >= 1 && value <= 8 ? int(value) : 1;
  }
  return 1;
}

} // namespace

Orientation orientationOf(std::string_view file) {
  constexpr std::string_view kExif("Exif\0\0", 6);
  auto byte = [&](size_t at) { return static_cast<unsigned char>(file[at]); };
  // Segments before the picture: a marker, and a length that counts itself.
  for (size_t at = 2; at + 4 <= file.size() && byte(at) == 0xff;) {
    unsigned marker = byte(at + 1);
    if (marker == 0xff) { // a fill byte
      ++at;
      continue;
    }
    if (marker == 0xda || marker == 0xd9)
      break;
    size_t length = size_t(byte(at + 2)) << 8 | byte(at + 3);
    if (length < 2 || at + 2 + length > file.size())
      break;
    std::string_view data = file.substr(at + 4, length - 2);
    if (marker == 0xe1 && data.starts_with(kExif))
      return {orientationOfTiff(data.substr(kExif.size()))};
    at += 2 + length;
  }
  return {};
}

Box Orientation::stored(const Box &box, int64_t height, int64_t width) const {
  Box result = exchanges() ? Box{box.y, box.x, box.height, box.width} : box;
  if (reflectsRows())
    result.y = height - result.y - result.height;
  if (reflectsColumns())
    result.x = width - result.x - result.width;
  return result;
}

void Orientation::turn(const PixelView &from, PixelBuffer &to) const {
  int64_t channels = from.channels;
  to.resize(exchanges() ? from.width : from.height, exchanges() ? from.height : from.width, channels);
  uint8_t *out = to.bytes.data();
  for (int64_t y = 0; y < to.height; ++y)
    for (int64_t x = 0; x < to.width; ++x, out += channels) {
      int64_t row = exchanges() ? x : y, column = exchanges() ? y : x;
      row = reflectsRows() ? from.height - 1 - row : row;
      column = reflectsColumns() ? from.width - 1 - column : column;
      std::memcpy(out, from.data + row * from.stride + column * channels, size_t(channels));
    }
}

} // namespace incept
