// SPDX-License-Identifier: Apache-2.0
//
// PNG files of our own making: sheets of images, confusion matrices, pictures for TensorBoard.
#pragma once

#include "runtime/io/Pixels.h"
#include "runtime/support/Status.h"

#include <string>
#include <string_view>

namespace incept {

/// A picture that is drawn on: R,G,B.
class Canvas {
public:
  Canvas(int64_t height, int64_t width, uint8_t gray = 255);
  int64_t height() const { return pixels.height; }
  int64_t width() const { return pixels.width; }
  /// Sets a rectangle; what lies outside is left out.
  void fill(const Box &box, const uint8_t (&color)[3]);
  /// Draws pixels u8 (H,W,C), C = 1 or 3, each as a square of `scale`.
  void draw(int64_t x, int64_t y, const PixelView &view, int64_t scale);
  /// Writes text in capitals, cut where it is wider than `width`; a character has 4*scale x 6*scale pixels.
  void write(int64_t x, int64_t y, std::string_view text, int64_t scale, int64_t width);
  /// The file's bytes.
  std::string png() const;

private:
  PixelBuffer pixels;
};

/// Writes a file as OutputFile does.
Status writePng(const std::string &path, const Canvas &canvas);

} // namespace incept
