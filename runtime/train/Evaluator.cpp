// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/Trainer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace incept {

/// Adds one row of logits to the counts. Ties count against the network.
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

Expected<Accuracy> evaluate(Program &program, const ImageSet &images) {
  Accuracy accuracy;
  int64_t batch = program.image().batchSize, bytes = images.imageBytes();
  INCEPT_RETURN_IF_ERROR(program.prepareInference());
  for (int64_t first = 0; first < images.count; first += batch) {
    int64_t rows = std::min(batch, images.count - first);
    std::memcpy(program.u8Images(), images.image(first), rows * bytes);
    std::memset(program.u8Images() + rows * bytes, 0, (batch - rows) * bytes);
    INCEPT_RETURN_IF_ERROR(program.inferU8());
    for (int64_t row = 0; row < rows; ++row)
      count(program.logits() + row * program.image().classes, program.image().classes, images.labels8[first + row],
            accuracy);
  }
  accuracy.loss /= std::max<int64_t>(accuracy.images, 1);
  return accuracy;
}

} // namespace incept
