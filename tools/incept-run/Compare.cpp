// SPDX-License-Identifier: Apache-2.0

#include "tools/incept-run/Compare.h"
#include "dialect/InceptOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tools/incept-run/Fill.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Format.h"

#include <cmath>

using namespace mlir;

namespace incept {

using reference::Tensor;

namespace {

/// Runs the functions that `program` has; results are added to `results` as FUNCTION#INDEX, names of written variables
/// to `written`.
LogicalResult runAll(Program program, ArrayRef<std::string> functions, uint64_t seed,
                     std::map<std::string, Tensor> &results, llvm::StringSet<> &written) {
  for (const std::string &name : functions) {
    auto function = program.module.lookupSymbol<func::FuncOp>(name);
    if (!function)
      continue;
    FailureOr<SmallVector<Tensor>> arguments = fillArguments(program.module, name, seed);
    SmallVector<Tensor> outputs;
    if (failed(arguments) || failed(program.interpreter.run(name, *arguments, outputs)))
      return failure();
    for (auto [index, output] : llvm::enumerate(outputs))
      results[name + "#" + std::to_string(index)] = std::move(output);
    function.walk([&](WriteOp write) { written.insert(write.getVariable()); });
  }
  return success();
}

/// Largest absolute difference; NaN where one of the two has a NaN and the other none.
double largestDifference(const Tensor &first, const Tensor &second) {
  double largest = 0;
  for (auto [a, b] : llvm::zip_equal(first.values, second.values)) {
    double difference = std::isnan(a) && std::isnan(b) ? 0 : std::abs(a - b);
    if (a == b)
      difference = 0; // also infinities
    if (std::isnan(difference))
      return difference;
    largest = std::max(largest, difference);
  }
  return largest;
}

/// Compares one tensor; a line is printed, and an error given where they differ.
LogicalResult compareTensor(ModuleOp module, StringRef name, const Tensor &first, const Tensor &second,
                            double tolerance) {
  Location loc = module.getLoc();
  if (auto variable = module.lookupSymbol<VariableOp>(name))
    loc = variable.getLoc();
  if (first.shape != second.shape)
    return emitError(loc) << "expected '" << name << "' of shape " << formatShape(first.shape) << ", but got "
                          << formatShape(second.shape);
  double scale = 1;
  for (double value : first.values)
    if (std::isfinite(value))
      scale = std::max(scale, std::abs(value));
  double difference = largestDifference(first, second);
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.3g", difference);
  llvm::outs() << name << ": largest difference " << text << "\n";
  if (difference <= tolerance * scale) // false for NaN
    return success();
  return emitError(loc) << "expected '" << name << "' to be the same in both modules, but the values differ by "
                        << text;
}

} // namespace

LogicalResult comparePrograms(Program first, Program second, ArrayRef<std::string> functions, uint64_t seed,
                              double tolerance) {
  std::map<std::string, Tensor> results, otherResults;
  llvm::StringSet<> written;
  if (failed(runAll(first, functions, seed, results, written)) ||
      failed(runAll(second, functions, seed, otherResults, written)))
    return failure();

  for (const auto &name : written.keys())
    for (auto [program, tensors] : {std::pair(first, &results), {second, &otherResults}})
      if (auto found = program.interpreter.variables().find(name.str()); found != program.interpreter.variables().end())
        tensors->insert(*found);
  bool allAgree = true;
  int64_t compared = 0;
  for (auto &[name, tensor] : results) {
    auto other = otherResults.find(name);
    if (other == otherResults.end())
      continue;
    allAgree &= succeeded(compareTensor(first.module, name, tensor, other->second, tolerance));
    ++compared;
  }
  if (compared == 0)
    return first.module.emitError()
           << "expected results or written variables that both modules have, but there are none";
  return success(allAgree);
}

} // namespace incept
