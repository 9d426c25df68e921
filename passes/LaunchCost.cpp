// SPDX-License-Identifier: Apache-2.0

#include "passes/LaunchCost.h"
#include "dialect/TileOps.h"
#include "dialect/VerifierUtils.h"
#include "passes/Layouts.h"
#include "passes/Target.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace incept {

static int64_t elements(Value value) { return *countElements(shapeOf(value)); }

/// Along one dimension: pairs of an output and a tap of the window that lies inside the input.
static int64_t countTaps(int64_t input, int64_t output, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad) {
  int64_t taps = 0;
  for (int64_t o = 0; o < output; ++o)
    for (int64_t k = 0; k < kernel; ++k) {
      int64_t at = o * stride + k * dilation - pad;
      taps += at >= 0 && at < input;
    }
  return taps;
}

/// A convolution or one of its gradients, with the shapes of the forward convolution.
template <typename Conv>
static int64_t convolution(Conv op, Value src, Value weights, Value dst) {
  ArrayRef<int64_t> in = shapeOf(src), filter = shapeOf(weights), out = shapeOf(dst);
  int64_t flops = 2 * out[0] * filter[0] * filter[1];
  for (int i : {0, 1})
    flops *=
        countTaps(in[2 + i], out[2 + i], filter[2 + i], op.getStride()[i], op.getDilation()[i], op.getPadBegin()[i]);
  return flops;
}

static int64_t none(Operation *) { return 0; }
template <int64_t count>
static int64_t perOperandElement(Operation *op) {
  return count * elements(op->getOperand(0));
}
template <int64_t count>
static int64_t perElement(Operation *op) {
  return count * elements(op->getResult(0));
}
static constexpr auto pool = [](auto op) { return perElement<1>(op) * op.getKernel()[0] * op.getKernel()[1]; };
static constexpr auto poolBackward = [](auto op) {
  return perOperandElement<1>(op) * op.getKernel()[0] * op.getKernel()[1];
};
/// A window's squares are added up for each value, for a gradient those of each neighbour in it.
static constexpr auto responseNorm = [](auto op) { return perElement<1>(op) * (2 * int64_t(op.getSize()) + 4); };
static constexpr auto responseNormBackward = [](auto op) { return responseNorm(op) * int64_t(op.getSize()); };
/// Of the tensor that has the other's gradient; a pixel is a copy, or a sum of four.
static constexpr auto resized = [](auto op) {
  Value image = isa<ResizeOp>(op.getOperation()) ? op->getResult(0) : op->getOperand(0);
  return op.getMode() == ResizeMode::Nearest ? 0 : 8 * elements(image);
};
static int64_t addN(AddNOp op) { return (int64_t(op->getNumOperands()) - 1) * elements(op.getDst()); }

static int64_t conv(Conv2DOp op) { return convolution(op, op.getSrc(), op.getWeights(), op.getDst()); }
/// Of what the library normalises: a product, a sum and a comparison.
template <typename Conv>
static int64_t normalization(Conv op) {
  return op.getFactor() ? 3 * elements(op.getSrc()) : 0;
}
static int64_t convStats(Conv2DStatsOp op) {
  constexpr int64_t kOfElement = 3; // two additions and a square
  return convolution(op, op.getSrc(), op.getWeights(), op.getDst()) + kOfElement * elements(op.getDst()) +
         normalization(op);
}
static int64_t convBackwardData(Conv2DBackwardDataOp op) {
  return convolution(op, op.getDiffSrc(), op.getWeights(), op.getDiffDst());
}
static int64_t convBackwardNorm(Conv2DBackwardNormOp op) {
  constexpr int64_t kOfElement = 8; // normalised, masked, and added up twice
  return convolution(op, op.getDiffSrc(), op.getWeights(), op.getDiffDst()) + kOfElement * elements(op.getDiffSrc());
}
static int64_t convBackwardWeights(Conv2DBackwardWeightsOp op) {
  return convolution(op, op.getSrc(), op.getDiffWeights(), op.getDiffDst()) + normalization(op);
}
/// By tiles, with the operations of the convolution that is computed.
template <typename OpTy>
static int64_t byTiles(OpTy op, Value src, Value dst) {
  ArrayRef<int64_t> in = shapeOf(src), out = shapeOf(dst);
  int64_t flops = 2 * out[0] * out[1] * in[1];
  for (int i : {0, 1})
    flops *= countTaps(in[2 + i], out[2 + i], op.getKernel()[i], int64_t(op.getStride()), 1, op.getPadBegin()[i]);
  return flops;
}
static int64_t convolveTiles(ConvolveTilesOp op) {
  return op.getTransposed() ? byTiles(op, op.getDst(), op.getSrc()) : byTiles(op, op.getSrc(), op.getDst());
}
static int64_t correlateTiles(CorrelateTilesOp op) { return byTiles(op, op.getSrc(), op.getDiffDst()); }
/// A linear layer or one of its gradients.
static int64_t product(Value weights, Value dst) {
  return 2 * shapeOf(dst)[0] * *countMultiplyAccumulates(shapeOf(weights), shapeOf(dst));
}
static int64_t linear(LinearOp op) { return product(op.getWeights(), op.getDst()); }
static int64_t linearBackwardData(LinearBackwardDataOp op) { return product(op.getWeights(), op.getDiffDst()); }
static int64_t linearBackwardWeights(LinearBackwardWeightsOp op) {
  return product(op.getDiffWeights(), op.getDiffDst());
}

void attachFlopRules(MLIRContext *context) {
  FlopRule::attach<Conv2DOp, conv>(context);
  FlopRule::attach<Conv2DStatsOp, convStats>(context);
  FlopRule::attach<Conv2DBackwardDataOp, convBackwardData>(context);
  FlopRule::attach<Conv2DBackwardNormOp, convBackwardNorm>(context);
  FlopRule::attach<Conv2DBackwardWeightsOp, convBackwardWeights>(context);
  FlopRule::attach<ConvolveTilesOp, convolveTiles>(context);
  FlopRule::attach<CorrelateTilesOp, correlateTiles>(context);
  FlopRule::attach<LinearOp, linear>(context);
  FlopRule::attach<LinearBackwardDataOp, linearBackwardData>(context);
  FlopRule::attach<LinearBackwardWeightsOp, linearBackwardWeights>(context);
  FlopRule::attachAll<pool, MaxPoolOp, MaxPoolWithIndexOp, AvgPoolOp>(context);
  FlopRule::attachAll<poolBackward, MaxPoolBackwardOp, AvgPoolBackwardOp>(context);
  FlopRule::attachAll<none, CastOp, ChannelShuffleOp, CopyOp, FlattenPixelsOp, ReorderOp, TransformWeightsOp,
                      UnflattenPixelsOp>(context);
  FlopRule::attachAll<resized, ResizeOp, ResizeBackwardOp>(context);
  FlopRule::attachAll<perOperandElement<4>, ChannelStatsOp, BatchNormBackwardStatsOp>(context);
  FlopRule::attachAll<perElement<5>, BatchNormBackwardApplyOp, SgdUpdateOp>(context);
  FlopRule::attach<BatchNormFinalizeOp, perElement<1>>(context); // its sums are taken again where they cancel alone
  FlopRule::attachAll<perElement<7>, NesterovUpdateOp, LarsUpdateOp>(context);
  FlopRule::attach<RmspropUpdateOp, perElement<11>>(context);
  FlopRule::attachAll<perElement<16>, AdamUpdateOp, AdamwUpdateOp, LambDirectionOp, LambUpdateOp>(context);
  FlopRule::attachAll<perElement<2>, ChannelAffineOp, ClipOp>(context);
  FlopRule::attachAll<perOperandElement<2>, GateBackwardOp>(context);
  FlopRule::attachAll<perElement<4>, ActivateOp, ActivateBackwardOp>(context);
  FlopRule::attachAll<perElement<4>, SoftmaxOp, SoftmaxBackwardOp>(context);
  FlopRule::attachAll<perElement<5>, NormalizeGroupsOp, NormalizePixelsOp>(context);
  FlopRule::attachAll<perElement<10>, NormalizeGroupsBackwardOp, NormalizePixelsBackwardOp>(context);
  FlopRule::attach<LocalResponseNormOp, responseNorm>(context);
  FlopRule::attach<LocalResponseNormBackwardOp, responseNormBackward>(context);
  FlopRule::attachAll<perElement<3>, AverageUpdateOp, MixOp>(context);
  FlopRule::attach<ScaleShiftOp, perElement<3>>(context);
  FlopRule::attach<AddNOp, addN>(context);
}

static int64_t flopsOf(Operation *op) {
  if (auto group = dyn_cast<GroupOp>(op))
    return countFlops(group);
  if (auto rule = dyn_cast<FlopRule>(op))
    return rule();
  int64_t most = 0;
  for (Value value : op->getOperands())
    most = std::max(most, elements(value));
  for (Value value : op->getResults())
    most = std::max(most, elements(value));
  return most;
}

int64_t countFlops(GroupOp group) {
  int64_t flops = 0;
  for (Operation &op : group.getBody().front().without_terminator())
    flops += flopsOf(&op);
  return flops;
}

/// Along one dimension: places of the input that lie in a window.
static int64_t countReached(int64_t input, int64_t output, int64_t kernel, int64_t stride, int64_t pad) {
  int64_t reached = 0, next = 0; // `next`: the first place that no window before has reached
  for (int64_t o = 0; o < output; ++o) {
    int64_t begin = std::max(o * stride - pad, next), end = std::min(o * stride - pad + kernel, input);
    reached += std::max<int64_t>(end - begin, 0);
    next = std::max(next, end);
  }
  return reached;
}

template <typename Pool>
static int64_t elementsReached(Pool op) {
  ArrayRef<int64_t> in = shapeOf(op.getSrc()), out = shapeOf(op.getDst());
  int64_t reached = in[0] * in[1];
  for (int i : {0, 1})
    reached *= countReached(in[2 + i], out[2 + i], op.getKernel()[i], op.getStride()[i], op.getPadBegin()[i]);
  return reached;
}

int64_t bytesTouched(GroupOp group, Value value) {
  int64_t touched = elements(value);
  for (auto [input, argument] : llvm::zip(group.getInputs(), group.getBody().getArguments()))
    if (input == value && argument.hasOneUse())
      touched = llvm::TypeSwitch<Operation *, int64_t>(*argument.user_begin())
                    .Case<MaxPoolOp, MaxPoolWithIndexOp, AvgPoolOp>([](auto pool) { return elementsReached(pool); })
                    // The first pixel; all of them only where sums have lost a variance.
                    .Case([&](BatchNormFinalizeOp op) { return op.getSrc() == argument ? shapeOf(value)[1] : touched; })
                    .Default([&](Operation *) { return touched; });
  return touched * elementBytes(getElementTypeOrSelf(value.getType()));
}

LaunchCost launchCost(Operation *launch) {
  auto value = [&](StringRef name) {
    auto attribute = launch->getAttrOfType<IntegerAttr>(name);
    return attribute ? attribute.getInt() : 0;
  };
  return {value(kFlopsAttr), value(kBytesAttr)};
}

LaunchCost launchCost(ArrayRef<Operation *> launches) {
  LaunchCost cost;
  for (Operation *launch : launches)
    cost = cost + launchCost(launch);
  return cost;
}

void setLaunchCost(Operation *launch, LaunchCost cost) {
  Builder builder(launch->getContext());
  launch->setAttr(kFlopsAttr, builder.getI64IntegerAttr(cost.flops));
  launch->setAttr(kBytesAttr, builder.getI64IntegerAttr(cost.bytes));
}

LaunchCost costTogether(ArrayRef<Operation *> ops) {
  llvm::SmallPtrSet<Operation *, 8> together(ops.begin(), ops.end());
  llvm::SmallPtrSet<Value, 8> seen;
  LaunchCost cost;
  auto move = [&](Value value) {
    if (isa<RankedTensorType>(value.getType()) && seen.insert(value).second)
      cost.bytes += elements(value) * elementBytes(getElementTypeOrSelf(value.getType()));
  };
  for (Operation *op : ops) {
    if (op->hasTrait<OpTrait::View>())
      continue;
    cost.flops += flopsOf(op);
    for (Value operand : op->getOperands())
      if (!together.contains(operand.getDefiningOp()))
        move(operand);
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !together.contains(user); }))
        move(result);
  }
  return cost;
}

LaunchWork together(const LaunchWork &a, const LaunchWork &b) {
  LaunchWork work = a.cost.bytes >= b.cost.bytes ? a : b;
  work.cost = a.cost + b.cost;
  work.blocks = a.blocks && b.blocks ? a.blocks + b.blocks : 0;
  work.resident = std::min(a.resident, b.resident);
  return work;
}

double secondsOf(const Target &target, ArrayRef<LaunchWork> launches) {
  double seconds = 0;
  for (const LaunchWork &work : launches)
    seconds += target.estimateSeconds(work);
  return seconds;
}

} // namespace incept
