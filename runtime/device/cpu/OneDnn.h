// SPDX-License-Identifier: Apache-2.0
//
// The one wrapper of oneDNN, and the only file pair that knows its version. The compiler asks it for plans
// (`describe`), the runtime builds and runs them (`Primitive`); both go through the same code, so that what was
// planned is what runs. oneDNN's exceptions do not leave this file.
#pragma once

#include "runtime/device/LibraryProblem.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace incept::onednn {

using Kind = LibraryKind;

/// The name of a kind in a plan: "convolution_forward", ..., "matmul", "reorder".
std::string_view kindName(Kind kind);
/// Returns false where `name` is not a kind.
bool parseKind(std::string_view name, Kind &kind);

/// What is to be computed. Activations are dense NHWC. All values must be positive (paddings: not negative) and
/// products fit 63 bits.
///
/// Operands, in the order `Primitive::run` takes them:
///   ConvolutionForward          src, weights, [bias], dst, scratchpad
///   ConvolutionBackwardData     diff_dst, weights, diff_src, scratchpad
///   ConvolutionBackwardWeights  src, diff_dst, diff_weights, scratchpad
///   MatMul                      a (m,k), b (k,n), [bias (n)], c (m,n), scratchpad
///   Reorder                     src, [scales (dims[0])], dst, scratchpad
struct Problem : LibraryProblem {
  bool training = true; ///< propagation kind of the forward convolution
  // Weights' physical format (convolutions), or the two formats of a Reorder of `dims`.
  // "any" lets the library choose, "" is the dense logical order, anything else comes from Description::weightsFormat.
  std::string weightsFormat = "any";
  /// Layout of a convolution's activations: "nhwc", or "nchw8c" or "nchw16c" (blocks of so many channels, both counts
  /// multiples of that).
  std::string activations = "nhwc";
  /// Element type of all operands, "f32" or "bf16", but for: `resultType`, that of a gradient of weights and of c; the
  /// bias of a MatMul and scales, which are f32.
  std::string type = "f32", resultType = "f32";
  std::vector<int64_t> dims;
  std::string srcFormat, dstFormat;
  bool scales = false; ///< Reorder: multiply by scales[i] along dims[0]
  int64_t threads = 0; ///< that it runs on; 0: as many as OpenMP has
};

/// The library's answer to a problem.
struct Description {
  std::string impl;          ///< implementation name, e.g. "brgconv:avx512_core"
  std::string weightsFormat; ///< encoded physical format of the weights (or of dst of a Reorder)
  uint64_t weightsBytes = 0; ///< bytes of one tensor in that format, padding included
  uint64_t scratchpadBytes = 0;
  bool reference = false; ///< a `ref` implementation: correct and about 200 times slower
};

/// Finds the implementation. On failure returns false and sets `error` to a sentence without a final stop. The library
/// makes no code for it, which takes most of the time: where it has a descriptor but cannot make the primitive, which
/// is then a bug of the library or no memory, `Primitive::build` says so, when the program starts.
bool describe(const Problem &problem, Description &description, std::string &error);

/// True where a gradient of weights is that of a 1x1 convolution, which is a product of matrices, and the library's
/// product, which gives it dense, is mostly faster than its code for such gradients: asked for "any" format or "",
/// `describe` takes it. Measured with 2.6.3, on one thread, from 128 channels on both sides on: 0.72 to 0.94 of the
/// time with AVX-512 in six shapes, 1.05 and 1.10 in two (960->160, 7x7; 384->320, 35x35), 0.80 to 0.96 with AVX2; with
/// fewer channels as long or longer. With 98 to 392 pixels, and the reorder that may follow, it took 1.2 times as long.
bool givesDenseWeights(const Problem &problem);

/// True where the two names are one implementation's. oneDNN names the product inside an inner product
/// ("ip:x64:gemm:jit") only the first time that a process asks for it, then it says "ip:".
bool isSameImplementation(std::string_view a, std::string_view b);

/// True where `problem`, whose weights have a format, gives other bits on `threads` threads than on one: both are run,
/// on numbers that are drawn. Also where it does not run. The library may cut sums by the number of its threads.
bool dependsOnThreads(const Problem &problem, int64_t threads);

/// True where this machine's convolutions and matrix products take bf16 (oneDNN: from AVX-512 on, emulated where the
/// processor has no instructions for it).
bool hasBf16();

/// Bytes of a tensor of logical `dims` (f32) in `format` ("" = dense); false for a malformed format.
bool formatBytes(const std::vector<int64_t> &dims, const std::string &format, uint64_t &bytes, std::string &error);

/// True where dimensions, formats and types of a problem agree. Knows nothing of what the library supports.
bool check(const Problem &problem, std::string &error);

/// The bytes of each operand of a problem that says its formats, in the order of Problem's comment, without the
/// scratchpad. Checks the problem too.
bool operandBytes(const Problem &problem, std::vector<uint64_t> &bytes, std::string &error);

/// The format of `rows` rows (along the first dimension) of a tensor in `format`, where their values lie together;
/// false where the format spreads them, pads them, or has groups.
bool rowsFormat(const std::string &format, int64_t rows, std::string &result);

/// Converts a dense logical tensor to `format` or back; buffers have `formatBytes` bytes. Used for weights files.
bool pack(const std::vector<int64_t> &dims, const std::string &format, const float *dense, float *packed,
          std::string &error);
bool unpack(const std::vector<int64_t> &dims, const std::string &format, const float *packed, float *dense,
            std::string &error);

/// A primitive ready to run.
class Primitive {
public:
  Primitive();
  ~Primitive();
  Primitive(Primitive &&) noexcept;
  Primitive &operator=(Primitive &&) noexcept;

  /// Builds the primitive; false with a sentence in `error` where the library declines.
  bool build(const Problem &problem, std::string &error);
  const Description &description() const;
  /// Runs on operands in the order of Problem's comment, 64-byte aligned; `scratchpad` may be null where its size is 0.
  bool run(void *const *operands, size_t count, std::string &error);

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

/// Problem to and from a flat list of key/value strings, the form it has in a plan of the program image.
std::vector<std::pair<std::string, std::string>> encode(const Problem &problem);
bool decode(const std::vector<std::pair<std::string, std::string>> &fields, Problem &problem, std::string &error);

/// False with a sentence where this machine does not have the library; then everything here fails with it.
bool isAvailable(std::string &error);

/// Version ("2.6.3") and the instruction set the library uses here ("avx512_core", ...); empty without the library.
std::string version();
std::string isa();

/// Lets the library use `isa` at most, where the machine has it; without a name that the library knows nothing happens.
/// It takes one limit in a process, before it is first asked for an implementation: false with a sentence in `error`
/// where it uses more than `isa` already.
bool limitIsa(const std::string &name, std::string &error);

} // namespace incept::onednn
