// SPDX-License-Identifier: Apache-2.0
//
// `incept draw`.
#pragma once

#include "tools/incept/DrawNetwork.h"
#include "tools/incept/Driver.h"

namespace incept {

struct DrawOptions {
  enum class What { Network, Memory, Launches } what = What::Network;
  NetworkPicture network;
  std::string output; ///< its ending says the form
};

/// Draws the network of `options`, or what a compilation makes of it, into a file. Returns the exit status; errors have
/// been printed.
int draw(const CompileOptions &options, const DrawOptions &drawing);

} // namespace incept
