// SPDX-License-Identifier: Apache-2.0
//
// Runs functions of the graph, training and fused phases with the f64 reference interpreter, checks gradients against
// central differences, and compares two modules.

#include "dialect/InceptOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "tools/Output.h"
#include "tools/incept-run/CheckGradients.h"
#include "tools/incept-run/Compare.h"
#include "tools/incept-run/Fill.h"
#include "tools/incept-run/TensorFiles.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"

#include <set>

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
static cl::list<std::string> inputFiles("inputs", cl::CommaSeparated, cl::value_desc("X.safetensors,..."),
                                        cl::desc("values of variables and arguments, instead of seeded ones"),
                                        cl::cat(category));
static cl::opt<std::string> outputFile("output", cl::value_desc("Y.safetensors"),
                                       cl::desc("file for results, as FUNCTION#INDEX, and written variables"),
                                       cl::cat(category));
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

/// Step fields: those of every program have a value from the start, and others of `module` that of its optimizer
/// or of its training section.
static FailureOr<std::map<std::string, double>> makeStepValues(ModuleOp module) {
  std::map<std::string, double> fields = {{"learning_rate", 0.1},
                                          {"momentum", 0.9},
                                          {"rms_decay", 0.9},
                                          {"rms_epsilon", 1.0},
                                          {"weight_decay", 1e-4},
                                          {"step", 0},
                                          {"seed", 0},
                                          {"sample_base", 0},
                                          {"part", 0}};
  auto training = module->getAttrOfType<DictionaryAttr>("incept.training");
  auto optimizer = training ? training.getAs<DictionaryAttr>("optimizer") : DictionaryAttr();
  for (StepFieldOp field : module.getOps<StepFieldOp>()) {
    FloatAttr number;
    for (DictionaryAttr section : {optimizer, training})
      if (section && !number)
        number = section.getAs<FloatAttr>(field.getSymName());
    fields.try_emplace(field.getSymName().str(), number ? number.getValueAsDouble() : 0);
  }
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

/// Prints the error of a file and gives the exit status.
static int report(const Status &status) {
  if (!status.ok())
    llvm::errs() << "error: " << status.message() << "\n";
  return static_cast<int>(status.code());
}

/// Runs the functions one after the other; prints what each gives, and adds it to `all`.
static LogicalResult runFunctions(ModuleOp module, const llvm::SourceMgr &sources, const InputFiles *inputs,
                                  reference::Interpreter &interpreter, std::map<std::string, reference::Tensor> &all) {
  std::set<std::string> writtenByAny;
  for (const std::string &name : chooseFunctions(module)) {
    auto function = module.lookupSymbol<func::FuncOp>(name);
    FailureOr<SmallVector<reference::Tensor>> arguments =
        inputs && function ? inputs->arguments(function, sources) : fillArguments(module, name, seed);
    SmallVector<reference::Tensor> outputs;
    if (failed(arguments) || failed(interpreter.run(name, *arguments, outputs)))
      return failure();
    std::set<std::string> written;
    function.walk([&](WriteOp write) { written.insert(write.getVariable().str()); });
    if (print) {
      llvm::outs() << "@" << name << "\n";
      for (auto [index, output] : llvm::enumerate(outputs))
        printTensor(llvm::outs(), "result" + std::to_string(index), output);
      for (const std::string &variable : written)
        printTensor(llvm::outs(), variable, interpreter.variables()[variable]);
    }
    for (auto [index, output] : llvm::enumerate(outputs))
      all[name + "#" + std::to_string(index)] = std::move(output);
    writtenByAny.insert(written.begin(), written.end());
  }
  for (const std::string &variable : writtenByAny)
    all[variable] = interpreter.variables()[variable];
  return success();
}

/// Values from the files of --inputs where there are some, then a run, then --output.
static int runWithFiles(ModuleOp module, const llvm::SourceMgr &sources, reference::Interpreter &interpreter) {
  Expected<InputFiles> inputs = InputFiles::open(inputFiles);
  if (!inputs)
    return report(inputs.status());
  if (!inputFiles.empty() && failed(inputs->apply(module, chooseFunctions(module), sources, interpreter)))
    return 1;
  std::map<std::string, reference::Tensor> results;
  if (failed(runFunctions(module, sources, inputFiles.empty() ? nullptr : &*inputs, interpreter, results)))
    return 1;
  return outputFile.empty() ? 0 : report(writeTensors(outputFile, results));
}

static OwningOpRef<ModuleOp> parse(MLIRContext &context, llvm::SourceMgr &sources, StringRef name) {
  return parseSourceFile<ModuleOp>(name, sources, ParserConfig(&context));
}

/// The command line's work; returns the exit status.
static int runTool(int argc, char **argv) {
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(argc, argv, "incept-run: runs incept IR with the f64 reference interpreter\n");

  if ((!inputFiles.empty() || !outputFile.empty()) && (!compareFile.empty() || gradientSamples.getNumOccurrences())) {
    llvm::errs() << "error: expected --inputs and --output without --compare and --check-gradients, which use seeded "
                    "values\n";
    return 2;
  }
  DialectRegistry registry;
  registry.insert<InceptDialect, func::FuncDialect, arith::ArithDialect>();
  MLIRContext context(registry);
  llvm::SourceMgr sources, otherSources;
  SourceMgrDiagnosticHandler handler(sources, &context);
  OwningOpRef<ModuleOp> module = parse(context, sources, file);
  if (!module)
    return 1;
  FailureOr<std::map<std::string, double>> fields = makeStepValues(*module);
  if (failed(fields))
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
    return runWithFiles(*module, sources, interpreter);

  OwningOpRef<ModuleOp> other = parse(context, otherSources, compareFile);
  if (!other)
    return 1;
  reference::Interpreter otherInterpreter(*other);
  otherInterpreter.stepValues() = *fields;
  fillVariables(*other, seed, otherInterpreter);
  return failed(
      comparePrograms({*module, interpreter}, {*other, otherInterpreter}, chooseFunctions(*module), seed, tolerance));
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  prepareTool("incept-run");
  return finishOutput(runTool(argc, argv), "incept-run");
}
