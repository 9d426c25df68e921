// SPDX-License-Identifier: Apache-2.0
//
// The kernels of the loss against the f64 interpreter: rows that fill vectors and that do not, ignored ones, and
// gradients that are scaled.

#include "KernelHarness.h"

#include <gtest/gtest.h>

namespace incept::test {

namespace {

using Runner = std::pair<const char *, KernelRunner &(*)()>;

std::string join(const std::vector<std::string> &list) {
  std::string text;
  for (const std::string &item : list)
    text += (text.empty() ? "" : ", ") + item;
  return text;
}

std::string signature(const std::vector<std::string> &operands, const std::vector<std::string> &results) {
  return " : (" + join(operands) + ") -> (" + join(results) + ")\n";
}

} // namespace

/// What runs a kernel, and the number of classes.
class LossKernels : public testing::TestWithParam<std::tuple<Runner, int64_t>> {
protected:
  void checkGroup(const GroupCase &group) { test::checkGroup(group, std::get<0>(GetParam()).second()); }

  int64_t c = std::get<1>(GetParam());
};

TEST_P(LossKernels, SoftmaxCrossEntropy) {
  std::string logits = "tensor<5x" + std::to_string(c) + "xf32>", labels = "tensor<5xi64>";
  for (std::string smoothing : {"0.0", "0.1"}) {
    std::string attributes = "label_smoothing = " + smoothing + " : f64";
    checkGroup(
        {"",
         {{"x", logits, -30, 30}, {"l", labels, 0, double(c)}},
         "%y = incept.softmax_cross_entropy %x, %l {" + attributes + "}" + signature({logits, labels}, {"tensor<f32>"}),
         {{"y", "tensor<f32>"}}});
    checkGroup({"",
                {{"x", logits, -3, 3}, {"l", labels, 0, double(c)}},
                "%y = incept.softmax_cross_entropy_backward %x, %l {" + attributes + ", weight = 0.4 : f64}" +
                    signature({logits, labels}, {logits}),
                {{"y", logits}}});
  }
}

// Rows of one label count for nothing, and may have any logits.
TEST_P(LossKernels, IgnoresRows) {
  std::string logits = "tensor<37x" + std::to_string(c) + "xf32>", labels = "tensor<37xi64>", s = "tensor<f32>";
  for (std::string smoothing : {"0.0", "0.1"})
    for (std::string ignored : {"1", "-7"}) {
      std::string attributes = " ignore " + ignored + " {label_smoothing = " + smoothing + " : f64";
      checkGroup(
          {"",
           {{"x", logits, -30, 30}, {"l", labels, 0, double(c)}},
           "%y, %n = incept.softmax_cross_entropy %x, %l" + attributes + "}" + signature({logits, labels}, {s, s}),
           {{"y", s}, {"n", s}}});
      checkGroup({"",
                  {{"x", logits, -3, 3}, {"l", labels, 0, double(c)}, {"n", s, 5, 5}},
                  "%y = incept.softmax_cross_entropy_backward %x, %l ignore " + ignored +
                      " count %n {label_smoothing = " + smoothing + " : f64, weight = 0.4 : f64}" +
                      signature({logits, labels, s}, {logits}),
                  {{"y", logits}}});
    }
}

TEST_P(LossKernels, ScaledGradients) {
  std::string s = "tensor<f32>", logits = "tensor<5x" + std::to_string(c) + "xf32>", labels = "tensor<5xi64>";
  std::string diff = "tensor<5x" + std::to_string(c) + "xf16>";
  checkGroup({"",
              {{"x", logits, -3, 3}, {"l", labels, 0, double(c)}, {"k", s, 1024, 1024}},
              "%y = incept.softmax_cross_entropy_backward %x, %l scale %k {label_smoothing = 0.1 : f64, weight = 0.4 : "
              "f64}" +
                  signature({logits, labels, s}, {diff}),
              {{"y", diff}},
              1.0 / 512});
  checkGroup(
      {"",
       {{"x", logits, -3, 3}, {"l", labels, 0, double(c)}, {"n", s, 3, 3}, {"k", s, 1024, 1024}},
       "%y = incept.softmax_cross_entropy_backward %x, %l ignore 0 count %n scale %k {label_smoothing = 0.1 : f64, "
       "weight = 0.4 : f64}" +
           signature({logits, labels, s, s}, {diff}),
       {{"y", diff}},
       1.0 / 512});
}

static std::string caseName(const testing::TestParamInfo<LossKernels::ParamType> &info) {
  return std::string(std::get<0>(info.param).first) + "_" + std::to_string(std::get<1>(info.param));
}

// Few classes, of which each row is a lane of its own, and more.
INSTANTIATE_TEST_SUITE_P(Cpu, LossKernels,
                         testing::Combine(testing::Values(Runner{"cpu", cpuRunner}), testing::Values(1, 8, 37, 100)),
                         caseName);
INSTANTIATE_TEST_SUITE_P(Cuda, LossKernels,
                         testing::Combine(testing::Values(Runner{"cuda", cudaRunner}), testing::Values(1, 8, 37, 600)),
                         caseName);

} // namespace incept::test
