// SPDX-License-Identifier: Apache-2.0

#include "tools/incept-sim/ptx/Lexer.h"

#include <algorithm>

namespace incept::sim::ptx {

namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c == '%'; }
bool continuesWord(char c) { return isLetter(c) || isDigit(c) || c == '.'; }

} // namespace

void Lexer::skipSpace() {
  while (at < text.size()) {
    char c = text[at];
    if (c == '\n') {
      ++line, ++at;
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v') {
      ++at;
    } else if (text.substr(at, 2) == "//") {
      at = std::min(text.find('\n', at), text.size());
    } else if (text.substr(at, 2) == "/*") {
      size_t end = text.find("*/", at + 2);
      end = end == std::string_view::npos ? text.size() : end + 2;
      line += std::count(text.begin() + at, text.begin() + end, '\n');
      at = end;
    } else {
      return;
    }
  }
}

void Lexer::skipLine() { at = std::min(text.find('\n', at), text.size()); }

Token Lexer::take(Token::Kind kind, size_t bytes) {
  Token token{kind, text.substr(at, bytes), line};
  line += std::count(token.text.begin(), token.text.end(), '\n');
  at += token.text.size();
  return token;
}

Token Lexer::next() {
  skipSpace();
  if (at >= text.size() || text[at] == 0)
    return {Token::Kind::End, "", line};
  std::string_view rest = text.substr(at);
  if (rest[0] == '"') {
    size_t end = rest.find('"', 1);
    if (end == std::string_view::npos)
      return take(Token::Kind::Bad, 1);
    return take(Token::Kind::String, end + 1);
  }
  size_t end = 1;
  if (isDigit(rest[0])) {
    // A sign belongs to a number after the e of a decimal one only: 0x1e+1 is a sum.
    bool prefixed = rest.size() > 1 && rest[0] == '0' && isLetter(rest[1]);
    while (end < rest.size() && (continuesWord(rest[end]) || (!prefixed && (rest[end] == '+' || rest[end] == '-') &&
                                                              (rest[end - 1] == 'e' || rest[end - 1] == 'E'))))
      ++end;
    return take(Token::Kind::Number, end);
  }
  if (isLetter(rest[0]) || rest[0] == '.') {
    while (end < rest.size()) {
      if (continuesWord(rest[end]))
        ++end;
      else if (rest.substr(end, 2) == "::")
        end += 2;
      else
        break;
    }
    return take(Token::Kind::Word, end);
  }
  constexpr std::string_view kPunctuation = "{}[]()<>,;:|!@+-=";
  return take(kPunctuation.find(rest[0]) != std::string_view::npos ? Token::Kind::Punctuation : Token::Kind::Bad, 1);
}

} // namespace incept::sim::ptx
