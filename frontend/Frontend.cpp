// SPDX-License-Identifier: Apache-2.0

#include "frontend/Frontend.h"
#include "frontend/GraphEmitter.h"
#include "frontend/LoadSpec.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace incept {

OwningOpRef<ModuleOp> emitNetwork(MLIRContext &context, StringRef path, const LoadOptions &options,
                                  Diagnostics &diagnostics) {
  auto spec = loadSpec(path, {options.importPaths, options.network}, diagnostics);
  if (!spec)
    return nullptr;
  if (spec->hasNetwork) {
    GraphEmitter emitter(context, *spec, options, diagnostics);
    OwningOpRef<ModuleOp> module = emitter.run();
    if (!emitter.complete() && !diagnostics.hasErrors())
      diagnostics.error("the network in '" + path + "' has no result");
    return module;
  }
  if (options.acceptLibrary)
    return ModuleOp::create(UnknownLoc::get(&context));
  if (!diagnostics.hasErrors())
    diagnostics.error("expected a network in '" + path + "', but it only defines blocks and tables");
  return nullptr;
}

FailureOr<OwningOpRef<ModuleOp>> loadNetwork(MLIRContext &context, StringRef path, const LoadOptions &options,
                                             llvm::raw_ostream &os) {
  SourceFiles files;
  Diagnostics diagnostics(files);
  OwningOpRef<ModuleOp> module = emitNetwork(context, path, options, diagnostics);
  diagnostics.print(os, options.jsonDiagnostics ? DiagnosticStyle::Json : DiagnosticStyle::Text, options.warnings);
  if (diagnostics.hasErrors() || !module)
    return failure();
  // The rules above and the verifiers share their formulas: a difference is a mistake of the compiler.
  if (failed(verify(*module)))
    return failure();
  return module;
}

} // namespace incept
