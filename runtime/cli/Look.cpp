// SPDX-License-Identifier: Apache-2.0
//
// look: a sheet of images as the network sees them.

#include "runtime/cli/Commands.h"
#include "runtime/io/PngWriter.h"
#include "runtime/support/Files.h"
#include "runtime/support/Text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace incept {

/// Mixes the color of each pixel's label with the pixel, half and half; what is ignored stays as it is. The colors are
/// those of PASCAL VOC: bit b of the class number, of each three, is a high bit of a color.
static void shadeLabels(const int64_t *labels, const ImageShape &shape, uint8_t *image) {
  for (int64_t y = 0; y < shape.height; ++y)
    for (int64_t x = 0; x < shape.width; ++x) {
      int64_t label = labels[y * shape.map.height / shape.height * shape.map.width + x * shape.map.width / shape.width];
      for (int64_t c = 0; c < shape.channels && label != shape.map.ignored; ++c) {
        int64_t color = 0;
        for (int64_t bit = 0; bit < 8; ++bit)
          color |= (label >> (3 * bit + c) & 1) << (7 - bit);
        uint8_t &pixel = image[(y * shape.width + x) * shape.channels + c];
        pixel = uint8_t((pixel + color + 1) / 2);
      }
    }
}

Status runLook(Program &program, const InputOptions &options, const Note &note) {
  constexpr int64_t kLeastSide = 96, kGap = 6, kText = 18, kTextScale = 2;
  constexpr int64_t kMostPixels = int64_t(1) << 28;
  ImageShape shape = program.imageShape();
  INCEPT_RETURN_IF_ERROR(tryOutput(options.output));
  if (shape.channels != 1 && shape.channels != 3)
    return inputError("expected a network whose input has 1 or 3 channels, but it has " +
                      std::to_string(shape.channels));
  auto opened = openDataset(options.data, options.evaluation ? Split::Evaluation : Split::Train, shape);
  if (!opened)
    return opened.status();
  std::shared_ptr<const Dataset> images = std::move(*opened);
  if (images->size() == 0)
    return inputError("'" + options.data + "' has no such images");
  auto augment = chooseAugmentation(program, options.augment, *images);
  if (!augment)
    return augment.status();
  LoaderOptions load;
  load.sample = {shape, /*training=*/!options.evaluation, *augment, program.evaluation(), options.seed};
  load.batch = std::min(options.images, images->size()); // the first ones of the first epoch
  load.maxBadImages = options.maxBadImages;
  load.threads = options.inputThreads;
  load.note = note;
  Loader loader(images, load);
  std::vector<uint8_t> pixels(load.batch * shape.height * shape.width * shape.channels);
  std::vector<int64_t> labels(size_t(load.batch * shape.labels()));
  INCEPT_RETURN_IF_ERROR(loader.next(pixels.data(), labels.data()));

  int64_t scale = std::max<int64_t>(1, (kLeastSide + shape.width - 1) / shape.width);
  int64_t tileWidth = shape.width * scale, tileHeight = shape.height * scale;
  auto columns = int64_t(std::ceil(std::sqrt(double(load.batch))));
  int64_t rows = (load.batch + columns - 1) / columns;
  int64_t height = rows * (tileHeight + kText + kGap) + kGap, width = columns * (tileWidth + kGap) + kGap;
  if (height > kMostPixels / width)
    return usageError("expected a sheet of at most 2^28 pixels: give fewer --images");
  Canvas canvas(height, width);
  for (int64_t i = 0; i < load.batch; ++i) {
    int64_t x = kGap + i % columns * (tileWidth + kGap), y = kGap + i / columns * (tileHeight + kText + kGap);
    int64_t stride = shape.width * shape.channels;
    uint8_t *image = pixels.data() + i * shape.height * stride;
    const int64_t *own = labels.data() + i * shape.labels();
    if (shape.map.isThere() && *own != kNoLabel)
      shadeLabels(own, shape, image);
    canvas.draw(x, y, {image, stride, shape.height, shape.width, shape.channels}, scale);
    std::string text = *own == kNoLabel            ? "damaged"
                       : shape.map.isThere()       ? ""
                       : images->classes().empty() ? std::to_string(*own)
                                                   : images->classes()[*own];
    canvas.write(x, y + tileHeight + 4, text, kTextScale, tileWidth);
  }
  INCEPT_RETURN_IF_ERROR(writePng(options.output, canvas));
  std::printf("%lld images of '%s' %s\n", static_cast<long long>(load.batch), printable(options.data).c_str(),
              options.evaluation ? ("as in evaluation: " + program.evaluation().text()).c_str()
                                 : ("as in training: " + augment->text()).c_str());
  return {};
}

} // namespace incept
