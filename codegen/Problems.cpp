// SPDX-License-Identifier: Apache-2.0

#include "codegen/Problems.h"
#include "dialect/VerifierUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace incept {

namespace {

template <typename OpTy>
OpProblem convolution(OpTy op, LibraryKind kind, Value src, Value weights, Value dst) {
  LibraryProblem p;
  p.kind = kind;
  ArrayRef<int64_t> s = shapeOf(src), w = shapeOf(weights), d = shapeOf(dst);
  p.mb = s[0], p.ic = s[1], p.ih = s[2], p.iw = s[3];
  p.oc = d[1], p.oh = d[2], p.ow = d[3], p.kh = w[2], p.kw = w[3];
  p.g = op.getGroups();
  p.sh = op.getStride()[0], p.sw = op.getStride()[1];
  p.dh = op.getDilation()[0], p.dw = op.getDilation()[1];
  p.pt = op.getPadBegin()[0], p.pl = op.getPadBegin()[1];
  p.pb = op.getPadEnd()[0], p.pr = op.getPadEnd()[1];
  return {p, src, dst};
}

/// c (m,n) = op(a) * op(b), all dense.
OpProblem product(int64_t m, int64_t n, int64_t k, bool transposeA, bool transposeB) {
  LibraryProblem p;
  p.kind = LibraryKind::MatMul;
  p.m = m, p.n = n, p.k = k;
  p.transposeA = transposeA, p.transposeB = transposeB;
  p.lda = transposeA ? m : k;
  p.ldb = transposeB ? k : n;
  p.ldc = n;
  return {p, {}, {}};
}

} // namespace

std::optional<OpProblem> describeProblem(Operation *op) {
  using Result = std::optional<OpProblem>;
  return TypeSwitch<Operation *, Result>(op)
      .Case([](Conv2DOp conv) -> Result {
        OpProblem result =
            convolution(conv, LibraryKind::ConvolutionForward, conv.getSrc(), conv.getWeights(), conv.getDst());
        result.problem.bias = bool(conv.getBias());
        result.problem.relu = conv.getRelu();
        return result;
      })
      .Case([](Conv2DStatsOp conv) -> Result {
        return convolution(conv, LibraryKind::ConvolutionForward, conv.getSrc(), conv.getWeights(), conv.getDst());
      })
      .Case([](Conv2DBackwardDataOp conv) -> Result {
        return convolution(conv, LibraryKind::ConvolutionBackwardData, conv.getDiffSrc(), conv.getWeights(),
                           conv.getDiffDst());
      })
      .Case([](Conv2DBackwardNormOp conv) -> Result {
        return convolution(conv, LibraryKind::ConvolutionBackwardData, conv.getDiffSrc(), conv.getWeights(),
                           conv.getDiffDst());
      })
      .Case([](Conv2DBackwardWeightsOp conv) -> Result {
        return convolution(conv, LibraryKind::ConvolutionBackwardWeights, conv.getSrc(), conv.getDiffWeights(),
                           conv.getDiffDst());
      })
      .Case([](LinearOp linear) -> Result {
        ArrayRef<int64_t> src = shapeOf(linear.getSrc());
        OpProblem result = product(src[0], shapeOf(linear.getWeights())[0], src[1], false, true);
        result.problem.bias = bool(linear.getBias());
        return result;
      })
      .Case([](LinearBackwardDataOp linear) -> Result {
        ArrayRef<int64_t> diff = shapeOf(linear.getDiffDst()), w = shapeOf(linear.getWeights());
        return product(diff[0], w[1], w[0], false, false);
      })
      .Case([](LinearBackwardWeightsOp linear) -> Result {
        // diff_weights (K,C) = transpose(diff_dst) * src: the first factor is the op's second operand.
        ArrayRef<int64_t> src = shapeOf(linear.getSrc()), diff = shapeOf(linear.getDiffDst());
        return product(diff[1], src[1], src[0], true, false);
      })
      .Default([](Operation *) -> Result { return std::nullopt; });
}

FunctionType problemSignature(MLIRContext *context, const LibraryProblem &p, ProblemExtras extras,
                              ProblemMemory memory) {
  bool isKnown = true;
  size_t results = 1;
  SmallVector<Type> types;
  auto add = [&](ProblemPart part, const Shape &shape) {
    auto type = memory(part, shape);
    isKnown &= succeeded(type);
    types.push_back(succeeded(type) ? Type(*type) : Type());
  };
  auto src = [&] { add(ProblemPart::Src, {p.mb, p.ic, p.ih, p.iw}); };
  auto dst = [&] { add(ProblemPart::Dst, {p.mb, p.oc, p.oh, p.ow}); };
  auto weights = [&] { add(ProblemPart::Weights, {p.oc, p.ic / p.g, p.kh, p.kw}); };
  auto factors = [&] {
    for (size_t i = 0; extras.normalized && i < 2; ++i)
      add(ProblemPart::Factor, {p.ic});
  };
  switch (p.kind) {
  case LibraryKind::ConvolutionForward:
    src(), weights(), factors();
    if (p.bias)
      add(ProblemPart::Bias, {p.oc});
    if (extras.residual)
      add(ProblemPart::Residual, {p.mb, p.oc, p.oh, p.ow});
    dst();
    for (; extras.stats && results < 3; ++results)
      add(ProblemPart::Vector, {p.oc});
    break;
  case LibraryKind::ConvolutionBackwardData: {
    constexpr size_t kNormVectors = 4, kNormResults = 6; // mean, inv_std, gamma, beta; diff_src and what comes with it
    dst(), weights();
    if (extras.normGradient)
      add(ProblemPart::NormSrc, {p.mb, p.ic, p.ih, p.iw});
    for (size_t i = 0; extras.normGradient && i < kNormVectors; ++i)
      add(ProblemPart::Vector, {p.ic});
    src();
    for (; extras.normGradient && results < kNormResults; ++results)
      add(ProblemPart::Vector, {p.ic});
    break;
  }
  case LibraryKind::ConvolutionBackwardWeights:
    src(), dst(), factors(), weights();
    break;
  case LibraryKind::MatMul:
    isKnown &= p.lda == (p.transposeA ? p.m : p.k) && p.ldb == (p.transposeB ? p.k : p.n) && p.ldc == p.n;
    add(ProblemPart::A, p.transposeA ? Shape{p.k, p.m} : Shape{p.m, p.k});
    add(ProblemPart::B, p.transposeB ? Shape{p.n, p.k} : Shape{p.k, p.n});
    if (p.bias)
      add(ProblemPart::Bias, {p.n});
    add(ProblemPart::C, {p.m, p.n});
    break;
  case LibraryKind::Reorder:
    return {};
  }
  ArrayRef<Type> all = types;
  return isKnown ? FunctionType::get(context, all.drop_back(results), all.take_back(results)) : FunctionType();
}

LogicalResult compareProblems(const std::vector<std::pair<std::string, std::string>> &planned,
                              const std::vector<std::pair<std::string, std::string>> &posed, std::string &why) {
  llvm::raw_string_ostream stream(why);
  if (planned.size() != posed.size()) {
    stream << "there are other numbers than the op has";
    return failure();
  }
  for (const auto &[is, expected] : llvm::zip_equal(planned, posed))
    if (is != expected) {
      stream << is.first << " is '" << is.second << "' where the op has '" << expected.second << "'";
      return failure();
    }
  return success();
}

} // namespace incept
