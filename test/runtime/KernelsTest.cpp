// SPDX-License-Identifier: Apache-2.0
//
// What launches touch: sizes by hand for every family, and what is no launch at all.

#include "runtime/program/Kernels.h"
#include "runtime/program/KernelRows.h"

#include <gtest/gtest.h>

using namespace incept::program;

namespace {

/// Elements of each operand, then the units; "refused" for what cannot be launched.
std::string measure(const Kernel &kernel, const std::vector<int64_t> &extents) {
  std::vector<OperandSize> sizes;
  int64_t units = 0;
  std::string why, text;
  if (!measureLaunch(kernel, extents, sizes, units, why)) {
    EXPECT_NE(why, "");
    return "refused";
  }
  EXPECT_EQ(sizes.size(), kernel.operands.size());
  for (size_t i = 0; i < sizes.size(); ++i) {
    EXPECT_EQ(sizes[i].alignment, kernel.operands[i].elementBytes);
    text += std::to_string(sizes[i].bytes / sizes[i].alignment) + " ";
  }
  // Rows end where the operand does; what has no gaps is one row.
  std::vector<OperandRows> rows = operandRows(kernel, extents);
  EXPECT_EQ(rows.size(), sizes.size());
  for (size_t i = 0; i < rows.size() && rows[i].isKnown; ++i) {
    EXPECT_LE(rows[i].rowBytes, rows[i].strideBytes) << kernel.family << i;
    EXPECT_GT(rows[i].rowBytes, 0u) << kernel.family << i;
    EXPECT_EQ(sizes[i].bytes % rows[i].strideBytes, rows[i].rowBytes % rows[i].strideBytes) << kernel.family << i;
    EXPECT_TRUE(rows[i].rowBytes < rows[i].strideBytes || rows[i].rowBytes == sizes[i].bytes) << kernel.family << i;
  }
  EXPECT_EQ(kernel.family == "fixed", !rows.empty() && !rows[0].isKnown);
  return text + "| " + std::to_string(units);
}

Kernel kernel(const char *family, const std::vector<int64_t> &inputs, const std::vector<int64_t> &outputs,
              int64_t counts = 0) {
  Kernel result{"k", family, {}, inputs.size(), counts, {}, 0};
  for (const auto *ranks : {&inputs, &outputs})
    for (int64_t rank : *ranks)
      result.operands.push_back({4, rank});
  return result;
}

constexpr int64_t kHuge = int64_t(1) << 45;

} // namespace

TEST(Kernels, RowsAndVectors) {
  EXPECT_EQ(measure(kernel("flat", {1, 0}, {1}), {2500}), "2500 1 2500 | 3");
  EXPECT_EQ(measure(kernel("flat", {1}, {1}, 2), {1024, 7, 9}), "1024 1024 | 1");
  EXPECT_EQ(measure(kernel("flat", {0, 0}, {0}), {1}), "1 1 1 | 1");
  EXPECT_EQ(measure(kernel("map", {4, 1, 0}, {4}), {10, 8, 8, 20}), "80 8 1 188 | 10");
  EXPECT_EQ(measure(kernel("reduce", {4, 1}, {4, 1}), {10, 8, 4, 8, 16}), "80 8 152 24 | 3");
  EXPECT_EQ(measure(kernel("reduce_combine", {4, 1, 1}, {4, 1, 1}), {10, 8, 4, 1, 8, 16}), "80 8 8 152 24 8 | 3");
  EXPECT_EQ(measure(kernel("combine", {2, 2, 1}, {1}, 1), {5, 130, 99}), "650 650 130 130 | 3");
  EXPECT_EQ(measure(kernel("count_nonfinite", {1}, {0}), {1000, 300}), "1000 4 | 4");
  EXPECT_EQ(measure(kernel("sum_squares", {1}, {0}), {1000, 300}), "1000 4 | 4");
  EXPECT_EQ(measure(kernel("reorder", {4, 1}, {4}), {6, 20}), "120 6 120 | 6");
}

TEST(Kernels, ImagesAndPools) {
  EXPECT_EQ(measure(kernel("normalize_image", {4}, {4}), {100, 3, 8}), "300 795 | 100");
  EXPECT_EQ(measure(kernel("import_image", {4}, {4}), {2, 3, 50, 3}), "300 300 | 100");
  // Two images of 6x5 with 8 channels to 3x2.
  std::vector<int64_t> pool = {2, 6, 5, 8, 3, 2, 2, 2, 2, 2, 0, 0, 0, 0};
  auto with = [&](std::vector<int64_t> strides) {
    std::vector<int64_t> extents = pool;
    extents.insert(extents.end(), strides.begin(), strides.end());
    return extents;
  };
  EXPECT_EQ(measure(kernel("max_pool", {4}, {4}), with({8, 8})), "480 96 | 6");
  EXPECT_EQ(measure(kernel("max_pool_with_index", {4}, {4, 4}), with({8, 16, 8})), "480 184 96 | 6");
  EXPECT_EQ(measure(kernel("max_pool_backward", {4, 4}, {4}), with({8, 8, 8})), "96 96 480 | 12");
  EXPECT_EQ(measure(kernel("avg_pool", {4}, {4}), with({8, 8})), "480 96 | 6");
  EXPECT_EQ(measure(kernel("avg_pool_backward", {4}, {4}), with({8, 8})), "96 480 | 12");
  EXPECT_EQ(measure(kernel("global_avg_pool", {4}, {4}), {2, 30, 8, 8, 8}), "480 16 | 2");
  EXPECT_EQ(measure(kernel("global_avg_pool_backward", {4}, {4}), {2, 30, 8, 8, 8}), "16 480 | 2");
  EXPECT_EQ(measure(kernel("max_pool", {4}, {4}), pool), "refused");
  pool[8] = 0; // a stride of the window
  EXPECT_EQ(measure(kernel("max_pool", {4}, {4}), with({8, 8})), "refused");
}

TEST(Kernels, Channels) {
  EXPECT_EQ(measure(kernel("gate", {4, 4}, {4}), {2, 30, 8, 8, 10, 8}), "480 18 480 | 2");
  EXPECT_EQ(measure(kernel("gate_backward", {4, 4}, {4}), {2, 30, 8, 8, 8, 10}), "480 480 18 | 2");
  EXPECT_EQ(measure(kernel("adaptive_avg_pool", {4}, {4}), {2, 6, 5, 8, 3, 4, 8, 8}), "480 192 | 6");
  EXPECT_EQ(measure(kernel("adaptive_avg_pool_backward", {4}, {4}), {2, 6, 5, 8, 3, 4, 8, 8}), "192 480 | 12");
  EXPECT_EQ(measure(kernel("resize", {4}, {4}), {2, 6, 5, 8, 12, 15, 8, 8}), "480 2880 | 24");
  EXPECT_EQ(measure(kernel("resize_backward", {4}, {4}), {2, 6, 5, 8, 12, 15, 8, 8}), "2880 480 | 12");
  // Positions would not fit the integers of a kernel.
  EXPECT_EQ(measure(kernel("resize", {4}, {4}), {1, 1, 1, 1, 1, 32768, 1, 1}), "1 32768 | 0");
  EXPECT_EQ(measure(kernel("resize_backward", {4}, {4}), {1, 1, 1, 1, 1, 32768, 1, 1}), "32768 1 | 0");
  EXPECT_EQ(measure(kernel("channel_shuffle", {4}, {4}), {60, 8, 2, 8, 8}), "480 480 | 8");
  // Groups that do not divide the channels: no unit may run.
  EXPECT_EQ(measure(kernel("channel_shuffle", {4}, {4}), {60, 8, 3, 8, 8}), "480 480 | 0");
  EXPECT_EQ(measure(kernel("flatten_pixels", {4}, {2}), {2, 8, 30, 8, 240}), "480 480 | 60");
  EXPECT_EQ(measure(kernel("flatten_pixels", {4}, {2}), {2, 8, 30, 8, 239}), "refused");
  EXPECT_EQ(measure(kernel("unflatten_pixels", {2}, {4}), {2, 8, 30, 240, 8}), "480 480 | 60");
  EXPECT_EQ(measure(kernel("normalize_pixels", {4}, {4}), {60, 8, 8, 8}), "480 480 | 8");
  EXPECT_EQ(measure(kernel("normalize_pixels_backward", {4, 4}, {4}), {57, 8, 8, 8, 8}), "456 456 456 | 8");
  EXPECT_EQ(measure(kernel("softmax", {2}, {2}), {57, 8, 8, 10}), "456 568 | 8");
  EXPECT_EQ(measure(kernel("softmax_backward", {2, 2}, {2}), {57, 8, 8, 8, 10}), "456 456 568 | 8");
  EXPECT_EQ(measure(kernel("local_response_norm", {4}, {4}), {57, 8, 10, 8}), "568 456 | 8");
  EXPECT_EQ(measure(kernel("local_response_norm_backward", {4, 4}, {4}), {57, 8, 8, 8, 8}), "456 456 456 | 8");
  // Two images of 30 pixels, four groups of two channels.
  EXPECT_EQ(measure(kernel("normalize_groups", {4}, {4}), {2, 30, 4, 2, 8, 10}), "480 598 | 8");
  EXPECT_EQ(measure(kernel("normalize_groups_backward", {4, 4}, {4}), {2, 30, 4, 2, 8, 8, 8}), "480 480 480 | 8");
  EXPECT_EQ(measure(kernel("normalize_groups", {4}, {4}), {2, 30, 4, 2, 7, 8}), "refused");
}

TEST(Kernels, LossAndDropout) {
  EXPECT_EQ(measure(kernel("dropout", {2, 0, 0, 0}, {2}), {4, 10, 1, 10, 16}), "40 1 1 1 58 | 4");
  EXPECT_EQ(measure(kernel("softmax_cross_entropy", {2, 1}, {0}), {4, 10, 4, 10}), "40 4 1 | 1");
  EXPECT_EQ(measure(kernel("softmax_cross_entropy", {2, 1}, {0, 0}), {4, 10, 4, 10}), "40 4 1 1 | 1");
  EXPECT_EQ(measure(kernel("softmax_cross_entropy", {2, 1}, {0, 0}), {4, 10, 3, 10}), "40 4 2 2 | 2");
  EXPECT_EQ(measure(kernel("softmax_cross_entropy_backward", {2, 1, 0, 0}, {2}), {4, 10, 10, 12}), "40 4 1 1 46 | 4");
  EXPECT_EQ(measure(kernel("softmax_cross_entropy_backward", {2, 1}, {2}), {4, 10, 10, 10}), "40 4 40 | 4");
  EXPECT_EQ(measure(kernel("softmax_cross_entropy_backward", {2, 1, 0}, {2}), {4, 10, 10, 12}), "40 4 1 46 | 4");
}

TEST(Kernels, Fixed) {
  Kernel fixed{"k", "fixed", {{4, 16}, {1, 3}}, 1, 0, {4, 4}, 7};
  EXPECT_EQ(measure(fixed, {4, 4}), "16 3 | 7");
  EXPECT_EQ(measure(fixed, {4, 5}), "refused");
  EXPECT_EQ(measure(fixed, {4}), "refused");
}

// The inputs of both parts, then the outputs; extents of each, then blocks and threads of each.
TEST(Kernels, Parts) {
  auto inParts = [](const char *family, const std::vector<int64_t> &inputs, const std::vector<int64_t> &outputs) {
    Kernel result = kernel(family, inputs, outputs);
    result.parts = 2;
    return result;
  };
  Kernel map = inParts("map", {4, 1, 4, 1}, {4, 4});
  EXPECT_EQ(measure(map, {10, 8, 8, 20, 5, 4, 6, 4, 1, 1, 8, 32, 2, 1, 4, 64}), "80 8 28 4 188 20 | 15");
  std::vector<OperandRows> rows = operandRows(map, {10, 8, 8, 20, 5, 4, 6, 4, 1, 1, 8, 32, 2, 1, 4, 64});
  ASSERT_EQ(rows.size(), 6u);
  EXPECT_EQ(rows[2].rowBytes, 16u);
  EXPECT_EQ(rows[2].strideBytes, 24u);
  EXPECT_EQ(rows[4].strideBytes, 80u);
  EXPECT_EQ(measure(map, {10, 8, 8, 20, 5, 4, 6, 4}), "refused");                              // no sizes
  EXPECT_EQ(measure(map, {10, 8, 8, 20, 5, 4, 6, 4, 1, 1, 8, 32, 2, 1, 4, 0}), "refused");     // no threads
  EXPECT_EQ(measure(map, {10, 8, 8, 20, 5, 4, 6, 4, 1, 1, 8, 32, 2, 1, 4, 64, 1}), "refused"); // not of two parts
  EXPECT_EQ(measure(map, {10, 8, 8, 20, 5, 4, 3, 4, 1, 1, 8, 32, 2, 1, 4, 64}), "refused");    // rows overlap

  // The grid is that of all parts; a part uses threads that the block has, and a reduction's ranges have tickets.
  using Sizes = std::array<unsigned, 3>;
  const std::vector<int64_t> extents = {10, 8, 8, 20, 5, 4, 6, 4};
  auto takes = [&](const Kernel &kernel, std::vector<int64_t> sizes, Sizes grid, Sizes block) {
    sizes.insert(sizes.begin(), extents.begin(), extents.end());
    return isGridOf(kernel, sizes, grid, block);
  };
  EXPECT_TRUE(takes(map, {3, 2, 8, 32, 2, 1, 4, 64}, {8, 1, 1}, {256, 1, 1}));
  EXPECT_FALSE(takes(map, {3, 2, 8, 32, 2, 1, 4, 64}, {9, 1, 1}, {256, 1, 1}));
  EXPECT_FALSE(takes(map, {3, 2, 8, 32, 2, 1, 4, 64}, {8, 2, 1}, {256, 1, 1}));
  EXPECT_FALSE(takes(map, {3, 2, 8, 32, 2, 1, 4, 64}, {8, 1, 1}, {255, 1, 1}));
  EXPECT_FALSE(takes(map, {3, 2, int64_t(1) << 32, int64_t(1) << 32, 2, 1, 4, 64}, {8, 1, 1}, {256, 1, 1}));
  Kernel sums = map;
  sums.family = "reduce_combine";
  EXPECT_TRUE(takes(sums, {1, 1024, 8, 32, 1, 1, 4, 64}, {1025, 1, 1}, {256, 1, 1}));
  EXPECT_FALSE(takes(sums, {1, 1025, 8, 32, 1, 1, 4, 64}, {1026, 1, 1}, {256, 1, 1}));
  sums.parts = 1;
  EXPECT_TRUE(isGridOf(sums, {}, {1, 1024, 1}, {256, 1, 1}));
  EXPECT_FALSE(isGridOf(sums, {}, {1, 1025, 1}, {256, 1, 1}));
  EXPECT_EQ(
      measure(inParts("reduce_combine", {4, 4}, {1, 1, 1, 1}), {10, 8, 4, 1, 8, 5, 4, 5, 1, 4, 3, 1, 8, 1, 1, 1, 4, 1}),
      "80 20 24 8 4 4 | 4");
}

// Inputs of all kernels, then outputs, and extents, each of its own kernel.
TEST(Kernels, OfSeveralKernels) {
  Kernel mixed{"m", "mixed", {}, 0, 0, {}, 0, 2};
  mixed.members = {kernel("map", {4, 1}, {4}), kernel("reduce_combine", {4}, {1, 1})};
  for (int64_t rank : {4, 1, 4, 4, 1, 1})
    mixed.operands.push_back({4, rank});
  mixed.inputs = 3;
  const std::vector<int64_t> extents = {10, 8, 8, 20, 12, 4, 4, 1, 6};
  auto with = [&](std::vector<int64_t> sizes) {
    sizes.insert(sizes.begin(), extents.begin(), extents.end());
    return sizes;
  };
  const std::vector<int64_t> all = with({1, 1, 8, 32, 3, 1, 4, 64});
  EXPECT_EQ(measure(mixed, all), "80 8 70 188 12 4 | 13");
  std::vector<OperandRows> rows = operandRows(mixed, all);
  ASSERT_EQ(rows.size(), 6u);
  EXPECT_EQ(rows[2].strideBytes, 24u);
  EXPECT_EQ(rows[3].strideBytes, 80u);
  EXPECT_EQ(measure(mixed, extents), "refused");                             // no sizes
  EXPECT_EQ(measure(mixed, with({1, 1, 8, 32, 3, 1, 0, 64})), "refused");    // no threads
  EXPECT_EQ(measure(mixed, with({1, 1, 8, 32, 3, 1, 4})), "refused");        // one too few
  EXPECT_EQ(measure(mixed, with({1, 1, 1, 8, 32, 3, 1, 4, 64})), "refused"); // one too many

  EXPECT_TRUE(isGridOf(mixed, all, {4, 1, 1}, {256, 1, 1}));
  EXPECT_FALSE(isGridOf(mixed, all, {5, 1, 1}, {256, 1, 1}));
  EXPECT_FALSE(isGridOf(mixed, all, {4, 1, 1}, {255, 1, 1}));
  // Only the reduction's ranges have tickets.
  EXPECT_TRUE(isGridOf(mixed, with({1, 1025, 8, 32, 3, 1, 4, 64}), {1028, 1, 1}, {256, 1, 1}));
  EXPECT_FALSE(isGridOf(mixed, with({1, 1, 8, 32, 1, 1025, 4, 64}), {1026, 1, 1}, {256, 1, 1}));
  mixed.members[1].family = "mop";
  EXPECT_EQ(measure(mixed, all), "refused");
}

TEST(Kernels, RefusesWhatIsNoLaunch) {
  EXPECT_EQ(measure(kernel("mop", {4}, {4}), {10, 8, 8, 8}), "refused");
  EXPECT_EQ(measure(kernel("map", {4}, {4}), {10, 8, 8}), "refused");
  EXPECT_EQ(measure(kernel("map", {4}, {4}), {10, 8, 8, 8, 8}), "refused");
  EXPECT_EQ(measure(kernel("map", {4}, {4}), {0, 8, 8, 8}), "refused");
  EXPECT_EQ(measure(kernel("map", {4}, {4}), {10, 8, 7, 8}), "refused"); // rows overlap
  EXPECT_EQ(measure(kernel("map", {}, {}), {10, 8}), "refused");
  EXPECT_EQ(measure(kernel("reduce", {4}, {1}), {10, 8, 0, 8}), "refused");
  EXPECT_EQ(measure(kernel("reduce_combine", {4}, {1, 1}), {10, 8, 4, 0, 8}), "refused"); // of no sum
  EXPECT_EQ(measure(kernel("max_pool", {4, 4}, {4}), {2, 6, 5, 8, 3, 2, 2, 2, 2, 2, 0, 0, 0, 0, 8, 8}), "refused");
  EXPECT_EQ(measure(kernel("flat", {1}, {1}), {10, 3}), "refused");
}

// A row of an operand with gaps, and from one to the next; of one without gaps all of it.
TEST(Kernels, RowsOfOperands) {
  auto rowsOf = [](const Kernel &kernel, const std::vector<int64_t> &extents) {
    std::string text;
    for (const OperandRows &rows : operandRows(kernel, extents))
      text += std::to_string(rows.rowBytes) + "/" + std::to_string(rows.strideBytes) + " ";
    return text;
  };
  EXPECT_EQ(rowsOf(kernel("flat", {1, 0}, {1}), {2500}), "10000/10000 4/4 10000/10000 ");
  EXPECT_EQ(rowsOf(kernel("map", {4, 1, 0}, {4}), {10, 8, 8, 20}), "320/320 32/32 4/4 32/80 ");
  EXPECT_EQ(rowsOf(kernel("reduce", {4}, {1}), {10, 8, 4, 9}), "32/36 96/96 "); // three ranges of rows
  EXPECT_EQ(rowsOf(kernel("dropout", {2, 0, 0, 0}, {2}), {4, 10, 3, 10, 16}), "480/480 4/4 4/4 4/4 40/64 ");
  EXPECT_EQ(rowsOf(kernel("flatten_pixels", {4}, {2}), {2, 8, 30, 9, 241}), "32/36 960/964 ");
  EXPECT_EQ(rowsOf(kernel("normalize_groups", {4}, {4}), {2, 30, 4, 2, 8, 10}), "1920/1920 32/40 ");
  EXPECT_EQ(rowsOf(kernel("mop", {4}, {4}), {2}), "0/0 0/0 ");
  Kernel fixed{"k", "fixed", {{4, 16}}, 1, 0, {4}, 7};
  EXPECT_EQ(rowsOf(fixed, {4}), "0/0 ");
}

TEST(Kernels, SaysWhyALaunchIsNone) {
  auto why = [](const Kernel &kernel, const std::vector<int64_t> &extents) {
    std::vector<OperandSize> sizes;
    int64_t units = 0;
    std::string text;
    bool isGood = measureLaunch(kernel, extents, sizes, units, text);
    EXPECT_EQ(isGood, text.empty());
    return text;
  };
  EXPECT_EQ(why(kernel("mop", {4}, {4}), {10}), "kernel 'k' is of unknown family 'mop'");
  EXPECT_EQ(why(kernel("map", {}, {}), {10, 8}), "a kernel of family map has 0 operands");
  EXPECT_EQ(why(kernel("gate", {4, 4, 4}, {4}), {10, 8}), "a kernel of family gate has 4 operands");
  EXPECT_EQ(why(kernel("reduce", {4, 4}, {1}, 2), {10, 8, 4, 8, 8}), "expected 7 extents for kernel 'k', but got 5");
  EXPECT_EQ(why(kernel("reduce", {4, 4}, {1}, 2), {10, 8, 4, 8, 8, 0, 0}), ""); // a count may be anything
  EXPECT_EQ(why(kernel("map", {4}, {4}), {10, 8, 8, 0}), "an extent of kernel 'k' is not positive");
  EXPECT_EQ(why(kernel("map", {4}, {4}), {10, 8, 8, 7}), "rows of an operand of kernel 'k' overlap");
  EXPECT_EQ(why({"k", "fixed", {{4, 16}}, 1, 0, {4}, 7}, {5}), "kernel 'k' was compiled for other extents");
  Kernel two = kernel("map", {4, 4}, {4, 4});
  two.parts = 2;
  EXPECT_EQ(why(two, {1, 1, 1, 1}), "kernel 'k' has 2 parts, but a launch gives 4 extents and sizes");
  EXPECT_EQ(why(two, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1}), "the grid of a part of kernel 'k' is empty");
  // Only the paddings of a pool may be 0.
  for (size_t i = 0; i < 16; ++i) {
    std::vector<int64_t> pool = {2, 6, 5, 8, 3, 2, 2, 2, 2, 2, 1, 1, 1, 1, 8, 8};
    pool[i] = 0;
    EXPECT_EQ(why(kernel("max_pool", {4}, {4}), pool),
              i >= 10 && i < 14 ? "" : "an extent of kernel 'k' is not positive")
        << i;
  }
  std::vector<int64_t> resize = {2, 32767, 32767, 1, 32767, 32767, 1, 1};
  EXPECT_EQ(measure(kernel("resize", {4}, {4}), resize), "2147352578 2147352578 | 65534");
  for (size_t i : {1, 2, 4, 5}) {
    std::vector<int64_t> large = resize;
    large[i] = 32768;
    EXPECT_EQ(measure(kernel("resize", {4}, {4}), large).substr(22), "| 0") << i;
  }
}

TEST(Kernels, GridsHaveTheirLimits) {
  const Kernel one = kernel("map", {4}, {4});
  EXPECT_TRUE(isGridOf(one, {}, {INT32_MAX, 65535, 7}, {1024, 1, 1}));
  EXPECT_FALSE(isGridOf(one, {}, {1, 65536, 1}, {1, 1, 1}));
  Kernel two = one;
  two.parts = 2;
  auto takes = [&](int64_t x, int64_t y, int64_t threadsX, int64_t threadsY, int64_t blocks) {
    return isGridOf(two, {x, y, threadsX, threadsY, 1, 1, 1, 1}, {unsigned(blocks), 1, 1}, {1024, 1, 1});
  };
  EXPECT_TRUE(takes(3, 2, 32, 32, 7));
  EXPECT_FALSE(takes(3, 2, 32, 33, 7));
  EXPECT_TRUE(takes(3, 2, 1024, 1, 7));
  EXPECT_FALSE(takes(3, 2, 1025, 1, 7));
  EXPECT_TRUE(takes(3, 2, 1, 1024, 7));
  EXPECT_FALSE(takes(3, 2, 1, 1025, 7));
  // Whatever the block has.
  auto large = [&](int64_t threadsX, int64_t threadsY) {
    return isGridOf(two, {1, 1, threadsX, threadsY, 1, 1, 1, 1}, {2, 1, 1}, {4096, 1, 1});
  };
  EXPECT_TRUE(large(1024, 2) && large(2, 1024));
  EXPECT_FALSE(large(1025, 2) || large(2, 1025));
  EXPECT_TRUE(takes(1, 65535, 1, 1, 65536));
  EXPECT_FALSE(takes(1, 65536, 1, 1, 65537));
  EXPECT_TRUE(takes(INT32_MAX, 1, 1, 1, int64_t(1) << 31));
  EXPECT_FALSE(takes(int64_t(1) << 31, 1, 1, 1, (int64_t(1) << 31) + 1));
  const std::array<unsigned, 3> good = {2, 1, 1};
  for (size_t i : {1, 2}) { // of one row of threads, in one row of blocks
    std::array<unsigned, 3> other = good, threads = {1024, 1, 1};
    other[i] = 2;
    EXPECT_FALSE(isGridOf(two, {1, 1, 1, 1, 1, 1, 1, 1}, other, threads)) << i;
    threads[i] = 2;
    EXPECT_FALSE(isGridOf(two, {1, 1, 1, 1, 1, 1, 1, 1}, good, threads)) << i;
  }
  EXPECT_TRUE(isGridOf(two, {1, 1, 1, 1, 1, 1, 1, 1}, good, {1024, 1, 1}));
  for (const char *family : {"fixed", "flat", "map", "sum_squares"})
    EXPECT_TRUE(isKernelFamily(family));
  for (const char *family : {"", "mop", "fixe", "mixed"})
    EXPECT_FALSE(isKernelFamily(family));
}

// Sizes that no memory has stay too large, whatever their product would be.
TEST(Kernels, DoesNotOverflow) {
  std::vector<OperandSize> sizes;
  int64_t units = 0;
  std::string why;
  ASSERT_TRUE(measureLaunch(kernel("map", {4}, {4}), {kHuge, kHuge, kHuge, kHuge}, sizes, units, why));
  EXPECT_EQ(sizes[0].bytes, uint64_t(4) << 50);
  EXPECT_EQ(units, kHuge);
  ASSERT_TRUE(measureLaunch(kernel("max_pool", {4}, {4}),
                            {kHuge, kHuge, kHuge, 1, kHuge, kHuge, 1, 1, 1, 1, 0, 0, 0, 0, kHuge, kHuge}, sizes, units,
                            why));
  EXPECT_EQ(sizes[0].bytes, uint64_t(4) << 50);
  EXPECT_EQ(sizes[1].bytes, uint64_t(4) << 50);
  EXPECT_EQ(units, int64_t(1) << 50);
  // Up to there they are exact.
  ASSERT_TRUE(measureLaunch(kernel("map", {4}, {4}), {(int64_t(1) << 49) - 1, 1, 2, 1}, sizes, units, why));
  EXPECT_EQ(sizes[0].bytes, 4 * ((uint64_t(1) << 50) - 3));
}
