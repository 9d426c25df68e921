// SPDX-License-Identifier: Apache-2.0
//
// Convolutions and matrix products by oneDNN, which makes a training step of a large network take seconds instead of
// hours. Primitives are kept, since building one can take longer than running it.
#include "runtime/device/cpu/OneDnn.h"
#include "tools/incept-sim/cudnn/Kernels.h"

#include <map>
#include <mutex>
#include <utility>

namespace incept::sim::cudnn {

namespace {

using onednn::Problem;

/// The primitive of a problem, or null where the library declines it or has only a slow one.
onednn::Primitive *primitiveOf(const Problem &problem) {
  static std::map<std::string, std::unique_ptr<onednn::Primitive>> made;
  std::string key;
  for (const auto &[name, value] : onednn::encode(problem))
    key += name + "=" + value + ",";
  auto [entry, isNew] = made.emplace(key, nullptr);
  if (!isNew)
    return entry->second.get();
  auto primitive = std::make_unique<onednn::Primitive>();
  std::string error;
  if (primitive->build(problem, error))
    entry->second = std::move(primitive);
  return entry->second.get();
}

/// Runs on `operands`, which lack the scratchpad. One at a time: the threads are oneDNN's own.
bool run(onednn::Primitive &primitive, std::vector<void *> operands) {
  Floats scratchpad(primitive.description().scratchpadBytes / sizeof(float) + 1);
  operands.push_back(scratchpad.data());
  std::string error;
  return primitive.run(operands.data(), operands.size(), error);
}

std::mutex &lock() {
  static std::mutex mutex;
  return mutex;
}

void *pointer(const Value &value) { return const_cast<float *>(value.data.data()); }

/// Weights from our order to O,I,H,W, or back.
void permute(const Value &ours, float *logical, bool back) {
  const auto &d = ours.dims, &s = ours.strides;
  auto *own = const_cast<float *>(ours.data.data());
  for (int64_t o = 0; o < d[0]; ++o)
    for (int64_t i = 0; i < d[1]; ++i)
      for (int64_t y = 0; y < d[2]; ++y)
        for (int64_t x = 0; x < d[3]; ++x, ++logical) {
          float &mine = own[o * s[0] + i * s[1] + y * s[2] + x * s[3]];
          if (back)
            mine = *logical;
          else
            *logical = mine;
        }
}

/// Weights from our order to that of a primitive, or back.
bool reorder(const Value &ours, const std::string &format, Floats &packed, bool back) {
  Problem problem;
  problem.kind = onednn::Kind::Reorder;
  problem.dims = ours.dims;
  problem.srcFormat = "nhwc"; // of activations; weights lie like these
  problem.dstFormat = format;
  void *from = pointer(ours), *to = packed.data();
  if (back) {
    std::swap(problem.srcFormat, problem.dstFormat);
    std::swap(from, to);
  }
  onednn::Primitive *primitive = format.starts_with('g') ? nullptr : primitiveOf(problem);
  if (primitive)
    return run(*primitive, {from, to});
  // Groups are a dimension of their own.
  Floats logical(ours.data.size());
  std::string error;
  if (back) {
    if (!onednn::unpack(ours.dims, format, packed.data(), logical.data(), error))
      return false;
    permute(ours, logical.data(), true);
    return true;
  }
  permute(ours, logical.data(), false);
  return onednn::pack(ours.dims, format, logical.data(), packed.data(), error);
}

Problem problemOf(OpKind kind, const Node &node, const Value &src, const Value &weights, const Value &dst) {
  Problem p;
  p.kind = kind == OpKind::Convolution    ? onednn::Kind::ConvolutionForward
           : kind == OpKind::BackwardData ? onednn::Kind::ConvolutionBackwardData
                                          : onednn::Kind::ConvolutionBackwardWeights;
  p.mb = src.dims[0], p.ic = src.dims[1], p.ih = src.dims[2], p.iw = src.dims[3];
  p.oc = dst.dims[1], p.oh = dst.dims[2], p.ow = dst.dims[3];
  p.g = src.dims[1] / weights.dims[1];
  p.kh = weights.dims[2], p.kw = weights.dims[3];
  p.sh = node.stride[0], p.sw = node.stride[1], p.dh = node.dilation[0], p.dw = node.dilation[1];
  p.pt = node.padBegin[0], p.pl = node.padBegin[1], p.pb = node.padEnd[0], p.pr = node.padEnd[1];
  return p;
}

} // namespace

bool convolutionOneDnn(OpKind kind, const Node &node, const Value &a, const Value &b, Value &result) {
  const bool backwardWeights = kind == OpKind::BackwardWeights;
  Problem problem = kind == OpKind::Convolution    ? problemOf(kind, node, a, b, result)
                    : kind == OpKind::BackwardData ? problemOf(kind, node, result, b, a)
                                                   : problemOf(kind, node, a, result, b);
  std::lock_guard guard(lock());
  onednn::Primitive *primitive = primitiveOf(problem);
  if (!primitive)
    return false;
  const onednn::Description &description = primitive->description();
  Floats packed(description.weightsBytes / sizeof(float));
  if (backwardWeights)
    return run(*primitive, {pointer(a), pointer(b), packed.data()}) &&
           reorder(result, description.weightsFormat, packed, /*back=*/true);
  return reorder(b, description.weightsFormat, packed, /*back=*/false) &&
         run(*primitive, {pointer(a), packed.data(), pointer(result)});
}

bool matmulOneDnn(const Value &a, const Value &b, Value &result) {
  Problem problem;
  problem.kind = onednn::Kind::MatMul;
  problem.m = result.dims[1], problem.n = result.dims[2], problem.k = a.dims[2];
  problem.lda = problem.k, problem.ldb = problem.ldc = problem.n;
  std::lock_guard guard(lock());
  onednn::Primitive *primitive = primitiveOf(problem);
  // A batch's matrix may begin anywhere; oneDNN wants aligned operands.
  if (!primitive || result.dims[0] != 1)
    return false;
  return run(*primitive, {pointer(a), pointer(b), pointer(result)});
}

} // namespace incept::sim::cudnn
