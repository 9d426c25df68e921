// SPDX-License-Identifier: Apache-2.0
//
// What an option of the text form may be given.

#include "frontend/TextOps.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace incept {

llvm::ArrayRef<KeyInfo> recordKeys(const KeyInfo &key) {
  switch (key.type) {
  case KeyType::BatchNorm:
    return batchNormKeys();
  case KeyType::Init:
    return initKeys();
  case KeyType::Keep:
    return keepKeys();
  case KeyType::Padding:
    return paddingKeys();
  case KeyType::Record:
    return key.fields;
  default:
    return {};
  }
}

static std::vector<std::string> wordsOf(const KeyInfo &key) {
  std::vector<std::string> words;
  for (llvm::StringRef word : key.words)
    if (word != "linear" || key.type != KeyType::Activation)
      words.push_back(word.str());
  return words;
}

/// A number for both directions, or VERTICAL x HORIZONTAL.
std::optional<Argument> TextOps::readPair(const KeyInfo &key) {
  cursor.skipSpace();
  size_t begin = cursor.at;
  ExpressionParser parser(cursor);
  auto first = parser.parseSide();
  if (!first)
    return std::nullopt;
  Argument argument;
  argument.name.text = key.name.str();
  auto range = [&] { return cursor.place(begin, cursor.lastEnd() - begin); };
  cursor.skipSpace();
  bool times = cursor.peek() == 'x' && !llvm::isAlpha(cursor.peek(1)) && cursor.peek(1) != '_';
  if (!times) {
    argument.kind = ArgumentKind::Expression;
    argument.range = range();
    argument.expr = std::move(*first);
    return argument;
  }
  ++cursor.at;
  auto second = parser.parseSide();
  if (!second)
    return std::nullopt;
  argument.range = range();
  if (first->kind == ExprKind::Integer && second->kind == ExprKind::Integer && first->integer == second->integer) {
    argument.kind = ArgumentKind::Expression; // a square
    argument.expr = std::move(*first);
    return argument;
  }
  argument.kind = ArgumentKind::List;
  for (Expr *expr : {&*first, &*second}) {
    Argument item;
    item.kind = ArgumentKind::Expression;
    item.range = expr->range;
    item.expr = std::move(*expr);
    argument.items.push_back(std::move(item));
  }
  return argument;
}

/// WORD '(' fields ')' with the kind, or '(' fields ')'.
std::optional<Argument> TextOps::readRecord(llvm::ArrayRef<KeyInfo> keys, const KeyInfo *kind) {
  Argument record;
  record.kind = ArgumentKind::Record;
  cursor.skipSpace();
  size_t begin = cursor.at;
  std::string owner = "this record";
  if (llvm::StringRef word = cursor.peekWord(); !word.empty() && kind) {
    owner = ("'" + word.take_front(64) + "'").str(); // as it is written, known or not
    Argument item;
    item.kind = ArgumentKind::Word;
    item.word = word.str();
    item.range = cursor.place(begin, word.size());
    item.name = {"kind", item.range};
    if (!llvm::is_contained(kind->words, word)) {
      diagnostics.error(item.range, "unknown kind '" + word.take_front(64) + "'" + suggestion(word, wordsOf(*kind)));
      item.word = kind->words[0].str();
    }
    cursor.at += word.size();
    record.items.push_back(std::move(item));
  } else if (cursor.peek() != '(') {
    cursor.failHere(kind ? "expected one of " + llvm::join(wordsOf(*kind), ", ") + ", or '('" : "expected '('");
    return std::nullopt;
  }
  record.range = cursor.place(begin, cursor.lastEnd() - begin);
  readParentheses(keys, owner, record.items, "");
  return record;
}

/// '[' STRING { ',' STRING } ']'
std::optional<Argument> TextOps::readTexts(const KeyInfo &key) {
  Argument list;
  list.kind = ArgumentKind::List;
  list.name.text = key.name.str();
  cursor.skipSpace();
  size_t begin = cursor.at;
  auto wrong = [&]() -> std::optional<Argument> {
    return cursor.failHere("expected a list of texts in quotes for '" + key.name + "', as [\"stem.*\"]");
  };
  if (!cursor.accept("["))
    return wrong();
  do {
    cursor.skipSpace();
    if (!cursor.accept("\""))
      return wrong();
    llvm::StringRef text = cursor.text.substr(cursor.at).take_until([](char c) { return c == '"' || c == '\n'; });
    Argument item;
    item.kind = ArgumentKind::Word;
    item.word = text.str();
    item.range = cursor.place(cursor.at, text.size());
    cursor.at += text.size();
    if (!cursor.accept("\""))
      return wrong();
    list.items.push_back(std::move(item));
    cursor.skipSpace();
  } while (cursor.accept(","));
  if (!cursor.accept("]"))
    return wrong();
  list.range = cursor.place(begin, cursor.at - begin);
  return list;
}

std::optional<Argument> TextOps::readValue(const KeyInfo &key) {
  cursor.skipSpace();
  size_t begin = cursor.at;
  llvm::StringRef word = cursor.peekWord();
  Argument argument;
  argument.range = cursor.place(begin, std::max<size_t>(word.size(), 1));
  argument.name.text = key.name.str();
  auto isWord = [&](llvm::StringRef candidate) {
    if (word != candidate)
      return false;
    cursor.at += word.size();
    bool end = atEndOfOption();
    cursor.at = begin;
    return end;
  };
  auto takeWord = [&] {
    argument.kind = ArgumentKind::Word;
    argument.word = word.str();
    cursor.at += word.size();
    return argument;
  };
  switch (key.type) {
  case KeyType::Padding:
    if (isWord("same") || isWord("valid"))
      return takeWord();
    if (cursor.peek() == '(') { // (begin = ..., end = ...), or an expression
      cursor.at++;
      llvm::StringRef first = cursor.peekWord();
      cursor.at = begin;
      if (first == "begin" || first == "end")
        return readRecord(paddingKeys(), nullptr);
    }
    return readPair(key);
  case KeyType::Pair:
    return readPair(key);
  case KeyType::Word:
    if (llvm::is_contained(key.words, word))
      return takeWord();
    if (word.empty())
      return cursor.failHere("expected a word for '" + key.name + "'");
    cursor.at += word.size(); // it is reported: what comes behind it is read
    return cursor.fail(begin, word.size(),
                       "unknown " + key.name + " '" + word.take_front(64) + "'" + suggestion(word, wordsOf(key)));
  case KeyType::Activation:
    if (word == "linear" || word == "none")
      return cursor.fail(begin, word.size(), "expected an activation, but got '" + word + "'; write 'no activation'");
    if (llvm::is_contained(key.words, word))
      return takeWord();
    break;
  case KeyType::Init:
    if (llvm::is_contained(initKeys()[0].words, word)) {
      cursor.at += word.size();
      cursor.skipSpace();
      bool fields = cursor.peek() == '(';
      cursor.at = begin;
      if (!fields)
        return takeWord();
    }
    return readRecord(initKeys(), &initKeys()[0]);
  case KeyType::Record:
    return readRecord(key.fields, findKey(key.fields, "kind"));
  case KeyType::BatchNorm:
    if (cursor.peek() == '(')
      return readRecord(batchNormKeys(), nullptr);
    [[fallthrough]];
  case KeyType::Flag:
    if (isWord("true") || isWord("false")) {
      argument.kind = ArgumentKind::Flag;
      argument.flag = word == "true";
      cursor.at += word.size();
      return argument;
    }
    if (key.type == KeyType::BatchNorm)
      return cursor.failHere("expected true, false or '(' for 'batch_norm'");
    break;
  case KeyType::Numbers:
    if (cursor.peek() == '[') {
      auto list = readExpr();
      if (!list)
        return std::nullopt;
      if (list->kind == ExprKind::List) {
        argument.kind = ArgumentKind::List;
        argument.range = list->range;
        for (Expr &operand : list->operands) {
          Argument item;
          item.kind = ArgumentKind::Expression;
          item.range = operand.range;
          item.expr = std::move(operand);
          argument.items.push_back(std::move(item));
        }
        return argument;
      }
      argument.kind = ArgumentKind::Expression;
      argument.range = list->range;
      argument.expr = std::move(*list);
      return argument;
    }
    break;
  case KeyType::Texts:
    return readTexts(key);
  default:
    break;
  }
  auto expr = readExpr();
  if (!expr)
    return std::nullopt;
  argument.kind = ArgumentKind::Expression;
  argument.range = expr->range;
  argument.expr = std::move(*expr);
  return argument;
}

} // namespace incept
