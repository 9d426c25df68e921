// SPDX-License-Identifier: Apache-2.0

#include "tools/incept-run/CheckGradients.h"
#include "dialect/InceptOps.h"
#include "dialect/reference/Philox.h"
#include "llvm/Support/Format.h"

#include <cmath>

using namespace mlir;

namespace incept {

using reference::Interpreter;
using reference::Tensor;

namespace {

constexpr llvm::StringLiteral kFunction = "forward_backward";
/// What may differ: relative to the gradient, and the rounding of a difference of losses.
constexpr double kRelative = 1e-6, kRounding = 1e-13;

class GradientCheck {
public:
  GradientCheck(ModuleOp module, Interpreter &interpreter, int64_t samples, uint64_t seed)
      : module(module), interpreter(interpreter), start(interpreter.variables()), samples(samples), seed(seed) {}

  LogicalResult run() {
    FailureOr<double> atStart = loss();
    if (failed(atStart))
      return failure();
    lossAtStart = *atStart;
    std::map<std::string, Tensor> after = interpreter.variables();
    bool allAgree = true;
    int64_t parameters = 0;
    for (VariableOp variable : module.getOps<VariableOp>()) {
      if (!variable.isParameter())
        continue;
      auto gradient = after.find("grad/" + variable.getSymName().str());
      if (gradient == after.end())
        return variable.emitError() << "expected a variable 'grad/" << variable.getSymName() << "', but there is none";
      allAgree &= succeeded(checkParameter(variable, gradient->second));
      ++parameters;
    }
    if (parameters == 0)
      return module.emitError() << "expected parameters to check, but there are none";
    return success(allAgree);
  }

private:
  /// Runs the function on the variables `start`.
  FailureOr<double> loss() {
    interpreter.variables() = start;
    SmallVector<Tensor> outputs;
    if (failed(interpreter.run(kFunction, {}, outputs)))
      return failure();
    auto found = interpreter.variables().find("io/loss");
    if (found == interpreter.variables().end() || found->second.size() != 1)
      return module.emitError() << "expected a scalar variable 'io/loss', but there is none";
    return found->second.values[0];
  }

  FailureOr<double> centralDifference(const std::string &name, int64_t index, double step) {
    double &element = start[name].values[index], original = element;
    element = original + step;
    FailureOr<double> above = loss();
    element = original - step;
    FailureOr<double> below = loss();
    element = original;
    if (failed(above) || failed(below))
      return failure();
    return (*above - *below) / (2 * step);
  }

  LogicalResult checkParameter(VariableOp variable, const Tensor &gradient) {
    std::string name = variable.getSymName().str();
    int64_t count = std::min(samples, gradient.size());
    double largest = 0, largestDifference = 0;
    bool allAgree = true;
    for (int64_t sample = 0; sample < count; ++sample) {
      int64_t index = pick(sample, count, gradient.size());
      double actual = gradient.values[index], expected = 0, difference = INFINITY;
      for (double step : {1e-5, 1e-6, 1e-7}) {
        FailureOr<double> estimate = centralDifference(name, index, step);
        if (failed(estimate))
          return failure();
        expected = *estimate;
        difference = std::abs(actual - expected);
        double allowed = kRelative * std::max(std::abs(actual), std::abs(expected)) +
                         kRounding * std::max(1.0, std::abs(lossAtStart)) / step;
        if (difference <= allowed) // false for NaN
          break;
        if (step == 1e-7) {
          variable.emitError() << "expected element " << index << " of the gradient to be " << formatReal(expected)
                               << " by central differences, but got " << formatReal(actual);
          allAgree = false;
        }
      }
      largest = std::max(largest, std::abs(actual));
      largestDifference = std::max(largestDifference, difference);
    }
    llvm::outs() << "gradient of " << name << ": " << count << " of " << gradient.size()
                 << (largest > 0 ? " checked, largest " : " checked, all zero, largest ") << formatReal(largest)
                 << ", largest difference " << formatReal(largestDifference) << "\n";
    return success(allAgree);
  }

  /// The element that sample number `sample` of `count` looks at: one at random in each of `count` equal parts.
  int64_t pick(int64_t sample, int64_t count, int64_t size) {
    int64_t begin = size * sample / count, end = size * (sample + 1) / count;
    uint32_t word = reference::philox4x32({uint32_t(sample), 0, 0, 1}, {uint32_t(seed), uint32_t(seed >> 32)})[0];
    return begin + int64_t(word) % (end - begin);
  }

  static std::string formatReal(double value) {
    std::string text;
    llvm::raw_string_ostream(text) << llvm::format("%.8g", value);
    return text;
  }

  ModuleOp module;
  Interpreter &interpreter;
  std::map<std::string, Tensor> start;
  int64_t samples;
  uint64_t seed;
  double lossAtStart = 0;
};

} // namespace

LogicalResult checkGradients(ModuleOp module, Interpreter &interpreter, int64_t samples, uint64_t seed) {
  return GradientCheck(module, interpreter, samples, seed).run();
}

} // namespace incept
