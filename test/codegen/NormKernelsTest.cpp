// SPDX-License-Identifier: Apache-2.0
//
// Kernels whose threads take values together, batch norm with sums, and kernels that move channels, against the f64
// interpreter: channel counts that fill vectors and that do not, dense tensors and channel slices, more rows than a
// unit has.

#include "KernelHarness.h"
#include "passes/Target.h"

#include <cmath>
#include <gtest/gtest.h>

namespace incept::test {

namespace {

using Runner = std::pair<const char *, KernelRunner &(*)()>;

std::string signature(const std::vector<std::string> &operands, const std::string &result) {
  std::string text;
  for (const std::string &operand : operands)
    text += (text.empty() ? "" : ", ") + operand;
  return " : (" + text + ") -> " + result + "\n";
}

} // namespace

/// What runs a kernel, and the number of channels.
class NormKernels : public testing::TestWithParam<std::tuple<Runner, int64_t>> {
protected:
  /// Checks `op`, a name and attributes, on `x` and its gradient `NAME_backward`, which takes the gradient of the
  /// result and the `second` argument, where they are f32 and where they are not. `tolerance` is that of f32.
  void check(const std::string &name, const std::string &attributes, Argument x, Argument second, double tolerance) {
    for (auto [element, least] : {std::pair<std::string, double>{"f32", 0}, {"bf16", 1.0 / 64}, {"f16", 1.0 / 512}}) {
      std::string full = "tensor<" + size + "x" + element + ">";
      std::string part = "tensor<" + size + "x" + element +
                         ", #incept.layout<nhwc, stride = " + std::to_string(c + 11) + ", offset = 5>>";
      double allowed = std::max(tolerance, least);
      x.type = second.type = part;
      check({"", {x}, "%y = incept." + name + " %x" + attributes + signature({part}, full), {{"y", full}}, allowed});
      check({"",
             {{"d", full}, second},
             "%z = incept." + name + "_backward %d, %" + second.name + attributes + signature({full, part}, part),
             {{"z", part}},
             allowed});
      x.type = second.type = full; // vectors, where there are any
      check({"", {x}, "%y = incept." + name + " %x" + attributes + signature({full}, full), {{"y", full}}, allowed});
    }
  }

  /// Checks batch norm of `x` with its sums `s` and `q`, in one kernel with a ReLU, where the target has such kernels.
  void checkWithSums(Argument x, Argument s, Argument q, double f32Tolerance, int64_t pixels = 9) {
    const std::string size = "2x" + std::to_string(c) + "x1x" + std::to_string(pixels);
    if (!std::get<0>(GetParam()).second().target().givesStatistics())
      GTEST_SKIP() << "no convolution gives sums on this target";
    std::string v = "tensor<" + std::to_string(c) + "xf32>";
    s.type = q.type = v;
    for (auto [element, tolerance] : {std::pair<std::string, double>{"f32", f32Tolerance}, {"f16", 1.0 / 512}}) {
      std::string full = "tensor<" + size + "x" + element + ">";
      std::string part = "tensor<" + size + "x" + element +
                         ", #incept.layout<nhwc, stride = " + std::to_string(c + 11) + ", offset = 5>>";
      for (auto [from, to] : {std::pair(full, part), std::pair(part, full)}) {
        x.type = from;
        check(
            {"",
             {x, s, q, {"g", v}, {"b", v}, {"m", v}, {"r", v, 0.5, 2}},
             "%a, %i, %k, %d, %e = incept.batch_norm_finalize %s, %q of %x gamma %g running %m, %r {epsilon = 1.0e-3 : "
             "f64, decay = 0.9 : f64, count = " +
                 std::to_string(2 * pixels) + " : i64}" +
                 signature({v, v, from, v, v, v}, "(" + v + ", " + v + ", " + v + ", " + v + ", " + v + ")") +
                 "%t = incept.scale_shift %x, %a, %k, %b" + signature({from, v, v, v}, full) + "%y = incept.relu %t" +
                 signature({full}, to),
             {{"y", to}, {"a", v}, {"i", v}, {"d", v}, {"e", v}},
             tolerance});
      }
    }
  }

  /// Checks what a library normalises `x` with, given its sums `s` and `q`, in a kernel that gives nothing else.
  void checkFactors(Argument x, Argument s, Argument q, int64_t pixels = 9) {
    if (!std::get<0>(GetParam()).second().target().givesStatistics())
      GTEST_SKIP() << "no convolution gives sums on this target";
    const std::string cs = std::to_string(c), v = "tensor<" + cs + "xf32>", h = "tensor<" + cs + "xf16>";
    const std::string dense = "tensor<2x" + cs + "x1x" + std::to_string(pixels) + "xf16";
    s.type = q.type = v;
    for (std::string from :
         {dense + ">", dense + ", #incept.layout<nhwc, stride = " + std::to_string(c + 11) + ", offset = 5>>"}) {
      x.type = from;
      check({"",
             {x, s, q, {"g", v}, {"b", v}, {"m", v}, {"r", v, 0.5, 2}},
             "%a, %i, %k, %d, %e, %f, %o = incept.batch_norm_finalize %s, %q of %x gamma %g beta %b running %m, %r "
             "{epsilon = 1.0e-3 : f64, decay = 0.9 : f64, count = " +
                 std::to_string(2 * pixels) + " : i64}" +
                 signature({v, v, from, v, v, v, v},
                           "(" + v + ", " + v + ", " + v + ", " + v + ", " + v + ", " + h + ", " + h + ")"),
             {{"a", v}, {"i", v}, {"d", v}, {"e", v}, {"f", h}, {"o", h}},
             1.0 / 512});
    }
  }

  void check(const GroupCase &group) { checkGroup(group, std::get<0>(GetParam()).second()); }

  int64_t c = std::get<1>(GetParam());
  std::string size = "2x" + std::to_string(c) + "x3x3";
};

// Far from 0, so that a variance of squares would show. What is low in precision cannot be.
TEST_P(NormKernels, Pixels) {
  check("normalize_pixels", " epsilon 1.0e-3", {"x", "", 4, 6}, {"x", "", 4, 6}, 1e-4);
  std::string full = "tensor<" + size + "xf32>";
  check({"",
         {{"x", full, 99, 101}},
         "%y = incept.normalize_pixels %x epsilon 1.0e-3" + signature({full}, full),
         {{"y", full}},
         1e-4});
}

TEST_P(NormKernels, BatchWithSums) { checkWithSums({"x", ""}, {"s", ""}, {"q", "", 9, 18}, 2e-5); }

// By the sums there is no variance, as rounding may have it: they are taken again, and what they say is not looked at.
TEST_P(NormKernels, BatchWithSumsThatLoseTheVariance) {
  checkWithSums({"x", "", 999.5, 1000.5}, {"s", "", 17900, 18100}, {"q", "", 0, 1}, 2e-4); // the mean is f32 too
  checkWithSums({"x", "", 20, 21}, {"s", "", 360, 378}, {"q", "", 0, 1}, 2e-5);
}

// Sums that are right, that lose the variance, and channels that have none which 16 bits could hold.
TEST_P(NormKernels, Factors) {
  checkFactors({"x", ""}, {"s", ""}, {"q", "", 9, 18});
  checkFactors({"x", "", 20, 21}, {"s", "", 360, 378}, {"q", "", 0, 1});
  checkFactors({"x", "", 20, 21}, {"s", "", 20600, 21630}, {"q", "", 0, 1}, 515); // more rows than threads at a time
  checkFactors({"x", "", 999.5, 1000.5}, {"s", "", 17900, 18100}, {"q", "", 0, 1});
}

// A channel that is lost, beside some in its vector that are not; more rows than the threads of a block take at a time.
TEST_P(NormKernels, BatchWithSumsOfWhichOneIsLost) {
  checkWithSums({"x", "", 20, 21}, {"s", "", -50, 50, {1030 * 20.5}}, {"q", "", 400, 500, {1}}, 2e-5, 515);
}

TEST_P(NormKernels, Groups) {
  for (int64_t groups : {int64_t(1), int64_t(2), c / 4, c})
    if (groups > 0 && c % groups == 0)
      check("normalize_groups", " groups " + std::to_string(groups) + " epsilon 1.0e-3", {"x", "", 4, 6},
            {"x", "", 4, 6}, 1e-4);
}

// exp(300) is no number.
TEST_P(NormKernels, Softmax) {
  check("softmax", "", {"x", "", -5, 5, {300, -300, 299, 0}}, {"y", "", 0, 1}, 1e-5);
  std::string row = "tensor<11x" + std::to_string(c) + "xf32>";
  check({"", {{"x", row, -5, 5}}, "%y = incept.softmax %x" + signature({row}, row), {{"y", row}}});
  check({"", {{"x", row, 0, 1, {NAN, 1}}}, "%y = incept.softmax %x" + signature({row}, row), {{"y", row}}});
}

// Odd and even windows, one of a channel, one that is wider than most pixels, and one that is wider than vectors. The
// neighbours' part of the gradient is not small.
TEST_P(NormKernels, LocalResponse) {
  for (int64_t size : {1, 2, 5, 12, 40})
    check("local_response_norm", " size " + std::to_string(size) + " alpha 2.0 beta 0.75 k 1.5", {"x", "", -3, 3},
          {"x", "", -3, 3}, 1e-5);
}

TEST_P(NormKernels, ChannelShuffle) {
  // Pairs that fill vectors and that do not, there and back, and others.
  std::string channels = "tensor<3x" + std::to_string(4 * c) + "x3x4xf32";
  std::string from = channels + ", #incept.layout<nhwc, stride = " + std::to_string(4 * c + 11) + ", offset = 5>>",
              to = channels + ">";
  for (int64_t groups : {int64_t(1), int64_t(2), int64_t(4), 2 * c, 4 * c})
    check({"",
           {{"x", from}},
           "%y = incept.channel_shuffle %x groups " + std::to_string(groups) + signature({from}, to),
           {{"y", to}}});
}

TEST_P(NormKernels, FlattenPixels) {
  // Fewer pixels than a vector has lanes, as many, and others; what a thread does begins and ends inside of images.
  for (auto [pixels, count] : {std::pair<std::string, int64_t>{"1x5", 5}, {"3x3", 9}, {"4x8", 32}, {"5x7", 35}})
    for (std::string element : {"f32", "bf16"}) {
      std::string part = "tensor<2x" + std::to_string(c) + "x" + pixels + "x" + element +
                         ", #incept.layout<nhwc, stride = " + std::to_string(c + 11) + ", offset = 5>>",
                  row = "tensor<2x" + std::to_string(c * count) + "x" + element + ">";
      check({"", {{"x", part}}, "%y = incept.flatten_pixels %x" + signature({part}, row), {{"y", row}}});
      check({"", {{"x", row}}, "%y = incept.unflatten_pixels %x" + signature({row}, part), {{"y", part}}});
    }
}

static std::string caseName(const testing::TestParamInfo<NormKernels::ParamType> &info) {
  return std::string(std::get<0>(info.param).first) + "_" + std::to_string(std::get<1>(info.param));
}
INSTANTIATE_TEST_SUITE_P(Cpu, NormKernels,
                         testing::Combine(testing::Values(Runner{"cpu", cpuRunner}), testing::Values(1, 8, 37, 64)),
                         caseName);
// A line of a group has fewer vectors than a block has threads, and more.
INSTANTIATE_TEST_SUITE_P(Cuda, NormKernels,
                         testing::Combine(testing::Values(Runner{"cuda", cudaRunner}), testing::Values(1, 8, 37, 1154)),
                         caseName);

} // namespace incept::test
