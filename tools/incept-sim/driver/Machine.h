// SPDX-License-Identifier: Apache-2.0
//
// The simulated device behind the driver's functions: memory, streams, events, captures, graphs, modules. Work runs one
// piece at a time: at once, or (Options::schedule) not before something waits for it, and then no more than is waited
// for, or at any moment that streams and events allow, so that a program that reads a result or reuses a buffer too
// early, or whose streams miss an event, is caught. Work issued to a capturing stream runs when its graph is launched,
// and only then.
#pragma once

#include "tools/incept-sim/driver/Limits.h"
#include "tools/incept-sim/driver/Recorder.h"
#include "tools/incept-sim/driver/Services.h"
#include "tools/incept-sim/ptx/Ptx.h"

#include <cuda.h>

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <unordered_map>
#include <vector>

/// How far a stream is, in pieces of work; outlives it.
struct SimProgress {
  uint64_t issued = 0, executed = 0;
};

/// A moment of a stream.
struct SimMoment {
  std::shared_ptr<SimProgress> stream;
  uint64_t issued = 0;
  bool isPast() const { return !stream || stream->executed >= issued; }
};

/// A piece of work with the name that reports give it.
struct SimWork {
  std::string name;
  incept::sim::Work run;
  std::vector<SimMoment> after = {}; ///< of other streams
};

// The types behind the driver's opaque handles.
struct CUctx_st {
  unsigned flags = 0;
};

struct CUgraph_st {
  std::vector<SimWork> nodes;
};

struct CUgraphExec_st {
  std::vector<SimWork> nodes;
};

/// How many nodes of each stream come before a place in a capture.
using SimClock = std::map<CUstream, uint64_t>;

/// A capture, of the stream where it began and of those that wait for an event of it. The graph is the list of what was
/// issued, which is one order that the events allow.
struct SimCapture {
  std::unique_ptr<CUgraph_st> graph = std::make_unique<CUgraph_st>();
  CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
  std::thread::id thread;
  CUstream origin = nullptr;
  std::map<CUstream, SimClock> streams; ///< with what each stream has waited for, its own nodes included
  bool invalid = false, ended = false;
};

struct CUstream_st {
  unsigned flags = 0;
  int priority = 0;
  std::shared_ptr<SimCapture> capture;
  std::deque<SimWork> queue;
  std::shared_ptr<SimProgress> progress = std::make_shared<SimProgress>();

  SimMoment now() const { return {progress, progress->issued}; }
};

struct CUevent_st {
  unsigned flags = 0;
  std::shared_ptr<SimCapture> capture; ///< where it was recorded last; null outside of a capture
  SimClock before;                     ///< of that place
  uint64_t issued = 0, executed = 0;   ///< records so far
  SimMoment recorded;                  ///< the last one
  double seconds = 0;                  ///< of the last executed record
};

struct CUmod_st {
  std::shared_ptr<incept::sim::ptx::Module> module;
};

struct CUfunc_st {
  CUmodule owner = nullptr;
  std::shared_ptr<const incept::sim::ptx::Module> module;
  const incept::sim::ptx::Kernel *kernel = nullptr; ///< lies in the module
  incept::sim::KernelNeeds needs;
  int64_t dynamicSharedLimit = 0; ///< bytes
};

namespace incept::sim {

/// Handles of one kind, owned; a handle that is not in the table is refused, whatever it points to.
template <typename T>
class Table {
public:
  T *create() {
    auto owned = std::make_unique<T>();
    T *handle = owned.get();
    entries.emplace(handle, std::move(owned));
    return handle;
  }
  T *adopt(std::unique_ptr<T> owned) {
    T *handle = owned.get();
    entries.emplace(handle, std::move(owned));
    return handle;
  }
  T *find(T *handle) const { return entries.count(handle) ? handle : nullptr; }
  bool erase(T *handle) { return entries.erase(handle) != 0; }
  template <typename F>
  void forEach(F function) {
    for (auto &entry : entries)
      function(*entry.second);
  }

private:
  std::unordered_map<T *, std::unique_ptr<T>> entries;
};

class Machine final : public Services {
public:
  Machine(Profile profile, Options options);

  /// The one machine; null with `error` where it cannot be set up.
  static Machine *get(Status &error);

  bool ready() override;
  const Profile &profile() override { return profile_; }
  const Options &options() override { return options_; }
  memory::Memory &memory() override { return memory_; }
  bool enqueue(void *stream, std::string name, const std::vector<uint64_t> &operands, Work work) override;
  void notSimulated(const std::string &what) override;

  /// Issues work to a stream of `streams`.
  CUresult issue(CUstream_st &stream, SimWork work);
  /// Runs all that was issued; the error of failed work, then and ever after.
  CUresult drain();
  /// Runs what has to run before the moment is past, or more, by the schedule.
  CUresult runUntil(const SimMoment &moment);
  /// Whether the moment is past, for a program that asks without waiting: CUDA_ERROR_NOT_READY where it is not.
  CUresult query(const SimMoment &moment);
  /// The stream of a handle, the default streams included; null where there is none.
  CUstream_st *findStream(CUstream handle);
  CUstream_st *createStream(unsigned flags, int priority);
  /// After all work, as the driver does with the stream's own.
  CUresult destroyStream(CUstream handle);
  // What a call `function` returns where a capture forbids it, which is lost then; success where none does.
  /// A call that may wait for the device, or change what captured work finds: by the modes of captures and threads.
  CUresult refuseUnsafe(const char *function);
  /// A call that waits for all streams: whatever the modes are.
  CUresult refuseWaiting(const char *function);
  /// A call that uses the legacy stream, which stands for all blocking ones.
  CUresult refuseLegacy(const char *function, const CUstream_st &stream);
  /// Breaks the capture, says so, and returns `error`.
  CUresult breakCapture(SimCapture &capture, const char *function, CUresult error);
  /// Ends the capture for all of its streams.
  void endCapture(SimCapture &capture);
  bool mayCallUnsafe(const char *function) override;
  /// Counts down to an error that Options::inject plans; true once, when it is there.
  bool strikes(uint64_t &countdown);
  /// Follows the program through its launch lists.
  Recorder &recorder() { return recorder_; }
  Injected &inject() { return options_.inject; }
  /// Prints a report of wrong use and makes the process fail at its end.
  void report(const std::string &text);
  /// Prints why a call is refused: the error's number tells the program little.
  void explain(const std::string &text);
  /// What the machine code of the program under test says of its kernels; empty where it has none.
  const Cubin &cubin();

  std::recursive_mutex mutex;
  bool initialised = false;
  CUresult failure = CUDA_SUCCESS; ///< of work that ran; sticks
  CUctx_st primary;
  int primaryCount = 0;
  std::map<uintptr_t, size_t> hostBuffers; ///< page-locked
  Table<CUctx_st> contexts;
  Table<CUstream_st> streams;
  Table<CUevent_st> events;
  Table<CUgraph_st> graphs;
  Table<CUgraphExec_st> executables;
  Table<CUmod_st> modules;
  Table<CUfunc_st> functions;
  uint64_t launches = 0; ///< kernels so far

private:
  friend void finish(int status, void *machine);
  void execute(const SimWork &work);
  bool canRun(const CUstream_st &stream) const;
  void runHead(CUstream_st &stream);
  /// The stream whose head has to run next, so that the moment comes.
  CUstream_st *nextFor(const SimMoment &moment);
  CUstream_st *anyStream();

  Profile profile_;
  Options options_;
  memory::Memory memory_;
  Recorder recorder_;
  CUstream_st legacyStream, threadStream;
  std::vector<CUstream_st *> order{&legacyStream, &threadStream}; ///< all streams, as they were created
  std::mt19937_64 random;
  std::set<std::string> told;
  std::optional<Cubin> cubin_;
  bool failed = false;
  struct Count {
    int64_t runs = 0;
    double seconds = 0;
  };
  std::map<std::string, Count> counts;
};

/// The calling thread's stack of contexts; the last is current.
std::vector<CUcontext> &contextStack();

} // namespace incept::sim
