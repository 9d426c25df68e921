// SPDX-License-Identifier: Apache-2.0

#include "KernelHarness.h"
#include "dialect/InceptOps.h"
#include "dialect/reference/Interpreter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "passes/KernelBuilder.h"
#include "passes/KernelRules.h"
#include "passes/LaunchShape.h"
#include "passes/Layouts.h"
#include "passes/Placement.h"
#include "passes/Target.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <list>
#include <random>

using namespace mlir;

namespace incept::test {

namespace {

constexpr char kUntouched = 0x5c;

std::string moduleText(const GroupCase &group) {
  std::string signature, names, types, blockArguments, resultNames, resultTypes;
  auto append = [](std::string &list, const std::string &item) { list += (list.empty() ? "" : ", ") + item; };
  for (const Argument &argument : group.arguments) {
    // Outside of the group the arguments have other names.
    append(signature, "%outer_" + argument.name + ": " + argument.type);
    append(names, "%outer_" + argument.name);
    append(types, argument.type);
    append(blockArguments, "%" + argument.name + ": " + argument.type);
  }
  for (auto &[name, type] : group.results) {
    append(resultNames, "%" + name);
    append(resultTypes, type);
  }
  std::string returned;
  for (size_t i = 0; i < group.results.size(); ++i)
    append(returned, "%r#" + std::to_string(i));
  return "func.func @f(" + signature + ") -> (" + resultTypes + ") {\n%r:" + std::to_string(group.results.size()) +
         " = incept.group \"kernel\" (" + names + ") : (" + types + ") -> (" + resultTypes + ") {\n^bb0(" +
         blockArguments + "):\n" + group.body + "\nincept.yield " + resultNames + " : " + resultTypes + "\n}\nreturn " +
         returned + " : " + resultTypes + "\n}\n";
}

/// Memory of one operand: pixels x stride elements, the tensor at its channel offset.
struct Buffer {
  RankedTensorType type;
  int64_t stride = 1, offset = 0, channels = 1, pixels = 1;
  unsigned elementBytes = 4;
  std::vector<char> bytes;

  Buffer(RankedTensorType type, int64_t rows = 0) : type(type) {
    elementBytes = type.getElementTypeBitWidth() / 8;
    ArrayRef<int64_t> shape = type.getShape();
    if (shape.size() >= 2) {
      channels = shape[1];
      pixels = type.getNumElements() / channels;
    } else if (shape.size() == 1) {
      channels = shape[0];
      pixels = rows ? rows : 1;
    }
    auto layout = dyn_cast_or_null<LayoutAttr>(type.getEncoding());
    stride = layout && layout.isSlice() ? layout.getStride() : channels;
    offset = layout ? layout.getOffset() : 0;
    bytes.assign(pixels * stride * elementBytes, kUntouched);
  }

  void *base() { return bytes.data() + offset * elementBytes; }

  /// Physical byte position of the element at logical `index`.
  size_t position(int64_t index, bool nchw) const {
    ArrayRef<int64_t> shape = type.getShape();
    int64_t element = index;
    if (shape.size() == 4 && !nchw) {
      int64_t plane = shape[2] * shape[3], image = index / (channels * plane), c = index / plane % channels;
      element = (image * plane + index % plane) * stride + offset + c;
    } else if (shape.size() >= 2 && !nchw) {
      element = index / channels * stride + offset + index % channels;
    }
    return element * elementBytes;
  }

  /// `value` in the nearest value of the element type.
  llvm::APFloat round(double value) const {
    llvm::APFloat result(value);
    bool lost;
    result.convert(cast<FloatType>(type.getElementType()).getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven,
                   &lost);
    return result;
  }

  MemRefType memref() const { return MemRefType::get(type.getShape(), type.getElementType()); }

  void set(int64_t index, double value, bool nchw) {
    char *at = bytes.data() + position(index, nchw);
    if (elementBytes == 4) {
      float f = value;
      std::memcpy(at, &f, 4);
    } else if (elementBytes == 2) {
      uint16_t bits = uint16_t(round(value).bitcastToAPInt().getZExtValue());
      std::memcpy(at, &bits, 2);
    } else if (elementBytes == 8) {
      int64_t i = value;
      std::memcpy(at, &i, 8);
    } else {
      *at = char(uint8_t(value));
    }
  }

  double get(int64_t index) const {
    const char *at = bytes.data() + position(index, false);
    float f;
    if (elementBytes == 1)
      return uint8_t(*at);
    if (elementBytes == 2) {
      uint16_t bits;
      std::memcpy(&bits, at, 2);
      return llvm::APFloat(cast<FloatType>(type.getElementType()).getFloatSemantics(), llvm::APInt(16, bits))
          .convertToDouble();
    }
    std::memcpy(&f, at, 4);
    return f;
  }

  /// Forgets the tensor's elements, so that only the bytes around them are left to compare.
  void erase() {
    for (int64_t i = 0; i < type.getNumElements(); ++i)
      std::memset(bytes.data() + position(i, false), kUntouched, elementBytes);
  }
};

class GroupRun {
public:
  GroupRun(ModuleOp module, const GroupCase &group, KernelRunner &runner)
      : module(module), group(group), runner(runner) {
    function = *module.getOps<func::FuncOp>().begin();
    groupOp = *function.getOps<GroupOp>().begin();
    Operation &first = groupOp.getBody().front().front();
    isImport = isa<ImportImageOp>(first);
    isNormalize = isa<NormalizeImageOp>(first);
  }

  void run() {
    fillInputs();
    std::vector<Buffer> outputs = isTotal(groupOp.getFirstOp()) ? runTotal() : runKernels();
    compare(outputs);
  }

private:
  void fillInputs() {
    std::mt19937 random(7);
    for (auto [argument, type] : llvm::zip(group.arguments, function.getArgumentTypes())) {
      reference::Tensor tensor = *reference::makeTensor(type);
      Buffer buffer(cast<RankedTensorType>(type));
      std::uniform_real_distribution<double> distribution(argument.low, argument.high);
      bool integer = !isa<FloatType>(buffer.type.getElementType());
      for (int64_t i = 0; i < tensor.size(); ++i) {
        double value = distribution(random);
        if (i < int64_t(argument.first.size()))
          value = argument.first[i];
        tensor.values[i] = integer ? std::floor(value) : buffer.round(value).convertToDouble();
        buffer.set(i, tensor.values[i], isImport || isNormalize);
      }
      tensors.push_back(std::move(tensor));
      inputs.push_back(std::move(buffer));
    }
  }

  std::vector<Buffer> runKernels() {
    KernelTable table(module, runner.target());
    std::vector<Buffer> outputs;
    for (Type type : function.getResultTypes())
      outputs.emplace_back(cast<RankedTensorType>(type));
    FailureOr<SmallVector<KernelLaunch, 2>> kernels = table.get(groupOp);
    if (failed(kernels)) {
      ADD_FAILURE() << "the group has no kernel";
      return outputs;
    }
    // Results of reductions inside the group stand for their partial sums.
    std::list<Buffer> partials;
    DenseMap<Value, Buffer *> buffers;
    for (auto [value, buffer] : llvm::zip(groupOp.getInputs(), inputs))
      buffers[value] = &buffer;
    for (auto [value, buffer] : llvm::zip(groupOp.getOutputs(), outputs))
      buffers[value] = &buffer;
    std::vector<Launch> launches;
    for (const KernelLaunch &kernel : *kernels) {
      Launch launch = {kernel.symbol.str(), {}, {kernel.extents.begin(), kernel.extents.end()}, kernel.units};
      for (Value value : kernel.operands) {
        Buffer *&buffer = buffers[value];
        bool isFirstUse = !buffer;
        if (isFirstUse)
          buffer = &partials.emplace_back(cast<RankedTensorType>(value.getType()), kernel.units);
        bool isOutput = isFirstUse || value.getDefiningOp() == groupOp;
        launch.operands.push_back({buffer->memref(), &buffer->bytes, buffer->offset * buffer->elementBytes, isOutput});
      }
      launches.push_back(std::move(launch));
    }
    runner.run(module, launches);
    return outputs;
  }

  /// In parts, which a second launch adds.
  std::vector<Buffer> runTotal() {
    KernelTable table(module, runner.target());
    Buffer &src = inputs.front();
    // Large parts for large tensors: several vectors of each thread.
    int64_t total = src.type.getNumElements(), chunk = total > 10000 ? 10000 : 100;
    int64_t parts = llvm::divideCeil(total, chunk);
    std::string count = table.getTotal(groupOp.getFirstOp(), src.type.getElementType()).str();
    std::string combine = table.getCombine().str();
    Buffer partials(RankedTensorType::get({parts}, Float32Type::get(module.getContext())));
    std::vector<Buffer> outputs;
    outputs.emplace_back(cast<RankedTensorType>(function.getResultTypes()[0]));
    runner.run(module,
               {{count,
                 {{src.memref(), &src.bytes, 0, false}, {partials.memref(), &partials.bytes, 0, true}},
                 {total, chunk},
                 parts},
                {combine,
                 {{partials.memref(), &partials.bytes, 0, false}, {outputs[0].memref(), &outputs[0].bytes, 0, true}},
                 {parts, 1},
                 1}});
    return outputs;
  }

  void compare(std::vector<Buffer> &outputs) {
    SmallVector<reference::Tensor> expected;
    reference::Interpreter interpreter(module);
    ASSERT_TRUE(succeeded(interpreter.run("f", tensors, expected)));
    for (size_t r = 0; r < outputs.size(); ++r) {
      double largest = 1e-30;
      for (double value : expected[r].values)
        largest = std::max(largest, std::isfinite(value) ? std::abs(value) : 0);
      double worst = 0;
      for (int64_t i = 0; i < expected[r].size(); ++i) {
        double got = outputs[r].get(i), wanted = expected[r].values[i];
        bool isSame = got == wanted || (std::isnan(got) && std::isnan(wanted));
        double difference = isSame ? 0 : std::abs(got - wanted);
        worst = std::max(worst, std::isnan(difference) ? INFINITY : difference);
      }
      EXPECT_LE(worst, group.tolerance * largest) << "result " << group.results[r].first;
      outputs[r].erase();
      EXPECT_EQ(llvm::count(outputs[r].bytes, kUntouched), int64_t(outputs[r].bytes.size()))
          << "bytes around result " << group.results[r].first << " were written";
    }
  }

  ModuleOp module;
  const GroupCase &group;
  KernelRunner &runner;
  func::FuncOp function;
  GroupOp groupOp;
  bool isImport = false, isNormalize = false;
  SmallVector<reference::Tensor> tensors;
  std::vector<Buffer> inputs;
};

} // namespace

void checkGroup(const GroupCase &group, KernelRunner &runner, void (*addDialects)(DialectRegistry &)) {
  DialectRegistry registry;
  registry.insert<InceptDialect, func::FuncDialect>();
  registerKernelRules(registry);
  if (addDialects)
    addDialects(registry);
  MLIRContext context(registry);
  auto module = parseSourceString<ModuleOp>(moduleText(group), &context);
  ASSERT_TRUE(module) << moduleText(group);
  GroupRun(*module, group, runner).run();
}

} // namespace incept::test
