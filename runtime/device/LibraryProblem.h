// SPDX-License-Identifier: Apache-2.0
//
// What every library is told of a convolution, one of its gradients, or a matrix product, in oneDNN's names; the
// wrappers add their own (onednn::Problem, cudnn::Problem).
#pragma once

#include <cstdint>

namespace incept {

/// What is to be computed. Reorders are oneDNN's alone.
enum class LibraryKind { ConvolutionForward, ConvolutionBackwardData, ConvolutionBackwardWeights, MatMul, Reorder };

struct LibraryProblem {
  LibraryKind kind = LibraryKind::ConvolutionForward;
  // Convolutions; a dense one has dilation 1. The weights of a grouped one are (oc, ic/g, kh, kw).
  int64_t mb = 0, g = 1, ic = 0, ih = 0, iw = 0, oc = 0, oh = 0, ow = 0, kh = 0, kw = 0;
  int64_t sh = 1, sw = 1, dh = 1, dw = 1, pt = 0, pl = 0, pb = 0, pr = 0;
  bool bias = false; ///< of a forward convolution or a product
  bool relu = false; ///< forward only: dst = max(dst, 0)
  // MatMul: c = op(a) * op(b) + bias; lda, ldb, ldc are row pitches in elements of the stored matrices.
  int64_t m = 0, n = 0, k = 0, lda = 0, ldb = 0, ldc = 0;
  bool transposeA = false, transposeB = false;
};

} // namespace incept
