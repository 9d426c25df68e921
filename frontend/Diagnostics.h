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
#include <map>
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
  /// Where in its file's text a range begins.
  size_t offset(SourceRange range) const { return entries[range.file].lineStarts[range.line - 1] + range.column - 1; }
  /// The text of a line without its end.
  llvm::StringRef line(uint32_t file, uint32_t line) const;
  size_t size() const { return entries.size(); }

  /// Texts that somebody is editing, by real path: they are read instead of what is on the disk.
  std::map<std::string, std::string> edited;

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

/// What a mistake is mended with: `text` instead of the range, or, with `insert`, before it.
struct FixIt {
  SourceRange range;
  std::string text;
  bool insert = false;
};

struct SourceDiagnostic {
  bool warning = false;
  SourceRange range;
  std::string message;
  std::vector<DiagnosticNote> notes;
  std::vector<FixIt> fixes;
};

/// How mistakes are printed: for people, with colour where they look at a terminal, or as a JSON object per line.
enum class DiagnosticStyle { Text, Json };

/// The mistakes found so far, each once: a block used four times reports its mistakes for the first use.
class Diagnostics {
public:
  explicit Diagnostics(SourceFiles &files) : files(files) {}

  /// Records a mistake; notes and fixes can be added to it until the next call. Where the message ends in the name that
  /// was meant and the range is the wrong one, that is a fix.
  void error(SourceRange range, const llvm::Twine &message);
  /// Something that is allowed but perhaps not meant.
  void warning(SourceRange range, const llvm::Twine &message);
  void note(SourceRange range, const llvm::Twine &message);
  void fix(SourceRange range, const llvm::Twine &text, bool insert = false);
  /// A mistake that has no place, such as a file that cannot be read.
  void error(const llvm::Twine &message);

  bool hasErrors() const { return numErrors != 0 || !unplaced.empty(); }
  /// The number of mistakes.
  size_t count() const { return numErrors + unplaced.size(); }
  bool full() const;
  /// What has a place, in the order in which it was found; and what has none.
  llvm::ArrayRef<SourceDiagnostic> placed() const { return diagnostics; }
  llvm::ArrayRef<std::string> others() const { return unplaced; }
  /// In the order of the text. Without `warnings` only mistakes.
  void print(llvm::raw_ostream &os, DiagnosticStyle style = DiagnosticStyle::Text, bool warnings = false) const;
  SourceFiles &files;

private:
  void add(bool warning, SourceRange range, const llvm::Twine &message);
  void addNameFix(SourceDiagnostic &diagnostic) const;
  void printPlace(llvm::raw_ostream &os, SourceRange range, llvm::StringRef kind, llvm::StringRef message,
                  llvm::ArrayRef<FixIt> fixes) const;
  void printJson(llvm::raw_ostream &os, const SourceDiagnostic &diagnostic) const;

  std::vector<SourceDiagnostic> diagnostics;
  std::vector<std::string> unplaced;
  std::set<std::string> seen;
  size_t numErrors = 0, numWarnings = 0;
  bool lastWasNew = false;
};

/// The largest description that is read, in bytes.
constexpr size_t kMaxSpecBytes = 4 << 20;
/// Reports a file that no reader takes: one that is larger, or is not UTF-8.
bool checkText(uint32_t file, Diagnostics &diagnostics);

/// The candidate nearest to `name`, or nothing where none is near: no more than a third of its letters differ.
std::optional<std::string> nearestName(llvm::StringRef name, llvm::ArrayRef<std::string> candidates);
/// "; did you mean 'x'?", or "; expected one of a, b, c" where nothing is near: the first twenty of them.
std::string suggestion(llvm::StringRef name, llvm::ArrayRef<std::string> candidates);

} // namespace incept
