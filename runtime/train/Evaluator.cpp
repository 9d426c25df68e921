// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/Trainer.h"

#include <algorithm>
#include <cmath>
#include <deque>

namespace incept {

/// Adds one row of logits to the counts; returns whether the label's class is the best. Ties count against the network,
/// and so does a score that is no number, whose comparisons are all false.
static bool count(const float *logits, int64_t classes, int64_t label, Accuracy &accuracy) {
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
  ++accuracy.labels;
  return better < 1;
}

namespace {

/// Of each class the pixels that are labelled so, are taken for it, and both.
class Overlaps {
public:
  Overlaps(int64_t classes, std::optional<int64_t> ignored)
      : labelled(size_t(classes)), taken(labelled), both(labelled), ignored(ignored) {}

  /// A row that is right is taken for its label, another one for the best class besides, of equals the first; one with
  /// a score that is no number for nothing.
  void add(const float *logits, int64_t label, bool isRight) {
    ++labelled[size_t(label)];
    if (std::any_of(logits, logits + taken.size(), [](float score) { return std::isnan(score); }))
      return;
    both[size_t(label)] += isRight;
    int64_t best = isRight ? label : int64_t(label == 0);
    for (int64_t k = 0; k < int64_t(taken.size()) && !isRight; ++k)
      if (k != label && logits[k] > logits[best])
        best = k;
    ++taken[size_t(best)];
  }
  /// Over the classes that a pixel has or was taken for, without that of pixels that are ignored.
  double mean() const {
    double sum = 0;
    int64_t classes = 0;
    for (size_t k = 0; k < both.size(); ++k)
      if (int64_t all = labelled[k] + taken[k] - both[k]; all > 0 && int64_t(k) != ignored) {
        sum += double(both[k]) / double(all);
        ++classes;
      }
    return sum / double(std::max<int64_t>(classes, 1));
  }

private:
  std::vector<int64_t> labelled, taken, both;
  std::optional<int64_t> ignored;
};

} // namespace

Expected<Accuracy> evaluate(Program &program, std::shared_ptr<const Dataset> dataset, const EvaluateOptions &options) {
  LoaderOptions load;
  load.sample.shape = program.imageShape();
  load.sample.evaluation = program.evaluation();
  load.batch = program.image().batchSize;
  load.threads = options.inputThreads;
  load.maxBadImages = options.maxBadImages;
  load.note = options.note;
  Loader loader(std::move(dataset), load);
  const program::Image &image = program.image();
  int64_t classes = image.classes, perImage = image.labelsPerImage(), images = 0;
  std::vector<Accuracy> outputs(image.outputCount());
  std::vector<Overlaps> overlaps(outputs.size(), Overlaps(image.labelsPixels() ? classes : 0, image.ignoreLabel));
  std::deque<std::vector<int64_t>> labels; ///< of the batches under way
  INCEPT_RETURN_IF_ERROR(program.prepareInference());
  for (int64_t started = 0, done = 0; done < loader.batches(); ++done) {
    for (; started < loader.batches() && started - done < int64_t(program.device().depth()); ++started) {
      std::vector<int64_t> &own = labels.emplace_back(size_t(load.batch * perImage));
      if (Status status = loader.next(program.u8Images(), own.data()); !status.ok()) {
        for (; done < started; ++done) // nothing stays under way
          INCEPT_RETURN_IF_ERROR(program.device().finish());
        return status;
      }
      INCEPT_RETURN_IF_ERROR(program.device().start(Work::Infer, Input::U8));
    }
    INCEPT_RETURN_IF_ERROR(program.device().finish());
    for (int64_t row = 0; row < load.batch * perImage; ++row) {
      int64_t label = labels.front()[size_t(row)];
      images += row % perImage == 0 && label != kNoLabel;
      if (label == kNoLabel || label == image.ignoreLabel)
        continue;
      for (size_t output = 0; output < outputs.size(); ++output) {
        const float *logits = program.logits(output) + row * classes;
        bool isRight = count(logits, classes, label, outputs[output]);
        if (image.labelsPixels())
          overlaps[output].add(logits, label, isRight);
      }
      options.seen(label, program.logits() + row * classes);
    }
    labels.pop_front();
  }
  for (size_t output = 0; output < outputs.size(); ++output) {
    outputs[output].images = images;
    outputs[output].loss /= double(std::max<int64_t>(outputs[output].labels, 1));
    outputs[output].meanIou = overlaps[output].mean();
  }
  Accuracy accuracy = outputs.front();
  accuracy.others.assign(outputs.begin() + 1, outputs.end());
  return accuracy;
}

Expected<AugmentOptions> chooseAugmentation(const Program &program, const std::string &text, const Dataset &images) {
  AugmentOptions options = AugmentOptions::of(images.hasPixels()  ? Augmentation::None
                                              : images.hasMasks() ? Augmentation::RandomResizedCrop
                                                                  : Augmentation::Inception);
  if (images.hasMasks())
    options.minArea = 0.25;
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
