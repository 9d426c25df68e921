// SPDX-License-Identifier: Apache-2.0
//
// What the model says of real convolutions: shares, blocks, how much there is of each operation, times, and who is
// refused. The numbers are of another program, which was written from the comments of TileChoice.h and TileShape. They
// are a record of choices: whoever changes one looks at all of them.

#include "codegen/cpu/ChannelBlocks.h"
#include "codegen/cpu/Processor.h"
#include "codegen/cpu/TileChoice.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <gtest/gtest.h>

#include <sstream>

using namespace mlir;

namespace incept::test {

namespace {

using cpu::ConvolutionCandidate;
using cpu::ConvolutionChoice;
using cpu::ConvolutionCosts;

/// A line for each problem: direction, images, their size, channels in and out, window, stride, lanes, threads, and 1
/// where weights are transformed before. Then two for each way: what is said of it, and its plan and what it does.
constexpr const char *kRecord = R"(
forward 8 73 64 64 3 3 1 16 2 0
direct 8524 us
  direct=49112064 direct_image=170528 direct_weight_vector=1152 call=1
tiles 2x2 5761 us, error up to 1.0e-06
  units 2 parts 1 block 48 product=22429696 input=350464 output=350464 weights=2048 stream=471040 call=2
tiles 4x4 3605 us, error up to 3.0e-06
  units 2 parts 1 block 36 product=13307904 input=207936 output=207936 weights=4608 stream=377856 call=2
tiles 6x6 3301 us, error up to 1.2e-05
  units 2 parts 1 block 24 product=11075584 input=173056 output=173056 weights=8192 stream=475136 call=2
forward 1 8 448 512 3 3 1 16 2 0
direct 1433 us
  direct=4128768 direct_image=1920 direct_weight_vector=64512 call=1
tiles 2x2 1350 us, error up to 1.0e-06
  units 2 parts 2 block 24 product=1835008 input=7168 output=4096 weights=114688 stream=114688 far=229376 call=2
tiles 4x4 2510 us, error up to 3.0e-06
  units 2 parts 2 block 12 product=1032192 input=4032 output=2304 weights=258048 stream=258048 far=516096 call=2
tiles 6x6 4462 us, error up to 1.2e-05
  units 2 parts 2 block 12 product=1835008 input=7168 output=4096 weights=458752 stream=458752 far=917504 call=2
forward 1 8 448 512 3 3 1 16 2 1
direct 1433 us
  direct=4128768 direct_image=1920 direct_weight_vector=64512 call=1
tiles 2x2 738 us, error up to 1.0e-06
  units 2 parts 2 block 24 product=1835008 input=7168 output=4096 stream=114688 far=114688 call=1
tiles 4x4 1132 us, error up to 3.0e-06
  units 2 parts 2 block 12 product=1032192 input=4032 output=2304 stream=258048 far=258048 call=1
tiles 6x6 2012 us, error up to 1.2e-05
  units 2 parts 2 block 12 product=1835008 input=7168 output=4096 stream=458752 far=458752 call=1
forward 8 17 192 224 1 7 1 16 7 0
direct 1003 us
  direct=6214656 direct_image=8587 direct_weight_vector=2688 call=1
tiles 1x2 835 us, error up to 3.0e-06
  units 7 parts 1 block 48 product=3784704 input=16800 output=19600 weights=3072 stream=86016 call=2
tiles 1x4 633 us, error up to 5.0e-06
  units 7 parts 1 block 36 product=2688000 input=11760 output=13720 weights=3840 stream=80640 call=2
tiles 1x6 474 us, error up to 1.2e-05
  units 7 parts 1 block 36 product=1935360 input=8496 output=9912 weights=4608 stream=64512 call=2
forward 2 17 224 256 7 1 1 8 3 0
direct 1811 us
  direct=9667243 direct_image=11560 direct_weight_vector=16725 call=1
tiles 2x1 1377 us, error up to 3.0e-06
  units 3 parts 1 block 36 product=5849088 input=22848 output=26112 weights=19115 stream=172032 call=2
tiles 4x1 1005 us, error up to 5.0e-06
  units 3 parts 1 block 30 product=4085760 input=15960 output=18240 weights=23894 stream=143360 call=2
tiles 6x1 837 us, error up to 1.2e-05
  units 3 parts 1 block 18 product=3096576 input=11424 output=13056 weights=28672 stream=172032 call=2
forward 8 35 48 56 5 5 1 8 1 0
direct 14183 us
  direct=82320000 direct_image=127400 direct_weight_vector=8400 call=1
tiles 2x2 9281 us, error up to 3.0e-06
  units 1 parts 1 block 42 product=35831808 input=559872 output=746496 weights=13824 stream=857088 call=2
tiles 4x4 4404 us, error up to 1.2e-05
  units 1 parts 1 block 24 product=15925248 input=248832 output=331776 weights=24576 stream=663552 call=2
forward 8 147 64 96 3 3 2 16 2 0
direct 12431 us
  direct=73668096 direct_image=213160 direct_weight_vector=1728 call=1
tiles 2x2 12999 us, error up to 1.0e-06
  units 2 parts 1 block 48 product=52569600 input=547600 output=821400 weights=4800 stream=1104000 call=2
data 8 147 64 96 3 3 2 8 2 0
direct 33036 us
  direct_data=176803430 direct_image=947280 direct_weight_vector=3456 call=1
tiles 2x2 26328 us, error up to 1.0e-06
  units 2 parts 1 block 36 product=105177600 input=1642800 output=1095200 transposed=9600 stream=2937600 call=2
weights 8 147 64 96 3 3 2 16 2 0
direct 19011 us
  direct_weights=88401715 direct_image=473640 direct_weight_vector=1728 call=1
tiles 2x2 14457 us, error up to 2.0e-06
  grid 2x1 block 96 gradient=52569600 input=2190400 output=4800 stream=552000 call=1
data 4 35 96 96 3 3 1 16 4 0
direct 1095 us
  direct_data=6350400 direct_image=14700 direct_weight_vector=1296 call=1
tiles 2x2 719 us, error up to 1.0e-06
  units 4 parts 1 block 48 product=2985984 input=31104 output=31104 transposed=2304 stream=64512 call=2
tiles 4x4 514 us, error up to 3.0e-06
  units 4 parts 1 block 24 product=1741824 input=17496 output=17496 transposed=5184 stream=82944 call=2
tiles 6x6 501 us, error up to 1.2e-05
  units 4 parts 1 block 12 product=1327104 input=13824 output=13824 transposed=9216 stream=110592 call=2
data 1 8 448 1024 3 1 1 16 2 0
direct 986 us
  direct_data=2752512 direct_image=2944 direct_weight_vector=43008 call=1
tiles 2x1 881 us, error up to 1.4e-06, refused: it needs 8.6 MB of temporary memory, which is more than 5.9 MB
  units 2 parts 2 block 36 product=1835008 input=8192 output=1792 transposed=57344 stream=57344 far=114688 call=2
tiles 4x1 1089 us, error up to 2.8e-06, refused: it needs 12.2 MB of temporary memory, which is more than 5.9 MB
  units 2 parts 2 block 24 product=1376256 input=6144 output=1344 transposed=86016 stream=86016 far=172032 call=2
tiles 6x1 1452 us, error up to 8.5e-06, refused: it needs 16.3 MB of temporary memory, which is more than 5.9 MB
  units 2 parts 2 block 24 product=1835008 input=8192 output=1792 transposed=114688 stream=114688 far=229376 call=2
weights 4 35 96 96 3 3 1 16 4 0
direct 1219 us
  direct_weights=6350400 direct_image=14700 direct_weight_vector=1296 call=1
tiles 2x2 1064 us, error up to 3.0e-06
  grid 2x2 block 96 gradient=3981312 input=145152 output=3072 stream=43008 call=1
tiles 4x4 615 us, error up to 6.0e-06
  grid 2x2 block 96 gradient=2239488 input=81648 output=6912 stream=27648 call=1
tiles 6x6 592 us, error up to 2.5e-05, refused: its error may be 2.5e-05, which is more than 2.0e-05
  grid 2x2 block 24 gradient=1769472 input=64512 output=12288 stream=73728 call=1
weights 1 8 448 512 3 1 1 16 2 0
direct 524 us
  direct_weights=1376256 direct_image=1920 direct_weight_vector=21504 call=1
tiles 2x1 335 us, error up to 2.0e-06, refused: it needs 3.9 MB of temporary memory, which is more than 3.0 MB
  grid 1x2 block 16 gradient=917504 input=5632 output=28672 stream=57344 call=1
tiles 4x1 295 us, error up to 4.0e-06, refused: it needs 5.9 MB of temporary memory, which is more than 3.0 MB
  grid 1x2 block 16 gradient=688128 input=4224 output=43008 stream=43008 call=1
tiles 6x1 393 us, error up to 1.2e-05, refused: it needs 7.8 MB of temporary memory, which is more than 3.0 MB
  grid 1x2 block 16 gradient=917504 input=5632 output=57344 stream=57344 call=1
weights 2 17 100 72 1 7 1 8 6 0
direct 121 us
  direct_weights=606900 direct_image=2119 direct_weight_vector=1050 call=1
tiles 1x2 174 us, error up to 6.0e-06
  grid 2x3 block 48 gradient=548352 input=26928 output=1792 stream=12544 call=1
tiles 1x4 129 us, error up to 1.0e-05
  grid 2x3 block 24 gradient=380800 input=18700 output=2240 stream=17920 call=1
tiles 1x6 95 us, error up to 2.0e-05, refused: it needs 0.6 MB of temporary memory, which is more than 0.6 MB
  grid 2x3 block 24 gradient=274176 input=13464 output=2688 stream=13440 call=1
weights 8 8 384 384 3 3 1 16 3 0
direct 2828 us
  direct_weights=14155776 direct_image=8192 direct_weight_vector=27648 call=1
tiles 2x2 1874 us, error up to 3.0e-06, refused: it needs 10.6 MB of temporary memory, which is more than 6.9 MB
  grid 3x1 block 24 gradient=6291456 input=65536 output=49152 stream=294912 call=1
tiles 4x4 1959 us, error up to 6.0e-06, refused: it needs 23.0 MB of temporary memory, which is more than 6.9 MB
  grid 3x1 block 16 gradient=3538944 input=36864 output=110592 stream=221184 far=331776 call=1
tiles 6x6 3482 us, error up to 2.5e-05, refused: its error may be 2.5e-05, which is more than 2.0e-05
  grid 3x1 block 16 gradient=6291456 input=65536 output=196608 stream=393216 far=589824 call=1
forward 1 5 20 40 3 3 1 16 5 1
direct 2 us
  direct=2700 direct_image=25 direct_weight_vector=108 call=1
tiles 2x2 6 us, error up to 1.0e-06
  units 4 parts 2 block 12 product=8192 input=160 output=160 stream=1024 far=1024 call=1
tiles 4x4 11 us, error up to 3.0e-06
  units 4 parts 2 block 12 product=9216 input=144 output=144 stream=2304 far=2304 call=1
tiles 6x6 18 us, error up to 1.2e-05
  units 2 parts 2 block 12 product=16384 input=128 output=128 stream=4096 far=4096 call=1
forward 64 14 256 256 3 3 1 8 16 0
direct 9686 us
  direct=57802752 direct_image=50176 direct_weight_vector=4608 call=1
tiles 2x2 6479 us, error up to 1.0e-06
  units 16 parts 1 block 18 product=25952256 input=100352 output=100352 weights=8192 stream=1441792 call=2
tiles 4x4 4859 us, error up to 3.0e-06
  units 16 parts 2 block 48 product=19021824 input=147456 output=73728 weights=18432 stream=442368 far=460800 call=2
tiles 6x6 4927 us, error up to 1.2e-05
  units 16 parts 1 block 36 product=18874368 input=73728 output=73728 weights=32768 stream=524288 far=557056 call=2
)";

/// "block 12 product=5": the numbers that are not 0, under the names that costs are printed with.
std::string countsOf(const cpu::WorkCounts &work) {
  SmallVector<StringRef> costs, names;
  std::string text = ConvolutionCosts().text(), counts;
  StringRef(text).split(costs, ' ');
  for (size_t i = 0; i < cpu::kWorks; ++i)
    if (work.counts[i] != 0)
      counts += llvm::formatv(" {0}={1:f0}", costs[i].split('=').first, work.counts[i]);
  return counts;
}

std::string planOf(const ConvolutionCandidate &candidate, bool isGradient) {
  if (!candidate.plan)
    return "";
  const TilePlan &plan = *candidate.plan;
  if (isGradient)
    return llvm::formatv(" grid {0}x{1} block {2}", plan.gridK, plan.gridO, plan.block);
  return llvm::formatv(" units {0} parts {1} block {2}", plan.units, plan.parts, plan.block);
}

/// What is recorded of the problem that a line of the record says.
std::string recordOf(const std::string &line) {
  std::istringstream stream(line);
  std::string direction;
  int64_t size = 0, stride = 1, lanes = 0, threads = 0, once = 0;
  LibraryProblem p;
  stream >> direction >> p.mb >> size >> p.ic >> p.oc >> p.kh >> p.kw >> stride >> lanes >> threads >> once;
  bool isGradient = direction == "weights";
  p.kind = direction == "forward" ? LibraryKind::ConvolutionForward
           : isGradient           ? LibraryKind::ConvolutionBackwardWeights
                                  : LibraryKind::ConvolutionBackwardData;
  p.ih = p.iw = size;
  p.sh = p.sw = stride;
  if (stride == 1)
    p.pt = p.pb = (p.kh - 1) / 2, p.pl = p.pr = (p.kw - 1) / 2;
  p.oh = (size + p.pt + p.pb - p.kh) / stride + 1, p.ow = (size + p.pl + p.pr - p.kw) / stride + 1;
  auto when = once ? cpu::WeightsTransform::Once : cpu::WeightsTransform::EachTime;
  auto candidates = cpu::listCandidates(p, lanes, threads, {}, ConvolutionCosts::shipped(lanes), when);
  std::string text;
  SmallVector<std::string> described;
  for (const ConvolutionCandidate &candidate : candidates) {
    described.push_back(cpu::describeCandidates({candidate}));
    text += described.back() + "\n " + planOf(candidate, isGradient) + countsOf(candidate.work) + "\n";
  }
  EXPECT_EQ(cpu::describeCandidates(candidates), llvm::join(described, "; "));
  return text;
}

TEST(TileCosts, AreThoseOfTheRecord) {
  std::istringstream record(kRecord);
  std::string line, problem, expected;
  int problems = 0;
  auto compare = [&] {
    if (problem.empty())
      return;
    EXPECT_EQ(recordOf(problem), expected) << problem;
    ++problems;
  };
  while (std::getline(record, line)) {
    bool isProblem = StringRef(line).starts_with("forward ") || StringRef(line).starts_with("data ") ||
                     StringRef(line).starts_with("weights ");
    if (!isProblem && !line.empty())
      expected += line + "\n";
    if (!isProblem)
      continue;
    compare();
    problem = line;
    expected.clear();
  }
  compare();
  EXPECT_EQ(problems, 17);
}

ConvolutionCandidate candidate(double microseconds, const std::string &refusal = "") {
  ConvolutionCandidate result;
  result.name = "it";
  result.microseconds = microseconds;
  result.refusal = refusal;
  return result;
}

// Tiles have to be a tenth faster than direct, and the fastest of them are taken; of two that are as fast, the smaller,
// which has less of an error.
TEST(TileCosts, ADirectConvolutionIsGivenUpForATenth) {
  auto chosen = [](const std::vector<ConvolutionCandidate> &candidates) {
    return &cpu::chooseCandidate(candidates) - candidates.data();
  };
  EXPECT_EQ(chosen({candidate(100)}), 0);
  EXPECT_EQ(chosen({candidate(100), candidate(90)}), 0);
  EXPECT_EQ(chosen({candidate(100), candidate(89.9)}), 1);
  EXPECT_EQ(chosen({candidate(100), candidate(89), candidate(88)}), 2);
  EXPECT_EQ(chosen({candidate(100), candidate(80), candidate(80)}), 1);
  EXPECT_EQ(chosen({candidate(100), candidate(10, "no"), candidate(80), candidate(79, "no")}), 2);
}

TEST(TileCosts, ChoicesAreParsed) {
  auto parse = [](StringRef text) {
    auto choice = ConvolutionChoice::parse(text);
    return choice ? llvm::formatv("{0} {1:e1}", choice->fast, choice->maxError).str() : "none";
  };
  EXPECT_EQ(parse(""), "true 2.0e-05");
  EXPECT_EQ(parse("fast"), "true 2.0e-05");
  EXPECT_EQ(parse("direct"), "false 0.0e+00");
  EXPECT_EQ(parse("max-error=0.5"), "true 5.0e-01");
  EXPECT_EQ(parse("max-error=1e-9"), "true 1.0e-09");
  for (StringRef text : {"max-error=0", "max-error=1", "max-error=-1e-5", "max-error=nan",
                         "max-error=", "max-error=1e-5x", "max_error=1e-5", "faster", "0.5"})
    EXPECT_EQ(parse(text), "none") << text.str();
}

// A bound that is as large as what is allowed is not more than that.
TEST(TileCosts, TheLargestErrorIsAllowed) {
  LibraryProblem p;
  p.kind = LibraryKind::ConvolutionForward;
  p.mb = 1, p.ic = p.oc = 64, p.kh = p.kw = 3, p.ih = p.iw = p.oh = p.ow = 17, p.pt = p.pl = p.pb = p.pr = 1;
  auto refusals = [&](double most) {
    std::string text;
    for (const ConvolutionCandidate &way : cpu::listCandidates(p, 16, 1, {true, most}, ConvolutionCosts::shipped(16)))
      text += way.refusal.empty() ? "+" : "-";
    return text;
  };
  EXPECT_EQ(refusals(1.2e-5), "++++");
  EXPECT_EQ(refusals(1.1e-5), "+++-");
  EXPECT_EQ(refusals(3e-6), "+++-");
  EXPECT_EQ(refusals(1e-6), "++--");
  EXPECT_EQ(refusals(9e-7), "+---");
}

// Tiles take windows that begin inside the image's padding, and no other: a gradient of data has the other side of the
// window.
TEST(TileCosts, PaddingsThatTilesTake) {
  auto ways = [](LibraryKind kind, int64_t pt, int64_t pl) {
    LibraryProblem p;
    p.kind = kind;
    p.mb = 1, p.ic = p.oc = 16, p.kh = p.kw = 3, p.ih = p.iw = 9;
    p.pt = pt, p.pl = pl;
    p.oh = 9 + pt - 2, p.ow = 9 + pl - 2;
    return cpu::listCandidates(p, 8, 1, {}, ConvolutionCosts::shipped(8)).size();
  };
  for (LibraryKind kind :
       {LibraryKind::ConvolutionForward, LibraryKind::ConvolutionBackwardData, LibraryKind::ConvolutionBackwardWeights})
    for (int64_t pad = 0; pad <= 4; ++pad) {
      EXPECT_EQ(ways(kind, pad, 1), pad < 3 ? 4u : 1u) << pad;
      EXPECT_EQ(ways(kind, 1, pad), pad < 3 ? 4u : 1u) << pad;
    }
}

TEST(TileCosts, FormatOfWeights) {
  // O, I, kh, kw with the distances of each: kw * I * O of a row of the window, I * O of a column, O of an input, 1.
  EXPECT_EQ(cpu::tileWeightsFormat({5, 7, 3, 2}), "5x7x3x2/1x5x70x35/");
}

TEST(ConvolutionCosts, Text) {
  EXPECT_EQ(ConvolutionCosts::shipped(8).text(),
            "direct=0.1610 direct_data=0.1513 direct_weights=0.1573 direct_image=6.5964 direct_weight_vector=10.6462 "
            "product=0.1927 gradient=0.2228 input=1.4518 output=1.0935 weights=2.3114 transposed=2.6311 stream=0.8348 "
            "far=1.0569 call=0.0000");
  EXPECT_EQ(ConvolutionCosts::shipped(16).text(),
            "direct=0.1443 direct_data=0.1505 direct_weights=0.1701 direct_image=8.3443 direct_weight_vector=12.7288 "
            "product=0.1589 gradient=0.1796 input=1.8367 output=2.0193 weights=3.4155 transposed=4.3235 stream=1.7794 "
            "far=1.9242 call=0.0000");
  // Each entry by itself, where it is none.
  std::string text = ConvolutionCosts::shipped(8).text();
  SmallVector<StringRef> entries;
  StringRef(text).split(entries, ' ');
  ASSERT_EQ(entries.size(), cpu::kWorks);
  for (size_t i = 0; i < entries.size(); ++i)
    for (StringRef value : {"x", "", "-0.5", "inf", "nan", "1e-3x"}) {
      SmallVector<std::string> changed(entries.begin(), entries.end());
      changed[i] = (entries[i].split('=').first + "=" + value).str();
      EXPECT_FALSE(ConvolutionCosts::parse(llvm::join(changed, " "))) << changed[i];
      changed[i] = (entries[i].split('=').first + "=0").str();
      EXPECT_TRUE(ConvolutionCosts::parse(llvm::join(changed, " "))) << changed[i];
    }
  std::swap(entries[0], entries[1]);
  EXPECT_FALSE(ConvolutionCosts::parse(llvm::join(entries, " ")));
}

TEST(ConvolutionCosts, APredictionIsTheSumOfAll) {
  ConvolutionCosts costs;
  cpu::WorkCounts work;
  double expected = 0;
  for (size_t i = 0; i < cpu::kWorks; ++i) {
    costs.nanoseconds[i] = double(i + 1);
    work.counts[i] = 1000 * double(i + 3);
    expected += double((i + 1) * (i + 3));
  }
  EXPECT_EQ(costs.microseconds(work), expected);
}

/// The same rule in other words, for a window of kh x kw.
StringRef blocksBesides(const onednn::Problem &p, StringRef impl) {
  using onednn::Kind;
  int64_t least = std::min(p.ic, p.oc), largest = std::max(p.sh, p.sw);
  if (p.g > 1)
    return "";
  if (impl == "jit:avx2" && p.ic % 8 + p.oc % 8 == 0) {
    bool gains = p.kind == Kind::ConvolutionBackwardWeights;
    if (p.kind == Kind::ConvolutionBackwardData)
      gains = largest > 1 ? p.ic >= 128 : p.kw > 1 && p.kh * p.kw * least > 255;
    if (p.kind == Kind::ConvolutionForward)
      gains = largest > 1 || (p.kw > 1 && p.kh * p.kw * least > 255);
    return gains ? "nchw8c" : "";
  }
  // Nine taps for four pixels that a window moves on by, as 3x3 with a stride of 2 has.
  bool gains = p.kind == Kind::ConvolutionBackwardWeights && p.type == "f32" && largest > 1 &&
               double(p.kh * p.kw) / double(p.sh * p.sw) >= 2.25 && least >= 64 && p.ic % 16 + p.oc % 16 == 0;
  return impl == "jit:avx512_core" && gains ? "nchw16c" : "";
}

TEST(ChannelBlocks, WhereTheyPay) {
  using onednn::Kind;
  int with = 0, all = 0;
  for (Kind kind : {Kind::ConvolutionForward, Kind::ConvolutionBackwardData, Kind::ConvolutionBackwardWeights})
    for (auto [kh, kw] : {std::pair(1, 1), {3, 3}, {1, 7}, {7, 1}, {2, 2}, {3, 2}, {5, 5}})
      for (auto [sh, sw] : {std::pair(1, 1), {2, 2}, {2, 1}, {1, 2}, {3, 3}})
        for (int64_t ic : {8, 12, 16, 24, 28, 29, 32, 40, 48, 56, 64, 72, 80, 120, 128, 136, 256})
          for (int64_t oc : {8, 12, 24, 28, 32, 48, 56, 64, 72, 80, 256})
            for (int64_t groups : {1, 2})
              for (const char *type : {"f32", "bf16"})
                for (StringRef impl : {"jit:avx2", "jit:avx512_core", "jit_1x1:avx2", "brgconv:avx512_core"}) {
                  onednn::Problem p;
                  p.kind = kind, p.g = groups, p.ic = ic, p.oc = oc, p.kh = kh, p.kw = kw, p.sh = sh, p.sw = sw;
                  p.type = type;
                  StringRef blocks = cpu::blocksFor(p, impl);
                  EXPECT_EQ(blocks, blocksBesides(p, impl)) << kh << "x" << kw << " stride " << sh << "x" << sw << " "
                                                            << ic << " to " << oc << " " << impl.str();
                  with += !blocks.empty();
                  ++all;
                }
  EXPECT_GT(with, 1000);
  EXPECT_GT(all, with);
}

// Processors whose instruction sets are in Intel's and AMD's manuals. Vectors are as wide as AVX-512 with its
// additions.
TEST(Processor, WhatTheLibraryCanUseOfIt) {
  struct {
    const char *name, *isa;
    int64_t vectorBits;
  } const kKnown[] = {{"x86-64-v3", "avx2", 256},
                      {"haswell", "avx2", 256},
                      {"znver3", "avx2", 256},
                      {"alderlake", "avx2_vnni", 256},
                      {"x86-64-v4", "avx512_core", 512},
                      {"skylake-avx512", "avx512_core", 512},
                      {"cascadelake", "avx512_core_vnni", 512},
                      {"icelake-server", "avx512_core_vnni", 512},
                      {"cooperlake", "avx512_core_bf16", 512},
                      {"znver4", "avx512_core_bf16", 512},
                      {"sapphirerapids", "avx512_core_amx", 512}};
  for (const auto &known : kKnown) {
    std::string error;
    auto processor = cpu::Processor::find(known.name, error);
    ASSERT_TRUE(succeeded(processor)) << error;
    EXPECT_EQ(processor->asked, known.name);
    EXPECT_EQ(processor->name, known.name);
    EXPECT_EQ(processor->features, "");
    EXPECT_EQ(processor->isa, known.isa) << known.name;
    EXPECT_EQ(processor->vectorBits, known.vectorBits) << known.name;
  }
  std::string error;
  auto here = cpu::Processor::find("", error);
  ASSERT_TRUE(succeeded(here)) << error;
  EXPECT_EQ(here->asked, "");
  // All that this machine has or has not, in one order.
  SmallVector<StringRef> features;
  StringRef(here->features).split(features, ',');
  EXPECT_TRUE(llvm::is_sorted(features));
  EXPECT_TRUE(llvm::is_contained(features, "+avx2"));
  EXPECT_TRUE(llvm::all_of(features, [](StringRef feature) { return feature[0] == '+' || feature[0] == '-'; }));
  // With AVX2 and without FMA.
  EXPECT_TRUE(failed(cpu::Processor::find("x86-64-v2", error)));
  EXPECT_EQ(error, "expected a CPU with AVX2 and FMA, but 'x86-64-v2' lacks them: choose x86-64-v3 or newer");
}

} // namespace

} // namespace incept::test
