// SPDX-License-Identifier: Apache-2.0
#include "tools/incept-sim/driver/Machine.h"
#include "tools/incept-sim/driver/Call.h"
#include "tools/incept-sim/driver/ProgramFile.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace incept::sim {

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

} // namespace

/// At exit: the summary, and an exit status that says that something was wrong even where the program did not notice.
void finish(int status, void *argument) {
  auto &machine = *static_cast<Machine *>(argument);
  if (machine.options_.statistics) {
    std::vector<std::pair<std::string, Machine::Count>> rows(machine.counts.begin(), machine.counts.end());
    std::stable_sort(rows.begin(), rows.end(),
                     [](const auto &a, const auto &b) { return a.second.seconds > b.second.seconds; });
    fprintf(stderr, "incept-sim: %12s %12s  work\n", "runs", "ms");
    for (const auto &[name, count] : rows)
      fprintf(stderr, "incept-sim: %12lld %12.3f  %s\n", (long long)count.runs, count.seconds * 1e3, name.c_str());
  }
  if (Status written = machine.recorder_.write(); !written.ok())
    fprintf(stderr, "incept-sim: error: %s\n", written.message().c_str());
  if (machine.failed && status == 0) {
    fprintf(stderr, "incept-sim: the program ended with status 0 although the simulation found an error\n");
    fflush(nullptr);
    _exit(int(Code::Input));
  }
}

Machine::Machine(Profile profile, Options options)
    : profile_(std::move(profile)), options_(std::move(options)),
      memory_(uint64_t(profile_.memoryBytes), options_.checkAll), recorder_(options_, memory_), random(options_.seed) {}

Machine *Machine::get(Status &error) {
  static Status failure;
  static Machine *machine = []() -> Machine * { // never destroyed: exit handlers of the program may still call it
    Expected<Profile> profile = profileFromEnvironment();
    Expected<Options> options = optionsFromEnvironment();
    failure = !profile ? profile.status() : options.status();
    if (!failure.ok()) {
      fprintf(stderr, "incept-sim: %s\n", failure.message().c_str());
      return nullptr;
    }
    auto *made = new Machine(std::move(*profile), std::move(*options));
    on_exit(finish, made);
    return made;
  }();
  error = failure;
  return machine;
}

bool Machine::ready() {
  std::lock_guard lock(mutex);
  return check(*this, Needs::Context) == CUDA_SUCCESS;
}

void Machine::report(const std::string &text) {
  failed = true;
  fprintf(stderr, "incept-sim: error: %s\n", text.c_str());
}

void Machine::explain(const std::string &text) { fprintf(stderr, "incept-sim: %s\n", text.c_str()); }

const Cubin &Machine::cubin() {
  if (cubin_)
    return *cubin_;
  cubin_.emplace();
  Expected<ProgramFile> program = options_.program.empty() ? inputError("") : readProgramFile(options_.program);
  if (!program || program->cubin.empty())
    return *cubin_;
  if (Expected<Cubin> read = readCubin(program->cubin))
    cubin_ = std::move(*read);
  else
    explain(read.status().message() + ": registers are not checked");
  return *cubin_;
}

void Machine::notSimulated(const std::string &what) {
  std::lock_guard lock(mutex);
  if (told.insert(what).second)
    fprintf(stderr, "incept-sim: not simulated: %s\n", what.c_str());
}

bool Machine::strikes(uint64_t &countdown) { return countdown > 0 && --countdown == 0; }

//===--- Streams --------------------------------------------------------------------------------------------------===//

CUstream_st *Machine::findStream(CUstream handle) {
  if (handle == nullptr || handle == CU_STREAM_LEGACY)
    return &legacyStream;
  return handle == CU_STREAM_PER_THREAD ? &threadStream : streams.find(handle);
}

bool Machine::enqueue(void *stream, std::string name, const std::vector<uint64_t> &operands, Work work) {
  std::lock_guard lock(mutex);
  CUstream_st *found = findStream(static_cast<CUstream>(stream));
  if (const CourseLaunch *at = recorder_.follow("", operands))
    work = [=, this, inner = std::move(work)]() -> Status {
      recorder_.enter(at);
      INCEPT_RETURN_IF_ERROR(inner());
      recorder_.leave(at, {});
      return {};
    };
  return found && issue(*found, {std::move(name), std::move(work)}) == CUDA_SUCCESS;
}

CUresult Machine::issue(CUstream_st &stream, SimWork work) {
  if (stream.capture) {
    if (stream.capture->invalid)
      return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    stream.capture->graph->nodes.push_back(std::move(work));
    ++stream.capture->streams[&stream][&stream];
    return CUDA_SUCCESS;
  }
  if (CUresult refused = refuseLegacy(work.name.c_str(), stream); refused != CUDA_SUCCESS)
    return refused;
  // The legacy stream waits for all others but those that are not blocking, and they wait for it.
  if (&stream == &legacyStream) {
    for (CUstream_st *other : order)
      if (other != &stream && !(other->flags & CU_STREAM_NON_BLOCKING))
        work.after.push_back(other->now());
  } else if (!(stream.flags & CU_STREAM_NON_BLOCKING)) {
    work.after.push_back(legacyStream.now());
  }
  stream.queue.push_back(std::move(work));
  ++stream.progress->issued;
  if (options_.schedule == Schedule::Early)
    runHead(stream);
  else if (options_.schedule == Schedule::Random && random() % 4 == 0)
    if (CUstream_st *any = anyStream())
      runHead(*any);
  return CUDA_SUCCESS;
}

bool Machine::canRun(const CUstream_st &stream) const {
  if (stream.queue.empty())
    return false;
  const std::vector<SimMoment> &after = stream.queue.front().after;
  return std::all_of(after.begin(), after.end(), [](const SimMoment &moment) { return moment.isPast(); });
}

void Machine::runHead(CUstream_st &stream) {
  SimWork work = std::move(stream.queue.front());
  stream.queue.pop_front();
  execute(work);
  ++stream.progress->executed;
}

/// One of those that can run, by chance; null where nothing is left. Something can run where something is left, since
/// work waits only for what was issued before it.
CUstream_st *Machine::anyStream() {
  std::vector<CUstream_st *> ready;
  for (CUstream_st *stream : order)
    if (canRun(*stream))
      ready.push_back(stream);
  return ready.empty() ? nullptr : ready[random() % ready.size()];
}

CUstream_st *Machine::nextFor(const SimMoment &moment) {
  for (const SimMoment *wanted = &moment;;) {
    auto found = std::find_if(order.begin(), order.end(),
                              [&](const CUstream_st *stream) { return stream->progress == wanted->stream; });
    if (found == order.end() || (*found)->queue.empty())
      return nullptr;
    const std::vector<SimMoment> &after = (*found)->queue.front().after;
    auto missing = std::find_if(after.begin(), after.end(), [](const SimMoment &other) { return !other.isPast(); });
    if (missing == after.end())
      return *found;
    wanted = &*missing;
  }
}

CUresult Machine::runUntil(const SimMoment &moment) {
  while (failure == CUDA_SUCCESS && !moment.isPast()) {
    CUstream_st *next = options_.schedule == Schedule::Random ? anyStream() : nextFor(moment);
    if (!next)
      break;
    runHead(*next);
  }
  return failure;
}

CUresult Machine::query(const SimMoment &moment) {
  if (options_.schedule != Schedule::Random)
    return runUntil(moment);
  if (CUstream_st *any = anyStream(); any && failure == CUDA_SUCCESS)
    runHead(*any);
  return failure != CUDA_SUCCESS ? failure : moment.isPast() ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}

CUresult Machine::drain() {
  for (CUstream_st *stream : order)
    if (runUntil(stream->now()) != CUDA_SUCCESS)
      break;
  return failure;
}

CUstream_st *Machine::createStream(unsigned flags, int priority) {
  CUstream_st *stream = streams.create();
  stream->flags = flags;
  stream->priority = priority;
  order.push_back(stream);
  return stream;
}

CUresult Machine::destroyStream(CUstream handle) {
  CUresult result = drain();
  CUstream_st *stream = streams.find(handle);
  if (!stream)
    return CUDA_ERROR_INVALID_HANDLE;
  if (std::shared_ptr<SimCapture> capture = stream->capture) {
    breakCapture(*capture, "cuStreamDestroy", CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    if (capture->origin == stream)
      endCapture(*capture); // nobody can
    capture->streams.erase(stream);
  }
  order.erase(std::find(order.begin(), order.end(), handle));
  streams.erase(handle);
  return result;
}

void Machine::execute(const SimWork &work) {
  if (failure != CUDA_SUCCESS || !work.run)
    return;
  if (strikes(options_.inject.sticky)) {
    failure = CUDA_ERROR_ILLEGAL_ADDRESS; // no report: the program has done nothing wrong
    return;
  }
  double start = now();
  Status status;
  try {
    status = work.run();
  } catch (const std::bad_alloc &) {
    status = machineError("the host is out of memory");
  }
  Count &count = counts[work.name];
  ++count.runs;
  count.seconds += now() - start;
  if (status.ok())
    return;
  report(work.name + ": " + status.message());
  failure = status.code() == Code::Machine ? CUDA_ERROR_LAUNCH_FAILED : CUDA_ERROR_ILLEGAL_ADDRESS;
}

//===--- Calls ----------------------------------------------------------------------------------------------------===//

std::vector<CUcontext> &contextStack() {
  static thread_local std::vector<CUcontext> stack;
  return stack;
}

CUresult check(const Machine &machine, Needs needs) {
  if (!machine.initialised)
    return CUDA_ERROR_NOT_INITIALIZED;
  if (needs == Needs::Driver)
    return CUDA_SUCCESS;
  std::vector<CUcontext> &stack = contextStack();
  CUcontext current = stack.empty() ? nullptr : stack.back();
  bool exists = current == &machine.primary ? machine.primaryCount > 0 : machine.contexts.find(current) != nullptr;
  if (!exists)
    return CUDA_ERROR_INVALID_CONTEXT;
  return machine.failure;
}

} // namespace incept::sim

extern "C" __attribute__((visibility("default"))) incept::sim::Services *inceptSimServices() {
  incept::Status error;
  return incept::sim::Machine::get(error);
}
