// Attention of one query to the keys before it: of a hypothesis to its own tokens and to its source. As products of
// matrices these are tens of thousands of products of a single row; here each warp reads the keys and values of one head
// of one row, wherever they lie, and holds nothing but its softmax so far.
//
// A warp is divided into groups of `size / N` lanes, N numbers a lane: each group takes every so-manyth position. What a
// row gets depends on that row alone, and every sum is taken in an order that depends on its number of positions alone.

#include "numbers.cuh"

const unsigned WARPS = 4;

// One head of one row. The warps of a block take the same head of rows that stand together: hypotheses of one source read
// the same keys and values, the source's and those of the tokens that they share, and find them in the nearest cache.
struct Place {
    unsigned row, head, lane;
};

static __device__ __forceinline__ Place place(unsigned heads) {
    return {blockIdx.x / heads * WARPS + threadIdx.x / 32, blockIdx.x % heads, threadIdx.x % 32};
}

// What e^(score - most) is to be multiplied by where `most` becomes `higher`; 0 before the first score.
static __device__ __forceinline__ float share(float most, float higher) {
    return most == -INFINITY ? 0.0f : expf(most - higher);
}

// `out` = softmax(q k) v over `count` positions, at least one; `q`: the lane's part, in f32. `where(i)`: where the lane's
// row has the key of its part of position `i`, its value `apart` further on; `bias`, or null, is what all values still lack.
// Where `weights` are wanted, the softmax of `width` positions goes there, 0 beyond `count`.
template <typename T, typename Where>
static __device__ __forceinline__ void attend(const float (&q)[Pack<T>::N], const unsigned count, const unsigned size,
                                              const unsigned apart, const unsigned lane, const Where where,
                                              const T *bias, T *__restrict__ out, float *weights,
                                              const unsigned width) {
    const unsigned N = Pack<T>::N;
    const unsigned lanes = size / N, group = lane / lanes, groups = 32 / lanes;
    const unsigned part = lane % lanes * N;
    float most = -INFINITY, sum = 0.0f, mixed[N];
#pragma unroll
    for (unsigned n = 0; n < N; n++) {
        mixed[n] = 0.0f;
    }
    for (unsigned chunk = 0; chunk < count; chunk += 32) {
        // Each lane finds one of the next 32 positions; the group that takes it asks for it.
        const T *found = chunk + lane < count ? where(chunk + lane) : nullptr;
        const unsigned in_chunk = min(32u, count - chunk);
        for (unsigned first = 0; first < in_chunk; first += 2 * groups) {
            // Two positions a turn, so that the memory has more to fetch at a time; the second one may be none.
            float score[2] = {0.0f, 0.0f};
            Pack<T> value[2];
#pragma unroll
            for (unsigned turn = 0; turn < 2; turn++) {
                const unsigned i = first + turn * groups + group;
                const T *at = reinterpret_cast<const T *>(
                    __shfl_sync(ALL, reinterpret_cast<unsigned long long>(found), i % 32));
                if (i < in_chunk) {
                    const Pack<T> key = read(at + part);
                    value[turn] = read(at + apart + part);
#pragma unroll
                    for (unsigned n = 0; n < N; n++) {
                        score[turn] += q[n] * single(key.at[n]);
                    }
                }
            }
            for (unsigned distance = lanes / 2; distance > 0; distance /= 2) {
                score[0] += __shfl_xor_sync(ALL, score[0], distance);
                score[1] += __shfl_xor_sync(ALL, score[1], distance);
            }
            const unsigned i = first + group;
            if (i >= in_chunk) {
                continue;
            }
            const bool two = i + groups < in_chunk;
            const float higher = fmaxf(most, two ? fmaxf(score[0], score[1]) : score[0]);
            const float before = share(most, higher), now = expf(score[0] - higher);
            sum = sum * before + now;
#pragma unroll
            for (unsigned n = 0; n < N; n++) {
                mixed[n] = mixed[n] * before + now * single(value[0].at[n]);
            }
            if (two) {
                const float next = expf(score[1] - higher);
                sum += next;
#pragma unroll
                for (unsigned n = 0; n < N; n++) {
                    mixed[n] += next * single(value[1].at[n]);
                }
            }
            most = higher;
            if (weights != nullptr && part == 0) {
                weights[chunk + i] = score[0];
                if (two) {
                    weights[chunk + i + groups] = score[1];
                }
            }
        }
    }
    // The groups become one; one that had no position has a sum of 0.
    for (unsigned distance = lanes; distance < 32; distance *= 2) {
        const float other = __shfl_xor_sync(ALL, most, distance);
        const float higher = fmaxf(most, other);
        const float mine = share(most, higher), theirs = share(other, higher);
        sum = sum * mine + __shfl_xor_sync(ALL, sum, distance) * theirs;
#pragma unroll
        for (unsigned n = 0; n < N; n++) {
            mixed[n] = mixed[n] * mine + __shfl_xor_sync(ALL, mixed[n], distance) * theirs;
        }
        most = higher;
    }
    if (group == 0) {
        Pack<T> result, more;
        if (bias != nullptr) {
            more = read(bias + part);
        }
#pragma unroll
        for (unsigned n = 0; n < N; n++) {
            result.at[n] = rounded<T>(mixed[n] / sum + (bias == nullptr ? 0.0f : single(more.at[n])));
        }
        write(out + part, result);
    }
    if (weights != nullptr) {
        // The scores were written by other lanes.
        __syncwarp();
        for (unsigned i = lane; i < width; i += 32) {
            weights[i] = i < count ? expf(weights[i] - most) / sum : 0.0f;
        }
    }
}

// A lane's part of a projection, its bias added.
template <typename T>
static __device__ __forceinline__ void biased(const T *x, const T *bias, float (&out)[Pack<T>::N]) {
    const Pack<T> number = read(x), more = read(bias);
#pragma unroll
    for (unsigned n = 0; n < Pack<T>::N; n++) {
        out[n] = single(number.at[n]) + single(more.at[n]);
    }
}

template <typename T>
static __device__ __forceinline__ void keep(const T *x, const T *bias, T *to) {
    float numbers[Pack<T>::N];
    biased(x, bias, numbers);
    Pack<T> result;
#pragma unroll
    for (unsigned n = 0; n < Pack<T>::N; n++) {
        result.at[n] = rounded<T>(numbers[n]);
    }
    write(to, result);
}

// Attention to the row's own tokens. Keys and values lie in slots of pages, 2 d numbers a slot, 2^shift slots a page, this
// layer's slots from `layer` numbers on.
// `qkv`: rows × 3 d, without `bias`, 3 d. `slots`: rows × room, the slot of each of the `before` positions before this one.
// Row i keeps its own key and value in slot `free` + i. `out`: rows × d.
template <typename T>
static __device__ __forceinline__ void own(const T *qkv, const T *bias, const unsigned *slots,
                                           const unsigned long long *pages, const unsigned rows, const unsigned heads,
                                           const unsigned size, const unsigned room, const unsigned before,
                                           const unsigned free, const unsigned shift, const unsigned long long layer,
                                           T *out) {
    const Place at = place(heads);
    if (at.row >= rows) {
        return;
    }
    const unsigned N = Pack<T>::N, d = heads * size, lanes = size / N;
    const unsigned head = at.head * size, part = at.lane % lanes * N;
    const T *x = qkv + (size_t)at.row * 3 * d + head + part;
    const T *more = bias + head + part;
    const auto slot = [=](unsigned number) {
        const unsigned in_page = number & ((1u << shift) - 1);
        return reinterpret_cast<T *>(pages[number >> shift]) + layer + (size_t)in_page * 2 * d + head;
    };
    const unsigned mine = free + at.row;
    if (at.lane < lanes) {
        keep(x + d, more + d, slot(mine) + part);
        keep(x + 2 * d, more + 2 * d, slot(mine) + d + part);
    }
    float q[Pack<T>::N];
    biased(x, more, q);
    // What was kept is read below by other lanes.
    __syncwarp();
    const unsigned *row = slots + (size_t)at.row * room;
    const auto where = [=](unsigned i) -> const T * { return slot(i < before ? row[i] : mine); };
    attend<T>(q, before + 1, size, d, at.lane, where, nullptr, out + (size_t)at.row * d + head, nullptr, 0);
}

// Attention to a source: of hypotheses, or of the source's own tokens. Row i's query begins `q_step` numbers after that of
// the row before, each position's key `kv_step` after that of the position before, its value d behind the key; the
// positions of a source begin `longest` after those of the source before. None has its bias: `q_bias` and `v_bias` are d
// numbers each, and what keys lack changes no softmax.
// `sources`: the source of each row, or null for `longest` rows a source; `lengths`: the tokens of each source. `out`:
// rows × d; `weights`: rows × heads × longest, or null.
template <typename T>
static __device__ __forceinline__ void source(const T *q, const unsigned q_step, const T *q_bias, const T *kv,
                                              const unsigned kv_step, const T *v_bias, const unsigned *sources,
                                              const unsigned *lengths, const unsigned rows, const unsigned heads,
                                              const unsigned size, const unsigned longest, T *out, float *weights) {
    const Place at = place(heads);
    if (at.row >= rows) {
        return;
    }
    const unsigned d = heads * size, head = at.head * size, part = at.lane % (size / Pack<T>::N) * Pack<T>::N;
    const unsigned from = sources == nullptr ? at.row / longest : sources[at.row];
    float query[Pack<T>::N];
    biased(q + (size_t)at.row * q_step + head + part, q_bias + head + part, query);
    const T *first = kv + (size_t)from * longest * kv_step + head;
    const auto where = [=](unsigned i) { return first + (size_t)i * kv_step; };
    float *seen = weights == nullptr ? nullptr : weights + ((size_t)at.row * heads + at.head) * longest;
    attend<T>(query, lengths[from], size, d, at.lane, where, v_bias + head, out + (size_t)at.row * d + head, seen, longest);
}

#define KERNELS(NAME, T)                                                                                               \
    extern "C" __global__ void attend_own_##NAME(                                                                      \
        const T *qkv, const T *bias, const unsigned *slots, const unsigned long long *pages, unsigned rows,            \
        unsigned heads, unsigned size, unsigned room, unsigned before, unsigned free, unsigned shift,                  \
        unsigned long long layer, T *out) {                                                                            \
        own<T>(qkv, bias, slots, pages, rows, heads, size, room, before, free, shift, layer, out);                     \
    }                                                                                                                  \
    extern "C" __global__ void attend_source_##NAME(                                                                   \
        const T *q, unsigned q_step, const T *q_bias, const T *kv, unsigned kv_step, const T *v_bias,                  \
        const unsigned *sources, const unsigned *lengths, unsigned rows, unsigned heads, unsigned size,                \
        unsigned longest, T *out, float *weights) {                                                                    \
        source<T>(q, q_step, q_bias, kv, kv_step, v_bias, sources, lengths, rows, heads, size, longest, out, weights); \
    }

KERNELS(f32, float)
KERNELS(f16, __half)
KERNELS(bf16, __nv_bfloat16)
