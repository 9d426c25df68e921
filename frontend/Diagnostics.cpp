// SPDX-License-Identifier: Apache-2.0

#include "frontend/Diagnostics.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <tuple>

namespace incept {

/// More mistakes than this help nobody.
static constexpr size_t kMaxErrors = 100;
/// Longest part of a source line that is shown.
static constexpr size_t kMaxLineLength = 140;

uint32_t SourceFiles::add(std::string name, std::unique_ptr<llvm::MemoryBuffer> buffer) {
  Entry entry{std::move(name), std::move(buffer), {0}};
  llvm::StringRef text = entry.buffer->getBuffer();
  for (size_t at = text.find('\n'); at != llvm::StringRef::npos; at = text.find('\n', at + 1))
    entry.lineStarts.push_back(at + 1);
  entries.push_back(std::move(entry));
  return entries.size() - 1;
}

SourceRange SourceFiles::range(uint32_t file, size_t offset, size_t length) const {
  const Entry &entry = entries[file];
  offset = std::min(offset, entry.buffer->getBufferSize());
  auto after = std::upper_bound(entry.lineStarts.begin(), entry.lineStarts.end(), offset);
  uint32_t number = after - entry.lineStarts.begin();
  size_t start = *std::prev(after);
  // The end of the line from the index: a long line is asked for many times.
  size_t stop = after == entry.lineStarts.end() ? entry.buffer->getBufferSize() : *after - 1;
  size_t rest = stop - start;
  rest = rest > offset - start ? rest - (offset - start) : 1;
  return {file, number, static_cast<uint32_t>(offset - start + 1),
          static_cast<uint32_t>(std::max<size_t>(std::min(length, rest), 1))};
}

llvm::StringRef SourceFiles::line(uint32_t file, uint32_t line) const {
  const Entry &entry = entries[file];
  if (line == 0 || line > entry.lineStarts.size())
    return "";
  llvm::StringRef rest = entry.buffer->getBuffer().substr(entry.lineStarts[line - 1]);
  return rest.take_until([](char c) { return c == '\n' || c == '\r'; });
}

void Diagnostics::error(SourceRange range, const llvm::Twine &message) {
  lastWasNew = false;
  if (errors.size() == kMaxErrors)
    return;
  std::string text = message.str();
  std::string key =
      (llvm::Twine(range.file) + ":" + llvm::Twine(range.line) + ":" + llvm::Twine(range.column) + text).str();
  lastWasNew = seen.insert(key).second;
  if (lastWasNew)
    errors.push_back({range, std::move(text), {}});
}

void Diagnostics::note(SourceRange range, const llvm::Twine &message) {
  if (lastWasNew)
    errors.back().notes.push_back({range, message.str()});
}

void Diagnostics::error(const llvm::Twine &message) {
  lastWasNew = false;
  unplaced.push_back(message.str());
}

void Diagnostics::print(llvm::raw_ostream &os) const {
  for (const std::string &message : unplaced)
    os << "incept: error: " << message << "\n";
  std::vector<const SourceDiagnostic *> sorted;
  for (const SourceDiagnostic &diagnostic : errors)
    sorted.push_back(&diagnostic);
  llvm::stable_sort(sorted, [](const SourceDiagnostic *a, const SourceDiagnostic *b) {
    return std::tie(a->range.file, a->range.line, a->range.column) <
           std::tie(b->range.file, b->range.line, b->range.column);
  });
  for (const SourceDiagnostic *diagnostic : sorted) {
    printPlace(os, diagnostic->range, "error", diagnostic->message);
    for (const DiagnosticNote &note : diagnostic->notes)
      printPlace(os, note.range, "note", note.message);
  }
  if (errors.size() == kMaxErrors)
    os << "incept: note: stopped after " << kMaxErrors << " errors\n";
}

void Diagnostics::printPlace(llvm::raw_ostream &os, SourceRange range, llvm::StringRef kind,
                             llvm::StringRef message) const {
  os << files.name(range.file) << ":" << range.line << ":" << range.column << ": " << kind << ": ";
  for (char c : message) // names come from the file and may hold anything
    os << (static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c);
  os << "\n";
  llvm::StringRef text = files.line(range.file, range.line);
  size_t first = range.column - 1;
  if (text.empty() || first > text.size())
    return;
  // A file of one long line must not flood the terminal: show the part around the place.
  size_t begin = text.size() > kMaxLineLength && first > kMaxLineLength / 2 ? first - kMaxLineLength / 2 : 0;
  text = text.substr(begin, kMaxLineLength);
  first -= begin;
  for (char c : text)
    os << (c == '\t' ? ' ' : static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c);
  size_t length = std::min<size_t>(range.length, text.size() > first ? text.size() - first : 1);
  os << "\n" << std::string(first, ' ') << "^" << std::string(std::max<size_t>(length, 1) - 1, '~') << "\n";
}

std::optional<std::string> nearestName(llvm::StringRef name, llvm::ArrayRef<std::string> candidates) {
  if (name.size() > 64)
    return std::nullopt;
  unsigned best = name.size() <= 2 ? 1 : name.size() <= 3 ? 2 : name.size() <= 8 ? 3 : 4; // distance must be below this
  std::optional<std::string> nearest;
  for (const std::string &candidate : candidates) {
    if (candidate == name)
      continue;
    unsigned distance = name.edit_distance(candidate, /*AllowReplacements=*/true, /*MaxEditDistance=*/best);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string suggestion(llvm::StringRef name, llvm::ArrayRef<std::string> candidates) {
  if (auto nearest = nearestName(name, candidates))
    return "; did you mean '" + *nearest + "'?";
  if (candidates.empty() || candidates.size() > 20)
    return "";
  std::string text = candidates.size() == 1 ? "; expected " : "; expected one of ";
  for (auto [index, candidate] : llvm::enumerate(candidates))
    text += (index ? ", " : "") + candidate;
  return text;
}

} // namespace incept
