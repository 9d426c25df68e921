// SPDX-License-Identifier: Apache-2.0
//
// Pixels in memory on their way from a file to the network.
#pragma once

#include <cstdint>
#include <vector>

namespace incept {

/// Most pixels of a picture, checked before memory for them is allocated.
constexpr int64_t kMaxPicturePixels = int64_t(1) << 26;

/// A part of a picture, in pixels.
struct Box {
  int64_t x = 0, y = 0, width = 0, height = 0;
};

/// Pixels u8 of somebody else: rows are `stride` bytes apart, a pixel has `channels` bytes.
struct PixelView {
  const uint8_t *data = nullptr;
  int64_t stride = 0, height = 0, width = 0, channels = 0;
};

/// Pixels u8 (H,W,C), dense, in memory that is kept from one picture to the next.
struct PixelBuffer {
  int64_t height = 0, width = 0, channels = 0;
  std::vector<uint8_t> bytes;

  void resize(int64_t newHeight, int64_t newWidth, int64_t newChannels) {
    height = newHeight;
    width = newWidth;
    channels = newChannels;
    bytes.resize(height * width * channels);
  }
  /// The same, for who writes all that is read, by `view`: memory only grows, and is not cleared.
  void reuse(int64_t newHeight, int64_t newWidth, int64_t newChannels) {
    height = newHeight;
    width = newWidth;
    channels = newChannels;
    if (int64_t needed = height * width * channels; int64_t(bytes.size()) < needed)
      bytes.resize(needed);
  }
  PixelView view() const { return {bytes.data(), width * channels, height, width, channels}; }
  /// A box of them.
  PixelView view(const Box &box) const {
    return {bytes.data() + (box.y * width + box.x) * channels, width * channels, box.height, box.width, channels};
  }
};

} // namespace incept
