// SPDX-License-Identifier: Apache-2.0
//
// incept-opt with the optimizer and the loss of the tests' own.

#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "passes/Passes.h"
#include "passes/Phases.h"
#include "passes/Target.h"
#include "test/extension/optimizer/Trainer.h"
#include "tools/Registration.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  incept::registerDialects(registry);
  incept::registerFakeTarget(registry);
  incept::trainer::registerTrainer(registry);
  incept::registerInceptPasses();
  incept::registerPhasePipelines();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "incept-opt with an optimizer and a loss\n", registry));
}
