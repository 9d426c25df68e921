// SPDX-License-Identifier: Apache-2.0
//
// Verifiers of convolutions by tiles, and their sizes.

#include "dialect/TileOps.h"
#include "dialect/VerifierUtils.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;

#define GET_OP_CLASSES
#include "dialect/InceptTileOps.cpp.inc"

namespace incept {

bool hasTileTransform(int64_t places, int64_t taps, int64_t stride) {
  bool isSmall = places == 2 || places == 4;
  if (stride != 1)
    return stride == 2 && taps == 3 && places == 2;
  return taps == 5 ? isSmall : (taps == 3 || taps == 7) && (isSmall || places == 6);
}

bool TileShape::isKnown() const {
  if ((lanes != 8 && lanes != 16) || (stride != 1 && stride != 2) || (stride == 2 && !isSquare()))
    return false;
  if (isSquare())
    return (kh == 3 || kh == 5) && kw == kh && mh == mw && hasTileTransform(mh, kh, stride);
  TileShape row = flat();
  return row.kh == 1 && (isVertical() ? mw : mh) == 1 && row.kw != 5 && hasTileTransform(row.mw, row.kw);
}

int64_t countTiles(const TileShape &shape, int64_t n, int64_t oh, int64_t ow, int64_t padTop, int64_t padLeft) {
  return n * ceilDivide(oh + writePad(shape, padTop), shape.mh * shape.writeStep()) *
         ceilDivide(ow + writePad(shape, padLeft), shape.mw * shape.writeStep());
}

int64_t transformedElements(const TileShape &shape, int64_t k, int64_t o) {
  return ceilDivide(o, shape.panel()) * shape.points() * ceilDivide(k, shape.lanes) * shape.lanes * shape.panel();
}

int64_t convolveScratch(const TileShape &shape, int64_t k, int64_t o, int64_t block) {
  int64_t lanes = shape.lanes, blocks = ceilDivide(k, lanes), outputs = ceilDivide(o, shape.panel()) * shape.panel();
  int64_t addresses = ceilDivide(2 * block * shape.outputs(), 16) * 16;
  return blocks * lanes + outputs + addresses + shape.points() * (blocks * block * lanes + kTileSkew) +
         shape.points() * (block * shape.panel() + kTileSkew);
}

int64_t correlateScratch(const TileShape &shape, int64_t k, int64_t o, int64_t gridK, int64_t gridO, int64_t block) {
  int64_t lanes = shape.lanes, blocks = ceilDivide(k, lanes), panels = ceilDivide(o, shape.panel());
  int64_t myBlocks = ceilDivide(blocks, gridK), myPanels = ceilDivide(panels, gridO);
  return std::max(blocks * lanes, panels * shape.panel()) +
         shape.points() * (myBlocks * block * lanes + kTileSkew + myPanels * block * shape.panel() + kTileSkew +
                           myBlocks * lanes * myPanels * shape.panel());
}

namespace {

/// True in a kernel definition, which has no sizes.
bool isErased(Operation *op) {
  auto isDynamic = [](Type type) { return !cast<RankedTensorType>(type).hasStaticShape(); };
  return llvm::any_of(op->getOperandTypes(), isDynamic) || llvm::any_of(op->getResultTypes(), isDynamic);
}

/// transform_weights_c1, transform_weights_c2, convolve_tiles_c1, correlate_tiles_c1
template <typename OpTy>
FailureOr<TileShape> verifyTiles(OpTy op) {
  ArrayRef<int64_t> kernel = op.getKernel(), tile = op.getTile();
  if (kernel.size() != 2 || tile.size() != 2)
    return op.emitOpError() << "expected two numbers each as kernel and tile";
  TileShape shape = tileShape(op);
  if (shape.lanes != 8 && shape.lanes != 16)
    return op.emitOpError() << "expected 8 or 16 lanes, but got " << shape.lanes;
  if (shape.stride != 1 && !shape.isKnown())
    return op.emitOpError() << "expected stride 1, or 2 with a window of 3x3 and tiles of 2x2, but got stride "
                            << shape.stride << " with " << kernel[0] << "x" << kernel[1] << " and " << tile[0] << "x"
                            << tile[1];
  if (!shape.isKnown())
    return op.emitOpError()
           << "expected a window of 3 or 7 in one direction, 3x3 or 5x5, and tiles of 2, 4 or 6 outputs, but got "
           << kernel[0] << "x" << kernel[1] << " and " << tile[0] << "x" << tile[1];
  for (Value value : op->getOperands())
    if (!elementOf(value).isF32())
      return op.emitOpError() << "expected tensors of f32, but got " << value.getType();
  for (Value value : op->getResults())
    if (!elementOf(value).isF32())
      return op.emitOpError() << "expected tensors of f32, but got " << value.getType();
  return shape;
}

/// Checks the images `src` and `dst` of a convolution.
template <typename OpTy>
LogicalResult verifyImages(OpTy op, const TileShape &shape, Value src, Value dst) {
  ArrayRef<int64_t> pad = op.getPadBegin();
  if (pad.size() != 2 || pad[0] < 0 || pad[0] >= shape.kh || pad[1] < 0 || pad[1] >= shape.kw)
    return op.emitOpError() << "expected paddings of 0 up to the window's size less 1";
  if (shapeOf(src)[0] != shapeOf(dst)[0])
    return op.emitOpError() << "expected as many images in " << formatShape(shapeOf(src)) << " as in "
                            << formatShape(shapeOf(dst));
  for (Value value : {src, dst})
    if (llvm::any_of(shapeOf(value), [](int64_t size) { return size < 1; }))
      return op.emitOpError() << "expected images that are not empty, but got " << formatShape(shapeOf(value));
  return success();
}

/// convolve_tiles_c5, correlate_tiles_c5
template <typename OpTy>
LogicalResult verifyNormalization(OpTy op) {
  if (bool(op.getCenter()) != bool(op.getScale()) || bool(op.getCenter()) != bool(op.getShift()))
    return op.emitOpError() << "expected center, scale and shift together";
  if (!op.getCenter() || isErased(op))
    return success();
  return verifyChannelVectors(op, shapeOf(op.getSrc())[1], {op.getCenter(), op.getScale(), op.getShift()});
}

} // namespace

LogicalResult TransformWeightsOp::verify() {
  auto shape = verifyTiles(*this);
  if (failed(shape) || isErased(*this))
    return shape;
  ArrayRef<int64_t> weights = shapeOf(getWeights());
  // transform_weights_c1
  if (weights[2] != shape->kh || weights[3] != shape->kw)
    return emitOpError() << "expected weights of " << shape->kh << "x" << shape->kw << " taps, but got "
                         << formatShape(weights);
  // transform_weights_c3
  int64_t o = weights[getTransposed() ? 1 : 0], k = weights[getTransposed() ? 0 : 1];
  return verifyShape(*this, "dst", getDst(), {transformedElements(*shape, k, o)});
}

LogicalResult ConvolveTilesOp::verify() {
  auto shape = verifyTiles(*this);
  // convolve_tiles_c3
  int64_t units = int64_t(getUnits()), parts = int64_t(getParts());
  if (succeeded(shape) && getTransposed() && shape->stride == 1)
    return emitOpError()
           << "expected a stride of 2 where it is transposed: with 1 it is a convolution with the window turned";
  if (succeeded(shape) && (units < 1 || parts < 1 || int64_t(getBlock()) < 1))
    return emitOpError() << "expected a positive number of units, of parts and of tiles in a block";
  if (failed(shape) || failed(verifyNormalization(*this)))
    return failure();
  if (isErased(*this))
    return success();
  ArrayRef<int64_t> src = shapeOf(getSrc()), dst = shapeOf(getDst());
  // convolve_tiles_c2
  if (failed(verifyImages(*this, *shape, getSrc(), getDst())) ||
      (getBias() && failed(verifyChannelVectors(*this, dst[1], {getBias()}))))
    return failure();
  // convolve_tiles_c1
  if (failed(verifyShape(*this, "weights", getWeights(), {transformedElements(*shape, src[1], dst[1])})))
    return failure();
  // convolve_tiles_c3
  ArrayRef<int64_t> pad = getPadBegin();
  int64_t tiles = countTiles(*shape, dst[0], dst[2], dst[3], pad[0], pad[1]),
          panels = ceilDivide(dst[1], shape->panel());
  if (parts > panels || units % parts != 0)
    return emitOpError() << "expected at most " << panels << " parts and a multiple of units, but got " << parts
                         << " and " << units;
  if (units / parts > tiles || int64_t(getBlock()) % shape->rows() != 0)
    return emitOpError() << "expected at most " << tiles << " units in each part and blocks of a multiple of "
                         << shape->rows() << " tiles, but got " << units / parts << " and " << getBlock();
  // convolve_tiles_c4
  return verifyShape(*this, "scratchpad", getScratchpad(),
                     {int64_t(getUnits()) * convolveScratch(*shape, src[1], dst[1], getBlock())});
}

LogicalResult CorrelateTilesOp::verify() {
  auto shape = verifyTiles(*this);
  // correlate_tiles_c3
  ArrayRef<int64_t> grid = getGrid();
  if (succeeded(shape) && (grid.size() != 2 || grid[0] < 1 || grid[1] < 1 || int64_t(getBlock()) < 1))
    return emitOpError() << "expected a grid of two positive numbers and a positive number of tiles in a block";
  if (failed(shape) || failed(verifyNormalization(*this)))
    return failure();
  if (isErased(*this))
    return success();
  ArrayRef<int64_t> src = shapeOf(getSrc()), diff = shapeOf(getDiffDst());
  // correlate_tiles_c2
  if (failed(verifyImages(*this, *shape, getSrc(), getDiffDst())) ||
      failed(verifyShape(*this, "diff_weights", getDiffWeights(), {diff[1], src[1], shape->kh, shape->kw})))
    return failure();
  // correlate_tiles_c3
  int64_t blocks = ceilDivide(src[1], shape->lanes), panels = ceilDivide(diff[1], shape->panel());
  if (grid[0] > blocks || grid[1] > panels)
    return emitOpError() << "expected a grid of at most " << blocks << "x" << panels << ", but got " << grid[0] << "x"
                         << grid[1];
  // correlate_tiles_c4
  return verifyShape(
      *this, "scratchpad", getScratchpad(),
      {grid[0] * grid[1] * correlateScratch(*shape, src[1], diff[1], grid[0], grid[1], int64_t(getBlock()))});
}

} // namespace incept
