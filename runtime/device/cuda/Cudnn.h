// SPDX-License-Identifier: Apache-2.0
//
// The one wrapper of cuDNN, and the only file group that knows its version. The compiler asks it for plans
// (`Library::choose`, which needs no GPU), the runtime loads or rebuilds and runs them (`Plan`); both build the same
// operation graph from the same Problem, so that what was planned is what runs. cuDNN is opened at run time: nothing
// links it. Functions that can fail return false and set `error` to a sentence without a final stop.
#pragma once

#include "runtime/device/LibraryProblem.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace incept::cudnn {

using Kind = LibraryKind;

/// The name of a kind in a plan: "convolution_forward", ..., "matmul".
std::string_view kindName(Kind kind);
/// Returns false where `name` is not a kind.
bool parseKind(std::string_view name, Kind &kind);

enum class Type { F32, F16, BF16 };

/// The name of a type in a plan and in the IR: "f32", "f16", "bf16".
std::string_view typeName(Type type);
bool parseType(std::string_view name, Type &type);
int64_t typeBytes(Type type);

/// What is to be computed, no reorders. Activations are NHWC, weights O,H,W,I in memory (dense; for a grouped
/// convolution I is ic/g). Sums are f32 whatever the types are. Dimensions and strides must be positive (paddings: not
/// negative) and products fit 40 bits.
///
/// Operands, in the order `Plan::execute` takes them (the index of an operand + 1 is its tensor's unique id in the
/// operation graph and in a serialised plan; the workspace has none):
///   ConvolutionForward          src, weights, [factor, offset (ic)], [bias (oc)], [residual], dst,
///                               [sum (oc), sum_squares (oc)], workspace
///                               dst = [relu](scale * (src * weights) + residual + bias)
///                               sum, sum_squares: of each channel of dst and of its squares
///   ConvolutionBackwardData     diff_dst, weights, [norm_src, mean, inv_std, gamma, beta (ic)], diff_src,
///                               [diff_gamma, diff_beta, a, b, c (ic)], workspace
///                               with normGradient: diff_src is the gradient where gamma * n + beta > 0 for
///                               n = (norm_src - mean) * inv_std, otherwise 0; diff_beta is the sum of each of its
///                               channels, diff_gamma that of diff_src * n, and a * diff_src + b * norm_src + c the
///                               gradient of norm_src
///   ConvolutionBackwardWeights  src, diff_dst, [factor, offset (ic)], diff_weights, workspace
///                               normalized, here and forward: in the place of src stands max(src * factor + offset, 0)
///   MatMul                      a (m,k), b (k,n), [bias (n)], c (m,n), workspace
/// A bias in `type` has precompiled engines; one in f32 beside f16 or bf16 tensors only engines that are compiled when
/// the plan is built, and none with a scale. src, weights, diff_dst, factor, offset, residual, a and b have `type`;
/// dst, diff_src, diff_weights and c `resultType`; bias `biasType`; norm_src `resultType`; sums and batch norm's
/// vectors are f32.
struct Problem : LibraryProblem {
  Type type = Type::F32, resultType = Type::F32, biasType = Type::F32;
  bool tf32 = false; ///< f32 only: products may be rounded to TF32
  /// Distance between pixels in elements: larger than the channel count in a channel slice, 0 where dense.
  /// `srcStride` is that of src and diff_src, `dstStride` that of dst and diff_dst.
  int64_t srcStride = 0, dstStride = 0, residualStride = 0;
  bool residual = false; ///< forward only, with `scale`
  float scale = 1;       ///< not 1 only together with `residual`
  bool stats = false;    ///< forward only, without residual and relu: gives sum and sum_squares too
  /// Backward data only: diff_src is masked by the ReLU of the batch norm before the convolution, whose gradient's
  /// vectors come too. `normStride` is the distance between pixels of norm_src.
  bool normGradient = false;
  int64_t normStride = 0;
  bool normalized = false; ///< forward, and backward weights: src is normalised and goes through a ReLU first
};

/// Number of operands, the workspace included.
size_t operandCount(const Problem &problem);
/// The bytes of each operand of a problem that `check` accepts, in the order of its comment, without the workspace.
std::vector<uint64_t> operandBytes(const Problem &problem);
/// The types of what a problem gives: of its last operands before the workspace.
std::vector<Type> resultTypes(const Problem &problem);

/// An engine of the library that finalises for a problem and a device, and what is known of it.
struct Choice {
  int64_t engine = -1;
  std::string knobs; ///< "type=value,type=value" in ascending order of type, may be empty
  uint64_t workspaceBytes = 0;
  std::string impl;             ///< readable: the kernel's name, or "engine 28"
  bool tensorCore = false;      ///< runs on tensor cores
  bool runtimeCompiled = false; ///< its kernel is compiled when the plan is built: seconds instead of milliseconds
  std::string serialized;       ///< the plan as cuDNN's JSON; loads on the device and version it was made for
  /// Engines that come first by the library's heuristics and were declined: "engine 5: ...reason".
  std::vector<std::string> declined;
};

/// Part of the key of choices that are kept. Raised when the same library, device and problem may get another engine:
/// with a change of `unfit` in CudnnChoose.cpp, of the order in which it tries engines, or of how it counts their
/// times.
inline constexpr int kChoiceRules = 1;

/// What the choice between two engines counts with, of one device. The shares and the launch are assumed unless its
/// profile says that they were measured.
struct EngineCosts {
  double bytesPerSecond = 0;                                   ///< of the device's memory
  double launchSeconds = 0;                                    ///< of a kernel more
  double peakF32 = 0, peakTf32 = 0, peakBf16 = 0, peakF16 = 0; ///< operations per second
  /// Of the peak: what kernels reach that are made for the device's architecture, and those of an earlier one.
  double ownShare = 0, olderShare = 0;
  int architecture = 0; ///< 90 for sm_90
  bool measured = false;
};

/// Bytes of the activations of a problem that are channel slices, packed: the smallest one, and all of them; 0 where
/// all are dense. An engine whose workspace holds the smallest copies slices before or after it computes.
struct SliceBytes {
  uint64_t smallest = 0, all = 0;
};
SliceBytes packedSlices(const Problem &problem);

/// True where an engine's name says that its kernel was made for an earlier architecture than `architecture` (90 for
/// sm_90): there tensor cores are slower.
bool isForEarlier(std::string_view impl, int64_t architecture);

/// Seconds that a choice takes by these costs: its arithmetic or what it reads and writes, whichever is longer, and the
/// copies of slices.
double estimateSeconds(const Problem &problem, const Choice &choice, const EngineCosts &costs);

/// A cuDNN handle; made and owned through Library.
using Handle = void *;

/// Where to find cuDNN.
struct Paths {
  std::string directory; ///< holds libcudnn.so.9; empty: the loader's search path
  /// Full paths of libraries to be opened first, such as the NVRTC that cuDNN looks for; ones that fail are passed
  /// over.
  std::vector<std::string> preload;
};

/// The opened library. Safe to use from several threads; stays open for the life of the process.
class Library {
public:
  /// Null with a sentence in `error` where cuDNN is missing, too old (below 9.8), or lacks a symbol.
  static std::shared_ptr<const Library> open(const Paths &paths, std::string &error);
  ~Library();

  /// "9.19.0"
  const std::string &version() const;

  /// Picks an engine for `problem` on the device that `deviceProfile` (the JSON text of cuDNN's device property
  /// descriptor) describes. Deterministic engines only, f32 without TF32 unless the problem allows it, at most
  /// `workspaceLimit` bytes of workspace. Where an activation is a channel slice: the engine that takes it as it lies,
  /// or, with `costs`, the one that copies it where that is quicker by them (the other is among `declined`, with both
  /// times). Needs no GPU. The same arguments give the same choice.
  bool choose(const Problem &problem, const std::string &deviceProfile, uint64_t workspaceLimit, Choice &choice,
              std::string &error, const EngineCosts *costs = nullptr) const;

  /// The same on the device of a handle, for a plan that is refused there.
  bool choose(const Problem &problem, Handle handle, uint64_t workspaceLimit, Choice &choice, std::string &error) const;
  /// The bytes of workspace that a choice's engine and knobs need on another described device.
  bool workspaceOn(const Problem &problem, const Choice &choice, const std::string &deviceProfile, uint64_t &bytes,
                   std::string &error) const;

  /// A handle on the current CUDA context whose work goes to `stream` (a CUstream).
  bool createHandle(void *stream, Handle &handle, std::string &error) const;
  void destroyHandle(Handle handle) const;

  struct Impl;
  const Impl &internals() const { return *impl; }

private:
  explicit Library(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

/// A plan ready to run on the device of a handle.
class Plan {
public:
  Plan();
  ~Plan();
  Plan(Plan &&) noexcept;
  Plan &operator=(Plan &&) noexcept;

  /// Loads `choice.serialized`. Fails, among others, where device, driver or version are not those it was made for.
  bool load(std::shared_ptr<const Library> library, Handle handle, const Problem &problem, const Choice &choice,
            std::string &error);
  /// Builds the plan of the same operation graph, engine and knobs. Either may need more workspace here than
  /// `choice.workspaceBytes`: the caller asks `workspaceBytes`.
  bool rebuild(std::shared_ptr<const Library> library, Handle handle, const Problem &problem, const Choice &choice,
               std::string &error);

  uint64_t workspaceBytes() const;
  /// The plan as JSON, to keep on this machine; loads here without a rebuild.
  bool serialize(std::string &json, std::string &error) const;

  /// Enqueues the plan on the handle's stream. `operands` are device addresses in the order of Problem's comment,
  /// 16-byte aligned; the workspace may be null where its size is 0. Allocates only for addresses not seen before.
  bool execute(Handle handle, void *const *operands, size_t count, std::string &error);

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

/// Problem to and from a flat list of key/value strings, the form it has in a plan of the program image. `decode`
/// takes every field of the kind exactly once and checks the values.
std::vector<std::pair<std::string, std::string>> encode(const Problem &problem);
bool decode(const std::vector<std::pair<std::string, std::string>> &fields, Problem &problem, std::string &error);

/// True where every dimension is in range and they agree; `decode`, `choose` and `Plan` check it too.
bool check(const Problem &problem, std::string &error);

} // namespace incept::cudnn
