// SPDX-License-Identifier: Apache-2.0
//
// What a launch has to compute and to move: profiles compare its time with the machine's peaks.
#pragma once

#include "dialect/InceptOps.h"
#include "dialect/OpRule.h"
#include "passes/LaunchWork.h"

namespace incept {

class Target;

/// Floating-point operations of an op; a multiply-accumulate counts as two, one of a convolution with padding as none.
/// An op without a rule has one per element of what it reads or writes, whichever is more.
class FlopRule : public OpRule<FlopRule, int64_t()> {
public:
  using OpRule::OpRule;
};
/// Lends the dialect's own ops their rules.
void attachFlopRules(mlir::MLIRContext *context);

/// Floating-point operations of the group's ops.
int64_t countFlops(GroupOp group);

/// Bytes of an input or a result of the group that it reads or writes: all but what no window of a pool reaches.
int64_t bytesTouched(GroupOp group, mlir::Value value);

/// Attributes of a launch: its operations, and the bytes that it reads of tensors and those that it writes.
inline constexpr llvm::StringLiteral kFlopsAttr = "incept.flops", kBytesAttr = "incept.bytes";
LaunchCost launchCost(mlir::Operation *launch);
/// Of launches that are one.
LaunchCost launchCost(llvm::ArrayRef<mlir::Operation *> launches);
void setLaunchCost(mlir::Operation *launch, LaunchCost cost);

/// The cost of one launch that does all of `ops`, which are ops or groups of one block: it reads each value that they
/// take from elsewhere, and writes each of theirs that is used elsewhere, once. Views move nothing.
LaunchCost costTogether(llvm::ArrayRef<mlir::Operation *> ops);

/// Seconds that launches take on a target, one after the other; 0 where it knows no times (Target::estimateSeconds).
/// A fusion pays where those that it leaves take less than those that it replaces:
///   secondsOf(target, {target.describeCall(fusedPlan, costTogether({conv, stats}))}) <
///   secondsOf(target, {target.describeCall(plan, costTogether({conv})), reductionOf(costTogether({stats}))})
double secondsOf(const Target &target, llvm::ArrayRef<LaunchWork> launches);

/// The work of one launch whose blocks do what two generated kernels do. It has no more of them on a multiprocessor
/// than the kernel that needs most registers.
LaunchWork together(const LaunchWork &a, const LaunchWork &b);

/// The work of a generated kernel that is not there yet, whose grid fills the device.
inline LaunchWork reductionOf(LaunchCost cost) { return {LaunchKind::Reduction, Arithmetic::F32, cost}; }

} // namespace incept
