// SPDX-License-Identifier: Apache-2.0

#include "runtime/cli/Commands.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <sys/resource.h>

namespace incept {

using Clock = std::chrono::steady_clock;

/// One step on the batch that is staged, or one inference.
static Status once(Program &program, int64_t step) {
  return program.image().mode == "train" ? program.trainStep(step, 1000, 0) : program.inferU8();
}

static int64_t peakResidentBytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return int64_t(usage.ru_maxrss) * 1024;
}

/// Time per kernel or primitive, largest first.
static void printProfile(Program &program, int64_t steps) {
  struct Row {
    double seconds = 0;
    int64_t launches = 0;
  };
  std::map<std::string, Row> rows;
  double total = 0;
  for (const auto &[name, launches] : program.image().entries) {
    const auto &times = program.device().profile(name);
    for (size_t i = 0; i < launches.size(); ++i) {
      if (times[i].runs == 0)
        continue;
      const program::Launch &launch = launches[i];
      Row &row = rows[launch.isKernel
                          ? program.image().kernels[launch.index]
                          : program.image().plans[launch.index].kind + " " + program.image().plans[launch.index].impl];
      row.seconds += times[i].seconds;
      ++row.launches;
      total += times[i].seconds;
    }
  }
  std::vector<std::pair<std::string, Row>> sorted(rows.begin(), rows.end());
  std::sort(sorted.begin(), sorted.end(), [](auto &a, auto &b) { return a.second.seconds > b.second.seconds; });
  std::printf("%10s %7s %9s  %s\n", "ms/step", "share", "launches", "kernel or primitive");
  for (const auto &[name, row] : sorted)
    std::printf("%10.3f %6.1f%% %9lld  %s\n", 1e3 * row.seconds / double(steps), 100 * row.seconds / total,
                static_cast<long long>(row.launches), name.c_str());
}

Status runBench(Program &program, const BenchOptions &options) {
  INCEPT_RETURN_IF_ERROR(program.initialize(0));
  auto images = loadImages("synthetic:", Split::Train, program.imageShape());
  if (!images)
    return images.status();
  const program::Image &image = program.image();
  for (int64_t row = 0; row < image.batchSize; ++row) {
    std::memcpy(program.u8Images() + row * images->imageBytes(), images->image(row % images->count),
                images->imageBytes());
    program.labels()[row] = images->labels8[row % images->count];
  }
  if (image.mode == "infer")
    INCEPT_RETURN_IF_ERROR(program.prepareInference());
  INCEPT_RETURN_IF_ERROR(once(program, 0)); // the first touches all memory
  if (options.profile)
    program.device().startProfile();
  std::vector<double> times;
  for (int64_t step = 0; step < options.steps; ++step) {
    auto start = Clock::now();
    INCEPT_RETURN_IF_ERROR(once(program, step + 1));
    times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    if (!options.json)
      std::printf("step %lld: %.1f ms%s\n", static_cast<long long>(step + 1), 1e3 * times.back(),
                  image.mode == "train" ? (", loss " + std::to_string(program.loss())).c_str() : "");
    std::fflush(stdout);
  }
  std::sort(times.begin(), times.end());
  double median = times[times.size() / 2];
  std::printf(options.json ? "{\"step_ms\":%.3f,\"images_per_second\":%.3f,\"peak_resident_bytes\":%lld,"
                             "\"planned_bytes\":%lld}\n"
                           : "median %.1f ms, %.1f images/s, peak resident %lld bytes, planned %lld bytes\n",
              1e3 * median, double(image.batchSize) / median, static_cast<long long>(peakResidentBytes()),
              static_cast<long long>(image.peakBytes));
  if (options.profile)
    printProfile(program, options.steps);
  return {};
}

} // namespace incept
