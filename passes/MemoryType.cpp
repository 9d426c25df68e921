// SPDX-License-Identifier: Apache-2.0

#include "passes/MemoryType.h"
#include "passes/Layouts.h"
#include "passes/Target.h"

using namespace mlir;

namespace incept {

FailureOr<MemRefType> memoryType(RankedTensorType type, const Target &target) {
  ArrayRef<int64_t> shape = type.getShape();
  Type element = type.getElementType();
  auto layout = dyn_cast_or_null<LayoutAttr>(type.getEncoding());
  StringRef format = libraryFormat(layout);
  if (!format.empty() && format != kNhwcFormat) {
    auto bytes = target.formatBytes(shape, element, format);
    if (failed(bytes))
      return failure();
    return MemRefType::get({*bytes / elementBytes(element)}, element);
  }
  bool isSlice = layout && layout.isSlice();
  if (format.empty() || (shape.size() < 3 && !isSlice))
    return MemRefType::get(shape, element);
  // Channels are neighbours, then come the other dimensions from the last to the first.
  SmallVector<int64_t> strides(shape.size(), 1);
  int64_t distance = isSlice ? layout.getStride() : shape[1];
  for (size_t i = shape.size(); i-- > 0;)
    if (i != 1) {
      strides[i] = distance;
      distance *= shape[i];
    }
  return MemRefType::get(shape, element, StridedLayoutAttr::get(type.getContext(), 0, strides));
}

SmallVector<Value> libraryInputs(GroupOp group, bool swapped) {
  SmallVector<Value> inputs; // the group's may be fewer: one value used twice
  for (Value operand : group.getBody().front().front().getOperands())
    inputs.push_back(group.getInputs()[cast<BlockArgument>(operand).getArgNumber()]);
  if (swapped)
    std::swap(inputs[0], inputs[1]);
  return inputs;
}

FailureOr<FunctionType> librarySignature(GroupOp group, bool swapped, const Target &target) {
  SmallVector<Type> types;
  SmallVector<Value> values = libraryInputs(group, swapped);
  size_t inputs = values.size();
  llvm::append_range(values, group.getOutputs());
  for (Value value : values) {
    auto type = memoryType(cast<RankedTensorType>(value.getType()), target);
    if (failed(type))
      return failure();
    types.push_back(*type);
  }
  ArrayRef<Type> all = types;
  return FunctionType::get(group.getContext(), all.take_front(inputs), all.drop_front(inputs));
}

} // namespace incept
