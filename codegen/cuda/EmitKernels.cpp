// SPDX-License-Identifier: Apache-2.0
//
// The table of kernel families.
#include "codegen/cuda/CompileKernels.h"
#include "codegen/cuda/CudaEmitter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;

namespace incept::cuda {

namespace {

struct Family {
  StringRef name;
  LogicalResult (*emit)(CudaEmitter &);
};

/// A family that all targets share.
template <LogicalResult (*Emit)(KernelEmitter &)>
LogicalResult shared(CudaEmitter &e) {
  return Emit(e);
}

constexpr Family kFamilies[] = {
    {"flat", emitFlat},
    {"map", emitMap},
    {"reduce", emitReduce},
    {"combine", emitCombine},
    {"count_nonfinite", emitCountNonfinite},
    {"reorder", emitReorder},
    {"max_pool", shared<emitMaxPool>},
    {"max_pool_with_index", shared<emitMaxPool>},
    {"max_pool_backward", shared<emitMaxPoolBackward>},
    {"avg_pool", shared<emitAvgPool>},
    {"avg_pool_backward", shared<emitAvgPoolBackward>},
    {"global_avg_pool", shared<emitGlobalAvgPool>},
    {"global_avg_pool_backward", shared<emitGlobalAvgPoolBackward>},
    {"dropout", shared<emitDropout>},
    {"softmax_cross_entropy", emitSoftmaxCrossEntropy},
    {"softmax_cross_entropy_backward", emitSoftmaxCrossEntropyBackward},
    {"normalize_image", shared<emitNormalizeImage>},
    {"import_image", shared<emitImportImage>},
};

} // namespace

FailureOr<OwningOpRef<ModuleOp>> emitKernels(ModuleOp launches) {
  MLIRContext *context = launches.getContext();
  auto variants = collectVariants(launches);
  if (failed(variants))
    return failure();
  context->loadDialect<arith::ArithDialect, gpu::GPUDialect, LLVM::LLVMDialect, math::MathDialect, scf::SCFDialect,
                       vector::VectorDialect>();
  Location loc = UnknownLoc::get(context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  auto kernels = gpu::GPUModuleOp::create(builder, loc, "kernels");
  for (const Variant &variant : *variants) {
    exec::KernelDefOp definition = variant.definition;
    const Family *family = llvm::find_if(kFamilies, [&](const Family &f) { return f.name == definition.getFamily(); });
    if (family == std::end(kFamilies))
      return definition.emitOpError() << "unknown kernel family '" << definition.getFamily() << "'";
    if (failed(checkBody(definition, family->name)))
      return failure();
    CudaEmitter emitter(kernels, variant);
    if (failed(family->emit(emitter)))
      return failure();
    emitter.finish();
  }
  if (failed(verify(*module)))
    return failure();
  return module;
}

} // namespace incept::cuda
