// SPDX-License-Identifier: Apache-2.0

#include "frontend/Spec.h"
#include "frontend/OpTable.h"
#include "llvm/ADT/STLExtras.h"

namespace incept {

static constexpr std::pair<llvm::StringRef, ParameterType> kTypes[] = {
    {"int", ParameterType::Int},     {"real", ParameterType::Real},
    {"bool", ParameterType::Bool},   {"row", ParameterType::Row},
    {"table", ParameterType::Table}, {"list", ParameterType::List},
    {"block", ParameterType::Block}, {"activation", ParameterType::Activation}};

llvm::StringRef parameterTypeName(ParameterType type) {
  for (auto [name, candidate] : kTypes)
    if (candidate == type)
      return name;
  return "";
}

std::optional<ParameterType> findParameterType(llvm::StringRef name) {
  for (auto [candidate, type] : kTypes)
    if (candidate == name)
      return type;
  return std::nullopt;
}

std::vector<std::string> parameterTypeNames() {
  std::vector<std::string> names;
  for (auto [name, type] : kTypes)
    names.push_back(name.str());
  return names;
}

bool hasType(const Value &value, ParameterType type) {
  auto *integer = std::get_if<int64_t>(&value);
  switch (type) {
  case ParameterType::Any:
    return true;
  case ParameterType::Int:
    return integer;
  case ParameterType::Real:
    return integer || std::holds_alternative<double>(value);
  case ParameterType::Bool:
    return integer && (*integer == 0 || *integer == 1);
  case ParameterType::Row:
    return std::holds_alternative<const Row *>(value);
  case ParameterType::Table:
    return std::holds_alternative<const Table *>(value);
  case ParameterType::List:
    return std::holds_alternative<std::shared_ptr<const ValueList>>(value);
  case ParameterType::Activation:
    return std::holds_alternative<std::string>(value);
  case ParameterType::Block:
    return std::holds_alternative<const BlockDef *>(value);
  }
  return false;
}

const Row *Table::find(llvm::StringRef name) const {
  std::string full = (this->name.text + "." + name).str();
  auto found = llvm::find_if(rows, [&](const Row &row) { return row.name == full; });
  return found == rows.end() ? nullptr : &*found;
}

void appendLine(std::string &to, llvm::StringRef line) {
  if (!to.empty() && !line.empty())
    to += '\n';
  to += line;
}

bool isReserved(llvm::StringRef word) {
  static constexpr llvm::StringRef kWords[] = {"in",    "src",   "network", "and",     "or",       "not",
                                               "div",   "x",     "as",      "no",      "true",     "false",
                                               "block", "label", "repeat",  "comment", "arguments"};
  return llvm::is_contained(kWords, word);
}

bool isReservedForBlocks(llvm::StringRef word) {
  static constexpr llvm::StringRef kWords[] = {"let",   "if",   "else",     "for",      "assert",  "from",
                                               "input", "then", "shortcut", "training", "defaults"};
  return isReserved(word) || llvm::is_contained(kWords, word) || findOp(word);
}

} // namespace incept
