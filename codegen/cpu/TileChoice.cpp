// SPDX-License-Identifier: Apache-2.0

#include "codegen/cpu/TileChoice.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace incept::cpu {

namespace {

/// What operations on vectors take on one core, in nanoseconds, and how much is near.
struct Costs {
  int64_t lanes;
  double direct;        ///< a multiply-add of oneDNN's convolutions
  double directWeights; ///< the same of its gradients of weights
  double product;       ///< a multiply-add of a product of tiles
  double gradient;      ///< the same of a product over tiles
  double input;         ///< transform of a tile, for each vector at each point
  double output;        ///< transform back, for each vector at each point
  double weights;       ///< transform of weights, for each vector at each point
  double transposed;    ///< the same where input and output channels change places
  double stream;        ///< a vector of transformed weights that is read by a block of tiles
  int64_t nearBytes;    ///< of a block's tiles and products
};

// Estimates for one core of an AVX-512 server and for AVX2 on it: a multiply-add at the peak, and what transforms do
// for each vector that they read and write. They decide between ways, whose times differ by more; they are not fitted
// yet.
constexpr Costs kCosts[] = {
    {16, 0.30, 0.34, 0.33, 0.36, 1.1, 1.3, 1.6, 4.0, 1.0, 600 << 10},
    {8, 0.15, 0.18, 0.16, 0.18, 0.6, 0.7, 0.9, 2.5, 0.6, 400 << 10},
};

const Costs &costsFor(int64_t lanes) { return lanes == 16 ? kCosts[0] : kCosts[1]; }

/// Bounds of the relative root mean square error; test/codegen/TileConvolutionTest.cpp holds them on activations behind
/// a ReLU.
double errorOf(const TileShape &shape, bool isGradient) {
  struct Bound {
    int64_t outputs, taps;
    bool isSquare;
    double image, weights; ///< of forward and data gradient, of the gradient of weights
  };
  constexpr Bound kBounds[] = {
      {2, 3, false, 1e-6, 2e-6}, {4, 3, false, 2e-6, 4e-6}, {6, 3, false, 6e-6, 1.2e-5},
      {2, 7, false, 3e-6, 6e-6}, {4, 7, false, 5e-6, 1e-5}, {6, 7, false, 1.2e-5, 2e-5},
      {2, 3, true, 1e-6, 3e-6},  {4, 3, true, 3e-6, 6e-6},  {6, 3, true, 1.2e-5, 2.5e-5},
  };
  TileShape flat = shape.flat();
  for (const Bound &bound : kBounds)
    if (bound.outputs == flat.mw && bound.taps == flat.kw && bound.isSquare == shape.isSquare())
      return isGradient ? bound.weights : bound.image;
  return 1;
}

/// The convolution that tiles compute: of gradients of data, the one from diff_dst to diff_src.
struct Images {
  int64_t n, ih, iw, k, oh, ow, o, padTop, padLeft;
};

Images imagesOf(const LibraryProblem &p) {
  if (p.kind == LibraryKind::ConvolutionBackwardData)
    return {p.mb, p.oh, p.ow, p.oc, p.ih, p.iw, p.ic, p.kh - 1 - p.pt, p.kw - 1 - p.pl};
  return {p.mb, p.ih, p.iw, p.ic, p.oh, p.ow, p.oc, p.pt, p.pl};
}

/// Blocks of nearly equal size for `tiles` tiles of one unit, multiples of `rows`.
int64_t cutBlocks(int64_t tiles, int64_t most, int64_t rows) {
  most = std::max(most / rows * rows, rows);
  int64_t blocks = ceilDivide(tiles, most);
  return ceilDivide(ceilDivide(tiles, blocks), rows) * rows;
}

/// Block and time of forward convolutions and of gradients of data.
double planConvolve(const Images &i, const Costs &costs, int64_t threads, bool transposed, TilePlan &plan) {
  const TileShape &shape = plan.shape;
  int64_t tiles = countTiles(shape, i.n, i.oh, i.ow), points = shape.points(), blocks = ceilDivide(i.k, shape.lanes),
          panels = ceilDivide(i.o, shape.panel());
  plan.units = std::min(threads, tiles);
  int64_t share = ceilDivide(tiles, plan.units), vectors = points * blocks * shape.lanes * panels * 2;
  int64_t tileBytes = points * (blocks * shape.lanes + shape.panel()) * 4, most = costs.nearBytes / tileBytes;
  // Weights that are far away are read once per block.
  if (vectors * shape.lanes * 4 > (4 << 20))
    most = std::max<int64_t>(most, 48);
  plan.block = cutBlocks(share, std::min<int64_t>(most, 48), shape.rows());
  double steps = double(ceilDivide(share, plan.block)), padded = steps * double(plan.block);
  return padded * double(vectors) * costs.product + double(share * points * blocks) * costs.input +
         double(share * points * panels * 2) * costs.output + steps * double(vectors) * costs.stream +
         double(ceilDivide(vectors, threads)) * (transposed ? costs.transposed : costs.weights);
}

/// The same of gradients of weights.
double planCorrelate(const Images &i, const Costs &costs, int64_t threads, TilePlan &plan) {
  const TileShape &shape = plan.shape;
  int64_t tiles = countTiles(shape, i.n, i.oh, i.ow), points = shape.points(), blocks = ceilDivide(i.k, shape.lanes),
          panels = ceilDivide(i.o, shape.panel());
  plan.block = std::min<int64_t>(tiles, 96);
  double best = 0;
  for (int64_t gridO = 1; gridO <= std::min(threads, panels); ++gridO) {
    int64_t gridK = std::min(threads / gridO, blocks);
    int64_t myBlocks = ceilDivide(blocks, gridK), myPanels = ceilDivide(panels, gridO);
    double sums = double(points * myBlocks * shape.lanes * myPanels * 2);
    double time = double(tiles) * sums * costs.gradient + double(tiles * points * myBlocks) * costs.input +
                  double(tiles * points * myPanels * 2) * costs.input +
                  double(ceilDivide(tiles, plan.block)) * sums * costs.stream + sums * costs.output;
    if (best == 0 || time < best) {
      best = time;
      plan.gridK = gridK;
      plan.gridO = gridO;
    }
  }
  return best;
}

std::string nameOf(const TileShape &shape) { return llvm::formatv("tiles {0}x{1}", shape.mh, shape.mw); }

} // namespace

std::optional<ConvolutionChoice> ConvolutionChoice::parse(StringRef text) {
  if (text.empty() || text == "direct")
    return ConvolutionChoice();
  // Gradients, tensor by tensor, stay within ten times (in the middle) and forty times (at worst) of direct's own
  // error.
  constexpr double kDefault = 2e-5;
  if (text == "fast")
    return ConvolutionChoice{true, kDefault};
  double error = 0;
  if (!text.consume_front("max-error=") || text.getAsDouble(error) || !(error > 0 && error < 1))
    return std::nullopt;
  return ConvolutionChoice{true, error};
}

std::vector<ConvolutionCandidate> listCandidates(const LibraryProblem &p, int64_t lanes, int64_t threads,
                                                 const ConvolutionChoice &choice) {
  const Costs &costs = costsFor(lanes);
  bool isGradient = p.kind == LibraryKind::ConvolutionBackwardWeights;
  Images images = imagesOf(p);
  double steps = double(p.mb * p.oh * p.ow) * double(ceilDivide(p.oc, lanes)) * double(p.ic) * double(p.kh * p.kw);
  std::vector<ConvolutionCandidate> candidates(1);
  candidates[0].name = "direct";
  candidates[0].microseconds =
      steps * (isGradient ? costs.directWeights : costs.direct) / double(std::max<int64_t>(threads, 1)) / 1000;
  bool isPlain = p.g == 1 && p.sh == 1 && p.sw == 1 && p.dh == 1 && p.dw == 1 && (lanes == 8 || lanes == 16);
  bool isPadded = images.padTop >= 0 && images.padTop < p.kh && images.padLeft >= 0 && images.padLeft < p.kw;
  if (!isPlain || !isPadded)
    return candidates;
  for (int64_t outputs : {2, 4, 6}) {
    TilePlan plan;
    plan.shape = {p.kh, p.kw, p.kh > 1 ? outputs : 1, p.kw > 1 ? outputs : 1, lanes};
    if (!plan.shape.isKnown())
      continue;
    ConvolutionCandidate candidate;
    candidate.name = nameOf(plan.shape);
    candidate.error = errorOf(plan.shape, isGradient);
    double time = isGradient
                      ? planCorrelate(images, costs, threads, plan)
                      : planConvolve(images, costs, threads, p.kind == LibraryKind::ConvolutionBackwardData, plan);
    candidate.microseconds = time / 1000;
    candidate.plan = plan;
    if (!choice.fast)
      candidate.refusal = "--convolutions=direct";
    else if (candidate.error > choice.maxError)
      candidate.refusal =
          llvm::formatv("its error may be {0:e1}, which is more than {1:e1}", candidate.error, choice.maxError);
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

const ConvolutionCandidate &chooseCandidate(const std::vector<ConvolutionCandidate> &candidates) {
  constexpr double kGain = 0.9;
  const ConvolutionCandidate *best = &candidates.front();
  for (const ConvolutionCandidate &candidate : candidates)
    if (candidate.refusal.empty() &&
        candidate.microseconds < best->microseconds * (best == &candidates.front() ? kGain : 1.0))
      best = &candidate;
  return *best;
}

std::string describeCandidates(const std::vector<ConvolutionCandidate> &candidates) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  for (const ConvolutionCandidate &candidate : candidates) {
    stream << (text.empty() ? "" : "; ") << candidate.name << " " << llvm::formatv("{0:f0}", candidate.microseconds)
           << " us";
    if (candidate.plan)
      stream << llvm::formatv(", error up to {0:e1}", candidate.error);
    if (!candidate.refusal.empty())
      stream << ", refused: " << candidate.refusal;
  }
  return text;
}

std::string tileWeightsFormat(ArrayRef<int64_t> shape) {
  int64_t o = shape[0], i = shape[1], kh = shape[2], kw = shape[3];
  return llvm::formatv("{0}x{1}x{2}x{3}/1x{0}x{4}x{5}/", o, i, kh, kw, kw * i * o, i * o);
}

} // namespace incept::cpu
