// SPDX-License-Identifier: Apache-2.0
//
// What the parser refuses, with its line; and text that is cut or damaged.

#include "test/sim/Simulator.h"
#include "tools/incept-sim/ptx/Lexer.h"

#include <gtest/gtest.h>

#include <random>
#include <sys/mman.h>
#include <tuple>
#include <unistd.h>

namespace incept::sim {
namespace {

/// The error of a module whose kernel has this body; the body's first line is line 6.
std::string errorOf(const std::string &body) {
  Expected<ptx::Module> module = ptx::Module::parse(moduleText(".entry k(.param .u64 a)\n{\n" + body + "\n}\n"));
  return module ? module->kernels().front().status().message() : module.status().message();
}

// The text need not end with a zero: behind its last byte is a page that nobody may read.
TEST(Lexer, ReadsNothingBehindTheText) {
  const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  void *pages = ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  char *end = static_cast<char *>(pages) + page;
  ASSERT_EQ(::mprotect(end, page, PROT_NONE), 0);
  using Kind = ptx::Token::Kind;
  const std::tuple<std::string_view, Kind, size_t> rows[] = {
      {"mov.u32", Kind::Word, 7}, {"%r1", Kind::Word, 3},     {"wmma::m", Kind::Word, 7}, {"a:", Kind::Word, 1},
      {"12", Kind::Number, 2},    {"0x1e", Kind::Number, 4},  {"1e", Kind::Number, 2},    {"0", Kind::Number, 1},
      {"1e+", Kind::Number, 3},   {"\"b\"", Kind::String, 3}, {"\"b", Kind::Bad, 1},      {"{", Kind::Punctuation, 1},
      {"/", Kind::Bad, 1},        {"// c", Kind::End, 0},     {"/* c", Kind::End, 0},     {"/**/", Kind::End, 0},
      {"/*", Kind::End, 0},       {" ", Kind::End, 0},        {"", Kind::End, 0}};
  for (auto [text, kind, bytes] : rows) {
    std::copy(text.begin(), text.end(), end - text.size());
    ptx::Lexer lexer(std::string_view(end - text.size(), text.size()));
    ptx::Token token = lexer.next();
    EXPECT_EQ(token.kind, kind) << text;
    EXPECT_EQ(token.text, text.substr(0, bytes));
    EXPECT_EQ(token.line, 1u);
  }
  ::munmap(pages, 2 * page);
}

TEST(Parser, KernelsAndVariables) {
  Expected<ptx::Module> module = ptx::Module::parse(moduleText(R"(
    .global .align 4 .b8 table[8] = {1, 2, 0x3, 04, 5};
    .const .f32 numbers[] = {0f3F800000, 2.5, -1};
    .extern .shared .align 16 .b8 dynamic[];
    .visible .entry k(.param .u64 .ptr .global .align 16 a, .param .u32 b, .param .align 8 .b8 c[12], .param .f64 d)
      .maxntid 64, 2, 1 .minnctapersm 2
    {
      .reg .b32 %r<3>;
      .shared .align 4 .f32 tile[4][8];
      .local .align 8 .b8 depot[24];
      ret;
    }
    .func (.param .b32 r) f(.param .b32 x) { ret; }
    .entry second { ret; })"));
  ASSERT_TRUE(module) << module.status().message();
  ASSERT_EQ(module->kernels().size(), 2u);
  EXPECT_EQ(module->version(), "8.3");
  EXPECT_EQ(module->target(), "sm_90");
  const ptx::Kernel &k = *module->find("k");
  ASSERT_TRUE(k.status().ok()) << k.status().message();
  ASSERT_EQ(k.parameters().size(), 4u);
  EXPECT_EQ(k.parameters()[1].offset, 8u);
  EXPECT_EQ(k.parameters()[2].offset, 16u);
  EXPECT_EQ(k.parameters()[3].offset, 32u);
  EXPECT_EQ(k.parameterBytes(), 40u);
  EXPECT_EQ(k.maxThreads(), 128u);
  EXPECT_EQ(k.staticSharedBytes(), 128u);
  EXPECT_EQ(k.localBytes(), 24u);
  EXPECT_EQ(module->find("f"), nullptr);
  EXPECT_EQ(module->variable("table")->bytes, 8u);
  EXPECT_EQ(module->variable("table")->initial.size(), 5u);
  EXPECT_EQ(module->variable("numbers")->bytes, 12u);
  float last;
  std::memcpy(&last, module->variable("numbers")->initial.data() + 8, 4);
  EXPECT_EQ(last, -1.0f);
}

// Statements that say nothing, or nothing that is simulated, do nothing; what stands behind them does.
TEST(Parser, StatementsOfNoEffect) {
  Expected<ptx::Module> module = ptx::Module::parse(moduleText(R"(
    .file 1 "kernel.cu"
    .entry k {
      ;
      .loc 1 2 3
      .pragma "nounroll";
      .reg .b32 %r<2>;;
      mov.u32 %r0, 1;
      ;;
      ret;
    })"));
  ASSERT_TRUE(module) << module.status().message();
  ASSERT_TRUE(module->find("k"));
  EXPECT_TRUE(module->find("k")->status().ok()) << module->find("k")->status().message();
}

TEST(Parser, ErrorsHaveLines) {
  struct {
    const char *body, *error;
  } cases[] = {
      {".reg .b32 %r<3>;\nfoo.bar.u32 %r1, %r2;", "ptx:7: unknown instruction 'foo.bar.u32'"},
      {".reg .b32 %r<3>;\nadd.s32 %r1, %r2;", "ptx:7: 'add.s32' has 3 operands, but got 2"},
      {".reg .b16 %rs<3>;\nmov.b32 {%rs1, %rs2}, b;", "ptx:7: 'b' is not declared"},
      {".reg .b16 %rs<2>;\nmov.u16 %rs1, a;", "ptx:7: the address of 'a' needs 64 bits"},
      {".reg .b32 %r<3>;\nadd.s64 %r1, %r2, %r0;", "ptx:7: '%r2' has 32 bits, but 'add.s64' needs 64"},
      {".reg .b32 %r<3>;\n\nadd.s32 %r1, %r2, %r3;", "ptx:8: register '%r3' is not declared"},
      {".reg .b32 %r<3>\nret;", "ptx:7: expected ';', but got 'ret'"},
      {".reg .b31 %r<3>;", "ptx:6: expected a register type, but got '.b31'"},
      {".reg .b32 %r<3>, %r<4>;", "ptx:6: register '%r' is declared twice"},
      {"bra nowhere;", "ptx:6: label 'nowhere' is not defined"},
      {"x:\nx:\nret;", "ptx:7: label 'x' is defined twice"},
      {"call f, ();", "ptx:6: calls are not supported"},
      {"{\n.param .b64 x;\ncall.uni (x), f, (x);\n}", "ptx:7: calls are not supported"},
      {".frobnicate 3;", "ptx:6: unknown directive '.frobnicate'"},
      {".reg .b64 %rd<2>;\nld.param.u64 %rd1, [b];", "ptx:7: 'b' is not declared"},
      {".reg .b64 %rd<2>;\nld.param.u64 %rd1, [a+4];", "ptx:7: 'ld.param.u64' reads outside of the parameters"},
      {".reg .b64 %rd<2>;\nst.param.u64 [a], %rd1;", "ptx:7: 'st.param.u64' writes read-only memory"},
      {".reg .b32 %r<2>;\nmov.u32 %r1, %clock;", "ptx:7: unknown register '%clock'"},
      {"@%p1 ret;", "ptx:6: expected a predicate register, but got '%p1'"},
      {".reg .b32 %r<2>;\n@%r1 ret;", "ptx:7: expected a predicate register, but got '%r1'"},
      {".reg .b32 %r<2>;\nld.global.v2.b32 %r1, [0];", "ptx:7: expected 2 registers in 'ld.global.v2.b32'"},
      {".reg .f32 %f<2>;\nmov.f32 %f1, 0f3F80000;", "ptx:7: expected an operand, but got '0f3F80000'"},
      {".shared .b8 x[999999];", "ptx:4: expected at most 232448 bytes of shared memory, but got 999999"},
      {".reg .b32 %r<99999999999>;", "ptx:6: expected a number up to 1048576"},
  };
  for (const auto &c : cases)
    EXPECT_TRUE(errorOf(c.body).starts_with(c.error)) << c.body << "\n -> " << errorOf(c.body);
}

TEST(Parser, ModuleErrorsHaveLines) {
  struct {
    const char *text, *error;
  } cases[] = {
      {"", "ptx:1: expected '.version', but got the end of the text"},
      {".version 8.3\n.target sm_90\n.address_size 32", "ptx:3: expected an address size of 64, but got 32"},
      {".version 8.3\n.target sm_90\n.what", "ptx:3: unknown directive '.what'"},
      {".version 8.3\n.target sm_90\n.entry k {\n", "ptx:4: expected '}', but got the end of the text"},
      {".version 8.3\n.target sm_90\n.entry k {}\n.entry k {}", "ptx:4: kernel 'k' is defined twice"},
      {".version 8.3\n.target sm_90\n.global .b8 x[2] = {1, 2, 3};", "ptx:3: too many initial values"},
      {".version 8.3\n.target sm_90\n.global .b8 x[99999999999];", "ptx:3: expected a number up to"},
      {".version 8.3\n.target sm_90\n.entry k .maxntid 2048, 1, 1 {}", "ptx:3: expected 1 to 1,024 threads"},
      {".version 8.3\n.target sm_90\n\"", "ptx:3: expected a directive, but got '\"'"},
  };
  for (const auto &c : cases) {
    Expected<ptx::Module> module = ptx::Module::parse(c.text);
    ASSERT_FALSE(module) << c.text;
    EXPECT_TRUE(module.status().message().starts_with(c.error)) << c.text << "\n -> " << module.status().message();
  }
}

TEST(Parser, AnUnknownInstructionSparesTheSiblings) {
  Expected<ptx::Module> module =
      ptx::Module::parse(moduleText(".entry a { wgmma.fence.sync.aligned; }\n.entry b { ret; }"));
  ASSERT_TRUE(module);
  memory::Memory memory(1 << 20);
  EXPECT_EQ(ptx::run(*module->find("a"), {}, {}, {}, memory, {}).message(),
            "kernel 'a': ptx:4: unknown instruction 'wgmma.fence.sync.aligned'");
  EXPECT_TRUE(ptx::run(*module->find("b"), {}, {}, {}, memory, {}).ok());
}

/// Much of the grammar in one module.
const char *const kVaried = R"(
.const .align 4 .b8 table[8] = {1, 2, 3};
.extern .shared .align 16 .b8 dynamic[];
.visible .entry k(.param .u64 .ptr .align 8 a, .param .u64 n) .maxntid 32, 1, 1
{
  .reg .pred %p<4>; .reg .b16 %rs<4>; .reg .b32 %r<8>; .reg .b64 %rd<8>; .reg .f32 %f<4>;
  .shared .align 4 .b8 tile[128];
  .local .align 8 .b8 depot[16];
  .loc 1 2 3
  mov.u32 %r1, %tid.x;
  ld.param.b64 %rd1, [a]; ld.param.u64 %rd2, [n];
  cvta.to.global.u64 %rd3, %rd1;
  cvt.u64.u32 %rd4, %r1;
  setp.ge.and.s64 %p1|%p2, %rd4, %rd2, !%p0;
  @%p1 bra $end;
  mad.wide.u32 %rd5, %r1, 4, %rd3;
  { .reg .f32 %f<4>; ld.global.v2.f32 {%f1, %f2}, [%rd5+-8]; st.shared.f32 [tile+4], 0f3F800000; }
  mov.b64 {%r2, %r3}, %rd5; mov.b32 %r4, {%rs1, %rs2};
  st.local.v2.b32 [depot], {%r2, 7};
  shfl.sync.bfly.b32 %r5|%p3, %r2, 1, 31, -1;
  ts: .branchtargets $one, $end;
  rem.u32 %r6, %r5, 2;
  brx.idx %r6, ts;
$one:
  @!%p2 bar.sync 0;
  atom.global.add.u32 %r7, [%rd5], 1;
  .pragma "nounroll";
$end:
  ret;
}
)";

TEST(Parser, CutAnywhere) {
  std::string text = moduleText(kVaried);
  ASSERT_TRUE(ptx::Module::parse(text));
  ASSERT_TRUE(ptx::Module::parse(text)->kernels().front().status().ok())
      << ptx::Module::parse(text)->kernels().front().status().message();
  size_t end = text.rfind('}');
  for (size_t i = 0; i < end; ++i) {
    Expected<ptx::Module> module = ptx::Module::parse(text.substr(0, i));
    if (!module)
      EXPECT_TRUE(module.status().message().starts_with("ptx:")) << module.status().message();
    else // between two directives
      EXPECT_TRUE(module->kernels().empty()) << i;
  }
}

TEST(Parser, DamagedAnywhere) {
  const std::string text = moduleText(kVaried);
  std::mt19937 random(1);
  const std::string_view letters = "0123456789abcxyz%.$,;:{}[]()<>@!+-|_ \n\"/*";
  for (int round = 0; round < 4000; ++round) {
    std::string damaged = text;
    for (uint32_t i = 0; i <= random() % 3; ++i) {
      size_t at = random() % damaged.size();
      switch (random() % 4) {
      case 0:
        damaged[at] = letters[random() % letters.size()];
        break;
      case 1:
        damaged.erase(at, random() % 12);
        break;
      case 2:
        damaged.insert(at, damaged.substr(random() % damaged.size(), random() % 40));
        break;
      default:
        damaged[at] = static_cast<char>(random());
      }
    }
    Simulator simulator;
    simulator.options.instructionLimit = 2000;
    std::vector<uint64_t> numbers(64, 5);
    // Whatever it is now: an error, a report, or a run that ends.
    (void)simulator.run(damaged, {1, 1, 1}, {32, 1, 1}, {simulator.upload(numbers), 64});
  }
}

} // namespace
} // namespace incept::sim
