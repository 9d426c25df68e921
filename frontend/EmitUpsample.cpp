// SPDX-License-Identifier: Apache-2.0
//
// Emission of what makes images larger.

#include "dialect/Kernels.h"
#include "frontend/GraphEmitter.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace incept {

/// The window of a transposed convolution, with its paddings; without any, dst is `stride` times as large as src.
std::optional<Window> GraphEmitter::transposedWindow(const Op &op, int64_t (&outputPadding)[2], Frame &frame) {
  Window window;
  bool valid = givenWindow(window, op, frame);
  Option padding = find(op, "padding", frame), output = find(op, "output_padding", frame);
  if (output)
    valid &= pair(*output.argument, *output.scope, "output_padding", 0, outputPadding, frame);
  if (!valid)
    return std::nullopt;
  bool isWord = padding && padding.argument->kind == ArgumentKind::Word;
  if (!padding || (isWord && padding.argument->word == "same")) {
    if (output) {
      error(output.argument->range,
            "expected 'output_padding' with 'padding' in numbers or 'valid': 'same' says the "
            "size of the result",
            frame);
      return std::nullopt;
    }
    setTransposedPadding(window, outputPadding);
    return window;
  }
  if (!isWord && !givenPadding(window, *padding.argument, *padding.scope, frame))
    return std::nullopt;
  return window;
}

/// A convolution from its result to `src` has it as the gradient with respect to data, so it is that op.
Tensor GraphEmitter::emitConvTranspose(const Op &op, const Tensor &src, const std::string &path, Frame &frame) {
  bool image = needsImage(op, src, frame);
  auto outputs = filters(op, frame);
  int64_t outputPadding[] = {0, 0};
  auto window = transposedWindow(op, outputPadding, frame);
  if (!image || !outputs || !window)
    return {};
  auto parts = groups(op, src, *outputs, frame);
  if (!parts)
    return src; // go on with it, to find what else is wrong
  int64_t weights[] = {src.shape[1], *outputs / *parts, window->kernel[0], window->kernel[1]};
  auto dst = infer(op, src, frame, [&](EmitError emitError) {
    return inferConvTranspose(emitError, src.shape, weights, *window, outputPadding, *parts);
  });
  if (!dst)
    return src;

  bool norm = hasBatchNorm(op, frame), bias = flag(op, "bias", !norm, frame);
  std::string own = norm ? path + ".conv" : path;
  int64_t area = window->kernel[0] * window->kernel[1];
  int64_t fanIn, fanOut; // those of PyTorch, which takes the weights for a convolution's
  auto work = countMultiplyAccumulates(weights, src.shape);
  if (failed(work) || llvm::MulOverflow(weights[1], area, fanIn) || llvm::MulOverflow(weights[0], area, fanOut) ||
      llvm::AddOverflow(macs, *work, macs)) {
    error(op.range, "the number of multiply-accumulates does not fit 63 bits", frame);
    return {};
  }
  auto w = variable(op, own + ".weight", weights, VariableKind::Parameter,
                    weightsInit(op, "he_normal", fanIn, fanOut, frame), /*decay=*/true, frame);
  auto b = bias ? variable(op, own + ".bias", {*outputs}, VariableKind::Parameter, constantInit("zeros"),
                           /*decay=*/false, frame)
                : mlir::Value();
  if (!w || (bias && !b))
    return {};
  Location loc = location(op.place);
  Tensor result =
      tensor(Conv2DBackwardDataOp::create(
                 builder, loc, type(*dst), src.value, w, builder.getDenseI64ArrayAttr(window->stride),
                 builder.getDenseI64ArrayAttr(window->padBegin), builder.getDenseI64ArrayAttr(window->padEnd),
                 builder.getDenseI64ArrayAttr(window->dilation), builder.getI64IntegerAttr(*parts)),
             bias ? path + ".conv" : own);
  if (bias)
    result = tensor(AddBiasOp::create(builder, loc, type(*dst), result.value, b), path + ".bias");
  if (norm)
    result = emitBatchNorm(op, result, path + ".bn", frame);
  std::string word = activation(op, "relu", frame);
  return emitActivation(op, word, result, path + "." + word, frame);
}

Tensor GraphEmitter::emitResize(const Op &op, const Tensor &src, const std::string &path, Frame &frame) {
  bool isFactor = op.kind == OpKind::Upsample;
  int64_t size[2];
  if (!pair(op.main, frame.scope, isFactor ? "factor" : "size", 1, size, frame) || !needsImage(op, src, frame))
    return {};
  ResizeMode mode = ResizeMode::Nearest; // as PyTorch
  if (Option option = find(op, "mode", frame))
    mode = *symbolizeResizeMode(option.argument->word);
  Shape shape{src.shape[0], src.shape[1], size[0], size[1]};
  for (int axis : {0, 1}) // both below 2^31
    shape[2 + axis] *= isFactor ? src.shape[2 + axis] : 1;
  if (shape == src.shape)
    return src;
  auto isLarge = [](int64_t pixels) { return pixels > kMostResized; };
  if (llvm::any_of(ArrayRef(src.shape).drop_front(2), isLarge) ||
      llvm::any_of(ArrayRef(shape).drop_front(2), isLarge)) {
    error(op.range,
          "expected heights and widths below 2^15 to resize, but got " + formatSize(src.shape) + " and " +
              formatSize(shape),
          frame);
    return src; // go on with it, to find what else is wrong
  }
  if (!infer(op, src, frame, [&](EmitError) { return FailureOr<Shape>(shape); }))
    return src;
  return tensor(ResizeOp::create(builder, location(op.place), type(shape), src.value, mode), path);
}

} // namespace incept
