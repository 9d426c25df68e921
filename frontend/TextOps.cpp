// SPDX-License-Identifier: Apache-2.0
//
// Statements: chains of ops with labels and repeats, and the words that choose between them.

#include "frontend/TextOps.h"
#include "frontend/Label.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace incept {

static constexpr llvm::StringRef kControlWords[] = {"let", "if", "for", "assert"};

Name TextOps::readName(llvm::StringRef what) {
  llvm::StringRef word = cursor.peekWord();
  size_t offset = cursor.at;
  if (word.empty()) {
    cursor.failHere("expected " + what);
    return {"", cursor.place(offset, 1)};
  }
  cursor.at += word.size();
  return {word.str(), cursor.place(offset, word.size())};
}

Name TextOps::readOwnName(llvm::StringRef what, bool ofBlock) {
  Name name = readName(what);
  if (ofBlock ? !isReservedForBlocks(name.text) : !isReserved(name.text))
    return name;
  diagnostics.error(name.range, "the word '" + name.text + "' cannot be " + what);
  return {"", name.range};
}

void TextOps::takeComments(Layout &layout, bool before) {
  // What a look ahead has passed belongs to what comes next.
  auto ahead =
      llvm::find_if(cursor.comments, [&](const Cursor::Comment &comment) { return comment.offset >= cursor.at; });
  for (auto comment = cursor.comments.begin(); comment != ahead; ++comment) {
    std::string &text = before || comment->ownLine || !layout.trailing.empty() ? layout.comment : layout.trailing;
    appendLine(text, comment->text);
  }
  cursor.comments.erase(cursor.comments.begin(), ahead);
}

void TextOps::skipStatement() {
  int open = 0;
  for (; !cursor.done(); ++cursor.at) {
    cursor.skipSpace();
    if (cursor.done())
      return;
    char c = cursor.peek();
    if (c == '{')
      ++open;
    else if (c == '}' && --open < 0)
      return;
    else if ((c == '\n' || c == ';') && open == 0)
      return;
    if (c == '"') // a brace in a string
      while (cursor.peek(1) && cursor.peek(1) != '"' && cursor.peek(1) != '\n')
        ++cursor.at;
  }
}

void TextOps::endStatement(Layout &layout) {
  cursor.skipSpace();
  char c = cursor.peek();
  if (c != '\n' && c != ';' && c != '}' && c != 0) {
    cursor.failHere("expected the end of the statement");
    skipStatement();
  }
  cursor.skipSpace();
  takeComments(layout, /*before=*/false);
}

bool TextOps::openBrace(const llvm::Twine &what) {
  if (cursor.accept("{"))
    return true;
  cursor.skipSpace();
  bool isAssignment = cursor.peek() == '=' && cursor.peek(1) != '=';
  if (isAssignment)
    cursor.fail(cursor.at, 1, "expected '{' of " + what + ", but got '='; two values are compared with '=='");
  else
    cursor.failHere("expected '{' of " + what);
  if (cursor.peek() == '\n' || cursor.peek() == '\r') { // on a line of its own it is meant
    size_t before = cursor.at;
    cursor.skipLines();
    if (cursor.accept("{"))
      return true;
    cursor.at = before;
  }
  skipStatement();
  return false;
}

/// False, with one report, where there are too many; then nothing more is read.
bool TextOps::countOp() {
  if (++count <= kMaxFileOps)
    return true;
  if (count == kMaxFileOps + 1)
    cursor.fail(cursor.at, 1, "expected a file of at most " + llvm::Twine(kMaxFileOps) + " ops");
  cursor.at = cursor.text.size();
  return false;
}

bool TextOps::closeBrace() {
  if (cursor.accept("}"))
    return true;
  if (!cursor.done())
    return false;
  if (count > kMaxFileOps)
    return true;
  cursor.failHere("expected '}'");
  return true;
}

bool TextOps::acceptComma() {
  bool passed = cursor.accept(",");
  if (passed)
    cursor.skipLines();
  return passed;
}

std::vector<Op> TextOps::readBody() {
  std::vector<Op> ops;
  if (++depth > kMaxDepth) {
    cursor.fail(cursor.at - 1, 1, "expected braces nested at most " + llvm::Twine(kMaxDepth) + " deep");
    int open = 1;
    for (; !cursor.done() && open > 0; ++cursor.at)
      open += cursor.peek() == '{' ? 1 : cursor.peek() == '}' ? -1 : 0;
    --depth;
    return ops;
  }
  while (true) {
    bool spaced = cursor.skipLines();
    if (cursor.peek() == '}' || cursor.done()) {
      if (!cursor.comments.empty()) {
        Op comment;
        comment.kind = OpKind::Comment;
        takeComments(comment.layout, /*before=*/true);
        ops.push_back(std::move(comment));
      }
      closeBrace();
      --depth;
      return ops;
    }
    size_t first = ops.size(), begin = cursor.at;
    readStatement(ops);
    if (ops.size() > first)
      ops[first].layout.spaced = spaced && first > 0;
    if (cursor.at == begin) // whatever it was, go on behind it
      ++cursor.at;
  }
}

void TextOps::readStatement(std::vector<Op> &ops) {
  size_t first = ops.size();
  Layout above;
  takeComments(above, /*before=*/true);
  if (!readControl(ops))
    readChain(ops, /*branch=*/false);
  if (ops.size() == first)
    return;
  Layout &layout = ops[first].layout;
  if (!above.comment.empty())
    layout.comment = above.comment + (layout.comment.empty() ? "" : "\n") + layout.comment;
  endStatement(ops.back().layout);
}

/// let, if, for and assert; false where the statement is none of them.
bool TextOps::readControl(std::vector<Op> &ops) {
  llvm::StringRef word = cursor.peekWord();
  if (!llvm::is_contained(kControlWords, word))
    return false;
  Op op;
  size_t offset = cursor.at;
  cursor.at += word.size();
  cursor.skipSpace();
  if (cursor.peek() == ':') { // the label of an op
    cursor.at = offset;
    return false;
  }
  if (!countOp())
    return true;
  op.range = op.place = cursor.place(offset, word.size());
  if (word == "let")
    readLet(op);
  else if (word == "if")
    readIf(op);
  else if (word == "for")
    readFor(op);
  else
    readAssert(op);
  ops.push_back(std::move(op));
  return true;
}

void TextOps::readLet(Op &op) {
  Name name = readOwnName("the name of a number or value");
  if (!name.text.empty() && !cursor.accept("=")) {
    cursor.failHere("expected '='");
    name.text.clear();
  }
  cursor.skipSpace();
  bool ok = !name.text.empty();
  if (cursor.peek() == '{') {
    op.saveAs = name;
    ok &= readBodyOf(op, name);
  } else if (ok) {
    op.names = {name};
    op.value = readExpr();
    ok = op.value.has_value();
  }
  op.kind = ok ? OpKind::Let : OpKind::Invalid;
  if (!ok)
    skipStatement();
}

void TextOps::readIf(Op &op) {
  op.value = readExpr();
  if (!op.value)
    while (!cursor.done() && cursor.peek() != '\n' && cursor.peek() != '{')
      ++cursor.at;
  op.kind = op.value ? OpKind::If : OpKind::Invalid;
  if (!readBodyOf(op)) {
    op.kind = OpKind::Invalid;
    return;
  }
  size_t before = cursor.at;
  cursor.skipLines();
  if (!cursor.acceptWord("else")) {
    cursor.at = before;
    return;
  }
  cursor.skipSpace();
  size_t offset = cursor.at;
  if (!cursor.acceptWord("if")) {
    readBodyOf(op);
    return;
  }
  if (depth + 1 >= kMaxDepth) { // its body is one deeper
    cursor.fail(offset, 1, "expected at most " + llvm::Twine(kMaxDepth) + " conditions in a row");
    return skipStatement();
  }
  ++depth;
  Branch other;
  other.single = true;
  other.range = cursor.place(offset, 1);
  Op inner;
  inner.range = inner.place = cursor.place(cursor.at - 2, 2);
  readIf(inner);
  other.ops.push_back(std::move(inner));
  op.bodies.push_back(std::move(other));
  --depth;
}

void TextOps::readFor(Op &op) {
  op.kind = OpKind::For;
  do {
    Name name = readOwnName("the name of an item");
    if (name.text.empty())
      op.kind = OpKind::Invalid;
    op.names.push_back(std::move(name));
  } while (op.kind != OpKind::Invalid && op.names.size() < 2 && acceptComma());
  if (op.kind != OpKind::Invalid && !cursor.acceptWord("in")) {
    cursor.failHere("expected 'in' and a list, table or range");
    op.kind = OpKind::Invalid;
  }
  if (op.kind != OpKind::Invalid)
    op.value = readExpr();
  if (!op.value) {
    op.kind = OpKind::Invalid;
    while (!cursor.done() && cursor.peek() != '\n' && cursor.peek() != '{')
      ++cursor.at;
  }
  if (!readBodyOf(op))
    op.kind = OpKind::Invalid;
}

void TextOps::readAssert(Op &op) {
  op.kind = OpKind::Assert;
  op.value = readExpr();
  if (!op.value) {
    op.kind = OpKind::Invalid;
    return skipStatement();
  }
  op.text = "the assertion does not hold";
  if (!acceptComma())
    return;
  if (!cursor.accept("\"")) {
    cursor.failHere("expected a message in quotes");
    return skipStatement();
  }
  op.text.clear();
  for (; !cursor.done() && cursor.peek() != '"' && cursor.peek() != '\n'; ++cursor.at) {
    if (cursor.peek() == '\\' && (cursor.peek(1) == '"' || cursor.peek(1) == '\\'))
      ++cursor.at;
    op.text += cursor.peek();
  }
  if (!cursor.accept("\""))
    cursor.failHere("expected '\"'");
}

/// `{` statements `}` becomes another body of `op`.
bool TextOps::readBodyOf(Op &op, Name label) {
  cursor.skipSpace();
  size_t offset = cursor.at;
  if (!openBrace("a body"))
    return false;
  Branch body;
  body.label = std::move(label);
  body.range = cursor.place(offset, 1);
  int nested = std::exchange(cursor.nested, 0);
  body.ops = readBody();
  cursor.nested = nested;
  op.bodies.push_back(std::move(body));
  return true;
}

/// item ('->' item)*. A label before a chain of several ops makes them a sequence of that name.
void TextOps::readChain(std::vector<Op> &ops, bool branch) {
  size_t first = ops.size();
  Name chainLabel;
  std::vector<Expr> chainIndices;
  bool labelled = false;
  while (countOp()) {
    Op op;
    takeComments(op.layout, /*before=*/true);
    size_t begin = cursor.at;
    cursor.skipSpace();
    op.place = cursor.place(cursor.at, 1);
    bool hasLabel = readLabel(op);
    if (ops.size() == first && hasLabel && !branch) {
      size_t before = cursor.at;
      Op second;
      if (readLabel(second)) { // the first names the chain, the second its first op
        chainLabel = std::exchange(op.label, second.label);
        chainIndices = std::exchange(op.labelIndices, second.labelIndices);
        labelled = true;
      } else
        cursor.at = before;
    }
    op.chained = ops.size() > first;
    bool ok = readItem(op, hasLabel);
    if (cursor.at == begin && !ok)
      return skipStatement();
    ops.push_back(std::move(op));
    if (!ok)
      return skipStatement();
    size_t before = cursor.at;
    cursor.skipLines();
    if (!cursor.accept("->")) {
      cursor.at = before;
      break;
    }
    cursor.skipLines();
  }
  size_t count = ops.size() - first;
  if (labelled && count == 1)
    diagnostics.error(chainLabel.range, "expected one label for one op");
  if (branch || count == 1)
    return;
  if (!labelled) {
    if (ops[first].label.text.empty())
      return;
    chainLabel = std::exchange(ops[first].label, {});
    chainIndices = std::exchange(ops[first].labelIndices, {});
  }
  Op sequence;
  sequence.kind = OpKind::Sequence;
  sequence.range = chainLabel.range;
  sequence.place = ops[first].place;
  sequence.label = std::move(chainLabel);
  sequence.labelIndices = std::move(chainIndices);
  std::swap(sequence.layout, ops[first].layout);
  Branch body;
  body.range = sequence.place;
  body.ops.assign(std::make_move_iterator(ops.begin() + first), std::make_move_iterator(ops.end()));
  ops.resize(first);
  sequence.bodies.push_back(std::move(body));
  ops.push_back(std::move(sequence));
}

/// NAME, '{' index '}' and '.' without spaces between them, then ':'. False, and nothing passed, where there is none.
bool TextOps::readLabel(Op &op) {
  cursor.skipSpace();
  size_t begin = cursor.at;
  if (!llvm::isAlpha(cursor.peek()) && cursor.peek() != '_')
    return false;
  // Find out first: an index is an expression, whose mistakes are reported only where there is a label.
  size_t end = begin;
  llvm::StringRef text = cursor.text;
  while (end < text.size() && (llvm::isAlnum(text[end]) || text[end] == '_' || text[end] == '.' || text[end] == '{')) {
    if (text[end] == '{') {
      size_t close = text.find_first_of("{}\n:", end + 1);
      if (close == llvm::StringRef::npos || text[close] != '}')
        return false;
      end = close;
    }
    ++end;
  }
  size_t colon = end;
  while (colon < text.size() && (text[colon] == ' ' || text[colon] == '\t'))
    ++colon;
  if (colon >= text.size() || text[colon] != ':')
    return false;
  op.label = {text.slice(begin, end).str(), cursor.place(begin, end - begin)};
  readLabelIndices(
      op.label,
      [&](size_t at, llvm::StringRef index) -> std::optional<Expr> {
        cursor.at = begin + at;
        auto expr = readExpr();
        if (expr && cursor.at != begin + at + index.size() && !cursor.accept("}")) {
          cursor.failHere("expected '}'");
          return std::nullopt;
        }
        return expr;
      },
      op.labelIndices, diagnostics);
  cursor.at = colon + 1;
  return true;
}

/// N '*' before an op.
bool TextOps::readRepeat(Op &op) {
  cursor.skipSpace();
  size_t begin = cursor.at;
  bool repeat = llvm::isDigit(cursor.peek()) || cursor.peek() == '(';
  if (!cursor.peekWord().empty()) { // NAME[...].NAME and then '*'
    llvm::StringRef text = cursor.text;
    size_t end = begin;
    while (end < text.size() &&
           (llvm::isAlnum(text[end]) || text[end] == '_' || text[end] == '.' || text[end] == '[')) {
      if (text[end] == '[')
        end += std::min(text.substr(end, 256).find_first_of("]\n"), size_t(255)); // bounded: it is only a look ahead
      ++end;
    }
    end = end < text.size() ? std::min(text.find_first_not_of(" \t", end), text.size()) : text.size();
    repeat = end < text.size() && text[end] == '*';
  }
  if (!repeat)
    return true;
  op.repeat = ExpressionParser(cursor).parsePrimary();
  if (!op.repeat)
    return false;
  if (cursor.accept("*"))
    return true;
  cursor.failHere("expected '*' between a number of repeats and an op");
  return false;
}

bool TextOps::readItem(Op &op, bool labelled) {
  size_t begin = cursor.at;
  if (!readRepeat(op))
    return false;
  if (!labelled && op.repeat && readLabel(op)) {
    cursor.fail(begin, 1, "expected the label before the number of repeats: 'LABEL: N * OP'");
    return false;
  }
  cursor.skipSpace();
  size_t offset = cursor.at;
  if (!readOp(op)) {
    op.kind = OpKind::Invalid;
    return false;
  }
  if (cursor.at == offset)
    return false;
  if (!cursor.acceptWord("as"))
    return true;
  op.saveAs = readOwnName("the name of a value");
  return !op.saveAs.text.empty();
}

} // namespace incept
