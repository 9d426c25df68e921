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
  // Rewrites look at an op's neighbours, which may be in another block.
  passes.addPass(createExpandBlocksPass());
  // The rewrites below differ in training and inference, so each gets its function first.
  passes.addPass(createBuildEntryPointsPass());
  // Inference takes its batch norms into the convolutions before other rewrites come between the two, and before
  // gradients are added to training.
  passes.addPass(createPrepareInferencePass());
  // Before siblings are merged: a convolution that leaves its pool becomes a sibling.
  if (options.commutePools)
    passes.nest<func::FuncOp>().addPass(createCommutePoolsPass());
  // Before differentiation: the gradients of a merged convolution are merged too.
  if (options.mergeSiblings)
    passes.nest<func::FuncOp>().addPass(createMergeSiblingsPass());
  // The residual before the ReLU, which comes behind it in the same call. Behind the folding of batch norms, which
  // stand between a convolution and either.
  passes.nest<func::FuncOp>().addPass(createFuseConvResidualPass());
  passes.nest<func::FuncOp>().addPass(createFuseConvReluPass());
  // Every forward op is what it will be.
  passes.addPass(createDifferentiatePass());
  // An update for each gradient.
  passes.addPass(createInsertOptimizerPass());
  // Behind differentiation: the gradient of the whole batch norm is shorter than those of its pieces.
  passes.nest<func::FuncOp>().addPass(createDecomposeBatchNormPass());
  // All ops, gradients and updates are there: types follow from op to op, and updates write the copies of weights.
  AssignPrecisionPassOptions precision;
  precision.precision = options.precision;
  passes.addPass(createAssignPrecisionPass(precision));
  // Last: an update that waits for all gradients (loss scaling, which precision brings) must stay where it is.
  if (options.updateEarly)
    passes.addPass(createUpdateEarlyPass());
}

static void buildFused(OpPassManager &passes, const PhaseOptions &options) {
  OpPassManager &functions = passes.nest<func::FuncOp>();
  // Before groups: what is computed again joins the kernel that needs it. Before views: a copy of a concat is placed
  // like any other.
  if (options.recompute)
    functions.addPass(createRecomputeActivationsPass(RecomputeActivationsPassOptions{options.memoryBudget}));
  // Before views: a range of a sum of gradients is then a sum of views, which joins a kernel.
  if (options.fuse)
    functions.addPass(createSplitSumsPass());
  // Views first: a copy they need is an elementwise op, which may then join a kernel.
  functions.addPass(createPlaceConcatsPass());
  // Where tensors lie decides what the library can do with them.
  if (options.convStats)
    functions.addPass(createFuseConvStatsPass());
  // Behind what computes activations again: the mask that a library computes is theirs.
  if (options.backwardNorm)
    functions.addPass(createFuseConvBackwardNormPass());
  // Behind what takes masks away: who still reads a normalised activation is known.
  if (options.convNormalization)
    functions.addPass(createFuseConvNormalizationPass());
  // Every op that is left computes something, and goes into a group.
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
    // Formats are chosen for library calls, which groups are.
    passes.addPass(createAssignLayoutsPass());
    // The ops that may normalise what they read are there, and nobody has counted yet what lies in memory.
    if (options.fuse && options.tileNormalization)
      passes.nest<func::FuncOp>().addPass(createFuseTileNormalizationPass());
    break;
  case Phase::Planned:
    // The order decides who is alive when, which is what places depend on; bytes are known from the formats.
    if (options.schedule)
      passes.addPass(createSchedulePass());
    // Whoever runs at the same time must be there at the same time.
    if (options.join)
      passes.addPass(createGatherKernelsPass(GatherKernelsPassOptions{options.memoryBudget, options.pair}));
    // Whoever has a lifetime and a size gets a place.
    passes.addPass(createPlanMemoryPass(PlanMemoryPassOptions{options.reportPeak}));
    break;
  case Phase::Exec:
    // Addresses need every value's place.
    passes.addPass(createLowerToExecPass());
    // Neighbours in memory are known by their addresses.
    if (options.coalesce)
      passes.addPass(createCoalesceLaunchesPass());
    // What is one launch by its memory needs no parts.
    if (options.join)
      passes.addPass(createJoinLaunchesPass());
    // Vectors and grids depend on the extents that joined launches have.
    passes.addPass(createShapeLaunchesPass());
    // What two launches take, and one for both, is told by their grids.
    if (options.pair)
      passes.addPass(createPairLaunchesPass());
    break;
  }
  // A mistake of a phase is found at its end, not in what the next makes of it.
  passes.addPass(createVerifyPhasePass(VerifyPhasePassOptions{phaseName(phase).str()}));
}

namespace {
struct PipelineOptions : PassPipelineOptions<PipelineOptions> {
  Option<std::string> precision{*this, "precision", llvm::cl::desc("f32, bf16 or f16"), llvm::cl::init("f32")};
  Option<int64_t> memoryBudget{*this, "memory-budget", llvm::cl::desc("bytes, as in the passes that have it"),
                               llvm::cl::init(0)};
};
} // namespace

void registerPhasePipelines() {
  for (Phase phase : kPhases)
    PassPipelineRegistration<PipelineOptions>(("incept-to-" + phaseName(phase)).str(),
                                              ("the passes from the phase before to phase " + phaseName(phase)).str(),
                                              [phase](OpPassManager &passes, const PipelineOptions &given) {
                                                PhaseOptions options;
                                                options.precision = given.precision;
                                                options.memoryBudget = given.memoryBudget;
                                                buildPhase(passes, phase, options);
                                              });
}

} // namespace incept
