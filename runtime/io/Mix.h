// SPDX-License-Identifier: Apache-2.0
//
// Mixup (Zhang et al. 2018) and CutMix (Yun et al. 2019) of a batch with itself in the opposite order: image i meets
// image N-1-i, so that the loss finds the other label in the batch. One draw for a batch, as timm has it.
#pragma once

#include "runtime/io/Preprocess.h"

#include <cstdint>

namespace incept {

/// What is done to one batch. A pixel of image i outside of the box is `weight` times its own and the rest the other's,
/// and one inside is the other's. `share` is how much of the image, in all, is its own.
struct Mix {
  double weight = 1, share = 1;
  int64_t y0 = 0, y1 = 0, x0 = 0, x1 = 0; ///< the box, empty where nothing is cut
};

/// That of batch `number` of images height x width, as `options` have it; a function of seed and number. With both
/// kinds each batch has one of them, by even chances.
Mix drawMix(const AugmentOptions &options, uint64_t seed, int64_t number, int64_t height, int64_t width);

/// A number of the distribution Beta(alpha, alpha), alpha positive.
double drawBeta(class PhiloxStream &random, double alpha);

/// Mixes `images` (N,H,W,C) in place. Means are rounded to the nearest byte, halves up.
void mixImages(const Mix &mix, uint8_t *images, int64_t count, int64_t height, int64_t width, int64_t channels);

} // namespace incept
