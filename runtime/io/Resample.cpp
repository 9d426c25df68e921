// SPDX-License-Identifier: Apache-2.0

#include "runtime/io/Resample.h"

#include <algorithm>
#include <cmath>

namespace incept {

namespace {

double triangle(double x) {
  x = std::abs(x);
  return x < 1 ? 1 - x : 0;
}

double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/// Where the filters of an axis lie.
struct AxisFilter {
  double scale, support, invScale;
  int64_t inputs;

  AxisFilter(const ResizeAxis &axis, Filter filter)
      : scale(double(axis.inputs) / double(axis.outputs)), inputs(axis.inputs) {
    double width = filter == Filter::Bicubic ? 4 : 2;
    support = scale >= 1 ? width * 0.5 * scale : width * 0.5;
    invScale = scale >= 1 ? 1 / scale : 1;
  }
  double center(int64_t output) const { return scale * (double(output) + 0.5); }
  int64_t first(double center) const { return std::max<int64_t>(int64_t(center - support + 0.5), 0); }
  int64_t end(double center) const { return std::min<int64_t>(int64_t(center + support + 0.5), inputs); }
  /// Most inputs of an output.
  int64_t most() const { return int64_t(std::ceil(support)) * 2 + 1; }
};

/// The two inputs of an output, and the second one's share.
struct Neighbours {
  int64_t low, high;
  float share;
};

Neighbours neighboursOf(const ResizeAxis &axis, int64_t output) {
  float at = float(output) * (float(axis.inputs) / float(axis.outputs));
  int64_t low = std::min(int64_t(at), axis.inputs - 1);
  return {low, std::min(low + 1, axis.inputs - 1), at - float(low)};
}

} // namespace

Span inputsOf(const ResizeAxis &axis, Filter filter) {
  int64_t last = axis.first + axis.count - 1;
  if (filter == Filter::Tf1)
    return {neighboursOf(axis, axis.first).low, neighboursOf(axis, last).high + 1};
  AxisFilter where(axis, filter);
  double first = where.center(axis.first), end = where.center(last);
  return {where.first(first), std::max(where.end(end), where.first(end))};
}

Resampler::Resampler(Vectors vectors) : hasVectors(vectors == Vectors::IfThere && resample::hasVectors()) {}

/// Fills `weights.exact` and `entries`; returns the largest weight of all outputs, not only of those that are computed.
template <double (*kFunction)(double)>
double Resampler::makeExact(const ResizeAxis &axis, Filter filter, Weights &weights) {
  AxisFilter where(axis, filter);
  int64_t most = where.most();
  double largest = 0;
  weights.exact.resize(size_t(axis.count * most));
  weights.line.resize(size_t(most));
  for (int64_t output = 0; output < axis.outputs; ++output) {
    double center = where.center(output), sum = 0;
    int64_t first = where.first(center), size = std::min(std::max<int64_t>(where.end(center) - first, 0), most);
    int64_t i = output - axis.first;
    bool isComputed = i >= 0 && i < axis.count;
    double *line = isComputed ? weights.exact.data() + i * most : weights.line.data();
    for (int64_t j = 0; j < size; ++j) {
      line[j] = kFunction((double(j + first) - center + 0.5) * where.invScale);
      sum += line[j];
    }
    for (int64_t j = 0; j < size; ++j) {
      if (sum != 0)
        line[j] /= sum;
      largest = std::max(largest, line[j]);
    }
    if (isComputed)
      weights.entries[i] = {first, size};
  }
  return largest;
}

void Resampler::makeWeights(const ResizeAxis &axis, Filter filter, Weights &weights) {
  const ResizeAxis &old = weights.axis;
  if (weights.filter == filter && old.inputs == axis.inputs && old.outputs == axis.outputs && old.first == axis.first &&
      old.count == axis.count)
    return;
  weights.axis = axis;
  weights.filter = filter;
  int64_t most = AxisFilter(axis, filter).most();
  weights.stride = (most + 3) / 4 * 4;
  weights.entries.resize(axis.count);
  weights.values.assign(axis.count * weights.stride, 0);
  double largest =
      filter == Filter::Bicubic ? makeExact<cubic>(axis, filter, weights) : makeExact<triangle>(axis, filter, weights);
  weights.shift = 0;
  while (weights.shift < 22 && int(0.5 + largest * double(1 << (weights.shift + 1))) < (1 << 15))
    ++weights.shift;
  double unit = double(1 << weights.shift);
  for (int64_t i = 0; i < axis.count; ++i)
    for (int64_t j = 0; j < weights.entries[i].size; ++j) {
      double value = weights.exact[i * most + j] * unit;
      weights.values[i * weights.stride + j] = int16_t(value < 0 ? value - 0.5 : value + 0.5);
    }
}

void Resampler::resize(const PixelView &from, int64_t y0, int64_t x0, const ResizeAxis &rows, const ResizeAxis &columns,
                       Filter filter, PixelBuffer &to) {
  if (filter == Filter::Tf1)
    return resizeTf1(from, y0, x0, rows, columns, to);
  makeWeights(columns, filter, across);
  makeWeights(rows, filter, down);
  to.resize(rows.count, columns.count, from.channels);
  Span span = inputsOf(rows, filter);
  int64_t rowBytes = columns.count * from.channels;
  if (size_t needed = size_t((span.end - span.begin) * rowBytes); lines.size() < needed)
    lines.resize(needed);
  resample::Table table{across.entries.data(), across.values.data(), columns.count,
                        across.stride,         across.shift,         x0 + from.width};
  for (int64_t y = span.begin; y < span.end; y += 4) {
    const uint8_t *sources[4];
    uint8_t *targets[4];
    int count = int(std::min<int64_t>(4, span.end - y));
    for (int k = 0; k < count; ++k) {
      sources[k] = from.data + (y + k - y0) * from.stride - x0 * from.channels;
      targets[k] = lines.data() + (y + k - span.begin) * rowBytes;
    }
    resample::across(hasVectors, table, from.channels, sources, targets, count);
  }
  for (int64_t i = 0; i < rows.count; ++i)
    resample::down(hasVectors, lines.data() + (down.entries[i].first - span.begin) * rowBytes,
                   down.values.data() + i * down.stride, down.entries[i].size, down.shift, rowBytes,
                   to.bytes.data() + i * rowBytes);
}

void Resampler::resizeTf1(const PixelView &from, int64_t y0, int64_t x0, const ResizeAxis &rows,
                          const ResizeAxis &columns, PixelBuffer &to) {
  to.resize(rows.count, columns.count, from.channels);
  int64_t channels = from.channels;
  uint8_t *out = to.bytes.data();
  for (int64_t i = 0; i < rows.count; ++i) {
    Neighbours y = neighboursOf(rows, rows.first + i);
    const uint8_t *top = from.data + (y.low - y0) * from.stride, *bottom = from.data + (y.high - y0) * from.stride;
    for (int64_t j = 0; j < columns.count; ++j) {
      Neighbours x = neighboursOf(columns, columns.first + j);
      for (int64_t c = 0; c < channels; ++c) {
        int64_t left = (x.low - x0) * channels + c, right = (x.high - x0) * channels + c;
        float above = float(top[left]) + (float(top[right]) - float(top[left])) * x.share;
        float below = float(bottom[left]) + (float(bottom[right]) - float(bottom[left])) * x.share;
        *out++ = static_cast<uint8_t>(std::lround(above + (below - above) * y.share));
      }
    }
  }
}

} // namespace incept
