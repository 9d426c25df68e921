// SPDX-License-Identifier: Apache-2.0
//
// JPEG and PNG files. The content says which it is, not the name. The decoders (libjpeg-turbo, libspng) are loaded when
// the first file needs them.
#pragma once

#include "runtime/io/Jpeg.h"
#include "runtime/io/Orientation.h"
#include "runtime/io/Pixels.h"
#include "runtime/support/Status.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace incept {

/// Largest file that is read as a picture: more than any picture of kMaxPicturePixels needs.
constexpr uint64_t kMaxPictureBytes = uint64_t(1) << 30;

/// Decodes one file after the other and keeps its memory; one object per thread. Transparency is ignored.
class PictureDecoder {
public:
  /// Reads the header of a file in memory; `name` is for messages. The bytes must live until `decode` has returned.
  Status open(std::string_view bytes, const std::string &name);
  int64_t height() const { return h; }
  int64_t width() const { return w; }
  /// As the file says it was taken; pixels are as they are stored whatever it is.
  Orientation orientation() const { return isJpeg ? orientationOf(bytes) : Orientation(); }
  /// Whether `decode` can scale.
  bool scales() const { return isJpeg; }
  /// Decodes a box that lies in the picture. `channels` is 4, for R,G,B and a byte of no meaning, or 1, for the luma of
  /// ITU-R BT.601. `strict` makes an error of what a decoder of JPEG only warns of. What is returned lives until the
  /// next call.
  /// `scale` as JpegDecoder has it.
  Expected<PixelView> decode(const Box &box, int64_t channels, bool strict, int64_t scale = 1);
  /// What the last `decode` was warned of.
  int64_t warnings() const { return warningCount; }

private:
  Status openPng();
  Expected<PixelView> decodePng(const Box &box, int64_t channels);

  std::string_view bytes;
  std::string name;
  int64_t h = 0, w = 0, warningCount = 0;
  bool isJpeg = false;
  std::unique_ptr<JpegDecoder> jpeg;
  PixelBuffer pixels;
};

} // namespace incept
