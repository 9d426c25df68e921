// SPDX-License-Identifier: Apache-2.0
//
// The manual of all passes, phase by phase.
#ifndef INCEPT_PASSES_TD
#define INCEPT_PASSES_TD

include "mlir/Pass/PassBase.td"

//===- Training phase ------------------------------------------------------------------------------------------===//

def ExpandBlocksPass : Pass<"incept-expand-blocks", "::mlir::ModuleOp"> {
  let summary = "Inline the blocks of the description";
  let description = [{
    Requires: the graph phase. Ensures: no `incept.block`. Ops keep their paths and locations.

    example: test/passes/expand-blocks.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def BuildEntryPointsPass : Pass<"incept-build-entry-points", "::mlir::ModuleOp"> {
  let summary = "Make the network a set of functions on variables";
  let description = [{
    Requires: `@network` without blocks. Ensures: `@stage_u8`, `@stage_f32`, `@infer` and, unless the module's
    `incept.mode` is "infer", `@forward_backward` (still only the forward part, which writes io/logits and, for auxiliary
    heads, io/auxiliary_logits1, ...; the attribute `incept.loss_weights` moves there); no `@network`. `@infer` has
    nothing of auxiliary heads; with mode "infer" neither has the module, which names what is gone in
    `incept.training_only`. The first results may have names, `incept.outputs`: both functions write io/logits/NAME of
    those behind the first, and there is io/loss/NAME for `incept-differentiate` where there are several.

    `incept.random_drop` becomes `incept.dropout` in training, with a stream that is a hash of its path, and vanishes in
    inference.

    example: test/passes/build-entry-points.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def DifferentiatePass : Pass<"incept-differentiate", "::mlir::ModuleOp"> {
  let summary = "Append the loss and all gradients to the forward computation";
  let description = [{
    Requires: `@forward_backward` as `incept-build-entry-points` leaves it. Ensures: it also writes io/loss, the new
    running statistics, and a variable grad/NAME for every parameter NAME.

    Reverse mode: ops are visited from last to first; each asks its gradient rule (GradientRules.cpp) for the gradients
    of its operands. A value with several consumers gets one `incept.add_n`, operands in consumer order. Nothing is
    computed for values that no parameter influences.

    example: test/passes/differentiate.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def InsertOptimizerPass : Pass<"incept-insert-optimizer", "::mlir::ModuleOp"> {
  let summary = "Add the function that updates parameters, and its slots";
  let description = [{
    Requires: grad/NAME for every parameter that is not frozen. Ensures: `@update`, with one update op for each of them, and
    its slot variables SLOT/NAME. The optimizer is that of `incept.training`; a parameter's `rate` is a factor of its
    learning rate. What else `incept.training` may ask for stands around the updates, whatever the optimizer:

    - `clip_norm`: one `incept.clip_factor` of all gradients, the `unscale` of the updates; or `clip_value`: an `incept.clip`
      before each.
    - `ema`: an `incept.average_update` behind each, and one for each state that training writes, in slots ema/NAME.
    - `accumulate`: `@forward_backward` adds each gradient to grad/NAME, but in the first batch of a step, whose step field
      `part` is 0.

    example: test/passes/insert-optimizer.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def UpdateEarlyPass : Pass<"incept-update-early", "::mlir::ModuleOp"> {
  let summary = "Update weights as soon as their gradient is there";
  let description = [{
    Requires: `@update`. Ensures: weights (rank 2 and more) are updated in `@forward_backward`, behind the op that gives
    their gradient and the last use of their old value; their grad/NAME variables are gone. Vectors stay in `@update`,
    where one launch updates all of them.

    Not applied with `incept.keep_gradients`: then gradients are results. It would not be legal either where an update
    depends on all gradients (clipping, sums over batches or machines): one with an operand that `@update` computes stays, and
    one whose gradient is a sum.

    example: test/passes/update-early.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def PrepareInferencePass : Pass<"incept-prepare-inference", "::mlir::ModuleOp"> {
  let summary = "Fold batch norm into convolutions for inference";
  let description = [{
    Requires: `@infer`. Ensures: it has no batch norm; `@prepare_inference` computes what it reads instead, the `derived`
    variables folded/NAME. A convolution whose only consumer is a batch norm takes scaled weights and a bias; any other
    batch norm becomes a `scale_shift` with prepared vectors.

    example: test/passes/prepare-inference.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def CommutePoolsPass : Pass<"incept-commute-pools", "::mlir::func::FuncOp"> {
  let summary = "Let a 1x1 convolution go before the average pool that feeds it";
  let description = [{
    Applied where the pool has stride 1 and no other user, and the convolution is 1x1, dense, without ReLU and has not
    more filters than input channels; with a bias only where padding does not count in the mean (the mean of a constant
    is the constant then). The convolution's siblings read the same value afterwards (`incept-merge-siblings`).

    example: test/passes/commute-pools.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def MergeSiblingsPass : Pass<"incept-merge-siblings", "::mlir::func::FuncOp"> {
  let summary = "Make 1x1 convolutions that read the same value one";
  let description = [{
    Requires: before differentiation. The merged convolution reads an `incept.join_rows` of the pieces' weights, and an
    `incept.split` gives each piece's consumers its channels. Gradients follow by the rules of these ops.

    Applied to dense 1x1 convolutions of one stride without bias, whose weights are read nowhere else and whose channels
    are multiples of 16. Not in `@infer`: there a library call often feeds the next, which needs dense memory.

    example: test/passes/merge-siblings.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def FuseConvResidualPass : Pass<"incept-fuse-conv-residual", "::mlir::func::FuncOp"> {
  let summary = "Let a convolution scale its result and add a residual";
  let description = [{
    For functions without gradients, and convolutions to which the target's library can add a residual. Not applied where
    the convolution's or the scaled result has another use.

    example: test/passes/fuse-conv-residual.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def FuseConvReluPass : Pass<"incept-fuse-conv-relu", "::mlir::func::FuncOp"> {
  let summary = "Let a convolution apply the ReLU that follows it";
  let description = [{
    For functions without gradients. Not applied where the convolution's result has another use, nor where the ReLU feeds
    a concat and the target's library cannot write the channel slice: there the generated kernel of the ReLU does.

    example: test/passes/fuse-conv-relu.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def DecomposeBatchNormPass : Pass<"incept-decompose-batch-norm", "::mlir::func::FuncOp"> {
  let summary = "Split training batch norm and its gradient into sums, vectors and elementwise ops";
  let description = [{
    Ensures: no `incept.batch_norm_training` and no `incept.batch_norm_backward`. The sums are taken of differences to the
    first pixel of the batch, which keeps them exact where a channel's mean is large against its deviation.

    example: test/passes/decompose-batch-norm.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def AssignPrecisionPass : Pass<"incept-assign-precision", "::mlir::ModuleOp"> {
  let summary = "Make activations and their gradients bf16 or f16";
  let description = [{
    Requires: `@update`, batch norm decomposed. Ensures: io/f32_input and what is computed from it are in low precision;
    parameters, running statistics, optimizer slots, channel vectors, logits and loss are f32. With `precision` f32 nothing
    changes.

    In program order, a value takes the type of the tensors that it is computed from; a library gets all of its tensors in
    low precision, gives gradients of weights in the type that the target names, and logits in f32. Where types still
    differ there is one `incept.cast`, which all users share.

    Weights are read from copies (copy/NAME, kind `copy`), which the updates write in the same kernel as the parameters:
    a step has no launch that casts. `@prepare_training` makes the copies from parameters that were initialised or loaded;
    `@prepare_inference` casts what `@infer` reads.

    With f16 the loss is scaled: the slots loss_scale/scale and loss_scale/good_steps, `incept.count_nonfinite` over all
    gradients and `incept.loss_scale_update` at the start of `@update`, and updates that change nothing where a gradient is
    not finite. Running statistics wait for that in variables pending/NAME.

    example: test/passes/assign-precision.mlir
  }];
  let options = [Option<"precision", "precision", "std::string", "\"f32\"", "f32, bf16 or f16">,
                 Option<"growthInterval", "growth-interval", "int64_t", "2000",
                        "steps without overflow after which the loss scale is doubled (f16)">];
  let dependentDialects = ["::incept::InceptDialect"];
}

//===- Fused phase: groups -------------------------------------------------------------------------------------===//

def RecomputeActivationsPass : Pass<"incept-recompute-activations", "::mlir::func::FuncOp"> {
  let summary = "Compute normalised activations again in the backward pass instead of keeping them";
  let description = [{
    Requires: ops not yet grouped; the loss separates the forward from the backward pass. Ensures: an activation that
    elementwise ops and concats give from values that are kept anyway is not used after the loss. Its users there get a
    copy: kernels that take the computation in (a ReLU's mask) one each, which costs no memory; library calls share one,
    made just before the first of them.

    An activation stays where computing it again would read more than twice its size, or compute more than four times
    its size, and where it depends on a value that nothing else keeps (the sum of a residual block).

    With a budget, library calls read what was kept: the copies that they would share are made only of the largest
    activations, as many as it takes until variables and the most values that are alive at once fit into the budget. What
    kernels take in costs no time, so that is computed again all the same.

    example: test/passes/recompute-activations.mlir
  }];
  let options = [
    Option<"memoryBudget", "memory-budget", "int64_t", "0",
           "bytes that variables and values may take before values are computed again to save memory">,
  ];
  let dependentDialects = ["::incept::InceptDialect"];
}

def SplitSumsPass : Pass<"incept-split-sums", "::mlir::func::FuncOp"> {
  let summary = "Add up the gradients of a concat's result branch by branch";
  let description = [{
    Requires: ops not yet grouped, concats not yet placed. Applied, on targets where a launch costs, to an `incept.add_n` of
    which only channel ranges are used, each once and by elementwise ops and reductions alone: these then add what they
    read, and nothing writes the whole sum. Not where an operand of the sum is elementwise, for it is computed in the sum's
    kernel.

    example: test/passes/split-sums.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def PlaceConcatsPass : Pass<"incept-place-concats", "::mlir::func::FuncOp"> {
  let summary = "Make concat and slice views of one buffer";
  let description = [{
    Requires: ops not yet grouped. Ensures: no `incept.concat`, `incept.split` or `incept.slice`; every operand of a
    `incept.concat_view` is computed by an op that can write a slice and lies in one concat only.

    A concat directly inside another becomes part of it. Where a producer or a consumer is a library call that cannot
    work on a channel slice of this place, as the target says, an `incept.copy` stands between; everywhere else joining
    and splitting channels costs nothing.

    example: test/passes/place-concats.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def FuseConvStatsPass : Pass<"incept-fuse-conv-stats", "::mlir::func::FuncOp"> {
  let summary = "Let convolutions give the sums that batch norm needs";
  let description = [{
    Requires: no concat, slice or split (`incept-place-concats`). A convolution whose result, or channels of it, batch norm
    adds up becomes a `conv2d_stats`, if the target has a plan for that which is no slower by its costs, and
    what finalises the sums looks after channels whose variance they lose (`batch_norm_finalize`). Convolutions that stay
    as they are get the reason as `incept.statistics`.

    example: test/passes/fuse-conv-stats.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def FuseConvBackwardNormPass : Pass<"incept-fuse-conv-backward-norm", "::mlir::func::FuncOp"> {
  let summary = "Let gradients of convolutions' data go on with those of the batch norms before them";
  let description = [{
    Requires: no concat, slice or split (`incept-place-concats`). The gradient of a convolution's data becomes a
    `conv2d_backward_norm`, where what is convolved is the ReLU of a batch norm, has no other use, and the target has a plan
    for that which is no slower by its costs than the sums apart. Gradients that stay as they are get the reason as
    `incept.norm_gradient`.

    example: test/passes/fuse-conv-backward-norm.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def FuseConvNormalizationPass : Pass<"incept-fuse-conv-normalization", "::mlir::func::FuncOp"> {
  let summary = "Let convolutions and gradients of weights normalise what they read";
  let description = [{
    Requires: no concat, slice or split (`incept-place-concats`). The ReLU of a batch norm goes where all who read it are
    convolutions that give statistics, gradients of weights, and masks, for which kernels compute it again; where the target
    has a plan for each of those library ops that normalises what it reads; and where that is no slower by its costs. They
    then read what the batch norm reads, and the batch norm gives their `factors`. Ops that stay as they are get the
    reason as `incept.normalized`.

    example: test/passes/fuse-conv-normalization.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def FormGroupsPass : Pass<"incept-form-groups", "::mlir::func::FuncOp"> {
  let summary = "Put every computing op into one library call or one generated kernel";
  let description = [{
    Requires: no concat or slice (`incept-place-concats`). Ensures: outside `incept.group` only reads, writes, step values
    and views remain.

    Goes through the ops from last to first. A map or reduce op takes in the elementwise producers of its own shape whose
    other consumers come later: the first consumer computes the value and yields it for the rest. A cheap producer with
    earlier consumers is computed again (`recompute`) instead of kept, as long as the kernel reads few values more for it:
    none in the forward pass, where a library call reads the value from memory anyway.
    An op that gives channel vectors of full tensors (batch norm's statistics, where a convolution gave their sums) joins
    the first kernel that goes on with them. A kernel has at most 64 ops. An op on channel vectors that goes on with a
    reduction's sums joins the reduction, if all else that it reads is there before: batch norm's statistics are finalised
    where the partial sums are added up.

    example: test/passes/form-groups.mlir
  }];
  let options = [Option<"fuse", "fuse", "bool", "true", "join elementwise ops with their consumers">,
                 Option<"recompute", "recompute", "bool", "true", "compute cheap values again instead of keeping them">];
  let dependentDialects = ["::incept::InceptDialect"];
}

//===- Layout, planned and exec phases -------------------------------------------------------------------------===//

def AssignLayoutsPass : Pass<"incept-assign-layouts", "::mlir::ModuleOp"> {
  let summary = "Give every tensor a physical layout and every library group its plan";
  let description = [{
    Requires: the fused phase. Ensures: every tensor type outside kernel bodies has an `#incept.layout`; every library
    group names an `incept.exec.plan`, and groups of one problem share it.

    Activations are NHWC, slices of a concat with the pixel stride of the whole. A convolution's weights, their gradient
    and their optimizer slots have the format that the forward primitive wants; where another primitive has no fast
    implementation for it, a reorder group is inserted. So it is around a library call that the target's plan wants to
    have its activations in blocks of channels. A plan that is only a reference implementation is an error.

    example: test/passes/assign-layouts.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def FuseTileNormalizationPass : Pass<"incept-fuse-tile-normalization", "::mlir::func::FuncOp"> {
  let summary = "Let convolutions by tiles normalise what they read";
  let description = [{
    Requires: the layout phase. A kernel that only scales, shifts and takes the positive part of an image goes where all who
    read its result are `convolve_tiles` and `correlate_tiles`, forward convolutions and gradients of weights: they
    do the same to the pixels of each tile, so that the normalised image is neither written nor read. Where anything else
    reads it too, a concat or a pool, it is in memory anyway and stays.

    example: test/passes/fuse-tile-normalization.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def SchedulePass : Pass<"incept-schedule", "::mlir::ModuleOp"> {
  let summary = "Order independent ops so that less memory is alive at once";
  let description = [{
    Requires: the layout phase. Ensures: the most bytes alive at once are not more than before; where no better order is
    found, the function stays as it is.

    An op comes behind those whose results it uses, and whoever uses the old value of a variable comes before the op that
    computes the new one in its place. Orders are made by list scheduling, from the first op and from the last: of the ops
    that may come next, one that frees as much as it takes, else the next of the given order; or the one that takes least.
    The best order is improved in the same way until nothing is gained. Results do not depend on the order.

    example: test/passes/schedule.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def GatherKernelsPass : Pass<"incept-gather-kernels", "::mlir::ModuleOp"> {
  let summary = "Bring independent groups of one kernel together";
  let description = [{
    Requires: the layout phase, and a target that wants launches joined; for others nothing changes. Ensures: groups that are
    one kernel, and of which none needs what another gives, stand side by side and have `incept.with_next`, all but the
    last: what they need is in memory at the same time, so that one launch can do the work of all (`incept-join-launches`).
    Where nearly as much is alive as at the function's peak, not more is than before, unless it fits into the budget together
    with the variables.

    In program order, a group goes up to the first of its kind that it does not depend on, and takes along what it needs.
    So the branches of a block are worked on side by side: in each step the batch norms of all branches are one launch.
    Applied to elementwise kernels over rows and to reductions. What is then still alone, where the target has one launch for
    different kernels, goes beside another kernel's groups (`incept-pair-launches`): up to them, or down with what uses it
    behind them. So a pool runs beside the batch norms of other branches.

    example: test/passes/gather-kernels.mlir
  }];
  let options = [
    Option<"memoryBudget", "memory-budget", "int64_t", "0",
           "bytes that variables and values may take whatever was alive before">,
    Option<"pair", "pair", "bool", "true", "bring groups of different kernels together too">,
  ];
  let dependentDialects = ["::incept::InceptDialect"];
}

def PlanMemoryPass : Pass<"incept-plan-memory", "::mlir::ModuleOp"> {
  let summary = "Give every value of a function an offset in the arena";
  let description = [{
    Requires: the layout phase. Ensures: groups have `offsets` and `scratchpad_offset`, functions `incept.arena_bytes` and
    `incept.arena_lower_bound` (the most bytes alive at once).

    A value that is written to a variable lives there, if the variable's old value is not needed any more; otherwise a
    copy is written. Everything else, scratchpads included, is placed one by one, each into the smallest gap between the
    buffers whose lifetimes meet its own (offsets are multiples of 64 bytes). Of several orders, the largest first, those
    that live longest first, and by the product of both, the one that needs least is taken.

    example: test/passes/plan-memory.mlir
  }];
  let options = [Option<"reportPeak", "report-peak", "bool", "false",
                        "list who is alive at the peak in the functions' attribute incept.peak">];
  let dependentDialects = ["::incept::InceptDialect"];
}

def LowerToExecPass : Pass<"incept-lower-to-exec", "::mlir::ModuleOp"> {
  let summary = "Rewrite functions as lists of launches on slices of regions";
  let description = [{
    Requires: the planned phase. Ensures: the exec phase (dialect/README.md).

    Parameters are sorted by weight decay; gradients and optimizer slots have the offsets of their parameters in regions of
    their own. Kernel groups become launches of kernel definitions that are generic in extents, one for all groups of the
    same computation; a reduction becomes a launch that writes partial sums and one that adds them in fixed order and goes
    on with the sums, or one launch that does both, where the target has such kernels.

    example: test/passes/lower-to-exec.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def CoalesceLaunchesPass : Pass<"incept-coalesce-launches", "::mlir::ModuleOp"> {
  let summary = "Join launches of one flat kernel on adjacent memory";
  let description = [{
    Requires: the exec phase. Two launches are joined where every tensor of one begins where that of the other ends (up to
    alignment), whichever comes first, their scalars are the same, and no launch between them touches the memory of the one
    that moves. The padding between them is computed on too; it holds nothing.

    example: test/passes/coalesce-launches.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def JoinLaunchesPass : Pass<"incept-join-launches", "::mlir::ModuleOp"> {
  let summary = "Let one launch do what independent ones of a kernel would";
  let description = [{
    Requires: the exec phase without shapes of launches, and a target that wants launches joined; for others nothing changes.
    A launch becomes a part of an earlier one of its kernel where neither works on what the other writes, nor on what
    launches between them write or read, no library call lies between, and both would have vectors of one width. What a part
    computes, and in which order it adds, is what its own launch would. A launch that only its vectors or its size keep from
    that gets the reason as `incept.apart`.

    example: test/passes/join-launches.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def PairLaunchesPass : Pass<"incept-pair-launches", "::mlir::ModuleOp"> {
  let summary = "Let one launch do what independent ones of two kernels would";
  let description = [{
    Requires: the exec phase with shapes of launches. A launch moves behind an earlier one, which is then `with_next`, where
    neither works on what the other writes, nor on what launches between them write or read, no library call lies between,
    the target has one launch for both kernels, and by its costs that takes no longer. Each of the blocks does what it
    would in its own launch. A launch that stays alone where another could have taken it gets the reason as
    `incept.apart`, unless it has one.

    example: test/passes/pair-launches.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def ShapeLaunchesPass : Pass<"incept-shape-launches", "::mlir::ModuleOp"> {
  let summary = "Say how the target runs each launch";
  let description = [{
    Requires: the exec phase. Ensures: where the target launches grids, every launch of a kernel has `width`, `grid` and
    `block`, the last two for each part, from the extents and places that it has (`Target::shapeLaunch`). A launch that no
    grid can hold is an error.

    example: test/passes/shape-launches.mlir
  }];
  let dependentDialects = ["::incept::InceptDialect"];
}

def VerifyPhasePass : Pass<"incept-verify-phase", "::mlir::ModuleOp"> {
  let summary = "Check the contract of a phase and mark the module with it";
  let description = [{
    What may remain in each phase is in dialect/README.md. An op that does not belong is an error that names the op and
    the phase.

    example: test/passes/verify-phase.mlir
  }];
  let options = [Option<"phase", "phase", "std::string", "\"graph\"", "name of the phase">];
}

#endif // INCEPT_PASSES_TD
