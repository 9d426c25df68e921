// SPDX-License-Identifier: Apache-2.0

#include "frontend/Frontend.h"
#include "frontend/GraphEmitter.h"
#include "frontend/LoadSpec.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace incept {

FailureOr<OwningOpRef<ModuleOp>> loadNetwork(MLIRContext &context, StringRef path, const LoadOptions &options,
                                             llvm::raw_ostream &os) {
  SourceFiles files;
  Diagnostics diagnostics(files);
  OwningOpRef<ModuleOp> module;
  if (auto spec = loadSpec(path, {options.importPaths, options.network}, diagnostics)) {
    if (spec->hasNetwork) {
      GraphEmitter emitter(context, *spec, options, diagnostics);
      module = emitter.run();
      if (!emitter.complete() && !diagnostics.hasErrors())
        diagnostics.error("the network in '" + path + "' has no result");
    } else if (options.acceptLibrary)
      module = ModuleOp::create(UnknownLoc::get(&context));
    else if (!diagnostics.hasErrors())
      diagnostics.error("expected a network in '" + path + "', but it only defines blocks and tables");
  }
  diagnostics.print(os, options.jsonDiagnostics ? DiagnosticStyle::Json : DiagnosticStyle::Text, options.warnings);
  if (diagnostics.hasErrors() || !module)
    return failure();
  // The rules above and the verifiers share their formulas: a difference is a mistake of the compiler.
  if (failed(verify(*module)))
    return failure();
  return module;
}

} // namespace incept
