// SPDX-License-Identifier: Apache-2.0
//
// Kernels that are compiled and not run: for other processors, and those that cannot be.

#include "KernelHarness.h"

#include "codegen/cpu/CompileKernels.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "passes/KernelRules.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

namespace incept::test {

/// A kernel definition with one op of f32 tensors in its body.
static std::string definition(const std::string &family, const std::string &op, const std::string &type) {
  return "incept.exec.kernel_def @k " + family + " {\n^bb0(%x: " + type + "):\n%y = " + op + " : (" + type + ") -> " +
         type + "\nincept.yield %y : " + type + "\n}\n";
}

TEST(Compile, ForProcessorsOtherThanThisOne) {
  std::string loss = R"(
    incept.exec.kernel_def @k opaque {
    ^bb0(%x: tensor<?x?xf32>, %l: tensor<?xi64>):
      %y = incept.softmax_cross_entropy %x, %l {label_smoothing = 0.1 : f64} : (tensor<?x?xf32>, tensor<?xi64>) -> tensor<f32>
      incept.yield %y : tensor<f32>
    })";
  for (std::string cpu : {"x86-64-v3", "skylake-avx512", "znver4"})
    EXPECT_EQ(compileFor(loss, cpu), "") << cpu;
}

TEST(Compile, SaysWhyNot) {
  std::string relu = definition("map", "incept.relu %x", "tensor<?x?xf32>");
  EXPECT_EQ(compileFor(relu, "pentium9"),
            "unknown CPU 'pentium9': expected a processor as LLVM calls it, e.g. x86-64-v3 or znver4\n");
  EXPECT_NE(compileFor(relu, "x86-64").find("expected a CPU with AVX2 and FMA"), std::string::npos);
  EXPECT_NE(
      compileFor(definition("opaque", "incept.relu %x", "tensor<?x?xf32>"), "").find("has no code on this target"),
      std::string::npos);
  EXPECT_NE(compileFor(definition("map", "incept.relu %x", "tensor<?x?xf64>"), "").find("expected operands of f32"),
            std::string::npos);
  EXPECT_NE(compileFor(definition("combine", "incept.relu %x", "tensor<?x?xf32>"), "").find("expected sums of partial"),
            std::string::npos);
}

/// A convolution by tiles, with a normalisation of what it reads where `vectors` says so.
static std::string tiles(const std::string &name, const std::string &window, bool normalized) {
  std::string x = "tensor<?x?x?x?xf32>", v = "tensor<?xf32>",
              vectors = normalized ? ", " + v + ", " + v + ", " + v : "";
  return "incept.exec.kernel_def @" + name + " opaque {\n^bb0(%x: " + x + ", %w: " + v +
         (normalized ? ", %c: " + v + ", %s: " + v + ", %t: " + v : "") + "):\n%y, %z = incept.convolve_tiles %x, %w" +
         (normalized ? " normalized %c, %s, %t" : "") + window + " lanes 16 units 1 block 12 : (" + x + ", " + v +
         vectors + ") -> (" + x + ", " + v + ")\nincept.yield %y, %z : " + x + ", " + v + "\n}\n";
}

/// The names of the functions for `definitions` with vectors of 512 bits: of kernels, and of what they share.
static std::pair<std::multiset<std::string>, std::multiset<std::string>> functionsOf(const std::string &definitions) {
  mlir::DialectRegistry registry;
  registry.insert<InceptDialect, mlir::func::FuncDialect>();
  registerKernelRules(registry);
  mlir::MLIRContext context(registry);
  context.loadAllAvailableDialects();
  std::pair<std::multiset<std::string>, std::multiset<std::string>> names;
  auto module = mlir::parseSourceString<mlir::ModuleOp>(definitions, &context);
  EXPECT_TRUE(module);
  if (!module)
    return names;
  auto kernels = cpu::emitKernels(&context, llvm::to_vector(module->getOps<exec::KernelDefOp>()), 512);
  EXPECT_TRUE(succeeded(kernels));
  if (failed(kernels))
    return names;
  for (auto function : (*kernels)->getOps<mlir::func::FuncOp>())
    (function->hasAttr("shared") ? names.second : names.first).insert(function.getSymName().str());
  return names;
}

static const std::string kRow = " kernel [1, 7] pad [0, 0] tile [1, 6]";

// One product for all windows, transforms back for each window, those of images for each window and way to read.
TEST(Compile, KernelsOfTilesShareTheirParts) {
  std::string square = " kernel [3, 3] pad [0, 0] tile [4, 4]";
  auto [kernels, shared] = functionsOf(tiles("a", kRow, false) + tiles("b", kRow, true) + tiles("c", square, false));
  EXPECT_EQ(kernels, (std::multiset<std::string>{"a", "b", "c"}));
  EXPECT_EQ(shared,
            (std::multiset<std::string>{"shared_tiles_inputs_4_3_square_16", "shared_tiles_inputs_6_7_16",
                                        "shared_tiles_inputs_6_7_16_normalized", "shared_tiles_outputs_4_3_square_16",
                                        "shared_tiles_outputs_6_7_16", "shared_tiles_outputs_of_4_3_square_16",
                                        "shared_tiles_outputs_of_6_7_16", "shared_tiles_products_16"}));
}

/// "5 addf, 2 mulf": the arithmetic on vectors of numbers in the functions that kernels of `definitions` share, by
/// their names.
static std::map<std::string, std::string> arithmeticOf(const std::string &definitions) {
  mlir::DialectRegistry registry;
  registry.insert<InceptDialect, mlir::func::FuncDialect>();
  registerKernelRules(registry);
  mlir::MLIRContext context(registry);
  context.loadAllAvailableDialects();
  std::map<std::string, std::string> result;
  auto module = mlir::parseSourceString<mlir::ModuleOp>(definitions, &context);
  EXPECT_TRUE(module);
  auto kernels = module ? cpu::emitKernels(&context, llvm::to_vector(module->getOps<exec::KernelDefOp>()), 512)
                        : mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>(mlir::failure());
  EXPECT_TRUE(succeeded(kernels));
  if (failed(kernels))
    return result;
  for (auto function : (*kernels)->getOps<mlir::func::FuncOp>()) {
    std::map<std::string, int> counts;
    function.walk([&](mlir::Operation *op) {
      if (op->getNumResults() == 1 && mlir::isa<mlir::VectorType>(op->getResult(0).getType()) &&
          mlir::getElementTypeOrSelf(op->getResult(0).getType()).isF32() && op->getNumOperands() > 1)
        if (llvm::StringRef name = op->getName().stripDialect(); name.ends_with("f") || name == "fma")
          ++counts[name.str()];
    });
    std::string text;
    for (auto &[name, count] : counts)
      text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + name;
    result[function.getSymName().str()] = text;
  }
  return result;
}

// Points p and -p share half of the arithmetic of a transform: a record of what is left of it. F(2,3) has the 4 and 4
// additions that it is known for (Lavin and Gray 2016), and of the 12 points of F(6,7) 10 are 5 pairs, each a sum and a
// difference.
TEST(Compile, TransformsOfTilesShareArithmetic) {
  auto of = [](const std::string &window) { return arithmeticOf(tiles("a", window, false)); };
  std::map<std::string, std::string> all;
  for (const char *tile : {"[1, 2]", "[1, 4]", "[1, 6]"})
    for (const char *taps : {"[1, 3]", "[1, 7]"})
      all.merge(of(std::string(" kernel ") + taps + " pad [0, 0] tile " + tile));
  all.erase("a");
  const std::map<std::string, std::string> kRecord = {{"shared_tiles_inputs_2_3_16", "1 addf, 3 subf"},
                                                      {"shared_tiles_inputs_2_7_16", "3 addf, 18 fma, 6 mulf, 3 subf"},
                                                      {"shared_tiles_inputs_4_3_16", "2 addf, 8 fma, 6 mulf, 2 subf"},
                                                      {"shared_tiles_inputs_4_7_16", "4 addf, 32 fma, 10 mulf, 4 subf"},
                                                      {"shared_tiles_inputs_6_3_16", "3 addf, 18 fma, 6 mulf, 3 subf"},
                                                      {"shared_tiles_inputs_6_7_16", "5 addf, 50 fma, 12 mulf, 5 subf"},
                                                      {"shared_tiles_outputs_2_3_16", "3 addf, 1 subf"},
                                                      {"shared_tiles_outputs_2_7_16", "7 addf, 2 fma, 3 subf"},
                                                      {"shared_tiles_outputs_4_3_16", "4 addf, 4 fma, 2 mulf, 2 subf"},
                                                      {"shared_tiles_outputs_4_7_16", "8 addf, 10 fma, 2 mulf, 4 subf"},
                                                      {"shared_tiles_outputs_6_3_16", "7 addf, 10 fma, 3 subf"},
                                                      {"shared_tiles_outputs_6_7_16", "11 addf, 20 fma, 5 subf"},
                                                      {"shared_tiles_outputs_of_2_3_16", ""},
                                                      {"shared_tiles_outputs_of_2_7_16", ""},
                                                      {"shared_tiles_outputs_of_4_3_16", ""},
                                                      {"shared_tiles_outputs_of_4_7_16", ""},
                                                      {"shared_tiles_outputs_of_6_3_16", ""},
                                                      {"shared_tiles_outputs_of_6_7_16", ""},
                                                      {"shared_tiles_products_16", "64 fma"}};
  EXPECT_EQ(all, kRecord);
}

// A kernel may have the name of what kernels share, wherever it stands: the other one gives way.
TEST(Compile, KernelsMayHaveNamesOfWhatTheyShare) {
  std::string taken = "shared_tiles_products_16";
  for (bool first : {true, false}) {
    std::string one = tiles(taken, kRow, false), other = tiles("b", kRow, true);
    auto [kernels, shared] = functionsOf(first ? one + other : other + one);
    EXPECT_EQ(kernels, (std::multiset<std::string>{taken, "b"}));
    EXPECT_EQ(shared, (std::multiset<std::string>{"shared_tiles_inputs_6_7_16", "shared_tiles_inputs_6_7_16_normalized",
                                                  "shared_tiles_outputs_6_7_16", "shared_tiles_outputs_of_6_7_16",
                                                  taken + "_"}));
    EXPECT_EQ(compileFor(first ? one + other : other + one, "skylake-avx512"), "");
  }
}

// The linker works on files: none of them is left, nor open, and a folder that is not there is said.
TEST(Compile, LeavesNoFiles) {
  llvm::SmallString<128> folder;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("incept-compile", folder));
  auto count = [](llvm::StringRef path) {
    int files = 0;
    std::error_code code;
    for (llvm::sys::fs::directory_iterator it(path, code), end; it != end && !code; it.increment(code))
      ++files;
    return files;
  };
  const char *before = std::getenv("TMPDIR");
  std::string relu = definition("map", "incept.relu %x", "tensor<?x?xf32>"), kept = before ? before : "";
  EXPECT_EQ(compileFor(relu, ""), "");
  ASSERT_EQ(setenv("TMPDIR", folder.c_str(), 1), 0);
  int open = count("/proc/self/fd");
  EXPECT_EQ(compileFor(relu, ""), "");
  EXPECT_EQ(count("/proc/self/fd"), open);
  EXPECT_EQ(count(folder), 0);
  EXPECT_FALSE(llvm::sys::fs::remove(folder));
  EXPECT_EQ(compileFor(relu, ""),
            "failed to link the kernels: cannot create a temporary file: No such file or directory\n");
  before ? setenv("TMPDIR", kept.c_str(), 1) : unsetenv("TMPDIR");
}

// A kernel is found in the shared object, whatever its name begins with.
TEST(Compile, NamesHideNoKernel) {
  mlir::DialectRegistry registry;
  registry.insert<InceptDialect, mlir::func::FuncDialect>();
  registerKernelRules(registry);
  mlir::MLIRContext context(registry);
  context.loadAllAvailableDialects();
  std::string relu = definition("map", "incept.relu %x", "tensor<?x?xf32>");
  relu.replace(relu.find("@k "), 3, "@shared_x ");
  auto module = mlir::parseSourceString<mlir::ModuleOp>(relu, &context);
  ASSERT_TRUE(module);
  std::vector<char> bytes(64);
  std::vector<LaunchOperand> operands(2, {mlir::MemRefType(), &bytes, 0, true});
  cpuRunner().run(*module, {{"shared_x", operands, std::vector<int64_t>(16, 1), /*units=*/0}});
}

} // namespace incept::test
