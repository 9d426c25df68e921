// SPDX-License-Identifier: Apache-2.0
//
// The driver's functions for the device and its contexts. There is one device.
#include "tools/incept-sim/driver/Call.h"

#include <algorithm>
#include <cstring>

using namespace incept::sim;

namespace {

/// The device's answer to an attribute; false where it is not simulated.
bool deviceAttribute(const Profile &p, CUdevice_attribute attribute, int &value) {
  switch (attribute) {
  case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
    value = p.maxThreadsPerBlock;
    return true;
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X:
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y:
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z:
    value = p.maxBlock[attribute - CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X];
    return true;
  case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X:
  case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y:
  case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z:
    value = p.maxGrid[attribute - CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X];
    return true;
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK:
    value = p.sharedPerBlock;
    return true;
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
    value = p.sharedPerBlockOptin;
    return true;
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR:
    value = p.sharedPerBlockOptin + p.sharedReserved;
    return true;
  case CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK:
    value = p.sharedReserved;
    return true;
  case CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY:
    value = 65536; // the same on every device so far
    return true;
  case CU_DEVICE_ATTRIBUTE_WARP_SIZE:
    value = p.warpSize;
    return true;
  case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK:
    value = p.registersPerBlock;
    return true;
  case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR:
    value = p.registersPerMultiprocessor;
    return true;
  case CU_DEVICE_ATTRIBUTE_CLOCK_RATE:
    value = p.clockKHz;
    return true;
  case CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE:
    value = p.memoryClockKHz;
    return true;
  case CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH:
    value = p.memoryBusBits;
    return true;
  case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE:
    value = p.l2Bytes;
    return true;
  case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
    value = p.multiprocessors;
    return true;
  case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR:
    value = p.maxThreadsPerMultiprocessor;
    return true;
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR:
    value = p.maxBlocksPerMultiprocessor;
    return true;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
    value = p.computeCapability / 10;
    return true;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
    value = p.computeCapability % 10;
    return true;
  case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING:
  case CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY:
  case CU_DEVICE_ATTRIBUTE_STREAM_PRIORITIES_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT:
  case CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS:
    value = 1;
    return true;
  case CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY:
  case CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS:
  case CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH:
  case CU_DEVICE_ATTRIBUTE_INTEGRATED:
  case CU_DEVICE_ATTRIBUTE_ECC_ENABLED:
  case CU_DEVICE_ATTRIBUTE_PCI_BUS_ID:
  case CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID:
  case CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID:
  case CU_DEVICE_ATTRIBUTE_COMPUTE_MODE:
  case CU_DEVICE_ATTRIBUTE_KERNEL_EXEC_TIMEOUT:
    value = 0;
    return true;
  default:
    return false;
  }
}

CUresult checkDevice(CUdevice device) { return device == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE; }

CUresult createContext(CUcontext *context, unsigned flags, CUdevice device) {
  return call(Needs::Driver, [&](Machine &machine) {
    if (!context)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult result = checkDevice(device); result != CUDA_SUCCESS)
      return result;
    *context = machine.contexts.create();
    (*context)->flags = flags;
    contextStack().push_back(*context);
    return CUDA_SUCCESS;
  });
}

bool isContext(Machine &machine, CUcontext context) {
  return context == &machine.primary ? machine.primaryCount > 0 : machine.contexts.find(context) != nullptr;
}

} // namespace

extern "C" {

CUresult cuInit(unsigned flags) {
  if (flags != 0)
    return CUDA_ERROR_INVALID_VALUE;
  incept::Status error;
  Machine *machine = Machine::get(error);
  if (!machine)
    return CUDA_ERROR_NO_DEVICE;
  std::lock_guard lock(machine->mutex);
  if (machine->inject().noDevice)
    return CUDA_ERROR_NO_DEVICE;
  machine->initialised = true;
  return CUDA_SUCCESS;
}

CUresult cuDriverGetVersion(int *version) {
  if (!version)
    return CUDA_ERROR_INVALID_VALUE;
  incept::Status error;
  Machine *machine = Machine::get(error); // allowed before cuInit
  *version = !machine ? CUDA_VERSION : machine->inject().driverOld ? 11000 : machine->profile().driverVersion;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *count) {
  return call(Needs::Driver, [&](Machine &) {
    if (!count)
      return CUDA_ERROR_INVALID_VALUE;
    *count = 1;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  return call(Needs::Driver, [&](Machine &) {
    if (!device)
      return CUDA_ERROR_INVALID_VALUE;
    *device = 0;
    return checkDevice(ordinal);
  });
}

CUresult cuDeviceGetName(char *name, int length, CUdevice device) {
  return call(Needs::Driver, [&](Machine &machine) {
    if (!name || length <= 0)
      return CUDA_ERROR_INVALID_VALUE;
    snprintf(name, size_t(length), "%s", machine.profile().name.c_str());
    return checkDevice(device);
  });
}

CUresult cuDeviceTotalMem(size_t *bytes, CUdevice device) {
  return call(Needs::Driver, [&](Machine &machine) {
    if (!bytes)
      return CUDA_ERROR_INVALID_VALUE;
    *bytes = size_t(machine.profile().memoryBytes);
    return checkDevice(device);
  });
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
  return call(Needs::Driver, [&](Machine &machine) {
    if (!value)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult result = checkDevice(device); result != CUDA_SUCCESS)
      return result;
    if (deviceAttribute(machine.profile(), attribute, *value))
      return CUDA_SUCCESS;
    machine.notSimulated("device attribute " + std::to_string(int(attribute)));
    return CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device) {
  return call(Needs::Driver, [&](Machine &) {
    if (!uuid)
      return CUDA_ERROR_INVALID_VALUE;
    memcpy(uuid->bytes, "incept-sim\0\0\0\0\0", sizeof(uuid->bytes));
    return checkDevice(device);
  });
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  return call(Needs::Driver, [&](Machine &machine) {
    if (!context)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult result = checkDevice(device); result != CUDA_SUCCESS)
      return result;
    ++machine.primaryCount;
    *context = &machine.primary;
    return CUDA_SUCCESS;
  });
}

CUresult cuDevicePrimaryCtxRelease(CUdevice device) {
  return call(Needs::Driver, [&](Machine &machine) {
    if (CUresult result = checkDevice(device); result != CUDA_SUCCESS)
      return result;
    if (machine.primaryCount == 0)
      return CUDA_ERROR_INVALID_CONTEXT;
    machine.drain();
    --machine.primaryCount;
    return CUDA_SUCCESS;
  });
}

CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned *flags, int *active) {
  return call(Needs::Driver, [&](Machine &machine) {
    if (!flags || !active)
      return CUDA_ERROR_INVALID_VALUE;
    *flags = machine.primary.flags;
    *active = machine.primaryCount > 0;
    return checkDevice(device);
  });
}

CUresult cuDevicePrimaryCtxSetFlags(CUdevice device, unsigned flags) {
  return call(Needs::Driver, [&](Machine &machine) {
    machine.primary.flags = flags;
    return checkDevice(device);
  });
}

#if CUDA_VERSION >= 13000
CUresult cuCtxCreate(CUcontext *context, CUctxCreateParams *parameters, unsigned flags, CUdevice device) {
  if (parameters)
    return CUDA_ERROR_NOT_SUPPORTED;
  return createContext(context, flags, device);
}
#undef cuCtxCreate
#endif

CUresult cuCtxCreate_v2(CUcontext *context, unsigned flags, CUdevice device) {
  return createContext(context, flags, device);
}

CUresult cuCtxDestroy(CUcontext context) {
  return call(Needs::Driver, [&](Machine &machine) {
    machine.drain();
    std::vector<CUcontext> &stack = contextStack();
    if (!stack.empty() && stack.back() == context)
      stack.pop_back();
    return machine.contexts.erase(context) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
  });
}

CUresult cuCtxPushCurrent(CUcontext context) {
  return call(Needs::Driver, [&](Machine &machine) {
    if (!isContext(machine, context))
      return CUDA_ERROR_INVALID_CONTEXT;
    contextStack().push_back(context);
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxPopCurrent(CUcontext *context) {
  return call(Needs::Driver, [&](Machine &) {
    std::vector<CUcontext> &stack = contextStack();
    if (stack.empty())
      return CUDA_ERROR_INVALID_CONTEXT;
    if (context)
      *context = stack.back();
    stack.pop_back();
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxSetCurrent(CUcontext context) {
  return call(Needs::Driver, [&](Machine &machine) {
    std::vector<CUcontext> &stack = contextStack();
    if (context && !isContext(machine, context))
      return CUDA_ERROR_INVALID_CONTEXT;
    if (!stack.empty())
      stack.pop_back();
    if (context)
      stack.push_back(context);
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetCurrent(CUcontext *context) {
  return call(Needs::Driver, [&](Machine &) {
    if (!context)
      return CUDA_ERROR_INVALID_VALUE;
    *context = contextStack().empty() ? nullptr : contextStack().back();
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetDevice(CUdevice *device) {
  return call(Needs::Context, [&](Machine &) {
    if (!device)
      return CUDA_ERROR_INVALID_VALUE;
    *device = 0;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetFlags(unsigned *flags) {
  return call(Needs::Context, [&](Machine &) {
    if (!flags)
      return CUDA_ERROR_INVALID_VALUE;
    *flags = contextStack().back()->flags;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest) {
  return call(Needs::Context, [&](Machine &) {
    if (least)
      *least = 0;
    if (greatest)
      *greatest = 0;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxSynchronize() {
  return call(Needs::Context, [&](Machine &machine) {
    CUresult refused = machine.refuseWaiting("cuCtxSynchronize");
    return refused != CUDA_SUCCESS ? refused : machine.drain();
  });
}

} // extern "C"
