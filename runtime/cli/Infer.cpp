// SPDX-License-Identifier: Apache-2.0
//
// eval and predict: inference with given weights.

#include "runtime/cli/Commands.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <numeric>

namespace incept {

/// Reads parameters and running statistics; a checkpoint will do, its slots are passed over.
static Status loadWeights(Program &program, const std::string &path) {
  auto file = SafetensorsFile::open(path);
  if (!file)
    return file.status();
  return program.loadTensors(*file, path, {"parameter", "state"});
}

Status runEval(Program &program, const std::string &data, const std::string &weights, bool json) {
  INCEPT_RETURN_IF_ERROR(loadWeights(program, weights));
  auto images = loadImages(data, Split::Test, program.imageShape());
  if (!images)
    return images.status();
  if (images->count == 0)
    return inputError("'" + data + "' has no test images (t10k-images-idx3-ubyte)");
  auto accuracy = evaluate(program, *images);
  if (!accuracy)
    return accuracy.status();
  double count = static_cast<double>(accuracy->images);
  if (json)
    std::printf("{\"top1\":%.6f,\"top5\":%.6f,\"loss\":%.9g,\"images\":%lld}\n", double(accuracy->top1) / count,
                double(accuracy->top5) / count, accuracy->loss, static_cast<long long>(accuracy->images));
  else
    std::printf("top-1 accuracy %.2f %%, top-5 accuracy %.2f %%, loss %.4f on %lld images\n",
                100 * double(accuracy->top1) / count, 100 * double(accuracy->top5) / count, accuracy->loss,
                static_cast<long long>(accuracy->images));
  return {};
}

static void printTop(const float *logits, int64_t classes, int64_t image, int64_t top) {
  std::vector<int64_t> order(classes);
  std::iota(order.begin(), order.end(), 0);
  top = std::min(top, classes);
  std::partial_sort(order.begin(), order.begin() + top, order.end(),
                    [&](int64_t a, int64_t b) { return logits[a] > logits[b] || (logits[a] == logits[b] && a < b); });
  double sum = 0;
  for (int64_t k = 0; k < classes; ++k)
    sum += std::exp(double(logits[k]) - logits[order[0]]);
  std::printf("image %lld:", static_cast<long long>(image));
  for (int64_t i = 0; i < top; ++i)
    std::printf(" %lld (%.1f %%)", static_cast<long long>(order[i]),
                100 * std::exp(double(logits[order[i]]) - logits[order[0]]) / sum);
  std::printf("\n");
}

Status runPredict(Program &program, const PredictOptions &options) {
  INCEPT_RETURN_IF_ERROR(loadWeights(program, options.weights));
  auto file = SafetensorsFile::open(options.input);
  if (!file)
    return file.status();
  const program::Image &image = program.image();
  auto found = file->tensors.find("images");
  if (found == file->tensors.end() || found->second.type != "F32" || found->second.shape.size() != 4 ||
      found->second.shape[1] != image.channels || found->second.shape[2] != image.height ||
      found->second.shape[3] != image.width)
    return inputError("'" + options.input + "' has no tensor 'images' of type F32 and shape Nx" +
                      std::to_string(image.channels) + "x" + std::to_string(image.height) + "x" +
                      std::to_string(image.width));
  int64_t count = found->second.shape[0], pixels = image.channels * image.height * image.width;
  std::vector<float> logits(count * image.classes);
  INCEPT_RETURN_IF_ERROR(program.prepareInference());
  for (int64_t first = 0; first < count; first += image.batchSize) {
    int64_t rows = std::min(image.batchSize, count - first);
    std::memset(program.f32Images(), 0, image.batchSize * pixels * 4);
    std::memcpy(program.f32Images(), found->second.bytes.data() + first * pixels * 4, rows * pixels * 4);
    INCEPT_RETURN_IF_ERROR(program.device().run(program::kStageF32));
    INCEPT_RETURN_IF_ERROR(program.device().run(program::kInfer));
    std::memcpy(logits.data() + first * image.classes, program.logits(), rows * image.classes * 4);
  }
  for (int64_t i = 0; options.output.empty() && i < count; ++i)
    printTop(logits.data() + i * image.classes, image.classes, i, options.top);
  if (options.output.empty())
    return {};
  return writeSafetensors(
      options.output,
      {{"logits", "F32", {count, image.classes}, {reinterpret_cast<const char *>(logits.data()), logits.size() * 4}}},
      {});
}

} // namespace incept
