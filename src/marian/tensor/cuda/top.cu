// The best tokens of each row of logits and their log-probabilities. candle has no such kernel, and what can be put
// together from those that it has reads tens of megabytes of logits some thirty times a step; this one reads them once.
//
// One block a row. Each thread looks at every THREADS-th four tokens and keeps the two best of its own that are not taken
// yet. The block takes the best of those, `k` times; a thread both of whose are taken looks for more. Every sum is taken
// in an order that depends on the row's length alone. `choose.rs` has the twin that says the same in Rust.

#include "numbers.cuh"

const unsigned THREADS = 256;
const unsigned NONE = 0xffffffffu;
// Below every logit but -∞, and a number, so that what is subtracted from -∞ is one.
const float LOWEST = -3.0e38f;

struct Token {
    float value;
    unsigned id;
};

// Of equal values the smaller id is the better one.
static __device__ __forceinline__ bool better(Token a, Token b) {
    return a.value > b.value || (a.value == b.value && a.id < b.id);
}

static __device__ __forceinline__ Token better_of(Token a, Token b) { return better(b, a) ? b : a; }

// The best of what the lanes of a warp hold, to every lane.
static __device__ __forceinline__ Token best_of_warp(Token mine) {
    for (unsigned distance = 16; distance > 0; distance /= 2) {
        const Token other = {__shfl_xor_sync(ALL, mine.value, distance), __shfl_xor_sync(ALL, mine.id, distance)};
        mine = better_of(mine, other);
    }
    return mine;
}

// The sum of e^(x - most).
struct Sum {
    float most, sum;
};

static __device__ __forceinline__ Sum both(Sum a, Sum b) {
    const float most = fmaxf(a.most, b.most);
    return {most, a.sum * expf(a.most - most) + b.sum * expf(b.most - most)};
}

// `logits`: rows × size, a multiple of four; `bias`: size; `a` to `d`: tokens that may not be chosen, NONE for none.
// `out`: a row of 2 k numbers for each row: k ids, then the bits of k scores.
extern "C" __global__ void top(const float *logits, const float *bias, const unsigned size, const unsigned k,
                               const unsigned log_probs, const unsigned a, const unsigned b, const unsigned c,
                               const unsigned d, unsigned *out) {
    const unsigned WARPS = THREADS / 32;
    __shared__ Token tokens[WARPS];
    __shared__ Sum sums[WARPS];
    const float *row = logits + (size_t)blockIdx.x * size;
    unsigned *chosen = out + (size_t)blockIdx.x * 2 * k;
    const unsigned t = threadIdx.x, lane = t % 32, warp = t / 32;
    const auto allowed = [=](unsigned i) { return i != a && i != b && i != c && i != d; };

    Token first = {-INFINITY, NONE}, second = {-INFINITY, NONE};
    Sum all = {LOWEST, 0.0f};
#pragma unroll 2
    for (unsigned i = 4 * t; i < size; i += 4 * THREADS) {
        const Pack<float> numbers = read(row + i), more = read(bias + i);
        float x[4];
#pragma unroll
        for (unsigned n = 0; n < 4; n++) {
            x[n] = numbers.at[n] + more.at[n];
        }
        const float most = fmaxf(fmaxf(x[0], x[1]), fmaxf(x[2], x[3]));
        if (most > second.value) {
#pragma unroll
            for (unsigned n = 0; n < 4; n++) {
                if (x[n] > second.value && allowed(i + n)) {
                    const Token token = {x[n], i + n};
                    second = x[n] > first.value ? first : token;
                    first = x[n] > first.value ? token : first;
                }
            }
        }
        if (log_probs) {
            if (most > all.most) {
                all.sum *= __expf(all.most - most);
                all.most = most;
            }
            // What is no number makes the sum none.
#pragma unroll
            for (unsigned n = 0; n < 4; n++) {
                all.sum += __expf(x[n] - all.most);
            }
        }
    }

    float normaliser = 0.0f;
    if (log_probs) {
        for (unsigned distance = 16; distance > 0; distance /= 2) {
            all = both(all, {__shfl_xor_sync(ALL, all.most, distance), __shfl_xor_sync(ALL, all.sum, distance)});
        }
        if (lane == 0) {
            sums[warp] = all;
        }
        __syncthreads();
        all = sums[0];
        for (unsigned i = 1; i < WARPS; i++) {
            all = both(all, sums[i]);
        }
        normaliser = all.most + logf(all.sum);
    }

    for (unsigned round = 0; round < k; round++) {
        const Token of_warp = best_of_warp(first);
        if (lane == 0) {
            tokens[warp] = of_warp;
        }
        __syncthreads();
        Token best = tokens[0];
        for (unsigned i = 1; i < WARPS; i++) {
            best = better_of(best, tokens[i]);
        }
        // All have read them before the next round writes them.
        __syncthreads();
        if (t == 0) {
            chosen[round] = best.id == NONE ? 0 : best.id;
            chosen[k + round] = __float_as_uint(best.id == NONE ? -INFINITY : best.value - normaliser);
        }
        if (best.id == NONE || best.id != first.id) {
            continue;
        }
        first = second;
        second = {-INFINITY, NONE};
        if (first.id != NONE || round + 1 == k) {
            continue;
        }
        // Both of its own are taken.
        for (unsigned i = 4 * t; i < size; i += 4 * THREADS) {
            for (unsigned n = 0; n < 4; n++) {
                const Token token = {row[i + n] + bias[i + n], i + n};
                if (token.value > first.value && better(best, token) && allowed(i + n)) {
                    first = token;
                }
            }
        }
    }
}
