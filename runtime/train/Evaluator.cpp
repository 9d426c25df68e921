// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/Trainer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace incept {

/// Adds one row of logits to the counts. Ties count against the network, and so does a score that is no number, whose
/// comparisons are all false.
static void count(const float *logits, int64_t classes, int64_t label, Accuracy &accuracy) {
  float own = logits[label], most = *std::max_element(logits, logits + classes);
  double sum = 0;
  int64_t better = 0;
  for (int64_t k = 0; k < classes; ++k) {
    sum += std::exp(double(logits[k]) - most);
    better += k != label && !(logits[k] < own);
  }
  accuracy.top1 += better < 1;
  accuracy.top5 += better < 5;
  accuracy.loss += most + std::log(sum) - own;
  ++accuracy.images;
}

/// Starts inference of the images from `first` on; rows beyond the last one are black.
static Status startBatch(Program &program, const ImageSet &images, int64_t first) {
  int64_t batch = program.image().batchSize, bytes = images.imageBytes();
  int64_t rows = std::min(batch, images.count - first);
  std::memcpy(program.u8Images(), images.image(first), rows * bytes);
  std::memset(program.u8Images() + rows * bytes, 0, (batch - rows) * bytes);
  return program.device().start(Work::Infer, Input::U8);
}

Expected<Accuracy> evaluate(Program &program, const ImageSet &images) {
  Accuracy accuracy;
  int64_t batch = program.image().batchSize, classes = program.image().classes, started = 0;
  int64_t ahead = int64_t(program.device().depth()) * batch;
  INCEPT_RETURN_IF_ERROR(program.prepareInference());
  for (int64_t first = 0; first < images.count; first += batch) {
    for (; started < images.count && started - first < ahead; started += batch)
      INCEPT_RETURN_IF_ERROR(startBatch(program, images, started));
    INCEPT_RETURN_IF_ERROR(program.device().finish());
    for (int64_t row = 0; row < std::min(batch, images.count - first); ++row)
      count(program.logits() + row * classes, classes, images.labels8[first + row], accuracy);
  }
  accuracy.loss /= double(std::max<int64_t>(accuracy.images, 1));
  return accuracy;
}

} // namespace incept
