// The best tokens of each row of logits and their log-probabilities. candle has no such kernel, and what can be put
// together from those that it has reads tens of megabytes of logits some thirty times a step; this one reads them once.
//
// One block a row. Each thread looks at every THREADS-th token and keeps the best of its own that is not taken yet. The
// block takes the best of those, `k` times, and the thread that it came from looks for its next. Every sum is taken in an
// order that depends on the row's length alone. `choose.rs` has the twin that says the same in Rust.

const unsigned THREADS = 256;
const unsigned NONE = 0xffffffffu;

// Of equal values the smaller id is the better one.
static __device__ bool better(float value, unsigned id, float than_value, unsigned than_id) {
    return value > than_value || (value == than_value && id < than_id);
}

// `logits`: rows × size; `bias`: size; `a` to `d`: tokens that may not be chosen, NONE for none.
// `out`: a row of 2 k numbers for each row: k ids, then the bits of k scores.
extern "C" __global__ void top(const float *logits, const float *bias, const unsigned size, const unsigned k,
                               const unsigned log_probs, const unsigned a, const unsigned b, const unsigned c,
                               const unsigned d, unsigned *out) {
    __shared__ float values[THREADS];
    __shared__ unsigned ids[THREADS];
    const float *row = logits + (size_t)blockIdx.x * size;
    unsigned *chosen = out + (size_t)blockIdx.x * 2 * k;
    const unsigned t = threadIdx.x;

    float best = -INFINITY;
    unsigned best_id = NONE;
    // The sum of e^(x - most) over what was seen so far.
    float most = -INFINITY;
    float sum = 0.0f;
    for (unsigned i = t; i < size; i += THREADS) {
        const float x = row[i] + bias[i];
        if (x > best && i != a && i != b && i != c && i != d) {
            best = x;
            best_id = i;
        }
        if (x > most) {
            sum = sum * expf(most - x) + 1.0f;
            most = x;
        } else if (x != -INFINITY) {
            // What is no number comes here, and makes the sum none.
            sum += expf(x - most);
        }
    }

    float normaliser = 0.0f;
    if (log_probs) {
        float *mosts = values;
        float *sums = (float *)ids;
        mosts[t] = most;
        sums[t] = sum;
        for (unsigned half = THREADS / 2; half > 0; half /= 2) {
            __syncthreads();
            if (t < half) {
                const float more = fmaxf(mosts[t], mosts[t + half]);
                if (more != -INFINITY) {
                    sums[t] = sums[t] * expf(mosts[t] - more) + sums[t + half] * expf(mosts[t + half] - more);
                }
                mosts[t] = more;
            }
        }
        __syncthreads();
        normaliser = mosts[0] + logf(sums[0]);
        __syncthreads();
    }

    for (unsigned round = 0; round < k; round++) {
        values[t] = best;
        ids[t] = best_id;
        for (unsigned half = THREADS / 2; half > 0; half /= 2) {
            __syncthreads();
            if (t < half && better(values[t + half], ids[t + half], values[t], ids[t])) {
                values[t] = values[t + half];
                ids[t] = ids[t + half];
            }
        }
        __syncthreads();
        const float value = values[0];
        const unsigned id = ids[0];
        __syncthreads();
        if (t == 0) {
            chosen[round] = id == NONE ? 0 : id;
            chosen[k + round] = __float_as_uint(id == NONE ? -INFINITY : value - normaliser);
        }
        if (id != NONE && id % THREADS == t) {
            best = -INFINITY;
            best_id = NONE;
            for (unsigned i = t; i < size; i += THREADS) {
                const float x = row[i] + bias[i];
                if (x > best && better(value, id, x, i) && i != a && i != b && i != c && i != d) {
                    best = x;
                    best_id = i;
                }
            }
        }
    }
}
