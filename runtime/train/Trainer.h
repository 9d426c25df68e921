// SPDX-License-Identifier: Apache-2.0
//
// The training loop, with progress, log, checkpoints and the learning curve.
#pragma once

#include "runtime/train/Program.h"

namespace incept {

struct TrainOptions {
  std::string data, checkpointDirectory, log, plot, save, weights;
  double epochs = 0; ///< 0: the description's
  int64_t steps = 0; ///< 0: from epochs
  uint64_t seed = 0;
  bool resume = false;
};

/// What evaluation counts.
struct Accuracy {
  int64_t images = 0, top1 = 0, top5 = 0;
  double loss = 0; ///< mean cross entropy, without label smoothing
};

/// Every image once, whatever the batch size: the last batch is padded and only real rows are counted.
Expected<Accuracy> evaluate(Program &program, const ImageSet &images);

Status train(Program &program, const TrainOptions &options);

} // namespace incept
