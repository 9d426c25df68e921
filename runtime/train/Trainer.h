// SPDX-License-Identifier: Apache-2.0
//
// The training loop, with progress, log, checkpoints and the learning curve.
#pragma once

#include "runtime/train/Program.h"

namespace incept {

struct TrainOptions {
  std::string data, checkpointDirectory, log, plot, save, weights;
  double epochs = 0;            ///< 0: those of the run that is resumed, or the description's
  int64_t steps = 0;            ///< 0: from epochs
  std::optional<uint64_t> seed; ///< none: that of the run that is resumed, or 0
  bool resume = false;
  bool overwrite = false;       ///< remove the folder's checkpoints
  bool allowChanges = false;    ///< resume although the result changes
  int64_t checkpointSteps = 0;  ///< a checkpoint every so many steps too, 0: at the ends of epochs only
  double checkpointMinutes = 0; ///< and every so many minutes, 0: not by time
  int64_t keep = 3;             ///< the last so many checkpoints are kept, and the best; 0: all
  /// Takes sentences for the user that are no errors.
  std::function<void(const std::string &)> note = [](const std::string &) {};
};

/// What evaluation counts.
struct Accuracy {
  int64_t images = 0, top1 = 0, top5 = 0;
  double loss = 0; ///< mean cross entropy, without label smoothing
};

/// Every image once, whatever the batch size: the last batch is padded and only real rows are counted. Scores that are
/// no numbers count against the network.
Expected<Accuracy> evaluate(Program &program, const ImageSet &images);

Status train(Program &program, const TrainOptions &options);

} // namespace incept
