// SPDX-License-Identifier: Apache-2.0
//
// LD_PRELOAD library that lets one system call of a program fail. Environment:
//
//   INCEPT_FAULT=NAME:ERRNO:N   the N-th call (from 1) of NAME fails with that error; with 0 it does half of its bytes
//   INCEPT_FAULT_COUNTS=FILE    a line "NAME CALLS" for each NAME, written when the program ends
//
// Names: read, write, open, close, fsync, rename, unlink, mkdir, flock, mmap, pthread_create. Calls that libc makes
// inside, such as those of its streams and of malloc, are not seen, and those of oneDNN's generator of code are left
// out.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum Call { READ, WRITE, OPEN, CLOSE, FSYNC, RENAME, UNLINK, MKDIR, FLOCK, MMAP, THREAD, CALLS };
static const char *const names[CALLS] = {"read",   "write", "open",  "close", "fsync",         "rename",
                                         "unlink", "mkdir", "flock", "mmap",  "pthread_create"};
static atomic_long counts[CALLS];

static int faultCall = -1;
static long faultNumber;
static int faultError; ///< 0: short

__attribute__((constructor)) static void readEnvironment(void) {
  const char *fault = getenv("INCEPT_FAULT");
  if (!fault)
    return;
  const char *first = strchr(fault, ':'), *second = first ? strchr(first + 1, ':') : NULL;
  if (!second)
    return;
  for (int call = 0; call < CALLS; ++call)
    if (strlen(names[call]) == (size_t)(first - fault) && strncmp(fault, names[call], first - fault) == 0)
      faultCall = call;
  faultError = atoi(first + 1);
  faultNumber = atol(second + 1);
}

__attribute__((destructor)) static void writeCounts(void) {
  const char *path = getenv("INCEPT_FAULT_COUNTS");
  FILE *file = path ? fopen(path, "w") : NULL;
  if (!file)
    return;
  for (int call = 0; call < CALLS; ++call)
    fprintf(file, "%s %ld\n", names[call], atomic_load(&counts[call]));
  fclose(file);
}

/// Counts a call. True where it is to fail: errno is set, or `bytes` are halved and it goes on.
static int fails(enum Call call, size_t *bytes) {
  if (atomic_fetch_add(&counts[call], 1) + 1 != faultNumber || (int)call != faultCall)
    return 0;
  if (faultError == 0) {
    if (bytes && *bytes > 1)
      *bytes /= 2;
    return 0;
  }
  errno = faultError;
  return 1;
}

/// The function that this one stands in for.
static void *next(const char *name) {
  void *function = dlsym(RTLD_NEXT, name);
  if (!function)
    abort();
  return function;
}

ssize_t read(int file, void *to, size_t size) {
  ssize_t (*real)(int, void *, size_t) = next("read");
  return fails(READ, &size) ? -1 : real(file, to, size);
}
ssize_t __read_chk(int file, void *to, size_t size, size_t room) {
  (void)room;
  return read(file, to, size);
}
ssize_t pread(int file, void *to, size_t size, off_t offset) {
  ssize_t (*real)(int, void *, size_t, off_t) = next("pread");
  return fails(READ, &size) ? -1 : real(file, to, size, offset);
}
ssize_t pread64(int file, void *to, size_t size, off_t offset) { return pread(file, to, size, offset); }
ssize_t __pread_chk(int file, void *to, size_t size, off_t offset, size_t room) {
  (void)room;
  return pread(file, to, size, offset);
}
ssize_t __pread64_chk(int file, void *to, size_t size, off_t offset, size_t room) {
  return __pread_chk(file, to, size, offset, room);
}

ssize_t write(int file, const void *from, size_t size) {
  ssize_t (*real)(int, const void *, size_t) = next("write");
  return fails(WRITE, &size) ? -1 : real(file, from, size);
}
ssize_t pwrite(int file, const void *from, size_t size, off_t offset) {
  ssize_t (*real)(int, const void *, size_t, off_t) = next("pwrite");
  return fails(WRITE, &size) ? -1 : real(file, from, size, offset);
}
ssize_t pwrite64(int file, const void *from, size_t size, off_t offset) { return pwrite(file, from, size, offset); }

int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  int (*real)(const char *, int, ...) = next("open");
  return fails(OPEN, NULL) ? -1 : real(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return open(path, flags, mode);
}
int __open_2(const char *path, int flags) { return open(path, flags, 0); }
int __open64_2(const char *path, int flags) { return open(path, flags, 0); }

int close(int file) {
  int (*real)(int) = next("close");
  // The descriptor is gone all the same, as it is on Linux.
  int failed = fails(CLOSE, NULL), reason = errno, result = real(file);
  if (!failed)
    return result;
  errno = reason;
  return -1;
}

int fsync(int file) {
  int (*real)(int) = next("fsync");
  return fails(FSYNC, NULL) ? -1 : real(file);
}

int rename(const char *from, const char *to) {
  int (*real)(const char *, const char *) = next("rename");
  return fails(RENAME, NULL) ? -1 : real(from, to);
}

int unlink(const char *path) {
  int (*real)(const char *) = next("unlink");
  return fails(UNLINK, NULL) ? -1 : real(path);
}

int mkdir(const char *path, mode_t mode) {
  int (*real)(const char *, mode_t) = next("mkdir");
  return fails(MKDIR, NULL) ? -1 : real(path, mode);
}

int flock(int file, int operation) {
  int (*real)(int, int) = next("flock");
  return fails(FLOCK, NULL) ? -1 : real(file, operation);
}

/// oneDNN's generator of code does not survive a lack of memory, whatever we do: its calls are not counted.
static int isOneDnn(const void *caller) {
  Dl_info info;
  return dladdr(caller, &info) && info.dli_fname && strstr(info.dli_fname, "libdnnl");
}

static void *map(const void *caller, void *at, size_t size, int protection, int flags, int file, off_t offset) {
  void *(*real)(void *, size_t, int, int, int, off_t) = next("mmap");
  return !isOneDnn(caller) && fails(MMAP, NULL) ? MAP_FAILED : real(at, size, protection, flags, file, offset);
}
void *mmap(void *at, size_t size, int protection, int flags, int file, off_t offset) {
  return map(__builtin_return_address(0), at, size, protection, flags, file, offset);
}
void *mmap64(void *at, size_t size, int protection, int flags, int file, off_t offset) {
  return map(__builtin_return_address(0), at, size, protection, flags, file, offset);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
  int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = next("pthread_create");
  return fails(THREAD, NULL) ? faultError : real(thread, attributes, run, argument);
}
