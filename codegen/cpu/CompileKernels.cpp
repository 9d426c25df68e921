// SPDX-License-Identifier: Apache-2.0

#include "codegen/cpu/CompileKernels.h"
#include "codegen/cpu/LinkKernels.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;

namespace incept::cpu {

namespace {

/// exp and log become arithmetic, so that kernels need no math library.
void expandMath(ModuleOp module) {
  RewritePatternSet patterns(module.getContext());
  populateMathPolynomialApproximationPatterns(patterns,
                                              [](StringRef name) { return name == "math.exp" || name == "math.log"; });
  // A pattern set that does not converge would leave a call, which the linker reports.
  (void)applyPatternsGreedily(module, std::move(patterns));
}

LogicalResult lowerToLLVMDialect(ModuleOp kernels) {
  expandMath(kernels);
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

void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager cgscc;
  llvm::ModuleAnalysisManager modules;
  // There is no C library to call: loops stay loops.
  functions.registerPass([&] {
    llvm::TargetLibraryInfoImpl none(module.getTargetTriple());
    none.disableAllFunctions();
    return llvm::TargetLibraryAnalysis(none);
  });
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(cgscc);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, cgscc, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
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

/// To LLVM IR, with every function told the processor.
std::unique_ptr<llvm::Module> translate(ModuleOp kernels, const Processor &processor, llvm::LLVMContext &context) {
  std::unique_ptr<llvm::Module> code = translateModuleToLLVMIR(kernels, context, "kernels");
  if (!code)
    return nullptr;
  for (llvm::Function &function : *code) {
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

} // namespace

FailureOr<std::vector<char>> compileKernels(ModuleOp module, const KernelOptions &options) {
  std::string error;
  auto processor = Processor::find(options.cpu, error);
  if (failed(processor))
    return module.emitError(error);
  auto kernels = emitKernels(module, processor->vectorBits);
  if (failed(kernels))
    return failure();
  DialectRegistry registry;
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  module.getContext()->appendDialectRegistry(registry);
  if (failed(lowerToLLVMDialect(**kernels)))
    return module.emitError("failed to lower the kernels to LLVM");
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code = translate(**kernels, *processor, context);
  if (!code)
    return module.emitError("failed to translate the kernels to LLVM IR");
  auto machine = processor->createTargetMachine(error);
  if (!machine)
    return module.emitError("no code generator for this machine: ") << error;
  code->setTargetTriple(machine->getTargetTriple());
  code->setDataLayout(machine->createDataLayout());
  optimize(*code, *machine);
  std::string object;
  if (failed(emitObject(*code, *machine, object)))
    return module.emitError("the code generator cannot write objects");
  std::vector<char> sharedObject;
  if (failed(linkSharedObject(object, sharedObject, error)))
    return module.emitError("failed to link the kernels: ") << error;
  if (options.object)
    *options.object = std::move(object);
  return sharedObject;
}

int64_t vectorBits(StringRef cpu) {
  std::string error;
  auto processor = Processor::find(cpu, error);
  return succeeded(processor) ? processor->vectorBits : 0;
}

} // namespace incept::cpu
