// SPDX-License-Identifier: Apache-2.0

#include "codegen/cpu/CompileKernels.h"
#include "codegen/cpu/CpuEmitter.h"
#include "codegen/cpu/LinkKernels.h"
#include "codegen/kernels/Lowering.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;

namespace incept::cpu {

namespace {

/// Rounds to bf16 with integer arithmetic: LLVM calls a library for it on processors without the instruction.
LogicalResult expandBf16(ModuleOp kernels) {
  RewritePatternSet patterns(kernels.getContext());
  arith::populateExpandBFloat16Patterns(patterns);
  ConversionTarget target(*kernels.getContext());
  target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
  target.addDynamicallyLegalOp<arith::ExtFOp, arith::TruncFOp>([](Operation *op) {
    return !getElementTypeOrSelf(op->getOperand(0)).isBF16() && !getElementTypeOrSelf(op->getResult(0)).isBF16();
  });
  return applyPartialConversion(kernels, target, std::move(patterns));
}

LogicalResult lowerToLLVMDialect(ModuleOp kernels) {
  kernels::expandMath(kernels);
  if (failed(expandBf16(kernels)))
    return failure();
  PassManager passes(kernels.getContext());
  passes.addPass(createCSEPass());
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createConvertVectorToLLVMPass());
  passes.addPass(createConvertMathToLLVMPass());
  passes.addPass(createArithToLLVMConversionPass());
  passes.addPass(createConvertControlFlowToLLVMPass());
  passes.addPass(createConvertFuncToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  return passes.run(kernels);
}

LogicalResult emitObject(llvm::Module &module, llvm::TargetMachine &machine, std::string &object) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile))
    return failure();
  passes.run(module);
  object.assign(bytes.begin(), bytes.end());
  return success();
}

/// To LLVM IR, with every function told the processor. `shared` are the names of those that kernels share.
std::unique_ptr<llvm::Module> translate(ModuleOp kernels, const llvm::StringSet<> &shared, const Processor &processor,
                                        llvm::LLVMContext &context) {
  std::unique_ptr<llvm::Module> code = translateModuleToLLVMIR(kernels, context, "kernels");
  if (!code)
    return nullptr;
  for (llvm::Function &function : *code) {
    if (shared.contains(function.getName())) {
      function.setVisibility(llvm::GlobalValue::HiddenVisibility);
      function.addFnAttr(llvm::Attribute::NoInline); // they are compiled once
    }
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", processor.name);
    function.addFnAttr("target-features", processor.features);
    function.addFnAttr("prefer-vector-width", std::to_string(processor.vectorBits));
    function.addFnAttr("no-builtins");
    function.addFnAttr(llvm::Attribute::NoUnwind);
  }
  return code;
}

/// One part of the kernels, on a thread of its own from LLVM IR on: LLVM's contexts are independent of each other.
struct Part {
  OwningOpRef<ModuleOp> kernels;
  size_t ops = 0; ///< of `kernels`, which is what they take to compile
  std::unique_ptr<llvm::LLVMContext> context = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> code;
  std::string object, error;

  /// On the caller's thread, since it uses the MLIR context.
  LogicalResult lower(ModuleOp module, const Processor &processor) {
    llvm::StringSet<> shared;
    for (auto function : kernels->getOps<func::FuncOp>())
      if (function->hasAttr(kShared))
        shared.insert(function.getSymName());
    if (failed(lowerToLLVMDialect(*kernels)))
      return module.emitError("failed to lower the kernels to LLVM");
    code = translate(*kernels, shared, processor, *context);
    kernels = nullptr;
    return code ? success() : LogicalResult(module.emitError("failed to translate the kernels to LLVM IR"));
  }

  void compile(const Processor &processor) {
    auto machine = processor.createTargetMachine(error);
    if (!machine)
      return;
    code->setTargetTriple(machine->getTargetTriple());
    code->setDataLayout(machine->createDataLayout());
    // Kernels are written in vectors, and unrolled where that pays.
    llvm::PipelineTuningOptions tuning;
    tuning.LoopVectorization = tuning.LoopInterleaving = tuning.SLPVectorization = tuning.LoopUnrolling = false;
    kernels::optimize(*code, *machine, tuning);
    if (failed(emitObject(*code, *machine, object)))
      error = "the code generator cannot write objects";
  }
};

/// The parts do not depend on the machine, so that the same description gives the same file everywhere.
constexpr size_t kParts = 4;

/// Declares what the functions of a part call in another one, which is what kernels share.
void declareCallees(ModuleOp part) {
  SmallVector<func::CallOp> calls;
  part.walk([&](func::CallOp call) { calls.push_back(call); });
  for (func::CallOp call : calls) {
    if (part.lookupSymbol(call.getCallee()))
      continue;
    auto builder = OpBuilder::atBlockBegin(part.getBody());
    auto callee = func::FuncOp::create(builder, part.getLoc(), call.getCallee(), call.getCalleeType());
    callee.setPrivate();
    callee->setAttr(kShared, builder.getUnitAttr());
  }
}

/// The kernels in parts that take about as long to compile, the longest first.
FailureOr<std::vector<Part>> emitParts(ModuleOp module, const Processor &processor) {
  auto kernels =
      emitKernels(module.getContext(), llvm::to_vector(module.getOps<exec::KernelDefOp>()), processor.vectorBits);
  if (failed(kernels))
    return failure();
  std::vector<std::pair<size_t, Operation *>> functions;
  for (Operation &function : **kernels) {
    size_t ops = 0;
    function.walk([&](Operation *) { ++ops; });
    functions.push_back({ops, &function});
  }
  llvm::stable_sort(functions, [](const auto &a, const auto &b) { return a.first > b.first; });
  std::vector<Part> parts(kParts);
  for (Part &part : parts)
    part.kernels = ModuleOp::create(module.getLoc());
  for (auto [ops, function] : functions) {
    Part &least = *std::min_element(parts.begin(), parts.end(), [](auto &a, auto &b) { return a.ops < b.ops; });
    function->moveBefore(least.kernels->getBody(), least.kernels->getBody()->end());
    least.ops += ops;
  }
  for (Part &part : parts)
    declareCallees(*part.kernels);
  return parts;
}

} // namespace

FailureOr<std::vector<char>> compileKernels(ModuleOp module, const KernelOptions &options) {
  std::string error;
  auto processor = Processor::find(options.cpu, error);
  if (failed(processor))
    return module.emitError(error);
  DialectRegistry registry;
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  module.getContext()->appendDialectRegistry(registry);

  auto emitted = emitParts(module, *processor);
  if (failed(emitted))
    return failure();
  std::vector<Part> &parts = *emitted;
  std::vector<std::string> objects;
  {
    llvm::DefaultThreadPool pool(llvm::hardware_concurrency(kParts));
    for (Part &part : parts) {
      if (failed(part.lower(module, *processor)))
        return failure();
      pool.async([&part, &processor] { part.compile(*processor); });
    }
    pool.wait();
  }
  for (Part &part : parts) {
    if (!part.error.empty())
      return module.emitError("failed to compile the kernels: ") << part.error;
    objects.push_back(std::move(part.object));
  }
  std::vector<char> sharedObject;
  if (failed(linkSharedObject(objects, sharedObject, error)))
    return module.emitError("failed to link the kernels: ") << error;
  if (options.objects)
    *options.objects = std::move(objects);
  return sharedObject;
}

} // namespace incept::cpu
