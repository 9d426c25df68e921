// SPDX-License-Identifier: Apache-2.0
//
// Runs functions of the graph, training and fused phases with the f64 reference interpreter, checks gradients against
// central differences, and compares two modules.

#include "dialect/InceptOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "tools/incept-run/CheckGradients.h"
#include "tools/incept-run/Compare.h"
#include "tools/incept-run/Fill.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace incept;
namespace cl = llvm::cl;

static cl::OptionCategory category("incept-run options");
static cl::opt<std::string> file(cl::Positional, cl::desc("FILE.mlir (- for standard input)"), cl::init("-"),
                                 cl::cat(category));
static cl::list<std::string> functions("function", cl::CommaSeparated, cl::value_desc("NAME,..."),
                                       cl::desc("functions to run in turn; default: all that the modules have"),
                                       cl::cat(category));
static cl::list<std::string> stepOptions("step", cl::value_desc("FIELD=VALUE"),
                                         cl::desc("value of a step field; may be given several times"),
                                         cl::cat(category));
static cl::opt<uint64_t> seed("seed", cl::init(1),
                              cl::desc("seed of the values of variables and arguments (default 1)"), cl::cat(category));
static cl::opt<bool> print("print", cl::desc("print results and written variables"), cl::cat(category));
static cl::opt<std::string> gradientSamples("check-gradients", cl::ValueOptional, cl::value_desc("N"),
                                            cl::desc("compare N elements of each gradient with central differences "
                                                     "(default 4)"),
                                            cl::cat(category));
static cl::opt<std::string> compareFile("compare", cl::value_desc("OTHER.mlir"),
                                        cl::desc("run another module on the same values and compare"),
                                        cl::cat(category));
static cl::opt<double> tolerance("tolerance", cl::init(1e-9),
                                 cl::desc("largest difference that --compare accepts, relative to a tensor's largest "
                                          "value (default 1e-9)"),
                                 cl::cat(category));

/// Step fields: those that a run needs have a value from the start.
static FailureOr<std::map<std::string, double>> makeStepValues() {
  std::map<std::string, double> fields = {
      {"learning_rate", 0.1}, {"momentum", 0.9}, {"rms_decay", 0.9}, {"rms_epsilon", 1.0},
      {"weight_decay", 1e-4}, {"step", 0},       {"seed", 0},        {"sample_base", 0}};
  for (StringRef option : stepOptions) {
    auto [name, text] = option.split('=');
    double value = 0;
    if (!fields.count(name.str()) || text.getAsDouble(value)) {
      llvm::errs() << "error: expected --step FIELD=VALUE with one of the fields";
      for (auto &field : fields)
        llvm::errs() << ' ' << field.first;
      llvm::errs() << ", but got '" << option << "'\n";
      return failure();
    }
    fields[name.str()] = value;
  }
  return fields;
}

/// The functions to run: those asked for, or all of `module`.
static SmallVector<std::string> chooseFunctions(ModuleOp module) {
  SmallVector<std::string> names(functions.begin(), functions.end());
  if (names.empty())
    for (func::FuncOp function : module.getOps<func::FuncOp>())
      names.push_back(function.getSymName().str());
  return names;
}

/// Runs the functions one after the other; prints what each gives.
static LogicalResult runFunctions(ModuleOp module, reference::Interpreter &interpreter) {
  for (const std::string &name : chooseFunctions(module)) {
    FailureOr<SmallVector<reference::Tensor>> arguments = fillArguments(module, name, seed);
    SmallVector<reference::Tensor> outputs;
    if (failed(arguments) || failed(interpreter.run(name, *arguments, outputs)))
      return failure();
    if (!print)
      continue;
    llvm::outs() << "@" << name << "\n";
    for (auto [index, output] : llvm::enumerate(outputs))
      printTensor(llvm::outs(), "result" + std::to_string(index), output);
    std::map<std::string, reference::Tensor *> written; // by name
    module.lookupSymbol<func::FuncOp>(name).walk([&](WriteOp write) {
      written[write.getVariable().str()] = &interpreter.variables()[write.getVariable().str()];
    });
    for (auto &[variable, tensor] : written)
      printTensor(llvm::outs(), variable, *tensor);
  }
  return success();
}

static OwningOpRef<ModuleOp> parse(MLIRContext &context, llvm::SourceMgr &sources, StringRef name) {
  return parseSourceFile<ModuleOp>(name, sources, ParserConfig(&context));
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(argc, argv, "incept-run: runs incept IR with the f64 reference interpreter\n");

  DialectRegistry registry;
  registry.insert<InceptDialect, func::FuncDialect, arith::ArithDialect>();
  MLIRContext context(registry);
  llvm::SourceMgr sources, otherSources;
  SourceMgrDiagnosticHandler handler(sources, &context);
  OwningOpRef<ModuleOp> module = parse(context, sources, file);
  FailureOr<std::map<std::string, double>> fields = makeStepValues();
  if (!module || failed(fields))
    return 1;
  reference::Interpreter interpreter(*module);
  interpreter.stepValues() = *fields;
  fillVariables(*module, seed, interpreter);

  if (gradientSamples.getNumOccurrences()) {
    int64_t samples = 4;
    if (!gradientSamples.empty() && (StringRef(gradientSamples).getAsInteger(10, samples) || samples < 1)) {
      llvm::errs() << "error: expected --check-gradients=N with a positive N, but got '" << gradientSamples << "'\n";
      return 1;
    }
    return failed(checkGradients(*module, interpreter, samples, seed));
  }
  if (compareFile.empty())
    return failed(runFunctions(*module, interpreter));

  OwningOpRef<ModuleOp> other = parse(context, otherSources, compareFile);
  if (!other)
    return 1;
  reference::Interpreter otherInterpreter(*other);
  otherInterpreter.stepValues() = *fields;
  fillVariables(*other, seed, otherInterpreter);
  return failed(
      comparePrograms({*module, interpreter}, {*other, otherInterpreter}, chooseFunctions(*module), seed, tolerance));
}
