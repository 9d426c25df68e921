// SPDX-License-Identifier: Apache-2.0
//
// How pictures of any size become inputs of the network: what the sections `augmentation` and `evaluation` of a
// description say, and the geometry that follows. docs/Data.md is the reference.
#pragma once

#include "runtime/io/Resample.h"
#include "runtime/support/Philox.h"
#include "runtime/support/Status.h"

#include <nlohmann/json.hpp>
#include <string>

namespace incept {

enum class Augmentation {
  None,              ///< as in evaluation
  Inception,         ///< TensorFlow's distorted crop, flip, colors
  RandomResizedCrop, ///< torchvision's and timm's crop, flip
  Cifar,             ///< moved by up to `padding` pixels, flip
};
enum class ColorMode { None, Fast, Full };

struct AugmentOptions {
  Augmentation kind = Augmentation::None;
  ColorMode color = ColorMode::None;
  Filter filter = Filter::Bilinear;
  double minArea = 1, maxArea = 1, minRatio = 1, maxRatio = 1; ///< of the crop; a ratio is width / height
  double flip = 0, erase = 0;                                  ///< probabilities
  double padding = 0;                                          ///< pixels
  double mixup = 0, cutmix = 0;  ///< parameters of Beta(alpha, alpha), 0: images are not mixed
  double orient = 0, scaled = 0; ///< 0 or 1: turned as EXIF says, decoded at a half, quarter or eighth

  bool mixes() const { return mixup > 0 || cutmix > 0; }

  /// Those of a kind.
  static AugmentOptions of(Augmentation kind);
  /// Reads the object `augmentation`: its kind, and what is other than the kind's. Unknown words are mistakes.
  static Expected<AugmentOptions> fromJson(const nlohmann::json &json);
  /// Everything in one line, for the identity of a run.
  std::string text() const;
};

enum class Protocol {
  Timm, ///< the shorter side to size / crop, the middle of that
  Tf,   ///< the middle part of each side, to size x size: the aspect ratio is lost
};

struct EvaluationOptions {
  Protocol protocol = Protocol::Timm;
  double crop = 0.875;
  Filter filter = Filter::Bicubic;
  double orient = 0, scaled = 0; ///< as those of AugmentOptions

  static EvaluationOptions of(Protocol protocol);
  /// Where each pixel counts: the whole picture, whatever its proportions.
  static EvaluationOptions wholePicture();
  static Expected<EvaluationOptions> fromJson(const nlohmann::json &json);
  std::string text() const; ///< "timm, crop 0.875, bicubic"
};

/// "KIND,KEY=VALUE,..." of a command line as the object that a description would have.
Expected<nlohmann::json> parseOptions(const std::string &text);

/// Which part of a picture is decoded, and how it becomes the output.
struct Geometry {
  Box box;
  ResizeAxis rows, columns;
  int64_t y0 = 0, x0 = 0; ///< where the box begins on the axes
  Filter filter = Filter::Bilinear;
};

/// Of a picture of height x width, for evaluation at outHeight x outWidth.
Geometry evaluationGeometry(const EvaluationOptions &options, int64_t height, int64_t width, int64_t outHeight,
                            int64_t outWidth);
/// The most that pictures of a geometry may be scaled down by, 8, 4, 2 or 1, with no output larger than its input.
int64_t scaleOf(const Geometry &geometry);
/// The whole box to outHeight x outWidth.
Geometry boxGeometry(const Box &box, Filter filter, int64_t outHeight, int64_t outWidth);

/// The crop of TensorFlow's sample_distorted_bounding_box where no box is given: the ratio is uniform, the height a
/// uniform integer, parts of less than a tenth are rejected, and after 100 attempts it is the whole picture.
Box distortedCrop(const AugmentOptions &options, int64_t height, int64_t width, PhiloxStream &random);
/// torchvision's RandomResizedCrop: the area is uniform, the ratio's logarithm too; after 10 attempts the middle.
Box randomResizedCrop(const AugmentOptions &options, int64_t height, int64_t width, PhiloxStream &random);
/// The part that random erasing fills: 2 to 33 % of the area, of a ratio of 0.3 to 3.3; empty where none fits.
Box erasedBox(int64_t height, int64_t width, PhiloxStream &random);

} // namespace incept
