// SPDX-License-Identifier: Apache-2.0
//
// A description back to text, in either form, comments included.
#pragma once

#include "frontend/Spec.h"

namespace incept {

/// The file in the text form. Reading it again gives the same description, and writing that the same text.
std::string writeTextSpec(const SpecFile &file);

/// The file as JSON, with the same meaning.
std::string writeJsonSpec(const SpecFile &file);

/// An expression with parentheses where it binds less than a postfix (`primary`) or a sum does.
std::string formatPrimary(const Expr &expr);
std::string formatSide(const Expr &expr);

} // namespace incept
