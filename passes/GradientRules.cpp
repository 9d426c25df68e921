// SPDX-License-Identifier: Apache-2.0
//
// One rule per differentiable op, side by side. A rule gets the gradients of the op's results (null where zero) and
// returns one value per operand, null where the operand has no gradient (labels, random seeds). Each gradient is
// written, never added to: sums over several consumers are made by the differentiate pass.

#include "passes/GradientRules.h"
#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "mlir/IR/DialectRegistry.h"

using namespace mlir;

namespace incept {

namespace {

using Gradients = SmallVector<Value>;

Gradients conv2d(Conv2DOp op, OpBuilder &b, ValueRange diff) {
  auto data =
      Conv2DBackwardDataOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0], op.getWeights(), op.getStrideAttr(),
                                   op.getPadBeginAttr(), op.getPadEndAttr(), op.getDilationAttr(), op.getGroupsAttr());
  auto weights =
      Conv2DBackwardWeightsOp::create(b, op.getLoc(), op.getWeights().getType(), op.getSrc(), diff[0],
                                      /*factor=*/Value(), /*offset=*/Value(), op.getStrideAttr(), op.getPadBeginAttr(),
                                      op.getPadEndAttr(), op.getDilationAttr(), op.getGroupsAttr());
  Gradients gradients{data, weights};
  if (op.getBias())
    gradients.push_back(ChannelSumOp::create(b, op.getLoc(), op.getBias().getType(), diff[0]));
  return gradients;
}

/// A transposed convolution: what it is the gradient of is its own gradient, and in that of the weights it is the src.
Gradients convTranspose(Conv2DBackwardDataOp op, OpBuilder &b, ValueRange diff) {
  auto data = Conv2DOp::create(b, op.getLoc(), op.getDiffDst().getType(), diff[0], op.getWeights(), /*bias=*/Value(),
                               /*residual=*/Value(), op.getStrideAttr(), op.getPadBeginAttr(), op.getPadEndAttr(),
                               op.getDilationAttr(), op.getGroupsAttr(), b.getF64FloatAttr(1.0),
                               /*relu=*/mlir::UnitAttr());
  auto weights =
      Conv2DBackwardWeightsOp::create(b, op.getLoc(), op.getWeights().getType(), diff[0], op.getDiffDst(),
                                      /*factor=*/Value(), /*offset=*/Value(), op.getStrideAttr(), op.getPadBeginAttr(),
                                      op.getPadEndAttr(), op.getDilationAttr(), op.getGroupsAttr());
  return {data, weights};
}

Gradients linear(LinearOp op, OpBuilder &b, ValueRange diff) {
  Gradients gradients{LinearBackwardDataOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0], op.getWeights()),
                      LinearBackwardWeightsOp::create(b, op.getLoc(), op.getWeights().getType(), op.getSrc(), diff[0])};
  if (op.getBias())
    gradients.push_back(ChannelSumOp::create(b, op.getLoc(), op.getBias().getType(), diff[0]));
  return gradients;
}

Gradients maxPool(MaxPoolWithIndexOp op, OpBuilder &b, ValueRange diff) {
  return {MaxPoolBackwardOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0], op.getWorkspace(),
                                    op.getKernelAttr(), op.getStrideAttr(), op.getPadBeginAttr(), op.getPadEndAttr())};
}

Gradients avgPool(AvgPoolOp op, OpBuilder &b, ValueRange diff) {
  return {AvgPoolBackwardOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0], op.getKernelAttr(),
                                    op.getStrideAttr(), op.getPadBeginAttr(), op.getPadEndAttr(),
                                    op.getIncludePadAttr())};
}

Gradients globalAvgPool(GlobalAvgPoolOp op, OpBuilder &b, ValueRange diff) {
  return {GlobalAvgPoolBackwardOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0])};
}

/// Of a batch norm that is not trained: the vectors get no gradients.
Gradients scaleShift(ScaleShiftOp op, OpBuilder &b, ValueRange diff) {
  Value zeros = ZerosOp::create(b, op.getLoc(), op.getScale().getType());
  auto scaled = ScaleShiftOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0], zeros, op.getScale(), zeros);
  return {scaled, Value(), Value(), Value()};
}

Gradients batchNorm(BatchNormTrainingOp op, OpBuilder &b, ValueRange diff) {
  auto vector = op.getBeta().getType();
  auto backward = BatchNormBackwardOp::create(b, op.getLoc(), op.getSrc().getType(), vector, vector, diff[0],
                                              op.getSrc(), op.getMean(), op.getInvStd(), op.getGamma());
  Gradients gradients{backward.getDiffSrc()};
  if (op.getGamma())
    gradients.push_back(backward.getDiffGamma());
  gradients.push_back(backward.getDiffBeta());
  gradients.append(2, Value()); // running statistics
  return gradients;
}

Gradients relu(ReluOp op, OpBuilder &b, ValueRange diff) {
  return {ReluBackwardOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0], op.getDst())};
}

Gradients activate(ActivateOp op, OpBuilder &b, ValueRange diff) {
  return {ActivateBackwardOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0], op.getSrc(), op.getKindAttr(),
                                     op.getSlopeAttr())};
}

Gradients multiply(MultiplyOp op, OpBuilder &b, ValueRange diff) {
  return {MultiplyOp::create(b, op.getLoc(), op.getLhs().getType(), diff[0], op.getRhs()),
          MultiplyOp::create(b, op.getLoc(), op.getRhs().getType(), diff[0], op.getLhs())};
}

Gradients gate(GateOp op, OpBuilder &b, ValueRange diff) {
  return {GateOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0], op.getFactor()),
          GateBackwardOp::create(b, op.getLoc(), op.getFactor().getType(), diff[0], op.getSrc())};
}

Gradients channelAffine(ChannelAffineOp op, OpBuilder &b, ValueRange diff) {
  auto data = ChannelAffineOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0], op.getScale(), Value());
  auto product = MultiplyOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0], op.getSrc());
  Gradients gradients{data, ChannelSumOp::create(b, op.getLoc(), op.getScale().getType(), product)};
  if (op.getShift())
    gradients.push_back(ChannelSumOp::create(b, op.getLoc(), op.getShift().getType(), diff[0]));
  return gradients;
}

Gradients addBias(AddBiasOp op, OpBuilder &b, ValueRange diff) {
  return {diff[0], ChannelSumOp::create(b, op.getLoc(), op.getBias().getType(), diff[0])};
}

Gradients channelShuffle(ChannelShuffleOp op, OpBuilder &b, ValueRange diff) {
  int64_t others = shapeOf(op.getSrc())[1] / int64_t(op.getGroups());
  return {ChannelShuffleOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0], b.getI64IntegerAttr(others))};
}

Gradients flattenPixels(FlattenPixelsOp op, OpBuilder &b, ValueRange diff) {
  return {UnflattenPixelsOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0])};
}

Gradients adaptiveAvgPool(AdaptiveAvgPoolOp op, OpBuilder &b, ValueRange diff) {
  return {AdaptiveAvgPoolBackwardOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0])};
}

Gradients resize(ResizeOp op, OpBuilder &b, ValueRange diff) {
  return {ResizeBackwardOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0], op.getModeAttr())};
}

Gradients normalizePixels(NormalizePixelsOp op, OpBuilder &b, ValueRange diff) {
  return {NormalizePixelsBackwardOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0], op.getSrc(),
                                            op.getEpsilonAttr())};
}

Gradients normalizeGroups(NormalizeGroupsOp op, OpBuilder &b, ValueRange diff) {
  return {NormalizeGroupsBackwardOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0], op.getSrc(),
                                            op.getGroupsAttr(), op.getEpsilonAttr())};
}

Gradients softmax(SoftmaxOp op, OpBuilder &b, ValueRange diff) {
  return {SoftmaxBackwardOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0], op.getDst())};
}

Gradients localResponseNorm(LocalResponseNormOp op, OpBuilder &b, ValueRange diff) {
  return {LocalResponseNormBackwardOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0], op.getSrc(),
                                              op.getSizeAttr(), op.getAlphaAttr(), op.getBetaAttr(), op.getKAttr())};
}

Gradients add(AddOp op, OpBuilder &, ValueRange diff) { return {diff[0], diff[0]}; }

Gradients scale(ScaleOp op, OpBuilder &b, ValueRange diff) {
  if (op.getFactor().isZero())
    return {Value()};
  return {ScaleOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0], op.getFactorAttr())};
}

Gradients castType(CastOp op, OpBuilder &b, ValueRange diff) {
  return {CastOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0])};
}

Gradients dropout(DropoutOp op, OpBuilder &b, ValueRange diff) {
  // The mask is a function of seed, stream, step and position: the same op on the gradient.
  return {DropoutOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0], op.getSeed(), op.getStep(),
                            op.getSampleBase(), op.getKeepAttr(), op.getStreamAttr(), op.getPerSampleAttr()),
          Value(), Value(), Value()};
}

Gradients concat(ConcatOp op, OpBuilder &b, ValueRange diff) {
  Gradients gradients;
  int64_t offset = 0;
  for (Value src : op.getSrcs()) {
    gradients.push_back(SliceOp::create(b, op.getLoc(), src.getType(), diff[0], b.getI64IntegerAttr(offset)));
    offset += shapeOf(src)[1];
  }
  return gradients;
}

Gradients split(SplitOp op, OpBuilder &b, ValueRange diff) {
  SmallVector<Value> parts;
  for (auto [part, result] : llvm::zip_equal(diff, op.getDsts())) // zeros for a part that nothing depends on
    parts.push_back(part ? part : ZerosOp::create(b, op.getLoc(), result.getType()).getDst());
  return {ConcatOp::create(b, op.getLoc(), op.getSrc().getType(), parts)};
}

Gradients joinRows(JoinRowsOp op, OpBuilder &b, ValueRange diff) {
  Gradients gradients;
  int64_t offset = 0;
  for (Value src : op.getSrcs()) {
    gradients.push_back(SliceRowsOp::create(b, op.getLoc(), src.getType(), diff[0], b.getI64IntegerAttr(offset)));
    offset += shapeOf(src)[0];
  }
  return gradients;
}

Gradients flatten(FlattenOp op, OpBuilder &b, ValueRange diff) {
  return {FlattenOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0])};
}

Gradients pixelRows(PixelRowsOp op, OpBuilder &b, ValueRange diff) {
  return {PixelRowsOp::create(b, op.getLoc(), op.getSrc().getType(), diff[0])};
}

/// Lends a rule to an op as its implementation of the interface.
template <typename OpTy, Gradients (*rule)(OpTy, OpBuilder &, ValueRange)>
struct Rule : Differentiable::ExternalModel<Rule<OpTy, rule>, OpTy> {
  Gradients buildGradient(Operation *op, OpBuilder &builder, ValueRange diffResults) const {
    return rule(cast<OpTy>(op), builder, diffResults);
  }
};

template <typename OpTy, Gradients (*rule)(OpTy, OpBuilder &, ValueRange)>
void attach(MLIRContext *context) {
  OpTy::template attachInterface<Rule<OpTy, rule>>(*context);
}

} // namespace

void registerGradientRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, InceptDialect *) {
    attach<ActivateOp, activate>(context);
    attach<AdaptiveAvgPoolOp, adaptiveAvgPool>(context);
    attach<AddBiasOp, addBias>(context);
    attach<AddOp, add>(context);
    attach<AvgPoolOp, avgPool>(context);
    attach<BatchNormTrainingOp, batchNorm>(context);
    attach<CastOp, castType>(context);
    attach<ChannelAffineOp, channelAffine>(context);
    attach<ChannelShuffleOp, channelShuffle>(context);
    attach<ConcatOp, concat>(context);
    attach<Conv2DOp, conv2d>(context);
    attach<Conv2DBackwardDataOp, convTranspose>(context);
    attach<DropoutOp, dropout>(context);
    attach<FlattenOp, flatten>(context);
    attach<FlattenPixelsOp, flattenPixels>(context);
    attach<GateOp, gate>(context);
    attach<GlobalAvgPoolOp, globalAvgPool>(context);
    attach<JoinRowsOp, joinRows>(context);
    attach<LinearOp, linear>(context);
    attach<LocalResponseNormOp, localResponseNorm>(context);
    attach<MaxPoolWithIndexOp, maxPool>(context);
    attach<MultiplyOp, multiply>(context);
    attach<NormalizeGroupsOp, normalizeGroups>(context);
    attach<NormalizePixelsOp, normalizePixels>(context);
    attach<PixelRowsOp, pixelRows>(context);
    attach<ReluOp, relu>(context);
    attach<ResizeOp, resize>(context);
    attach<ScaleOp, scale>(context);
    attach<ScaleShiftOp, scaleShift>(context);
    attach<SoftmaxOp, softmax>(context);
    attach<SplitOp, split>(context);
  });
}

} // namespace incept
