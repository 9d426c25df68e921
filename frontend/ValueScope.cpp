// SPDX-License-Identifier: Apache-2.0

#include "frontend/ValueScope.h"
#include "frontend/OpTable.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"

namespace incept {

void ValueScope::setInput(int64_t channels, int64_t height, int64_t width) {
  input = Row{"in", {{"channels", channels}, {"height", height}, {"width", width}}};
}

static std::optional<Value> lookupEntry(const Row &row, llvm::StringRef column, const Expr &name,
                                        Diagnostics &diagnostics) {
  auto entry = row.entries.find(column.str());
  if (entry != row.entries.end())
    return std::visit([](auto number) { return Value(number); }, entry->second);
  std::vector<std::string> candidates;
  for (const auto &[candidate, value] : row.entries)
    candidates.push_back(candidate);
  diagnostics.error(name.range,
                    "unknown column '" + column + "' of row '" + row.name + "'" + suggestion(column, candidates));
  return std::nullopt;
}

/// TABLE.ROW or TABLE.ROW.COLUMN; `parts` begins with the table.
static std::optional<Value> lookupTable(const Table &table, llvm::ArrayRef<llvm::StringRef> parts, const Expr &name,
                                        Diagnostics &diagnostics) {
  if (const Row *row = table.find(parts[1]))
    return parts.size() == 2 ? Value(row) : lookupEntry(*row, parts[2], name, diagnostics);
  std::vector<std::string> candidates;
  for (const Row &row : table.rows)
    candidates.push_back(row.name.substr(table.name.text.size() + 1));
  diagnostics.error(name.range, "unknown row '" + parts[1] + "' of table '" + table.name.text + "'" +
                                    suggestion(parts[1], candidates));
  return std::nullopt;
}

std::optional<Value> ValueScope::lookupSource(llvm::StringRef member, const Expr &name,
                                              Diagnostics &diagnostics) const {
  if (!source)
    return std::nullopt; // after a mistake
  auto entry = source->entries.find(member.str());
  if (entry != source->entries.end())
    return std::visit([](auto number) { return Value(number); }, entry->second);
  diagnostics.error(name.range,
                    "expected an image (N,C,H,W) to flow in where its " + member + " is used, but got a row (N,C)");
  return std::nullopt;
}

// First names that mean nothing have been reported for every block by checkSpec.
std::optional<Value> ValueScope::lookup(const Expr &name, Diagnostics &diagnostics) const {
  llvm::SmallVector<llvm::StringRef, 4> parts;
  llvm::StringRef(name.name).split(parts, '.');
  const ValueScope *owner = this;
  if (parts[0] == "network" && network && parts.size() > 1) { // network.NAME
    owner = network;
    parts.erase(parts.begin());
  } else if (parts[0] == "network" && !network && parts.size() > 1) {
    parts.erase(parts.begin());
  }
  auto parameter = owner->parameters.find(parts[0].str());
  if (parameter == owner->parameters.end() && owner->network) {
    owner = owner->network;
    parameter = owner->parameters.find(parts[0].str());
  }
  if (parameter != owner->parameters.end()) {
    if (!parameter->second || parts.size() == 1)
      return parameter->second;
    auto *row = std::get_if<const Row *>(&*parameter->second);
    if (row && parts.size() == 2)
      return lookupEntry(**row, parts[1], name, diagnostics);
    if (auto *table = std::get_if<const Table *>(&*parameter->second); table && parts.size() <= 3)
      return lookupTable(**table, parts, name, diagnostics);
    diagnostics.error(name.range, "expected a number, but '" + parts[0] + "' is " + formatValue(*parameter->second) +
                                      " and has no '" + parts[1] + "'");
    return std::nullopt;
  }
  if (parts[0] == "in")
    return input && parts.size() == 2 && input->entries.count(parts[1].str())
               ? lookupEntry(*input, parts[1], name, diagnostics)
               : std::nullopt;
  if (parts[0] == "src")
    return parts.size() == 2 ? lookupSource(parts[1], name, diagnostics) : std::nullopt;
  auto table = spec->tables.find(parts[0]);
  if (table != spec->tables.end())
    return parts.size() == 1 ? Value(&table->second) : lookupTable(table->second, parts, name, diagnostics);
  if (parts.size() > 1)
    return std::nullopt;
  if (parts[0] == "channels" || parts[0] == "height" || parts[0] == "width")
    return lookupSource(parts[0], name, diagnostics);
  if (auto block = spec->blocks.find(parts[0]); block != spec->blocks.end())
    return Value(&block->second);
  if (parts[0] == "none" || llvm::is_contained(activationWords(), parts[0]))
    return Value(parts[0].str());
  return std::nullopt;
}

} // namespace incept
