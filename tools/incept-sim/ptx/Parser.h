// SPDX-License-Identifier: Apache-2.0
//
// Reads a module: declarations in Parser.cpp, the bodies of kernels in ParseBody.cpp. The first mistake ends it.
#pragma once

#include "tools/incept-sim/ptx/Lexer.h"
#include "tools/incept-sim/ptx/Syntax.h"

#include <unordered_map>

namespace incept::sim::ptx {

class Parser {
public:
  explicit Parser(std::string_view text) : lexer(text), token(lexer.next()) {}
  Expected<ModuleSyntax> parse();

private:
  // Each returns false after it has set `error`.
  bool fail(uint32_t line, std::string message);
  bool unexpected(std::string_view wanted);
  bool expect(std::string_view punctuation);
  bool accept(std::string_view text);
  bool word(std::string_view &text);
  bool number(uint64_t &value, uint64_t limit);
  void advance() { token = lexer.next(); }

  // Declarations.
  bool topLevel();
  bool header();
  bool skipFunction();
  bool skipBraces();
  bool skipStatement();
  bool entry();
  bool parameters(KernelSyntax &kernel);
  bool parameter(KernelSyntax &kernel);
  bool performanceDirective(KernelSyntax &kernel);
  bool variables(Space space, bool isExtern, KernelSyntax *kernel);
  bool variable(Space space, bool isExtern, uint64_t elementBytes, uint32_t alignment, KernelSyntax *kernel);
  bool initializer(uint64_t elementBytes, bool floating, uint64_t bytes, std::vector<std::byte> &out, int depth);

  // Bodies.
  struct Declaration {
    uint8_t bits;
    uint32_t first;
    uint32_t count; ///< 0: a single register without a number
  };
  using Scope = std::unordered_map<std::string_view, Declaration>;
  bool body(KernelSyntax &kernel);
  bool registers(KernelSyntax &kernel);
  bool statement(KernelSyntax &kernel);
  bool branchTargets(KernelSyntax &kernel);
  bool instruction(Statement &statement);
  bool operand(Operand &operand, int depth);
  bool address(Operand &operand);
  bool findRegister(std::string_view name, Register &reg) const;

  Lexer lexer;
  Token token;
  Status error;
  ModuleSyntax module;
  std::vector<Scope> scopes;
  uint32_t registerCount = 0;
  bool floatingElements = false;
};

} // namespace incept::sim::ptx
