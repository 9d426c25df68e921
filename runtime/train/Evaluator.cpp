// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/Trainer.h"

#include <algorithm>
#include <cmath>
#include <deque>

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

Expected<Accuracy> evaluate(Program &program, std::shared_ptr<const Dataset> images, const EvaluateOptions &options) {
  LoaderOptions load;
  load.sample.shape = program.imageShape();
  load.sample.evaluation = program.evaluation();
  load.batch = program.image().batchSize;
  load.threads = options.inputThreads;
  load.maxBadImages = options.maxBadImages;
  load.note = options.note;
  Loader loader(std::move(images), load);
  Accuracy accuracy;
  int64_t classes = program.image().classes;
  std::deque<std::vector<int64_t>> labels; ///< of the batches under way
  INCEPT_RETURN_IF_ERROR(program.prepareInference());
  for (int64_t started = 0, done = 0; done < loader.batches(); ++done) {
    for (; started < loader.batches() && started - done < int64_t(program.device().depth()); ++started) {
      std::vector<int64_t> &own = labels.emplace_back(load.batch);
      if (Status status = loader.next(program.u8Images(), own.data()); !status.ok()) {
        for (; done < started; ++done) // nothing stays under way
          INCEPT_RETURN_IF_ERROR(program.device().finish());
        return status;
      }
      INCEPT_RETURN_IF_ERROR(program.device().start(Work::Infer, Input::U8));
    }
    INCEPT_RETURN_IF_ERROR(program.device().finish());
    for (int64_t row = 0; row < load.batch; ++row)
      if (int64_t label = labels.front()[row]; label >= 0) {
        count(program.logits() + row * classes, classes, label, accuracy);
        options.seen(label, program.logits() + row * classes);
      }
    labels.pop_front();
  }
  accuracy.loss /= double(std::max<int64_t>(accuracy.images, 1));
  return accuracy;
}

Expected<AugmentOptions> chooseAugmentation(const Program &program, const std::string &text, const Dataset &images) {
  AugmentOptions options = AugmentOptions::of(images.hasPixels() ? Augmentation::None : Augmentation::Inception);
  if (!text.empty()) {
    auto json = parseOptions(text);
    if (!json)
      return json.status();
    auto given = AugmentOptions::fromJson(*json);
    if (!given)
      return usageError(given.status().message());
    options = *given;
  } else if (program.augmentation()) {
    options = *program.augmentation();
  }
  if (options.mixes() && !program.takesMixedImages())
    return inputError("expected a program whose loss takes mixed images: compile it with mixup or cutmix in the "
                      "augmentation of its description");
  int64_t channels = program.image().channels;
  if (options.kind != Augmentation::None && channels != 1 && channels != 3)
    return inputError("expected a network whose input has 1 or 3 channels to augment its images, but it has " +
                      std::to_string(channels));
  return options;
}

} // namespace incept
