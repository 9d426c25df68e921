// SPDX-License-Identifier: Apache-2.0

#include "codegen/kernels/TileTransform.h"
#include "dialect/TileConvolution.h"

#include <algorithm>
#include <cmath>

namespace incept::kernels {

namespace {

double real(const Rational &value) { return double(int64_t(value.num)) / double(int64_t(value.den)); }

/// Coefficients of the product of (x - p) over all points but the one at `without`, from the constant one on.
std::vector<Rational> productOf(const std::vector<Rational> &points, size_t without) {
  std::vector<Rational> product = {Rational(1)};
  for (size_t i = 0; i < points.size(); ++i) {
    if (i == without)
      continue;
    product.push_back(Rational(0));
    for (size_t k = product.size() - 1; k > 0; --k)
      product[k] = product[k - 1] - points[i] * product[k];
    product[0] = -(points[i] * product[0]);
  }
  return product;
}

/// The power of two that is nearest to the largest entry, as a factor.
Rational magnitude(const std::vector<Rational> &row) {
  double largest = 0;
  for (const Rational &entry : row)
    largest = std::max(largest, std::fabs(real(entry)));
  int exponent = int(std::lround(std::log2(largest)));
  return exponent < 0 ? Rational(1, int64_t(1) << -exponent) : Rational(int64_t(1) << exponent, 1);
}

struct Points {
  int64_t outputs, taps;
  std::vector<std::pair<int64_t, int64_t>> pairs; ///< p of each pair p, -p; there is infinity besides, and 0 where odd
};

// The usual small integers and their inverses lose three times as many digits for seven taps.
const Points kPoints[] = {
    {2, 2, {{1, 1}}},
    {2, 3, {{1, 1}}},
    {4, 3, {{3, 2}, {2, 3}}},
    {6, 3, {{1, 1}, {1, 2}, {2, 1}}},
    {2, 5, {{3, 2}, {2, 3}}},
    {4, 5, {{1, 1}, {1, 2}, {2, 1}}},
    {2, 7, {{1, 1}, {1, 2}, {2, 1}}},
    {4, 7, {{2, 1}, {5, 4}, {7, 8}, {3, 8}}},
    {6, 7, {{1, 1}, {3, 2}, {2, 3}, {3, 1}, {3, 8}}},
};

} // namespace

TileTransform makeTileTransform(int64_t outputs, const std::vector<Rational> &points) {
  size_t count = points.size() + 1, taps = count + 1 - size_t(outputs), m = size_t(outputs);
  TileTransform transform;
  transform.outputs.assign(m, {});
  for (size_t p = 0; p < count; ++p) {
    bool isInfinity = p == points.size();
    std::vector<Rational> inputs = productOf(points, p), row;
    inputs.resize(count, Rational(0));
    Rational scale = magnitude(inputs), norm(1);
    for (size_t q = 0; q < points.size() && !isInfinity; ++q)
      if (q != p)
        norm *= points[p] - points[q];
    Rational power = scale / norm;
    for (size_t k = 0; k < taps; ++k) {
      row.push_back(isInfinity ? Rational(0) : power);
      if (!isInfinity)
        power *= points[p];
    }
    if (isInfinity)
      row.back() = scale;
    transform.taps.push_back(std::move(row));
    for (Rational &entry : inputs)
      entry /= scale;
    transform.inputs.push_back(std::move(inputs));
    power = Rational(1);
    for (size_t i = 0; i < m; ++i) {
      transform.outputs[i].push_back(isInfinity ? Rational(i + 1 == m) : power);
      if (!isInfinity)
        power *= points[p];
    }
  }
  return transform;
}

/// The transform of a correlation of stride 1, of one tap too: that has a point for each output and no arithmetic.
static std::optional<TileTransform> findDense(int64_t outputs, int64_t taps) {
  if (taps == 1) {
    TileTransform transform;
    for (int64_t i = 0; i < outputs; ++i) {
      std::vector<Rational> row(outputs, Rational(0));
      row[i] = Rational(1);
      transform.inputs.push_back(row);
      transform.outputs.push_back(std::move(row));
      transform.taps.push_back({Rational(1)});
    }
    return transform;
  }
  for (const Points &entry : kPoints) {
    if (entry.outputs != outputs || entry.taps != taps)
      continue;
    std::vector<Rational> points;
    if ((outputs + taps) % 2)
      points.push_back(Rational(0));
    for (auto [numerator, denominator] : entry.pairs)
      for (int64_t sign : {1, -1})
        points.push_back(Rational(sign * numerator, denominator));
    return makeTileTransform(outputs, points);
  }
  return std::nullopt;
}

/// Rows or columns of a matrix.
struct Part {
  size_t first, step;
};

/// Writes `from` to these rows and columns of `to`.
static void place(const RationalMatrix &from, RationalMatrix &to, Part rows, Part columns) {
  for (size_t i = 0; i < from.size(); ++i)
    for (size_t j = 0; j < from[i].size(); ++j)
      to[rows.first + i * rows.step][columns.first + j * columns.step] = from[i][j];
}

std::optional<TileTransform> findTileTransform(int64_t places, int64_t taps, WindowStep step) {
  if (!hasTileTransform(places, taps, step.stride))
    return std::nullopt;
  size_t stride = size_t(step.stride), m = size_t(places), r = size_t(taps);
  if (stride == 1)
    return findDense(places, taps);
  // Taps are odd in number: others, turned, would begin with another one of the images.
  size_t n = stride * (m - 1) + r, most = (r + stride - 1) / stride;
  TileTransform whole;
  auto zeros = [](size_t rows, size_t columns) {
    return RationalMatrix(rows, std::vector<Rational>(columns, Rational(0)));
  };
  whole.inputs = zeros(n, step.transposed ? m + most - 1 : n);
  whole.taps = zeros(n, r);
  whole.outputs = zeros(step.transposed ? m * stride : m, n);
  size_t point = 0;
  for (size_t phase = 0; phase < stride; ++phase) {
    size_t mine = (r - phase + stride - 1) / stride;
    auto part = findDense(places, int64_t(mine));
    if (!part)
      return std::nullopt;
    Part rows{point, 1}, strided{phase, stride};
    place(part->taps, whole.taps, rows, strided);
    place(part->inputs, whole.inputs, rows, step.transposed ? Part{most - mine, 1} : strided);
    place(part->outputs, whole.outputs, step.transposed ? strided : Part{0, 1}, rows);
    point += part->inputs.size();
  }
  return whole;
}

RealMatrix toReal(const RationalMatrix &matrix) {
  RealMatrix result;
  for (const std::vector<Rational> &row : matrix) {
    result.emplace_back();
    for (const Rational &entry : row)
      result.back().push_back(real(entry));
  }
  return result;
}

RealMatrix transpose(const RealMatrix &matrix) {
  RealMatrix result(matrix.front().size());
  for (const std::vector<double> &row : matrix)
    for (size_t i = 0; i < row.size(); ++i)
      result[i].push_back(row[i]);
  return result;
}

} // namespace incept::kernels
