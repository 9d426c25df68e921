// SPDX-License-Identifier: Apache-2.0

#include "codegen/cuda/CudaBackend.h"
#include "codegen/cuda/CompileKernels.h"
#include "codegen/cuda/CudaTarget.h"
#include "codegen/cuda/plans/OpenCudnn.h"
#include "codegen/cuda/plans/PlanBuilder.h"
#include "codegen/image/ImageWriter.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace incept::cuda {

namespace {

/// Everything that comes of an exec-phase module.
struct Artefacts {
  LaunchShapes shapes;
  std::string ptx, cubin;
};

class CudaBackend final : public Backend {
public:
  CudaBackend(const BackendOptions &options, DeviceProfile device, std::shared_ptr<const cudnn::Library> library)
      : options(options), device(std::move(device)), library(std::move(library)),
        plans(this->library, this->device, builderOptions(options)), passTarget(createCudaTarget(plans, options.tf32)) {
  }

  std::shared_ptr<const Target> target() const override { return passTarget; }
  StringRef stub() const override { return "incept-stub-cuda"; }
  std::string identity() const override {
    std::string text;
    llvm::raw_string_ostream stream(text);
    std::string assembler = this->assembler();
    stream << device.name << " " << device.arch << " ptx " << device.ptxVersion << " " << device.cudnnProperties
           << " cuDNN " << library->version() << " " << assembler;
    if (llvm::sys::fs::file_status file; !llvm::sys::fs::status(assembler, file))
      stream << " " << file.getSize() << " " << llvm::sys::toTimeT(file.getLastModificationTime());
    return text;
  }

  FailureOr<std::string> emitImage(ModuleOp module, StringRef specText) const override {
    auto artefacts = compileKernels(module, /*cubin=*/true);
    if (failed(artefacts))
      return failure();
    ImageContents contents;
    contents.target.kind = "cuda";
    contents.target.texts = {{"device", device.name}, {"arch", device.arch}, {"cudnn", library->version()}};
    contents.target.numbers = {{"threads", options.threads}};
    contents.specText = specText.str();
    contents.tf32 = options.tf32;
    contents.grids = grids(artefacts->shapes);
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
      return module.emitError() << "target '" << options.target << "' has no '" << kind
                                << "' to emit: expected ptx, cubin or plans";
    auto artefacts = compileKernels(module, kind == "cubin");
    if (failed(artefacts))
      return failure();
    stream << (kind == "ptx" ? artefacts->ptx : artefacts->cubin);
    return success();
  }

  std::optional<Peaks> peaks(StringRef precision) const override {
    int64_t tensorCore = precision == "f16"    ? device.peakF16
                         : precision == "bf16" ? device.peakBf16
                         : options.tf32        ? device.peakTf32
                                               : device.peakF32;
    return Peaks{double(device.memoryBytesPerSecond), double(device.peakF32), double(tensorCore)};
  }

  std::vector<std::string> explain(exec::PlanOp plan) const override {
    const cudnn::Choice *choice = choiceOf(plan);
    return choice ? choice->declined : std::vector<std::string>();
  }

private:
  static PlanBuilderOptions builderOptions(const BackendOptions &options) {
    PlanBuilderOptions builder;
    if (!options.planCache.empty())
      builder.cacheDirectory = options.planCache;
    builder.workspaceLimit = uint64_t(options.workspaceLimit) << 20;
    if (llvm::sys::Process::StandardErrIsDisplayed())
      builder.progress = [](size_t done, size_t total) {
        llvm::errs() << "\rcuDNN plans: " << done << " of " << total << (done == total ? "\n" : "");
      };
    return builder;
  }

  Architecture architecture() const { return {device.arch, "+ptx" + std::to_string(device.ptxVersion)}; }

  /// The toolkit's assembler that this project was configured with, else the one in PATH.
  static std::string assembler() {
    if (llvm::sys::fs::can_execute(INCEPT_PTXAS))
      return INCEPT_PTXAS;
    auto found = llvm::sys::findProgramByName("ptxas");
    return found ? *found : "ptxas";
  }

  FailureOr<Artefacts> compileKernels(ModuleOp module, bool cubin) const {
    auto shapes = shapeLaunches(module);
    if (failed(shapes))
      return failure();
    Artefacts artefacts;
    auto ptx = compileToPtx(module, shapes->variants, architecture());
    if (failed(ptx))
      return failure();
    if (cubin) {
      std::string error;
      auto assembled = assemble(*ptx, assembler(), architecture(), error);
      if (failed(assembled))
        return module.emitError(error);
      artefacts.cubin.assign(assembled->begin(), assembled->end());
    }
    artefacts.ptx = std::move(*ptx);
    artefacts.shapes = std::move(*shapes);
    return artefacts;
  }

  static Grids grids(const LaunchShapes &shapes) {
    Grids grids;
    for (const Variant &variant : shapes.variants)
      grids.kernels.push_back({variant.symbol, variant.definition});
    for (const auto &[op, shape] : shapes.launches)
      grids.launches[op] = {shape.variant, shape.grid, shape.block};
    return grids;
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

  BackendOptions options;
  DeviceProfile device;
  std::shared_ptr<const cudnn::Library> library;
  mutable PlanBuilder plans;
  std::shared_ptr<const Target> passTarget;
};

} // namespace

std::unique_ptr<Backend> createBackend(const BackendOptions &options, StringRef device, std::string &error,
                                       bool &isUsage) {
  auto profile = findDeviceProfile(device.str());
  isUsage = !profile;
  if (!profile) {
    error = profile.status().message();
    return nullptr;
  }
  auto library = openCudnn("", error);
  if (!library)
    return nullptr;
  return std::make_unique<CudaBackend>(options, std::move(*profile), std::move(library));
}

} // namespace incept::cuda
