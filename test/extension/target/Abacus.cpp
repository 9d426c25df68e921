// SPDX-License-Identifier: Apache-2.0

#include "test/extension/target/Abacus.h"
#include "codegen/Codegen.h"
#include "codegen/Problems.h"
#include "dialect/InceptOps.h"
#include "dialect/VerifierUtils.h"
#include "passes/Layouts.h"
#include "passes/Target.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace incept::test {

namespace {

constexpr int64_t kBeads = 8;

/// What programs for an abacus are: a list of what is to be moved.
class AbacusBackend final : public Backend {
public:
  StringRef stub() const override { return "incept-stub-abacus"; }

  std::string identity() const override { return "wood"; }

  FailureOr<std::string> emitImage(ModuleOp module) const override {
    return module.emitError() << "an abacus has no executables: emit its moves";
  }

  LogicalResult emitPart(ModuleOp module, StringRef kind, llvm::raw_ostream &stream) const override {
    if (kind != "moves")
      return module.emitError() << "an abacus has no '" << kind << "' to emit: expected moves";
    module.walk([&](Operation *op) {
      if (auto library = dyn_cast<exec::LibraryOp>(op))
        stream << "library " << library.getPlan() << "\n";
      if (auto kernel = dyn_cast<exec::KernelOp>(op))
        stream << "kernel " << kernel.getKernel() << " " << kernel.getUnits() << "\n";
    });
    return success();
  }
};

class Abacus final : public Target {
public:
  explicit Abacus(int64_t beads) : beads(beads) {}

  bool acceptsSlice(Operation *, Value, ChannelSlice slice) const override {
    return slice.offset % beads == 0 && slice.stride % beads == 0;
  }

  FailureOr<LibraryPlan> plan(Operation *op, StringRef weightsFormat, std::string &why) const override {
    auto described = describeProblem(op);
    if (!described) {
      why = ("an abacus cannot do '" + op->getName().getStringRef() + "'").str();
      return failure();
    }
    constexpr PlanKind kKinds[] = {PlanKind::ConvolutionForward, PlanKind::ConvolutionBackwardData,
                                   PlanKind::ConvolutionBackwardWeights, PlanKind::MatMul};
    LibraryPlan plan;
    plan.kind = kKinds[size_t(described->problem.kind)];
    plan.config = {{"beads", std::to_string(beads)}};
    plan.impl = "rows of " + std::to_string(beads);
    plan.weightsFormat = plan.kind == PlanKind::MatMul ? "" : "rows";
    plan.scratchpadBytes = 4 * beads;
    plan.swapOperands = isa<LinearBackwardWeightsOp>(op);
    return plan;
  }

  FailureOr<LibraryPlan> planReorder(ArrayRef<int64_t>, Type, StringRef from, StringRef to, bool,
                                     std::string &) const override {
    LibraryPlan plan;
    plan.kind = PlanKind::Reorder;
    plan.config = {{"from", from.str()}, {"to", to.str()}};
    plan.impl = "by hand";
    plan.weightsFormat = to.str();
    return plan;
  }

  FailureOr<int64_t> formatBytes(ArrayRef<int64_t> shape, Type element, StringRef format) const override {
    auto elements = countElements(shape);
    if (failed(elements) || (!format.empty() && format != "nhwc" && format != "rows"))
      return failure();
    // The last row of beads is whole.
    return (format == "rows" ? llvm::alignTo(*elements, beads) : *elements) * elementBytes(element);
  }

  FailureOr<std::string> rowsFormat(StringRef format, int64_t) const override { return format.str(); }

  const Backend *backend() const override { return &maker; }

private:
  int64_t beads;
  AbacusBackend maker;
};

struct AbacusKind final : TargetKind {
  std::string usage() const override { return "abacus:SIZE"; }

  Expected<TargetAttr> complete(TargetAttr given) const override {
    if (given.getDevice() != "small" && given.getDevice() != "large")
      return usageError("an abacus is small or large, but got '" + given.getDevice().str() + "'");
    TargetSettings settings(given);
    settings.number("beads", kBeads, 1);
    settings.fact("wood", "beech");
    return settings.finish(given.getDevice());
  }

  Expected<std::shared_ptr<const Target>> make(TargetAttr attribute) const override {
    return std::shared_ptr<const Target>(std::make_shared<Abacus>(attribute.getNumber("beads", kBeads)));
  }
};

} // namespace

void registerAbacus(DialectRegistry &registry) { registerTarget(registry, "abacus", std::make_shared<AbacusKind>()); }

} // namespace incept::test
