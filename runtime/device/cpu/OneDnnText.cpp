// SPDX-License-Identifier: Apache-2.0
//
// The text form of problems in plans. Knows nothing of the library.
#include "runtime/device/cpu/OneDnnText.h"
#include "runtime/device/cpu/OneDnn.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace incept::onednn {

namespace text {

bool fail(std::string &error, std::string message) {
  error = std::move(message);
  return false;
}

bool parseInt(std::string_view text, int64_t &value) {
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size();
}

bool parseList(std::string_view text, size_t count, int64_t *values) {
  for (size_t i = 0; i < count; ++i) {
    size_t end = text.find('x');
    if ((end == std::string_view::npos) != (i + 1 == count))
      return false;
    if (!parseInt(text.substr(0, end), values[i]) || values[i] <= 0 || values[i] > kMaxElements)
      return false;
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return text.empty();
}

bool multiply(int64_t &product, int64_t factor) {
  if (factor <= 0 || factor > kMaxElements || product > kMaxElements / factor)
    return false;
  product *= factor;
  return true;
}

std::string joinList(const int64_t *values, int count) {
  std::string text;
  for (int i = 0; i < count; ++i)
    text += (i ? "x" : "") + std::to_string(values[i]);
  return text;
}

} // namespace text

using namespace text;

namespace {

const std::array<std::pair<Kind, std::string_view>, 5> kKinds = {{
    {Kind::ConvolutionForward, "convolution_forward"},
    {Kind::ConvolutionBackwardData, "convolution_backward_data"},
    {Kind::ConvolutionBackwardWeights, "convolution_backward_weights"},
    {Kind::MatMul, "matmul"},
    {Kind::Reorder, "reorder"},
}};

/// Integer fields of a problem under their names in a plan; which ones are written depends on the kind.
struct IntField {
  const char *name;
  int64_t Problem::*member;
};
constexpr IntField kConvolutionInts[] = {
    {"mb", &Problem::mb}, {"g", &Problem::g},   {"ic", &Problem::ic}, {"ih", &Problem::ih}, {"iw", &Problem::iw},
    {"oc", &Problem::oc}, {"oh", &Problem::oh}, {"ow", &Problem::ow}, {"kh", &Problem::kh}, {"kw", &Problem::kw},
    {"sh", &Problem::sh}, {"sw", &Problem::sw}, {"dh", &Problem::dh}, {"dw", &Problem::dw}, {"pt", &Problem::pt},
    {"pl", &Problem::pl}, {"pb", &Problem::pb}, {"pr", &Problem::pr}};
constexpr IntField kMatMulInts[] = {{"m", &Problem::m},     {"n", &Problem::n},     {"k", &Problem::k},
                                    {"lda", &Problem::lda}, {"ldb", &Problem::ldb}, {"ldc", &Problem::ldc}};
struct BoolField {
  const char *name;
  bool Problem::*member;
};
constexpr BoolField kBools[] = {{"bias", &Problem::bias},
                                {"relu", &Problem::relu},
                                {"training", &Problem::training},
                                {"transpose_a", &Problem::transposeA},
                                {"transpose_b", &Problem::transposeB},
                                {"scales", &Problem::scales}};
struct StringField {
  const char *name;
  std::string Problem::*member;
};
constexpr StringField kStrings[] = {{"weights_format", &Problem::weightsFormat},
                                    {"activations", &Problem::activations},
                                    {"type", &Problem::type},
                                    {"result_type", &Problem::resultType},
                                    {"src_format", &Problem::srcFormat},
                                    {"dst_format", &Problem::dstFormat}};

bool decodeField(std::string_view key, const std::string &value, Problem &problem) {
  for (const auto *table : {kConvolutionInts, kMatMulInts}) {
    size_t count = table == kConvolutionInts ? std::size(kConvolutionInts) : std::size(kMatMulInts);
    for (const IntField *field = table; field != table + count; ++field)
      if (key == field->name)
        return parseInt(value, problem.*field->member);
  }
  for (const BoolField &field : kBools)
    if (key == field.name) {
      problem.*field.member = value == "true";
      return value == "true" || value == "false";
    }
  for (const StringField &field : kStrings)
    if (key == field.name) {
      problem.*field.member = value;
      return true;
    }
  if (key == "threads")
    return parseInt(value, problem.threads) && problem.threads >= 1 && problem.threads <= kMaxThreads;
  if (key != "dims")
    return false;
  size_t rank = std::count(value.begin(), value.end(), 'x') + 1;
  if (rank > 4)
    return false;
  problem.dims.assign(rank, 0);
  return parseList(value, rank, problem.dims.data());
}

} // namespace

bool rowsFormat(const std::string &format, int64_t rows, std::string &result) {
  // DIMS/STRIDES/BLOCKS, as OneDnn.cpp writes them: strides count elements between blocks, "8b8a" are 8 of the second
  // dimension and in them 8 of the first.
  constexpr size_t rank = 4;
  size_t first = format.find('/'), second = first == std::string::npos ? first : format.find('/', first + 1);
  int64_t dims[rank], strides[rank], block = 1, elements = 1;
  if (second == std::string::npos || !parseList(std::string_view(format).substr(0, first), rank, dims) ||
      !parseList(std::string_view(format).substr(first + 1, second - first - 1), rank, strides))
    return false;
  for (size_t at = second + 1; at < format.size();) {
    size_t letter = format.find_first_of("abcd", at);
    int64_t size = 0;
    if (letter == std::string::npos || !parseInt(std::string_view(format).substr(at, letter - at), size) || size <= 0 ||
        (format[letter] == 'a' && !multiply(block, size)))
      return false;
    at = letter + 1;
  }
  for (int64_t dim : dims)
    if (!multiply(elements, dim))
      return false;
  // Rows lie apart if the first dimension is the outermost one, and are told apart where a block ends.
  int64_t extent = dims[0] / block;
  if (rows <= 0 || rows > dims[0] || dims[0] % block != 0 || rows % block != 0 || !multiply(extent, strides[0]) ||
      extent != elements)
    return false;
  dims[0] = rows;
  result = joinList(dims, rank) + format.substr(first);
  return true;
}

std::string_view kindName(Kind kind) {
  for (auto [candidate, name] : kKinds)
    if (candidate == kind)
      return name;
  return "";
}

bool parseKind(std::string_view name, Kind &kind) {
  for (auto [candidate, candidateName] : kKinds)
    if (candidateName == name) {
      kind = candidate;
      return true;
    }
  return false;
}

std::vector<std::pair<std::string, std::string>> encode(const Problem &problem) {
  std::vector<std::pair<std::string, std::string>> fields = {{"kind", std::string(kindName(problem.kind))}};
  auto addInts = [&](const auto &table) {
    for (const IntField &field : table)
      fields.emplace_back(field.name, std::to_string(problem.*field.member));
  };
  auto addBool = [&](const char *name, bool value) { fields.emplace_back(name, value ? "true" : "false"); };
  switch (problem.kind) {
  case Kind::MatMul:
    addInts(kMatMulInts);
    addBool("bias", problem.bias);
    addBool("transpose_a", problem.transposeA);
    addBool("transpose_b", problem.transposeB);
    break;
  case Kind::Reorder:
    fields.emplace_back("dims", joinList(problem.dims.data(), int(problem.dims.size())));
    fields.emplace_back("src_format", problem.srcFormat);
    fields.emplace_back("dst_format", problem.dstFormat);
    addBool("scales", problem.scales);
    break;
  default:
    addInts(kConvolutionInts);
    fields.emplace_back("weights_format", problem.weightsFormat);
    fields.emplace_back("activations", problem.activations);
    if (problem.kind == Kind::ConvolutionForward) {
      addBool("bias", problem.bias);
      addBool("relu", problem.relu);
      addBool("training", problem.training);
    }
  }
  if (problem.type != "f32") {
    fields.emplace_back("type", problem.type);
    fields.emplace_back("result_type", problem.resultType);
  }
  if (problem.threads > 0)
    fields.emplace_back("threads", std::to_string(problem.threads));
  return fields;
}

bool decode(const std::vector<std::pair<std::string, std::string>> &fields, Problem &problem, std::string &error) {
  Problem result;
  bool hasKind = false;
  for (const auto &[key, value] : fields) {
    bool ok = key == "kind" ? (hasKind = parseKind(value, result.kind)) : decodeField(key, value, result);
    if (!ok)
      return fail(error, "unknown or malformed plan field '" + key + "': '" + value + "'");
  }
  if (!hasKind)
    return fail(error, "a plan without a kind");
  problem = std::move(result);
  return true;
}

} // namespace incept::onednn
