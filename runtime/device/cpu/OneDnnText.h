// SPDX-License-Identifier: Apache-2.0
//
// Numbers and lists as plans and formats write them. Internal to the wrapper of oneDNN.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace incept::onednn::text {

/// Tensors have at most this many elements, so that sizes in bytes cannot overflow.
inline constexpr int64_t kMaxElements = int64_t(1) << 40;

/// More threads than any machine has.
inline constexpr int64_t kMaxThreads = 1024;

/// Sets `error` and returns false.
bool fail(std::string &error, std::string message);
/// Parses a decimal integer and nothing else.
bool parseInt(std::string_view text, int64_t &value);
/// Parses "1x2x3" into exactly `count` integers in [1, kMaxElements].
bool parseList(std::string_view text, size_t count, int64_t *values);
/// Multiplies into `product`; false where the result leaves (0, kMaxElements].
bool multiply(int64_t &product, int64_t factor);
/// Writes "1x2x3".
std::string joinList(const int64_t *values, int count);
/// 1 to 4 positive dimensions of at most kMaxElements elements.
bool checkDims(const std::vector<int64_t> &dims, std::string &error);

/// A physical format, read: dimensions as the library sees them, with the groups in front where there are several.
struct Blocking {
  int64_t groups = 1;
  int rank = 0;
  bool isDense = false;                                  ///< in the logical order; then only `dims` is set
  int64_t dims[5] = {}, padded[5] = {}, strides[5] = {}; ///< strides count elements between blocks
  int64_t blocks[5] = {};                                ///< product of the inner blocks of a dimension
  std::vector<std::pair<int64_t, int>> inner;            ///< size, dimension
  int64_t elements = 0;                                  ///< from the first to the last, padding included
};

/// Reads the format of a tensor of logical `dims`. `groups` is what the caller expects, or 0 to accept the format's.
/// Every element has a place of its own, and all lie within `elements`.
bool parseFormat(const std::vector<int64_t> &dims, const std::string &format, int64_t groups, Blocking &blocking,
                 std::string &error);
/// True where `format` is "nhwc", or "nchw8c" or "nchw16c" and the channels are whole blocks.
bool isActivation(const std::vector<int64_t> &dims, const std::string &format);

} // namespace incept::onednn::text
