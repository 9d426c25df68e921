// SPDX-License-Identifier: Apache-2.0
//
// Kernels at their edges: values that are no numbers, sizes around a block, slices at any offset. Results that a
// formula gives are written here; the rest is compared with the f64 interpreter.

#include "KernelHarness.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace incept::test {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();

std::string shape(std::vector<int64_t> sizes, const std::string &rest) {
  std::string text = "tensor<";
  for (int64_t size : sizes)
    text += std::to_string(size) + "x";
  return text + rest + ">";
}
std::string image(int64_t n, int64_t c, int64_t h, int64_t w, const std::string &element = "f32") {
  return shape({n, c, h, w}, element);
}
std::string slice(int64_t n, int64_t c, int64_t h, int64_t w, int64_t stride, int64_t offset,
                  const std::string &element = "f32") {
  return shape({n, c, h, w}, element + ", #incept.layout<nhwc, stride = " + std::to_string(stride) +
                                 ", offset = " + std::to_string(offset) + ">");
}
std::string signature(std::vector<std::string> operands, std::vector<std::string> results) {
  auto join = [](const std::vector<std::string> &list) {
    std::string text;
    for (const std::string &item : list)
      text += (text.empty() ? "" : ", ") + item;
    return text;
  };
  return " : (" + join(operands) + ") -> (" + join(results) + ")\n";
}

using Runner = std::pair<const char *, KernelRunner &(*)()>;

} // namespace

class KernelEdges : public testing::TestWithParam<Runner> {
protected:
  void checkGroup(const GroupCase &group) { test::checkGroup(group, GetParam().second()); }
};

// ReLU keeps a NaN, as everything after it has to; its gradient is that of what was positive. -0 and 0 pass nothing.
TEST_P(KernelEdges, NumbersThatAreNoneThroughRelu) {
  std::vector<double> special = {kNan, kInfinity, -kInfinity, -0.0, 0, 1e-45, -1e-45};
  for (int64_t c : {1, 8, 37}) {
    std::string x = image(2, c, 3, 3);
    checkGroup({"", {{"x", x, -1, 1, special}}, "%y = incept.relu %x" + signature({x}, {x}), {{"y", x}}, 1e-9});
    checkGroup({"",
                {{"d", x, -1, 1, {1, 2, 3, 4, 5, 6, 7, kNan}}, {"y", x, -1, 1, special}},
                "%z = incept.relu_backward %d, %y" + signature({x, x}, {x}),
                {{"z", x}},
                1e-9});
  }
}

// The window that has a NaN has nothing else; so that a network that went wrong says it. Of infinities the first
// counts.
TEST_P(KernelEdges, NumbersThatAreNoneThroughPools) {
  for (int64_t c : {1, 8, 9}) {
    std::string src = image(1, c, 5, 6), dst = image(1, c, 3, 3), index = image(1, c, 3, 3, "ui8");
    std::string window = " kernel [3, 2] stride [2, 2] pad [1, 0] pad_end [1, 0]";
    for (std::vector<double> special : {std::vector<double>{0, 0, 0, 0, 0, 0, 0, kNan},
                                        {kNan, 5, kNan, kNan, 5, 5, kNan},
                                        {-kInfinity, -kInfinity, kInfinity, kInfinity},
                                        std::vector<double>(30, -kInfinity)}) {
      Argument x{"x", src, -1, 1, special};
      checkGroup({"", {x}, "%y = incept.max_pool %x" + window + signature({src}, {dst}), {{"y", dst}}, 1e-9});
      checkGroup({"",
                  {x},
                  "%y, %i = incept.max_pool_with_index %x" + window + signature({src}, {dst, index}),
                  {{"y", dst}, {"i", index}},
                  1e-9});
      checkGroup({"", {x}, "%y = incept.avg_pool %x" + window + signature({src}, {dst}), {{"y", dst}}});
    }
    Argument d{"d", dst, -1, 1, {kNan, 1, kInfinity}};
    checkGroup({"", {d}, "%y = incept.avg_pool_backward %d" + window + signature({dst}, {src}), {{"y", src}}});
    checkGroup({"",
                {d, {"i", index, 0, 6}},
                "%y = incept.max_pool_backward %d, %i" + window + signature({dst, index}, {src}),
                {{"y", src}}});
  }
}

// One NaN makes its channel's mean and variance none, and no other's.
TEST_P(KernelEdges, NumbersThatAreNoneThroughBatchNorm) {
  for (int64_t c : {1, 8, 37}) {
    std::string v = shape({c}, "f32"), x = image(2, c, 4, 4);
    for (double special : {kNan, kInfinity})
      checkGroup(
          {"",
           {{"x", x, 9, 10, {1, 2, special}}, {"k", v, 9, 10}, {"m", v}, {"r", v, 0.5, 2}},
           "%s, %q = incept.channel_stats %x shift %k" + signature({x, v}, {v, v}) +
               "%a, %b, %c, %d, %e = incept.batch_norm_finalize %s, %q shift %k running %m, %r {epsilon = 1.0e-3 "
               ": f64, decay = 0.9 : f64, count = 32 : i64}" +
               signature({v, v, v, v, v}, {v, v, v, v, v}),
           {{"a", v}, {"b", v}, {"c", v}, {"d", v}, {"e", v}},
           2e-5});
  }
}

// Rounding may make a mean of squares smaller than the square of the mean. The variance is 0 then, not below: 1 over
// the root of epsilon, and the running value only decays.
TEST_P(KernelEdges, NegativeVarianceIsNone) {
  for (int64_t c : {1, 8, 37}) {
    std::string v = shape({c}, "f32");
    checkGroup(
        {"",
         {{"s", v, 3, 4}, {"q", v, 0, 0.1}, {"k", v}, {"m", v}, {"r", v, 0.5, 2}},
         "%a, %b, %c, %d, %e = incept.batch_norm_finalize %s, %q shift %k running %m, %r {epsilon = 1.0e-3 : f64, "
         "decay = 0.75 : f64, count = 4 : i64}" +
             signature({v, v, v, v, v}, {v, v, v, v, v}),
         {{"a", v}, {"b", v}, {"c", v}, {"d", v}, {"e", v}}});
    // With one element there is no unbiased variance to divide by.
    checkGroup(
        {"",
         {{"s", v, 3, 4}, {"q", v, 20, 30}, {"k", v}, {"m", v}, {"r", v, 0.5, 2}},
         "%a, %b, %c, %d, %e = incept.batch_norm_finalize %s, %q shift %k running %m, %r {epsilon = 1.0e-3 : f64, "
         "decay = 0.75 : f64, count = 1 : i64}" +
             signature({v, v, v, v, v}, {v, v, v, v, v}),
         {{"a", v}, {"b", v}, {"c", v}, {"d", v}, {"e", v}}});
  }
}

// The scale stays between 1 and 2^24: it halves down to the first and doubles up to the second.
TEST_P(KernelEdges, LossScaleHasFloorAndCap) {
  std::string s = "tensor<f32>";
  for (double bad : {0.0, 2.0})
    for (double scale : {1.0, 1.5, 12582912.0, 16777216.0})
      for (double good : {0.0, 3.0, 4.0})
        checkGroup({"",
                    {{"b", s, bad, bad}, {"k", s, scale, scale}, {"g", s, good, good}},
                    "%u, %n, %m = incept.loss_scale_update %b, %k, %g every 5" + signature({s, s, s}, {s, s, s}),
                    {{"u", s}, {"n", s}, {"m", s}},
                    1e-7});
}

// What is not finite is counted at the first and the last element, and around the ends of vectors, blocks and parts.
TEST_P(KernelEdges, CountsAroundBlocks) {
  for (int64_t size : {1, 8, 9, 100, 101, 256, 257, 1025, 10001, 20480}) {
    std::string x = shape({size}, "f32");
    std::vector<double> values(size, 1);
    for (int64_t at : {int64_t(0), int64_t(7), int64_t(8), int64_t(255), int64_t(256), int64_t(1023), int64_t(1024),
                       int64_t(9999), int64_t(10000), size - 1})
      if (at < size)
        values[at] = at % 3 == 0 ? kNan : at % 3 == 1 ? kInfinity : -kInfinity;
    checkGroup({"",
                {{"x", x, 1, 1, values}},
                "%n = incept.count_nonfinite %x" + signature({x}, {"tensor<f32>"}),
                {{"n", "tensor<f32>"}},
                1e-9});
  }
}

// Flat kernels: every element once, whatever is left over.
TEST_P(KernelEdges, FlatSizesAroundABlock) {
  std::string s = "tensor<f32>";
  for (int64_t size : {1, 5, 8, 9, 255, 257, 1024, 1025, 2049}) {
    std::string w = shape({size}, "f32");
    checkGroup({"",
                {{"p", w}, {"g", w}, {"v", w}, {"lr", s, 0.1, 0.2}, {"mu", s, 0.8, 0.9}, {"wd", s, 0.1, 0.2}},
                "%q, %u = incept.sgd_update %p, %g, %v rate %lr momentum %mu weight_decay %wd decay" +
                    signature({w, w, w, s, s, s}, {w, w}),
                {{"q", w}, {"u", w}}});
  }
  // Without `decay` there is none.
  std::string w = shape({9}, "f32");
  checkGroup({"",
              {{"p", w}, {"g", w}, {"v", w}, {"lr", s, 0.1, 0.2}, {"mu", s, 0.8, 0.9}, {"wd", s, 0.1, 0.2}},
              "%q, %u = incept.sgd_update %p, %g, %v rate %lr momentum %mu weight_decay %wd" +
                  signature({w, w, w, s, s, s}, {w, w}),
              {{"q", w}, {"u", w}}});
}

// Rows around a group of rows, a part and a block of them; few channels and many.
TEST_P(KernelEdges, ReductionsOfAnyNumberOfRows) {
  for (int64_t c : {1, 8, 33})
    for (int64_t rows : {1, 3, 4, 5, 63, 65, 129, 511}) {
      std::string x = shape({rows, c}, "f32"), v = shape({c}, "f32");
      checkGroup({"", {{"x", x, 1, 2}}, "%s = incept.channel_sum %x" + signature({x}, {v}), {{"s", v}}});
    }
}

// Slices at offsets and strides that no vector has, and at those that one has.
TEST_P(KernelEdges, SlicesAnywhere) {
  for (int64_t c : {4, 19})
    for (auto [extra, offset] : {std::pair<int64_t, int64_t>{1, 1}, {4, 4}, {13, 8}}) {
      std::string part = slice(2, c, 5, 4, c + extra, offset), other = slice(2, c, 5, 4, c + 7, 7),
                  full = image(2, c, 5, 4), v = shape({c}, "f32");
      checkGroup({"",
                  {{"x", part}, {"y", full}},
                  "%s = incept.add %x, %y" + signature({part, full}, {other}),
                  {{"s", other}}});
      checkGroup({"",
                  {{"x", full}, {"m", v}, {"s", v}, {"b", v}},
                  "%y = incept.scale_shift %x, %m, %s, %b" + signature({full, v, v, v}, {part}),
                  {{"y", part}}});
      checkGroup({"",
                  {{"x", part, 1, 2}, {"k", v, 1, 2}},
                  "%s, %q = incept.channel_stats %x shift %k" + signature({part, v}, {v, v}),
                  {{"s", v}, {"q", v}}});
      std::string pooled = slice(2, c, 3, 2, c + extra, offset),
                  window = " kernel [3, 3] stride [2, 2] pad [1, 0] pad_end [1, 1]";
      checkGroup(
          {"", {{"x", part}}, "%y = incept.max_pool %x" + window + signature({part}, {pooled}), {{"y", pooled}}});
      checkGroup({"",
                  {{"d", pooled}},
                  "%y = incept.avg_pool_backward %d" + window + signature({pooled}, {part}),
                  {{"y", part}}});
    }
}

// Windows, strides and paddings of both axes that all differ, so that none can stand for another.
TEST_P(KernelEdges, WindowsOfUnequalAxes) {
  std::string src = image(2, 3, 9, 11);
  struct Window {
    int64_t kh, kw, sh, sw, top, left, bottom, right;
  };
  for (Window w : {Window{2, 3, 1, 2, 0, 1, 1, 2},
                   {3, 2, 2, 1, 1, 0, 2, 1},
                   {4, 5, 3, 2, 2, 3, 1, 0},
                   {1, 3, 2, 3, 0, 2, 0, 1},
                   {5, 1, 1, 4, 4, 0, 3, 0}}) {
    int64_t oh = (9 + w.top + w.bottom - w.kh) / w.sh + 1, ow = (11 + w.left + w.right - w.kw) / w.sw + 1;
    std::string dst = image(2, 3, oh, ow), index = image(2, 3, oh, ow, "ui8");
    auto pair = [](int64_t a, int64_t b) { return " [" + std::to_string(a) + ", " + std::to_string(b) + "]"; };
    std::string window = " kernel" + pair(w.kh, w.kw) + " stride" + pair(w.sh, w.sw) + " pad" + pair(w.top, w.left) +
                         " pad_end" + pair(w.bottom, w.right);
    checkGroup({"",
                {{"x", src}},
                "%y, %i = incept.max_pool_with_index %x" + window + signature({src}, {dst, index}),
                {{"y", dst}, {"i", index}},
                1e-9});
    checkGroup({"",
                {{"d", dst}, {"i", index, 0, double(w.kh * w.kw)}},
                "%y = incept.max_pool_backward %d, %i" + window + signature({dst, index}, {src}),
                {{"y", src}}});
    for (std::string pad : {"", " include_pad"}) {
      checkGroup({"", {{"x", src}}, "%y = incept.avg_pool %x" + window + pad + signature({src}, {dst}), {{"y", dst}}});
      checkGroup({"",
                  {{"d", dst}},
                  "%y = incept.avg_pool_backward %d" + window + pad + signature({dst}, {src}),
                  {{"y", src}}});
    }
  }
}

// Pixels in sixteens, of which a target may take many at a time; one, three and four channels.
TEST_P(KernelEdges, NormalizesManyBytes) {
  for (int channels : {1, 3, 4, 5}) {
    std::string c = std::to_string(channels), values;
    for (int i = 0; i < channels; ++i)
      values += (i ? ", 0." : "0.") + std::to_string(3 + i);
    for (const char *element : {"f32", "bf16"})
      checkGroup({"",
                  {{"x", "tensor<2x4x12x" + c + "xui8>", 0, 256}},
                  "%y = incept.normalize_image %x {mean = array<f64: " + values + ">, std = array<f64: " + values +
                      ">} : (tensor<2x4x12x" + c + "xui8>) -> tensor<2x" + c + "x4x12x" + element + ">",
                  {{"y", "tensor<2x" + c + "x4x12x" + element + ">"}},
                  element == std::string("f32") ? 1e-5 : 1.0 / 64});
  }
}

INSTANTIATE_TEST_SUITE_P(On, KernelEdges, testing::Values(Runner{"cpu", cpuRunner}, Runner{"cuda", cudaRunner}),
                         [](const auto &info) { return std::string(info.param.first); });

} // namespace incept::test
