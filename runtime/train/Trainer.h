// SPDX-License-Identifier: Apache-2.0
//
// The training loop, with progress, log, checkpoints and the learning curve.
#pragma once

#include "runtime/io/Loader.h"
#include "runtime/train/Program.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace incept {

struct TrainOptions {
  std::string data, checkpointDirectory, log, plot, save, weights;
  std::string valData;                  ///< test images from elsewhere
  double valFraction = 0;               ///< the share of the training images that tests; 0: none
  std::vector<std::string> commandLine; ///< for the record of the run
  std::string augment;                  ///< KIND,KEY=VALUE,... in place of the description's
  int inputThreads = kChooseThreads;
  int64_t maxBadImages = 100;   ///< more damaged ones are an error
  double epochs = 0;            ///< 0: those of the run that is resumed, or the description's
  int64_t steps = 0;            ///< 0: from epochs
  std::optional<uint64_t> seed; ///< none: that of the run that is resumed, or the description's
  bool resume = false;
  bool overwrite = false;       ///< remove the folder's checkpoints
  bool allowChanges = false;    ///< resume although the result changes
  int64_t checkpointSteps = 0;  ///< a checkpoint every so many steps too, 0: at the ends of epochs only
  double checkpointMinutes = 0; ///< and every so many minutes, 0: not by time
  bool skipNonfinite = false;   ///< leave out steps whose loss or results are not finite, else they end the run
  int64_t maxSkipped = 10;      ///< more of them in a row are an error
  int64_t keep = 3;             ///< the last so many checkpoints are kept, and the best; 0: all
  /// Takes sentences for the user that are no errors.
  std::function<void(const std::string &)> note = [](const std::string &) {};
};

/// What evaluation counts.
struct Accuracy {
  int64_t images = 0;
  int64_t labels = 0; ///< those that count: one of each image, or of each pixel that is not ignored
  int64_t top1 = 0, top5 = 0;
  double loss = 0;                   ///< mean cross entropy over the labels, without label smoothing
  double meanIou = 0;                ///< where pixels have labels: intersection over union, the mean over classes
  std::vector<Accuracy> others = {}; ///< of the outputs behind the first

  /// The share of labels that were right.
  double share() const { return double(top1) / double(std::max<int64_t>(labels, 1)); }
};

/// How evaluation reads its images.
struct EvaluateOptions {
  int inputThreads = kChooseThreads;
  int64_t maxBadImages = 100;
  std::function<void(const std::string &)> note = [](const std::string &) {};
  /// Is told of each label that counts, with its logits (K) of the first output.
  std::function<void(int64_t label, const float *logits)> seen = [](int64_t, const float *) {};
};

/// Every image once, whatever the batch size: the last batch is padded and only real rows are counted. Scores that are
/// no numbers count against the network; images that cannot be decoded are passed over.
Expected<Accuracy> evaluate(Program &program, std::shared_ptr<const Dataset> images, const EvaluateOptions &options);

/// What is done to training images: as `text` says, else the description, else by the kind of source: TensorFlow's
/// distorted crop for files of pictures, nothing for pixels.
Expected<AugmentOptions> chooseAugmentation(const Program &program, const std::string &text, const Dataset &images);

Status train(Program &program, const TrainOptions &options);

} // namespace incept
