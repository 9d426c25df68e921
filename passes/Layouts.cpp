// SPDX-License-Identifier: Apache-2.0

#include "passes/Layouts.h"
#include "dialect/InceptOps.h"

using namespace mlir;

namespace incept {

LayoutAttr layoutOf(Value value) {
  return dyn_cast_or_null<LayoutAttr>(cast<RankedTensorType>(value.getType()).getEncoding());
}

RankedTensorType withLayout(RankedTensorType type, LayoutAttr layout) {
  return RankedTensorType::get(type.getShape(), type.getElementType(), layout);
}

StringRef libraryFormat(LayoutAttr layout) {
  return !layout || layout.getFormat() == kDenseFormat ? StringRef() : layout.getFormat();
}

OpOperand *layoutSource(OpResult result) {
  Operation *op = result.getOwner();
  if (auto update = dyn_cast<UpdateOpInterface>(op)) // slot i is result 1 + i and operand 2 + i
    return &op->getOpOperand(result.getResultNumber() == 0 ? 0
                             : result.getResultNumber() > update.getOptimizer().slots.size()
                                 ? 0
                                 : 1 + result.getResultNumber());
  if (!op->hasTrait<OpTrait::Map>())
    return nullptr;
  auto shape = [](Value value) { return cast<RankedTensorType>(value.getType()).getShape(); };
  for (OpOperand &operand : op->getOpOperands())
    if (shape(operand.get()) == shape(result))
      return &operand;
  return nullptr;
}

int64_t elementBytes(Type type) { return (type.getIntOrFloatBitWidth() + 7) / 8; }

/// The concat_view that `value` is an operand of, if any.
static ConcatViewOp enclosingConcat(Value value) {
  for (Operation *user : value.getUsers())
    if (auto concat = dyn_cast<ConcatViewOp>(user))
      return concat;
  return {};
}

Placement placementOf(Value value) {
  Placement placement{value, 0, 0};
  while (true) {
    Operation *op = placement.root.getDefiningOp();
    if (auto slice = dyn_cast_or_null<SliceViewOp>(op)) {
      placement.channelOffset += slice.getOffset();
      placement.root = slice.getSrc();
    } else if (auto rows = dyn_cast_or_null<SliceRowsOp>(op)) {
      auto type = cast<RankedTensorType>(rows.getSrc().getType());
      placement.rowElements += int64_t(rows.getOffset()) * (type.getNumElements() / type.getDimSize(0));
      placement.root = rows.getSrc();
    } else if (isa_and_nonnull<FlattenOp, ChannelSampleOp>(op)) {
      placement.root = op->getOperand(0);
    } else if (auto concat = enclosingConcat(placement.root)) {
      for (Value src : concat.getSrcs()) {
        if (src == placement.root)
          break;
        placement.channelOffset += cast<RankedTensorType>(src.getType()).getDimSize(1);
      }
      placement.root = concat.getDst();
    } else {
      return placement;
    }
  }
}

bool isUsedAfter(Value value, Operation *op) {
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    if (user->hasTrait<OpTrait::View>())
      return llvm::any_of(user->getResults(), [&](Value view) { return isUsedAfter(view, op); });
    return user != op && op->isBeforeInBlock(user);
  });
}

} // namespace incept
