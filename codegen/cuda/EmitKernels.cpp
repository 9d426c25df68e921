// SPDX-License-Identifier: Apache-2.0
//
// One function per kernel.
#include "codegen/cuda/CompileKernels.h"
#include "codegen/cuda/CudaEmitter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;

namespace incept::cuda {

/// Loops that are this target's own.
static void attachLoops(MLIRContext *context, InceptDialect *) {
  using Loops = LoopsRule<CudaEmitter>;
  Loops::attach<CountNonfiniteOp, emitCountNonfinite>(context);
  Loops::attach<SumSquaresOp, emitSumSquares>(context);
  Loops::attach<GlobalAvgPoolOp, emitGlobalAvgPool>(context);
  Loops::attach<NormalizeImageOp, emitNormalizeImage>(context);
  Loops::attach<ReorderOp, emitReorder>(context);
  Loops::attach<SoftmaxCrossEntropyOp, emitSoftmaxCrossEntropy>(context);
  Loops::attach<SoftmaxCrossEntropyBackwardOp, emitSoftmaxCrossEntropyBackward>(context);
}

FailureOr<OwningOpRef<ModuleOp>> emitKernels(ModuleOp launches) {
  MLIRContext *context = launches.getContext();
  auto variants = collectVariants(launches);
  if (failed(variants))
    return failure();
  DialectRegistry registry;
  registerKernelCode(registry);
  registry.addExtension(attachLoops);
  context->appendDialectRegistry(registry);
  context->loadDialect<arith::ArithDialect, gpu::GPUDialect, LLVM::LLVMDialect, math::MathDialect, NVVM::NVVMDialect,
                       scf::SCFDialect, vector::VectorDialect>();
  Location loc = UnknownLoc::get(context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  auto kernels = gpu::GPUModuleOp::create(builder, loc, "kernels");
  for (const Variant &variant : *variants)
    if (failed(CudaEmitter::emit(kernels, variant)))
      return failure();
  if (failed(verify(*module)))
    return failure();
  return module;
}

} // namespace incept::cuda
