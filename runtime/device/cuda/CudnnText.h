// SPDX-License-Identifier: Apache-2.0
//
// Text forms shared by the files behind Cudnn.h. Knows nothing of the library.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace incept::cudnn::text {

/// "2=9,14=4": knob types and values, in ascending order of type.
std::string joinKnobs(const std::vector<std::pair<int64_t, int64_t>> &knobs);
/// False where the text is malformed or the types do not ascend.
bool parseKnobs(std::string_view text, std::vector<std::pair<int64_t, int64_t>> &knobs);

bool parseInt(std::string_view text, int64_t &value);

} // namespace incept::cudnn::text
