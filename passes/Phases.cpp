// SPDX-License-Identifier: Apache-2.0

#include "passes/Phases.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"

using namespace mlir;

namespace incept {

static constexpr llvm::StringLiteral kNames[] = {"graph", "training", "fused", "layout", "planned", "exec"};

StringRef phaseName(Phase phase) { return kNames[static_cast<size_t>(phase)]; }

std::optional<Phase> parsePhase(StringRef name) {
  for (Phase phase : kPhases)
    if (phaseName(phase) == name)
      return phase;
  return std::nullopt;
}

static void buildTraining(OpPassManager &passes, const PhaseOptions &options) {
  passes.addPass(createExpandBlocksPass());
  passes.addPass(createBuildEntryPointsPass());
  // Inference takes its copy of the network before gradients are added to the other.
  passes.addPass(createPrepareInferencePass());
  if (options.commutePools)
    passes.nest<func::FuncOp>().addPass(createCommutePoolsPass());
  if (options.mergeSiblings)
    passes.nest<func::FuncOp>().addPass(createMergeSiblingsPass());
  passes.nest<func::FuncOp>().addPass(createFuseConvResidualPass());
  passes.nest<func::FuncOp>().addPass(createFuseConvReluPass());
  passes.addPass(createDifferentiatePass());
  passes.addPass(createInsertOptimizerPass());
  passes.nest<func::FuncOp>().addPass(createDecomposeBatchNormPass());
  // All ops and gradients are there: types follow from op to op.
  AssignPrecisionPassOptions precision;
  precision.precision = options.precision;
  passes.addPass(createAssignPrecisionPass(precision));
  if (options.updateEarly)
    passes.addPass(createUpdateEarlyPass());
}

static void buildFused(OpPassManager &passes, const PhaseOptions &options) {
  OpPassManager &functions = passes.nest<func::FuncOp>();
  if (options.recompute)
    functions.addPass(createRecomputeActivationsPass());
  // Views first: a copy they need is an elementwise op, which may then join a kernel.
  functions.addPass(createPlaceConcatsPass());
  FormGroupsPassOptions groups;
  groups.fuse = options.fuse;
  groups.recompute = options.recompute;
  functions.addPass(createFormGroupsPass(groups));
}

void buildPhase(OpPassManager &passes, Phase phase, const PhaseOptions &options) {
  switch (phase) {
  case Phase::Graph:
    break;
  case Phase::Training:
    buildTraining(passes, options);
    break;
  case Phase::Fused:
    buildFused(passes, options);
    break;
  case Phase::Layout:
    passes.addPass(createAssignLayoutsPass());
    break;
  case Phase::Planned:
    if (options.schedule)
      passes.addPass(createSchedulePass());
    passes.addPass(createPlanMemoryPass(PlanMemoryPassOptions{options.reportPeak}));
    break;
  case Phase::Exec:
    passes.addPass(createLowerToExecPass());
    if (options.coalesce)
      passes.addPass(createCoalesceLaunchesPass());
    // Vectors and grids depend on the extents that joined launches have.
    passes.addPass(createShapeLaunchesPass());
    break;
  }
  passes.addPass(createVerifyPhasePass(VerifyPhasePassOptions{phaseName(phase).str()}));
}

namespace {
struct PipelineOptions : PassPipelineOptions<PipelineOptions> {
  Option<std::string> precision{*this, "precision", llvm::cl::desc("f32, bf16 or f16"), llvm::cl::init("f32")};
};
} // namespace

void registerPhasePipelines() {
  for (Phase phase : kPhases)
    PassPipelineRegistration<PipelineOptions>(("incept-to-" + phaseName(phase)).str(),
                                              ("the passes from the phase before to phase " + phaseName(phase)).str(),
                                              [phase](OpPassManager &passes, const PipelineOptions &given) {
                                                PhaseOptions options;
                                                options.precision = given.precision;
                                                buildPhase(passes, phase, options);
                                              });
}

} // namespace incept
