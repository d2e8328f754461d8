// What stands between the products of a layer, each in one pass over the numbers.

#include "numbers.cuh"

// Threads of a block that takes a row.
const unsigned THREADS = 128;

// The same sum to every thread of the block.
static __device__ __forceinline__ float sum_of_block(float x, float *parts) {
    x = sum_of_warp(x);
    // What the sum before left there has been read by all.
    __syncthreads();
    if (threadIdx.x % 32 == 0) {
        parts[threadIdx.x / 32] = x;
    }
    __syncthreads();
    float sum = 0.0f;
    for (unsigned i = 0; i < THREADS / 32; i++) {
        sum += parts[i];
    }
    return sum;
}

// out = norm(x + y + bias), a layer norm of `weight` and `shift`: a block for each row of `d` numbers.
template <typename T>
static __device__ __forceinline__ void add_norm(const T *x, const T *y, const T *bias, const T *weight, const T *shift,
                                                const unsigned d, const float epsilon, T *out) {
    extern __shared__ float row[];
    __shared__ float parts[THREADS / 32];
    const size_t start = (size_t)blockIdx.x * d;
    float sum = 0.0f;
    for (unsigned i = threadIdx.x; i < d; i += THREADS) {
        const float number = single(x[start + i]) + (single(y[start + i]) + single(bias[i]));
        row[i] = number;
        sum += number;
    }
    const float mean = sum_of_block(sum, parts) / d;
    float squares = 0.0f;
    for (unsigned i = threadIdx.x; i < d; i += THREADS) {
        const float off = row[i] - mean;
        squares += off * off;
    }
    const float scale = 1.0f / sqrtf(sum_of_block(squares, parts) / d + epsilon);
    for (unsigned i = threadIdx.x; i < d; i += THREADS) {
        out[start + i] = rounded<T>((row[i] - mean) * scale * single(weight[i]) + single(shift[i]));
    }
}

const unsigned RELU = 0, SILU = 1;

// out = activation(x + bias) of rows of `width` numbers, a multiple of a pack: `packs` of them, one a thread.
template <typename T>
static __device__ __forceinline__ void activate(const T *x, const T *bias, const unsigned kind, const unsigned width,
                                                const unsigned packs, T *out) {
    const unsigned N = Pack<T>::N;
    const unsigned pack = blockIdx.x * blockDim.x + threadIdx.x;
    if (pack >= packs) {
        return;
    }
    const size_t at = (size_t)pack * N;
    const Pack<T> numbers = read(x + at), more = read(bias + at % width);
    Pack<T> result;
#pragma unroll
    for (unsigned n = 0; n < N; n++) {
        const float number = single(numbers.at[n]) + single(more.at[n]);
        // What is no number stays none.
        const float active = kind == RELU ? (number < 0.0f ? 0.0f : number) : number / (1.0f + expf(-number));
        result.at[n] = rounded<T>(active);
    }
    write(out + at, result);
}

// out = scale · embedding of each row's token + position: `packs` of them, one a thread; `d` is a multiple of a pack.
template <typename T>
static __device__ __forceinline__ void embed(const T *embedding, const unsigned *tokens, const T *position,
                                             const float scale, const unsigned d, const unsigned packs, T *out) {
    const unsigned N = Pack<T>::N;
    const unsigned pack = blockIdx.x * blockDim.x + threadIdx.x;
    if (pack >= packs) {
        return;
    }
    const unsigned row = pack / (d / N), part = pack % (d / N) * N;
    const Pack<T> numbers = read(embedding + (size_t)tokens[row] * d + part), more = read(position + part);
    Pack<T> result;
#pragma unroll
    for (unsigned n = 0; n < N; n++) {
        result.at[n] = rounded<T>(single(numbers.at[n]) * scale + single(more.at[n]));
    }
    write(out + (size_t)pack * N, result);
}

#define KERNELS(NAME, T)                                                                                               \
    extern "C" __global__ void add_norm_##NAME(const T *x, const T *y, const T *bias, const T *weight,                 \
                                               const T *shift, unsigned d, float epsilon, T *out) {                    \
        add_norm<T>(x, y, bias, weight, shift, d, epsilon, out);                                                       \
    }                                                                                                                  \
    extern "C" __global__ void activate_##NAME(const T *x, const T *bias, unsigned kind, unsigned width,               \
                                               unsigned packs, T *out) {                                               \
        activate<T>(x, bias, kind, width, packs, out);                                                                 \
    }                                                                                                                  \
    extern "C" __global__ void embed_##NAME(const T *embedding, const unsigned *tokens, const T *position,             \
                                            float scale, unsigned d, unsigned packs, T *out) {                         \
        embed<T>(embedding, tokens, position, scale, d, packs, out);                                                   \
    }

KERNELS(f32, float)
KERNELS(f16, __half)
KERNELS(bf16, __nv_bfloat16)
