// SPDX-License-Identifier: Apache-2.0
//
// What the exec phase promises of variables, plans, slices and what launches read. Launches by themselves and fields
// are checked by their ops.

#include "dialect/EntryPoints.h"
#include "dialect/VerifierUtils.h"
#include "passes/DefinedBytes.h"
#include "passes/Layouts.h"
#include "passes/VerifyPhase.h"

using namespace mlir;

namespace incept {

/// Variables, in the order of their places.
using Variables = SmallVector<VariableOp>;

static std::pair<StringRef, int64_t> placeOf(VariableOp variable) {
  return {*variable.getRegion(), int64_t(*variable.getOffset())};
}
static int64_t endOf(VariableOp variable) { return *variable.getOffset() + *variable.getBytes(); }

/// A variable lies inside its region, with room for its format, and on no other's bytes; no fields lie in that
/// region.
static FailureOr<Variables> verifyVariables(ModuleOp module, const SymbolTable &symbols, const Target &target) {
  Variables variables(module.getOps<VariableOp>());
  SmallVector<StringRef> ofFields;
  for (exec::FieldOp field : module.getOps<exec::FieldOp>())
    ofFields.push_back(field.getRegion());
  for (VariableOp variable : variables) {
    if (!variable.getRegion() || !variable.getOffset() || !variable.getBytes())
      return variable.emitOpError() << "expected a region, an offset and bytes in phase exec";
    auto region = symbols.lookup<exec::RegionOp>(*variable.getRegion());
    if (!region)
      return variable.emitOpError() << "expected a region named '" << *variable.getRegion() << "', but there is none";
    if (llvm::is_contained(ofFields, *variable.getRegion()))
      return variable.emitOpError() << "expected a region of variables, but got '" << *variable.getRegion()
                                    << "', which holds fields";
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
  llvm::stable_sort(variables, [](VariableOp a, VariableOp b) { return placeOf(a) < placeOf(b); });
  for (size_t i = 1; i < variables.size(); ++i) {
    VariableOp before = variables[i - 1], variable = variables[i];
    if (before.getRegion() != variable.getRegion() || endOf(before) <= int64_t(*variable.getOffset()))
      continue;
    auto diagnostic = variable.emitOpError() << "expected bytes of its own, but '" << before.getSymName() << "' has "
                                             << *before.getBytes() << " at " << *before.getOffset();
    diagnostic.attachNote(before.getLoc()) << "defined here";
    return diagnostic;
  }
  return variables;
}

/// Outside the arena a slice is one field, or lies in variables of its element type, one or several side by side.
static LogicalResult verifySlice(exec::SliceOp slice, ArrayRef<VariableOp> variables, ArrayRef<exec::FieldOp> fields) {
  auto type = cast<MemRefType>(slice.getType());
  Type element = type.getElementType();
  int64_t begin = slice.getOffset();
  if (llvm::any_of(fields, [&](exec::FieldOp field) { return field.getRegionAttr() == slice.getRegionAttr(); })) {
    auto isField = [&](exec::FieldOp field) {
      return field.getRegionAttr() == slice.getRegionAttr() && int64_t(field.getOffset()) == begin &&
             isa<FloatType>(field.getType()) == isa<FloatType>(element) &&
             field.getBytes() * 8 == element.getIntOrFloatBitWidth() && type.getNumElements() == 1;
    };
    if (!llvm::any_of(fields, isField))
      return slice.emitOpError() << "expected one field of region '" << slice.getRegion() << "', but there is none of "
                                 << type.getElementType() << " at " << begin;
    return success();
  }
  std::string why;
  int64_t end = begin + exec::footprintOf(type, why)->bytes();
  auto place = std::pair(slice.getRegion(), begin);
  const auto *first =
      llvm::upper_bound(variables, place, [](auto place, VariableOp variable) { return place < placeOf(variable); });
  if (first != variables.begin())
    --first;
  int64_t reached = begin;
  for (VariableOp variable : ArrayRef(first, variables.end())) {
    if (*variable.getRegion() != slice.getRegion() || endOf(variable) <= begin)
      continue;
    // Between variables there is nothing but what aligns them.
    if (reached >= end || int64_t(*variable.getOffset()) - reached >= kAlignment)
      break;
    if (getElementTypeOrSelf(variable.getTensorType()) != type.getElementType()) {
      auto diagnostic = slice.emitOpError() << "expected variables of " << type.getElementType() << " there, but '"
                                            << variable.getSymName() << "' is of " << variable.getTensorType();
      diagnostic.attachNote(variable.getLoc()) << "defined here";
      return diagnostic;
    }
    reached = endOf(variable);
  }
  if (reached < end)
    return slice.emitOpError() << "expected variables at bytes " << begin << " to " << end << " of region '"
                               << slice.getRegion() << "', but there are none from " << reached << " on";
  return success();
}

/// What a launch reads of the arena, an earlier one of the same entry point has written, if it is no variable: nothing
/// else is kept there from one to the next, and a library leaves in its scratchpad what it likes.
static LogicalResult verifyReads(func::FuncOp function, ArrayRef<VariableOp> variables) {
  DefinedBytes defined;
  for (VariableOp variable : variables) // prepared before, which training may overwrite
    if (*variable.getRegion() == kArenaRegion && isEntry(function, EntryPoint::Infer))
      defined.write(int64_t(*variable.getOffset()), {int64_t(*variable.getBytes())});
  auto inArena = [](Value value) {
    auto slice = value.getDefiningOp<exec::SliceOp>();
    return slice && slice.getRegion() == kArenaRegion ? slice : exec::SliceOp();
  };
  std::string why;
  auto footprint = [&](exec::SliceOp slice) { return *exec::footprintOf(cast<MemRefType>(slice.getType()), why); };
  auto verify = [&](Operation *op, ValueRange ins, ValueRange outs, Value scratchpad) -> LogicalResult {
    for (auto [index, value] : llvm::enumerate(ins))
      if (exec::SliceOp slice = inArena(value); slice && !defined.covers(slice.getOffset(), footprint(slice))) {
        auto diagnostic = op->emitOpError() << "expected to read what an earlier launch of @" << function.getSymName()
                                            << " has written, but operand " << index << " has bytes that none has";
        diagnostic.attachNote(slice.getLoc()) << "which are in this slice";
        return diagnostic;
      }
    if (exec::SliceOp slice = scratchpad ? inArena(scratchpad) : exec::SliceOp())
      defined.forget(slice.getOffset(), footprint(slice).bytes());
    for (Value value : outs)
      if (exec::SliceOp slice = inArena(value))
        defined.write(slice.getOffset(), footprint(slice));
    return success();
  };
  for (Operation &op : function.getBody().front()) {
    auto kernel = dyn_cast<exec::KernelOp>(op);
    auto library = dyn_cast<exec::LibraryOp>(op);
    if ((kernel && failed(verify(kernel, kernel.getIns(), kernel.getOuts(), {}))) ||
        (library && failed(verify(library, library.getIns(), library.getOuts(), library.getScratchpad()))))
      return failure();
  }
  return success();
}

LogicalResult verifyExec(ModuleOp module, const Target &target) {
  for (exec::PlanOp plan : module.getOps<exec::PlanOp>()) {
    std::string why;
    if (failed(target.verifyPlan(plan, why)))
      return plan.emitOpError() << "is no plan of the target: " << why;
  }
  FailureOr<Variables> variables = verifyVariables(module, SymbolTable(module), target);
  if (failed(variables))
    return failure();
  SmallVector<exec::FieldOp> fields(module.getOps<exec::FieldOp>());
  for (func::FuncOp function : module.getOps<func::FuncOp>()) {
    for (exec::SliceOp slice : function.getOps<exec::SliceOp>())
      if (slice.getRegion() != kArenaRegion && failed(verifySlice(slice, *variables, fields)))
        return failure();
    if (failed(verifyReads(function, *variables)))
      return failure();
  }
  return success();
}

} // namespace incept
