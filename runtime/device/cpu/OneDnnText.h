// SPDX-License-Identifier: Apache-2.0
//
// Numbers and lists as plans and formats write them. Internal to the wrapper of oneDNN.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

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

} // namespace incept::onednn::text
