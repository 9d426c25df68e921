// SPDX-License-Identifier: Apache-2.0

#include "KernelHarness.h"
#include "codegen/cpu/CompileKernels.h"
#include "codegen/cpu/CpuTarget.h"
#include "dialect/InceptOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "passes/Target.h"

#include <gtest/gtest.h>

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace mlir;

namespace incept::test {

namespace {

using Kernel = void (*)(void *const *, const int64_t *, int64_t, int64_t);

/// A shared object that lies in memory, opened for the time of a test.
class Library {
public:
  explicit Library(const std::vector<char> &bytes) {
    int file = memfd_create("kernels", 0);
    if (write(file, bytes.data(), bytes.size()) == ssize_t(bytes.size()))
      handle = dlopen(("/proc/self/fd/" + std::to_string(file)).c_str(), RTLD_NOW);
    close(file);
    EXPECT_TRUE(handle) << dlerror();
  }
  ~Library() {
    if (handle)
      dlclose(handle);
  }
  Kernel find(StringRef name) { return handle ? Kernel(dlsym(handle, name.str().c_str())) : nullptr; }

private:
  void *handle = nullptr;
};

class CpuRunner final : public KernelRunner {
public:
  const Target &target() const override { return *passTarget; }

  void run(ModuleOp module, const std::vector<Launch> &launches) override {
    auto bytes = cpu::compileKernels(module, cpu::KernelOptions());
    ASSERT_TRUE(succeeded(bytes));
    Library library(*bytes);
    for (const Launch &launch : launches) {
      Kernel kernel = library.find(launch.symbol);
      ASSERT_TRUE(kernel);
      std::vector<void *> operands;
      for (const LaunchOperand &operand : launch.operands)
        operands.push_back(operand.bytes->data() + operand.offsetBytes);
      // The last parts may be empty.
      int64_t units = launch.units, cuts[] = {0, units / 3, units / 3 + (units + 2) / 3, units};
      for (int part = 0; part < 3; ++part)
        kernel(operands.data(), launch.extents.data(), cuts[part], cuts[part + 1]);
    }
  }

private:
  std::shared_ptr<const Target> passTarget = cpu::createCpuTarget(1);
};

} // namespace

KernelRunner &cpuRunner() {
  static CpuRunner runner;
  return runner;
}

std::string compileFor(const std::string &text, const std::string &cpu) {
  MLIRContext context;
  context.loadDialect<InceptDialect, func::FuncDialect>();
  std::string messages;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    messages += diagnostic.str() + "\n";
    return success();
  });
  auto module = parseSourceString<ModuleOp>(text, &context);
  if (!module)
    return messages;
  cpu::KernelOptions options;
  options.cpu = cpu;
  auto bytes = cpu::compileKernels(*module, options);
  EXPECT_EQ(failed(bytes), !messages.empty());
  return messages;
}

} // namespace incept::test
