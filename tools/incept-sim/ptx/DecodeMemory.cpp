// SPDX-License-Identifier: Apache-2.0
//
// ld, st, atom and red.

#include "tools/incept-sim/ptx/Decoder.h"

#include <algorithm>

namespace incept::sim::ptx {

namespace {

struct SpaceName {
  std::string_view name;
  Space space;
};
constexpr SpaceName kSpaces[] = {
    {"global", Space::Global},  {"shared", Space::Shared},   {"shared::cta", Space::Shared},    {"local", Space::Local},
    {"const", Space::Constant}, {"param", Space::Parameter}, {"param::entry", Space::Parameter}};

/// Words about caches and order: they change no value here.
constexpr std::string_view kHints[] = {"nc",  "ca",      "cg",       "cs",      "cv",      "lu",      "wb",
                                       "wt",  "weak",    "volatile", "relaxed", "acquire", "release", "acq_rel",
                                       "cta", "cluster", "gpu",      "sys",     "mmio"};

bool isHint(std::string_view word) {
  return word.starts_with("L1::") || word.starts_with("L2::") ||
         std::find(std::begin(kHints), std::end(kHints), word) != std::end(kHints);
}

struct AtomicName {
  std::string_view name;
  std::string_view types;
  AtomicOperation operation;
};
constexpr AtomicName kAtomics[] = {
    {"add", "u32 s32 u64 s64", AtomicOperation::Add}, {"add", "f32", AtomicOperation::AddFloat},
    {"add", "f64", AtomicOperation::AddDouble},       {"inc", "u32", AtomicOperation::Increment},
    {"min", "u32 u64", AtomicOperation::Min},         {"max", "u32 u64", AtomicOperation::Max},
    {"min", "s32 s64", AtomicOperation::MinSigned},   {"max", "s32 s64", AtomicOperation::MaxSigned},
    {"and", "b32 b64", AtomicOperation::And},         {"or", "b32 b64", AtomicOperation::Or},
    {"xor", "b32 b64", AtomicOperation::Xor},         {"exch", "b32 b64", AtomicOperation::Exchange},
    {"cas", "b32 b64", AtomicOperation::Compare}};

} // namespace

/// Space, number of elements and type of ld and st.
bool Decoder::accessWords(Space &space, uint32_t &elements, std::string_view &type) {
  elements = 1;
  for (size_t i = 1; i < words.size(); ++i) {
    auto known = std::find_if(std::begin(kSpaces), std::end(kSpaces),
                              [&](const SpaceName &name) { return name.name == words[i]; });
    if (known != std::end(kSpaces))
      space = known->space;
    else if (words[i] == "v2" || words[i] == "v4" || words[i] == "v8")
      elements = static_cast<uint32_t>(words[i][1] - '0');
    else if (i + 1 == words.size() && typeBits(words[i]) >= 8)
      type = words[i];
    else if (!isHint(words[i]))
      return unknown();
  }
  if (type.empty() || typeBits(type) / 8 * elements > 32)
    return unknown();
  return true;
}

bool Decoder::address(const Operand &operand, Space space, Instruction &access) {
  if (operand.kind != Operand::Kind::Address)
    return fail("expected an address in [] in '" + std::string(at->opcode) + "'");
  access.space = space;
  access.offset = operand.value;
  access.hint = code->hints++;
  const Operand *base = operand.elements.empty() ? nullptr : &operand.elements[0];
  if (!base) {
    access.address = constant(64, 0);
    return true;
  }
  access.narrowAddress = base->kind == Operand::Kind::Register && base->reg.bits == 32;
  if (base->kind == Operand::Kind::Symbol) {
    auto found = symbols.find(base->name);
    if (found == symbols.end())
      return fail("'" + std::string(base->name) + "' is not declared");
    bool device = found->second.variable != kNoRow;
    bool matches = space == found->second.space ||
                   (device && space != Space::Shared && space != Space::Local && space != Space::Parameter);
    if (!matches)
      return fail("'" + std::string(base->name) + "' does not lie in the memory that '" + std::string(at->opcode) +
                  "' names");
  }
  return source(*base, access.narrowAddress ? 32 : 64, access.address);
}

void Decoder::emitAccess(Kind kind, Instruction access) {
  Instruction &instruction = emit(kind);
  access.kind = kind;
  access.part = instruction.part;
  access.guard = instruction.guard;
  access.guardNegated = instruction.guardNegated;
  access.line = instruction.line;
  instruction = access;
}

/// An element's registers may be wider than the memory: a load extends, a store takes the low bits.
bool Decoder::load() {
  Space space = Space::Generic;
  uint32_t elements;
  std::string_view type;
  if (!accessWords(space, elements, type) || !count(2))
    return false;
  const Operand &to = at->operands[0];
  bool vector = to.kind == Operand::Kind::Vector;
  if ((vector ? to.elements.size() : 1) != elements)
    return fail("expected " + std::to_string(elements) + " registers in '" + std::string(at->opcode) + "'");
  Instruction access;
  access.memoryBytes = static_cast<uint8_t>(typeBits(type) / 8);
  access.elements = static_cast<uint8_t>(elements);
  access.signExtend = type.starts_with("s");
  access.registerBytes = 0;
  access.rows.fill(kNoRow);
  for (uint32_t i = 0; i < elements; ++i) {
    const Operand &element = vector ? to.elements[i] : to;
    if (element.kind == Operand::Kind::Sink)
      continue;
    uint8_t bits = element.kind == Operand::Kind::Register ? element.reg.bits : typeBits(type);
    bool same = access.registerBytes == 0 || access.registerBytes == elementBytes(bits);
    if (bits == 1 || bits < typeBits(type) || !same)
      return fail("'" + std::string(element.name) + "' cannot hold what '" + std::string(at->opcode) + "' loads");
    if (!destination(element, bits, access.rows[i]))
      return false;
    access.registerBytes = static_cast<uint8_t>(elementBytes(bits));
  }
  if (!address(at->operands[1], space, access))
    return false;
  if (space == Space::Parameter && !parameterLoad(access))
    return false;
  emitAccess(Kind::Load, access);
  return true;
}

/// A named parameter and its offset can be checked once and for all.
bool Decoder::parameterLoad(Instruction &access) {
  const Operand &from = at->operands[1];
  if (from.elements.empty() || from.elements[0].kind != Operand::Kind::Symbol)
    return true;
  uint64_t begin = symbols.find(from.elements[0].name)->second.value + from.value;
  uint64_t bytes = uint64_t(access.memoryBytes) * access.elements;
  if (begin > code->parameterBytes || bytes > code->parameterBytes - begin || begin % bytes != 0)
    return fail("'" + std::string(at->opcode) + "' reads outside of the parameters, or misaligned");
  return true;
}

bool Decoder::store() {
  Space space = Space::Generic;
  uint32_t elements;
  std::string_view type;
  if (!accessWords(space, elements, type) || !count(2))
    return false;
  if (space == Space::Constant || space == Space::Parameter)
    return fail("'" + std::string(at->opcode) + "' writes read-only memory");
  const Operand &from = at->operands[1];
  bool vector = from.kind == Operand::Kind::Vector;
  if ((vector ? from.elements.size() : 1) != elements)
    return fail("expected " + std::to_string(elements) + " values in '" + std::string(at->opcode) + "'");
  Instruction access;
  access.memoryBytes = static_cast<uint8_t>(typeBits(type) / 8);
  access.elements = static_cast<uint8_t>(elements);
  access.rows.fill(kNoRow);
  // All values have one width: that of the first register, or the type's.
  uint8_t bits = std::max<uint8_t>(16, typeBits(type));
  for (uint32_t i = elements; i-- > 0;) {
    const Operand &element = vector ? from.elements[i] : from;
    if (element.kind == Operand::Kind::Register && element.reg.bits >= bits)
      bits = element.reg.bits;
    else if (element.kind == Operand::Kind::Register)
      return fail("'" + std::string(element.name) + "' is too narrow for '" + std::string(at->opcode) + "'");
  }
  for (uint32_t i = 0; i < elements; ++i)
    if (!anyWidth(vector ? from.elements[i] : from, bits, access.rows[i]))
      return false;
  access.registerBytes = static_cast<uint8_t>(elementBytes(bits));
  if (!address(at->operands[0], space, access))
    return false;
  emitAccess(Kind::Store, access);
  return true;
}

/// atom.SPACE.OP.TYPE d, [a], b[, c]; red has no d.
bool Decoder::atomic() {
  Space space = Space::Generic;
  std::string_view operation;
  const std::string_view type = words.back();
  for (size_t i = 1; i + 1 < words.size(); ++i) {
    auto known = std::find_if(std::begin(kSpaces), std::end(kSpaces),
                              [&](const SpaceName &name) { return name.name == words[i]; });
    if (known != std::end(kSpaces) && (known->space == Space::Global || known->space == Space::Shared))
      space = known->space;
    else if (operation.empty() && !isHint(words[i]))
      operation = words[i];
    else if (!isHint(words[i]))
      return unknown();
  }
  auto known = std::find_if(std::begin(kAtomics), std::end(kAtomics), [&](const AtomicName &name) {
    return name.name == operation && type.size() == 3 && name.types.find(type) != std::string_view::npos;
  });
  if (known == std::end(kAtomics))
    return unknown();
  const uint8_t bits = typeBits(type);
  const size_t first = words[0] == "atom" ? 1 : 0;
  const size_t values = known->operation == AtomicOperation::Compare ? 2 : 1;
  if ((first == 0 && values == 2) || !count(first + 1 + values))
    return first == 0 && values == 2 ? unknown() : false;
  Instruction access;
  access.rows.fill(kNoRow);
  if (first == 1 && !destination(at->operands[0], bits, access.rows[0]))
    return false;
  for (size_t i = 0; i < values; ++i)
    if (!source(at->operands[first + 1 + i], bits, access.rows[1 + i]))
      return false;
  if (!address(at->operands[first], space, access))
    return false;
  access.atomic = known->operation;
  access.releases = std::find_if(words.begin(), words.end(), [](std::string_view word) {
                      return word == "release" || word == "acq_rel";
                    }) != words.end();
  access.memoryBytes = access.registerBytes = bits / 8;
  emitAccess(Kind::Atomic, access);
  return true;
}

} // namespace incept::sim::ptx
