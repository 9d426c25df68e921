// SPDX-License-Identifier: Apache-2.0

#include "tools/incept/Draw.h"
#include "passes/Target.h"
#include "tools/Output.h"
#include "tools/incept/DrawLaunches.h"
#include "tools/incept/DrawMemory.h"
#include "tools/incept/LaunchReport.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

using namespace mlir;

namespace incept {

static int complain(int status, const llvm::Twine &message) {
  llvm::errs() << "incept: error: " << message << "\n";
  return status;
}

/// Graphviz's own program draws: where things lie is its art.
static int runDot(StringRef text, StringRef form, const std::string &output) {
  auto program = llvm::sys::findProgramByName("dot");
  if (!program)
    return complain(kMachineAtFault, "expected Graphviz's program 'dot' to draw '" + output +
                                         "': install graphviz, or give a file that ends in .dot");
  SmallString<128> input;
  if (std::error_code error = llvm::sys::fs::createTemporaryFile("incept", "dot", input))
    return complain(kMachineAtFault, "cannot make a temporary file: " + error.message());
  int status = writeText(input, text, "incept");
  std::string problem;
  if (status == kDone &&
      llvm::sys::ExecuteAndWait(*program, {*program, ("-T" + form).str(), "-o", output, input}, std::nullopt, {},
                                /*SecondsToWait=*/300, /*MemoryLimit=*/0, &problem) != 0)
    status = complain(kMachineAtFault,
                      "'" + *program + "' could not draw '" + output + "'" + (problem.empty() ? "" : ": " + problem));
  llvm::sys::fs::remove(input);
  return status;
}

static int drawCompiled(MLIRContext &context, ModuleOp module, const CompileOptions &options,
                        const DrawOptions &drawing, StringRef form) {
  int status = kDone;
  auto target = describeTarget(context, options, /*known=*/{}, status);
  if (!target)
    return status;
  module->setAttr(InceptDialect::kTargetAttr, target);
  bool memory = drawing.what == DrawOptions::What::Memory;
  const Target *found = findTarget(module);
  if (!found || !found->backend())
    return complain(kUsage, "no programs can be made for this target");
  for (Phase phase : kPhases) {
    if (failed(runPhase(module, phase, options, *found->backend())))
      return kInputAtFault;
    if (memory && phase == Phase::Planned)
      break;
  }
  std::vector<LaunchReport> launches;
  if (!memory)
    launches = collectLaunches(module, *found, found->backend()->peaks(options.phases.precision));
  auto svg = memory ? drawMemory(module) : FailureOr<Svg>(drawLaunches(launches));
  if (failed(svg))
    return kMachineAtFault;
  auto name = module->getAttrOfType<StringAttr>("incept.network");
  std::string title = (name ? name.str() : "network") + (memory ? ": memory" : ": launches");
  std::string list = memory ? "" : listLaunches(launches);
  return writeText(drawing.output, form == "html" ? svg->html(title, list) : svg->svg(), "incept");
}

int draw(const CompileOptions &options, const DrawOptions &drawing) {
  static const std::vector<std::string> kOfNetworks = {"dot", "svg", "png", "pdf"}, kOfPrograms = {"html", "svg"};
  bool network = drawing.what == DrawOptions::What::Network;
  const std::vector<std::string> &forms = network ? kOfNetworks : kOfPrograms;
  StringRef form = llvm::sys::path::extension(drawing.output).drop_while([](char c) { return c == '.'; });
  if (!llvm::is_contained(forms, form))
    return complain(kUsage,
                    "expected a file that ends in ." + llvm::join(forms, ", .") + ", but got '" + drawing.output + "'");
  auto context = createContext(options.planCache);
  auto module = loadGraph(*context, options);
  if (failed(module))
    return kInputAtFault;
  if (!network)
    return drawCompiled(*context, **module, options, drawing, form);
  std::string text = drawNetwork(**module, drawing.network);
  return form == "dot" ? writeText(drawing.output, text, "incept") : runDot(text, form, drawing.output);
}

} // namespace incept
