// SPDX-License-Identifier: Apache-2.0
#include "tools/incept-sim/driver/Capture.h"

namespace incept::sim {

namespace {

/// The calling thread's, which cuThreadExchangeStreamCaptureMode sets.
CUstreamCaptureMode &threadMode() {
  static thread_local CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
  return mode;
}

/// Whether this thread must not make unsafe calls because of the capture.
bool forbidsUnsafe(const SimCapture &capture) {
  bool own = capture.thread == std::this_thread::get_id();
  switch (threadMode()) {
  case CU_STREAM_CAPTURE_MODE_RELAXED:
    return false;
  case CU_STREAM_CAPTURE_MODE_THREAD_LOCAL:
    return own && capture.mode != CU_STREAM_CAPTURE_MODE_RELAXED;
  default:
    return own ? capture.mode != CU_STREAM_CAPTURE_MODE_RELAXED : capture.mode == CU_STREAM_CAPTURE_MODE_GLOBAL;
  }
}

const char *nameOf(CUresult error) {
  const char *name = nullptr;
  return cuGetErrorName(error, &name) == CUDA_SUCCESS ? name : "error";
}

/// Takes over what comes before the event.
void join(SimCapture &capture, CUstream_st &stream, const SimClock &before) {
  SimClock &clock = capture.streams[&stream];
  for (auto [other, nodes] : before)
    clock[other] = std::max(clock[other], nodes);
}

/// Whether a stream has work that the one where the capture began does not wait for.
bool hasUnjoinedWork(const SimCapture &capture) {
  const SimClock &joined = capture.streams.at(capture.origin);
  for (const auto &[stream, clock] : capture.streams) {
    auto own = clock.find(stream), known = joined.find(stream);
    if (own != clock.end() && own->second > (known == joined.end() ? 0 : known->second))
      return true;
  }
  return false;
}

CUresult waitForCaptured(Machine &machine, CUstream_st &stream, CUevent_st &event) {
  constexpr const char *kFunction = "cuStreamWaitEvent";
  SimCapture &capture = *event.capture;
  if (capture.ended)
    return CUDA_ERROR_CAPTURED_EVENT;
  if (capture.invalid || (stream.capture && stream.capture->invalid))
    return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  if (stream.capture && stream.capture != event.capture) {
    machine.breakCapture(*stream.capture, kFunction, CUDA_ERROR_STREAM_CAPTURE_MERGE);
    return machine.breakCapture(capture, kFunction, CUDA_ERROR_STREAM_CAPTURE_MERGE);
  }
  if (&stream == machine.findStream(nullptr)) // cannot be captured
    return machine.breakCapture(capture, kFunction, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
  stream.capture = event.capture;
  join(capture, stream, event.before);
  return CUDA_SUCCESS;
}

} // namespace

CUresult Machine::breakCapture(SimCapture &capture, const char *function, CUresult error) {
  if (!capture.invalid)
    explain(std::string(function) + " breaks the capture of a stream: " + nameOf(error));
  capture.invalid = true;
  return error;
}

void Machine::endCapture(SimCapture &capture) {
  capture.ended = true;
  for (auto &[stream, clock] : capture.streams)
    stream->capture = nullptr;
}

CUresult Machine::refuseUnsafe(const char *function) {
  CUresult result = CUDA_SUCCESS;
  for (CUstream_st *stream : order)
    if (stream->capture && forbidsUnsafe(*stream->capture))
      result = breakCapture(*stream->capture, function, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  return result;
}

bool Machine::mayCallUnsafe(const char *function) {
  std::lock_guard lock(mutex);
  return refuseUnsafe(function) == CUDA_SUCCESS;
}

CUresult Machine::refuseWaiting(const char *function) {
  CUresult result = CUDA_SUCCESS;
  for (CUstream_st *stream : order)
    if (stream->capture)
      result = breakCapture(*stream->capture, function, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  return result;
}

CUresult Machine::refuseLegacy(const char *function, const CUstream_st &stream) {
  CUresult result = CUDA_SUCCESS;
  if (&stream != &legacyStream)
    return result;
  for (CUstream_st *other : order)
    if (other->capture && !(other->flags & CU_STREAM_NON_BLOCKING))
      result = breakCapture(*other->capture, function, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
  return result;
}

CUresult refuseWaitingFor(Machine &machine, const char *function, CUstream_st &stream) {
  if (stream.capture)
    return machine.breakCapture(*stream.capture, function, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  return machine.refuseLegacy(function, stream);
}

CUresult refuseWaitingFor(Machine &machine, const char *function, CUevent_st &event) {
  if (!event.capture)
    return machine.refuseUnsafe(function);
  return event.capture->ended ? CUDA_ERROR_CAPTURED_EVENT
                              : machine.breakCapture(*event.capture, function, CUDA_ERROR_CAPTURED_EVENT);
}

CUresult recordCaptured(CUevent_st &event, CUstream_st &stream) {
  if (stream.capture->invalid)
    return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  event.capture = stream.capture;
  event.before = stream.capture->streams[&stream];
  return CUDA_SUCCESS;
}

} // namespace incept::sim

using namespace incept::sim;

extern "C" {

CUresult cuStreamWaitEvent(CUstream handle, CUevent event, unsigned) {
  return withStream(handle, [&](Machine &machine, CUstream_st &stream) {
    CUevent_st *found = machine.events.find(event);
    if (!found)
      return CUDA_ERROR_INVALID_HANDLE;
    if (found->capture)
      return waitForCaptured(machine, stream, *found);
    if (stream.capture) // a graph cannot wait for what is not in it
      return machine.breakCapture(*stream.capture, "cuStreamWaitEvent", CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
    return found->issued == 0 ? CUDA_SUCCESS : machine.issue(stream, {"cuStreamWaitEvent", nullptr, {found->recorded}});
  });
}

CUresult cuStreamBeginCapture(CUstream handle, CUstreamCaptureMode mode) {
  return withStream(handle, [&](Machine &machine, CUstream_st &stream) {
    if (&stream == machine.findStream(nullptr))
      return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED; // the legacy stream cannot be captured
    if (stream.capture)
      return CUDA_ERROR_ILLEGAL_STATE;
    stream.capture = std::make_shared<SimCapture>();
    stream.capture->mode = mode;
    stream.capture->thread = std::this_thread::get_id();
    stream.capture->origin = &stream;
    stream.capture->streams[&stream];
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamEndCapture(CUstream handle, CUgraph *graph) {
  return withStream(handle, [&](Machine &machine, CUstream_st &stream) {
    if (!graph)
      return CUDA_ERROR_INVALID_VALUE;
    *graph = nullptr;
    std::shared_ptr<SimCapture> capture = stream.capture;
    if (!capture)
      return CUDA_ERROR_ILLEGAL_STATE;
    if (capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED && capture->thread != std::this_thread::get_id())
      return CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
    if (capture->origin != &stream)
      return machine.breakCapture(*capture, "cuStreamEndCapture", CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
    machine.endCapture(*capture);
    if (capture->invalid)
      return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    if (hasUnjoinedWork(*capture))
      return machine.breakCapture(*capture, "cuStreamEndCapture", CUDA_ERROR_STREAM_CAPTURE_UNJOINED);
    *graph = machine.graphs.adopt(std::move(capture->graph));
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamIsCapturing(CUstream handle, CUstreamCaptureStatus *status) {
  return withStream(handle, [&](Machine &machine, CUstream_st &stream) {
    if (!status)
      return CUDA_ERROR_INVALID_VALUE;
    // The legacy stream stands for all blocking ones, and has no answer of its own; asking breaks nothing.
    bool isLegacy = &stream == machine.findStream(nullptr), implicit = false;
    machine.streams.forEach(
        [&](CUstream_st &other) { implicit |= isLegacy && other.capture && !(other.flags & CU_STREAM_NON_BLOCKING); });
    if (implicit)
      return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
    *status = !stream.capture           ? CU_STREAM_CAPTURE_STATUS_NONE
              : stream.capture->invalid ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
                                        : CU_STREAM_CAPTURE_STATUS_ACTIVE;
    return CUDA_SUCCESS;
  });
}

CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode *mode) {
  return call(Needs::Driver, [&](Machine &) {
    if (!mode)
      return CUDA_ERROR_INVALID_VALUE;
    std::swap(*mode, threadMode());
    return CUDA_SUCCESS;
  });
}

} // extern "C"
