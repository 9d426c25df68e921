// SPDX-License-Identifier: Apache-2.0
//
// Declarations of a module and the heads of its kernels.

#include "tools/incept-sim/ptx/Parser.h"

#include <algorithm>
#include <bit>
#include <charconv>

namespace incept::sim::ptx {

namespace {

/// Limits of hostile text; those of devices are smaller.
constexpr uint64_t kMaxVariableBytes = uint64_t(1) << 30;
constexpr uint64_t kMaxArrayBytes = uint64_t(1) << 24;
constexpr uint32_t kMaxParameterBytes = 32764;

struct TypeSize {
  std::string_view name;
  uint64_t bytes;
};
constexpr TypeSize kTypes[] = {{".b8", 1},  {".u8", 1},  {".s8", 1},    {".b16", 2},    {".u16", 2},
                               {".s16", 2}, {".f16", 2}, {".bf16", 2},  {".b32", 4},    {".u32", 4},
                               {".s32", 4}, {".f32", 4}, {".f16x2", 4}, {".bf16x2", 4}, {".b64", 8},
                               {".u64", 8}, {".s64", 8}, {".f64", 8},   {".b128", 16}};

/// 0 where the word is no type.
uint64_t typeBytes(std::string_view name) {
  for (const TypeSize &type : kTypes)
    if (type.name == name)
      return type.bytes;
  return 0;
}

} // namespace

bool parseLiteral(std::string_view text, Operand &operand) {
  auto parse = [&](std::string_view digits, int base) {
    auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), operand.value, base);
    return code == std::errc() && end == digits.data() + digits.size();
  };
  bool prefixed = text.size() > 2 && text[0] == '0';
  char prefix = prefixed ? static_cast<char>(text[1] | 0x20) : ' ';
  if (prefix == 'f' || prefix == 'd') {
    operand.kind = prefix == 'f' ? Operand::Kind::Float : Operand::Kind::Double;
    return text.size() == (prefix == 'f' ? 10u : 18u) && parse(text.substr(2), 16);
  }
  operand.kind = Operand::Kind::Integer;
  if (text.ends_with('U') && text.size() > 1)
    text.remove_suffix(1);
  if (prefix == 'x')
    return parse(text.substr(2), 16);
  if (prefix == 'b')
    return parse(text.substr(2), 2);
  if (text.find_first_of(".eE") != std::string_view::npos) {
    double value = 0;
    auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    operand.kind = Operand::Kind::Double;
    operand.value = std::bit_cast<uint64_t>(value);
    return code == std::errc() && end == text.data() + text.size();
  }
  return parse(text, text.size() > 1 && text[0] == '0' ? 8 : 10);
}

bool Parser::fail(uint32_t line, std::string message) {
  if (error.ok())
    error = errorAt(line, message);
  return false;
}

bool Parser::unexpected(std::string_view wanted) {
  std::string found = token.kind == Token::Kind::End ? "the end of the text" : "'" + std::string(token.text) + "'";
  return fail(token.line, "expected " + std::string(wanted) + ", but got " + found);
}

bool Parser::accept(std::string_view text) {
  if (!token.is(text))
    return false;
  advance();
  return true;
}

bool Parser::expect(std::string_view punctuation) {
  return accept(punctuation) || unexpected("'" + std::string(punctuation) + "'");
}

bool Parser::word(std::string_view &text) {
  if (token.kind != Token::Kind::Word)
    return unexpected("a name");
  text = token.text;
  advance();
  return true;
}

bool Parser::number(uint64_t &value, uint64_t limit) {
  Operand literal;
  if (token.kind != Token::Kind::Number || !parseLiteral(token.text, literal) || literal.kind != Operand::Kind::Integer)
    return unexpected("a whole number");
  if (literal.value > limit)
    return unexpected("a number up to " + std::to_string(limit));
  value = literal.value;
  advance();
  return true;
}

Expected<ModuleSyntax> Parser::parse() {
  if (!header())
    return error;
  while (token.kind != Token::Kind::End)
    if (!topLevel())
      return error;
  return std::move(module);
}

bool Parser::header() {
  if (!expect(".version"))
    return false;
  module.version = token.text;
  if (token.kind != Token::Kind::Number)
    return unexpected("a version");
  advance();
  if (!expect(".target") || !word(module.target))
    return false;
  std::string_view more;
  while (accept(","))
    if (!word(more))
      return false;
  if (accept(".address_size")) {
    uint64_t bits = 0;
    uint32_t line = token.line;
    if (!number(bits, 64))
      return false;
    if (bits != 64)
      return fail(line, "expected an address size of 64, but got " + std::to_string(bits));
  }
  return true;
}

bool Parser::topLevel() {
  bool isExtern = false;
  while (token.is(".visible") || token.is(".weak") || token.is(".common") || token.is(".extern")) {
    isExtern |= token.is(".extern");
    advance();
  }
  if (token.is(".file") || token.is(".loc")) {
    lexer.skipLine();
    advance();
    return true;
  }
  if (accept(".entry"))
    return entry();
  if (accept(".func"))
    return skipFunction();
  if (accept(".global"))
    return variables(Space::Global, isExtern, nullptr);
  if (accept(".const"))
    return variables(Space::Constant, isExtern, nullptr);
  if (accept(".shared"))
    return variables(Space::Shared, isExtern, nullptr);
  if (accept(".section")) {
    advance();
    return skipBraces();
  }
  if (accept(".pragma") || accept(".alias"))
    return skipStatement();
  if (accept(";"))
    return true;
  if (token.kind == Token::Kind::Word && token.text.starts_with('.'))
    return fail(token.line, "unknown directive '" + std::string(token.text) + "'");
  return unexpected("a directive");
}

/// Functions may stand in a module; a kernel that calls one is refused when it is decoded.
bool Parser::skipFunction() {
  while (!token.is("{") && !token.is(";")) {
    if (token.kind == Token::Kind::End)
      return unexpected("the body of a function");
    advance();
  }
  return token.is(";") ? expect(";") : skipBraces();
}

bool Parser::skipBraces() {
  if (!expect("{"))
    return false;
  for (uint64_t depth = 1; depth > 0; advance()) {
    if (token.kind == Token::Kind::End)
      return unexpected("'}'");
    depth += token.is("{") ? 1 : 0;
    depth -= token.is("}") ? 1 : 0;
  }
  return true;
}

bool Parser::skipStatement() {
  while (!token.is(";")) {
    if (token.kind == Token::Kind::End)
      return unexpected("';'");
    advance();
  }
  return expect(";");
}

bool Parser::entry() {
  KernelSyntax kernel;
  kernel.line = token.line;
  if (!word(kernel.name))
    return false;
  if (std::any_of(module.kernels.begin(), module.kernels.end(), [&](auto &k) { return k.name == kernel.name; }))
    return fail(kernel.line, "kernel '" + std::string(kernel.name) + "' is defined twice");
  if (token.is("(") && !parameters(kernel))
    return false;
  while (token.kind == Token::Kind::Word)
    if (!performanceDirective(kernel))
      return false;
  if (accept(";")) // a declaration
    return true;
  if (!body(kernel))
    return false;
  module.kernels.push_back(std::move(kernel));
  return true;
}

bool Parser::performanceDirective(KernelSyntax &kernel) {
  std::string_view name = token.text;
  uint32_t line = token.line;
  if (name == ".pragma")
    return skipStatement();
  constexpr std::string_view kKnown[] = {
      ".maxntid",  ".reqntid",         ".minnctapersm",      ".maxnctapersm",   ".maxnreg",
      ".noreturn", ".explicitcluster", ".reqnctapercluster", ".maxclusterrank", ".blocksareclusters"};
  if (std::find(std::begin(kKnown), std::end(kKnown), name) == std::end(kKnown))
    return fail(line, "unknown directive '" + std::string(name) + "'");
  advance();
  std::array<uint64_t, 3> sizes = {1, 1, 1};
  size_t count = 0;
  while (token.kind == Token::Kind::Number) {
    if (count == 3)
      return unexpected("three sizes at most");
    if (!number(sizes[count++], UINT32_MAX))
      return false;
    accept(",");
  }
  bool threads = name == ".maxntid" || name == ".reqntid";
  if (threads && (count == 0 || sizes[0] > 1024 || sizes[1] > 1024 || sizes[2] > 1024))
    return fail(line, "expected 1 to 1,024 threads after '" + std::string(name) + "'");
  if (threads)
    kernel.maxThreads = static_cast<uint32_t>(std::min<uint64_t>(1024, sizes[0] * sizes[1] * sizes[2]));
  if (name == ".reqntid")
    for (size_t i = 0; i < 3; ++i)
      kernel.requiredThreads[i] = static_cast<uint32_t>(sizes[i]);
  return true;
}

bool Parser::parameters(KernelSyntax &kernel) {
  if (!expect("("))
    return false;
  if (accept(")"))
    return true;
  do
    if (!parameter(kernel))
      return false;
  while (accept(","));
  return expect(")");
}

/// .param [.align N] .TYPE [.ptr [.SPACE] [.align N]] NAME [ [BYTES] ]
bool Parser::parameter(KernelSyntax &kernel) {
  if (!expect(".param"))
    return false;
  uint64_t alignment = 0, bytes = 0, pointee = 0;
  if (accept(".align") && !number(alignment, 256))
    return false;
  bytes = typeBytes(token.text);
  if (bytes == 0)
    return unexpected("a type");
  advance();
  if (accept(".ptr")) {
    (void)(accept(".global") || accept(".shared") || accept(".const") || accept(".local") || accept(".param"));
    if (accept(".align") && !number(pointee, UINT32_MAX))
      return false;
  }
  std::string_view name;
  uint32_t line = token.line;
  if (!word(name))
    return false;
  alignment = alignment ? alignment : bytes;
  if (!std::has_single_bit(alignment))
    return fail(line, "expected a power of two as alignment, but got " + std::to_string(alignment));
  uint64_t count = 1;
  if (accept("[") && (!number(count, kMaxParameterBytes) || !expect("]")))
    return false;
  uint64_t offset = (kernel.parameterBytes + alignment - 1) / alignment * alignment;
  if (offset + bytes * count > kMaxParameterBytes)
    return fail(line, "expected at most " + std::to_string(kMaxParameterBytes) + " bytes of parameters");
  kernel.parameters.push_back({std::string(name), static_cast<uint32_t>(offset), static_cast<uint32_t>(bytes * count)});
  kernel.parameterBytes = static_cast<uint32_t>(offset + bytes * count);
  return true;
}

/// .SPACE has been read. [.align N] [.v2|.v4] .TYPE NAME[N]... [= ...] {, NAME...} ;
bool Parser::variables(Space space, bool isExtern, KernelSyntax *kernel) {
  uint64_t alignment = 0, elementBytes = 0, vector = 1;
  while (token.is(".align") || token.is(".attribute")) {
    if (accept(".align")) {
      if (!number(alignment, 1u << 20))
        return false;
      continue;
    }
    while (!token.is(")")) {
      if (token.kind == Token::Kind::End)
        return unexpected("')'");
      advance();
    }
    advance();
  }
  if (token.is(".v2") || token.is(".v4")) {
    vector = token.is(".v2") ? 2 : 4;
    advance();
  }
  elementBytes = typeBytes(token.text);
  if (elementBytes == 0)
    return unexpected("a type");
  floatingElements = token.text.starts_with(".f") && elementBytes >= 4;
  advance();
  alignment = alignment ? alignment : elementBytes * vector;
  if (!std::has_single_bit(alignment))
    return fail(token.line, "expected a power of two as alignment, but got " + std::to_string(alignment));
  do
    if (!variable(space, isExtern, elementBytes * vector, static_cast<uint32_t>(alignment), kernel))
      return false;
  while (accept(","));
  return expect(";");
}

bool Parser::variable(Space space, bool isExtern, uint64_t elementBytes, uint32_t alignment, KernelSyntax *kernel) {
  std::string_view name;
  uint32_t line = token.line;
  if (!word(name))
    return false;
  uint64_t bytes = elementBytes;
  bool open = false;
  const uint64_t limit = space == Space::Global || space == Space::Constant ? kMaxVariableBytes : kMaxArrayBytes;
  while (accept("[")) {
    uint64_t count = 0;
    open |= token.is("]");
    if (!token.is("]") && !number(count, limit))
      return false;
    if (!expect("]"))
      return false;
    bytes *= open ? 1 : count;
    if (bytes > limit)
      return fail(line, "expected an array of at most " + std::to_string(limit) + " bytes");
  }
  if (space == Space::Shared || space == Space::Local) {
    if (open && !(isExtern && space == Space::Shared))
      return fail(line, "'" + std::string(name) + "' has no size");
    auto &arrays = kernel ? kernel->arrays : module.shared;
    arrays.push_back({name, space, open ? 0 : bytes, alignment, open});
    return true;
  }
  if (isExtern)
    return fail(line, "variable '" + std::string(name) + "' lies in another module: not supported");
  Variable result{std::string(name), bytes, alignment, space == Space::Constant, {}, 0};
  if (accept("=") && !initializer(elementBytes, floatingElements, open ? limit : bytes, result.initial, 0))
    return false;
  if (open)
    result.bytes = result.initial.size();
  module.variables.push_back(std::move(result));
  return true;
}

bool Parser::initializer(uint64_t elementBytes, bool floating, uint64_t bytes, std::vector<std::byte> &out, int depth) {
  if (accept("{")) {
    if (depth == 8)
      return unexpected("fewer braces");
    do
      if (!initializer(elementBytes, floating, bytes, out, depth + 1))
        return false;
    while (accept(","));
    return expect("}");
  }
  bool negative = accept("-");
  Operand literal;
  if (token.kind != Token::Kind::Number || !parseLiteral(token.text, literal))
    return unexpected("a number (addresses as initial values are not supported)");
  uint64_t value = literal.value;
  if (literal.kind == Operand::Kind::Integer && !floating)
    value = negative ? 0 - value : value;
  else if (literal.kind == Operand::Kind::Integer)
    value = std::bit_cast<uint64_t>((negative ? -1.0 : 1.0) * static_cast<double>(value));
  else if (literal.kind == Operand::Kind::Double)
    value ^= uint64_t(negative) << 63;
  else
    value ^= uint64_t(negative) << 31;
  if (elementBytes == 4 &&
      (literal.kind == Operand::Kind::Double || (floating && literal.kind != Operand::Kind::Float)))
    value = std::bit_cast<uint32_t>(static_cast<float>(std::bit_cast<double>(value)));
  if (elementBytes > 8 || out.size() + elementBytes > bytes)
    return fail(token.line, "too many initial values");
  for (uint64_t i = 0; i < elementBytes; ++i)
    out.push_back(static_cast<std::byte>(value >> (8 * i)));
  advance();
  return true;
}

Expected<ModuleSyntax> parseModule(std::string_view text) { return Parser(text).parse(); }

} // namespace incept::sim::ptx
