// SPDX-License-Identifier: Apache-2.0
//
// What an editor asks of the description that it shows: mistakes, what stands at a place, what may stand there.
#pragma once

#include "frontend/SymbolIndex.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/LSP/Protocol.h"

#include <map>

namespace incept {

struct LayerNode;

/// The path without links and dots; `path` itself where there is no such file.
std::string realPath(llvm::StringRef path);

/// One description with everything it imports, as it was at one moment.
class Analysis {
public:
  /// `edited` has the texts of open files by real path.
  Analysis(const std::string &path, const std::map<std::string, std::string> &edited);
  ~Analysis();

  /// The mistakes of each file that was read, also of those without one.
  std::map<std::string, std::vector<llvm::lsp::Diagnostic>> diagnostics() const;
  std::optional<llvm::lsp::Hover> hover(llvm::lsp::Position position) const;
  std::vector<llvm::lsp::Location> definition(llvm::lsp::Position position) const;
  std::vector<llvm::lsp::Location> uses(llvm::lsp::Position position) const;
  llvm::lsp::CompletionList complete(llvm::lsp::Position position) const;
  /// The edits that give a symbol another name, by file; an error where there is none, or the name is no name.
  llvm::Expected<llvm::lsp::WorkspaceEdit> rename(llvm::lsp::Position position, llvm::StringRef name) const;
  std::vector<llvm::lsp::DocumentSymbol> outline() const;
  /// The text in the one style, as one edit; nothing where it has mistakes or is not in the text form.
  std::vector<llvm::lsp::TextEdit> format() const;

private:
  const Symbol *symbolAt(llvm::lsp::Position position) const;
  std::string describeOp(uint32_t line, uint32_t column) const;
  llvm::lsp::Range range(SourceRange range) const;
  llvm::lsp::Location location(SourceRange range) const;
  uint32_t column(llvm::lsp::Position position) const;

  std::string path;
  SourceFiles sources;
  Diagnostics found;
  std::vector<SpecFile> files; ///< those that could be read; the first is that of `path`
  std::optional<SymbolIndex> index;
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::unique_ptr<LayerNode> layers; ///< null where there are mistakes
};

} // namespace incept
