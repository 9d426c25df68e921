// SPDX-License-Identifier: Apache-2.0
//
// eval and predict: inference with given weights.

#include "runtime/cli/Commands.h"
#include "runtime/io/SampleMaker.h"
#include "runtime/support/Files.h"
#include "runtime/support/Text.h"
#include "runtime/train/EvaluationReport.h"
#include "runtime/train/Weights.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <optional>

namespace incept {

Status chooseEvaluation(Program &program, const std::string &text) {
  if (text.empty())
    return {};
  auto json = parseOptions(text);
  if (!json)
    return json.status();
  auto options = EvaluationOptions::fromJson(*json);
  if (!options)
    return usageError(options.status().message());
  program.setEvaluation(*options);
  return {};
}

/// What an evaluation says of the outputs behind the first.
static void printOthers(const program::Image &image, const Accuracy &accuracy) {
  for (size_t i = 0; i < accuracy.others.size(); ++i) {
    const Accuracy &own = accuracy.others[i];
    std::string iou;
    char text[64];
    if (image.labelsPixels()) {
      std::snprintf(text, sizeof text, ", mean IoU %.2f %%", 100 * own.meanIou);
      iou = text;
    }
    std::printf("%s: %s accuracy %.2f %%%s, loss %.4f\n", image.outputs[i + 1].c_str(),
                image.labelsPixels() ? "pixel" : "top-1", 100 * own.share(), iou.c_str(), own.loss);
  }
}

/// The same as a member of a line of JSON, of all outputs; nothing where there is one.
static std::string outputsJson(const program::Image &image, const Accuracy &accuracy) {
  if (accuracy.others.empty())
    return "";
  std::string text;
  for (size_t i = 0; i < image.outputs.size(); ++i) {
    const Accuracy &own = i == 0 ? accuracy : accuracy.others[i - 1];
    text += (i == 0 ? "\"" : ",\"") + image.outputs[i] + "\":{\"accuracy\":" + jsonNumber(own.share()) +
            (image.labelsPixels() ? ",\"mean_iou\":" + jsonNumber(own.meanIou) : "") +
            ",\"loss\":" + jsonNumber(own.loss) + "}";
  }
  return ",\"outputs\":{" + text + "}";
}

/// "NAME: " of the first of several outputs.
static std::string firstOutput(const program::Image &image) {
  return image.outputs.size() > 1 ? image.outputs.front() + ": " : "";
}

/// Of a network that scores pixels: these depend on each other, so there are no intervals.
static void printPixelAccuracy(const Program &program, const EvalOptions &options, const Accuracy &accuracy,
                               const Accuracy *averages) {
  std::string protocol = program.evaluation().text();
  if (options.json) {
    auto numbers = [](const Accuracy &of) {
      return "\"pixel_accuracy\":" + jsonNumber(of.share()) + ",\"mean_iou\":" + jsonNumber(of.meanIou) +
             ",\"loss\":" + jsonNumber(of.loss);
    };
    std::printf("{%s,\"protocol\":\"%s\",\"images\":%lld,\"pixels\":%lld%s%s}\n", numbers(accuracy).c_str(),
                protocol.c_str(), static_cast<long long>(accuracy.images), static_cast<long long>(accuracy.labels),
                outputsJson(program.image(), accuracy).c_str(),
                averages ? (",\"ema\":{" + numbers(*averages) + "}").c_str() : "");
    return;
  }
  std::printf("%spixel accuracy %.2f %%, mean IoU %.2f %%, loss %.4f on %lld images, %lld pixels; %s\n",
              firstOutput(program.image()).c_str(), 100 * accuracy.share(), 100 * accuracy.meanIou, accuracy.loss,
              static_cast<long long>(accuracy.images), static_cast<long long>(accuracy.labels), protocol.c_str());
  printOthers(program.image(), accuracy);
  if (averages)
    std::printf("averaged weights: pixel accuracy %.2f %%, mean IoU %.2f %%, loss %.4f\n", 100 * averages->share(),
                100 * averages->meanIou, averages->loss);
}

/// `averages` are what the averaged weights do, where the file has them.
static void printAccuracy(const Program &program, const EvalOptions &options, const Accuracy &accuracy,
                          const Accuracy *averages, const Dataset &images) {
  if (program.image().labelsPixels())
    return printPixelAccuracy(program, options, accuracy, averages);
  auto count = static_cast<double>(accuracy.images);
  Interval top1 = wilsonInterval(accuracy.top1, accuracy.images), top5 = wilsonInterval(accuracy.top5, accuracy.images);
  std::string protocol = images.hasPixels() ? "" : program.evaluation().text();
  if (options.json) {
    std::printf("{\"top1\":%.6f,\"top1_interval\":[%.6f,%.6f],\"top5\":%.6f,\"top5_interval\":[%.6f,%.6f],%s"
                "\"loss\":%s,\"images\":%lld",
                double(accuracy.top1) / count, top1.low, top1.high, double(accuracy.top5) / count, top5.low, top5.high,
                protocol.empty() ? "" : ("\"protocol\":\"" + protocol + "\",").c_str(),
                jsonNumber(accuracy.loss).c_str(), static_cast<long long>(accuracy.images));
    std::printf("%s", outputsJson(program.image(), accuracy).c_str());
    if (averages)
      std::printf(",\"ema\":{\"top1\":%.6f,\"top5\":%.6f,\"loss\":%s}", double(averages->top1) / count,
                  double(averages->top5) / count, jsonNumber(averages->loss).c_str());
    std::printf("}\n");
    return;
  }
  std::printf("%stop-1 accuracy %.2f %%, top-5 accuracy %.2f %%, loss %.4f on %lld images\n",
              firstOutput(program.image()).c_str(), 100 * double(accuracy.top1) / count,
              100 * double(accuracy.top5) / count, accuracy.loss, static_cast<long long>(accuracy.images));
  std::printf("95 %% intervals: top-1 %.2f to %.2f %%, top-5 %.2f to %.2f %%%s%s\n", 100 * top1.low, 100 * top1.high,
              100 * top5.low, 100 * top5.high, protocol.empty() ? "" : "; single crop, ", protocol.c_str());
  printOthers(program.image(), accuracy);
  if (averages)
    std::printf("averaged weights: top-1 accuracy %.2f %%, top-5 accuracy %.2f %%, loss %.4f\n",
                100 * double(averages->top1) / count, 100 * double(averages->top5) / count, averages->loss);
}

Status runEval(Program &program, const EvalOptions &options, const Note &note) {
  bool hasTables = !options.perClass.empty() || !options.confusion.empty();
  INCEPT_RETURN_IF_ERROR(tryOutput(options.perClass));
  INCEPT_RETURN_IF_ERROR(tryOutput(options.confusion));
  INCEPT_RETURN_IF_ERROR(chooseEvaluation(program, options.protocol));
  auto names = loadWeights(program, options.weights, Averages::No);
  if (!names)
    return names.status();
  auto opened = openDataset(options.data, Split::Evaluation, program.imageShape());
  if (!opened)
    return opened.status();
  std::shared_ptr<const Dataset> images = std::move(*opened);
  if (images->size() == 0)
    return inputError("'" + options.data +
                      "' has no test images: expected t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (.gz or not)");
  if (!names->classes.empty() && !images->classes().empty() && names->classes != images->classes())
    return inputError("the classes of '" + options.data + "' are not those that '" + options.weights +
                      "' was trained for");
  ConfusionMatrix matrix(hasTables ? program.image().classes : 0);
  EvaluateOptions how{options.inputThreads, options.maxBadImages, note};
  if (hasTables)
    how.seen = [&](int64_t label, const float *logits) { matrix.add(label, logits); };
  auto accuracy = evaluate(program, images, how);
  if (!accuracy)
    return accuracy.status();
  if (accuracy->images == 0)
    return inputError("none of the test images of '" + options.data + "' can be read");
  // The same images once more, where a training has left averages; the tables are of the weights themselves.
  auto again = loadWeights(program, options.weights, Averages::IfThere);
  if (!again)
    return again.status();
  std::optional<Accuracy> averages;
  if (again->fromAverages) {
    auto second = evaluate(program, images, {options.inputThreads, options.maxBadImages, [](const std::string &) {}});
    if (!second)
      return second.status();
    averages = *second;
  }
  printAccuracy(program, options, *accuracy, averages ? &*averages : nullptr, *images);
  const std::vector<std::string> &classes = images->classes().empty() ? names->classes : images->classes();
  if (!options.perClass.empty())
    INCEPT_RETURN_IF_ERROR(matrix.writeTable(options.perClass, classes));
  if (!options.confusion.empty())
    INCEPT_RETURN_IF_ERROR(options.confusion.ends_with(".png") ? matrix.writePicture(options.confusion)
                                                               : matrix.writeCsv(options.confusion, classes));
  if (!std::isfinite(accuracy->loss))
    note("scores of '" + options.data + "' are not finite: are '" + options.weights +
         "' the weights of a training that went well?");
  return {};
}

std::vector<int64_t> topClasses(const float *logits, int64_t classes, int64_t count) {
  std::vector<int64_t> order(classes);
  std::iota(order.begin(), order.end(), 0);
  int64_t top = std::min(count, classes);
  auto before = [&](int64_t a, int64_t b) {
    bool aIsNumber = !std::isnan(logits[a]), bIsNumber = !std::isnan(logits[b]);
    if (aIsNumber != bIsNumber)
      return aIsNumber;
    return aIsNumber && logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  };
  std::partial_sort(order.begin(), order.begin() + top, order.end(), before);
  order.resize(top);
  return order;
}

static void printTop(const std::string &name, const float *logits, int64_t classes,
                     const std::vector<std::string> &names, const PredictOptions &options) {
  bool isFinite = std::all_of(logits, logits + classes, [](float logit) { return std::isfinite(logit); });
  std::vector<int64_t> order = topClasses(logits, classes, options.top);
  int64_t top = isFinite ? static_cast<int64_t>(order.size()) : 0; // a NaN has no probability
  double sum = 0;
  for (int64_t k = 0; k < classes; ++k)
    sum += std::exp(double(logits[k]) - logits[order[0]]);
  nlohmann::ordered_json line = {{"image", name}, {"top", nlohmann::ordered_json::array()}};
  if (!isFinite)
    line["finite"] = false;
  if (!options.json)
    std::printf("%s:%s", printable(name).c_str(), isFinite ? "" : " scores are not finite");
  for (int64_t i = 0; i < top; ++i) {
    double probability = std::exp(double(logits[order[i]]) - logits[order[0]]) / sum;
    if (options.json) {
      nlohmann::ordered_json entry = {{"class", order[i]}, {"probability", probability}};
      if (!names.empty())
        entry["name"] = names[order[i]];
      line["top"].push_back(entry);
    } else {
      std::string text = names.empty() ? std::to_string(order[i]) : printable(names[order[i]]);
      std::printf(" %s (%.1f %%)", text.c_str(), 100 * probability);
    }
  }
  // A file's name need not be UTF-8.
  std::printf("%s\n", options.json ? line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str() : "");
}

namespace {

/// The images to classify, a batch at a time.
class Images {
public:
  Images(Program &program, const PredictOptions &options)
      : program(program), options(options), maker({program.imageShape(),
                                                   /*training=*/false,
                                                   {},
                                                   program.evaluation(),
                                                   /*seed=*/0,
                                                   /*strict=*/true}) {}

  Status open() {
    const program::Image &image = program.image();
    if (options.input.empty()) {
      if (image.channels != 1 && image.channels != 3)
        return inputError("the network's input has " + std::to_string(image.channels) +
                          " channels, but image files have 1 or 3: give --input=FILE.safetensors");
      count = static_cast<int64_t>(options.images.size());
      return {};
    }
    auto file = SafetensorsFile::open(options.input);
    if (!file)
      return file.status();
    tensors.emplace(std::move(*file));
    auto found = tensors->tensors.find("images");
    if (found == tensors->tensors.end() || found->second.type != "F32" || found->second.shape.size() != 4 ||
        found->second.shape[1] != image.channels || found->second.shape[2] != image.height ||
        found->second.shape[3] != image.width)
      return inputError("'" + options.input + "' has no tensor 'images' of type F32 and shape Nx" +
                        std::to_string(image.channels) + "x" + std::to_string(image.height) + "x" +
                        std::to_string(image.width));
    values = found->second.bytes;
    count = found->second.shape[0];
    return {};
  }

  /// Images [first, first + rows) become the next batch; the rest of it is black.
  Status fill(int64_t first, int64_t rows) {
    const program::Image &image = program.image();
    int64_t elements = image.channels * image.height * image.width;
    if (tensors) {
      std::memset(program.f32Images(), 0, image.batchSize * elements * 4);
      std::memcpy(program.f32Images(), values.data() + first * elements * 4, rows * elements * 4);
      return {};
    }
    std::memset(program.u8Images(), 0, image.batchSize * elements);
    for (int64_t row = 0; row < rows; ++row) {
      const std::string &path = options.images[first + row];
      auto file = LoadedFile::open(path, kMaxPictureBytes);
      if (!file)
        return file.status();
      INCEPT_RETURN_IF_ERROR(maker.makePicture(file->bytes(), path, program.u8Images() + row * elements));
    }
    return {};
  }

  Input input() const { return tensors ? Input::F32 : Input::U8; }

  std::string name(int64_t index) const { return tensors ? "image " + std::to_string(index) : options.images[index]; }

  int64_t count = 0;

private:
  Program &program;
  const PredictOptions &options;
  SampleMaker maker;
  std::optional<SafetensorsFile> tensors;
  std::string_view values; ///< of `images` in `tensors`
};

} // namespace

Status runPredict(Program &program, const PredictOptions &options, const Note &note) {
  if (options.input.empty() && options.images.empty())
    return usageError("expected image files, or --input=FILE.safetensors");
  if (program.image().labelsPixels() && options.output.empty())
    return usageError("the network scores every pixel: give --output=FILE.safetensors for its logits");
  INCEPT_RETURN_IF_ERROR(tryOutput(options.output));
  INCEPT_RETURN_IF_ERROR(chooseEvaluation(program, options.protocol));
  auto names = loadWeights(program, options.weights, options.average ? Averages::Yes : Averages::No);
  if (!names)
    return names.status();
  Images images(program, options);
  INCEPT_RETURN_IF_ERROR(images.open());
  const program::Image &image = program.image();
  int64_t batch = image.batchSize, classes = image.classes, scores = image.labelsPerImage() * classes;
  std::vector<std::vector<float>> all(image.outputCount(), std::vector<float>(images.count * scores));
  INCEPT_RETURN_IF_ERROR(program.prepareInference());
  for (int64_t first = 0; first < images.count; first += batch) {
    int64_t rows = std::min(batch, images.count - first);
    INCEPT_RETURN_IF_ERROR(images.fill(first, rows));
    INCEPT_RETURN_IF_ERROR(program.infer(images.input()));
    for (size_t output = 0; output < all.size(); ++output)
      std::memcpy(all[output].data() + first * scores, program.logits(output), rows * scores * 4);
  }
  const std::vector<float> &logits = all.front();
  for (int64_t i = 0; options.output.empty() && i < images.count; ++i)
    printTop(images.name(i), logits.data() + i * classes, classes, names->classes, options);
  auto areFinite = [](const std::vector<float> &own) {
    return std::all_of(own.begin(), own.end(), [](float logit) { return std::isfinite(logit); });
  };
  if (!std::all_of(all.begin(), all.end(), areFinite))
    note("some scores are not finite: are '" + options.weights + "' the weights of a training that went well?");
  if (options.output.empty())
    return {};
  std::vector<int64_t> shape = {images.count, classes};
  if (image.labelsPixels())
    shape = {images.count, image.labelHeight, image.labelWidth, classes};
  std::vector<TensorToWrite> tensors;
  for (size_t output = 0; output < all.size(); ++output) {
    TensorToWrite tensor{output == 0 ? "logits" : "logits/" + image.outputs[output], "F32", shape, {}};
    tensor.bytes = {reinterpret_cast<const char *>(all[output].data()), all[output].size() * 4};
    tensors.push_back(std::move(tensor));
  }
  return writeSafetensors(options.output, tensors, {});
}

} // namespace incept
