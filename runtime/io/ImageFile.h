// SPDX-License-Identifier: Apache-2.0
//
// JPEG and PNG files, and how a picture of any size becomes an input of the network. The decoders (libjpeg-turbo,
// libspng) are loaded when the first file needs them.
#pragma once

#include "runtime/support/Status.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace incept {

/// Pixels u8 (H,W,C).
struct Picture {
  int64_t height = 0, width = 0, channels = 0;
  std::vector<uint8_t> pixels;
};

/// Most pixels of a picture, checked before memory for them is allocated.
constexpr int64_t kMaxPicturePixels = int64_t(1) << 26;

/// Reads a file as `channels` = 3 (RGB) or 1 (gray: the luma of ITU-R BT.601). Transparency and EXIF orientation are
/// ignored.
Expected<Picture> readPicture(const std::string &path, int64_t channels);
/// The same of bytes in memory; `name` is for messages.
Expected<Picture> decodePicture(std::string_view bytes, const std::string &name, int64_t channels);

/// The middle of the picture at height x width, as networks are evaluated: 87.5 % of the largest part of that aspect
/// ratio, resampled bilinearly (with a triangle filter as wide as the step, where the picture is larger). `pixels` gets
/// height*width*channels bytes.
void fitPicture(const Picture &picture, int64_t height, int64_t width, uint8_t *pixels);

} // namespace incept
