// SPDX-License-Identifier: Apache-2.0
//
// Verifiers of elementwise ops, dropout, concat and slice; checks that several verifiers share.

#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"

using namespace mlir;

namespace incept {

LogicalResult verifyShape(Operation *op, StringRef name, Value value, ArrayRef<int64_t> expected) {
  if (sameShape(shapeOf(value), expected))
    return success();
  return op->emitOpError() << "expected " << name << " to be " << formatShape(expected) << ", but got "
                           << formatShape(shapeOf(value));
}

LogicalResult verifyChannelVectors(Operation *op, int64_t channels, ValueRange vectors) {
  for (Value vector : vectors)
    if (vector && !sameShape(shapeOf(vector), {channels}))
      return op->emitOpError() << "expected channel vectors of " << channels << " values, but got "
                               << formatShape(shapeOf(vector));
  return success();
}

LogicalResult verifySameElement(Operation *op, ValueRange values) {
  Type first = elementOf(values.front());
  for (Value value : values)
    if (elementOf(value) != first)
      return op->emitOpError() << "expected tensors of " << first << ", but got " << elementOf(value);
  return success();
}

LogicalResult verifyElementOrF32(Operation *op, StringRef name, Value result, Type element) {
  if (elementOf(result) == element || elementOf(result).isF32())
    return success();
  return op->emitOpError() << "expected " << name << " of " << element << " or f32, but got " << elementOf(result);
}

LogicalResult verifyNotNarrow(Operation *op, StringRef name, Value value) {
  if (elementOf(value).getIntOrFloatBitWidth() >= 32)
    return success();
  return op->emitOpError() << "expected " << name << " of f32, but got " << elementOf(value);
}

LogicalResult SelectOp::verify() {
  // select_c1
  if (failed(verifyShape(*this, "on_false", getOnFalse(), shapeOf(getOnTrue()))) ||
      failed(verifyShape(*this, "dst", getDst(), shapeOf(getOnTrue()))))
    return failure();
  return verifySameElement(*this, {getOnTrue(), getOnFalse(), getDst()});
}

LogicalResult AddNOp::verify() {
  // add_n_c1
  if (getSrcs().size() < 2)
    return emitOpError() << "expected at least 2 operands, but got " << getSrcs().size();
  return success();
}

LogicalResult ChannelAffineOp::verify() {
  // channel_affine_c1
  auto src = shapeOf(getSrc());
  if (src.size() < 2)
    return emitOpError() << "expected src with a batch and a channel dimension, but got " << formatShape(src);
  if (failed(verifyShape(*this, "dst", getDst(), src)))
    return failure();
  return verifyChannelVectors(*this, src[1], {getScale(), getShift()});
}

LogicalResult AddBiasOp::verify() {
  // add_bias_c1
  auto src = shapeOf(getSrc());
  if (src.size() < 2)
    return emitOpError() << "expected src with a batch and a channel dimension, but got " << formatShape(src);
  if (failed(verifyShape(*this, "dst", getDst(), src)))
    return failure();
  return verifyChannelVectors(*this, src[1], {getBias()});
}

/// `factor` has a value for each channel of each image.
static LogicalResult verifyGate(Operation *op, Value image, Value other, StringRef name, Value factor) {
  auto src = shapeOf(image);
  if (!sameShape(shapeOf(other), src))
    return op->emitOpError() << "expected images of one shape, but got " << formatShape(src) << " and "
                             << formatShape(shapeOf(other));
  if (failed(verifyShape(op, name, factor, {src[0], src[1], 1, 1})))
    return failure();
  return verifySameElement(op, {image, other, factor});
}

// gate_c1
LogicalResult GateOp::verify() { return verifyGate(*this, getSrc(), getDst(), "factor", getFactor()); }

// gate_backward_c1
LogicalResult GateBackwardOp::verify() {
  return verifyGate(*this, getSrc(), getDiffDst(), "diff_factor", getDiffFactor());
}

LogicalResult ChannelShuffleOp::verify() {
  // channel_shuffle_c1
  int64_t channels = shapeOf(getSrc())[1], groups = getGroups();
  if (groups < 1 || (channels != ShapedType::kDynamic && channels % groups != 0))
    return emitOpError() << "expected groups that divide the " << channels << " channels, but got " << groups;
  if (failed(verifyShape(*this, "dst", getDst(), shapeOf(getSrc()))))
    return failure();
  return verifySameElement(*this, {getSrc(), getDst()});
}

/// Dynamic where one of `sizes` is.
static int64_t productOf(ArrayRef<int64_t> sizes) {
  int64_t product = 1;
  for (int64_t size : sizes)
    product = size == ShapedType::kDynamic || product == ShapedType::kDynamic ? ShapedType::kDynamic : product * size;
  return product;
}

static LogicalResult verifyFlattened(Operation *op, Value image, StringRef name, Value matrix) {
  auto shape = shapeOf(image);
  if (failed(verifyShape(op, name, matrix, {shape[0], productOf(shape.drop_front())})))
    return failure();
  return verifySameElement(op, {image, matrix});
}

// flatten_pixels_c1
LogicalResult FlattenPixelsOp::verify() { return verifyFlattened(*this, getSrc(), "dst", getDst()); }

// unflatten_pixels_c1
LogicalResult UnflattenPixelsOp::verify() { return verifyFlattened(*this, getDst(), "src", getSrc()); }

LogicalResult ChannelSumOp::verify() {
  // channel_sum_c1
  auto src = shapeOf(getSrc());
  if (src.size() < 2)
    return emitOpError() << "expected src with a batch and a channel dimension, but got " << formatShape(src);
  if (failed(verifyChannelVectors(*this, src[1], {getDst()})))
    return failure();
  return verifyNotNarrow(*this, "dst", getDst());
}

template <typename OpTy>
static LogicalResult verifyKeep(OpTy op) {
  double keep = op.getKeep().convertToDouble();
  if (!(keep > 0 && keep <= 1))
    return op.emitOpError() << "expected keep in (0, 1], but got " << keep;
  return success();
}

LogicalResult DropoutOp::verify() {
  // dropout_c1
  if (failed(verifyShape(*this, "dst", getDst(), shapeOf(getSrc()))))
    return failure();
  return verifyKeep(*this);
}

// random_drop_c1
LogicalResult RandomDropOp::verify() { return verifyKeep(*this); }

template <typename OpTy>
static LogicalResult verifyConcat(OpTy op) {
  // concat_c1, concat_c2, concat_view_c1, concat_view_c2
  SmallVector<ArrayRef<int64_t>> shapes;
  for (Value src : op.getSrcs())
    shapes.push_back(shapeOf(src));
  auto inferred = inferConcat([&] { return op.emitOpError(); }, shapes);
  if (failed(inferred))
    return failure();
  return verifyShape(op, "dst", op.getDst(), *inferred);
}

LogicalResult ConcatOp::verify() { return verifyConcat(*this); }

LogicalResult ConcatViewOp::verify() {
  if (failed(verifyConcat(*this)))
    return failure();
  // concat_view_c3
  for (auto [index, src] : llvm::enumerate(getSrcs()))
    if (llvm::count_if(src.getUses(), [](OpOperand &use) { return isa<ConcatViewOp>(use.getOwner()); }) != 1)
      return emitOpError() << "expected operand " << index << " to be placed once, but it is in two slices";
  for (auto [index, src] : llvm::enumerate(getSrcs()))
    if (Operation *op = src.getDefiningOp();
        op && !isa<ConcatViewOp>(op) && (op->hasTrait<OpTrait::View>() || isa<ReadOp>(op)))
      return emitOpError() << "expected operand " << index
                           << " to have no place yet, but it is a part of another value or "
                              "a variable's";
  return success();
}

/// `value` where it can stand for `result`: with the same type, layout included.
static OpFoldResult ifSameType(Value value, Value result) {
  return value.getType() == result.getType() ? OpFoldResult(value) : OpFoldResult();
}

OpFoldResult ReluOp::fold(FoldAdaptor) {
  return getSrc().getDefiningOp<ReluOp>() ? ifSameType(getSrc(), getDst()) : OpFoldResult();
}

OpFoldResult CastOp::fold(FoldAdaptor) { return ifSameType(getSrc(), getDst()); }

OpFoldResult ScaleOp::fold(FoldAdaptor) {
  return getFactor().isExactlyValue(1.0) ? ifSameType(getSrc(), getDst()) : OpFoldResult();
}

OpFoldResult ConcatOp::fold(FoldAdaptor) {
  return getSrcs().size() == 1 ? ifSameType(getSrcs().front(), getDst()) : OpFoldResult();
}

OpFoldResult SliceOp::fold(FoldAdaptor) { return ifSameType(getSrc(), getDst()); }

template <typename OpTy>
static LogicalResult verifySlice(OpTy op) {
  // slice_c1, slice_view_c1
  auto inferred =
      inferSlice([&] { return op.emitOpError(); }, shapeOf(op.getSrc()), op.getOffset(), shapeOf(op.getDst())[1]);
  if (failed(inferred))
    return failure();
  return verifyShape(op, "dst", op.getDst(), *inferred);
}

LogicalResult SliceOp::verify() { return verifySlice(*this); }
LogicalResult SliceViewOp::verify() { return verifySlice(*this); }

LogicalResult SplitOp::verify() {
  // split_c1
  SmallVector<ArrayRef<int64_t>> shapes;
  for (Value dst : getDsts())
    shapes.push_back(shapeOf(dst));
  auto inferred = inferConcat([&] { return emitOpError(); }, shapes);
  if (failed(inferred))
    return failure();
  return verifyShape(*this, "src", getSrc(), *inferred);
}

LogicalResult JoinRowsOp::verify() {
  // join_rows_c1
  if (getSrcs().empty())
    return emitOpError() << "expected at least 1 operand, but got 0";
  int64_t rows = 0;
  ArrayRef<int64_t> dst = shapeOf(getDst());
  for (Value src : getSrcs()) {
    ArrayRef<int64_t> shape = shapeOf(src);
    if (shape.empty() || shape.size() != dst.size() || !sameShape(shape.drop_front(), dst.drop_front()))
      return emitOpError() << "expected operands that differ from dst, " << formatShape(dst)
                           << ", in the first dimension only, but got " << formatShape(shape);
    rows += shape[0];
  }
  if (rows != dst[0])
    return emitOpError() << "expected dst with the operands' " << rows << " rows, but got " << dst[0];
  // join_rows_c2
  for (auto [index, src] : llvm::enumerate(getSrcs()))
    if (!src.getDefiningOp<ReadOp>())
      return emitOpError() << "expected reads of variables, but operand " << index << " is computed";
  return success();
}

LogicalResult SliceRowsOp::verify() {
  // slice_rows_c1
  ArrayRef<int64_t> src = shapeOf(getSrc()), dst = shapeOf(getDst());
  if (src.empty() || src.size() != dst.size() || !sameShape(src.drop_front(), dst.drop_front()))
    return emitOpError() << "expected dst to differ from src, " << formatShape(src)
                         << ", in the first dimension only, but got " << formatShape(dst);
  int64_t offset = getOffset();
  if (offset < 0 || offset > src[0] || dst[0] > src[0] - offset)
    return emitOpError() << "expected a range inside the " << src[0] << " rows of src, but got " << dst[0]
                         << " rows at " << offset;
  return success();
}

LogicalResult PixelRowsOp::verify() {
  // pixel_rows_c1
  auto image = shapeOf(getSrc()), matrix = shapeOf(getDst());
  if (image.size() == 2)
    std::swap(image, matrix);
  if (image.size() != 4 || matrix.size() != 2 ||
      !sameShape({productOf({image[0], image[2], image[3]}), image[1]}, matrix))
    return emitOpError() << "expected (N,C,H,W) and (N*H*W,C), but got " << formatShape(shapeOf(getSrc())) << " and "
                         << formatShape(shapeOf(getDst()));
  return verifySameElement(*this, {getSrc(), getDst()});
}

LogicalResult FlattenOp::verify() {
  // flatten_c1
  auto image = shapeOf(getSrc()), matrix = shapeOf(getDst());
  if (image.size() == 2)
    std::swap(image, matrix);
  if (image.size() != 4 || matrix.size() != 2 || !sameShape(image, {matrix[0], matrix[1], 1, 1}))
    return emitOpError() << "expected (N,C,1,1) and (N,C), but got " << formatShape(shapeOf(getSrc())) << " and "
                         << formatShape(shapeOf(getDst()));
  return success();
}

} // namespace incept
