// SPDX-License-Identifier: Apache-2.0
//
// What chooses between ops, in JSON.

#include "frontend/JsonOps.h"
#include "llvm/ADT/STLExtras.h"

namespace incept {

/// let, if, for, assert, and a comment by itself; false where the object is none of them.
bool OpReader::readControl(const JsonValue &object, Op &op) {
  struct Form {
    OpKind kind;
    llvm::StringRef word;
    std::vector<std::string> keys;
  };
  static const Form forms[] = {{OpKind::Let, "let", {"layers"}},
                               {OpKind::If, "if", {"then", "else"}},
                               {OpKind::For, "for", {"in", "layers"}},
                               {OpKind::Assert, "assert", {"message"}}};
  if (object.children.size() == 1 && isComment(object.children[0])) {
    op.kind = OpKind::Comment;
    return true;
  }
  const Form *form = nullptr;
  const JsonValue *word = nullptr;
  for (const Form &candidate : forms)
    if (const JsonValue *member = object.find(candidate.word); member && !object.find("block"))
      form = &candidate, word = member;
  if (!form)
    return false;
  op.kind = form->kind;
  op.range = word->keyRange;
  bool ok = true;
  auto expression = [&](const JsonValue &value) {
    op.value = readExpression(value, "");
    ok &= op.value.has_value();
  };
  auto body = [&](const JsonValue &value) { op.bodies.push_back({{}, value.range, readOps(value)}); };
  auto ownName = [&](Name name) {
    if (!name.text.empty())
      name = readOwnName(diagnostics, std::move(name), "the name of a value");
    ok &= !name.text.empty();
    return name;
  };
  for (const JsonValue &member : object.children)
    if (&member != word && member.key != "comment" && !llvm::is_contained(form->keys, member.key)) {
      diagnostics.error(member.keyRange, "unknown key '" + llvm::StringRef(member.key).take_front(80) + "' of '" +
                                             form->word + "'" + suggestion(member.key, form->keys));
      ok = false;
    }
  auto require = [&](llvm::StringRef key) -> const JsonValue * {
    const JsonValue *member = object.find(key);
    if (!member) {
      diagnostics.error(word->keyRange, "expected key '" + key + "' beside '" + form->word + "'");
      ok = false;
    }
    return member;
  };
  switch (form->kind) {
  case OpKind::Let:
    if (word->kind == JsonKind::Object && word->children.size() == 1 && !object.find("layers")) {
      op.names = {ownName(readKeyName(diagnostics, word->children[0], "the name of a number"))};
      expression(word->children[0]);
    } else if (word->kind == JsonKind::String) {
      op.saveAs = ownName(readName(diagnostics, *word, "the name of a value"));
      if (const JsonValue *layers = require("layers")) {
        body(*layers);
        op.bodies[0].label = op.saveAs;
      }
    } else {
      reportWrongType(diagnostics, *word, "{\"NAME\": VALUE}, or a name beside \"layers\"");
      ok = false;
    }
    break;
  case OpKind::If:
    expression(*word);
    if (const JsonValue *then = require("then"))
      body(*then);
    if (const JsonValue *otherwise = object.find("else"); otherwise && ok)
      body(*otherwise);
    break;
  case OpKind::For:
    if (word->kind == JsonKind::Array && (word->children.size() == 1 || word->children.size() == 2)) {
      for (const JsonValue &name : word->children)
        op.names.push_back(ownName(readName(diagnostics, name, "the name of an item")));
    } else {
      op.names.push_back(ownName(readName(diagnostics, *word, "the name of an item")));
    }
    if (const JsonValue *in = require("in"))
      expression(*in);
    if (const JsonValue *layers = require("layers"))
      body(*layers);
    break;
  default:
    expression(*word);
    op.text = "the assertion does not hold";
    if (const JsonValue *message = object.find("message")) {
      if (message->kind == JsonKind::String)
        op.text = message->string;
      else
        reportWrongType(diagnostics, *message, "a message");
    }
  }
  if (!ok)
    op.kind = OpKind::Invalid;
  return true;
}

} // namespace incept
