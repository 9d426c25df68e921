// SPDX-License-Identifier: Apache-2.0
//
// A place in a text that is being read: a file of the text form, or an expression in a string of JSON. What both forms
// share is read through it.
#pragma once

#include "frontend/Expression.h"

namespace incept {

class Cursor {
public:
  /// The text of file number `file`.
  Cursor(uint32_t file, Diagnostics &diagnostics)
      : text(diagnostics.files.text(file)), diagnostics(diagnostics), textForm(true) {
    start.file = file;
  }
  /// `text`, whose first byte is at `start`, on one line.
  Cursor(llvm::StringRef text, SourceRange start, Diagnostics &diagnostics)
      : text(text), diagnostics(diagnostics), textForm(false), start(start) {}

  struct Comment {
    size_t offset;
    std::string text; ///< without its slashes
    bool ownLine;     ///< nothing but spaces before it
  };

  SourceRange place(size_t offset, size_t length) const;
  /// Reports a mistake.
  std::nullopt_t fail(size_t offset, size_t length, const llvm::Twine &message);
  /// As fail, of what comes next: "..., but got 'x'".
  std::nullopt_t failHere(const llvm::Twine &expected);

  bool done() const { return at >= text.size(); }
  /// The byte here, 0 at the end; `ahead` bytes further on.
  char peek(size_t ahead = 0) const { return at + ahead < text.size() ? text[at + ahead] : 0; }
  /// Passes spaces and comments, inside parentheses ends of lines too.
  void skipSpace();
  /// Passes spaces, comments, ends of lines and ';'. Returns whether there was an empty line.
  bool skipLines();
  /// Passes `token`, which is punctuation, and spaces before it.
  bool accept(llvm::StringRef token);
  /// Passes the word `word` and spaces before it.
  bool acceptWord(llvm::StringRef word);
  /// The word here, behind spaces; empty where there is none. One that is longer than names may be is reported.
  llvm::StringRef peekWord();
  /// The end of the last thing that was passed: spaces and comments do not count.
  size_t lastEnd() const;

  const llvm::StringRef text;
  Diagnostics &diagnostics;
  const bool textForm;
  size_t at = 0;
  int nested = 0;                ///< parentheses and brackets that are open
  std::vector<Comment> comments; ///< passed and not yet taken, in the order of the text

private:
  SourceRange start;
  size_t commentsEnd = 0; ///< behind the last comment that was kept: the reader may come twice
};

/// An expression, or nothing after a report.
class ExpressionParser {
public:
  explicit ExpressionParser(Cursor &cursor) : cursor(cursor) {}
  std::optional<Expr> parse();
  /// A number, name or parenthesised expression with what is behind it: what may stand before '*' and an op.
  std::optional<Expr> parsePrimary();
  /// Without comparisons: one side of `a x b`.
  std::optional<Expr> parseSide() { return parseSum(0); }

private:
  using Operators = llvm::ArrayRef<std::pair<llvm::StringRef, ExprKind>>;
  std::optional<Expr> make(ExprKind kind, size_t offset, std::vector<Expr> operands = {});
  std::optional<Expr> parseRange(int depth);
  std::optional<Expr> parseChoice(int depth);
  std::optional<Expr> parseOr(int depth);
  std::optional<Expr> parseAnd(int depth);
  std::optional<Expr> parseNot(int depth);
  std::optional<Expr> parseBinary(int depth, Operators operators, std::optional<Expr> (ExpressionParser::*next)(int),
                                  bool once = false);
  std::optional<Expr> parseComparison(int depth);
  std::optional<Expr> parseSum(int depth);
  std::optional<Expr> parseProduct(int depth);
  std::optional<Expr> parseUnary(int depth);
  std::optional<Expr> parsePostfix(int depth);
  std::optional<Expr> parseNumber();
  std::optional<Expr> parseName(int depth);
  bool parseItems(int depth, llvm::StringRef close, std::vector<Expr> &items);
  bool acceptOperator(llvm::StringRef token);

  Cursor &cursor;
  int nodes = 0;
};

} // namespace incept
