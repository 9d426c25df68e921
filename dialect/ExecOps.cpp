// SPDX-License-Identifier: Apache-2.0
//
// Verifiers of the executable tier.

#include "dialect/InceptOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace incept::exec {

LogicalResult RegionOp::verify() {
  // exec.region_c1
  if (int64_t(getBytes()) < 0)
    return emitOpError() << "expected a size that is not negative, but got " << int64_t(getBytes());
  return success();
}

LogicalResult SliceOp::verifySymbolUses(SymbolTableCollection &table) {
  // exec.slice_c1
  auto region = table.lookupNearestSymbolFrom<RegionOp>(*this, getRegionAttr());
  if (!region)
    return emitOpError() << "expected a region named '" << getRegion() << "', but there is none";
  auto type = cast<MemRefType>(getSlice().getType());
  if (!type.hasStaticShape() || !type.getElementType().isIntOrFloat())
    return emitOpError() << "expected a static shape of integers or floats, but got " << type;
  int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t dim : type.getShape())
    if (llvm::MulOverflow(bytes, dim, bytes))
      return emitOpError() << "expected a size below 2^63 bytes";
  int64_t offset = getOffset();
  if (offset < 0 || offset > int64_t(region.getBytes()) - bytes)
    return emitOpError() << "expected bytes " << offset << " to " << offset + bytes << " to lie inside region '"
                         << getRegion() << "' of " << region.getBytes() << " bytes";
  return success();
}

LogicalResult KernelOp::verifySymbolUses(SymbolTableCollection &table) {
  // exec.kernel_c1
  if (!table.lookupNearestSymbolFrom<KernelDefOp>(*this, getKernelAttr()))
    return emitOpError() << "expected a kernel named '" << getKernel() << "', but there is none";
  if (int64_t(getUnits()) < 1)
    return emitOpError() << "expected at least 1 unit, but got " << int64_t(getUnits());
  return success();
}

LogicalResult LibraryOp::verifySymbolUses(SymbolTableCollection &table) {
  // exec.library_c1
  if (!table.lookupNearestSymbolFrom<PlanOp>(*this, getPlanAttr()))
    return emitOpError() << "expected a plan named '" << getPlan() << "', but there is none";
  return success();
}

LogicalResult KernelDefOp::verifyRegions() {
  // exec.kernel_def_c1
  Block &body = getBody().front();
  bool isOne = llvm::hasSingleElement(body.without_terminator());
  if (getFamily() == KernelFamily::Opaque && !(isOne && llvm::equal(body.front().getOperands(), body.getArguments()) &&
                                               llvm::equal(body.front().getResults(), getYield().getValues())))
    return emitOpError() << "expected one op that takes all arguments and whose results are all yielded, in order";
  return success();
}

FailureOr<KernelLoops> KernelDefOp::getLoops() {
  Block &body = getBody().front();
  auto isFull = [](Value value) { return cast<RankedTensorType>(value.getType()).getRank() >= 2; };
  unsigned full = llvm::count_if(body.getArguments(), isFull) + llvm::count_if(getYield().getValues(), isFull);
  unsigned counts = llvm::count_if(body, [](Operation &op) { return isa<CountedOpInterface>(op); });
  switch (getFamily()) {
  case KernelFamily::Flat:
    return KernelLoops{1 + counts};
  case KernelFamily::Map:
    return KernelLoops{2 + full, UnitSize::Tile, 1, 2};
  case KernelFamily::Reduce:
    return KernelLoops{3 + full, UnitSize::Tile, 1, 3};
  case KernelFamily::Combine:
    return KernelLoops{2 + counts};
  case KernelFamily::Opaque:
    break;
  }
  if (auto kernel = dyn_cast<KernelOpInterface>(body.front()))
    return kernel.getLoops();
  return emitOpError() << "'" << body.front().getName() << "' has no kernel rule";
}

YieldOp KernelDefOp::getYield() { return cast<YieldOp>(getBody().front().getTerminator()); }

} // namespace incept::exec
