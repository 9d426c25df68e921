// SPDX-License-Identifier: Apache-2.0
//
// The program that every compiled network is: command lines, nothing else.

#include "runtime/cli/Commands.h"
#include "runtime/cli/Stub.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <unistd.h>

using namespace incept;

namespace {

/// Everything the command line can say.
struct Arguments {
  bool json = false, memory = false;
  std::string data, weights, output;
  uint64_t seed = 0;
  TrainOptions train;
  StepOptions step;
  PredictOptions predict;
  BenchOptions bench;
  std::vector<std::string> settings;
};

void addTrain(CLI::App &app, Arguments &a) {
  CLI::App *command = app.add_subcommand("train", "train on images");
  command->add_option("--data", a.train.data, "idx:DIR or synthetic:")->required();
  auto *epochs = command->add_option("--epochs", a.train.epochs, "passes over the images")->check(CLI::PositiveNumber);
  command->add_option("--steps", a.train.steps, "updates")->check(CLI::PositiveNumber)->excludes(epochs);
  command->add_option("--seed", a.train.seed, "seed of weights, order and dropout");
  command->add_option("--checkpoint-dir", a.train.checkpointDirectory, "directory for step-N.safetensors");
  command->add_flag("--resume", a.train.resume, "continue from the newest checkpoint");
  command->add_option("--weights", a.train.weights, "weights to start from");
  command->add_option("--save", a.train.save, "file for the final weights");
  command->add_option("--log", a.train.log, "JSON lines, one per step");
  command->add_option("--plot", a.train.plot, "SVG file for the learning curve");
  command->add_option("--set", a.settings, "KEY=VALUE, a hyper-parameter")->allow_extra_args(false);
}

void addOthers(CLI::App &app, Arguments &a) {
  CLI::App *info = app.add_subcommand("info", "what this program is");
  info->add_flag("--json", a.json, "as JSON");
  info->add_flag("--memory", a.memory, "where each tensor lies");
  CLI::App *init = app.add_subcommand("init", "write initial weights");
  init->add_option("--seed", a.seed, "seed");
  init->add_option("--output", a.output, "safetensors file")->required();
  CLI::App *eval = app.add_subcommand("eval", "accuracy on the test images");
  eval->add_option("--data", a.data, "idx:DIR or synthetic:")->required();
  eval->add_option("--weights", a.weights, "safetensors file")->required();
  eval->add_flag("--json", a.json, "as JSON");
  CLI::App *predict = app.add_subcommand("predict", "classify images");
  predict->add_option("--weights", a.predict.weights, "safetensors file")->required();
  auto *images = predict->add_option("images", a.predict.images, "JPEG and PNG files");
  predict->add_option("--input", a.predict.input, "safetensors file with images f32 (N,C,H,W)")->excludes(images);
  predict->add_option("--output", a.predict.output, "safetensors file for logits");
  predict->add_option("--top", a.predict.top, "classes to print")->check(CLI::PositiveNumber)->capture_default_str();
  predict->add_flag("--json", a.predict.json, "a line of JSON per image");
  CLI::App *step = app.add_subcommand("step", "training steps on a given batch");
  step->add_option("--weights", a.step.weights, "safetensors file")->required();
  step->add_option("--batch", a.step.batch, "safetensors file with images f32 (N,C,H,W), labels i64 (N)")->required();
  step->add_option("--output", a.step.output, "safetensors file")->required();
  step->add_option("--steps", a.step.steps, "how many")->check(CLI::Range(int64_t(1), int64_t(1000000)));
  step->add_option("--seed", a.step.seed, "seed of dropout");
  step->add_option("--set", a.settings, "KEY=VALUE, a hyper-parameter")->allow_extra_args(false);
  CLI::App *bench = app.add_subcommand("bench", "time steps on synthetic images");
  bench->add_option("--steps", a.bench.steps, "how many")
      ->check(CLI::Range(int64_t(1), int64_t(1000000)))
      ->capture_default_str();
  bench->add_flag("--json", a.bench.json, "as JSON");
  auto *profile = bench->add_flag("--profile", a.bench.profile, "time of launches against the machine's peaks");
  bench->add_flag("--launches", a.bench.launches, "with --profile: list every launch")->needs(profile);
  bench->add_flag("--bound", a.bench.bound, "time the step's convolutions alone too");
  bench->add_flag("--paced", a.bench.paced, "wait for a line of standard input before each step, report each");
}

Status dispatch(CLI::App &app, Arguments &a) {
  auto program = Program::load("/proc/self/exe", stubBackend());
  if (!program)
    return program.status();
  for (const std::string &setting : a.settings)
    INCEPT_RETURN_IF_ERROR((*program)->hyperparameters().set(setting));
  std::string command = app.get_subcommands().front()->get_name();
  if (command == "info")
    return runInfo(**program, a.json, a.memory);
  INCEPT_RETURN_IF_ERROR((*program)->prepareDevice());
  if (std::string note = (*program)->device().note(); !note.empty())
    std::fprintf(stderr, "%s: note: %s\n", app.get_name().c_str(), note.c_str());
  if (command == "train") {
    if ((*program)->image().mode != "train")
      return usageError("the program was compiled with --mode=infer: it cannot train");
    return train(**program, a.train);
  }
  if (command == "init")
    return runInit(**program, a.seed, a.output);
  if (command == "eval")
    return runEval(**program, a.data, a.weights, a.json);
  if (command == "predict")
    return runPredict(**program, a.predict);
  if (command == "step")
    return runStep(**program, a.step);
  return runBench(**program, a.bench);
}

} // namespace

int main(int argc, char **argv) {
  const char *slash = std::strrchr(argv[0], '/');
  std::string name = slash ? slash + 1 : argv[0];
  CLI::App app("a network compiled by incept", name);
  app.require_subcommand(1);
  Arguments arguments;
  addTrain(app, arguments);
  addOthers(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0)
      return app.exit(error);
    std::fprintf(stderr, "%s: error: %s; run %s --help\n", name.c_str(), error.what(), name.c_str());
    return static_cast<int>(Code::Usage);
  }
  Status status;
  try {
    status = dispatch(app, arguments);
  } catch (const std::bad_alloc &) {
    status = machineError("out of memory");
  }
  if (!status.ok())
    std::fprintf(stderr, "%s: error: %s\n", name.c_str(), status.message().c_str());
  return static_cast<int>(status.code());
}
