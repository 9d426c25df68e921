// SPDX-License-Identifier: Apache-2.0

#include "codegen/cuda/CudaBackend.h"
#include "codegen/Codegen.h"
#include "codegen/cuda/Assembler.h"
#include "codegen/cuda/CompileKernels.h"
#include "codegen/cuda/CudaTarget.h"
#include "codegen/cuda/plans/OpenCudnn.h"
#include "codegen/cuda/plans/PlanBuilder.h"
#include "codegen/image/ImageWriter.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

#include <mutex>
#include <thread>

using namespace mlir;

namespace incept::cuda {

namespace {

constexpr int64_t kWorkspaceLimit = 256; // MiB

/// What becomes of the kernels of an exec-phase module.
struct Artefacts {
  std::string ptx, cubin;
};

class CudaBackend final : public Backend {
public:
  CudaBackend(TargetAttr attribute, const std::string &planCache, DeviceProfile device,
              std::shared_ptr<const cudnn::Library> library)
      : attribute(attribute), device(std::move(device)), library(std::move(library)),
        plans(this->library, this->device, builderOptions(attribute, planCache)),
        assembler(findPtxas(), planCache.empty() ? cacheDirectory(CacheKind::Cubins) : planCache),
        target(createCudaTarget(plans, tf32(), this->device.multiprocessors, this, this->device.costs)) {}

  const Target *passTarget() const { return target.get(); }
  StringRef stub() const override { return "incept-stub-cuda"; }
  std::string identity() const override {
    return device.arch + " ptx " + std::to_string(device.ptxVersion) + " " + device.cudnnProperties + " " +
           assembler.identity();
  }

  FailureOr<std::string> emitImage(ModuleOp module) const override {
    if (failed(verifyProgram(module)))
      return failure();
    auto artefacts = compileKernels(module, /*cubin=*/true);
    if (failed(artefacts))
      return failure();
    ImageContents contents;
    contents.target.kind = "cuda";
    contents.target.texts = {
        {"device", device.name}, {"card", device.card}, {"arch", device.arch}, {"cudnn", library->version()}};
    contents.target.numbers = {{"threads", attribute.getNumber("threads", 1)},
                               {"multiprocessors", device.multiprocessors}};
    contents.launchesGrids = true;
    contents.tf32 = tf32();
    std::string serialized;
    if (failed(serializePlans(module, serialized, contents)))
      return failure();
    contents.blobs = {
        {"ptx", std::move(artefacts->ptx)}, {"cubin", std::move(artefacts->cubin)}, {"plans", std::move(serialized)}};
    return writeImage(module, contents);
  }

  LogicalResult emitPart(ModuleOp module, StringRef kind, llvm::raw_ostream &stream) const override {
    if (kind == "plans") {
      for (exec::PlanOp plan : module.getOps<exec::PlanOp>()) {
        const cudnn::Choice *choice = choiceOf(plan);
        if (!choice)
          return failure();
        stream << choice->serialized << "\n";
      }
      return success();
    }
    if (kind != "ptx" && kind != "cubin")
      return module.emitError() << "target '" << attribute.getName() << "' has no '" << kind
                                << "' to emit: expected ptx, cubin or plans";
    auto artefacts = compileKernels(module, kind == "cubin");
    if (failed(artefacts))
      return failure();
    stream << (kind == "ptx" ? artefacts->ptx : artefacts->cubin);
    return success();
  }

  /// Without what the driver and cuDNN's kernels take.
  int64_t memoryBytes() const override { return device.memoryBytes / 10 * 9; }
  std::optional<Peaks> peaks(StringRef precision) const override {
    int64_t tensorCore = precision == "f16"    ? device.peakF16
                         : precision == "bf16" ? device.peakBf16
                         : tf32()              ? device.peakTf32
                                               : device.peakF32;
    return Peaks{double(device.memoryBytesPerSecond), double(device.peakF32), double(tensorCore)};
  }
  std::string costs() const override {
    if (!device.costs)
      return "";
    return device.costs->measuredOn.empty() ? "assumed, not measured" : "measured on " + device.costs->measuredOn;
  }

  std::vector<std::string> explain(exec::PlanOp plan) const override {
    const cudnn::Choice *choice = choiceOf(plan);
    return choice ? choice->declined : std::vector<std::string>();
  }

private:
  bool tf32() const { return attribute.getFlag("tf32"); }

  static PlanBuilderOptions builderOptions(TargetAttr attribute, const std::string &planCache) {
    PlanBuilderOptions builder;
    builder.tools = planTools();
    if (!planCache.empty())
      builder.cacheDirectory = planCache;
    builder.workspaceLimit = uint64_t(attribute.getNumber("workspace_limit", kWorkspaceLimit)) << 20;
    if (llvm::sys::Process::StandardErrIsDisplayed())
      builder.progress = [](size_t done, size_t total) {
        llvm::errs() << "\rcuDNN plans: " << done << " of " << total << (done == total ? "\n" : "");
      };
    return builder;
  }

  Architecture architecture() const { return {device.arch, "+ptx" + std::to_string(device.ptxVersion)}; }

  /// The toolkit's assembler that this project was configured with, else the one in PATH.
  static std::string findPtxas() {
    if (llvm::sys::fs::can_execute(INCEPT_PTXAS))
      return INCEPT_PTXAS;
    auto found = llvm::sys::findProgramByName("ptxas");
    return found ? *found : "ptxas";
  }

  FailureOr<Artefacts> compileKernels(ModuleOp module, bool cubin) const {
    Artefacts artefacts;
    auto ptx = compileToPtx(module, architecture());
    if (failed(ptx))
      return failure();
    if (cubin) {
      std::string error;
      auto assembled = assembler.assemble(*ptx, device.arch, error);
      if (failed(assembled))
        return module.emitError(error);
      artefacts.cubin = std::move(*assembled);
    }
    artefacts.ptx = std::move(*ptx);
    return artefacts;
  }

  /// The choice behind a plan of the module; null after a diagnostic.
  const cudnn::Choice *choiceOf(exec::PlanOp plan) const {
    std::string error;
    auto problem = problemOf(plan.getConfig(), error);
    const cudnn::Choice *choice = succeeded(problem) ? plans.find(*problem, error) : nullptr;
    if (!choice)
      plan.emitOpError() << error;
    return choice;
  }

  /// The plans' texts one after the other, and where each lies.
  LogicalResult serializePlans(ModuleOp module, std::string &serialized, ImageContents &contents) const {
    for (exec::PlanOp plan : module.getOps<exec::PlanOp>()) {
      const cudnn::Choice *choice = choiceOf(plan);
      if (!choice)
        return failure();
      contents.serializedPlans[plan.getSymName()] = {serialized.size(), choice->serialized.size()};
      serialized += choice->serialized;
    }
    return success();
  }

  TargetAttr attribute;
  DeviceProfile device;
  std::shared_ptr<const cudnn::Library> library;
  mutable PlanBuilder plans;
  Assembler assembler;
  std::shared_ptr<const Target> target;
};

class CudaKind final : public TargetKind {
public:
  explicit CudaKind(std::string planCache) : planCache(std::move(planCache)) {}

  std::string usage() const override { return "cuda:DEVICE, e.g. cuda:h100"; }

  Expected<TargetAttr> complete(TargetAttr given) const override {
    std::string name = given.getDevice().str();
    auto profile = findDeviceProfile(name);
    if (!profile)
      return profile.status();
    auto cudnn = library();
    if (!cudnn)
      return cudnn.status();
    TargetSettings settings(given);
    settings.number("threads", std::max(1u, std::thread::hardware_concurrency()), 1);
    settings.number("workspace_limit", kWorkspaceLimit, 0);
    settings.flag("tf32");
    settings.fact("cudnn", (*cudnn)->version());
    // The text of a profile that is compiled in depends on its name alone.
    bool isFile = StringRef(name).ends_with(".json");
    if (isFile)
      if (auto text = llvm::MemoryBuffer::getFile(name))
        settings.fact("profile", llvm::utohexstr(llvm::xxh3_64bits((*text)->getBuffer()), /*LowerCase=*/true, 16));
    return settings.finish(isFile ? name : profile->name);
  }

  Expected<std::shared_ptr<const Target>> make(TargetAttr attribute) const override {
    auto profile = findDeviceProfile(attribute.getDevice().str());
    if (!profile)
      return profile.status();
    auto cudnn = library();
    if (!cudnn)
      return cudnn.status();
    auto backend = std::make_shared<const CudaBackend>(attribute, planCache, std::move(*profile), std::move(*cudnn));
    return std::shared_ptr<const Target>(backend, backend->passTarget());
  }

private:
  /// Opened once, when the first target is asked for.
  Expected<std::shared_ptr<const cudnn::Library>> library() const {
    std::lock_guard lock(mutex);
    std::string error;
    if (!opened && !(opened = openCudnn("", error)))
      return machineError(error);
    return opened;
  }

  std::string planCache;
  mutable std::mutex mutex; ///< guards `opened`
  mutable std::shared_ptr<const cudnn::Library> opened;
};

} // namespace

void registerTarget(DialectRegistry &registry, const std::string &planCache) {
  incept::registerTarget(registry, "cuda", std::make_shared<CudaKind>(planCache));
}

} // namespace incept::cuda
