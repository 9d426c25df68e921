// SPDX-License-Identifier: Apache-2.0
//
// Every kernel family against the f64 interpreter: channel counts that fill vectors and that do not, dense tensors and
// channel slices.

#include "KernelHarness.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

namespace incept::test {

namespace {

std::string image(int64_t n, int64_t c, int64_t h, int64_t w, const std::string &element = "f32") {
  return "tensor<" + std::to_string(n) + "x" + std::to_string(c) + "x" + std::to_string(h) + "x" + std::to_string(w) +
         "x" + element + ">";
}

/// An image whose channels lie in a buffer of c + 11, from channel 5.
std::string slice(int64_t n, int64_t c, int64_t h, int64_t w, const std::string &element = "f32") {
  std::string type = image(n, c, h, w, element);
  type.pop_back();
  return type + ", #incept.layout<nhwc, stride = " + std::to_string(c + 11) + ", offset = 5>>";
}

std::string vector(int64_t c) { return "tensor<" + std::to_string(c) + "xf32>"; }

std::string signature(std::vector<std::string> operands, std::vector<std::string> results) {
  auto join = [](const std::vector<std::string> &list) {
    std::string text;
    for (const std::string &item : list)
      text += (text.empty() ? "" : ", ") + item;
    return text;
  };
  return " : (" + join(operands) + ") -> (" + join(results) + ")\n";
}

} // namespace

/// What runs a kernel, and the number of channels.
class Kernels : public testing::TestWithParam<std::tuple<std::pair<const char *, KernelRunner &(*)()>, int64_t>> {
protected:
  void checkGroup(const GroupCase &group) { test::checkGroup(group, std::get<0>(GetParam()).second()); }

  int64_t c = std::get<1>(GetParam());
  std::string v = vector(c), full = image(3, c, 5, 4), part = slice(3, c, 5, 4);
};

TEST_P(Kernels, ScaleShiftReluIntoSlice) {
  checkGroup({"",
              {{"x", full}, {"m", v}, {"s", v}, {"b", v}},
              "%t = incept.scale_shift %x, %m, %s, %b" + signature({full, v, v, v}, {full}) + "%y = incept.relu %t" +
                  signature({full}, {part}),
              {{"y", part}}});
}

TEST_P(Kernels, ResidualFromSlices) {
  checkGroup({"",
              {{"x", part}, {"y", full}},
              "%t = incept.scale %x by 0.17" + signature({part}, {full}) + "%u = incept.add %t, %y" +
                  signature({full, full}, {full}) + "%z = incept.add_n %u, %x, %y" +
                  signature({full, part, full}, {full}) + "%d = incept.relu_backward %z, %x" +
                  signature({full, part}, {part}),
              {{"z", full}, {"d", part}}});
}

TEST_P(Kernels, ChannelStats) {
  // Many rows, so that there are several partial sums.
  std::string large = image(3, c, 13, 9);
  checkGroup({"",
              {{"x", large, 9, 10}, {"k", v, 9, 10}},
              "%s, %q = incept.channel_stats %x shift %k" + signature({large, v}, {v, v}),
              {{"s", v}, {"q", v}}});
}

TEST_P(Kernels, BackwardStatsWithGradient) {
  // The masked gradient is kept and summed in one kernel.
  checkGroup({"",
              {{"d", part}, {"y", full}, {"x", full}, {"m", v}},
              "%g = incept.relu_backward %d, %y" + signature({part, full}, {full}) +
                  "%s, %p = incept.batch_norm_backward_stats %g, %x, %m" + signature({full, full, v}, {v, v}),
              {{"g", full}, {"s", v}, {"p", v}}});
}

TEST_P(Kernels, ChannelSumOfMatrix) {
  std::string matrix = "tensor<37x" + std::to_string(c) + "xf32>";
  checkGroup({"", {{"x", matrix}}, "%s = incept.channel_sum %x" + signature({matrix}, {v}), {{"s", v}}});
}

TEST_P(Kernels, BatchNormFinalize) {
  checkGroup(
      {"",
       {{"s", v}, {"q", v, 30, 60}, {"k", v}, {"g", v}, {"m", v}, {"r", v, 0.5, 2}},
       "%a, %b, %c, %d, %e = incept.batch_norm_finalize %s, %q shift %k gamma %g running %m, %r {epsilon = 1.0e-3 "
       ": f64, decay = 0.9 : f64, count = 17 : i64}" +
           signature({v, v, v, v, v, v}, {v, v, v, v, v}),
       {{"a", v}, {"b", v}, {"c", v}, {"d", v}, {"e", v}}});
}

TEST_P(Kernels, BatchNormBackward) {
  checkGroup({"",
              {{"s", v}, {"p", v}, {"i", v, 0.5, 2}, {"g", v}},
              "%a, %b, %c, %d, %e = incept.batch_norm_backward_finalize %s, %p inv_std %i gamma %g {count = 17 : i64}" +
                  signature({v, v, v, v}, {v, v, v, v, v}),
              {{"a", v}, {"b", v}, {"c", v}, {"d", v}, {"e", v}}});
  checkGroup(
      {"",
       {{"d", part}, {"x", full}, {"m", v}, {"a", v}, {"b", v}, {"c", v}},
       "%y = incept.batch_norm_backward_apply %d, %x mean %m, %a, %b, %c" + signature({part, full, v, v, v, v}, {full}),
       {{"y", full}}});
  checkGroup({"",
              {{"d", part}, {"x", full}, {"a", v}, {"b", v}, {"c", v}},
              "%y = incept.batch_norm_backward_apply %d, %x, %a, %b, %c" + signature({part, full, v, v, v}, {full}),
              {{"y", full}}});
}

TEST_P(Kernels, FinalizesWhereSumsAreAddedUp) {
  std::string large = image(3, c, 13, 9);
  checkGroup({"",
              {{"x", large, 9, 10}, {"k", v, 9, 10}, {"g", v}, {"m", v}, {"r", v, 0.5, 2}},
              "%s, %q = incept.channel_stats %x shift %k" + signature({large, v}, {v, v}) +
                  "%a, %b, %c, %d, %e = incept.batch_norm_finalize %s, %q shift %k gamma %g running %m, %r {epsilon = "
                  "1.0e-3 : f64, decay = 0.9 : f64, count = 351 : i64}" +
                  signature({v, v, v, v, v, v}, {v, v, v, v, v}),
              {{"a", v}, {"b", v}, {"c", v}, {"d", v}, {"e", v}},
              2e-5});
  // With a full result of the first launch, a sum that others need too, and two ops after the sums.
  checkGroup({"",
              {{"d", part}, {"y", full}, {"x", full}, {"m", v}, {"i", v, 0.5, 2}},
              "%t = incept.relu_backward %d, %y" + signature({part, full}, {full}) +
                  "%s, %p = incept.batch_norm_backward_stats %t, %x, %m" + signature({full, full, v}, {v, v}) +
                  "%a, %b, %c, %e, %f = incept.batch_norm_backward_finalize %s, %p inv_std %i {count = 60 : i64}" +
                  signature({v, v, v}, {v, v, v, v, v}) + "%h = incept.add %s, %m" + signature({v, v}, {v}),
              {{"h", v}, {"a", v}, {"b", v}, {"s", v}, {"t", full}, {"c", v}, {"e", v}, {"f", v}}});
  // Of another number of rows than there are: a launch that has rows only cannot finalise.
  checkGroup({"",
              {{"x", large, 9, 10}, {"k", v, 9, 10}, {"m", v}, {"r", v, 0.5, 2}},
              "%s, %q = incept.channel_stats %x shift %k" + signature({large, v}, {v, v}) +
                  "%a, %b, %c, %d, %e = incept.batch_norm_finalize %s, %q shift %k running %m, %r {epsilon = "
                  "1.0e-3 : f64, decay = 0.9 : f64, count = 702 : i64}" +
                  signature({v, v, v, v, v}, {v, v, v, v, v}),
              {{"a", v}, {"b", v}, {"d", v}, {"e", v}},
              2e-5});
}

TEST_P(Kernels, FoldBatchNorm) {
  checkGroup({"",
              {{"g", v}, {"b", v}, {"m", v}, {"r", v, 0, 2}, {"o", v}},
              "%s, %t = incept.fold_batch_norm gamma %g beta %b mean %m variance %r bias %o {epsilon = 1.0e-3 : f64}" +
                  signature({v, v, v, v, v}, {v, v}),
              {{"s", v}, {"t", v}}});
}

TEST_P(Kernels, Optimizers) {
  std::string s = "tensor<f32>", w = image(c, 7, 3, 3);
  checkGroup({"",
              {{"p", w}, {"g", w}, {"v", w}, {"lr", s, 0.1, 0.2}, {"mu", s, 0.8, 0.9}, {"wd", s, 0.1, 0.2}},
              "%q, %u = incept.sgd_update %p, %g, %v rate %lr momentum %mu weight_decay %wd decay" +
                  signature({w, w, w, s, s, s}, {w, w}),
              {{"q", w}, {"u", w}}});
  checkGroup({"",
              {{"p", w},
               {"g", w},
               {"q", w, 0, 1},
               {"v", w},
               {"lr", s, 0.1, 0.2},
               {"mu", s, 0.8, 0.9},
               {"rd", s, 0.8, 0.9},
               {"ep", s, 0.5, 1},
               {"wd", s, 0.1, 0.2}},
              "%np, %nq, %nv = incept.rmsprop_update %p, %g, %q, %v rate %lr momentum %mu rms_decay %rd epsilon %ep "
              "weight_decay %wd decay" +
                  signature({w, w, w, w, s, s, s, s, s}, {w, w, w}),
              {{"np", w}, {"nq", w}, {"nv", w}}});
}

TEST_P(Kernels, OtherOptimizers) {
  std::string w = "tensor<" + std::to_string(c) + "x3x5x4xf32>", s = "tensor<f32>", t = "tensor<i64>";
  checkGroup({"",
              {{"p", w}, {"g", w}, {"v", w}, {"lr", s, 0.1, 0.2}, {"mu", s, 0.8, 0.9}, {"wd", s, 0.1, 0.2}},
              "%q, %u = incept.nesterov_update %p, %g, %v rate %lr momentum %mu weight_decay %wd decay" +
                  signature({w, w, w, s, s, s}, {w, w}),
              {{"q", w}, {"u", w}}});
  // Norms; with one of 0 the rate is the same for all.
  for (double norm : {0.0, 4.0})
    checkGroup(
        {"",
         {{"p", w},
          {"g", w},
          {"v", w},
          {"lr", s, 0.1, 0.2},
          {"mu", s, 0.8, 0.9},
          {"tr", s, 0.1, 0.2},
          {"wd", s, 0.1, 0.2},
          {"ps", s, norm, norm},
          {"gs", s, 2, 3},
          {"u", s, 0.5, 0.5}},
         "%q, %n = incept.lars_update %p, %g, %v rate %lr momentum %mu trust %tr weight_decay %wd squares %ps, %gs "
         "unscale %u decay" +
             signature({w, w, w, s, s, s, s, s, s, s}, {w, w}),
         {{"q", w}, {"n", w}}});
  // From the first step, whose correction of the second moment is 1000, to steps beyond which there is none.
  for (double step : {0, 1, 9, 1000, 3000000})
    for (std::string kind : {"adam", "adamw"})
      for (std::string decay : {"", " decay"})
        checkGroup({"",
                    {{"p", w},
                     {"g", w},
                     {"m", w},
                     {"v", w, 0.1, 1},
                     {"lr", s, 0.1, 0.2},
                     {"b1", s, 0.9, 0.9},
                     {"b2", s, 0.999, 0.999},
                     {"ep", s, 0.01, 0.02},
                     {"wd", s, 0.1, 0.2},
                     {"t", t, step, step}},
                    "%q, %n, %x = incept." + kind +
                        "_update %p, %g, %m, %v rate %lr betas %b1, %b2 epsilon %ep weight_decay %wd step %t" + decay +
                        signature({w, w, w, w, s, s, s, s, s, t}, {w, w, w}),
                    {{"q", w}, {"n", w}, {"x", w}}});
}

TEST_P(Kernels, Lamb) {
  std::string w = "tensor<" + std::to_string(c) + "x3x5x4xf32>", s = "tensor<f32>", t = "tensor<i64>";
  for (double step : {0, 9}) {
    std::vector<Argument> tensors = {{"p", w},
                                     {"g", w},
                                     {"m", w},
                                     {"v", w, 0.1, 1},
                                     {"b1", s, 0.9, 0.9},
                                     {"b2", s, 0.999, 0.999},
                                     {"ep", s, 0.01, 0.02},
                                     {"wd", s, 0.1, 0.2},
                                     {"t", t, step, step},
                                     {"u", s, 0.5, 0.5}};
    checkGroup(
        {"",
         tensors,
         "%d = incept.lamb_direction %p, %g, %m, %v betas %b1, %b2 epsilon %ep weight_decay %wd step %t unscale %u" +
             signature({w, w, w, w, s, s, s, s, t, s}, {w}),
         {{"d", w}}});
    // With a norm of 0 the rate is the same for all.
    for (double norm : {0.0, 4.0}) {
      std::vector<Argument> all = tensors;
      all.insert(all.end(), {{"lr", s, 0.1, 0.2}, {"ps", s, norm, norm}, {"ds", s, 2, 3}});
      checkGroup({"",
                  all,
                  "%q, %n, %x = incept.lamb_update %p, %g, %m, %v rate %lr betas %b1, %b2 epsilon %ep weight_decay %wd "
                  "step %t squares %ps, %ds unscale %u decay" +
                      signature({w, w, w, w, s, s, s, s, s, t, s, s, s}, {w, w, w}),
                  {{"q", w}, {"n", w}, {"x", w}}});
    }
  }
}

TEST_P(Kernels, Clipping) {
  std::string w = "tensor<" + std::to_string(c) + "x3x5x4xf32>", s = "tensor<f32>";
  checkGroup({"",
              {{"x", w, -1, 1, {0.2, -0.2, std::nan("")}}, {"l", s, 0.2, 0.2}},
              "%y = incept.clip %x limit %l" + signature({w, s}, {w}),
              {{"y", w}}});
  for (double unscale : {0.0, 0.25})
    checkGroup({"",
                {{"x", w}, {"l", s, 0.1, 0.1}, {"u", s, unscale, unscale}},
                "%y = incept.clip %x limit %l unscale %u" + signature({w, s, s}, {w}),
                {{"y", w}}});
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (double squares : {0.0, 0.5, 100.0, kInfinity, std::nan("")}) {
    checkGroup({"",
                {{"x", s, 0, 0, {squares}}, {"l", s, 2, 2}},
                "%y = incept.clip_factor %x limit %l" + signature({s, s}, {s}),
                {{"y", s}}});
    for (double unscale : {0.0, 0.25})
      checkGroup({"",
                  {{"x", s, 0, 0, {squares}}, {"l", s, 2, 2}, {"u", s, unscale, unscale}},
                  "%y = incept.clip_factor %x limit %l unscale %u" + signature({s, s, s}, {s}),
                  {{"y", s}}});
  }
  for (double count : {0.0, 1.0, 5.0})
    checkGroup({"",
                {{"x", s, 2, 3}, {"n", s, count, count}},
                "%y = incept.mean_loss %x, %n" + signature({s, s}, {s}),
                {{"y", s}}});
}

TEST_P(Kernels, Averages) {
  std::string w = "tensor<" + std::to_string(c) + "x3x5x4xf32>", s = "tensor<f32>", t = "tensor<i64>";
  for (double step : {0, 1, 100, 1000000})
    checkGroup({"",
                {{"a", w}, {"x", w}, {"d", s, 0.99, 0.99}, {"t", t, step, step}},
                "%y = incept.average_update %a, %x decay %d step %t" + signature({w, w, s, t}, {w}),
                {{"y", w}}});
}

TEST_P(Kernels, SumsOverBatches) {
  std::string w = "tensor<" + std::to_string(c) + "x3x5x4xf32>", t = "tensor<i64>";
  for (double part : {0, 3})
    checkGroup({"",
                {{"g", w}, {"o", w}, {"t", t, part, part}},
                "%s = incept.add %g, %o" + signature({w, w}, {w}) + "\n%y = incept.select %t, %s, %g" +
                    signature({t, w, w}, {w}),
                {{"y", w}}});
}

TEST_P(Kernels, MaxPool) {
  std::string src = slice(2, c, 7, 9), dst = slice(2, c, 4, 5), dense = image(2, c, 4, 5);
  std::string window = " kernel [3, 3] stride [2, 2] pad [1, 1] pad_end [1, 1]";
  checkGroup({"", {{"x", src}}, "%y = incept.max_pool %x" + window + signature({src}, {dst}), {{"y", dst}}});
  std::string index = image(2, c, 4, 5, "ui8");
  checkGroup({"",
              {{"x", src}},
              "%y, %i = incept.max_pool_with_index %x" + window + signature({src}, {dense, index}),
              {{"y", dense}, {"i", index}}});
  checkGroup({"",
              {{"d", dst}, {"i", index, 0, 9}},
              "%y = incept.max_pool_backward %d, %i" + window + signature({dst, index}, {src}),
              {{"y", src}}});
}

TEST_P(Kernels, AveragePool) {
  std::string src = image(2, c, 7, 6), dst = slice(2, c, 4, 3);
  for (std::string pad : {"", " include_pad"}) {
    // The last window hangs over the end: ceil mode.
    std::string window = " kernel [3, 2] stride [2, 2] pad [1, 0] pad_end [1, 1]" + pad;
    checkGroup({"", {{"x", src}}, "%y = incept.avg_pool %x" + window + signature({src}, {dst}), {{"y", dst}}});
    checkGroup({"", {{"d", dst}}, "%y = incept.avg_pool_backward %d" + window + signature({dst}, {src}), {{"y", src}}});
  }
}

TEST_P(Kernels, GlobalAveragePool) {
  std::string one = image(3, c, 1, 1);
  checkGroup({"", {{"x", part}}, "%y = incept.global_avg_pool %x" + signature({part}, {one}), {{"y", one}}});
  checkGroup({"", {{"d", one}}, "%y = incept.global_avg_pool_backward %d" + signature({one}, {part}), {{"y", part}}});
}

TEST_P(Kernels, Activations) {
  std::vector<double> first = {-3, 3, 6, 0, 90, -90, HUGE_VAL, NAN};
  for (std::string kind : {"relu6", "leaky_relu", "sigmoid", "silu", "hard_sigmoid", "hard_swish", "gelu"}) {
    // silu and its kind are no number where 0 meets infinity, in the interpreter too.
    checkGroup({"",
                {{"x", full, -8, 8, first}, {"z", part, -2, 2}},
                "%t = incept.activate " + kind + " %x slope 0.2" + signature({full}, {full}) +
                    "%y = incept.multiply %t, %z" + signature({full, part}, {part}),
                {{"y", part}}});
    first.resize(6);
    checkGroup({"",
                {{"d", part}, {"x", full, -8, 8, first}},
                "%y = incept.activate_backward " + kind + " %d, %x slope 0.2" + signature({part, full}, {full}),
                {{"y", full}}});
  }
}

TEST_P(Kernels, ChannelAffine) {
  checkGroup({"",
              {{"x", part}, {"s", v}, {"b", v}},
              "%t = incept.channel_affine %x, %s shift %b" + signature({part, v, v}, {full}) +
                  "%y = incept.channel_affine %t, %s" + signature({full, v}, {part}),
              {{"y", part}}});
}

TEST_P(Kernels, Gate) {
  std::string one = image(3, c, 1, 1), slicedOne = slice(3, c, 1, 1);
  checkGroup({"",
              {{"x", part}, {"f", slicedOne}},
              "%y = incept.gate %x by %f" + signature({part, slicedOne}, {full}),
              {{"y", full}}});
  checkGroup({"",
              {{"d", part}, {"x", full}},
              "%y = incept.gate_backward %d, %x" + signature({part, full}, {one}),
              {{"y", one}}});
}

TEST_P(Kernels, AdaptiveAveragePool) {
  std::string src = slice(2, c, 7, 5);
  // Parts that overlap, parts of one pixel, and more parts than pixels.
  for (std::string dst : {slice(2, c, 3, 2), image(2, c, 7, 4), image(2, c, 9, 1)}) {
    checkGroup({"", {{"x", src}}, "%y = incept.adaptive_avg_pool %x" + signature({src}, {dst}), {{"y", dst}}});
    checkGroup({"", {{"d", dst}}, "%y = incept.adaptive_avg_pool_backward %d" + signature({dst}, {src}), {{"y", src}}});
  }
}

TEST_P(Kernels, Resize) {
  std::string src = slice(2, c, 5, 4);
  // Twice as large, uneven, smaller so that pixels are left out, and one pixel.
  for (std::string dst : {slice(2, c, 10, 8), image(2, c, 7, 9), image(2, c, 2, 3), image(2, c, 1, 1)})
    for (std::string mode : {"nearest", "bilinear"}) {
      checkGroup({"", {{"x", src}}, "%y = incept.resize " + mode + " %x" + signature({src}, {dst}), {{"y", dst}}});
      checkGroup(
          {"", {{"d", dst}}, "%y = incept.resize_backward " + mode + " %d" + signature({dst}, {src}), {{"y", src}}});
    }
}

TEST_P(Kernels, AddBias) {
  checkGroup(
      {"",
       {{"x", part}, {"b", v}},
       "%t = incept.add_bias %x, %b" + signature({part, v}, {full}) + "%y = incept.relu %t" + signature({full}, {part}),
       {{"y", part}}});
}

TEST_P(Kernels, DropPath) {
  std::string i = "tensor<i64>";
  checkGroup({"",
              {{"x", full}, {"seed", i, 0, 9e15}, {"step", i, 0, 9e9}, {"base", i, 0, 9e12}},
              "%y = incept.dropout %x, %seed, %step, %base per_sample {keep = 0.5 : f64, stream = 77 : i64}" +
                  signature({full, i, i, i}, {part}),
              {{"y", part}}});
}

TEST_P(Kernels, Dropout) {
  std::string i = "tensor<i64>";
  for (std::string keep : {"0.8", "1.0"})
    checkGroup({"",
                {{"x", full}, {"seed", i, 0, 9e15}, {"step", i, 0, 9e9}, {"base", i, 0, 9e12}},
                "%y = incept.dropout %x, %seed, %step, %base {keep = " + keep +
                    " : f64, stream = 6986330420047521775 : i64}" + signature({full, i, i, i}, {part}),
                {{"y", part}}});
}

TEST_P(Kernels, Copy) {
  checkGroup({"", {{"x", part}}, "%y = incept.copy %x" + signature({part}, {full}), {{"y", full}}});
}

TEST_P(Kernels, NormalizesBytes) {
  checkGroup({"",
              {{"x", "tensor<2x5x4x3xui8>", 0, 256}},
              "%y = incept.normalize_image %x {mean = array<f64: 0.4, 0.5, 0.6>, std = array<f64: 0.2, 0.3, 0.25>} : "
              "(tensor<2x5x4x3xui8>) -> tensor<2x3x5x4xf32>",
              {{"y", "tensor<2x3x5x4xf32>"}}});
}

TEST_P(Kernels, ImportsLogicalOrder) {
  checkGroup({"",
              {{"x", "tensor<2x3x5x4xf32>"}},
              "%y = incept.import_image %x : (tensor<2x3x5x4xf32>) -> tensor<2x3x5x4xf32>",
              {{"y", "tensor<2x3x5x4xf32>"}}});
}

// Low precision: memory is bf16 or f16, arithmetic f32. The interpreter rounds after every op, the kernel once.
constexpr double kBf16 = 1.0 / 64, kF16 = 1.0 / 512;

TEST_P(Kernels, Casts) {
  for (std::string low : {"bf16", "f16"}) {
    std::string there = slice(3, c, 5, 4, low), back = image(3, c, 5, 4, low);
    checkGroup({"", {{"x", full}}, "%y = incept.cast %x" + signature({full}, {there}), {{"y", there}}, 1e-9});
    checkGroup({"", {{"x", back}}, "%y = incept.cast %x" + signature({back}, {full}), {{"y", full}}, 1e-9});
  }
}

TEST_P(Kernels, NormalizesInLowPrecision) {
  for (auto [low, tolerance] : {std::pair<std::string, double>{"bf16", kBf16}, {"f16", kF16}}) {
    std::string x = image(3, c, 5, 4, low), y = slice(3, c, 5, 4, low),
                sample = "tensor<" + std::to_string(c) + "x" + low + ">";
    checkGroup({"",
                {{"x", x}, {"m", v}, {"s", v}, {"b", v}},
                "%t = incept.scale_shift %x, %m, %s, %b" + signature({x, v, v, v}, {x}) + "%y = incept.relu %t" +
                    signature({x}, {y}),
                {{"y", y}},
                tolerance});
    checkGroup({"",
                {{"x", x}, {"k", sample}},
                "%a, %q = incept.channel_stats %x shift %k" + signature({x, sample}, {v, v}),
                {{"a", v}, {"q", v}}});
    checkGroup({"",
                {{"d", x}, {"x", y}, {"m", v}},
                "%a, %q = incept.batch_norm_backward_stats %d, %x, %m" + signature({x, y, v}, {v, v}),
                {{"a", v}, {"q", v}}});
  }
}

TEST_P(Kernels, PoolsInLowPrecision) {
  std::string window = " kernel [3, 2] stride [2, 2] pad [1, 0] pad_end [1, 1]", index = image(2, c, 4, 3, "ui8");
  for (auto [low, tolerance] : {std::pair<std::string, double>{"bf16", kBf16}, {"f16", kF16}}) {
    std::string src = image(2, c, 7, 6, low), dst = slice(2, c, 4, 3, low), dense = image(2, c, 4, 3, low);
    checkGroup({"",
                {{"x", src}},
                "%y, %i = incept.max_pool_with_index %x" + window + signature({src}, {dense, index}),
                {{"y", dense}, {"i", index}},
                1e-9});
    checkGroup(
        {"", {{"x", src}}, "%y = incept.avg_pool %x" + window + signature({src}, {dst}), {{"y", dst}}, tolerance});
    checkGroup({"",
                {{"d", dst}, {"i", index, 0, 6}},
                "%y = incept.max_pool_backward %d, %i" + window + signature({dst, index}, {src}),
                {{"y", src}},
                tolerance});
  }
}

TEST_P(Kernels, UpdatesWithCopies) {
  std::string p = "tensor<" + std::to_string(c) + "x3xf32>", low = "tensor<" + std::to_string(c) + "x3xf16>",
              s = "tensor<f32>";
  for (double unscale : {0.25, 0.0}) { // with 0 nothing changes, whatever the gradients are: many of these are infinite
    double most = unscale == 0 ? 2e5 : 4;
    Argument factor{"u", s, unscale, unscale};
    checkGroup({"",
                {{"p", p}, {"g", low, -most, most}, {"v", p}, {"lr", s, 0, 0.1}, factor},
                "%q, %w, %k = incept.sgd_update %p, %g, %v rate %lr momentum %lr weight_decay %lr unscale %u decay" +
                    signature({p, low, p, s, s, s, s}, {p, p, low}),
                {{"q", p}, {"w", p}, {"k", low}},
                unscale == 0 ? 1e-9 : 1e-3});
    checkGroup({"",
                {{"p", p}, {"g", low, -most, most}, {"m", p, 0.1, 1}, {"v", p}, {"lr", s, 0, 0.1}, factor},
                "%q, %n, %w, %k = incept.rmsprop_update %p, %g, %m, %v rate %lr momentum %lr rms_decay %lr epsilon %lr "
                "weight_decay %lr unscale %u" +
                    signature({p, low, p, p, s, s, s, s, s, s}, {p, p, p, low}),
                {{"q", p}, {"n", p}, {"w", p}, {"k", low}},
                unscale == 0 ? 1e-9 : 1e-3});
  }
}

TEST_P(Kernels, LossScaling) {
  std::string s = "tensor<f32>";
  for (double bad : {0.0, 3.0})
    for (double good : {1.0, 2.0})
      checkGroup({"",
                  {{"b", s, bad, bad}, {"k", s, 1024, 1024}, {"g", s, good, good}},
                  "%u, %n, %m = incept.loss_scale_update %b, %k, %g every 3" + signature({s, s, s}, {s, s, s}),
                  {{"u", s}, {"n", s}, {"m", s}},
                  1e-9});
  for (double condition : {0.0, 0.5})
    checkGroup({"",
                {{"n", s, condition, condition}, {"x", v}, {"y", v}},
                "%z = incept.select %n, %x, %y" + signature({s, v, v}, {v}),
                {{"z", v}},
                1e-9});
}

TEST_P(Kernels, CountsWhatIsNotFinite) {
  for (auto [low, most] : {std::pair<std::string, double>{"f16", 2e5}, {"bf16", 5e38}, {"f32", 1}}) {
    std::string x = "tensor<" + std::to_string(c) + "x29x" + low + ">";
    checkGroup({"",
                {{"x", x, -most, most}},
                "%n = incept.count_nonfinite %x" + signature({x}, {"tensor<f32>"}),
                {{"n", "tensor<f32>"}},
                1e-9});
  }
}

TEST_P(Kernels, SumsSquares) {
  for (std::string element : {"f16", "bf16", "f32"})
    for (int64_t rows : {1, 29, 3001}) {
      std::string x = "tensor<" + std::to_string(c) + "x" + std::to_string(rows) + "x" + element + ">";
      checkGroup({"",
                  {{"x", x, -3, 3}},
                  "%n = incept.sum_squares %x" + signature({x}, {"tensor<f32>"}),
                  {{"n", "tensor<f32>"}}});
    }
}

static std::string caseName(const testing::TestParamInfo<Kernels::ParamType> &info) {
  return std::string(std::get<0>(info.param).first) + "_" + std::to_string(std::get<1>(info.param));
}

using Runner = std::pair<const char *, KernelRunner &(*)()>;
INSTANTIATE_TEST_SUITE_P(Cpu, Kernels,
                         testing::Combine(testing::Values(Runner{"cpu", cpuRunner}), testing::Values(1, 8, 37)),
                         caseName);
// Vectors of 16 and of 8 bytes and of single elements, rows of one block and of several.
INSTANTIATE_TEST_SUITE_P(Cuda, Kernels,
                         testing::Combine(testing::Values(Runner{"cuda", cudaRunner}),
                                          testing::Values(1, 8, 37, 600, 1154)),
                         caseName);

} // namespace incept::test
