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

/// Where the filter of an output lies.
struct Reach {
  double center, scale, invScale, support;
  int64_t first, size;
};

Reach reachOf(const ResizeAxis &axis, Filter filter, int64_t output) {
  Reach reach;
  double width = filter == Filter::Bicubic ? 4 : 2;
  double scale = double(axis.inputs) / double(axis.outputs);
  reach.scale = scale;
  reach.support = scale >= 1 ? width * 0.5 * scale : width * 0.5;
  reach.invScale = scale >= 1 ? 1 / scale : 1;
  reach.center = scale * (double(output) + 0.5);
  reach.first = std::max<int64_t>(int64_t(reach.center - reach.support + 0.5), 0);
  int64_t end = std::min<int64_t>(int64_t(reach.center + reach.support + 0.5), axis.inputs);
  reach.size = std::max<int64_t>(end - reach.first, 0);
  return reach;
}

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
  Reach end = reachOf(axis, filter, last);
  return {reachOf(axis, filter, axis.first).first, end.first + end.size};
}

Resampler::Resampler(Vectors vectors) : hasVectors(vectors == Vectors::IfThere && resample::hasVectors()) {}

void Resampler::makeWeights(const ResizeAxis &axis, Filter filter, Weights &weights) {
  const ResizeAxis &old = weights.axis;
  if (weights.filter == filter && old.inputs == axis.inputs && old.outputs == axis.outputs && old.first == axis.first &&
      old.count == axis.count)
    return;
  weights.axis = axis;
  weights.filter = filter;
  int64_t most = int64_t(std::ceil(reachOf(axis, filter, 0).support)) * 2 + 1;
  weights.stride = (most + 1) / 2 * 2;
  weights.entries.resize(axis.count);
  weights.values.assign(axis.count * weights.stride, 0);
  std::vector<double> exact(axis.count * most);
  double (*function)(double) = filter == Filter::Bicubic ? cubic : triangle;
  // The largest of all outputs, not only of those that are computed, decides about the rounding.
  double largest = 0;
  std::vector<double> line(most);
  for (int64_t output = 0; output < axis.outputs; ++output) {
    Reach reach = reachOf(axis, filter, output);
    int64_t size = std::min(reach.size, most);
    double sum = 0;
    for (int64_t j = 0; j < size; ++j) {
      line[j] = function((double(j + reach.first) - reach.center + 0.5) * reach.invScale);
      sum += line[j];
    }
    for (int64_t j = 0; j < size; ++j) {
      if (sum != 0)
        line[j] /= sum;
      largest = std::max(largest, line[j]);
    }
    int64_t i = output - axis.first;
    if (i < 0 || i >= axis.count)
      continue;
    weights.entries[i] = {reach.first, size};
    std::copy_n(line.begin(), size, exact.begin() + i * most);
  }
  weights.shift = 0;
  while (weights.shift < 22 && int(0.5 + largest * double(1 << (weights.shift + 1))) < (1 << 15))
    ++weights.shift;
  for (int64_t i = 0; i < axis.count; ++i)
    for (int64_t j = 0; j < weights.entries[i].size; ++j) {
      double value = exact[i * most + j] * double(1 << weights.shift);
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
  lines.resize((span.end - span.begin) * rowBytes);
  resample::Table table{across.entries.data(), across.values.data(), columns.count, across.stride, across.shift};
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
