// SPDX-License-Identifier: Apache-2.0
#include "runtime/device/cuda/CudnnApi.h"

#include <dlfcn.h>

#include <algorithm>
#include <iterator>

namespace incept::cudnn {

namespace {

/// Plans can be made without a device since this version.
constexpr size_t kMinimumVersion = 90800;

struct StatusText {
  int status;
  const char *text;
};

/// Statuses a user can do something about, then the categories (multiples of 1000) for all others.
constexpr StatusText kStatusTexts[] = {
    {CUDNN_STATUS_NOT_INITIALIZED, "cuDNN could not initialise itself"},
    {CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH, "the plan or a part of cuDNN is of another version"},
    {CUDNN_STATUS_SERIALIZATION_VERSION_MISMATCH, "the plan was written by another version of cuDNN"},
    {CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED, "a part of cuDNN could not be opened"},
    {CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "an operand is not aligned as planned"},
    {CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "the engine does not know this pattern of operations"},
    {CUDNN_STATUS_NOT_SUPPORTED_SHAPE, "the engine does not take these shapes"},
    {CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, "the engine does not take these types"},
    {CUDNN_STATUS_NOT_SUPPORTED_LAYOUT, "the engine does not take this layout"},
    {CUDNN_STATUS_NOT_SUPPORTED_INCOMPATIBLE_CUDA_DRIVER, "the driver is too old for this engine"},
    {CUDNN_STATUS_NOT_SUPPORTED_INCOMPATIBLE_CUDART, "the CUDA runtime is too old for this engine"},
    {CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH, "the device or driver is not the one the plan was made for"},
    {CUDNN_STATUS_NOT_SUPPORTED_RUNTIME_PREREQUISITE_MISSING, "a library that the engine needs is missing"},
    {CUDNN_STATUS_NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE, "a part of cuDNN is missing"},
    {CUDNN_STATUS_NOT_SUPPORTED_SHARED_MEMORY_INSUFFICIENT, "the device has too little shared memory for this engine"},
    {CUDNN_STATUS_INTERNAL_ERROR_COMPILATION_FAILED, "the kernel could not be compiled"},
    {CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED, "the host is out of memory"},
    {CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED, "the device is out of memory"},
    {1000, "cuDNN is not ready"},
    {2000, "cuDNN does not accept the description"},
    {3000, "the engine does not support it"},
    {4000, "cuDNN failed internally"},
    {5000, "the device failed"},
};

} // namespace

std::string explain(const Api &api, cudnnStatus_t status) {
  const char *text = "cuDNN gave an unknown answer";
  for (int wanted : {int(status), int(status) / 1000 * 1000}) {
    auto *found = std::find_if(std::begin(kStatusTexts), std::end(kStatusTexts),
                               [&](const StatusText &entry) { return entry.status == wanted; });
    if (found == std::end(kStatusTexts))
      continue;
    text = found->text;
    break;
  }
  char details[512] = "";
  if (api.getLastErrorString)
    api.getLastErrorString(details, sizeof(details));
  details[sizeof(details) - 1] = 0;
  std::string own = details;
  std::replace_if(
      own.begin(), own.end(), [](unsigned char c) { return c < ' '; }, ' ');
  own.erase(own.find_last_not_of(' ') + 1);
  std::string result = std::string(text) + " (status " + std::to_string(int(status));
  return result + (own.empty() ? ")" : ": " + own + ")");
}

//===--- Descriptors ----------------------------------------------------------------------------------------------===//

Descriptor::Descriptor(const Api &api, cudnnBackendDescriptorType_t type) : api(&api) {
  failure = api.createDescriptor(type, &raw);
}

Descriptor::~Descriptor() {
  if (raw)
    api->destroyDescriptor(raw);
}

Descriptor &Descriptor::set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
                            const void *values) {
  if (failure == CUDNN_STATUS_SUCCESS)
    failure = api->setAttribute(raw, name, type, count, values);
  return *this;
}

Descriptor &Descriptor::set(cudnnBackendAttributeName_t name, int64_t value) {
  return set(name, CUDNN_TYPE_INT64, 1, &value);
}

Descriptor &Descriptor::set(cudnnBackendAttributeName_t name, const std::vector<int64_t> &values) {
  return set(name, CUDNN_TYPE_INT64, int64_t(values.size()), values.data());
}

Descriptor &Descriptor::set(cudnnBackendAttributeName_t name, float value) {
  return set(name, CUDNN_TYPE_FLOAT, 1, &value);
}

Descriptor &Descriptor::set(cudnnBackendAttributeName_t name, bool value) {
  return set(name, CUDNN_TYPE_BOOLEAN, 1, &value);
}

Descriptor &Descriptor::set(cudnnBackendAttributeName_t name, cudnnDataType_t value) {
  return set(name, CUDNN_TYPE_DATA_TYPE, 1, &value);
}

Descriptor &Descriptor::set(cudnnBackendAttributeName_t name, const Descriptor &value) {
  return set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value.raw);
}

Descriptor &Descriptor::set(cudnnBackendAttributeName_t name, const std::vector<const Descriptor *> &values) {
  std::vector<cudnnBackendDescriptor_t> raws;
  for (const Descriptor *value : values)
    raws.push_back(value->raw);
  return set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, int64_t(raws.size()), raws.data());
}

bool Descriptor::finalize(std::string &error) {
  if (failure == CUDNN_STATUS_SUCCESS)
    failure = api->finalize(raw);
  return failure == CUDNN_STATUS_SUCCESS || fail(error, explain(*api, failure));
}

int64_t Descriptor::get(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t capacity,
                        void *values) const {
  int64_t count = 0;
  return api->getAttribute(raw, name, type, capacity, &count, values) == CUDNN_STATUS_SUCCESS ? count : -1;
}

std::vector<Descriptor> Descriptor::getDescriptors(cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type,
                                                   int64_t capacity) const {
  std::vector<Descriptor> result;
  std::vector<cudnnBackendDescriptor_t> raws;
  for (int64_t i = 0; i < capacity; ++i) {
    result.emplace_back(*api, type);
    if (!result.back())
      return {};
    raws.push_back(result.back().raw);
  }
  int64_t count = get(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, capacity, raws.data());
  result.erase(result.begin() + std::clamp<int64_t>(count, 0, capacity), result.end());
  return result;
}

std::shared_ptr<Descriptor> describeDevice(const Library::Impl &library, const std::string &profile,
                                           std::string &error) {
  std::lock_guard lock(library.mutex);
  std::shared_ptr<Descriptor> &known = library.devices[profile];
  if (known)
    return known;
  auto device = std::make_shared<Descriptor>(library.api, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  device->set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, int64_t(profile.size()), profile.data());
  std::string why;
  if (!device->finalize(why)) {
    error = "cuDNN does not accept the device profile: " + why;
    return nullptr;
  }
  return known = device;
}

//===--- The library ----------------------------------------------------------------------------------------------===//

Library::Library(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Library::~Library() = default;

const std::string &Library::version() const { return impl->version; }

namespace {

/// Looks up one function; collects the first name that is missing.
template <typename Function>
void lookUp(void *shared, const char *name, Function &function, std::string &missing) {
  function = reinterpret_cast<Function>(dlsym(shared, name));
  if (!function && missing.empty())
    missing = name;
}

} // namespace

std::shared_ptr<const Library> Library::open(const Paths &paths, std::string &error) {
  for (const std::string &path : paths.preload)
    dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  std::string name = paths.directory.empty() ? "libcudnn.so.9" : paths.directory + "/libcudnn.so.9";
  auto impl = std::make_unique<Impl>();
  impl->shared = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!impl->shared) {
    const char *why = dlerror();
    error = "cannot open cuDNN 9 (" + std::string(why ? why : name) + ")";
    return nullptr;
  }
  Api &api = impl->api;
  std::string missing;
  lookUp(impl->shared, "cudnnGetVersion", api.getVersion, missing);
  lookUp(impl->shared, "cudnnGetLastErrorString", api.getLastErrorString, missing);
  lookUp(impl->shared, "cudnnCreate", api.create, missing);
  lookUp(impl->shared, "cudnnDestroy", api.destroy, missing);
  lookUp(impl->shared, "cudnnSetStream", api.setStream, missing);
  lookUp(impl->shared, "cudnnBackendCreateDescriptor", api.createDescriptor, missing);
  lookUp(impl->shared, "cudnnBackendDestroyDescriptor", api.destroyDescriptor, missing);
  lookUp(impl->shared, "cudnnBackendFinalize", api.finalize, missing);
  lookUp(impl->shared, "cudnnBackendSetAttribute", api.setAttribute, missing);
  lookUp(impl->shared, "cudnnBackendGetAttribute", api.getAttribute, missing);
  lookUp(impl->shared, "cudnnBackendExecute", api.execute, missing);
  if (!missing.empty()) {
    error = "'" + name + "' is not a usable cuDNN: it lacks " + missing;
    return nullptr;
  }
  size_t version = api.getVersion();
  impl->version =
      std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." + std::to_string(version % 100);
  if (version < kMinimumVersion) {
    error = "cuDNN " + impl->version + " is too old: expected 9.8 or later";
    return nullptr;
  }
  return std::shared_ptr<const Library>(new Library(std::move(impl)));
}

bool Library::createHandle(void *stream, Handle &handle, std::string &error) const {
  cudnnHandle_t fresh = nullptr;
  cudnnStatus_t status = impl->api.create(&fresh);
  if (status != CUDNN_STATUS_SUCCESS)
    return fail(error, "cannot start cuDNN on this device: " + explain(impl->api, status));
  status = impl->api.setStream(fresh, static_cast<cudaStream_t>(stream));
  if (status != CUDNN_STATUS_SUCCESS) {
    impl->api.destroy(fresh);
    return fail(error, "cannot give cuDNN its stream: " + explain(impl->api, status));
  }
  handle = fresh;
  return true;
}

void Library::destroyHandle(Handle handle) const {
  if (handle)
    impl->api.destroy(static_cast<cudnnHandle_t>(handle));
}

} // namespace incept::cudnn
