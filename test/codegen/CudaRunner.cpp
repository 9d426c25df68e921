// SPDX-License-Identifier: Apache-2.0
//
// Kernels as PTX, run by the interpreter on memory that is checked.

#include "KernelHarness.h"
#include "codegen/cuda/CompileKernels.h"
#include "codegen/cuda/CudaTarget.h"
#include "dialect/InceptOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tools/incept-sim/ptx/Ptx.h"
#include "llvm/Support/MathExtras.h"

#include <gtest/gtest.h>

using namespace mlir;

namespace incept::test {

namespace {

/// A function with the launches as exec.kernel ops, in order.
std::vector<exec::KernelOp> writeLaunches(ModuleOp module, const std::vector<Launch> &launches) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Location loc = module.getLoc();
  exec::RegionOp::create(builder, loc, "memory", INT64_MAX);
  auto function = func::FuncOp::create(builder, loc, "launches", builder.getFunctionType({}, {}));
  builder.setInsertionPointToStart(function.addEntryBlock());
  std::vector<exec::KernelOp> ops;
  for (const Launch &launch : launches) {
    SmallVector<Value> operands[2];
    // Where a tensor begins decides how wide its accesses are; buffers themselves are aligned.
    for (const LaunchOperand &operand : launch.operands)
      operands[operand.isOutput].push_back(
          exec::SliceOp::create(builder, loc, operand.type, "memory", operand.offsetBytes));
    ops.push_back(
        exec::KernelOp::create(builder, loc, launch.symbol, operands[0], operands[1], launch.extents, launch.units));
  }
  func::ReturnOp::create(builder, loc);
  return ops;
}

class CudaRunner final : public KernelRunner {
public:
  const Target &target() const override { return *passTarget; }

  void run(ModuleOp module, const std::vector<Launch> &launches) override {
    auto ops = writeLaunches(module, launches);
    ASSERT_TRUE(succeeded(shapeLaunches(module, *passTarget)));
    auto ptx = cuda::compileToPtx(module, {"sm_90", "+ptx80"});
    ASSERT_TRUE(succeeded(ptx));
    auto code = sim::ptx::Module::parse(*ptx);
    ASSERT_TRUE(bool(code)) << code.status().message() << "\n" << *ptx;
    sim::memory::Memory memory(uint64_t(1) << 32, /*cells=*/true);
    ASSERT_TRUE(code->place(memory).ok());
    std::map<std::vector<char> *, uint64_t> addresses;
    for (size_t i = 0; i < launches.size(); ++i) {
      const sim::ptx::Kernel *kernel = code->find(ops[i].getCodeSymbol());
      ASSERT_TRUE(kernel) << *ptx;
      std::vector<uint64_t> parameters;
      for (const LaunchOperand &operand : launches[i].operands)
        parameters.push_back(place(memory, addresses, operand) + operand.offsetBytes);
      for (int64_t extent : launches[i].extents)
        parameters.push_back(extent);
      sim::ptx::Options options;
      options.threads = 2;
      options.races = true;
      auto dimensions = [](ArrayRef<int64_t> size) {
        return sim::ptx::Dim3{uint32_t(size[0]), uint32_t(size[1]), uint32_t(size[2])};
      };
      Status status = sim::ptx::run(*kernel, dimensions(*ops[i].getGrid()), dimensions(*ops[i].getBlock()),
                                    std::as_bytes(std::span(parameters)), memory, options);
      ASSERT_TRUE(status.ok()) << status.message() << "\n" << *ptx;
    }
    for (auto [bytes, address] : addresses)
      std::memcpy(bytes->data(), reinterpret_cast<const void *>(address), bytes->size());
  }

private:
  /// The device's copy of an operand's memory.
  static uint64_t place(sim::memory::Memory &memory, std::map<std::vector<char> *, uint64_t> &addresses,
                        const LaunchOperand &operand) {
    auto [entry, isNew] = addresses.try_emplace(operand.bytes, 0);
    if (!isNew)
      return entry->second;
    auto address = memory.allocate(std::max<size_t>(operand.bytes->size(), 1));
    EXPECT_TRUE(bool(address));
    entry->second = *address;
    std::memcpy(reinterpret_cast<void *>(*address), operand.bytes->data(), operand.bytes->size());
    // What a kernel has to write itself must not be read before.
    if (!operand.isOutput)
      memory.markWritten(*address, operand.bytes->size());
    return entry->second;
  }

  cuda::NoPlans plans;
  std::shared_ptr<const Target> passTarget = cuda::createCudaTarget(plans, false, /*multiprocessors=*/8);
};

} // namespace

KernelRunner &cudaRunner() {
  static CudaRunner runner;
  return runner;
}

} // namespace incept::test
