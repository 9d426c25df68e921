// SPDX-License-Identifier: Apache-2.0
//
// A description as JSON. Members keep the order of the text; what fits on a line is on one.

#include "frontend/OpTable.h"
#include "frontend/SpecWriter.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <memory>

namespace incept {

namespace {

constexpr size_t kWidth = 120;

/// A JSON value: a text, or members (of an array without keys).
struct Json {
  std::string text;
  bool object = false, array = false;
  std::vector<std::pair<std::string, Json>> members;

  Json(std::string text = "null") : text(std::move(text)) {}
  static Json makeObject() {
    Json json("");
    json.object = true;
    return json;
  }
  static Json makeArray() {
    Json json("");
    json.array = true;
    return json;
  }
  void add(std::string key, Json value) { members.emplace_back(std::move(key), std::move(value)); }
};

std::string quote(llvm::StringRef text) {
  std::string result = "\"";
  for (char c : text) {
    switch (c) {
    case '"':
      result += "\\\"";
      break;
    case '\\':
      result += "\\\\";
      break;
    case '\n':
      result += "\\n";
      break;
    case '\t':
      result += "\\t";
      break;
    default:
      if (static_cast<unsigned char>(c) < 0x20) {
        const char digits[] = "0123456789abcdef";
        result += std::string("\\u00") + digits[c >> 4] + digits[c & 15];
      } else {
        result += c;
      }
    }
  }
  return result + "\"";
}

/// A number that JSON has too.
bool isJsonNumber(llvm::StringRef text) {
  text.consume_front("-");
  llvm::StringRef whole = text.take_while(llvm::isDigit);
  llvm::StringRef rest = text.substr(whole.size());
  if (whole.empty() || (whole.size() > 1 && whole[0] == '0'))
    return false;
  if (rest.consume_front(".")) {
    llvm::StringRef part = rest.take_while(llvm::isDigit);
    if (part.empty())
      return false;
    rest = rest.substr(part.size());
  }
  if (rest.empty())
    return true;
  if (!rest.consume_front("e") && !rest.consume_front("E"))
    return false;
  if (!rest.consume_front("-"))
    rest.consume_front("+");
  return !rest.empty() && llvm::all_of(rest, llvm::isDigit);
}

/// `plain` where an array or a flag may stand for a list or truth.
Json fromExpr(const Expr &expr, bool plain = false) {
  std::string text = formatExpr(expr, /*json=*/true);
  if (expr.kind == ExprKind::Integer)
    return Json(expr.name.empty() || plain ? text : quote(text));
  if (expr.kind == ExprKind::Real && isJsonNumber(text))
    return Json(text);
  if (expr.kind == ExprKind::Real) { // .5 or 2.
    Expr number = expr;
    number.name.clear();
    return Json(formatExpr(number, /*json=*/true));
  }
  if (expr.kind == ExprKind::List && plain) {
    Json list = Json::makeArray();
    for (const Expr &operand : expr.operands)
      list.add("", fromExpr(operand, true));
    return list;
  }
  return Json(quote(text));
}

Json fromArgument(const Argument &argument);

void addComments(Json &object, const Layout &layout, const Layout *more = nullptr) {
  std::string comment = layout.comment, trailing = layout.trailing;
  if (more) {
    for (const std::string &text : {more->comment, more->trailing})
      if (!text.empty())
        appendLine(comment, text);
  }
  if (!comment.empty() && !trailing.empty()) {
    comment += "\n" + trailing;
    trailing.clear();
  }
  if (!comment.empty())
    object.members.insert(object.members.begin(), {"comment", Json(quote(comment))});
  if (!trailing.empty())
    object.add("comment", Json(quote(trailing)));
}

Json fromRecord(llvm::ArrayRef<Argument> arguments) {
  Json record = Json::makeObject();
  for (const Argument &argument : arguments)
    record.add(argument.name.text, fromArgument(argument));
  return record;
}

/// Comments of what has no object to keep them.
std::string plainComments(llvm::ArrayRef<Argument> arguments) {
  std::string comment;
  for (const Argument &argument : arguments)
    if (argument.kind != ArgumentKind::Record)
      for (const std::string &text : {argument.layout.comment, argument.layout.trailing})
        if (!text.empty())
          appendLine(comment, text);
  return comment;
}

Json fromArgument(const Argument &argument) {
  switch (argument.kind) {
  case ArgumentKind::Null:
    return Json();
  case ArgumentKind::Flag:
    return Json(argument.flag ? "true" : "false");
  case ArgumentKind::Word:
    return argument.word == "linear" ? Json() : Json(quote(argument.word));
  case ArgumentKind::Expression:
    return fromExpr(argument.expr);
  case ArgumentKind::List: {
    Json list = Json::makeArray();
    for (const Argument &item : argument.items)
      list.add("", item.kind == ArgumentKind::Word ? Json(quote(item.word)) : fromExpr(item.expr));
    return list;
  }
  case ArgumentKind::Record: {
    Json record = fromRecord(argument.items);
    Layout more;
    more.comment = plainComments(argument.items);
    addComments(record, argument.layout, &more);
    return record;
  }
  }
  return Json();
}

Json fromOp(const Op &op);

Json fromOps(llvm::ArrayRef<Op> ops) {
  Json list = Json::makeArray();
  for (const Op &op : ops)
    list.add("", fromOp(op));
  return list;
}

Json fromBranches(llvm::ArrayRef<Branch> branches) {
  std::set<std::string> labels;
  bool named = llvm::all_of(branches, [&](const Branch &branch) {
    return !branch.label.text.empty() && labels.insert(branch.label.text).second;
  });
  Json result = named ? Json::makeObject() : Json::makeArray();
  for (const Branch &branch : branches) {
    if (named || branch.label.text.empty()) {
      result.add(branch.label.text, branch.single ? fromOp(branch.ops[0]) : fromOps(branch.ops));
      continue;
    }
    // In a list a branch has its name from its only op.
    Op op;
    if (branch.single) {
      op = branch.ops[0];
    } else {
      op.kind = OpKind::Sequence;
      op.bodies.push_back({{}, {}, branch.ops});
    }
    if (op.label.text.empty()) {
      op.label = branch.label;
      op.labelIndices = branch.labelIndices;
    }
    result.add("", fromOp(op));
  }
  return result;
}

Json fromControl(const Op &op) {
  Json json = Json::makeObject();
  switch (op.kind) {
  case OpKind::Let:
    if (op.names.empty()) {
      json.add("let", Json(quote(op.saveAs.text)));
      json.add("layers", fromOps(op.bodies[0].ops));
    } else {
      Json value = Json::makeObject();
      value.add(op.names[0].text, fromExpr(*op.value, true));
      json.add("let", std::move(value));
    }
    break;
  case OpKind::If:
    json.add("if", fromExpr(*op.value));
    json.add("then", fromOps(op.bodies[0].ops));
    if (op.bodies.size() > 1)
      json.add("else", fromOps(op.bodies[1].ops));
    break;
  case OpKind::For: {
    Json names = Json::makeArray();
    for (const Name &name : op.names)
      names.add("", Json(quote(name.text)));
    json.add("for", op.names.size() == 1 ? names.members[0].second : std::move(names));
    json.add("in", fromExpr(*op.value, true));
    json.add("layers", fromOps(op.bodies[0].ops));
    break;
  }
  case OpKind::Assert:
    json.add("assert", fromExpr(*op.value));
    json.add("message", Json(quote(op.text)));
    break;
  default:
    break;
  }
  addComments(json, op.layout);
  return json;
}

Json fromOp(const Op &op) {
  if (isControl(op.kind))
    return fromControl(op);
  const OpInfo &info = opInfo(op.kind);
  Json json = Json::makeObject();
  if (!op.label.text.empty())
    json.add("label", Json(quote(op.label.text)));
  switch (info.main.type) {
  case KeyType::True:
    json.add(info.name.str(), Json("true"));
    break;
  case KeyType::Name:
    json.add(info.name.str(), op.bodies.empty() ? Json(quote(op.target.text)) : fromBranches(op.bodies));
    break;
  case KeyType::Branches:
    json.add(info.name.str(), fromBranches(op.bodies));
    break;
  case KeyType::Body:
    json.add(info.name.str(), fromOps(op.bodies[0].ops));
    break;
  default:
    json.add(info.name.str(), fromArgument(op.main));
  }
  Json positional = Json::makeArray();
  for (const Argument &argument : op.arguments)
    if (op.kind == OpKind::Block && argument.name.text.empty())
      positional.add("", fromExpr(argument.expr, true));
  if (!positional.members.empty())
    json.add("arguments", std::move(positional));
  for (const Argument &argument : op.arguments)
    if (op.kind == OpKind::Block && !argument.name.text.empty())
      json.add(argument.name.text, fromExpr(argument.expr, true));
    else if (op.kind != OpKind::Block)
      json.add(argument.name.text, fromArgument(argument));
  if (op.kind == OpKind::Residual && op.bodies.size() > 1)
    json.add("shortcut", fromOps(op.bodies[1].ops));
  if (op.repeat)
    json.add("repeat", fromExpr(*op.repeat));
  if (!op.saveAs.text.empty())
    json.add("as", Json(quote(op.saveAs.text)));
  addComments(json, op.layout);
  bool word = info.main.type == KeyType::True && json.members.size() == 1;
  return word ? Json(quote(info.name)) : json;
}

Json fromParameters(llvm::ArrayRef<Parameter> parameters) {
  Json json = Json::makeObject();
  for (const Parameter &parameter : parameters) {
    Json value = parameter.value ? fromExpr(*parameter.value, true) : Json();
    if (parameter.type != ParameterType::Any) {
      Json typed = Json::makeObject();
      typed.add("type", Json(quote(parameterTypeName(parameter.type))));
      if (parameter.value)
        typed.add("default", std::move(value));
      value = std::move(typed);
    }
    json.add(parameter.name.text, std::move(value));
  }
  return json;
}

Json fromDefaults(llvm::ArrayRef<Defaults> all) {
  Json json = Json::makeObject();
  for (const Defaults &defaults : all) {
    Json record = fromRecord(defaults.arguments);
    addComments(record, defaults.layout);
    json.add(opInfo(defaults.kind).name.str(), std::move(record));
  }
  return json;
}

Json fromTable(const Table &table) {
  Json json = table.named ? Json::makeObject() : Json::makeArray();
  for (auto [row, layout] : llvm::zip(table.rows, table.layouts)) {
    Json entries = Json::makeObject();
    for (const std::string &column : table.columns)
      if (auto entry = row.entries.find(column); entry != row.entries.end()) {
        Expr number;
        if (auto *integer = std::get_if<int64_t>(&entry->second)) {
          number.integer = *integer;
        } else {
          number.kind = ExprKind::Real;
          number.real = std::get<double>(entry->second);
        }
        entries.add(column, Json(formatExpr(number, /*json=*/true)));
      }
    addComments(entries, layout);
    json.add(table.named ? row.name.substr(table.name.text.size() + 1) : "", std::move(entries));
  }
  if (table.named)
    addComments(json, table.layout);
  return json;
}

Json fromSection(const Section &section) {
  Json json = fromRecord(section.arguments);
  Layout more;
  more.comment = plainComments(section.arguments);
  addComments(json, section.layout, &more);
  return json;
}

void addNetwork(Json &json, const NetworkDef &network) {
  if (!network.parameters.empty())
    json.add("parameters", fromParameters(network.parameters));
  if (!network.defaults.empty())
    json.add("defaults", fromDefaults(network.defaults));
  if (network.input)
    json.add("input", fromSection(*network.input));
  json.add("layers", fromOps(network.ops));
  if (network.training)
    json.add("training", fromSection(*network.training));
}

Json fromFile(const SpecFile &file) {
  Json json = Json::makeObject();
  std::string comment = file.comment;
  auto append = [&](const std::string &text) {
    if (!text.empty())
      appendLine(comment, text);
  };
  if (!file.imports.empty()) {
    Json imports = Json::makeArray();
    for (const Name &name : file.imports)
      imports.add("", Json(quote(name.text)));
    json.add("imports", std::move(imports));
  }
  bool single = file.networks.size() == 1 && file.networks[0].defaults.empty();
  if (!file.defaults.empty())
    json.add("defaults", fromDefaults(file.defaults));
  if (!file.tables.empty()) {
    Json tables = Json::makeObject();
    for (const Table &table : file.tables) {
      if (!table.named) {
        append(table.layout.comment);
        append(table.layout.trailing);
      }
      tables.add(table.name.text, fromTable(table));
    }
    json.add("tables", std::move(tables));
  }
  if (!file.blocks.empty()) {
    Json blocks = Json::makeObject();
    for (const BlockDef &block : file.blocks) {
      Json value = Json::makeObject();
      if (!block.parameters.empty())
        value.add("parameters", fromParameters(block.parameters));
      value.add("layers", fromOps(block.ops));
      addComments(value, block.layout);
      blocks.add(block.name.text, std::move(value));
    }
    json.add("blocks", std::move(blocks));
  }
  if (single) {
    const NetworkDef &network = file.networks[0];
    append(network.layout.comment);
    append(network.layout.trailing);
    json.add("network", Json(quote(network.name.text)));
    addNetwork(json, network);
  } else if (!file.networks.empty()) {
    Json networks = Json::makeObject();
    for (const NetworkDef &network : file.networks) {
      Json value = Json::makeObject();
      addNetwork(value, network);
      addComments(value, network.layout);
      networks.add(network.name.text, std::move(value));
    }
    json.add("networks", std::move(networks));
  }
  append(file.endComment);
  Layout layout;
  layout.comment = comment;
  addComments(json, layout);
  return json;
}

/// The value on one line; gives up, with "", where it is longer than `most`.
std::string printLine(const Json &json, size_t most) {
  if (!json.object && !json.array)
    return json.text.size() <= most ? json.text : "";
  std::string text = json.object ? "{" : "[";
  for (const auto &[key, value] : json.members) {
    text += text.size() > 1 ? ", " : "";
    if (json.object)
      text += quote(key) + ": ";
    if (text.size() > most)
      return "";
    std::string inner = printLine(value, most - text.size());
    if (inner.empty())
      return "";
    text += inner;
  }
  text += json.object ? "}" : "]";
  return text.size() <= most ? text : "";
}

void print(const Json &json, size_t indent, size_t column, bool top, std::string &out) {
  std::string line = top ? "" : printLine(json, kWidth > column + 1 ? kWidth - column - 1 : 1);
  if (!line.empty() || (!json.object && !json.array)) {
    out += line.empty() ? json.text : line;
    return;
  }
  out += json.object ? "{" : "[";
  std::string pad(indent + 2, ' ');
  for (auto [index, member] : llvm::enumerate(json.members)) {
    out += (index ? ",\n" : "\n") + pad;
    std::string key = json.object ? quote(member.first) + ": " : "";
    out += key;
    print(member.second, indent + 2, indent + 2 + key.size(), false, out);
  }
  out += "\n" + std::string(indent, ' ') + (json.object ? "}" : "]");
}

} // namespace

std::string writeJsonSpec(const SpecFile &file) {
  std::string text;
  print(fromFile(file), 0, 0, /*top=*/true, text);
  return text + "\n";
}

} // namespace incept
