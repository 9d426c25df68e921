// SPDX-License-Identifier: Apache-2.0
//
// From a sample of a dataset to the pixels of a network's input.
#pragma once

#include "runtime/io/Color.h"
#include "runtime/io/Dataset.h"
#include "runtime/io/ImageFile.h"
#include "runtime/io/Mask.h"
#include "runtime/io/Preprocess.h"

namespace incept {

/// What the pixels of a sample depend on, besides the sample.
struct SampleOptions {
  ImageShape shape{};
  bool training = false; ///< augmented
  AugmentOptions augment;
  EvaluationOptions evaluation;
  uint64_t seed = 0;
  bool strict = false; ///< what a decoder warns of is an error
};

/// Makes one sample after the other and keeps its memory; one object per thread. A sample's random numbers are named by
/// seed, epoch and sample, so that nothing else changes them.
class SampleMaker {
public:
  explicit SampleMaker(const SampleOptions &options) : options(options) {}

  /// Writes height*width*channels bytes to `to`. An error of kind Input means that this sample is damaged.
  Status make(const Dataset &dataset, int64_t sample, int64_t epoch, uint8_t *to);
  /// Writes the labels of the sample that was made last: that of the image or, of a dataset with masks, one for each
  /// place of the label map. The same crop, flip and move as the picture's. An error as those of `make`.
  Status makeLabels(const Dataset &dataset, int64_t sample, int64_t *labels);
  /// As `make`, of a picture's file in memory, as in evaluation; `name` is for messages.
  Status makePicture(std::string_view bytes, const std::string &name, uint8_t *to);

  /// Warnings of decoders so far.
  int64_t warnings() const { return warningCount; }
  /// Bytes that it keeps.
  int64_t memoryBytes() const;

private:
  Status decode(std::string_view bytes, const std::string &name, PhiloxStream &random);
  void resizePixels(const PixelView &view, PhiloxStream &random);
  Geometry chooseGeometry(int64_t height, int64_t width, PhiloxStream &random) const;
  bool crops() const {
    return options.training &&
           (options.augment.kind == Augmentation::Inception || options.augment.kind == Augmentation::RandomResizedCrop);
  }
  Geometry scaleGeometry(const Geometry &geometry, int64_t height, int64_t width, int64_t scale) const;
  void move(PhiloxStream &random);
  void finish(PhiloxStream &random, uint8_t *to);
  /// Bytes of a pixel on the way: 4 for colors, 1 for gray.
  int64_t inner() const { return options.shape.channels == 1 ? 1 : 4; }

  SampleOptions options;
  PictureDecoder decoder;
  Resampler resampler;
  ColorChanger colors;
  std::string file;
  PixelBuffer unpacked, turned, pixels, moved;
  Placement placement; ///< of the picture that was made last
  MaskDecoder masks;
  int64_t warningCount = 0;
};

} // namespace incept
