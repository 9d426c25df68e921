// SPDX-License-Identifier: Apache-2.0
//
// Modules and kernels as callers see them.

#include "tools/incept-sim/ptx/Program.h"

#include <algorithm>

namespace incept::sim::ptx {

Kernel::Kernel(std::unique_ptr<KernelCode> code) : code_(std::move(code)) {}
Kernel::~Kernel() = default;
Kernel::Kernel(Kernel &&) = default;

const std::string &Kernel::name() const { return code_->name; }
const std::vector<Parameter> &Kernel::parameters() const { return code_->parameters; }
uint32_t Kernel::parameterBytes() const { return code_->parameterBytes; }
uint32_t Kernel::staticSharedBytes() const { return code_->sharedBytes; }
uint32_t Kernel::localBytes() const { return code_->localBytes; }
uint32_t Kernel::registers() const { return code_->registers32; }
uint32_t Kernel::maxThreads() const { return code_->maxThreads; }
const std::array<uint32_t, 3> &Kernel::requiredThreads() const { return code_->requiredThreads; }
const Status &Kernel::status() const { return code_->status; }

Expected<Module> Module::parse(std::string_view text) {
#ifdef __x86_64__
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
    return machineError("the simulated device needs a processor with AVX2 and FMA");
#endif
  Expected<ModuleSyntax> syntax = parseModule(text);
  if (!syntax)
    return syntax.status();
  Module module;
  module.version_ = syntax->version;
  module.target_ = syntax->target;
  module.variables_ = std::make_shared<std::vector<Variable>>(std::move(syntax->variables));
  module.kernels_ = std::make_shared<std::vector<Kernel>>();
  for (const KernelSyntax &kernel : syntax->kernels)
    module.kernels_->emplace_back(decode(kernel, *syntax, module.variables_));
  return module;
}

Status Module::place(memory::Memory &memory) {
  for (Variable &variable : *variables_) {
    if (variable.address)
      return usageError("the module's variables have their memory already");
    Expected<uint64_t> address = memory.allocate(std::max<uint64_t>(1, variable.bytes));
    if (!address) {
      release(memory);
      return address.status();
    }
    variable.address = *address;
    std::copy(variable.initial.begin(), variable.initial.end(), reinterpret_cast<std::byte *>(*address));
    memory.markWritten(*address, std::max<uint64_t>(1, variable.bytes));
    memory.label(*address, variable.bytes, variable.name);
    if (variable.constant)
      memory.markReadOnly(*address);
  }
  return {};
}

void Module::release(memory::Memory &memory) {
  for (Variable &variable : *variables_)
    if (variable.address) {
      (void)memory.free(variable.address);
      variable.address = 0;
    }
}

const Kernel *Module::find(std::string_view name) const {
  auto found = std::find_if(kernels_->begin(), kernels_->end(), [&](const Kernel &k) { return k.name() == name; });
  return found == kernels_->end() ? nullptr : &*found;
}

const Variable *Module::variable(std::string_view name) const {
  auto found = std::find_if(variables_->begin(), variables_->end(), [&](const Variable &v) { return v.name == name; });
  return found == variables_->end() ? nullptr : &*found;
}

} // namespace incept::sim::ptx
