// SPDX-License-Identifier: Apache-2.0
//
// The rules of stream captures, as CUDA's programming guide states them ("Prohibited and unhandled operations",
// "Cross-stream dependencies and events") and the modes of cuThreadExchangeStreamCaptureMode. A call that breaks one
// returns the driver's error, and the captures that it touches are lost: their streams take no more work until the
// capture is ended.
#pragma once

#include "tools/incept-sim/driver/Call.h"

namespace incept::sim {

/// A call that waits for a stream, or asks how far it is.
CUresult refuseWaitingFor(Machine &machine, const char *function, CUstream_st &stream);
/// The same of an event. Also one outside of captures: the mode of a global capture counts it as unsafe.
CUresult refuseWaitingFor(Machine &machine, const char *function, CUevent_st &event);
/// Records an event in a stream that is being captured: a place in the graph.
CUresult recordCaptured(CUevent_st &event, CUstream_st &stream);

} // namespace incept::sim
