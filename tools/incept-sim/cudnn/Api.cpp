// SPDX-License-Identifier: Apache-2.0
//
// The functions of libcudnn.so.9. Handles and descriptors are looked up before they are used, so that a stale or wrong
// pointer is an error and not a crash.
#include "tools/incept-sim/cudnn/Execute.h"
#include "tools/incept-sim/cudnn/Store.h"
#include "tools/incept-sim/cudnn/Values.h"
#include "tools/incept-sim/driver/Services.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <unordered_map>

struct cudnnContext {
  cudaStream_t stream = nullptr;
};

namespace incept::sim::cudnn {

namespace {

struct State {
  std::recursive_mutex mutex;
  std::unordered_map<const void *, std::shared_ptr<Descriptor>> descriptors;
  std::unordered_map<const void *, std::unique_ptr<cudnnContext>> handles;
};

State &state() {
  static auto *made = new State; // never destroyed: programs clean up in their own exit handlers
  return *made;
}

std::string &lastError() {
  static thread_local std::string text;
  return text;
}

Answer badParameter(const std::string &text) { return {CUDNN_STATUS_BAD_PARAM, text}; }

/// Runs `body` under the lock; its answer becomes the status and the last error. No exception leaves it.
template <typename Body>
cudnnStatus_t call(Body body) noexcept {
  try {
    std::lock_guard lock(state().mutex);
    Answer answer = body();
    if (!answer.ok())
      lastError() = answer.text;
    return answer.status;
  } catch (const std::bad_alloc &) {
    return CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED;
  } catch (const std::exception &error) {
    fprintf(stderr, "incept-sim: internal error: cuDNN: %s\n", error.what());
    return CUDNN_STATUS_INTERNAL_ERROR;
  }
}

/// The simulated driver of this process; null where there is none, or another one.
Services *services() {
  static Services *found = []() -> Services * {
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL);
    auto get = library ? reinterpret_cast<Services *(*)()>(dlsym(library, kServicesSymbol)) : nullptr;
    return get ? get() : nullptr;
  }();
  return found;
}

std::shared_ptr<Descriptor> find(const void *pointer) {
  auto found = state().descriptors.find(pointer);
  return found == state().descriptors.end() ? nullptr : found->second;
}

Part resolve(const void *pointer) { return find(pointer); }

cudnnContext *findHandle(cudnnHandle_t handle) {
  auto found = state().handles.find(handle);
  return found == state().handles.end() ? nullptr : found->second.get();
}

/// Runs `body(descriptor)`.
template <typename Body>
cudnnStatus_t withDescriptor(const void *pointer, Body body) noexcept {
  return call([&] {
    std::shared_ptr<Descriptor> descriptor = find(pointer);
    return descriptor ? body(*descriptor) : badParameter("no such descriptor");
  });
}

Answer world(World &result) {
  Expected<Options> options = optionsFromEnvironment();
  if (!options)
    return {CUDNN_STATUS_NOT_INITIALIZED, options.status().message()};
  result.options = *options;
  if (!state().handles.empty() && services())
    result.profile = services()->profile().json;
  return {};
}

//===--- Reading attributes ---------------------------------------------------------------------------------------===//

/// Copies up to `requested` elements; `count` is how many there are.
Answer copyOut(const std::vector<std::byte> &bytes, size_t elementBytes, int64_t requested, int64_t *count,
               void *elements) {
  int64_t present = int64_t(bytes.size() / elementBytes);
  if (count)
    *count = present;
  if (elements && requested > 0)
    memcpy(elements, bytes.data(), size_t(std::min(present, requested)) * elementBytes);
  return {};
}

/// The caller has made descriptors of the right type; they become copies of `parts`.
Answer copyOut(const std::vector<Part> &parts, int64_t requested, int64_t *count, void *elements) {
  if (count)
    *count = int64_t(parts.size());
  for (int64_t i = 0; elements && i < std::min<int64_t>(requested, int64_t(parts.size())); ++i) {
    std::shared_ptr<Descriptor> target = find(static_cast<void **>(elements)[i]);
    if (!target || target->type != parts[size_t(i)]->type)
      return badParameter("element " + std::to_string(i) + " is not a descriptor of the right type");
    *target = *parts[size_t(i)];
  }
  return {};
}

template <typename T>
std::vector<std::byte> bytesOf(const T *begin, size_t count) {
  auto *bytes = reinterpret_cast<const std::byte *>(begin);
  return std::vector<std::byte>(bytes, bytes + count * sizeof(T));
}

/// Attributes that are computed, not set. False where `name` is not one.
bool computed(const Descriptor &descriptor, int name, std::vector<std::byte> &bytes) {
  int64_t number = 0;
  switch (name) {
  case CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE:
    if (!descriptor.plan)
      return false;
    number = int64_t(descriptor.plan->workspaceBytes);
    break;
  case CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION: {
    if (!descriptor.plan)
      return false;
    std::string json = writePlan(*descriptor.plan);
    bytes = bytesOf(json.c_str(), json.size() + 1);
    return true;
  }
  case CUDNN_ATTR_OPERATIONGRAPH_ENGINE_GLOBAL_COUNT:
    number = kEngineCount;
    break;
  case CUDNN_ATTR_ENGINE_NUMERICAL_NOTE:
  case CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE:
  case CUDNN_ATTR_ENGINE_KNOB_INFO:
    return true; // none
  default:
    return false;
  }
  bytes = bytesOf(&number, 1);
  return true;
}

Answer getAttribute(const Descriptor &descriptor, int name, cudnnBackendAttributeType_t type, int64_t requested,
                    int64_t *count, void *elements) {
  if (!descriptor.finalised)
    return {CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "the descriptor is not finalised"};
  size_t elementBytes = attributeBytes(type);
  if (requested < 0 || elementBytes == 0)
    return badParameter("attribute " + std::to_string(name) + ": wrong type or count");
  if (name == CUDNN_ATTR_ENGINEHEUR_RESULTS)
    return copyOut(descriptor.results, requested, count, elements);
  std::vector<std::byte> bytes;
  if (computed(descriptor, name, bytes))
    return copyOut(bytes, elementBytes, requested, count, elements);
  auto found = descriptor.values.find(name);
  if (found == descriptor.values.end())
    return notSimulated("attribute " + std::to_string(name) + " of descriptor type " +
                        std::to_string(int(descriptor.type)) + " to be read");
  if (found->second.type != type)
    return {CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, "attribute " + std::to_string(name) + " has another type"};
  return type == CUDNN_TYPE_BACKEND_DESCRIPTOR ? copyOut(found->second.parts, requested, count, elements)
                                               : copyOut(found->second.bytes, elementBytes, requested, count, elements);
}

//===--- Execution ------------------------------------------------------------------------------------------------===//

float readScalar(const Tensor &tensor, const void *pointer) {
  Tensor one = tensor;
  one.dims = {1};
  one.strides = {1};
  return load(one, pointer).data[0];
}

/// Finds every operand of the plan in the variant pack.
Answer bind(const Plan &plan, const Descriptor &pack, Binding &binding) {
  std::vector<int64_t> uids = pack.list<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  std::vector<void *> pointers = pack.list<void *>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
  for (const Tensor &tensor : plan.graph.tensors) {
    if (tensor.isVirtual)
      continue;
    std::string name = "tensor " + std::to_string(tensor.uid);
    auto found = std::find(uids.begin(), uids.end(), tensor.uid);
    if (found == uids.end())
      return badParameter("the variant pack lacks " + name);
    void *pointer = pointers[size_t(found - uids.begin())];
    if (!pointer)
      return {CUDNN_STATUS_BAD_PARAM_NULL_POINTER, name + " is a null pointer"};
    auto address = reinterpret_cast<uintptr_t>(pointer);
    if (!tensor.byValue && address % uint64_t(tensor.alignment) != 0)
      return {CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER,
              name + " is not aligned to " + std::to_string(tensor.alignment) + " bytes"};
    if (tensor.byValue)
      binding.scalars[tensor.uid] = readScalar(tensor, pointer);
    else
      binding.addresses[tensor.uid] = address;
  }
  binding.workspace = reinterpret_cast<uintptr_t>(pack.get<void *>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, nullptr));
  if (plan.workspaceBytes && !binding.workspace)
    return {CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "the plan needs a workspace"};
  return {};
}

Answer enqueue(cudnnContext *handle, const Descriptor *plan, const Descriptor *pack) {
  if (!handle || !plan || !plan->plan || !pack || !pack->finalised ||
      pack->type != CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR)
    return badParameter("an execution needs a handle, a finalised plan and a finalised variant pack");
  Services *driver = services();
  if (!driver || !driver->ready())
    return {CUDNN_STATUS_EXECUTION_FAILED_CUDA_DRIVER, "no context is current, or earlier work has failed"};
  auto binding = std::make_shared<Binding>();
  if (Answer answer = bind(*plan->plan, *pack, *binding); !answer.ok())
    return answer;
  bool check = driver->options().checkMemory;
  auto work = [=, kept = plan->plan] { return execute(*kept, *binding, driver->memory(), check); };
  std::map<int64_t, uint64_t> addresses(binding->addresses.begin(), binding->addresses.end());
  std::vector<uint64_t> operands;
  for (auto [uid, address] : addresses)
    operands.push_back(address);
  return driver->enqueue(handle->stream, describe(plan->plan->graph), operands, work)
             ? Answer()
             : Answer{CUDNN_STATUS_EXECUTION_FAILED_CUDA_DRIVER, "the stream takes no work"};
}

/// What allocates, frees or loads code fails where the driver does not allow it. cuDNN does not document which status
/// it gives then; this is the one of a driver's error.
Answer refuseDuringCapture(const char *function) {
  if (!services() || services()->mayCallUnsafe(function))
    return {};
  return {CUDNN_STATUS_EXECUTION_FAILED_CUDA_DRIVER,
          std::string(function) + " is not allowed while a stream is being captured"};
}

/// The words of a status.
const char *words(cudnnStatus_t status) {
  static constexpr Name kWords[] = {
      {CUDNN_STATUS_SUCCESS, "CUDNN_STATUS_SUCCESS"},
      {CUDNN_STATUS_NOT_INITIALIZED, "CUDNN_STATUS_NOT_INITIALIZED"},
      {CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH, "CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH"},
      {CUDNN_STATUS_BAD_PARAM, "CUDNN_STATUS_BAD_PARAM"},
      {CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "CUDNN_STATUS_BAD_PARAM_NULL_POINTER"},
      {CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER"},
      {CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED"},
      {CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES, "CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES"},
      {CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, "CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE"},
      {CUDNN_STATUS_NOT_SUPPORTED, "CUDNN_STATUS_NOT_SUPPORTED"},
      {CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH, "CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH"},
      {CUDNN_STATUS_EXECUTION_FAILED_CUDA_DRIVER, "CUDNN_STATUS_EXECUTION_FAILED_CUDA_DRIVER"},
  };
  const char *found = nameOf(kWords, status);
  return found ? found : "CUDNN_STATUS_INTERNAL_ERROR";
}

} // namespace

} // namespace incept::sim::cudnn

using namespace incept::sim::cudnn;
using incept::sim::optionsFromEnvironment;

#pragma GCC visibility push(default)
extern "C" {

size_t cudnnGetVersion() {
  incept::Expected<incept::sim::Options> options = optionsFromEnvironment();
  return options ? size_t(options->cudnnVersion) : 0;
}

size_t cudnnGetCudartVersion() { return CUDART_VERSION; }

const char *cudnnGetErrorString(cudnnStatus_t status) { return words(status); }

void cudnnGetLastErrorString(char *message, size_t bytes) {
  if (message && bytes)
    snprintf(message, bytes, "%s", lastError().c_str());
  lastError().clear();
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *handle) {
  return call([&]() -> Answer {
    if (!handle)
      return badParameter("no place for the handle");
    if (!services() || !services()->ready())
      return {CUDNN_STATUS_NOT_INITIALIZED, "no context of a simulated device is current"};
    if (Answer refused = refuseDuringCapture("cudnnCreate"); !refused.ok())
      return refused;
    if (services()->options().inject.cudnnMismatch)
      return {CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH, "the libraries of cuDNN are of several versions (injected)"};
    auto made = std::make_unique<cudnnContext>();
    *handle = made.get();
    state().handles.emplace(made.get(), std::move(made));
    return {};
  });
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  return call([&] {
    if (!findHandle(handle))
      return badParameter("no such handle");
    if (Answer refused = refuseDuringCapture("cudnnDestroy"); !refused.ok())
      return refused;
    state().handles.erase(handle);
    return Answer();
  });
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  return call([&] {
    cudnnContext *found = findHandle(handle);
    if (!found)
      return badParameter("no such handle");
    found->stream = stream;
    return Answer();
  });
}

cudnnStatus_t cudnnGetStream(cudnnHandle_t handle, cudaStream_t *stream) {
  return call([&] {
    cudnnContext *found = findHandle(handle);
    if (!found || !stream)
      return badParameter("no such handle");
    *stream = found->stream;
    return Answer();
  });
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t *descriptor) {
  return call([&] {
    if (!descriptor)
      return badParameter("no place for the descriptor");
    if (!isSimulated(type))
      return notSimulated("descriptor type " + std::to_string(int(type)));
    auto made = std::make_shared<Descriptor>();
    made->type = type;
    *descriptor = made.get();
    state().descriptors.emplace(made.get(), std::move(made));
    return Answer();
  });
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  return call([&] {
    return !descriptor || state().descriptors.erase(descriptor) ? Answer() : badParameter("no such descriptor");
  });
}

cudnnStatus_t cudnnBackendInitialize(cudnnBackendDescriptor_t descriptor) {
  return withDescriptor(descriptor, [](Descriptor &found) {
    cudnnBackendDescriptorType_t type = found.type;
    found = Descriptor();
    found.type = type;
    return Answer();
  });
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count, const void *elements) {
  return withDescriptor(descriptor,
                        [&](Descriptor &found) { return setAttribute(found, name, type, count, elements, resolve); });
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t requested, int64_t *count,
                                       void *elements) {
  return withDescriptor(descriptor,
                        [&](Descriptor &found) { return getAttribute(found, name, type, requested, count, elements); });
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor) {
  return withDescriptor(descriptor, [](Descriptor &found) {
    // A plan for a handle's device loads its kernels; one for a described device cannot.
    if (found.type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR && found.has(CUDNN_ATTR_EXECUTION_PLAN_HANDLE))
      if (Answer refused = refuseDuringCapture("cudnnBackendFinalize of a plan"); !refused.ok())
        return refused;
    World surroundings;
    Answer answer = world(surroundings);
    return answer.ok() ? finalise(found, surroundings) : answer;
  });
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t pack) {
  return call([&] { return enqueue(findHandle(handle), find(plan).get(), find(pack).get()); });
}

} // extern "C"
#pragma GCC visibility pop
