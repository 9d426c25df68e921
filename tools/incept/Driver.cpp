// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/Driver.h"
#include "codegen/image/Executable.h"
#include "frontend/Frontend.h"
#include "frontend/Summary.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "passes/Target.h"
#include "runtime/support/Files.h"
#include "tools/Registration.h"
#include "tools/incept/Explain.h"
#include "tools/incept/ExtractBlock.h"
#include "tools/incept/LaunchReport.h"
#include "tools/incept/RoundTrip.h"
#include "tools/incept/TuneCommand.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;

namespace incept {

CompilerContext::CompilerContext(const DialectRegistry &registry)
    : MLIRContext(registry, Threading::DISABLED), printer(sources, this) {
  printOpOnDiagnostic(false); // the reader knows the description, not the op
}

std::unique_ptr<CompilerContext> createContext(const std::string &planCache) {
  DialectRegistry registry;
  registerDialects(registry);
  registerTargets(registry, planCache);
  auto context = std::make_unique<CompilerContext>(registry);
  context->loadAllAvailableDialects();
  return context;
}

std::string programDirectory() {
  return llvm::sys::path::parent_path(llvm::sys::fs::getMainExecutable(nullptr, nullptr)).str();
}

static int complain(int status, const llvm::Twine &message) {
  llvm::errs() << "incept: error: " << message << "\n";
  return status;
}

static int complain(const Status &status) { return complain(static_cast<int>(status.code()), status.message()); }

/// Ends the writing of `path` ("-" is standard output).
static int finish(llvm::ToolOutputFile &file, llvm::StringRef path) {
  file.os().flush();
  if (std::error_code error = file.os().error()) {
    file.os().clear_error();
    return complain(kMachineAtFault, "cannot write " + (path == "-" ? "the standard output" : "'" + path + "'") + ": " +
                                         error.message());
  }
  file.keep();
  return kDone;
}

/// Writes the module to `path` ("-" is standard output). Whole ones have locations: errors of a compilation that goes
/// on from them, and the program's launches, point into the description.
static int writeModule(ModuleOp module, llvm::StringRef path, bool locations = true) {
  std::error_code error;
  llvm::ToolOutputFile file(path, error, llvm::sys::fs::OF_Text);
  if (error)
    return complain(kMachineAtFault, "cannot write '" + path + "': " + error.message());
  OpPrintingFlags flags;
  module.print(file.os(), flags.enableDebugInfo(locations));
  return finish(file, path);
}

/// Writes what --stop-after asks for.
static int writePhase(ModuleOp module, const CompileOptions &options) {
  if (options.only.empty())
    return writeModule(module, options.output);
  std::string problem;
  auto block = extractBlock(module, options.only, problem);
  return failed(block) ? complain(kInputAtFault, problem) : writeModule(**block, options.output, /*locations=*/false);
}

/// A phase's IR as DIR/N-PHASE.mlir.
static int dump(ModuleOp module, Phase phase, const CompileOptions &options) {
  if (options.dumpDirectory.empty())
    return kDone;
  if (auto error = llvm::sys::fs::create_directories(options.dumpDirectory))
    return complain(kMachineAtFault, "cannot create '" + options.dumpDirectory + "': " + error.message());
  llvm::SmallString<128> path(options.dumpDirectory);
  llvm::sys::path::append(path, llvm::Twine(static_cast<int>(phase)) + "-" + phaseName(phase) + ".mlir");
  return writeModule(module, path);
}

/// A hash of all that the description says: its text alone would miss imports and --set.
static std::string hashNetwork(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream);
  return llvm::utohexstr(llvm::xxh3_64bits(text), /*LowerCase=*/true, 16);
}

FailureOr<OwningOpRef<ModuleOp>> loadGraph(MLIRContext &context, const CompileOptions &options) {
  LoadOptions load;
  load.batchSize = options.batchSize;
  load.parameters = options.parameters;
  load.importPaths = options.importPaths;
  load.network = options.network;
  load.jsonDiagnostics = options.jsonDiagnostics;
  auto module = loadNetwork(context, options.spec, load, llvm::errs());
  if (failed(module))
    return failure();
  Builder builder(&context);
  (**module)->setAttr("incept.spec_hash", builder.getStringAttr(hashNetwork(**module)));
  if (auto text = llvm::MemoryBuffer::getFile(options.spec))
    (**module)->setAttr("incept.spec_text", builder.getStringAttr((*text)->getBuffer()));
  (**module)->setAttr("incept.mode", builder.getStringAttr(options.mode));
  if (options.keepGradients)
    (**module)->setAttr("incept.keep_gradients", builder.getUnitAttr());
  return module;
}

TargetAttr describeTarget(MLIRContext &context, const CompileOptions &options, TargetAttr known, int &status) {
  Builder builder(&context);
  auto [kind, device] = StringRef(options.target).split(':');
  if (options.target.empty()) {
    kind = known ? known.getKind() : StringRef("cpu");
    device = known ? known.getDevice() : StringRef();
  }
  if (!options.cpu.empty() && kind != "cpu") {
    status = complain(kUsage, "--cpu is of target cpu, but this is for target " + kind);
    return {};
  }
  if (!options.cpu.empty())
    device = options.cpu;
  NamedAttrList settings;
  if (known && known.getKind() == kind)
    settings.append(known.getSettings().begin(), known.getSettings().end());
  if (options.threads > 0)
    settings.set("threads", builder.getI64IntegerAttr(options.threads));
  if (kind == "cpu" && options.deterministic == "threads") // a GPU's programs have no threads to depend on
    settings.set("same_bits", builder.getUnitAttr());
  if (kind == "cpu" && !options.convolutions.empty())
    settings.set("convolutions", builder.getStringAttr(options.convolutions));
  if (kind == "cpu" && !known) // IR says it
    if (auto costs = findTunedCosts(device.str()))
      settings.set("costs", builder.getStringAttr(*costs));
  // The rest are a GPU's.
  if (kind != "cpu" && options.workspaceLimit >= 0)
    settings.set("workspace_limit", builder.getI64IntegerAttr(options.workspaceLimit));
  if (kind != "cpu" && options.tf32)
    settings.set("tf32", builder.getUnitAttr());
  auto target = completeTarget(TargetAttr::get(&context, kind, device, settings.getDictionary(&context)));
  if (!target) {
    status = complain(static_cast<int>(target.status().code()), target.status().message());
    return {};
  }
  if (!known || *target == known)
    return *target;
  std::string text;
  llvm::raw_string_ostream(text) << "'" << options.spec << "' is for " << Attribute(known)
                                 << ", but the command line says " << Attribute(*target);
  status = complain(kUsage, text);
  return {};
}

/// Refuses what the command line says of phases that the IR has behind it.
static int refuseDone(const CompileOptions &options) {
  Phase from = *options.from;
  if (options.stopAfter && *options.stopAfter <= from)
    return complain(kUsage,
                    "--stop-after=" + phaseName(*options.stopAfter) + " is not behind --from=" + phaseName(from));
  for (const RewriteFlag &rewrite : kRewriteFlags)
    if (!(options.phases.*rewrite.member) && rewrite.phase <= from)
      return complain(kUsage, llvm::Twine(rewrite.flag) + " is part of phase '" + phaseName(rewrite.phase) +
                                  "', which is over in --from=" + phaseName(from));
  return kDone;
}

/// More than a module has of any network.
constexpr uint64_t kMaxPhaseBytes = uint64_t(1) << 32;

/// The module in `options.spec`, which was printed after phase `options.from`; null after an error has been printed.
static OwningOpRef<ModuleOp> loadPhase(MLIRContext &context, const CompileOptions &options) {
  auto text = LoadedFile::open(options.spec, kMaxPhaseBytes);
  if (!text) {
    complain(static_cast<int>(text.status().code()), text.status().message());
    return {};
  }
  auto module = parseSourceString<ModuleOp>(text->bytes(), &context, options.spec);
  if (!module)
    return {};
  auto attribute = [&](StringRef name) {
    auto text = (*module)->getAttrOfType<StringAttr>(name);
    return text ? text.getValue() : StringRef();
  };
  StringRef phase = attribute(InceptDialect::kPhaseAttr), precision = attribute("incept.precision");
  if (precision.empty())
    precision = "f32";
  if (phase != phaseName(*options.from))
    complain(kInputAtFault, "'" + options.spec + "' is IR of " +
                                (phase.empty() ? "no phase" : "phase '" + phase.str() + "'") +
                                ", but the command line says --from=" + phaseName(*options.from));
  else if (options.saysPrecision && *options.from >= Phase::Training && precision != options.phases.precision)
    complain(kInputAtFault, "'" + options.spec + "' is in " + precision +
                                ", but the command line says --precision=" + options.phases.precision);
  else if (!(*module)->hasAttrOfType<TargetAttr>(InceptDialect::kTargetAttr))
    complain(kInputAtFault, "'" + options.spec + "' has no incept.target: give it one, such as #incept.target<cpu>");
  else
    return module;
  return {};
}

/// What makes programs for the module's target, null after an error has been printed.
static const Backend *backendOf(ModuleOp module) {
  const Target *target = findTarget(module);
  if (target && !target->backend())
    complain(kUsage, "no programs can be made for this target");
  return target ? target->backend() : nullptr;
}

LogicalResult runPhase(ModuleOp module, Phase phase, const CompileOptions &options, const Backend &backend) {
  PassManager passes(module.getContext());
  // The last pass of a phase verifies what the others have made: doing that behind each takes a fifth of their time.
  passes.enableVerifier(false);
  PhaseOptions phases = options.phases;
  phases.memoryBudget = options.memoryBudget < 0 ? backend.memoryBytes() : options.memoryBudget << 20;
  buildPhase(passes, phase, phases);
  return passes.run(module);
}

/// `options` with every rewrite off that does several launches' work in one.
static CompileOptions withoutFusion(CompileOptions options) {
  for (const RewriteFlag &rewrite : kRewriteFlags)
    if (rewrite.fuses)
      options.phases.*rewrite.member = false;
  return options;
}

int summarize(const CompileOptions &options, SummaryOptions summary) {
  int status = kDone;
  auto context = createContext(options.planCache);
  auto target = describeTarget(*context, options, /*known=*/{}, status);
  if (!target)
    return status;
  auto module = loadGraph(*context, options);
  if (failed(module))
    return kInputAtFault;
  (**module)->setAttr(InceptDialect::kTargetAttr, target);
  const Target *passTarget = findTarget(**module);
  const Backend *backend = backendOf(**module);
  if (!backend)
    return kMachineAtFault;
  auto peaks = backend->peaks(options.phases.precision);
  // A copy of the module in the exec phase, null after an error.
  auto lower = [&](const CompileOptions &own, std::vector<LaunchReport> &launches) -> OwningOpRef<ModuleOp> {
    OwningOpRef<ModuleOp> lowered = (**module).clone();
    for (Phase phase : kPhases) {
      if (failed(runPhase(*lowered, phase, own, *backend)))
        return {};
      if (phase == Phase::Planned && own.phases.reportPeak) // gone in the exec phase
        summary.peaks = collectPeaks(*lowered);
    }
    launches = collectLaunches(*lowered, *passTarget, peaks);
    return lowered;
  };
  CompileOptions unfused = withoutFusion(options);
  unfused.phases.reportPeak = false;
  // Where times are known, what fusion brings is worth a second compilation.
  if (summary.json && peaks && !lower(unfused, summary.unfused))
    return kInputAtFault;
  OwningOpRef<ModuleOp> lowered = lower(options, summary.launches);
  if (!lowered)
    return kInputAtFault;
  summary.memory = (*lowered)->getAttrOfType<DictionaryAttr>("incept.memory");
  summary.costs = backend->costs();
  printSummary(**module, llvm::outs(), summary);
  return kDone;
}

/// Writes --emit=KIND to `options.output`.
static int emitPart(ModuleOp module, const Backend &backend, const CompileOptions &options) {
  std::error_code error;
  llvm::ToolOutputFile file(options.output, error, llvm::sys::fs::OF_None);
  if (error)
    return complain(kMachineAtFault, "cannot write '" + options.output + "': " + error.message());
  if (failed(backend.emitPart(module, options.emit, file.os())))
    return kMachineAtFault;
  return finish(file, options.output);
}

/// Checks what was read to go on from.
static LogicalResult verifyGiven(ModuleOp module, Phase phase) {
  PassManager passes(module.getContext());
  passes.addPass(createVerifyPhasePass(VerifyPhasePassOptions{phaseName(phase).str()}));
  return passes.run(module);
}

int compile(const CompileOptions &options) {
  int status = options.from ? refuseDone(options) : kDone;
  if (status)
    return status;
  auto context = createContext(options.planCache);
  OwningOpRef<ModuleOp> module;
  TargetAttr target;
  if (options.from) {
    if (!(module = loadPhase(*context, options)))
      return kInputAtFault;
    target = (*module)->getAttrOfType<TargetAttr>(InceptDialect::kTargetAttr);
  }
  if (!(target = describeTarget(*context, options, target, status)))
    return status;
  bool isLibrary = options.emit == kEmitLibrary, makesProgram = options.emit.empty() || isLibrary;
  if (!options.stopAfter && makesProgram && options.output == "-")
    return complain(kUsage,
                    isLibrary ? "expected -o FILE for the shared library" : "expected -o FILE for the executable");
  if (!options.stopAfter && makesProgram)
    if (Status writable = tryOutput(options.output); !writable.ok())
      return complain(writable);
  if (!options.from) {
    auto graph = loadGraph(*context, options);
    if (failed(graph))
      return kInputAtFault;
    module = std::move(*graph);
    (*module)->setAttr(InceptDialect::kTargetAttr, target);
  }
  if (auto mode = (*module)->getAttrOfType<StringAttr>("incept.mode"); isLibrary && mode && mode.getValue() != "infer")
    return complain(kUsage, "a shared library does not train: give --mode=infer");
  const Backend *backend = backendOf(*module);
  if (!backend)
    return kMachineAtFault;
  for (Phase phase : kPhases) {
    if (options.from > phase)
      continue;
    bool isGiven = options.from == phase; // and may have been edited
    if (failed(isGiven ? verifyGiven(*module, phase) : runPhase(*module, phase, options, *backend)) ||
        failed(checkRoundTrip(*module, phase)))
      return kInputAtFault;
    if ((status = dump(*module, phase, options)))
      return status;
    if (options.explain && phase == std::max(Phase::Layout, options.from.value_or(Phase::Layout)))
      explainPlans(*module, *backend);
    if (options.explain && phase == Phase::Exec)
      explainLaunches(*module, *backend);
    if (options.stopAfter == phase)
      return writePhase(*module, options);
  }

  if (!makesProgram)
    return emitPart(*module, *backend, options);
  auto image = backend->emitImage(*module);
  if (failed(image))
    return kMachineAtFault;
  std::string stub =
      options.stub.empty() ? programDirectory() + "/" + backend->stub().str() + (isLibrary ? ".so" : "") : options.stub;
  Status written = writeExecutable(stub, *image, options.output);
  return written.ok() ? kDone : complain(written);
}

} // namespace incept
