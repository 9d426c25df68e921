// SPDX-License-Identifier: Apache-2.0

#include "codegen/cpu/Processor.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;

namespace incept::cpu {

static const llvm::Target *nativeTarget(std::string &error) {
  static const bool initialized = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    return true;
  }();
  (void)initialized;
  return llvm::TargetRegistry::lookupTarget(llvm::Triple(llvm::sys::getDefaultTargetTriple()), error);
}

/// oneDNN's instruction sets above AVX2, the highest first, and what a processor needs for them.
constexpr struct {
  const char *name, *features;
} kIsas[] = {
    {"avx512_core_amx", "+avx512f,+avx512bw,+avx512vl,+avx512dq,+avx512vnni,+avx512bf16,+amx-tile,+amx-int8,+amx-bf16"},
    {"avx512_core_bf16", "+avx512f,+avx512bw,+avx512vl,+avx512dq,+avx512vnni,+avx512bf16"},
    {"avx512_core_vnni", "+avx512f,+avx512bw,+avx512vl,+avx512dq,+avx512vnni"},
    {"avx512_core", "+avx512f,+avx512bw,+avx512vl,+avx512dq"},
    {"avx2_vnni", "+avxvnni"}};

FailureOr<Processor> Processor::find(StringRef name, std::string &error) {
  Processor processor;
  processor.asked = name.str();
  processor.name = name.empty() ? llvm::sys::getHostCPUName().str() : name.str();
  if (name.empty()) {
    SmallVector<std::string> features;
    for (auto &[feature, present] : llvm::sys::getHostCPUFeatures())
      features.push_back((llvm::Twine(present ? "+" : "-") + feature).str());
    llvm::sort(features);
    processor.features = llvm::join(features, ",");
  }
  const llvm::Target *target = nativeTarget(error);
  if (!target)
    return failure();
  llvm::Triple triple(llvm::sys::getDefaultTargetTriple());
  std::unique_ptr<llvm::MCSubtargetInfo> base(target->createMCSubtargetInfo(triple, "generic", ""));
  if (!base || !base->isCPUStringValid(processor.name)) {
    error = "unknown CPU '" + processor.name + "': expected a processor as LLVM calls it, e.g. x86-64-v3 or znver4";
    return failure();
  }
  std::unique_ptr<llvm::MCSubtargetInfo> info(
      target->createMCSubtargetInfo(triple, processor.name, processor.features));
  if (!triple.isX86())
    return processor;
  // Without them, rounding and fused multiply-add are library calls, and there is no library.
  if (!info->checkFeatures("+avx2,+fma")) {
    error = "expected a CPU with AVX2 and FMA, but '" + processor.name + "' lacks them: choose x86-64-v3 or newer";
    return failure();
  }
  for (const auto &entry : kIsas)
    if (info->checkFeatures(entry.features)) {
      processor.isa = entry.name;
      break;
    }
  processor.vectorBits = info->checkFeatures("+avx512f,+avx512bw,+avx512vl") ? 512 : 256;
  return processor;
}

std::unique_ptr<llvm::TargetMachine> Processor::createTargetMachine(std::string &error) const {
  const llvm::Target *target = nativeTarget(error);
  if (!target)
    return nullptr;
  llvm::TargetOptions options;
  // The formulas say where a multiply and an add are one operation.
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  return std::unique_ptr<llvm::TargetMachine>(
      target->createTargetMachine(llvm::Triple(llvm::sys::getDefaultTargetTriple()), name, features, options,
                                  llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

} // namespace incept::cpu
