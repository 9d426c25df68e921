// SPDX-License-Identifier: Apache-2.0
//
// JPEG through libjpeg-turbo's scanline interface, which can leave out what lies outside a box. The library is loaded
// when the first file needs it.
#pragma once

#include "runtime/io/Pixels.h"
#include "runtime/support/Status.h"

#include <memory>
#include <string>
#include <string_view>

namespace incept {

/// Decodes one file after the other; one object per thread.
class JpegDecoder {
public:
  /// Fails where the machine has no libjpeg-turbo; `name` is for the message.
  static Expected<std::unique_ptr<JpegDecoder>> create(const std::string &name);
  virtual ~JpegDecoder() = default;

  /// Reads the header. The bytes must live until `decode` has returned.
  virtual Status open(std::string_view bytes, const std::string &name) = 0;
  virtual int64_t height() const = 0;
  virtual int64_t width() const = 0;
  /// Decodes the box, which lies in the picture, of the file that was opened. `channels` is 4 (R,G,B and a byte of no
  /// meaning) or 1 (luma). What is returned lies in `pixels`, which holds a little more. The pixels are those of
  /// decoding the whole file. With `strict` what a decoder warns of is an error; without, it is counted. A file that
  /// ends too early is always an error, where the box needs its end.
  ///
  /// With a `scale` of 2, 4 or 8 the picture is decoded so many times smaller, sides rounded up, and the box is one of
  /// that picture.
  virtual Expected<PixelView> decode(const Box &box, int64_t channels, bool strict, PixelBuffer &pixels,
                                     int64_t scale = 1) = 0;
  /// Warnings of the last `decode`.
  virtual int64_t warnings() const = 0;
};

} // namespace incept
