// SPDX-License-Identifier: Apache-2.0
//
// Verifiers of the executable tier.

#include "dialect/ExecMemory.h"
#include "dialect/InceptOps.h"

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
  std::string why;
  auto footprint = footprintOf(type, why);
  if (failed(footprint)) // exec.slice_c2
    return emitOpError() << "expected " << why << ", but got " << type;
  int64_t offset = getOffset(), bytes = footprint->bytes();
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

YieldOp KernelDefOp::getYield() { return cast<YieldOp>(getBody().front().getTerminator()); }

} // namespace incept::exec
