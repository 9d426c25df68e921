// SPDX-License-Identifier: Apache-2.0
//
// Pictures at another size. The antialiased filters give the integers of PyTorch's
// interpolate(uint8, antialias=True): weights are made in f64 and rounded to 16 bits, columns come first, and both
// passes round to 8 bits. A vector version and a scalar one have the same integers.
#pragma once

#include "runtime/io/Pixels.h"
#include "runtime/io/ResampleKernels.h"

#include <cstdint>
#include <vector>

namespace incept {

enum class Filter {
  Bilinear, ///< antialiased: a triangle as wide as the step
  Bicubic,  ///< antialiased, a = -0.5
  Tf1,      ///< two neighbours of x * in / out, as TensorFlow 1 did without align_corners; rounded to the nearest
};

/// One direction of a resize: `inputs` become `outputs`, of which `count` from `first` on are computed.
struct ResizeAxis {
  int64_t inputs = 0, outputs = 0, first = 0, count = 0;
};

/// The inputs [begin, end) that the outputs of an axis depend on.
struct Span {
  int64_t begin = 0, end = 0;
};
Span inputsOf(const ResizeAxis &axis, Filter filter);

/// Whether the vector version is used, where the processor has one; for tests and measurements.
enum class Vectors { IfThere, Never };

/// Resizes one picture after the other and keeps its memory; one object per thread.
class Resampler {
public:
  explicit Resampler(Vectors vectors = Vectors::IfThere);

  /// Writes rows.count x columns.count pixels to `to`. `from` has 1 or 4 channels and begins at the input (y0, x0) of
  /// the axes; it holds what `inputsOf` says at least.
  void resize(const PixelView &from, int64_t y0, int64_t x0, const ResizeAxis &rows, const ResizeAxis &columns,
              Filter filter, PixelBuffer &to);

private:
  struct Weights {
    std::vector<resample::Entry> entries;
    std::vector<int16_t> values;
    int64_t stride = 0;
    int shift = 0;
    ResizeAxis axis; ///< that they are of
    Filter filter = Filter::Tf1;
    std::vector<double> exact, line; ///< of all outputs, and of one that is not computed
  };
  template <double (*kFunction)(double)>
  static double makeExact(const ResizeAxis &axis, Filter filter, Weights &weights);
  static void makeWeights(const ResizeAxis &axis, Filter filter, Weights &weights);
  void resizeTf1(const PixelView &from, int64_t y0, int64_t x0, const ResizeAxis &rows, const ResizeAxis &columns,
                 PixelBuffer &to);

  bool hasVectors;
  Weights across, down;
  std::vector<uint8_t> lines; ///< between the passes
};

} // namespace incept
