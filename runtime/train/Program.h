// SPDX-License-Identifier: Apache-2.0
//
// A loaded program: weights in and out, steps, and inference. Commands are written in terms of it.
#pragma once

#include "runtime/device/cpu/CpuDevice.h"
#include "runtime/io/DataSource.h"
#include "runtime/io/Safetensors.h"
#include "runtime/program/Image.h"
#include "runtime/train/Schedule.h"

#include <set>

namespace incept {

class Program {
public:
  /// Reads the image of this executable and checks it, on whatever machine. Only `image` and `hyperparameters` may be
  /// used before `prepareDevice`.
  static Expected<std::unique_ptr<Program>> load(const std::string &executable);
  /// Allocates everything and builds every primitive; fails on another machine than the one compiled for.
  Status prepareDevice();
  /// Both.
  static Expected<std::unique_ptr<Program>> open(const std::string &executable);

  const program::Image &image() const { return image_; }
  CpuDevice &device() { return *device_; }
  Hyperparameters &hyperparameters() { return hyper; }
  ImageShape imageShape() const { return {image_.channels, image_.height, image_.width, image_.classes}; }

  /// Draws the initial value of every tensor that has one.
  Status initialize(uint64_t seed);
  /// Reads every tensor of `kinds` from a file; missing, unexpected and mis-shaped tensors are all listed.
  Status loadTensors(const SafetensorsFile &file, const std::string &path, const std::set<std::string> &kinds);
  /// Writes every tensor of `kinds` in logical order, and `extra` after them.
  Status saveTensors(const std::string &path, const std::set<std::string> &kinds,
                     const std::vector<TensorToWrite> &extra, const std::map<std::string, std::string> &metadata);
  /// A tensor's value in logical order.
  Expected<std::vector<std::byte>> read(const program::Tensor &tensor);
  Status write(const program::Tensor &tensor, std::string_view bytes);

  // The step block.
  void setStep(const char *field, double value);
  void setStep(const char *field, uint64_t value);

  /// Bytes and labels of the next batch; labels are checked by the data source.
  uint8_t *u8Images();
  float *f32Images();
  int64_t *labels();
  float loss();
  /// Logits (N,K), dense.
  const float *logits();

  /// Stages the u8 batch and runs a training step: forward, backward, update. `step` counts from 0.
  Status trainStep(int64_t step, int64_t stepsPerEpoch, uint64_t seed);
  /// The same on the f32 batch.
  Status trainStepF32(int64_t step, int64_t stepsPerEpoch, uint64_t seed);
  /// Runs prepare_inference once before batches of infer.
  Status prepareInference() { return device_->run(program::kPrepareInference); }
  Status inferU8();

private:
  Program() = default;
  Status update(int64_t step, int64_t stepsPerEpoch, uint64_t seed);

  std::unique_ptr<MappedFile> file;
  program::Image image_;
  std::unique_ptr<CpuDevice> device_;
  Hyperparameters hyper;
};

} // namespace incept
