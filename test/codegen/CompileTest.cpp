// SPDX-License-Identifier: Apache-2.0
//
// Kernels that are compiled and not run: for other processors, and those that cannot be.

#include "KernelHarness.h"

#include <gtest/gtest.h>

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

} // namespace incept::test
