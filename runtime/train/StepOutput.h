// SPDX-License-Identifier: Apache-2.0
//
// What a training step says of one output of the network.
#pragma once

#include "runtime/program/Image.h"

#include <algorithm>

namespace incept {

struct StepOutput {
  double loss = 0;
  int64_t labels = 0, correct = 0; ///< those that count, and those whose score is the largest of their row

  double accuracy() const { return double(correct) / double(std::max<int64_t>(labels, 1)); }

  /// Counts the rows of a batch. Where scores are no numbers none is right.
  void add(const float *logits, const int64_t *labelOf, const program::Image &image) {
    int64_t rows = image.batchSize * image.labelsPerImage(), classes = image.classes;
    for (int64_t row = 0; row < rows; ++row) {
      if (labelOf[row] == image.ignoreLabel)
        continue;
      const float *begin = logits + row * classes, own = begin[labelOf[row]];
      // The first of equals counts, and a NaN is not smaller than anything.
      correct += std::all_of(begin, begin + labelOf[row], [&](float other) { return other < own; }) &&
                 std::all_of(begin + labelOf[row], begin + classes, [&](float other) { return other <= own; });
      ++labels;
    }
  }
};

} // namespace incept
