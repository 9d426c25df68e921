// SPDX-License-Identifier: Apache-2.0
//
// Source files, places in them, and the list of mistakes found so far. Readers and the emitter collect mistakes here,
// so that one run reports all independent ones; printing is in the form of clang.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace incept {

/// A place in a source file: lines and columns count from 1, columns and length in bytes. Ranges stay on one line: a
/// longer construct is named by its first character.
struct SourceRange {
  uint32_t file = 0; ///< index into SourceFiles
  uint32_t line = 1;
  uint32_t column = 1;
  uint32_t length = 1;
};

/// The files read so far. Owns their text.
class SourceFiles {
public:
  /// Takes over `buffer` under the name that messages use; returns its index.
  uint32_t add(std::string name, std::unique_ptr<llvm::MemoryBuffer> buffer);
  llvm::StringRef name(uint32_t file) const { return entries[file].name; }
  llvm::StringRef text(uint32_t file) const { return entries[file].buffer->getBuffer(); }
  /// The range of `length` bytes at `offset`, cut at the end of the line.
  SourceRange range(uint32_t file, size_t offset, size_t length) const;
  /// The text of a line without its end.
  llvm::StringRef line(uint32_t file, uint32_t line) const;
  size_t size() const { return entries.size(); }

private:
  struct Entry {
    std::string name;
    std::unique_ptr<llvm::MemoryBuffer> buffer;
    std::vector<size_t> lineStarts;
  };
  std::vector<Entry> entries;
};

/// "file:line:col", and what is wrong or worth knowing there.
struct DiagnosticNote {
  SourceRange range;
  std::string message;
};

struct SourceDiagnostic {
  SourceRange range;
  std::string message;
  std::vector<DiagnosticNote> notes;
};

/// The mistakes found so far, each once: a block used four times reports its mistakes for the first use.
class Diagnostics {
public:
  explicit Diagnostics(SourceFiles &files) : files(files) {}

  /// Records a mistake; notes can be added to it until the next call.
  void error(SourceRange range, const llvm::Twine &message);
  void note(SourceRange range, const llvm::Twine &message);
  /// A mistake that has no place, such as a file that cannot be read.
  void error(const llvm::Twine &message);

  bool hasErrors() const { return !errors.empty() || !unplaced.empty(); }
  size_t count() const { return errors.size() + unplaced.size(); }
  void print(llvm::raw_ostream &os) const;
  SourceFiles &files;

private:
  void printPlace(llvm::raw_ostream &os, SourceRange range, llvm::StringRef kind, llvm::StringRef message) const;

  std::vector<SourceDiagnostic> errors;
  std::vector<std::string> unplaced;
  std::set<std::string> seen;
  bool lastWasNew = false;
};

/// The candidate nearest to `name`, or nothing where none is near.
std::optional<std::string> nearestName(llvm::StringRef name, llvm::ArrayRef<std::string> candidates);
/// "; did you mean 'x'?", or "; expected one of a, b, c" where nothing is near and there are few candidates.
std::string suggestion(llvm::StringRef name, llvm::ArrayRef<std::string> candidates);

} // namespace incept
