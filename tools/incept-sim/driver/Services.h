// SPDX-License-Identifier: Apache-2.0
//
// What the simulated driver offers to the simulated cuDNN, which works on the same memory and the same streams. The
// two are separate shared libraries, as the real ones are; cuDNN finds this interface by its one exported function.
#pragma once

#include "tools/incept-sim/driver/Profile.h"
#include "tools/incept-sim/memory/Memory.h"

#include <functional>
#include <string>
#include <vector>

namespace incept::sim {

/// What a stream executes. A failure is a report of wrong memory use: it is printed and ends the context.
using Work = std::function<Status()>;

class Services {
public:
  virtual ~Services() = default;
  /// True where the calling thread has a context and no earlier work has failed.
  virtual bool ready() = 0;
  virtual const Profile &profile() = 0;
  virtual const Options &options() = 0;
  virtual memory::Memory &memory() = 0;
  /// Runs `work` in the order of `stream` (a CUstream), or records it where the stream is being captured. `name` is for
  /// reports and statistics, `operands` the addresses of what the work reads and writes, in the order of a plan's.
  /// False where there is no such stream, or its capture has been invalidated.
  virtual bool enqueue(void *stream, std::string name, const std::vector<uint64_t> &operands, Work work) = 0;
  /// Whether a call may allocate, load code or wait; where a capture forbids it, the capture is lost.
  virtual bool mayCallUnsafe(const char *function) = 0;
  /// Prints "not simulated: WHAT" once for each WHAT.
  virtual void notSimulated(const std::string &what) = 0;
};

inline constexpr const char *kServicesSymbol = "inceptSimServices";

} // namespace incept::sim

/// Null with a sentence on stderr where the simulated device cannot be set up.
extern "C" incept::sim::Services *inceptSimServices();
