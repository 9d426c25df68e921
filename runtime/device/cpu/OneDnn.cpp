// SPDX-License-Identifier: Apache-2.0
//
// oneDNN 2.6 behind OneDnn.h. A physical format is the blocking descriptor of a weights tensor written as text:
// `[gG:]PADDED/STRIDES/INNER`, e.g. `32x16x3x3/2304x256x768x256/16b16a` for oihw with channels blocked by 16; a grouped
// convolution's has five dimensions (g first) and begins with the number of groups.
#include "runtime/device/cpu/OneDnn.h"
#include "runtime/device/cpu/OneDnnLibrary.h"
#include "runtime/device/cpu/OneDnnText.h"

#include <dnnl.hpp>

#include <algorithm>
#include <cstring>
#include <omp.h>

namespace incept::onednn {

using namespace text;

namespace {

using dnnl::memory;
using Tag = memory::format_tag;

dnnl::engine &engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

/// The descriptor of dense row-major `dims`.
memory::desc denseDesc(const memory::dims &dims) {
  memory::dims strides(dims.size());
  int64_t stride = 1;
  for (size_t i = dims.size(); i-- > 0; stride *= dims[i])
    strides[i] = stride;
  return memory::desc(dims, memory::data_type::f32, strides);
}

/// Gives `desc` elements of type "f32" or "bf16"; everything else in it counts elements, not bytes.
bool setType(memory::desc &desc, const std::string &type, std::string &error) {
  if (type != "f32" && type != "bf16")
    return fail(error, "expected elements of type f32 or bf16, but got '" + type + "'");
  desc.data.data_type = type == "f32" ? dnnl_f32 : dnnl_bf16;
  return true;
}

/// Dimensions as the library sees them: with the groups in front where there are several.
memory::dims libraryDims(const std::vector<int64_t> &dims, int64_t groups) {
  if (groups == 1)
    return dims;
  memory::dims result = {groups, dims[0] / groups};
  result.insert(result.end(), dims.begin() + 1, dims.end());
  return result;
}

std::string encodeFormat(const memory::desc &desc, int64_t groups) {
  const dnnl_memory_desc_t &data = desc.data;
  memory::desc dense = denseDesc(desc.dims());
  dense.data.data_type = data.data_type;
  if (desc == dense)
    return "";
  const dnnl_blocking_desc_t &blocking = data.format_desc.blocking;
  std::string text = groups > 1 ? "g" + std::to_string(groups) + ":" : "";
  text += joinList(data.padded_dims, data.ndims) + "/" + joinList(blocking.strides, data.ndims) + "/";
  for (int i = 0; i < blocking.inner_nblks; ++i)
    text += std::to_string(blocking.inner_blks[i]) + char('a' + blocking.inner_idxs[i]);
  return text;
}

/// The descriptor of an activation: "nhwc", "nchw8c" or "nchw16c".
bool decodeActivation(const std::vector<int64_t> &dims, const std::string &format, memory::desc &desc) {
  if (!isActivation(dims, format))
    return false;
  Tag tag = format == "nchw16c" ? Tag::nChw16c : format == "nchw8c" ? Tag::nChw8c : Tag::nhwc;
  desc = memory::desc(dims, memory::data_type::f32, tag);
  return true;
}

/// The descriptor of logical `dims` in `format`. `groups` is what the caller expects, or 0 to accept the format's.
bool decodeFormat(const std::vector<int64_t> &dims, const std::string &format, int64_t groups, memory::desc &desc,
                  int64_t *formatGroups, std::string &error) {
  Blocking blocking;
  bool isPlain = groups <= 1 && checkDims(dims, error) && decodeActivation(dims, format, desc);
  if (!isPlain && !parseFormat(dims, format, groups, blocking, error))
    return false;
  if (formatGroups)
    *formatGroups = blocking.groups;
  if (isPlain)
    return true;
  desc = denseDesc(memory::dims(blocking.dims, blocking.dims + blocking.rank));
  if (blocking.isDense)
    return true;
  dnnl_memory_desc_t &data = desc.data;
  dnnl_blocking_desc_t &layout = data.format_desc.blocking;
  std::copy_n(blocking.padded, blocking.rank, data.padded_dims);
  std::copy_n(blocking.strides, blocking.rank, layout.strides);
  for (auto [size, index] : blocking.inner) {
    layout.inner_blks[layout.inner_nblks] = size;
    layout.inner_idxs[layout.inner_nblks++] = index;
  }
  return true;
}

/// What is needed to make a primitive and bind its operands, in the order of Problem's comment. The primitive itself,
/// whose code is generated when it is made, is there only where it is to run.
struct Built {
  dnnl::primitive_desc_base desc;
  std::vector<std::pair<int, memory::desc>> operands;
  memory::desc weights;
  int64_t groups = 1;
  dnnl::primitive primitive;
};

/// The parts that the three directions share.
struct ConvolutionDescs {
  memory::desc src, weights, bias, dst;
  memory::dims strides, dilates, begin, end;
};

bool convolutionDescs(const Problem &p, ConvolutionDescs &c, std::string &error) {
  std::vector<int64_t> dims = {p.oc, p.ic / p.g, p.kh, p.kw};
  decodeActivation({p.mb, p.ic, p.ih, p.iw}, p.activations, c.src);
  decodeActivation({p.mb, p.oc, p.oh, p.ow}, p.activations, c.dst);
  if (p.weightsFormat == "any")
    c.weights = memory::desc(libraryDims(dims, p.g), memory::data_type::f32, Tag::any);
  else if (!decodeFormat(dims, p.weightsFormat, p.g, c.weights, nullptr, error))
    return false;
  if (p.bias)
    c.bias = denseDesc({p.oc});
  bool isGradient = p.kind == Kind::ConvolutionBackwardWeights;
  if (!setType(c.src, p.type, error) || !setType(c.dst, p.type, error) ||
      !setType(c.weights, isGradient ? p.resultType : p.type, error) || (p.bias && !setType(c.bias, p.type, error)))
    return false;
  c.strides = {p.sh, p.sw};
  c.dilates = {p.dh - 1, p.dw - 1}; // the library calls a dense kernel's dilation 0
  c.begin = {p.pt, p.pl};
  c.end = {p.pb, p.pr};
  return true;
}

dnnl::primitive_attr userScratchpad() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

dnnl::convolution_forward::primitive_desc forwardDesc(const Problem &p, const ConvolutionDescs &c) {
  dnnl::primitive_attr attr = userScratchpad();
  if (p.relu) {
    dnnl::post_ops ops;
    ops.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
    attr.set_post_ops(ops);
  }
  auto kind = p.training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
  dnnl::convolution_forward::desc desc(kind, dnnl::algorithm::convolution_direct, c.src, c.weights, c.bias, c.dst,
                                       c.strides, c.dilates, c.begin, c.end);
  return {desc, attr, engine()};
}

std::string describeImpl(const dnnl::primitive_desc_base &desc) {
  const char *text = nullptr;
  if (dnnl_primitive_desc_query(desc.get(), dnnl_query_impl_info_str, 0, &text) != dnnl_success || !text)
    return "unknown";
  return text;
}

bool isReference(const std::string &impl) { return impl.find("ref") != std::string::npos; }

/// True where a convolution is a product of matrices, pixels by channels: a window of one pixel that stops at each.
bool isProduct(const Problem &p) {
  return p.kh == 1 && p.kw == 1 && p.sh == 1 && p.sw == 1 && p.pt == 0 && p.pl == 0 && p.pb == 0 && p.pr == 0 &&
         p.g == 1 && p.activations == "nhwc" && p.type == "f32" && p.resultType == "f32";
}

/// The gradient of a product's data as what it is, a forward convolution by transposed weights; false where the library
/// has none made for the format. Measured with 2.6.3, on one thread, 1024->896 channels at 17x17 take 0.51 of the time
/// of its code for gradients with AVX-512, 0.89 with AVX2, and of fifteen other shapes none longer than noise. By
/// "gemm:jit" they took a fifth longer than by its code for convolutions.
bool buildDataProduct(const Problem &p, const ConvolutionDescs &c, Built &built) {
  memory::desc weights = p.weightsFormat == "any" ? memory::desc({p.ic, p.oc, 1, 1}, memory::data_type::f32, Tag::any)
                                                  : c.weights.permute_axes({1, 0, 2, 3});
  dnnl::convolution_forward::desc operation(dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_direct,
                                            c.dst, weights, c.src, c.strides, c.dilates, c.begin, c.end);
  dnnl::convolution_forward::primitive_desc desc(operation, userScratchpad(), engine(), /*allow_empty=*/true);
  std::string impl = desc ? describeImpl(desc) : "";
  if (impl.empty() || isReference(impl) || impl.find("gemm") != std::string::npos)
    return false;
  built.weights = desc.weights_desc().permute_axes({1, 0, 2, 3});
  built.operands = {{DNNL_ARG_SRC, c.dst}, {DNNL_ARG_WEIGHTS, desc.weights_desc()}, {DNNL_ARG_DST, c.src}};
  built.desc = desc;
  return true;
}

void buildWeightsProduct(const Problem &p, Built &built) {
  const int64_t pixels = p.mb * p.oh * p.ow;
  const auto f32 = memory::data_type::f32;
  memory::desc dst({p.oc, pixels}, f32, memory::dims{1, p.oc}), src({pixels, p.ic}, f32, memory::dims{p.ic, 1}),
      weights({p.oc, p.ic}, f32, memory::dims{p.ic, 1});
  built.desc = dnnl::matmul::primitive_desc(dnnl::matmul::desc(dst, src, weights), userScratchpad(), engine());
  built.weights = denseDesc({p.oc, p.ic, 1, 1});
  built.operands = {{DNNL_ARG_WEIGHTS, src}, {DNNL_ARG_SRC, dst}, {DNNL_ARG_DST, weights}};
}

bool buildConvolution(const Problem &p, Built &built, std::string &error) {
  ConvolutionDescs c;
  if (!convolutionDescs(p, c, error))
    return false;
  built.groups = p.g;
  if (p.kind == Kind::ConvolutionBackwardData && isProduct(p) && buildDataProduct(p, c, built))
    return true;
  if (givesDenseWeights(p) && (p.weightsFormat.empty() || p.weightsFormat == "any")) {
    buildWeightsProduct(p, built);
    return true;
  }
  if (p.kind == Kind::ConvolutionForward) {
    auto desc = forwardDesc(p, c);
    built.weights = desc.weights_desc();
    built.operands = {{DNNL_ARG_SRC, c.src}, {DNNL_ARG_WEIGHTS, built.weights}};
    if (p.bias)
      built.operands.emplace_back(DNNL_ARG_BIAS, c.bias);
    built.operands.emplace_back(DNNL_ARG_DST, c.dst);
    built.desc = desc;
    return true;
  }
  // A gradient names the forward convolution it belongs to; only its shapes matter, so its format is left open.
  Problem forward = p;
  forward.kind = Kind::ConvolutionForward;
  forward.bias = forward.relu = false;
  forward.training = true;
  forward.weightsFormat = "any";
  ConvolutionDescs f;
  if (!convolutionDescs(forward, f, error))
    return false;
  auto hint = forwardDesc(forward, f);
  if (p.kind == Kind::ConvolutionBackwardData) {
    dnnl::convolution_backward_data::desc operation(dnnl::algorithm::convolution_direct, c.src, c.weights, c.dst,
                                                    c.strides, c.dilates, c.begin, c.end);
    dnnl::convolution_backward_data::primitive_desc desc(operation, userScratchpad(), engine(), hint);
    built.weights = desc.weights_desc();
    built.operands = {{DNNL_ARG_DIFF_DST, c.dst}, {DNNL_ARG_WEIGHTS, built.weights}, {DNNL_ARG_DIFF_SRC, c.src}};
    built.desc = desc;
    return true;
  }
  dnnl::convolution_backward_weights::desc operation(dnnl::algorithm::convolution_direct, c.src, c.weights, c.dst,
                                                     c.strides, c.dilates, c.begin, c.end);
  dnnl::convolution_backward_weights::primitive_desc desc(operation, userScratchpad(), engine(), hint);
  built.weights = desc.diff_weights_desc();
  built.operands = {{DNNL_ARG_SRC, c.src}, {DNNL_ARG_DIFF_DST, c.dst}, {DNNL_ARG_DIFF_WEIGHTS, built.weights}};
  built.desc = desc;
  return true;
}

bool buildMatMul(const Problem &p, Built &built, std::string &error) {
  auto stored = [](int64_t rows, int64_t columns, int64_t pitch, bool transpose) {
    return memory::desc({rows, columns}, memory::data_type::f32,
                        transpose ? memory::dims{1, pitch} : memory::dims{pitch, 1});
  };
  memory::desc a = stored(p.m, p.k, p.lda, p.transposeA), b = stored(p.k, p.n, p.ldb, p.transposeB),
               c = stored(p.m, p.n, p.ldc, false), bias;
  if (!setType(a, p.type, error) || !setType(b, p.type, error) || !setType(c, p.resultType, error))
    return false;
  built.operands = {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}};
  if (p.bias) {
    bias = denseDesc({1, p.n});
    built.operands.emplace_back(DNNL_ARG_BIAS, bias);
  }
  built.operands.emplace_back(DNNL_ARG_DST, c);
  built.weights = b;
  dnnl::matmul::desc operation(a, b, bias, c);
  dnnl::matmul::primitive_desc desc(operation, userScratchpad(), engine());
  built.desc = desc;
  return true;
}

bool buildReorder(const Problem &p, Built &built, std::string &error) {
  memory::desc src, dst;
  int64_t srcGroups = 1, dstGroups = 1;
  if (!decodeFormat(p.dims, p.srcFormat, 0, src, &srcGroups, error) ||
      !decodeFormat(p.dims, p.dstFormat, 0, dst, &dstGroups, error))
    return false;
  // A dense tensor has no groups of its own: it takes those of the other side.
  if (srcGroups != dstGroups) {
    if (!p.srcFormat.empty() && !p.dstFormat.empty())
      return fail(error,
                  "expected formats with the same groups, but got '" + p.srcFormat + "' and '" + p.dstFormat + "'");
    built.groups = std::max(srcGroups, dstGroups);
    memory::desc &dense = p.srcFormat.empty() ? src : dst;
    dense = denseDesc(libraryDims(p.dims, built.groups));
  } else {
    built.groups = srcGroups;
  }
  if (!setType(src, p.type, error) || !setType(dst, p.type, error))
    return false;
  dnnl::primitive_attr attr = userScratchpad();
  built.operands = {{DNNL_ARG_FROM, src}};
  if (p.scales) {
    attr.set_output_scales(built.groups > 1 ? 3 : 1, {DNNL_RUNTIME_F32_VAL});
    built.operands.emplace_back(DNNL_ARG_ATTR_OUTPUT_SCALES, denseDesc({p.dims[0]}));
  }
  built.operands.emplace_back(DNNL_ARG_TO, dst);
  built.weights = dst;
  dnnl::reorder::primitive_desc desc(engine(), src, engine(), dst, attr);
  built.desc = desc;
  return true;
}

/// So many threads while it lives; 0 changes nothing. The library asks OpenMP when it makes a primitive and when it
/// runs it.
class ThreadCount {
public:
  explicit ThreadCount(int64_t threads) : before(threads > 0 ? omp_get_max_threads() : 0) {
    if (before > 0)
      omp_set_num_threads(static_cast<int>(threads));
  }
  ~ThreadCount() {
    if (before > 0)
      omp_set_num_threads(before);
  }
  ThreadCount(const ThreadCount &) = delete;
  ThreadCount &operator=(const ThreadCount &) = delete;

private:
  int before;
};

/// Runs `body`, with the library open, and turns an exception into `error`.
template <typename Body>
bool guarded(std::string &error, Body body) {
  if (!openLibrary(error))
    return false;
  try {
    return body();
  } catch (const dnnl::error &e) {
    if (e.status == dnnl_unimplemented)
      return fail(error, "oneDNN has no implementation for this problem");
    return fail(error, std::string("oneDNN: ") + e.what());
  } catch (const std::exception &e) {
    return fail(error, std::string("oneDNN: ") + e.what());
  }
}

bool buildAny(const Problem &p, Built &built, Description &description, std::string &error) {
  if (!check(p, error))
    return false;
  bool ok = p.kind == Kind::MatMul    ? buildMatMul(p, built, error)
            : p.kind == Kind::Reorder ? buildReorder(p, built, error)
                                      : buildConvolution(p, built, error);
  if (!ok)
    return false;
  // Winograd and compensation formats have no text form.
  if (built.weights.data.format_kind != dnnl_blocked || built.weights.data.extra.flags != 0)
    return fail(error, "oneDNN chose a weights format that cannot be written down");
  memory::desc scratchpad = built.desc.scratchpad_desc();
  built.operands.emplace_back(DNNL_ARG_SCRATCHPAD, scratchpad);
  description.impl = describeImpl(built.desc);
  description.weightsFormat = p.kind == Kind::MatMul ? "" : encodeFormat(built.weights, built.groups);
  description.weightsBytes = built.weights.get_size();
  description.scratchpadBytes = scratchpad.get_size();
  // A reorder runs outside the step or moves weights only, so its plain loops are no mistake.
  description.reference = p.kind != Kind::Reorder && isReference(description.impl);
  return true;
}

/// Runs a reorder once, for weights files.
bool convert(const std::vector<int64_t> &dims, const std::string &from, const std::string &to, const float *src,
             float *dst, std::string &error) {
  Problem problem;
  problem.kind = Kind::Reorder;
  problem.dims = dims;
  problem.srcFormat = from;
  problem.dstFormat = to;
  Primitive primitive;
  if (!primitive.build(problem, error))
    return false;
  std::vector<float> scratchpad(primitive.description().scratchpadBytes / sizeof(float) + 1);
  void *operands[] = {const_cast<float *>(src), dst, scratchpad.data()};
  return primitive.run(operands, 3, error);
}

} // namespace

bool givesDenseWeights(const Problem &problem) {
  constexpr int64_t kLeastChannels = 128, kLeastPixels = 512;
  return problem.kind == Kind::ConvolutionBackwardWeights && isProduct(problem) &&
         std::min(problem.ic, problem.oc) >= kLeastChannels && problem.mb * problem.oh * problem.ow >= kLeastPixels;
}

bool describe(const Problem &problem, Description &description, std::string &error) {
  Built built;
  ThreadCount threads(problem.threads);
  return guarded(error, [&] { return buildAny(problem, built, description, error); });
}

bool pack(const std::vector<int64_t> &dims, const std::string &format, const float *dense, float *packed,
          std::string &error) {
  return convert(dims, "", format, dense, packed, error);
}

bool unpack(const std::vector<int64_t> &dims, const std::string &format, const float *packed, float *dense,
            std::string &error) {
  return convert(dims, format, "", packed, dense, error);
}

/// One set of memory objects per distinct tuple of addresses: setting an address makes the library zero the padding
/// of a padded tensor again, and building its argument map allocates.
struct Primitive::Impl {
  struct Binding {
    std::vector<void *> addresses;
    std::vector<memory> memories;
    std::vector<dnnl_exec_arg_t> arguments;
  };

  Built built;
  Description description;
  dnnl::stream stream;
  int64_t threads = 0;
  std::vector<Binding> bindings;
  size_t nextVictim = 0;

  Binding &bind(void *const *operands, size_t count);
};

Primitive::Impl::Binding &Primitive::Impl::bind(void *const *operands, size_t count) {
  constexpr size_t kMaxBindings = 64;
  for (Binding &binding : bindings)
    if (std::equal(operands, operands + count, binding.addresses.begin()))
      return binding;
  size_t slot = bindings.size();
  if (slot < kMaxBindings)
    bindings.emplace_back();
  else
    slot = nextVictim++ % kMaxBindings;
  Binding &binding = bindings[slot];
  binding = Binding();
  binding.addresses.assign(operands, operands + count);
  for (size_t i = 0; i < count; ++i) {
    const auto &[argument, desc] = built.operands[i];
    if (desc.get_size() == 0)
      continue;
    binding.memories.emplace_back(desc, engine(), operands[i]);
    binding.arguments.push_back({argument, binding.memories.back().get()});
  }
  return binding;
}

Primitive::Primitive() = default;
Primitive::~Primitive() = default;
Primitive::Primitive(Primitive &&) noexcept = default;
Primitive &Primitive::operator=(Primitive &&) noexcept = default;

bool Primitive::build(const Problem &problem, std::string &error) {
  auto fresh = std::make_unique<Impl>();
  ThreadCount threads(problem.threads);
  fresh->threads = problem.threads;
  bool ok = guarded(error, [&] {
    fresh->stream = dnnl::stream(engine());
    if (!buildAny(problem, fresh->built, fresh->description, error))
      return false;
    fresh->built.primitive = dnnl::primitive(fresh->built.desc.get());
    return true;
  });
  if (ok)
    impl = std::move(fresh);
  return ok;
}

const Description &Primitive::description() const {
  static const Description none;
  return impl ? impl->description : none;
}

bool Primitive::run(void *const *operands, size_t count, std::string &error) {
  if (!impl)
    return fail(error, "the primitive was not built");
  if (count != impl->built.operands.size())
    return fail(error, "expected " + std::to_string(impl->built.operands.size()) + " operands, but got " +
                           std::to_string(count));
  for (size_t i = 0; i < count; ++i)
    if (!operands[i] && impl->built.operands[i].second.get_size() != 0)
      return fail(error, "operand " + std::to_string(i) + " has no address");
  ThreadCount threads(impl->threads);
  return guarded(error, [&] {
    Impl::Binding &binding = impl->bind(operands, count);
    dnnl_status_t status = dnnl_primitive_execute(impl->built.primitive.get(), impl->stream.get(),
                                                  int(binding.arguments.size()), binding.arguments.data());
    if (status != dnnl_success)
      return fail(error, std::string("oneDNN could not run the primitive: status ") + std::to_string(int(status)));
    return true;
  });
}

std::string version() {
  if (std::string error; !openLibrary(error))
    return "";
  const dnnl_version_t *v = dnnl_version();
  return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
}

bool isSameImplementation(std::string_view a, std::string_view b) {
  const std::string_view unnamed = "ip:";
  return a == b || (a.substr(0, 3) == unnamed && b.substr(0, 3) == unnamed && (a == unnamed || b == unnamed));
}

bool dependsOnThreads(const Problem &problem, int64_t threads) {
  constexpr std::align_val_t kAlignment{64};
  struct Delete {
    void operator()(char *bytes) const { ::operator delete(bytes, kAlignment); }
  };
  std::vector<uint64_t> sizes;
  std::vector<std::string> results;
  std::string error;
  if (!operandBytes(problem, sizes, error))
    return true;
  for (int64_t count : {int64_t(1), threads}) {
    Problem counted = problem;
    counted.threads = count;
    Primitive primitive;
    if (!primitive.build(counted, error))
      return true;
    std::vector<uint64_t> all = sizes;
    all.push_back(primitive.description().scratchpadBytes);
    std::vector<std::unique_ptr<char, Delete>> memory;
    std::vector<void *> operands;
    uint32_t state = 1; // the same numbers for both: a sum of them in another order has other bits
    for (uint64_t size : all) {
      char *bytes = static_cast<char *>(::operator new(size + 64, kAlignment));
      memory.emplace_back(bytes);
      operands.push_back(bytes);
      std::memset(bytes, 0, size);
      // In [-1, 1), and as pairs of bf16 in that range too.
      for (uint64_t i = 0; i + 4 <= size; i += 4) {
        state = state * 1664525u + 1013904223u;
        float value = static_cast<float>(static_cast<int32_t>(state)) / 2147483648.0f;
        std::memcpy(bytes + i, &value, 4);
        if (problem.type == "bf16")
          std::memcpy(bytes + i, bytes + i + 2, 2);
      }
    }
    if (!primitive.run(operands.data(), operands.size(), error))
      return true;
    results.emplace_back(memory[sizes.size() - 1].get(), sizes.back()); // the result is last
  }
  return results[0] != results[1];
}

bool hasBf16() { return isa().starts_with("avx512"); }

namespace {

struct Isa {
  const char *name;
  dnnl::cpu_isa isa;
};
constexpr Isa kIsas[] = {{"sse41", dnnl::cpu_isa::sse41},
                         {"avx", dnnl::cpu_isa::avx},
                         {"avx2", dnnl::cpu_isa::avx2},
                         {"avx2_vnni", dnnl::cpu_isa::avx2_vnni},
                         {"avx512_core", dnnl::cpu_isa::avx512_core},
                         {"avx512_core_vnni", dnnl::cpu_isa::avx512_core_vnni},
                         {"avx512_core_bf16", dnnl::cpu_isa::avx512_core_bf16},
                         {"avx512_core_amx", dnnl::cpu_isa::avx512_core_amx}};

} // namespace

bool isAvailable(std::string &error) { return openLibrary(error); }

std::string isa() {
  if (std::string error; !openLibrary(error))
    return "";
  dnnl::cpu_isa effective = dnnl::get_effective_cpu_isa();
  for (const Isa &entry : kIsas)
    if (entry.isa == effective)
      return entry.name;
  return "unknown";
}

bool limitIsa(const std::string &name, std::string &error) {
  if (!openLibrary(error))
    return false;
  auto limit = std::ranges::find_if(kIsas, [&](const Isa &entry) { return entry.name == name; });
  if (limit == std::end(kIsas) || dnnl::set_max_cpu_isa(limit->isa) == dnnl::status::success)
    return true;
  // oneDNN takes a limit until it is asked what it uses. What uses no more than the limit needs none.
  std::string used = isa();
  if (std::find_if(kIsas, limit + 1, [&](const Isa &entry) { return entry.name == used; }) != limit + 1)
    return true;
  return fail(error, "oneDNN uses " + used + " in this process already, and cannot be limited to " + name);
}

} // namespace incept::onednn
