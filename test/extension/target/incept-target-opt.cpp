// SPDX-License-Identifier: Apache-2.0
//
// incept-opt with the target of this folder, and a pass that prints what its back end makes.

#include "codegen/Codegen.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "passes/Passes.h"
#include "passes/Phases.h"
#include "passes/Target.h"
#include "test/extension/target/Abacus.h"
#include "tools/Registration.h"

namespace {

struct EmitMovesPass : mlir::PassWrapper<EmitMovesPass, mlir::OperationPass<mlir::ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(EmitMovesPass)

  llvm::StringRef getArgument() const override { return "emit-moves"; }
  llvm::StringRef getDescription() const override { return "print what the target's back end makes"; }

  void runOnOperation() override {
    const incept::Target *target = incept::findTarget(getOperation());
    if (!target || failed(target->backend()->emitPart(getOperation(), "moves", llvm::outs())))
      signalPassFailure();
  }
};

} // namespace

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  incept::registerDialects(registry);
  incept::registerTargets(registry);
  incept::test::registerAbacus(registry);
  incept::registerInceptPasses();
  incept::registerPhasePipelines();
  mlir::PassRegistration<EmitMovesPass>();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "incept-opt with a target of its own\n", registry));
}
