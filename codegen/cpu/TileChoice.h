// SPDX-License-Identifier: Apache-2.0
//
// Which ways there are to compute a convolution on a CPU, and how long each takes by a model: oneDNN's direct
// convolution, and transforms of tiles of several sizes. The model counts vector operations; what one takes is data,
// never a measurement while something is compiled, so that the same description makes the same program.
#pragma once

#include "codegen/cpu/ConvolutionCosts.h"
#include "passes/TilePlan.h"
#include "runtime/device/LibraryProblem.h"

#include <optional>
#include <string>
#include <vector>

namespace incept::cpu {

/// What a command line says of convolutions.
struct ConvolutionChoice {
  bool fast = true;
  /// Candidates whose bound is larger are refused. With this, gradients, tensor by tensor, stay within ten times (in
  /// the middle) and forty times (at worst) of direct's own error.
  double maxError = 2e-5;

  /// Reads "direct", "fast" or "max-error=E" with 0 < E < 1; none for other texts. "" is fast.
  static std::optional<ConvolutionChoice> parse(llvm::StringRef text);
};

/// One way to compute a convolution.
struct ConvolutionCandidate {
  std::string name;             ///< "direct", "tiles 4x4"
  WorkCounts work;              ///< of the thread that does most
  double microseconds = 0;      ///< predicted
  double error = 0;             ///< bound of the root mean square error, relative to that of the result; 0 for direct
  std::string refusal;          ///< why it is out, whatever its time; empty for those that compete
  std::optional<TilePlan> plan; ///< none for direct
};

/// When weights are transformed for tiles.
enum class WeightsTransform {
  EachTime, ///< they change from step to step
  Once,     ///< inference's, before it begins: nothing that its time knows of
};

/// All ways to compute `problem` in f32 with `threads` threads and vectors of `lanes`, direct first: only that for
/// what has no tiles, a window of another size or another stride.
std::vector<ConvolutionCandidate> listCandidates(const LibraryProblem &problem, int64_t lanes, int64_t threads,
                                                 const ConvolutionChoice &choice, const ConvolutionCosts &costs,
                                                 WeightsTransform when = WeightsTransform::EachTime);
/// The fastest that is not refused. Tiles have to be a tenth faster: the model knows no better.
const ConvolutionCandidate &chooseCandidate(const std::vector<ConvolutionCandidate> &candidates);
/// "direct 812 us; tiles 2x2 620 us; tiles 6x6 401 us, refused: ...", for --explain.
std::string describeCandidates(const std::vector<ConvolutionCandidate> &candidates);

/// The format of weights that tiles are made of: kh, kw, I, O in memory, of logical shape (O,I,kh,kw).
std::string tileWeightsFormat(llvm::ArrayRef<int64_t> shape);

} // namespace incept::cpu
