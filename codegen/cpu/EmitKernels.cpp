// SPDX-License-Identifier: Apache-2.0
//
// One function per kernel.
#include "codegen/cpu/CompileKernels.h"
#include "codegen/cpu/CpuEmitter.h"
#include "codegen/cpu/EmitTiles.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;

namespace incept::cpu {

/// Loops that are this target's own.
static void attachLoops(MLIRContext *context, InceptDialect *) {
  using Loops = LoopsRule<CpuEmitter>;
  Loops::attach<CountNonfiniteOp, emitCountNonfinite>(context);
  Loops::attach<SumSquaresOp, emitSumSquares>(context);
  Loops::attach<SoftmaxCrossEntropyOp, emitSoftmaxCrossEntropy>(context);
  Loops::attach<SoftmaxCrossEntropyBackwardOp, emitSoftmaxCrossEntropyBackward>(context);
  attachTileLoops(context);
}

FailureOr<OwningOpRef<ModuleOp>> emitKernels(MLIRContext *context, ArrayRef<exec::KernelDefOp> definitions,
                                             int64_t vectorBits) {
  DialectRegistry registry;
  registerKernelCode(registry);
  registry.addExtension(attachLoops);
  context->appendDialectRegistry(registry);
  context->loadDialect<arith::ArithDialect, func::FuncDialect, LLVM::LLVMDialect, math::MathDialect, scf::SCFDialect,
                       vector::VectorDialect>();
  OwningOpRef<ModuleOp> kernels = ModuleOp::create(UnknownLoc::get(context));
  for (exec::KernelDefOp definition : definitions) {
    CpuEmitter emitter(*kernels, definition, vectorBits / 32);
    if (failed(emitKernel(emitter)))
      return failure();
    emitter.finish();
  }
  if (failed(verify(*kernels)))
    return failure();
  return kernels;
}

} // namespace incept::cpu
