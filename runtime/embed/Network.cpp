// SPDX-License-Identifier: Apache-2.0
//
// What a shared library of a network is: the C interface over a loaded program.

#include "runtime/device/Stub.h"
#include "runtime/embed/incept.h"
#include "runtime/io/SampleMaker.h"
#include "runtime/support/Files.h"
#include "runtime/train/Weights.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <exception>
#include <memory>
#include <mutex>
#include <new>

using namespace incept;

struct incept_network {
  std::unique_ptr<Program> program;
  std::vector<std::string> classes;
  std::mutex mutex; ///< of `program`, from the end of `incept_load` on
};

namespace {

/// Calls `work` and tells the caller how it went: no exception leaves the library.
template <typename Work>
incept_status guard(char *error, size_t errorSize, const Work &work) {
  Status status;
  try {
    status = work();
  } catch (const std::bad_alloc &) {
    status = machineError("out of memory");
  } catch (const std::exception &unexpected) {
    status = machineError(unexpected.what());
  }
  if (error && errorSize > 0)
    std::snprintf(error, errorSize, "%s", status.message().c_str());
  return static_cast<incept_status>(status.code());
}

/// The file that this code was loaded from, which holds the program too.
Expected<std::string> ownFile() {
  Dl_info info{};
  if (!::dladdr(reinterpret_cast<const void *>(&incept_load), &info) || !info.dli_fname)
    return machineError("cannot tell which file this library was loaded from");
  return std::string(info.dli_fname);
}

Status load(incept_network &network, const char *weights, unsigned flags, int device) {
  if (!weights)
    return usageError("expected a file of weights, but got NULL");
  if (flags & ~INCEPT_AVERAGED)
    return usageError("expected flags of 0 or INCEPT_AVERAGED, but got " + std::to_string(flags));
  if (device < 0)
    return usageError("expected a device of 0 or more, but got " + std::to_string(device));
  auto file = ownFile();
  if (!file)
    return file.status();
  auto program = Program::load(*file, stubBackend());
  if (!program)
    return program.status();
  network.program = std::move(*program);
  DeviceUse use;
  use.trains = false;
  use.ordinal = device;
  INCEPT_RETURN_IF_ERROR(network.program->prepareDevice(use));
  auto loaded = loadWeights(*network.program, weights, flags & INCEPT_AVERAGED ? Averages::Yes : Averages::No);
  if (!loaded)
    return loaded.status();
  network.classes = std::move(loaded->classes);
  return network.program->prepareInference();
}

/// Computes `count` images, a batch at a time, which the program takes at `place` as `input`.
template <typename Value>
Status run(incept_network *network, int64_t count, const Value *images, float *scores, Input input,
           Value *(Program::*place)()) {
  if (!network || !images || !scores)
    return usageError("expected a network, images and room for scores, but got NULL");
  if (count < 0)
    return usageError("expected a count of 0 or more, but got " + std::to_string(count));
  std::lock_guard lock(network->mutex);
  Program &program = *network->program;
  const program::Image &image = program.image();
  int64_t pixels = image.channels * image.height * image.width, own = image.labelsPerImage() * image.classes;
  for (int64_t first = 0, rows; first < count; first += rows) {
    rows = std::min(image.batchSize, count - first);
    Value *batch = (program.*place)();
    std::copy_n(images + first * pixels, rows * pixels, batch);
    std::fill_n(batch + rows * pixels, (image.batchSize - rows) * pixels, Value(0));
    INCEPT_RETURN_IF_ERROR(program.infer(input));
    std::copy_n(program.logits(), rows * own, scores + first * own);
  }
  return {};
}

} // namespace

incept_status incept_load(const char *weights, unsigned flags, int device, incept_network **network, char *error,
                          size_t error_size) {
  if (network)
    *network = nullptr;
  return guard(error, error_size, [&]() -> Status {
    if (!network)
      return usageError("expected a place for the network, but got NULL");
    auto made = std::make_unique<incept_network>();
    INCEPT_RETURN_IF_ERROR(load(*made, weights, flags, device));
    *network = made.release();
    return {};
  });
}

void incept_free(incept_network *network) { delete network; }

incept_shape incept_shape_of(const incept_network *network) {
  const program::Image &image = network->program->image();
  bool isMap = image.labelsPixels();
  return {image.batchSize,
          image.channels,
          image.height,
          image.width,
          image.classes,
          isMap ? image.labelHeight : 1,
          isMap ? image.labelWidth : 1};
}

const char *incept_class_name(const incept_network *network, int64_t index) {
  bool isThere = network && index >= 0 && index < static_cast<int64_t>(network->classes.size());
  return isThere ? network->classes[index].c_str() : nullptr;
}

incept_status incept_run(incept_network *network, int64_t count, const float *images, float *scores, char *error,
                         size_t error_size) {
  return guard(error, error_size, [&] { return run(network, count, images, scores, Input::F32, &Program::f32Images); });
}

incept_status incept_run_pixels(incept_network *network, int64_t count, const uint8_t *pixels, float *scores,
                                char *error, size_t error_size) {
  return guard(error, error_size, [&] { return run(network, count, pixels, scores, Input::U8, &Program::u8Images); });
}

incept_status incept_read_picture(const incept_network *network, const char *path, uint8_t *pixels, char *error,
                                  size_t error_size) {
  return guard(error, error_size, [&]() -> Status {
    if (!network || !path || !pixels)
      return usageError("expected a network, a path and room for pixels, but got NULL");
    ImageShape shape = network->program->imageShape();
    if (shape.channels != 1 && shape.channels != 3)
      return inputError("the network's input has " + std::to_string(shape.channels) +
                        " channels, but image files have 1 or 3: give images to incept_run");
    SampleOptions options;
    options.shape = shape;
    options.evaluation = network->program->evaluation();
    options.strict = true;
    auto file = LoadedFile::open(path, kMaxPictureBytes);
    if (!file)
      return file.status();
    return SampleMaker(options).makePicture(file->bytes(), path, pixels);
  });
}
