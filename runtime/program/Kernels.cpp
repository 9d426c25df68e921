// SPDX-License-Identifier: Apache-2.0

#include "runtime/program/Kernels.h"
#include "runtime/program/KernelRows.h"
#include "runtime/program/ProgramFormat.h"

#include <algorithm>
#include <cstddef>
#include <span>

namespace incept::program {

namespace {

/// A number of elements. What is too large for any memory stays so, whatever it is multiplied with.
struct Count {
  static constexpr int64_t kTooMany = int64_t(1) << 50;
  int64_t value = 0;

  friend Count operator*(Count a, Count b) {
    int64_t product = 0;
    bool overflows = __builtin_mul_overflow(a.value, b.value, &product);
    return {overflows ? kTooMany : std::min(product, kTooMany)};
  }
  friend Count operator+(Count a, Count b) { return {std::min(a.value + b.value, kTooMany)}; }
};

Count ceilDiv(Count a, int64_t b) { return {a.value / b + (a.value % b != 0)}; }

constexpr int64_t kMostOperands = 4096;

/// One launch: what the rules of the families read and fill.
struct Launch {
  const Kernel &kernel;
  const std::vector<int64_t> &extents;
  std::vector<Count> elements; ///< of each operand
  Count units;
  size_t nextStride = 0;                          ///< the extent that is the stride of the next full operand
  bool overlaps = false;                          ///< a stride is shorter than a row
  std::vector<std::pair<Count, Count>> rows = {}; ///< of each operand: elements of a row, and from one to the next

  Count e(size_t index) const { return {extents[index]}; }
  bool isOutput(size_t operand) const { return operand >= kernel.inputs; }

  void dense(Count count) {
    elements.push_back(count);
    rows.push_back({count, count});
  }
  /// `rows` of `channels` elements, whose distance is the next stride.
  void full(Count rows, Count channels) {
    Count stride = e(nextStride++);
    overlaps |= stride.value < channels.value;
    this->rows.push_back({channels, stride});
    elements.push_back(Count{std::max<int64_t>(rows.value - 1, 0)} * stride + channels);
  }
};

void flat(Launch &l) {
  // A scalar is read once, but written as often as there are elements: once, where all operands are scalars.
  for (size_t i = 0; i < l.kernel.operands.size(); ++i)
    l.dense(l.kernel.operands[i].rank == 0 && !l.isOutput(i) ? Count{1} : l.e(0));
  l.units = ceilDiv(l.e(0), kFlatUnit);
}

/// The first `sums` vectors that are written have `partials` rows.
void mapRows(Launch &l, int64_t sums, Count partials) {
  for (size_t i = 0; i < l.kernel.operands.size(); ++i) {
    int64_t rank = l.kernel.operands[i].rank;
    if (rank >= 2)
      l.full(l.e(0), l.e(1));
    else if (rank == 0)
      l.dense(Count{1});
    else
      l.dense(l.isOutput(i) && sums-- > 0 ? partials * l.e(1) : l.e(1));
  }
}

void map(Launch &l) {
  mapRows(l, 0, Count{1});
  l.units = l.e(0);
}

void reduce(Launch &l) {
  l.units = ceilDiv(l.e(0), l.extents[2]);
  mapRows(l, kMostOperands, l.units);
}

void reduceCombine(Launch &l) {
  l.units = ceilDiv(l.e(0), l.extents[2]);
  mapRows(l, l.extents[3], l.units);
}

void combine(Launch &l) {
  for (const KernelOperand &operand : l.kernel.operands)
    l.dense(operand.rank >= 2 ? l.e(0) * l.e(1) : l.e(1));
  l.units = ceilDiv(l.e(1), kCombineUnit);
}

// Pools: N, IH, IW, C, OH, OW, window, stride and padding.
Count poolSrc(const Launch &l) { return l.e(0) * l.e(1) * l.e(2); }
Count poolDst(const Launch &l) { return l.e(0) * l.e(4) * l.e(5); }

void pool(Launch &l) {
  l.full(poolSrc(l), l.e(3));
  while (l.elements.size() < l.kernel.operands.size()) // dst, and where the maxima were
    l.full(poolDst(l), l.e(3));
  l.units = l.e(0) * l.e(4);
}

void poolBackward(Launch &l) {
  while (l.elements.size() + 1 < l.kernel.operands.size())
    l.full(poolDst(l), l.e(3));
  l.full(poolSrc(l), l.e(3));
  l.units = l.e(0) * l.e(1);
}

void globalPool(Launch &l) {
  l.full(l.e(0) * l.e(1), l.e(2));
  l.full(l.e(0), l.e(2));
  l.units = l.e(0);
}

void globalPoolBackward(Launch &l) {
  l.full(l.e(0), l.e(2));
  l.full(l.e(0) * l.e(1), l.e(2));
  l.units = l.e(0);
}

void gate(Launch &l) {
  l.full(l.e(0) * l.e(1), l.e(2));
  l.full(l.e(0), l.e(2));
  l.full(l.e(0) * l.e(1), l.e(2));
  l.units = l.e(0);
}

void gateBackward(Launch &l) {
  l.full(l.e(0) * l.e(1), l.e(2));
  l.full(l.e(0) * l.e(1), l.e(2));
  l.full(l.e(0), l.e(2));
  l.units = l.e(0);
}

// Pools without a window, and resized images: N, IH, IW, C, OH, OW.
void adaptivePool(Launch &l) {
  l.full(poolSrc(l), l.e(3));
  l.full(poolDst(l), l.e(3));
  l.units = l.e(0) * l.e(4);
}

void adaptivePoolBackward(Launch &l) {
  l.full(poolDst(l), l.e(3));
  l.full(poolSrc(l), l.e(3));
  l.units = l.e(0) * l.e(1);
}

/// Positions are products of two sizes: beyond this they do not fit the integers of a kernel.
bool isResizable(const Launch &l) {
  constexpr int64_t kMost = (int64_t(1) << 15) - 1;
  return std::max({l.extents[1], l.extents[2], l.extents[4], l.extents[5]}) <= kMost;
}

void resize(Launch &l) {
  adaptivePool(l);
  l.units = isResizable(l) ? l.units : Count{0};
}

void resizeBackward(Launch &l) {
  adaptivePoolBackward(l);
  l.units = isResizable(l) ? l.units : Count{0};
}

void channelShuffle(Launch &l) {
  l.full(l.e(0), l.e(1));
  l.full(l.e(0), l.e(1));
  // Groups that do not divide the channels would be read beyond them.
  l.units = l.extents[1] % l.extents[2] == 0 ? ceilDiv(l.e(0), kRowsUnit) : Count{0};
}

void flattenPixels(Launch &l) {
  l.full(l.e(0) * l.e(2), l.e(1));
  l.full(l.e(0), l.e(1) * l.e(2));
  l.units = l.e(0) * l.e(2);
}

void unflattenPixels(Launch &l) {
  l.full(l.e(0), l.e(1) * l.e(2));
  l.full(l.e(0) * l.e(2), l.e(1));
  l.units = l.e(0) * l.e(2);
}

// Rows whose threads take them together.
void pixelRows(Launch &l) {
  while (l.elements.size() < l.kernel.operands.size())
    l.full(l.e(0), l.e(1));
  l.units = ceilDiv(l.e(0), kRowsUnit);
}

// Images, pixels, groups and channels of each.
void channelGroups(Launch &l) {
  while (l.elements.size() < l.kernel.operands.size())
    l.full(l.e(0) * l.e(1), l.e(2) * l.e(3));
  l.units = l.e(0) * l.e(2);
}

void dropout(Launch &l) {
  l.full(l.e(0) * l.e(2), l.e(1));
  for (int i = 0; i < 3; ++i) // seed, step, sample_base
    l.dense(Count{1});
  l.full(l.e(0) * l.e(2), l.e(1));
  l.units = l.e(0);
}

void crossEntropy(Launch &l) {
  l.full(l.e(0), l.e(1));
  l.dense(l.e(0));
  l.units = ceilDiv(l.e(0), l.extents[2]);
  for (size_t i = 2; i < l.kernel.operands.size(); ++i)
    l.dense(l.units); // loss and, where rows are ignored, the number of the others
}

void crossEntropyBackward(Launch &l) {
  l.full(l.e(0), l.e(1));
  l.dense(l.e(0));
  for (size_t i = 3; i < l.kernel.operands.size(); ++i)
    l.dense(Count{1}); // count and scale
  l.full(l.e(0), l.e(1));
  l.units = l.e(0);
}

void normalizeImage(Launch &l) {
  l.dense(l.e(0) * l.e(1));
  l.full(l.e(0), l.e(1));
  l.units = l.e(0);
}

void importImage(Launch &l) {
  l.dense(l.e(0) * l.e(1) * l.e(2));
  l.full(l.e(0) * l.e(2), l.e(1));
  l.units = l.e(0) * l.e(2);
}

void reorder(Launch &l) {
  l.dense(l.e(0) * l.e(1));
  l.dense(l.e(0));
  l.dense(l.e(0) * l.e(1));
  l.units = l.e(0);
}

void total(Launch &l) {
  l.units = ceilDiv(l.e(0), l.extents[1]);
  l.dense(l.e(0));
  l.dense(l.units);
}

constexpr int64_t kAnyNumber = -1;

struct Family {
  std::string_view name;
  int64_t least, most; ///< operands
  int64_t extents;     ///< without strides and counts
  int64_t strides;     ///< kAnyNumber: one for each operand of rank 2 or more
  void (*measure)(Launch &);
};

constexpr Family kFamilies[] = {
    {"flat", 1, kMostOperands, 1, 0, flat},
    {"map", 1, kMostOperands, 2, kAnyNumber, map},
    {"reduce", 1, kMostOperands, 3, kAnyNumber, reduce},
    {"reduce_combine", 2, kMostOperands, 4, kAnyNumber, reduceCombine},
    {"combine", 2, kMostOperands, 2, 0, combine},
    {"max_pool", 2, 2, 14, 2, pool},
    {"max_pool_with_index", 3, 3, 14, 3, pool},
    {"max_pool_backward", 3, 3, 14, 3, poolBackward},
    {"avg_pool", 2, 2, 14, 2, pool},
    {"avg_pool_backward", 2, 2, 14, 2, poolBackward},
    {"global_avg_pool", 2, 2, 3, 2, globalPool},
    {"global_avg_pool_backward", 2, 2, 3, 2, globalPoolBackward},
    {"gate", 3, 3, 3, 3, gate},
    {"gate_backward", 3, 3, 3, 3, gateBackward},
    {"adaptive_avg_pool", 2, 2, 6, 2, adaptivePool},
    {"adaptive_avg_pool_backward", 2, 2, 6, 2, adaptivePoolBackward},
    {"resize", 2, 2, 6, 2, resize},
    {"resize_backward", 2, 2, 6, 2, resizeBackward},
    {"channel_shuffle", 2, 2, 3, 2, channelShuffle},
    {"flatten_pixels", 2, 2, 3, 2, flattenPixels},
    {"unflatten_pixels", 2, 2, 3, 2, unflattenPixels},
    {"normalize_pixels", 2, 2, 2, 2, pixelRows},
    {"normalize_pixels_backward", 3, 3, 2, 3, pixelRows},
    {"normalize_groups", 2, 2, 4, 2, channelGroups},
    {"normalize_groups_backward", 3, 3, 4, 3, channelGroups},
    {"softmax", 2, 2, 2, 2, pixelRows},
    {"softmax_backward", 3, 3, 2, 3, pixelRows},
    {"local_response_norm", 2, 2, 2, 2, pixelRows},
    {"local_response_norm_backward", 3, 3, 2, 3, pixelRows},
    {"dropout", 5, 5, 3, 2, dropout},
    {"softmax_cross_entropy", 3, 4, 3, 1, crossEntropy},
    {"softmax_cross_entropy_backward", 3, 5, 2, 2, crossEntropyBackward},
    {"normalize_image", 2, 2, 2, 1, normalizeImage},
    {"import_image", 2, 2, 3, 1, importImage},
    {"reorder", 3, 3, 2, 0, reorder},
    {"count_nonfinite", 2, 2, 2, 0, total},
    {"sum_squares", 2, 2, 2, 0, total},
};
constexpr std::string_view kFixed = "fixed";

const Family *find(std::string_view name) {
  const Family *family = std::find_if(std::begin(kFamilies), std::end(kFamilies),
                                      [&](const Family &candidate) { return candidate.name == name; });
  return family == std::end(kFamilies) ? nullptr : family;
}

/// Operands that are rows, whose distance is an extent.
int64_t countRows(const Kernel &kernel) {
  return std::count_if(kernel.operands.begin(), kernel.operands.end(),
                       [](const KernelOperand &operand) { return operand.rank >= 2; });
}

/// Paddings of pools may be 0; everything else counts something.
bool isPadding(const Family &family, size_t extent) { return family.extents == 14 && extent >= 10 && extent < 14; }

bool fail(std::string &why, std::string reason) {
  why = std::move(reason);
  return false;
}

bool measureFixed(const Kernel &kernel, const std::vector<int64_t> &extents, std::vector<Count> &elements, Count &units,
                  std::string &why) {
  if (extents != kernel.extents)
    return fail(why, "kernel '" + kernel.name + "' was compiled for other extents");
  for (const KernelOperand &operand : kernel.operands)
    elements.push_back({operand.rank});
  units = {kernel.units};
  return true;
}

bool measureFamily(const Kernel &kernel, const std::vector<int64_t> &extents, std::vector<Count> &elements,
                   Count &units, std::string &why) {
  const Family *family = find(kernel.family);
  if (!family)
    return fail(why, "kernel '" + kernel.name + "' is of unknown family '" + kernel.family + "'");
  int64_t operands = static_cast<int64_t>(kernel.operands.size()), strides = family->strides;
  if (operands < family->least || operands > family->most)
    return fail(why, "a kernel of family " + kernel.family + " has " + std::to_string(operands) + " operands");
  if (strides == kAnyNumber)
    strides = countRows(kernel);
  int64_t expected = family->extents + strides + kernel.counts;
  if (static_cast<int64_t>(extents.size()) != expected)
    return fail(why, "expected " + std::to_string(expected) + " extents for kernel '" + kernel.name + "', but got " +
                         std::to_string(extents.size()));
  for (size_t i = 0; i < static_cast<size_t>(family->extents + strides); ++i)
    if (extents[i] < 1 && !isPadding(*family, i))
      return fail(why, "an extent of kernel '" + kernel.name + "' is not positive");
  Launch launch{kernel, extents, {}, {}, static_cast<size_t>(family->extents)};
  family->measure(launch);
  if (launch.overlaps)
    return fail(why, "rows of an operand of kernel '" + kernel.name + "' overlap");
  elements = std::move(launch.elements);
  units = launch.units;
  return true;
}

/// A launch of `parts` parts as one of them sees it.
Kernel partOf(const Kernel &kernel) {
  Kernel part = kernel;
  size_t inputs = kernel.inputs / kernel.parts, outputs = kernel.operands.size() / kernel.parts - inputs;
  part.parts = 1;
  part.inputs = inputs;
  part.operands.assign(kernel.operands.begin(), kernel.operands.begin() + std::ptrdiff_t(inputs));
  part.operands.insert(part.operands.end(), kernel.operands.begin() + std::ptrdiff_t(kernel.inputs),
                       kernel.operands.begin() + std::ptrdiff_t(kernel.inputs + outputs));
  return part;
}

/// Extents that the family of `part` has, 0 where it is none.
size_t countExtents(const Kernel &part) {
  const Family *family = find(part.family);
  if (!family)
    return 0;
  int64_t strides = family->strides == kAnyNumber ? countRows(part) : family->strides;
  return static_cast<size_t>(family->extents + strides + part.counts);
}

/// The kernels of the parts of a launch, in their order.
std::span<const Kernel> membersOf(const Kernel &kernel) {
  return kernel.members.empty() ? std::span(&kernel, 1) : std::span(kernel.members);
}

/// Calls visit(part, extents of it, index of each of its operands in the launch) for each part of a launch. False where
/// visit is, or where the extents are not those of parts.
template <typename Visit>
bool forEachPart(const Kernel &kernel, const std::vector<int64_t> &extents, std::string &why, Visit visit) {
  auto refuse = [&] {
    return fail(why, "kernel '" + kernel.name + "' has " + std::to_string(kernel.parts) +
                         " parts, but a launch gives " + std::to_string(extents.size()) + " extents and sizes");
  };
  const size_t sizes = kernel.parts * kPartSizes;
  if (extents.size() < sizes || (kernel.members.empty() && extents.size() % kernel.parts != 0))
    return refuse();
  if (std::any_of(extents.end() - std::ptrdiff_t(sizes), extents.end(), [](int64_t size) { return size < 1; }))
    return fail(why, "the grid of a part of kernel '" + kernel.name + "' is empty");
  size_t input = 0, output = kernel.inputs, extent = 0;
  const size_t end = extents.size() - sizes;
  for (const Kernel &member : membersOf(kernel)) {
    const Kernel part = partOf(member);
    const size_t count = kernel.members.empty() ? end / kernel.parts : countExtents(part);
    for (size_t p = 0; p < member.parts; ++p) {
      if (count > end - extent)
        return refuse();
      auto begin = extents.begin() + std::ptrdiff_t(extent);
      extent += count;
      std::vector<size_t> places;
      for (size_t i = 0; i < part.operands.size(); ++i)
        places.push_back(i < part.inputs ? input++ : output++);
      if (!visit(part, std::vector<int64_t>(begin, begin + std::ptrdiff_t(count)), places))
        return false;
    }
  }
  return extent == end || refuse();
}

} // namespace

bool isGridOf(const Kernel &kernel, const std::vector<int64_t> &extents, const std::array<unsigned, 3> &grid,
              const std::array<unsigned, 3> &block) {
  constexpr int64_t kMostX = INT32_MAX, kMostY = 65535, kMostThreads = 1024;
  auto mostY = [&](const Kernel &member) { return member.family == "reduce_combine" ? kMostRanges : kMostY; };
  if (kernel.parts == 1)
    return int64_t(grid[1]) <= mostY(kernel);
  int64_t blocks = 0;
  const int64_t *sizes = extents.data() + extents.size() - kernel.parts * kPartSizes;
  for (const Kernel &member : membersOf(kernel))
    for (size_t p = 0; p < member.parts; ++p, sizes += kPartSizes) {
      int64_t x = sizes[0], y = sizes[1], threadsX = sizes[2], threadsY = sizes[3];
      if (x > kMostX || y > mostY(member) || threadsX > kMostThreads || threadsY > kMostThreads ||
          threadsX * threadsY > int64_t(block[0]))
        return false;
      blocks += x * y;
    }
  return int64_t(grid[0]) == blocks && grid[1] == 1 && grid[2] == 1 && block[1] == 1 && block[2] == 1;
}

bool isKernelFamily(std::string_view family) { return family == kFixed || find(family); }

bool measureLaunch(const Kernel &kernel, const std::vector<int64_t> &extents, std::vector<OperandSize> &sizes,
                   int64_t &units, std::string &why) {
  if (kernel.parts > 1) {
    sizes.assign(kernel.operands.size(), {});
    int64_t all = 0;
    return forEachPart(kernel, extents, why, [&](const Kernel &part, const auto &own, const auto &places) {
      std::vector<OperandSize> partSizes;
      if (!measureLaunch(part, own, partSizes, units, why))
        return false;
      for (size_t i = 0; i < places.size(); ++i)
        sizes[places[i]] = partSizes[i];
      units = all = (Count{all} + Count{units}).value;
      return true;
    });
  }
  std::vector<Count> elements;
  Count count;
  bool good = kernel.family == kFixed ? measureFixed(kernel, extents, elements, count, why)
                                      : measureFamily(kernel, extents, elements, count, why);
  if (!good)
    return false;
  sizes.clear();
  for (size_t i = 0; i < elements.size(); ++i) {
    uint64_t bytes = kernel.operands[i].elementBytes;
    sizes.push_back({static_cast<uint64_t>(elements[i].value) * bytes, bytes});
  }
  units = count.value;
  return true;
}

std::vector<OperandRows> operandRows(const Kernel &kernel, const std::vector<int64_t> &extents) {
  std::vector<OperandRows> result(kernel.operands.size());
  if (kernel.parts > 1) {
    std::string why;
    forEachPart(kernel, extents, why, [&](const Kernel &part, const auto &own, const auto &places) {
      std::vector<OperandRows> rows = operandRows(part, own);
      for (size_t i = 0; i < places.size(); ++i)
        result[places[i]] = rows[i];
      return true;
    });
    return result;
  }
  const Family *family = find(kernel.family);
  if (!family)
    return result;
  Launch launch{kernel, extents, {}, {}, static_cast<size_t>(family->extents)};
  family->measure(launch);
  for (size_t i = 0; i < result.size(); ++i) {
    auto [row, stride] = launch.rows[i];
    uint64_t bytes = kernel.operands[i].elementBytes;
    if (row.value == stride.value) // rows without gaps are one
      row = stride = launch.elements[i];
    result[i] = {static_cast<uint64_t>(row.value) * bytes, static_cast<uint64_t>(stride.value) * bytes, true};
  }
  return result;
}

} // namespace incept::program
