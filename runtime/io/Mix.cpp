// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/Mix.h"
#include "runtime/support/Philox.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

namespace incept {

/// A standard normal, by Box and Muller's transform.
static double drawNormal(PhiloxStream &random) {
  double radius = std::sqrt(-2 * std::log(random.uniform()));
  return radius * std::cos(2 * std::numbers::pi * random.uniform());
}

/// The logarithm of a number of the distribution Gamma(alpha, 1), by Marsaglia and Tsang 2000; a small alpha's numbers
/// are too small for themselves.
static double drawLogGamma(PhiloxStream &random, double alpha) {
  if (alpha < 1) {
    double larger = drawLogGamma(random, alpha + 1);
    return larger + std::log(random.uniform()) / alpha;
  }
  double d = alpha - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    double x = drawNormal(random), v = 1 + c * x;
    if (v <= 0)
      continue;
    v = v * v * v;
    if (std::log(random.uniform()) < 0.5 * x * x + d - d * v + d * std::log(v))
      return std::log(d) + std::log(v);
  }
}

double drawBeta(PhiloxStream &random, double alpha) {
  double a = drawLogGamma(random, alpha), b = drawLogGamma(random, alpha);
  return 1 / (1 + std::exp(b - a));
}

Mix drawMix(const AugmentOptions &options, uint64_t seed, int64_t number, int64_t height, int64_t width) {
  Mix mix;
  PhiloxStream random(seed, hashName("mix/" + std::to_string(number)));
  bool cuts = options.cutmix > 0 && (options.mixup <= 0 || random.uniform() < 0.5);
  if (!cuts) {
    if (options.mixup > 0)
      mix.weight = mix.share = drawBeta(random, options.mixup);
    return mix;
  }
  // A box with the image's proportions around any pixel; what hangs over an edge is cut off.
  double side = std::sqrt(1 - drawBeta(random, options.cutmix));
  auto cut = [&](int64_t length, int64_t &from, int64_t &to) {
    auto size = int64_t(double(length) * side), middle = int64_t(random.below(uint64_t(length)));
    from = std::clamp<int64_t>(middle - size / 2, 0, length);
    to = std::clamp<int64_t>(middle + size / 2, 0, length);
  };
  cut(height, mix.y0, mix.y1);
  cut(width, mix.x0, mix.x1);
  mix.share = 1 - double((mix.y1 - mix.y0) * (mix.x1 - mix.x0)) / double(height * width);
  return mix;
}

void mixImages(const Mix &mix, uint8_t *images, int64_t count, int64_t height, int64_t width, int64_t channels) {
  // In 16 bits behind the point, which gives the same bytes on every machine.
  auto own = int32_t(std::lround(mix.weight * 65536)), other = 65536 - own;
  int64_t rowBytes = width * channels, imageBytes = height * rowBytes;
  for (int64_t i = 0; i < count / 2; ++i) {
    uint8_t *first = images + i * imageBytes, *second = images + (count - 1 - i) * imageBytes;
    if (own != 65536)
      for (int64_t k = 0; k < imageBytes; ++k) {
        int32_t a = first[k], b = second[k];
        first[k] = uint8_t((own * a + other * b + 32768) >> 16);
        second[k] = uint8_t((own * b + other * a + 32768) >> 16);
      }
    for (int64_t y = mix.y0; y < mix.y1; ++y)
      std::swap_ranges(first + y * rowBytes + mix.x0 * channels, first + y * rowBytes + mix.x1 * channels,
                       second + y * rowBytes + mix.x0 * channels);
  }
}

} // namespace incept
