// SPDX-License-Identifier: Apache-2.0
//
// Runs a compiled CUDA program, unchanged, on a machine without a GPU: the program opens libcuda.so.1 and
// libcudnn.so.9, and finds those of the simulator. Everything else is the program's own. This launcher sets the
// environment and is replaced by the program, whose exit status is therefore that of the command.
#include "runtime/program/ProgramFormat.h"
#include "runtime/support/Version.h"
#include "tools/incept-sim/driver/Profile.h"
#include "tools/incept-sim/driver/ProgramFile.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <unistd.h>

namespace fs = std::filesystem;
using namespace incept;

namespace {

struct Arguments {
  std::string device, check, schedule, cudnn, refusedEngines, injected, report;
  int threads = 0;
  uint64_t workspaceExtra = 0;
  bool strict = false, refusePlans = false, statistics = false;
  std::vector<std::string> program;
};

/// The folder of the simulator's libraries, beside the folder of this executable.
fs::path libraryFolder() { return fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "lib/incept-sim"; }

Status checkLibraries(const fs::path &folder) {
  for (const char *name : {"libcuda.so.1", "libcudnn.so.9"})
    if (!fs::exists(folder / name))
      return machineError("the simulator's " + std::string(name) + " is not in " + folder.string());
  return {};
}

/// The path of a profile: a file, or the name of one in the folder of profiles.
Expected<std::string> findProfile(const std::string &device, const fs::path &folder) {
  fs::path path = device.find('/') != std::string::npos || device.ends_with(".json")
                      ? fs::path(device)
                      : folder / "devices" / (device + ".json");
  std::ifstream file(path);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file) {
    std::string known;
    std::error_code ignored;
    for (const auto &entry : fs::directory_iterator(folder / "devices", ignored))
      known += (known.empty() ? "" : ", ") + entry.path().stem().string();
    return usageError("no device profile '" + device + "'; there are: " + known + ", or give a .json file");
  }
  Expected<sim::Profile> profile = sim::parseProfile(text);
  if (!profile)
    return inputError(path.string() + ": " + profile.status().message());
  return fs::absolute(path).string();
}

/// What the image says, where the command line does not.
Status completeFrom(const sim::ProgramFile &program, Arguments &arguments) {
  if (program.kind != "cuda")
    return inputError("the program is for target '" + program.kind + "': run it without incept-sim");
  if (arguments.device.empty())
    arguments.device = program.device;
  if (arguments.cudnn.empty())
    arguments.cudnn = program.cudnn;
  if (arguments.device.empty() || sim::parseCudnnVersion(arguments.cudnn) < 0)
    return inputError("the program does not tell its device and cuDNN version: give --device and --cudnn");
  return {};
}

/// What --strict stands for, where nothing else is said.
void completeChecks(Arguments &arguments) {
  if (arguments.check.empty())
    arguments.check = arguments.strict ? "all" : "memory";
  if (arguments.schedule.empty())
    arguments.schedule = arguments.strict ? "random:1" : "early";
}

/// Sets the environment and becomes the program.
Status start(Arguments &arguments) {
  fs::path folder = libraryFolder();
  INCEPT_RETURN_IF_ERROR(checkLibraries(folder));
  const std::string &path = arguments.program.front();
  // Any executable may be run, such as a test of CUDA's functions, but then the device must be given.
  Expected<sim::ProgramFile> program = sim::readProgramFile(path);
  Status complete = program                    ? completeFrom(*program, arguments)
                    : arguments.device.empty() ? program.status()
                                               : Status();
  if (!complete.ok())
    return complete;
  Expected<std::string> profile = findProfile(arguments.device, folder);
  if (!profile)
    return profile.status();
  completeChecks(arguments);
  if (!arguments.report.empty()) {
    // Also where the program goes to another folder; and an old one is not taken for this run's.
    arguments.report = fs::absolute(arguments.report).string();
    std::ofstream file(arguments.report);
    if (!file)
      return inputError("cannot write '" + arguments.report + "': " + strerror(errno));
  }

  const char *present = getenv("LD_LIBRARY_PATH"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  std::string search = folder.string() + (present && *present ? std::string(":") + present : "");
  const std::pair<const char *, std::string> variables[] = {
      {"LD_LIBRARY_PATH", search},
      {"INCEPT_CUDNN_DIR", folder.string()},
      // Plans that the simulated cuDNN has built must not meet a real one.
      {"XDG_CACHE_HOME",
       (cache && *cache ? fs::path(cache) : fs::path(home ? home : "/tmp") / ".cache") / "incept-sim"},
      {sim::kDeviceVariable, *profile},
      {sim::kCheckVariable, arguments.check},
      {sim::kPlansVariable, arguments.refusePlans ? "refuse" : "load"},
      {sim::kScheduleVariable, arguments.schedule},
      {sim::kStatisticsVariable, arguments.statistics ? "1" : "0"},
      {sim::kThreadsVariable, std::to_string(arguments.threads)},
      {sim::kProgramVariable, program ? fs::absolute(path).string() : ""},
      {sim::kCudnnVariable, arguments.cudnn},
      {sim::kWorkspaceVariable, std::to_string(arguments.workspaceExtra)},
      {sim::kEnginesVariable, arguments.refusedEngines},
      {sim::kInjectVariable, arguments.injected},
      {sim::kReportVariable, arguments.report},
  };
  for (const auto &[name, value] : variables)
    setenv(name, value.c_str(), 1);
  setenv("OMP_WAIT_POLICY", "passive", 0); // oneDNN's threads leave the processors to the interpreter's

  std::vector<char *> argv;
  for (std::string &argument : arguments.program)
    argv.push_back(argument.data());
  argv.push_back(nullptr);
  execv(path.c_str(), argv.data());
  return inputError("cannot run '" + path + "': " + strerror(errno));
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app("incept-sim [OPTIONS] PROGRAM ARGS...: runs a compiled CUDA program on a simulated device.",
               "incept-sim");
  app.set_version_flag("--version", std::string("incept-sim ") + version() + "\nprogram image " +
                                        std::to_string(program::kFormatVersion));
  Arguments arguments;
  app.add_option("--device", arguments.device, "name of a device profile, or a .json file; default: the program's own");
  app.add_option("--cudnn", arguments.cudnn, "version of cuDNN, such as 9.19.0; default: the program's own");
  app.add_flag("--strict", arguments.strict, "--check=all --schedule=random:1");
  app.add_option(
         "--check", arguments.check,
         "memory (default): bounds, lifetimes and unwritten bytes; all: also races, values whose life has ended, "
         "and where values stop being finite; none: faster")
      ->check(CLI::IsMember({"all", "memory", "none"}));
  app.add_option(
         "--schedule", arguments.schedule,
         "early (default): work runs when it is issued; late: not before something waits for it; random:SEED: at "
         "any moment that streams and events allow")
      ->check([](const std::string &text) {
        sim::Schedule schedule;
        uint64_t seed = 0;
        return sim::parseSchedule(text, schedule, seed) ? "" : "expected early, late or random:SEED, but got " + text;
      });
  app.add_option("--inject", arguments.injected,
                 "errors of the machine, with commas between: oom:N, launch-fail:N, copy-fail:N (the N-th allocation, "
                 "launch, copy fails), sticky:N (the N-th piece of work, and everything after it), cudnn-mismatch, "
                 "driver-old, no-device")
      ->check([](const std::string &text) {
        sim::Injected injected;
        return sim::parseInjected(text, injected) ? "" : "no such errors: " + text;
      });
  app.add_option("--report", arguments.report, "a JSON file of what each launch did, written at the end");
  app.add_option("--threads", arguments.threads, "host threads that run kernels; 0: one per processor")
      ->check(CLI::Range(0, 1024));
  app.add_flag("--refuse-plans", arguments.refusePlans, "stored cuDNN plans do not load, so that they are rebuilt");
  app.add_option("--workspace-extra", arguments.workspaceExtra,
                 "bytes that rebuilt plans need beside those that were planned");
  app.add_option("--refuse-engines", arguments.refusedEngines,
                 "numbers of engines, with commas between, that cuDNN does not build plans with");
  app.add_flag("--stats", arguments.statistics, "time by kernel and library call, on stderr at the end");
  app.prefix_command(); // what follows the program's name is the program's
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    std::ostringstream text;
    if (app.exit(error, text, std::cerr) != 0)
      return int(Code::Usage);
    if (fputs(text.str().c_str(), stdout) >= 0 && fflush(stdout) == 0)
      return 0;
    fprintf(stderr, "incept-sim: error: cannot write the standard output: %s\n", strerror(errno));
    return int(Code::Machine);
  }
  arguments.program = app.remaining();
  if (arguments.program.empty() || arguments.program.front().starts_with('-')) {
    fprintf(stderr, "incept-sim: error: expected a program to run\n%s", app.help().c_str());
    return int(Code::Usage);
  }
  Status status = machineError("cannot start the program");
  try {
    status = start(arguments);
  } catch (const std::exception &error) {
    status = machineError(error.what());
  }
  fprintf(stderr, "incept-sim: error: %s\n", status.message().c_str());
  return int(status.code());
}
