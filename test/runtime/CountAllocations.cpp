// SPDX-License-Identifier: Apache-2.0
//
// Runs training steps of a compiled program and counts what asks for memory meanwhile, by the library that asks. This
// executable's malloc and mmap are those of all libraries that it loads.
//
// usage: incept-count-allocations PROGRAM STEPS     one line of JSON; the first two steps, which warm up, do not count

#include "runtime/device/cpu/CpuDevice.h"
#include "runtime/train/Program.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <execinfo.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace incept;

namespace {

constexpr int kWarmUp = 2;

struct Caller {
  std::atomic<const char *> library = nullptr;
  std::atomic<int64_t> count = 0;
};

std::atomic<bool> counting = false;
thread_local bool inside = false; ///< while the count itself works
std::array<Caller, 32> callers;
std::atomic<size_t> largest = 0; ///< bytes of one allocation
void *firstOwn[24];              ///< where the first allocation that is not a library's came from
std::atomic<int> firstOwnDepth = 0;

bool startsWith(const char *text, const char *prefix) { return std::strncmp(text, prefix, std::strlen(prefix)) == 0; }

/// The file's name of the innermost caller that is not the C or C++ library.
const char *findLibrary(void *const *frames, int depth) {
  const char *name = "unknown";
  for (int i = 2; i < depth; ++i) { // behind `note` and the function that calls it
    Dl_info info{};
    if (!::dladdr(frames[i], &info) || !info.dli_fname)
      continue;
    const char *slash = std::strrchr(info.dli_fname, '/');
    name = slash ? slash + 1 : info.dli_fname;
    if (!startsWith(name, "libc.") && !startsWith(name, "libstdc++.") && !startsWith(name, "libgcc_s."))
      return name;
  }
  return name;
}

__attribute__((noinline)) void note(size_t size) {
  if (!counting || inside)
    return;
  inside = true;
  for (size_t most = largest; size > most && !largest.compare_exchange_weak(most, size);)
    continue;
  void *frames[24];
  int depth = ::backtrace(frames, 24);
  const char *library = findLibrary(frames, depth);
  for (Caller &caller : callers) {
    const char *known = nullptr;
    if (!caller.library.compare_exchange_strong(known, library) && std::strcmp(known, library) != 0)
      continue;
    ++caller.count;
    break;
  }
  int none = 0;
  if (!startsWith(library, "lib") && firstOwnDepth.compare_exchange_strong(none, depth))
    std::memcpy(firstOwn, frames, sizeof frames);
  inside = false;
}

} // namespace

extern "C" {
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
  note(size);
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  note(count * size);
  return __libc_calloc(count, size);
}
void *realloc(void *old, size_t size) {
  note(size);
  return __libc_realloc(old, size);
}
void *memalign(size_t alignment, size_t size) {
  note(size);
  return __libc_memalign(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  note(size);
  return __libc_memalign(alignment, size);
}
int posix_memalign(void **result, size_t alignment, size_t size) {
  note(size);
  *result = __libc_memalign(alignment, size);
  return *result ? 0 : ENOMEM;
}
void *mmap(void *at, size_t size, int protection, int flags, int file, off_t offset) noexcept {
  note(size);
  return reinterpret_cast<void *>(::syscall(SYS_mmap, at, size, protection, flags, file, offset));
}
}

static int fail(const Status &status) {
  std::fprintf(stderr, "error: %s\n", status.message().c_str());
  return static_cast<int>(status.code());
}

/// Launches of a step, of library primitives or kernels.
static int64_t countLaunches(const program::Image &image, bool kernels) {
  int64_t count = 0;
  for (const char *entry : {program::kStageU8, program::kForwardBackward, program::kUpdate})
    for (const program::Launch &launch : image.entries.at(entry))
      count += launch.isKernel == kernels;
  return count;
}

int main(int argc, char **argv) {
  int steps = argc == 3 ? std::atoi(argv[2]) : 0;
  if (steps < 1)
    return fail(usageError("expected PROGRAM STEPS"));
  auto opened = Program::open(argv[1], cpuBackend());
  if (!opened)
    return fail(opened.status());
  Program &program = **opened;
  if (Status status = program.initialize(1); !status.ok())
    return fail(status);
  void *frame;
  ::backtrace(&frame, 1); // loads what it needs

  size_t inUse = 0;
  for (int step = 0; step < kWarmUp + steps; ++step) {
    if (step == kWarmUp)
      inUse = ::mallinfo2().uordblks;
    counting = step >= kWarmUp;
    Status status = program.trainStep(step, 100, 1);
    counting = false;
    if (!status.ok())
      return fail(status);
  }
  size_t growth = ::mallinfo2().uordblks - inUse;
  std::printf(
      "{\"steps\":%d,\"largest_bytes\":%zu,\"growth_bytes\":%zd,\"library_launches\":%lld,\"kernel_launches\":%lld,"
      "\"allocations\":{",
      steps, largest.load(), ssize_t(growth), static_cast<long long>(countLaunches(program.image(), false)),
      static_cast<long long>(countLaunches(program.image(), true)));
  const char *separator = "";
  for (Caller &caller : callers)
    if (const char *library = caller.library) {
      std::printf("%s\"%s\":%lld", separator, library, static_cast<long long>(caller.count));
      separator = ",";
    }
  std::printf("}");
  ::backtrace_symbols_fd(firstOwn, firstOwnDepth, STDERR_FILENO);

  // That nothing was counted means something only if the count works: this one must be seen.
  counting = true;
  void *volatile seen = std::malloc(1234567);
  counting = false;
  std::free(seen);
  std::printf(",\"control\":%s}\n", largest == 1234567 ? "true" : "false");
}
