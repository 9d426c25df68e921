// SPDX-License-Identifier: Apache-2.0
//
// Checks the contract of a phase, so that a bug of one phase shows there and not in generated code, and marks the
// module with the phase's name.

#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Layouts.h"
#include "passes/Passes.h"
#include "passes/Phases.h"

using namespace mlir;

namespace incept {
#define GEN_PASS_DEF_VERIFYPHASEPASS
#include "passes/Passes.h.inc"

namespace {

/// Ops that stand outside groups once everything that computes is inside one.
bool mayStandOutsideGroups(Operation *op) {
  return isa<ReadOp, WriteOp, StepValueOp, GroupOp, func::ReturnOp>(op) || op->hasTrait<OpTrait::View>();
}

LogicalResult verifyGraph(Operation *op) {
  if (isa<GroupOp>(op))
    return op->emitOpError() << "does not belong to phase graph";
  return success();
}

LogicalResult verifyTraining(Operation *op) {
  if (isa<BlockOp, RandomDropOp, BatchNormTrainingOp, BatchNormBackwardOp, BatchNormOp, GroupOp>(op))
    return op->emitOpError() << "does not belong to phase training: it should have been expanded or decomposed";
  return success();
}

/// A variable is written at most once, after all reads of it: a read always means the value from before the launch.
LogicalResult verifyVariableUses(func::FuncOp function) {
  llvm::StringMap<WriteOp> written;
  for (Operation &op : function.getBody().front()) {
    auto read = dyn_cast<ReadOp>(op);
    auto write = dyn_cast<WriteOp>(op);
    if (!read && !write)
      continue;
    StringRef variable = read ? read.getVariable() : write.getVariable();
    if (auto found = written.find(variable); found != written.end()) {
      auto diagnostic = op.emitOpError() << "expected at most one write of variable '" << variable
                                         << "' in a function, after all reads";
      diagnostic.attachNote(found->second.getLoc()) << "written here";
      return diagnostic;
    }
    if (write)
      written[variable] = write;
  }
  return success();
}

LogicalResult verifyFused(Operation *op) {
  if (isa<func::FuncOp>(op->getParentOp()) && !mayStandOutsideGroups(op))
    return op->emitOpError() << "stands outside a group in phase fused";
  return success();
}

LogicalResult verifyLayout(Operation *op) {
  if (failed(verifyFused(op)))
    return failure();
  if (!isa<func::FuncOp>(op->getParentOp()))
    return success();
  for (Value result : op->getResults())
    if (!layoutOf(result))
      return op->emitOpError() << "has a result without a layout in phase layout";
  if (auto group = dyn_cast<GroupOp>(op); group && group.isLibrary() && !group.getPlan())
    return op->emitOpError() << "has no plan in phase layout";
  return success();
}

LogicalResult verifyPlanned(Operation *op) {
  if (failed(verifyLayout(op)))
    return failure();
  if (auto group = dyn_cast<GroupOp>(op)) {
    if (!group.getOffsets() || group.getOffsets()->size() != group.getOutputs().size())
      return op->emitOpError() << "expected an offset per result in phase planned";
    if (group.getScratchpad().value_or(0) > 0 && !group.getScratchpadOffset())
      return op->emitOpError() << "expected scratchpad_offset in phase planned";
  }
  return success();
}

LogicalResult verifyExec(Operation *op) {
  if (isa<func::FuncOp>(op->getParentOp()) && !isa<exec::SliceOp, exec::KernelOp, exec::LibraryOp, func::ReturnOp>(op))
    return op->emitOpError() << "does not belong to phase exec: an entry point is a list of launches";
  return success();
}

struct VerifyPhasePass : impl::VerifyPhasePassBase<VerifyPhasePass> {
  using Base::Base;

  void runOnOperation() override {
    std::optional<Phase> parsed = parsePhase(phase);
    if (!parsed) {
      getOperation().emitError() << "expected the name of a phase, but got '" << phase << "'";
      return signalPassFailure();
    }
    constexpr LogicalResult (*checks[])(Operation *) = {verifyGraph,  verifyTraining, verifyFused,
                                                        verifyLayout, verifyPlanned,  verifyExec};
    auto check = checks[static_cast<size_t>(*parsed)];
    bool ok = true;
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>()) {
      function.getBody().walk([&](Operation *op) { ok &= succeeded(check(op)); });
      ok &= succeeded(verifyVariableUses(function));
    }
    if (!ok)
      return signalPassFailure();
    getOperation()->setAttr(InceptDialect::kPhaseAttr, StringAttr::get(&getContext(), phase));
    markAllAnalysesPreserved();
  }
};

} // namespace
} // namespace incept
