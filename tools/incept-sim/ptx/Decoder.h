// SPDX-License-Identifier: Apache-2.0
//
// Statements of the text become Instructions. Decoder.cpp has rows, operands and what the table of forms knows;
// DecodeSpecial.cpp what has rules of its own; DecodeMemory.cpp loads and stores.
#pragma once

#include "tools/incept-sim/ptx/Forms.h"

#include <optional>
#include <unordered_map>

namespace incept::sim::ptx {

/// "ld.global.v4.b32" as a list of words without the points.
using Words = std::vector<std::string_view>;

class Decoder {
public:
  Decoder(const KernelSyntax &syntax, const ModuleSyntax &module, std::shared_ptr<std::vector<Variable>> variables);
  std::unique_ptr<KernelCode> decode();

private:
  struct Symbol {
    Space space;
    uint64_t value;    ///< offset in its space
    uint32_t variable; ///< of .global and .const, otherwise kNoRow
  };

  // Each returns false after it has set `error` for the statement at hand.
  bool fail(const std::string &message);
  bool unknown();
  bool count(size_t operands);

  void layOutArrays();
  bool statement(const Statement &statement);
  bool resolveBranches();
  void compact();

  // Rows.
  Row newRow(uint8_t bits);
  Row registerRow(const Register &reg);
  Row constant(uint8_t bits, uint64_t value, uint32_t variable = kNoRow);
  bool special(std::string_view name, Row &row);
  /// The row of an operand that has to be `bits` wide; immediates are converted.
  bool source(const Operand &operand, uint8_t bits, Row &row);
  /// The same for cvt, ld and st: a register of another width is resized first.
  bool anyWidth(const Operand &operand, uint8_t bits, Row &row);
  bool destination(const Operand &operand, uint8_t bits, Row &row);

  // Instructions.
  Instruction &emit(Kind kind);
  bool emitForm(const std::string &name, std::initializer_list<Row> rows);
  bool emitForm(const std::string &name, const std::vector<Row> &rows);
  /// Operands in the order of a form's rows.
  bool fromTable(const std::string &name);
  bool fromTable(const std::string &name, size_t firstSource, std::vector<Row> rows, const Form &form);
  bool arithmetic();
  bool wordsOf(std::initializer_list<std::string_view> known) const;

  // DecodeSpecial.cpp
  bool move();
  bool pack(const Operand &vector, uint8_t bits, const Operand &to);
  bool unpack(const Operand &vector, uint8_t bits, const Operand &from);
  bool convertAddress();
  bool convert();
  static std::vector<std::string> conversionSteps(const std::string &mode, bool flush, std::string_view to,
                                                  std::string_view from);
  bool setPredicate();
  bool setPredicates(const std::string &name);
  bool set();
  bool branch();
  bool branchIndexed();
  bool exit();
  bool barrier();
  bool shuffle();
  bool vote();
  bool fence();
  bool nothing();
  bool trap();
  bool madCarry();
  bool isSpace();
  bool call();

  // DecodeMemory.cpp
  bool load();
  bool store();
  bool atomic();
  bool address(const Operand &operand, Space space, Instruction &access);
  bool accessWords(Space &space, uint32_t &elements, std::string_view &type);
  bool parameterLoad(Instruction &access);
  void emitAccess(Kind kind, Instruction access);

  struct Handler {
    std::string_view opcode;
    bool (Decoder::*decode)();
  };
  static const Handler kHandlers[];

  const KernelSyntax &syntax;
  const ModuleSyntax &module;
  std::unique_ptr<KernelCode> code;
  std::unordered_map<std::string_view, Symbol> symbols;
  std::unordered_map<std::string_view, uint32_t> labels;
  std::unordered_map<std::string_view, const Statement *> branchTables;
  std::vector<Row> registerRows;
  struct RowUse {
    uint32_t bytes;
    bool fixed; ///< a constant or a special register
  };
  std::vector<RowUse> rows;
  std::unordered_map<std::string, Row> constantRows;
  std::unordered_map<std::string_view, Row> specialRows;
  Row carry = kNoRow;

  // The statement at hand.
  const Statement *at = nullptr;
  Words words;
  Row guard = kNoRow;
  bool guardNegated = false;
  size_t emitted = 0;
  Status error;
};

/// Width of a type word: 1 for pred, 0 where it is none.
uint8_t typeBits(std::string_view type);
/// Width of a form's row.
uint8_t formBits(char letter);

} // namespace incept::sim::ptx
