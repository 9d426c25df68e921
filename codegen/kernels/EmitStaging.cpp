// SPDX-License-Identifier: Apache-2.0
//
// Staging of a batch: bytes to normalised values, and images in logical order to NHWC. Images have few channels, so
// these kernels are scalar.
#include "codegen/kernels/KernelEmitter.h"

using namespace mlir;

namespace incept::kernels {

namespace {

void emitNormalizeImage(NormalizeImageOp op, KernelEmitter &e) {
  Value src = e.operand(0), dst = e.operand(1), stride = e.extent(2);
  // The number of channels is that of the constants: extent 1 says the same.
  Value channels = e.index(op.getMean().size());
  e.smallUnits(e.extent(0), [&](Value row) {
    Value from = e.mul(row, channels), to = e.mul(row, stride);
    for (auto [c, mean] : llvm::enumerate(op.getMean())) {
      double std = op.getStd()[c];
      Value byte = e.loadScalar(src, e.add(from, e.index(c)), e.builder.getI8Type());
      Value value = arith::UIToFPOp::create(e.builder, e.loc, e.f32(), byte);
      Value result = e.fma(value, e.real(1.0 / (255.0 * std)), e.real(-mean / std));
      e.storeReal(result, dst, e.add(to, e.index(c)), e.elementOf(1));
    }
  });
}

void emitImportImage(ImportImageOp, KernelEmitter &e) {
  Value src = e.operand(0), dst = e.operand(1), channels = e.extent(1), pixels = e.extent(2), stride = e.extent(3);
  e.smallUnits(e.mul(e.extent(0), pixels), [&](Value row) {
    Value n = e.div(row, pixels), pixel = e.rem(row, pixels);
    e.loop(e.index(0), channels, 1, [&](Value c) {
      Value value = e.loadReal(src, e.add(e.mul(e.add(e.mul(n, channels), c), pixels), pixel), e.elementOf(0));
      e.storeReal(value, dst, e.add(e.mul(row, stride), c), e.elementOf(1));
    });
  });
}

} // namespace

void attachStagingLoops(MLIRContext *context) {
  LoopsRule<KernelEmitter>::attach<NormalizeImageOp, emitNormalizeImage>(context);
  LoopsRule<KernelEmitter>::attach<ImportImageOp, emitImportImage>(context);
}

} // namespace incept::kernels
