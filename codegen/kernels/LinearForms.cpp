// SPDX-License-Identifier: Apache-2.0

#include "codegen/kernels/LinearForms.h"

#include <cmath>

using namespace mlir;

namespace incept::kernels {

namespace {

using Terms = SmallVector<std::pair<double, Value>>;

/// The sum of factor * value, null for none that is not 0. Terms without a multiplication come first.
Value sumOf(KernelEmitter &e, Terms terms) {
  llvm::erase_if(terms, [](const auto &term) { return term.first == 0; });
  if (terms.empty())
    return {};
  auto rank = [](double factor) { return factor == 1 ? 0 : factor == -1 ? 1 : 2; };
  llvm::stable_sort(terms, [&](const auto &a, const auto &b) { return rank(a.first) < rank(b.first); });
  auto [first, value] = terms.front();
  Value sum = first == 1 ? value : e.mulf(value, e.splatReal(first));
  for (auto [factor, term] : ArrayRef(terms).drop_front())
    sum = factor == 1 ? e.addf(sum, term) : factor == -1 ? e.subf(sum, term) : e.fma(term, e.splatReal(factor), sum);
  return sum;
}

Value orZero(KernelEmitter &e, Value value) { return value ? value : e.splatReal(0.0); }
Value add(KernelEmitter &e, Value a, Value b) { return a && b ? e.addf(a, b) : orZero(e, a ? a : b); }
Value sub(KernelEmitter &e, Value a, Value b) {
  return a && b ? e.subf(a, b) : a ? a : e.subf(e.splatReal(0.0), orZero(e, b));
}

/// 1 or -1 where entry j of `b` is that times (-1)^j times entry j of `a`, else 0.
int alternation(ArrayRef<double> a, ArrayRef<double> b) {
  auto differs = [&](double sign) {
    for (size_t j = 0; j < a.size(); ++j)
      if (b[j] != (j % 2 ? -sign : sign) * a[j])
        return true;
    return false;
  };
  return !differs(1) ? 1 : !differs(-1) ? -1 : 0;
}

/// For each row the index of a row behind it that is its alternation, each in one pair at most, and the sign; -1 for
/// none.
struct Pairs {
  SmallVector<std::pair<int, int>> of;
  SmallVector<bool> isSecond;
  int count = 0;

  explicit Pairs(const RealMatrix &rows) : of(rows.size(), {-1, 0}), isSecond(rows.size(), false) {
    for (size_t i = 0; i < rows.size(); ++i)
      for (size_t k = i + 1; k < rows.size() && !isSecond[i] && of[i].first < 0; ++k)
        if (int sign = alternation(rows[i], rows[k]); sign && !isSecond[k]) {
          of[i] = {int(k), sign};
          isSecond[k] = true;
          ++count;
        }
  }
};

} // namespace

SmallVector<Value> emitProduct(KernelEmitter &e, const RealMatrix &matrix, ValueRange values) {
  RealMatrix columns = transpose(matrix);
  Pairs rowPairs(matrix), columnPairs(columns);
  SmallVector<Value> results(matrix.size());
  if (columnPairs.count > rowPairs.count) {
    // Sums and differences of two values serve the even and the odd rows.
    SmallVector<std::pair<Value, Value>> halves; // for even and odd rows
    SmallVector<size_t> of;
    for (size_t j = 0; j < columns.size(); ++j) {
      if (columnPairs.isSecond[j])
        continue;
      auto [other, sign] = columnPairs.of[j];
      of.push_back(j);
      if (other < 0)
        halves.push_back({values[j], values[j]});
      else if (sign > 0)
        halves.push_back({e.addf(values[j], values[other]), e.subf(values[j], values[other])});
      else
        halves.push_back({e.subf(values[j], values[other]), e.addf(values[j], values[other])});
    }
    for (size_t i = 0; i < matrix.size(); ++i) {
      Terms terms;
      for (auto [j, half] : llvm::zip(of, halves))
        terms.push_back({matrix[i][j], i % 2 ? half.second : half.first});
      results[i] = orZero(e, sumOf(e, std::move(terms)));
    }
    return results;
  }
  for (size_t i = 0; i < matrix.size(); ++i) {
    if (rowPairs.isSecond[i])
      continue;
    Terms even, odd;
    for (size_t j = 0; j < matrix[i].size(); ++j)
      (j % 2 ? odd : even).push_back({matrix[i][j], values[j]});
    auto [other, sign] = rowPairs.of[i];
    if (other < 0) {
      even.append(odd);
      results[i] = orZero(e, sumOf(e, std::move(even)));
      continue;
    }
    Value a = sumOf(e, std::move(even)), b = sumOf(e, std::move(odd));
    results[i] = add(e, a, b);
    results[other] = sign > 0 ? sub(e, a, b) : sub(e, b, a);
  }
  return results;
}

} // namespace incept::kernels
