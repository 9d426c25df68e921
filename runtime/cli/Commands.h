// SPDX-License-Identifier: Apache-2.0
//
// The commands of a compiled program. Each gets a loaded program and returns how it went.
#pragma once

#include "runtime/train/Trainer.h"

namespace incept {

/// Takes sentences for the user that are no errors.
using Note = std::function<void(const std::string &)>;

/// What the program is; needs no device.
Status runInfo(Program &program, bool json, bool memory);
/// Its own version, those of the formats that it reads and of the libraries that it uses.
Status runVersion(Program &program);
Status runInit(Program &program, uint64_t seed, const std::string &output);
Status runEval(Program &program, const std::string &data, const std::string &weights, bool json, const Note &note);

struct StepOptions {
  std::string weights, batch, output;
  int64_t steps = 1;
  uint64_t seed = 0;
};
/// Training steps on a given batch: writes loss, losses, logits, the new values and, if kept, the last gradients.
Status runStep(Program &program, const StepOptions &options);

struct PredictOptions {
  std::string weights, input, output;
  std::vector<std::string> images;
  int64_t top = 5;
  bool json = false;
};
/// Classifies `images` f32 (N,C,H,W) of a safetensors file, or JPEG and PNG files. Writes logits, or prints the most
/// probable classes of each.
Status runPredict(Program &program, const PredictOptions &options, const Note &note);
/// The `count` classes of the largest logits, or all where there are fewer. Equal ones are in the order of their
/// numbers, and what is no number comes last.
std::vector<int64_t> topClasses(const float *logits, int64_t classes, int64_t count);

struct BenchOptions {
  int64_t steps = 10;
  bool json = false;
  bool profile = false;  ///< measure the machine's peaks, time each launch, print tables
  bool launches = false; ///< with profile: the list of all launches too
  bool bound = false;    ///< after each step, time its convolutions alone
  bool paced = false;    ///< before each step, wait for a line of standard input; report every step
};
/// Times steps on synthetic images.
Status runBench(Program &program, const BenchOptions &options);

} // namespace incept
