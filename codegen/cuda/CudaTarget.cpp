// SPDX-License-Identifier: Apache-2.0

#include "codegen/cuda/CudaTarget.h"
#include "codegen/cuda/ShapeLaunch.h"
#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "passes/Layouts.h"
#include "passes/Placement.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace incept::cuda {

namespace {

constexpr llvm::StringLiteral kWeightsFormat = "ohwi";
constexpr int64_t kPixelBytes = 16;

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

template <typename OpTy>
cudnn::Problem convolution(OpTy op, cudnn::Kind kind, Value src, Value weights, Value dst) {
  cudnn::Problem p;
  p.kind = kind;
  ArrayRef<int64_t> s = shapeOf(src), w = shapeOf(weights), d = shapeOf(dst);
  p.mb = s[0], p.ic = s[1], p.ih = s[2], p.iw = s[3];
  p.oc = d[1], p.oh = d[2], p.ow = d[3], p.kh = w[2], p.kw = w[3];
  p.g = op.getGroups();
  p.sh = op.getStride()[0], p.sw = op.getStride()[1];
  p.dh = op.getDilation()[0], p.dw = op.getDilation()[1];
  p.pt = op.getPadBegin()[0], p.pl = op.getPadBegin()[1];
  p.pb = op.getPadEnd()[0], p.pr = op.getPadEnd()[1];
  p.srcStride = pixelStride(src), p.dstStride = pixelStride(dst);
  p.type = typeOf(op->getOperand(0));
  p.resultType = typeOf(op->getResult(0));
  return p;
}

/// c (m,n) = op(a) * op(b), all dense.
cudnn::Problem product(Operation *op, int64_t m, int64_t n, int64_t k, bool transposeA, bool transposeB) {
  cudnn::Problem p;
  p.kind = cudnn::Kind::MatMul;
  p.m = m, p.n = n, p.k = k;
  p.transposeA = transposeA, p.transposeB = transposeB;
  p.lda = transposeA ? m : k;
  p.ldb = transposeB ? k : n;
  p.ldc = n;
  p.type = typeOf(op->getOperand(0));
  p.resultType = typeOf(op->getResult(0));
  return p;
}

/// The problem that a library op poses, none for a reorder.
std::optional<cudnn::Problem> problemOf(Operation *op) {
  using Result = std::optional<cudnn::Problem>;
  using cudnn::Kind;
  return TypeSwitch<Operation *, Result>(op)
      .Case([](Conv2DOp conv) -> Result {
        auto p = convolution(conv, Kind::ConvolutionForward, conv.getSrc(), conv.getWeights(), conv.getDst());
        p.bias = bool(conv.getBias());
        if (p.bias)
          p.biasType = typeOf(conv.getBias());
        p.relu = conv.getRelu();
        p.residual = bool(conv.getResidual());
        p.scale = static_cast<float>(conv.getScale().convertToDouble());
        if (p.residual)
          p.residualStride = pixelStride(conv.getResidual());
        return p;
      })
      .Case([](Conv2DBackwardDataOp conv) -> Result {
        return convolution(conv, Kind::ConvolutionBackwardData, conv.getDiffSrc(), conv.getWeights(),
                           conv.getDiffDst());
      })
      .Case([](Conv2DBackwardWeightsOp conv) -> Result {
        return convolution(conv, Kind::ConvolutionBackwardWeights, conv.getSrc(), conv.getDiffWeights(),
                           conv.getDiffDst());
      })
      .Case([&](LinearOp linear) -> Result {
        ArrayRef<int64_t> src = shapeOf(linear.getSrc());
        auto p = product(op, src[0], shapeOf(linear.getWeights())[0], src[1], false, true);
        p.bias = bool(linear.getBias());
        if (p.bias)
          p.biasType = typeOf(linear.getBias());
        return p;
      })
      .Case([&](LinearBackwardDataOp linear) -> Result {
        ArrayRef<int64_t> diff = shapeOf(linear.getDiffDst()), w = shapeOf(linear.getWeights());
        return product(op, diff[0], w[1], w[0], false, false);
      })
      .Case([&](LinearBackwardWeightsOp linear) -> Result {
        // diff_weights (K,C) = transpose(diff_dst) * src: the first factor is the op's second operand.
        ArrayRef<int64_t> src = shapeOf(linear.getSrc()), diff = shapeOf(linear.getDiffDst());
        return product(op, diff[1], src[1], src[0], true, false);
      })
      .Default([](Operation *) -> Result { return std::nullopt; });
}

class CudaTarget final : public Target {
public:
  CudaTarget(PlanSource &plans, bool tf32, const Backend *backend) : plans(plans), tf32(tf32), owner(backend) {}

  const Backend *backend() const override { return owner; }

  void prepare(ModuleOp module) const override {
    std::vector<cudnn::Problem> problems;
    module.walk([&](GroupOp group) {
      if (!group.isLibrary())
        return;
      if (auto problem = problemFor(&group.getBody().front().front()))
        problems.push_back(*problem);
    });
    plans.prepare(problems);
  }

  bool acceptsSlice(Operation *op, Value value, ChannelSlice slice) const override {
    // Engines assume that addresses and pixels are 16 bytes apart.
    int64_t channels = kPixelBytes / elementBytes(getElementTypeOrSelf(value.getType()));
    if (slice.offset % channels != 0 || slice.stride % channels != 0)
      return false;
    // Gradients in bf16 and f16 have engines on tensor cores only that copy the slice through their workspace; those in
    // f32 transpose through it whatever the layout is.
    return isa<Conv2DOp>(op) ||
           (isa<Conv2DBackwardDataOp, Conv2DBackwardWeightsOp>(op) && getElementTypeOrSelf(value.getType()).isF32());
  }

  bool addsResidual(Operation *op) const override { return cast<Conv2DOp>(op).getGroups() == 1; }

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
    const cudnn::Choice *choice = plans.find(*problem, why);
    if (!choice)
      return failure();
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

  /// Enough chunks for a GPU to be busy: at most 512 blocks, of at least 64 rows.
  Reduction cutReduction(int64_t rows, int64_t channels) const override {
    constexpr int64_t kBlocks = 512, kBlockChannels = 512, kRows = 64;
    int64_t across = std::max<int64_t>(llvm::divideCeil(channels, kBlockChannels), 1);
    int64_t partials = std::clamp<int64_t>(kBlocks / across, 1, std::max<int64_t>(rows / kRows, 1));
    int64_t chunk = llvm::divideCeil(rows, partials);
    return {chunk, int64_t(llvm::divideCeil(rows, chunk))};
  }

private:
  std::optional<cudnn::Problem> problemFor(Operation *op) const {
    auto problem = problemOf(op);
    if (problem)
      problem->tf32 = tf32 && problem->type == cudnn::Type::F32;
    return problem;
  }

  PlanSource &plans;
  bool tf32;
  const Backend *owner;
};

} // namespace

std::shared_ptr<const Target> createCudaTarget(PlanSource &plans, bool tf32, const Backend *backend) {
  return std::make_shared<CudaTarget>(plans, tf32, backend);
}

FailureOr<cudnn::Problem> problemOf(DictionaryAttr config, std::string &error) {
  // What the problem's own encoding does not have is said of its plan.
  static constexpr llvm::StringLiteral kOfPlan[] = {"engine", "knobs", "impl"};
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
