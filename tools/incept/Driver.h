// SPDX-License-Identifier: Apache-2.0
//
// The road from a description to an executable, for the driver's commands.
#pragma once

#include "dialect/InceptDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "passes/Phases.h"
#include "llvm/Support/SourceMgr.h"

#include <map>
#include <optional>
#include <string>

namespace incept {

/// Exit status (design: every program of the project).
enum ExitStatus { kDone = 0, kInputAtFault = 1, kUsage = 2, kMachineAtFault = 3 };

/// A rewrite that the command line can turn off.
struct RewriteFlag {
  bool PhaseOptions::*member;
  const char *flag, *help;
};
inline constexpr RewriteFlag kRewriteFlags[] = {
    {&PhaseOptions::commutePools, "--no-commute-pools", "leave average pools before 1x1 convolutions"},
    {&PhaseOptions::mergeSiblings, "--no-merge-siblings", "leave every 1x1 convolution by itself"},
    {&PhaseOptions::fuse, "--no-fuse", "leave every elementwise op a kernel of its own"},
    {&PhaseOptions::recompute, "--no-recompute", "keep cheap values instead of computing them again"},
    {&PhaseOptions::updateEarly, "--no-update-early", "keep all gradients until the backward pass ends"},
    {&PhaseOptions::schedule, "--no-schedule", "leave independent ops in the order of the description"},
    {&PhaseOptions::coalesce, "--no-coalesce", "launch one update per parameter"},
};

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
  std::string spec;
  std::string output = "-";
  std::string target = "cpu";
  std::string mode = "train";
  int64_t batchSize = 32;
  int threads = 0;           ///< 0: one per core
  std::string deterministic; ///< "threads": the same bits whatever their number
  bool tf32 = false;
  std::string planCache;        ///< directory of finished cuDNN plans
  int64_t workspaceLimit = 256; ///< MiB for each cuDNN call
  std::string emit;             ///< a part of the executable to write instead: "ptx", "cubin", "plans", "object"
  bool keepGradients = false;
  bool explain = false;                          ///< print each library plan
  std::map<std::string, std::string> parameters; ///< --set NAME=VALUE
  std::optional<Phase> stopAfter;
  std::string dumpDirectory; ///< --dump-after-each
  std::string stub;          ///< path of the runtime executable
  PhaseOptions phases;
};

/// A context with everything a compilation needs. `planCache` is the directory of cuDNN plans, empty for the user's.
std::unique_ptr<CompilerContext> createContext(const std::string &planCache = "");

/// What `options` say of the target, completed. Null after an error has been printed; then `status` is the exit status.
TargetAttr describeTarget(mlir::MLIRContext &context, const CompileOptions &options, int &status);

/// The network of `options` in the graph phase, with `incept.mode` and `incept.spec_hash`; errors have been printed.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> loadGraph(mlir::MLIRContext &context, const CompileOptions &options);

/// Runs the phases up to `stopAfter` and writes IR, or all of them and writes an executable. Returns the exit status;
/// errors have been printed.
int compile(const CompileOptions &options);

/// What a compilation of `options` would print before it runs: layers and, for the target, memory. Returns the exit
/// status.
int summarize(const CompileOptions &options, bool json);

/// Path of this program's directory, where the runtime executable lies.
std::string programDirectory();

} // namespace incept
