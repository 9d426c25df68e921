// SPDX-License-Identifier: Apache-2.0

#include "codegen/cpu/CpuBackend.h"
#include "codegen/Codegen.h"
#include "codegen/cpu/CompileKernels.h"
#include "codegen/cpu/CpuTarget.h"
#include "codegen/cpu/Processor.h"
#include "codegen/image/ImageWriter.h"
#include "runtime/device/cpu/OneDnn.h"

#include <thread>

using namespace mlir;

namespace incept::cpu {

namespace {

class CpuBackend final : public Backend {
public:
  explicit CpuBackend(TargetAttr attribute)
      : attribute(attribute), target(createCpuTarget(threads(), attribute.getFlag("same_bits"), this, model())) {}

  const Target *passTarget() const { return target.get(); }
  StringRef stub() const override { return "incept-stub-cpu"; }

  std::string identity() const override {
    std::string error;
    auto processor = Processor::find(cpu(), error);
    return failed(processor) ? error : processor->name + " " + processor->features;
  }

  FailureOr<std::string> emitImage(ModuleOp module) const override {
    std::string error;
    auto processor = Processor::find(cpu(), error);
    if (failed(processor))
      return module.emitError() << error;
    StringRef isa = attribute.getText("isa");
    if (!cpu().empty() && processor->isa != isa)
      return module.emitError() << "a program for '" << cpu() << "' needs oneDNN's plans for " << processor->isa
                                << ", but here they are for " << isa
                                << ": compile it on such a machine; --emit=object and --stop-after work here too";
    if (failed(verifyProgram(module)))
      return failure();
    auto kernels = compileKernels(module, kernelOptions());
    if (failed(kernels))
      return failure();
    ImageContents contents;
    contents.target.kind = "cpu";
    contents.target.texts = {{"isa", isa.str()}, {"onednn", attribute.getText("onednn").str()}};
    contents.target.numbers = {{"threads", threads()}, {"vector_bits", processor->vectorBits}};
    contents.blobs = {{"kernels", std::string(kernels->begin(), kernels->end())}};
    return writeImage(module, contents);
  }

  LogicalResult emitPart(ModuleOp module, StringRef kind, llvm::raw_ostream &stream) const override {
    if (kind != "object")
      return module.emitError() << "target cpu has no '" << kind << "' to emit: expected object";
    auto kernels = compileKernels(module, kernelOptions());
    if (failed(kernels))
      return failure();
    stream.write(kernels->data(), kernels->size());
    return success();
  }

private:
  std::string cpu() const { return attribute.getDevice().str(); }

  KernelOptions kernelOptions() const {
    KernelOptions options;
    options.cpu = cpu();
    return options;
  }

  /// What the attribute says, whose texts are such as there are.
  ConvolutionModel model() const {
    std::string error;
    auto processor = Processor::find(cpu(), error);
    ConvolutionModel result;
    result.choice = *ConvolutionChoice::parse(attribute.getText("convolutions"));
    result.lanes = failed(processor) ? 8 : processor->vectorBits / 32;
    auto given = ConvolutionCosts::parse(attribute.getText("costs"));
    result.costs = given ? *given : ConvolutionCosts::shipped(result.lanes);
    return result;
  }

  int64_t threads() const { return attribute.getNumber("threads", 1); }

  TargetAttr attribute;
  std::shared_ptr<const Target> target;
};

struct CpuKind final : TargetKind {
  std::string usage() const override { return "cpu"; }

  Expected<TargetAttr> complete(TargetAttr given) const override {
    // Texts that nothing stands for where they are left out. "fast" is left out.
    NamedAttrList others(given.getSettings()), texts;
    for (StringRef key : {"convolutions", "costs"})
      if (Attribute text = others.erase(key))
        texts.set(key, text);
    auto said = dyn_cast_if_present<StringAttr>(texts.get("convolutions"));
    if ((texts.get("convolutions") && !said) || !ConvolutionChoice::parse(said ? said.getValue() : ""))
      return usageError("expected direct, fast or max-error=E with 0 < E < 1 as convolutions, but got '" +
                        (said ? said.str() : "") + "'");
    auto costs = dyn_cast_if_present<StringAttr>(texts.get("costs"));
    if (texts.get("costs") && !(costs && ConvolutionCosts::parse(costs)))
      return usageError("expected the costs that incept tune prints, such as '" + ConvolutionCosts::shipped(8).text() +
                        "', but got '" + (costs ? costs.str() : "") + "'");
    if (said && said.getValue() == "fast")
      texts.erase("convolutions");
    auto finished = completeOthers(TargetAttr::get(given.getContext(), given.getKind(), given.getDevice(),
                                                   others.getDictionary(given.getContext())));
    if (!finished || texts.empty())
      return finished;
    NamedAttrList all(finished->getSettings());
    all.append(texts.begin(), texts.end());
    return TargetAttr::get(given.getContext(), given.getKind(), finished->getDevice(),
                           all.getDictionary(given.getContext()));
  }

  Expected<std::shared_ptr<const Target>> make(TargetAttr attribute) const override {
    auto backend = std::make_shared<const CpuBackend>(attribute);
    return std::shared_ptr<const Target>(backend, backend->passTarget());
  }

private:
  /// The attribute without what it says of convolutions and costs.
  static Expected<TargetAttr> completeOthers(TargetAttr given) {
    std::string device = given.getDevice().str(), error;
    auto processor = Processor::find(device, error);
    if (failed(processor))
      return usageError(error);
    // A complete attribute has what is left of the processor's instruction sets here.
    std::string isa = given.getText("isa").empty() ? processor->isa : given.getText("isa").str();
    if (!device.empty() && !onednn::limitIsa(isa, error))
      return machineError(error);
    TargetSettings settings(given);
    settings.number("threads", std::max(1u, std::thread::hardware_concurrency()), 1);
    settings.flag("same_bits");
    settings.fact("isa", onednn::isa());
    settings.fact("onednn", onednn::version());
    return settings.finish(device);
  }
};

} // namespace

void registerTarget(DialectRegistry &registry) { incept::registerTarget(registry, "cpu", std::make_shared<CpuKind>()); }

} // namespace incept::cpu
