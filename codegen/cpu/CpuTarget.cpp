// SPDX-License-Identifier: Apache-2.0

#include "codegen/cpu/CpuTarget.h"
#include "codegen/Problems.h"
#include "codegen/cpu/ChannelBlocks.h"
#include "dialect/EntryPoints.h"
#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "passes/Layouts.h"
#include "passes/MemoryType.h"
#include "runtime/device/cpu/OneDnn.h"
#include "llvm/ADT/StringMap.h"

#include <mutex>
#include <omp.h>

using namespace mlir;

namespace incept::cpu {

namespace {

std::string typeName(Type element) { return element.isBF16() ? "bf16" : "f32"; }

/// The problem an op poses, with its weights in `format`.
FailureOr<onednn::Problem> problemOf(Operation *op, StringRef format) {
  auto said = describeProblem(op);
  auto conv = dyn_cast<Conv2DOp>(op);
  if (!said || (conv && conv.getResidual())) // addsResidual says so
    return failure();
  onednn::Problem p;
  static_cast<LibraryProblem &>(p) = said->problem;
  p.type = typeName(getElementTypeOrSelf(op->getOperand(0).getType()));
  p.resultType = typeName(getElementTypeOrSelf(op->getResult(0).getType()));
  p.weightsFormat = p.kind == onednn::Kind::MatMul ? "" : format.str();
  if (conv) {
    auto function = conv->getParentOfType<FunctionOpInterface>();
    p.training = function && isEntry(function, EntryPoint::ForwardBackward);
  }
  return p;
}

onednn::Problem reorderOf(ArrayRef<int64_t> shape, Type element, StringRef from, StringRef to, bool scales) {
  onednn::Problem problem;
  problem.kind = onednn::Kind::Reorder;
  problem.dims.assign(shape.begin(), shape.end());
  problem.srcFormat = from.str();
  problem.dstFormat = to.str();
  problem.scales = scales;
  problem.type = problem.resultType = typeName(element);
  return problem;
}

bool isConvolution(onednn::Kind kind) {
  return kind == onednn::Kind::ConvolutionForward || kind == onednn::Kind::ConvolutionBackwardData ||
         kind == onednn::Kind::ConvolutionBackwardWeights;
}

/// Lets oneDNN see another number of threads, on this thread and for the life of this object.
class ThreadsInEffect {
public:
  explicit ThreadsInEffect(int64_t threads) : before(omp_get_max_threads()) { omp_set_num_threads(int(threads)); }
  ~ThreadsInEffect() { omp_set_num_threads(before); }

private:
  int before;
};

class CpuTarget final : public Target {
public:
  CpuTarget(int64_t threads, bool sameBits, const Backend *backend, const ConvolutionModel &model)
      : threads(threads), sameBits(sameBits && threads > 1), owner(backend), model(model) {}

  const Backend *backend() const override { return owner; }

  bool acceptsSlice(Operation *op, Value, ChannelSlice) const override {
    // oneDNN's convolutions on channel slices are reference implementations; tiles may lie anywhere.
    auto candidates = candidatesFor(op);
    return !candidates.empty() && chosenOf(op, candidates).plan;
  }

  FailureOr<LibraryPlan> plan(Operation *op, StringRef weightsFormat, std::string &why) const override {
    for (Value operand : op->getOperands())
      if (failed(acceptType(getElementTypeOrSelf(operand.getType()), why)))
        return failure();
    auto candidates = candidatesFor(op);
    std::string described = model.choice.fast && candidates.size() > 1 ? describeCandidates(candidates) : "";
    if (!candidates.empty())
      if (const ConvolutionCandidate &chosen = chosenOf(op, candidates); chosen.plan)
        return planTiles(op, chosen, described);
    // The library has slow implementations for weights as tiles have them.
    if (!candidates.empty() && weightsFormat == tileWeightsFormat(weightsShape(op)))
      weightsFormat = "any";
    auto plan = planLibrary(op, weightsFormat, why);
    if (succeeded(plan) && !described.empty())
      plan->config.push_back({kCandidates.str(), described});
    return plan;
  }

  /// By oneDNN.
  FailureOr<LibraryPlan> planLibrary(Operation *op, StringRef weightsFormat, std::string &why) const {
    auto problem = problemOf(op, weightsFormat);
    if (failed(problem)) {
      why = ("oneDNN has no primitive for '" + op->getName().getStringRef() + "'").str();
      return failure();
    }
    if (onednn::givesDenseWeights(*problem)) // whatever format is wanted: a reorder costs less than that saves
      problem->weightsFormat = "any";
    auto plan = describe(*problem, why);
    if (failed(plan))
      return failure();
    plan->swapOperands = isa<LinearBackwardWeightsOp>(op);
    if (StringRef blocks = isConvolution(problem->kind) ? blocksFor(*problem, plan->impl) : ""; !blocks.empty()) {
      problem->activations = blocks.str();
      std::string ignored;
      auto blocked = describe(*problem, ignored);
      if (succeeded(blocked) && !blocked->reference && blocked->impl == plan->impl) {
        blocked->activations = problem->activations;
        return blocked;
      }
    }
    return plan;
  }

  FailureOr<LibraryPlan> planReorder(ArrayRef<int64_t> shape, Type element, StringRef from, StringRef to, bool scales,
                                     std::string &why) const override {
    if (failed(acceptType(element, why)))
      return failure();
    auto plan = describe(reorderOf(shape, element, from, to, scales), why);
    // A reorder has no fast and slow kinds; its generic implementation moves data at memory speed.
    if (succeeded(plan))
      plan->reference = false;
    return plan;
  }

  LogicalResult verifyPlan(exec::PlanOp plan, std::string &why) const override {
    onednn::Problem problem;
    if (!decode(plan, problem, why))
      return failure();
    FunctionType signature = signatureOf(problem, plan.getContext());
    if (!signature)
      return refuse(why) << "expected formats and pitches that fit the shapes of the problem";
    if (plan.getSignature() != signature)
      return refuse(why) << "expected the memory that the problem has, " << signature << ", but got "
                         << plan.getSignature();
    onednn::Description chosen;
    if (!choose(problem, chosen, why))
      return failure();
    auto impl = plan.getConfig().getAs<StringAttr>("impl");
    if (!impl || !onednn::isSameImplementation(impl.getValue(), chosen.impl))
      return refuse(why) << "oneDNN computes it by '" << chosen.impl << "'";
    if (plan.getScratchpadBytes() != int64_t(chosen.scratchpadBytes))
      return refuse(why) << "it needs a scratchpad of " << chosen.scratchpadBytes << " bytes";
    return success();
  }

  LogicalResult verifyPlanOf(Operation *op, exec::PlanOp plan, std::string &why) const override {
    onednn::Problem planned;
    if (!decode(plan, planned, why))
      return failure();
    auto formatOf = [](Value value) {
      StringRef format = libraryFormat(layoutOf(value));
      return format == kNhwcFormat && shapeOf(value).size() < 3 ? std::string() : format.str();
    };
    FailureOr<onednn::Problem> posed;
    if (auto reorder = dyn_cast<ReorderOp>(op)) {
      posed = reorderOf(shapeOf(reorder.getSrc()), getElementTypeOrSelf(reorder.getSrc().getType()),
                        formatOf(reorder.getSrc()), formatOf(reorder.getDst()), bool(reorder.getScales()));
      for (std::string *format : {&planned.srcFormat, &planned.dstFormat})
        if (*format == kNhwcFormat && shapeOf(reorder.getSrc()).size() < 3)
          format->clear();
    } else {
      posed = problemOf(op, planned.weightsFormat);
    }
    if (failed(posed))
      return refuse(why) << "there is no primitive for '" << op->getName().getStringRef() << "'";
    if (posed->kind != planned.kind)
      return refuse(why) << "it is " << onednn::kindName(planned.kind) << " where the op is "
                         << onednn::kindName(posed->kind);
    if (isConvolution(planned.kind)) {
      posed->activations = planned.activations;
      for (ValueRange values : {ValueRange(op->getOperands()), ValueRange(op->getResults())})
        for (Value value : values) {
          if (shapeOf(value).size() != 4)
            continue;
          auto weights = dyn_cast<WeightsOpInterface>(op);
          bool isWeights = weights && (value == weights.getWeightsResult() ||
                                       (weights.getWeightsOperand() && value == weights.getWeightsOperand()->get()));
          std::string wanted = isWeights ? planned.weightsFormat : planned.activations;
          if (formatOf(value) != wanted)
            return refuse(why) << "a tensor would be in format '" << wanted << "', but it is in '" << formatOf(value)
                               << "'";
        }
    }
    posed->threads = planned.threads;
    if (failed(compareProblems(onednn::encode(planned), onednn::encode(*posed), why)))
      return failure();
    if (plan.getSwapped() != isa<LinearBackwardWeightsOp>(op))
      return refuse(why) << "the first two operands are in the other order";
    return success();
  }

  FailureOr<int64_t> formatBytes(ArrayRef<int64_t> shape, Type element, StringRef format) const override {
    if (format.empty() || format == "nhwc" || isBlockedFormat(format) || shape.empty()) {
      auto elements = countElements(shape);
      return failed(elements) ? FailureOr<int64_t>(failure()) : FailureOr<int64_t>(*elements * elementBytes(element));
    }
    uint64_t bytes = 0;
    std::string error;
    if (!onednn::formatBytes(std::vector<int64_t>(shape.begin(), shape.end()), format.str(), bytes, error))
      return failure();
    return static_cast<int64_t>(bytes / 4) * elementBytes(element); // the library counts in f32
  }

  FailureOr<std::string> rowsFormat(StringRef format, int64_t rows) const override {
    std::string result;
    if (!onednn::rowsFormat(format.str(), rows, result))
      return failure();
    return result;
  }

private:
  /// Appends to a sentence, and is a failure.
  class Refusal {
  public:
    explicit Refusal(std::string &why) : stream(why) {}
    template <typename T>
    Refusal &operator<<(const T &part) {
      stream << part;
      return *this;
    }
    operator LogicalResult() const { return failure(); }

  private:
    llvm::raw_string_ostream stream;
  };
  static Refusal refuse(std::string &why) { return Refusal(why); }

  /// The problem that a plan describes.
  static bool decode(exec::PlanOp plan, onednn::Problem &problem, std::string &why) {
    std::vector<std::pair<std::string, std::string>> fields;
    for (NamedAttribute entry : plan.getConfig())
      if (auto text = dyn_cast<StringAttr>(entry.getValue()); text && entry.getName() != "impl")
        fields.emplace_back(entry.getName().str(), text.str());
    return onednn::decode(fields, problem, why);
  }

  /// How what a problem reads and writes lies in memory, null where it cannot be said.
  FunctionType signatureOf(const onednn::Problem &p, MLIRContext *context) const {
    auto memory = [&](ArrayRef<int64_t> shape, StringRef format, StringRef type) {
      Type element = type == "bf16" ? Type(BFloat16Type::get(context)) : Float32Type::get(context);
      Attribute layout = format.empty() ? Attribute() : LayoutAttr::get(context, format);
      return memoryType(RankedTensorType::get(shape, element, layout), *this);
    };
    if (p.kind != onednn::Kind::Reorder)
      return problemSignature(context, p, {}, [&](ProblemPart part, const Shape &shape) {
        switch (part) {
        case ProblemPart::Src:
        case ProblemPart::Dst:
          return memory(shape, p.activations, p.type);
        case ProblemPart::Weights:
          return memory(shape, p.weightsFormat,
                        p.kind == onednn::Kind::ConvolutionBackwardWeights ? p.resultType : p.type);
        case ProblemPart::Bias:
          return memory(shape, "", p.kind == onednn::Kind::MatMul ? "f32" : StringRef(p.type));
        case ProblemPart::C:
          return memory(shape, "", p.resultType);
        default:
          return memory(shape, "", p.type);
        }
      });
    auto src = memory(p.dims, p.srcFormat, p.type), dst = memory(p.dims, p.dstFormat, p.type);
    if (failed(src) || failed(dst))
      return {};
    SmallVector<Type> ins = {*src};
    if (p.scales)
      ins.push_back(MemRefType::get({p.dims[0]}, Float32Type::get(context)));
    return FunctionType::get(context, ins, {*dst});
  }

  static ArrayRef<int64_t> weightsShape(Operation *op) {
    auto weights = cast<WeightsOpInterface>(op);
    return shapeOf(weights.getWeightsOperand() ? weights.getWeightsOperand()->get()
                                               : Value(weights.getWeightsResult()));
  }

  /// The ways to compute a convolution in f32; none for other ops.
  std::vector<ConvolutionCandidate> candidatesFor(Operation *op) const { return candidatesFor(op, threads); }
  std::vector<ConvolutionCandidate> candidatesFor(Operation *op, int64_t threads) const {
    if (!isa<Conv2DOp, Conv2DBackwardDataOp, Conv2DBackwardWeightsOp>(op) ||
        !getElementTypeOrSelf(op->getResult(0).getType()).isF32() ||
        !getElementTypeOrSelf(op->getOperand(0).getType()).isF32())
      return {};
    auto problem = problemOf(op, "any");
    if (failed(problem))
      return {};
    return listCandidates(*problem, model.lanes, threads, model.choice, model.costs, whenTransformed(op));
  }

  /// What inference reads of variables is transformed in prepare_inference, where there is one (passes/TileGroups.cpp).
  static WeightsTransform whenTransformed(Operation *op) {
    auto function = op->getParentOfType<FunctionOpInterface>();
    bool isPrepared = function && isEntry(function, EntryPoint::Infer) &&
                      findEntry(op->getParentOfType<ModuleOp>(), EntryPoint::PrepareInference);
    return isPrepared ? WeightsTransform::Once : WeightsTransform::EachTime;
  }

  /// The one of `op`'s candidates that is taken: with the same bits, the one that one thread would take.
  const ConvolutionCandidate &chosenOf(Operation *op, const std::vector<ConvolutionCandidate> &candidates) const {
    if (!sameBits)
      return chooseCandidate(candidates);
    std::vector<ConvolutionCandidate> ofOne = candidatesFor(op, 1);
    return candidates[&chooseCandidate(ofOne) - ofOne.data()];
  }

  static LibraryPlan planTiles(Operation *op, const ConvolutionCandidate &chosen, StringRef described) {
    LibraryPlan plan;
    plan.impl = chosen.name;
    plan.weightsFormat = tileWeightsFormat(weightsShape(op));
    plan.weightsBytes = *countElements(weightsShape(op)) * 4;
    setTiles(plan, *chosen.plan);
    plan.config.push_back({kCandidates.str(), described.str()});
    return plan;
  }

  static LogicalResult acceptType(Type element, std::string &why) {
    if (element.isF32() || (element.isBF16() && onednn::hasBf16()))
      return success();
    llvm::raw_string_ostream(why) << "target cpu has no convolutions and matrix products in " << element
                                  << (element.isBF16() ? " on a processor without AVX-512" : "")
                                  << ": compile with --precision=f32";
    return failure();
  }

  FailureOr<LibraryPlan> describe(const onednn::Problem &problem, std::string &why) const {
    // With the same bits, what one thread would choose is the choice for any number of them.
    ThreadsInEffect scope(sameBits ? 1 : threads);
    onednn::Description description;
    if (!ask(problem, description, why))
      return failure();
    LibraryPlan plan;
    plan.kind = *symbolizePlanKind(onednn::kindName(problem.kind));
    // What runs asks for the format that was found, not for any.
    onednn::Problem exact = problem;
    if (problem.kind != onednn::Kind::MatMul && problem.kind != onednn::Kind::Reorder)
      exact.weightsFormat = description.weightsFormat;
    if (sameBits && failed(chooseThreads(exact, description, why)))
      return failure();
    {
      std::lock_guard<std::mutex> lock(mutex);
      choices.try_emplace(keyOf(exact), description);
    }
    plan.config = onednn::encode(exact);
    plan.impl = description.impl;
    plan.weightsFormat = problem.kind == onednn::Kind::Reorder ? problem.dstFormat : description.weightsFormat;
    if (!isConvolution(problem.kind)) // whose problem says it
      plan.config.push_back({"weights_format", plan.weightsFormat});
    plan.weightsBytes = description.weightsBytes;
    plan.scratchpadBytes = description.scratchpadBytes;
    plan.reference = description.reference;
    return plan;
  }

  /// Asks the library; layers that are alike pose one problem.
  bool ask(const onednn::Problem &problem, onednn::Description &description, std::string &why) const {
    std::string key = keyOf(problem);
    std::lock_guard<std::mutex> lock(mutex);
    auto [entry, isNew] = answers.try_emplace(key);
    if (!isNew)
      return description = entry->second, true;
    if (onednn::describe(problem, description, why))
      return entry->second = description, true;
    answers.erase(entry);
    return false;
  }

  static std::string keyOf(const onednn::Problem &problem) {
    std::string key;
    for (const auto &[name, value] : onednn::encode(problem))
      key += name + '=' + value + ' ';
    return key;
  }

  /// The library's answer to a problem that a plan describes: to one of our own it has been given.
  bool choose(const onednn::Problem &problem, onednn::Description &description, std::string &why) const {
    {
      std::lock_guard<std::mutex> lock(mutex);
      if (auto found = choices.find(keyOf(problem)); found != choices.end())
        return description = found->second, true;
    }
    ThreadsInEffect scope(threads);
    return onednn::describe(problem, description, why);
  }

  /// All threads where they give the bits that one gives, else one. Equal problems are asked once.
  LogicalResult chooseThreads(onednn::Problem &problem, onednn::Description &description, std::string &why) const {
    // A reorder adds nothing up, and a reference implementation, which takes seconds, is not used.
    if (problem.kind == onednn::Kind::Reorder || description.reference)
      return success();
    std::lock_guard<std::mutex> lock(mutex);
    auto [entry, isNew] = needsOneThread.try_emplace(keyOf(problem), false);
    if (isNew)
      entry->second = onednn::dependsOnThreads(problem, threads);
    problem.threads = entry->second ? 1 : threads;
    bool isDescribed = onednn::describe(problem, description, why);
    problem.threads = entry->second ? 1 : 0; // the program's own number needs no word
    return success(isDescribed);
  }

  int64_t threads;
  bool sameBits; ///< whatever the number of threads
  const Backend *owner;
  ConvolutionModel model;
  mutable std::mutex mutex;
  mutable llvm::StringMap<onednn::Description> answers; ///< by problem, as it was posed
  mutable llvm::StringMap<onednn::Description> choices; ///< by problem with the format that was found
  mutable llvm::StringMap<bool> needsOneThread;         ///< by problem
};

} // namespace

std::shared_ptr<const Target> createCpuTarget(int64_t threads, bool sameBits, const Backend *backend,
                                              const ConvolutionModel &model) {
  return std::make_shared<CpuTarget>(threads, sameBits, backend, model);
}

} // namespace incept::cpu
