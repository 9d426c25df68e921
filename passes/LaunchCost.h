// SPDX-License-Identifier: Apache-2.0
//
// What a launch has to compute and to move: profiles compare its time with the machine's peaks.
#pragma once

#include "dialect/InceptOps.h"
#include "dialect/OpRule.h"

namespace incept {

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
struct LaunchCost {
  int64_t flops = 0, bytes = 0;
};
LaunchCost launchCost(mlir::Operation *launch);
void setLaunchCost(mlir::Operation *launch, LaunchCost cost);

} // namespace incept
