// SPDX-License-Identifier: Apache-2.0

#include "frontend/Cursor.h"
#include "llvm/ADT/StringExtras.h"

namespace incept {

static bool isWordByte(char c) { return llvm::isAlnum(c) || c == '_'; }

SourceRange Cursor::place(size_t offset, size_t length) const {
  if (textForm)
    return diagnostics.files.range(start.file, offset, std::max<size_t>(length, 1));
  SourceRange range = start;
  range.column += offset;
  range.length = std::max<size_t>(length, 1);
  return range;
}

std::nullopt_t Cursor::fail(size_t offset, size_t length, const llvm::Twine &message) {
  diagnostics.error(place(offset, length), message);
  return std::nullopt;
}

std::nullopt_t Cursor::failHere(const llvm::Twine &expected) {
  skipSpace();
  if (done())
    return fail(textForm ? lastEnd() : at, 1, expected + ", but the " + (textForm ? "file" : "expression") + " ends");
  if (peek() == '\n' || peek() == '\r')
    return fail(lastEnd(), 1, expected + ", but the line ends");
  llvm::StringRef word = peekWord();
  if (llvm::isDigit(peek()))
    word = text.substr(at).take_while([](char c) { return isWordByte(c) || c == '.'; });
  size_t length = word.empty() ? 1 : std::min<size_t>(word.size(), 64);
  return fail(at, length, expected + ", but got '" + text.substr(at, length) + "'");
}

size_t Cursor::lastEnd() const {
  size_t end = at;
  while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '\t'))
    --end;
  return end;
}

void Cursor::skipSpace() {
  while (at < text.size()) {
    char c = text[at];
    if (c == ' ' || c == '\t' || (textForm && (c == '\r' || (c == '\n' && nested > 0)))) {
      ++at;
    } else if (textForm && text.substr(at).starts_with("//")) {
      size_t end = std::min(text.find('\n', at), text.size());
      if (at >= commentsEnd) {
        llvm::StringRef before = text.take_front(at).rtrim(" \t\r");
        bool ownLine = before.empty() || before.back() == '\n';
        comments.push_back({at, text.slice(at + 2, end).trim(" \t\r").str(), ownLine});
        commentsEnd = end;
      }
      at = end;
    } else {
      return;
    }
  }
}

bool Cursor::skipLines() {
  bool empty = false;
  int ends = 0;
  while (true) {
    size_t before = at;
    skipSpace();
    if (llvm::StringRef(text.slice(before, at)).contains("//"))
      ends = 0;
    if (peek() == ';') {
      ++at;
    } else if (peek() == '\n') {
      ++at;
      empty |= ++ends > 1;
    } else {
      return empty;
    }
  }
}

bool Cursor::accept(llvm::StringRef token) {
  skipSpace();
  if (!text.substr(at).starts_with(token))
    return false;
  at += token.size();
  return true;
}

llvm::StringRef Cursor::peekWord() {
  skipSpace();
  if (!llvm::isAlpha(peek()) && peek() != '_')
    return "";
  llvm::StringRef word = text.substr(at).take_while(isWordByte);
  if (word.size() > kMaxNameLength) // asked again, it is reported once
    fail(at, word.size(),
         "expected a name of at most " + llvm::Twine(kMaxNameLength) + " letters, but got one of " +
             llvm::Twine(word.size()));
  return word;
}

bool Cursor::acceptWord(llvm::StringRef word) {
  if (peekWord() != word)
    return false;
  at += word.size();
  return true;
}

} // namespace incept
