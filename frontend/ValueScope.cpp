// SPDX-License-Identifier: Apache-2.0

#include "frontend/ValueScope.h"
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

// First names that mean nothing have been reported for every block by checkSpec.
std::optional<Value> ValueScope::lookup(const Expr &name, Diagnostics &diagnostics) const {
  llvm::SmallVector<llvm::StringRef, 4> parts;
  llvm::StringRef(name.name).split(parts, '.');
  if (auto parameter = parameters.find(parts[0].str()); parameter != parameters.end()) {
    if (!parameter->second || parts.size() == 1)
      return parameter->second;
    auto *row = std::get_if<const Row *>(&*parameter->second);
    if (row && parts.size() == 2)
      return lookupEntry(**row, parts[1], name, diagnostics);
    diagnostics.error(name.range, "expected a number, but '" + parts[0] + "' is " + formatValue(*parameter->second) +
                                      " and has no '" + parts[1] + "'");
    return std::nullopt;
  }
  if (parts[0] == "in")
    return input && parts.size() == 2 && input->entries.count(parts[1].str())
               ? lookupEntry(*input, parts[1], name, diagnostics)
               : std::nullopt;
  auto table = spec->tables.find(parts[0].str());
  if (table == spec->tables.end() || parts.size() < 2)
    return std::nullopt;
  auto row = table->second.rows.find(parts[1].str());
  if (row == table->second.rows.end())
    return std::nullopt;
  if (parts.size() == 2)
    return Value(&row->second);
  return lookupEntry(row->second, parts[2], name, diagnostics);
}

} // namespace incept
