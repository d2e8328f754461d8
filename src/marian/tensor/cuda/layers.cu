// What stands between the products of a layer, each in one pass over the numbers.

#include "numbers.cuh"

// Warps of a block, each of which takes a row.
const unsigned WARPS = 4;

// out = norm(x + y + bias), a layer norm of `weight` and `shift`, of rows of `d` numbers, a multiple of a pack. Each lane
// takes every 32nd pack of its row and keeps the sums in its block's memory, where the lanes' numbers lie side by side:
// WARPS · d numbers, d made up to whole turns of all lanes.
template <typename T>
static __device__ __forceinline__ void add_norm(const T *x, const T *y, const T *bias, const T *weight, const T *shift,
                                                const unsigned rows, const unsigned d, const float epsilon, T *out) {
    extern __shared__ float kept[];
    const unsigned N = Pack<T>::N;
    const unsigned warp = threadIdx.x / 32, lane = threadIdx.x % 32, row = blockIdx.x * WARPS + warp;
    if (row >= rows) {
        return;
    }
    const size_t start = (size_t)row * d;
    const unsigned turn = 32 * N;
    float *numbers = kept + warp * ((d + turn - 1) / turn * turn) + lane;
    float sum = 0.0f;
    for (unsigned i = lane * N, at = 0; i < d; i += turn, at += turn) {
        const Pack<T> a = read(x + start + i), b = read(y + start + i), c = read(bias + i);
#pragma unroll
        for (unsigned n = 0; n < N; n++) {
            const float number = single(a.at[n]) + (single(b.at[n]) + single(c.at[n]));
            numbers[at + 32 * n] = number;
            sum += number;
        }
    }
    const float mean = sum_of_warp(sum) / d;
    float squares = 0.0f;
    for (unsigned i = lane * N, at = 0; i < d; i += turn, at += turn) {
#pragma unroll
        for (unsigned n = 0; n < N; n++) {
            const float off = numbers[at + 32 * n] - mean;
            squares += off * off;
        }
    }
    const float scale = 1.0f / sqrtf(sum_of_warp(squares) / d + epsilon);
    for (unsigned i = lane * N, at = 0; i < d; i += turn, at += turn) {
        const Pack<T> times = read(weight + i), plus = read(shift + i);
        Pack<T> result;
#pragma unroll
        for (unsigned n = 0; n < N; n++) {
            result.at[n] = rounded<T>((numbers[at + 32 * n] - mean) * scale * single(times.at[n]) + single(plus.at[n]));
        }
        write(out + start + i, result);
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
                                               const T *shift, unsigned rows, unsigned d, float epsilon, T *out) {     \
        add_norm<T>(x, y, bias, weight, shift, rows, d, epsilon, out);                                                       \
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
