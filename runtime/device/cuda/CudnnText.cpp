// SPDX-License-Identifier: Apache-2.0
//
// Problems checked, and as text in plans. Knows nothing of the library.
#include "runtime/device/cuda/CudnnText.h"
#include "runtime/device/cuda/Cudnn.h"

#include <array>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <limits>

namespace incept::cudnn {

namespace text {

bool parseInt(std::string_view text, int64_t &value) {
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size();
}

std::string joinKnobs(const std::vector<std::pair<int64_t, int64_t>> &knobs) {
  std::string text;
  for (auto [type, value] : knobs)
    text += (text.empty() ? "" : ",") + std::to_string(type) + "=" + std::to_string(value);
  return text;
}

bool parseKnobs(std::string_view text, std::vector<std::pair<int64_t, int64_t>> &knobs) {
  knobs.clear();
  while (!text.empty()) {
    size_t end = text.find(','), equals = text.substr(0, end).find('=');
    int64_t type = 0, value = 0;
    if (equals == std::string_view::npos || !parseInt(text.substr(0, equals), type) ||
        !parseInt(text.substr(0, end).substr(equals + 1), value) || type < 0 || type > 1000 ||
        (!knobs.empty() && type <= knobs.back().first) || end + 1 == text.size())
      return false;
    knobs.emplace_back(type, value);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return true;
}

} // namespace text

namespace {

bool fail(std::string &error, std::string message) {
  error = std::move(message);
  return false;
}

constexpr int64_t kMaxElements = int64_t(1) << 40;
constexpr int64_t kMaxInt = std::numeric_limits<int32_t>::max();

constexpr std::array<std::pair<Kind, std::string_view>, 4> kKinds = {{
    {Kind::ConvolutionForward, "convolution_forward"},
    {Kind::ConvolutionBackwardData, "convolution_backward_data"},
    {Kind::ConvolutionBackwardWeights, "convolution_backward_weights"},
    {Kind::MatMul, "matmul"},
}};
constexpr std::array<std::pair<Type, std::string_view>, 3> kTypes = {
    {{Type::F32, "f32"}, {Type::F16, "f16"}, {Type::BF16, "bf16"}}};

template <typename Enum, size_t N>
std::string_view nameOf(const std::array<std::pair<Enum, std::string_view>, N> &table, Enum value) {
  for (auto [candidate, name] : table)
    if (candidate == value)
      return name;
  return "";
}

template <typename Enum, size_t N>
bool valueOf(const std::array<std::pair<Enum, std::string_view>, N> &table, std::string_view name, Enum &value) {
  for (auto [candidate, candidateName] : table)
    if (candidateName == name) {
      value = candidate;
      return true;
    }
  return false;
}

/// One field of a problem: its name in a plan, the kinds that have it (a bit per Kind), and where it is kept.
struct Field {
  const char *name;
  unsigned kinds;
  int64_t Problem::*integer = nullptr;
  bool Problem::*flag = nullptr;
  Type Problem::*type = nullptr;
};
constexpr unsigned bit(Kind kind) { return 1u << unsigned(kind); }
constexpr unsigned kForward = bit(Kind::ConvolutionForward), kBackwardData = bit(Kind::ConvolutionBackwardData),
                   kConvolutions = kForward | kBackwardData | bit(Kind::ConvolutionBackwardWeights),
                   kMatMul = bit(Kind::MatMul), kAll = kConvolutions | kMatMul;

constexpr Field integer(const char *name, unsigned kinds, int64_t Problem::*member) { return {name, kinds, member}; }
constexpr Field flag(const char *name, unsigned kinds, bool Problem::*member) { return {name, kinds, nullptr, member}; }
constexpr Field type(const char *name, unsigned kinds, Type Problem::*member) {
  return {name, kinds, nullptr, nullptr, member};
}

constexpr Field kFields[] = {
    type("type", kAll, &Problem::type),
    type("result_type", kAll, &Problem::resultType),
    type("bias_type", kForward | kMatMul, &Problem::biasType),
    flag("tf32", kAll, &Problem::tf32),
    integer("mb", kConvolutions, &Problem::mb),
    integer("g", kConvolutions, &Problem::g),
    integer("ic", kConvolutions, &Problem::ic),
    integer("ih", kConvolutions, &Problem::ih),
    integer("iw", kConvolutions, &Problem::iw),
    integer("oc", kConvolutions, &Problem::oc),
    integer("oh", kConvolutions, &Problem::oh),
    integer("ow", kConvolutions, &Problem::ow),
    integer("kh", kConvolutions, &Problem::kh),
    integer("kw", kConvolutions, &Problem::kw),
    integer("sh", kConvolutions, &Problem::sh),
    integer("sw", kConvolutions, &Problem::sw),
    integer("dh", kConvolutions, &Problem::dh),
    integer("dw", kConvolutions, &Problem::dw),
    integer("pt", kConvolutions, &Problem::pt),
    integer("pl", kConvolutions, &Problem::pl),
    integer("pb", kConvolutions, &Problem::pb),
    integer("pr", kConvolutions, &Problem::pr),
    integer("src_stride", kConvolutions, &Problem::srcStride),
    integer("dst_stride", kConvolutions, &Problem::dstStride),
    integer("residual_stride", kForward, &Problem::residualStride),
    flag("bias", kForward | kMatMul, &Problem::bias),
    flag("residual", kForward, &Problem::residual),
    flag("relu", kForward, &Problem::relu),
    flag("statistics", kForward, &Problem::stats),
    flag("normalized", kForward | bit(Kind::ConvolutionBackwardWeights), &Problem::normalized),
    flag("norm_gradient", kBackwardData, &Problem::normGradient),
    integer("norm_stride", kBackwardData, &Problem::normStride),
    integer("m", kMatMul, &Problem::m),
    integer("n", kMatMul, &Problem::n),
    integer("k", kMatMul, &Problem::k),
    integer("lda", kMatMul, &Problem::lda),
    integer("ldb", kMatMul, &Problem::ldb),
    integer("ldc", kMatMul, &Problem::ldc),
    flag("transpose_a", kMatMul, &Problem::transposeA),
    flag("transpose_b", kMatMul, &Problem::transposeB),
};

/// The shortest text that reads back as the same float.
std::string floatText(float value) {
  char buffer[32];
  auto [end, code] = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return std::string(buffer, code == std::errc() ? end : buffer);
}

bool parseFloat(std::string_view text, float &value) {
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

bool decodeField(const Field &field, std::string_view value, Problem &problem) {
  if (field.integer)
    return text::parseInt(value, problem.*field.integer);
  if (field.type)
    return parseType(value, problem.*field.type);
  problem.*field.flag = value == "true";
  return value == "true" || value == "false";
}

/// True where the product of positive 32-bit numbers has at most 40 bits.
bool fits(std::initializer_list<int64_t> factors) {
  int64_t product = 1;
  for (int64_t factor : factors) {
    if (factor <= 0 || factor > kMaxInt || product > kMaxElements / factor)
      return false;
    product *= factor;
  }
  return true;
}

/// The size of a convolution's result along one dimension; the arguments are positive 32-bit numbers.
int64_t resultSize(int64_t size, int64_t begin, int64_t end, int64_t window, int64_t dilation, int64_t stride) {
  int64_t room = size + begin + end - ((window - 1) * dilation + 1);
  return room < 0 ? 0 : room / stride + 1;
}

bool checkConvolution(const Problem &p, std::string &error) {
  for (int64_t value : {p.mb, p.g, p.ic, p.ih, p.iw, p.oc, p.oh, p.ow, p.kh, p.kw, p.sh, p.sw, p.dh, p.dw})
    if (value <= 0 || value > kMaxInt)
      return fail(error, "expected positive 32-bit dimensions in a convolution");
  for (int64_t value : {p.pt, p.pl, p.pb, p.pr})
    if (value < 0 || value > kMaxInt)
      return fail(error, "expected paddings that are not negative");
  if (p.ic % p.g || p.oc % p.g)
    return fail(error, "expected channels divisible by " + std::to_string(p.g) + " groups");
  for (auto [stride, channels] :
       {std::pair{p.srcStride, p.ic}, {p.dstStride, p.oc}, {p.residualStride, p.oc}, {p.normStride, p.ic}})
    if (stride != 0 && (stride < channels || stride > kMaxInt))
      return fail(error, "expected pixels at least " + std::to_string(channels) + " elements apart, but got " +
                             std::to_string(stride));
  if (!fits({p.mb, p.ih, p.iw, std::max(p.srcStride, p.ic)}) ||
      !fits({p.mb, p.oh, p.ow, std::max(p.dstStride, p.oc)}) ||
      !fits({p.mb, p.oh, p.ow, std::max(p.residualStride, p.oc)}) ||
      !fits({p.mb, p.ih, p.iw, std::max(p.normStride, p.ic)}) || !fits({p.oc, p.ic / p.g, p.kh, p.kw}))
    return fail(error, "expected tensors of at most 2^40 elements");
  if (p.oh != resultSize(p.ih, p.pt, p.pb, p.kh, p.dh, p.sh) || p.ow != resultSize(p.iw, p.pl, p.pr, p.kw, p.dw, p.sw))
    return fail(error, "the convolution's dst does not have the size that its src, window and padding give");
  if (p.kind != Kind::ConvolutionForward && (p.bias || p.residual || p.relu || p.stats))
    return fail(error, "only a forward convolution has an epilogue");
  if (p.normalized && (p.kind == Kind::ConvolutionBackwardData || p.bias || p.residual || p.relu))
    return fail(error, "only a forward convolution without an epilogue and a gradient of weights normalise their src");
  if (p.stats && (p.residual || p.relu))
    return fail(error, "a convolution that gives statistics has no residual and no relu");
  if ((p.normGradient && p.kind != Kind::ConvolutionBackwardData) || (p.normStride != 0 && !p.normGradient))
    return fail(error, "only a gradient of data has that of a batch norm with it");
  if (!std::isfinite(p.scale) || (p.scale != 1 && !p.residual))
    return fail(error, "expected a scale only together with a residual");
  return true;
}

bool checkMatMul(const Problem &p, std::string &error) {
  if (!fits({p.m, p.k}) || !fits({p.k, p.n}) || !fits({p.m, p.n}))
    return fail(error, "expected positive 32-bit dimensions in a matmul");
  const int64_t rows[] = {p.transposeA ? p.k : p.m, p.transposeB ? p.n : p.k, p.m};
  const int64_t columns[] = {p.transposeA ? p.m : p.k, p.transposeB ? p.k : p.n, p.n};
  const int64_t pitches[] = {p.lda, p.ldb, p.ldc};
  for (int i = 0; i < 3; ++i)
    if (pitches[i] < columns[i] || !fits({rows[i], pitches[i]}))
      return fail(error, "expected rows of matrix " + std::to_string(i + 1) + " at least " +
                             std::to_string(columns[i]) + " elements apart, but got " + std::to_string(pitches[i]));
  if (p.residual || p.relu || p.stats || p.normGradient || p.normalized || p.scale != 1)
    return fail(error, "a matmul has no epilogue but a bias");
  return true;
}

} // namespace

std::string_view kindName(Kind kind) { return nameOf(kKinds, kind); }
bool parseKind(std::string_view name, Kind &kind) { return valueOf(kKinds, name, kind); }
std::string_view typeName(Type type) { return nameOf(kTypes, type); }
bool parseType(std::string_view name, Type &type) { return valueOf(kTypes, name, type); }
int64_t typeBytes(Type type) { return type == Type::F32 ? 4 : 2; }

size_t operandCount(const Problem &problem) {
  return 4 + size_t(problem.bias) + size_t(problem.residual) + 2 * size_t(problem.stats) +
         10 * size_t(problem.normGradient) + 2 * size_t(problem.normalized);
}

std::vector<Type> resultTypes(const Problem &problem) {
  std::vector<Type> types = {problem.resultType};
  types.insert(types.end(), 2 * size_t(problem.stats) + 5 * size_t(problem.normGradient), Type::F32);
  return types;
}

std::vector<uint64_t> operandBytes(const Problem &p) {
  // Rows of `channels` elements that lie `stride` apart, or as dense as they can.
  auto rows = [](int64_t count, int64_t channels, int64_t stride, Type type) {
    return uint64_t((count - 1) * std::max(stride, channels) + channels) * uint64_t(typeBytes(type));
  };
  if (p.kind == Kind::MatMul) {
    std::vector<uint64_t> bytes = {p.transposeA ? rows(p.k, p.m, p.lda, p.type) : rows(p.m, p.k, p.lda, p.type),
                                   p.transposeB ? rows(p.n, p.k, p.ldb, p.type) : rows(p.k, p.n, p.ldb, p.type)};
    if (p.bias)
      bytes.push_back(rows(1, p.n, 0, p.biasType));
    bytes.push_back(rows(p.m, p.n, p.ldc, p.resultType));
    return bytes;
  }
  int64_t srcPixels = p.mb * p.ih * p.iw, dstPixels = p.mb * p.oh * p.ow;
  auto weights = [&](Type type) { return rows(p.oc * p.kh * p.kw, p.ic / p.g, 0, type); };
  if (p.kind == Kind::ConvolutionBackwardData) {
    std::vector<uint64_t> bytes = {rows(dstPixels, p.oc, p.dstStride, p.type), weights(p.type)};
    const uint64_t vector = rows(1, p.ic, 0, Type::F32);
    if (p.normGradient) {
      bytes.push_back(rows(srcPixels, p.ic, p.normStride, p.resultType));
      bytes.insert(bytes.end(), 4, vector);
    }
    bytes.push_back(rows(srcPixels, p.ic, p.srcStride, p.resultType));
    if (p.normGradient)
      bytes.insert(bytes.end(), 5, vector);
    return bytes;
  }
  bool isForward = p.kind == Kind::ConvolutionForward;
  std::vector<uint64_t> bytes = {rows(srcPixels, p.ic, p.srcStride, p.type),
                                 isForward ? weights(p.type) : rows(dstPixels, p.oc, p.dstStride, p.type)};
  if (p.normalized)
    bytes.insert(bytes.end(), 2, rows(1, p.ic, 0, p.type));
  if (!isForward) {
    bytes.push_back(weights(p.resultType));
    return bytes;
  }
  if (p.bias)
    bytes.push_back(rows(1, p.oc, 0, p.biasType));
  if (p.residual)
    bytes.push_back(rows(dstPixels, p.oc, p.residualStride, p.type));
  bytes.push_back(rows(dstPixels, p.oc, p.dstStride, p.resultType));
  if (p.stats)
    bytes.insert(bytes.end(), 2, rows(1, p.oc, 0, Type::F32));
  return bytes;
}

bool check(const Problem &problem, std::string &error) {
  if (problem.tf32 && problem.type != Type::F32)
    return fail(error, "tf32 is a way to multiply f32, not " + std::string(typeName(problem.type)));
  return problem.kind == Kind::MatMul ? checkMatMul(problem, error) : checkConvolution(problem, error);
}

std::vector<std::pair<std::string, std::string>> encode(const Problem &problem) {
  std::vector<std::pair<std::string, std::string>> fields = {{"kind", std::string(kindName(problem.kind))}};
  for (const Field &field : kFields) {
    if (!(field.kinds & bit(problem.kind)))
      continue;
    if (field.integer)
      fields.emplace_back(field.name, std::to_string(problem.*field.integer));
    else if (field.type)
      fields.emplace_back(field.name, typeName(problem.*field.type));
    else
      fields.emplace_back(field.name, problem.*field.flag ? "true" : "false");
  }
  if (problem.kind == Kind::ConvolutionForward)
    fields.emplace_back("scale", floatText(problem.scale));
  return fields;
}

bool decode(const std::vector<std::pair<std::string, std::string>> &fields, Problem &problem, std::string &error) {
  Problem result;
  auto find = [&](std::string_view name) -> const std::string * {
    for (const auto &[key, value] : fields)
      if (key == name)
        return &value;
    return nullptr;
  };
  auto read = [&](const char *name, auto parse) {
    const std::string *value = find(name);
    if (!value)
      return fail(error, std::string("a plan without the field '") + name + "'");
    return parse(*value) || fail(error, std::string("malformed plan field '") + name + "': '" + *value + "'");
  };
  size_t count = 1;
  if (!read("kind", [&](const std::string &value) { return parseKind(value, result.kind); }))
    return false;
  for (const Field &field : kFields)
    if (field.kinds & bit(result.kind)) {
      ++count;
      if (!read(field.name, [&](const std::string &value) { return decodeField(field, value, result); }))
        return false;
    }
  if (result.kind == Kind::ConvolutionForward) {
    ++count;
    if (!read("scale", [&](const std::string &value) { return parseFloat(value, result.scale); }))
      return false;
  }
  // Every field of the kind was found, so a longer list repeats one or has one of another kind.
  if (fields.size() != count)
    return fail(error, "a plan of kind '" + std::string(kindName(result.kind)) + "' with " +
                           std::to_string(fields.size()) + " fields, but expected " + std::to_string(count));
  if (!check(result, error))
    return false;
  problem = result;
  return true;
}

} // namespace incept::cudnn
