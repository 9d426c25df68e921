// SPDX-License-Identifier: Apache-2.0

#include "frontend/Label.h"
#include "frontend/Spec.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace incept {

/// Letters, digits and '_' in parts that dots separate, the first byte no digit; "{}" stands for an index.
static bool isLabel(llvm::StringRef text) {
  if (text.empty() || text.size() > kMaxNameLength || llvm::isDigit(text[0]) || text[0] == '{')
    return false;
  llvm::SmallVector<llvm::StringRef, 4> parts;
  text.split(parts, '.');
  return llvm::all_of(parts, [](llvm::StringRef part) {
    return !part.empty() &&
           llvm::all_of(part, [](char c) { return llvm::isAlnum(c) || c == '_' || c == '{' || c == '}'; });
  });
}

void readLabelIndices(Name &label, llvm::function_ref<std::optional<Expr>(size_t at, llvm::StringRef index)> parse,
                      std::vector<Expr> &indices, Diagnostics &diagnostics) {
  llvm::StringRef text = label.text;
  std::string names;
  size_t at = 0;
  bool closed = true;
  while (at < text.size()) {
    if (text[at] != '{') {
      names += text[at++];
      continue;
    }
    size_t close = text.find('}', at);
    closed &= close != llvm::StringRef::npos && names.size() < kMaxNameLength;
    if (!closed)
      break;
    auto index = parse(at + 1, text.slice(at + 1, close));
    if (!index) {
      label.text.clear();
      return;
    }
    indices.push_back(std::move(*index));
    names += "{}";
    at = close + 1;
  }
  if (closed && isLabel(names))
    return;
  diagnostics.error(label.range, "expected a label of letters, digits and '_', but got '" + text.take_front(80) + "'");
  label.text.clear();
  indices.clear();
}

std::string fillLabel(llvm::StringRef label, llvm::ArrayRef<int64_t> indices) {
  std::string result;
  while (!indices.empty()) {
    auto [before, rest] = label.split('{');
    result += before.str() + std::to_string(indices.front());
    label = rest.split('}').second;
    indices = indices.drop_front();
  }
  return result + label.str();
}

} // namespace incept
