// SPDX-License-Identifier: Apache-2.0
//
// Which name means what: where blocks, tables, parameters and values are defined and used. Editors go by it.
#pragma once

#include "frontend/Spec.h"

namespace incept {

enum class SymbolKind { Block, Table, Network, Parameter, Value };

struct Symbol {
  SymbolKind kind;
  std::string name;
  SourceRange definition;
  std::string detail;             ///< "block inception(filters: int)"
  std::string comment;            ///< above the definition
  std::vector<SourceRange> uses;  ///< in the order of the files, the definition included
  std::vector<size_t> parameters; ///< of a block or network: indices of symbols
  uint32_t endLine = 0;           ///< of a block or network: the last line that may be its own
};

class SymbolIndex {
public:
  /// `files` are all that a description consists of, each by itself; their places are in `sources`.
  SymbolIndex(llvm::ArrayRef<SpecFile> files, const SourceFiles &sources);

  /// The symbol that is named at a place, or null.
  const Symbol *at(uint32_t file, uint32_t line, uint32_t column) const;
  llvm::ArrayRef<Symbol> symbols() const { return all; }
  /// The names that can be used at a line: what is defined in the block or network around it, and what all share.
  std::vector<const Symbol *> visible(uint32_t file, uint32_t line) const;

private:
  friend class SymbolCollector;
  std::vector<Symbol> all;
  std::vector<std::pair<size_t, size_t>> owned; ///< a value or parameter, and the block or network that it is of
};

} // namespace incept
