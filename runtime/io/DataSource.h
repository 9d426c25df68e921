// SPDX-License-Identifier: Apache-2.0
//
// Images and labels in memory: idx:DIR (MNIST-style files, .gz too) and synthetic:.
#pragma once

#include "runtime/support/Status.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace incept {

/// Images of a split, u8 (N,H,W,C), and their labels.
struct ImageSet {
  int64_t count = 0, height = 0, width = 0, channels = 0;
  std::vector<uint8_t> pixels;
  std::vector<uint8_t> labels8; ///< one byte per image
  const uint8_t *image(int64_t index) const { return pixels.data() + index * height * width * channels; }
  int64_t imageBytes() const { return height * width * channels; }
};

/// The labels of an image's pixels, of networks that score each pixel; empty where an image has one label.
struct LabelMap {
  int64_t height = 0, width = 0;
  std::optional<int64_t> ignored; ///< the label of pixels that count for nothing

  bool isThere() const { return height > 0; }
};

/// What the program expects of an image.
struct ImageShape {
  int64_t channels, height, width, classes;
  LabelMap map = {};

  int64_t labels() const { return map.isThere() ? map.height * map.width : 1; }
  /// Whether it is a class, or what is ignored.
  bool isLabel(int64_t label) const { return (label >= 0 && label < classes) || label == map.ignored; }
};

/// Evaluation is Test, or the whole source where it has no splits.
enum class Split { Train, Test, Evaluation };

/// Loads a split of SRC ("idx:DIR", "synthetic:", or a directory with idx files). A missing test split gives an empty
/// set. Synthetic images are always the same ones. Every mistake names the file. What the headers of images and labels
/// say is checked, and that there is memory for it, before anything is unpacked.
Expected<ImageSet> loadImages(const std::string &source, Split split, const ImageShape &shape);

/// Whether a folder has idx files.
bool isIdx(const std::string &directory);

} // namespace incept
