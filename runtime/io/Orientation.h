// SPDX-License-Identifier: Apache-2.0
//
// How a camera was held: EXIF's orientation of a JPEG file, and pictures turned by it.
#pragma once

#include "runtime/io/Pixels.h"

#include <string_view>

namespace incept {

/// EXIF's numbers of 1 (as it is) to 8. Each is a reflection of rows, columns or both, after rows and columns have been
/// exchanged (5 to 8).
struct Orientation {
  int number = 1;

  bool exchanges() const { return number >= 5; }
  /// The part of a stored picture of height x width that `box` of the turned one is.
  Box stored(const Box &box, int64_t height, int64_t width) const;
  /// Turns what was stored.
  void turn(const PixelView &from, PixelBuffer &to) const;

private:
  bool reflectsRows() const { return number == 3 || number == 4 || number == 6 || number == 7; }
  bool reflectsColumns() const { return number == 2 || number == 3 || number == 7 || number == 8; }
};

/// Of a JPEG file; 1 where it says nothing, or nothing that makes sense.
Orientation orientationOf(std::string_view file);

} // namespace incept
