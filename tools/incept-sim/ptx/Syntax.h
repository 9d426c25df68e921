// SPDX-License-Identifier: Apache-2.0
//
// What the parser makes of PTX text, before any instruction is understood. Names point into the text.
#pragma once

#include "tools/incept-sim/ptx/Ptx.h"

#include <array>

namespace incept::sim::ptx {

/// A declared register. `bits` is 1 (predicate), 16, 32 or 64.
struct Register {
  uint32_t id = 0; ///< unique in the kernel
  uint8_t bits = 0;
};

struct Operand {
  enum class Kind : uint8_t {
    Register,
    Special, ///< %tid.x
    Integer,
    Float,   ///< value = bits of an f32 (0f...)
    Double,  ///< value = bits of an f64 (0d..., 1.5)
    Symbol,  ///< a variable, a parameter or a label
    Address, ///< [base + value]: elements has the base, a Register or a Symbol, or none
    Vector,  ///< {a, b, ...}
    Pair,    ///< p|q
    Sink,    ///< _
  };
  Kind kind = Kind::Sink;
  bool negated = false; ///< !p
  Register reg;
  std::string_view name;
  uint64_t value = 0;
  std::vector<Operand> elements;
};

struct Statement {
  uint32_t line = 0;
  std::string_view opcode; ///< empty for a label
  std::string_view label;
  bool guarded = false, guardNegated = false;
  Register guard;
  std::vector<Operand> operands;
  std::vector<std::string_view> targets; ///< of .branchtargets, which `label` names
};

enum class Space : uint8_t { Generic, Global, Constant, Shared, Local, Parameter };

/// A .shared or .local array of a kernel, or a module's .shared array.
struct ArraySyntax {
  std::string_view name;
  Space space = Space::Shared;
  uint64_t bytes = 0;
  uint32_t alignment = 1;
  bool dynamic = false; ///< extern .shared name[]
};

struct KernelSyntax {
  std::string_view name;
  uint32_t line = 0;
  std::vector<Parameter> parameters;
  uint32_t parameterBytes = 0;
  uint32_t maxThreads = 1024;
  std::array<uint32_t, 3> requiredThreads = {0, 0, 0};
  uint64_t registers32 = 0; ///< declared, in units of 32 bits
  std::vector<ArraySyntax> arrays;
  std::vector<Statement> body;
};

struct ModuleSyntax {
  std::string_view version, target;
  std::vector<Variable> variables;
  std::vector<ArraySyntax> shared;
  std::vector<KernelSyntax> kernels;
};

/// "ptx:12: <message>"
inline Status errorAt(uint32_t line, const std::string &message) {
  return inputError("ptx:" + std::to_string(line) + ": " + message);
}

Expected<ModuleSyntax> parseModule(std::string_view text);

/// Bits of a literal ("12", "-1" without its sign, "0x1F", "0f3F800000", "1.5"); false where it is none.
bool parseLiteral(std::string_view text, Operand &operand);

} // namespace incept::sim::ptx
