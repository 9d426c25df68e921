// SPDX-License-Identifier: Apache-2.0
//
// Targets by name. The kinds that a context knows, and the targets that were made there, belong to an interface of the
// incept dialect, so nothing outlives the context and two contexts share nothing.

#include "passes/Target.h"
#include "dialect/InceptOps.h"
#include "mlir/IR/DialectInterface.h"
#include "passes/LaunchCost.h"
#include "llvm/ADT/StringExtras.h"

#include <map>
#include <mutex>

using namespace mlir;

namespace incept {

namespace {

class TargetRegistry final : public DialectInterface::Base<TargetRegistry> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TargetRegistry)

  explicit TargetRegistry(Dialect *dialect) : Base(dialect) {}

  static Expected<TargetRegistry *> of(TargetAttr attribute) {
    if (auto *registry = attribute.getDialect().getRegisteredInterface<TargetRegistry>())
      return registry;
    return usageError("this program knows no targets");
  }

  Expected<const TargetKind *> kindOf(TargetAttr attribute) const {
    if (auto found = kinds.find(attribute.getKind()); found != kinds.end())
      return found->second.get();
    SmallVector<std::string> usages;
    for (const auto &[name, kind] : kinds)
      usages.push_back(kind->usage());
    return usageError("unknown target '" + attribute.getKind().str() + "': expected " + llvm::join(usages, " or "));
  }

  Expected<const Target *> find(TargetAttr attribute) {
    // Passes on functions ask from several threads.
    std::lock_guard lock(mutex);
    std::shared_ptr<const Target> &target = targets[attribute];
    if (!target) {
      auto kind = kindOf(attribute);
      if (!kind)
        return kind.status();
      auto complete = (*kind)->complete(attribute);
      if (!complete)
        return complete.status();
      auto made = (*kind)->make(*complete);
      if (!made)
        return made.status();
      target = std::move(*made);
    }
    return target.get();
  }

  std::map<std::string, std::shared_ptr<const TargetKind>, std::less<>> kinds;

private:
  std::mutex mutex; ///< guards `targets`
  DenseMap<TargetAttr, std::shared_ptr<const Target>> targets;
};

class TargetExtension final : public DialectExtension<TargetExtension, InceptDialect> {
public:
  TargetExtension(StringRef name, std::shared_ptr<const TargetKind> kind) : name(name), kind(std::move(kind)) {}

  void apply(MLIRContext *, InceptDialect *dialect) const override {
    auto *registry = dialect->getRegisteredInterface<TargetRegistry>();
    if (!registry)
      registry = &dialect->addInterface<TargetRegistry>();
    registry->kinds[name] = kind;
  }

private:
  std::string name;
  std::shared_ptr<const TargetKind> kind;
};

} // namespace

LogicalResult Target::verifyPlan(exec::PlanOp, std::string &) const { return success(); }

LogicalResult Target::verifyPlanOf(Operation *, exec::PlanOp, std::string &) const { return success(); }

Reduction Target::cutReduction(int64_t rows, int64_t, int64_t) const { return incept::cutReduction(rows); }

Type Target::gradientType(Operation *op) const { return Float32Type::get(op->getContext()); }

bool Target::runsBesideOthers(exec::KernelDefOp) const { return false; }

FailureOr<std::optional<LaunchShape>> Target::shapeLaunch(exec::KernelOp, exec::KernelDefOp) const {
  return std::optional<LaunchShape>();
}

LaunchWork Target::describeLaunch(Operation *launch) const {
  LaunchWork work;
  work.kind = isa<exec::LibraryOp>(launch) ? LaunchKind::Library : LaunchKind::Other;
  work.cost = launchCost(launch);
  return work;
}

LaunchWork Target::describeCall(const LibraryPlan &, LaunchCost cost) const {
  return {LaunchKind::Library, Arithmetic::F32, cost};
}

Attribute TargetSettings::take(StringRef key) {
  known.push_back(key);
  return given.getSettings().get(key);
}

void TargetSettings::refuse(Status why) {
  if (status.ok())
    status = std::move(why);
}

void TargetSettings::number(StringRef key, int64_t otherwise, int64_t least) {
  Attribute value = take(key);
  auto number = dyn_cast_if_present<IntegerAttr>(value);
  if (value && (!number || number.getInt() < least))
    return refuse(usageError("target " + given.getKind().str() + " expects a number of at least " +
                             std::to_string(least) + " as '" + key.str() + "'"));
  settings.set(key, number ? number : Builder(given.getContext()).getI64IntegerAttr(otherwise));
}

void TargetSettings::flag(StringRef key) {
  if (Attribute value = take(key))
    settings.set(key, UnitAttr::get(given.getContext()));
}

void TargetSettings::fact(StringRef key, StringRef here) {
  Attribute value = take(key);
  auto text = StringAttr::get(given.getContext(), here);
  if (value && value != text) {
    auto said = dyn_cast<StringAttr>(value);
    return refuse(machineError("the target says " + key.str() + " '" + (said ? said.str() : "") +
                               "', but here it is '" + here.str() +
                               "': compile the description again on this machine"));
  }
  settings.set(key, text);
}

Expected<TargetAttr> TargetSettings::finish(StringRef device) {
  for (NamedAttribute setting : given.getSettings())
    if (!llvm::is_contained(known, setting.getName()))
      refuse(usageError("target " + given.getKind().str() + " has no setting '" + setting.getName().str() + "'" +
                        (known.empty() ? "" : ": expected " + llvm::join(known, ", "))));
  if (device.empty() && !given.getDevice().empty())
    refuse(
        usageError("target " + given.getKind().str() + " has no devices, but got '" + given.getDevice().str() + "'"));
  if (!status.ok())
    return status;
  return TargetAttr::get(given.getContext(), given.getKind(), device, settings.getDictionary(given.getContext()));
}

void registerTarget(DialectRegistry &registry, StringRef name, std::shared_ptr<const TargetKind> kind) {
  TypeID id = TypeID::getFromOpaquePointer(kind.get());
  registry.addExtension(id, std::make_unique<TargetExtension>(name, std::move(kind)));
}

Expected<TargetAttr> completeTarget(TargetAttr given) {
  auto registry = TargetRegistry::of(given);
  if (!registry)
    return registry.status();
  auto kind = (*registry)->kindOf(given);
  return kind ? (*kind)->complete(given) : Expected<TargetAttr>(kind.status());
}

Expected<const Target *> findTarget(TargetAttr attribute) {
  auto registry = TargetRegistry::of(attribute);
  return registry ? (*registry)->find(attribute) : Expected<const Target *>(registry.status());
}

const Target *findTarget(Operation *op) {
  auto module = isa<ModuleOp>(op) ? cast<ModuleOp>(op) : op->getParentOfType<ModuleOp>();
  auto attribute = module->getAttrOfType<TargetAttr>(InceptDialect::kTargetAttr);
  if (!attribute) {
    module.emitError() << "expected the module's attribute incept.target, such as #incept.target<cpu>";
    return nullptr;
  }
  auto target = findTarget(attribute);
  if (!target)
    module.emitError() << target.status().message();
  return target ? *target : nullptr;
}

} // namespace incept
