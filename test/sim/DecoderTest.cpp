// SPDX-License-Identifier: Apache-2.0
//
// Which statements and instructions are taken, and each sentence that refuses one.

#include "test/sim/Simulator.h"
#include "tools/incept-sim/ptx/Program.h"

#include <gtest/gtest.h>

namespace incept::sim {
namespace {

/// What is said of a kernel whose body begins in line 8.
std::string errorOf(const std::string &body) {
  Expected<ptx::Module> module = ptx::Module::parse(
      moduleText(".global .b64 g[4]; .const .b64 c[4] = {1}; .entry k(.param .u64 a, .param .u32 b)\n{\n"
                 ".reg .pred %p<4>; .reg .b16 %h<5>; .reg .b32 %r<9>; .reg .b64 %d<5>; .reg .f32 %f<4>;\n"
                 ".shared .align 32 .b8 tile[64]; .local .align 32 .b8 depot[64];\n" +
                 body + "\n}\n"));
  return module ? module->kernels().front().status().message() : module.status().message();
}

TEST(Statements, Refusals) {
  struct {
    const char *body, *error; ///< from line 8 on
  } cases[] = {
      {".reg .b32 5;", "8: expected a name, but got '5'"},
      {".reg .b32 x<2;", "8: expected '>', but got ';'"},
      {".reg .b32 x<>;", "8: expected a whole number, but got '>'"},
      {".reg .b32 x y;", "8: expected ';', but got 'y'"},
      {".reg .b32 x, y,\nx;", "9: register 'x' is declared twice"},
      {".branchtargets l;", "8: expected a label before '.branchtargets', but got '.branchtargets'"},
      {"ret;\n.branchtargets l;", "9: expected a label before '.branchtargets', but got '.branchtargets'"},
      {"t: .branchtargets\n5;", "9: expected a name, but got '5'"},
      {"t: .branchtargets l m;", "8: expected ';', but got 'm'"},
      {"@5 ret;", "8: expected a name, but got '5'"},
      {"@!5 ret;", "8: expected a name, but got '5'"},
      {"@\n%p4 ret;", "9: expected a predicate register, but got '%p4'"},
      {"@%h1 ret;", "8: expected a predicate register, but got '%h1'"},
      {"@%p1 x: ret;", "8: expected a name, but got ':'"},
      {"5;", "8: expected a name, but got '5'"},
      {"add.u32 %r1\n%r2;", "9: expected ',', but got '%r2'"},
      {"add.u32 %r1|5, %r2, %r3;", "8: the first operand of 'add.u32' must be a register"},
      {"mov.b64 %d1, {{%r1}};", "8: expected a register, but got '%r1'"},
      {"mov.b64 %d1, {%r1, %r2;", "8: expected '}', but got ';'"},
      {"mov.b64 %d1, {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17};", "8: expected '}', but got ','"},
      {"add.u32 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18;", "8: expected ';', but got ','"},
      {"add.u32 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16;", "8: 'add.u32' has 3 operands, but got 16"},
      {"mov.u32 %r1, !5;", "8: expected an operand, but got '5'"},
      {"mov.u32 %r1, -x;", "8: expected an operand, but got 'x'"},
      {"mov.u32 %r1, ;", "8: expected a name, but got ';'"},
      {"mov.u32 %r1, %r9;", "8: register '%r9' is not declared"},
      {"mov.u32 %r1,\n%q0;", "9: register '%q0' is not declared"},
      {"mov.u32 %r1, %q;", "8: unknown register '%q'"},
      {"mov.u32 %r1, %tid.w;", "8: unknown register '%tid.w'"},
      {"mov.u32 %r1, %r99999999999;", "8: unknown register '%r99999999999'"},
      {"ld.global.u32 %r1, [%d1*4];", "8: expected ']', but got '*'"},
      {"ld.global.u32 %r1, [%tid.x];", "8: '%tid.x' cannot be an address"},
      {"ld.global.u32 %r1, [_];", "8: '_' cannot be an address"},
      {"ld.global.u32 %r1, [%d1+x];", "8: expected a whole number, but got 'x'"},
      {"ld.global.u32 %r1, [%d1+4;", "8: expected ']', but got ';'"},
      {"ld.global.u32 %r1, [];", "8: expected a whole number, but got ']'"},
      {".frob;", "8: unknown directive '.frob'"},
      {"\n.entry j {}", "9: unknown directive '.entry'"},
      {"{ {", "10: expected '}', but got the end of the text"},
      {"{ .reg .b32 x; }\nmov.u32 %r1, x;", "9: 'x' is not declared"},
      {"l: ret;\nl: ret;", "9: label 'l' is defined twice"},
      {"@%p1 bra\nl;", "8: label 'l' is not defined"},
      {"bra %r1;", "8: expected a label after 'bra'"},
      {"brx.idx %r1, l;\nl:", "8: 'l' is no list of .branchtargets"},
      {"t: .branchtargets l, m;\nbrx.idx %r1, t;\nl:", "9: label 'm' is not defined"},
      {"call f;", "8: calls are not supported: have the compiler inline the function"},
      {"call.uni (x), f, (x);", "8: calls are not supported: have the compiler inline the function"},
      {".param .b64 x;", "8: calls are not supported: have the compiler inline the function"},
  };
  for (const auto &c : cases)
    EXPECT_EQ(errorOf(c.body), "ptx:" + std::string(c.error)) << c.body;
  // 64 scopes, of which the kernel is one.
  EXPECT_EQ(errorOf(std::string(63, '{') + std::string(63, '}')), "");
  EXPECT_EQ(errorOf(std::string(64, '{') + std::string(64, '}')), "ptx:8: expected fewer nested scopes, but got '}'");
}

TEST(Statements, Scopes) {
  // The inner %r1 is another one, and has another width; a single register may look like a numbered one.
  EXPECT_EQ(errorOf("{ .reg .b64 %r<2>; mov.u64 %r1, %d1; } mov.u32 %r1, %r2;"), "");
  EXPECT_EQ(errorOf("{ .reg .b64 %r<2>; mov.u32 %r1, %r2; }"), "ptx:8: '%r1' has 64 bits, but 'mov.u32' needs 32");
  EXPECT_EQ(errorOf("{ .reg .b64 %r1; mov.u64 %r1, %d1; mov.u32 %r2, %r3; }"), "");
  EXPECT_EQ(errorOf(".reg .b64 x, y<2>, z; mov.u64 x, y0; mov.u64 y1, z;"), "");
  EXPECT_EQ(errorOf(".reg .b64 y<2>; mov.u64 %d1, y;"), "ptx:8: 'y' is not declared");
}

TEST(Instructions, NumbersOfOperands) {
  // A row has an instruction and how many operands it wants. All are of a kind that it would refuse next.
  const std::pair<const char *, size_t> rows[] = {{"mov.u32", 2},
                                                  {"cvta.shared.u64", 2},
                                                  {"cvta.to.local.u64", 2},
                                                  {"isspacep.global", 2},
                                                  {"cvt.u32.u16", 2},
                                                  {"cvt.rn.f16x2.f32", 3},
                                                  {"setp.eq.u32", 3},
                                                  {"setp.eq.and.u32", 4},
                                                  {"setp.eq.f16x2", 3},
                                                  {"set.eq.u32.u32", 3},
                                                  {"set.eq.and.u32.u32", 4},
                                                  {"bra", 1},
                                                  {"bra.uni", 1},
                                                  {"brx.idx", 2},
                                                  {"ret", 0},
                                                  {"exit", 0},
                                                  {"bar.warp.sync", 1},
                                                  {"shfl.sync.up.b32", 5},
                                                  {"vote.sync.any.pred", 3},
                                                  {"mad.lo.cc.u32", 4},
                                                  {"madc.hi.u32", 4},
                                                  {"mad.lo.u32", 4},
                                                  {"ld.global.u32", 2},
                                                  {"st.global.u32", 2},
                                                  {"atom.global.add.u32", 3},
                                                  {"red.global.add.u32", 2},
                                                  {"atom.global.cas.b32", 4},
                                                  {"add.u32", 3},
                                                  {"addc.cc.u32", 3},
                                                  {"activemask.b32", 1},
                                                  {"redux.sync.add.u32", 3},
                                                  {"fma.rn.f32", 4},
                                                  {"neg.f32", 2},
                                                  {"lop3.b32", 5},
                                                  {"bfi.b64", 5},
                                                  {"vote.sync.ballot.b32", 3}};
  for (auto [opcode, wanted] : rows)
    for (size_t got = 0; got < 8; ++got) {
      std::string body(opcode);
      for (size_t i = 0; i < got; ++i)
        body += i ? ", _" : " _";
      std::string refusal = "ptx:8: '" + std::string(opcode) + "' has " + std::to_string(wanted) +
                            " operands, but got " + std::to_string(got);
      EXPECT_EQ(errorOf(body + ";") == refusal, got != wanted) << body << ": " << errorOf(body + ";");
    }
  EXPECT_EQ(errorOf("bar.sync;"), "ptx:8: 'bar.sync' has 1 operands, but got 0");
  EXPECT_EQ(errorOf("bar.sync 0, 32, 1;"), "ptx:8: 'bar.sync' has 1 operands, but got 3");
  EXPECT_EQ(errorOf("bar.sync 0, 32;"), "");
}

TEST(Instructions, Unknown) {
  for (const char *instruction : {"mov.b8 %h1, %h2",
                                  "mov.u32.u32 %r1, %r2",
                                  "mov %r1, %r2",
                                  "mov.foo %r1, %r2",
                                  "cvta.u32 %r1, %r2",
                                  "cvta.to.u64 %d1, %d2",
                                  "cvta.foo.u64 %d1, %d2",
                                  "cvta.to.foo.u64 %d1, %d2",
                                  "cvta.to.shared.u32 %r1, %r2",
                                  "cvta.shared.foo.u64 %d1, %d2",
                                  "isspacep.foo %p1, %d1",
                                  "isspacep %p1, %d1",
                                  "isspacep.a.b %p1, %d1",
                                  "cvt.u32 %r1, %r2",
                                  "cvt.foo.u32.u16 %r1, %h2",
                                  "cvt.rn.u32.u16 %r1, %h2",
                                  "cvt.rzi.f64.f32 %d1, %f2",
                                  "cvt.rn.f16.tf32 %h1, %r1",
                                  "setp.foo.u32 %p1, %r1, %r2",
                                  "setp.lo.s32 %p1, %r1, %r2",
                                  "setp.eq.and.f16x2 %p1|%p2, %r1, %r2, %p3",
                                  "setp.eq.ftz.f64 %p1, %d1, %d2",
                                  "set.lt.u32 %r1, %r2, %r3",
                                  "set.lt.u64.u32 %d1, %r2, %r3",
                                  "set.foo.u32.u32 %r1, %r2, %r3",
                                  "bra.foo l",
                                  "brx.foo %r1, t",
                                  "ret.foo",
                                  "exit.foo",
                                  "bar 0",
                                  "bar.arrive 0",
                                  "bar.red.sync 0",
                                  "barrier.cluster.sync",
                                  "bar.warp.foo -1",
                                  "bar.warp.sync.foo -1",
                                  "shfl.up.b32 %r1, %r2, 1, 0, -1",
                                  "shfl.sync.foo.b32 %r1, %r2, 1, 0, -1",
                                  "vote.any.pred %p1, %p2",
                                  "vote.sync.foo.pred %p1, %p2, -1",
                                  "trap.foo",
                                  "brkpt.a",
                                  "mad.lo.cc.f32 %f1, %f1, %f1, %f1",
                                  "madc.lo.u16 %h1, %h1, %h1, %h1",
                                  "madc.u32 %r1, %r1, %r1, %r1",
                                  "ld.global %r1, [%d1]",
                                  "ld.foo.u32 %r1, [%d1]",
                                  "ld.global.u32.foo %r1, [%d1]",
                                  "ld.global.v8.b64 %d1, [%d1]",
                                  "ld.global.v3.b32 %r1, [%d1]",
                                  "ld.global.pred %p1, [%d1]",
                                  "st.foo.u32 [%d1], %r1",
                                  "st.global.v8.b64 [%d1], %d1",
                                  "atom.global.add.f16 %h1, [%d1], %h2",
                                  "atom.local.add.u32 %r1, [%d1], %r2",
                                  "atom.const.add.u32 %r1, [%d1], %r2",
                                  "atom.global.add.add.u32 %r1, [%d1], %r2",
                                  "atom.global.foo.u32 %r1, [%d1], %r2",
                                  "atom.global.add.b32 %r1, [%d1], %r2",
                                  "atom.global.inc.u64 %d1, [%d1], %d2",
                                  "atom.global.min.b32 %r1, [%d1], %r2",
                                  "atom.global.min.u3 %r1, [%d1], %r2",
                                  "atom.global.exch.u32 %r1, [%d1], %r2",
                                  "atom.global.u32 %r1, [%d1], %r2",
                                  "red.global.cas.b32 [%d1], %r1, %r2",
                                  "add.foo.u32 %r1, %r2, %r3",
                                  "add.sat.u32 %r1, %r2, %r3",
                                  "add.relu.u32 %r1, %r2, %r3",
                                  "add.rn.u32 %r1, %r2, %r3",
                                  "foo",
                                  "wgmma.fence.sync.aligned",
                                  "neg.u32 %r1, %r2",
                                  "div.full.f64 %d1, %d2, %d3",
                                  "mul.wide.u64 %d1, %d2, %d3",
                                  "bfe.u16 %h1, %h2, %r1, %r2",
                                  "redux.sync.add.b32 %r1, %r2, -1",
                                  "redux.sync.and.u32 %r1, %r2, -1"}) {
    std::string opcode(instruction);
    opcode = opcode.substr(0, opcode.find(' '));
    EXPECT_EQ(errorOf(std::string(instruction) + ";"), "ptx:8: unknown instruction '" + opcode + "'") << instruction;
  }
}

TEST(Instructions, RefusedOperands) {
  struct {
    const char *instruction, *error;
  } cases[] = {
      {"add.u32 %r1, %d1, %r2", "'%d1' has 64 bits, but 'add.u32' needs 32"},
      {"add.u32 %d1, %r1, %r2", "'%d1' has 64 bits, but 'add.u32' needs 32"},
      {"add.u16 %h1, %h2, %r1", "'%r1' has 32 bits, but 'add.u16' needs 16"},
      {"and.pred %p1, %p2, %h1", "'%h1' has 16 bits, but 'and.pred' needs 1"},
      {"setp.eq.and.u32 %p1, %r1, %r2, %r3", "'%r3' has 32 bits, but 'setp.eq.and.u32' needs 1"},
      {"setp.eq.u32 %r1, %r1, %r2", "'%r1' has 32 bits, but 'setp.eq.u32' needs 1"},
      {"setp.eq.u32 %p1|%r1, %r1, %r2", "'%r1' has 32 bits, but 'setp.eq.u32' needs 1"},
      {"setp.eq.f16x2 %p1, %r1, %r2", "expected two predicates, p|q"},
      {"setp.eq.f16x2 %p1|%r1, %r1, %r2", "'%r1' has 32 bits, but 'setp.eq.f16x2' needs 1"},
      {"set.eq.u32.u64 %r1, %d1, %r2", "'%r2' has 32 bits, but 'set.eq.u32.u64' needs 64"},
      {"set.eq.u32.u64 %d1, %d1, %d2", "'%d1' has 64 bits, but 'set.eq.u32.u64' needs 32"},
      {"mov.pred %p1, %tid.x", "'%tid.x' has 32 bits, but 'mov.pred' needs 1"},
      {"mov.b64 %d1, {%r1, %r2, %r3}", "'%r1' has 32 bits, but 'mov.b64' needs 21"},
      {"mov.b64 {%r1, %h1}, %d1", "'%h1' has 16 bits, but 'mov.b64' needs 32"},
      {"add.u32 %r1, !%r2, %r3", "only a predicate can be negated"},
      {"and.pred %p1, %p2, !tile", "only a predicate can be negated"},
      {"add.u32 !%r1, %r2, %r3", "the first operand of 'add.u32' must be a register"},
      {"add.u32 5, %r2, %r3", "the first operand of 'add.u32' must be a register"},
      {"setp.eq.u32 %p1|!%p2, %r1, %r2", "the first operand of 'setp.eq.u32' must be a register"},
      {"mov.u32 %r1, [%d1]", "unexpected operand of 'mov.u32'"},
      {"add.u32 %r1, _, %r2", "unexpected operand of 'add.u32'"},
      {"add.u32 %r1, %r2|%r3, %r2", "unexpected operand of 'add.u32'"},
      {"mov.b16 %h1, 1.5", "a number with a point cannot have 16 bits"},
      {"mov.b16 %h1, 0f3F800000", "a number with a point cannot have 16 bits"},
      {"mov.u32 %r1, g", "the address of 'g' needs 64 bits"},
      {"mov.u32 %r1, c", "the address of 'c' needs 64 bits"},
      {"mov.u16 %h1, tile", "the address of 'tile' needs 64 bits"},
      {"mov.u64 %d1, nowhere", "'nowhere' is not declared"},
      {"ld.global.u32 %r1, %d1", "expected an address in [] in 'ld.global.u32'"},
      {"st.global.u32 %d1, %r1", "expected an address in [] in 'st.global.u32'"},
      {"atom.global.add.u32 %r1, %d1, 1", "expected an address in [] in 'atom.global.add.u32'"},
      {"ld.global.u32 %r1, [nowhere]", "'nowhere' is not declared"},
      {"ld.global.u32 %r1, [%h1]", "'%h1' has 16 bits, but 'ld.global.u32' needs 64"},
      {"ld.global.v4.u32 {%r1, %r2, %r3}, [%d1]", "expected 4 registers in 'ld.global.v4.u32'"},
      {"ld.global.u32 {%r1, %r2}, [%d1]", "expected 1 registers in 'ld.global.u32'"},
      {"ld.global.u32 %h1, [%d1]", "'%h1' cannot hold what 'ld.global.u32' loads"},
      {"ld.global.u8 %p1, [%d1]", "'%p1' cannot hold what 'ld.global.u8' loads"},
      {"ld.global.v2.u16 {%h1, %r1}, [%d1]", "'%r1' cannot hold what 'ld.global.v2.u16' loads"},
      {"ld.global.u32 5, [%d1]", "the first operand of 'ld.global.u32' must be a register"},
      {"st.global.v2.u32 [%d1], %r1", "expected 2 values in 'st.global.v2.u32'"},
      {"st.global.u32 [%d1], {%r1, %r2}", "expected 1 values in 'st.global.u32'"},
      {"st.global.u32 [%d1], %h1", "'%h1' is too narrow for 'st.global.u32'"},
      {"st.global.v2.u16 [%d1], {%h1, %r1}", "'%h1' is too narrow for 'st.global.v2.u16'"},
      {"st.const.u32 [c], %r1", "'st.const.u32' writes read-only memory"},
      {"st.param.u32 [a], %r1", "'st.param.u32' writes read-only memory"},
      {"atom.global.add.u32 %d1, [%d1], 1", "'%d1' has 64 bits, but 'atom.global.add.u32' needs 32"},
      {"atom.global.cas.b64 %d1, [%d1], %d2, %r1", "'%r1' has 32 bits, but 'atom.global.cas.b64' needs 64"},
      {"bar.sync %d1", "'%d1' has 64 bits, but 'bar.sync' needs 32"},
      {"bar.sync 0, %d1", "'%d1' has 64 bits, but 'bar.sync' needs 32"},
      {"brx.idx %d1, t", "'%d1' has 64 bits, but 'brx.idx' needs 32"},
      {"shfl.sync.up.b32 %r1|%r2, %r1, 1, 0, -1", "'%r2' has 32 bits, but 'shfl.sync.up.b32' needs 1"},
      {"shfl.sync.up.b32 %r1, %r1, 1, 0, %d1", "'%d1' has 64 bits, but 'shfl.sync.up.b32' needs 32"},
      {"isspacep.global %p1, %r1", "'%r1' has 32 bits, but 'isspacep.global' needs 64"},
      {"isspacep.global %r1, %d1", "'%r1' has 32 bits, but 'isspacep.global' needs 1"},
      {"cvta.shared.u64 %d1, %r1", "'%r1' has 32 bits, but 'cvta.shared.u64' needs 64"},
      {"cvt.u32.u16 %h1, %h2", "'%h1' has 16 bits, but 'cvt.u32.u16' needs 32"},
      {"cvt.rn.f32.u32 _, %p1", "'%p1' has 1 bits, but 'cvt.rn.f32.u32' needs 32"},
  };
  for (const auto &c : cases)
    EXPECT_EQ(errorOf(std::string(c.instruction) + ";"), "ptx:8: " + std::string(c.error)) << c.instruction;
}

// A symbol lies in one memory; what the device allocates may also be named by a generic address.
TEST(Instructions, SymbolsAndTheirMemories) {
  const std::pair<const char *, const char *> symbols[] = {
      {"g", "global"}, {"c", "const"}, {"tile", "shared"}, {"depot", "local"}, {"a", "param"}};
  for (auto [symbol, home] : symbols)
    for (const char *space :
         {"", ".global", ".const", ".shared", ".shared::cta", ".local", ".param", ".param::entry"}) {
      const std::string s = space, opcode = "ld" + s + ".u64";
      bool device = symbol[0] == 'g' || symbol[0] == 'c';
      bool fits = s.starts_with("." + std::string(home)) || (device && (s.empty() || s == ".global" || s == ".const"));
      EXPECT_EQ(errorOf(opcode + " %d1, [" + symbol + "];"),
                fits ? ""
                     : "ptx:8: '" + std::string(symbol) + "' does not lie in the memory that '" + opcode + "' names");
    }
}

// 12 bytes of parameters: a u64 and a u32.
TEST(Instructions, LoadsOfParameters) {
  for (auto [type, bytes] : {std::pair{".u8 %r1", 1},
                             {".u16 %r1", 2},
                             {".u32 %r1", 4},
                             {".u64 %d1", 8},
                             {".v2.u32 {%r1, %r2}", 8},
                             {".v2.u16 {%h1, %h2}", 4},
                             {".v4.u8 {%h1, %h2, %h3, %h4}", 4},
                             {".v2.u64 {%d1, %d2}", 16}})
    for (int offset = -1; offset < 20; ++offset) {
      const std::string opcode = "ld.param" + std::string(type).substr(0, std::string(type).find(' '));
      bool inside = offset >= 0 && offset + bytes <= 12 && offset % bytes == 0;
      EXPECT_EQ(errorOf("ld.param" + std::string(type) + ", [a+" + std::to_string(offset) + "];"),
                inside ? "" : "ptx:8: '" + opcode + "' reads outside of the parameters, or misaligned")
          << type << offset;
    }
  EXPECT_EQ(errorOf("ld.param.u32 %r1, [b];"), "");
  EXPECT_EQ(errorOf("ld.param.u32 %r1, [b+4];"),
            "ptx:8: 'ld.param.u32' reads outside of the parameters, or misaligned");
}

TEST(Instructions, Taken) {
  for (const char *word :
       {"nc",      "ca",      "cg",      "cs",      "cv",  "lu",      "wb",  "wt",  "weak", "volatile",
        "relaxed", "acquire", "release", "acq_rel", "cta", "cluster", "gpu", "sys", "mmio", "L1::evict_last",
        "L2::128B"}) {
    const std::string w(word);
    EXPECT_EQ(errorOf("ld." + w + ".global.u32 %r1, [%d1]; ldu.global." + w + ".u32 %r1, [%d1];"), "") << w;
    EXPECT_EQ(errorOf("st.global." + w + ".u32 [%d1], %r1; atom." + w + ".global.add.u32 %r1, [%d1], 1;"), "") << w;
  }
  for (const char *instruction : {"nanosleep.u32 5",
                                  "prefetch.global.L1 [%d1]",
                                  "prefetchu.L1 [%d1]",
                                  "discard.global.L2 [%d1], 128",
                                  "applypriority.global.L2::evict_normal [%d1], 128",
                                  "pmevent 1",
                                  "membar.cta",
                                  "membar.gl",
                                  "membar.sys",
                                  "fence.proxy.alias",
                                  "fence.sc.cta",
                                  "fence.acq_rel.gpu",
                                  "trap",
                                  "brkpt",
                                  "ret.uni",
                                  "exit",
                                  "bra.uni l",
                                  "barrier.sync 0",
                                  "barrier.sync.aligned 0, 64",
                                  "bar.cta.sync 1",
                                  "bar.warp.sync -1",
                                  "mov.u32 %r1, WARP_SZ",
                                  "mov.u32 %r1, tile",
                                  "mov.u64 %d1, tile",
                                  "mov.u64 %d1, g",
                                  "mov.u64 %d1, %tid.x",
                                  "mov.u16 %h1, %tid.x",
                                  "mov.f32 %f1, 1.5",
                                  "mov.f64 %d1, 0f3F800000",
                                  "mov.b64 {_, %r1}, %d1",
                                  "mov.b32 {%h1, %h2}, %r1",
                                  "mov.b64 {%h1, %h2, %h3, %h4}, %d1",
                                  "ld.global.v2.u32 {_, %r1}, [%d1]",
                                  "ld.global.u32 _, [%d1]",
                                  "ld.global.u32 %r1, [64]",
                                  "ld.global.u32 %r1, [-64]",
                                  "ld.shared.u32 %r1, [%r1+-4]",
                                  "ld.shared.u32 %r1, [%r1-4]",
                                  "ld.global.u8 %d1, [%d1]",
                                  "ld.global.s8 %h1, [%d1]",
                                  "st.global.u8 [%d1], %d1",
                                  "st.global.u8 [%d1], 5",
                                  "st.global.v2.f32 [%d1], {1.0, %f1}",
                                  "cvt.u64.u8 %d1, %r1",
                                  "cvt.rn.f32.u32 %f1, %d1",
                                  "cvt.u8.u32 %d1, %r1",
                                  "cvta.const.u64 %d1, %d2",
                                  "cvta.to.param.u64 %d1, %d2",
                                  "cvta.shared::cta.u64 %d1, %d2",
                                  "isspacep.shared::cta %p1, %d1",
                                  "isspacep.param::entry %p1, %d1",
                                  "setp.eq.b32 %p1|%p2, %r1, %r2",
                                  "setp.ne.b64 _|%p2, %d1, %d2",
                                  "setp.ltu.ftz.f32 %p1, %f1, %f2",
                                  "set.lt.and.s32.f32 %r1, %f1, %f2, !%p1",
                                  "add.rn.sat.ftz.f32 %f1, %f1, %f2",
                                  "fma.rn.relu.bf16x2 %r1, %r1, %r1, %r1",
                                  "atom.exch.b64 %d1, [%d1], 5",
                                  "atom.shared.cas.b32 _, [%r1], 1, 2",
                                  "red.add.f64 [%d1], 0d3FF0000000000000",
                                  "shfl.sync.idx.b32 %r1|_, %r2, 0, 31, -1",
                                  "madc.lo.cc.s64 %d1, %d1, %d1, %d1"})
    EXPECT_EQ(errorOf(std::string(instruction) + ";\nl:"), "") << instruction;
}

/// The code of a kernel with registers %p0 to %p3, %r0 to %r8 and %d0 to %d4.
struct Decoded {
  explicit Decoded(const std::string &body)
      : module(ptx::Module::parse(
            moduleText(".entry k {\n.reg .pred %p<4>; .reg .b32 %r<9>; .reg .b64 %d<5>;\n" + body + "\n}\n"))) {
    EXPECT_TRUE(module && module->kernels().front().status().ok()) << body;
  }
  const ptx::KernelCode &code() { return module->kernels().front().code(); }
  Expected<ptx::Module> module;
};

// A value has 32 lanes. Values whose lives do not meet share a place, but never those of one instruction.
TEST(Instructions, PlacesOfValues) {
  struct {
    const char *body;
    uint32_t constants, values; ///< bytes of the register file
  } rows[] = {
      {"ret;", 0, 0},
      {"add.u32 %r1, 1, 2; ret;", 2 * 128, 128},
      {"add.u32 %r1, 1, 1; add.u64 %d1, 1, 1;", 128 + 256, 128 + 256}, // by their widths
      {"mov.u32 %r1, %tid.x; mov.u32 %r2, %tid.x; mov.u32 %r3, %tid.y;", 2 * 128, 128},
      // A chain needs two places, whatever its length.
      {"add.u32 %r1, 1, 1; add.u32 %r2, %r1, 1; add.u32 %r3, %r2, 1; add.u32 %r4, %r3, 1; st.global.u32 [0], %r4;",
       128 + 256, 2 * 128},
      // All of these are needed at the end.
      {"add.u32 %r1, 1, 1; add.u32 %r2, 1, 1; add.u32 %r3, %r1, %r2; add.u32 %r3, %r3, %r2; add.u32 %r3, %r3, %r1;",
       128, 3 * 128},
      // %r1 is needed in every turn, and %r2 only within one; what comes behind takes the place of either.
      {"add.u32 %r1, 1, 1; $l: add.u32 %r2, %r1, 1; setp.eq.u32 %p1, %r2, 1; @%p1 bra $l; add.u32 %r3, 1, 1;", 128,
       2 * 128 + 32},
      // %r1 is needed up to the loop's end, and no longer.
      {"add.u32 %r1, 1, 1; $l: setp.eq.u32 %p1, %r1, 1; @%p1 bra $l; add.u32 %r3, 1, 1;", 128, 128 + 32},
      // One side of a branch does not write %r2, which is then needed from the begin on.
      {"mov.u32 %r3, 1; setp.eq.u32 %p1, %r3, 1; @%p1 bra $l; mov.u32 %r2, 1; $l: st.global.u32 [0], %r2;", 128 + 256,
       2 * 128 + 32},
  };
  for (const auto &row : rows) {
    Decoded decoded(row.body);
    EXPECT_EQ(decoded.code().fixedBytes, row.constants) << row.body;
    EXPECT_EQ(decoded.code().fileBytes, row.constants + row.values) << row.body;
  }
}

// Where the lanes of a branch meet again: where all ways from it lead through. The kernel's end is an instruction.
TEST(Instructions, WhereBranchesMeet) {
  struct {
    const char *body;
    std::vector<std::pair<size_t, uint32_t>> meetings; ///< of which instruction, where
  } rows[] = {
      // 0 setp, 1 bra, 2 mov, 3 bra, 4 mov, 5 mov, 6 exit
      {"setp.eq.u32 %p1, 1, 1; @%p1 bra $a; mov.u32 %r1, 1; bra $b; $a: mov.u32 %r1, 2; $b: mov.u32 %r2, 3;",
       {{1, 5}, {3, 5}}},
      // 0 setp, 1 bra, 2 mov, 3 mov, 4 exit
      {"setp.eq.u32 %p1, 1, 1; @%p1 bra $a; mov.u32 %r1, 1; $a: mov.u32 %r2, 3;", {{1, 3}}},
      // 0 setp, 1 add, 2 bra to 1, 3 exit
      {"setp.eq.u32 %p1, 1, 1; $a: add.u32 %r1, %r1, 1; @%p1 bra $a;", {{2, 3}}},
      // 0 setp, 1 bra to 5, 2 bra to 4, 3 mov, 4 mov, 5 exit
      {"setp.eq.u32 %p1, 1, 1; @%p1 bra $b; @%p1 bra $a; mov.u32 %r1, 1; $a: mov.u32 %r2, 1; $b: ret;",
       {{1, 5}, {2, 4}}},
      // 0 setp, 1 bra to 4, 2 mov, 3 exit, 4 mov, 5 exit: only behind the end, 6
      {"setp.eq.u32 %p1, 1, 1; @%p1 bra $a; mov.u32 %r1, 1; ret; $a: mov.u32 %r2, 1;", {{1, 6}}},
      // 0 setp, 1 brx to 2 or 4, 2 mov, 3 bra to 5, 4 mov, 5 exit
      {"t: .branchtargets $a, $b, $a; setp.eq.u32 %p1, 1, 1; brx.idx %r1, t; $a: mov.u32 %r1, 1; bra $c; $b: mov.u32 "
       "%r2, 1; $c: ret;",
       {{1, 5}, {3, 5}}},
      // 0 bra to 0, 1 exit: no end is reached
      {"$a: bra $a;", {{0, 2}}},
  };
  for (const auto &row : rows) {
    Decoded decoded(row.body);
    for (auto [instruction, meeting] : row.meetings)
      EXPECT_EQ(decoded.code().code[instruction].reconvergence, meeting) << row.body << " " << instruction;
  }
}

// Parts of an instruction are not counted; a copy of the guard comes before the first where there are several.
TEST(Instructions, Parts) {
  struct {
    const char *instruction;
    size_t parts;
  } rows[] = {{"add.u32 %r1, %r2, %r3", 1},
              {"@%p1 add.u32 %r1, %r2, %r3", 1},
              {"@%p1 setp.eq.and.u32 %p2, %r1, %r2, %p3", 5},
              {"setp.eq.u32 %p2|%p3, %r1, %r2", 4},
              {"setp.eq.and.u32 %p2|%p3, %r1, %r2, !%p1", 7},
              {"set.eq.u32.u32 %r1, %r2, %r3", 2},
              {"set.eq.or.f32.u32 %r1, %r2, %r3, %p1", 3},
              {"cvt.rn.f16.s32 %r1, %r2", 3},
              {"cvt.ftz.f64.f32 %d1, %r2", 2},
              {"cvt.sat.f32.f32 %r1, %r2", 2},
              {"mov.b64 {%r1, %r2}, %d1", 2},
              {"mov.b64 {%r1, _}, %d1", 1},
              {"mov.b64 %d1, {%r1, %r2}", 1},
              {"cvta.shared.u64 %d1, %d2", 1},
              {"isspacep.shared %p1, %d1", 2},
              {"add.rn.sat.f32 %r1, %r2, %r3", 2},
              {"mad.lo.cc.u32 %r1, %r2, %r3, %r4", 2},
              {"@!%p1 mad.lo.cc.u32 %r1, %r2, %r3, %r4", 3},
              {"st.global.u8 [%d1], %r1", 1},
              {"membar.cta", 0},
              {"membar.gl", 1}};
  for (const auto &row : rows) {
    Decoded decoded(std::string(row.instruction) + ";");
    const std::vector<ptx::Instruction> &code = decoded.code().code;
    ASSERT_EQ(code.size(), row.parts + 1) << row.instruction; // and the end
    for (size_t i = 0; i < row.parts; ++i) {
      EXPECT_EQ(code[i].part, i > 0) << row.instruction << " " << i;
      EXPECT_EQ(code[i].line, 6u) << row.instruction;
    }
    EXPECT_FALSE(code.back().part);
    EXPECT_EQ(code.back().line, 4u);
    EXPECT_EQ(code.back().kind, ptx::Kind::Exit);
  }
}

} // namespace
} // namespace incept::sim
