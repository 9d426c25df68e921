// SPDX-License-Identifier: Apache-2.0

#include "dialect/ShapeInference.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using llvm::ArrayRef;

namespace incept {

static constexpr int64_t kDynamic = ShapedType::kDynamic;
/// Beyond this no dimension, stride or padding is meaningful; it keeps all products below in 63 bits.
static constexpr int64_t kLimit = int64_t(1) << 31;

static bool equalDims(int64_t a, int64_t b) { return a == b || a == kDynamic || b == kDynamic; }

bool sameShape(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  return a.size() == b.size() &&
         llvm::all_of(llvm::zip(a, b), [](auto pair) { return equalDims(std::get<0>(pair), std::get<1>(pair)); });
}

std::string formatShape(ArrayRef<int64_t> shape) {
  std::string text;
  for (int64_t dim : shape) {
    if (!text.empty())
      text += 'x';
    text += dim == kDynamic ? "?" : std::to_string(dim);
  }
  return text.empty() ? "scalar" : text;
}

int64_t rowsOf(ArrayRef<int64_t> shape) {
  int64_t rows = 1;
  for (auto [index, dim] : llvm::enumerate(shape))
    rows *= index == 1 ? 1 : dim;
  return rows;
}

FailureOr<int64_t> countElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t dim : shape)
    if (dim < 0 || llvm::MulOverflow(count, dim, count) || count >= (int64_t(1) << 62))
      return failure();
  return count;
}

FailureOr<int64_t> countMultiplyAccumulates(ArrayRef<int64_t> weights, ArrayRef<int64_t> dst) {
  int64_t count = 1;
  for (ArrayRef<int64_t> dims : {weights, dst.drop_front(2)})
    for (int64_t dim : dims)
      if (llvm::MulOverflow(count, dim, count))
        return failure();
  return count;
}

FailureOr<Window> makeWindow(EmitError emitError, ArrayRef<int64_t> kernel, ArrayRef<int64_t> stride,
                             ArrayRef<int64_t> padBegin, ArrayRef<int64_t> padEnd, ArrayRef<int64_t> dilation) {
  for (ArrayRef<int64_t> values : {kernel, stride, padBegin, padEnd, dilation})
    if (values.size() != 2) {
      emitError() << "expected window attributes of 2 values (vertical, horizontal), but got " << values.size();
      return failure();
    }
  Window window;
  for (int axis : {0, 1}) {
    window.kernel[axis] = kernel[axis];
    window.stride[axis] = stride[axis];
    window.padBegin[axis] = padBegin[axis];
    window.padEnd[axis] = padEnd[axis];
    window.dilation[axis] = dilation[axis];
  }
  return window;
}

FailureOr<int64_t> inferWindowAxis(EmitError emitError, int64_t size, const Window &window, int axis) {
  const char *name = axis == 0 ? "vertical" : "horizontal";
  int64_t kernel = window.kernel[axis], stride = window.stride[axis], dilation = window.dilation[axis];
  for (auto [what, value] : {std::pair("kernel", kernel), {"stride", stride}, {"dilation", dilation}})
    if (value != kDynamic && (value < 1 || value >= kLimit)) {
      emitError() << "expected a positive " << name << " " << what << " below 2^31, but got " << value;
      return failure();
    }
  for (int64_t pad : {window.padBegin[axis], window.padEnd[axis]})
    if (pad < 0 || pad >= kLimit) {
      emitError() << "expected " << name << " padding of at least 0 and below 2^31, but got " << pad;
      return failure();
    }
  if (size == kDynamic || kernel == kDynamic)
    return kDynamic;
  if (size >= kLimit) {
    emitError() << "expected an image below 2^31 pixels in each direction, but got " << size;
    return failure();
  }
  int64_t extent = dilation * (kernel - 1) + 1;
  int64_t padded = size + window.padBegin[axis] + window.padEnd[axis];
  if (padded < extent) {
    emitError() << "expected the " << name << " window of " << extent << " to fit the image, but it has " << size
                << " with " << padded - size << " of padding";
    return failure();
  }
  return (padded - extent) / stride + 1;
}

void setSamePadding(Window &window, int64_t height, int64_t width) {
  int64_t sizes[2] = {height, width};
  for (int axis : {0, 1}) {
    int64_t extent = window.dilation[axis] * (window.kernel[axis] - 1) + 1;
    int64_t outputs = llvm::divideCeil(sizes[axis], window.stride[axis]);
    int64_t total = std::max<int64_t>((outputs - 1) * window.stride[axis] + extent - sizes[axis], 0);
    window.padBegin[axis] = total / 2;
    window.padEnd[axis] = total - total / 2;
  }
}

void setTransposedPadding(Window &window, int64_t (&outputPadding)[2]) {
  for (int axis : {0, 1}) {
    int64_t extent = window.dilation[axis] * (window.kernel[axis] - 1) + 1, stride = window.stride[axis];
    int64_t total = std::max<int64_t>(extent - stride, 0);
    window.padBegin[axis] = total / 2;
    window.padEnd[axis] = total - total / 2;
    outputPadding[axis] = std::max<int64_t>(stride - extent, 0);
  }
}

void setCeilMode(Window &window, int64_t height, int64_t width) {
  int64_t sizes[2] = {height, width};
  for (int axis : {0, 1}) {
    int64_t extent = window.dilation[axis] * (window.kernel[axis] - 1) + 1, stride = window.stride[axis];
    int64_t padded = sizes[axis] + window.padBegin[axis] + window.padEnd[axis];
    if (padded < extent)
      continue;
    int64_t outputs = llvm::divideCeil(padded - extent, stride) + 1;
    if ((outputs - 1) * stride >= sizes[axis] + window.padBegin[axis])
      --outputs;
    window.padEnd[axis] += std::max<int64_t>((outputs - 1) * stride + extent - padded, 0);
  }
}

FailureOr<Shape> inferConv2D(EmitError emitError, ArrayRef<int64_t> src, ArrayRef<int64_t> weights, Window window,
                             int64_t groups) {
  if (src.size() != 4 || weights.size() != 4) {
    emitError() << "expected src and weights of rank 4, but got " << formatShape(src) << " and "
                << formatShape(weights);
    return failure();
  }
  // conv2d_c1
  if (groups < 1 || groups >= kLimit) {
    emitError() << "expected a positive number of groups, but got " << groups;
    return failure();
  }
  if (src[1] != kDynamic && weights[1] != kDynamic && src[1] != weights[1] * groups) {
    emitError() << "expected weights with " << src[1] << " / " << groups << " input channels, but got " << weights[1];
    return failure();
  }
  if (weights[0] != kDynamic && weights[0] % groups != 0) {
    emitError() << "expected output channels divisible by " << groups << " groups, but got " << weights[0];
    return failure();
  }
  // conv2d_c2
  window.kernel[0] = weights[2];
  window.kernel[1] = weights[3];
  auto height = inferWindowAxis(emitError, src[2], window, 0);
  if (failed(height))
    return failure();
  auto width = inferWindowAxis(emitError, src[3], window, 1);
  if (failed(width))
    return failure();
  return Shape{src[0], weights[0], *height, *width};
}

FailureOr<Shape> inferConvTranspose(EmitError emitError, ArrayRef<int64_t> src, ArrayRef<int64_t> weights,
                                    const Window &window, const int64_t (&outputPadding)[2], int64_t groups) {
  if (src.size() != 4 || weights.size() != 4) {
    emitError() << "expected src and weights of rank 4, but got " << formatShape(src) << " and "
                << formatShape(weights);
    return failure();
  }
  if (groups < 1 || groups >= kLimit || src[1] != weights[0] || src[1] % groups != 0 ||
      weights[1] >= kLimit / groups + (kLimit % groups != 0)) {
    emitError() << "expected weights for each of the " << src[1] << " channels of src, which " << groups
                << " groups divide, but got " << weights[0];
    return failure();
  }
  Shape dst{src[0], weights[1] * groups, 0, 0};
  for (int axis : {0, 1}) {
    const char *name = axis == 0 ? "vertical" : "horizontal";
    int64_t stride = window.stride[axis], size = src[2 + axis], kernel = weights[2 + axis];
    int64_t pads = window.padBegin[axis] + window.padEnd[axis], dilation = window.dilation[axis];
    if (size >= kLimit || kernel >= kLimit || stride >= kLimit || dilation >= kLimit || pads >= 2 * kLimit) {
      emitError() << "expected a " << name << " image, window, stride, dilation and padding below 2^31";
      return failure();
    }
    if (outputPadding[axis] < 0 || outputPadding[axis] >= stride) {
      emitError() << "expected " << name << " output padding smaller than the stride of " << stride << ", but got "
                  << outputPadding[axis];
      return failure();
    }
    int64_t length = (size - 1) * stride + dilation * (kernel - 1) + 1 + outputPadding[axis] - pads;
    if (length < 1 || length >= kLimit) {
      emitError() << "expected a " << name << " size of 1 to 2^31 - 1, but got (" << size << " - 1) * " << stride
                  << " + window " << dilation * (kernel - 1) + 1 << " + output padding " << outputPadding[axis]
                  << " - padding " << pads << " = " << length;
      return failure();
    }
    dst[2 + axis] = length;
  }
  return dst;
}

FailureOr<Shape> inferPool(EmitError emitError, ArrayRef<int64_t> src, const Window &window) {
  if (src.size() != 4) {
    emitError() << "expected src of rank 4, but got " << formatShape(src);
    return failure();
  }
  Shape dst{src[0], src[1], 0, 0};
  for (int axis : {0, 1}) {
    auto length = inferWindowAxis(emitError, src[2 + axis], window, axis);
    if (failed(length))
      return failure();
    if (window.padBegin[axis] >= window.kernel[axis] ||
        window.padEnd[axis] >= window.kernel[axis] + window.stride[axis]) {
      emitError() << "expected padding smaller than the window of " << window.kernel[axis] << ", but got "
                  << std::max(window.padBegin[axis], window.padEnd[axis]);
      return failure();
    }
    dst[2 + axis] = *length;
  }
  return dst;
}

FailureOr<Shape> inferConcat(EmitError emitError, ArrayRef<ArrayRef<int64_t>> srcs) {
  if (srcs.empty()) {
    emitError() << "expected at least one operand";
    return failure();
  }
  Shape dst;
  for (ArrayRef<int64_t> src : srcs) {
    if (src.size() != 4) {
      emitError() << "expected operands of rank 4, but got " << formatShape(src);
      return failure();
    }
    if (dst.empty()) {
      dst.assign(src.begin(), src.end());
      continue;
    }
    if (!equalDims(dst[0], src[0]) || !equalDims(dst[2], src[2]) || !equalDims(dst[3], src[3])) {
      emitError() << "expected operands of equal batch, height and width, but got " << formatShape(srcs.front())
                  << " and " << formatShape(src);
      return failure();
    }
    if (dst[1] == kDynamic || src[1] == kDynamic)
      dst[1] = kDynamic;
    else if ((dst[1] += src[1]) >= kLimit) {
      emitError() << "expected fewer than 2^31 channels, but got " << dst[1];
      return failure();
    }
  }
  return dst;
}

FailureOr<Shape> inferSlice(EmitError emitError, ArrayRef<int64_t> src, int64_t offset, int64_t channels) {
  if (src.size() != 4 || offset < 0 || (channels != kDynamic && channels < 1) ||
      (channels != kDynamic && src[1] != kDynamic && offset > src[1] - channels)) {
    emitError() << "expected channels " << offset << " to " << offset + std::max<int64_t>(channels, 0)
                << " to lie inside " << formatShape(src);
    return failure();
  }
  return Shape{src[0], channels, src[2], src[3]};
}

FailureOr<Shape> inferLinear(EmitError emitError, ArrayRef<int64_t> src, ArrayRef<int64_t> weights) {
  if (src.size() != 2 || weights.size() != 2 || !equalDims(src[1], weights[1])) {
    emitError() << "expected weights with a column per column of src, but got src " << formatShape(src)
                << " and weights " << formatShape(weights);
    return failure();
  }
  return Shape{src[0], weights[0]};
}

} // namespace incept
