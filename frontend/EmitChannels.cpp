// SPDX-License-Identifier: Apache-2.0
//
// Emission of ops without windows: activations, what becomes of whole images, and what works on channels.

#include "frontend/GraphEmitter.h"

#include <limits>

using namespace mlir;

namespace incept {

Tensor GraphEmitter::emitActivation(const Op &op, StringRef word, const Tensor &src, const std::string &path,
                                    Frame &frame) {
  if (!src.known() || word == "linear")
    return src;
  Location loc = location(op.place);
  if (word == "relu")
    return tensor(ReluOp::create(builder, loc, src.value.getType(), src.value), path);
  std::optional<double> slope = 0.01; // as PyTorch
  Option option = op.kind == OpKind::LeakyRelu ? find(op, "slope", frame) : findDefault(OpKind::LeakyRelu, "slope");
  if (option && word == "leaky_relu")
    slope = real(option.argument->expr, *option.scope, "slope", -1e6, 1e6, frame);
  if (!slope)
    return {};
  ActivationKind kind = *symbolizeActivationKind(word);
  return tensor(ActivateOp::create(builder, loc, src.value.getType(), src.value,
                                   ActivationKindAttr::get(&context, kind), builder.getF64FloatAttr(*slope)),
                path);
}

Tensor GraphEmitter::emitAdaptiveAvgPool(const Op &op, const Tensor &src, const std::string &path, Frame &frame) {
  int64_t size[2];
  if (!pair(op.main, frame.scope, "size", 1, size, frame) || !needsImage(op, src, frame))
    return {};
  Shape shape{src.shape[0], src.shape[1], size[0], size[1]};
  if (shape == src.shape)
    return src;
  if (!infer(op, src, frame, [&](EmitError) { return FailureOr<Shape>(shape); }))
    return src;
  Location loc = location(op.place);
  if (size[0] == 1 && size[1] == 1)
    return tensor(GlobalAvgPoolOp::create(builder, loc, type(shape), src.value), path);
  if (src.shape[2] % size[0] != 0 || src.shape[3] % size[1] != 0)
    return tensor(AdaptiveAvgPoolOp::create(builder, loc, type(shape), src.value), path);
  int64_t window[] = {src.shape[2] / size[0], src.shape[3] / size[1]}, none[] = {0, 0};
  return tensor(AvgPoolOp::create(builder, loc, type(shape), src.value, window, window, none, none,
                                  /*include_pad=*/false),
                path);
}

Tensor GraphEmitter::emitGlobalAvgPool(const Op &op, const Tensor &src, const std::string &path, Frame &frame) {
  if (!needsImage(op, src, frame))
    return {};
  return tensor(
      GlobalAvgPoolOp::create(builder, location(op.place), type({src.shape[0], src.shape[1], 1, 1}), src.value), path);
}

Tensor GraphEmitter::emitDropout(const Op &op, const Tensor &src, const std::string &path, Frame &frame) {
  std::optional<double> keep;
  if (op.main.items.empty())
    error(op.range, "expected key 'keep' of op '" + opInfo(op.kind).name + "'", frame);
  else
    keep = real(op.main.items[0].expr, frame.scope, "keep", 1e-6, 1, frame);
  if (!keep || !src.known())
    return {};
  return tensor(RandomDropOp::create(builder, location(op.place), src.value.getType(), src.value,
                                     builder.getF64FloatAttr(*keep),
                                     op.kind == OpKind::DropPath ? builder.getUnitAttr() : mlir::UnitAttr()),
                path);
}

Tensor GraphEmitter::emitFlatten(const Op &op, const Tensor &src, const std::string &path, Frame &frame) {
  if (!src.known() || src.shape.size() == 2)
    return src;
  if (src.shape[2] == 1 && src.shape[3] == 1)
    return tensor(FlattenOp::create(builder, location(op.place), type({src.shape[0], src.shape[1]}), src.value), path);
  if (op.kind == OpKind::Flatten) {
    int64_t elements = src.shape[1] * src.shape[2] * src.shape[3]; // of a tensor below 2^40
    return tensor(FlattenPixelsOp::create(builder, location(op.place), type({src.shape[0], elements}), src.value),
                  path);
  }
  error(op.range,
        "expected an image of 1x1 before '" + opInfo(op.kind).name + "', but got " + formatSize(src.shape) +
            "; put global_avg_pool or flatten before it",
        frame);
  Tensor pooled = emitGlobalAvgPool(op, src, path, frame); // go on as if it were there
  return tensor(FlattenOp::create(builder, location(op.place), type({src.shape[0], src.shape[1]}), pooled.value), path);
}

std::optional<int64_t> GraphEmitter::channelGroups(const Op &op, const Tensor &src, Frame &frame) {
  auto groups = integer(op.main.expr, frame.scope, "groups", 1, kMaxDimension, frame);
  if (!needsImage(op, src, frame) || !groups)
    return std::nullopt;
  if (src.shape[1] % *groups == 0)
    return groups;
  error(op.range,
        "expected groups to divide the " + Twine(src.shape[1]) + " channels of src, but got " + Twine(*groups), frame);
  return std::nullopt;
}

Tensor GraphEmitter::emitChannelShuffle(const Op &op, const Tensor &src, const std::string &path, Frame &frame) {
  auto groups = channelGroups(op, src, frame);
  if (!groups)
    return {};
  if (*groups == 1)
    return src;
  return tensor(ChannelShuffleOp::create(builder, location(op.place), src.value.getType(), src.value, *groups), path);
}

Tensor GraphEmitter::emitChannelScale(const Op &op, const Tensor &src, const std::string &path, Frame &frame) {
  if (!needsImage(op, src, frame))
    return {};
  auto factors = variable(op, path + ".weight", {src.shape[1]}, VariableKind::Parameter,
                          weightsInit(op, "ones", src.shape[1], src.shape[1], frame), /*decay=*/false, frame);
  if (!factors)
    return {};
  return tensor(ChannelAffineOp::create(builder, location(op.place), src.value.getType(), src.value, factors,
                                        /*shift=*/mlir::Value()),
                path);
}

Tensor GraphEmitter::emitAffine(const Op &op, const Tensor &normal, const std::string &path, Frame &frame) {
  int64_t channels[] = {normal.shape[1]};
  auto factors =
      variable(op, path + ".weight", channels, VariableKind::Parameter, constantInit("ones"), /*decay=*/false, frame);
  auto shift =
      variable(op, path + ".bias", channels, VariableKind::Parameter, constantInit("zeros"), /*decay=*/false, frame);
  if (!factors || !shift)
    return {};
  Type result = normal.value.getType();
  return tensor(ChannelAffineOp::create(builder, location(op.place), result, normal.value, factors, shift), path);
}

/// What epsilons may be: 0 is none.
static constexpr double kLeast = std::numeric_limits<double>::min();

Tensor GraphEmitter::emitLayerNorm(const Op &op, const Tensor &src, const std::string &path, Frame &frame) {
  auto epsilon = number(op, "epsilon", 1e-5, kLeast, 1, frame);
  if (!needsImage(op, src, frame) || !epsilon)
    return {};
  auto normal = NormalizePixelsOp::create(builder, location(op.place), src.value.getType(), src.value,
                                          builder.getF64FloatAttr(*epsilon));
  return emitAffine(op, tensor(normal, path), path, frame);
}

Tensor GraphEmitter::emitGroupNorm(const Op &op, const Tensor &src, const std::string &path, Frame &frame) {
  auto epsilon = number(op, "epsilon", 1e-5, kLeast, 1, frame);
  bool isAffine = flag(op, "affine", true, frame);
  auto groups = channelGroups(op, src, frame);
  if (!groups || !epsilon)
    return {};
  Tensor normal =
      tensor(NormalizeGroupsOp::create(builder, location(op.place), src.value.getType(), src.value,
                                       builder.getI64IntegerAttr(*groups), builder.getF64FloatAttr(*epsilon)),
             path);
  return isAffine ? emitAffine(op, normal, path, frame) : normal;
}

Tensor GraphEmitter::emitLocalResponseNorm(const Op &op, const Tensor &src, const std::string &path, Frame &frame) {
  constexpr double kMost = 1e30; // of f32 arithmetic
  auto size = integer(op.main.expr, frame.scope, "size", 1, 255, frame);
  auto alpha = number(op, "alpha", 1e-4, 0, kMost, frame), beta = number(op, "beta", 0.75, 0, kMost, frame);
  auto k = number(op, "k", 1, 1e-30, kMost, frame);
  if (!needsImage(op, src, frame) || !size || !alpha || !beta || !k)
    return {};
  auto real = [&](double value) { return builder.getF64FloatAttr(value); };
  return tensor(LocalResponseNormOp::create(builder, location(op.place), src.value.getType(), src.value,
                                            builder.getI64IntegerAttr(*size), real(*alpha), real(*beta), real(*k)),
                path);
}

Tensor GraphEmitter::emitSoftmax(const Op &op, const Tensor &src, const std::string &path) {
  if (!src.known())
    return {};
  return tensor(SoftmaxOp::create(builder, location(op.place), src.value.getType(), src.value), path);
}

} // namespace incept
