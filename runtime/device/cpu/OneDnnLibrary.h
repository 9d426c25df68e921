// SPDX-License-Identifier: Apache-2.0
//
// oneDNN is opened when it is needed, not linked: a program can say what it is, and what is missing, on a machine that
// does not have it. Internal to the wrapper of oneDNN.
#pragma once

#include <string>

namespace incept::onednn {

/// Opens the library, once for the life of the process; false with a sentence where it is missing or lacks a function.
/// Nothing else of it may be called before.
bool openLibrary(std::string &error);

} // namespace incept::onednn
