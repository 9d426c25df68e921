// SPDX-License-Identifier: Apache-2.0

#include "frontend/JsonOps.h"
#include "frontend/Label.h"
#include "frontend/TextOps.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace incept {

static const llvm::StringRef kCommonKeys[] = {"label", "as", "repeat", "comment"};

void reportWrongType(Diagnostics &diagnostics, const JsonValue &value, const llvm::Twine &what) {
  diagnostics.error(value.range, "expected " + what + ", but got " + describe(value));
}

Name innerText(const JsonValue &string) {
  SourceRange range = string.range;
  range.column += 1;
  range.length = range.length > 2 ? range.length - 2 : 1;
  return {string.string, range};
}

static Name checkName(Diagnostics &diagnostics, Name name, llvm::StringRef what) {
  bool valid = !name.text.empty() && name.text.size() <= kMaxNameLength && !llvm::isDigit(name.text[0]) &&
               llvm::all_of(name.text, [](char c) { return llvm::isAlnum(c) || c == '_'; });
  if (valid)
    return name;
  diagnostics.error(name.range, "expected " + what + " of letters, digits and '_', but got '" +
                                    llvm::StringRef(name.text).take_front(80) + "'");
  return {"", name.range};
}

Name readName(Diagnostics &diagnostics, const JsonValue &value, llvm::StringRef what) {
  if (value.kind == JsonKind::String)
    return checkName(diagnostics, innerText(value), what);
  reportWrongType(diagnostics, value, what);
  return {"", value.range};
}

Name readKeyName(Diagnostics &diagnostics, const JsonValue &member, llvm::StringRef what) {
  return checkName(diagnostics, {member.key, member.keyRange}, what);
}

Name readOwnName(Diagnostics &diagnostics, Name name, llvm::StringRef what, bool ofBlock) {
  if (ofBlock ? !isReservedForBlocks(name.text) : !isReserved(name.text))
    return name;
  diagnostics.error(name.range, "the word '" + name.text + "' cannot be " + what);
  return {"", name.range};
}

void readComments(const JsonValue &object, Layout &layout) {
  auto append = [](std::string &to, const std::string &text) { appendLine(to, text); };
  append(layout.comment, std::exchange(object.note, ""));
  for (const JsonValue &member : object.children)
    if (object.kind == JsonKind::Object && isComment(member)) {
      bool behind = &member != &object.children.front() && member.string.find('\n') == std::string::npos;
      append(behind ? layout.trailing : layout.comment, member.string);
    }
}

std::optional<Expr> OpReader::readExpression(const JsonValue &value, llvm::StringRef key) {
  Expr expr;
  expr.range = value.range;
  if (value.kind == JsonKind::Integer) {
    expr.integer = value.integer;
    return expr;
  }
  if (value.kind == JsonKind::Real) {
    expr.kind = ExprKind::Real;
    expr.real = value.real;
    expr.name = value.string;
    return expr;
  }
  if (value.kind == JsonKind::Boolean && key.empty()) { // a parameter's default or argument
    expr.integer = value.boolean;
    expr.name = value.boolean ? "true" : "false";
    return expr;
  }
  if (value.kind == JsonKind::Array && key.empty()) {
    expr.kind = ExprKind::List;
    if (value.children.size() > kMaxListItems) {
      diagnostics.error(value.range, "expected a list of at most " + llvm::Twine(kMaxListItems) + " items");
      return std::nullopt;
    }
    for (const JsonValue &child : value.children) {
      auto item = readExpression(child, "");
      if (!item)
        return std::nullopt;
      expr.operands.push_back(std::move(*item));
    }
    return expr;
  }
  if (value.kind == JsonKind::String) {
    Name text = innerText(value);
    return parseExpression(text.text, text.range, diagnostics);
  }
  reportWrongType(diagnostics, value, "a number or an expression" + (key.empty() ? "" : " for '" + key.str() + "'"));
  return std::nullopt;
}

std::optional<Argument> OpReader::readList(const JsonValue &value, const KeyInfo &key, size_t size,
                                           KeyType elementType) {
  if (value.kind != JsonKind::Array) {
    auto expr = readExpression(value, key.name);
    if (!expr)
      return std::nullopt;
    Argument argument;
    argument.kind = ArgumentKind::Expression;
    argument.expr = std::move(*expr);
    return argument;
  }
  if (size == 1) {
    reportWrongType(diagnostics, value, "a number or an expression for '" + key.name + "'");
    return std::nullopt;
  }
  if (size != 0 && value.children.size() != size) {
    diagnostics.error(value.range, "expected [vertical, horizontal] for '" + key.name + "', but got " +
                                       llvm::Twine(value.children.size()) + " values");
    return std::nullopt;
  }
  Argument list;
  list.kind = ArgumentKind::List;
  for (const JsonValue &child : value.children) {
    auto item = readArgument(child, {key.name, elementType});
    if (!item)
      return std::nullopt;
    list.items.push_back(std::move(*item));
  }
  return list;
}

std::optional<Argument> OpReader::readTexts(const JsonValue &value, const KeyInfo &key) {
  Argument list;
  list.kind = ArgumentKind::List;
  bool isGood = value.kind == JsonKind::Array;
  for (const JsonValue &child : value.children) {
    isGood &= child.kind == JsonKind::String && child.string.find('"') == std::string::npos;
    Argument item;
    item.kind = ArgumentKind::Word;
    item.word = child.string;
    item.range = child.range;
    list.items.push_back(std::move(item));
  }
  if (isGood && !list.items.empty())
    return list;
  reportWrongType(diagnostics, value, "a list of strings for '" + key.name + "', as [\"stem.*\"]");
  return std::nullopt;
}

std::optional<Argument> OpReader::readWord(const JsonValue &value, const KeyInfo &key) {
  Argument argument;
  argument.kind = ArgumentKind::Word;
  bool isNone = value.kind == JsonKind::Null && key.type == KeyType::Activation;
  argument.word = isNone ? "linear" : value.string;
  std::vector<std::string> words;
  for (llvm::StringRef word : key.words)
    words.push_back(word.str());
  if (value.kind != JsonKind::String && !isNone) {
    reportWrongType(diagnostics, value, "a word for '" + key.name + "'");
    return std::nullopt;
  }
  if (!llvm::is_contained(words, argument.word)) {
    diagnostics.error(value.range, "unknown " + key.name + " '" + llvm::StringRef(argument.word).take_front(80) + "'" +
                                       suggestion(argument.word, words));
    return std::nullopt;
  }
  return argument;
}

static bool isPlainName(llvm::StringRef text) {
  return !text.empty() && !llvm::isDigit(text[0]) &&
         llvm::all_of(text, [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

std::optional<Argument> OpReader::readArgument(const JsonValue &value, const KeyInfo &key) {
  std::optional<Argument> argument;
  if (llvm::ArrayRef<KeyInfo> keys = recordKeys(key); value.kind == JsonKind::Object && !keys.empty()) {
    argument.emplace();
    argument->kind = ArgumentKind::Record;
    argument->items = readRecord(value, keys, "'" + (key.name.empty() ? value.key : key.name.str()) + "'");
  } else if (key.type == KeyType::Padding && value.kind == JsonKind::String &&
             (value.string == "same" || value.string == "valid")) {
    argument.emplace();
    argument->kind = ArgumentKind::Word;
    argument->word = value.string;
  } else if (auto near = nearestName(value.string, {"same", "valid"}); key.type == KeyType::Padding && near) {
    diagnostics.error(value.range, "unknown padding '" + value.string + "'; did you mean '" + *near + "'?");
  } else if (key.type == KeyType::Value) {
    argument = readList(value, key, 1, KeyType::Value);
    if (argument && argument->kind == ArgumentKind::List) {
      reportWrongType(diagnostics, value, "a number or an expression for '" + key.name + "'");
      return std::nullopt;
    }
  } else if (key.type == KeyType::Pair || key.type == KeyType::Padding) {
    argument = readList(value, key, 2, KeyType::Value);
  } else if (key.type == KeyType::Numbers) {
    argument = readList(value, key, 0, KeyType::Value);
  } else if (key.type == KeyType::Texts) {
    argument = readTexts(value, key);
  } else if (key.type == KeyType::Activation && value.kind == JsonKind::String &&
             !llvm::is_contained(key.words, value.string) && isPlainName(value.string)) {
    argument = readList(value, key, 1, KeyType::Value); // a parameter
  } else if (key.type == KeyType::Word || key.type == KeyType::Activation) {
    argument = readWord(value, key);
  } else if (key.type == KeyType::Init && value.kind == JsonKind::String) {
    argument = readWord(value, {"init", KeyType::Word, initKeys()[0].words});
  } else if (key.type == KeyType::Flag && value.kind == JsonKind::String) {
    argument = readList(value, key, 1, KeyType::Value);
  } else if (key.type == KeyType::Flag || key.type == KeyType::BatchNorm) {
    if (value.kind != JsonKind::Boolean) {
      reportWrongType(diagnostics, value,
                      "true or false for '" + (key.name.empty() ? value.key : key.name.str()) + "'");
      return std::nullopt;
    }
    argument.emplace();
    argument->kind = ArgumentKind::Flag;
    argument->flag = value.boolean;
  } else if (key.type == KeyType::Keep) {
    reportWrongType(diagnostics, value, "{\"keep\": ...}");
  } else {
    reportWrongType(diagnostics, value, "an object for '" + key.name + "'");
  }
  if (argument) {
    argument->range = value.range;
    argument->name = {value.key, value.keyRange};
    readComments(value, argument->layout);
  }
  return argument;
}

/// The key of a member. An unknown one is reported, and taken for the nearest: its value is checked all the same, and
/// nobody complains that the key is missing.
const KeyInfo *OpReader::findKeyOrNearest(const JsonValue &member, llvm::ArrayRef<KeyInfo> keys,
                                          llvm::StringRef owner) {
  if (const KeyInfo *key = findKey(keys, member.key))
    return key;
  std::vector<std::string> names = keyNames(keys);
  if (owner.starts_with("op "))
    names.insert(names.end(), {"label", "as", "repeat"});
  diagnostics.error(member.keyRange, "unknown key '" + llvm::StringRef(member.key).take_front(80) + "' of " + owner +
                                         suggestion(member.key, names));
  auto nearest = nearestName(member.key, names);
  return nearest ? findKey(keys, *nearest) : nullptr;
}

std::vector<Argument> OpReader::readRecord(const JsonValue &object, llvm::ArrayRef<KeyInfo> keys,
                                           llvm::StringRef owner) {
  std::vector<Argument> arguments;
  if (object.kind != JsonKind::Object) {
    reportWrongType(diagnostics, object, "an object for " + owner);
    return arguments;
  }
  for (const JsonValue &member : object.children) {
    if (isComment(member))
      continue;
    const KeyInfo *key = findKeyOrNearest(member, keys, owner);
    if (!key)
      continue;
    if (auto argument = readArgument(member, *key)) {
      argument->name.text = key->name.str();
      arguments.push_back(std::move(*argument));
    }
  }
  return arguments;
}

std::vector<Op> OpReader::readOps(const JsonValue &value) {
  std::vector<Op> ops;
  if (value.kind != JsonKind::Array) {
    reportWrongType(diagnostics, value, "an array of ops");
    return ops;
  }
  for (const JsonValue &child : value.children)
    if (count <= kMaxFileOps)
      ops.push_back(readOp(child));
  if (!ops.empty()) {
    std::string above = std::exchange(value.note, "");
    appendLine(above, ops.front().layout.comment);
    ops.front().layout.comment = std::move(above);
  }
  return ops;
}

/// Whether some op has an option of that name: then it is not what was meant as the op.
static bool isOption(llvm::StringRef key) {
  return llvm::any_of(opTable(), [&](const OpInfo &info) { return findKey(info.keys, key); });
}

/// The member whose key says which op this is. `batch_norm` is a word and also an option of conv.
const JsonValue *OpReader::findWord(const JsonValue &object) {
  if (const JsonValue *block = object.find("block"))
    return block; // the other keys are the block's parameters
  std::vector<const JsonValue *> words;
  for (const JsonValue &member : object.children)
    if (findOp(member.key))
      words.push_back(&member);
  llvm::erase_if(words, [&](const JsonValue *word) {
    return llvm::any_of(words, [&](const JsonValue *other) {
      return other && other != word && findKey(findOp(other->key)->keys, word->key);
    });
  });
  if (words.size() > 1) {
    diagnostics.error(words[1]->keyRange,
                      "expected one op, but got both '" + words[0]->key + "' and '" + words[1]->key + "'");
    return nullptr;
  }
  if (words.size() == 1)
    return words[0];
  std::vector<std::string> names;
  for (const OpInfo &info : opTable())
    names.push_back(info.name.str());
  for (const JsonValue &member : object.children) {
    std::string suggested = suggestOp(member.key, names);
    if (llvm::StringRef(suggested).starts_with("; did you mean") && !llvm::is_contained(kCommonKeys, member.key)) {
      diagnostics.error(member.keyRange, "unknown op '" + member.key + "'" + suggested);
      return nullptr;
    }
  }
  const JsonValue *first = nullptr;
  for (const JsonValue &member : object.children)
    if (!llvm::is_contained(kCommonKeys, member.key) && (!first || (isOption(first->key) && !isOption(member.key))))
      first = &member;
  if (!first && !object.children.empty())
    first = &object.children.front();
  diagnostics.error(first ? first->keyRange : object.range,
                    "expected an op" + (first ? ", but got '" + first->key.substr(0, 80) + "'" : std::string()) +
                        suggestion("", names));
  return nullptr;
}

/// What a parameter of a block is given.
std::optional<Argument> OpReader::readParameterValue(const JsonValue &member) {
  bool value = member.kind == JsonKind::Boolean || member.kind == JsonKind::Array;
  auto expr = readExpression(member, value ? llvm::StringRef() : llvm::StringRef(member.key));
  if (!expr)
    return std::nullopt;
  Argument argument;
  argument.kind = ArgumentKind::Expression;
  argument.name = {member.key, member.keyRange};
  argument.range = member.range;
  argument.expr = std::move(*expr);
  return argument;
}

Op OpReader::readOp(const JsonValue &value) {
  Op op = readBareOp(value);
  appendLine(op.layout.comment, takeNotes(value));
  return op;
}

/// All of an op but comments between its parts.
Op OpReader::readBareOp(const JsonValue &value) {
  Op op;
  op.range = op.place = value.range;
  if (++count == kMaxFileOps + 1)
    diagnostics.error(value.range, "expected a file of at most " + llvm::Twine(kMaxFileOps) + " ops");
  if (value.kind == JsonKind::String) { // an op without options
    Name word = innerText(value);
    op.range = word.range;
    const OpInfo *info = findOp(word.text);
    op.layout.comment = std::exchange(value.note, "");
    if (info && info->main.type == KeyType::True) {
      op.kind = info->kind;
      return op;
    }
    std::vector<std::string> names;
    for (const OpInfo &candidate : opTable())
      if (candidate.main.type == KeyType::True)
        names.push_back(candidate.name.str());
    diagnostics.error(word.range, "expected an op without options, but got '" +
                                      llvm::StringRef(word.text).take_front(80) + "'" + suggestion(word.text, names));
    return op;
  }
  if (value.kind != JsonKind::Object) {
    reportWrongType(diagnostics, value, "an op");
    return op;
  }
  readComments(value, op.layout);
  if (readControl(value, op))
    return op;
  const JsonValue *word = findWord(value);
  if (!word)
    return op;
  const OpInfo &info = *findOp(word->key);
  op.kind = info.kind;
  op.range = word->keyRange;
  readMain(*word, info, op);
  readMembers(value, *word, info, op);
  return op;
}

void OpReader::readMain(const JsonValue &value, const OpInfo &info, Op &op) {
  switch (info.main.type) {
  case KeyType::True:
    if (value.kind != JsonKind::Boolean || !value.boolean)
      reportWrongType(diagnostics, value, "true");
    return;
  case KeyType::Name:
    if (isCombination(op.kind) && value.kind != JsonKind::String)
      return readBranches(value, op);
    op.target = readName(diagnostics, value, op.kind == OpKind::Block ? "the name of a block" : "the name of a value");
    if (op.target.text.empty())
      op.kind = OpKind::Invalid;
    return;
  case KeyType::Body:
    op.bodies.push_back({{}, value.range, readOps(value)});
    return;
  case KeyType::Branches:
    return readBranches(value, op);
  default:
    if (auto argument = readArgument(value, info.main))
      op.main = std::move(*argument);
    else
      op.kind = OpKind::Invalid;
  }
}

void OpReader::readBranches(const JsonValue &value, Op &op) {
  if (value.kind != JsonKind::Array && value.kind != JsonKind::Object) {
    reportWrongType(diagnostics, value, "an array or an object of branches");
    op.kind = OpKind::Invalid;
    return;
  }
  readComments(value, op.layout);
  if (llvm::all_of(value.children, isComment)) {
    diagnostics.error(value.range, "expected at least one branch");
    op.kind = OpKind::Invalid;
  }
  for (const JsonValue &child : value.children)
    if (!isComment(child))
      op.bodies.push_back(readBranch(child));
}

void OpReader::readLabel(Name &label, std::vector<Expr> &indices) {
  readLabelIndices(
      label,
      [&](size_t at, llvm::StringRef index) {
        SourceRange range = label.range;
        range.column += at;
        range.length = std::max<size_t>(index.size(), 1);
        return parseExpression(index, range, diagnostics);
      },
      indices, diagnostics);
}

/// The first parameters of a block, without their names.
void OpReader::readArguments(const JsonValue &array, Op &op) {
  if (array.kind != JsonKind::Array)
    return reportWrongType(diagnostics, array, "an array of values");
  std::vector<Argument> positional;
  for (const JsonValue &child : array.children)
    if (auto expr = readExpression(child, "")) {
      Argument argument;
      argument.kind = ArgumentKind::Expression;
      argument.range = argument.name.range = child.range;
      argument.expr = std::move(*expr);
      positional.push_back(std::move(argument));
    }
  op.arguments.insert(op.arguments.begin(), std::make_move_iterator(positional.begin()),
                      std::make_move_iterator(positional.end()));
}

Branch OpReader::readBranch(const JsonValue &value) {
  Branch branch;
  branch.range = value.range;
  if (!value.key.empty()) {
    branch.label = {value.key, value.keyRange};
    readLabel(branch.label, branch.labelIndices);
  }
  if (value.kind == JsonKind::Array) {
    branch.ops = readOps(value);
    return branch;
  }
  Op op = readOp(value);
  // A sequence that has nothing but a label is a branch of that name, as in the text form.
  if (op.kind == OpKind::Sequence && branch.label.text.empty() && !op.label.text.empty() && !op.repeat &&
      op.saveAs.text.empty() && !op.bodies[0].ops.empty()) {
    branch.label = std::move(op.label);
    branch.labelIndices = std::move(op.labelIndices);
    branch.ops = std::move(op.bodies[0].ops);
    std::string &above = branch.ops.front().layout.comment;
    appendLine(op.layout.comment, op.layout.trailing);
    appendLine(op.layout.comment, above);
    above = std::move(op.layout.comment);
    return branch;
  }
  branch.single = true;
  branch.ops.push_back(std::move(op));
  return branch;
}

bool OpReader::readCommonKey(const JsonValue &member, Op &op) {
  if (member.key == "label") {
    if (member.kind != JsonKind::String) {
      reportWrongType(diagnostics, member, "a label");
      return true;
    }
    op.label = innerText(member);
    readLabel(op.label, op.labelIndices);
  } else if (member.key == "as")
    op.saveAs = readOwnName(diagnostics, readName(diagnostics, member, "a value's name"), "a value's name");
  else if (member.key == "repeat")
    op.repeat = readExpression(member, "repeat");
  else if (member.key != "comment")
    return false;
  return true;
}

void OpReader::readMembers(const JsonValue &object, const JsonValue &word, const OpInfo &info, Op &op) {
  for (const JsonValue &member : object.children) {
    if (&member == &word || readCommonKey(member, op))
      continue;
    if (info.kind == OpKind::Block && member.key == "arguments") {
      readArguments(member, op);
      continue;
    }
    if (info.kind == OpKind::Block) { // which parameters there are is known once all files are read
      Name name = readKeyName(diagnostics, member, "the name of a parameter");
      if (auto argument = readParameterValue(member); argument && !name.text.empty())
        op.arguments.push_back(std::move(*argument));
      continue;
    }
    const KeyInfo *key = findKeyOrNearest(member, info.keys, ("op '" + info.name + "'").str());
    if (!key)
      continue;
    if (key->type == KeyType::Body) {
      op.bodies.push_back({{member.key, member.keyRange}, member.range, readOps(member)});
      continue;
    }
    if (auto argument = readArgument(member, *key)) {
      argument->name.text = key->name.str();
      op.arguments.push_back(std::move(*argument));
    } else
      op.kind = OpKind::Invalid;
  }
}

} // namespace incept
