// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/SampleMaker.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace incept {

namespace {

/// A side at most so many times as long as the other: resized, the longer one would be too long to be computed.
constexpr int64_t kMaxAspect = 4096;

/// What random erasing writes: the middle, which is 0 with the usual normalization.
constexpr uint8_t kErased = 128;

PhiloxStream streamOf(uint64_t seed, int64_t epoch, int64_t sample) {
  char name[64];
  int size = std::snprintf(name, sizeof name, "augment/%lld/%lld", static_cast<long long>(epoch),
                           static_cast<long long>(sample));
  return PhiloxStream(seed, hashName({name, size_t(size)}));
}

/// R,G,B or gray to four bytes or one.
void unpack(const PixelView &from, int64_t channels, PixelBuffer &to) {
  to.resize(from.height, from.width, channels);
  uint8_t *out = to.bytes.data();
  for (int64_t y = 0; y < from.height; ++y) {
    const uint8_t *row = from.data + y * from.stride;
    for (int64_t x = 0; x < from.width; ++x, row += from.channels)
      if (channels == 4) {
        for (int64_t c = 0; c < 3; ++c)
          *out++ = row[from.channels == 3 ? c : 0];
        *out++ = 255;
      } else {
        *out++ = from.channels == 3 ? static_cast<uint8_t>((299 * row[0] + 587 * row[1] + 114 * row[2] + 500) / 1000)
                                    : row[0];
      }
  }
}

#if defined(__x86_64__)
/// Four pixels of four bytes to twelve bytes, as long as sixteen may be written; returns how many pixels are done.
__attribute__((target("ssse3"))) int64_t packVectors(const uint8_t *from, int64_t width, bool flip, uint8_t *to) {
  const __m128i forward = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
  const __m128i backward = _mm_setr_epi8(12, 13, 14, 8, 9, 10, 4, 5, 6, 0, 1, 2, -1, -1, -1, -1);
  int64_t x = 0;
  for (; x + 6 <= width; x += 4) {
    const uint8_t *pixels = from + 4 * (flip ? width - x - 4 : x);
    __m128i four = _mm_loadu_si128(reinterpret_cast<const __m128i *>(pixels));
    _mm_storeu_si128(reinterpret_cast<__m128i *>(to + 3 * x), _mm_shuffle_epi8(four, flip ? backward : forward));
  }
  return x;
}

const bool kHasShuffle = __builtin_cpu_supports("ssse3");
#else
int64_t packVectors(const uint8_t *, int64_t, bool, uint8_t *) { return 0; }
constexpr bool kHasShuffle = false;
#endif

/// One row to its place, from right to left where `flip` says so. A pixel has `inner` bytes, 4 or 1, and 3 or 1 there.
void packRow(const uint8_t *from, int64_t width, int64_t inner, bool flip, uint8_t *to) {
  int64_t x = inner == 4 && kHasShuffle ? packVectors(from, width, flip, to) : 0;
  for (; x < width; ++x) {
    const uint8_t *pixel = from + inner * (flip ? width - 1 - x : x);
    for (int64_t c = 0; c < std::min<int64_t>(inner, 3); ++c)
      to[std::min<int64_t>(inner, 3) * x + c] = pixel[c];
  }
}

} // namespace

int64_t SampleMaker::memoryBytes() const {
  return int64_t(file.capacity() + unpacked.bytes.capacity() + turned.bytes.capacity() + pixels.bytes.capacity() +
                 moved.bytes.capacity()) +
         masks.memoryBytes();
}

Status SampleMaker::make(const Dataset &dataset, int64_t sample, int64_t epoch, uint8_t *to) {
  PhiloxStream random = streamOf(options.seed, epoch, sample);
  const ImageShape &shape = options.shape;
  if (!dataset.hasPixels()) {
    INCEPT_RETURN_IF_ERROR(dataset.read(sample, file));
    INCEPT_RETURN_IF_ERROR(decode(file, dataset.name(sample), random));
  } else {
    PixelView view = dataset.pixels(sample);
    bool isAsNeeded = view.height == shape.height && view.width == shape.width && view.channels == shape.channels;
    bool isChanged = options.training && options.augment.kind != Augmentation::None;
    if (isAsNeeded && !isChanged) {
      std::memcpy(to, view.data, size_t(shape.height * shape.width * shape.channels));
      return {};
    }
    unpack(view, inner(), unpacked);
    resizePixels(unpacked.view(), random);
  }
  finish(random, to);
  return {};
}

Status SampleMaker::makeLabels(const Dataset &dataset, int64_t sample, int64_t *labels) {
  if (!dataset.hasMasks()) {
    *labels = dataset.label(sample);
    return {};
  }
  INCEPT_RETURN_IF_ERROR(dataset.readMask(sample, file));
  return masks.labels(file, dataset.maskName(sample), placement, options.shape, labels);
}

Status SampleMaker::makePicture(std::string_view bytes, const std::string &name, uint8_t *to) {
  PhiloxStream random = streamOf(options.seed, 0, 0);
  INCEPT_RETURN_IF_ERROR(decode(bytes, name, random));
  finish(random, to);
  return {};
}

Geometry SampleMaker::chooseGeometry(int64_t height, int64_t width, PhiloxStream &random) const {
  const ImageShape &shape = options.shape;
  const AugmentOptions &augment = options.augment;
  if (crops()) {
    Box box = augment.kind == Augmentation::Inception ? distortedCrop(augment, height, width, random)
                                                      : randomResizedCrop(augment, height, width, random);
    return boxGeometry(box, augment.filter, shape.height, shape.width);
  }
  return evaluationGeometry(options.evaluation, height, width, shape.height, shape.width);
}

/// The same part of the picture when it is `scale` times smaller, height x width.
Geometry SampleMaker::scaleGeometry(const Geometry &geometry, int64_t height, int64_t width, int64_t scale) const {
  const ImageShape &shape = options.shape;
  if (!crops())
    return evaluationGeometry(options.evaluation, height, width, shape.height, shape.width);
  const Box &box = geometry.box;
  int64_t left = box.x / scale, top = box.y / scale;
  int64_t right = std::min((box.x + box.width + scale - 1) / scale, width);
  int64_t bottom = std::min((box.y + box.height + scale - 1) / scale, height);
  return boxGeometry({left, top, right - left, bottom - top}, geometry.filter, shape.height, shape.width);
}

Status SampleMaker::decode(std::string_view bytes, const std::string &name, PhiloxStream &random) {
  INCEPT_RETURN_IF_ERROR(decoder.open(bytes, name));
  if (decoder.width() > kMaxAspect * decoder.height() || decoder.height() > kMaxAspect * decoder.width())
    return inputError("cannot read the image '" + name + "': expected sides that differ by a factor of at most " +
                      std::to_string(kMaxAspect) + ", but it has " + std::to_string(decoder.width()) + "x" +
                      std::to_string(decoder.height()) + " pixels");
  bool orients = (options.training ? options.augment.orient : options.evaluation.orient) > 0;
  bool scales = (options.training ? options.augment.scaled : options.evaluation.scaled) > 0 && decoder.scales();
  Orientation orientation = orients ? decoder.orientation() : Orientation();
  int64_t height = decoder.height(), width = decoder.width();
  if (orientation.exchanges())
    std::swap(height, width);
  Geometry geometry = chooseGeometry(height, width, random);
  int64_t scale = scales ? scaleOf(geometry) : 1;
  auto scaled = [&](int64_t size) { return (size + scale - 1) / scale; };
  if (scale > 1)
    geometry = scaleGeometry(geometry, scaled(height), scaled(width), scale);
  placement = {geometry, height, width, scale};
  bool exchanges = orientation.exchanges();
  Box box = orientation.stored(geometry.box, scaled(exchanges ? width : height), scaled(exchanges ? height : width));
  auto view = decoder.decode(box, inner(), options.strict, scale);
  warningCount += decoder.warnings();
  if (!view)
    return view.status();
  if (orientation.number != 1) {
    orientation.turn(*view, turned);
    view = turned.view();
  }
  resampler.resize(*view, geometry.y0, geometry.x0, geometry.rows, geometry.columns, geometry.filter, pixels);
  return {};
}

void SampleMaker::resizePixels(const PixelView &view, PhiloxStream &random) {
  const ImageShape &shape = options.shape;
  // Pixels of the network's size are its input; nothing is cut from their sides.
  bool isWhole = !crops() && view.height == shape.height && view.width == shape.width;
  Geometry geometry = isWhole
                          ? boxGeometry({0, 0, view.width, view.height}, Filter::Bilinear, shape.height, shape.width)
                          : chooseGeometry(view.height, view.width, random);
  PixelView part = view;
  part.data += geometry.box.y * view.stride + geometry.box.x * view.channels;
  resampler.resize(part, geometry.y0, geometry.x0, geometry.rows, geometry.columns, geometry.filter, pixels);
}

/// Moves the picture by up to `padding` pixels; what comes in from outside is black.
void SampleMaker::move(PhiloxStream &random) {
  auto padding = static_cast<int64_t>(options.augment.padding);
  int64_t dy = int64_t(random.below(uint64_t(2 * padding + 1))) - padding;
  int64_t dx = int64_t(random.below(uint64_t(2 * padding + 1))) - padding;
  placement.dy = dy;
  placement.dx = dx;
  int64_t height = pixels.height, width = pixels.width, bytes = pixels.channels;
  moved.resize(height, width, bytes);
  std::fill(moved.bytes.begin(), moved.bytes.end(), uint8_t(0));
  int64_t left = std::max<int64_t>(-dx, 0), right = std::min(width - dx, width);
  for (int64_t y = 0; y < height; ++y)
    if (int64_t from = y + dy; from >= 0 && from < height && left < right)
      std::memcpy(moved.bytes.data() + (y * width + left) * bytes,
                  pixels.bytes.data() + (from * width + left + dx) * bytes, size_t((right - left) * bytes));
  std::swap(pixels, moved);
}

void SampleMaker::finish(PhiloxStream &random, uint8_t *to) {
  const AugmentOptions &augment = options.augment;
  const ImageShape &shape = options.shape;
  bool flip = false;
  if (options.training && augment.kind != Augmentation::None) {
    if (augment.kind == Augmentation::Cifar)
      move(random);
    flip = placement.flip = random.uniform() < augment.flip;
    if (augment.color != ColorMode::None && inner() == 4)
      colors.apply(drawColors(augment.color, random), pixels);
    if (augment.erase > 0 && random.uniform() < augment.erase) {
      Box box = erasedBox(shape.height, shape.width, random);
      for (int64_t y = box.y; y < box.y + box.height; ++y)
        std::fill_n(pixels.bytes.data() + (y * shape.width + box.x) * inner(), box.width * inner(), kErased);
    }
  }
  for (int64_t y = 0; y < shape.height; ++y)
    packRow(pixels.bytes.data() + y * shape.width * inner(), shape.width, inner(), flip,
            to + y * shape.width * shape.channels);
}

} // namespace incept
