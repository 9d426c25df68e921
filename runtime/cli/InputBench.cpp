// SPDX-License-Identifier: Apache-2.0
//
// bench --data: the input pipeline alone.

#include "runtime/cli/Commands.h"

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace incept {

Status runInputBench(Program &program, const InputOptions &options, const Note &note) {
  using Clock = std::chrono::steady_clock;
  auto seconds = [](Clock::time_point from) { return std::chrono::duration<double>(Clock::now() - from).count(); };
  constexpr double kLength = 10;
  ImageShape shape = program.imageShape();
  auto start = Clock::now();
  auto opened = openDataset(options.data, options.evaluation ? Split::Evaluation : Split::Train, shape);
  if (!opened)
    return opened.status();
  std::shared_ptr<const Dataset> images = std::move(*opened);
  double indexed = seconds(start);
  auto augment = chooseAugmentation(program, options.augment, *images);
  if (!augment)
    return augment.status();
  LoaderOptions load;
  load.sample = {shape, /*training=*/!options.evaluation, *augment, program.evaluation(), options.seed};
  load.batch = program.image().batchSize;
  load.threads = options.inputThreads == kChooseThreads && images->hasPixels() ? 1 : options.inputThreads;
  load.maxBadImages = options.maxBadImages;
  load.note = note;
  Loader loader(images, load);
  if (loader.batches() == 0)
    return inputError("'" + options.data + "' has " + std::to_string(images->size()) +
                      " images, fewer than one batch of " + std::to_string(load.batch));
  std::vector<uint8_t> pixels(load.batch * shape.height * shape.width * shape.channels);
  std::vector<int64_t> labels(size_t(load.batch * shape.labels()));
  INCEPT_RETURN_IF_ERROR(loader.next(pixels.data(), labels.data())); // loads libraries
  start = Clock::now();
  int64_t batches = 0;
  while (options.batches > 0 ? batches < options.batches : seconds(start) < kLength) {
    if (options.evaluation && batches + 1 >= loader.batches())
      break;
    INCEPT_RETURN_IF_ERROR(loader.next(pixels.data(), labels.data()));
    ++batches;
  }
  double time = seconds(start), rate = double(batches * load.batch) / std::max(time, 1e-9);
  if (options.json) {
    nlohmann::ordered_json result = {{"images_per_second", rate},    {"images", batches * load.batch},
                                     {"threads", loader.threads()},  {"memory_bytes", loader.memoryBytes()},
                                     {"index_seconds", indexed},     {"bad_images", loader.badImages()},
                                     {"warnings", loader.warnings()}};
    std::printf("%s\n", result.dump().c_str());
    return {};
  }
  std::printf("%.1f images/s by %d threads, %.1f MB; %lld images indexed in %.2f s; %lld damaged, %lld warnings\n",
              rate, loader.threads(), double(loader.memoryBytes()) / 1e6, static_cast<long long>(images->size()),
              indexed, static_cast<long long>(loader.badImages()), static_cast<long long>(loader.warnings()));
  return {};
}

} // namespace incept
