// SPDX-License-Identifier: Apache-2.0
//
// Kernels of TinyProgram: softmax regression of 2x2 images to 3 classes. Extents are {rows, pixels, classes}.
#include <math.h>
#include <stdint.h>

void tiny_stage_u8(void *const *operands, const int64_t *extents, int64_t begin, int64_t end) {
  const uint8_t *src = operands[0];
  float *dst = operands[1];
  for (int64_t i = begin * extents[1]; i < end * extents[1]; ++i)
    dst[i] = (float)src[i] / 255.0f;
}

void tiny_stage_f32(void *const *operands, const int64_t *extents, int64_t begin, int64_t end) {
  const float *src = operands[0];
  float *dst = operands[1];
  for (int64_t i = begin * extents[1]; i < end * extents[1]; ++i)
    dst[i] = src[i];
}

// operands: images (N,P), weights (K,P), logits (N,K); a unit is a row.
void tiny_linear(void *const *operands, const int64_t *extents, int64_t begin, int64_t end) {
  const float *src = operands[0], *weights = operands[1];
  float *dst = operands[2];
  for (int64_t n = begin; n < end; ++n)
    for (int64_t k = 0; k < extents[2]; ++k) {
      float sum = 0;
      for (int64_t p = 0; p < extents[1]; ++p)
        sum += src[n * extents[1] + p] * weights[k * extents[1] + p];
      dst[n * extents[2] + k] = sum;
    }
}

// operands: images, labels, logits, loss, diff_weights; one unit, so that sums have one order.
void tiny_loss(void *const *operands, const int64_t *extents, int64_t begin, int64_t end) {
  const float *src = operands[0], *logits = operands[2];
  const int64_t *labels = operands[1];
  float *loss = operands[3], *diff = operands[4];
  const int64_t rows = extents[0], pixels = extents[1], classes = extents[2];
  *loss = 0;
  for (int64_t i = 0; i < classes * pixels; ++i)
    diff[i] = 0;
  for (int64_t n = 0; n < rows; ++n) {
    float sum = 0;
    for (int64_t k = 0; k < classes; ++k)
      sum += expf(logits[n * classes + k]);
    *loss += (logf(sum) - logits[n * classes + labels[n]]) / (float)rows;
    for (int64_t k = 0; k < classes; ++k) {
      float error = (expf(logits[n * classes + k]) / sum - (k == labels[n] ? 1.0f : 0.0f)) / (float)rows;
      for (int64_t p = 0; p < pixels; ++p)
        diff[k * pixels + p] += error * src[n * pixels + p];
    }
  }
}

// operands: weights, diff_weights, learning rate; a unit is an element.
void tiny_update(void *const *operands, const int64_t *extents, int64_t begin, int64_t end) {
  float *weights = operands[0];
  const float *diff = operands[1], *rate = operands[2];
  for (int64_t i = begin; i < end; ++i)
    weights[i] -= *rate * diff[i];
}
