// SPDX-License-Identifier: Apache-2.0
//
// The grammar of modules: what each declaration means, and each sentence of a refusal. Limits are tried on both sides.

#include "test/sim/Simulator.h"

#include <gtest/gtest.h>

#include <bit>

namespace incept::sim {
namespace {

/// Line 1 of the text is line 4 of the module.
Expected<ptx::Module> parse(const std::string &text) { return ptx::Module::parse(moduleText(text)); }

std::string errorOf(const std::string &text) {
  Expected<ptx::Module> module = parse(text);
  return module ? "" : module.status().message();
}

/// The first `bytes` bytes of what a variable begins with, in numbers of so many bytes.
std::vector<uint64_t> initialOf(const std::string &declaration, size_t bytes) {
  Expected<ptx::Module> module = parse(declaration);
  if (!module || !module->variable("x")) {
    ADD_FAILURE() << declaration << ": " << (module ? "no variable" : module.status().message());
    return {};
  }
  const std::vector<std::byte> &initial = module->variable("x")->initial;
  std::vector<uint64_t> numbers(initial.size() / bytes, 0);
  for (size_t i = 0; i < numbers.size(); ++i)
    std::memcpy(&numbers[i], initial.data() + i * bytes, bytes);
  return numbers;
}

const std::pair<const char *, uint64_t> kTypes[] = {{"b8", 1},  {"u8", 1},  {"s8", 1},   {"b16", 2},   {"u16", 2},
                                                    {"s16", 2}, {"f16", 2}, {"bf16", 2}, {"b32", 4},   {"u32", 4},
                                                    {"s32", 4}, {"f32", 4}, {"b64", 8},  {"f16x2", 4}, {"bf16x2", 4},
                                                    {"u64", 8}, {"s64", 8}, {"f64", 8},  {"b128", 16}};

TEST(Declarations, SizesOfTypes) {
  for (auto [type, bytes] : kTypes)
    for (auto [vector, elements] : {std::pair<const char *, uint64_t>{"", 1}, {".v2 ", 2}, {".v4 ", 4}}) {
      const std::string name = vector + ("." + std::string(type)) + " x";
      Expected<ptx::Module> module = parse(".global " + name + "[3][5];\n.const .align 32 " + vector + "." + type +
                                           " c;\n.entry k(.param .b8 first, .param ." + type + " second) {ret;}");
      ASSERT_TRUE(module) << name << ": " << module.status().message();
      const ptx::Variable &x = *module->variable("x"), &c = *module->variable("c");
      EXPECT_EQ(x.bytes, 15 * elements * bytes) << name;
      EXPECT_EQ(x.alignment, elements * bytes) << name;
      EXPECT_FALSE(x.constant);
      EXPECT_EQ(x.address, 0u);
      EXPECT_TRUE(x.initial.empty());
      EXPECT_EQ(c.bytes, elements * bytes) << name;
      EXPECT_EQ(c.alignment, 32u);
      EXPECT_TRUE(c.constant);
      const std::vector<ptx::Parameter> &parameters = module->find("k")->parameters();
      EXPECT_EQ(parameters[0].bytes, 1u);
      EXPECT_EQ(parameters[1].offset, bytes) << type; // aligned to its size, behind one byte
      EXPECT_EQ(parameters[1].bytes, bytes);
      EXPECT_EQ(module->find("k")->parameterBytes(), 2 * bytes);
    }
}

TEST(Declarations, RegistersOfEachType) {
  // Three of each: predicates take none of the 32-bit registers, two of 16 bits share one.
  const std::pair<const char *, uint32_t> rows[] = {{"pred", 0}, {"b8", 2},    {"u8", 2},     {"b16", 2}, {"u16", 2},
                                                    {"s16", 2},  {"f16", 2},   {"bf16", 2},   {"b32", 3}, {"u32", 3},
                                                    {"s32", 3},  {"f16x2", 3}, {"bf16x2", 3}, {"f32", 3}, {"b64", 6},
                                                    {"u64", 6},  {"s64", 6},   {"f64", 6}};
  for (auto [type, registers] : rows) {
    Expected<ptx::Module> module = parse(".entry k { .reg ." + std::string(type) + " %x<3>; }");
    ASSERT_TRUE(module) << type;
    EXPECT_EQ(module->find("k")->registers(), registers) << type;
  }
  Expected<ptx::Module> one = parse(".entry k { .reg .b64 a, b; .reg .b16 c; .reg .pred p; }");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->find("k")->registers(), 5u);
}

TEST(Declarations, Literals) {
  using Numbers = std::vector<uint64_t>;
  EXPECT_EQ(initialOf(".global .u64 x[9] = {12, 017, 0, 0x1F, 0XfF, 0b101, 7U, 0x7FU, 18446744073709551615};", 8),
            (Numbers{12, 15, 0, 31, 255, 5, 7, 127, ~uint64_t(0)}));
  EXPECT_EQ(initialOf(".global .s32 x[3] = {-1, -0x10, 5};", 4), (Numbers{0xffffffff, 0xfffffff0, 5}));
  EXPECT_EQ(initialOf(".global .b8 x[4] = {-1, 255, 256, 513};", 1), (Numbers{255, 255, 0, 1}));
  // Numbers of f16 are written as their bits.
  EXPECT_EQ(initialOf(".global .f16 x[2] = {0x3C00, 1};", 2), (Numbers{0x3c00, 1}));
  auto f = [](float x) { return uint64_t(std::bit_cast<uint32_t>(x)); };
  EXPECT_EQ(initialOf(".global .f32 x[9] = {1, -3, 0f40200000, -0f40200000, 0.5, -2.5, 1e3, 25E-1, "
                      "0d3FF8000000000000};",
                      4),
            (Numbers{f(1), f(-3), f(2.5f), f(-2.5f), f(0.5f), f(-2.5f), f(1000), f(2.5f), f(1.5f)}));
  auto d = [](double x) { return std::bit_cast<uint64_t>(x); };
  EXPECT_EQ(initialOf(".global .f64 x[7] = {1, -3, 0.25, -0.25, 1e+3, 0D3FF8000000000000, -0d3FF8000000000000};", 8),
            (Numbers{d(1), d(-3), d(0.25), d(-0.25), d(1000), d(1.5), d(-1.5)}));
  EXPECT_EQ(initialOf(".global .u16 x[2][2] = {{1, 2}, {3}};", 2), (Numbers{1, 2, 3}));
  EXPECT_EQ(initialOf(".global .u16 x[] = {9, 8, 7};", 2), (Numbers{9, 8, 7}));
  EXPECT_EQ(initialOf(".global .u32 x[5] = {{{{{{{{1}}}}}}}};", 4), (Numbers{1}));
  Expected<ptx::Module> open = parse(".global .u16 x[] = {9, 8, 7};\n.global .u8 y, z[2];");
  ASSERT_TRUE(open);
  EXPECT_EQ(open->variable("x")->bytes, 6u);
  EXPECT_EQ(open->variable("y")->bytes, 1u);
  EXPECT_EQ(open->variable("z")->bytes, 2u);
  EXPECT_EQ(open->variable("w"), nullptr);
  for (const char *bad : {"0x", "0b", "08", "0b12", "0xg", "12a", "1.5.2", "1e", "0f3F80000", "0f3F8000000",
                          "0f3F80000g", "0d3FF000000000000", "0d3FF00000000000000", "18446744073709551616", "U"})
    EXPECT_EQ(errorOf(".global .b64 x = " + std::string(bad) + ";"),
              "ptx:4: expected a number (addresses as initial values are not supported), but got '" + std::string(bad) +
                  "'");
}

TEST(Declarations, WhatIsReadOver) {
  for (const char *text :
       {"", ";", ";;", ".pragma \"a\";", ".alias a, b;", ".func f;", ".func (.param .b32 r) f(.param .b32 x) { { } ; }",
        ".section .debug_str { a: .b8 1 { } }", ".file 1 \"{\"", ".loc 1 { 3\n;", ".visible .weak .common .func f;",
        ".global .attribute(.managed) .align 8 .b8 x;", ".extern .shared .b8 d[];", ".shared .b8 s[4];", "// }\n",
        "/* } */", "/* } \n *", "\t\r\f\v;"}) {
    Expected<ptx::Module> module = parse(text);
    EXPECT_TRUE(module) << text << ": " << module.status().message();
    EXPECT_TRUE(!module || module->kernels().empty()) << text;
  }
  // A declaration is no definition.
  Expected<ptx::Module> module = parse(".entry k();\n.entry k() { ret; }\n.entry l(.param .u32 a);");
  ASSERT_TRUE(module) << module.status().message();
  EXPECT_EQ(module->kernels().size(), 1u);
  // A zero byte ends the text, several targets are one, and the size of addresses may be left out.
  EXPECT_TRUE(parse(std::string(1, '\0') + " }{"));
  Expected<ptx::Module> head = ptx::Module::parse(".version 7.8\n.target sm_90a, texmode_independent\n");
  ASSERT_TRUE(head) << head.status().message();
  EXPECT_EQ(head->version(), "7.8");
  EXPECT_EQ(head->target(), "sm_90a");
}

// Comments, strings and directives of debuggers have lines too.
TEST(Declarations, LinesAreCounted) {
  EXPECT_EQ(errorOf("/* 4\n5 */ // 6?\n.pragma \"6\n7\";\n.file 1 \"x\n.loc 1 } ;\n\n.what"),
            "ptx:11: unknown directive '.what'");
  EXPECT_EQ(errorOf(".entry k {\n  /* \n */ .loc 3 }\n  .pragma \"a\n b\";\n  .file 7\n  .what\n}"),
            "ptx:10: unknown directive '.what'");
}

TEST(Declarations, ThreadsOfBlocks) {
  struct {
    const char *directives;
    uint32_t most;
    std::array<uint32_t, 3> required;
  } rows[] = {{"", 1024, {0, 0, 0}},
              {".maxntid 1", 1, {0, 0, 0}},
              {".maxntid 1024", 1024, {0, 0, 0}},
              {".maxntid 32, 4, 2", 256, {0, 0, 0}},
              {".maxntid 1, 1024, 1", 1024, {0, 0, 0}},
              {".maxntid 64, 64", 1024, {0, 0, 0}},
              {".reqntid 8, 4", 32, {8, 4, 1}},
              {".reqntid 8, 4, 3", 96, {8, 4, 3}},
              {".reqntid 1, 1, 1024", 1024, {1, 1, 1024}},
              {".minnctapersm 4294967295 .maxnctapersm 3 .maxnreg 7 .noreturn .maxntid 5", 5, {0, 0, 0}},
              {".pragma \"x\"; .explicitcluster .reqnctapercluster 1, 2, 3 .maxclusterrank 8 .blocksareclusters",
               1024,
               {0, 0, 0}}};
  for (const auto &row : rows) {
    Expected<ptx::Module> module = parse(".entry k " + std::string(row.directives) + " { ret; }");
    ASSERT_TRUE(module) << row.directives << ": " << module.status().message();
    EXPECT_EQ(module->find("k")->maxThreads(), row.most) << row.directives;
    EXPECT_EQ(module->find("k")->requiredThreads(), row.required) << row.directives;
  }
  for (const char *bad : {".maxntid", ".maxntid 1025", ".maxntid 1, 1025", ".maxntid 1, 1, 1025"})
    EXPECT_EQ(errorOf(".entry k " + std::string(bad) + " {}"), "ptx:4: expected 1 to 1,024 threads after '.maxntid'")
        << bad;
  EXPECT_EQ(errorOf(".entry k\n.reqntid 1025 {}"), "ptx:5: expected 1 to 1,024 threads after '.reqntid'");
  EXPECT_EQ(errorOf(".entry k .maxntid 1, 1, 1, 2 {}"), "ptx:4: expected three sizes at most, but got '2'");
  EXPECT_EQ(errorOf(".entry k .maxnreg 4294967296 {}"),
            "ptx:4: expected a number up to 4294967295, but got '4294967296'");
  EXPECT_EQ(errorOf(".entry k .maxnreg 1.5 {}"), "ptx:4: expected a whole number, but got '1.5'");
  EXPECT_EQ(errorOf(".entry k\n.frob 3 {}"), "ptx:5: unknown directive '.frob'");
}

TEST(Declarations, RefusalsOfModules) {
  struct {
    const char *text, *error;
  } heads[] = {{"", "1: expected '.version', but got the end of the text"},
               {".version", "1: expected a version, but got the end of the text"},
               {".version\nx", "2: expected a version, but got 'x'"},
               {".version 8.3\n.targe", "2: expected '.target', but got '.targe'"},
               {".version 8.3 .target\n3", "2: expected a name, but got '3'"},
               {".version 8.3 .target sm_90,\n3", "2: expected a name, but got '3'"},
               {".version 8.3 .target a .address_size\n65", "2: expected a number up to 64, but got '65'"},
               {".version 8.3 .target a .address_size x", "1: expected a whole number, but got 'x'"},
               {".version 8.3 .target a .address_size\n32", "2: expected an address size of 64, but got 32"}};
  for (const auto &c : heads) {
    Expected<ptx::Module> module = ptx::Module::parse(c.text);
    ASSERT_FALSE(module) << c.text;
    EXPECT_EQ(module.status().message(), "ptx:" + std::string(c.error)) << c.text;
  }
  struct {
    const char *text, *error; ///< lines from 4
  } cases[] = {
      {"{", "4: expected a directive, but got '{'"},
      {"\nname", "5: expected a directive, but got 'name'"},
      {".what", "4: unknown directive '.what'"},
      {".visible\n.what", "5: unknown directive '.what'"},
      {".func f(", "4: expected the body of a function, but got the end of the text"},
      {".func f {\n{ }", "5: expected '}', but got the end of the text"},
      {".section .debug x", "4: expected '{', but got 'x'"},
      {".pragma \"x\"\n", "5: expected ';', but got the end of the text"},
      {".entry\n5", "5: expected a name, but got '5'"},
      {".entry k\n{}\n.entry\nk {}", "7: kernel 'k' is defined twice"},
      {".entry j {}\n.entry k {}\n.entry j {}", "6: kernel 'j' is defined twice"},
      {".entry k 5", "4: expected '{', but got '5'"},
      {".entry k(", "4: expected '.param', but got the end of the text"},
      {".entry k(.param .u32 a .param .u32 b)", "4: expected ')', but got '.param'"},
      {".entry k(.param .foo a)", "4: expected a type, but got '.foo'"},
      {".entry k(.param .u64 5)", "4: expected a name, but got '5'"},
      {".entry k(.param .align 257 .b8 a)", "4: expected a number up to 256, but got '257'"},
      {".entry k(.param .align 3 .b8\na)", "5: expected a power of two as alignment, but got 3"},
      {".entry k(.param .u64 .ptr .global .align 4294967296 a)",
       "4: expected a number up to 4294967295, but got '4294967296'"},
      {".entry k(.param .b8 a[32765])", "4: expected a number up to 32764, but got '32765'"},
      {".entry k(.param .b8 a[2)", "4: expected ']', but got ')'"},
      {".entry k(.param .b8 a[32764],\n.param .b8 b)", "5: expected at most 32764 bytes of parameters"},
      {".entry k(.param .b16 a[16383])", "4: expected at most 32764 bytes of parameters"},
      {".global .align 1048577 .b8 x;", "4: expected a number up to 1048576, but got '1048577'"},
      {".global .align 6 .b8\nx;", "5: expected a power of two as alignment, but got 6"},
      {".global .attribute(.managed", "4: expected ')', but got the end of the text"},
      {".global .v3 .b8 x;", "4: expected a type, but got '.v3'"},
      {".global .pred x;", "4: expected a type, but got '.pred'"},
      {".global .b8 5;", "4: expected a name, but got '5'"},
      {".global .b8 x y", "4: expected ';', but got 'y'"},
      {".global .b8 x[2", "4: expected ']', but got the end of the text"},
      {".global .b8 x[1073741825];", "4: expected a number up to 1073741824, but got '1073741825'"},
      {".const .b8\nx[32768][32769];", "5: expected an array of at most 1073741824 bytes"},
      {".shared .b8 x[16777217];", "4: expected a number up to 16777216, but got '16777217'"},
      {".shared .b8 x[4096][4097];", "4: expected an array of at most 16777216 bytes"},
      {".shared .b8 x[];", "4: 'x' has no size"},
      {".entry k { .shared .b8 x[]; }", "4: 'x' has no size"},
      {".entry k { .local .b8 x[]; }", "4: 'x' has no size"},
      {".extern .global .b8 x;", "4: variable 'x' lies in another module: not supported"},
      {".extern .const .b8 x;", "4: variable 'x' lies in another module: not supported"},
      {".global .b8 x[2] = {1 2};", "4: expected '}', but got '2'"},
      {".global .b8 x[2] = {1,\ny};",
       "5: expected a number (addresses as initial values are not supported), but got 'y'"},
      {".global .b8 x[2] = {1, {2, 3}};", "4: too many initial values"},
      {".global .b16 x = 1, y = {1,\n2};", "5: too many initial values"},
      {".global .b128 x = 5;", "4: too many initial values"},
      {".global .b8 x = {{{{{{{{{1}}}}}}}}};", "4: expected fewer braces, but got '1'"},
      {".global .b32 x = 0x1e+1;", "4: expected ';', but got '+'"},
      {".global .b8 x = \"a\";",
       "4: expected a number (addresses as initial values are not supported), but got '\"a\"'"},
      {".global .b8 x = #;", "4: expected a number (addresses as initial values are not supported), but got '#'"},
  };
  for (const auto &c : cases)
    EXPECT_EQ(errorOf(c.text), "ptx:" + std::string(c.error)) << c.text;
}

// What the refusals above are one more than.
TEST(Declarations, LargestThings) {
  for (const char *text :
       {".entry k(.param .align 256 .b8 a[32764]) {ret;}", ".entry k(.param .b8 a[32763], .param .b8 b) {ret;}",
        ".entry k(.param .b16 a[16382]) {ret;}", ".entry k(.param .u64 .ptr .shared .align 4294967295 a) {ret;}",
        ".global .align 1048576 .b8 x;", ".global .b8 x[1073741824];", ".const .b8 x[32768][32768];",
        ".entry k { .shared .b8 x[232448]; }", ".entry k { .local .b8 x[524288]; }",
        ".entry k { .reg .b32 %r<1048575>, last; }"}) {
    Expected<ptx::Module> module = parse(text);
    ASSERT_TRUE(module) << text << ": " << module.status().message();
    for (const ptx::Kernel &kernel : module->kernels())
      EXPECT_TRUE(kernel.status().ok()) << text << ": " << kernel.status().message();
  }
  auto kernelError = [](const std::string &text) {
    Expected<ptx::Module> module = parse(text);
    return module ? module->kernels().front().status().message() : module.status().message();
  };
  EXPECT_EQ(kernelError("\n.entry k { .shared .b8 x[232449]; }"),
            "ptx:5: expected at most 232448 bytes of shared memory, but got 232449");
  EXPECT_EQ(kernelError(".shared .b8 a[232440];\n.entry k { .shared .b8 x[9]; }"),
            "ptx:5: expected at most 232448 bytes of shared memory, but got 232449");
  EXPECT_EQ(kernelError(".entry k { .local .b8 x[524289]; }"),
            "ptx:4: expected at most 524288 bytes of local memory, but got 524289");
  EXPECT_EQ(kernelError(".entry k { .reg .b32 %r<1048576>,\nlast; }"), "ptx:5: expected at most 1048576 registers");
}

// Arrays lie one after the other, each at its alignment; the dynamic one behind all, at a multiple of 16.
TEST(Declarations, PlacesOfArrays) {
  Simulator simulator;
  uint64_t d = simulator.allocate(64);
  const std::string text = moduleText(R"(
.shared .b8 first[3];
.extern .shared .align 4 .b8 dynamic[];
.entry k(.param .u64 d) {
  .shared .align 8 .b8 second[1]; .shared .b16 third; .shared .v2 .b32 fourth; .local .b8 near; .local .b64 far[2];
  .reg .b64 %d<2>; .reg .b32 %r<8>;
  ld.param.u64 %d1, [d];
  mov.u32 %r0, first; mov.u32 %r1, second; mov.u32 %r2, third; mov.u32 %r3, fourth;
  mov.u32 %r4, dynamic; mov.u32 %r5, near; mov.u32 %r6, far; mov.u32 %r7, %total_smem_size;
  st.global.v4.u32 [%d1], {%r0, %r1, %r2, %r3}; st.global.v4.u32 [%d1+16], {%r4, %r5, %r6, %r7};
  mov.u32 %r0, %dynamic_smem_size; st.global.u32 [%d1+32], %r0;
})");
  simulator.options.dynamicSharedBytes = 100;
  Status status = simulator.run(text, {1, 1, 1}, {1, 1, 1}, {d});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(simulator.download<uint32_t>(d, 9), (std::vector<uint32_t>{0, 8, 10, 16, 32, 0, 8, 132, 100}));
  Expected<ptx::Module> module = ptx::Module::parse(text);
  ASSERT_TRUE(module);
  EXPECT_EQ(module->find("k")->staticSharedBytes(), 24u);
  EXPECT_EQ(module->find("k")->localBytes(), 24u);
}

} // namespace
} // namespace incept::sim
