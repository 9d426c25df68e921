// SPDX-License-Identifier: Apache-2.0

#include "codegen/kernels/TileTransform.h"

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
  std::vector<std::pair<int64_t, int64_t>> pairs; ///< p of each pair p, -p; besides them there are 0 and infinity
};

// The usual small integers and their inverses lose three times as many digits for seven taps.
const Points kPoints[] = {
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

std::optional<TileTransform> findTileTransform(int64_t outputs, int64_t taps) {
  for (const Points &entry : kPoints) {
    if (entry.outputs != outputs || entry.taps != taps)
      continue;
    std::vector<Rational> points = {Rational(0)};
    for (auto [numerator, denominator] : entry.pairs)
      for (int64_t sign : {1, -1})
        points.push_back(Rational(sign * numerator, denominator));
    return makeTileTransform(outputs, points);
  }
  return std::nullopt;
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
