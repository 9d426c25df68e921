// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/Mask.h"
#include "runtime/io/Png.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace incept {

namespace {

constexpr uint8_t kGray = 0, kPalette = 3; // color types of PNG

/// The pixel of a picture of `size` that label `label` of `labels` side by side takes, for an input of `outputs`
/// pixels whose axis of the resize begins `offset` pixels into the picture; -1 outside of it.
int64_t pixelOf(int64_t label, int64_t labels, int64_t outputs, int64_t moved, const ResizeAxis &axis, int64_t offset,
                int64_t scale, int64_t size) {
  // The middle of the label in units of 1/(2*labels) pixels of the input.
  int64_t unit = 2 * labels, middle = (2 * label + 1) * outputs + moved * unit;
  if (middle < 0 || middle >= outputs * unit)
    return -1;
  double step = double(axis.inputs) / (double(axis.outputs) * double(unit));
  double place = double(middle + axis.first * unit) * step;
  auto pixel = int64_t(std::floor((place + double(offset)) * double(scale)));
  return std::clamp<int64_t>(pixel, 0, size - 1);
}

} // namespace

int64_t MaskDecoder::at(int64_t y, int64_t x) const {
  const uint8_t *row = bytes.data() + y * ((width * depth + 7) / 8);
  if (depth == 8)
    return row[x];
  if (depth == 16) {
    uint16_t value = 0;
    std::memcpy(&value, row + 2 * x, sizeof value);
    return value;
  }
  int64_t bit = x * depth;
  return row[bit / 8] >> (8 - depth - bit % 8) & ((1 << depth) - 1);
}

/// What the header says is checked before the numbers are unpacked.
Status MaskDecoder::decode(std::string_view file, const std::string &name, const Placement &placement) {
  if (file.substr(0, 8) != "\x89PNG\r\n\x1a\n")
    return badPicture(name, "expected a PNG file: a mask has a class number for each pixel");
  const PngLibrary *library = loadLibrary<PngLibrary>(kSpng);
  if (!library)
    return noLibrary(name, kSpng, "libspng0");
  Png png(*library);
  INCEPT_RETURN_IF_ERROR(png.open(file, name));
  if (png.header.color_type != kGray && png.header.color_type != kPalette)
    return badPicture(name, "expected class numbers as gray or by palette, but it has colors or transparency");
  height = png.header.height;
  width = png.header.width;
  depth = png.header.bit_depth;
  if (height != placement.height || width != placement.width)
    return badPicture(name, "expected a mask of its picture's size, " + std::to_string(placement.width) + "x" +
                                std::to_string(placement.height) + ", but it has " + std::to_string(width) + "x" +
                                std::to_string(height));
  return png.decodeNumbers(name, bytes);
}

/// Every number of the mask is a label, wherever a crop lies.
Status MaskDecoder::check(const std::string &name, const ImageShape &shape) const {
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      if (int64_t number = at(y, x); !shape.isLabel(number)) {
        std::string place = " at column " + std::to_string(x) + " of row " + std::to_string(y);
        return badPicture(name, "expected class numbers below " + std::to_string(shape.classes) + ", but got " +
                                    std::to_string(number) + place +
                                    (shape.map.ignored ? ""
                                                       : "; with ignore_label = " + std::to_string(number) +
                                                             " in the description such pixels count for nothing"));
      }
  return {};
}

Status MaskDecoder::labels(std::string_view file, const std::string &name, const Placement &placement,
                           const ImageShape &shape, int64_t *to) {
  INCEPT_RETURN_IF_ERROR(decode(file, name, placement));
  INCEPT_RETURN_IF_ERROR(check(name, shape));
  const Geometry &geometry = placement.geometry;
  const LabelMap &map = shape.map;
  columns.resize(size_t(map.width));
  for (int64_t x = 0; x < map.width; ++x)
    columns[size_t(x)] = pixelOf(placement.flip ? map.width - 1 - x : x, map.width, shape.width, placement.dx,
                                 geometry.columns, geometry.box.x - geometry.x0, placement.scale, width);
  int64_t outside = map.ignored.value_or(0);
  for (int64_t y = 0; y < map.height; ++y) {
    int64_t row = pixelOf(y, map.height, shape.height, placement.dy, geometry.rows, geometry.box.y - geometry.y0,
                          placement.scale, height);
    for (int64_t x = 0; x < map.width; ++x)
      *to++ = row < 0 || columns[size_t(x)] < 0 ? outside : at(row, columns[size_t(x)]);
  }
  return {};
}

} // namespace incept
