// SPDX-License-Identifier: Apache-2.0
//
// Bytes of images to normalised values. Channels are few, so a thread takes as many neighbouring pixels as a vector has
// lanes, and the vectors lie across pixels: their lanes belong to the channels in turn.
#include "codegen/cuda/CudaEmitter.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace incept::cuda {

LogicalResult emitNormalizeImage(NormalizeImageOp op, CudaEmitter &e) {
  // Images that are not dense or not aligned: the loops of all targets, a pixel a thread (ShapeLaunch.cpp).
  if (e.width == 1)
    return cast<LoopsRule<KernelEmitter>>(op.getOperation())(e);
  const int64_t channels = op.getMean().size(), pixels = e.width;
  e.smallUnits(e.div(e.extent(0), e.index(pixels)), [&](Value unit) {
    Value from = e.mul(unit, e.index(pixels * channels));
    auto place = [&](int64_t vector) { return e.add(from, e.index(vector * pixels)); };
    SmallVector<Value> bytes;
    for (int64_t i = 0; i < channels; ++i)
      bytes.push_back(e.loadVector(e.operand(0), place(i), e.builder.getI8Type(), Lanes()));
    for (int64_t i = 0; i < channels; ++i) {
      SmallVector<float> factors, offsets;
      for (int64_t lane = 0; lane < pixels; ++lane) {
        int64_t c = (i * pixels + lane) % channels;
        factors.push_back(float(1.0 / (255.0 * op.getStd()[c])));
        offsets.push_back(float(-op.getMean()[c] / op.getStd()[c]));
      }
      auto constant = [&](ArrayRef<float> lanes) -> Value {
        return arith::ConstantOp::create(e.builder, e.loc, DenseElementsAttr::get(e.vectorOf(e.f32()), lanes));
      };
      Value values = arith::UIToFPOp::create(e.builder, e.loc, e.vectorOf(e.f32()), bytes[i]);
      e.storeReals(e.fma(values, constant(factors), constant(offsets)), e.operand(1), place(i), e.elementOf(1),
                   Lanes());
    }
  });
  return success();
}

} // namespace incept::cuda
