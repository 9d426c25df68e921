// SPDX-License-Identifier: Apache-2.0

#include "tools/incept-run/Fill.h"
#include "dialect/InceptOps.h"
#include "dialect/reference/Philox.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/xxhash.h"

#include <cmath>

using namespace mlir;

namespace incept {

using reference::ElementKind;
using reference::Tensor;

namespace {

/// Uniform numbers in (0, 1), a stream per name.
class Uniform {
public:
  Uniform(uint64_t seed, StringRef name) {
    uint64_t stream = llvm::xxh3_64bits(name) ^ seed;
    key = {uint32_t(stream), uint32_t(stream >> 32)};
  }
  double operator[](uint64_t index) const {
    auto words = reference::philox4x32({uint32_t(index / 4), uint32_t(index >> 34), 0, 0}, key);
    return (words[index % 4] + 0.5) / 4294967296.0;
  }

private:
  reference::PhiloxKey key;
};

/// Sets each element to low + (high - low) * uniform.
void fillUniform(Tensor &tensor, const Uniform &uniform, double low, double high) {
  for (int64_t index = 0; index < tensor.size(); ++index)
    tensor.values[index] = low + (high - low) * uniform[index];
}

/// Integers get whole numbers from 0, floats lie in [-1, 1).
void fillByKind(Tensor &tensor, const Uniform &uniform, int64_t classes) {
  fillUniform(tensor, uniform, -1, 1);
  if (tensor.kind == ElementKind::Float)
    return;
  fillUniform(tensor, uniform, 0, tensor.kind == ElementKind::UInt8 ? 256 : double(classes));
  for (double &value : tensor.values)
    value = std::floor(value);
}

/// The positive number that a variable starts at, or 0 where it may be negative.
double positiveStart(VariableOp variable) {
  if (DictionaryAttr init = variable.getInitAttr()) {
    auto kind = init.getAs<StringAttr>("kind");
    if (kind && kind.getValue() == "ones")
      return 1;
    auto value = init.getAs<FloatAttr>("value");
    if (kind && kind.getValue() == "constant" && value && value.getValueAsDouble() > 0)
      return value.getValueAsDouble();
  }
  StringRef name = variable.getSymName();
  return name.ends_with("running_var") || name.starts_with("mean_square/") ? 1 : 0;
}

int64_t countClasses(ModuleOp module) {
  auto logits = module.lookupSymbol<VariableOp>("io/logits");
  auto type = logits ? cast<RankedTensorType>(logits.getType()) : RankedTensorType();
  return type && type.getRank() == 2 ? type.getDimSize(1) : 2;
}

} // namespace

void fillVariables(ModuleOp module, uint64_t seed, reference::Interpreter &interpreter) {
  int64_t classes = countClasses(module);
  for (VariableOp variable : module.getOps<VariableOp>()) {
    auto found = interpreter.variables().find(variable.getSymName().str());
    if (found == interpreter.variables().end())
      continue;
    Tensor &tensor = found->second;
    Uniform uniform(seed, variable.getSymName());
    double start = positiveStart(variable);
    if (start > 0) {
      fillUniform(tensor, uniform, 0.5 * start, 1.5 * start);
    } else if (variable.isParameter() && tensor.shape.size() >= 2) {
      double bound = std::sqrt(6.0 / double(tensor.size() / tensor.shape[0]));
      fillUniform(tensor, uniform, -bound, bound);
    } else {
      fillByKind(tensor, uniform, classes);
    }
  }
}

FailureOr<SmallVector<Tensor>> fillArguments(ModuleOp module, StringRef name, uint64_t seed) {
  SmallVector<Tensor> arguments;
  auto function = module.lookupSymbol<func::FuncOp>(name);
  if (!function)
    return module.emitError() << "expected a function '" << name << "', but there is none";
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
    FailureOr<Tensor> tensor = reference::makeTensor(type);
    if (failed(tensor))
      return function.emitError() << "expected arguments of static shape, but argument " << index << " is " << type;
    fillByKind(*tensor, Uniform(seed, "arg" + std::to_string(index)), countClasses(module));
    arguments.push_back(std::move(*tensor));
  }
  return arguments;
}

void printTensor(llvm::raw_ostream &os, StringRef name, const Tensor &tensor) {
  constexpr int64_t kMaxPrinted = 256;
  os << name << ' ' << formatShape(tensor.shape) << " =";
  for (int64_t index = 0; index < std::min(tensor.size(), kMaxPrinted); ++index)
    os << llvm::format(" %.6g", tensor.values[index] + 0.0); // no negative zeros
  if (tensor.size() > kMaxPrinted)
    os << " ... (" << tensor.size() - kMaxPrinted << " more)";
  os << '\n';
}

} // namespace incept
