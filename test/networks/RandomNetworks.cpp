// SPDX-License-Identifier: Apache-2.0
//
// Random networks, each compiled with some rewrites on and some off, and one training step and an inference of it on
// the CPU compared with the f64 interpreter.
//
//   incept-random-networks [--count=N] [--seed=FIRST] [--jobs=N] [--print]
//
// Network number i has seed FIRST + i and is the same everywhere: `--seed=S --count=1 --print` shows the one of a
// report.

#include "dialect/EntryPoints.h"
#include "dialect/reference/Interpreter.h"
#include "frontend/Frontend.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Phases.h"
#include "passes/Target.h"
#include "runtime/device/cpu/CpuDevice.h"
#include "runtime/train/Program.h"
#include "test/networks/EmitImage.h"
#include "test/networks/RandomNetwork.h"
#include "test/runtime/TinyProgram.h"
#include "tools/Registration.h"
#include "llvm/Support/raw_ostream.h"

#include <atomic>
#include <cmath>
#include <cstring>
#include <random>
#include <set>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace mlir;

namespace incept::test {

namespace {

/// The command line. Not options of LLVM's: the linker inside a compilation sets those back.
struct Settings {
  int count = 200;    ///< networks
  uint64_t seed = 1;  ///< of the first
  int jobs = 1;       ///< processes
  bool print = false; ///< the descriptions too
} settings;

constexpr int64_t kBatch = 4;
/// f32 against f64 through a dozen layers, where a ReLU may switch by a rounding (seed 118: 0.8 %). What a mistake
/// changes is of the size of the values.
constexpr double kTolerance = 3e-2;

/// The rewrites of a network: all of them, or each with a chance of one half.
PhaseOptions drawRewrites(std::mt19937_64 &random) {
  PhaseOptions options;
  if (random() % 4 == 0)
    return options;
  for (bool PhaseOptions::*rewrite :
       {&PhaseOptions::commutePools, &PhaseOptions::mergeSiblings, &PhaseOptions::fuse, &PhaseOptions::recompute,
        &PhaseOptions::updateEarly, &PhaseOptions::schedule, &PhaseOptions::coalesce, &PhaseOptions::join,
        &PhaseOptions::pair, &PhaseOptions::tileNormalization})
    options.*rewrite = random() % 2;
  return options;
}

std::string describe(const PhaseOptions &options, bool keepGradients) {
  std::string text;
  auto add = [&](bool on, const char *name) { text += std::string(on ? " +" : " -") + name; };
  add(options.commutePools, "commute-pools");
  add(options.mergeSiblings, "merge-siblings");
  add(options.fuse, "fuse");
  add(options.recompute, "recompute");
  add(options.updateEarly, "update-early");
  add(options.schedule, "schedule");
  add(options.coalesce, "coalesce");
  add(options.join, "join");
  add(options.pair, "pair");
  add(options.tileNormalization, "tile-normalization");
  add(keepGradients, "keep-gradients");
  return text;
}

bool runPhases(ModuleOp module, Phase last, const PhaseOptions &options) {
  for (Phase phase : kPhases) {
    PassManager passes(module.getContext());
    buildPhase(passes, phase, options);
    if (failed(passes.run(module)))
      return false;
    if (phase == last)
      return true;
  }
  return true;
}

/// Reports what differs; its `worst` is that of all tensors that were compared.
class Comparison {
public:
  /// Values of kinds whose true value may be zero, such as gradients of biases before batch norm, are compared with the
  /// largest of all of them.
  void add(const std::string &name, llvm::ArrayRef<double> expected, llvm::ArrayRef<float> actual, double floor) {
    double largest = floor, difference = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
      largest = std::max(largest, std::abs(expected[i]));
      double here = std::abs(expected[i] - double(actual[i]));
      difference = std::isnan(here) ? INFINITY : std::max(difference, here);
    }
    double relative = difference / largest;
    worst = std::max(worst, relative);
    if (!(relative <= kTolerance))
      text += "  " + name + " differs by " + std::to_string(relative) + " of its largest value\n";
  }

  double worst = 0;
  std::string text;
};

class Run {
public:
  Run(ModuleOp reference, Program &program) : interpreter(reference), reference(reference), program(program) {}

  /// A step and an inference on data of this seed; what differs, empty where nothing does.
  Comparison compare(uint64_t seed) {
    Comparison result;
    if (!program.initialize(seed).ok() || !fill(seed)) {
      result.text = "  cannot be initialised\n";
      return result;
    }
    copyToInterpreter();
    const Input input = Input::F32;
    Status status = program.trainStep(0, 1, 1, input);
    bool ran =
        status.ok() && call(EntryPoint::StageF32) && call(EntryPoint::ForwardBackward) && call(EntryPoint::Update);
    if (!ran) {
      result.text = "  the step failed: " + status.message() + "\n";
      return result;
    }
    for (const char *kind : {"io", "gradient", "state", "slot", "parameter"})
      addKind(kind, result);
    status = program.prepareInference();
    if (status.ok())
      status = program.infer(input);
    if (!status.ok() || !call(EntryPoint::PrepareInference) || !call(EntryPoint::Infer))
      result.text += "  the inference failed: " + status.message() + "\n";
    else
      addKind("io", result);
    return result;
  }

private:
  bool fill(uint64_t seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<float> normal;
    std::vector<double> &images = interpreter.variables().at("io/f32_images").values;
    std::vector<double> &labels = interpreter.variables().at("io/labels").values;
    for (size_t i = 0; i < images.size(); ++i)
      images[i] = program.f32Images()[i] = normal(random);
    for (size_t i = 0; i < labels.size(); ++i)
      labels[i] = double(program.labels()[i] = int64_t(random() % uint64_t(program.image().classes)));
    for (const auto &[name, field] : program.image().step)
      interpreter.stepValues()[name] = name == "step" || name == "sample_base" ? 0
                                       : name == "seed"                        ? 1
                                       : name == "learning_rate" ? program.hyperparameters().learningRate(0, 1)
                                                                 : program.hyperparameters().get(name.c_str());
    return true;
  }

  /// Weights and slots as the program drew them.
  void copyToInterpreter() {
    for (const program::Tensor &tensor : program.image().tensors) {
      auto found = interpreter.variables().find(tensor.name);
      if (found == interpreter.variables().end() || tensor.kind == "io" || tensor.kind == "derived")
        continue;
      std::vector<float> values = read(tensor);
      std::copy(values.begin(), values.end(), found->second.values.begin());
    }
  }

  std::vector<float> read(const program::Tensor &tensor) {
    std::vector<float> values(tensor.elements);
    auto bytes = program.read(tensor);
    if (bytes && bytes->size() == values.size() * 4)
      std::memcpy(values.data(), bytes->data(), bytes->size());
    else
      std::fill(values.begin(), values.end(), NAN);
    return values;
  }

  bool call(EntryPoint entry) {
    llvm::SmallVector<reference::Tensor> none;
    func::FuncOp function = findEntry(reference, entry);
    return function && succeeded(interpreter.run(function.getName(), {}, none));
  }

  void addKind(llvm::StringRef kind, Comparison &comparison) {
    double floor = 1e-5; // what roundings leave of a gradient that vanishes (seed 237: equal weights of all classes)
    std::vector<std::pair<const program::Tensor *, const reference::Tensor *>> tensors;
    for (const program::Tensor &tensor : program.image().tensors) {
      auto found = interpreter.variables().find(tensor.name);
      bool isResult = kind != "io" || tensor.name == program::kLoss || tensor.name == program::kLogits;
      if (tensor.kind != kind || tensor.type != "f32" || !isResult || found == interpreter.variables().end())
        continue;
      tensors.emplace_back(&tensor, &found->second);
      if (kind != "io")
        for (double value : found->second.values)
          floor = std::max(floor, 0.02 * std::abs(value));
    }
    for (auto [tensor, expected] : tensors)
      comparison.add(tensor->name, expected->values, read(*tensor), floor);
  }

  reference::Interpreter interpreter;
  ModuleOp reference;
  Program &program;
};

/// Where a network goes wrong, empty where it does not.
std::string tryNetwork(uint64_t seed, const tests::TemporaryDirectory &folder, double &worst) {
  std::string description = drawNetwork(seed);
  if (settings.print)
    llvm::outs() << description << "\n";
  std::mt19937_64 random(seed);
  PhaseOptions rewrites = drawRewrites(random);
  bool keepGradients = random() % 2;
  std::string head = "network " + std::to_string(seed) + " with" + describe(rewrites, keepGradients) + ": ";

  DialectRegistry registry;
  registerDialects(registry);
  cpu::registerTarget(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    stream << diagnostic.str() << "\n";
    return success();
  });
  LoadOptions load;
  load.batchSize = kBatch;
  auto loaded = loadNetwork(context, folder.write("network.json", description), load, stream);
  if (failed(loaded))
    return head + "is refused: " + messages;
  ModuleOp module = **loaded;
  Builder builder(&context);
  NamedAttrList numbers;
  numbers.set("threads", builder.getI64IntegerAttr(1 + int64_t(random() % 8 == 0)));
  auto target = completeTarget(TargetAttr::get(&context, "cpu", "", numbers.getDictionary(&context)));
  if (!target)
    return head + target.status().message();
  module->setAttr("incept.mode", builder.getStringAttr("train"));
  module->setAttr("incept.spec_hash", builder.getStringAttr("0000000000000000"));
  module->setAttr(InceptDialect::kTargetAttr, *target);
  OwningOpRef<ModuleOp> reference = module.clone();
  (*reference)->setAttr("incept.keep_gradients", builder.getUnitAttr());
  if (keepGradients)
    module->setAttr("incept.keep_gradients", builder.getUnitAttr());
  if (!runPhases(*reference, Phase::Training, PhaseOptions::none()) || !runPhases(module, Phase::Exec, rewrites))
    return head + "does not compile: " + messages;
  auto image = tests::emitImage(module);
  if (failed(image))
    return head + "gives no program: " + messages;
  auto program = Program::open(folder.write("program", tests::makeElf(*image)), cpuBackend());
  if (!program)
    return head + "does not start: " + program.status().message();
  Run run(*reference, **program);
  // On the wrong side of a kink (a ReLU's, a maximum's) by a rounding error a gradient is another one. A mistake shows
  // with any data.
  Comparison result;
  for (uint64_t data = 1; data <= 3; ++data) {
    result = run.compare(seed * 100 + data);
    if (result.text.empty())
      break;
  }
  worst = std::max(worst, result.worst);
  return result.text.empty() ? "" : head + "\n" + result.text + messages;
}

/// Networks `first`, `first + step`, ...; returns how many failed. `current` is where it is, for who waits.
int tryNetworks(int first, int step, std::atomic<uint64_t> &current) {
  tests::TemporaryDirectory folder;
  int failures = 0;
  double worst = 0;
  for (int i = first; i < settings.count; i += step) {
    current = settings.seed + uint64_t(i);
    std::string problem = tryNetwork(current, folder, worst);
    if (problem.empty())
      continue;
    ++failures;
    llvm::outs() << "FAILED " << problem << drawNetwork(current) << "\n";
    llvm::outs().flush();
  }
  llvm::outs() << "largest difference that passed: " << worst << "\n";
  llvm::outs().flush();
  return failures;
}

} // namespace

/// Runs the networks in `jobs` processes, so that a crash has a seed.
static int runAll() {
  const int jobs = settings.jobs;
  llvm::outs() << settings.count << " networks, seeds " << settings.seed << " to "
               << settings.seed + uint64_t(settings.count) - 1 << "\n";
  llvm::outs().flush();
  auto *current = static_cast<std::atomic<uint64_t> *>(
      ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  std::vector<pid_t> children;
  for (int job = 0; job < jobs; ++job)
    if (pid_t child = ::fork())
      children.push_back(child);
    else
      ::_exit(std::min(tryNetworks(job, jobs, current[job]), 100));
  int failed = 0;
  for (int job = 0; job < jobs; ++job) {
    int status = 0;
    ::waitpid(children[job], &status, 0);
    failed += WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    if (WIFSIGNALED(status))
      llvm::outs() << "FAILED network " << current[job].load() << ": signal " << WTERMSIG(status) << "\n"
                   << drawNetwork(current[job]) << "\n";
  }
  llvm::outs() << (failed ? "some failed: --seed=SEED --count=1 runs one again\n" : "all agree\n");
  return failed ? 1 : 0;
}

} // namespace incept::test

int main(int argc, char **argv) {
  using incept::test::settings;
  for (llvm::StringRef argument : llvm::ArrayRef(argv, argc).drop_front()) {
    bool isGood = argument == "--print";
    settings.print |= isGood;
    if (argument.consume_front("--count="))
      isGood = !argument.getAsInteger(10, settings.count) && settings.count > 0;
    else if (argument.consume_front("--seed="))
      isGood = !argument.getAsInteger(10, settings.seed);
    else if (argument.consume_front("--jobs="))
      isGood = !argument.getAsInteger(10, settings.jobs) && settings.jobs > 0;
    if (!isGood) {
      llvm::errs() << "usage: incept-random-networks [--count=N] [--seed=FIRST] [--jobs=N] [--print]\n";
      return 2;
    }
  }
  return incept::test::runAll();
}
