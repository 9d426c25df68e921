// SPDX-License-Identifier: Apache-2.0

#include "runtime/cli/Commands.h"

#include <cstring>

namespace incept {

/// Copies the batch of a file to the program, checked.
static Status loadBatch(Program &program, const std::string &path) {
  auto file = SafetensorsFile::open(path);
  if (!file)
    return file.status();
  const program::Image &image = program.image();
  auto images = file->tensors.find("images"), labels = file->tensors.find("labels");
  const std::vector<int64_t> shape = {image.batchSize, image.channels, image.height, image.width};
  if (images == file->tensors.end() || images->second.type != "F32" || images->second.shape != shape)
    return inputError("'" + path + "' has no tensor 'images' of type F32 and shape " + std::to_string(shape[0]) + "x" +
                      std::to_string(shape[1]) + "x" + std::to_string(shape[2]) + "x" + std::to_string(shape[3]));
  if (labels == file->tensors.end() || labels->second.type != "I64" ||
      labels->second.shape != std::vector<int64_t>{image.batchSize})
    return inputError("'" + path + "' has no tensor 'labels' of type I64 and shape " + std::to_string(image.batchSize));
  std::memcpy(program.f32Images(), images->second.bytes.data(), images->second.bytes.size());
  std::memcpy(program.labels(), labels->second.bytes.data(), labels->second.bytes.size());
  for (int64_t row = 0; row < image.batchSize; ++row)
    if (program.labels()[row] < 0 || program.labels()[row] >= image.classes)
      return inputError("'" + path + "' has label " + std::to_string(program.labels()[row]) + ", but the network has " +
                        std::to_string(image.classes) + " classes");
  return {};
}

Status runStep(Program &program, const StepOptions &options) {
  if (program.image().mode != "train")
    return usageError("the program was compiled with --mode=infer: it cannot train");
  INCEPT_RETURN_IF_ERROR(tryOutput(options.output));
  INCEPT_RETURN_IF_ERROR(program.initialize(options.seed));
  auto weights = SafetensorsReader::open(options.weights);
  if (!weights)
    return weights.status();
  INCEPT_RETURN_IF_ERROR(program.loadTensors(*weights, {"parameter", "state"}));
  INCEPT_RETURN_IF_ERROR(loadBatch(program, options.batch));
  std::vector<float> losses;
  const int64_t classes = program.image().classes, batch = program.image().batchSize;
  for (int64_t step = 0; step < options.steps; ++step) {
    INCEPT_RETURN_IF_ERROR(program.trainStep(step, 1, options.seed, Input::F32));
    losses.push_back(program.loss());
  }
  auto tensor = [](const char *name, std::vector<int64_t> shape, const float *data, size_t count) {
    TensorToWrite result{name, "F32", std::move(shape), {}};
    result.bytes = {reinterpret_cast<const char *>(data), count * 4};
    return result;
  };
  std::set<std::string> kinds = {"parameter", "state"};
  if (program.image().keepGradients)
    kinds.insert("gradient");
  return program.saveTensors(options.output, kinds,
                             {tensor("loss", {}, &losses.back(), 1),
                              tensor("losses", {int64_t(losses.size())}, losses.data(), losses.size()),
                              tensor("logits", {batch, classes}, program.logits(), batch * classes)},
                             {});
}

} // namespace incept
