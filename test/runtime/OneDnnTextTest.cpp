// SPDX-License-Identifier: Apache-2.0
//
// Plans and formats of the CPU as text, field by field, and what their operands take in memory: against counting, with
// both sides of every limit. Needs no library.

#include "runtime/device/cpu/OneDnnText.h"
#include "runtime/device/cpu/OneDnn.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

namespace incept::onednn {

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;
using Bytes = std::vector<uint64_t>;

/// Every field has a number of its own, but where the convolution's size follows.
Problem forward() {
  Problem p;
  p.mb = 2, p.g = 3, p.ic = 6, p.ih = 11, p.iw = 12, p.oc = 9;
  p.kh = 4, p.kw = 5, p.sh = 2, p.sw = 3, p.dh = 2, p.dw = 1, p.pt = 1, p.pl = 0, p.pb = 2, p.pr = 4;
  p.oh = 4, p.ow = 4; // (11 + 1 + 2 - 7) / 2 + 1 and (12 + 0 + 4 - 5) / 3 + 1
  return p;
}

Problem product() {
  Problem p;
  p.kind = Kind::MatMul;
  p.m = 4, p.n = 5, p.k = 6, p.lda = 7, p.ldb = 8, p.ldc = 9;
  return p;
}

Problem reorder() {
  Problem p;
  p.kind = Kind::Reorder;
  p.dims = {16, 3, 2, 5};
  p.dstFormat = "16x8x2x5/80x80x40x8/8b"; // 3 channels in a block of 8
  return p;
}

std::string problemOf(const Problem &p) {
  std::string error;
  bool isGood = check(p, error);
  EXPECT_EQ(isGood, error.empty());
  return error;
}

Bytes bytesOf(const Problem &p) {
  Bytes bytes = {1, 2, 3}; // of another problem
  std::string error;
  EXPECT_TRUE(operandBytes(p, bytes, error)) << error;
  return bytes;
}

std::string decoded(const Fields &fields) {
  Problem p;
  std::string error;
  bool isGood = decode(fields, p, error);
  EXPECT_EQ(isGood, error.empty());
  return error;
}

} // namespace

TEST(OneDnnText, EveryFieldHasItsName) {
  Problem p = forward();
  p.weightsFormat = "w";
  p.activations = "nchw8c";
  p.bias = true;
  p.training = false;
  Fields convolution = {{"kind", "convolution_forward"},
                        {"mb", "2"},
                        {"g", "3"},
                        {"ic", "6"},
                        {"ih", "11"},
                        {"iw", "12"},
                        {"oc", "9"},
                        {"oh", "4"},
                        {"ow", "4"},
                        {"kh", "4"},
                        {"kw", "5"},
                        {"sh", "2"},
                        {"sw", "3"},
                        {"dh", "2"},
                        {"dw", "1"},
                        {"pt", "1"},
                        {"pl", "0"},
                        {"pb", "2"},
                        {"pr", "4"},
                        {"weights_format", "w"},
                        {"activations", "nchw8c"}};
  Fields all = convolution;
  all.insert(all.end(), {{"bias", "true"}, {"relu", "false"}, {"training", "false"}});
  EXPECT_EQ(encode(p), all);
  p.relu = true;
  p.bias = false;
  p.type = "bf16";
  p.threads = 7;
  all[21].second = "false";
  all[22].second = "true";
  all.insert(all.end(), {{"type", "bf16"}, {"result_type", "f32"}, {"threads", "7"}});
  EXPECT_EQ(encode(p), all);
  p.type = "f32";
  p.threads = 0;
  for (auto [kind, name] : {std::pair(Kind::ConvolutionBackwardData, "convolution_backward_data"),
                            {Kind::ConvolutionBackwardWeights, "convolution_backward_weights"}}) {
    p.kind = kind;
    convolution[0].second = name;
    EXPECT_EQ(encode(p), convolution);
  }
  p = product();
  p.transposeB = true;
  EXPECT_EQ(encode(p), (Fields{{"kind", "matmul"},
                               {"m", "4"},
                               {"n", "5"},
                               {"k", "6"},
                               {"lda", "7"},
                               {"ldb", "8"},
                               {"ldc", "9"},
                               {"bias", "false"},
                               {"transpose_a", "false"},
                               {"transpose_b", "true"}}));
  p = reorder();
  p.scales = true;
  p.srcFormat = "s";
  p.dstFormat = "d";
  EXPECT_EQ(
      encode(p),
      (Fields{
          {"kind", "reorder"}, {"dims", "16x3x2x5"}, {"src_format", "s"}, {"dst_format", "d"}, {"scales", "true"}}));
  EXPECT_EQ(text::joinList(nullptr, 0), "");
}

TEST(OneDnnText, EveryFieldIsReadBack) {
  Fields all = {
      {"mb", "1"},          {"g", "2"},     {"ic", "3"},          {"ih", "4"},         {"iw", "5"},
      {"oc", "6"},          {"oh", "7"},    {"ow", "8"},          {"kh", "9"},         {"kw", "10"},
      {"sh", "11"},         {"sw", "12"},   {"dh", "13"},         {"dw", "14"},        {"pt", "15"},
      {"pl", "16"},         {"pb", "17"},   {"pr", "18"},         {"m", "19"},         {"n", "20"},
      {"k", "21"},          {"lda", "22"},  {"ldb", "23"},        {"ldc", "-24"},      {"weights_format", "a"},
      {"activations", "b"}, {"type", "c"},  {"result_type", "d"}, {"src_format", "e"}, {"dst_format", "f"},
      {"threads", "1024"},  {"dims", "7x9"}};
  for (const char *flag : {"bias", "relu", "training", "transpose_a", "transpose_b", "scales"})
    all.emplace_back(flag, "true");
  all.emplace_back("kind", "reorder");
  Problem p;
  std::string error;
  ASSERT_TRUE(decode(all, p, error)) << error;
  EXPECT_EQ(
      (std::vector{p.mb, p.g,  p.ic, p.ih, p.iw, p.oc, p.oh, p.ow, p.kh, p.kw,  p.sh,  p.sw,
                   p.dh, p.dw, p.pt, p.pl, p.pb, p.pr, p.m,  p.n,  p.k,  p.lda, p.ldb, p.ldc}),
      (std::vector<int64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, -24}));
  EXPECT_EQ(p.weightsFormat + p.activations + p.type + p.resultType + p.srcFormat + p.dstFormat, "abcdef");
  EXPECT_EQ(p.threads, 1024);
  EXPECT_EQ(p.dims, (std::vector<int64_t>{7, 9}));
  EXPECT_EQ(p.kind, Kind::Reorder);
  EXPECT_TRUE(p.bias && p.relu && p.training && p.transposeA && p.transposeB && p.scales);
  for (auto &[key, value] : all)
    value = value == "true" ? "false" : value;
  ASSERT_TRUE(decode(all, p, error)) << error;
  EXPECT_FALSE(p.bias || p.relu || p.training || p.transposeA || p.transposeB || p.scales);

  EXPECT_EQ(decoded({{"mb", "8"}}), "a plan without a kind");
  EXPECT_EQ(decoded({}), "a plan without a kind");
  const std::pair<const char *, const char *> damaged[] = {{"kind", "spiral"}, {"kind", ""},
                                                           {"mb", "eight"},    {"mb", ""},
                                                           {"mb", "8 "},       {"mb", "1.5"},
                                                           {"m", "x"},         {"bias", "yes"},
                                                           {"bias", ""},       {"scales", "1"},
                                                           {"threads", "0"},   {"threads", "1025"},
                                                           {"threads", "-1"},  {"threads", "x"},
                                                           {"dims", ""},       {"dims", "0"},
                                                           {"dims", "8x"},     {"dims", "x8"},
                                                           {"dims", "8x-1"},   {"dims", "1x1x1x1x1"},
                                                           {"color", "blue"},  {"dims", "1099511627777"}};
  for (auto [key, value] : damaged)
    EXPECT_EQ(decoded({{"kind", "matmul"}, {key, value}}),
              std::string("unknown or malformed plan field '") + key + "': '" + value + "'");
  for (auto [key, value] : {std::pair("threads", "1"), {"dims", "1x2x3x4"}, {"dims", "1"}, {"dims", "1099511627776"}})
    EXPECT_EQ(decoded({{"kind", "matmul"}, {key, value}}), "") << key << value;
  for (const char *name :
       {"convolution_forward", "convolution_backward_data", "convolution_backward_weights", "matmul", "reorder"}) {
    Kind kind;
    ASSERT_TRUE(parseKind(name, kind)) << name;
    EXPECT_EQ(kindName(kind), name);
  }
  EXPECT_EQ(kindName(Kind(99)), "");
}

TEST(OneDnnText, OperandsTakeWhatTheirElementsDo) {
  Problem p = forward();
  p.weightsFormat = "";
  const uint64_t src = 2 * 6 * 11 * 12, dst = 2 * 9 * 4 * 4, weights = 9 * 2 * 4 * 5;
  EXPECT_EQ(bytesOf(p), (Bytes{4 * src, 4 * weights, 4 * dst}));
  p.bias = true;
  EXPECT_EQ(bytesOf(p), (Bytes{4 * src, 4 * weights, 4 * 9, 4 * dst}));
  p.type = p.resultType = "bf16";
  EXPECT_EQ(bytesOf(p), (Bytes{2 * src, 2 * weights, 2 * 9, 2 * dst}));
  p.bias = false;
  p.kind = Kind::ConvolutionBackwardData;
  EXPECT_EQ(bytesOf(p), (Bytes{2 * dst, 2 * weights, 2 * src}));
  p.kind = Kind::ConvolutionBackwardWeights;
  p.resultType = "f32";
  EXPECT_EQ(bytesOf(p), (Bytes{2 * src, 2 * dst, 4 * weights}));

  p = product(); // the last row of a matrix ends where its numbers do
  EXPECT_EQ(bytesOf(p), (Bytes{4 * (3 * 7 + 6), 4 * (5 * 8 + 5), 4 * (3 * 9 + 5)}));
  p.bias = true;
  p.type = "bf16";
  EXPECT_EQ(bytesOf(p), (Bytes{2 * (3 * 7 + 6), 2 * (5 * 8 + 5), 4 * 5, 4 * (3 * 9 + 5)}));
  p.transposeA = p.transposeB = true;
  p.resultType = "bf16";
  EXPECT_EQ(bytesOf(p), (Bytes{2 * (5 * 7 + 4), 2 * (4 * 8 + 6), 4 * 5, 2 * (3 * 9 + 5)}));

  p = reorder();
  EXPECT_EQ(bytesOf(p), (Bytes{4 * 16 * 3 * 10, 4 * 16 * 8 * 10}));
  p.scales = true;
  p.type = "bf16";
  std::swap(p.srcFormat, p.dstFormat);
  EXPECT_EQ(bytesOf(p), (Bytes{2 * 16 * 8 * 10, 4 * 16, 2 * 16 * 3 * 10}));
}

TEST(OneDnnText, AConvolutionsSizeIsTheNumberOfWindows) {
  // Counted: how many windows begin at a multiple of the stride and end before the padding does.
  auto windows = [](int64_t room, int64_t reach, int64_t stride) {
    int64_t count = 0;
    for (int64_t begin = 0; begin + reach <= room; begin += stride)
      ++count;
    return count;
  };
  for (int64_t size = 1; size <= 5; ++size)
    for (int64_t window = 1; window <= 3; ++window)
      for (int64_t dilation = 1; dilation <= 2; ++dilation)
        for (int64_t stride = 1; stride <= 3; ++stride)
          for (int64_t begin = 0; begin <= 1; ++begin)
            for (int64_t end = 0; end <= 2; ++end) {
              int64_t expected = windows(size + begin + end, (window - 1) * dilation + 1, stride);
              for (int64_t given = 1; given <= 9; ++given) {
                Problem p;
                p.mb = p.ic = p.oc = p.iw = p.ow = p.kw = 1;
                p.ih = size, p.kh = window, p.dh = dilation, p.sh = stride, p.pt = begin, p.pb = end, p.oh = given;
                std::string tall = problemOf(p);
                std::swap(p.ih, p.iw), std::swap(p.kh, p.kw), std::swap(p.dh, p.dw), std::swap(p.sh, p.sw);
                std::swap(p.pt, p.pl), std::swap(p.pb, p.pr), std::swap(p.oh, p.ow);
                EXPECT_EQ(problemOf(p), tall);
                ASSERT_EQ(tall, given == expected ? ""
                                                  : "the convolution's dst does not have the size that its src, "
                                                    "window and padding give")
                    << size << " " << window << " " << dilation << " " << stride << " " << begin << " " << end;
              }
            }
}

TEST(OneDnnText, ProblemsAreCheckedUpToTheirLimits) {
  const std::string positive = "expected positive 32-bit dimensions in a convolution",
                    paddings = "expected paddings that are not negative",
                    elements = "expected positive dimensions of at most 2^40 elements";
  for (int64_t Problem::*member :
       {&Problem::mb, &Problem::g, &Problem::ic, &Problem::ih, &Problem::iw, &Problem::oc, &Problem::oh, &Problem::ow,
        &Problem::kh, &Problem::kw, &Problem::sh, &Problem::sw, &Problem::dh, &Problem::dw})
    for (int64_t value : {int64_t(0), int64_t(-1), int64_t(1) << 31}) {
      Problem p = forward();
      p.*member = value;
      EXPECT_EQ(problemOf(p), positive);
    }
  for (int64_t Problem::*member : {&Problem::pt, &Problem::pl, &Problem::pb, &Problem::pr})
    for (int64_t value : {int64_t(-1), int64_t(1) << 31}) {
      Problem p = forward();
      p.*member = value;
      EXPECT_EQ(problemOf(p), paddings);
    }
  // The largest numbers: one image with as many channels, and a window that is moved as far.
  Problem p;
  p.mb = p.ic = p.oc = p.ih = p.iw = p.oh = p.ow = p.kh = p.kw = 1;
  p.mb = INT32_MAX, p.sh = p.sw = p.dh = p.dw = INT32_MAX;
  EXPECT_EQ(problemOf(p), "");
  p.pb = INT32_MAX;
  p.oh = 2; // at 0 and at 2^31 - 1
  EXPECT_EQ(problemOf(p), "");
  p = forward();
  p.ic = 7;
  EXPECT_EQ(problemOf(p), "expected channels divisible by 3 groups");
  p.ic = 6, p.oc = 10;
  EXPECT_EQ(problemOf(p), "expected channels divisible by 3 groups");
  for (int64_t Problem::*member : {&Problem::ic, &Problem::oc}) { // src, dst
    p = Problem();
    p.mb = p.ic = p.oc = p.ih = p.iw = p.oh = p.ow = p.kh = p.kw = 1;
    p.mb = 1 << 20, p.*member = 1 << 20;
    EXPECT_EQ(problemOf(p), "");
    p.mb += 1;
    EXPECT_EQ(problemOf(p), elements);
  }
  p = forward();
  p.oc = 1 << 20, p.ic = 1 << 20, p.g = 1; // weights
  EXPECT_EQ(problemOf(p), elements);
  p = forward();
  for (const char *type : {"f16", "", "F32"}) {
    p.type = type;
    EXPECT_EQ(problemOf(p), std::string("expected elements of type f32 or bf16, but got '") + type + "'");
    std::swap(p.type, p.resultType);
    EXPECT_EQ(problemOf(p), std::string("expected elements of type f32 or bf16, but got '") + type + "'");
    p = forward();
  }
  // Blocks of channels, whole in both.
  for (auto [activations, block] : {std::pair("nchw8c", 8), {"nchw16c", 16}})
    for (int64_t ic : {8, 16, 24})
      for (int64_t oc : {8, 16, 24}) {
        p = forward();
        p.g = 1, p.ic = ic, p.oc = oc;
        p.activations = activations;
        bool fits = ic % block == 0 && oc % block == 0;
        EXPECT_EQ(problemOf(p), fits ? ""
                                     : "expected activations in nhwc, or in nchw8c or nchw16c with whole blocks of "
                                       "channels, but got '" +
                                           std::string(activations) + "'");
      }
  for (auto [member, name, width] :
       {std::tuple(&Problem::lda, "a", 6), {&Problem::ldb, "b", 5}, {&Problem::ldc, "c", 5}}) {
    p = product();
    p.*member = width;
    EXPECT_EQ(problemOf(p), "");
    p.*member = width - 1;
    EXPECT_EQ(problemOf(p), "expected a row pitch of at least " + std::to_string(width) + " in '" + name +
                                "', but got " + std::to_string(width - 1));
    p.*member = (int64_t(1) << 40) / 6; // of at most 6 rows
    EXPECT_EQ(problemOf(p), "");
    p.*member = (int64_t(1) << 40) / 4 + 1;
    EXPECT_NE(problemOf(p), "");
  }
  for (int64_t Problem::*member : {&Problem::m, &Problem::n, &Problem::k}) {
    p = product();
    p.*member = 0;
    EXPECT_EQ(problemOf(p), elements);
    p.m = p.n = p.k = p.lda = p.ldb = p.ldc = 1;
    p.*member = (int64_t(1) << 40) + 1;
    EXPECT_EQ(problemOf(p), elements);
  }
  p = reorder();
  p.dims = {};
  EXPECT_EQ(problemOf(p), "expected a tensor of 1 to 4 dimensions, but got 0");
  p.dims = {1, 1, 1, 1, 1};
  EXPECT_EQ(problemOf(p), "expected a tensor of 1 to 4 dimensions, but got 5");
  p.dims = {int64_t(1) << 20, int64_t(1) << 20};
  p.dstFormat = "";
  EXPECT_EQ(problemOf(p), "");
  p.dims[1] += 1;
  EXPECT_EQ(problemOf(p), elements);
}

// Every format of a few sizes against a walk over its elements: blocks lie in each other, and elements are told apart.
TEST(OneDnnText, FormatsReachAsFarAsTheirElements) {
  struct Block {
    int64_t size;
    int dim;
  };
  const std::vector<Block> inners[] = {{}, {{2, 0}}, {{3, 1}}, {{2, 1}, {2, 0}}, {{2, 0}, {3, 1}, {2, 0}}};
  const int64_t strides[] = {1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 18, 24};
  size_t accepted = 0, refused = 0;
  for (const std::vector<Block> &inner : inners)
    for (int64_t tall : {1, 2, 3, 4, 8})
      for (int64_t wide : {2, 3, 6})
        for (int64_t down : strides)
          for (int64_t across : strides) {
            const int64_t padded[] = {tall, wide}, steps[] = {down, across};
            int64_t blocks[] = {1, 1};
            std::string format = std::to_string(tall) + "x" + std::to_string(wide) + "/" + std::to_string(down) + "x" +
                                 std::to_string(across) + "/";
            for (Block block : inner) {
              blocks[block.dim] *= block.size;
              format += std::to_string(block.size) + char('a' + block.dim);
            }
            bool isWhole = tall % blocks[0] == 0 && wide % blocks[1] == 0 && tall >= 2 && wide >= 2;
            std::set<int64_t> places;
            for (int64_t y = 0; isWhole && y < tall; ++y)
              for (int64_t x = 0; x < wide; ++x) {
                int64_t at[] = {y, x}, place = 0, size = 1;
                for (size_t i = inner.size(); i-- > 0; size *= inner[i].size) {
                  place += at[inner[i].dim] % inner[i].size * size;
                  at[inner[i].dim] /= inner[i].size;
                }
                places.insert(place + at[0] * down + at[1] * across);
              }
            // Nested: of two outer dimensions the one with the larger step begins behind all of the other.
            int64_t end = blocks[0] * blocks[1];
            bool isNested = isWhole;
            for (int dim : {down <= across ? 0 : 1, down <= across ? 1 : 0}) {
              int64_t extent = isWhole ? padded[dim] / blocks[dim] : 1;
              isNested &= extent == 1 || steps[dim] >= end;
              end += (extent - 1) * steps[dim];
            }
            uint64_t bytes = 0;
            std::string error;
            ASSERT_EQ(formatBytes({2, 2}, format, bytes, error), isNested) << format;
            if (!isNested) {
              EXPECT_EQ(error, "malformed weights format '" + format + "'");
              ++refused;
              continue;
            }
            ++accepted;
            EXPECT_EQ(places.size(), size_t(tall * wide)) << format;
            EXPECT_EQ(bytes, uint64_t(*places.rbegin() + 1) * 4) << format;
          }
  EXPECT_GT(accepted, 300u);
  EXPECT_GT(refused, 300u);
}

TEST(OneDnnText, FormatsAreReadUpToTheirLimits) {
  auto read = [](const std::vector<int64_t> &dims, const std::string &format, int64_t groups = 0) {
    text::Blocking blocking;
    std::string error;
    bool isGood = text::parseFormat(dims, format, groups, blocking, error);
    EXPECT_EQ(isGood, error.empty());
    return error.empty() ? std::to_string(blocking.groups) + " " + text::joinList(blocking.dims, blocking.rank) + " " +
                               std::to_string(blocking.elements) + (blocking.isDense ? " dense" : "")
                         : error;
  };
  auto malformed = [](const std::string &format) { return "malformed weights format '" + format + "'"; };
  const std::vector<int64_t> dims = {8, 3, 2, 2};
  EXPECT_EQ(read(dims, ""), "1 8x3x2x2 96 dense");
  EXPECT_EQ(read(dims, "", 4), "4 4x2x3x2x2 96 dense");
  EXPECT_EQ(read(dims, "g4:"), "4 4x2x3x2x2 96 dense");
  EXPECT_EQ(read(dims, "g4:", 4), "4 4x2x3x2x2 96 dense");
  EXPECT_EQ(read(dims, "g1:"), "1 8x3x2x2 96 dense");
  EXPECT_EQ(read(dims, "g4:4x2x3x2x2/24x12x4x2x1/"), "4 4x2x3x2x2 96");
  EXPECT_EQ(read(dims, "8x3x2x2/12x4x2x1/"), "1 8x3x2x2 96");
  EXPECT_EQ(read({5}, "8/8/8a"), "1 5 8"); // one block, padded
  for (const char *format : {"g4", "g:", "g0:", "g-1:", "gx:"})
    EXPECT_EQ(read(dims, format), malformed(format));
  EXPECT_EQ(read(dims, "g4:", 2), malformed("g4:"));
  EXPECT_EQ(read(dims, "g3:"), "weights format 'g3:' does not fit the groups of the tensor");
  EXPECT_EQ(read({8, 3, 2}, "g2:"), "weights format 'g2:' does not fit the groups of the tensor");
  // 12 inner blocks and no more, of 1024 elements each and no more.
  std::string blocks, twelve;
  for (int i = 0; i < 12; ++i)
    blocks += "1a";
  EXPECT_EQ(read({2}, "2/1/" + blocks), "1 2 2");
  EXPECT_EQ(read({2}, "2/1/" + blocks + "1a"), malformed("2/1/" + blocks + "1a"));
  EXPECT_EQ(read({2}, "1024/1/1024a"), "1 2 1024");
  EXPECT_EQ(read({2}, "1025/1/1025a"), malformed("1025/1/1025a"));
  for (const char *format :
       {"2/1/1b", "2/1/1`", "2/1/a", "2/1/2", "2/1/0a", "2/1", "2/1//", "1/1/", "3/1/2a", "2/1/2A"})
    EXPECT_EQ(read({2}, format), malformed(format));
  // As many elements as there may be, and places as far away.
  const std::string most = std::to_string(int64_t(1) << 40), half = std::to_string(int64_t(1) << 39),
                    more = std::to_string((int64_t(1) << 39) + 1);
  EXPECT_EQ(read({2}, most + "/1/"), "1 2 " + most);
  EXPECT_EQ(read({1, 2}, "2x2/" + half + "x1/"), "1 1x2 " + std::to_string((int64_t(1) << 39) + 2));
  EXPECT_EQ(read({1, 2}, "2x2/" + more + "x1/"), malformed("2x2/" + more + "x1/"));
}

TEST(OneDnnText, RowsOfAFormatAreWholeBlocks) {
  // 24 rows of 4 elements in blocks of 8 rows; the first dimension's step is one block's.
  const std::string whole = "24x4x1x1/32x8x8x8/8a";
  for (int64_t rows = -1; rows <= 25; ++rows) {
    std::string result;
    bool isWhole = rows > 0 && rows <= 24 && rows % 8 == 0;
    ASSERT_EQ(rowsFormat(whole, rows, result), isWhole) << rows;
    if (isWhole) {
      EXPECT_EQ(result, std::to_string(rows) + "x4x1x1/32x8x8x8/8a");
    }
  }
  std::string result;
  EXPECT_TRUE(rowsFormat("24x4x1x1/32x8x8x8/2a4a", 16, result)); // two blocks of 8 in all
  EXPECT_FALSE(rowsFormat("24x4x1x1/32x8x8x8/2a4a", 4, result));
  EXPECT_TRUE(rowsFormat("24x4x1x1/32x8x8x8/8a1b", 8, result));
  EXPECT_FALSE(rowsFormat("20x4x1x1/32x8x8x8/8a", 8, result));  // not whole
  EXPECT_FALSE(rowsFormat("24x4x1x1/33x8x8x8/8a", 8, result));  // gaps
  EXPECT_FALSE(rowsFormat("24x4x1x1/32x8x8x8/8a2", 8, result)); // a number of nothing
}

TEST(OneDnnText, ImplementationsOfInnerProductsHaveTwoNames) {
  EXPECT_TRUE(isSameImplementation("brgconv:avx512", "brgconv:avx512"));
  EXPECT_TRUE(isSameImplementation("ip:x64:gemm:jit", "ip:"));
  EXPECT_TRUE(isSameImplementation("ip:", "ip:x64:gemm:jit"));
  EXPECT_TRUE(isSameImplementation("ip:", "ip:"));
  EXPECT_FALSE(isSameImplementation("ip:x64:gemm:jit", "ip:ref"));
  EXPECT_FALSE(isSameImplementation("ip:", "brgconv:avx512"));
  EXPECT_FALSE(isSameImplementation("brgconv:avx512", "ip:"));
  EXPECT_FALSE(isSameImplementation("brg", "brgconv"));
}

} // namespace incept::onednn
