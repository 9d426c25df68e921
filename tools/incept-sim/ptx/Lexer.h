// SPDX-License-Identifier: Apache-2.0
//
// Words, numbers and punctuation of PTX text, each with its line.
#pragma once

#include <cstdint>
#include <string_view>

namespace incept::sim::ptx {

struct Token {
  /// Word: an opcode with its modifiers ("ld.global.v4.b32"), a directive (".reg"), a register or a symbol.
  enum class Kind : uint8_t { Word, Number, String, Punctuation, End, Bad };
  Kind kind;
  std::string_view text;
  uint32_t line;

  bool is(std::string_view other) const { return kind != Kind::String && text == other; }
};

class Lexer {
public:
  /// The text must outlive the tokens.
  explicit Lexer(std::string_view text) : text(text) {}
  Token next();
  /// Goes to the end of the current line, for directives that end there (.loc, .file).
  void skipLine();

private:
  void skipSpace();
  Token take(Token::Kind kind, size_t bytes);

  std::string_view text;
  size_t at = 0;
  uint32_t line = 1;
};

} // namespace incept::sim::ptx
