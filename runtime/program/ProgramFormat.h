// SPDX-License-Identifier: Apache-2.0
//
// The program image: what the compiler writes into the `.incept` section of an executable and what the
// runtime reads from it. The only header that the compiler and the runtime share, besides the wrappers of libraries.
//
// An image is, in this order and little-endian:
//
//   u64 headerBytes | u64 checksum | header: UTF-8 JSON, padded with spaces | blobs
//
// `headerBytes` counts the padded JSON. `checksum` is the XXH64 (support/Checksum.h) of the eight bytes before it and
// of all that is behind it. Blob offsets count from the first byte after the header and are multiples of
// kBlobAlignment. The JSON object has exactly these keys:
//
//   format_version  int      kFormatVersion
//   network         string   name of the architecture
//   spec            {hash: string (16 hex digits, of the graph phase: imports, parameters and batch size included),
//                    text: string (the file that was compiled)}
//   target          {kind: "cpu", threads: int, isa: string, vector_bits: int, onednn: string}
//                   {kind: "cuda", threads: int, device, arch: string ("h100", "sm_90"), cudnn: string (version),
//                    card: string (what it was compiled for, as a driver names it), multiprocessors: int}
//   mode            "train" | "infer"
//   precision       "f32" | "bf16" | "f16"
//   tf32            bool     cuda: products of f32 values may be rounded to TF32
//   batch_size      int
//   classes         int      columns of io/logits
//   label_map       {height, width: int}   of networks that score each pixel: the labels of one image, row by row;
//                   absent where an image has one label. With {ignore: int} pixels of that label count for nothing
//   outputs         [string]  names of the outputs, the first that of io/logits; absent where it is alone and has none
//   image           {channels, height, width: int}   logical size of one image of the batch
//   normalization   {mean: [real], std: [real]}      per channel, in units of a pixel value scaled to 0..1
//   parameters      int      trainable scalars
//   states          int      running statistics, scalars
//   macs            int      multiply-accumulates of one image, forward
//   keep_gradients  bool     `step` may write grad/NAME
//   training_only   [string] weights that a file may have and this program does without (may be absent)
//   training        object   see TrainingKeys below; {} where mode is "infer"
//   regions         [{name: string, bytes: int}]     one allocation each, zeroed at start, kRegionAlignment aligned
//   tensors         [{name, kind: string, shape: [int], type: string, region: int, offset, bytes: int, format: string,
//                     init: object, decay: bool}]
//   plans           [{name, kind, impl: string, scratchpad_bytes: int, ...}]    one per distinct library primitive; the
//                   other keys are strings, the wrapper's encoding of the problem. cuda has three keys more:
//                   {engine: string (decimal), knobs: string ("type=value,..."), serialized: {offset, bytes: int}}, the
//                   last a range of blob "plans", empty where the plan is to be rebuilt
//   kernels         [{name: string, family: string, inputs, outputs: [[type: string, rank: int]...], counts: int}]
//                   the code in the blobs: its symbol, and what a launch of it touches. Families and what extents mean:
//                   dialect/README.md; `counts` are the extents for ops with a `count`, behind the others.
//                   With {parts: int} a launch is of several parts: its operands are the inputs of each part, then the
//                   outputs of each, its extents those of each, then for each the blocks and the threads of a block
//                   that are the part's ([x, y, x, y]). A kernel of family "fixed" has {extents: [int], units: int}
//                   too, the only ones it may be launched with, and numbers of elements in the place of ranks: of one
//                   op that is none of the families, with an entry for each list of extents, all under the code's name.
//                   One of family "mixed" has {name, family, members: [kernel...]} alone: its launch does what those of
//                   all members would. Their parts are one after the other as above, each with its member's operands
//                   and extents
//   entries         {NAME: [launch]}                 launch lists, run in order
//   step            [{name: string, type: "f32"|"i64"|"u64", offset: int}]  fields of region kStepRegion
//   memory          {arena_bytes, persistent_bytes, peak_bytes, lower_bound_bytes: int}
//   blobs           {NAME: {offset, bytes: int}}     cpu: "kernels", a shared object
//                   cuda: "ptx", the text of one module; "cubin", the same assembled, and "plans" (both may be absent)
//
// A launch is one of
//   {kernel: int, operands: [[region, offset]...], extents: [int], units: int, op, loc: string, flops, bytes: int}
//       calls kernels[kernel](operand pointers, extents, begin, end) with [begin, end) a partition of [0, units)
//       over the threads; every thread calls the kernel at most once per launch.
//   {kernel: int, operands, extents, grid, block: [x, y, z: int], op, loc, flops, bytes}     the same on cuda:
//       the kernel's parameters are one 64-bit address for each operand, then one i64 for each extent.
//   {plan: int, operands: [[region, offset]...], op, loc: string, flops, bytes: int}
//       runs plans[plan]; the order of the operands is fixed by the plan's kind.
// `op` is the path of the op in the spec, `loc` its file:line:col, `flops` the floating-point operations (a
// multiply-accumulate is two, one with padding none) and `bytes` the size of the tensors that it reads and of those
// that it writes.
#pragma once

#include <cstdint>

namespace incept::program {

inline constexpr int kFormatVersion = 2;
/// Bytes before the header.
inline constexpr std::uint64_t kPrefixBytes = 16;
inline constexpr const char *kSectionName = ".incept";
inline constexpr std::uint64_t kBlobAlignment = 64;
inline constexpr std::uint64_t kRegionAlignment = 64;

/// Elements that one unit of a `flat` kernel processes, and channels of one unit of a `combine` kernel.
inline constexpr std::int64_t kFlatUnit = 1024;
inline constexpr std::int64_t kCombineUnit = 64;
/// Rows that one unit of a kernel does whose threads add up a row together.
inline constexpr std::int64_t kRowsUnit = 8;

/// The family of the code of several kernels, which is no kernel's own.
inline constexpr const char *kMixedFamily = "mixed";

/// Parts that a launch may have, and blocks side by side of a reduction: its tickets are so many.
inline constexpr int64_t kMostParts = 8, kMostRanges = 1024;

/// Names of regions that the runtime itself reads or writes.
inline constexpr const char *kArenaRegion = "arena";
inline constexpr const char *kStepRegion = "step";

/// Names of tensors that the runtime itself reads or writes.
///   io/u8_images  u8  (N,H,W,C) dense, bytes as they come from a file        -> entry stage_u8
///   io/f32_images f32 (N,C,H,W) dense, already normalised                    -> entry stage_f32
///   io/labels     i64 (N), with `label_map` (N*height*width)
///   io/loss       f32 ()        mean over the labels, without weight decay    <- entry forward_backward
///   io/logits     f32 (N,K), a row for each label      <- entries forward_backward and infer
///   io/logits/NAME, io/loss/NAME   of `outputs`: the same scores of each but the first, and, where there are several
///                 and the program trains, the loss of each by itself
/// Tensors whose kind is "parameter" or "state" make up a weights file; with those of kind "slot" a checkpoint.
/// A "gradient" is named grad/NAME, a slot SLOT/NAME, e.g. momentum/NAME and mean_square/NAME.
/// A slot ema/NAME is the moving average of the parameter or state NAME; weights files may have it too.
/// Kind "io" is for the names above and "derived" for what prepare_inference computes: it lies in the arena, where the
/// training entries overwrite it, so prepare_inference runs before the first infer after them.
inline constexpr const char *kU8Images = "io/u8_images";
inline constexpr const char *kF32Images = "io/f32_images";
inline constexpr const char *kLabels = "io/labels";
inline constexpr const char *kLoss = "io/loss";
inline constexpr const char *kLogits = "io/logits";

/// Entry points. A program with mode "infer" has no forward_backward and no update. One with mode "train" may have
/// prepare_training: it runs before the first forward_backward after weights were drawn or read.
inline constexpr const char *kStageU8 = "stage_u8";
inline constexpr const char *kStageF32 = "stage_f32";
inline constexpr const char *kForwardBackward = "forward_backward";
inline constexpr const char *kUpdate = "update";
inline constexpr const char *kPrepareTraining = "prepare_training";
inline constexpr const char *kPrepareInference = "prepare_inference";
inline constexpr const char *kInfer = "infer";

/// Fields of the step region; the header lists those that the program has.
///   step           i64  number of updates done before this one
///   seed           u64
///   sample_base    i64  global index of the first sample of the batch since the start of training (dropout)
///   part           i64  number of the batch within its step, where `training.accumulate` is more than 1: the gradients
///                       of batch 0 replace those of the step before, the others' are added
///   learning_rate  f32
///   share          f32  how much of image n is what labels[n] is of; the rest is what labels[N-1-n] is of
///   momentum       f32
///   rms_decay      f32
///   rms_epsilon    f32
///   weight_decay   f32
///   NAME           f32  `optimizer.NAME` or NAME of `training`
/// All but the counters and the learning rate come from `training` and can be replaced with --set.
///
/// `training` holds:
///   optimizer        {kind: string, and a real for each of its fields}; rms_decay and rms_epsilon are decay and
///   epsilon learning_rate    {kind: "constant"|"step"|"cosine", base: real, gamma: real, every_epochs: real,
///                     final: real (cosine), warmup_epochs: real}
///   loss             string structural; absent: softmax_cross_entropy
///   weight_decay     real
///   label_smoothing  real   structural: compiled into the loss
///   ignore_label     int    structural; it stands in `label_map` too
///   clip_norm, clip_value, ema   real, fields of the step region; absent: no clipping, no averages
///   accumulate       int    structural: batches of a step, each a run of forward_backward, before one update. Absent:
///   1 epochs           int    default of train --epochs seed             int
///
/// `init` of a parameter or state (absent for others):
///   {kind: "zeros"} {kind: "ones"} {kind: "constant", value: real}
///   {kind: "he_normal"|"he_uniform"|"glorot_uniform", fan_in: int, fan_out: int}
///   {kind: "truncated_normal", std: real}
/// A slot has {kind: "constant", value: real} (RMSProp's mean_square starts at 1), or {kind: "copy"}: ema/NAME starts
/// as NAME does, also where NAME is read from a file of weights.
///
/// `type` is f32, bf16, f16, i64, u64 or u8. `format` is empty where the tensor is dense in the logical order of its
/// shape, `nhwc` for a dense activation, and otherwise a physical format that the device converts: on cuda `ohwi`,
/// weights O,I,H,W that lie as O,H,W,I; on cpu one of the library's (OneDnn.h encodes and decodes it).

} // namespace incept::program
