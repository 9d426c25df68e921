// SPDX-License-Identifier: Apache-2.0
//
// Runs single passes and pipelines on IR files, for tests and for reading what a pass does.

#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"
#include "passes/Phases.h"
#include "passes/Target.h"
#include "tools/Output.h"
#include "tools/Registration.h"

int main(int argc, char **argv) {
  incept::prepareTool("incept-opt");
  mlir::DialectRegistry registry;
  incept::registerDialects(registry);
  incept::registerTargets(registry);
  incept::registerFakeTarget(registry);
  incept::registerInceptPasses();
  incept::registerPhasePipelines();
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  auto result = mlir::MlirOptMain(argc, argv, "incept-opt: runs passes on incept IR\n", registry);
  return incept::finishOutput(mlir::asMainReturnCode(result), "incept-opt");
}
