// SPDX-License-Identifier: Apache-2.0
//
// The ops of the extension in kernels of both targets, against the f64 interpreter, and their gradients against central
// differences.

#include "test/extension/Extension.h"
#include "test/codegen/KernelHarness.h"
#include "test/numerics/TestNetworks.h"

#include <gtest/gtest.h>

namespace incept::test {

using Runner = std::pair<const char *, KernelRunner &(*)()>;

class ExtensionKernels : public testing::TestWithParam<Runner> {
protected:
  static constexpr const char *kDense = "tensor<3x37x5x4xf32>";
  static constexpr const char *kSlice = "tensor<3x37x5x4xf32, #incept.layout<nhwc, stride = 48, offset = 5>>";

  void check(const GroupCase &group) { checkGroup(group, GetParam().second(), extension::registerExtension); }

  static std::string unary(const std::string &op, const std::string &from, const std::string &to) {
    return op + " : (" + from + ") -> " + to + "\n";
  }
};

// Alone, and fused with an op of the compiler's own.
TEST_P(ExtensionKernels, MapOp) {
  check({"", {{"x", kDense}}, "%y = " + unary("extension.softsign %x", kDense, kSlice), {{"y", kSlice}}});
  check({"",
         {{"x", kSlice}, {"d", kDense}},
         "%r = " + unary("incept.relu %x", kSlice, kDense) + "%y = " + unary("extension.softsign %r", kDense, kDense) +
             "%z = extension.softsign_backward %d, %y : (" + kDense + ", " + kDense + ") -> " + kDense + "\n",
         {{"y", kDense}, {"z", kDense}}});
}

TEST_P(ExtensionKernels, OpaqueOp) {
  check({"", {{"x", kSlice}}, "%y = " + unary("extension.flip_columns %x", kSlice, kDense), {{"y", kDense}}});
  check({"", {{"x", kDense}}, "%y = " + unary("extension.flip_columns %x", kDense, kSlice), {{"y", kSlice}}});
}

INSTANTIATE_TEST_SUITE_P(Targets, ExtensionKernels,
                         testing::Values(Runner{"cpu", cpuRunner}, Runner{"cuda", cudaRunner}),
                         [](const auto &info) { return std::string(info.param.first); });

TEST(ExtensionGradients, AgreeWithCentralDifferences) {
  expectGradientsOf({"extension", "",
                     R"(%s = extension.softsign %x : (!x) -> !x
                        %f = extension.flip_columns %s : (!x) -> !x
                        %y = incept.add %x, %f : (!x, !x) -> !x)",
                     4, 6, 6},
                    extension::registerExtension);
}

} // namespace incept::test
