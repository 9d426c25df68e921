// SPDX-License-Identifier: Apache-2.0
//
// What the exec phase promises of variables and plans. Launches, slices and fields are checked by their ops.

#include "dialect/VerifierUtils.h"
#include "passes/Layouts.h"
#include "passes/VerifyPhase.h"

using namespace mlir;

namespace incept {

/// A variable lies inside its region, with room for its format, and on no other's bytes.
static LogicalResult verifyVariables(ModuleOp module, const Target &target) {
  SymbolTable symbols(module);
  SmallVector<VariableOp> variables(module.getOps<VariableOp>());
  for (VariableOp variable : variables) {
    if (!variable.getRegion() || !variable.getOffset() || !variable.getBytes())
      return variable.emitOpError() << "expected a region, an offset and bytes in phase exec";
    auto region = symbols.lookup<exec::RegionOp>(*variable.getRegion());
    if (!region)
      return variable.emitOpError() << "expected a region named '" << *variable.getRegion() << "', but there is none";
    RankedTensorType type = variable.getTensorType();
    Type element = type.getElementType();
    auto layout = dyn_cast_or_null<LayoutAttr>(type.getEncoding());
    auto needed = target.formatBytes(type.getShape(), element, libraryFormat(layout));
    if (failed(needed))
      return variable.emitOpError() << "expected a format that the target knows for " << formatShape(type.getShape())
                                    << ", but got " << (layout ? layout.getFormat() : StringRef("none"));
    int64_t offset = *variable.getOffset(), bytes = *variable.getBytes(), size = region.getBytes();
    if (bytes < *needed || offset < 0 || offset % elementBytes(element) != 0 || offset > size - bytes)
      return variable.emitOpError() << "expected " << *needed << " bytes or more at a multiple of "
                                    << elementBytes(element) << " inside region '" << region.getSymName() << "' of "
                                    << size << " bytes, but got " << bytes << " at " << offset;
  }
  llvm::stable_sort(variables, [](VariableOp a, VariableOp b) {
    return std::pair(*a.getRegion(), int64_t(*a.getOffset())) < std::pair(*b.getRegion(), int64_t(*b.getOffset()));
  });
  for (size_t i = 1; i < variables.size(); ++i) {
    VariableOp before = variables[i - 1], variable = variables[i];
    if (before.getRegion() != variable.getRegion() ||
        int64_t(*before.getOffset()) + int64_t(*before.getBytes()) <= int64_t(*variable.getOffset()))
      continue;
    auto diagnostic = variable.emitOpError() << "expected bytes of its own, but '" << before.getSymName() << "' has "
                                             << *before.getBytes() << " at " << *before.getOffset();
    diagnostic.attachNote(before.getLoc()) << "defined here";
    return diagnostic;
  }
  return success();
}

LogicalResult verifyExec(ModuleOp module, const Target &target) {
  for (exec::PlanOp plan : module.getOps<exec::PlanOp>()) {
    std::string why;
    if (failed(target.verifyPlan(plan, why)))
      return plan.emitOpError() << "is no plan of the target: " << why;
  }
  return verifyVariables(module, target);
}

} // namespace incept
