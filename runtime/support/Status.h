// SPDX-License-Identifier: Apache-2.0
//
// Errors as values: a code that becomes the exit status, and one sentence.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace incept {

/// What was at fault; the numbers are exit statuses.
enum class Code { Ok = 0, Input = 1, Usage = 2, Machine = 3, Interrupted = 130 };

class [[nodiscard]] Status {
public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}
  bool ok() const { return code_ == Code::Ok; }
  Code code() const { return code_; }
  /// Lower-case, without a final stop.
  const std::string &message() const { return message_; }

private:
  Code code_ = Code::Ok;
  std::string message_;
};

inline Status inputError(std::string message) { return {Code::Input, std::move(message)}; }
inline Status usageError(std::string message) { return {Code::Usage, std::move(message)}; }
inline Status machineError(std::string message) { return {Code::Machine, std::move(message)}; }

/// A value or the reason why there is none.
template <typename T>
class [[nodiscard]] Expected {
public:
  Expected(T value) : value_(std::move(value)) {}
  Expected(Status status) : status_(std::move(status)) {}
  explicit operator bool() const { return value_.has_value(); }
  T &operator*() { return *value_; }
  T *operator->() { return &*value_; }
  const Status &status() const { return status_; }

private:
  std::optional<T> value_;
  Status status_;
};

} // namespace incept

/// Returns from the function with the error of `expression`, a Status, if it is one.
#define INCEPT_RETURN_IF_ERROR(expression)                                                                             \
  if (::incept::Status status_ = (expression); !status_.ok())                                                          \
  return status_
