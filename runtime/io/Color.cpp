// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/Color.h"

#include <algorithm>

// Loops that the compiler vectorizes, for AVX2 too. Neither version has fused operations, so both have the same bits.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define INCEPT_VECTORIZED __attribute__((target_clones("avx2", "default")))
#else
#define INCEPT_VECTORIZED
#endif

namespace incept {

namespace {

/// Pixels that are worked on at once: their planes stay in the first cache.
constexpr int64_t kPiece = 1024;

/// A pixel of four bytes in memory that has bytes otherwise.
using Word [[gnu::may_alias]] = uint32_t;

/// Planes of red, green and blue, values of 0..255.
struct Planes {
  float *__restrict r, *__restrict g, *__restrict b;
};

INCEPT_VECTORIZED void unpack(const uint8_t *pixels, int64_t count, Planes to) {
  const auto *__restrict words = reinterpret_cast<const Word *>(pixels);
  for (int64_t i = 0; i < count; ++i) {
    uint32_t pixel = words[i];
    to.r[i] = float(int32_t(pixel & 255));
    to.g[i] = float(int32_t(pixel >> 8 & 255));
    to.b[i] = float(int32_t(pixel >> 16 & 255));
  }
}

INCEPT_VECTORIZED void pack(Planes from, int64_t count, uint8_t *pixels) {
  auto *__restrict words = reinterpret_cast<Word *>(pixels);
  for (int64_t i = 0; i < count; ++i) {
    int32_t r = int32_t(std::min(std::max(from.r[i], 0.0f), 255.0f) + 0.5f);
    int32_t g = int32_t(std::min(std::max(from.g[i], 0.0f), 255.0f) + 0.5f);
    int32_t b = int32_t(std::min(std::max(from.b[i], 0.0f), 255.0f) + 0.5f);
    words[i] = uint32_t(r | g << 8 | b << 16);
  }
}

INCEPT_VECTORIZED void brighten(Planes p, int64_t count, float amount) {
  for (int64_t i = 0; i < count; ++i) {
    p.r[i] += amount;
    p.g[i] += amount;
    p.b[i] += amount;
  }
}

/// Scaling the saturation of HSV, without HSV: with the largest and smallest channel M and m, c is
/// M - (M - c) * min(f, M / (M - m)), where the second says that saturation ends at 1.
INCEPT_VECTORIZED void saturate(Planes p, int64_t count, float factor) {
  for (int64_t i = 0; i < count; ++i) {
    float r = p.r[i], g = p.g[i], b = p.b[i];
    float most = std::max(std::max(r, g), b), least = std::min(std::min(r, g), b);
    float range = std::max(most - least, 1e-6f);
    float scale = std::min(factor, std::max(most, 0.0f) / range);
    p.r[i] = most - (most - r) * scale;
    p.g[i] = most - (most - g) * scale;
    p.b[i] = most - (most - b) * scale;
  }
}

/// A channel of HSV's hexagon: `sector` is its distance from the channel's own, `hue` is in sixths of a turn.
inline float channelAt(float sector, float hue, float most, float range) {
  float k = sector + hue;
  k = k >= 6 ? k - 6 : k;
  float part = std::min(std::max(std::min(k, 4 - k), 0.0f), 1.0f);
  return most - range * part;
}

/// Turns the hue of HSV by `amount`, in sixths of a turn, 0 to 6.
INCEPT_VECTORIZED void turnHue(Planes p, int64_t count, float amount) {
  for (int64_t i = 0; i < count; ++i) {
    float r = p.r[i], g = p.g[i], b = p.b[i];
    float most = std::max(std::max(r, g), b), least = std::min(std::min(r, g), b), range = most - least;
    float per = 1 / std::max(range, 1e-6f);
    float ofRed = (g - b) * per, ofGreen = (b - r) * per + 2, ofBlue = (r - g) * per + 4;
    float hue = most == r ? ofRed : most == g ? ofGreen : ofBlue;
    hue = (hue < 0 ? hue + 6 : hue) + amount;
    hue = hue >= 6 ? hue - 6 : hue;
    p.r[i] = channelAt(5, hue, most, range);
    p.g[i] = channelAt(3, hue, most, range);
    p.b[i] = channelAt(1, hue, most, range);
  }
}

/// Away from `mean` or towards it.
INCEPT_VECTORIZED void stretch(float *__restrict plane, int64_t count, float mean, float factor) {
  for (int64_t i = 0; i < count; ++i)
    plane[i] = (plane[i] - mean) * factor + mean;
}

/// In a fixed order, whatever the compiler makes of it.
float meanOf(const float *plane, int64_t count) {
  double sums[8] = {};
  int64_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (int k = 0; k < 8; ++k)
      sums[k] += plane[i + k];
  for (; i < count; ++i)
    sums[0] += plane[i];
  double sum = 0;
  for (double part : sums)
    sum += part;
  return float(sum / double(std::max<int64_t>(count, 1)));
}

void applyPointwise(ColorOp op, const ColorChange &change, Planes planes, int64_t count) {
  if (op == ColorOp::Brightness)
    brighten(planes, count, change.brightness * 255);
  else if (op == ColorOp::Saturation)
    saturate(planes, count, change.saturation);
  else
    turnHue(planes, count, 6 * (change.hue < 0 ? change.hue + 1 : change.hue));
}

} // namespace

ColorChange drawColors(ColorMode mode, PhiloxStream &random) {
  constexpr ColorOp B = ColorOp::Brightness, S = ColorOp::Saturation, H = ColorOp::Hue, C = ColorOp::Contrast;
  constexpr std::array<ColorOp, 4> kFull[] = {{B, S, H, C}, {S, B, C, H}, {C, H, B, S}, {H, S, C, B}};
  ColorChange change;
  if (mode == ColorMode::None)
    return change;
  auto between = [&](double low, double high) { return float(low + (high - low) * random.uniform()); };
  uint64_t order = random.below(4);
  change.brightness = between(-32.0 / 255, 32.0 / 255);
  change.saturation = between(0.5, 1.5);
  if (mode == ColorMode::Fast) {
    change.order = order == 0 ? std::array{B, S, B, S} : std::array{S, B, S, B};
    change.count = 2;
    return change;
  }
  change.hue = between(-0.2, 0.2);
  change.contrast = between(0.5, 1.5);
  change.order = kFull[order];
  change.count = 4;
  return change;
}

void ColorChanger::apply(const ColorChange &change, PixelBuffer &pixels) {
  int64_t count = pixels.height * pixels.width;
  const ColorOp *end = change.order.data() + change.count;
  bool hasContrast = std::find(change.order.data(), end, ColorOp::Contrast) != end;
  // Contrast looks at the whole picture, the others at one pixel.
  int64_t held = hasContrast ? count : std::min(count, kPiece);
  for (std::vector<float> &plane : planes)
    plane.resize(held);
  auto at = [&](int64_t i) { return Planes{planes[0].data() + i, planes[1].data() + i, planes[2].data() + i}; };
  for (int64_t i = 0; i < count; i += kPiece) {
    int64_t size = std::min(kPiece, count - i);
    Planes piece = at(hasContrast ? i : 0);
    unpack(pixels.bytes.data() + 4 * i, size, piece);
    for (const ColorOp *op = change.order.data(); op != end && *op != ColorOp::Contrast; ++op)
      applyPointwise(*op, change, piece, size);
    if (!hasContrast)
      pack(piece, size, pixels.bytes.data() + 4 * i);
  }
  if (!hasContrast)
    return;
  for (std::vector<float> &plane : planes)
    stretch(plane.data(), count, meanOf(plane.data(), count), change.contrast);
  for (int64_t i = 0; i < count; i += kPiece) {
    int64_t size = std::min(kPiece, count - i);
    Planes piece = at(i);
    for (const ColorOp *op = std::find(change.order.data(), end, ColorOp::Contrast) + 1; op != end; ++op)
      applyPointwise(*op, change, piece, size);
    pack(piece, size, pixels.bytes.data() + 4 * i);
  }
}

} // namespace incept
