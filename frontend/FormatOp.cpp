// SPDX-License-Identifier: Apache-2.0
//
// Ops of the text form without what is in their braces.

#include "frontend/FormatOp.h"
#include "frontend/SpecWriter.h"
#include "llvm/ADT/STLExtras.h"

namespace incept {

static std::string formatRecord(const Argument &record) {
  std::string kind, fields;
  for (const Argument &item : record.items) {
    if (item.name.text == "kind")
      kind = item.word;
    else
      fields += (fields.empty() ? "" : ", ") + item.name.text + " = " + formatValue(item);
  }
  return kind + (fields.empty() && !kind.empty() ? "" : "(" + fields + ")");
}

static bool isPair(const Argument &argument) {
  return argument.kind == ArgumentKind::List && argument.items.size() == 2;
}

static std::string formatPair(const Argument &argument) {
  const Expr &a = argument.items[0].expr, &b = argument.items[1].expr;
  bool literal = a.kind == ExprKind::Integer && b.kind == ExprKind::Integer && a.integer >= 0 && b.integer >= 0;
  return formatSide(a) + (literal ? "x" : " x ") + formatSide(b);
}

std::string formatValue(const Argument &argument) {
  switch (argument.kind) {
  case ArgumentKind::Null:
    return "";
  case ArgumentKind::Flag:
    return argument.flag ? "true" : "false";
  case ArgumentKind::Word:
    return argument.word;
  case ArgumentKind::Expression:
    return formatExpr(argument.expr, /*json=*/false);
  case ArgumentKind::Record:
    return formatRecord(argument);
  case ArgumentKind::List: {
    std::string text;
    for (const Argument &item : argument.items)
      text += (text.empty() ? "" : ", ") +
              (item.kind == ArgumentKind::Word ? "\"" + item.word + "\"" : formatExpr(item.expr, /*json=*/false));
    return "[" + text + "]";
  }
  }
  return "";
}

/// An option of an op: "stride = 2", "no batch_norm", "same".
static std::string formatOption(const Argument &argument, llvm::ArrayRef<KeyInfo> keys) {
  const std::string &name = argument.name.text;
  const KeyInfo *key = findKey(keys, name);
  KeyType type = key ? key->type : KeyType::Value;
  if (argument.kind == ArgumentKind::Flag)
    return (argument.flag ? "" : "no ") + name;
  if (argument.kind == ArgumentKind::Word && type == KeyType::Padding)
    return argument.word;
  if (argument.kind == ArgumentKind::Word && type == KeyType::Activation && argument.word == "linear")
    return "no " + name;
  bool pairs = type == KeyType::Pair || type == KeyType::Padding;
  if (pairs && isPair(argument))
    return name + " = " + formatPair(argument);
  if (pairs && argument.kind == ArgumentKind::Expression)
    return name + " = " + formatSide(argument.expr);
  if (pairs && argument.kind == ArgumentKind::Record) {
    std::string fields;
    for (const Argument &item : argument.items)
      fields += (fields.empty() ? "" : ", ") + item.name.text + " = " +
                (isPair(item) ? formatPair(item) : formatSide(item.expr));
    return name + " = (" + fields + ")";
  }
  return name + " = " + formatValue(argument);
}

/// The kernel, outputs or channels behind the word of an op.
static std::string formatMain(const Op &op) {
  KeyType type = opInfo(op.kind).main.type;
  if (type != KeyType::Pair)
    return formatExpr(op.main.expr, /*json=*/false);
  if (isPair(op.main))
    return formatPair(op.main);
  const Expr &expr = op.main.expr;
  if (expr.kind == ExprKind::Integer && expr.integer >= 0)
    return std::to_string(expr.integer) + "x" + std::to_string(expr.integer);
  return formatSide(expr);
}

std::string formatOptions(llvm::ArrayRef<Argument> arguments, llvm::ArrayRef<KeyInfo> keys) {
  std::string text;
  for (const Argument &argument : arguments)
    text += (text.empty() ? "" : ", ") + formatOption(argument, keys);
  return text;
}

/// The op without what is in its braces.
std::string formatHead(const Op &op) {
  const OpInfo *info = op.kind == OpKind::Invalid || isControl(op.kind) ? nullptr : &opInfo(op.kind);
  switch (op.kind) {
  case OpKind::Sequence:
    return "";
  case OpKind::Value:
    return "from " + op.target.text;
  case OpKind::Add:
  case OpKind::Multiply:
    return info->name.str() + (op.bodies.empty() ? " " + op.target.text : "");
  case OpKind::Block: {
    std::string text;
    for (const Argument &argument : op.arguments)
      text += (text.empty() ? "" : ", ") + (argument.name.text.empty() ? "" : argument.name.text + " = ") +
              formatValue(argument);
    return op.target.text + (text.empty() ? "" : "(" + text + ")");
  }
  case OpKind::Residual:
  case OpKind::Split:
  case OpKind::Auxiliary:
  case OpKind::Output: {
    std::string text;
    for (const Argument &argument : op.arguments) {
      bool positional = op.kind == OpKind::Residual && argument.name.text == "scale" && text.empty();
      text += (text.empty() ? "" : ", ") + (positional ? formatValue(argument) : formatOption(argument, info->keys));
    }
    return info->name.str() + (text.empty() ? "" : "(" + text + ")");
  }
  case OpKind::BatchNorm:
  case OpKind::Dropout:
  case OpKind::DropPath: {
    std::string text = formatOptions(op.main.items, op.kind == OpKind::BatchNorm ? batchNormKeys() : keepKeys());
    return info->name.str() + (text.empty() ? "" : " " + text);
  }
  default: {
    std::string text = info->name.str();
    if (info->main.type != KeyType::True && info->main.type != KeyType::Branches)
      text += " " + formatMain(op);
    std::vector<Argument> arguments = op.arguments;
    auto filters = llvm::find_if(arguments, [](const Argument &argument) { return argument.name.text == "filters"; });
    if (isConvolution(op.kind) && filters != arguments.end()) {
      text += ", " + formatValue(*filters);
      arguments.erase(filters);
    }
    std::string options = formatOptions(arguments, info->keys);
    // Options stand behind a comma where there is something before it.
    return text + (options.empty() ? "" : (info->main.type == KeyType::True ? " " : ", ") + options);
  }
  }
}

/// Comments inside the values of options, which have no place of their own in the text form.
void collectComments(llvm::ArrayRef<Argument> arguments, std::string &comment) {
  for (const Argument &argument : arguments) {
    for (const std::string &text : {argument.layout.comment, argument.layout.trailing})
      if (!text.empty())
        appendLine(comment, text);
    collectComments(argument.items, comment);
  }
}

} // namespace incept
