// SPDX-License-Identifier: Apache-2.0
//
// Names with values: the parameters of one use of a block, its input's shape, and tables.
#pragma once

#include "frontend/Spec.h"

namespace incept {

class ValueScope : public Scope {
public:
  /// `network` has the parameters of the network, which blocks see too; null in the network itself.
  explicit ValueScope(const Spec &spec, const ValueScope *network = nullptr) : spec(&spec), network(network) {}

  /// Gives a parameter its value; none where its expression had a mistake.
  void set(const std::string &name, std::optional<Value> value) { parameters[name] = value; }
  /// Sets `in.channels`, `in.height`, `in.width`; absent where the shape is not known.
  void setInput(int64_t channels, int64_t height, int64_t width);
  /// Sets `src`, what flows into the op that comes next; a row without entries is a matrix, nothing an unknown value.
  void setSource(std::optional<Row> row) { source = std::move(row); }
  /// Whether a parameter of that name is visible.
  bool has(const std::string &name) const { return parameters.count(name) || (network && network->has(name)); }
  /// Forgets a parameter: the variable of a loop.
  void remove(const std::string &name) { parameters.erase(name); }

  std::optional<Value> lookup(const Expr &name, Diagnostics &diagnostics) const override;

private:
  std::optional<Value> lookupSource(llvm::StringRef member, const Expr &name, Diagnostics &diagnostics) const;

  const Spec *spec;
  const ValueScope *network;
  std::map<std::string, std::optional<Value>> parameters;
  std::optional<Row> input, source;
};

} // namespace incept
