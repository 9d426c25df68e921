// SPDX-License-Identifier: Apache-2.0
//
// Threads that give way to those that compute.
#pragma once

#if defined(__linux__)
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace incept {

/// Gives the calling thread a nice value, 0 to 19: Linux has one for each thread. Elsewhere nothing happens.
inline void setNice([[maybe_unused]] int value) {
#if defined(__linux__)
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), value);
#endif
}

} // namespace incept
