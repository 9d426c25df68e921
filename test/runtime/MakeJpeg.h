// SPDX-License-Identifier: Apache-2.0
//
// JPEG files for tests and measurements.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace incept::tests {

enum class JpegColors { Ycbcr, Gray, Rgb, Cmyk, Ycck };

struct JpegForm {
  int horizontal = 2, vertical = 2; ///< sampling factors of the first component
  bool progressive = false;
  JpegColors colors = JpegColors::Ycbcr;
  int restart = 0; ///< rows of blocks between restart markers
  int quality = 90;
};

/// Pixels (H,W,C): C is 1 for Gray, 4 for Cmyk and Ycck (Adobe's: inverted), else 3.
std::string encodeJpeg(const std::vector<uint8_t> &pixels, int width, int height, const JpegForm &form);

/// Waves, edges and noise, as photographs have them; `seed` makes another picture.
std::vector<uint8_t> makePixels(int width, int height, int channels, uint64_t seed = 0);

std::string makeJpeg(int width, int height, const JpegForm &form, uint64_t seed = 0);

} // namespace incept::tests
