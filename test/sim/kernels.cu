// SPDX-License-Identifier: Apache-2.0
//
// Ordinary CUDA C++ for CudaTest: what nvcc makes of it is another compiler's PTX.

#include <cuda_bf16.h>
#include <cuda_fp16.h>

extern "C" __global__ void saxpy(const float *x, float *y, float a, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    y[i] = a * x[i] + y[i];
}

// One block per row.
extern "C" __global__ void softmax(const float *x, float *y, int columns) {
  __shared__ float partial[32];
  const float *row = x + blockIdx.x * columns;
  float most = -INFINITY, sum = 0;
  for (int i = threadIdx.x; i < columns; i += blockDim.x)
    most = fmaxf(most, row[i]);
  for (int by = 16; by > 0; by /= 2)
    most = fmaxf(most, __shfl_xor_sync(~0u, most, by));
  if (threadIdx.x % 32 == 0)
    partial[threadIdx.x / 32] = most;
  __syncthreads();
  for (int i = 0; i < blockDim.x / 32; ++i)
    most = fmaxf(most, partial[i]);
  __syncthreads();
  for (int i = threadIdx.x; i < columns; i += blockDim.x)
    sum += expf(row[i] - most);
  for (int by = 16; by > 0; by /= 2)
    sum += __shfl_down_sync(~0u, sum, by);
  if (threadIdx.x % 32 == 0)
    partial[threadIdx.x / 32] = sum;
  __syncthreads();
  sum = 0;
  for (int i = 0; i < blockDim.x / 32; ++i)
    sum += partial[i];
  for (int i = threadIdx.x; i < columns; i += blockDim.x)
    y[blockIdx.x * columns + i] = expf(row[i] - most) / sum;
}

extern "C" __global__ void transpose(const float *x, float *y, int rows, int columns) {
  __shared__ float tile[32][33];
  int column = blockIdx.x * 32 + threadIdx.x, row = blockIdx.y * 32 + threadIdx.y;
  for (int i = 0; i < 32; i += 8)
    if (column < columns && row + i < rows)
      tile[threadIdx.y + i][threadIdx.x] = x[(row + i) * columns + column];
  __syncthreads();
  column = blockIdx.y * 32 + threadIdx.x, row = blockIdx.x * 32 + threadIdx.y;
  for (int i = 0; i < 32; i += 8)
    if (column < rows && row + i < columns)
      y[(row + i) * rows + column] = tile[threadIdx.x][threadIdx.y + i];
}

// Sums of rows into doubles, with dynamic shared memory.
extern "C" __global__ void sums(const float *x, double *y, int columns) {
  extern __shared__ double partials[];
  double sum = 0;
  for (int i = threadIdx.x; i < columns; i += blockDim.x)
    sum += x[blockIdx.x * columns + i];
  partials[threadIdx.x] = sum;
  for (int half = blockDim.x / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half)
      partials[threadIdx.x] += partials[threadIdx.x + half];
  }
  if (threadIdx.x == 0)
    y[blockIdx.x] = partials[0];
}

extern "C" __global__ void halves(const float *x, __half *h, __nv_bfloat16 *b, __half2 *pairs, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  h[i] = __hadd(__float2half(x[i]), __float2half(1.0f));
  b[i] = __hmul(__float2bfloat16(x[i]), __float2bfloat16(3.0f));
  pairs[i] = __hfma2(__floats2half2_rn(x[i], -x[i]), __float2half2_rn(2.0f), __float2half2_rn(0.5f));
}

extern "C" __global__ void functions(const float *x, float *y, const double *d, double *e, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  float v = x[i];
  float *out = y + 12 * i;
  out[0] = sinf(v);
  out[1] = cosf(v * 100000.0f);
  out[2] = expf(v);
  out[3] = logf(fabsf(v));
  out[4] = tanhf(v);
  out[5] = sqrtf(fabsf(v));
  out[6] = powf(fabsf(v), 1.7f);
  out[7] = v / 3.1f;
  out[8] = floorf(v) + rintf(v);
  out[9] = erff(v);
  out[10] = fmodf(v, 0.37f);
  out[11] = rsqrtf(fabsf(v));
  e[3 * i] = exp(d[i]);
  e[3 * i + 1] = log(fabs(d[i]));
  e[3 * i + 2] = d[i] / 3.1;
}

// nvcc makes a call of the reduction of large arguments.
extern "C" __global__ void calls(double *e) { e[threadIdx.x] = sin(e[threadIdx.x]); }

// Every integer operation that C has, and a switch.
extern "C" __global__ void integers(const int *a, const int *b, long long *c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  int x = a[i], y = b[i];
  unsigned ux = x, uy = y;
  long long lx = (long long)x * 1000003, ly = y;
  long long result = 0;
  switch (ux % 7) {
  case 0: result = x / (y | 1); break;
  case 1: result = ux / (uy | 1); break;
  case 2: result = lx / (ly | 1); break;
  case 3: result = lx % (ly | 1); break;
  case 4: result = __popc(x) + __clz(y) + __ffs(x) + __brev(ux); break;
  case 5: result = __mulhi(x, y) + __byte_perm(x, y, 0x5140) + (x >> (y & 31)) + (ux >> (y & 31)); break;
  default: result = (unsigned long long)lx / (unsigned long long)(ly | 1) + __funnelshift_l(ux, uy, x); break;
  }
  c[i] = result + min(x, y) + max(ux, uy) + abs(x);
}
