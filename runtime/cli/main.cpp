// SPDX-License-Identifier: Apache-2.0
//
// The program that every compiled network is: command lines, nothing else.

#include "runtime/cli/Commands.h"
#include "runtime/device/Stub.h"
#include "runtime/support/Text.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <iostream>
#include <unistd.h>

using namespace incept;

namespace {

/// Beyond this a double does not count steps exactly.
constexpr int64_t kMaxSteps = int64_t(1) << 53;

/// Everything the command line can say.
struct Arguments {
  bool json = false, memory = false, devices = false, version = false;
  int device = 0;
  std::string output;
  uint64_t seed = 0;
  TrainOptions train;
  StepOptions step;
  PredictOptions predict;
  BenchOptions bench;
  EvalOptions eval;
  InputOptions input;
  std::vector<std::string> settings, line;
};

/// Checks of options: a sentence where the text is not such a number.
auto wholeNumber(int64_t low, int64_t high) {
  return [low, high](const std::string &text) {
    int64_t value = 0;
    return readInteger(text, low, high, value) ? std::string()
                                               : "expected a whole number of " + std::to_string(low) +
                                                     (high < kMaxSteps    ? " to " + std::to_string(high)
                                                      : high == kMaxSteps ? " to 2^53"
                                                                          : " or more") +
                                                     ", but got '" + text + "'";
  };
}

std::string checkSeed(const std::string &text) {
  uint64_t value = 0;
  return readInteger(text, value) ? "" : "expected a whole number of 0 to 2^64-1, but got '" + text + "'";
}

std::string checkPositive(const std::string &text) {
  double value = 0;
  return readNumber(text, value) && value > 0 ? "" : "expected a number above 0, but got '" + text + "'";
}

constexpr const char *kDataHelp = "folder:DIR, webdataset:PATTERN, cifar:DIR, idx:DIR or synthetic:";

/// Options of everything that reads many images.
void addInput(CLI::App &command, int &threads, int64_t &maxBadImages) {
  command
      .add_option("--input-threads", threads,
                  "threads that make images; one for each processor where this is not given")
      ->check(wholeNumber(0, 1024));
  command.add_option("--max-bad-images", maxBadImages, "more damaged images are an error")
      ->check(wholeNumber(0, kMaxSteps))
      ->capture_default_str();
}

/// Which of a machine's devices. CUDA_VISIBLE_DEVICES says which there are, also by UUID.
void addDevice(CLI::App &command, int &device) {
  command.add_option("--device", device, "which of the machine's devices: info --devices lists them")
      ->check(wholeNumber(0, 1023))
      ->capture_default_str();
}

/// What a command will ask of the device.
DeviceUse useOf(const std::string &command, const program::Image &image, int ordinal) {
  bool trains = image.mode == "train";
  DeviceUse use;
  use.trains = command == "train" || command == "step" || (command == "bench" && trains);
  use.infers = command == "train" || command == "eval" || command == "predict" || (command == "bench" && !trains);
  use.ordinal = ordinal;
  use.reports = true;
  return use;
}

void addTrain(CLI::App &app, Arguments &a) {
  CLI::App *command = app.add_subcommand("train", "train on images");
  addDevice(*command, a.device);
  command->add_option("--data", a.train.data, kDataHelp)->required();
  auto *fraction = command->add_option("--val-fraction", a.train.valFraction, "share of the images that tests")
                       ->check(CLI::Range(1e-9, 0.999));
  command->add_option("--val-data", a.train.valData, "test images from elsewhere")->excludes(fraction);
  command->add_option("--augment", a.train.augment, "KIND,KEY=VALUE,... in place of the description's");
  addInput(*command, a.train.inputThreads, a.train.maxBadImages);
  auto *epochs = command->add_option("--epochs", a.train.epochs, "passes over the images")->check(checkPositive);
  command->add_option("--steps", a.train.steps, "updates")->check(wholeNumber(1, kMaxSteps))->excludes(epochs);
  command->add_option("--seed", a.train.seed, "seed of weights, order and dropout")->check(checkSeed);
  auto *folder = command->add_option("--checkpoint-dir", a.train.checkpointDirectory,
                                     "directory for step-N.safetensors, one run's alone");
  auto *resume = command->add_flag("--resume", a.train.resume, "continue from the newest checkpoint that is whole");
  command
      ->add_flag("--allow-changes", a.train.allowChanges, "resume although data or settings are not those of the run")
      ->needs(resume);
  command->add_flag("--overwrite", a.train.overwrite, "remove the directory's checkpoints and begin anew")
      ->needs(folder)
      ->excludes(resume);
  command->add_option("--checkpoint-steps", a.train.checkpointSteps, "a checkpoint every N steps, besides each epoch's")
      ->check(wholeNumber(1, kMaxSteps))
      ->needs(folder);
  command->add_option("--checkpoint-minutes", a.train.checkpointMinutes, "a checkpoint every so many minutes")
      ->check(checkPositive)
      ->needs(folder);
  command->add_option("--keep", a.train.keep, "keep the last N checkpoints and the best; 0: all")
      ->check(wholeNumber(0, kMaxSteps))
      ->needs(folder)
      ->capture_default_str();
  command
      ->add_option_function<std::string>(
          "--on-nonfinite", [&a](const std::string &text) { a.train.skipNonfinite = text == "skip"; },
          "a loss that is not finite: stop (the default), or skip the step")
      ->check(CLI::IsMember({"stop", "skip"}));
  command->add_option("--max-skipped", a.train.maxSkipped, "more steps in a row that are left out are an error")
      ->check(wholeNumber(0, kMaxSteps))
      ->capture_default_str();
  command->add_option("--weights", a.train.weights, "weights to start from");
  command->add_option("--save", a.train.save, "file for the final weights");
  command->add_option("--log", a.train.log, "JSON lines, one per step");
  command->add_option("--plot", a.train.plot, "SVG file for the learning curve");
  command->add_option("--set", a.settings, "KEY=VALUE, a hyper-parameter")->allow_extra_args(false);
}

void addOthers(CLI::App &app, Arguments &a) {
  CLI::App *info = app.add_subcommand("info", "what this program is");
  info->add_flag("--json", a.json, "as JSON");
  auto *memory = info->add_flag("--memory", a.memory, "where each tensor lies");
  info->add_flag("--devices", a.devices, "this machine's devices, and whether the program runs on them")
      ->excludes(memory);
  CLI::App *init = app.add_subcommand("init", "write initial weights");
  init->add_option("--seed", a.seed, "seed")->check(checkSeed);
  init->add_option("--output", a.output, "safetensors file")->required();
  CLI::App *eval = app.add_subcommand("eval", "accuracy on the test images");
  eval->add_option("--data", a.eval.data, kDataHelp)->required();
  eval->add_option("--weights", a.eval.weights, "safetensors file")->required();
  eval->add_option("--protocol", a.eval.protocol, "timm or tf, perhaps with ,crop=C,filter=F");
  eval->add_flag("--json", a.eval.json, "as JSON");
  eval->add_option("--per-class", a.eval.perClass, "CSV file: accuracy of each class");
  eval->add_option("--confusion", a.eval.confusion, "which classes are taken for which: a file .csv or .png");
  addInput(*eval, a.eval.inputThreads, a.eval.maxBadImages);
  CLI::App *predict = app.add_subcommand("predict", "classify images");
  predict->add_option("--weights", a.predict.weights, "safetensors file")->required();
  auto *images = predict->add_option("images", a.predict.images, "JPEG and PNG files");
  predict->add_option("--input", a.predict.input, "safetensors file with images f32 (N,C,H,W)")->excludes(images);
  predict->add_option("--protocol", a.predict.protocol, "timm or tf, perhaps with ,crop=C,filter=F");
  predict->add_option("--output", a.predict.output, "safetensors file for logits");
  predict->add_option("--top", a.predict.top, "classes to print")
      ->check(wholeNumber(1, kMaxSteps))
      ->capture_default_str();
  predict->add_flag("--average", a.predict.average, "with the averages of weights that a training has kept");
  predict->add_flag("--json", a.predict.json, "a line of JSON per image");
  CLI::App *step = app.add_subcommand("step", "training steps on a given batch");
  step->add_option("--weights", a.step.weights, "safetensors file")->required();
  step->add_option("--batch", a.step.batch, "safetensors file with images f32 (N,C,H,W), labels i64 (N)")->required();
  step->add_option("--output", a.step.output, "safetensors file")->required();
  step->add_option("--steps", a.step.steps, "how many")->check(wholeNumber(1, 1000000));
  step->add_option("--seed", a.step.seed, "seed of dropout")->check(checkSeed);
  step->add_option("--set", a.settings, "KEY=VALUE, a hyper-parameter")->allow_extra_args(false);
  CLI::App *bench = app.add_subcommand("bench", "time steps on synthetic images");
  bench->add_option("--steps", a.bench.steps, "how many")->check(wholeNumber(1, 1000000))->capture_default_str();
  bench->add_flag("--json", a.bench.json, "as JSON");
  bench->add_option("--data", a.input.data, "time the input of these data instead, for 10 seconds or so many batches");
  bench->add_option("--batches", a.input.batches, "with --data: how many")->check(wholeNumber(1, kMaxSteps));
  bench->add_option("--augment", a.input.augment, "with --data: KIND,KEY=VALUE,...");
  bench->add_flag("--evaluation", a.input.evaluation, "with --data: the test images, as in evaluation");
  addInput(*bench, a.input.inputThreads, a.input.maxBadImages);
  auto *profile = bench->add_flag("--profile", a.bench.profile, "time of launches against the machine's peaks");
  bench->add_flag("--launches", a.bench.launches, "with --profile: list every launch")->needs(profile);
  bench->add_flag("--bound", a.bench.bound, "time the step's convolutions alone too");
  for (CLI::App *command : {init, eval, predict, step, bench})
    addDevice(*command, a.device);
  bench->add_flag("--checkpoint", a.bench.checkpoint, "time the copy of a checkpoint after each step too");
  bench->add_flag("--paced", a.bench.paced, "wait for a line of standard input before each step, report each");
}

void addLook(CLI::App &app, Arguments &a) {
  CLI::App *look = app.add_subcommand("look", "write a sheet of training images as the network sees them");
  look->add_option("--data", a.input.data, kDataHelp)->required();
  look->add_option("-o,--output", a.input.output, "PNG file")->required();
  look->add_option("--images", a.input.images, "how many")->check(wholeNumber(1, 10000))->capture_default_str();
  look->add_option("--augment", a.input.augment, "KIND,KEY=VALUE,... in place of the description's");
  look->add_flag("--evaluation", a.input.evaluation, "the test images, as in evaluation");
  look->add_option("--protocol", a.eval.protocol, "of evaluation: timm or tf, perhaps with ,crop=C,filter=F");
  look->add_option("--seed", a.input.seed, "seed of order and augmentation")->check(checkSeed);
  addInput(*look, a.input.inputThreads, a.input.maxBadImages);
}

Status dispatch(const std::string &command, const std::string &name, Arguments &a) {
  auto program = Program::load("/proc/self/exe", stubBackend());
  if (!program)
    return program.status();
  if (a.version)
    return runVersion(**program);
  for (const std::string &setting : a.settings)
    INCEPT_RETURN_IF_ERROR((*program)->hyperparameters().set(setting));
  if (command == "info" && a.devices)
    return runInfoDevices(**program, a.json);
  if (command == "info")
    return runInfo(**program, a.json, a.memory);
  Note note = [&](const std::string &text) {
    std::fprintf(stderr, "%s: note: %s\n", name.c_str(), printable(text).c_str());
  };
  if (command == "bench" && !a.input.data.empty()) {
    a.input.json = a.bench.json;
    return runInputBench(**program, a.input, note);
  }
  if (command == "look") {
    INCEPT_RETURN_IF_ERROR(chooseEvaluation(**program, a.eval.protocol));
    return runLook(**program, a.input, note);
  }
  INCEPT_RETURN_IF_ERROR((*program)->prepareDevice(useOf(command, (*program)->image(), a.device)));
  if (std::string text = (*program)->device().note(); !text.empty())
    note(text);
  if (command == "train") {
    if ((*program)->image().mode != "train")
      return usageError("the program was compiled with --mode=infer: it cannot train");
    a.train.note = note;
    a.train.commandLine = a.line;
    return train(**program, a.train);
  }
  if (command == "init")
    return runInit(**program, a.seed, a.output);
  if (command == "eval")
    return runEval(**program, a.eval, note);
  if (command == "predict")
    return runPredict(**program, a.predict, note);
  if (command == "step")
    return runStep(**program, a.step);
  return runBench(**program, a.bench);
}

/// A file that is opened must not become the standard output of a process that was started without one: then writing
/// to it would go into the file. What is put there fails when it is used.
void holdStandardFiles() {
  for (int file : {0, 1, 2})
    if (::fcntl(file, F_GETFD) < 0 && errno == EBADF)
      (void)::open("/dev/null", file == 0 ? O_WRONLY : O_RDONLY);
}

/// What was printed has arrived, or the reader has what it wanted and is gone.
Status flushOutput() {
  errno = 0;
  std::cout.flush();
  if (std::fflush(stdout) == 0 && !std::ferror(stdout) && std::cout)
    return {};
  return machineError("cannot write to the standard output" +
                      (errno ? std::string(": ") + std::strerror(errno) : std::string())); // else it was before
}

/// Says what is wrong with the first argument where a command is expected.
Status checkCommand(const CLI::App &app, int argc, char **argv) {
  std::string known;
  bool isKnown = argc < 2 || *argv[1] == '-' || *argv[1] == '\0';
  for (const CLI::App *command : app.get_subcommands({})) {
    known += (known.empty() ? "" : ", ") + command->get_name();
    isKnown |= argc >= 2 && command->get_name() == argv[1];
  }
  if (argc < 2)
    return usageError("expected a command: " + known);
  return isKnown ? Status() : usageError("unknown command '" + std::string(argv[1]) + "': expected " + known);
}

} // namespace

int main(int argc, char **argv) {
  holdStandardFiles();
  std::signal(SIGXFSZ, SIG_IGN); // a limit of file sizes is an error of a write
  const char *path = argc > 0 ? argv[0] : "program", *slash = std::strrchr(path, '/');
  std::string name = slash ? slash + 1 : path;
  CLI::App app("a network compiled by incept", name);
  app.require_subcommand(0, 1);
  Arguments arguments;
  arguments.line.assign(argv, argv + argc);
  app.add_flag("--version", arguments.version, "which versions this is of and uses");
  addTrain(app, arguments);
  addOthers(app, arguments);
  addLook(app, arguments);
  Status status = checkCommand(app, argc, argv);
  try {
    if (status.ok())
      app.parse(argc, argv);
    auto commands = app.get_subcommands();
    if (status.ok() && commands.empty() && !arguments.version)
      status = usageError("expected a command");
    if (status.ok())
      status = dispatch(commands.empty() ? "" : commands.front()->get_name(), printable(name), arguments);
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0)
      (void)app.exit(error); // --help
    else
      status = usageError(error.what());
  } catch (const std::bad_alloc &) {
    status = machineError("out of memory");
  }
  if (Status written = flushOutput(); status.ok())
    status = written;
  if (!status.ok())
    std::fprintf(stderr, "%s: error: %s%s\n", printable(name).c_str(), printable(status.message()).c_str(),
                 status.code() == Code::Usage ? ("; run " + printable(name) + " --help").c_str() : "");
  return static_cast<int>(status.code());
}
