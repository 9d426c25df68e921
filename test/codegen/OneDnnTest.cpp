// SPDX-License-Identifier: Apache-2.0
//
// The oneDNN wrapper against plain loops: convolutions in all directions and weights formats, matrix products,
// reorders, and formats and plans as a damaged image may hold them.

#include "runtime/device/cpu/OneDnn.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

namespace incept::onednn {

namespace {

/// 64-byte aligned floats in [-1, 1).
class Buffer {
public:
  explicit Buffer(uint64_t bytes, unsigned seed = 1)
      : size(bytes / 4), data(static_cast<float *>(std::aligned_alloc(64, (bytes + 64) / 64 * 64)), std::free) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> distribution(-1, 1);
    for (uint64_t i = 0; i < size; ++i)
      data.get()[i] = distribution(random);
  }
  float *get() const { return data.get(); }
  float &operator[](int64_t i) { return data.get()[i]; }
  uint64_t size;

private:
  std::unique_ptr<float, void (*)(void *)> data;
};

Problem convolution(Kind kind, int64_t groups) {
  Problem p;
  p.kind = kind;
  p.mb = 2, p.g = groups, p.ic = 12, p.ih = 9, p.iw = 7, p.oc = 20, p.kh = 3, p.kw = 2;
  p.sh = 2, p.sw = 1, p.dh = 1, p.dw = 2, p.pt = 1, p.pl = 0, p.pb = 2, p.pr = 1;
  p.oh = (p.ih + p.pt + p.pb - p.dh * (p.kh - 1) - 1) / p.sh + 1;
  p.ow = (p.iw + p.pl + p.pr - p.dw * (p.kw - 1) - 1) / p.sw + 1;
  return p;
}

/// Calls `body(src index, weights index, dst index)` for every product of a convolution.
template <typename Body>
void forEachProduct(const Problem &p, Body body) {
  int64_t icg = p.ic / p.g, ocg = p.oc / p.g;
  for (int64_t n = 0; n < p.mb; ++n)
    for (int64_t oc = 0; oc < p.oc; ++oc)
      for (int64_t oh = 0; oh < p.oh; ++oh)
        for (int64_t ow = 0; ow < p.ow; ++ow)
          for (int64_t ic = 0; ic < icg; ++ic)
            for (int64_t kh = 0; kh < p.kh; ++kh)
              for (int64_t kw = 0; kw < p.kw; ++kw) {
                int64_t h = oh * p.sh - p.pt + kh * p.dh, w = ow * p.sw - p.pl + kw * p.dw;
                if (h < 0 || h >= p.ih || w < 0 || w >= p.iw)
                  continue;
                int64_t channel = oc / ocg * icg + ic;
                body(((n * p.ih + h) * p.iw + w) * p.ic + channel, ((oc * icg + ic) * p.kh + kh) * p.kw + kw,
                     ((n * p.oh + oh) * p.ow + ow) * p.oc + oc);
              }
}

void expectNear(const std::vector<double> &expected, const float *actual, const std::string &what) {
  double worst = 0;
  for (size_t i = 0; i < expected.size(); ++i)
    worst = std::max(worst, std::abs(expected[i] - actual[i]));
  EXPECT_LT(worst, 1e-4) << what;
}

/// `values` rounded to bf16 (halves away from zero), and their high halves in a buffer.
std::vector<uint16_t> roundToBf16(Buffer &values) {
  std::vector<uint16_t> bits(values.size + 64);
  for (uint64_t i = 0; i < values.size; ++i) {
    uint32_t word;
    std::memcpy(&word, &values[i], 4);
    bits[i] = (word + 0x8000) >> 16;
    word = uint32_t(bits[i]) << 16;
    std::memcpy(&values[i], &word, 4);
  }
  return bits;
}

std::vector<float> widen(const uint16_t *bits, size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    uint32_t word = uint32_t(bits[i]) << 16;
    std::memcpy(&values[i], &word, 4);
  }
  return values;
}

/// A window of one pixel that stops at each: a product of matrices.
Problem product(Kind kind, int64_t ic, int64_t oc) {
  Problem p;
  p.kind = kind;
  p.mb = 8, p.ic = ic, p.ih = p.oh = 16, p.iw = p.ow = 4, p.oc = oc, p.kh = p.kw = 1;
  return p;
}

/// Runs a convolution or a gradient of one on drawn numbers, and compares.
void expectAgreesWithLoops(const Problem &p) {
  std::string error, what = std::string(kindName(p.kind)) + " " + p.weightsFormat;
  Primitive primitive;
  ASSERT_TRUE(primitive.build(p, error)) << error;
  const Description &d = primitive.description();
  std::vector<int64_t> dims = {p.oc, p.ic / p.g, p.kh, p.kw};
  Buffer src(4 * p.mb * p.ic * p.ih * p.iw, 2), dst(4 * p.mb * p.oc * p.oh * p.ow, 3);
  Buffer dense(4 * p.oc * (p.ic / p.g) * p.kh * p.kw, 4), packed(d.weightsBytes), scratchpad(d.scratchpadBytes + 4);
  ASSERT_TRUE(pack(dims, d.weightsFormat, dense.get(), packed.get(), error)) << error;
  if (p.kind == Kind::ConvolutionForward) {
    std::vector<double> expected(dst.size);
    forEachProduct(p, [&](int64_t s, int64_t w, int64_t o) { expected[o] += double(src[s]) * dense[w]; });
    void *operands[] = {src.get(), packed.get(), dst.get(), scratchpad.get()};
    ASSERT_TRUE(primitive.run(operands, 4, error)) << error;
    expectNear(expected, dst.get(), what);
  } else if (p.kind == Kind::ConvolutionBackwardData) {
    std::vector<double> expected(src.size);
    forEachProduct(p, [&](int64_t s, int64_t w, int64_t o) { expected[s] += double(dst[o]) * dense[w]; });
    void *operands[] = {dst.get(), packed.get(), src.get(), scratchpad.get()};
    ASSERT_TRUE(primitive.run(operands, 4, error)) << error;
    expectNear(expected, src.get(), what);
  } else {
    std::vector<double> expected(dense.size);
    forEachProduct(p, [&](int64_t s, int64_t w, int64_t o) { expected[w] += double(src[s]) * dst[o]; });
    void *operands[] = {src.get(), dst.get(), packed.get(), scratchpad.get()};
    ASSERT_TRUE(primitive.run(operands, 4, error)) << error;
    ASSERT_TRUE(unpack(dims, d.weightsFormat, packed.get(), dense.get(), error)) << error;
    expectNear(expected, dense.get(), what);
  }
}

constexpr Kind kDirections[] = {Kind::ConvolutionForward, Kind::ConvolutionBackwardData,
                                Kind::ConvolutionBackwardWeights};

} // namespace

class Convolutions : public testing::TestWithParam<std::pair<int64_t, std::string>> {};

TEST_P(Convolutions, AgreeWithLoops) {
  auto [groups, format] = GetParam();
  for (Kind kind : kDirections) {
    Problem p = convolution(kind, groups);
    p.weightsFormat = format;
    expectAgreesWithLoops(p);
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Convolutions,
                         testing::Values(std::pair(1, "any"), std::pair(1, ""), std::pair(4, "any"), std::pair(4, "")));

TEST(OneDnn, GradientsOfProductsAgreeWithLoops) {
  for (auto [ic, oc] : {std::pair(12, 20), std::pair(128, 136), std::pair(129, 131)})
    for (Kind kind : kDirections) {
      Problem p = product(kind, ic, oc);
      std::string error;
      Description forward;
      ASSERT_TRUE(describe(product(Kind::ConvolutionForward, ic, oc), forward, error)) << error;
      for (const std::string &format : {std::string("any"), std::string(), forward.weightsFormat}) {
        p.weightsFormat = format;
        expectAgreesWithLoops(p);
      }
    }
}

TEST(OneDnn, GradientsOfProductsAreProducts) {
  // The gradient of data is by what a forward convolution of the channels the other way round is by.
  std::string error;
  Description data, transposed, weights, product128, library;
  ASSERT_TRUE(describe(product(Kind::ConvolutionBackwardData, 96, 64), data, error)) << error;
  ASSERT_TRUE(describe(product(Kind::ConvolutionForward, 64, 96), transposed, error)) << error;
  EXPECT_EQ(data.impl, transposed.impl);
  // From 128 channels on that of weights is by what a product of matrices is by, and dense.
  Problem p = product(Kind::ConvolutionBackwardWeights, 160, 128), matrices;
  matrices.kind = Kind::MatMul;
  matrices.m = p.oc, matrices.k = p.mb * p.oh * p.ow, matrices.n = p.ic;
  matrices.transposeA = true;
  matrices.lda = p.oc, matrices.ldb = matrices.ldc = p.ic;
  ASSERT_TRUE(describe(p, weights, error)) << error;
  ASSERT_TRUE(describe(matrices, product128, error)) << error;
  EXPECT_EQ(weights.impl, product128.impl);
  EXPECT_EQ(weights.weightsFormat, "");
  EXPECT_EQ(weights.weightsBytes, uint64_t(160 * 128 * 4));
  EXPECT_TRUE(givesDenseWeights(p));
  // One that asks for another format gets it, by code for gradients.
  p.weightsFormat = "128x160x1x1/1280x64x64x64/8b8a";
  ASSERT_TRUE(describe(p, library, error)) << error;
  EXPECT_EQ(library.weightsFormat, p.weightsFormat);
  EXPECT_NE(library.impl, product128.impl);
}

TEST(OneDnn, OnlyProductsOfManyChannelsAndPixelsGiveDenseWeights) {
  const Problem p = product(Kind::ConvolutionBackwardWeights, 128, 128);
  EXPECT_TRUE(givesDenseWeights(p));
  EXPECT_FALSE(givesDenseWeights(product(Kind::ConvolutionBackwardData, 128, 128)));
  Problem small = p; // 511 pixels
  small.mb = 7, small.ih = small.oh = 73, small.iw = small.ow = 1;
  EXPECT_FALSE(givesDenseWeights(small));
  EXPECT_FALSE(givesDenseWeights(product(Kind::ConvolutionBackwardWeights, 127, 128)));
  EXPECT_FALSE(givesDenseWeights(product(Kind::ConvolutionBackwardWeights, 128, 127)));
  for (int64_t Problem::*member : {&Problem::kh, &Problem::kw, &Problem::sh, &Problem::sw, &Problem::pt, &Problem::pl,
                                   &Problem::pb, &Problem::pr, &Problem::g}) {
    Problem other = p;
    ++(other.*member);
    EXPECT_FALSE(givesDenseWeights(other));
  }
  for (std::string Problem::*member : {&Problem::type, &Problem::resultType}) {
    Problem other = p;
    other.*member = "bf16";
    EXPECT_FALSE(givesDenseWeights(other));
  }
  Problem blocks = p;
  blocks.activations = "nchw16c";
  EXPECT_FALSE(givesDenseWeights(blocks));
}

TEST(OneDnn, BiasAndReluFollowAForwardConvolution) {
  Problem p = convolution(Kind::ConvolutionForward, 1);
  p.bias = p.relu = true;
  p.training = false;
  std::string error;
  Primitive primitive;
  ASSERT_TRUE(primitive.build(p, error)) << error;
  const Description &d = primitive.description();
  EXPECT_FALSE(d.reference);
  Buffer src(4 * p.mb * p.ic * p.ih * p.iw, 2), dst(4 * p.mb * p.oc * p.oh * p.ow), bias(4 * p.oc, 5);
  Buffer dense(4 * p.oc * p.ic * p.kh * p.kw, 4), packed(d.weightsBytes), scratchpad(d.scratchpadBytes + 4);
  ASSERT_TRUE(pack({p.oc, p.ic, p.kh, p.kw}, d.weightsFormat, dense.get(), packed.get(), error)) << error;
  std::vector<double> expected(dst.size);
  for (size_t i = 0; i < expected.size(); ++i)
    expected[i] = bias[i % p.oc];
  forEachProduct(p, [&](int64_t s, int64_t w, int64_t o) { expected[o] += double(src[s]) * dense[w]; });
  for (double &value : expected)
    value = std::max(value, 0.0);
  void *operands[] = {src.get(), packed.get(), bias.get(), dst.get(), scratchpad.get()};
  ASSERT_TRUE(primitive.run(operands, 5, error)) << error;
  expectNear(expected, dst.get(), "forward");
}

TEST(OneDnn, MatMulHasPitchesTransposesAndBias) {
  for (int mask = 0; mask < 8; ++mask) {
    Problem p;
    p.kind = Kind::MatMul;
    p.m = 7, p.n = 10, p.k = 13;
    p.transposeA = mask & 1, p.transposeB = mask & 2, p.bias = mask & 4;
    p.lda = 16, p.ldb = 17, p.ldc = 12;
    std::string error;
    Primitive primitive;
    ASSERT_TRUE(primitive.build(p, error)) << error;
    Buffer a(4 * 16 * 16, 2), b(4 * 17 * 17, 3), bias(4 * p.n, 4), c(4 * 12 * 7), scratchpad(4 + 64);
    std::vector<void *> operands = {a.get(), b.get()};
    if (p.bias)
      operands.push_back(bias.get());
    operands.push_back(c.get());
    operands.push_back(scratchpad.get());
    ASSERT_TRUE(primitive.run(operands.data(), operands.size(), error)) << error;
    for (int64_t i = 0; i < p.m; ++i)
      for (int64_t j = 0; j < p.n; ++j) {
        double sum = p.bias ? bias[j] : 0;
        for (int64_t k = 0; k < p.k; ++k)
          sum += double(a[p.transposeA ? k * 16 + i : i * 16 + k]) * b[p.transposeB ? j * 17 + k : k * 17 + j];
        EXPECT_NEAR(c[i * 12 + j], sum, 1e-5);
      }
  }
}

TEST(OneDnn, ReorderScalesOutputChannels) {
  for (int64_t groups : {1, 4}) {
    std::string error;
    Description d;
    Problem conv = convolution(Kind::ConvolutionForward, groups);
    ASSERT_TRUE(describe(conv, d, error)) << error;
    Problem p;
    p.kind = Kind::Reorder;
    p.dims = {conv.oc, conv.ic / groups, conv.kh, conv.kw};
    p.dstFormat = d.weightsFormat;
    p.scales = true;
    Primitive primitive;
    ASSERT_TRUE(primitive.build(p, error)) << error;
    Buffer dense(4 * conv.oc * (conv.ic / groups) * conv.kh * conv.kw, 2), scales(4 * conv.oc, 3);
    Buffer packed(d.weightsBytes), back(4 * dense.size), scratchpad(primitive.description().scratchpadBytes + 4);
    void *operands[] = {dense.get(), scales.get(), packed.get(), scratchpad.get()};
    ASSERT_TRUE(primitive.run(operands, 4, error)) << error;
    ASSERT_TRUE(unpack(p.dims, d.weightsFormat, packed.get(), back.get(), error)) << error;
    for (uint64_t i = 0; i < dense.size; ++i)
      EXPECT_FLOAT_EQ(back[i], dense[i] * scales[i / (dense.size / conv.oc)]);
  }
}

TEST(OneDnn, ConvolvesInBf16WhereTheProcessorCan) {
  if (!hasBf16())
    GTEST_SKIP() << "no AVX-512";
  for (Kind kind : {Kind::ConvolutionForward, Kind::ConvolutionBackwardData, Kind::ConvolutionBackwardWeights}) {
    Problem p = convolution(kind, 1);
    p.dh = p.dw = 1;
    p.oh = (p.ih + p.pt + p.pb - p.kh) / p.sh + 1, p.ow = (p.iw + p.pl + p.pr - p.kw) / p.sw + 1;
    p.type = "bf16";
    p.resultType = kind == Kind::ConvolutionBackwardWeights ? "f32" : "bf16";
    std::string error, what = std::string(kindName(kind));
    Primitive primitive;
    ASSERT_TRUE(primitive.build(p, error)) << error;
    const Description &d = primitive.description();
    EXPECT_FALSE(d.reference) << what << ": " << d.impl;
    std::vector<int64_t> dims = {p.oc, p.ic, p.kh, p.kw};
    Buffer src(4 * p.mb * p.ic * p.ih * p.iw, 2), dst(4 * p.mb * p.oc * p.oh * p.ow, 3);
    Buffer dense(4 * p.oc * p.ic * p.kh * p.kw, 4), packed(d.weightsBytes), scratchpad(d.scratchpadBytes + 4);
    std::vector<uint16_t> srcBits = roundToBf16(src), dstBits = roundToBf16(dst), denseBits = roundToBf16(dense);
    if (kind == Kind::ConvolutionBackwardWeights) {
      std::vector<double> expected(dense.size);
      forEachProduct(p, [&](int64_t s, int64_t w, int64_t o) { expected[w] += double(src[s]) * dst[o]; });
      void *operands[] = {srcBits.data(), dstBits.data(), packed.get(), scratchpad.get()};
      ASSERT_TRUE(primitive.run(operands, 4, error)) << error;
      ASSERT_TRUE(unpack(dims, d.weightsFormat, packed.get(), dense.get(), error)) << error;
      expectNear(expected, dense.get(), what);
      continue;
    }
    Problem pack;
    pack.kind = Kind::Reorder;
    pack.dims = dims;
    pack.dstFormat = d.weightsFormat;
    pack.type = pack.resultType = "bf16";
    Primitive reorder;
    ASSERT_TRUE(reorder.build(pack, error)) << error;
    Buffer reorderScratchpad(reorder.description().scratchpadBytes + 4);
    void *reordered[] = {denseBits.data(), packed.get(), reorderScratchpad.get()};
    ASSERT_TRUE(reorder.run(reordered, 3, error)) << error;
    bool isForward = kind == Kind::ConvolutionForward;
    std::vector<double> expected(isForward ? dst.size : src.size);
    forEachProduct(p, [&](int64_t s, int64_t w, int64_t o) {
      expected[isForward ? o : s] += double(isForward ? src[s] : dst[o]) * dense[w];
    });
    void *operands[] = {isForward ? srcBits.data() : dstBits.data(), packed.get(),
                        isForward ? dstBits.data() : srcBits.data(), scratchpad.get()};
    ASSERT_TRUE(primitive.run(operands, 4, error)) << error;
    std::vector<float> got = widen(isForward ? dstBits.data() : srcBits.data(), expected.size());
    for (size_t i = 0; i < got.size(); ++i)
      EXPECT_NEAR(got[i], expected[i], std::abs(expected[i]) / 256 + 1e-3) << what << " " << i;
  }
}

TEST(OneDnn, MultipliesMatricesInBf16WhereTheProcessorCan) {
  if (!hasBf16())
    GTEST_SKIP() << "no AVX-512";
  for (const char *result : {"f32", "bf16"}) {
    Problem p;
    p.kind = Kind::MatMul;
    p.m = p.lda = 7, p.n = p.ldb = p.ldc = 10, p.k = 13;
    p.transposeA = p.bias = true;
    p.type = "bf16", p.resultType = result;
    std::string error;
    Primitive primitive;
    ASSERT_TRUE(primitive.build(p, error)) << error;
    EXPECT_FALSE(primitive.description().reference) << primitive.description().impl;
    Buffer a(4 * p.k * p.m, 2), b(4 * p.k * p.n, 3), bias(4 * p.n, 4), c(4 * p.m * p.n);
    Buffer scratchpad(primitive.description().scratchpadBytes + 4);
    std::vector<uint16_t> aBits = roundToBf16(a), bBits = roundToBf16(b);
    void *operands[] = {aBits.data(), bBits.data(), bias.get(), c.get(), scratchpad.get()};
    ASSERT_TRUE(primitive.run(operands, 5, error)) << error;
    bool isWide = p.resultType == "f32";
    std::vector<float> narrow = widen(reinterpret_cast<const uint16_t *>(c.get()), p.m * p.n);
    for (int64_t i = 0; i < p.m; ++i)
      for (int64_t j = 0; j < p.n; ++j) {
        double sum = bias[j];
        for (int64_t k = 0; k < p.k; ++k)
          sum += double(a[k * p.m + i]) * b[k * p.n + j];
        EXPECT_NEAR(isWide ? c[i * p.n + j] : narrow[i * p.n + j], sum, isWide ? 1e-5 : std::abs(sum) / 256 + 1e-3);
      }
  }
}

TEST(OneDnn, PlansSurviveTheirTextForm) {
  Problem p = convolution(Kind::ConvolutionBackwardWeights, 4), q;
  p.weightsFormat = "";
  std::string error;
  ASSERT_TRUE(decode(encode(p), q, error)) << error;
  EXPECT_EQ(encode(p), encode(q));
  p.type = "bf16";
  ASSERT_TRUE(decode(encode(p), q, error)) << error;
  EXPECT_EQ(q.type, "bf16");
  EXPECT_EQ(q.resultType, "f32");
  EXPECT_FALSE(decode({{"kind", "convolution_forward"}, {"mb", "eight"}}, q, error));
  EXPECT_FALSE(decode({{"kind", "spiral"}}, q, error));
  EXPECT_FALSE(decode({{"kind", "reorder"}, {"dims", "8x8x3x3x1"}}, q, error));
  EXPECT_FALSE(decode({{"mb", "8"}}, q, error));
}

TEST(OneDnn, DeclinesMalformedFormats) {
  uint64_t bytes = 0;
  std::string error;
  ASSERT_TRUE(formatBytes({16, 3, 3, 3}, "16x8x3x3/576x576x192x64/8b8a", bytes, error)) << error;
  EXPECT_EQ(bytes, 16u * 8 * 9 * 4);
  for (const char *format : {"garbage", "/", "//", "g", "g4", "g0:16x3x3x3x1/1x1x1x1x1/", "g5:4x4x3x3x3/1x1x1x1x1/",
                             "16x3x3x3/27x9x3x1", "16x3x3/9x3x1/", "8x3x3x3/27x9x3x1/", "16x3x3x3/27x9x3x1/3a",
                             "16x3x3x3/27x9x3x1/4e", "16x3x3x3/27x9x3x1/0a", "16x3x3x3/-27x9x3x1/", "16x3x3x3/0x9x3x1/",
                             "99999999999999999999x3x3x3/27x9x3x1/", "16x3x3x3/9223372036854775807x9x3x1/",
                             "1099511627776x3x3x3/27x9x3x1/", "16x3x3x3/27x9x3x1/1a1a1a1a1a1a1a1a1a1a1a1a1a1a"})
    EXPECT_FALSE(formatBytes({16, 3, 3, 3}, format, bytes, error)) << format;
}

TEST(OneDnn, RowsHaveTheFormatOfTheWhole) {
  std::string rows, error;
  // Blocks of 8 output channels in blocks of 8 input channels: a block of 8 rows has 8 * 16 * 9 values.
  const std::string whole = "32x16x3x3/1152x576x192x64/8b8a";
  ASSERT_TRUE(rowsFormat(whole, 8, rows));
  EXPECT_EQ(rows, "8x16x3x3/1152x576x192x64/8b8a");
  uint64_t bytes = 0;
  ASSERT_TRUE(formatBytes({8, 16, 3, 3}, rows, bytes, error)) << error;
  EXPECT_EQ(bytes, 8u * 16 * 9 * 4);
  ASSERT_TRUE(rowsFormat(whole, 32, rows));
  EXPECT_EQ(rows, whole);
  for (int64_t count : {int64_t(4), int64_t(40), int64_t(0), int64_t(-8), INT64_MIN, INT64_MAX})
    EXPECT_FALSE(rowsFormat(whole, count, rows)) << count;
  // Input channels outermost: the rows are not neighbours.
  EXPECT_FALSE(rowsFormat("32x16x3x3/576x2304x192x64/8b8a", 8, rows));
}

TEST(OneDnn, RowsOfMalformedFormatsAreDeclined) {
  std::string rows;
  for (const char *format :
       {"", "garbage", "16x3x3x3/27x9x3x1", "16x3x3/27x9x3/", "16x3x3x3/27x9x3x1/0a", "16x3x3x3/27x9x3x1/-8a",
        "16x3x3x3/27x9x3x1/8", "16x3x3x3/27x9x3x1/8e", "16x3x3x3/27x9x3x1/a",
        "16x3x3x3/27x9x3x1/4294967296a4294967296a", "1099511627776x1099511627776x1099511627776x1099511627776/1x1x1x1/",
        "1099511627776x1x1x1/1099511627776x1x1x1/", "99999999999999999999x3x3x3/27x9x3x1/"})
    EXPECT_FALSE(rowsFormat(format, 8, rows)) << format;
}

TEST(OneDnn, ActivationsLieInBlocksWhereAPlanSaysSo) {
  std::string error;
  Problem p = convolution(Kind::ConvolutionForward, 1), q;
  p.ic = 16, p.oc = 24;
  p.activations = "nchw8c";
  ASSERT_TRUE(decode(encode(p), q, error)) << error;
  EXPECT_EQ(q.activations, "nchw8c");
  Description d;
  EXPECT_TRUE(describe(q, d, error)) << error;
  q.ic = 12; // not whole blocks
  EXPECT_FALSE(describe(q, d, error));
  // As a damaged image may have it; there are 24 channels.
  for (const char *damaged : {"xyz", "", "nchw16c", "nchw32c", "nhwc "}) {
    auto fields = encode(p);
    for (auto &[key, value] : fields)
      if (key == "activations")
        value = damaged;
    Primitive primitive;
    ASSERT_TRUE(decode(fields, q, error)) << error;
    EXPECT_FALSE(primitive.build(q, error)) << damaged;
    EXPECT_EQ(error, "expected activations in nhwc, or in nchw8c or nchw16c with whole blocks of channels, but got '" +
                         std::string(damaged) + "'");
  }
}

TEST(OneDnn, AGradientOfWeightsReadsBlocksOf16Channels) {
  Problem p = convolution(Kind::ConvolutionBackwardWeights, 1);
  p.ic = 32, p.oc = 16;
  p.activations = "nchw16c";
  p.weightsFormat = "";
  std::string error;
  Primitive primitive;
  ASSERT_TRUE(primitive.build(p, error)) << error;
  Buffer src(4 * p.mb * p.ic * p.ih * p.iw, 2), dst(4 * p.mb * p.oc * p.oh * p.ow, 3);
  Buffer diff(4 * p.oc * p.ic * p.kh * p.kw, 4), scratchpad(primitive.description().scratchpadBytes + 4);
  // Where element (n, pixel, channel) of NHWC is.
  auto blocked = [](int64_t nhwc, int64_t pixels, int64_t channels) {
    int64_t c = nhwc % channels, pixel = nhwc / channels % pixels, n = nhwc / channels / pixels;
    return ((n * (channels / 16) + c / 16) * pixels + pixel) * 16 + c % 16;
  };
  std::vector<double> expected(diff.size);
  forEachProduct(p, [&](int64_t s, int64_t w, int64_t o) {
    expected[w] += double(src[blocked(s, p.ih * p.iw, p.ic)]) * dst[blocked(o, p.oh * p.ow, p.oc)];
  });
  void *operands[] = {src.get(), dst.get(), diff.get(), scratchpad.get()};
  ASSERT_TRUE(primitive.run(operands, 4, error)) << error;
  expectNear(expected, diff.get(), "gradient of weights");
}

TEST(OneDnn, RunsWhatWasBuiltOnWhatItTakes) {
  std::string error;
  Primitive primitive;
  EXPECT_EQ(primitive.description().impl + primitive.description().weightsFormat, "");
  EXPECT_FALSE(primitive.run(nullptr, 0, error));
  EXPECT_EQ(error, "the primitive was not built");
  Problem p;
  p.kind = Kind::Reorder;
  p.dims = {16, 16, 1, 1};
  p.dstFormat = "16x16x1x1/256x256x256x256/16b16a";
  ASSERT_TRUE(primitive.build(p, error)) << error;
  EXPECT_EQ(primitive.description().weightsFormat, p.dstFormat);
  EXPECT_EQ(primitive.description().weightsBytes, 1024u);
  EXPECT_FALSE(primitive.description().reference); // of a reorder it is no mistake
  // More sets of addresses than are kept, each of them twice.
  constexpr int kSets = 70;
  std::vector<std::unique_ptr<Buffer>> from, to;
  Buffer scratchpad(primitive.description().scratchpadBytes + 4);
  for (int set = 0; set < kSets; ++set) {
    from.push_back(std::make_unique<Buffer>(1024, set + 2));
    to.push_back(std::make_unique<Buffer>(1024));
  }
  for (int round = 0; round < 2; ++round)
    for (int set = 0; set < kSets; ++set) {
      std::fill_n(to[set]->get(), 256, 0.f);
      void *operands[] = {from[set]->get(), to[set]->get(), scratchpad.get()};
      ASSERT_TRUE(primitive.run(operands, 3, error)) << error;
      for (int a = 0; a < 16; ++a)
        for (int b = 0; b < 16; ++b)
          ASSERT_EQ((*to[set])[b * 16 + a], (*from[set])[a * 16 + b]) << set;
    }
  void *operands[] = {from[0]->get(), nullptr, scratchpad.get()};
  EXPECT_FALSE(primitive.run(operands, 2, error));
  EXPECT_EQ(error, "expected 3 operands, but got 2");
  EXPECT_FALSE(primitive.run(operands, 3, error));
  EXPECT_EQ(error, "operand 1 has no address");
}

TEST(OneDnn, KnowsWhatDependsOnThreads) {
  Problem p;
  p.kind = Kind::Reorder;
  p.dims = {16, 16, 1, 1};
  EXPECT_FALSE(dependsOnThreads(p, 2)); // nothing is added up
  p.dstFormat = "garbage";
  EXPECT_TRUE(dependsOnThreads(p, 2)); // it does not run
  EXPECT_FALSE(version().empty() || isa().empty());
  EXPECT_TRUE(limitIsa("a processor of another kind", p.dstFormat));
}

TEST(OneDnn, DeclinesImpossibleProblems) {
  std::string error;
  Description d;
  Problem p = convolution(Kind::ConvolutionForward, 1);
  p.oh += 1;
  EXPECT_FALSE(describe(p, d, error));
  p = convolution(Kind::ConvolutionForward, 1);
  p.ic = int64_t(1) << 40;
  EXPECT_FALSE(describe(p, d, error));
  p = convolution(Kind::ConvolutionForward, 1);
  p.g = 3; // does not divide the output channels
  EXPECT_FALSE(describe(p, d, error));
  p = Problem();
  p.kind = Kind::MatMul;
  p.m = p.n = p.k = 8, p.lda = p.ldb = 8, p.ldc = 7;
  EXPECT_FALSE(describe(p, d, error));
  EXPECT_EQ(error, "expected a row pitch of at least 8 in 'c', but got 7");
}

} // namespace incept::onednn
