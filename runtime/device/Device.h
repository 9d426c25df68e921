// SPDX-License-Identifier: Apache-2.0
//
// The one interface to a machine that runs programs: memory, launches, and steps as units. `Backend` is what a stub is
// linked with; everything above this file is the same for all of them.
#pragma once

#include "runtime/program/Image.h"

#include <functional>
#include <memory>
#include <string_view>

namespace incept {

/// What a machine can do at most: the two limits that a launch's time is compared with.
struct Peaks {
  double flops = 0;     ///< operations per second
  double bandwidth = 0; ///< bytes per second
  std::string of;       ///< what they are the peaks of: "2 threads"

  /// The least time in seconds that so much work can take.
  double bound(double flopCount, double byteCount) const;
};

/// The host's side of one step: what it reads, filled before it starts, and what it has written when it is finished.
struct Batch {
  uint8_t *u8Images = nullptr;   ///< (N,H,W,C)
  float *f32Images = nullptr;    ///< (N,C,H,W)
  int64_t *labels = nullptr;     ///< (N), of label maps (N,height,width)
  std::byte *step = nullptr;     ///< the step block; null where the program has none
  const float *loss = nullptr;   ///< ()
  const float *logits = nullptr; ///< (N,K), a row for each label
  // Of a program with several outputs: of each (), and of those behind the first (N,K).
  std::vector<const float *> losses = {}, otherLogits = {};
};

enum class Work {
  Train,      ///< stage, forward_backward, update
  Infer,      ///< stage, infer
  Accumulate, ///< stage, forward_backward: a batch of a step that has more of them
};
enum class Input { U8, F32 }; ///< which images are staged

/// Is told of a launch when it has run.
using LaunchObserver = std::function<Status(const program::Launch &)>;

/// Lifecycle: create (checks the machine, allocates everything, builds every plan), then steps. A step allocates
/// nothing.
class Device {
public:
  virtual ~Device() = default;

  /// How many steps may be under way: where it is 2, the second's batch is copied while the first computes.
  virtual size_t depth() const = 0;
  /// The batch that the next `start` reads. Fewer than `depth` steps must be under way. Where none is, it is always the
  /// same one: what was filled once can be started many times.
  virtual Batch &next() = 0;
  /// Starts a step on `next`. Steps run in the order in which they are started, after everything before them.
  virtual Status start(Work work, Input input) = 0;
  /// Waits for the oldest step under way; `finished` is its batch from then on.
  virtual Status finish() = 0;
  /// The batch of the step that was finished last: its labels are what was filled, its results the step's.
  virtual const Batch &finished() const = 0;

  /// Runs an entry point, which must exist, on what its operands hold, and waits for it.
  virtual Status run(std::string_view entry) = 0;
  /// Runs only the launches of an entry point that `wanted` accepts.
  virtual Status runOnly(std::string_view entry, const std::function<bool(const program::Launch &)> &wanted) = 0;

  /// Copies a tensor's value between its place and `logical`, dense in the order of its shape and aligned as its type.
  virtual Status read(const program::Tensor &tensor, std::byte *logical) = 0;
  /// Whether several threads may `read` at once.
  virtual bool isReadByThreads() const { return false; }
  virtual Status write(const program::Tensor &tensor, const std::byte *logical) = 0;
  /// Copies bytes of a region as they lie there, wherever they are in it.
  virtual Status readMemory(size_t region, uint64_t offset, uint64_t bytes, std::byte *to) = 0;
  virtual Status writeMemory(size_t region, uint64_t offset, uint64_t bytes, const std::byte *from) = 0;
  /// Sets a whole region to one f32.
  virtual Status fill(size_t region, float value) = 0;

  /// From now on each launch is waited for, and `observer` is told of it: its error ends the step. Null: as before.
  virtual void observe(LaunchObserver observer) = 0;
  /// From now on each launch is timed, one after the other; there is room for so many runs.
  virtual void startProfile(int64_t runs) = 0;
  /// Seconds of each run of each launch of an entry point.
  virtual const std::vector<std::vector<double>> &profile(std::string_view entry) const = 0;
  /// Takes about a second where it has to measure.
  virtual Expected<Peaks> peaks() = 0;
  /// Most bytes of the device's memory that this process has held so far.
  virtual uint64_t peakResidentBytes() const = 0;
  /// A sentence for the user about how the device was prepared; empty where it went as it was compiled.
  virtual std::string note() const { return {}; }
};

/// What a process will ask of a device: no more is made ready.
struct DeviceUse {
  bool trains = true;   ///< Work::Train and Work::Accumulate
  bool infers = true;   ///< Work::Infer
  int ordinal = 0;      ///< which one of a machine's devices
  bool reports = false; ///< on a terminal, how far long preparations are

  /// True where an entry point runs.
  bool runs(std::string_view entry) const;
  /// An error where it does not: what was not made ready cannot run.
  Status check(std::string_view entry) const;
  /// By index, the plans that launches of those entry points run.
  std::vector<bool> plansOf(const program::Image &image) const;
};

/// A kind of device: what can be said and checked of its programs on any machine, and how a device is made.
struct Backend {
  const char *kind; ///< `target.kind` of the programs it runs
  /// Formats and plans make sense, so that a device will not be asked for what it cannot do.
  Status (*check)(const program::Image &image);
  /// Adds what `info` says of the target.
  void (*describe)(const program::Image &image, nlohmann::ordered_json &info);
  /// The libraries that this machine has for its programs, with their versions: "oneDNN 2.6.3", or why there are none.
  std::string (*library)();
  /// The machine's devices, each an object with its ordinal as "device".
  Expected<nlohmann::ordered_json> (*list)(const program::Image &image);
  /// What plan `plan` of an image that `check` accepts writes: the operands before its temporary memory, in order.
  std::vector<program::PlanResult> (*planResults)(const program::Image &image, size_t plan);
  /// Fails on a machine that cannot run the program. The image must outlive the device.
  Expected<std::unique_ptr<Device>> (*create)(const program::Image &image, const DeviceUse &use);
};

} // namespace incept
