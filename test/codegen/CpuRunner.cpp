// SPDX-License-Identifier: Apache-2.0

#include "KernelHarness.h"
#include "codegen/cpu/CompileKernels.h"
#include "codegen/cpu/CpuTarget.h"
#include "dialect/InceptOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "passes/Target.h"
#include "llvm/Support/MathExtras.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <dlfcn.h>
#include <map>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

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

/// Where memory ends that no kernel may touch: a program that does so ends there.
enum class Guard { Before, Behind };

/// A copy of bytes with a page beside it that nobody may read or write.
class GuardedBytes {
public:
  GuardedBytes(const std::vector<char> &bytes, Guard guard)
      : page(sysconf(_SC_PAGESIZE)), mapped(llvm::alignTo(bytes.size(), page) + page) {
    void *memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(memory, MAP_FAILED);
    base = static_cast<char *>(memory);
    size_t forbidden = guard == Guard::Before ? 0 : mapped - page;
    EXPECT_EQ(mprotect(base + forbidden, page, PROT_NONE), 0);
    begin = guard == Guard::Before ? base + page : base + forbidden - bytes.size();
    std::copy(bytes.begin(), bytes.end(), begin);
  }
  GuardedBytes(GuardedBytes &&other) noexcept
      : page(other.page), mapped(other.mapped), base(std::exchange(other.base, nullptr)), begin(other.begin) {}
  ~GuardedBytes() {
    if (base)
      munmap(base, mapped);
  }

  char *data() { return begin; }

private:
  size_t page, mapped;
  char *base = nullptr, *begin = nullptr;
};

class CpuRunner final : public KernelRunner {
public:
  const Target &target() const override { return *passTarget; }

  void run(ModuleOp module, const std::vector<Launch> &launches) override {
    auto bytes = cpu::compileKernels(module, cpu::KernelOptions());
    ASSERT_TRUE(succeeded(bytes));
    Library library(*bytes);
    // Once with the end of each operand at the guard, and once with its beginning.
    for (Guard guard : {Guard::Before, Guard::Behind}) {
      std::map<std::vector<char> *, GuardedBytes> memory;
      for (const Launch &launch : launches)
        for (const LaunchOperand &operand : launch.operands)
          memory.try_emplace(operand.bytes, *operand.bytes, guard);
      for (const Launch &launch : launches)
        run(library, launch, memory);
      if (guard == Guard::Behind)
        for (auto &[bytes, guarded] : memory)
          std::copy_n(guarded.data(), bytes->size(), bytes->begin());
    }
  }

private:
  static void run(Library &library, const Launch &launch, std::map<std::vector<char> *, GuardedBytes> &memory) {
    Kernel kernel = library.find(launch.symbol);
    ASSERT_TRUE(kernel);
    std::vector<void *> operands;
    for (const LaunchOperand &operand : launch.operands)
      operands.push_back(memory.at(operand.bytes).data() + operand.offsetBytes);
    // The last parts may be empty.
    int64_t units = launch.units, cuts[] = {0, units / 3, units / 3 + (units + 2) / 3, units};
    for (int part = 0; part < 3; ++part)
      kernel(operands.data(), launch.extents.data(), cuts[part], cuts[part + 1]);
  }

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
