// SPDX-License-Identifier: Apache-2.0
//
// The driver's functions for memory. A range that is not inside one allocation is refused at the call, as the driver
// does; whether its bytes were ever written is known only when the work runs.
#include "tools/incept-sim/driver/Call.h"

#include <cstdlib>

using namespace incept::sim;
using incept::Status;
using memory::Access;
using memory::Fault;

namespace {

/// Whether the range may be used by a copy. Says what is wrong, where something is.
CUresult checkRange(Machine &machine, const char *function, CUdeviceptr address, size_t bytes, Access access) {
  Fault fault = machine.memory().check(address, bytes, access);
  if (fault == Fault::None || fault == Fault::Unwritten || fault == Fault::ReadOnly)
    return CUDA_SUCCESS;
  machine.report(std::string(function) + ": " + machine.memory().checked(address, bytes, access).message());
  return CUDA_ERROR_INVALID_VALUE;
}

/// At execution: freed since, or, with checks, never written.
Status checkAccess(Machine &machine, CUdeviceptr address, size_t bytes, Access access) {
  Fault fault = machine.memory().check(address, bytes, access);
  bool passes =
      fault == Fault::None || fault == Fault::ReadOnly || (fault == Fault::Unwritten && !machine.options().checkMemory);
  return passes ? Status() : machine.memory().checked(address, bytes, access);
}

bool isPageLocked(Machine &machine, const void *pointer, size_t bytes) {
  auto address = reinterpret_cast<uintptr_t>(pointer);
  auto next = machine.hostBuffers.upper_bound(address);
  if (next == machine.hostBuffers.begin())
    return false;
  auto [begin, size] = *std::prev(next);
  return address - begin <= size && bytes <= size - (address - begin);
}

Work copyToDevice(Machine &machine, CUdeviceptr dst, const void *src, size_t bytes) {
  return [=, &machine]() -> Status {
    INCEPT_RETURN_IF_ERROR(checkAccess(machine, dst, bytes, Access::Write));
    memcpy(reinterpret_cast<void *>(dst), src, bytes);
    machine.memory().markWritten(dst, bytes);
    return {};
  };
}

Work copyToHost(Machine &machine, void *dst, CUdeviceptr src, size_t bytes) {
  return [=, &machine]() -> Status {
    INCEPT_RETURN_IF_ERROR(checkAccess(machine, src, bytes, Access::Read));
    memcpy(dst, reinterpret_cast<const void *>(src), bytes);
    return {};
  };
}

/// Bytes that were never written are copied as such: only their use is an error.
Work copyOnDevice(Machine &machine, CUdeviceptr dst, CUdeviceptr src, size_t bytes) {
  return [=, &machine]() -> Status {
    memory::Memory &memory = machine.memory();
    INCEPT_RETURN_IF_ERROR(checkAccess(machine, dst, bytes, Access::Write));
    if (Fault fault = memory.check(src, bytes, Access::Read); fault != Fault::None && fault != Fault::Unwritten)
      return memory.checked(src, bytes, Access::Read);
    memmove(reinterpret_cast<void *>(dst), reinterpret_cast<const void *>(src), bytes);
    const memory::Allocation *from = memory.find(src);
    std::vector<uint8_t> written;
    if (from && !from->allWritten)
      written.assign(from->shadow(src), from->shadow(src) + bytes);
    memory.markWritten(dst, bytes);
    for (size_t i = 0, end = 0; i < written.size(); i = end + 1) {
      for (end = i; end < written.size() && !written[end]; ++end)
        ;
      if (end > i)
        memory.markUnwritten(dst + i, end - i);
    }
    return {};
  };
}

template <typename T>
Work fill(Machine &machine, CUdeviceptr dst, T value, size_t count) {
  return [=, &machine]() -> Status {
    size_t bytes = count * sizeof(T);
    INCEPT_RETURN_IF_ERROR(checkAccess(machine, dst, bytes, Access::Write));
    if (value == 0)
      return machine.memory().zero(dst, bytes);
    std::fill_n(reinterpret_cast<T *>(dst), count, value);
    machine.memory().markWritten(dst, bytes);
    return {};
  };
}

/// Issues to the default stream, which a running capture forbids.
CUresult issueDefault(Machine &machine, const char *name, Work work) {
  if (CUresult refused = machine.refuseUnsafe(name); refused != CUDA_SUCCESS)
    return refused;
  return machine.issue(*machine.findStream(nullptr), {name, std::move(work)});
}

/// The same, and waits.
CUresult runDefault(Machine &machine, const char *name, Work work) {
  CUresult result = issueDefault(machine, name, std::move(work));
  return result == CUDA_SUCCESS ? machine.runUntil(machine.findStream(nullptr)->now()) : result;
}

CUresult issueTo(Machine &machine, CUstream stream, const char *name, Work work) {
  CUstream_st *found = machine.findStream(stream);
  return found ? machine.issue(*found, {name, std::move(work)}) : CUDA_ERROR_INVALID_HANDLE;
}

template <typename T>
CUresult set(const char *name, CUdeviceptr dst, T value, size_t count, const CUstream *stream) {
  return call(Needs::Context, [&](Machine &machine) {
    if (count == 0)
      return CUDA_SUCCESS;
    if (dst % sizeof(T) != 0 || count > SIZE_MAX / sizeof(T))
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult bad = checkRange(machine, name, dst, count * sizeof(T), Access::Write); bad != CUDA_SUCCESS)
      return bad;
    Work work = fill(machine, dst, value, count);
    return stream ? issueTo(machine, *stream, name, std::move(work)) : issueDefault(machine, name, std::move(work));
  });
}

bool isDevice(Machine &machine, CUdeviceptr address) { return machine.memory().find(address) != nullptr; }

CUresult allocateHost(const char *function, void **pointer, size_t bytes) {
  return call(Needs::Context, [&](Machine &machine) {
    if (!pointer || bytes == 0)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult refused = machine.refuseUnsafe(function); refused != CUDA_SUCCESS)
      return refused;
    if (machine.strikes(machine.inject().outOfMemory))
      return CUDA_ERROR_OUT_OF_MEMORY;
    if (posix_memalign(pointer, 4096, bytes) != 0)
      return CUDA_ERROR_OUT_OF_MEMORY;
    machine.hostBuffers[reinterpret_cast<uintptr_t>(*pointer)] = bytes;
    return CUDA_SUCCESS;
  });
}

} // namespace

extern "C" {

CUresult cuMemAlloc(CUdeviceptr *address, size_t bytes) {
  return call(Needs::Context, [&](Machine &machine) {
    if (!address || bytes == 0)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult refused = machine.refuseUnsafe("cuMemAlloc"); refused != CUDA_SUCCESS)
      return refused;
    if (machine.strikes(machine.inject().outOfMemory))
      return CUDA_ERROR_OUT_OF_MEMORY;
    incept::Expected<uint64_t> made = machine.memory().allocate(bytes);
    if (!made)
      return CUDA_ERROR_OUT_OF_MEMORY;
    *address = *made;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemFree(CUdeviceptr address) {
  return call(Needs::Context, [&](Machine &machine) {
    if (!address)
      return CUDA_SUCCESS;
    if (CUresult refused = machine.refuseUnsafe("cuMemFree"); refused != CUDA_SUCCESS)
      return refused;
    if (CUresult result = machine.drain(); result != CUDA_SUCCESS)
      return result;
    Status freed = machine.memory().free(address);
    if (freed.ok())
      return CUDA_SUCCESS;
    machine.report("cuMemFree: " + freed.message());
    return CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuMemGetInfo(size_t *available, size_t *total) {
  return call(Needs::Context, [&](Machine &machine) {
    if (!available || !total)
      return CUDA_ERROR_INVALID_VALUE;
    *total = machine.memory().totalBytes();
    *available = *total - machine.memory().usedBytes();
    return CUDA_SUCCESS;
  });
}

CUresult cuMemGetAddressRange(CUdeviceptr *base, size_t *bytes, CUdeviceptr address) {
  return call(Needs::Context, [&](Machine &machine) {
    const memory::Allocation *found = machine.memory().find(address);
    if (!found || !found->live)
      return CUDA_ERROR_NOT_FOUND;
    if (base)
      *base = found->begin;
    if (bytes)
      *bytes = found->bytes;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemAllocHost(void **pointer, size_t bytes) { return allocateHost("cuMemAllocHost", pointer, bytes); }
CUresult cuMemHostAlloc(void **pointer, size_t bytes, unsigned) {
  return allocateHost("cuMemHostAlloc", pointer, bytes);
}

CUresult cuMemFreeHost(void *pointer) {
  return call(Needs::Context, [&](Machine &machine) {
    if (CUresult refused = machine.refuseUnsafe("cuMemFreeHost"); refused != CUDA_SUCCESS)
      return refused;
    if (CUresult result = machine.drain(); result != CUDA_SUCCESS)
      return result;
    if (!machine.hostBuffers.erase(reinterpret_cast<uintptr_t>(pointer)))
      return CUDA_ERROR_INVALID_VALUE;
    free(pointer);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemHostRegister(void *pointer, size_t bytes, unsigned) {
  return call(Needs::Context, [&](Machine &machine) {
    if (!pointer || bytes == 0)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult refused = machine.refuseUnsafe("cuMemHostRegister"); refused != CUDA_SUCCESS)
      return refused;
    bool added = machine.hostBuffers.emplace(reinterpret_cast<uintptr_t>(pointer), bytes).second;
    return added ? CUDA_SUCCESS : CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
  });
}

CUresult cuMemHostUnregister(void *pointer) {
  return call(Needs::Context, [&](Machine &machine) {
    if (CUresult refused = machine.refuseUnsafe("cuMemHostUnregister"); refused != CUDA_SUCCESS)
      return refused;
    if (CUresult result = machine.drain(); result != CUDA_SUCCESS)
      return result;
    bool removed = machine.hostBuffers.erase(reinterpret_cast<uintptr_t>(pointer)) != 0;
    return removed ? CUDA_SUCCESS : CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED;
  });
}

//===--- Copies ---------------------------------------------------------------------------------------------------===//

CUresult cuMemcpyHtoD(CUdeviceptr dst, const void *src, size_t bytes) {
  return call(Needs::Context, [&](Machine &machine) {
    if (bytes == 0)
      return CUDA_SUCCESS;
    if (machine.strikes(machine.inject().copy))
      return CUDA_ERROR_UNKNOWN;
    if (!src)
      return CUDA_ERROR_INVALID_VALUE;
    CUresult bad = checkRange(machine, "cuMemcpyHtoD", dst, bytes, Access::Write);
    return bad != CUDA_SUCCESS ? bad : runDefault(machine, "cuMemcpyHtoD", copyToDevice(machine, dst, src, bytes));
  });
}

CUresult cuMemcpyDtoH(void *dst, CUdeviceptr src, size_t bytes) {
  return call(Needs::Context, [&](Machine &machine) {
    if (bytes == 0)
      return CUDA_SUCCESS;
    if (machine.strikes(machine.inject().copy))
      return CUDA_ERROR_UNKNOWN;
    if (!dst)
      return CUDA_ERROR_INVALID_VALUE;
    CUresult bad = checkRange(machine, "cuMemcpyDtoH", src, bytes, Access::Read);
    return bad != CUDA_SUCCESS ? bad : runDefault(machine, "cuMemcpyDtoH", copyToHost(machine, dst, src, bytes));
  });
}

CUresult cuMemcpyDtoD(CUdeviceptr dst, CUdeviceptr src, size_t bytes) {
  return call(Needs::Context, [&](Machine &machine) {
    if (bytes == 0)
      return CUDA_SUCCESS;
    if (machine.strikes(machine.inject().copy))
      return CUDA_ERROR_UNKNOWN;
    CUresult bad = checkRange(machine, "cuMemcpyDtoD", dst, bytes, Access::Write);
    if (bad == CUDA_SUCCESS)
      bad = checkRange(machine, "cuMemcpyDtoD", src, bytes, Access::Read);
    return bad != CUDA_SUCCESS ? bad : issueDefault(machine, "cuMemcpyDtoD", copyOnDevice(machine, dst, src, bytes));
  });
}

CUresult cuMemcpyHtoDAsync(CUdeviceptr dst, const void *src, size_t bytes, CUstream stream) {
  return call(Needs::Context, [&](Machine &machine) {
    if (bytes == 0)
      return CUDA_SUCCESS;
    if (machine.strikes(machine.inject().copy))
      return CUDA_ERROR_UNKNOWN;
    CUstream_st *found = machine.findStream(stream);
    if (!src || !found)
      return found ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
    if (CUresult bad = checkRange(machine, "cuMemcpyHtoDAsync", dst, bytes, Access::Write); bad != CUDA_SUCCESS)
      return bad;
    Work work = copyToDevice(machine, dst, src, bytes);
    if (!found->capture && machine.options().schedule != Schedule::Early && !isPageLocked(machine, src, bytes)) {
      // The driver copies pageable memory aside before it returns.
      auto aside =
          std::make_shared<std::vector<char>>(static_cast<const char *>(src), static_cast<const char *>(src) + bytes);
      work = [aside, inner = copyToDevice(machine, dst, aside->data(), bytes)] { return inner(); };
    }
    return machine.issue(*found, {"cuMemcpyHtoDAsync", std::move(work)});
  });
}

CUresult cuMemcpyDtoHAsync(void *dst, CUdeviceptr src, size_t bytes, CUstream stream) {
  return call(Needs::Context, [&](Machine &machine) {
    if (bytes == 0)
      return CUDA_SUCCESS;
    if (machine.strikes(machine.inject().copy))
      return CUDA_ERROR_UNKNOWN;
    CUstream_st *found = machine.findStream(stream);
    if (!dst || !found)
      return found ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
    if (CUresult bad = checkRange(machine, "cuMemcpyDtoHAsync", src, bytes, Access::Read); bad != CUDA_SUCCESS)
      return bad;
    CUresult result = machine.issue(*found, {"cuMemcpyDtoHAsync", copyToHost(machine, dst, src, bytes)});
    // The driver returns from a copy to pageable memory when it is done.
    bool waits = result == CUDA_SUCCESS && !found->capture && !isPageLocked(machine, dst, bytes);
    return waits ? machine.runUntil(found->now()) : result;
  });
}

CUresult cuMemcpyDtoDAsync(CUdeviceptr dst, CUdeviceptr src, size_t bytes, CUstream stream) {
  return call(Needs::Context, [&](Machine &machine) {
    if (bytes == 0)
      return CUDA_SUCCESS;
    if (machine.strikes(machine.inject().copy))
      return CUDA_ERROR_UNKNOWN;
    CUresult bad = checkRange(machine, "cuMemcpyDtoDAsync", dst, bytes, Access::Write);
    if (bad == CUDA_SUCCESS)
      bad = checkRange(machine, "cuMemcpyDtoDAsync", src, bytes, Access::Read);
    if (bad != CUDA_SUCCESS)
      return bad;
    return issueTo(machine, stream, "cuMemcpyDtoDAsync", copyOnDevice(machine, dst, src, bytes));
  });
}

CUresult cuMemcpy(CUdeviceptr dst, CUdeviceptr src, size_t bytes) {
  return call(Needs::Context, [&](Machine &machine) { // the lock is recursive
    bool to = isDevice(machine, dst), from = isDevice(machine, src);
    if (to)
      return from ? cuMemcpyDtoD(dst, src, bytes) : cuMemcpyHtoD(dst, reinterpret_cast<const void *>(src), bytes);
    return from ? cuMemcpyDtoH(reinterpret_cast<void *>(dst), src, bytes) : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuMemcpyAsync(CUdeviceptr dst, CUdeviceptr src, size_t bytes, CUstream stream) {
  return call(Needs::Context, [&](Machine &machine) {
    bool to = isDevice(machine, dst), from = isDevice(machine, src);
    if (to)
      return from ? cuMemcpyDtoDAsync(dst, src, bytes, stream)
                  : cuMemcpyHtoDAsync(dst, reinterpret_cast<const void *>(src), bytes, stream);
    return from ? cuMemcpyDtoHAsync(reinterpret_cast<void *>(dst), src, bytes, stream) : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuMemsetD8(CUdeviceptr dst, unsigned char value, size_t count) {
  return set("cuMemsetD8", dst, value, count, nullptr);
}
CUresult cuMemsetD16(CUdeviceptr dst, unsigned short value, size_t count) {
  return set("cuMemsetD16", dst, value, count, nullptr);
}
CUresult cuMemsetD32(CUdeviceptr dst, unsigned value, size_t count) {
  return set("cuMemsetD32", dst, value, count, nullptr);
}
CUresult cuMemsetD8Async(CUdeviceptr dst, unsigned char value, size_t count, CUstream stream) {
  return set("cuMemsetD8Async", dst, value, count, &stream);
}
CUresult cuMemsetD16Async(CUdeviceptr dst, unsigned short value, size_t count, CUstream stream) {
  return set("cuMemsetD16Async", dst, value, count, &stream);
}
CUresult cuMemsetD32Async(CUdeviceptr dst, unsigned value, size_t count, CUstream stream) {
  return set("cuMemsetD32Async", dst, value, count, &stream);
}

} // extern "C"
