// SPDX-License-Identifier: Apache-2.0
//
// Text from files and command lines on its way to a terminal, a log or a message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace incept {

/// The text with what could move a cursor, start a new line or turn text around written as \n, \t, \xNN or \u{NNNN},
/// and so are bytes that are no UTF-8. Names in files may hold anything.
std::string printable(std::string_view text);

/// A number as JSON with nine digits, and null for what is not finite, for which JSON has no word.
std::string jsonNumber(double value);

/// Reads a whole decimal integer of [low, high].
bool readInteger(std::string_view text, int64_t low, int64_t high, int64_t &value);
bool readInteger(std::string_view text, uint64_t &value);
/// Reads a finite number.
bool readNumber(std::string_view text, double &value);

} // namespace incept
