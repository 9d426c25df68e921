// SPDX-License-Identifier: Apache-2.0

#include "test/extension/Extension.h"
#include "codegen/kernels/KernelEmitter.h"
#include "dialect/VerifierUtils.h"
#include "dialect/reference/Evaluators.h"
#include "mlir/IR/OpImplementation.h"
#include "passes/KernelRules.h"
#include "passes/LaunchCost.h"

#include <cmath>

using namespace mlir;

#include "test/extension/ExtensionDialect.cpp.inc"
#define GET_OP_CLASSES
#include "test/extension/ExtensionOps.cpp.inc"

namespace incept::extension {

void ExtensionDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "test/extension/ExtensionOps.cpp.inc"
      >();
}

// Gradients.

SmallVector<Value> SoftsignOp::buildGradient(OpBuilder &builder, ValueRange diff) {
  return {SoftsignBackwardOp::create(builder, getLoc(), getSrc().getType(), diff[0], getDst())};
}

SmallVector<Value> FlipColumnsOp::buildGradient(OpBuilder &builder, ValueRange diff) {
  return {FlipColumnsOp::create(builder, getLoc(), getSrc().getType(), diff[0])};
}

// Launches of the op that is a kernel by itself.

KernelExtents FlipColumnsOp::getExtents() {
  ArrayRef<int64_t> shape = shapeOf(getSrc());
  return {shape[0] * shape[2], shape[3], shape[1], strideOf(getSrc()), strideOf(getDst())};
}

KernelLoops FlipColumnsOp::getLoops() {
  return {.extents = 5, .unit = UnitSize::Tile, .channels = 2, .firstStride = 3};
}

/// A unit is a row of an image.
KernelReach FlipColumnsOp::getReach(ArrayRef<int64_t> extents) {
  int64_t pixels = saturatingProduct({extents[0], extents[1]});
  return {extents[0], {{pixels, extents[2], extents[3]}, {pixels, extents[2], extents[4]}}};
}

void FlipColumnsOp::eraseExtents() {}

namespace {

int64_t softsignFlops(SoftsignOp op) { return 3 * *countElements(shapeOf(op.getDst())); }

// What the interpreter computes.

void evaluateSoftsign(SoftsignOp op, reference::Values &values) {
  reference::Tensor &dst = values.result(op.getDst());
  for (int64_t i = 0; i < dst.size(); ++i)
    dst.values[i] = values[op.getSrc()].values[i] / (1 + std::abs(values[op.getSrc()].values[i]));
}

void evaluateSoftsignBackward(SoftsignBackwardOp op, reference::Values &values) {
  reference::Tensor &diffSrc = values.result(op.getDiffSrc());
  for (int64_t i = 0; i < diffSrc.size(); ++i)
    diffSrc.values[i] = values[op.getDiffDst()].values[i] * std::pow(1 - std::abs(values[op.getDst()].values[i]), 2);
}

void evaluateFlip(FlipColumnsOp op, reference::Values &values) {
  const reference::Tensor &src = values[op.getSrc()];
  reference::Tensor &dst = values.result(op.getDst());
  int64_t columns = src.shape[3];
  for (int64_t i = 0; i < dst.size(); ++i)
    dst.values[i] = src.values[i / columns * columns + columns - 1 - i % columns];
}

// What the code generators emit.

Value magnitude(kernels::KernelEmitter &e, Value value) {
  return e.maxKeepingNan(value, e.subf(e.splatReal(0.0), value));
}

void emitSoftsign(SoftsignOp op, kernels::KernelEmitter &e, kernels::Values &values, Value) {
  Value src = values.lookup(op.getSrc());
  values[op.getDst()] = e.divf(src, e.addf(e.splatReal(1.0), magnitude(e, src)));
}

void emitSoftsignBackward(SoftsignBackwardOp op, kernels::KernelEmitter &e, kernels::Values &values, Value) {
  Value rest = e.subf(e.splatReal(1.0), magnitude(e, values.lookup(op.getDst())));
  values[op.getDiffSrc()] = e.mulf(values.lookup(op.getDiffDst()), e.mulf(rest, rest));
}

void emitFlip(FlipColumnsOp, kernels::KernelEmitter &e) {
  Value src = e.operand(0), dst = e.operand(1);
  Value columns = e.extent(1), channels = e.extent(2), srcStride = e.extent(3), dstStride = e.extent(4);
  e.units([&](Value row) {
    e.items(columns, [&](Value column) {
      Value first = e.mul(row, columns), mirrored = e.sub(e.sub(columns, e.index(1)), column);
      Value from = e.mul(e.add(first, mirrored), srcStride), to = e.mul(e.add(first, column), dstStride);
      e.vectors(channels, [&](Value c, kernels::Lanes lanes) {
        Value value = e.loadReals(src, e.add(from, c), e.elementOf(0), lanes);
        e.storeReals(value, dst, e.add(to, c), e.elementOf(1), lanes);
      });
    });
  });
}

} // namespace

void registerExtension(DialectRegistry &registry) {
  registry.insert<ExtensionDialect>();
  registry.addExtension(+[](MLIRContext *context, ExtensionDialect *) {
    FlopRule::attach<SoftsignOp, softsignFlops>(context);
    reference::Evaluator::attach<SoftsignOp, evaluateSoftsign>(context);
    reference::Evaluator::attach<SoftsignBackwardOp, evaluateSoftsignBackward>(context);
    reference::Evaluator::attach<FlipColumnsOp, evaluateFlip>(context);
    kernels::FormulaRule::attach<SoftsignOp, emitSoftsign>(context);
    kernels::FormulaRule::attach<SoftsignBackwardOp, emitSoftsignBackward>(context);
    kernels::LoopsRule<kernels::KernelEmitter>::attach<FlipColumnsOp, emitFlip>(context);
  });
}

} // namespace incept::extension
