// SPDX-License-Identifier: Apache-2.0
//
// In the place of the wrapper where this project was built without cuDNN's headers: opening the library fails, so that
// nothing else of it is reached.
#include "runtime/device/cuda/Cudnn.h"

namespace incept::cudnn {

struct Library::Impl {};

Library::Library(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Library::~Library() = default;

std::shared_ptr<const Library> Library::open(const Paths &, std::string &error) {
  error = "this build of incept has no cuDNN: run scripts/setup.sh --cuda and build again";
  return nullptr;
}

const std::string &Library::version() const {
  static const std::string none;
  return none;
}

bool Library::choose(const Problem &, const std::string &, uint64_t, Choice &, std::string &,
                     const EngineCosts *) const {
  return false;
}
bool Library::choose(const Problem &, Handle, uint64_t, Choice &, std::string &) const { return false; }
bool Library::workspaceOn(const Problem &, const Choice &, const std::string &, uint64_t &, std::string &) const {
  return false;
}
bool Library::createHandle(void *, Handle &, std::string &) const { return false; }
void Library::destroyHandle(Handle) const {}

struct Plan::Impl {};
Plan::Plan() = default;
Plan::~Plan() = default;
Plan::Plan(Plan &&) noexcept = default;
Plan &Plan::operator=(Plan &&) noexcept = default;
bool Plan::load(std::shared_ptr<const Library>, Handle, const Problem &, const Choice &, std::string &) {
  return false;
}
bool Plan::rebuild(std::shared_ptr<const Library>, Handle, const Problem &, const Choice &, std::string &) {
  return false;
}
uint64_t Plan::workspaceBytes() const { return 0; }
bool Plan::serialize(std::string &, std::string &) const { return false; }
bool Plan::execute(Handle, void *const *, size_t, std::string &) { return false; }

} // namespace incept::cudnn
