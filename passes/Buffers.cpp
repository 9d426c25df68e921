// SPDX-License-Identifier: Apache-2.0

#include "passes/Buffers.h"
#include "dialect/VerifierUtils.h"
#include "passes/Layouts.h"
#include "passes/Target.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace incept {

FailureOr<int64_t> bufferBytes(Value root, const Target &target) {
  auto type = cast<RankedTensorType>(root.getType());
  auto bytes = target.formatBytes(type.getShape(), type.getElementType(), libraryFormat(layoutOf(root)));
  if (failed(bytes))
    return root.getDefiningOp()->emitOpError() << "has a result of unknown size: " << type;
  return std::max<int64_t>(llvm::alignTo(*bytes, kAlignment), kAlignment);
}

int64_t scratchpadBytes(GroupOp group, const Target &target) {
  if (group.isLibrary())
    return llvm::alignTo(group.getScratchpad().value_or(0), kAlignment);
  int64_t bytes = 0;
  for (Operation &op : group.getBody().front()) {
    if (isa<CountNonfiniteOp>(op))
      bytes += llvm::alignTo((kMostCounts + int64_t(op.getNumOperands())) * 4, kAlignment);
    if (op.hasTrait<OpTrait::Reduce>()) {
      ArrayRef<int64_t> domain = shapeOf(op.getOperand(0));
      int64_t rows = 1;
      for (auto [index, dim] : llvm::enumerate(domain))
        rows *= index == 1 ? 1 : dim;
      for (Value result : op.getResults())
        bytes += llvm::alignTo(target.cutReduction(rows, domain[1]).partials * shapeOf(result)[0] * 4, kAlignment);
    }
  }
  return bytes;
}

DenseMap<Value, WriteOp> valuesInVariables(func::FuncOp function) {
  DenseMap<StringAttr, SmallVector<ReadOp>> reads;
  for (ReadOp read : function.getOps<ReadOp>())
    reads[read.getVariableAttr().getAttr()].push_back(read);
  DenseMap<Value, WriteOp> result;
  for (WriteOp write : function.getOps<WriteOp>()) {
    Value value = write.getValue();
    auto producer = value.getDefiningOp<GroupOp>();
    if (!producer || placementOf(value).root != value || result.contains(value))
      continue;
    bool isNeeded = llvm::any_of(reads.lookup(write.getVariableAttr().getAttr()),
                                 [&](ReadOp read) { return isUsedAfter(read.getValue(), producer); });
    if (!isNeeded)
      result[value] = write;
  }
  return result;
}

} // namespace incept
