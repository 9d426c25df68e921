// SPDX-License-Identifier: Apache-2.0
//
// What a problem's operands and a physical format take in memory, from their text alone. Every check that keeps the
// library inside its operands is here: plans and formats may come from a damaged file.
#include "runtime/device/cpu/OneDnn.h"
#include "runtime/device/cpu/OneDnnText.h"

#include <algorithm>
#include <limits>

namespace incept::onednn {

namespace text {

bool checkDims(const std::vector<int64_t> &dims, std::string &error) {
  if (dims.empty() || dims.size() > 4)
    return fail(error, "expected a tensor of 1 to 4 dimensions, but got " + std::to_string(dims.size()));
  int64_t elements = 1;
  for (int64_t dim : dims)
    if (!multiply(elements, dim))
      return fail(error, "expected positive dimensions of at most 2^40 elements");
  return true;
}

namespace {

/// Parses the inner blocks "16b16a".
bool parseInner(std::string_view text, Blocking &blocking) {
  std::fill(blocking.blocks, blocking.blocks + blocking.rank, 1);
  while (!text.empty()) {
    size_t digits = text.find_first_not_of("0123456789");
    int64_t size = 0;
    if (digits == std::string_view::npos || blocking.inner.size() == 12 || !parseInt(text.substr(0, digits), size) ||
        size <= 0 || size > 1024)
      return false;
    int index = text[digits] - 'a';
    if (index < 0 || index >= blocking.rank || !multiply(blocking.blocks[index], size))
      return false;
    blocking.inner.emplace_back(size, index);
    text.remove_prefix(digits + 1);
  }
  return true;
}

/// The elements that the outer dimensions reach over, or 0 where two of them would meet: a blocked tensor is a
/// bijection of elements and places.
int64_t reach(const Blocking &blocking, int64_t inner) {
  std::vector<std::pair<int64_t, int64_t>> outer; // stride, extent
  for (int i = 0; i < blocking.rank; ++i)
    if (int64_t extent = blocking.padded[i] / blocking.blocks[i]; extent > 1)
      outer.emplace_back(blocking.strides[i], extent);
  std::sort(outer.begin(), outer.end());
  int64_t elements = inner;
  for (auto [stride, extent] : outer) {
    int64_t span = stride;
    if (stride < elements || !multiply(span, extent))
      return 0;
    elements += (extent - 1) * stride;
    if (elements > kMaxElements)
      return 0;
  }
  return elements;
}

/// PADDED/STRIDES/INNER; `dims` and `rank` are set.
bool parseBlocking(std::string_view text, Blocking &blocking) {
  size_t first = text.find('/');
  size_t second = first == std::string_view::npos ? first : text.find('/', first + 1);
  if (second == std::string_view::npos || !parseList(text.substr(0, first), blocking.rank, blocking.padded) ||
      !parseList(text.substr(first + 1, second - first - 1), blocking.rank, blocking.strides) ||
      !parseInner(text.substr(second + 1), blocking))
    return false;
  int64_t inner = 1, padded = 1;
  for (int i = 0; i < blocking.rank; ++i)
    if (blocking.padded[i] < blocking.dims[i] || blocking.padded[i] % blocking.blocks[i] != 0 ||
        !multiply(padded, blocking.padded[i]) || !multiply(inner, blocking.blocks[i]))
      return false;
  blocking.elements = reach(blocking, inner);
  return blocking.elements > 0;
}

} // namespace

bool parseFormat(const std::vector<int64_t> &dims, const std::string &format, int64_t groups, Blocking &blocking,
                 std::string &error) {
  if (!checkDims(dims, error))
    return false;
  std::string_view text = format;
  int64_t g = std::max<int64_t>(groups, 1);
  if (text.starts_with('g')) {
    size_t colon = text.find(':');
    if (colon == std::string_view::npos || !parseInt(text.substr(1, colon - 1), g) || g <= 0 || (groups && g != groups))
      return fail(error, "malformed weights format '" + format + "'");
    text.remove_prefix(colon + 1);
  }
  if (g > 1 && (dims.size() != 4 || dims[0] % g != 0))
    return fail(error, "weights format '" + format + "' does not fit the groups of the tensor");
  blocking = Blocking();
  blocking.groups = g;
  if (g > 1) {
    blocking.dims[blocking.rank++] = g;
    blocking.dims[blocking.rank++] = dims[0] / g;
  }
  for (size_t i = g > 1 ? 1 : 0; i < dims.size(); ++i)
    blocking.dims[blocking.rank++] = dims[i];
  blocking.isDense = text.empty();
  if (!blocking.isDense)
    return parseBlocking(text, blocking) || fail(error, "malformed weights format '" + format + "'");
  blocking.elements = 1;
  for (int i = 0; i < blocking.rank; ++i)
    blocking.elements *= blocking.dims[i];
  return true;
}

bool isActivation(const std::vector<int64_t> &dims, const std::string &format) {
  return dims.size() == 4 &&
         (format == "nhwc" || (format == "nchw8c" && dims[1] % 8 == 0) || (format == "nchw16c" && dims[1] % 16 == 0));
}

} // namespace text

using namespace text;

namespace {

bool typeSize(const std::string &type, uint64_t &bytes, std::string &error) {
  if (type != "f32" && type != "bf16")
    return fail(error, "expected elements of type f32 or bf16, but got '" + type + "'");
  bytes = type == "f32" ? 4 : 2;
  return true;
}

/// Elements of logical `dims` in `format`, which may be that of an activation; 0 with a reason where it does not fit.
int64_t elementsOf(const std::vector<int64_t> &dims, const std::string &format, int64_t groups, std::string &error) {
  Blocking blocking;
  if (!parseFormat(dims, isActivation(dims, format) ? "" : format, groups, blocking, error))
    return 0;
  return blocking.elements;
}

/// The size of a convolution's result along one dimension; the arguments are 32-bit numbers.
int64_t resultSize(int64_t size, int64_t begin, int64_t end, int64_t window, int64_t dilation, int64_t stride) {
  int64_t room = size + begin + end - ((window - 1) * dilation + 1);
  return room < 0 ? 0 : room / stride + 1;
}

bool checkConvolution(const Problem &p, std::string &error) {
  for (int64_t value : {p.mb, p.g, p.ic, p.ih, p.iw, p.oc, p.oh, p.ow, p.kh, p.kw, p.sh, p.sw, p.dh, p.dw})
    if (value <= 0 || value > std::numeric_limits<int32_t>::max())
      return fail(error, "expected positive 32-bit dimensions in a convolution");
  for (int64_t value : {p.pt, p.pl, p.pb, p.pr})
    if (value < 0 || value > std::numeric_limits<int32_t>::max())
      return fail(error, "expected paddings that are not negative");
  if (p.ic % p.g || p.oc % p.g)
    return fail(error, "expected channels divisible by " + std::to_string(p.g) + " groups");
  std::vector<int64_t> src = {p.mb, p.ic, p.ih, p.iw}, dst = {p.mb, p.oc, p.oh, p.ow},
                       weights = {p.oc, p.ic / p.g, p.kh, p.kw};
  for (const auto &dims : {src, dst, weights})
    if (!checkDims(dims, error))
      return false;
  if (!isActivation(src, p.activations) || !isActivation(dst, p.activations))
    return fail(error,
                "expected activations in nhwc, or in nchw8c or nchw16c with whole blocks of channels, but got '" +
                    p.activations + "'");
  if (p.oh != resultSize(p.ih, p.pt, p.pb, p.kh, p.dh, p.sh) || p.ow != resultSize(p.iw, p.pl, p.pr, p.kw, p.dw, p.sw))
    return fail(error, "the convolution's dst does not have the size that its src, window and padding give");
  return true;
}

bool convolutionBytes(const Problem &p, uint64_t type, uint64_t resultType, std::vector<uint64_t> &bytes,
                      std::string &error) {
  int64_t elements = elementsOf({p.oc, p.ic / p.g, p.kh, p.kw}, p.weightsFormat, p.g, error);
  if (elements == 0)
    return false;
  uint64_t weights = uint64_t(elements), src = uint64_t(p.mb * p.ic * p.ih * p.iw) * type,
           dst = uint64_t(p.mb * p.oc * p.oh * p.ow) * type;
  if (p.kind == Kind::ConvolutionForward) {
    bytes = {src, weights * type};
    if (p.bias)
      bytes.push_back(uint64_t(p.oc) * type);
    bytes.push_back(dst);
  } else if (p.kind == Kind::ConvolutionBackwardData) {
    bytes = {dst, weights * type, src};
  } else {
    bytes = {src, dst, weights * resultType};
  }
  return true;
}

bool matMulBytes(const Problem &p, uint64_t type, uint64_t resultType, std::vector<uint64_t> &bytes,
                 std::string &error) {
  if (!checkDims({p.m, p.n}, error) || !checkDims({p.m, p.k}, error) || !checkDims({p.k, p.n}, error))
    return false;
  auto add = [&](int64_t rows, int64_t columns, int64_t pitch, bool transpose, const char *name, uint64_t size) {
    int64_t width = transpose ? rows : columns, height = transpose ? columns : rows, elements = height;
    if (pitch < width || !multiply(elements, pitch))
      return fail(error, std::string("expected a row pitch of at least ") + std::to_string(width) + " in '" + name +
                             "', but got " + std::to_string(pitch));
    bytes.push_back(uint64_t((height - 1) * pitch + width) * size);
    return true;
  };
  bytes.clear();
  if (!add(p.m, p.k, p.lda, p.transposeA, "a", type) || !add(p.k, p.n, p.ldb, p.transposeB, "b", type))
    return false;
  if (p.bias)
    bytes.push_back(uint64_t(p.n) * 4);
  return add(p.m, p.n, p.ldc, false, "c", resultType);
}

bool reorderBytes(const Problem &p, uint64_t type, std::vector<uint64_t> &bytes, std::string &error) {
  int64_t src = elementsOf(p.dims, p.srcFormat, 0, error);
  int64_t dst = src == 0 ? 0 : elementsOf(p.dims, p.dstFormat, 0, error);
  if (dst == 0)
    return false;
  bytes = {uint64_t(src) * type};
  if (p.scales)
    bytes.push_back(uint64_t(p.dims[0]) * 4);
  bytes.push_back(uint64_t(dst) * type);
  return true;
}

} // namespace

bool check(const Problem &problem, std::string &error) {
  Problem settled = problem;
  if (settled.weightsFormat == "any")
    settled.weightsFormat = "";
  std::vector<uint64_t> bytes;
  return operandBytes(settled, bytes, error);
}

bool operandBytes(const Problem &p, std::vector<uint64_t> &bytes, std::string &error) {
  uint64_t type = 0, resultType = 0;
  if (!typeSize(p.type, type, error) || !typeSize(p.resultType, resultType, error))
    return false;
  if (p.kind == Kind::MatMul)
    return matMulBytes(p, type, resultType, bytes, error);
  if (p.kind == Kind::Reorder)
    return reorderBytes(p, type, bytes, error);
  return checkConvolution(p, error) && convolutionBytes(p, type, resultType, bytes, error);
}

bool formatBytes(const std::vector<int64_t> &dims, const std::string &format, uint64_t &bytes, std::string &error) {
  int64_t elements = elementsOf(dims, format, 0, error);
  bytes = uint64_t(elements) * 4;
  return elements > 0;
}

} // namespace incept::onednn
