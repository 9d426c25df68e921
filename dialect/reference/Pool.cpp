// SPDX-License-Identifier: Apache-2.0
//
// Pools, resizing and their gradients. The gradients are in scatter form here, the generated kernels in gather form.

#include "dialect/reference/Evaluators.h"

#include <cmath>

using namespace mlir;

namespace incept::reference {

namespace {

/// Calls `visit(kh, kw, ih, iw)` for the elements of the window of output (oh, ow) that lie inside the image, in
/// row-major order. `image` and the op's attributes give the geometry.
template <typename PoolOp, typename Visit>
void forEachInWindow(PoolOp op, const Shape &image, int64_t oh, int64_t ow, Visit visit) {
  ArrayRef<int64_t> kernel = op.getKernel(), stride = op.getStride(), pad = op.getPadBegin();
  for (int64_t kh = 0; kh < kernel[0]; ++kh)
    for (int64_t kw = 0; kw < kernel[1]; ++kw) {
      int64_t ih = oh * stride[0] - pad[0] + kh, iw = ow * stride[1] - pad[1] + kw;
      if (ih >= 0 && ih < image[2] && iw >= 0 && iw < image[3])
        visit(kh, kw, ih, iw);
    }
}

/// Calls `visit(n, c, h, w)` for all elements of a tensor of rank 4.
template <typename Visit>
void forEachElement(const Shape &shape, Visit visit) {
  for (int64_t n = 0; n < shape[0]; ++n)
    for (int64_t c = 0; c < shape[1]; ++c)
      for (int64_t h = 0; h < shape[2]; ++h)
        for (int64_t w = 0; w < shape[3]; ++w)
          visit(n, c, h, w);
}

/// The divisor of an average: elements of the window inside the image, or inside the padded image.
template <typename PoolOp>
double countInWindow(PoolOp op, const Shape &image, int64_t oh, int64_t ow) {
  if (op.getIncludePad()) {
    double count = 1;
    int64_t start[2] = {oh * op.getStride()[0], ow * op.getStride()[1]}; // in coordinates of the padded image
    for (int axis : {0, 1}) {
      int64_t padded = op.getPadBegin()[axis] + image[2 + axis] + op.getPadEnd()[axis];
      count *= std::min(start[axis] + op.getKernel()[axis], padded) - start[axis];
    }
    return count;
  }
  double count = 0;
  forEachInWindow(op, image, oh, ow, [&](int64_t, int64_t, int64_t, int64_t) { ++count; });
  return count;
}

/// The largest element of each window, and a NaN before any number; `workspace` (may be null) gets the position of the
/// first such element, of the last NaN.
template <typename PoolOp>
void findMaxima(PoolOp op, const Tensor &src, Tensor &dst, Tensor *workspace) {
  forEachElement(dst.shape, [&](int64_t n, int64_t c, int64_t oh, int64_t ow) {
    bool isFirst = true;
    forEachInWindow(op, src.shape, oh, ow, [&](int64_t kh, int64_t kw, int64_t ih, int64_t iw) {
      double value = src.at(n, c, ih, iw);
      if (!isFirst && !(value > dst.at(n, c, oh, ow)) && !std::isnan(value))
        return;
      isFirst = false;
      dst.at(n, c, oh, ow) = value;
      if (workspace)
        workspace->at(n, c, oh, ow) = double(kh * op.getKernel()[1] + kw);
    });
  });
}

void maxPool(MaxPoolOp op, Values &values) { findMaxima(op, values[op.getSrc()], values.result(op.getDst()), nullptr); }

void maxPoolWithIndex(MaxPoolWithIndexOp op, Values &values) {
  findMaxima(op, values[op.getSrc()], values.result(op.getDst()), &values.result(op.getWorkspace()));
}

void maxPoolBackward(MaxPoolBackwardOp op, Values &values) {
  const Tensor &diffDst = values[op.getDiffDst()], &workspace = values[op.getWorkspace()];
  Tensor &diffSrc = values.result(op.getDiffSrc());
  forEachElement(diffDst.shape, [&](int64_t n, int64_t c, int64_t oh, int64_t ow) {
    forEachInWindow(op, diffSrc.shape, oh, ow, [&](int64_t kh, int64_t kw, int64_t ih, int64_t iw) {
      if (workspace.at(n, c, oh, ow) == double(kh * op.getKernel()[1] + kw))
        diffSrc.at(n, c, ih, iw) += diffDst.at(n, c, oh, ow);
    });
  });
}

void avgPool(AvgPoolOp op, Values &values) {
  const Tensor &src = values[op.getSrc()];
  Tensor &dst = values.result(op.getDst());
  forEachElement(dst.shape, [&](int64_t n, int64_t c, int64_t oh, int64_t ow) {
    double sum = 0;
    forEachInWindow(op, src.shape, oh, ow,
                    [&](int64_t, int64_t, int64_t ih, int64_t iw) { sum += src.at(n, c, ih, iw); });
    double count = countInWindow(op, src.shape, oh, ow);
    dst.at(n, c, oh, ow) = count > 0 ? sum / count : 0; // a window that is all padding has nothing to average
  });
}

void avgPoolBackward(AvgPoolBackwardOp op, Values &values) {
  const Tensor &diffDst = values[op.getDiffDst()];
  Tensor &diffSrc = values.result(op.getDiffSrc());
  forEachElement(diffDst.shape, [&](int64_t n, int64_t c, int64_t oh, int64_t ow) {
    double share = diffDst.at(n, c, oh, ow) / countInWindow(op, diffSrc.shape, oh, ow);
    forEachInWindow(op, diffSrc.shape, oh, ow,
                    [&](int64_t, int64_t, int64_t ih, int64_t iw) { diffSrc.at(n, c, ih, iw) += share; });
  });
}

void globalAvgPool(GlobalAvgPoolOp op, Values &values) {
  const Tensor &src = values[op.getSrc()];
  Tensor &dst = values.result(op.getDst());
  double count = double(src.shape[2] * src.shape[3]);
  forEachElement(src.shape,
                 [&](int64_t n, int64_t c, int64_t h, int64_t w) { dst.at(n, c, 0, 0) += src.at(n, c, h, w); });
  for (double &value : dst.values)
    value /= count;
}

void globalAvgPoolBackward(GlobalAvgPoolBackwardOp op, Values &values) {
  const Tensor &diffDst = values[op.getDiffDst()];
  Tensor &diffSrc = values.result(op.getDiffSrc());
  double count = double(diffSrc.shape[2] * diffSrc.shape[3]);
  forEachElement(diffSrc.shape, [&](int64_t n, int64_t c, int64_t h, int64_t w) {
    diffSrc.at(n, c, h, w) = diffDst.at(n, c, 0, 0) / count;
  });
}

/// body(ih, iw) for the pixels of window (oh, ow), and how many there are, of an image divided into parts.
template <typename Body>
void forEachInPart(ArrayRef<int64_t> in, ArrayRef<int64_t> out, int64_t oh, int64_t ow, Body body) {
  auto begin = [](int64_t o, int64_t inputs, int64_t outputs) { return o * inputs / outputs; };
  auto end = [](int64_t o, int64_t inputs, int64_t outputs) { return ((o + 1) * inputs + outputs - 1) / outputs; };
  int64_t top = begin(oh, in[2], out[2]), bottom = end(oh, in[2], out[2]);
  int64_t left = begin(ow, in[3], out[3]), right = end(ow, in[3], out[3]);
  for (int64_t ih = top; ih < bottom; ++ih)
    for (int64_t iw = left; iw < right; ++iw)
      body(ih, iw, double((bottom - top) * (right - left)));
}

void adaptiveAvgPool(AdaptiveAvgPoolOp op, Values &values) {
  const Tensor &src = values[op.getSrc()];
  Tensor &dst = values.result(op.getDst());
  forEachElement(dst.shape, [&](int64_t n, int64_t c, int64_t oh, int64_t ow) {
    forEachInPart(src.shape, dst.shape, oh, ow,
                  [&](int64_t ih, int64_t iw, double count) { dst.at(n, c, oh, ow) += src.at(n, c, ih, iw) / count; });
  });
}

void adaptiveAvgPoolBackward(AdaptiveAvgPoolBackwardOp op, Values &values) {
  const Tensor &diffDst = values[op.getDiffDst()];
  Tensor &diffSrc = values.result(op.getDiffSrc());
  forEachElement(diffDst.shape, [&](int64_t n, int64_t c, int64_t oh, int64_t ow) {
    forEachInPart(diffSrc.shape, diffDst.shape, oh, ow, [&](int64_t ih, int64_t iw, double count) {
      diffSrc.at(n, c, ih, iw) += diffDst.at(n, c, oh, ow) / count;
    });
  });
}

/// body(position, share) for what position `o` of an axis reads that is resized from `inputs` to `outputs`.
template <typename Body>
void forEachSample(ResizeMode mode, int64_t o, int64_t inputs, int64_t outputs, Body body) {
  if (mode == ResizeMode::Nearest)
    return body(o * inputs / outputs, 1.0);
  double at = std::max((double(o) + 0.5) * double(inputs) / double(outputs) - 0.5, 0.0);
  auto first = std::min(int64_t(at), inputs - 1);
  body(first, 1 - (at - double(first)));
  body(std::min(first + 1, inputs - 1), at - double(first));
}

/// body(ih, iw, share) for the pixels that pixel (oh, ow) of the resized image reads.
template <typename Body>
void forEachSample(ResizeMode mode, const Shape &in, const Shape &out, int64_t oh, int64_t ow, Body body) {
  forEachSample(mode, oh, in[2], out[2], [&](int64_t ih, double vertical) {
    forEachSample(mode, ow, in[3], out[3], [&](int64_t iw, double horizontal) { body(ih, iw, vertical * horizontal); });
  });
}

void resize(ResizeOp op, Values &values) {
  const Tensor &src = values[op.getSrc()];
  Tensor &dst = values.result(op.getDst());
  forEachElement(dst.shape, [&](int64_t n, int64_t c, int64_t oh, int64_t ow) {
    forEachSample(op.getMode(), src.shape, dst.shape, oh, ow,
                  [&](int64_t ih, int64_t iw, double share) { dst.at(n, c, oh, ow) += src.at(n, c, ih, iw) * share; });
  });
}

void resizeBackward(ResizeBackwardOp op, Values &values) {
  const Tensor &diffDst = values[op.getDiffDst()];
  Tensor &diffSrc = values.result(op.getDiffSrc());
  forEachElement(diffDst.shape, [&](int64_t n, int64_t c, int64_t oh, int64_t ow) {
    forEachSample(op.getMode(), diffSrc.shape, diffDst.shape, oh, ow, [&](int64_t ih, int64_t iw, double share) {
      diffSrc.at(n, c, ih, iw) += diffDst.at(n, c, oh, ow) * share;
    });
  });
}

} // namespace

void attachPoolEvaluators(MLIRContext *context) {
  Evaluator::attach<MaxPoolOp, maxPool>(context);
  Evaluator::attach<MaxPoolWithIndexOp, maxPoolWithIndex>(context);
  Evaluator::attach<MaxPoolBackwardOp, maxPoolBackward>(context);
  Evaluator::attach<AdaptiveAvgPoolOp, adaptiveAvgPool>(context);
  Evaluator::attach<AdaptiveAvgPoolBackwardOp, adaptiveAvgPoolBackward>(context);
  Evaluator::attach<ResizeOp, resize>(context);
  Evaluator::attach<ResizeBackwardOp, resizeBackward>(context);
  Evaluator::attach<AvgPoolOp, avgPool>(context);
  Evaluator::attach<AvgPoolBackwardOp, avgPoolBackward>(context);
  Evaluator::attach<GlobalAvgPoolOp, globalAvgPool>(context);
  Evaluator::attach<GlobalAvgPoolBackwardOp, globalAvgPoolBackward>(context);
}

} // namespace incept::reference
