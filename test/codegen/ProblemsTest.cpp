// SPDX-License-Identifier: Apache-2.0
//
// What libraries are told of ops, number by number: no two sizes of an op are equal. And the memory that plans for them
// have.

#include "codegen/Problems.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FormatVariadic.h"

#include <gtest/gtest.h>

using namespace mlir;

namespace incept::test {

namespace {

class ProblemsTest : public testing::Test {
protected:
  ProblemsTest() { context.loadDialect<InceptDialect, func::FuncDialect>(); }

  /// The problem of `op`, which works on %0, %1, ... of these types.
  std::string describe(const std::string &op, const std::vector<std::string> &types, const std::string &signature) {
    std::string text = "func.func @f(";
    for (size_t i = 0; i < types.size(); ++i)
      text += (i ? ", %" : "%") + ("v" + std::to_string(i)) + ": tensor<" + types[i] + ">";
    text += ") {\n" + op + " : " + signature + "\nreturn\n}";
    auto module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module) << text;
    if (!module)
      return "";
    Operation &first = (*module->getOps<func::FuncOp>().begin()).getBody().front().front();
    auto found = describeProblem(&first);
    if (!found)
      return "none";
    const LibraryProblem &p = found->problem;
    auto isOf = [&](Value value, StringRef name) {
      std::string shape;
      if (value)
        for (int64_t size : cast<RankedTensorType>(value.getType()).getShape())
          shape += (shape.empty() ? "" : "x") + std::to_string(size);
      return value ? (name + " " + shape + " ").str() : "";
    };
    std::string said = isOf(found->src, "src") + isOf(found->dst, "dst");
    if (p.kind == LibraryKind::MatMul)
      return said +
             llvm::formatv("{0}x{1}x{2} transposed {3} {4} pitches {5} {6} {7}", p.m, p.n, p.k, int(p.transposeA),
                           int(p.transposeB), p.lda, p.ldb, p.ldc)
                 .str() +
             (p.bias ? " bias" : "");
    return said +
           llvm::formatv("kind {0} mb {1} g {2} ic {3} ih {4} iw {5} oc {6} oh {7} ow {8}", int(p.kind), p.mb, p.g,
                         p.ic, p.ih, p.iw, p.oc, p.oh, p.ow)
               .str() +
           llvm::formatv(" kh {0} kw {1} sh {2} sw {3} dh {4} dw {5} pads {6} {7} {8} {9}", p.kh, p.kw, p.sh, p.sw,
                         p.dh, p.dw, p.pt, p.pl, p.pb, p.pr)
               .str() +
           (p.bias ? " bias" : "") + (p.relu ? " relu" : "");
  }

  /// The memory of a problem with tensors that lie densely; "null" where one is refused.
  std::string signature(const LibraryProblem &p, ProblemExtras extras = {},
                        std::optional<ProblemPart> refused = std::nullopt) {
    std::string parts;
    FunctionType type =
        problemSignature(&context, p, extras, [&](ProblemPart part, const Shape &shape) -> FailureOr<MemRefType> {
          parts += "SDWFBRNVabc"[int(part)];
          if (part == refused)
            return failure();
          return MemRefType::get(shape, Float32Type::get(&context));
        });
    std::string text = parts + " ";
    llvm::raw_string_ostream stream(text);
    if (type)
      stream << type;
    else
      stream << "null";
    return text;
  }

  MLIRContext context;
};

LibraryProblem convolution(LibraryKind kind) {
  LibraryProblem p;
  p.kind = kind;
  p.mb = 2, p.g = 2, p.ic = 6, p.ih = 9, p.iw = 11, p.oc = 8, p.oh = 5, p.ow = 7, p.kh = 3, p.kw = 4;
  return p;
}

// One window for all three directions: 3x4 in 2 groups, 2 and 1 pixels apart, taps 1 and 2 apart, with four paddings.
constexpr const char *kWindow = " stride [2, 1] pad [1, 2] pad_end [0, 3] dilation [1, 2] groups 2",
                     *kSrc = "2x6x10x12xf32", *kDst = "2x8x5x11xf32", *kWeights = "8x3x3x4xf32";
constexpr const char *kSaid = "mb 2 g 2 ic 6 ih 10 iw 12 oc 8 oh 5 ow 11 kh 3 kw 4 sh 2 sw 1 dh 1 dw 2 pads 1 2 0 3";

std::string typed(const std::vector<std::string> &ins, const std::string &out) {
  std::string text = "(";
  for (const std::string &in : ins)
    text += (text.size() > 1 ? ", tensor<" : "tensor<") + in + ">";
  return text + ") -> tensor<" + out + ">";
}

} // namespace

TEST_F(ProblemsTest, OfConvolutions) {
  std::string said = kSaid, places = "src 2x6x10x12 dst 2x8x5x11 ";
  EXPECT_EQ(
      describe(std::string("%0 = incept.conv2d %v0, %v1") + kWindow, {kSrc, kWeights}, typed({kSrc, kWeights}, kDst)),
      places + "kind 0 " + said);
  EXPECT_EQ(describe(std::string("%0 = incept.conv2d %v0, %v1 bias %v2") + kWindow + " relu", {kSrc, kWeights, "8xf32"},
                     typed({kSrc, kWeights, "8xf32"}, kDst)),
            places + "kind 0 " + said + " bias relu");
  EXPECT_EQ(describe(std::string("%0 = incept.conv2d_backward_data %v0, %v1") + kWindow, {kDst, kWeights},
                     typed({kDst, kWeights}, kSrc)),
            places + "kind 1 " + said);
  EXPECT_EQ(describe(std::string("%0 = incept.conv2d_backward_weights %v0, %v1") + kWindow, {kSrc, kDst},
                     typed({kSrc, kDst}, kWeights)),
            places + "kind 2 " + said);
  EXPECT_EQ(describe("%0 = incept.relu %v0", {kSrc}, typed({kSrc}, kSrc)), "none");
}

// src (2,5) with weights (3,5): the product with them turned, that with the gradient (2,3), and of that, turned, with
// src.
TEST_F(ProblemsTest, OfProducts) {
  EXPECT_EQ(describe("%0 = incept.linear %v0, %v1", {"2x5xf32", "3x5xf32"}, typed({"2x5xf32", "3x5xf32"}, "2x3xf32")),
            "2x3x5 transposed 0 1 pitches 5 5 3");
  EXPECT_EQ(describe("%0 = incept.linear %v0, %v1 bias %v2", {"2x5xf32", "3x5xf32", "3xf32"},
                     typed({"2x5xf32", "3x5xf32", "3xf32"}, "2x3xf32")),
            "2x3x5 transposed 0 1 pitches 5 5 3 bias");
  EXPECT_EQ(describe("%0 = incept.linear_backward_data %v0, %v1", {"2x3xf32", "3x5xf32"},
                     typed({"2x3xf32", "3x5xf32"}, "2x5xf32")),
            "2x5x3 transposed 0 0 pitches 3 5 5");
  EXPECT_EQ(describe("%0 = incept.linear_backward_weights %v0, %v1", {"2x5xf32", "2x3xf32"},
                     typed({"2x5xf32", "2x3xf32"}, "3x5xf32")),
            "3x5x2 transposed 1 0 pitches 3 5 5");
}

TEST_F(ProblemsTest, MemoryOfConvolutions) {
  const std::string src = "memref<2x6x9x11xf32>", dst = "memref<2x8x5x7xf32>", weights = "memref<8x3x3x4xf32>",
                    ofSrc = "memref<6xf32>", ofDst = "memref<8xf32>";
  LibraryProblem p = convolution(LibraryKind::ConvolutionForward);
  EXPECT_EQ(signature(p), "SWD (" + src + ", " + weights + ") -> " + dst);
  EXPECT_EQ(signature(p, {.stats = true}),
            "SWDVV (" + src + ", " + weights + ") -> (" + dst + ", " + ofDst + ", " + ofDst + ")");
  EXPECT_EQ(signature(p, {.residual = true}), "SWRD (" + src + ", " + weights + ", " + dst + ") -> " + dst);
  EXPECT_EQ(signature(p, {.stats = true, .normalized = true}), "SWFFDVV (" + src + ", " + weights + ", " + ofSrc +
                                                                   ", " + ofSrc + ") -> (" + dst + ", " + ofDst + ", " +
                                                                   ofDst + ")");
  p.bias = true;
  EXPECT_EQ(signature(p), "SWBD (" + src + ", " + weights + ", " + ofDst + ") -> " + dst);
  EXPECT_EQ(signature(p, {.residual = true}),
            "SWBRD (" + src + ", " + weights + ", " + ofDst + ", " + dst + ") -> " + dst);
  p = convolution(LibraryKind::ConvolutionBackwardData);
  EXPECT_EQ(signature(p), "DWS (" + dst + ", " + weights + ") -> " + src);
  auto repeat = [&](int count) {
    std::string text;
    for (int i = 0; i < count; ++i)
      text += ", " + ofSrc;
    return text;
  };
  EXPECT_EQ(signature(p, {.normGradient = true}),
            "DWNVVVVSVVVVV (" + dst + ", " + weights + ", " + src + repeat(4) + ") -> (" + src + repeat(5) + ")");
  p = convolution(LibraryKind::ConvolutionBackwardWeights);
  EXPECT_EQ(signature(p), "SDW (" + src + ", " + dst + ") -> " + weights);
  EXPECT_EQ(signature(p, {.normalized = true}),
            "SDFFW (" + src + ", " + dst + ", " + ofSrc + ", " + ofSrc + ") -> " + weights);
  // A tensor that has no place leaves none of the signature.
  for (ProblemPart part : {ProblemPart::Src, ProblemPart::Dst, ProblemPart::Weights})
    EXPECT_EQ(signature(p, {}, part), "SDW null");
}

TEST_F(ProblemsTest, MemoryOfProducts) {
  LibraryProblem p;
  p.kind = LibraryKind::MatMul;
  p.m = 2, p.n = 3, p.k = 5;
  for (bool a : {false, true})
    for (bool b : {false, true}) {
      p.transposeA = a, p.transposeB = b;
      p.lda = a ? 2 : 5, p.ldb = b ? 5 : 3, p.ldc = 3;
      std::string first = a ? "memref<5x2xf32>" : "memref<2x5xf32>", second = b ? "memref<3x5xf32>" : "memref<5x3xf32>";
      EXPECT_EQ(signature(p), "abc (" + first + ", " + second + ") -> memref<2x3xf32>");
      for (int64_t LibraryProblem::*pitch : {&LibraryProblem::lda, &LibraryProblem::ldb, &LibraryProblem::ldc}) {
        ++(p.*pitch); // gaps between rows
        EXPECT_EQ(signature(p), "abc null");
        --(p.*pitch);
      }
    }
  p.transposeA = p.transposeB = false;
  p.lda = 5, p.ldb = 3, p.bias = true;
  EXPECT_EQ(signature(p), "abBc (memref<2x5xf32>, memref<5x3xf32>, memref<3xf32>) -> memref<2x3xf32>");
  p.kind = LibraryKind::Reorder;
  EXPECT_EQ(signature(p), " null");
}

TEST(Problems, AreCompared) {
  using Fields = std::vector<std::pair<std::string, std::string>>;
  auto compare = [](const Fields &planned, const Fields &posed) {
    std::string why;
    bool isSame = succeeded(compareProblems(planned, posed, why));
    EXPECT_EQ(isSame, why.empty());
    return why;
  };
  Fields fields = {{"mb", "2"}, {"kh", "3"}, {"kw", "4"}};
  EXPECT_EQ(compare(fields, fields), "");
  EXPECT_EQ(compare({}, {}), "");
  EXPECT_EQ(compare({{"mb", "2"}, {"kh", "3"}}, fields), "there are other numbers than the op has");
  EXPECT_EQ(compare(fields, {{"mb", "2"}}), "there are other numbers than the op has");
  EXPECT_EQ(compare({{"mb", "2"}, {"kh", "5"}, {"kw", "6"}}, fields), "kh is '5' where the op has '3'");
  EXPECT_EQ(compare({{"mb", "2"}, {"kh", "3"}, {"kw", "6"}}, fields), "kw is '6' where the op has '4'");
}

} // namespace incept::test
