// SPDX-License-Identifier: Apache-2.0

#include "EditRun.h"
#include "ExecInterpreter.h"
#include "codegen/cpu/CompileKernels.h"
#include "codegen/cpu/CpuBackend.h"
#include "codegen/cpu/LinkKernels.h"
#include "codegen/image/ImageWriter.h"
#include "dialect/reference/Interpreter.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/GradientRules.h"
#include "passes/KernelRules.h"
#include "passes/Layouts.h"
#include "passes/Passes.h"
#include "passes/Target.h"
#include "runtime/device/cpu/CpuDevice.h"
#include "runtime/program/Image.h"
#include "test/numerics/TestNetworks.h"
#include "llvm/Support/xxhash.h"

#include <cmath>
#include <cstring>
#include <random>

using namespace mlir;

namespace incept::test {

namespace {

/// The errors that are reported while it lives.
class Errors {
public:
  explicit Errors(MLIRContext &context)
      : handler(&context, [this](Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
            return success();
          auto place = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>();
          text += (place ? "" : "nowhere: ") + diagnostic.str() + "\n";
          hasPlace |= bool(place);
          return success();
        }) {}

  /// A refusal says where and what.
  Verdict refusal() const {
    if (text.empty())
      return {Verdict::Wrong, "refused without a word"};
    return {hasPlace ? Verdict::Refused : Verdict::Wrong, text};
  }

private:
  ScopedDiagnosticHandler handler;
  bool hasPlace = false;
  std::string text;
};

std::string textOf(Operation *op) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  op->print(stream, OpPrintingFlags().useLocalScope());
  return text;
}

LogicalResult run(ModuleOp module, llvm::function_ref<void(OpPassManager &)> build) {
  PassManager passes(module.getContext());
  build(passes);
  return passes.run(module);
}

using Values = std::map<std::string, reference::Tensor>;

/// Values of a variable that a step may start from, in f32 and the same for all phases.
void draw(VariableOp variable, uint64_t seed, int64_t classes, reference::Tensor &tensor) {
  std::mt19937_64 generator(llvm::xxh3_64bits(variable.getSymName()) + seed);
  std::normal_distribution<double> normal(0, 0.5);
  std::uniform_real_distribution<double> uniform(0, 1);
  StringRef name = variable.getSymName(), role = variable.getRole().value_or("");
  bool isPositive = name.ends_with("running_var") || role == "mean_square";
  double scale = 1;
  if (tensor.shape.size() > 1 && variable.getKind() == VariableKind::Parameter)
    scale = 2 / std::sqrt(std::max<double>(double(tensor.size()) / double(tensor.shape[0]), 1));
  for (double &value : tensor.values) {
    if (tensor.kind == reference::ElementKind::UInt8)
      value = std::floor(uniform(generator) * 256);
    else if (tensor.kind == reference::ElementKind::Int64)
      value = std::floor(uniform(generator) * double(std::max<int64_t>(classes, 1)));
    else
      value = float(isPositive ? std::abs(normal(generator)) + 0.1 : normal(generator) * scale);
  }
}

double fieldValue(StringRef name) {
  static const std::map<StringRef, double> values = {
      {"seed", 5},       {"step", 3},         {"sample_base", 6},  {"learning_rate", 0.125}, {"weight_decay", 0.0625},
      {"momentum", 0.5}, {"rms_decay", 0.75}, {"rms_epsilon", 0.5}};
  auto found = values.find(name);
  return found == values.end() ? 0.25 : found->second;
}

int64_t elementBytesOf(const program::Tensor &tensor) { return int64_t(program::typeBytes(tensor.type)); }

std::vector<std::byte> toBytes(const reference::Tensor &tensor, const std::string &type) {
  std::vector<std::byte> bytes(tensor.values.size() * program::typeBytes(type));
  for (size_t i = 0; i < tensor.values.size(); ++i) {
    double value = tensor.values[i];
    float real = float(value);
    int64_t integer = int64_t(value);
    uint8_t byte = uint8_t(value);
    size_t size = program::typeBytes(type);
    std::memcpy(bytes.data() + i * size,
                type == "f32"  ? static_cast<const void *>(&real)
                : type == "u8" ? static_cast<const void *>(&byte)
                               : static_cast<const void *>(&integer),
                size);
  }
  return bytes;
}

std::vector<double> fromBytes(const std::byte *bytes, int64_t count, const std::string &type) {
  std::vector<double> values(count);
  for (int64_t i = 0; i < count; ++i)
    if (type == "f32") {
      float value;
      std::memcpy(&value, bytes + i * 4, 4);
      values[i] = value;
    } else if (type == "u8") {
      values[i] = double(uint8_t(bytes[i]));
    } else {
      int64_t value;
      std::memcpy(&value, bytes + i * 8, 8);
      values[i] = double(value);
    }
  return values;
}

/// The reference: either interpreter, with the same face.
class Reference {
public:
  virtual ~Reference() = default;
  virtual void set(const program::Tensor &tensor, const reference::Tensor &value) = 0;
  virtual std::vector<double> get(const program::Tensor &tensor) = 0;
  /// Empty where it went well.
  virtual std::string run(EntryPoint entry) = 0;
};

class TensorReference final : public Reference {
public:
  explicit TensorReference(ModuleOp module) : module(module), interpreter(module) {
    for (StepFieldOp field : module.getOps<StepFieldOp>())
      interpreter.stepValues()[field.getSymName().str()] = fieldValue(field.getSymName());
  }
  void set(const program::Tensor &tensor, const reference::Tensor &value) override {
    if (auto found = interpreter.variables().find(tensor.name); found != interpreter.variables().end())
      forEach(tensor, [&](int64_t logical, int64_t at) { found->second.values[logical] = value.values[at]; });
  }
  std::vector<double> get(const program::Tensor &tensor) override {
    std::vector<double> values(tensor.elements);
    auto found = interpreter.variables().find(tensor.name);
    if (found == interpreter.variables().end() || found->second.size() != tensor.elements)
      return {};
    forEach(tensor, [&](int64_t logical, int64_t at) { values[at] = found->second.values[logical]; });
    return values;
  }
  std::string run(EntryPoint entry) override {
    func::FuncOp function = findEntry(module, entry);
    if (!function)
      return "the interpreter has no function for " + stringifyEntryPoint(entry).str();
    SmallVector<reference::Tensor> outputs;
    std::string messages;
    ScopedDiagnosticHandler handler(module.getContext(), [&](Diagnostic &diagnostic) {
      messages += diagnostic.str() + "; ";
      return success();
    });
    return failed(interpreter.run(function.getSymName(), {}, outputs)) ? "the interpreter refuses it: " + messages : "";
  }

private:
  /// Calls `visit` with the logical index of each element and with its index in the program, which keeps images as they
  /// lie in memory.
  template <typename Visit>
  static void forEach(const program::Tensor &tensor, Visit visit) {
    if (tensor.format != "nhwc" || tensor.shape.size() < 3) {
      for (int64_t i = 0; i < tensor.elements; ++i)
        visit(i, i);
      return;
    }
    int64_t channels = tensor.shape[1], plane = tensor.elements / tensor.shape[0] / channels;
    for (int64_t i = 0; i < tensor.elements; ++i) {
      int64_t n = i / (channels * plane), c = i / plane % channels;
      visit(i, (n * plane + i % plane) * channels + c);
    }
  }

  ModuleOp module;
  reference::Interpreter interpreter;
};

class MemoryReference final : public Reference {
public:
  MemoryReference(ModuleOp module, const program::Image &image) : image(image), interpreter(module) {
    interpreter.fill(program::kArenaRegion, NAN);
    for (exec::FieldOp field : module.getOps<exec::FieldOp>()) {
      reference::Tensor value;
      value.values = {fieldValue(field.getName())};
      auto bytes = toBytes(value, field.getType().isF32() ? "f32" : "i64");
      std::memcpy(interpreter.at(field.getRegion(), field.getOffset()), bytes.data(), bytes.size());
    }
  }
  void set(const program::Tensor &tensor, const reference::Tensor &value) override {
    std::vector<std::byte> bytes = toBytes(value, tensor.type);
    std::string error;
    if (isPlain(tensor))
      std::memcpy(place(tensor), bytes.data(), bytes.size());
    else
      onednn::pack(tensor.shape, tensor.format, reinterpret_cast<const float *>(bytes.data()), packed(tensor), error);
  }
  std::vector<double> get(const program::Tensor &tensor) override {
    if (isPlain(tensor))
      return fromBytes(reinterpret_cast<const std::byte *>(place(tensor)), tensor.elements, tensor.type);
    std::vector<float> values(tensor.elements);
    std::string error;
    onednn::unpack(tensor.shape, tensor.format, packed(tensor), values.data(), error);
    return {values.begin(), values.end()};
  }
  std::string run(EntryPoint entry) override { return interpreter.run(entry); }

private:
  static bool isPlain(const program::Tensor &tensor) { return tensor.format.empty() || tensor.format == "nhwc"; }
  char *place(const program::Tensor &tensor) {
    return interpreter.at(image.regions[tensor.region].name, int64_t(tensor.offset));
  }
  float *packed(const program::Tensor &tensor) { return reinterpret_cast<float *>(place(tensor)); }

  const program::Image &image;
  ExecInterpreter interpreter;
};

/// What differs, empty where the two agree. What f32 cannot hold is not compared.
std::string difference(const program::Tensor &tensor, const std::vector<double> &expected,
                       const std::vector<double> &actual) {
  if (expected.size() != actual.size())
    return tensor.name + " has " + std::to_string(actual.size()) + " elements";
  auto isLost = [](double value) { return !std::isfinite(value) || std::abs(value) > 1e18; };
  double largest = 1e-3;
  for (double value : expected)
    largest = std::max(largest, isLost(value) ? 0 : std::abs(value));
  for (size_t i = 0; i < expected.size(); ++i)
    if (!isLost(expected[i]) && !(std::abs(expected[i] - actual[i]) <= 2e-3 * largest))
      return tensor.name + "[" + std::to_string(i) + "] is " + std::to_string(actual[i]) + " instead of " +
             std::to_string(expected[i]);
  return "";
}

} // namespace

EditRun::EditRun() {
  DialectRegistry registry;
  registry.insert<InceptDialect, func::FuncDialect>();
  registerGradientRules(registry);
  registerKernelRules(registry);
  cpu::registerTarget(registry);
  context.appendDialectRegistry(registry);
  context.disableMultithreading();
  context.printOpOnDiagnostic(false);
  context.loadAllAvailableDialects();
}

OwningOpRef<ModuleOp> EditRun::moduleOf(Phase phase) {
  auto module = parseSourceFile<ModuleOp>(INCEPT_EDITS_NETWORK, &context);
  LogicalResult built = run(*module, [&](OpPassManager &passes) {
    for (Phase next : kPhases)
      if (next <= phase)
        buildPhase(passes, next, PhaseOptions());
  });
  if (failed(built))
    return {};
  return parseSourceString<ModuleOp>(textOf(*module), &context, phaseName(phase));
}

FailureOr<std::string> EditRun::compileKernels(ModuleOp module) {
  std::string all;
  std::vector<std::pair<std::string, exec::KernelDefOp>> kernels;
  for (exec::KernelDefOp kernel : module.getOps<exec::KernelDefOp>()) {
    kernels.emplace_back(textOf(kernel), kernel);
    all += kernels.back().first;
  }
  auto [library, isNew] = libraries.try_emplace(all);
  if (!isNew)
    return library->second;
  std::vector<std::string> parts;
  for (auto &[text, kernel] : kernels) {
    auto found = objects.find(text);
    if (found == objects.end()) {
      OwningOpRef<ModuleOp> alone = ModuleOp::create(module.getLoc());
      alone->push_back(kernel->clone());
      std::vector<std::string> compiled;
      cpu::KernelOptions options;
      options.objects = &compiled;
      if (failed(cpu::compileKernels(*alone, options))) {
        libraries.erase(all);
        return failure();
      }
      found = objects.emplace(text, compiled.front()).first; // the others are empty
    }
    parts.push_back(found->second);
  }
  std::vector<char> linked;
  std::string error;
  if (failed(cpu::linkSharedObject(parts, linked, error))) {
    libraries.erase(all);
    return module.emitError() << error;
  }
  return library->second = std::string(linked.begin(), linked.end());
}

FailureOr<std::string> EditRun::writeProgram(ModuleOp module) {
  if (failed(verifyProgram(module)))
    return failure();
  auto kernels = compileKernels(module);
  if (failed(kernels))
    return failure();
  ImageContents contents;
  contents.target.kind = "cpu";
  contents.target.texts = {{"isa", onednn::isa()}, {"onednn", onednn::version()}};
  auto target = module->getAttrOfType<TargetAttr>(InceptDialect::kTargetAttr);
  std::string error;
  int64_t vectorBits = cpu::Processor::find("", error)->vectorBits;
  contents.target.numbers = {{"threads", target.getNumber("threads", 1)}, {"vector_bits", vectorBits}};
  contents.blobs = {{"kernels", *kernels}};
  return writeImage(module, contents);
}

Verdict EditRun::judge(ModuleOp module, Phase phase, bool cleans) {
  OwningOpRef<ModuleOp> original = module.clone(), exec;
  std::string image;
  {
    Errors errors(context);
    if (failed(verify(module)))
      return errors.refusal();
    exec = module.clone();
    auto build = [&](OpPassManager &passes) {
      passes.addPass(createVerifyPhasePass(VerifyPhasePassOptions{phaseName(phase).str()}));
      for (Phase next : kPhases)
        if (next > phase)
          buildPhase(passes, next, PhaseOptions());
    };
    LogicalResult compiled = run(*exec, [&](OpPassManager &passes) {
      if (cleans)
        addWithCleaning(passes, build);
      else
        build(passes);
    });
    if (failed(compiled))
      return errors.refusal();
    auto written = writeProgram(*exec);
    if (failed(written))
      return errors.refusal();
    image = std::move(*written);
  }
  // The interpreter has no blocks of batch norm and no gradients: the network without any rewrite is what it means.
  if (phase == Phase::Graph) {
    Errors errors(context);
    if (failed(
            run(*original, [](OpPassManager &passes) { buildPhase(passes, Phase::Training, PhaseOptions::none()); })))
      return {Verdict::Wrong, "cannot be interpreted: " + errors.refusal().why};
  }
  // Where a value lies on an edge, a ReLU's or a maximum's, rounding may decide: not for all values.
  Verdict verdict = {};
  for (uint64_t seed : {1, 2, 3})
    if (verdict = compare(*original, phase, *exec, image, seed); verdict.kind == Verdict::Equal)
      break;
  return verdict;
}

Verdict EditRun::compare(ModuleOp original, Phase phase, ModuleOp exec, const std::string &bytes, uint64_t seed) {
  auto wrong = [](std::string why) { return Verdict{Verdict::Wrong, std::move(why)}; };
  program::Image image;
  if (Status status = program::parseImage(bytes, image); !status.ok())
    return wrong(status.message());
  if (Status status = cpuBackend().check(image); !status.ok())
    return wrong(status.message());
  for (const char *name : {program::kU8Images, program::kF32Images, program::kLabels, program::kLoss, program::kLogits})
    if (!image.find(name))
      return wrong(std::string("the program has no ") + name);
  auto created = CpuDevice::create(image, {});
  if (!created)
    return wrong(created.status().message());
  Device &device = **created;
  if (int arena = image.findRegion(program::kArenaRegion); arena >= 0)
    (void)device.fill(arena, NAN);
  for (const auto &[name, field] : image.step) {
    reference::Tensor value;
    value.values = {fieldValue(name)};
    std::vector<std::byte> value8 = toBytes(value, field.type);
    std::memcpy(device.next().step + field.offset, value8.data(), value8.size());
  }
  std::unique_ptr<Reference> reference;
  if (phase != Phase::Exec)
    reference = std::make_unique<TensorReference>(original);
  else
    reference = std::make_unique<MemoryReference>(exec, image);

  SymbolTable symbols(exec);
  const program::Tensor *logits = image.find(program::kLogits);
  for (const program::Tensor &tensor : image.tensors) {
    reference::Tensor value;
    value.shape.assign(tensor.shape.begin(), tensor.shape.end());
    value.kind = tensor.type == "f32"  ? reference::ElementKind::Float
                 : tensor.type == "u8" ? reference::ElementKind::UInt8
                                       : reference::ElementKind::Int64;
    value.values.resize(tensor.elements);
    draw(symbols.lookup<VariableOp>(tensor.name), seed, logits->shape.back(), value);
    std::vector<std::byte> logical = toBytes(value, tensor.type);
    if (Status status = device.write(tensor, logical.data()); !status.ok())
      return wrong(status.message());
    reference->set(tensor, value);
  }
  std::vector<EntryPoint> order = {EntryPoint::StageF32, EntryPoint::StageU8};
  if (image.mode == "train") {
    if (image.entries.count(program::kPrepareTraining))
      order.push_back(EntryPoint::PrepareTraining);
    order.insert(order.end(), {EntryPoint::ForwardBackward, EntryPoint::Update});
  }
  order.insert(order.end(), {EntryPoint::PrepareInference, EntryPoint::Infer});
  for (EntryPoint entry : order) {
    std::string name = stringifyEntryPoint(entry).str();
    if (!image.entries.count(name))
      return wrong("the program has no entry point " + name);
    if (std::string why = reference->run(entry); !why.empty())
      return wrong(name + ": " + why);
    if (Status status = device.run(name); !status.ok())
      return wrong(name + ": " + status.message());
    for (const program::Tensor &tensor : image.tensors) {
      if (tensor.kind == "derived") // training overwrites it
        continue;
      // Without rewrites all updates are update's.
      bool isUpdated = tensor.kind == "parameter" || tensor.kind == "slot";
      if (phase == Phase::Graph && isUpdated && entry == EntryPoint::ForwardBackward)
        continue;
      std::vector<std::byte> actual(tensor.elements * elementBytesOf(tensor));
      if (Status status = device.read(tensor, actual.data()); !status.ok())
        return wrong(status.message());
      std::string why =
          difference(tensor, reference->get(tensor), fromBytes(actual.data(), tensor.elements, tensor.type));
      if (!why.empty())
        return wrong("after " + name + " " + why);
    }
  }
  return {Verdict::Equal, ""};
}

} // namespace incept::test
