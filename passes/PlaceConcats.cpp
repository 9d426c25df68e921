// SPDX-License-Identifier: Apache-2.0
//
// Turns concat and slice into views of one buffer, so that joining and splitting channels costs nothing. Where a
// producer or a consumer cannot work on a channel slice, a copy stands in its place.

#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Passes.h"
#include "passes/Placement.h"
#include "passes/Target.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_PLACECONCATSPASS
#include "passes/Passes.h.inc"

namespace {

bool isGeneratedKernel(Operation *op) {
  return op && (op->hasTrait<OpTrait::Map>() || op->hasTrait<OpTrait::Opaque>());
}

/// Views of what a function's values lie in.
class ViewPlacer {
public:
  explicit ViewPlacer(const Target &target) : target(target) {}

  void placeConcat(ConcatOp concat);
  void placeSlice(SliceOp slice);

private:
  /// True where `op` computes with, or gives, `value` as a channel slice: generated kernels can, and what is a part of
  /// it in turn, libraries where the target says so, writes of variables never.
  bool takesSlice(Operation *op, Value value, ChannelSlice slice) const {
    if (isGeneratedKernel(op) || op->hasTrait<OpTrait::Reduce>() ||
        isa<ConcatOp, ConcatViewOp, SliceOp, ChannelSampleOp>(op))
      return true;
    return op->hasTrait<OpTrait::Library>() && target.acceptsSlice(op, value, slice);
  }

  const Target &target;
};

Value copyOf(OpBuilder &builder, Operation *near, Value value) {
  auto copy = CopyOp::create(builder, near->getLoc(), value.getType(), value);
  setPath(copy, getPath(near));
  return copy;
}

/// concat(a, concat(b, c)) becomes concat(a, b, c) where the inner one has no other use.
void flattenNested(ConcatOp concat) {
  SmallVector<Value> srcs;
  bool changed = false;
  for (Value src : concat.getSrcs()) {
    auto inner = src.getDefiningOp<ConcatOp>();
    if (inner && inner->hasOneUse()) {
      llvm::append_range(srcs, inner.getSrcs());
      changed = true;
    } else {
      srcs.push_back(src);
    }
  }
  if (!changed)
    return;
  SmallVector<Value> old(concat.getSrcs());
  concat.getSrcsMutable().assign(srcs);
  for (Value src : old)
    if (auto inner = src.getDefiningOp<ConcatOp>(); inner && inner->use_empty())
      inner.erase();
}

void ViewPlacer::placeConcat(ConcatOp concat) {
  OpBuilder builder(concat);
  SmallVector<Value> srcs;
  SmallVector<ChannelSlice> slices = slicesOf(concat.getSrcs());
  for (OpOperand &operand : concat.getSrcsMutable()) {
    Value src = operand.get();
    ChannelSlice slice = slices[operand.getOperandNumber()];
    // A value can lie in one slice only: not in two concats, not twice in one.
    unsigned concatUses =
        llvm::count_if(src.getUses(), [](OpOperand &use) { return isa<ConcatOp, ConcatViewOp>(use.getOwner()); });
    Operation *producer = src.getDefiningOp();
    bool computes = producer && (isGeneratedKernel(producer) || producer->hasTrait<OpTrait::Library>());
    bool direct = computes && concatUses == 1 && takesSlice(producer, src, slice) &&
                  llvm::all_of(src.getUsers(), [&](Operation *user) { return takesSlice(user, src, slice); });
    srcs.push_back(direct ? src : copyOf(builder, concat, src));
  }
  auto view = ConcatViewOp::create(builder, concat.getLoc(), concat.getType(), srcs);
  setPath(view, getPath(concat));
  concat.replaceAllUsesWith(view.getDst());
  concat.erase();
}

void ViewPlacer::placeSlice(SliceOp slice) {
  OpBuilder builder(slice);
  auto view = SliceViewOp::create(builder, slice.getLoc(), slice.getType(), slice.getSrc(), slice.getOffset());
  setPath(view, getPath(slice));
  Value result = view;
  Placement in = placementOf(result); // through views that it is a slice of
  ChannelSlice place{shapeOf(in.root)[1], in.channelOffset};
  // One copy serves all consumers that need dense memory.
  Value dense;
  for (OpOperand &use : llvm::make_early_inc_range(slice.getDst().getUses())) {
    Operation *user = use.getOwner();
    if (!isa<ConcatOp, ConcatViewOp>(user) && takesSlice(user, use.get(), place)) {
      use.set(result);
      continue;
    }
    if (!dense)
      dense = copyOf(builder, slice, result);
    use.set(dense);
  }
  slice.erase();
}

void lowerSplit(SplitOp split) {
  OpBuilder builder(split);
  int64_t offset = 0;
  for (Value part : split.getDsts()) {
    auto slice = SliceOp::create(builder, split.getLoc(), part.getType(), split.getSrc(), offset);
    setPath(slice, getPath(split));
    part.replaceAllUsesWith(slice.getDst());
    offset += shapeOf(part)[1];
  }
  split.erase();
}

struct PlaceConcatsPass : impl::PlaceConcatsPassBase<PlaceConcatsPass> {
  void runOnOperation() override {
    const Target *target = findTarget(getOperation());
    if (!target)
      return signalPassFailure();
    ViewPlacer placer(*target);
    func::FuncOp function = getOperation();
    for (SplitOp split : llvm::make_early_inc_range(function.getOps<SplitOp>()))
      lowerSplit(split);
    // In program order an inner concat is flat before the outer one takes its operands.
    for (ConcatOp concat : function.getOps<ConcatOp>())
      flattenNested(concat);
    for (ConcatOp concat : llvm::make_early_inc_range(function.getOps<ConcatOp>()))
      placer.placeConcat(concat);
    for (SliceOp slice : llvm::make_early_inc_range(function.getOps<SliceOp>()))
      placer.placeSlice(slice);
  }
};

} // namespace

} // namespace incept
