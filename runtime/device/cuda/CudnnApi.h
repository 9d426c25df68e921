// SPDX-License-Identifier: Apache-2.0
//
// cuDNN's backend API as a table of functions, and its descriptors as values. Used by the files behind Cudnn.h only.
#pragma once

#include "runtime/device/cuda/Cudnn.h"

#include <cudnn_backend.h>

#include <map>
#include <mutex>

namespace incept::cudnn {

/// The functions this project calls, opened at run time.
struct Api {
  decltype(&cudnnGetVersion) getVersion = nullptr;
  decltype(&cudnnGetLastErrorString) getLastErrorString = nullptr;
  decltype(&cudnnCreate) create = nullptr;
  decltype(&cudnnDestroy) destroy = nullptr;
  decltype(&cudnnSetStream) setStream = nullptr;
  decltype(&cudnnBackendCreateDescriptor) createDescriptor = nullptr;
  decltype(&cudnnBackendDestroyDescriptor) destroyDescriptor = nullptr;
  decltype(&cudnnBackendFinalize) finalize = nullptr;
  decltype(&cudnnBackendSetAttribute) setAttribute = nullptr;
  decltype(&cudnnBackendGetAttribute) getAttribute = nullptr;
  decltype(&cudnnBackendExecute) execute = nullptr;
};

/// What a status means, as the end of a sentence: "the device is not the one the plan was made for". The library's own
/// words follow in parentheses where it has some.
std::string explain(const Api &api, cudnnStatus_t status);

inline bool fail(std::string &error, std::string message) {
  error = std::move(message);
  return false;
}

/// An owned descriptor. Errors stick: setters do nothing after the first failure, and `finalize` reports it.
class Descriptor {
public:
  Descriptor() = default;
  Descriptor(const Api &api, cudnnBackendDescriptorType_t type);
  Descriptor(Descriptor &&other) noexcept { *this = std::move(other); }
  Descriptor &operator=(Descriptor &&other) noexcept {
    std::swap(api, other.api);
    std::swap(raw, other.raw);
    std::swap(failure, other.failure);
    return *this;
  }
  ~Descriptor();

  cudnnBackendDescriptor_t get() const { return raw; }
  explicit operator bool() const { return raw != nullptr; }

  Descriptor &set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
                  const void *values);
  Descriptor &set(cudnnBackendAttributeName_t name, int64_t value);
  Descriptor &set(cudnnBackendAttributeName_t name, const std::vector<int64_t> &values);
  Descriptor &set(cudnnBackendAttributeName_t name, float value);
  Descriptor &set(cudnnBackendAttributeName_t name, bool value);
  Descriptor &set(cudnnBackendAttributeName_t name, cudnnDataType_t value);
  Descriptor &set(cudnnBackendAttributeName_t name, const Descriptor &value);
  Descriptor &set(cudnnBackendAttributeName_t name, const std::vector<const Descriptor *> &values);
  bool finalize(std::string &error);

  /// Reads up to `capacity` values; returns how many there are, or -1.
  int64_t get(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t capacity, void *values) const;
  bool get(cudnnBackendAttributeName_t name, int64_t &value) const {
    return get(name, CUDNN_TYPE_INT64, 1, &value) == 1;
  }
  /// Reads up to `capacity` descriptors of a type.
  std::vector<Descriptor> getDescriptors(cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type,
                                         int64_t capacity) const;

private:
  const Api *api = nullptr;
  cudnnBackendDescriptor_t raw = nullptr;
  cudnnStatus_t failure = CUDNN_STATUS_SUCCESS;
};

struct Library::Impl {
  void *shared = nullptr; ///< never closed: cuDNN keeps threads and atexit handlers of its own
  Api api;
  std::string version;
  mutable std::mutex mutex;
  mutable std::map<std::string, std::shared_ptr<Descriptor>> devices; ///< by profile text; each costs up to 0.4 s
};

/// The device property descriptor of a profile, made once per text; null with `error`.
std::shared_ptr<Descriptor> describeDevice(const Library::Impl &library, const std::string &profile,
                                           std::string &error);

} // namespace incept::cudnn
