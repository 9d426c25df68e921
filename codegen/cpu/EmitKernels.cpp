// SPDX-License-Identifier: Apache-2.0
//
// The table of kernel families.
#include "codegen/cpu/CompileKernels.h"
#include "codegen/cpu/CpuEmitter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;

namespace incept::cpu {

namespace {

struct Family {
  StringRef name;
  LogicalResult (*emit)(CpuEmitter &);
};

/// A family that all targets share.
template <LogicalResult (*Emit)(KernelEmitter &)>
LogicalResult shared(CpuEmitter &e) {
  return Emit(e);
}

constexpr Family kFamilies[] = {
    {"flat", emitFlat},
    {"map", emitMap},
    {"reduce", emitReduce},
    {"combine", emitCombine},
    {"count_nonfinite", emitCountNonfinite},
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

FailureOr<OwningOpRef<ModuleOp>> emitKernels(MLIRContext *context, ArrayRef<exec::KernelDefOp> definitions,
                                             int64_t vectorBits) {
  context->loadDialect<arith::ArithDialect, func::FuncDialect, LLVM::LLVMDialect, math::MathDialect, scf::SCFDialect,
                       vector::VectorDialect>();
  OwningOpRef<ModuleOp> kernels = ModuleOp::create(UnknownLoc::get(context));
  for (exec::KernelDefOp definition : definitions) {
    const Family *family = llvm::find_if(kFamilies, [&](const Family &f) { return f.name == definition.getFamily(); });
    if (family == std::end(kFamilies))
      return definition.emitOpError() << "unknown kernel family '" << definition.getFamily() << "'";
    if (failed(checkBody(definition, family->name)))
      return failure();
    CpuEmitter emitter(*kernels, definition, vectorBits / 32);
    if (failed(family->emit(emitter)))
      return failure();
    emitter.finish();
  }
  if (failed(verify(*kernels)))
    return failure();
  return kernels;
}

} // namespace incept::cpu
