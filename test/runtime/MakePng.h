// SPDX-License-Identifier: Apache-2.0
//
// PNG files of any form, for tests of what reads them.
#pragma once

#include <cstdint>
#include <string>
#include <zlib.h>

namespace incept::tests {

inline std::string bigEndian(uint32_t value) {
  return {char(value >> 24), char(value >> 16), char(value >> 8), char(value)};
}

inline std::string pngChunk(const std::string &type, const std::string &data) {
  std::string body = type + data;
  return bigEndian(uint32_t(data.size())) + body +
         bigEndian(uint32_t(crc32(0, reinterpret_cast<const Bytef *>(body.data()), uInt(body.size()))));
}

/// A PNG of rows without filters. `color` is the format's color type. Interlaced, the rows are those of Adam7's passes.
inline std::string makePng(uint32_t width, uint32_t height, int depth, int color, const std::string &rows,
                           const std::string &before = "", bool interlaced = false) {
  uLongf size = compressBound(rows.size());
  std::string packed(size, 0);
  compress(reinterpret_cast<Bytef *>(packed.data()), &size, reinterpret_cast<const Bytef *>(rows.data()), rows.size());
  packed.resize(size);
  std::string header =
      bigEndian(width) + bigEndian(height) + char(depth) + char(color) + std::string(2, 0) + char(interlaced);
  return "\x89PNG\r\n\x1a\n" + pngChunk("IHDR", header) + before + pngChunk("IDAT", packed) + pngChunk("IEND", "");
}

} // namespace incept::tests
