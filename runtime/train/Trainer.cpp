// SPDX-License-Identifier: Apache-2.0

#include "runtime/train/Trainer.h"
#include "runtime/support/Philox.h"
#include "runtime/train/Checkpoint.h"
#include "runtime/train/Curve.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <unistd.h>

namespace incept {

namespace {

volatile std::sig_atomic_t interrupted = 0;

/// Beyond this a double does not count steps exactly.
constexpr double kMaxSteps = 9007199254740992.0;

/// A number as JSON, which has no word for what is not finite.
std::string jsonNumber(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return std::isfinite(value) ? text : "null";
}

/// The order of images in an epoch: a permutation that seed and epoch determine.
std::vector<uint32_t> permutation(int64_t count, uint64_t seed, int64_t epoch) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  PhiloxStream random(seed, hashName("permutation/" + std::to_string(epoch)));
  for (int64_t i = count - 1; i > 0; --i)
    std::swap(order[i], order[random.below(i + 1)]);
  return order;
}

/// Rows of the batch whose largest logit is the label's.
int64_t countCorrect(const float *logits, const int64_t *labels, int64_t rows, int64_t classes) {
  int64_t correct = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const float *begin = logits + row * classes;
    correct += std::max_element(begin, begin + classes) - begin == labels[row];
  }
  return correct;
}

/// One line that is rewritten on a terminal, and written now and then elsewhere.
class ProgressLine {
public:
  ProgressLine(int64_t first, int64_t last) : first(first), last(last), terminal(::isatty(2)) {}

  void show(int64_t step, double loss, double accuracy, int64_t batch) {
    auto now = Clock::now();
    double sinceShown = seconds(shown, now);
    bool isLast = step == last;
    if (!isLast && sinceShown < (terminal ? 0.1 : 10))
      return;
    shown = now;
    double elapsed = std::max(seconds(start, now), 1e-9), done = static_cast<double>(step - first);
    int left = static_cast<int>(elapsed / std::max(done, 1.0) * static_cast<double>(last - step));
    std::string bar(24, '.');
    std::fill_n(bar.begin(), 24 * step / std::max<int64_t>(last, 1), '#');
    std::fprintf(stderr, "%s[%s] step %lld/%lld  loss %.4f  accuracy %.1f %%  %.0f images/s  %d:%02d left%s",
                 terminal ? "\r" : "", bar.c_str(), static_cast<long long>(step), static_cast<long long>(last), loss,
                 100 * accuracy, done * static_cast<double>(batch) / elapsed, left / 60, left % 60,
                 terminal ? "\033[K" : "\n");
    if (isLast && terminal)
      std::fputc('\n', stderr);
  }

  /// Ends the line before other output.
  void breakLine() {
    if (terminal)
      std::fputc('\n', stderr);
  }

private:
  using Clock = std::chrono::steady_clock;
  static double seconds(Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
  }
  int64_t first, last;
  bool terminal;
  Clock::time_point start = Clock::now(), shown = start - std::chrono::hours(1);
};

class Trainer {
public:
  Trainer(Program &program, const TrainOptions &options) : program(program), options(options) {}
  ~Trainer() {
    if (log)
      std::fclose(log);
  }

  Status run() {
    INCEPT_RETURN_IF_ERROR(prepare());
    ProgressLine line(progress.step, lastStep);
    started = progress.step;
    while (progress.step < lastStep) {
      INCEPT_RETURN_IF_ERROR(startSteps());
      if (started == progress.step)
        break; // interrupted
      INCEPT_RETURN_IF_ERROR(program.device().finish());
      int64_t step = progress.step++;
      record(step);
      line.show(progress.step, smoothLoss, smoothAccuracy, batch);
      if (!std::isfinite(program.loss()))
        return inputError("the loss is not finite at step " + std::to_string(step) +
                          ": use a smaller --set learning_rate=VALUE");
      if (progress.step % stepsPerEpoch == 0 || progress.step == lastStep)
        INCEPT_RETURN_IF_ERROR(endEpoch(line));
    }
    return finish();
  }

private:
  Status prepare() {
    auto loaded = loadImages(options.data, Split::Train, program.imageShape());
    if (!loaded)
      return loaded.status();
    images = std::move(*loaded);
    auto held = loadImages(options.data, Split::Test, program.imageShape());
    if (!held)
      return held.status();
    test = std::move(*held);
    batch = program.image().batchSize;
    stepsPerEpoch = images.count / batch;
    if (stepsPerEpoch == 0)
      return inputError("'" + options.data + "' has " + std::to_string(images.count) +
                        " training images, fewer than one batch of " + std::to_string(batch));
    // A schedule that ends, ends with the training.
    if (options.epochs > 0)
      program.hyperparameters().setEpochs(options.epochs);
    double steps = std::ceil(program.hyperparameters().get("epochs") * double(stepsPerEpoch));
    if (options.steps <= 0 && !(steps >= 1 && steps <= kMaxSteps))
      return usageError("expected epochs of 1 to 2^53 steps in all, but got " +
                        std::to_string(program.hyperparameters().get("epochs")) + " epochs of " +
                        std::to_string(stepsPerEpoch) + " steps");
    lastStep = options.steps > 0 ? options.steps : static_cast<int64_t>(steps);
    INCEPT_RETURN_IF_ERROR(start());
    if (!options.log.empty() && !(log = std::fopen(options.log.c_str(), options.resume ? "a" : "w")))
      return machineError("cannot write '" + options.log + "'");
    std::signal(SIGINT, [](int) { interrupted = 1; });
    std::signal(SIGTERM, [](int) { interrupted = 1; });
    return {};
  }

  Status start() {
    progress.seed = options.seed;
    INCEPT_RETURN_IF_ERROR(program.initialize(options.seed));
    if (!options.weights.empty()) {
      auto file = SafetensorsFile::open(options.weights);
      if (!file)
        return file.status();
      INCEPT_RETURN_IF_ERROR(program.loadTensors(*file, options.weights, {"parameter", "state"}));
    }
    if (!options.resume)
      return {};
    if (options.checkpointDirectory.empty())
      return usageError("expected --checkpoint-dir=DIR with --resume");
    auto resumed = loadNewestCheckpoint(program, options.checkpointDirectory);
    if (!resumed)
      return resumed.status();
    progress = *resumed;
    return {};
  }

  /// Starts as many steps as the device takes ahead. None is started beyond the end of an epoch, where the weights are
  /// looked at.
  Status startSteps() {
    int64_t end = std::min(lastStep, (progress.step / stepsPerEpoch + 1) * stepsPerEpoch);
    int64_t ahead = int64_t(program.device().depth());
    for (; started < end && started - progress.step < ahead && !interrupted; ++started) {
      fillBatch(started / stepsPerEpoch, started % stepsPerEpoch);
      INCEPT_RETURN_IF_ERROR(program.startTraining(started, stepsPerEpoch, progress.seed));
    }
    return {};
  }

  void fillBatch(int64_t epoch, int64_t position) {
    if (epoch != orderEpoch) {
      order = permutation(images.count, progress.seed, epoch);
      orderEpoch = epoch;
    }
    for (int64_t row = 0; row < batch; ++row) {
      int64_t index = order[position * batch + row];
      std::memcpy(program.u8Images() + row * images.imageBytes(), images.image(index), images.imageBytes());
      program.labels()[row] = images.labels8[index];
    }
  }

  void record(int64_t step) {
    double loss = program.loss();
    double accuracy = double(countCorrect(program.logits(), program.finishedLabels(), batch, program.image().classes)) /
                      double(batch);
    // An average over about the last 20 steps, or all of them at the start.
    double share = std::max(0.05, 1.0 / double(++recorded));
    smoothLoss += share * (loss - smoothLoss);
    smoothAccuracy += share * (accuracy - smoothAccuracy);
    if (int64_t every = std::max<int64_t>(lastStep / 400, 1); step % every == 0) {
      curve.loss.push_back({double(step), smoothLoss});
      curve.accuracy.push_back({double(step), smoothAccuracy});
    }
    if (log)
      std::fprintf(log, "{\"step\":%lld,\"epoch\":%.4f,\"loss\":%s,\"accuracy\":%.4f,\"learning_rate\":%.9g}\n",
                   static_cast<long long>(step), double(step) / double(stepsPerEpoch), jsonNumber(loss).c_str(),
                   accuracy, program.hyperparameters().learningRate(step, stepsPerEpoch));
  }

  Status endEpoch(ProgressLine &line) {
    if (!options.checkpointDirectory.empty())
      INCEPT_RETURN_IF_ERROR(saveCheckpoint(program, options.checkpointDirectory, progress));
    if (test.count == 0)
      return {};
    auto accuracy = evaluate(program, test);
    if (!accuracy)
      return accuracy.status();
    double top1 = double(accuracy->top1) / double(accuracy->images);
    curve.testAccuracy.push_back({double(progress.step), top1});
    line.breakLine();
    std::printf("epoch %.2f: test accuracy %.2f %%, test loss %.4f\n", double(progress.step) / double(stepsPerEpoch),
                100 * top1, accuracy->loss);
    std::fflush(stdout);
    if (log) {
      std::fprintf(log, "{\"step\":%lld,\"test_accuracy\":%.6f,\"test_loss\":%s}\n",
                   static_cast<long long>(progress.step), top1, jsonNumber(accuracy->loss).c_str());
      std::fflush(log);
    }
    return {};
  }

  Status finish() {
    if (interrupted && !options.checkpointDirectory.empty())
      INCEPT_RETURN_IF_ERROR(saveCheckpoint(program, options.checkpointDirectory, progress));
    if (!options.save.empty())
      INCEPT_RETURN_IF_ERROR(
          program.saveTensors(options.save, {"parameter", "state"}, {}, {{"incept.network", program.image().network}}));
    if (!options.plot.empty())
      INCEPT_RETURN_IF_ERROR(writeCurve(options.plot, program.image().network + " on " + options.data, curve));
    if (log && (std::fflush(log) != 0 || std::ferror(log)))
      return machineError("cannot write '" + options.log + "': is the disk full?");
    if (interrupted)
      return {Code::Interrupted, options.checkpointDirectory.empty()
                                     ? "interrupted; with --checkpoint-dir the training could be resumed"
                                     : "interrupted; continue with --resume"};
    return {};
  }

  Program &program;
  const TrainOptions &options;
  ImageSet images, test;
  int64_t batch = 1, stepsPerEpoch = 1, lastStep = 0, started = 0, orderEpoch = -1, recorded = 0;
  std::vector<uint32_t> order;
  Progress progress;
  double smoothLoss = 0, smoothAccuracy = 0;
  LearningCurve curve;
  FILE *log = nullptr;
};

} // namespace

Status train(Program &program, const TrainOptions &options) { return Trainer(program, options).run(); }

} // namespace incept
