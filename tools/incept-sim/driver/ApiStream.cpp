// SPDX-License-Identifier: Apache-2.0
//
// The driver's functions for streams, events and graphs. A graph is the list of what was issued during its capture; it
// holds addresses, not values, so that what a replay reads is what lies there then.
#include "tools/incept-sim/driver/Capture.h"

#include <chrono>

using namespace incept::sim;

namespace {

CUresult createStream(CUstream *stream, unsigned flags, int priority) {
  return call(Needs::Context, [&](Machine &machine) {
    if (!stream || (flags & ~unsigned(CU_STREAM_NON_BLOCKING)))
      return CUDA_ERROR_INVALID_VALUE;
    *stream = machine.createStream(flags, priority);
    return CUDA_SUCCESS;
  });
}

CUresult elapsed(float *milliseconds, CUevent start, CUevent end) {
  return withEvent(start, [&](Machine &machine, CUevent_st &first) {
    CUevent_st *last = machine.events.find(end);
    if (!milliseconds || !last)
      return last ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
    if (first.capture || last->capture || ((first.flags | last->flags) & CU_EVENT_DISABLE_TIMING) ||
        first.issued == 0 || last->issued == 0)
      return CUDA_ERROR_INVALID_HANDLE;
    if (first.executed < first.issued || last->executed < last->issued)
      return CUDA_ERROR_NOT_READY;
    *milliseconds = float((last->seconds - first.seconds) * 1e3);
    return CUDA_SUCCESS;
  });
}

CUresult instantiate(CUgraphExec *executable, CUgraph graph) {
  return call(Needs::Context, [&](Machine &machine) {
    if (!executable || !machine.graphs.find(graph))
      return CUDA_ERROR_INVALID_VALUE;
    *executable = machine.executables.create();
    (*executable)->nodes = graph->nodes;
    return CUDA_SUCCESS;
  });
}

} // namespace

extern "C" {

CUresult cuStreamCreate(CUstream *stream, unsigned flags) { return createStream(stream, flags, 0); }
CUresult cuStreamCreateWithPriority(CUstream *stream, unsigned flags, int priority) {
  return createStream(stream, flags, priority);
}

CUresult cuStreamDestroy(CUstream stream) {
  return call(Needs::Context, [&](Machine &machine) { return machine.destroyStream(stream); });
}

CUresult cuStreamSynchronize(CUstream handle) {
  return withStream(handle, [](Machine &machine, CUstream_st &stream) {
    CUresult refused = refuseWaitingFor(machine, "cuStreamSynchronize", stream);
    return refused != CUDA_SUCCESS ? refused : machine.runUntil(stream.now());
  });
}

CUresult cuStreamQuery(CUstream handle) {
  return withStream(handle, [](Machine &machine, CUstream_st &stream) {
    CUresult refused = refuseWaitingFor(machine, "cuStreamQuery", stream);
    return refused != CUDA_SUCCESS ? refused : machine.query(stream.now());
  });
}

CUresult cuStreamGetFlags(CUstream handle, unsigned *flags) {
  return withStream(handle, [&](Machine &, CUstream_st &stream) {
    if (!flags)
      return CUDA_ERROR_INVALID_VALUE;
    *flags = stream.flags;
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamGetPriority(CUstream handle, int *priority) {
  return withStream(handle, [&](Machine &, CUstream_st &stream) {
    if (!priority)
      return CUDA_ERROR_INVALID_VALUE;
    *priority = stream.priority;
    return CUDA_SUCCESS;
  });
}

CUresult cuLaunchHostFunc(CUstream handle, CUhostFn function, void *data) {
  return withStream(handle, [&](Machine &machine, CUstream_st &stream) {
    if (!function)
      return CUDA_ERROR_INVALID_VALUE;
    return machine.issue(stream, {"cuLaunchHostFunc", [=] {
                                    function(data);
                                    return incept::Status();
                                  }});
  });
}

//===--- Events ---------------------------------------------------------------------------------------------------===//

CUresult cuEventCreate(CUevent *event, unsigned flags) {
  return call(Needs::Context, [&](Machine &machine) {
    if (!event)
      return CUDA_ERROR_INVALID_VALUE;
    *event = machine.events.create();
    (*event)->flags = flags;
    return CUDA_SUCCESS;
  });
}

CUresult cuEventDestroy(CUevent event) {
  return call(Needs::Context, [&](Machine &machine) {
    machine.drain();
    return machine.events.erase(event) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
  });
}

CUresult cuEventRecord(CUevent handle, CUstream streamHandle) {
  return withEvent(handle, [&](Machine &machine, CUevent_st &event) {
    CUstream_st *stream = machine.findStream(streamHandle);
    if (!stream)
      return CUDA_ERROR_INVALID_HANDLE;
    if (stream->capture)
      return recordCaptured(event, *stream);
    if (CUresult refused = machine.refuseLegacy("cuEventRecord", *stream); refused != CUDA_SUCCESS)
      return refused;
    event.capture = nullptr;
    uint64_t record = ++event.issued;
    event.recorded = {stream->progress, stream->progress->issued + 1};
    return machine.issue(*stream, {"cuEventRecord", [&event, record] {
                                     event.executed = record;
                                     auto time = std::chrono::steady_clock::now().time_since_epoch();
                                     event.seconds = std::chrono::duration<double>(time).count();
                                     return incept::Status();
                                   }});
  });
}

CUresult cuEventQuery(CUevent handle) {
  return withEvent(handle, [](Machine &machine, CUevent_st &event) {
    CUresult refused = refuseWaitingFor(machine, "cuEventQuery", event);
    return refused != CUDA_SUCCESS ? refused : machine.query(event.recorded);
  });
}

CUresult cuEventSynchronize(CUevent handle) {
  return withEvent(handle, [](Machine &machine, CUevent_st &event) {
    CUresult refused = refuseWaitingFor(machine, "cuEventSynchronize", event);
    return refused != CUDA_SUCCESS ? refused : machine.runUntil(event.recorded);
  });
}

CUresult cuEventElapsedTime(float *milliseconds, CUevent start, CUevent end) {
  return elapsed(milliseconds, start, end);
}
#undef cuEventElapsedTime
CUresult cuEventElapsedTime(float *milliseconds, CUevent start, CUevent end) {
  return elapsed(milliseconds, start, end);
}

//===--- Graphs -------------------------------------------------------------------------------------------------===//

CUresult cuGraphCreate(CUgraph *graph, unsigned) {
  return call(Needs::Context, [&](Machine &machine) {
    if (!graph)
      return CUDA_ERROR_INVALID_VALUE;
    *graph = machine.graphs.create();
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphDestroy(CUgraph graph) {
  return call(Needs::Context,
              [&](Machine &machine) { return machine.graphs.erase(graph) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE; });
}

/// Nodes have no type and no parameters that could be asked for: only their number is answered.
CUresult cuGraphGetNodes(CUgraph graph, CUgraphNode *nodes, size_t *count) {
  return call(Needs::Context, [&](Machine &machine) {
    if (!machine.graphs.find(graph) || !count)
      return CUDA_ERROR_INVALID_VALUE;
    if (nodes) {
      machine.notSimulated("cuGraphGetNodes, except for the number of nodes");
      return CUDA_ERROR_NOT_SUPPORTED;
    }
    *count = graph->nodes.size();
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphInstantiate(CUgraphExec *executable, CUgraph graph, unsigned long long) {
  return instantiate(executable, graph);
}

CUresult cuGraphExecDestroy(CUgraphExec executable) {
  return call(Needs::Context, [&](Machine &machine) {
    CUresult result = machine.drain();
    return machine.executables.erase(executable) ? result : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuGraphUpload(CUgraphExec executable, CUstream handle) {
  return withStream(handle, [&](Machine &machine, CUstream_st &) {
    return machine.executables.find(executable) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuGraphLaunch(CUgraphExec executable, CUstream handle) {
  return withStream(handle, [&](Machine &machine, CUstream_st &stream) {
    if (!machine.executables.find(executable))
      return CUDA_ERROR_INVALID_VALUE;
    if (machine.strikes(machine.inject().launch))
      return CUDA_ERROR_LAUNCH_FAILED;
    for (const SimWork &node : executable->nodes)
      if (CUresult result = machine.issue(stream, node); result != CUDA_SUCCESS)
        return result;
    return CUDA_SUCCESS;
  });
}

} // extern "C"
