// SPDX-License-Identifier: Apache-2.0
//
// incept-opt with the ops of the extension.

#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "passes/Passes.h"
#include "passes/Phases.h"
#include "passes/Target.h"
#include "test/extension/Extension.h"
#include "tools/Registration.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  incept::registerDialects(registry);
  incept::registerTargets(registry);
  incept::registerFakeTarget(registry);
  incept::extension::registerExtension(registry);
  incept::registerInceptPasses();
  incept::registerPhasePipelines();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "incept-opt with ops that it does not know\n", registry));
}
