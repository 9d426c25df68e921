// SPDX-License-Identifier: Apache-2.0
//
// One op of the text form, with what stands in its body, its parentheses and behind its commas.

#include "frontend/TextOps.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace incept {

static constexpr size_t kMaxArguments = 64;

bool TextOps::readOp(Op &op) {
  cursor.skipSpace();
  size_t offset = cursor.at;
  if (cursor.peek() == '{') {
    op.kind = OpKind::Sequence;
    op.range = cursor.place(offset, 1);
    return readBodyOf(op);
  }
  llvm::StringRef word = cursor.peekWord();
  if (word.empty()) {
    cursor.failHere("expected an op");
    return false;
  }
  op.range = cursor.place(offset, word.size());
  cursor.at += word.size();
  if (word == "from") {
    op.kind = OpKind::Value;
    op.target = readName("the name of a value");
    return !op.target.text.empty();
  }
  const OpInfo *info = findOp(word);
  if (!info || info->kind == OpKind::Block || info->kind == OpKind::Value) {
    op.target = {word.str(), op.range};
    op.kind = OpKind::Block;
    cursor.skipSpace();
    if (word == "else") {
      diagnostics.error(op.range, "expected 'if' before 'else', which stands behind its '}'");
      return false;
    }
    if (word == "block" || word == "network" || word == "table" || word == "import") {
      diagnostics.error(op.range, "expected '}' before '" + word + "', which stands outside of blocks and networks");
      return false;
    }
    if (cursor.peek() == '=' && cursor.peek(1) != '=') {
      diagnostics.error(op.range, "expected an op, but '" + word.take_front(64) +
                                      "' gets a value: write 'OP as NAME' for what an op gives, 'let NAME = ...' for "
                                      "numbers");
      return false;
    }
    if (cursor.peek() != '(' && !atEndOfOption()) { // nothing that may follow a block
      std::vector<std::string> names = {"from"};
      for (const OpInfo &candidate : opTable())
        names.push_back(candidate.name.str());
      diagnostics.error(op.range, "unknown op '" + word.take_front(64) + "'" + suggestOp(word, names));
      return false;
    }
    readBlockUse(op);
    return op.kind != OpKind::Invalid;
  }
  op.kind = info->kind;
  std::string owner = ("op '" + info->name + "'").str();
  switch (op.kind) {
  case OpKind::Add:
  case OpKind::Multiply:
    cursor.skipSpace();
    if (cursor.peek() == '{') {
      readBranches(op);
    } else {
      op.target = readName("the name of a value, or '{' and branches");
      if (op.target.text.empty())
        op.kind = OpKind::Invalid;
    }
    break;
  case OpKind::Concat:
  case OpKind::Split:
    readParentheses(info->keys, owner, op.arguments, "");
    readBranches(op);
    break;
  case OpKind::Residual:
  case OpKind::Auxiliary:
  case OpKind::Output:
  case OpKind::Sequence: {
    std::vector<KeyInfo> keys;
    for (const KeyInfo &key : info->keys)
      if (key.type != KeyType::Body)
        keys.push_back(key);
    readParentheses(keys, owner, op.arguments, op.kind == OpKind::Residual ? "scale" : "");
    if (!readBodyOf(op))
      return false;
    size_t before = cursor.at;
    cursor.skipSpace();
    if (op.kind == OpKind::Residual && cursor.acceptWord("shortcut"))
      return readBodyOf(op, {"shortcut", cursor.place(cursor.at - 8, 8)});
    cursor.at = before;
    break;
  }
  default:
    readMain(*info, op);
  }
  return op.kind != OpKind::Invalid;
}

/// What stands behind the word of an op, and its options.
void TextOps::readMain(const OpInfo &info, Op &op) {
  std::string owner = ("op '" + info.name + "'").str();
  size_t mainEnd = cursor.at;
  switch (info.main.type) {
  case KeyType::True:
    break;
  case KeyType::BatchNorm:
  case KeyType::Keep: { // a record whose fields are the options
    std::vector<Argument> fields;
    size_t before = diagnostics.count();
    cursor.skipSpace();
    if (info.main.type == KeyType::Keep && llvm::isDigit(cursor.peek())) {
      size_t begin = cursor.at;
      auto value = readExpr();
      llvm::StringRef text = cursor.text.slice(begin, cursor.lastEnd());
      diagnostics.error(value ? value->range : op.range,
                        "expected 'keep = " + text + "', if " + text + " is what is kept, not what is dropped");
    }
    readOptions(recordKeys(info.main), owner, /*first=*/diagnostics.count() == before, fields);
    op.main.range = op.range;
    op.main.kind = fields.empty() && info.main.type == KeyType::BatchNorm ? ArgumentKind::Flag : ArgumentKind::Record;
    op.main.flag = true;
    op.main.items = std::move(fields);
    if (diagnostics.count() != before)
      op.kind = OpKind::Invalid;
    return;
  }
  default: {
    std::optional<Argument> main;
    cursor.skipSpace();
    size_t start = cursor.at;
    if (cursor.acceptWord(info.main.name)) { // as other options are given
      cursor.skipSpace();
      if (cursor.peek() == '=' && cursor.peek(1) != '=') {
        ++cursor.at;
        cursor.fail(start, info.main.name.size(),
                    "expected the " + info.main.name + " of '" + info.name + "' without its name");
      } else {
        cursor.at = start;
      }
    }
    if (atEndOfOption())
      cursor.failHere("expected the " + info.main.name + " of '" + info.name + "'");
    else
      main = info.main.type == KeyType::Pair ? readPair(info.main) : readValue(info.main);
    if (!main) {
      op.kind = OpKind::Invalid;
      return;
    }
    op.main = std::move(*main);
    if (!isConvolution(op.kind))
      break;
    // The filters stand behind the kernel, without their name.
    size_t before = cursor.at;
    mainEnd = cursor.lastEnd();
    if (!cursor.accept(",")) {
      if (atEndOfOption() || findKey(info.keys, cursor.peekWord()))
        break;
      cursor.failHere("expected ',' behind the kernel of '" + info.name + "'");
      op.kind = OpKind::Invalid;
      return;
    }
    cursor.skipLines();
    size_t begin = cursor.at;
    llvm::StringRef word = cursor.peekWord();
    bool named = word == "no" || word == "same" || word == "valid";
    if (!word.empty()) {
      cursor.at += word.size();
      cursor.skipSpace();
      named |= cursor.peek() == '=' && cursor.peek(1) != '=';
      named |= findKey(info.keys, word) && findKey(info.keys, word)->type == KeyType::Flag && atEndOfOption();
      named |= word == "batch_norm" && atEndOfOption();
    }
    cursor.at = begin;
    if (named) {
      cursor.at = before;
      break;
    }
    auto filters = readValue(info.keys[0]);
    if (!filters) {
      op.kind = OpKind::Invalid;
      return;
    }
    filters->name = {info.keys[0].name.str(), filters->range};
    op.arguments.push_back(std::move(*filters));
    break;
  }
  }
  size_t before = diagnostics.count();
  if (!info.keys.empty())
    readOptions(info.keys, owner, /*first=*/info.main.type == KeyType::True, op.arguments);
  if (!isConvolution(op.kind))
    return;
  bool hasFilters = llvm::any_of(op.arguments, [](const Argument &given) { return given.name.text == "filters"; });
  if (diagnostics.count() == before && !hasFilters)
    cursor.fail(mainEnd, 1, "expected ',' and the filters of '" + info.name + "' behind its kernel");
  if (diagnostics.count() != before)
    op.kind = OpKind::Invalid;
}

void TextOps::readBlockUse(Op &op) {
  cursor.skipSpace();
  if (cursor.peek() != '(')
    return;
  ++cursor.at;
  int nested = cursor.nested++;
  while (true) {
    if (cursor.accept(")"))
      break;
    cursor.skipSpace();
    size_t begin = cursor.at;
    Argument argument;
    llvm::StringRef word = cursor.peekWord();
    cursor.at += word.size();
    cursor.skipSpace();
    if (!word.empty() && cursor.peek() == '=' && cursor.peek(1) != '=') {
      ++cursor.at;
      argument.name = {word.str(), cursor.place(begin, word.size())};
      cursor.skipSpace();
      begin = cursor.at;
    } else {
      cursor.at = begin;
      argument.name.range = cursor.place(begin, 1);
      if (!op.arguments.empty() && !op.arguments.back().name.text.empty()) {
        cursor.failHere("expected NAME = VALUE behind another");
        op.kind = OpKind::Invalid;
      }
    }
    auto expr = op.kind == OpKind::Invalid ? std::nullopt : readExpr();
    if (!expr) {
      op.kind = OpKind::Invalid;
      break;
    }
    for (const Argument &other : op.arguments)
      if (!argument.name.text.empty() && other.name.text == argument.name.text) {
        diagnostics.error(argument.name.range, "'" + argument.name.text + "' is given twice");
        diagnostics.note(other.name.range, "first given here");
      }
    if (op.arguments.size() == kMaxArguments) {
      diagnostics.error(expr->range, "expected at most " + llvm::Twine(kMaxArguments) + " arguments");
      op.kind = OpKind::Invalid;
      break;
    }
    argument.kind = ArgumentKind::Expression;
    argument.range = expr->range;
    argument.expr = std::move(*expr);
    op.arguments.push_back(std::move(argument));
    if (cursor.accept(","))
      continue;
    if (cursor.accept(")"))
      break;
    cursor.failHere("expected ',' or ')'");
    op.kind = OpKind::Invalid;
    break;
  }
  cursor.nested = nested;
}

void TextOps::readBranches(Op &op) {
  cursor.skipSpace();
  size_t offset = cursor.at;
  if (!openBrace("branches")) {
    op.kind = OpKind::Invalid;
    return;
  }
  if (++depth > kMaxDepth) { // reports it
    --depth;
    readBody();
    op.kind = OpKind::Invalid;
    return;
  }
  int nested = std::exchange(cursor.nested, 0);
  while (true) {
    cursor.skipLines();
    if (closeBrace())
      break;
    size_t begin = cursor.at;
    op.bodies.push_back(readBranch());
    if (cursor.at == begin)
      ++cursor.at;
  }
  cursor.nested = nested;
  --depth;
  for (Cursor::Comment &comment : cursor.comments) // at the end of the branches
    appendLine(op.layout.comment, comment.text);
  cursor.comments.clear();
  if (op.bodies.empty()) {
    cursor.fail(offset, 1, "expected at least one branch");
    op.kind = OpKind::Invalid;
  }
}

/// [LABEL ':'] chain. Braces alone are the branch's ops, not a sequence in it.
Branch TextOps::readBranch() {
  Branch branch;
  Layout above;
  takeComments(above, /*before=*/true);
  cursor.skipSpace();
  branch.range = cursor.place(cursor.at, 1);
  size_t begin = cursor.at;
  Op label;
  if (readLabel(label)) {
    branch.label = std::move(label.label);
    branch.labelIndices = std::move(label.labelIndices);
  }
  if (cursor.at == begin || !branch.label.text.empty()) {
    cursor.skipSpace();
    if (cursor.peek() == '{') {
      Op body;
      if (readBodyOf(body))
        branch.ops = std::move(body.bodies[0].ops);
    } else {
      readChain(branch.ops, /*branch=*/true);
      branch.single = branch.ops.size() == 1;
    }
  } else {
    skipStatement();
  }
  if (branch.ops.empty()) {
    Op identity;
    identity.kind = OpKind::Identity;
    identity.range = identity.place = branch.range;
    branch.ops.push_back(std::move(identity));
    branch.single = false;
  }
  Layout &layout = branch.ops.front().layout;
  if (!above.comment.empty())
    layout.comment = above.comment + (layout.comment.empty() ? "" : "\n") + layout.comment;
  endStatement(branch.ops.back().layout);
  return branch;
}

bool TextOps::atEndOfOption() {
  cursor.skipSpace();
  char c = cursor.peek();
  return c == 0 || c == '\n' || c == ',' || c == ';' || c == '}' || c == ')' || cursor.peekWord() == "as" ||
         (c == '-' && cursor.peek(1) == '>');
}

void TextOps::readOptions(llvm::ArrayRef<KeyInfo> keys, const llvm::Twine &owner, bool first,
                          std::vector<Argument> &arguments) {
  std::string name = owner.str();
  if (first && (atEndOfOption() || !readOption(keys, name, arguments)))
    return;
  while (cursor.accept(",") || missesComma(keys)) {
    cursor.skipLines();
    if (!readOption(keys, name, arguments))
      return;
  }
}

/// Whether one of the options is a convolution's or pool's padding, which has words of its own.
static bool hasPadding(llvm::ArrayRef<KeyInfo> keys) {
  const KeyInfo *key = findKey(keys, "padding");
  return key && key->type == KeyType::Padding;
}

/// Whether an option follows without a comma before it. That is said, and the option may be read all the same.
bool TextOps::missesComma(llvm::ArrayRef<KeyInfo> keys) {
  llvm::StringRef word = cursor.peekWord();
  bool isPadding = (word == "same" || word == "valid") && hasPadding(keys);
  if (word != "no" && !isPadding && !findKey(keys, word))
    return false;
  diagnostics.error(cursor.place(cursor.at, word.size()), "expected ',' before '" + word + "'");
  diagnostics.fix(cursor.place(cursor.lastEnd(), 1), ",", /*insert=*/true);
  return true;
}

/// NAME '=' VALUE, NAME, "no" NAME, "same" or "valid".
bool TextOps::readOption(llvm::ArrayRef<KeyInfo> keys, const llvm::Twine &owner, std::vector<Argument> &arguments) {
  llvm::StringRef word = cursor.peekWord();
  size_t offset = cursor.at;
  if (word.empty()) {
    cursor.failHere(llvm::isDigit(cursor.peek()) ? "expected 'NAME =' before a value of " + owner
                                                 : "expected an option of " + owner);
    return false;
  }
  cursor.at += word.size();
  bool no = word == "no";
  if (no) {
    word = cursor.peekWord();
    offset = cursor.at;
    cursor.at += word.size();
  }
  Argument argument;
  argument.range = cursor.place(offset, word.size());
  bool padding = hasPadding(keys);
  const KeyInfo *key = findKey(keys, word);
  argument.name = {word.str(), argument.range};
  cursor.skipSpace();
  bool given = cursor.peek() == '=' && cursor.peek(1) != '=';
  if (!no && !given && padding && (word == "same" || word == "valid")) {
    argument.kind = ArgumentKind::Word;
    argument.word = word.str();
    argument.name.text = "padding";
  } else if (!key) {
    std::vector<std::string> names = keyNames(keys);
    if (padding)
      names.insert(names.end(), {"same", "valid"});
    diagnostics.error(argument.range,
                      "unknown option '" + word.take_front(64) + "' of " + owner + suggestion(word, names));
    if (given) { // what it was given is read all the same
      ++cursor.at;
      if (cursor.nested > 0)
        return readPair({"", KeyType::Pair}).has_value();
      skipStatement();
    }
    return true;
  } else if (no) {
    if (key->type == KeyType::Activation) {
      argument.kind = ArgumentKind::Word;
      argument.word = "linear";
    } else if (key->type == KeyType::Flag || key->type == KeyType::BatchNorm) {
      argument.kind = ArgumentKind::Flag;
    } else {
      diagnostics.error(argument.range,
                        "expected a value for '" + key->name + "': 'no' is for batch_norm, activation and flags");
      return true;
    }
  } else if (given) {
    ++cursor.at;
    auto value = readValue(*key);
    if (!value)
      return false;
    value->name = argument.name;
    argument = std::move(*value);
  } else if (key->type == KeyType::Flag || key->type == KeyType::BatchNorm) {
    argument.kind = ArgumentKind::Flag;
    argument.flag = true;
  } else {
    cursor.failHere("expected '=' and a value for '" + key->name + "'");
    return false;
  }
  for (const Argument &other : arguments)
    if (other.name.text == argument.name.text) {
      diagnostics.error(argument.name.range, "'" + argument.name.text + "' is given twice");
      diagnostics.note(other.name.range, "first given here");
      return true;
    }
  arguments.push_back(std::move(argument));
  return true;
}

/// Options in parentheses, if there are any; the first may be `positional` without its name.
void TextOps::readParentheses(llvm::ArrayRef<KeyInfo> keys, const llvm::Twine &owner, std::vector<Argument> &arguments,
                              llvm::StringRef positional) {
  cursor.skipSpace();
  if (cursor.peek() != '(')
    return;
  ++cursor.at;
  int nested = cursor.nested++;
  std::string name = owner.str();
  bool first = true, ok = true;
  while (ok && !cursor.accept(")")) {
    cursor.skipSpace();
    size_t begin = cursor.at;
    llvm::StringRef word = cursor.peekWord();
    cursor.at += word.size();
    cursor.skipSpace();
    bool named =
        !word.empty() && (word == "no" || (cursor.peek() == '=' && cursor.peek(1) != '=') ||
                          (findKey(keys, word) && findKey(keys, word)->type == KeyType::Flag && atEndOfOption()));
    cursor.at = begin;
    if (first && !named && !positional.empty()) {
      auto value = readValue(*findKey(keys, positional));
      ok = value.has_value();
      if (ok) {
        value->name = {positional.str(), value->range};
        arguments.push_back(std::move(*value));
      }
    } else {
      ok = readOption(keys, name, arguments);
    }
    first = false;
    if (ok && !cursor.accept(",")) {
      ok = cursor.accept(")");
      if (!ok && cursor.peek() == '=')
        cursor.fail(cursor.at, 1, "expected ',' or ')', but got '='; two values are compared with '=='");
      else if (!ok)
        cursor.failHere("expected ',' or ')'");
      break;
    }
  }
  if (!ok) { // go on behind the parentheses, if they end on this line
    size_t close = cursor.text.find_first_of(")\n{", cursor.at);
    cursor.at = std::min(close, cursor.text.size());
    cursor.accept(")");
  }
  cursor.nested = nested;
}

} // namespace incept
