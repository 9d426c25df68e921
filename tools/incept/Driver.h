// SPDX-License-Identifier: Apache-2.0
//
// The road from a description to an executable, for the driver's commands.
#pragma once

#include "dialect/InceptDialect.h"
#include "frontend/Summary.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "passes/Phases.h"
#include "llvm/Support/SourceMgr.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace incept {

class Backend;

/// Exit status (design: every program of the project).
enum ExitStatus { kDone = 0, kInputAtFault = 1, kUsage = 2, kMachineAtFault = 3 };

/// A rewrite that the command line can turn off, and the phase that it is part of.
struct RewriteFlag {
  bool PhaseOptions::*member;
  Phase phase;
  const char *flag, *help;
  bool fuses = false; ///< it does in one launch what would be several: a summary tells what that saves
};
inline constexpr RewriteFlag kRewriteFlags[] = {
    {&PhaseOptions::commutePools, Phase::Training, "--no-commute-pools", "leave average pools before 1x1 convolutions"},
    {&PhaseOptions::mergeSiblings, Phase::Training, "--no-merge-siblings", "leave every 1x1 convolution by itself"},
    {&PhaseOptions::fuse, Phase::Fused, "--no-fuse", "leave every elementwise op a kernel of its own",
     /*fuses=*/true},
    {&PhaseOptions::convStats, Phase::Fused, "--no-conv-stats", "let no convolution give sums for batch norm",
     /*fuses=*/true},
    {&PhaseOptions::backwardNorm, Phase::Fused, "--no-backward-norm",
     "let no gradient of a convolution go on with that of a batch norm", /*fuses=*/true},
    {&PhaseOptions::convNormalization, Phase::Fused, "--no-conv-normalization",
     "let no library's convolution normalise what it reads", /*fuses=*/true},
    {&PhaseOptions::tileNormalization, Phase::Layout, "--no-tile-normalization",
     "let no convolution by tiles normalise what it reads", /*fuses=*/true},
    {&PhaseOptions::recompute, Phase::Fused, "--no-recompute", "keep cheap values instead of computing them again"},
    {&PhaseOptions::updateEarly, Phase::Training, "--no-update-early",
     "keep all gradients until the backward pass ends"},
    {&PhaseOptions::schedule, Phase::Planned, "--no-schedule", "leave independent ops in the order of the description"},
    {&PhaseOptions::coalesce, Phase::Exec, "--no-coalesce", "launch one update per parameter", /*fuses=*/true},
    {&PhaseOptions::join, Phase::Planned, "--no-join", "launch what independent kernels do one by one", /*fuses=*/true},
    {&PhaseOptions::pair, Phase::Planned, "--no-pair", "launch different kernels one by one", /*fuses=*/true},
};

/// What --emit takes: a library with the C interface of runtime/embed/incept.h, and parts of an executable.
inline constexpr const char *kEmitLibrary = "shared-library";
inline constexpr const char *kEmitKinds[] = {kEmitLibrary, "object", "ptx", "cubin", "plans"};

/// A context that prints errors of passes as the frontend prints mistakes: FILE:LINE:COLUMN, the line and a caret, then
/// the blocks that it is part of.
class CompilerContext : public mlir::MLIRContext {
public:
  explicit CompilerContext(const mlir::DialectRegistry &registry);

private:
  llvm::SourceMgr sources;
  mlir::SourceMgrDiagnosticHandler printer;
};

struct CompileOptions {
  std::string spec; ///< or IR, with `from`
  std::string output = "-";
  std::string target; ///< "cpu", "cuda:DEVICE"; empty where nothing is said: the target of the IR, or "cpu"
  std::string cpu;    ///< LLVM's name of the processor; empty where nothing is said
  std::string mode = "train";
  int64_t batchSize = 32;
  int threads = 0;           ///< 0: one per core
  std::string deterministic; ///< "threads": the same bits whatever their number
  std::string convolutions;  ///< "direct", "fast", "max-error=E"; empty where nothing is said
  bool tf32 = false;
  std::string planCache;       ///< directory of cuDNN plans and cubins
  int64_t memoryBudget = -1;   ///< MiB of a program before values are computed again; -1 where nothing is said
  int64_t workspaceLimit = -1; ///< MiB for each cuDNN call; -1 where nothing is said
  std::string emit;            ///< what to write instead of an executable: one of kEmitKinds
  bool keepGradients = false;
  bool explain = false;                          ///< print why plans and launches are as they are
  std::map<std::string, std::string> parameters; ///< --set NAME=VALUE
  std::vector<std::string> importPaths;          ///< -I
  std::string network;                           ///< --network
  bool jsonDiagnostics = false;                  ///< --diagnostics=json
  std::optional<Phase> from;                     ///< the phase that the IR in `spec` was printed after
  bool saysPrecision = false;                    ///< phases.precision was chosen
  std::optional<Phase> stopAfter;
  std::string only;          ///< with stopAfter: the path of the block whose ops are written; empty for all
  std::string dumpDirectory; ///< --dump-after-each
  std::string stub;          ///< path of the runtime executable
  PhaseOptions phases;
};

/// A context with everything a compilation needs. `planCache` is the directory of cuDNN plans and cubins, empty for
/// the user's.
std::unique_ptr<CompilerContext> createContext(const std::string &planCache = "");

/// What `options` say of the target, completed. What they leave open, `known` says, if it is there. Null after an error
/// has been printed; then `status` is the exit status.
TargetAttr describeTarget(mlir::MLIRContext &context, const CompileOptions &options, TargetAttr known, int &status);

/// The network of `options` in the graph phase, with `incept.mode`, `incept.spec_hash` and `incept.spec_text`; errors
/// have been printed.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> loadGraph(mlir::MLIRContext &context, const CompileOptions &options);

/// Runs the passes of a phase with what options leave to the target.
mlir::LogicalResult runPhase(mlir::ModuleOp module, Phase phase, const CompileOptions &options, const Backend &backend);

/// Runs the phases behind `from` up to `stopAfter` and writes IR, or all of them and writes an executable. Returns the
/// exit status; errors have been printed.
int compile(const CompileOptions &options);

/// What a compilation of `options` would print before it runs: layers and, for the target, memory, peaks and launches,
/// which are filled in. Returns the exit status.
int summarize(const CompileOptions &options, SummaryOptions summary);

/// Path of this program's directory, where the runtime executable lies.
std::string programDirectory();

} // namespace incept
