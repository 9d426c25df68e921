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

/// True where all entries of `a` are those of `b` or their opposites, and there are some of both that are not 0.
bool differInSigns(ArrayRef<double> a, ArrayRef<double> b) {
  bool areSome = false, areOpposite = false;
  for (auto [x, y] : llvm::zip_equal(a, b)) {
    if (x != y && x != -y)
      return false;
    areSome |= x == y && x != 0;
    areOpposite |= x == -y && x != 0;
  }
  return areSome && areOpposite;
}

/// For each row the index of a row behind it that differs from it in signs, each in one pair at most; -1 for none.
struct Pairs {
  SmallVector<int> of;
  SmallVector<bool> isSecond;
  int count = 0;

  explicit Pairs(const RealMatrix &rows) : of(rows.size(), -1), isSecond(rows.size(), false) {
    for (size_t i = 0; i < rows.size(); ++i)
      for (size_t k = i + 1; k < rows.size() && !isSecond[i] && of[i] < 0; ++k)
        if (!isSecond[k] && differInSigns(rows[i], rows[k])) {
          of[i] = int(k);
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
    // Sums of two values serve the rows where both have one sign, differences the others.
    SmallVector<std::pair<Value, Value>> halves;
    SmallVector<size_t> of;
    for (size_t j = 0; j < columns.size(); ++j) {
      if (columnPairs.isSecond[j])
        continue;
      int other = columnPairs.of[j];
      of.push_back(j);
      if (other < 0)
        halves.push_back({values[j], values[j]});
      else
        halves.push_back({e.addf(values[j], values[other]), e.subf(values[j], values[other])});
    }
    for (size_t i = 0; i < matrix.size(); ++i) {
      Terms terms;
      for (auto [j, half] : llvm::zip(of, halves)) {
        int other = columnPairs.of[j];
        terms.push_back({matrix[i][j], other < 0 || matrix[i][other] == matrix[i][j] ? half.first : half.second});
      }
      results[i] = orZero(e, sumOf(e, std::move(terms)));
    }
    return results;
  }
  for (size_t i = 0; i < matrix.size(); ++i) {
    if (rowPairs.isSecond[i])
      continue;
    int other = rowPairs.of[i];
    Terms same, opposite;
    for (size_t j = 0; j < matrix[i].size(); ++j)
      (other < 0 || matrix[other][j] == matrix[i][j] ? same : opposite).push_back({matrix[i][j], values[j]});
    Value sum = sumOf(e, std::move(same));
    if (other < 0) {
      results[i] = orZero(e, sum);
      continue;
    }
    Value rest = sumOf(e, std::move(opposite));
    results[i] = e.addf(sum, rest);
    results[other] = e.subf(sum, rest);
  }
  return results;
}

} // namespace incept::kernels
