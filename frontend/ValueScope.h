// SPDX-License-Identifier: Apache-2.0
//
// Names with values: the parameters of one use of a block, its input's shape, and tables.
#pragma once

#include "frontend/Spec.h"

namespace incept {

class ValueScope : public Scope {
public:
  explicit ValueScope(const Spec &spec) : spec(&spec) {}

  /// Gives a parameter its value; none where its expression had a mistake.
  void set(const std::string &name, std::optional<Value> value) { parameters[name] = value; }
  /// Sets `in.channels`, `in.height`, `in.width`; absent where the shape is not known.
  void setInput(int64_t channels, int64_t height, int64_t width);

  std::optional<Value> lookup(const Expr &name, Diagnostics &diagnostics) const override;

private:
  const Spec *spec;
  std::map<std::string, std::optional<Value>> parameters;
  std::optional<Row> input;
};

} // namespace incept
