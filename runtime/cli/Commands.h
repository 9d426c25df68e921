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
/// The machine's devices, and which of them run the program.
Status runInfoDevices(Program &program, bool json);
/// Its own version, those of the formats that it reads and of the libraries that it uses.
Status runVersion(Program &program);
Status runInit(Program &program, uint64_t seed, const std::string &output);
struct EvalOptions {
  std::string data, weights;
  std::string protocol;            ///< KIND,KEY=VALUE,... in place of the description's
  std::string perClass, confusion; ///< files for a table of classes (CSV), and which are taken for which (CSV or PNG)
  bool json = false;
  int inputThreads = kChooseThreads;
  int64_t maxBadImages = 100;
};
/// Accuracy and loss on the test images.
Status runEval(Program &program, const EvalOptions &options, const Note &note);
/// Takes a protocol of a command line; nothing where it is empty.
Status chooseEvaluation(Program &program, const std::string &text);

struct StepOptions {
  std::string weights, batch, output;
  int64_t steps = 1;
  uint64_t seed = 0;
};
/// Training steps on a given batch: writes loss, losses, logits, the new values and, if kept, the last gradients.
Status runStep(Program &program, const StepOptions &options);

struct PredictOptions {
  std::string weights, input, output, protocol;
  std::vector<std::string> images;
  int64_t top = 5;
  bool json = false;
  bool average = false; ///< with the averages of weights that the file has
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
  bool profile = false;    ///< measure the machine's peaks, time each launch, print tables
  bool launches = false;   ///< with profile: the list of all launches too
  bool bound = false;      ///< after each step, time its convolutions alone
  bool checkpoint = false; ///< after each step, time the copy that a checkpoint makes
  bool paced = false;      ///< before each step, wait for a line of standard input; report every step
};
/// Times steps on synthetic images.
Status runBench(Program &program, const BenchOptions &options);

/// Which data `bench --data` and `look` read, and how.
struct InputOptions {
  std::string data, augment, output;
  int64_t batches = 0; ///< 0: for about 10 seconds
  int64_t images = 32; ///< of look
  uint64_t seed = 0;
  int inputThreads = kChooseThreads;
  int64_t maxBadImages = 100;
  bool json = false, evaluation = false; ///< as in evaluation
};
/// Times the input pipeline alone. Needs no device.
Status runInputBench(Program &program, const InputOptions &options, const Note &note);
/// Writes a sheet of training images as the network sees them, with their labels. Needs no device.
Status runLook(Program &program, const InputOptions &options, const Note &note);

} // namespace incept
