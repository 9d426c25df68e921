// SPDX-License-Identifier: Apache-2.0
//
// Kernels of NVIDIA GPUs: one gpu.func per variant of a kernel definition, with a pointer per operand (inputs first,
// then outputs) and an i64 per extent. A block has threads (x: vectors of channels, y: rows or pixels), at most
// kBlockThreads of them; what a block's numbers mean is said by the family's row in ShapeLaunch.cpp.
//
// A variant for launches of several parts takes the inputs of all parts, then the outputs, the extents, and for each
// part the numbers of its blocks and of a block's threads (x, y). Its grid and blocks have one dimension: blocks are
// numbered part by part, and of its threads a part uses as many as a block of its own would have. Loops ask for their
// numbers here and see the part alone. Where the parts are of several kernels, the function has the code of each, one
// where a block belongs to it (the `then` of an `scf.if`) and the others where it does not (its `else`).
#pragma once

#include "codegen/cuda/ShapeLaunch.h"
#include "codegen/kernels/KernelEmitter.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

#include <optional>

namespace incept::cuda {

using namespace kernels;

class CudaEmitter final : public KernelEmitter {
public:
  /// Writes the function of a variant into `module`.
  static mlir::LogicalResult emit(mlir::gpu::GPUModuleOp module, const Variant &variant);

  mlir::Value operand(unsigned index) override { return operands[index]; }
  mlir::Value extent(unsigned index) override { return extents[index]; }
  /// A block per unit.
  void units(llvm::function_ref<void(mlir::Value)> body) override { body(blockX()); }
  /// A thread per unit.
  void smallUnits(mlir::Value count, llvm::function_ref<void(mlir::Value)> body) override;
  /// Over the threads' y.
  void items(mlir::Value count, llvm::function_ref<void(mlir::Value)> body) override;
  /// Over the blocks' y and the threads' x, one vector each: the variant's width divides the count.
  void vectors(mlir::Value count, llvm::function_ref<void(mlir::Value, Lanes)> body) override;
  llvm::ArrayRef<int64_t> windowGroups() override {
    static constexpr int64_t kGroups[] = {3, 2, 1};
    return kGroups;
  }
  void vectorBlocks(mlir::Value count, llvm::function_ref<void(llvm::ArrayRef<mlir::Value>, Lanes)> body) override;
  /// A warp per row; every lane takes a vector in turn.
  void rows(mlir::Value count, llvm::function_ref<void(mlir::Value)> body) override;
  mlir::Value fold(Fold how, mlir::Value lines, mlir::Value count, mlir::Value segment,
                   llvm::function_ref<mlir::Value(mlir::Value, mlir::Value, Lanes)> term) override;
  void along(mlir::Value lines, mlir::Value count,
             llvm::function_ref<void(mlir::Value, mlir::Value, Lanes)> body) override;

  mlir::Value threadX() { return place ? place->threadX : id<mlir::gpu::ThreadIdOp>(mlir::gpu::Dimension::x); }
  mlir::Value threadY() { return place ? place->threadY : id<mlir::gpu::ThreadIdOp>(mlir::gpu::Dimension::y); }
  mlir::Value threadsX() { return place ? place->threadsX : id<mlir::gpu::BlockDimOp>(mlir::gpu::Dimension::x); }
  mlir::Value threadsY() { return place ? place->threadsY : id<mlir::gpu::BlockDimOp>(mlir::gpu::Dimension::y); }
  mlir::Value blockX() { return place ? place->blockX : id<mlir::gpu::BlockIdOp>(mlir::gpu::Dimension::x); }
  mlir::Value blockY() { return place ? place->blockY : id<mlir::gpu::BlockIdOp>(mlir::gpu::Dimension::y); }
  mlir::Value blocksX() { return place ? place->blocksX : id<mlir::gpu::GridDimOp>(mlir::gpu::Dimension::x); }

  /// In 32 bits: a GPU divides 64 bits in a subroutine. ShapeLaunch.cpp admits no units beyond.
  mlir::Value div(mlir::Value a, mlir::Value b) override;
  mlir::Value rem(mlir::Value a, mlir::Value b) override;

  /// First channel of this thread's vector; it may lie beyond the last.
  mlir::Value channel();

  /// Static shared memory of `elements` values, 16-byte aligned; once per kernel and suffix.
  mlir::Value shared(int64_t elements, mlir::Type element, llvm::StringRef suffix = "_shared");
  /// `elements` values that the module has in global memory.
  mlir::Value moduleMemory(int64_t elements, mlir::Type element, llvm::StringRef name);
  /// For all threads of a block: true in the last block of those with this block's y to come here. It sees what the
  /// others wrote before they did. Tickets count them: atomic, so which block is last may differ, but not what it does.
  mlir::Value isLastOfRange();
  void barrier() { mlir::gpu::BarrierOp::create(builder, loc); }
  /// The value of the lane whose number differs in the bits of `mask`; all 32 lanes of the warp take part.
  mlir::Value shuffleXor(mlir::Value value, int32_t mask);

protected:
  /// What ShapeLaunch.cpp made sure of.
  unsigned vectorAlignment(mlir::Type element) override;
  bool isConstant(mlir::Value base) override;

private:
  /// Of one kernel of the function.
  CudaEmitter(mlir::gpu::GPUModuleOp module, mlir::gpu::GPUFuncOp function, mlir::OpBuilder builder,
              const Variant &kernel);

  template <typename IdOp>
  mlir::Value id(mlir::gpu::Dimension dimension) {
    mlir::Value value = IdOp::create(builder, loc, dimension);
    return mlir::arith::IndexCastOp::create(builder, loc, builder.getI64Type(), value);
  }

  /// body(line, c, carried) for this thread's vectors of [0, lines) and [0, count), and what it gave last.
  llvm::SmallVector<mlir::Value>
  walk(mlir::Value lines, mlir::Value count, mlir::ValueRange init,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::Value, mlir::ValueRange)> body);

  /// The address of the module's variable `name`, which is declared where it is not.
  mlir::Value global(llvm::StringRef name, mlir::Type type, unsigned space);
  mlir::Value narrow(mlir::Value value);
  mlir::Value widen(mlir::Value value);

  /// Where a thread is in its part.
  struct Place {
    mlir::Value blockX, blockY, blocksX, threadX, threadY, threadsX, threadsY;
    mlir::Value ranges; ///< blocks y of the parts before
  };
  /// Where the function's arguments for a kernel begin, and its blocks.
  struct Share {
    unsigned ins = 0, outs = 0, extents = 0, sizes = 0;
    mlir::Value blocks, ranges;  ///< those of the kernels before; null where there is none
    mlir::Block *rest = nullptr; ///< where the kernel's code is, if others are before
  };
  /// Finds the part that the block belongs to, and leaves behind the threads that it does not use and the blocks of
  /// kernels to come, if it is not the last. The share becomes that of the next kernel.
  void enterPart(const Variant &kernel, Share &share, bool isLast);

  mlir::gpu::GPUModuleOp module;
  mlir::gpu::GPUFuncOp function;
  int64_t team = kBlockThreads;                     ///< threads that take together what `fold` and `along` go over
  llvm::SmallVector<mlir::Value> operands, extents; ///< of the part
  std::optional<Place> place;                       ///< where there are several parts
  llvm::SmallBitVector constant;                    ///< of each input
};

// Loops of the families.
mlir::LogicalResult emitFlat(CudaEmitter &emitter);
mlir::LogicalResult emitMap(CudaEmitter &emitter);
mlir::LogicalResult emitReduce(CudaEmitter &emitter);
mlir::LogicalResult emitReduceCombine(CudaEmitter &emitter);
mlir::LogicalResult emitCombine(CudaEmitter &emitter);

// Loops of opaque kernels.
void emitCountNonfinite(CountNonfiniteOp op, CudaEmitter &emitter);
void emitSumSquares(SumSquaresOp op, CudaEmitter &emitter);
void emitGlobalAvgPool(GlobalAvgPoolOp op, CudaEmitter &emitter);
mlir::LogicalResult emitNormalizeImage(NormalizeImageOp op, CudaEmitter &emitter);
mlir::LogicalResult emitReorder(ReorderOp op, CudaEmitter &emitter);
void emitSoftmaxCrossEntropy(SoftmaxCrossEntropyOp op, CudaEmitter &emitter);
void emitSoftmaxCrossEntropyBackward(SoftmaxCrossEntropyBackwardOp op, CudaEmitter &emitter);

} // namespace incept::cuda
