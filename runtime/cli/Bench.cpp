// SPDX-License-Identifier: Apache-2.0

#include "runtime/cli/Commands.h"
#include "runtime/cli/Profile.h"
#include "runtime/support/Philox.h"
#include "runtime/train/Checkpoint.h"
#include "runtime/train/CheckpointWriter.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace incept {

namespace {

using Clock = std::chrono::steady_clock;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Runs steps and holds their times, in seconds.
class Bench {
public:
  Bench(Program &program, const BenchOptions &options) : program(program), image(program.image()), options(options) {}

  Status run() {
    INCEPT_RETURN_IF_ERROR(prepare());
    INCEPT_RETURN_IF_ERROR(timeStep(0)); // touches all memory
    first = steps.back();
    report(0);
    steps.clear();
    convolutions.clear();
    stepWork.clear();
    copies.clear();
    copyWork.clear();
    if (options.profile)
      program.device().startProfile(options.steps);
    for (int64_t step = 1; step <= options.steps && (!options.paced || waitForLine()); ++step) {
      INCEPT_RETURN_IF_ERROR(timeStep(step));
      report(step);
    }
    if (steps.empty())
      return {};
    uint64_t resident = program.device().peakResidentBytes(); // before the peaks' arrays
    Peaks peaks;
    if (options.profile) {
      auto measured = program.device().peaks();
      if (!measured)
        return measured.status();
      peaks = *measured;
    }
    summarise(peaks, resident);
    return {};
  }

private:
  Status prepare() {
    INCEPT_RETURN_IF_ERROR(program.initialize(0));
    fillBatch();
    return image.mode == "infer" ? program.prepareInference() : Status();
  }

  /// Fills each of the device's batches once, with random pixels and labels.
  void fillBatch() {
    uint8_t *pixels = program.u8Images();
    if (std::find(filled.begin(), filled.end(), pixels) != filled.end())
      return;
    PhiloxStream random(0, hashName("bench"));
    std::generate_n(pixels, image.batchSize * image.channels * image.height * image.width,
                    [&] { return static_cast<uint8_t>(random.next()); });
    std::generate_n(program.labels(), image.batchSize * image.labelsPerImage(),
                    [&] { return static_cast<int64_t>(random.below(image.classes)); });
    filled.push_back(pixels);
  }

  template <typename Body>
  static Status timed(std::vector<double> &times, Body body) {
    auto start = Clock::now();
    INCEPT_RETURN_IF_ERROR(body());
    times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    return {};
  }

  /// One step, or one inference: from the end of the one before it, where the device takes steps ahead.
  Status runStep(int64_t step, bool training) {
    bool alone = step == 0 || options.profile || options.bound || options.checkpoint || options.paced;
    int64_t end = alone ? step + 1 : std::min(step + int64_t(program.device().depth()), options.steps + 1);
    for (; started < end; ++started) {
      fillBatch();
      INCEPT_RETURN_IF_ERROR(training ? program.startTraining(started, 1000, 0)
                                      : program.device().start(Work::Infer, Input::U8));
    }
    return program.device().finish();
  }

  /// A step; then its convolutions alone.
  Status timeStep(int64_t step) {
    bool training = image.mode == "train";
    double before = processorTime();
    INCEPT_RETURN_IF_ERROR(timed(steps, [&] { return runStep(step, training); }));
    stepWork.push_back(processorTime() - before);
    if (options.checkpoint)
      INCEPT_RETURN_IF_ERROR(timeCheckpoint());
    if (!options.bound)
      return {};
    INCEPT_RETURN_IF_ERROR(fillArena());
    auto wanted = [&](const program::Launch &launch) { return isContraction(image, launch); };
    INCEPT_RETURN_IF_ERROR(timed(convolutions, [&] {
      return program.device().runOnly(training ? program::kForwardBackward : program::kInfer, wanted);
    }));
    return training ? Status() : program.prepareInference(); // its weights lie in the arena
  }

  /// Seconds of all threads.
  static double processorTime() {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
  }

  /// What a training waits for between two steps: the rest is a thread's.
  Status timeCheckpoint() {
    if (!values)
      values.reset(new std::byte[checkpointBytes(image)]);
    double before = processorTime();
    INCEPT_RETURN_IF_ERROR(
        timed(copies, [&] { return program.copyTensors(checkpointKinds(), values.get(), tensors); }));
    copyWork.push_back(processorTime() - before);
    return {};
  }

  /// Buffers take turns in the arena, so without the launches between them convolutions would read what was never
  /// their input; as floats that may be subnormal numbers, which slow some processors down.
  Status fillArena() {
    int index = image.findRegion(program::kArenaRegion);
    return index < 0 ? Status() : program.device().fill(index, 0.5f);
  }

  /// False at the end of standard input.
  static bool waitForLine() {
    int c = 0;
    while ((c = std::getchar()) != EOF)
      if (c == '\n')
        return true;
    return false;
  }

  void report(int64_t step) {
    if (!options.paced && (options.json || step == 0))
      return;
    if (options.json) {
      nlohmann::ordered_json line = {{"step", step}, {"step_ms", 1e3 * steps.back()}};
      if (options.bound)
        line["convolutions_ms"] = 1e3 * convolutions.back();
      std::printf("%s\n", line.dump().c_str());
    } else {
      std::printf("step %lld: %.1f ms", static_cast<long long>(step), 1e3 * steps.back());
      if (options.bound)
        std::printf(", convolutions alone %.1f ms", 1e3 * convolutions.back());
      if (image.mode == "train")
        std::printf(", loss %f", double(program.loss()));
      std::printf("\n");
    }
    std::fflush(stdout);
  }

  void summarise(const Peaks &peaks, uint64_t resident) {
    double step = median(steps), perSecond = double(image.batchSize) / step;
    std::vector<LaunchProfile> profile;
    if (options.profile)
      profile = collectProfile(program, peaks);
    if (options.json) {
      nlohmann::ordered_json result = {{"step_ms", 1e3 * step},
                                       {"first_step_ms", 1e3 * first},
                                       {"images_per_second", perSecond},
                                       {"peak_resident_bytes", resident},
                                       {"planned_bytes", image.peakBytes}};
      if (options.bound)
        result["convolutions_ms"] = 1e3 * median(convolutions);
      if (options.checkpoint) {
        result["step_processor_ms"] = 1e3 * median(stepWork);
        result["checkpoint_bytes"] = checkpointBytes(image);
        result["checkpoint_copy_ms"] = 1e3 * median(copies);
        result["checkpoint_copy_processor_ms"] = 1e3 * median(copyWork);
      }
      if (options.profile)
        result["profile"] = profileJson(profile, peaks);
      std::printf("%s\n", result.dump().c_str());
      return;
    }
    std::printf("median %.1f ms, %.1f images/s, peak resident %llu bytes, planned %llu bytes\n", 1e3 * step, perSecond,
                static_cast<unsigned long long>(resident), static_cast<unsigned long long>(image.peakBytes));
    if (options.bound)
      std::printf("convolutions alone: median %.1f ms; a step takes %.3f times as long\n", 1e3 * median(convolutions),
                  step / median(convolutions));
    if (options.checkpoint)
      std::printf("checkpoint: copy of %llu bytes, median %.1f ms, %.2f %% of a step; by processor time of all threads "
                  "%.2f %%\n",
                  static_cast<unsigned long long>(checkpointBytes(image)), 1e3 * median(copies),
                  100 * median(copies) / step, 100 * median(copyWork) / median(stepWork));
    if (options.profile)
      printProfile(profile, peaks, options.launches);
  }

  Program &program;
  const program::Image &image;
  const BenchOptions &options;
  std::vector<const uint8_t *> filled;
  int64_t started = 0; ///< steps
  std::vector<double> steps, convolutions;
  double first = 0;
  std::vector<double> stepWork, copies, copyWork; ///< processor time of steps; times of a checkpoint's copy
  std::unique_ptr<std::byte[]> values;            ///< of that copy
  std::vector<TensorToWrite> tensors;
};

} // namespace

Status runBench(Program &program, const BenchOptions &options) { return Bench(program, options).run(); }

} // namespace incept
