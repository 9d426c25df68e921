// SPDX-License-Identifier: Apache-2.0
//
// Lets convolutions by tiles normalise what they read, where nothing else reads the normalised activation.

#include "dialect/TileOps.h"
#include "dialect/VerifierUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Passes.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_FUSETILENORMALIZATIONPASS
#include "passes/Passes.h.inc"

namespace {

/// The first op of a kernel group that is scale_shift and relu and nothing else, in f32; null for other groups.
ScaleShiftOp normalizationOf(GroupOp group) {
  Block &body = group.getBody().front();
  if (group.isLibrary() || !llvm::hasNItems(body, 3))
    return {};
  auto norm = dyn_cast<ScaleShiftOp>(body.front());
  auto relu = dyn_cast<ReluOp>(*std::next(body.begin()));
  bool isIt = norm && relu && relu.getSrc() == norm.getDst() && shapeOf(norm.getSrc()).size() == 4 &&
              llvm::equal(group.getYield().getValues(), ValueRange(relu.getDst())) &&
              llvm::all_of(norm->getOperands(), [](Value operand) { return elementOf(operand).isF32(); });
  return isIt ? norm : ScaleShiftOp();
}

/// The value outside of an operand inside.
Value outerValue(GroupOp group, Value argument) {
  return group.getInputs()[cast<BlockArgument>(argument).getArgNumber()];
}

/// True where `use` is the image that an op by tiles reads as it is.
bool isReadByTiles(OpOperand &use) {
  auto group = dyn_cast<GroupOp>(use.getOwner());
  Operation *op = group ? group.getFirstOp() : nullptr;
  auto reads = [&](auto tiles) {
    return tiles && !tiles.getCenter() &&
           tiles.getSrc() == group.getBody().front().getArgument(use.getOperandNumber()) && tiles.getSrc().hasOneUse();
  };
  return group && (reads(dyn_cast<ConvolveTilesOp>(op)) || reads(dyn_cast<CorrelateTilesOp>(op)));
}

/// Lets the op in `user`, which reads what `normalization` gives, do what that does.
void takeIn(GroupOp user, GroupOp normalization) {
  ScaleShiftOp norm = normalizationOf(normalization);
  Operation *op = user.getFirstOp();
  auto src = cast<BlockArgument>(op->getOperand(0));
  Value image = outerValue(normalization, norm.getSrc());
  user.getInputsMutable()[src.getArgNumber()].set(image);
  src.setType(image.getType());
  auto add = [&](Value vector) -> Value {
    Value outer = outerValue(normalization, vector);
    user.getInputsMutable().append(outer);
    return user.getBody().front().addArgument(outer.getType(), user.getLoc());
  };
  auto set = [&](auto tiles) {
    tiles.getCenterMutable().assign(add(norm.getCenter()));
    tiles.getScaleMutable().assign(add(norm.getScale()));
    tiles.getShiftMutable().assign(add(norm.getShift()));
  };
  if (auto convolve = dyn_cast<ConvolveTilesOp>(op))
    set(convolve);
  else
    set(cast<CorrelateTilesOp>(op));
}

struct FuseTileNormalizationPass : impl::FuseTileNormalizationPassBase<FuseTileNormalizationPass> {
  void runOnOperation() override {
    // Statistics and parameters that a use further down would read may be others by then.
    DenseMap<StringRef, Operation *> writes;
    for (WriteOp write : getOperation().getOps<WriteOp>())
      writes.try_emplace(write.getVariable(), write);
    for (GroupOp group : llvm::make_early_inc_range(getOperation().getOps<GroupOp>())) {
      if (!normalizationOf(group) || group.use_empty())
        continue;
      bool fits = llvm::all_of(group->getUses(), [&](OpOperand &use) {
        return isReadByTiles(use) && llvm::none_of(group.getInputs(), [&](Value input) {
                 auto read = input.getDefiningOp<ReadOp>();
                 Operation *write = read ? writes.lookup(read.getVariable()) : nullptr;
                 return write && write->isBeforeInBlock(use.getOwner());
               });
      });
      if (!fits)
        continue;
      for (Operation *user : llvm::to_vector(group->getUsers()))
        takeIn(cast<GroupOp>(user), group);
      group.erase();
    }
  }
};

} // namespace

} // namespace incept
