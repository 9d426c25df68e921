// SPDX-License-Identifier: Apache-2.0
//
// Instructions whose operands or words have rules of their own.

#include "tools/incept-sim/ptx/Decoder.h"

#include <algorithm>

namespace incept::sim::ptx {

namespace {

bool isSignedType(std::string_view type) { return type.starts_with("s"); }
bool isIntegerType(std::string_view type) { return type.starts_with("s") || type.starts_with("u"); }

} // namespace

/// mov.TYPE d, a; one of the two may be a vector of registers.
bool Decoder::move() {
  uint8_t bits = typeBits(words.back());
  if (words.size() != 2 || bits == 0 || bits == 8)
    return unknown();
  if (!count(2))
    return false;
  const Operand &to = at->operands[0], &from = at->operands[1];
  if (from.kind == Operand::Kind::Vector)
    return pack(from, bits, to);
  if (to.kind == Operand::Kind::Vector)
    return unpack(to, bits, from);
  Row d, a;
  return source(from, bits, a) && destination(to, bits, d) && emitForm("copy." + std::to_string(bits), {d, a});
}

bool Decoder::pack(const Operand &vector, uint8_t bits, const Operand &to) {
  uint8_t part = static_cast<uint8_t>(bits / vector.elements.size());
  std::vector<Row> rows(1);
  for (const Operand &element : vector.elements)
    if (!source(element, part, rows.emplace_back()))
      return false;
  return destination(to, bits, rows[0]) && emitForm("pack." + std::to_string(bits) + "." + std::to_string(part), rows);
}

bool Decoder::unpack(const Operand &vector, uint8_t bits, const Operand &from) {
  uint8_t part = static_cast<uint8_t>(bits / vector.elements.size());
  Row a;
  if (!source(from, bits, a))
    return false;
  const std::string name = "extract." + std::to_string(bits) + "." + std::to_string(part) + ".";
  for (size_t i = 0; i < vector.elements.size(); ++i) {
    Row d;
    if (vector.elements[i].kind == Operand::Kind::Sink)
      continue;
    if (!destination(vector.elements[i], part, d) || !emitForm(name + std::to_string(i), {d, a}))
      return false;
  }
  return true;
}

/// cvta.SPACE to a generic address, cvta.to.SPACE from one. .global and .const addresses are generic ones.
bool Decoder::convertAddress() {
  bool to = words.size() == 4 && words[1] == "to";
  if (words.size() != (to ? 4u : 3u) || words.back() != "u64")
    return unknown();
  std::string_view space = words[to ? 2 : 1];
  uint64_t window = 0;
  if (space.starts_with("shared"))
    window = kSharedWindow;
  else if (space == "local")
    window = kLocalWindow;
  else if (space == "param")
    window = kParameterWindow;
  else if (space != "global" && space != "const")
    return unknown();
  Row d, a;
  if (!count(2) || !source(at->operands[1], 64, a) || !destination(at->operands[0], 64, d))
    return false;
  return window == 0 ? emitForm("copy.64", {d, a}) : emitForm(to ? "sub.u64" : "add.u64", {d, a, constant(64, window)});
}

bool Decoder::call() { return fail("calls are not supported: have the compiler inline the function"); }

/// isspacep.SPACE p, a: the window tells. Host addresses have none.
bool Decoder::isSpace() {
  Row p, a;
  if (words.size() != 2 || !count(2) || !source(at->operands[1], 64, a) || !destination(at->operands[0], 1, p))
    return error.ok() ? unknown() : false;
  uint64_t window = words[1] == "global"             ? 0
                    : words[1].starts_with("shared") ? kSharedWindow
                    : words[1] == "local"            ? kLocalWindow
                    : words[1].starts_with("param")  ? kParameterWindow
                                                     : UINT64_MAX;
  if (window == UINT64_MAX)
    return unknown();
  Row top = newRow(64);
  return emitForm("shr.u64", {top, a, constant(32, kWindowShift)}) &&
         emitForm("setp.eq.u64", {p, top, constant(64, window >> kWindowShift)});
}

/// The cvt between `to` and `from` in the steps that the table has.
std::vector<std::string> Decoder::conversionSteps(const std::string &mode, bool flush, std::string_view to,
                                                  std::string_view from) {
  const std::string d(to), s(from);
  auto small = [](std::string_view type) { return type == "f16" || type == "bf16"; };
  std::vector<std::string> steps;
  if (flush && from == "f32")
    steps.push_back("flush.f32");
  if (isIntegerType(to) && small(from)) {
    steps.push_back("cvt.f32." + s);
    steps.push_back("cvt" + mode + "." + d + ".f32");
  } else if (small(to) && isIntegerType(from)) {
    steps.push_back("odd.f64." + s);
    steps.push_back("cvt" + mode + "." + d + ".f64");
  } else {
    steps.push_back("cvt" + mode + "." + d + "." + s);
  }
  if (flush && to == "f32")
    steps.push_back("flush.f32");
  return steps;
}

/// cvt[.ROUND][.ftz][.sat|.relu].DST.SRC d, a, and cvt.rn.bf16x2.f32 d, a, b.
bool Decoder::convert() {
  if (words.size() < 3)
    return unknown();
  const std::string_view to = words[words.size() - 2], from = words.back();
  const bool integers = isIntegerType(to) && isIntegerType(from), pair = to.ends_with("x2");
  std::string mode;
  bool saturate = false, relu = false, flush = false;
  for (size_t i = 1; i + 2 < words.size(); ++i) {
    saturate |= words[i] == "sat" && !isIntegerType(to);
    relu |= words[i] == "relu" && !pair;
    flush |= words[i] == "ftz";
    bool dropped = words[i] == "ftz" || (words[i] == "sat" && !integers) || (words[i] == "relu" && !pair);
    mode += dropped ? "" : "." + std::string(words[i]);
  }
  // Clamping before rounding is the same as after: the limits are exact in every type.
  std::vector<std::string> steps = conversionSteps(mode, flush, to, from);
  if (saturate || relu)
    steps.insert(steps.begin(), (saturate ? "saturate." : "relu.") + std::string(from));
  uint8_t bits = std::max<uint8_t>(16, typeBits(from));
  if (std::any_of(steps.begin(), steps.end(), [](const std::string &step) { return !forms().find(step); }))
    return unknown();
  if (!count(pair ? 3 : 2))
    return false;
  Row row = kNoRow, second = kNoRow;
  if (!anyWidth(at->operands[1], bits, row) || (pair && !anyWidth(at->operands[2], bits, second)))
    return false;
  const Operand &result = at->operands[0];
  bits = pair || to == "tf32" ? 32 : std::max<uint8_t>(16, typeBits(to));
  bool wider = result.kind == Operand::Kind::Register && result.reg.bits > bits;
  Row last;
  if (!destination(result, wider ? result.reg.bits : bits, last))
    return false;
  if (wider)
    steps.push_back((isSignedType(to) ? "extend." : "resize.") + std::to_string(result.reg.bits) + "." +
                    std::to_string(bits));
  for (size_t i = 0; i < steps.size(); ++i) {
    uint8_t width = formBits(forms().find(steps[i])->rows[0]);
    Row next = i + 1 == steps.size() ? last : newRow(width);
    bool two = forms().find(steps[i])->rows.size() == 3;
    if (!(two ? emitForm(steps[i], {next, row, second}) : emitForm(steps[i], {next, row})))
      return false;
    row = next;
  }
  return true;
}

/// setp.CMP.{f16x2|bf16x2} p|q, a, b: p of the low numbers, q of the high ones.
bool Decoder::setPredicates(const std::string &name) {
  if (!count(3))
    return false;
  const Operand &to = at->operands[0];
  if (to.kind != Operand::Kind::Pair)
    return fail("expected two predicates, p|q");
  Row a, b, p, q;
  return source(at->operands[1], 32, a) && source(at->operands[2], 32, b) && destination(to.elements[0], 1, p) &&
         destination(to.elements[1], 1, q) && emitForm(name + ".low", {p, a, b}) && emitForm(name + ".high", {q, a, b});
}

/// setp.CMP[.BOOL][.ftz].TYPE p[|q], a, b[, [!]c]: p = (a CMP b) BOOL c, q = !(a CMP b) BOOL c.
bool Decoder::setPredicate() {
  std::string combine, name = "setp";
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i] == "and" || words[i] == "or" || words[i] == "xor")
      combine = words[i];
    else
      name += "." + std::string(words[i]);
  }
  if (forms().find(name + ".low") && combine.empty())
    return setPredicates(name);
  const Form *form = forms().find(name);
  if (!form)
    return unknown();
  if (!count(combine.empty() ? 3 : 4))
    return false;
  const Operand &to = at->operands[0];
  bool pair = to.kind == Operand::Kind::Pair;
  uint8_t bits = typeBits(words.back());
  Row a, b, c = kNoRow, p, q = kNoRow;
  if (!source(at->operands[1], bits, a) || !source(at->operands[2], bits, b) ||
      (!combine.empty() && !source(at->operands[3], 1, c)) || !destination(pair ? to.elements[0] : to, 1, p) ||
      (pair && !destination(to.elements[1], 1, q)))
    return false;
  if (combine.empty() && !pair)
    return emitForm(name, {p, a, b});
  Row relation = newRow(1), opposite = newRow(1);
  if (!emitForm(name, {relation, a, b}) || !emitForm("not.pred", {opposite, relation}))
    return false;
  // c may be p or q, so both results are there before one is written.
  if (!combine.empty() && (!emitForm(combine + ".pred", {relation, relation, c}) ||
                           (pair && !emitForm(combine + ".pred", {opposite, opposite, c}))))
    return false;
  return emitForm("copy.1", {p, relation}) && (!pair || emitForm("copy.1", {q, opposite}));
}

/// set.CMP[.BOOL][.ftz].DST.SRC d, a, b[, c]: all ones, or 1.0, where it holds.
bool Decoder::set() {
  if (words.size() < 4)
    return unknown();
  std::string combine, name = "setp";
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i] == "and" || words[i] == "or" || words[i] == "xor")
      combine = words[i];
    else if (i + 2 != words.size())
      name += "." + std::string(words[i]);
  }
  const std::string_view to = words[words.size() - 2];
  if (!forms().find(name) || (to != "u32" && to != "s32" && to != "f32"))
    return unknown();
  uint8_t bits = typeBits(words.back());
  Row a, b, c, d, relation = newRow(1);
  if (!count(combine.empty() ? 3 : 4) || !source(at->operands[1], bits, a) || !source(at->operands[2], bits, b) ||
      !destination(at->operands[0], 32, d) || !emitForm(name, {relation, a, b}))
    return false;
  if (!combine.empty() && (!source(at->operands[3], 1, c) || !emitForm(combine + ".pred", {relation, relation, c})))
    return false;
  return emitForm("selp.b32", {d, constant(32, to == "f32" ? 0x3f800000 : 0xffffffff), constant(32, 0), relation});
}

bool Decoder::branch() {
  if (!wordsOf({"uni"}))
    return unknown();
  if (!count(1))
    return false;
  if (at->operands[0].kind != Operand::Kind::Symbol)
    return fail("expected a label after 'bra'");
  emit(Kind::Branch).target = static_cast<uint32_t>(at - syntax.body.data());
  return true;
}

bool Decoder::branchIndexed() {
  Row index;
  if (!wordsOf({"idx", "uni"}))
    return unknown();
  if (!count(2) || !source(at->operands[0], 32, index))
    return false;
  Instruction &instruction = emit(Kind::BranchIndexed);
  instruction.rows[0] = index;
  instruction.target = static_cast<uint32_t>(at - syntax.body.data());
  return true;
}

bool Decoder::exit() {
  if (!wordsOf({"uni"}))
    return unknown();
  if (!count(0))
    return false;
  emit(Kind::Exit);
  return true;
}

/// bar[rier].sync[.aligned] a[, b]; bar.warp.sync mask.
bool Decoder::barrier() {
  Row row = kNoRow, threads = kNoRow;
  if (words.size() == 3 && words[1] == "warp" && words[2] == "sync") {
    if (!count(1) || !source(at->operands[0], 32, row) || !emitForm("bar.warp.sync", {row}))
      return false;
    code->code.back().kind = Kind::Collective;
    code->code.back().warpSync = true;
    return true;
  }
  if (words.size() < 2 || !wordsOf({"sync", "aligned", "cta"}) ||
      std::find(words.begin(), words.end(), "sync") == words.end())
    return unknown();
  if (at->operands.empty() || at->operands.size() > 2)
    return count(1);
  if (!source(at->operands[0], 32, row) || (at->operands.size() == 2 && !source(at->operands[1], 32, threads)))
    return false;
  Instruction &instruction = emit(Kind::Barrier);
  instruction.rows[0] = row;
  instruction.rows[1] = threads;
  return true;
}

/// shfl.sync.MODE.b32 d[|p], a, b, c, membermask
bool Decoder::shuffle() {
  const std::string name(at->opcode);
  if (!forms().find(name))
    return unknown();
  if (!count(5))
    return false;
  const Operand &to = at->operands[0];
  bool pair = to.kind == Operand::Kind::Pair;
  std::vector<Row> rows(pair ? 6 : 5);
  for (size_t i = 1; i < 5; ++i)
    if (!source(at->operands[i], 32, rows[i]))
      return false;
  if (!destination(pair ? to.elements[0] : to, 32, rows[0]) || (pair && !destination(to.elements[1], 1, rows[5])) ||
      !emitForm(name, rows))
    return false;
  code->code.back().kind = Kind::Collective;
  return true;
}

bool Decoder::vote() {
  if (!fromTable(std::string(at->opcode)))
    return false;
  code->code.back().kind = Kind::Collective;
  return true;
}

/// Accesses are made in their order, so that a fence only matters for what may be relied on elsewhere: between blocks
/// those of the device's scope do.
bool Decoder::fence() {
  auto has = [&](std::string_view word) { return std::find(words.begin(), words.end(), word) != words.end(); };
  if (has("gl") || has("gpu") || has("sys"))
    emit(Kind::Fence);
  return true;
}

/// What has no effect on values or their order.
bool Decoder::nothing() { return true; }

bool Decoder::trap() {
  if (words.size() != 1)
    return unknown();
  emit(Kind::Trap);
  return true;
}

/// mad.{lo,hi}.cc and madc.{lo,hi}[.cc]: a product, then add with carry. Other mad are in the table.
bool Decoder::madCarry() {
  bool sets = std::find(words.begin(), words.end(), "cc") != words.end();
  if (words[0] == "mad" && !sets)
    return arithmetic();
  const std::string type(words.back());
  const std::string multiply = words.size() > 2 ? "mul." + std::string(words[1]) + "." + type : "";
  const std::string add = std::string(words[0] == "mad" ? "add" : "addc") + (sets ? ".cc." : ".") + type;
  if (!forms().find(multiply) || !forms().find(add))
    return unknown();
  uint8_t bits = typeBits(type);
  Row d, a, b, c, product = newRow(bits);
  carry = carry == kNoRow ? newRow(32) : carry;
  return count(4) && source(at->operands[1], bits, a) && source(at->operands[2], bits, b) &&
         source(at->operands[3], bits, c) && destination(at->operands[0], bits, d) &&
         emitForm(multiply, {product, a, b}) && emitForm(add, {d, product, c, carry});
}

} // namespace incept::sim::ptx
