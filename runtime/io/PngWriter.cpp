// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/PngWriter.h"
#include "runtime/support/Files.h"

#include <algorithm>
#include <zlib.h>

namespace incept {

namespace {

/// Letters of three by five points: a row is an octal digit, the highest first.
struct Glyph {
  char character;
  unsigned rows;
};
constexpr Glyph kGlyphs[] = {{'0', 075557}, {'1', 026227}, {'2', 071747}, {'3', 071717}, {'4', 055711}, {'5', 074717},
                             {'6', 074757}, {'7', 071122}, {'8', 075757}, {'9', 075717}, {'A', 025755}, {'B', 065656},
                             {'C', 034443}, {'D', 065556}, {'E', 074647}, {'F', 074644}, {'G', 034553}, {'H', 055755},
                             {'I', 072227}, {'J', 011152}, {'K', 055655}, {'L', 044447}, {'M', 057755}, {'N', 065555},
                             {'O', 025552}, {'P', 065644}, {'Q', 025563}, {'R', 065655}, {'S', 034216}, {'T', 072222},
                             {'U', 055557}, {'V', 055552}, {'W', 055775}, {'X', 055255}, {'Y', 055222}, {'Z', 071247},
                             {'-', 000700}, {'_', 000007}, {'.', 000002}, {':', 002020}, {'/', 011244}, {'(', 012221},
                             {')', 042224}, {'%', 051245}, {'+', 002720}, {'=', 007070}, {',', 000024}, {' ', 000000}};
constexpr unsigned kUnknown = 070507;

unsigned glyphOf(char c) {
  c = c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c;
  for (const Glyph &glyph : kGlyphs)
    if (glyph.character == c)
      return glyph.rows;
  return kUnknown;
}

std::string bigEndian(uint32_t value) { return {char(value >> 24), char(value >> 16), char(value >> 8), char(value)}; }

std::string chunk(const char *type, const std::string &data) {
  std::string body = type + data;
  uLong sum = ::crc32(0, reinterpret_cast<const Bytef *>(body.data()), static_cast<uInt>(body.size()));
  return bigEndian(uint32_t(data.size())) + body + bigEndian(uint32_t(sum));
}

} // namespace

Canvas::Canvas(int64_t height, int64_t width, uint8_t gray) {
  pixels.resize(height, width, 3);
  std::fill(pixels.bytes.begin(), pixels.bytes.end(), gray);
}

void Canvas::fill(const Box &box, const uint8_t (&color)[3]) {
  int64_t left = std::max<int64_t>(box.x, 0), right = std::min(box.x + box.width, width());
  for (int64_t y = std::max<int64_t>(box.y, 0); y < std::min(box.y + box.height, height()); ++y)
    for (int64_t x = left; x < right; ++x)
      std::copy_n(color, 3, pixels.bytes.data() + (y * width() + x) * 3);
}

void Canvas::draw(int64_t x, int64_t y, const PixelView &view, int64_t scale) {
  for (int64_t i = 0; i < view.height; ++i)
    for (int64_t j = 0; j < view.width; ++j) {
      const uint8_t *from = view.data + i * view.stride + j * view.channels;
      bool isGray = view.channels < 3;
      fill({x + j * scale, y + i * scale, scale, scale}, {from[0], from[isGray ? 0 : 1], from[isGray ? 0 : 2]});
    }
}

void Canvas::write(int64_t x, int64_t y, std::string_view text, int64_t scale, int64_t most) {
  for (char c : text.substr(0, size_t(std::max<int64_t>(most / (4 * scale), 0)))) {
    unsigned rows = glyphOf(c);
    for (int row = 0; row < 5; ++row)
      for (int column = 0; column < 3; ++column)
        if (rows >> (3 * (4 - row) + 2 - column) & 1)
          fill({x + column * scale, y + row * scale, scale, scale}, {0, 0, 0});
    x += 4 * scale;
  }
}

std::string Canvas::png() const {
  std::string rows;
  for (int64_t y = 0; y < height(); ++y) {
    rows.push_back('\0'); // no filter
    rows.append(reinterpret_cast<const char *>(pixels.bytes.data()) + y * width() * 3, size_t(width() * 3));
  }
  uLongf size = ::compressBound(rows.size());
  std::string packed(size, '\0');
  ::compress2(reinterpret_cast<Bytef *>(packed.data()), &size, reinterpret_cast<const Bytef *>(rows.data()),
              rows.size(), 6);
  packed.resize(size);
  std::string header = bigEndian(uint32_t(width())) + bigEndian(uint32_t(height())) + std::string("\x08\x02\0\0\0", 5);
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + chunk("IDAT", packed) + chunk("IEND", "");
}

Status writePng(const std::string &path, const Canvas &canvas) {
  std::string bytes = canvas.png();
  return writeFile(path, [&](const Sink &sink) { return sink(bytes.data(), bytes.size()); });
}

} // namespace incept
