// SPDX-License-Identifier: Apache-2.0
//
// The one copy of every shape formula: verifiers, the frontend and gradient rules call these. Dimensions are logical
// (N,C,H,W; weights O,I,H,W). Any dimension may be dynamic (mlir::ShapedType::kDynamic), as in kernel definitions: it
// makes the results that depend on it dynamic and is not checked.
#pragma once

#include "mlir/IR/Diagnostics.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

namespace incept {

using EmitError = llvm::function_ref<mlir::InFlightDiagnostic()>;
using Shape = llvm::SmallVector<int64_t, 4>;

/// A sliding window; index 0 is vertical.
struct Window {
  int64_t kernel[2] = {1, 1};
  int64_t stride[2] = {1, 1};
  int64_t padBegin[2] = {0, 0};
  int64_t padEnd[2] = {0, 0};
  int64_t dilation[2] = {1, 1};
};

/// Builds a window from attribute arrays; fails unless each has two values.
mlir::FailureOr<Window> makeWindow(EmitError emitError, llvm::ArrayRef<int64_t> kernel, llvm::ArrayRef<int64_t> stride,
                                   llvm::ArrayRef<int64_t> padBegin, llvm::ArrayRef<int64_t> padEnd,
                                   llvm::ArrayRef<int64_t> dilation);

/// Output length of one axis: floor((size + pads - dilation*(kernel-1) - 1)/stride) + 1; fails where the window does
/// not fit or a value is out of range.
mlir::FailureOr<int64_t> inferWindowAxis(EmitError emitError, int64_t size, const Window &window, int axis);

/// TensorFlow's SAME: the output has ceil(size/stride) elements, padding floor(half) before and the rest after.
void setSamePadding(Window &window, int64_t height, int64_t width);

/// The paddings with which a transposed convolution's dst is `stride` times as large as its src; where the window is
/// smaller than the stride, so much of `outputPadding`.
void setTransposedPadding(Window &window, int64_t (&outputPadding)[2]);

/// Enlarges padEnd so that partial windows at the end count (ceil mode), in PyTorch's way: a window that would start
/// in the padding after the image is dropped.
void setCeilMode(Window &window, int64_t height, int64_t width);

/// Shape of a convolution's dst; `weights` is (O, I/groups, kh, kw), the window's kernel is taken from it.
mlir::FailureOr<Shape> inferConv2D(EmitError emitError, llvm::ArrayRef<int64_t> src, llvm::ArrayRef<int64_t> weights,
                                   Window window, int64_t groups);
/// Shape of a transposed convolution's dst: that of the image whose convolution with `weights` (I, O/groups, kh, kw)
/// has the shape `src`. Of the `stride` sizes that have it, `outputPadding` more than the smallest.
mlir::FailureOr<Shape> inferConvTranspose(EmitError emitError, llvm::ArrayRef<int64_t> src,
                                          llvm::ArrayRef<int64_t> weights, const Window &window,
                                          const int64_t (&outputPadding)[2], int64_t groups);
/// Shape of a pool's dst. Padding must be smaller than the window, so that no window is all padding.
mlir::FailureOr<Shape> inferPool(EmitError emitError, llvm::ArrayRef<int64_t> src, const Window &window);
/// Shape of a concat along channels.
mlir::FailureOr<Shape> inferConcat(EmitError emitError, llvm::ArrayRef<llvm::ArrayRef<int64_t>> srcs);
/// Shape of a channel range.
mlir::FailureOr<Shape> inferSlice(EmitError emitError, llvm::ArrayRef<int64_t> src, int64_t offset, int64_t channels);
/// Shape (N,K) of a linear layer of `src` (N,C) with `weights` (K,C).
mlir::FailureOr<Shape> inferLinear(EmitError emitError, llvm::ArrayRef<int64_t> src, llvm::ArrayRef<int64_t> weights);

/// Multiply-accumulates of one image, those with padding included, of a convolution or linear layer with these weights
/// (O,I,kh,kw or K,C) and dst (N,O,H,W or N,K); failure where they do not fit 63 bits.
mlir::FailureOr<int64_t> countMultiplyAccumulates(llvm::ArrayRef<int64_t> weights, llvm::ArrayRef<int64_t> dst);

/// True where the two agree, dynamic dimensions aside.
bool sameShape(llvm::ArrayRef<int64_t> a, llvm::ArrayRef<int64_t> b);
/// "8x3x299x299", with ? for dynamic dimensions.
std::string formatShape(llvm::ArrayRef<int64_t> shape);
/// Rows of a full tensor (N,C,...), the values of one channel: everything but channels.
int64_t rowsOf(llvm::ArrayRef<int64_t> shape);
/// Number of elements, or failure where it does not fit 62 bits.
mlir::FailureOr<int64_t> countElements(llvm::ArrayRef<int64_t> shape);

} // namespace incept
