// SPDX-License-Identifier: Apache-2.0
//
// While a kernel is decoded a Row is an index; `compact` makes offsets of them, constants and special registers first.

#include "tools/incept-sim/ptx/Decoder.h"
#include "tools/incept-sim/ptx/Graph.h"

#include <algorithm>
#include <numeric>

namespace incept::sim::ptx {

namespace {

/// Of all rows of a warp.
constexpr uint64_t kMaxFileBytes = uint64_t(1) << 28;
constexpr uint64_t kMaxShared = 227 * 1024;
constexpr uint64_t kMaxLocal = 512 * 1024;

struct SpecialName {
  std::string_view name;
  Special special;
};
constexpr SpecialName kSpecials[] = {
    {"%tid.x", Special::TidX},
    {"%tid.y", Special::TidY},
    {"%tid.z", Special::TidZ},
    {"%ntid.x", Special::NtidX},
    {"%ntid.y", Special::NtidY},
    {"%ntid.z", Special::NtidZ},
    {"%ctaid.x", Special::CtaidX},
    {"%ctaid.y", Special::CtaidY},
    {"%ctaid.z", Special::CtaidZ},
    {"%nctaid.x", Special::NctaidX},
    {"%nctaid.y", Special::NctaidY},
    {"%nctaid.z", Special::NctaidZ},
    {"%laneid", Special::LaneId},
    {"%warpid", Special::WarpId},
    {"%nwarpid", Special::WarpCount},
    {"%lanemask_eq", Special::LaneMaskEq},
    {"%lanemask_lt", Special::LaneMaskLt},
    {"%lanemask_le", Special::LaneMaskLe},
    {"%lanemask_gt", Special::LaneMaskGt},
    {"%lanemask_ge", Special::LaneMaskGe},
    {"%smid", Special::SmId},
    {"%nsmid", Special::SmCount},
    {"%gridid", Special::GridId},
    {"%dynamic_smem_size", Special::DynamicShared},
    {"%total_smem_size", Special::TotalShared},
};

uint64_t alignUp(uint64_t value, uint64_t alignment) { return (value + alignment - 1) / alignment * alignment; }

Words split(std::string_view opcode) {
  Words words;
  for (size_t begin = 0; begin <= opcode.size();) {
    size_t end = std::min(opcode.find('.', begin), opcode.size());
    words.push_back(opcode.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

} // namespace

uint8_t typeBits(std::string_view type) {
  if (type == "pred")
    return 1;
  for (std::string_view bits : {"8", "16", "32", "64"})
    for (std::string_view kind : {"b", "u", "s", "f", "bf"})
      if (type.starts_with(kind) && type.substr(kind.size()) == bits)
        return bits == "8" ? 8 : bits == "16" ? 16 : bits == "32" ? 32 : 64;
  return type == "f16x2" || type == "bf16x2" ? 32 : 0;
}

uint8_t formBits(char letter) { return letter == 'p' ? 1 : letter == 'h' ? 16 : letter == 'l' ? 64 : 32; }

const Decoder::Handler Decoder::kHandlers[] = {
    {"ld", &Decoder::load},
    {"ldu", &Decoder::load},
    {"st", &Decoder::store},
    {"atom", &Decoder::atomic},
    {"red", &Decoder::atomic},
    {"mov", &Decoder::move},
    {"cvta", &Decoder::convertAddress},
    {"cvt", &Decoder::convert},
    {"setp", &Decoder::setPredicate},
    {"set", &Decoder::set},
    {"bra", &Decoder::branch},
    {"brx", &Decoder::branchIndexed},
    {"ret", &Decoder::exit},
    {"exit", &Decoder::exit},
    {"bar", &Decoder::barrier},
    {"barrier", &Decoder::barrier},
    {"shfl", &Decoder::shuffle},
    {"vote", &Decoder::vote},
    {"membar", &Decoder::fence},
    {"fence", &Decoder::fence},
    {"nanosleep", &Decoder::nothing},
    {"prefetch", &Decoder::nothing},
    {"prefetchu", &Decoder::nothing},
    {"discard", &Decoder::nothing},
    {"applypriority", &Decoder::nothing},
    {"pmevent", &Decoder::nothing},
    {"brkpt", &Decoder::trap},
    {"trap", &Decoder::trap},
    {"mad", &Decoder::madCarry},
    {"madc", &Decoder::madCarry},
    {"isspacep", &Decoder::isSpace},
    {"call", &Decoder::call},
};

Decoder::Decoder(const KernelSyntax &syntax, const ModuleSyntax &module,
                 std::shared_ptr<std::vector<Variable>> variables)
    : syntax(syntax), module(module), code(std::make_unique<KernelCode>()) {
  code->name = syntax.name;
  code->parameters = syntax.parameters;
  code->parameterBytes = syntax.parameterBytes;
  code->maxThreads = syntax.maxThreads;
  code->requiredThreads = syntax.requiredThreads;
  code->registers32 = static_cast<uint32_t>(std::min<uint64_t>(syntax.registers32, UINT32_MAX));
  code->variables = std::move(variables);
}

bool Decoder::fail(const std::string &message) {
  if (error.ok())
    error = errorAt(at ? at->line : syntax.line, message);
  return false;
}

bool Decoder::unknown() { return fail("unknown instruction '" + std::string(at->opcode) + "'"); }

bool Decoder::count(size_t operands) {
  if (at->operands.size() == operands)
    return true;
  return fail("'" + std::string(at->opcode) + "' has " + std::to_string(operands) + " operands, but got " +
              std::to_string(at->operands.size()));
}

std::unique_ptr<KernelCode> Decoder::decode() {
  layOutArrays();
  for (const Statement &next : syntax.body) {
    if (!error.ok())
      break;
    at = &next;
    if (!next.label.empty() && !next.targets.empty())
      branchTables[next.label] = &next;
    else if (!next.label.empty() && !labels.emplace(next.label, static_cast<uint32_t>(code->code.size())).second)
      fail("label '" + std::string(next.label) + "' is defined twice");
    else if (next.label.empty())
      statement(next);
  }
  if (error.ok())
    resolveBranches();
  at = nullptr;
  // A kernel ends as with ret.
  guard = kNoRow;
  emit(Kind::Exit);
  compact();
  if (error.ok())
    findReconvergence(*code);
  code->status = error;
  return std::move(code);
}

void Decoder::layOutArrays() {
  uint64_t shared = 0, local = 0;
  auto place = [&](const ArraySyntax &array) {
    uint64_t &end = array.space == Space::Shared ? shared : local;
    end = alignUp(end, array.alignment);
    symbols[array.name] = {array.space, end, kNoRow};
    end += array.bytes;
  };
  std::vector<const ArraySyntax *> dynamic;
  for (const std::vector<ArraySyntax> *arrays : {&module.shared, &syntax.arrays})
    for (const ArraySyntax &array : *arrays) {
      if (array.dynamic)
        dynamic.push_back(&array);
      else
        place(array);
    }
  code->dynamicSharedOffset = static_cast<uint32_t>(std::min<uint64_t>(alignUp(shared, 16), UINT32_MAX));
  for (const ArraySyntax *array : dynamic)
    symbols[array->name] = {Space::Shared, code->dynamicSharedOffset, kNoRow};
  for (uint32_t i = 0; i < code->variables->size(); ++i) {
    const Variable &variable = (*code->variables)[i];
    symbols[variable.name] = {variable.constant ? Space::Constant : Space::Global, 0, i};
  }
  for (const Parameter &parameter : code->parameters)
    symbols[parameter.name] = {Space::Parameter, parameter.offset, kNoRow};
  if (shared > kMaxShared)
    fail("expected at most " + std::to_string(kMaxShared) + " bytes of shared memory, but got " +
         std::to_string(shared));
  if (local > kMaxLocal)
    fail("expected at most " + std::to_string(kMaxLocal) + " bytes of local memory, but got " + std::to_string(local));
  code->sharedBytes = static_cast<uint32_t>(std::min(shared, kMaxShared));
  code->localBytes = static_cast<uint32_t>(std::min(local, kMaxLocal));
}

bool Decoder::statement(const Statement &next) {
  words = split(next.opcode);
  guard = next.guarded ? registerRow(next.guard) : kNoRow;
  guardNegated = next.guardNegated;
  emitted = code->code.size();
  auto handler =
      std::find_if(std::begin(kHandlers), std::end(kHandlers), [&](const Handler &h) { return h.opcode == words[0]; });
  if (handler != std::end(kHandlers) && !(this->*handler->decode)())
    return false;
  if (handler == std::end(kHandlers) && !arithmetic())
    return false;
  // The parts of one instruction all ask the guard that held before the first of them.
  size_t parts = code->code.size() - emitted;
  if (guard == kNoRow || parts < 2)
    return true;
  Row kept = newRow(1), original = guard;
  bool negated = guardNegated;
  for (size_t i = emitted; i < code->code.size(); ++i)
    code->code[i].guard = kept;
  guard = kNoRow;
  if (!emitForm("copy.1", {kept, original}))
    return false;
  Instruction copy = code->code.back();
  copy.part = false;
  code->code.pop_back();
  code->code[emitted].part = true;
  code->code.insert(code->code.begin() + static_cast<ptrdiff_t>(emitted), copy);
  guard = original;
  guardNegated = negated;
  return true;
}

bool Decoder::resolveBranches() {
  auto find = [&](std::string_view label, uint32_t line, uint32_t &target) {
    auto found = labels.find(label);
    if (found != labels.end()) {
      target = found->second;
      return true;
    }
    if (error.ok())
      error = errorAt(line, "label '" + std::string(label) + "' is not defined");
    return false;
  };
  // Branches keep the index of their statement in `target` until now.
  for (Instruction &instruction : code->code) {
    if (instruction.kind == Kind::Branch) {
      const Statement &branch = syntax.body[instruction.target];
      if (!find(branch.operands[0].name, branch.line, instruction.target))
        return false;
    } else if (instruction.kind == Kind::BranchIndexed) {
      const Statement &branch = syntax.body[instruction.target];
      auto table = branchTables.find(branch.operands[1].name);
      if (table == branchTables.end()) {
        error = errorAt(branch.line, "'" + std::string(branch.operands[1].name) + "' is no list of .branchtargets");
        return false;
      }
      instruction.firstTarget = static_cast<uint32_t>(code->targets.size());
      instruction.targetCount = static_cast<uint32_t>(table->second->targets.size());
      for (std::string_view label : table->second->targets)
        if (!find(label, branch.line, code->targets.emplace_back()))
          return false;
    }
  }
  return true;
}

void Decoder::compact() {
  std::vector<Row> offsets(rows.size()), places(rows.size());
  std::iota(places.begin(), places.end(), 0);
  if (error.ok()) {
    std::vector<uint32_t> bytes;
    for (const RowUse &row : rows)
      bytes.push_back(row.fixed ? 0 : row.bytes);
    places = shareRows(*code, bytes);
  }
  uint64_t end = 0;
  for (bool fixed : {true, false}) {
    for (size_t i = 0; i < rows.size(); ++i)
      if (rows[i].fixed == fixed && places[i] == i) {
        offsets[i] = static_cast<Row>(end);
        end += rows[i].bytes;
      }
    (fixed ? code->fixedBytes : code->fileBytes) = static_cast<uint32_t>(std::min(end, kMaxFileBytes));
  }
  if (end > kMaxFileBytes)
    fail("too many registers");
  auto move = [&](Row &row) { row = row == kNoRow ? kNoRow : offsets[places[row]]; };
  for (Instruction &instruction : code->code) {
    move(instruction.guard);
    move(instruction.address);
    for (Row &row : instruction.rows)
      move(row);
  }
  for (ConstantRow &constant : code->constants)
    move(constant.row);
  for (SpecialRow &special : code->specials)
    move(special.row);
}

Row Decoder::newRow(uint8_t bits) {
  rows.push_back({rowBytes(bits), false});
  return static_cast<Row>(rows.size() - 1);
}

Row Decoder::registerRow(const Register &reg) {
  if (registerRows.size() <= reg.id)
    registerRows.resize(reg.id + 1, kNoRow);
  if (registerRows[reg.id] == kNoRow)
    registerRows[reg.id] = newRow(reg.bits);
  return registerRows[reg.id];
}

Row Decoder::constant(uint8_t bits, uint64_t value, uint32_t variable) {
  if (bits < 64)
    value &= (uint64_t(1) << bits) - 1;
  std::string key = std::to_string(bits) + ":" + std::to_string(value) + ":" + std::to_string(variable);
  auto [found, added] = constantRows.emplace(std::move(key), kNoRow);
  if (added) {
    found->second = newRow(bits);
    rows.back().fixed = true;
    code->constants.push_back({bits, found->second, value, variable});
  }
  return found->second;
}

bool Decoder::special(std::string_view name, Row &row) {
  auto known = std::find_if(std::begin(kSpecials), std::end(kSpecials),
                            [&](const SpecialName &special) { return special.name == name; });
  if (known == std::end(kSpecials))
    return fail("unknown register '" + std::string(name) + "'");
  auto [found, added] = specialRows.emplace(name, kNoRow);
  if (added) {
    found->second = newRow(32);
    rows.back().fixed = true;
    code->specials.push_back({known->special, found->second});
  }
  row = found->second;
  return true;
}

bool Decoder::source(const Operand &operand, uint8_t bits, Row &row) {
  using K = Operand::Kind;
  auto width = [&](uint8_t has) {
    return has == bits || fail("'" + std::string(operand.name) + "' has " + std::to_string(has) + " bits, but '" +
                               std::string(at->opcode) + "' needs " + std::to_string(bits));
  };
  if (operand.negated && operand.kind != K::Register)
    return fail("only a predicate can be negated");
  switch (operand.kind) {
  case K::Register: {
    if (!width(operand.reg.bits))
      return false;
    row = registerRow(operand.reg);
    if (!operand.negated)
      return true;
    if (bits != 1)
      return fail("only a predicate can be negated");
    Row positive = row;
    row = newRow(1);
    return emitForm("not.pred", {row, positive});
  }
  case K::Special: {
    Row narrow;
    if (!special(operand.name, narrow))
      return false;
    row = bits == 32 ? narrow : newRow(bits);
    if (bits == 1)
      return width(32);
    return bits == 32 || emitForm("resize." + std::to_string(bits) + ".32", {row, narrow});
  }
  case K::Integer:
    row = constant(bits, operand.value);
    return true;
  case K::Float:
  case K::Double: {
    bool single = operand.kind == K::Float;
    if (bits == 32)
      row = constant(32, single ? operand.value
                                : std::bit_cast<uint32_t>(static_cast<float>(std::bit_cast<double>(operand.value))));
    else if (bits == 64)
      row = constant(
          64, single ? std::bit_cast<uint64_t>(double(std::bit_cast<float>(static_cast<uint32_t>(operand.value))))
                     : operand.value);
    return bits >= 32 || fail("a number with a point cannot have " + std::to_string(bits) + " bits");
  }
  case K::Symbol: {
    auto found = symbols.find(operand.name);
    if (found == symbols.end())
      return fail("'" + std::string(operand.name) + "' is not declared");
    if (bits != 64 && !(bits == 32 && found->second.variable == kNoRow))
      return fail("the address of '" + std::string(operand.name) + "' needs 64 bits");
    row = constant(bits, found->second.value, found->second.variable);
    return true;
  }
  default:
    return fail("unexpected operand of '" + std::string(at->opcode) + "'");
  }
}

bool Decoder::anyWidth(const Operand &operand, uint8_t bits, Row &row) {
  if (operand.kind != Operand::Kind::Register || operand.reg.bits == bits || operand.reg.bits == 1)
    return source(operand, bits, row);
  Row from = registerRow(operand.reg);
  row = newRow(bits);
  return emitForm("resize." + std::to_string(bits) + "." + std::to_string(operand.reg.bits), {row, from});
}

bool Decoder::destination(const Operand &operand, uint8_t bits, Row &row) {
  if (operand.kind == Operand::Kind::Sink) {
    row = newRow(bits);
    return true;
  }
  if (operand.kind != Operand::Kind::Register || operand.negated)
    return fail("the first operand of '" + std::string(at->opcode) + "' must be a register");
  return source(operand, bits, row);
}

Instruction &Decoder::emit(Kind kind) {
  Instruction &instruction = code->code.emplace_back();
  instruction.kind = kind;
  instruction.part = at && code->code.size() - 1 > emitted;
  instruction.guard = guard;
  instruction.guardNegated = guardNegated;
  instruction.line = at ? at->line : syntax.line;
  instruction.rows.fill(kNoRow);
  return instruction;
}

bool Decoder::emitForm(const std::string &name, std::initializer_list<Row> rows) {
  return emitForm(name, std::vector<Row>(rows));
}

bool Decoder::emitForm(const std::string &name, const std::vector<Row> &rows) {
  const Form *form = forms().find(name);
  if (!form || rows.size() > kMaxRows)
    return unknown();
  Instruction &instruction = emit(Kind::Compute);
  instruction.execute = form->execute;
  std::copy(rows.begin(), rows.end(), instruction.rows.begin());
  return true;
}

bool Decoder::fromTable(const std::string &name) {
  const Form *form = forms().find(name);
  if (!form)
    return unknown();
  size_t operands = form->rows.size() - (form->rows.back() == 'c' ? 1 : 0);
  if (!count(operands))
    return false;
  std::vector<Row> rows(form->rows.size());
  if (form->rows.back() == 'c') {
    carry = carry == kNoRow ? newRow(32) : carry;
    rows.back() = carry;
  }
  for (size_t i = 1; i < operands; ++i)
    if (!source(at->operands[i], formBits(form->rows[i]), rows[i]))
      return false;
  return destination(at->operands[0], formBits(form->rows[0]), rows[0]) && emitForm(name, rows);
}

/// What is in the table, after the words that change nothing are gone and .sat and .relu have become parts.
bool Decoder::arithmetic() {
  const std::string_view type = words.back();
  const bool floating = type.starts_with("f") || type.starts_with("bf");
  bool saturate = false, relu = false;
  std::string name(words[0]);
  for (size_t i = 1; i < words.size(); ++i) {
    if (floating && words[i] == "rn")
      continue;
    if (floating && words[i] == "sat")
      saturate = true;
    else if (floating && words[i] == "relu")
      relu = true;
    else
      name += "." + std::string(words[i]);
  }
  if (!fromTable(name))
    return false;
  if (words[0] == "activemask" || words[0] == "redux")
    code->code.back().kind = Kind::Collective;
  const std::string suffix = "." + std::string(type);
  Row row = code->code.back().rows[0];
  if (saturate && !emitForm("saturate" + suffix, {row, row}))
    return false;
  return !relu || emitForm("relu" + suffix, {row, row});
}

bool Decoder::wordsOf(std::initializer_list<std::string_view> known) const {
  return std::all_of(words.begin() + 1, words.end(),
                     [&](std::string_view word) { return std::find(known.begin(), known.end(), word) != known.end(); });
}

std::unique_ptr<KernelCode> decode(const KernelSyntax &syntax, const ModuleSyntax &module,
                                   std::shared_ptr<std::vector<Variable>> variables) {
  return Decoder(syntax, module, std::move(variables)).decode();
}

} // namespace incept::sim::ptx
