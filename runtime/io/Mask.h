// SPDX-License-Identifier: Apache-2.0
//
// Masks: PNG files whose pixels are numbers of classes, gray or by palette, and the labels that a network's output
// takes from them.
#pragma once

#include "runtime/io/DataSource.h"
#include "runtime/io/Preprocess.h"

#include <string>
#include <string_view>
#include <vector>

namespace incept {

/// How a picture became the network's input, so that its mask can follow.
struct Placement {
  Geometry geometry;             ///< of the picture when it is `scale` times smaller
  int64_t height = 0, width = 0; ///< of the whole picture, as it is turned
  int64_t scale = 1;
  int64_t dy = 0, dx = 0; ///< what the input was moved by: its pixel (y,x) is the one at (y+dy, x+dx) before
  bool flip = false;      ///< left to right, at last
};

/// Decodes one mask after the other and keeps its memory; one object per thread.
class MaskDecoder {
public:
  /// Writes the labels (map.height, map.width) of an input of the network: of each label's middle the nearest pixel of
  /// the mask. What lies outside of the picture is ignored or, where no label is, of class 0. An error where the file
  /// is no mask, is not as large as the picture, or has a number that is no label anywhere.
  Status labels(std::string_view file, const std::string &name, const Placement &placement, const ImageShape &shape,
                int64_t *to);
  int64_t memoryBytes() const { return int64_t(bytes.capacity() + columns.capacity() * sizeof(int64_t)); }

private:
  Status decode(std::string_view file, const std::string &name, const Placement &placement);
  Status check(const std::string &name, const ImageShape &shape) const;
  int64_t at(int64_t y, int64_t x) const;

  std::vector<uint8_t> bytes;
  int64_t height = 0, width = 0, depth = 8; ///< bits of a number
  std::vector<int64_t> columns;
};

} // namespace incept
