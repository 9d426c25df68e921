// SPDX-License-Identifier: Apache-2.0
//
// The table of operations on lanes, by name. A name is the instruction's without what does not change its meaning
// ("add.f32" for "add.rn.f32").
#pragma once

#include "tools/incept-sim/ptx/Program.h"

#include <memory>
#include <unordered_map>

namespace incept::sim::ptx {

/// One letter per row, the destination first: p predicate, h 16 bits, w 32, l 64, c the carry flag (32 bits, not an
/// operand of the text).
struct Form {
  Execute *execute;
  std::string rows;
};

class FormTable {
public:
  void add(std::string name, Execute *execute, std::string rows) {
    forms.insert_or_assign(std::move(name), Form{execute, std::move(rows)});
  }
  const Form *find(const std::string &name) const {
    auto found = forms.find(name);
    return found == forms.end() ? nullptr : &found->second;
  }

private:
  std::unordered_map<std::string, Form> forms;
};

/// All of them, built at the first call.
const FormTable &forms();

void addIntegerForms(FormTable &table);
void addBitForms(FormTable &table);
void addFloatForms(FormTable &table);
void addHalfForms(FormTable &table);
void addCompareForms(FormTable &table);
void addIntegerConversions(FormTable &table);
void addFloatConversions(FormTable &table);
/// mov, selp, packing, shuffles, votes.
void addMoveForms(FormTable &table);
void addWarpForms(FormTable &table);

} // namespace incept::sim::ptx
