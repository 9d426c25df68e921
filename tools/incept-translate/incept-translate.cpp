// SPDX-License-Identifier: Apache-2.0
//
// Prints what the kernels of an exec-phase module become for an NVIDIA GPU, for tests and for reading: MLIR of the gpu
// dialect, PTX, and what ptxas says of registers and spills.

#include "codegen/cuda/Assembler.h"
#include "codegen/cuda/CompileKernels.h"
#include "codegen/cuda/CudaTarget.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "tools/Output.h"
#include "tools/Registration.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace incept;

namespace {

llvm::cl::opt<std::string> chip("chip", llvm::cl::desc("architecture"), llvm::cl::init("sm_90"));
llvm::cl::opt<std::string> features("features", llvm::cl::desc("version of PTX"), llvm::cl::init("+ptx80"));
llvm::cl::opt<std::string> ptxas("ptxas", llvm::cl::desc("the assembler (default: the one in PATH)"));

cuda::Architecture architecture() { return {chip, features}; }

LogicalResult writeKernels(ModuleOp module, llvm::raw_ostream &stream) {
  auto kernels = cuda::emitKernels(module);
  if (failed(kernels))
    return failure();
  (*kernels)->print(stream);
  return success();
}

LogicalResult writePtx(ModuleOp module, llvm::raw_ostream &stream) {
  auto ptx = cuda::compileToPtx(module, architecture());
  if (succeeded(ptx))
    stream << *ptx;
  return ptx;
}

/// One line per launch: kernel, grid, block, the last two of each part.
LogicalResult writeLaunches(ModuleOp module, llvm::raw_ostream &stream) {
  module.walk([&](exec::KernelOp op) {
    ArrayRef<int64_t> grid = *op.getGrid(), block = *op.getBlock();
    stream << op.getCodeSymbol();
    for (size_t i = 0; i < grid.size(); i += 3)
      stream << (i > 0 ? ", " : " ") << "grid " << grid[i] << " x " << grid[i + 1] << " block " << block[i] << " x "
             << block[i + 1];
    stream << "\n";
  });
  return success();
}

/// One line per kernel: registers and how many it may have, spilled bytes, stack and shared memory, and how many vector
/// loads its main loop is designed to have in flight.
LogicalResult writeUsage(ModuleOp module, llvm::raw_ostream &stream) {
  auto variants = cuda::collectVariants(module);
  auto ptx = cuda::compileToPtx(module, architecture());
  if (failed(variants) || failed(ptx))
    return failure();
  llvm::StringMap<int64_t> budgets, loads;
  for (const cuda::Variant &variant : *variants) {
    budgets[variant.symbol] = cuda::registerBudget(variant);
    loads[variant.symbol] = cuda::designedLoads(variant);
  }
  std::string program = ptxas;
  if (program.empty())
    if (auto found = llvm::sys::findProgramByName("ptxas"))
      program = *found;
  std::string error;
  auto usage = cuda::Assembler(program).measure(*ptx, chip, error);
  if (failed(usage))
    return module.emitError(error);
  for (const cuda::KernelUsage &kernel : *usage)
    stream << kernel.symbol << " registers " << kernel.registers << " of " << budgets.lookup(kernel.symbol)
           << " spilled " << kernel.spillStores + kernel.spillLoads << " stack " << kernel.stackBytes << " shared "
           << kernel.sharedBytes << " loads " << loads.lookup(kernel.symbol) << "\n";
  return success();
}

using Write = LogicalResult (*)(ModuleOp, llvm::raw_ostream &);

void add(const char *name, const char *description, Write write) {
  TranslateFromMLIRRegistration registration(
      name, description,
      [write](Operation *op, llvm::raw_ostream &stream) -> LogicalResult {
        auto module = dyn_cast<ModuleOp>(op);
        if (!module)
          return op->emitError("expected a module");
        // Files may have shapes, as a compilation leaves them, or not.
        bool isShaped = module
                            .walk([](exec::KernelOp launch) {
                              return launch.getWidth() ? WalkResult::interrupt() : WalkResult::advance();
                            })
                            .wasInterrupted();
        cuda::NoPlans plans;
        if (!isShaped && failed(shapeLaunches(module, *cuda::createCudaTarget(plans, false, /*multiprocessors=*/1))))
          return failure();
        return write(module, stream);
      },
      registerDialects);
}

} // namespace

int main(int argc, char **argv) {
  prepareTool("incept-translate");
  add("incept-to-gpu", "kernels as MLIR of the gpu dialect", writeKernels);
  add("incept-to-ptx", "kernels as PTX", writePtx);
  add("incept-to-grids", "each launch's kernel, grid and block", writeLaunches);
  add("incept-to-usage", "what ptxas says of each kernel", writeUsage);
  auto result = mlirTranslateMain(argc, argv, "incept-translate: exec-phase modules to what a GPU runs");
  return finishOutput(failed(result), "incept-translate");
}
