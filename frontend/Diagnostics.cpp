// SPDX-License-Identifier: Apache-2.0

#include "frontend/Diagnostics.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <tuple>

namespace incept {

/// More mistakes than this help nobody.
static constexpr size_t kMaxErrors = 20;
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

bool Diagnostics::full() const { return numErrors == kMaxErrors; }

void Diagnostics::add(bool warning, SourceRange range, const llvm::Twine &message) {
  lastWasNew = false;
  size_t &number = warning ? numWarnings : numErrors;
  if (number == kMaxErrors)
    return;
  std::string text = message.str();
  std::string key =
      (llvm::Twine(range.file) + ":" + llvm::Twine(range.line) + ":" + llvm::Twine(range.column) + text).str();
  lastWasNew = seen.insert(key).second;
  if (!lastWasNew)
    return;
  ++number;
  diagnostics.push_back({warning, range, std::move(text), {}, {}});
  addNameFix(diagnostics.back());
}

void Diagnostics::error(SourceRange range, const llvm::Twine &message) { add(/*warning=*/false, range, message); }

void Diagnostics::warning(SourceRange range, const llvm::Twine &message) { add(/*warning=*/true, range, message); }

void Diagnostics::note(SourceRange range, const llvm::Twine &message) {
  if (lastWasNew)
    diagnostics.back().notes.push_back({range, message.str()});
}

void Diagnostics::fix(SourceRange range, const llvm::Twine &text, bool insert) {
  if (lastWasNew)
    diagnostics.back().fixes.push_back({range, text.str(), insert});
}

/// "... 'WRONG' ...; did you mean 'RIGHT'?", where the range is WRONG, perhaps in quotes.
void Diagnostics::addNameFix(SourceDiagnostic &diagnostic) const {
  auto [before, after] = llvm::StringRef(diagnostic.message).split("; did you mean '");
  if (!after.consume_back("'?") || after.contains('\''))
    return;
  llvm::StringRef place = files.line(diagnostic.range.file, diagnostic.range.line)
                              .substr(diagnostic.range.column - 1, diagnostic.range.length);
  llvm::StringRef wrong = before.split('\'').second.split('\'').first;
  bool quoted = place.size() > 2 && place.front() == '"' && place.back() == '"';
  if (wrong.empty() || (quoted ? place.drop_front().drop_back() : place) != wrong)
    return;
  std::string text = quoted ? "\"" + after.str() + "\"" : after.str();
  diagnostic.fixes.push_back({diagnostic.range, std::move(text), false});
}

void Diagnostics::error(const llvm::Twine &message) {
  lastWasNew = false;
  unplaced.push_back(message.str());
}

/// Names come from the file and may hold anything.
static std::string printable(llvm::StringRef text) {
  std::string result = text.str();
  for (char &c : result)
    c = c == '\t' ? ' ' : static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return result;
}

void Diagnostics::print(llvm::raw_ostream &os, DiagnosticStyle style, bool warnings) const {
  bool json = style == DiagnosticStyle::Json;
  for (const std::string &message : unplaced) {
    if (json)
      os << llvm::json::Value(llvm::json::Object{{"severity", "error"}, {"message", llvm::json::fixUTF8(message)}})
         << "\n";
    else
      os << "incept: error: " << message << "\n";
  }
  std::vector<const SourceDiagnostic *> sorted;
  for (const SourceDiagnostic &diagnostic : diagnostics)
    if (warnings || !diagnostic.warning)
      sorted.push_back(&diagnostic);
  llvm::stable_sort(sorted, [](const SourceDiagnostic *a, const SourceDiagnostic *b) {
    return std::tie(a->range.file, a->range.line, a->range.column) <
           std::tie(b->range.file, b->range.line, b->range.column);
  });
  for (const SourceDiagnostic *diagnostic : sorted) {
    if (json) {
      printJson(os, *diagnostic);
      continue;
    }
    printPlace(os, diagnostic->range, diagnostic->warning ? "warning" : "error", diagnostic->message,
               diagnostic->fixes);
    for (const DiagnosticNote &note : diagnostic->notes)
      printPlace(os, note.range, "note", note.message, {});
  }
  if (full() && !json)
    os << "incept: note: stopped after " << kMaxErrors << " errors\n";
}

static llvm::json::Object jsonPlace(const SourceFiles &files, SourceRange range) {
  return llvm::json::Object{{"file", llvm::json::fixUTF8(files.name(range.file))},
                            {"line", int64_t(range.line)},
                            {"column", int64_t(range.column)},
                            {"length", int64_t(range.length)}};
}

void Diagnostics::printJson(llvm::raw_ostream &os, const SourceDiagnostic &diagnostic) const {
  llvm::json::Object object = jsonPlace(files, diagnostic.range);
  object["severity"] = diagnostic.warning ? "warning" : "error";
  object["message"] = llvm::json::fixUTF8(diagnostic.message);
  llvm::json::Array notes, fixes;
  for (const DiagnosticNote &note : diagnostic.notes) {
    llvm::json::Object entry = jsonPlace(files, note.range);
    entry["message"] = llvm::json::fixUTF8(note.message);
    notes.push_back(std::move(entry));
  }
  for (const FixIt &fix : diagnostic.fixes) {
    llvm::json::Object entry = jsonPlace(files, fix.range);
    if (fix.insert)
      entry["length"] = 0;
    entry["text"] = llvm::json::fixUTF8(fix.text);
    fixes.push_back(std::move(entry));
  }
  object["notes"] = std::move(notes);
  object["fixes"] = std::move(fixes);
  os << llvm::json::Value(std::move(object)) << "\n";
}

void Diagnostics::printPlace(llvm::raw_ostream &os, SourceRange range, llvm::StringRef kind, llvm::StringRef message,
                             llvm::ArrayRef<FixIt> fixes) const {
  using Colour = llvm::raw_ostream::Colors;
  bool colour = os.has_colors();
  auto paint = [&](Colour with, bool bold) {
    if (colour)
      os.changeColor(with, bold);
  };
  auto plain = [&] {
    if (colour)
      os.resetColor();
  };
  paint(Colour::SAVEDCOLOR, true);
  os << files.name(range.file) << ":" << range.line << ":" << range.column << ": ";
  paint(kind == "error" ? Colour::RED : kind == "warning" ? Colour::MAGENTA : Colour::CYAN, true);
  os << kind << ": ";
  plain();
  os << printable(message) << "\n";
  llvm::StringRef text = files.line(range.file, range.line);
  size_t first = range.column - 1;
  if (text.empty() || first > text.size())
    return;
  // A file of one long line must not flood the terminal: show the part around the place.
  size_t begin = text.size() > kMaxLineLength && first > kMaxLineLength / 2 ? first - kMaxLineLength / 2 : 0;
  text = text.substr(begin, kMaxLineLength);
  first -= begin;
  size_t length = std::min<size_t>(range.length, text.size() > first ? text.size() - first : 1);
  os << printable(text) << "\n" << std::string(first, ' ');
  paint(Colour::GREEN, true);
  os << "^" << std::string(std::max<size_t>(length, 1) - 1, '~') << "\n";
  plain();
  for (const FixIt &fix : fixes) {
    if (fix.range.file != range.file || fix.range.line != range.line || fix.text.empty() || fix.range.column <= begin)
      continue;
    os << std::string(fix.range.column - 1 - begin, ' ');
    paint(Colour::GREEN, false);
    os << printable(fix.text) << "\n";
    plain();
  }
}

bool checkText(uint32_t file, Diagnostics &diagnostics) {
  llvm::StringRef text = diagnostics.files.text(file);
  size_t wrong = 0;
  if (text.size() > kMaxSpecBytes)
    diagnostics.error(diagnostics.files.range(file, 0, 1), "expected a file of at most " +
                                                               llvm::Twine(kMaxSpecBytes >> 20) + " MB, but it has " +
                                                               llvm::Twine(text.size() >> 20) + " MB");
  else if (!llvm::json::isUTF8(text, &wrong))
    diagnostics.error(diagnostics.files.range(file, wrong, 1),
                      "expected a text in UTF-8, but got the byte 0x" + llvm::utohexstr(uint8_t(text[wrong]), true));
  else
    return true;
  return false;
}

std::optional<std::string> nearestName(llvm::StringRef name, llvm::ArrayRef<std::string> candidates) {
  if (name.size() > 64)
    return std::nullopt;
  // Up to a third of the letters may differ; one or two letters are near to nothing.
  unsigned best = name.size() <= 2 ? 1 : 1 + (name.size() == 3 ? 1 : (name.size() + 2) / 3); // must be below this
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
  if (candidates.empty())
    return "";
  bool more = candidates.size() > 20;
  candidates = candidates.take_front(20);
  std::string text = candidates.size() == 1 ? "; expected " : "; expected one of ";
  for (auto [index, candidate] : llvm::enumerate(candidates))
    text += (index ? ", " : "") + candidate;
  return text + (more ? ", ..." : "");
}

} // namespace incept
