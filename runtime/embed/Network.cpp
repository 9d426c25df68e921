// SPDX-License-Identifier: Apache-2.0
//
// What a shared library of a network is: the C interface over a loaded program.

#include "runtime/device/Stub.h"
#include "runtime/embed/incept.h"
#include "runtime/io/SampleMaker.h"
#include "runtime/support/Files.h"
#include "runtime/train/Weights.h"

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <unistd.h>

using namespace incept;

namespace {

/// The file that this code was loaded from, which holds the program too. Found out when it is loaded, since a path may
/// be relative; and by an address that no other library can have the name of.
const std::string &ownFile() {
  static const char here = 0;
  static const std::string path = [] {
    Dl_info info{};
    bool isKnown = ::dladdr(&here, &info) && info.dli_fname;
    std::unique_ptr<char, decltype(&std::free)> whole(isKnown ? ::realpath(info.dli_fname, nullptr) : nullptr,
                                                      &std::free);
    return std::string(whole ? whole.get() : "");
  }();
  return path;
}
[[maybe_unused]] const std::string &foundWhenLoaded = ownFile();

/// A status for what is thrown.
template <typename Work>
Status caught(const Work &work) {
  try {
    return work();
  } catch (const std::bad_alloc &) {
    return machineError("out of memory");
  } catch (const std::exception &unexpected) {
    return machineError(unexpected.what());
  }
}

/// A thread that does what it is told, one thing after the other. OpenMP's settings and CUDA's context are a thread's:
/// so the callers' stay as they are, and it does not matter which of them calls.
class Worker {
public:
  Worker() : thread([this] { serve(); }) {}
  ~Worker() {
    {
      std::lock_guard lock(mutex);
      isStopping = true;
    }
    changed.notify_all();
    thread.join();
  }
  Worker(const Worker &) = delete;
  Worker &operator=(const Worker &) = delete;

  /// Whether this is another process than the thread's.
  bool isForked() const { return ::getpid() != process; }

  /// Waits for its turn, then until the work is done.
  Status run(const std::function<Status()> &work) {
    if (isForked())
      return usageError("the network was loaded before this process was forked: load it here");
    std::lock_guard turn(callers);
    std::unique_lock lock(mutex);
    job = &work;
    changed.notify_all();
    changed.wait(lock, [this] { return !job; });
    return std::move(result);
  }

private:
  void serve() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return job || isStopping; });
      if (!job)
        return;
      lock.unlock();
      Status status = caught(*job);
      lock.lock();
      result = std::move(status);
      job = nullptr;
      changed.notify_all();
    }
  }

  const pid_t process = ::getpid();
  std::mutex callers, mutex; ///< `mutex` of what follows
  std::condition_variable changed;
  const std::function<Status()> *job = nullptr;
  Status result;
  bool isStopping = false;
  std::thread thread; ///< uses all of the above
};

} // namespace

struct incept_network {
  std::unique_ptr<Program> program; ///< the worker's alone, but for what is constant
  std::vector<std::string> classes, outputs;
  Worker worker;

  ~incept_network() {
    (void)worker.run([this]() -> Status {
      program.reset();
      return {};
    });
  }
};

namespace {

/// Calls `work` and tells the caller how it went: no exception leaves the library.
template <typename Work>
incept_status guard(char *error, size_t errorSize, const Work &work) {
  Status status = caught(work);
  if (error && errorSize > 0)
    std::snprintf(error, errorSize, "%s", status.message().c_str());
  return static_cast<incept_status>(status.code());
}

Status load(incept_network &network, const char *weights, unsigned flags, int device) {
  if (!weights)
    return usageError("expected a file of weights, but got NULL");
  if (flags & ~INCEPT_AVERAGED)
    return usageError("expected flags of 0 or INCEPT_AVERAGED, but got " + std::to_string(flags));
  if (device < 0)
    return usageError("expected a device of 0 or more, but got " + std::to_string(device));
  if (ownFile().empty())
    return machineError("cannot tell which file this library was loaded from");
  auto program = Program::load(ownFile(), stubBackend());
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
  for (size_t output = 0; output < network.program->image().outputCount(); ++output)
    network.outputs.push_back(network.program->image().outputName(output));
  return network.program->prepareInference();
}

/// Computes `count` images, a batch at a time, which the program takes at `place` as `input`. Of `scores` there is one
/// for each of the first `outputs` outputs, perhaps null.
template <typename Value>
Status compute(Program &program, int64_t count, const Value *images, float *const *scores, size_t outputs, Input input,
               Value *(Program::*place)()) {
  const program::Image &image = program.image();
  int64_t pixels = image.channels * image.height * image.width, own = image.labelsPerImage() * image.classes;
  for (int64_t first = 0, rows; first < count; first += rows) {
    rows = std::min(image.batchSize, count - first);
    Value *batch = (program.*place)();
    std::copy_n(images + first * pixels, rows * pixels, batch);
    std::fill_n(batch + rows * pixels, (image.batchSize - rows) * pixels, Value(0));
    INCEPT_RETURN_IF_ERROR(program.infer(input));
    for (size_t output = 0; output < outputs; ++output)
      if (scores[output])
        std::copy_n(program.logits(output), rows * own, scores[output] + first * own);
  }
  return {};
}

/// With `all` outputs, or the first.
template <typename Value>
Status run(incept_network *network, int64_t count, const Value *images, float *const *scores, bool all, Input input,
           Value *(Program::*place)()) {
  if (!network || !images || !scores || (!all && !*scores))
    return usageError("expected a network, images and room for scores, but got NULL");
  if (count < 0)
    return usageError("expected a count of 0 or more, but got " + std::to_string(count));
  size_t outputs = all ? network->outputs.size() : 1;
  return network->worker.run([&] { return compute(*network->program, count, images, scores, outputs, input, place); });
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
    INCEPT_RETURN_IF_ERROR(made->worker.run([&] { return load(*made, weights, flags, device); }));
    *network = made.release();
    return {};
  });
}

void incept_free(incept_network *network) {
  if (network && !network->worker.isForked()) // what a forked process has of it is a picture
    delete network;
}

incept_shape incept_shape_of(const incept_network *network) {
  if (!network)
    return {};
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
  return guard(error, error_size,
               [&] { return run(network, count, images, &scores, false, Input::F32, &Program::f32Images); });
}

incept_status incept_run_pixels(incept_network *network, int64_t count, const uint8_t *pixels, float *scores,
                                char *error, size_t error_size) {
  return guard(error, error_size,
               [&] { return run(network, count, pixels, &scores, false, Input::U8, &Program::u8Images); });
}

incept_status incept_run_outputs(incept_network *network, int64_t count, const float *images, float *const *scores,
                                 char *error, size_t error_size) {
  return guard(error, error_size,
               [&] { return run(network, count, images, scores, true, Input::F32, &Program::f32Images); });
}

incept_status incept_run_pixels_outputs(incept_network *network, int64_t count, const uint8_t *pixels,
                                        float *const *scores, char *error, size_t error_size) {
  return guard(error, error_size,
               [&] { return run(network, count, pixels, scores, true, Input::U8, &Program::u8Images); });
}

int64_t incept_output_count(const incept_network *network) {
  return network ? static_cast<int64_t>(network->outputs.size()) : 0;
}

const char *incept_output_name(const incept_network *network, int64_t index) {
  bool isThere = network && index >= 0 && index < static_cast<int64_t>(network->outputs.size());
  return isThere ? network->outputs[index].c_str() : nullptr;
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
