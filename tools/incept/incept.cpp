// SPDX-License-Identifier: Apache-2.0
//
// The driver: command lines, nothing else.

#include "runtime/device/cpu/OneDnn.h"
#include "tools/Output.h"
#include "tools/incept/Devices.h"
#include "tools/incept/Draw.h"
#include "tools/incept/Driver.h"
#include "tools/incept/LanguageServer.h"
#include "tools/incept/ProgramCache.h"
#include "tools/incept/Runs.h"
#include "tools/incept/SpecTools.h"
#include "tools/incept/Train.h"
#include "tools/incept/TuneCommand.h"
#include "tools/incept/Weights.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>
#include <sstream>

#include <optional>

using namespace incept;

namespace {

/// --set NAME=VALUE.
void addParameters(CLI::App *command, CompileOptions &options) {
  command->add_option_function<std::vector<std::string>>(
      "--set",
      [&options](const std::vector<std::string> &settings) {
        for (const std::string &setting : settings) {
          size_t equals = setting.find('=');
          if (equals == std::string::npos || equals == 0)
            throw CLI::ValidationError("--set", "expected NAME=VALUE, but got '" + setting + "'");
          options.parameters[setting.substr(0, equals)] = setting.substr(equals + 1);
        }
      },
      "give a parameter of the network a value, NAME=VALUE");
  command->add_option("-I,--import-path", options.importPaths, "folder in which imports are looked for")->expected(1);
  command->add_option("--network", options.network, "which network of a file that has several");
  command
      ->add_option_function<std::string>(
          "--diagnostics", [&options](const std::string &style) { options.jsonDiagnostics = style == "json"; },
          "how mistakes of the description are printed: text, or json, an object per line")
      ->check(CLI::IsMember({"text", "json"}))
      ->default_str("text");
}

/// Options that every command which reads a description has.
void addNetworkOptions(CLI::App *command, CompileOptions &options) {
  command->add_option("spec", options.spec, "architecture file")->required();
  command->add_option("--batch-size", options.batchSize, "images per step")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 20))
      ->capture_default_str();
  addParameters(command, options);
}

void addWeightsOptions(CLI::App *command, WeightsOptions &weights, CompileOptions &options) {
  command->add_option("input", weights.input, "safetensors file to read")->required();
  command->add_option("output", weights.output, "safetensors file to write")->required();
  command->add_option("--map", weights.map, "a file, or NAME for maps/NAME.json beside the description")->required();
  command->add_option("--spec", options.spec, "architecture file (default: the one that the map names)");
  command->add_flag("--reverse", weights.reverse, "from our names to the other library's");
  addParameters(command, options);
}

/// Options that every command which compiles has, if only to say what comes of it.
void addTargetOptions(CLI::App *command, CompileOptions &options) {
  command->add_option("--target", options.target, "cpu or cuda:DEVICE (incept devices)")->default_str("cpu");
  command->add_option("--cpu", options.cpu,
                      "processor to compile for, as LLVM calls it, e.g. x86-64-v3 (default: this machine's)");
  command->add_option("--precision", options.phases.precision, "of activations and of what is computed from them")
      ->check(CLI::IsMember({"f32", "bf16", "f16"}))
      ->capture_default_str()
      ->each([&options](const std::string &) { options.saysPrecision = true; });
  command->add_option("--threads", options.threads, "threads the program runs with (default: one per core)")
      ->check(CLI::Range(1, 1024));
  command
      ->add_option("--deterministic", options.deterministic,
                   "threads: the same bits whatever the number of threads; sums that depend on it run on one")
      ->check(CLI::IsMember({"threads"}));
  command->add_option(
      "--convolutions", options.convolutions,
      "CPU: fast (fewer multiplications where that is faster; the default), direct, or max-error=E (fast with that "
      "bound of the relative error)");
  command->add_flag("--tf32", options.tf32, "GPU, f32: let products be rounded to TF32");
  command->add_option("--workspace-limit", options.workspaceLimit, "GPU: MiB of workspace for each cuDNN call")
      ->check(CLI::Range(int64_t(0), int64_t(1) << 20))
      ->default_str("256");
  command
      ->add_option("--memory-budget", options.memoryBudget,
                   "MiB that a program may take before values are computed again to save memory; CPU: 0, GPU: nearly "
                   "all that the device has")
      ->check(CLI::Range(int64_t(0), int64_t(1) << 30));
  command->add_option("--plan-cache", options.planCache, "GPU: directory of finished cuDNN plans and of cubins");
  for (const RewriteFlag &rewrite : kRewriteFlags)
    command->add_flag(std::string("!") + rewrite.flag, options.phases.*rewrite.member, rewrite.help);
}

void addCompileOptions(CLI::App *command, CompileOptions &options) {
  addNetworkOptions(command, options);
  addTargetOptions(command, options);
  command->add_flag("--keep-gradients", options.keepGradients, "let `step` write the gradients");
}

void addDrawOptions(CLI::App *command, DrawOptions &drawing) {
  command->add_option("-o,--output", drawing.output, "file: .svg, .dot, .png or .pdf of the network; .html or .svg")
      ->required();
  command->add_option("--depth", drawing.network.depth, "levels of blocks that are opened (default: all)")
      ->check(CLI::Range(0, 64));
  command->add_flag("--all", drawing.network.all, "open each of several equal blocks in a row");
  auto what = [&drawing](DrawOptions::What kind) { return [&drawing, kind](int64_t) { drawing.what = kind; }; };
  CLI::Option *memory = command->add_flag_function("--memory", what(DrawOptions::What::Memory),
                                                   "the arena instead: offsets against time, coloured by block");
  command
      ->add_flag_function("--launches", what(DrawOptions::What::Launches),
                          "what is launched instead, and its least time where the device's peaks are known")
      ->excludes(memory);
}

/// An option that takes the name of a phase.
CLI::Option *addPhase(CLI::App *command, const std::string &name, std::optional<Phase> &phase, const char *help) {
  return command->add_option_function<std::string>(
      name,
      [name, &phase](const std::string &text) {
        phase = parsePhase(text);
        if (!phase)
          throw CLI::ValidationError(name, "expected graph, training, fused, layout, planned or exec, but got '" +
                                               text + "'");
      },
      help);
}

} // namespace

/// The command line's work; returns the exit status.
static int run(int argc, char **argv) {
  CLI::App app("incept: compiles descriptions of convolutional networks to programs that train them");
  app.require_subcommand(1);
  app.set_version_flag("--version",
                       [] { return versionText("incept") + "\noneDNN " + onednn::version() + "\n" + cudnnVersion(); });
  CompileOptions options;

  CLI::App *compileCommand = app.add_subcommand("compile", "compile a network to an executable");
  addCompileOptions(compileCommand, options);
  compileCommand->add_option("-o,--output", options.output,
                             "executable or shared library, or IR with --stop-after (default: -)");
  compileCommand->add_option("--mode", options.mode, "train or infer")
      ->check(CLI::IsMember({"train", "infer"}))
      ->capture_default_str();
  compileCommand->add_option("--dump-after-each", options.dumpDirectory, "directory for the IR after each phase");
  compileCommand
      ->add_option(
          "--emit", options.emit,
          "write a shared-library with a C interface instead (incept.h), or a part of the executable: object, ptx, "
          "cubin or plans")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(kEmitKinds), std::end(kEmitKinds))));
  compileCommand->add_option("--stub", options.stub, "runtime executable to use");
  compileCommand->add_flag("--explain", options.explain,
                           "print the library implementation of each op, and which launches are one or stay apart");
  CLI::Option *stopAfter =
      addPhase(compileCommand, "--stop-after", options.stopAfter, "write the IR of a phase instead of an executable");
  compileCommand
      ->add_option("--only", options.only, "of that IR, write the ops of one block, by its path, and what they use")
      ->needs(stopAfter);
  CLI::Option *from = addPhase(compileCommand, "--from", options.from, "go on from the IR that a phase was printed as");
  for (const char *settled : {"--batch-size", "--set", "--mode", "--keep-gradients"}) // the IR says it
    from->excludes(compileCommand->get_option(settled));

  CLI::App *checkCommand = app.add_subcommand("check", "report the mistakes in architecture files");
  std::vector<std::string> specs;
  checkCommand->add_option("specs", specs, "architecture files")->required();
  addParameters(checkCommand, options);

  CLI::App *formatCommand = app.add_subcommand("format", "write architecture files anew in the one style");
  bool checkFormat = false;
  formatCommand->add_option("specs", specs, "architecture files in the text form")->required();
  formatCommand->add_flag("--check", checkFormat, "only name those that are not in it");

  CLI::App *convertCommand = app.add_subcommand("convert", "write an architecture file in the other form");
  convertCommand->add_option("input", options.spec, "architecture file, .incept or .json")->required();
  convertCommand->add_option("-o,--output", options.output, "file to write, .incept or .json (default: -)");

  CLI::App *newCommand = app.add_subcommand("new", "write an architecture file to begin with");
  std::string newName;
  newCommand->add_option("name", newName, "name of the network; NAME.incept is written")->required();

  CLI::App *schemaCommand = app.add_subcommand("schema", "print the JSON Schema of descriptions");

  CLI::App *summaryCommand = app.add_subcommand("summary", "print layers, parameters and multiply-accumulates");
  SummaryOptions summary;
  addNetworkOptions(summaryCommand, options);
  addTargetOptions(summaryCommand, options);
  summaryCommand->add_flag("--json", summary.json, "as JSON");
  summaryCommand->add_option("--depth", summary.depth, "levels of blocks that the table opens (default: all)")
      ->check(CLI::Range(1, 64));
  summaryCommand->add_flag("--memory", options.phases.reportPeak, "list who is alive when most memory is needed");

  CLI::App *drawCommand = app.add_subcommand("draw", "draw the network, or its memory or launches");
  DrawOptions drawing;
  addNetworkOptions(drawCommand, options);
  addTargetOptions(drawCommand, options);
  addDrawOptions(drawCommand, drawing);

  CLI::App *trainCommand =
      app.add_subcommand("train", "compile into a cache, then train; further options are the program's");
  addCompileOptions(trainCommand, options);
  trainCommand->allow_extras();

  CLI::App *weightsCommand =
      app.add_subcommand("weights", "rename the weights of another library to ours, or back with --reverse");
  WeightsOptions weights;
  addWeightsOptions(weightsCommand, weights, options);

  CLI::App *cacheCommand =
      app.add_subcommand("cache", "list what is kept: compiled programs, plans, cubins, costs and indices of shards");
  bool clear = false;
  cacheCommand->add_flag("--clear", clear, "remove them");

  std::string runFolder, plotOutput;
  std::vector<std::string> plotted;
  CLI::App *runsCommand = app.add_subcommand("runs", "list trainings side by side");
  runsCommand->add_option("directory", runFolder, "folder with the folders of runs, or one of them")->required();
  CLI::App *plotCommand = app.add_subcommand("plot", "draw the learning curves of runs in one picture");
  plotCommand->add_option("runs", plotted, "folders of runs, or their logs")->required();
  plotCommand->add_option("-o,--output", plotOutput, "SVG file")->required();
  CLI::App *devicesCommand = app.add_subcommand("devices", "list what there is to compile for");

  CLI::App *tuneCommand = app.add_subcommand("tune", "measure what convolutions take here, for later compilations");
  bool tuneVerbose = false, tuneOnlyPrint = false;
  tuneCommand->add_option("--cpu", options.cpu, "processor to compile for, as LLVM calls it (default: this machine's)");
  tuneCommand->add_flag("--verbose", tuneVerbose, "print each convolution that is measured");
  tuneCommand->add_flag("--print", tuneOnlyPrint, "print the costs and keep nothing");

  CLI::App *lspCommand = app.add_subcommand("lsp", "speak the Language Server Protocol with an editor");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0) {
      std::ostringstream text;
      app.exit(error, text, text);
      llvm::outs() << text.str();
      return kDone;
    }
    llvm::errs() << "incept: error: " << error.what() << "; run incept --help\n";
    return kUsage;
  }
  if (compileCommand->parsed())
    return compile(options);
  if (checkCommand->parsed())
    return checkSpecs(specs, options);
  if (formatCommand->parsed())
    return formatSpecs(specs, checkFormat);
  if (convertCommand->parsed())
    return convertSpec(options.spec, options.output);
  if (newCommand->parsed())
    return newSpec(newName);
  if (schemaCommand->parsed())
    return printSchema();
  if (summaryCommand->parsed())
    return summarize(options, std::move(summary));
  if (drawCommand->parsed())
    return draw(options, drawing);
  if (cacheCommand->parsed())
    return manageCaches(clear);
  if (devicesCommand->parsed())
    return listDevices();
  if (tuneCommand->parsed())
    return tune(options.cpu, tuneVerbose, !tuneOnlyPrint);
  if (lspCommand->parsed())
    return serveEditor();
  if (runsCommand->parsed())
    return listRuns(runFolder);
  if (plotCommand->parsed())
    return plotRuns(plotted, plotOutput);
  if (weightsCommand->parsed())
    return convertWeights(weights, options);
  return train(options, trainCommand->remaining());
}

int main(int argc, char **argv) {
  prepareTool("incept");
  return finishOutput(run(argc, argv), "incept");
}
