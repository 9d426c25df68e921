// SPDX-License-Identifier: Apache-2.0
//
// Emission of what a network ends in: class scores of each pixel, and auxiliary heads.

#include "dialect/EntryPoints.h"
#include "frontend/GraphEmitter.h"

using namespace mlir;

namespace incept {

/// A head whose class scores only training sees; what comes after goes on from its input.
Tensor GraphEmitter::emitAuxiliary(const Op &op, const Tensor &src, const std::string &path, Frame &frame) {
  Names inner(path);
  Tensor logits = emitSequence(op.bodies[0].ops, src, inner, frame);
  std::optional<double> weight = 1.0;
  if (Option option = find(op, "loss_weight", frame))
    weight = real(option.argument->expr, *option.scope, "'loss_weight'", 0, 1e6, frame);
  if (logits.known() && weight)
    auxiliaries.push_back({logits, op.range, *weight});
  return src;
}

/// Every auxiliary head scores the network's classes.
bool GraphEmitter::checkAuxiliaries(const Tensor &logits, const Frame &frame) {
  for (const Auxiliary &auxiliary : auxiliaries)
    if (auxiliary.logits.shape.size() == 2 && auxiliary.logits.shape[0] != logits.shape[0])
      error(auxiliary.range,
            "expected the auxiliary head to score as many pixels as the network, " + Twine(logits.shape[0]) +
                " of all images, but got " + Twine(auxiliary.logits.shape[0]),
            frame);
    else if (auxiliary.logits.shape != logits.shape)
      error(auxiliary.range,
            "expected the auxiliary head to give class scores " + formatSize(logits.shape) +
                " as the last layer, but got " + formatSize(auxiliary.logits.shape),
            frame);
  return !diagnostics.hasErrors();
}

Tensor GraphEmitter::emitPixelScores(const Op &op, const Tensor &src, const std::string &path, Frame &frame) {
  if (!needsImage(op, src, frame))
    return {};
  int64_t rows = src.shape[0] * src.shape[2] * src.shape[3]; // of a tensor below 2^40
  Tensor scores = tensor(PixelRowsOp::create(builder, location(op.place), type({rows, src.shape[1]}), src.value), path);
  pixelScores.push_back({scores.value, op.range});
  return scores;
}

bool GraphEmitter::checkPixelScores(const Tensor &logits, const Frame &frame) {
  SmallVector<mlir::Value> ends{logits.value};
  for (const Auxiliary &auxiliary : auxiliaries)
    ends.push_back(auxiliary.logits.value);
  for (auto [scores, range] : pixelScores) {
    // It may be the end of blocks first.
    mlir::Value value = scores;
    while (value && !llvm::is_contained(ends, value)) {
      auto yield = value.hasOneUse() ? dyn_cast<YieldOp>(*value.user_begin()) : YieldOp();
      value = yield ? yield->getParentOp()->getResult(value.use_begin()->getOperandNumber()) : mlir::Value();
    }
    if (!value)
      error(range, "expected nothing behind 'pixel_scores', the end of the network or of an auxiliary head", frame);
  }
  auto training = (*module)->getAttrOfType<DictionaryAttr>("incept.training");
  if (!pixelScores.empty() && spec.training && mixesImages(training))
    error(spec.training->range, "expected no mixup and cutmix where each pixel has a label", frame);
  if (pixelScores.empty() && spec.training && training.contains("ignore_label"))
    error(llvm::find_if(spec.training->arguments, [](const Argument &field) {
            return field.name.text == "ignore_label";
          })->range,
          "expected no 'ignore_label' where each image has a label: it is for networks that end in 'pixel_scores'",
          frame);
  return !diagnostics.hasErrors();
}

} // namespace incept
