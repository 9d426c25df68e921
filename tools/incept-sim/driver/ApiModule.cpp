// SPDX-License-Identifier: Apache-2.0
//
// The driver's functions for modules, kernels and launches. A module is PTX text, which the interpreter runs; machine
// code is refused, as a GPU refuses that of another architecture, so that a program falls back to its PTX.
#include "tools/incept-sim/driver/Call.h"
#include "tools/incept-sim/driver/ProgramFile.h"

#include <algorithm>
#include <cstdlib>

using namespace incept::sim;
using incept::Expected;
using incept::Status;

namespace {

/// First bytes of an ELF file, and of the two containers that nvcc makes.
bool isMachineCode(const void *image) {
  uint32_t magic = 0;
  memcpy(&magic, image, sizeof(magic)); // the shortest PTX is longer
  return magic == 0x464c457f || magic == 0xba55ed50 || magic == 0x466243b1;
}

/// Where the JIT's options want its words.
struct Log {
  char *text = nullptr;
  size_t bytes = 0;
};

CUresult readOptions(Machine &machine, unsigned count, const CUjit_option *options, void **values, Log &log) {
  for (unsigned i = 0; i < count; ++i) {
    switch (options[i]) {
    case CU_JIT_ERROR_LOG_BUFFER:
      log.text = static_cast<char *>(values[i]);
      break;
    case CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES:
      log.bytes = reinterpret_cast<uintptr_t>(values[i]) & 0xffffffff;
      break;
    case CU_JIT_INFO_LOG_BUFFER: // there is nothing to tell
    case CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES:
    case CU_JIT_MAX_REGISTERS:
    case CU_JIT_OPTIMIZATION_LEVEL:
    case CU_JIT_TARGET_FROM_CUCONTEXT:
    case CU_JIT_LOG_VERBOSE:
    case CU_JIT_GENERATE_LINE_INFO:
    case CU_JIT_GENERATE_DEBUG_INFO:
    case CU_JIT_CACHE_MODE:
      break;
    default:
      machine.notSimulated("JIT option " + std::to_string(int(options[i])));
      return CUDA_ERROR_NOT_SUPPORTED;
    }
  }
  return CUDA_SUCCESS;
}

CUresult refuse(Machine &machine, const Log &log, const std::string &why) {
  fprintf(stderr, "incept-sim: %s\n", why.c_str());
  if (log.text && log.bytes)
    snprintf(log.text, log.bytes, "%s", why.c_str());
  return CUDA_ERROR_INVALID_PTX;
}

CUresult load(CUmodule *handle, const void *image, unsigned count, const CUjit_option *options, void **values) {
  return call(Needs::Context, [&](Machine &machine) {
    if (!handle || !image || (count && (!options || !values)))
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult refused = machine.refuseUnsafe("cuModuleLoadData"); refused != CUDA_SUCCESS)
      return refused;
    Log log;
    if (CUresult result = readOptions(machine, count, options, values, log); result != CUDA_SUCCESS)
      return result;
    if (isMachineCode(image))
      return CUDA_ERROR_NO_BINARY_FOR_GPU;
    if (machine.inject().driverOld)
      return CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
    Expected<ptx::Module> module = ptx::Module::parse(static_cast<const char *>(image));
    if (!module)
      return refuse(machine, log, module.status().message());
    const std::string &name = module->target(); // "sm_90a": 90
    if (name.starts_with("sm_") && std::strtol(name.c_str() + 3, nullptr, 10) > machine.profile().computeCapability)
      return refuse(machine, log, "the module is for " + name + ", which is newer than the device");
    auto shared = std::make_shared<ptx::Module>(std::move(*module));
    if (!shared->place(machine.memory()).ok())
      return CUDA_ERROR_OUT_OF_MEMORY;
    *handle = machine.modules.create();
    (*handle)->module = std::move(shared);
    return CUDA_SUCCESS;
  });
}

CUresult findFunction(Machine &machine, CUfunction *function, CUmodule handle, const char *name) {
  if (!function || !name)
    return CUDA_ERROR_INVALID_VALUE;
  CUmod_st *module = machine.modules.find(handle);
  if (!module)
    return CUDA_ERROR_INVALID_HANDLE;
  const ptx::Kernel *kernel = module->module->find(name);
  if (!kernel)
    return CUDA_ERROR_NOT_FOUND;
  *function = machine.functions.create();
  (*function)->owner = module;
  (*function)->module = module->module;
  (*function)->kernel = kernel;
  KernelNeeds &needs = (*function)->needs;
  needs.sharedBytes = kernel->staticSharedBytes();
  needs.maxThreads = kernel->maxThreads();
  needs.requiredThreads = kernel->requiredThreads();
  restrict(needs, machine.cubin(), kernel->name(), machine.profile());
  (*function)->dynamicSharedLimit = std::max<int64_t>(0, machine.profile().sharedPerBlock - needs.sharedBytes);
  return CUDA_SUCCESS;
}

CUresult unload(Machine &machine, CUmodule handle) {
  CUmod_st *module = machine.modules.find(handle);
  if (!module)
    return CUDA_ERROR_INVALID_HANDLE;
  if (CUresult refused = machine.refuseUnsafe("cuModuleUnload"); refused != CUDA_SUCCESS)
    return refused;
  CUresult result = machine.drain();
  std::vector<CUfunction> gone;
  machine.functions.forEach([&](CUfunc_st &function) {
    if (function.owner == module)
      gone.push_back(&function);
  });
  for (CUfunction function : gone)
    machine.functions.erase(function);
  module->module->release(machine.memory());
  machine.modules.erase(module);
  return result;
}

//===--- Launches -------------------------------------------------------------------------------------------------===//

/// As the driver, which says no more than the number of an error: the reason goes to stderr.
CUresult checkLimits(Machine &machine, const CUfunc_st &function, const ptx::Dim3 &grid, const ptx::Dim3 &block,
                     unsigned dynamicShared) {
  const LaunchSizes sizes{{grid.x, grid.y, grid.z}, {block.x, block.y, block.z}, dynamicShared};
  std::string why;
  Refusal refusal = checkLaunch(machine.profile(), function.needs, sizes, function.dynamicSharedLimit, why);
  if (refusal == Refusal::None)
    return CUDA_SUCCESS;
  machine.explain("a launch of '" + function.kernel->name() + "' is refused: " + why);
  return refusal == Refusal::InvalidValue ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
}

/// The parameters are copied at the call, also into a graph.
CUresult packParameters(const ptx::Kernel &kernel, void **parameters, void **extra, std::vector<std::byte> &packed) {
  packed.assign(kernel.parameterBytes(), std::byte());
  if (parameters && extra)
    return CUDA_ERROR_INVALID_VALUE;
  if (extra) {
    const void *buffer = nullptr;
    size_t bytes = 0;
    for (; *extra != CU_LAUNCH_PARAM_END; extra += 2) {
      if (*extra == CU_LAUNCH_PARAM_BUFFER_POINTER)
        buffer = extra[1];
      else if (*extra == CU_LAUNCH_PARAM_BUFFER_SIZE)
        bytes = *static_cast<const size_t *>(extra[1]);
      else
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (!buffer || bytes < packed.size())
      return CUDA_ERROR_INVALID_VALUE;
    memcpy(packed.data(), buffer, packed.size());
    return CUDA_SUCCESS;
  }
  if (!parameters)
    return kernel.parameters().empty() ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  for (size_t i = 0; i < kernel.parameters().size(); ++i) {
    const ptx::Parameter &parameter = kernel.parameters()[i];
    if (!parameters[i])
      return CUDA_ERROR_INVALID_VALUE;
    memcpy(packed.data() + parameter.offset, parameters[i], parameter.bytes);
  }
  return CUDA_SUCCESS;
}

/// The parameters of 64 bits; none where there are others.
std::vector<uint64_t> valuesOf(const ptx::Kernel &kernel, const std::vector<std::byte> &packed) {
  std::vector<uint64_t> values;
  for (const ptx::Parameter &parameter : kernel.parameters()) {
    if (parameter.bytes != sizeof(uint64_t))
      return {};
    memcpy(&values.emplace_back(), packed.data() + parameter.offset, sizeof(uint64_t));
  }
  return values;
}

/// What the launch computes, by the program's image; empty where the program is not one of incept's.
std::string describe(Machine &machine, const ptx::Kernel &kernel, const std::vector<std::byte> &packed) {
  if (machine.options().program.empty())
    return "";
  Expected<ProgramFile> program = readProgramFile(machine.options().program);
  return program ? describeLaunch(program->launches, kernel.name(), valuesOf(kernel, packed)) : "";
}

CUresult launch(CUfunction handle, const ptx::Dim3 &grid, const ptx::Dim3 &block, unsigned dynamicShared,
                CUstream streamHandle, void **parameters, void **extra) {
  return call(Needs::Context, [&](Machine &machine) {
    CUfunc_st *function = machine.functions.find(handle);
    CUstream_st *stream = machine.findStream(streamHandle);
    if (!function || !stream)
      return CUDA_ERROR_INVALID_HANDLE;
    if (machine.strikes(machine.inject().launch))
      return CUDA_ERROR_LAUNCH_FAILED;
    const ptx::Kernel &kernel = *function->kernel;
    if (!kernel.status().ok()) {
      machine.notSimulated(kernel.status().message());
      return CUDA_ERROR_NOT_SUPPORTED;
    }
    if (CUresult bad = checkLimits(machine, *function, grid, block, dynamicShared); bad != CUDA_SUCCESS)
      return bad;
    std::vector<std::byte> packed;
    if (CUresult bad = packParameters(kernel, parameters, extra, packed); bad != CUDA_SUCCESS)
      return bad;
    ptx::Options options;
    int threads = machine.options().threads;
    options.threads = threads > 0 ? unsigned(threads) : std::max(1u, std::thread::hardware_concurrency());
    options.check = machine.options().checkMemory;
    options.races = machine.options().checkAll;
    options.dynamicSharedBytes = dynamicShared;
    options.countAccesses = !machine.options().report.empty();
    const CourseLaunch *at = machine.recorder().follow(kernel.name(), valuesOf(kernel, packed));
    return machine.issue(*stream,
                         {kernel.name(), [=, &machine, module = function->module, &kernel]() mutable -> Status {
                            options.launch = ++machine.launches;
                            ptx::Outcome outcome;
                            machine.recorder().enter(at);
                            Status status = ptx::run(kernel, grid, block, packed, machine.memory(), options, &outcome);
                            for (size_t i = 1; i < outcome.reports.size(); ++i)
                              machine.report(kernel.name() + ": " + outcome.reports[i]);
                            if (std::string what = status.ok() ? "" : describe(machine, kernel, packed); !what.empty())
                              return Status(status.code(), what + ": " + status.message());
                            if (status.ok())
                              machine.recorder().leave(at, outcome.counters);
                            return status;
                          }});
  });
}

} // namespace

extern "C" {

CUresult cuModuleLoadData(CUmodule *module, const void *image) { return load(module, image, 0, nullptr, nullptr); }

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count, CUjit_option *options, void **values) {
  return load(module, image, count, options, values);
}

CUresult cuModuleUnload(CUmodule module) {
  return call(Needs::Context, [&](Machine &machine) { return unload(machine, module); });
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
  return call(Needs::Context, [&](Machine &machine) { return findFunction(machine, function, module, name); });
}

CUresult cuModuleGetGlobal(CUdeviceptr *address, size_t *bytes, CUmodule handle, const char *name) {
  return call(Needs::Context, [&](Machine &machine) {
    CUmod_st *module = machine.modules.find(handle);
    if (!module || !name)
      return module ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
    const ptx::Variable *variable = module->module->variable(name);
    if (!variable)
      return CUDA_ERROR_NOT_FOUND;
    if (address)
      *address = variable->address;
    if (bytes)
      *bytes = variable->bytes;
    return CUDA_SUCCESS;
  });
}

// A library is a module, and its kernels are functions.
CUresult cuLibraryLoadData(CUlibrary *library, const void *code, CUjit_option *options, void **values, unsigned count,
                           CUlibraryOption *, void **, unsigned libraryOptions) {
  if (libraryOptions != 0)
    return CUDA_ERROR_NOT_SUPPORTED;
  return load(reinterpret_cast<CUmodule *>(library), code, count, options, values);
}

CUresult cuLibraryUnload(CUlibrary library) { return cuModuleUnload(reinterpret_cast<CUmodule>(library)); }

CUresult cuLibraryGetKernel(CUkernel *kernel, CUlibrary library, const char *name) {
  return cuModuleGetFunction(reinterpret_cast<CUfunction *>(kernel), reinterpret_cast<CUmodule>(library), name);
}

CUresult cuKernelGetFunction(CUfunction *function, CUkernel kernel) {
  return call(Needs::Context, [&](Machine &machine) {
    auto same = reinterpret_cast<CUfunction>(kernel);
    if (!function || !machine.functions.find(same))
      return function ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE;
    *function = same;
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncGetAttribute(int *value, CUfunction_attribute attribute, CUfunction handle) {
  return call(Needs::Context, [&](Machine &machine) {
    CUfunc_st *function = machine.functions.find(handle);
    if (!function || !value)
      return function ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE;
    const ptx::Kernel &kernel = *function->kernel;
    switch (attribute) {
    case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
      *value = int(largestBlock(machine.profile(), function->needs));
      return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
      *value = int(function->needs.sharedBytes);
      return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES:
      *value = int(kernel.localBytes());
      return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_NUM_REGS:
      *value = int(function->needs.registers ? function->needs.registers : std::min(kernel.registers(), 255u));
      return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES:
      *value = 0;
      return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_BINARY_VERSION:
    case CU_FUNC_ATTRIBUTE_PTX_VERSION:
      *value = machine.profile().computeCapability;
      return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
      *value = int(function->dynamicSharedLimit);
      return CUDA_SUCCESS;
    default:
      machine.notSimulated("function attribute " + std::to_string(int(attribute)));
      return CUDA_ERROR_INVALID_VALUE;
    }
  });
}

CUresult cuFuncSetAttribute(CUfunction handle, CUfunction_attribute attribute, int value) {
  return call(Needs::Context, [&](Machine &machine) {
    CUfunc_st *function = machine.functions.find(handle);
    if (!function)
      return CUDA_ERROR_INVALID_HANDLE;
    if (attribute == CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT)
      return CUDA_SUCCESS;
    int64_t most = machine.profile().sharedPerBlockOptin - function->needs.sharedBytes;
    if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES || value < 0 || value > most)
      return CUDA_ERROR_INVALID_VALUE;
    function->dynamicSharedLimit = value;
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncSetCacheConfig(CUfunction handle, CUfunc_cache) {
  return call(Needs::Context, [&](Machine &machine) {
    return machine.functions.find(handle) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
  });
}

CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                        unsigned blockY, unsigned blockZ, unsigned dynamicShared, CUstream stream, void **parameters,
                        void **extra) {
  return launch(function, {gridX, gridY, gridZ}, {blockX, blockY, blockZ}, dynamicShared, stream, parameters, extra);
}

CUresult cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction function, void **parameters, void **extra) {
  if (!config)
    return CUDA_ERROR_INVALID_VALUE;
  for (unsigned i = 0; i < config->numAttrs; ++i) {
    // Starting early is allowed, not promised; clusters would change what a kernel sees.
    CUlaunchAttributeID id = config->attrs[i].id;
    if (id != CU_LAUNCH_ATTRIBUTE_IGNORE && id != CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION &&
        id != CU_LAUNCH_ATTRIBUTE_PRIORITY)
      return call(Needs::Context, [&](Machine &machine) {
        machine.notSimulated("launch attribute " + std::to_string(int(id)));
        return CUDA_ERROR_NOT_SUPPORTED;
      });
  }
  return launch(function, {config->gridDimX, config->gridDimY, config->gridDimZ},
                {config->blockDimX, config->blockDimY, config->blockDimZ}, config->sharedMemBytes, config->hStream,
                parameters, extra);
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction handle, int blockSize, size_t shared) {
  return call(Needs::Context, [&](Machine &machine) {
    CUfunc_st *function = machine.functions.find(handle);
    if (!function)
      return CUDA_ERROR_INVALID_HANDLE;
    if (!blocks || blockSize < 1 || blockSize > machine.profile().maxThreadsPerBlock || shared > (size_t(1) << 30))
      return CUDA_ERROR_INVALID_VALUE;
    *blocks = int(residentBlocks(machine.profile(), function->needs, blockSize, int64_t(shared)));
    return CUDA_SUCCESS;
  });
}

} // extern "C"
