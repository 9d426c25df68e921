// SPDX-License-Identifier: Apache-2.0
//
// Plans on the machine where they run.
#include "runtime/device/cuda/CudnnGraph.h"

#include <algorithm>

namespace incept::cudnn {

/// A finalised plan and, for each set of addresses it was run with, a finalised variant pack: making one allocates, and
/// a program calls a plan with few sets of addresses.
struct Plan::Impl {
  struct Binding {
    std::vector<void *> addresses;
    Descriptor pack;
  };

  std::shared_ptr<const Library> library;
  Graph graph;     // of a rebuilt plan
  BuiltPlan built; // `parts` is empty where the plan was loaded
  size_t operands = 0;
  uint64_t workspaceBytes = 0;
  std::vector<Binding> bindings;
  size_t nextVictim = 0;

  /// What a loaded and a rebuilt plan have in common.
  void adopt(const Problem &problem) {
    operands = operandCount(problem);
    workspaceBytes = planWorkspace(built.plan);
  }
  Binding *bind(void *const *addresses, std::string &error);
};

Plan::Plan() = default;
Plan::~Plan() = default;
Plan::Plan(Plan &&) noexcept = default;
Plan &Plan::operator=(Plan &&) noexcept = default;

bool Plan::load(std::shared_ptr<const Library> library, Handle handle, const Problem &problem, const Choice &choice,
                std::string &error) {
  if (!handle)
    return fail(error, "there is no handle of a device"); // which cuDNN does not check
  if (!check(problem, error))
    return false;
  auto fresh = std::make_unique<Impl>();
  fresh->library = library;
  if (!loadPlan(library->internals().api, problem, choice.serialized, {handle, nullptr}, fresh->built.plan, error))
    return false;
  fresh->adopt(problem);
  impl = std::move(fresh);
  return true;
}

bool Plan::rebuild(std::shared_ptr<const Library> library, Handle handle, const Problem &problem, const Choice &choice,
                   std::string &error) {
  if (!handle)
    return fail(error, "there is no handle of a device");
  auto fresh = std::make_unique<Impl>();
  fresh->library = library;
  if (!buildChoice(library->internals().api, problem, choice, {handle, nullptr}, fresh->graph, fresh->built, error))
    return false;
  fresh->adopt(problem);
  impl = std::move(fresh);
  return true;
}

uint64_t Plan::workspaceBytes() const { return impl ? impl->workspaceBytes : 0; }

bool Plan::serialize(std::string &json, std::string &error) const {
  return impl ? planJson(impl->built.plan, json, error) : fail(error, "the plan was not built");
}

Plan::Impl::Binding *Plan::Impl::bind(void *const *addresses, std::string &error) {
  constexpr size_t kMaxBindings = 64;
  for (Binding &binding : bindings)
    if (std::equal(binding.addresses.begin(), binding.addresses.end(), addresses))
      return &binding;
  Binding fresh;
  fresh.addresses.assign(addresses, addresses + operands);
  std::vector<int64_t> ids(operands - 1);
  for (size_t i = 0; i < ids.size(); ++i)
    ids[i] = int64_t(i) + 1;
  fresh.pack = Descriptor(library->internals().api, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  fresh.pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids)
      .set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, int64_t(ids.size()), addresses)
      .set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &addresses[operands - 1]);
  if (!fresh.pack.finalize(error))
    return nullptr;
  size_t slot = bindings.size() < kMaxBindings ? bindings.size() : nextVictim++ % kMaxBindings;
  if (slot == bindings.size())
    bindings.emplace_back();
  bindings[slot] = std::move(fresh);
  return &bindings[slot];
}

bool Plan::execute(Handle handle, void *const *operands, size_t count, std::string &error) {
  if (!impl || !handle)
    return fail(error, impl ? "there is no handle of a device" : "the plan was not built");
  if (count != impl->operands)
    return fail(error, "expected " + std::to_string(impl->operands) + " operands, but got " + std::to_string(count));
  for (size_t i = 0; i < count; ++i) {
    bool isWorkspace = i + 1 == count;
    if (!operands[i] && (!isWorkspace || impl->workspaceBytes != 0))
      return fail(error, "operand " + std::to_string(i) + " has no address");
    if (reinterpret_cast<uintptr_t>(operands[i]) % kOperandAlignment != 0)
      return fail(error, "operand " + std::to_string(i) + " is not at a multiple of " +
                             std::to_string(kOperandAlignment) + " bytes");
  }
  Impl::Binding *binding = impl->bind(operands, error);
  if (!binding)
    return false;
  const Api &api = impl->library->internals().api;
  cudnnStatus_t status = api.execute(static_cast<cudnnHandle_t>(handle), impl->built.plan.get(), binding->pack.get());
  return status == CUDNN_STATUS_SUCCESS || fail(error, explain(api, status));
}

} // namespace incept::cudnn
