// SPDX-License-Identifier: Apache-2.0
//
// Random colors: brightness, saturation, hue and contrast as TensorFlow's adjust_* compute them, in f32 and without
// rounding between them.
#pragma once

#include "runtime/io/Pixels.h"
#include "runtime/io/Preprocess.h"
#include "runtime/support/Philox.h"

#include <array>
#include <vector>

namespace incept {

enum class ColorOp { Brightness, Saturation, Hue, Contrast };

/// What is done to the colors of one sample, in this order.
struct ColorChange {
  std::array<ColorOp, 4> order{};
  int count = 0;
  float brightness = 0; ///< added, in units of 255
  float saturation = 1; ///< times
  float hue = 0;        ///< turns
  float contrast = 1;   ///< times
};

/// Fast: brightness of +-32/255 and saturation of 0.5 to 1.5, brightness first in one case of four. Full: those, hue of
/// +-0.2 turns and contrast of 0.5 to 1.5 in one of four orders.
ColorChange drawColors(ColorMode mode, PhiloxStream &random);

/// Changes the colors of pictures; keeps its memory, one object per thread.
class ColorChanger {
public:
  /// `pixels` has 4 channels, the last of no meaning. Values are clipped and rounded to the nearest at the end.
  void apply(const ColorChange &change, PixelBuffer &pixels);

private:
  std::vector<float> planes[3];
};

} // namespace incept
