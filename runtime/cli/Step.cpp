// SPDX-License-Identifier: Apache-2.0

#include "runtime/cli/Commands.h"

#include <algorithm>
#include <cstring>

namespace incept {

namespace {

/// The batches of one step.
struct StepBatch {
  SafetensorsFile file;
  double share;                ///< of mixed images, 1 for others
  const char *images, *labels; ///< f32 (N,C,H,W), i64 (N) or (N,h,w), with the images of all batches
};

/// The shape of a step's labels.
std::vector<int64_t> labelsOf(const Program &program) {
  const program::Image &image = program.image();
  if (image.labelsPixels())
    return {program.imagesPerStep(), image.labelHeight, image.labelWidth};
  return {program.imagesPerStep()};
}

/// Reads and checks them.
Expected<StepBatch> readBatch(const Program &program, const std::string &path) {
  auto file = SafetensorsFile::open(path);
  if (!file)
    return file.status();
  const program::Image &image = program.image();
  auto images = file->tensors.find("images"), labels = file->tensors.find("labels");
  const std::vector<int64_t> shape = {program.imagesPerStep(), image.channels, image.height, image.width};
  if (images == file->tensors.end() || images->second.type != "F32" || images->second.shape != shape)
    return inputError("'" + path + "' has no tensor 'images' of type F32 and shape " + std::to_string(shape[0]) + "x" +
                      std::to_string(shape[1]) + "x" + std::to_string(shape[2]) + "x" + std::to_string(shape[3]));
  const std::vector<int64_t> labelShape = labelsOf(program);
  if (labels == file->tensors.end() || labels->second.type != "I64" || labels->second.shape != labelShape) {
    std::string text;
    for (int64_t size : labelShape)
      text += (text.empty() ? "" : "x") + std::to_string(size);
    return inputError("'" + path + "' has no tensor 'labels' of type I64 and shape " + text);
  }
  const char *pixels = images->second.bytes.data(), *numbers = labels->second.bytes.data();
  for (int64_t row = 0; row < shape[0] * image.labelsPerImage(); ++row) {
    int64_t label = 0;
    std::memcpy(&label, numbers + row * int64_t(sizeof label), sizeof label);
    if (!program.imageShape().isLabel(label))
      return inputError("'" + path + "' has label " + std::to_string(label) + ", but the network has " +
                        std::to_string(image.classes) + " classes");
  }
  float share = 1;
  if (auto given = file->tensors.find("share"); given != file->tensors.end()) {
    if (given->second.type != "F32" || given->second.bytes.size() != sizeof share || !program.takesMixedImages())
      return inputError("'" + path + "' has a tensor 'share', but it is no F32 scalar, or the program mixes no images");
    std::memcpy(&share, given->second.bytes.data(), sizeof share);
  }
  return StepBatch{std::move(*file), share, pixels, numbers}; // the bytes stay where they are
}

/// What a step gives: losses as means over its batches, logits of all images.
struct StepResult {
  float loss = 0;
  std::vector<std::vector<float>> logits; ///< of each output
  std::vector<float> losses;              ///< of each by itself, where there are several
};

/// One step: all of its batches.
Status makeStep(Program &program, const StepBatch &batch, int64_t step, uint64_t seed, StepResult &result) {
  const program::Image &image = program.image();
  int64_t parts = program.batchesPerStep(), labels = image.batchSize * image.labelsPerImage();
  int64_t outputs = labels * image.classes;
  int64_t imageBytes = image.batchSize * image.channels * image.height * image.width * int64_t(sizeof(float));
  int64_t labelBytes = labels * int64_t(sizeof(int64_t));
  double sum = 0;
  result.logits.assign(image.outputCount(), std::vector<float>(size_t(outputs * parts)));
  std::vector<double> sums(image.outputCount() > 1 ? image.outputCount() : 0);
  program.setShare(batch.share);
  for (int64_t part = 0; part < parts; ++part) {
    std::memcpy(program.f32Images(), batch.images + part * imageBytes, size_t(imageBytes));
    std::memcpy(program.labels(), batch.labels + part * labelBytes, size_t(labelBytes));
    INCEPT_RETURN_IF_ERROR(program.startTraining(step * parts + part, 1, seed, Input::F32));
    INCEPT_RETURN_IF_ERROR(program.device().finish());
    sum += program.loss();
    for (size_t i = 0; i < result.logits.size(); ++i)
      std::copy_n(program.logits(i), outputs, result.logits[i].begin() + part * outputs);
    for (size_t i = 0; i < sums.size(); ++i)
      sums[i] += program.lossOf(i);
  }
  result.loss = float(sum / double(parts));
  result.losses.clear();
  for (double own : sums)
    result.losses.push_back(float(own / double(parts)));
  return {};
}

} // namespace

Status runStep(Program &program, const StepOptions &options) {
  if (program.image().mode != "train")
    return usageError("the program was compiled with --mode=infer: it cannot train");
  INCEPT_RETURN_IF_ERROR(tryOutput(options.output));
  const std::set<std::string> loaded = {"parameter", "state"};
  INCEPT_RETURN_IF_ERROR(program.initialize(options.seed, /*threads=*/0, loaded));
  auto weights = SafetensorsReader::open(options.weights);
  if (!weights)
    return weights.status();
  INCEPT_RETURN_IF_ERROR(program.loadTensors(*weights, loaded));
  auto batch = readBatch(program, options.batch);
  if (!batch)
    return batch.status();
  std::vector<float> losses;
  StepResult last;
  for (int64_t step = 0; step < options.steps; ++step) {
    INCEPT_RETURN_IF_ERROR(makeStep(program, *batch, step, options.seed, last));
    losses.push_back(last.loss);
  }
  auto tensor = [](std::string name, std::vector<int64_t> shape, const float *data, size_t count) {
    TensorToWrite result{std::move(name), "F32", std::move(shape), {}};
    result.bytes = {reinterpret_cast<const char *>(data), count * 4};
    return result;
  };
  std::set<std::string> kinds = {"parameter", "state", "average"};
  if (program.image().keepGradients)
    kinds.insert("gradient");
  std::vector<int64_t> logitsShape = labelsOf(program);
  logitsShape.push_back(program.image().classes);
  std::vector<TensorToWrite> results = {tensor("loss", {}, &losses.back(), 1),
                                        tensor("losses", {int64_t(losses.size())}, losses.data(), losses.size())};
  for (size_t i = 0; i < last.logits.size(); ++i) {
    std::string name = i == 0 ? "logits" : "logits/" + program.image().outputs[i];
    results.push_back(tensor(std::move(name), logitsShape, last.logits[i].data(), last.logits[i].size()));
  }
  for (size_t i = 0; i < last.losses.size(); ++i)
    results.push_back(tensor("loss/" + program.image().outputs[i], {}, &last.losses[i], 1));
  return program.saveTensors(options.output, kinds, results, {});
}

} // namespace incept
