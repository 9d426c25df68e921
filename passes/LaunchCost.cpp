// SPDX-License-Identifier: Apache-2.0

#include "passes/LaunchCost.h"
#include "dialect/VerifierUtils.h"
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

static int64_t window(DenseI64ArrayAttr kernel) { return kernel[0] * kernel[1]; }

static int64_t flopsOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, int64_t>(op)
      .Case([](Conv2DOp op) { return convolution(op, op.getSrc(), op.getWeights(), op.getDst()); })
      .Case([](Conv2DBackwardDataOp op) { return convolution(op, op.getDiffSrc(), op.getWeights(), op.getDiffDst()); })
      .Case(
          [](Conv2DBackwardWeightsOp op) { return convolution(op, op.getSrc(), op.getDiffWeights(), op.getDiffDst()); })
      .Case([](LinearOp linear) { return 2 * elements(linear.getSrc()) * shapeOf(linear.getWeights())[0]; })
      .Case([](LinearBackwardDataOp linear) {
        return 2 * elements(linear.getDiffDst()) * shapeOf(linear.getWeights())[1];
      })
      .Case([](LinearBackwardWeightsOp linear) {
        return 2 * elements(linear.getSrc()) * shapeOf(linear.getDiffDst())[1];
      })
      .Case<MaxPoolOp, MaxPoolWithIndexOp, AvgPoolOp>(
          [](auto pool) { return elements(pool->getResult(0)) * window(pool.getKernelAttr()); })
      .Case<MaxPoolBackwardOp, AvgPoolBackwardOp>(
          [](auto pool) { return elements(pool.getDiffDst()) * window(pool.getKernelAttr()); })
      .Case<CastOp, CopyOp, ReorderOp, YieldOp>([](auto) { return 0; })
      .Case<ScaleShiftOp>([](auto op) { return 3 * elements(op.getDst()); })
      .Case<AddNOp>([](auto op) { return (int64_t(op->getNumOperands()) - 1) * elements(op.getDst()); })
      .Case<ChannelStatsOp, BatchNormBackwardStatsOp>([](auto op) { return 4 * elements(op->getOperand(0)); })
      .Case<BatchNormBackwardApplyOp>([](auto op) { return 5 * elements(op->getResult(0)); })
      .Case<SgdUpdateOp>([](auto op) { return 5 * elements(op->getResult(0)); })
      .Case<RmspropUpdateOp>([](auto op) { return 11 * elements(op->getResult(0)); })
      // One per element of what it reads or writes, whichever is more.
      .Default([](Operation *op) {
        int64_t most = 0;
        for (Value value : op->getOperands())
          most = std::max(most, elements(value));
        for (Value value : op->getResults())
          most = std::max(most, elements(value));
        return most;
      });
}

int64_t countFlops(GroupOp group) {
  int64_t flops = 0;
  for (Operation &op : group.getBody().front())
    flops += flopsOf(&op);
  return flops;
}

LaunchCost launchCost(Operation *launch) {
  auto value = [&](StringRef name) {
    auto attribute = launch->getAttrOfType<IntegerAttr>(name);
    return attribute ? attribute.getInt() : 0;
  };
  return {value(kFlopsAttr), value(kBytesAttr)};
}

void setLaunchCost(Operation *launch, LaunchCost cost) {
  Builder builder(launch->getContext());
  launch->setAttr(kFlopsAttr, builder.getI64IntegerAttr(cost.flops));
  launch->setAttr(kBytesAttr, builder.getI64IntegerAttr(cost.bytes));
}

} // namespace incept
