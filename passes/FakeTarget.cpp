// SPDX-License-Identifier: Apache-2.0
//
// The target that pass tests use: answers are simple functions of the op.

#include "dialect/ExecMemory.h"
#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "passes/Layouts.h"
#include "passes/Target.h"
#include "passes/TilePlan.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace incept {

namespace {

/// Of weights that tiles are made of.
constexpr StringRef kTileFormat = "rows";

class FakeTarget final : public Target {
public:
  FakeTarget(bool joins, bool pairs, bool statistics, bool norms, bool prologues, bool strides)
      : joins(joins), pairs(pairs), statistics(statistics), norms(norms), prologues(prologues), strides(strides) {}

  bool acceptsSlice(Operation *op, Value value, ChannelSlice) const override {
    if (isByTiles(op))
      return true;
    auto conv = dyn_cast<Conv2DOp>(op);
    return conv && shapeOf(conv.getWeights())[2] == 1 && shapeOf(conv.getWeights())[3] == 1;
  }

  bool addsResidual(Operation *op) const override { return acceptsSlice(op, op->getResult(0), {}); }

  bool givesStatistics() const override { return statistics; }
  bool givesNormGradients() const override { return norms; }
  bool normalizesSources() const override { return prologues; }

  FailureOr<LibraryPlan> plan(Operation *op, StringRef weightsFormat, std::string &why) const override {
    auto weights = isa<Conv2DStatsOp, Conv2DBackwardNormOp>(op)
                       ? cast<WeightsOpInterface>(op).getWeightsOperand()->get()
                       : Value();
    if (auto conv = dyn_cast<Conv2DBackwardWeightsOp>(op); conv && conv.getFactor())
      weights = conv.getDiffWeights();
    if (weights && shapeOf(weights)[3] != 3) {
      why = "the window is not 3 wide";
      return failure();
    }
    LibraryPlan plan;
    bool isForward = isa<Conv2DOp, Conv2DStatsOp>(op);
    bool isData = isa<Conv2DBackwardDataOp, Conv2DBackwardNormOp>(op);
    plan.kind = isForward                          ? PlanKind::ConvolutionForward
                : isData                           ? PlanKind::ConvolutionBackwardData
                : isa<Conv2DBackwardWeightsOp>(op) ? PlanKind::ConvolutionBackwardWeights
                                                   : PlanKind::MatMul;
    plan.config = {{"src", formatShape(shapeOf(op->getOperand(0)))}, {"dst", formatShape(shapeOf(op->getResult(0)))}};
    plan.impl = "fake";
    plan.scratchpadBytes = 128;
    plan.weightsFormat = isForward || isa<Conv2DBackwardWeightsOp>(op) ? "blocked" : "";
    if (isData)
      plan.weightsFormat = "transposed";
    if (auto conv = dyn_cast<Conv2DOp>(op); conv && shapeOf(conv.getWeights())[2] == 5)
      plan.activations = shapeOf(conv.getWeights())[3] == 3 ? "nchw16c" : "nchw8c";
    if (auto conv = dyn_cast<Conv2DBackwardWeightsOp>(op); conv && shapeOf(conv.getDiffWeights())[2] == 5)
      plan.activations = "nchw8c";
    if (isByTiles(op)) {
      plan.impl = "tiles 2x1";
      plan.weightsFormat = kTileFormat.str();
      TilePlan tiles;
      tiles.shape = {7, 1, 2, 1, /*lanes=*/8};
      if (isStrided(op))
        tiles.shape = {3, 3, 2, 2, /*lanes=*/8, /*stride=*/2};
      tiles.block = 6;
      setTiles(plan, tiles);
      plan.config.push_back({kCandidates.str(), "direct 9 us; tiles 2x1 5 us"});
    }
    plan.reference = weightsFormat != "any" && weightsFormat != plan.weightsFormat;
    return plan;
  }

  FailureOr<LibraryPlan> planReorder(ArrayRef<int64_t> shape, Type element, StringRef from, StringRef to, bool scales,
                                     std::string &why) const override {
    LibraryPlan plan;
    plan.kind = PlanKind::Reorder;
    plan.config = {{"from", from.str()}, {"to", to.str()}, {"scales", scales ? "1" : "0"}};
    plan.impl = "fake";
    plan.weightsFormat = to.str();
    return plan;
  }

  FailureOr<int64_t> formatBytes(ArrayRef<int64_t> shape, Type element, StringRef format) const override {
    // Those of tiles, too, have no channels beside their own.
    bool padded = !format.empty() && format != "nhwc" && format != kTileFormat && shape.size() == 4;
    int64_t elements = 1;
    for (auto [index, dim] : llvm::enumerate(shape))
      elements *= padded && index < 2 ? llvm::alignTo(dim, 16) : dim;
    return elements * elementBytes(element);
  }

  FailureOr<std::string> rowsFormat(StringRef format, int64_t rows) const override {
    if (format == "transposed" || rows % 32 != 0)
      return failure();
    return format.str();
  }

  /// True for a convolution or gradient of stride 2.
  static bool isStrided(Operation *op) {
    auto stride = op->getAttrOfType<DenseI64ArrayAttr>("stride");
    return stride && llvm::all_of(stride.asArrayRef(), [](int64_t step) { return step == 2; });
  }

  /// True for a convolution or gradient of stride 1 with a window 7 high and 1 wide, and with the setting `strides` for
  /// one of stride 2 with a window of 3x3.
  bool isByTiles(Operation *op) const {
    auto weights = dyn_cast<WeightsOpInterface>(op);
    if (!weights)
      return false;
    ArrayRef<int64_t> shape =
        shapeOf(weights.getWeightsOperand() ? weights.getWeightsOperand()->get() : Value(weights.getWeightsResult()));
    auto stride = op->getAttrOfType<DenseI64ArrayAttr>("stride");
    bool isDense = !stride || llvm::all_of(stride.asArrayRef(), [](int64_t step) { return step == 1; });
    if (shape.size() != 4)
      return false;
    return isDense ? shape[2] == 7 && shape[3] == 1 : strides && isStrided(op) && shape[2] == 3 && shape[3] == 3;
  }

  Type gradientType(Operation *op) const override {
    return isa<Conv2DBackwardWeightsOp>(op) ? getElementTypeOrSelf(op->getOperand(0)) : Target::gradientType(op);
  }

  FailureOr<std::optional<LaunchShape>> shapeLaunch(exec::KernelOp launch, exec::KernelDefOp kernel) const override {
    constexpr int64_t kThreads = 32, kMostBlocks = 65535;
    LaunchShape shape;
    bool isWide = !launch.getExtents().empty() &&
                  llvm::all_of(launch.getExtents(), [](int64_t extent) { return extent % 16 == 0; });
    shape.width = isWide ? 2 : 1;
    for (const exec::LaunchPart &part : exec::partsOf(launch, kernel)) {
      int64_t blocks = llvm::divideCeil(kernel.getReach(part.extents).units, kThreads);
      if (blocks > kMostBlocks)
        return launch.emitOpError() << "needs " << blocks << " blocks: expected at most " << kMostBlocks;
      llvm::append_values(shape.grid, blocks, 1, 1);
      llvm::append_values(shape.block, kThreads, 1, 1);
    }
    return std::optional(shape);
  }

  bool joinsLaunches() const override { return joins; }
  bool runsBesideOthers(exec::KernelDefOp kernel) const override {
    return pairs && !isa<GlobalAvgPoolOp>(kernel.getBody().front().front());
  }

  double estimateSeconds(const LaunchWork &work) const override {
    return pairs ? double(work.cost.flops) * double(work.cost.flops) : 0;
  }

private:
  bool joins, pairs, statistics, norms, prologues, strides;
};

struct FakeKind final : TargetKind {
  std::string usage() const override { return "fake"; }
  Expected<TargetAttr> complete(TargetAttr given) const override {
    TargetSettings settings(given);
    settings.flag("joins");
    settings.flag("pairs");
    settings.flag("statistics");
    settings.flag("norms");
    settings.flag("prologues");
    settings.flag("strides");
    return settings.finish("");
  }
  Expected<std::shared_ptr<const Target>> make(TargetAttr attribute) const override {
    return std::shared_ptr<const Target>(std::make_shared<FakeTarget>(
        attribute.getFlag("joins"), attribute.getFlag("pairs"), attribute.getFlag("statistics"),
        attribute.getFlag("norms"), attribute.getFlag("prologues"), attribute.getFlag("strides")));
  }
};

} // namespace

void registerFakeTarget(DialectRegistry &registry) { registerTarget(registry, "fake", std::make_shared<FakeKind>()); }

} // namespace incept
