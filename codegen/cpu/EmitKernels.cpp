// SPDX-License-Identifier: Apache-2.0
//
// The table of kernel families.
#include "codegen/cpu/CompileKernels.h"
#include "codegen/cpu/KernelEmitter.h"
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
  LogicalResult (*emit)(KernelEmitter &);
};

constexpr Family kFamilies[] = {
    {"flat", emitFlat},
    {"map", emitMap},
    {"reduce", emitReduce},
    {"combine", emitCombine},
    {"max_pool", emitMaxPool},
    {"max_pool_with_index", emitMaxPool},
    {"max_pool_backward", emitMaxPoolBackward},
    {"avg_pool", emitAvgPool},
    {"avg_pool_backward", emitAvgPoolBackward},
    {"global_avg_pool", emitGlobalAvgPool},
    {"global_avg_pool_backward", emitGlobalAvgPoolBackward},
    {"dropout", emitDropout},
    {"softmax_cross_entropy", emitSoftmaxCrossEntropy},
    {"softmax_cross_entropy_backward", emitSoftmaxCrossEntropyBackward},
    {"normalize_image", emitNormalizeImage},
    {"import_image", emitImportImage},
};

/// A family that stands for one op must have that op in its body, and nothing else.
LogicalResult checkBody(exec::KernelDefOp definition, StringRef family) {
  if (family == "flat" || family == "map" || family == "reduce" || family == "combine")
    return success();
  Block &body = definition.getBody().front();
  if (!llvm::hasSingleElement(body.without_terminator()) || body.front().getName().stripDialect() != family)
    return definition.emitOpError() << "expected a body of one '" << family << "' in a kernel of that family";
  return success();
}

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
    KernelEmitter emitter(*kernels, definition, vectorBits / 32);
    if (failed(family->emit(emitter)))
      return failure();
    emitter.finish();
  }
  if (failed(verify(*kernels)))
    return failure();
  return kernels;
}

} // namespace incept::cpu
