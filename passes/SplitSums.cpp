// SPDX-License-Identifier: Apache-2.0
//
// Adds up the gradients of a concat's result branch by branch, so that each branch's first kernel does it while it
// reads them: no launch writes the whole sum for others to read.

#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Passes.h"
#include "passes/Target.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_SPLITSUMSPASS
#include "passes/Passes.h.inc"

namespace {

/// True for an op whose kernel computes what elementwise ops before it give.
bool takesProducers(Operation *op) { return op->hasTrait<OpTrait::Map>() || op->hasTrait<OpTrait::Reduce>(); }

/// True where adding up range by range saves what the sum writes and nothing is added twice.
bool pays(AddNOp sum) {
  int64_t channels = 0;
  for (Operation *user : sum->getUsers()) {
    auto slice = dyn_cast<SliceOp>(user);
    if (!slice || !llvm::all_of(slice->getUsers(), takesProducers))
      return false;
    channels += shapeOf(slice.getDst())[1];
  }
  // What is elementwise and used by the sum alone is computed in the sum's kernel; ranges of it would be read.
  bool computes = llvm::any_of(sum.getSrcs(), [](Value src) {
    Operation *producer = src.getDefiningOp();
    return producer && producer->hasTrait<OpTrait::Map>() && src.hasOneUse();
  });
  return channels > 0 && channels <= shapeOf(sum.getDst())[1] && !computes;
}

void split(AddNOp sum) {
  for (Operation *user : llvm::to_vector(sum->getUsers())) {
    auto slice = cast<SliceOp>(user);
    OpBuilder builder(slice);
    SmallVector<Value> parts;
    for (Value src : sum.getSrcs()) {
      auto part = SliceOp::create(builder, slice.getLoc(), slice.getDst().getType(), src, slice.getOffsetAttr());
      setPath(part, getPath(slice));
      parts.push_back(part.getDst());
    }
    auto own = AddNOp::create(builder, sum.getLoc(), slice.getDst().getType(), parts);
    setPath(own, getPath(sum));
    slice.replaceAllUsesWith(own.getDst());
    slice.erase();
  }
  sum.erase();
}

struct SplitSumsPass : impl::SplitSumsPassBase<SplitSumsPass> {
  void runOnOperation() override {
    const Target *target = findTarget(getOperation());
    if (!target)
      return signalPassFailure();
    if (!target->joinsLaunches())
      return;
    for (AddNOp sum : llvm::make_early_inc_range(getOperation().getOps<AddNOp>()))
      if (pays(sum))
        split(sum);
  }
};

} // namespace
} // namespace incept
