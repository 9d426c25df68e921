// SPDX-License-Identifier: Apache-2.0
//
// Bodies of kernels: registers in nested scopes, labels, instructions and their operands.

#include "tools/incept-sim/ptx/Parser.h"

#include <algorithm>
#include <charconv>

namespace incept::sim::ptx {

namespace {

constexpr uint32_t kMaxRegisters = 1u << 20;
constexpr size_t kMaxDepth = 64;

struct RegisterType {
  std::string_view name;
  uint8_t bits;
};
constexpr RegisterType kRegisterTypes[] = {{".pred", 1}, {".b16", 16},    {".u16", 16}, {".s16", 16}, {".f16", 16},
                                           {".b32", 32}, {".u32", 32},    {".s32", 32}, {".f32", 32}, {".f16x2", 32},
                                           {".b64", 64}, {".u64", 64},    {".s64", 64}, {".f64", 64}, {".b8", 16},
                                           {".u8", 16},  {".bf16x2", 32}, {".bf16", 16}};

/// "%r12" -> "%r" and 12; false without digits at the end.
bool splitNumber(std::string_view name, std::string_view &prefix, uint32_t &number) {
  size_t digits = name.find_last_not_of("0123456789") + 1;
  if (digits == 0 || digits >= name.size())
    return false;
  prefix = name.substr(0, digits);
  auto [end, code] = std::from_chars(name.data() + digits, name.data() + name.size(), number);
  return code == std::errc() && end == name.data() + name.size();
}

} // namespace

bool Parser::body(KernelSyntax &kernel) {
  if (!expect("{"))
    return false;
  scopes.assign(1, {});
  registerCount = 0;
  while (!scopes.empty()) {
    if (token.kind == Token::Kind::End)
      return unexpected("'}'");
    if (accept("{")) {
      if (scopes.size() == kMaxDepth)
        return unexpected("fewer nested scopes");
      scopes.emplace_back();
    } else if (accept("}")) {
      scopes.pop_back();
    } else if (!statement(kernel)) {
      return false;
    }
  }
  return true;
}

bool Parser::statement(KernelSyntax &kernel) {
  if (token.is(".loc") || token.is(".file")) {
    lexer.skipLine();
    advance();
    return true;
  }
  if (accept(".pragma"))
    return skipStatement();
  if (token.is(".param")) { // an argument of a call, which the decoder refuses
    kernel.body.emplace_back().line = token.line;
    kernel.body.back().opcode = "call";
    return skipStatement();
  }
  if (accept(".reg"))
    return registers(kernel);
  if (accept(".shared"))
    return variables(Space::Shared, false, &kernel);
  if (accept(".local"))
    return variables(Space::Local, false, &kernel);
  if (token.is(".branchtargets"))
    return branchTargets(kernel);
  if (token.kind == Token::Kind::Word && token.text.starts_with('.'))
    return fail(token.line, "unknown directive '" + std::string(token.text) + "'");
  if (accept(";"))
    return true;
  Statement next;
  next.line = token.line;
  if (accept("@")) {
    next.guarded = true;
    next.guardNegated = accept("!");
    std::string_view name;
    uint32_t line = token.line;
    if (!word(name))
      return false;
    if (!findRegister(name, next.guard) || next.guard.bits != 1)
      return fail(line, "expected a predicate register, but got '" + std::string(name) + "'");
  }
  if (!word(next.opcode))
    return false;
  if (!next.guarded && accept(":")) {
    next.label = next.opcode;
    next.opcode = {};
  } else if (!instruction(next)) {
    return false;
  }
  kernel.body.push_back(std::move(next));
  return true;
}

/// NAME: .branchtargets L0, L1, ...;   The label has been read as a statement of its own.
bool Parser::branchTargets(KernelSyntax &kernel) {
  if (kernel.body.empty() || kernel.body.back().label.empty())
    return unexpected("a label before '.branchtargets'");
  advance();
  Statement &table = kernel.body.back();
  do {
    std::string_view target;
    if (!word(target))
      return false;
    table.targets.push_back(target);
  } while (accept(","));
  return expect(";");
}

/// .reg .TYPE NAME<COUNT>, NAME, ... ;
bool Parser::registers(KernelSyntax &kernel) {
  uint8_t bits = 0;
  for (const RegisterType &type : kRegisterTypes)
    if (token.is(type.name))
      bits = type.bits;
  if (bits == 0)
    return unexpected("a register type");
  advance();
  do {
    std::string_view name;
    uint32_t line = token.line;
    uint64_t count = 0;
    if (!word(name))
      return false;
    if (accept("<") && (!number(count, kMaxRegisters) || !expect(">")))
      return false;
    uint32_t size = std::max<uint32_t>(1, static_cast<uint32_t>(count));
    if (registerCount + size > kMaxRegisters)
      return fail(line, "expected at most " + std::to_string(kMaxRegisters) + " registers");
    if (!scopes.back().emplace(name, Declaration{bits, registerCount, static_cast<uint32_t>(count)}).second)
      return fail(line, "register '" + std::string(name) + "' is declared twice");
    registerCount += size;
    kernel.registers32 += bits == 64 ? 2 * size : bits == 32 ? size : bits == 16 ? (size + 1) / 2 : 0;
  } while (accept(","));
  return expect(";");
}

bool Parser::findRegister(std::string_view name, Register &reg) const {
  std::string_view prefix;
  uint32_t number = 0;
  bool numbered = splitNumber(name, prefix, number);
  for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope) {
    if (auto found = scope->find(name); found != scope->end() && found->second.count == 0) {
      reg = {found->second.first, found->second.bits};
      return true;
    }
    if (!numbered)
      continue;
    if (auto found = scope->find(prefix); found != scope->end() && number < found->second.count) {
      reg = {found->second.first + number, found->second.bits};
      return true;
    }
  }
  return false;
}

bool Parser::instruction(Statement &statement) {
  if (statement.opcode == "call" || statement.opcode.starts_with("call."))
    return skipStatement();
  while (!token.is(";")) {
    if (!statement.operands.empty() && !expect(","))
      return false;
    if (!operand(statement.operands.emplace_back(), 0))
      return false;
    if (accept("|")) {
      Operand pair;
      pair.kind = Operand::Kind::Pair;
      pair.elements.push_back(std::move(statement.operands.back()));
      if (!operand(pair.elements.emplace_back(), 0))
        return false;
      statement.operands.back() = std::move(pair);
    }
    if (statement.operands.size() > 16)
      return unexpected("';'");
  }
  return expect(";");
}

bool Parser::operand(Operand &result, int depth) {
  if (accept("[")) {
    return address(result);
  }
  if (accept("{")) {
    result.kind = Operand::Kind::Vector;
    if (depth > 0)
      return unexpected("a register");
    do
      if (!operand(result.elements.emplace_back(), depth + 1))
        return false;
    while (result.elements.size() < 16 && accept(","));
    return expect("}");
  }
  result.negated = accept("!");
  bool minus = accept("-");
  if (token.kind == Token::Kind::Number) {
    if (result.negated || !parseLiteral(token.text, result))
      return unexpected("an operand");
    if (minus && result.kind == Operand::Kind::Integer)
      result.value = 0 - result.value;
    else if (minus)
      result.value ^= uint64_t(1) << (result.kind == Operand::Kind::Float ? 31 : 63);
    advance();
    return true;
  }
  uint32_t line = token.line;
  if (minus || !word(result.name))
    return unexpected("an operand");
  if (result.name == "_") {
    result.kind = Operand::Kind::Sink;
  } else if (result.name == "WARP_SZ") {
    result.kind = Operand::Kind::Integer;
    result.value = 32;
  } else if (findRegister(result.name, result.reg)) {
    result.kind = Operand::Kind::Register;
  } else if (result.name.starts_with('%')) {
    // A name of the machine, unless it looks like one of the numbered registers that compilers declare.
    if (std::string_view prefix; result.name.find('.') == std::string_view::npos)
      if (uint32_t number = 0; splitNumber(result.name, prefix, number))
        return fail(line, "register '" + std::string(result.name) + "' is not declared");
    result.kind = Operand::Kind::Special;
  } else {
    result.kind = Operand::Kind::Symbol;
  }
  return true;
}

/// '[' has been read: [base], [base+4], [base+-4], [4].
bool Parser::address(Operand &result) {
  result.kind = Operand::Kind::Address;
  bool negative = false;
  if (token.kind == Token::Kind::Word) {
    Operand &base = result.elements.emplace_back();
    if (!operand(base, 1))
      return false;
    if (base.kind != Operand::Kind::Register && base.kind != Operand::Kind::Symbol)
      return fail(token.line, "'" + std::string(base.name) + "' cannot be an address");
    if (accept("]"))
      return true;
    if (!token.is("+") && !token.is("-"))
      return unexpected("']'");
    negative = token.is("-");
    advance();
  }
  if (accept("-"))
    negative = !negative;
  if (!number(result.value, UINT64_MAX))
    return false;
  if (negative)
    result.value = 0 - result.value;
  return expect("]");
}

} // namespace incept::sim::ptx
