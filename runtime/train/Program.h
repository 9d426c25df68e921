// SPDX-License-Identifier: Apache-2.0
//
// A loaded program: weights in and out, steps, and inference. Commands are written in terms of it.
#pragma once

#include "runtime/device/Device.h"
#include "runtime/io/DataSource.h"
#include "runtime/io/Preprocess.h"
#include "runtime/io/Safetensors.h"
#include "runtime/program/Image.h"
#include "runtime/train/Schedule.h"

#include <set>

namespace incept {

class Program {
public:
  /// Reads the image of this executable and checks it, on whatever machine. Only `image`, `backend` and
  /// `hyperparameters` may be used before `prepareDevice`.
  static Expected<std::unique_ptr<Program>> load(const std::string &executable, const Backend &backend);
  /// Allocates everything and builds every plan; fails on another machine than the one compiled for.
  Status prepareDevice(const DeviceUse &use = {});
  /// Both.
  static Expected<std::unique_ptr<Program>> open(const std::string &executable, const Backend &backend);

  const program::Image &image() const { return image_; }
  const Backend &backend() const { return backend_; }
  Device &device() { return *device_; }
  Hyperparameters &hyperparameters() { return hyper; }
  /// What the description does to training images; none where it does not say.
  const std::optional<AugmentOptions> &augmentation() const { return augment; }
  /// How images are made fit for evaluation and prediction.
  const EvaluationOptions &evaluation() const { return evaluate; }
  void setEvaluation(const EvaluationOptions &options) { evaluate = options; }
  ImageShape imageShape() const {
    return {image_.channels,
            image_.height,
            image_.width,
            image_.classes,
            {image_.labelHeight, image_.labelWidth, image_.ignoreLabel}};
  }

  /// Batches of a step: their gradients are added, then parameters are updated.
  int64_t batchesPerStep() const { return parts; }
  int64_t imagesPerStep() const { return image_.batchSize * parts; }
  /// Whether training keeps moving averages of weights and statistics.
  bool hasAverages() const;
  /// Exchanges what inference reads with its moving averages; called again it brings back what was. No step may be
  /// under way. After an error the weights are worth nothing.
  Status swapAverages();

  /// Draws the initial value of every tensor that has one, on so many threads (0: as many as the program has). The bits
  /// depend on the seed alone. Tensors of the kinds `loaded` are left out: `loadTensors` has to follow, for these.
  Status initialize(uint64_t seed, size_t threads = 0, const std::set<std::string> &loaded = {});
  /// Reads every tensor of `kinds` from a file; missing, unexpected and mis-shaped tensors are all listed.
  /// Nothing is read before all of them fit; where the file turns out to be damaged, some have been. With `averages`
  /// the values are those of the file's ema/NAME where it has them.
  ///
  /// Where `anew` is given, tensors with a row for each class may be those of another number of classes: they stay as
  /// they are, and their names are added to it.
  Status loadTensors(const SafetensorsReader &file, const std::set<std::string> &kinds, bool averages = false,
                     std::vector<std::string> *anew = nullptr);
  /// Writes every tensor of `kinds` in logical order, one after the other, and `extra` after them. "average" is the
  /// kind of moving averages, which are slots too.
  Status saveTensors(const std::string &path, const std::set<std::string> &kinds,
                     const std::vector<TensorToWrite> &extra, const Metadata &metadata, Values values = Values::Any);
  /// Copies every tensor of `kinds` to `values`, which has room for them, and describes the copies in the order of
  /// `saveTensors`: they live as long as `values`.
  Status copyTensors(const std::set<std::string> &kinds, std::byte *values, std::vector<TensorToWrite> &copies);
  /// A tensor's value in logical order.
  Expected<std::vector<std::byte>> read(const program::Tensor &tensor);
  Status write(const program::Tensor &tensor, std::string_view bytes);

  /// The batch that the next step reads, to be filled; the caller checks labels.
  uint8_t *u8Images() { return device_->next().u8Images; }
  float *f32Images() { return device_->next().f32Images; }
  int64_t *labels() { return device_->next().labels; }
  /// Of the step that was finished last: its loss, its logits (N,K), dense, a row for each label, and the labels it
  /// had.
  float loss() const { return *device_->finished().loss; }
  const float *logits(size_t output = 0) const {
    const Batch &batch = device_->finished();
    return output == 0 ? batch.logits : batch.otherLogits[output - 1];
  }
  /// The loss of an output by itself, of a program with several.
  float lossOf(size_t output) const { return *device_->finished().losses[output]; }
  const int64_t *finishedLabels() const { return device_->finished().labels; }

  /// Whether its loss takes images that are mixed of two.
  bool takesMixedImages() const { return image_.step.count("share") != 0; }
  /// How much of each image of the batches that are started from now on is what the label is of; 1 at first.
  void setShare(double value) { share = value; }
  /// Starts training on the batch, the `number`th of all: every `batchesPerStep()`th ends its step. `device().finish()`
  /// ends it.
  Status startTraining(int64_t number, int64_t stepsPerEpoch, uint64_t seed, Input input = Input::U8);
  /// A whole training step: forward, backward, update. All of its batches are the one that is there.
  Status trainStep(int64_t step, int64_t stepsPerEpoch, uint64_t seed, Input input = Input::U8);
  /// Runs prepare_inference once before batches of infer.
  Status prepareInference() { return device_->run(program::kPrepareInference); }
  Status infer(Input input = Input::U8);

private:
  explicit Program(const Backend &backend) : backend_(backend) {}
  Status readSections();
  Status startAverages();
  /// What the tensor is the moving average of, null for others.
  const program::Tensor *averagedTensor(const program::Tensor &average) const;
  void setStep(const char *field, double value);
  void setStep(const char *field, uint64_t value);

  const Backend &backend_;
  std::unique_ptr<MappedFile> file;
  program::Image image_;
  std::unique_ptr<Device> device_;
  Hyperparameters hyper;
  std::optional<AugmentOptions> augment;
  EvaluationOptions evaluate = EvaluationOptions::of(Protocol::Timm);
  int64_t parts = 1;     ///< batches of a step
  double share = 1;      ///< see setShare
  bool prepared = false; ///< prepare_training has seen the weights
};

} // namespace incept
