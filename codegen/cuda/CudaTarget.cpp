// SPDX-License-Identifier: Apache-2.0

#include "codegen/cuda/CudaTarget.h"
#include "codegen/Problems.h"
#include "codegen/cuda/ShapeLaunch.h"
#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "passes/LaunchCost.h"
#include "passes/Layouts.h"
#include "passes/MemoryType.h"
#include "passes/Placement.h"

using namespace mlir;

namespace incept::cuda {

namespace {

constexpr llvm::StringLiteral kWeightsFormat = "ohwi";
constexpr int64_t kPixelBytes = 16;
constexpr int64_t kStatisticsChannels = 8; // of tensors whose sums cuDNN gives
/// What a plan says that is not of its problem.
constexpr llvm::StringLiteral kOfPlan[] = {"engine", "knobs", "impl"};

cudnn::Type typeOf(Value value) {
  Type element = getElementTypeOrSelf(value.getType());
  return element.isF16() ? cudnn::Type::F16 : element.isBF16() ? cudnn::Type::BF16 : cudnn::Type::F32;
}

/// The value that an op inside a group stands for outside of it.
Value outside(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto group = dyn_cast<GroupOp>(argument.getOwner()->getParentOp());
    return group ? group.getInputs()[argument.getArgNumber()] : value;
  }
  auto group = dyn_cast<GroupOp>(value.getDefiningOp()->getParentOp());
  if (!group)
    return value;
  for (auto [inner, outer] : llvm::zip(group.getYield().getValues(), group.getOutputs()))
    if (inner == value)
      return outer;
  return value;
}

/// Distance of pixels in elements where the value lies in a wider one, 0 where it is dense.
int64_t pixelStride(Value inner) {
  Value value = outside(inner);
  ArrayRef<int64_t> root = shapeOf(placementOf(value).root);
  return root.size() == 4 && root[1] != shapeOf(value)[1] ? root[1] : 0;
}

/// The problem that a library op poses, none for a reorder.
std::optional<cudnn::Problem> problemOf(Operation *op) {
  auto said = describeProblem(op);
  if (!said)
    return std::nullopt;
  cudnn::Problem p;
  static_cast<LibraryProblem &>(p) = said->problem;
  p.type = typeOf(op->getOperand(0));
  p.resultType = typeOf(op->getResult(0));
  if (said->src)
    p.srcStride = pixelStride(said->src), p.dstStride = pixelStride(said->dst);
  if (auto conv = dyn_cast<Conv2DStatsOp>(op)) {
    p.stats = true;
    p.normalized = bool(conv.getFactor());
  }
  if (auto conv = dyn_cast<Conv2DBackwardWeightsOp>(op))
    p.normalized = bool(conv.getFactor());
  if (auto conv = dyn_cast<Conv2DBackwardNormOp>(op)) {
    p.normGradient = true;
    p.normStride = pixelStride(conv.getSrc());
  }
  if (auto linear = dyn_cast<LinearOp>(op); linear && linear.getBias())
    p.biasType = typeOf(linear.getBias());
  if (auto conv = dyn_cast<Conv2DOp>(op)) {
    if (conv.getBias())
      p.biasType = typeOf(conv.getBias());
    p.residual = bool(conv.getResidual());
    p.scale = static_cast<float>(conv.getScale().convertToDouble());
    if (p.residual)
      p.residualStride = pixelStride(conv.getResidual());
  }
  return p;
}

/// Why cuDNN has no deterministic engine that gives the statistics of this problem's result, empty where it may have
/// one. Asked, it would name what it declines: engines that are compiled for the problem, whose sums are in any order.
std::string statisticsRefusal(const cudnn::Problem &p) {
  if (p.type != cudnn::Type::F16 || p.resultType != cudnn::Type::F16)
    return "cuDNN's deterministic engines give statistics in f16 alone";
  if ((p.srcStride != 0 && !p.normalized) || p.dstStride != 0) // what normalises its source reads it where it lies
    return "cuDNN's deterministic engines give statistics of dense tensors alone, not of channel slices";
  if (p.g != 1)
    return "cuDNN's deterministic engines give no statistics with groups";
  if (p.pt != p.pb || p.pl != p.pr)
    return "cuDNN's deterministic engines give statistics with symmetric padding alone";
  if (p.ic % kStatisticsChannels != 0)
    return "cuDNN's deterministic engines give statistics where the source has a multiple of 8 channels alone";
  return "";
}

/// Why cuDNN has no deterministic engine that gives a batch norm's gradients with this gradient of data, empty where it
/// may have one.
std::string normGradientRefusal(const cudnn::Problem &p) {
  if (p.type != cudnn::Type::F16 || p.resultType != cudnn::Type::F16)
    return "cuDNN's deterministic engines do that in f16 alone";
  if (p.g != 1)
    return "cuDNN's deterministic engines do that without groups alone";
  if (p.pt != p.pb || p.pl != p.pr)
    return "cuDNN's deterministic engines do that with symmetric padding alone";
  return "";
}

/// Why cuDNN has no engine that computes the gradient of weights of what it normalises, empty where it may have one.
std::string normalizedRefusal(const cudnn::Problem &p) {
  if (p.type != cudnn::Type::F16 || p.resultType != cudnn::Type::F16)
    return "cuDNN's engines normalise what they read in f16 alone";
  if (p.g != 1)
    return "cuDNN's engines normalise what they read without groups alone";
  if (p.pt != p.pb || p.pl != p.pr)
    return "cuDNN's engines normalise what they read with symmetric padding alone";
  return "";
}

/// Why a problem has no plan that is known without asking cuDNN, which would name engines that are declined.
std::string refusalOf(const cudnn::Problem &p) {
  return p.stats          ? statisticsRefusal(p)
         : p.normGradient ? normGradientRefusal(p)
         : p.normalized   ? normalizedRefusal(p)
                          : "";
}

class CudaTarget final : public Target {
public:
  CudaTarget(PlanSource &plans, bool tf32, int64_t multiprocessors, const Backend *backend,
             const std::optional<LaunchCosts> &costs)
      : plans(plans), tf32(tf32), multiprocessors(multiprocessors), owner(backend), costs(costs) {}

  const Backend *backend() const override { return owner; }

  bool acceptsSlice(Operation *op, Value value, ChannelSlice slice) const override {
    // Engines assume that addresses and pixels are 16 bytes apart.
    int64_t channels = kPixelBytes / elementBytes(getElementTypeOrSelf(value.getType()));
    if (slice.offset % channels != 0 || slice.stride % channels != 0)
      return false;
    // What batch norm reads is read where it lies.
    if (auto conv = dyn_cast<Conv2DBackwardNormOp>(op))
      return value == outside(conv.getSrc());
    if (auto conv = dyn_cast<Conv2DBackwardWeightsOp>(op); conv && conv.getFactor())
      return value == outside(conv.getSrc());
    // Gradients in bf16 and f16 have engines on tensor cores only that copy the slice through their workspace; those in
    // f32 transpose through it whatever the layout is.
    return isa<Conv2DOp, Conv2DStatsOp>(op) ||
           (isa<Conv2DBackwardDataOp, Conv2DBackwardWeightsOp>(op) && getElementTypeOrSelf(value.getType()).isF32());
  }

  bool addsResidual(Operation *op) const override { return cast<Conv2DOp>(op).getGroups() == 1; }

  bool givesStatistics() const override { return true; }
  bool givesNormGradients() const override { return true; }
  bool normalizesSources() const override { return true; }
  void prepare(ArrayRef<Operation *> ops) const override {
    std::vector<cudnn::Problem> problems;
    for (Operation *op : ops)
      if (auto problem = problemFor(op); problem && refusalOf(*problem).empty())
        problems.push_back(*problem);
    plans.prepare(problems);
  }

  FailureOr<LibraryPlan> plan(Operation *op, StringRef weightsFormat, std::string &why) const override {
    auto problem = problemFor(op);
    if (!problem) {
      why = ("cuDNN has no plan for '" + op->getName().getStringRef() + "'").str();
      return failure();
    }
    bool isConvolution = problem->kind != cudnn::Kind::MatMul;
    StringRef format = isConvolution ? StringRef(kWeightsFormat) : StringRef();
    if (isConvolution && weightsFormat != "any" && weightsFormat != format) {
      why = ("weights in format '" + weightsFormat + "' cannot be used: expected " + format).str();
      return failure();
    }
    if (why = refusalOf(*problem); !why.empty())
      return failure();
    const cudnn::Choice *choice = plans.find(*problem, why);
    if (!choice) {
      // Some devices have engines for it.
      if (problem->normGradient && (problem->ic % kStatisticsChannels != 0 || problem->oc % kStatisticsChannels != 0))
        why = "cuDNN has no deterministic engine on this device that does that with " + std::to_string(problem->ic) +
              " and " + std::to_string(problem->oc) + " channels, which are to be multiples of 8";
      if (problem->normalized && (problem->ic % kStatisticsChannels != 0 || problem->oc % kStatisticsChannels != 0))
        why = "cuDNN has no deterministic engine on this device that normalises what it reads with " +
              std::to_string(problem->ic) + " and " + std::to_string(problem->oc) +
              " channels, which are to be multiples of 8";
      else if (problem->stats && problem->oc % kStatisticsChannels != 0)
        why = "cuDNN has no deterministic engine on this device that gives statistics of " +
              std::to_string(problem->oc) + " channels, no multiple of 8";
      return failure();
    }
    LibraryPlan plan;
    plan.kind = *symbolizePlanKind(cudnn::kindName(problem->kind));
    plan.config = cudnn::encode(*problem);
    plan.config.push_back({"engine", std::to_string(choice->engine)});
    plan.config.push_back({"knobs", choice->knobs});
    plan.impl = choice->impl;
    plan.tensorCore = choice->tensorCore;
    plan.weightsFormat = format.str();
    plan.scratchpadBytes = static_cast<int64_t>(choice->workspaceBytes);
    plan.swapOperands = isa<LinearBackwardWeightsOp>(op);
    return plan;
  }

  FailureOr<LibraryPlan> planReorder(ArrayRef<int64_t>, Type, StringRef from, StringRef to, bool scales,
                                     std::string &why) const override {
    if (from != to || !scales) {
      why = ("a change from format '" + from + "' to '" + to + "' is not needed on this target").str();
      return failure();
    }
    LibraryPlan plan;
    plan.kind = PlanKind::Reorder;
    plan.weightsFormat = to.str();
    plan.generated = true;
    return plan;
  }

  LogicalResult verifyPlan(exec::PlanOp plan, std::string &why) const override {
    auto problem = incept::cuda::problemOf(plan.getConfig(), why);
    if (failed(problem))
      return failure();
    FunctionType signature = signatureOf(*problem, plan.getContext());
    if (!signature || plan.getSignature() != signature) {
      llvm::raw_string_ostream(why) << "expected the memory that the problem has, " << signature << ", but got "
                                    << plan.getSignature();
      return failure();
    }
    return success();
  }

  LogicalResult verifyPlanOf(Operation *op, exec::PlanOp plan, std::string &why) const override {
    auto planned = incept::cuda::problemOf(plan.getConfig(), why);
    auto posed = problemFor(op);
    if (!posed)
      why = ("cuDNN has no plan for '" + op->getName().getStringRef() + "'").str();
    if (failed(planned) || !posed)
      return failure();
    if (plan.getSwapped() != isa<LinearBackwardWeightsOp>(op)) {
      why = "the first two operands are in the other order";
      return failure();
    }
    return compareProblems(cudnn::encode(*planned), cudnn::encode(*posed), why);
  }

  FailureOr<std::optional<LaunchShape>> shapeLaunch(exec::KernelOp launch, exec::KernelDefOp kernel) const override {
    auto shape = cuda::shapeLaunch(launch, kernel);
    if (failed(shape))
      return failure();
    return std::optional(*shape);
  }

  FailureOr<int64_t> formatBytes(ArrayRef<int64_t> shape, Type element, StringRef format) const override {
    auto elements = countElements(shape);
    if (failed(elements) || (!format.empty() && format != "nhwc" && format != kWeightsFormat))
      return failure();
    return *elements * elementBytes(element);
  }

  /// cuDNN keeps the sums in f32 but has fast engines that write them as f32 for few shapes.
  Type gradientType(Operation *op) const override { return getElementTypeOrSelf(op->getOperand(0)); }

  FailureOr<std::string> rowsFormat(StringRef format, int64_t) const override {
    // Output channels are outermost.
    return format.str();
  }

  Reduction cutReduction(int64_t rows, int64_t channels, int64_t elementBytes) const override {
    return cuda::cutReduction(rows, channels, elementBytes, multiprocessors);
  }
  bool combinesInOneLaunch() const override { return true; }
  bool joinsLaunches() const override { return true; }
  bool runsBesideOthers(exec::KernelDefOp kernel) const override { return cuda::runsBesideOthers(kernel); }

  LaunchWork describeLaunch(Operation *launch) const override {
    if (auto call = dyn_cast<exec::LibraryOp>(launch))
      return describePlan(SymbolTable::lookupNearestSymbolFrom<exec::PlanOp>(call, call.getPlanAttr()),
                          launchCost(call));
    auto kernel = cast<exec::KernelOp>(launch);
    return describeKernel(kernel,
                          SymbolTable::lookupNearestSymbolFrom<exec::KernelDefOp>(kernel, kernel.getKernelAttr()));
  }

  LaunchWork describeCall(const LibraryPlan &plan, LaunchCost cost) const override {
    cudnn::Problem problem;
    std::string error;
    auto fields = plan.config;
    llvm::erase_if(fields, [](const auto &field) { return llvm::is_contained(kOfPlan, StringRef(field.first)); });
    cudnn::Choice choice;
    choice.impl = plan.impl;
    choice.tensorCore = plan.tensorCore;
    choice.workspaceBytes = uint64_t(plan.scratchpadBytes);
    if (plan.generated || !cudnn::decode(fields, problem, error))
      return Target::describeCall(plan, cost);
    return cuda::describeCall(problem, choice, cost, architecture());
  }

  double estimateSeconds(const LaunchWork &work) const override {
    return costs ? cuda::estimateSeconds(work, *costs) : 0;
  }

private:
  int64_t architecture() const { return costs ? costs->engines.architecture : 0; }

  LaunchWork describePlan(exec::PlanOp plan, LaunchCost cost) const {
    std::string error;
    auto problem = incept::cuda::problemOf(plan.getConfig(), error);
    if (failed(problem))
      return Target::describeCall({}, cost);
    cudnn::Choice choice;
    choice.impl = plan.getConfig().getAs<StringAttr>("impl").str();
    choice.tensorCore = plan.getConfig().contains("tensor_core");
    choice.workspaceBytes = uint64_t(plan.getConfig().getAs<IntegerAttr>("scratchpad_bytes").getInt());
    return cuda::describeCall(*problem, choice, cost, architecture());
  }

  static LaunchWork describeKernel(exec::KernelOp launch, exec::KernelDefOp definition) {
    LaunchWork work;
    work.cost = launchCost(launch);
    switch (definition.getFamily()) {
    case KernelFamily::Flat:
    case KernelFamily::Map:
      work.kind = LaunchKind::Map;
      break;
    case KernelFamily::Reduce:
    case KernelFamily::Combine:
    case KernelFamily::ReduceCombine:
      work.kind = LaunchKind::Reduction;
      break;
    case KernelFamily::Opaque:
      work.kind = LaunchKind::Other;
      break;
    }
    if (!launch.getWidth())
      return work;
    ArrayRef<int64_t> grid = *launch.getGrid();
    for (size_t part = 0; part + 2 < grid.size(); part += 3)
      work.blocks += grid[part] * grid[part + 1] * grid[part + 2];
    work.resident = residentBlocks(definition, *launch.getWidth());
    return work;
  }

  std::optional<cudnn::Problem> problemFor(Operation *op) const {
    auto problem = problemOf(op);
    if (problem)
      problem->tf32 = tf32 && problem->type == cudnn::Type::F32;
    return problem;
  }

  /// How what a problem reads and writes lies in memory, null where it cannot be said.
  FunctionType signatureOf(const cudnn::Problem &p, MLIRContext *context) const {
    auto memory = [&](ArrayRef<int64_t> shape, cudnn::Type type, LayoutAttr layout) {
      Type element = type == cudnn::Type::F16    ? Type(Float16Type::get(context))
                     : type == cudnn::Type::BF16 ? Type(BFloat16Type::get(context))
                                                 : Float32Type::get(context);
      return memoryType(RankedTensorType::get(shape, element, layout), *this);
    };
    auto pixels = [&](int64_t stride) { return LayoutAttr::get(context, kNhwcFormat, stride, 0); };
    ProblemExtras extras{p.residual, p.stats, p.normGradient, p.normalized};
    return problemSignature(context, p, extras, [&](ProblemPart part, const Shape &shape) {
      switch (part) {
      case ProblemPart::Src:
        return memory(shape, p.kind == cudnn::Kind::ConvolutionBackwardData ? p.resultType : p.type,
                      pixels(p.srcStride));
      case ProblemPart::Dst:
        return memory(shape, p.kind == cudnn::Kind::ConvolutionForward ? p.resultType : p.type, pixels(p.dstStride));
      case ProblemPart::Residual:
        return memory(shape, p.type, pixels(p.residualStride));
      case ProblemPart::Weights:
        return memory(shape, p.kind == cudnn::Kind::ConvolutionBackwardWeights ? p.resultType : p.type,
                      LayoutAttr::get(context, kWeightsFormat));
      case ProblemPart::Bias:
        return memory(shape, p.biasType, {});
      case ProblemPart::Factor:
        return memory(shape, p.type, {});
      case ProblemPart::NormSrc:
        return memory(shape, p.resultType, pixels(p.normStride));
      case ProblemPart::Vector:
        return memory(shape, cudnn::Type::F32, {});
      case ProblemPart::C:
        return memory(shape, p.resultType, {});
      default:
        return memory(shape, p.type, {});
      }
    });
  }

  PlanSource &plans;
  bool tf32;
  int64_t multiprocessors;
  const Backend *owner;
  std::optional<LaunchCosts> costs;
};

} // namespace

std::shared_ptr<const Target> createCudaTarget(PlanSource &plans, bool tf32, int64_t multiprocessors,
                                               const Backend *backend, const std::optional<LaunchCosts> &costs) {
  return std::make_shared<CudaTarget>(plans, tf32, multiprocessors, backend, costs);
}

FailureOr<cudnn::Problem> problemOf(DictionaryAttr config, std::string &error) {
  std::vector<std::pair<std::string, std::string>> fields;
  for (NamedAttribute entry : config)
    if (auto text = dyn_cast<StringAttr>(entry.getValue()); text && !llvm::is_contained(kOfPlan, entry.getName()))
      fields.push_back({entry.getName().str(), text.str()});
  cudnn::Problem problem;
  if (!cudnn::decode(fields, problem, error))
    return failure();
  return problem;
}

} // namespace incept::cuda
