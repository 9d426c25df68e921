// SPDX-License-Identifier: Apache-2.0
//
// Emission of what a network ends in: class scores of each pixel, auxiliary heads and named outputs.

#include "dialect/EntryPoints.h"
#include "frontend/GraphEmitter.h"

#include <algorithm>

using namespace mlir;

namespace incept {

/// A head whose class scores have a loss of their own; what comes after goes on from its input.
Tensor GraphEmitter::emitHead(const Op &op, const Tensor &src, const std::string &path, Frame &frame) {
  Names inner(path);
  Tensor logits = emitSequence(op.bodies[0].ops, src, inner, frame);
  std::optional<double> weight = 1.0;
  if (Option option = find(op, "loss_weight", frame))
    weight = real(option.argument->expr, *option.scope, "'loss_weight'", 0, 1e6, frame);
  if (logits.known() && weight)
    heads.push_back({logits, op.range, *weight, op.kind == OpKind::Output ? path : ""});
  return src;
}

bool GraphEmitter::orderHeads(const Tensor &last, Frame &frame) {
  auto isOutput = [](const Head &head) { return !head.name.empty(); };
  auto first = llvm::find_if(heads, isOutput);
  bool endsInOutput = lastOp && lastOp->kind == OpKind::Output;
  if (first != heads.end() && !endsInOutput) {
    error(first->range, "expected an 'output' as the last layer too: where one has a name, all have", frame);
    return false;
  }
  if (endsInOutput && heads.empty())
    return false; // reported
  Head own = endsInOutput ? heads.back() : Head{last, lastOp ? lastOp->range : spec.network.range, 1.0, ""};
  if (endsInOutput)
    heads.pop_back();
  heads.insert(heads.begin(), own);
  if (own.logits.shape.size() != 2) {
    error(own.range,
          "expected the last layer to give a row of class scores (N,K), but got " + formatSize(own.logits.shape) +
              "; end with global_avg_pool and linear, or with pixel_scores for a class of each pixel",
          frame);
    return false;
  }
  // Outputs stay in inference, so they come before auxiliary heads.
  std::stable_partition(heads.begin() + 1, heads.end(), isOutput);
  if (llvm::count_if(heads, isOutput) > 64) {
    error(heads[64].range, "expected at most 64 outputs", frame);
    return false;
  }
  return true;
}

/// Every head scores the network's classes.
bool GraphEmitter::checkHeads(const Frame &frame) {
  const Tensor &logits = heads.front().logits;
  for (const Head &head : llvm::drop_begin(heads)) {
    std::string what = head.name.empty() ? "the auxiliary head" : "output '" + head.name + "'";
    if (head.logits.shape.size() == 2 && head.logits.shape[0] != logits.shape[0])
      error(head.range,
            "expected " + what + " to score as many pixels as the network, " + Twine(logits.shape[0]) +
                " of all images, but got " + Twine(head.logits.shape[0]),
            frame);
    else if (head.logits.shape != logits.shape)
      error(head.range,
            "expected " + what + " to give class scores " + formatSize(logits.shape) + " as the last layer, but got " +
                formatSize(head.logits.shape),
            frame);
  }
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

bool GraphEmitter::checkPixelScores(const Frame &frame) {
  SmallVector<mlir::Value> ends;
  for (const Head &head : heads)
    ends.push_back(head.logits.value);
  for (auto [scores, range] : pixelScores) {
    // It may be the end of blocks first.
    mlir::Value value = scores;
    while (value && !llvm::is_contained(ends, value)) {
      auto yield = value.hasOneUse() ? dyn_cast<YieldOp>(*value.user_begin()) : YieldOp();
      value = yield ? yield->getParentOp()->getResult(value.use_begin()->getOperandNumber()) : mlir::Value();
    }
    if (!value)
      error(range, "expected nothing behind 'pixel_scores', the end of the network or of a head", frame);
  }
  auto training = (*module)->getAttrOfType<DictionaryAttr>("incept.training");
  if (!pixelScores.empty() && spec.training && mixesImages(training))
    error(spec.training->range, "expected no mixup and cutmix where each pixel has a label", frame);
  if (pixelScores.empty() && spec.training && training.contains("ignore_label"))
    error(
        llvm::find_if(spec.training->arguments, [](const Argument &field) { return field.name.text == "ignore_label"; })
            ->name.range,
        "expected no 'ignore_label' where each image has a label: it is for networks that end in 'pixel_scores'",
        frame);
  return !diagnostics.hasErrors();
}

} // namespace incept
