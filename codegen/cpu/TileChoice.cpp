// SPDX-License-Identifier: Apache-2.0

#include "codegen/cpu/TileChoice.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace incept::cpu {

namespace {

/// Of a block's tiles and products: what stays near.
int64_t nearBytes(int64_t lanes) { return lanes == 16 ? 600 << 10 : 400 << 10; }

/// Bounds of the relative root mean square error; test/codegen/TileConvolutionTest.cpp holds them on activations behind
/// a ReLU. Products are added up over `channels` one by one, by which errors grow with the square root; those of a
/// gradient of weights are added up block by block.
double errorOf(const TileShape &shape, int64_t channels, bool isGradient) {
  constexpr double kChannels = 512; // up to so many the bounds hold as they are
  struct Bound {
    int64_t places, taps, stride;
    bool isSquare;
    double image, weights; ///< of forward and data gradient, of the gradient of weights
  };
  constexpr Bound kBounds[] = {
      {2, 3, 1, false, 1e-6, 2e-6}, {4, 3, 1, false, 2e-6, 4e-6},  {6, 3, 1, false, 6e-6, 1.2e-5},
      {2, 7, 1, false, 3e-6, 6e-6}, {4, 7, 1, false, 5e-6, 1e-5},  {6, 7, 1, false, 1.2e-5, 2e-5},
      {2, 3, 1, true, 1e-6, 3e-6},  {4, 3, 1, true, 3e-6, 6e-6},   {6, 3, 1, true, 1.2e-5, 2.5e-5},
      {2, 5, 1, true, 3e-6, 6e-6},  {4, 5, 1, true, 1.2e-5, 2e-5}, {2, 3, 2, true, 1e-6, 2e-6},
  };
  TileShape flat = shape.flat();
  for (const Bound &bound : kBounds)
    if (bound.places == flat.mw && bound.taps == flat.kw && bound.stride == flat.stride &&
        bound.isSquare == shape.isSquare())
      return isGradient ? bound.weights : bound.image * std::sqrt(std::max(double(channels) / kChannels, 1.0));
  return 1;
}

/// The convolution that tiles compute: of gradients of data, the one from diff_dst to diff_src.
struct Images {
  int64_t n, ih, iw, k, oh, ow, o, padTop, padLeft;
};

Images imagesOf(const LibraryProblem &p) {
  // Where the window has a stride, places are those of the forward convolution.
  bool isTurned = p.sh == 1;
  if (p.kind == LibraryKind::ConvolutionBackwardData)
    return {
        p.mb, p.oh, p.ow, p.oc, p.ih, p.iw, p.ic, isTurned ? p.kh - 1 - p.pt : p.pt, isTurned ? p.kw - 1 - p.pl : p.pl};
  return {p.mb, p.ih, p.iw, p.ic, p.oh, p.ow, p.oc, p.pt, p.pl};
}

/// Blocks of nearly equal size for `tiles` tiles of one unit, multiples of `rows`.
int64_t cutBlocks(int64_t tiles, int64_t most, int64_t rows) {
  most = std::max(most / rows * rows, rows);
  int64_t blocks = ceilDivide(tiles, most);
  return ceilDivide(ceilDivide(tiles, blocks), rows) * rows;
}

/// Transformed tiles and weights, or sums of such.
int64_t temporaryBytes(const Images &i, const TilePlan &plan, bool isGradient) {
  if (isGradient)
    return correlateScratch(plan.shape, i.k, i.o, 1, 1, plan.block) * 4;
  return (transformedElements(plan.shape, i.k, i.o) + plan.units * convolveScratch(plan.shape, i.k, i.o, plan.block)) *
         4;
}

/// What a gradient may need of it, as much as it reads and writes: a step needs most memory where it computes
/// gradients, which may not be more than without tiles.
int64_t mostTemporaryBytes(const Images &i, const TileShape &shape) {
  return (i.n * (i.ih * i.iw * i.k + i.oh * i.ow * i.o) + shape.taps() * i.k * i.o) * 4;
}

/// Vectors of transformed weights, or of sums of such, are near where they are so few.
bool areNear(double vectors, int64_t lanes) { return vectors * double(lanes) * 4 <= double(6 << 20); }

/// Block, shares and work of forward convolutions and of gradients of data, that of the thread which does most. Shares
/// are those that leave the least to it: where every thread takes some tiles, each reads all weights, and where every
/// thread takes some output channels, each transforms all tiles.
WorkCounts planConvolve(const Images &i, const ConvolutionCosts &costs, int64_t threads, bool transposed,
                        WeightsTransform when, TilePlan &plan) {
  const TileShape &shape = plan.shape;
  int64_t tiles = countTiles(shape, i.n, i.oh, i.ow, i.padTop, i.padLeft), points = shape.points(),
          blocks = ceilDivide(i.k, shape.lanes), panels = ceilDivide(i.o, shape.panel()),
          all = points * blocks * shape.lanes * panels * 2;
  int64_t tileBytes = points * (blocks * shape.lanes + shape.panel()) * 4, most = nearBytes(shape.lanes) / tileBytes;
  // Weights that are far away are read once per block.
  bool isFar = !areNear(double(all), shape.lanes);
  if (all * shape.lanes * 4 > (4 << 20))
    most = std::max<int64_t>(most, 48);
  double written = when == WeightsTransform::EachTime ? double(ceilDivide(all, threads)) : 0;
  std::optional<WorkCounts> best;
  for (int64_t parts = 1; parts <= std::min(threads, panels); ++parts) {
    int64_t shares = std::min(threads / parts, tiles), share = ceilDivide(tiles, shares);
    int64_t block = cutBlocks(share, std::min<int64_t>(most, 48), shape.rows());
    int64_t vectors = points * blocks * shape.lanes * ceilDivide(panels, parts) * 2;
    int64_t rows = share / block * block + shape.productRows(share % block);
    double steps = double(ceilDivide(share, block));
    WorkCounts work;
    work[Work::Product] = double(rows * vectors);
    work[Work::Input] = double(share * points * blocks);
    work[Work::Output] = double(share * points * ceilDivide(panels, parts) * 2);
    work[Work::Stream] = steps * double(vectors);
    work[transposed ? Work::Transposed : Work::Weights] = written;
    if (isFar)
      work[Work::Far] = steps * double(vectors) + written;
    else if (when == WeightsTransform::Once)
      work[Work::Far] = double(vectors); // all of the network's weights were read since
    work[Work::Call] = when == WeightsTransform::EachTime ? 2 : 1;
    if (!best || costs.microseconds(work) < costs.microseconds(*best)) {
      best = work;
      plan.units = shares * parts;
      plan.parts = parts;
      plan.block = block;
    }
  }
  return *best;
}

/// The same of gradients of weights. Shares are those that leave the least to the thread which does most.
WorkCounts planCorrelate(const Images &i, const ConvolutionCosts &costs, int64_t threads, TilePlan &plan) {
  const TileShape &shape = plan.shape;
  int64_t tiles = countTiles(shape, i.n, i.oh, i.ow, i.padTop, i.padLeft), points = shape.points(),
          blocks = ceilDivide(i.k, shape.lanes), panels = ceilDivide(i.o, shape.panel());
  // As many at a time as temporary memory allows, whatever the number of threads: sums are rounded block by block.
  plan.block = std::min<int64_t>(tiles, 96);
  while (plan.block > 24 && temporaryBytes(i, plan, /*isGradient=*/true) > mostTemporaryBytes(i, shape))
    plan.block /= 2;
  std::optional<WorkCounts> best;
  for (int64_t gridO = 1; gridO <= std::min(threads, panels); ++gridO) {
    int64_t gridK = std::min(threads / gridO, blocks);
    int64_t myBlocks = ceilDivide(blocks, gridK), myPanels = ceilDivide(panels, gridO);
    double sums = double(points * myBlocks * shape.lanes * myPanels * 2);
    WorkCounts work;
    work[Work::Gradient] = double(tiles) * sums;
    work[Work::Input] = double(tiles * points * (myBlocks + myPanels * 2));
    work[Work::Stream] = double(ceilDivide(tiles, plan.block)) * sums;
    work[Work::Output] = sums;
    if (!areNear(sums, shape.lanes))
      work[Work::Far] = work[Work::Stream] + sums;
    work[Work::Call] = 1;
    if (!best || costs.microseconds(work) < costs.microseconds(*best)) {
      best = work;
      plan.gridK = gridK;
      plan.gridO = gridO;
    }
  }
  return *best;
}

/// The same of oneDNN's convolutions, shared out evenly.
WorkCounts countDirect(const LibraryProblem &p, int64_t lanes, int64_t threads) {
  double share = 1.0 / double(threads), ins = double(ceilDivide(p.ic, lanes)), outs = double(ceilDivide(p.oc, lanes));
  double pixels = double(p.mb * p.oh * p.ow), taps = double(p.kh * p.kw);
  bool isData = p.kind == LibraryKind::ConvolutionBackwardData, isForward = p.kind == LibraryKind::ConvolutionForward;
  bool isStrided = p.sh > 1 || p.sw > 1;
  // Of bench/results/2026-12-01-strided.md: for each multiply-add gradients of a strided window took 1.0 to 1.4 times
  // as long, and forward convolutions as if they read a pixel for each place of the window.
  constexpr double kStridedGradient = 1.2;
  if (!isForward && isStrided)
    taps *= kStridedGradient;
  double read = isForward && isStrided ? pixels : double(p.mb * p.ih * p.iw);
  WorkCounts work;
  // Vectors run along the channels of what is written.
  work[isForward ? Work::Direct
       : isData  ? Work::DirectData
                 : Work::DirectWeights] =
      pixels * taps / double(p.g) * (isData ? ins * double(p.oc) : outs * double(p.ic)) * share;
  work[Work::DirectImage] = (read * ins + pixels * outs) * share;
  work[Work::DirectWeightVector] = double(p.kh * p.kw) * double(p.ic) * outs / double(p.g) * share;
  work[Work::Call] = 1;
  return work;
}

std::string nameOf(const TileShape &shape) { return llvm::formatv("tiles {0}x{1}", shape.mh, shape.mw); }

} // namespace

std::optional<ConvolutionChoice> ConvolutionChoice::parse(StringRef text) {
  if (text == "direct")
    return ConvolutionChoice{false, 0};
  if (text.empty() || text == "fast")
    return ConvolutionChoice();
  double error = 0;
  if (!text.consume_front("max-error=") || text.getAsDouble(error) || !(error > 0 && error < 1))
    return std::nullopt;
  return ConvolutionChoice{true, error};
}

std::vector<ConvolutionCandidate> listCandidates(const LibraryProblem &p, int64_t lanes, int64_t threads,
                                                 const ConvolutionChoice &choice, const ConvolutionCosts &costs,
                                                 WeightsTransform when) {
  threads = std::max<int64_t>(threads, 1);
  bool isGradient = p.kind == LibraryKind::ConvolutionBackwardWeights;
  Images images = imagesOf(p);
  std::vector<ConvolutionCandidate> candidates(1);
  candidates[0].name = "direct";
  candidates[0].work = countDirect(p, lanes, threads);
  candidates[0].microseconds = costs.microseconds(candidates[0].work);
  bool isPlain = p.g == 1 && p.sh == p.sw && p.dh == 1 && p.dw == 1 && (lanes == 8 || lanes == 16);
  bool isPadded = images.padTop >= 0 && images.padTop < p.kh && images.padLeft >= 0 && images.padLeft < p.kw;
  if (!isPlain || !isPadded)
    return candidates;
  bool isTransposed = p.sh > 1 && p.kind == LibraryKind::ConvolutionBackwardData;
  for (int64_t places : {2, 4, 6}) {
    TilePlan plan;
    plan.shape = {p.kh, p.kw, p.kh > 1 ? places : 1, p.kw > 1 ? places : 1, lanes, p.sh, isTransposed};
    if (!plan.shape.isKnown())
      continue;
    ConvolutionCandidate candidate;
    candidate.name = nameOf(plan.shape);
    candidate.error = errorOf(plan.shape, images.k, isGradient);
    candidate.work =
        isGradient ? planCorrelate(images, costs, threads, plan)
                   : planConvolve(images, costs, threads, p.kind == LibraryKind::ConvolutionBackwardData, when, plan);
    candidate.microseconds = costs.microseconds(candidate.work);
    candidate.plan = plan;
    if (!choice.fast)
      candidate.refusal = "--convolutions=direct";
    else if (candidate.error > choice.maxError)
      candidate.refusal =
          llvm::formatv("its error may be {0:e1}, which is more than {1:e1}", candidate.error, choice.maxError);
    else if (int64_t bytes = temporaryBytes(images, plan, isGradient), most = mostTemporaryBytes(images, plan.shape);
             p.kind != LibraryKind::ConvolutionForward && bytes > most)
      candidate.refusal = llvm::formatv("it needs {0:f1} MB of temporary memory, which is more than {1:f1} MB",
                                        double(bytes) / 1e6, double(most) / 1e6);
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
