// The books of a search, for `books.rs`: what `decode/beam.rs` and `decode/greedy.rs` do in Rust, to the bit. A thread a source.
//
// A source has `beam` places, the open hypotheses in the first of them, best first: `scores`, -∞ in the places that are
// empty. Those that have ended are in `ends`, `counts` of them, best first.

#include "numbers.cuh"

const unsigned NONE = 0xffffffffu;
// The widest beam.
const unsigned MOST = 32;

// How a source stands.
const unsigned OPEN = 0, DONE = 1, LOST = 2;

// When a source is done that has `beam` hypotheses which have ended: at once, or when the best open one, so long as it is or
// as long as it may become, is no better than the worst of them.
const unsigned FIRST = 0, AS_LONG = 1;

struct End {
    float score;
    unsigned step, from, token;
    float log_prob;
    unsigned by_itself;
};

// The candidates of a step, as `top` gives them, and the rules.
struct Offer {
    const unsigned *found;
    unsigned k, eos, forced;
    bool over;

    __device__ unsigned token(unsigned row, unsigned i) const { return found[(size_t)row * 2 * k + i]; }
    __device__ float log_prob(unsigned row, unsigned i) const {
        return __uint_as_float(found[(size_t)row * 2 * k + k + i]);
    }
    __device__ bool forces() const { return over && forced != NONE; }

    // The first of a row's candidates from the `i`th on that may be taken; `k` where there is none.
    __device__ unsigned from(unsigned row, unsigned i) const {
        if (forces()) {
            // It takes the place of the best.
            return i == 0 && isfinite(log_prob(row, 0)) ? 0 : k;
        }
        while (i < k && !(isfinite(log_prob(row, i)) && (!over || token(row, i) == eos))) {
            i++;
        }
        return i;
    }
};

// Puts `end` behind those that are no worse; of more than `most` the worst goes.
static __device__ void insert(End *ends, unsigned *count, const unsigned most, const End end) {
    unsigned at = *count;
    while (at > 0 && end.score > ends[at - 1].score) {
        at--;
    }
    if (at == most) {
        return;
    }
    const unsigned last = min(*count, most - 1);
    for (unsigned i = last; i > at; i--) {
        ends[i] = ends[i - 1];
    }
    ends[at] = end;
    *count = last + 1;
}

// What a step makes of the hypotheses of the sources `live`, of which there are `sources`: each has `before` rows in `found`.
// `length`: tokens of every hypothesis so far; `limits`: the most of each source; `shrink_here` and `shrink`: what scores of that
// many and of one more are divided by, `shrink_last`, of each source, by what those of the longest are, or null.
// `out`: how each stands, then for each of its places, source after source, the row that goes on there, then the place where it
// was, then its token, then the token's log-probability.
extern "C" __global__ void advance(const unsigned *found, const unsigned *live, const unsigned *limits,
                                   const float *shrink_last, float *scores, unsigned *counts, End *ends,
                                   const unsigned sources, const unsigned k, const unsigned before, const unsigned beam,
                                   const unsigned length, const unsigned eos, const unsigned forced,
                                   const unsigned stopping, const float shrink_here, const float shrink, unsigned *out) {
    const unsigned place = blockIdx.x * blockDim.x + threadIdx.x;
    if (place >= sources) {
        return;
    }
    const unsigned source = live[place], rows = sources * beam, first_row = place * before;
    const Offer offer = {found, k, eos, forced, length >= limits[source]};
    float *open = scores + (size_t)source * beam;
    End *ended = ends + (size_t)source * beam;
    unsigned count = counts[source];
    unsigned *parents = out + sources + place * beam, *froms = parents + rows, *tokens = froms + rows;
    unsigned *log_probs = tokens + rows;

    float behind[MOST];
    unsigned next[MOST];
    for (unsigned from = 0; from < before; from++) {
        behind[from] = open[from];
        next[from] = behind[from] == -INFINITY ? k : offer.from(first_row + from, 0);
    }
    unsigned opened = 0;
    bool any = false;
    for (unsigned rank = 0; rank < 2 * beam; rank++) {
        unsigned best = NONE;
        float score = 0.0f;
        for (unsigned from = 0; from < before; from++) {
            if (next[from] < k) {
                // As in `generate`, a forced token has probability 1.
                const float more = offer.forces() ? 0.0f : offer.log_prob(first_row + from, next[from]);
                const float sum = offer.forces() ? behind[from] : behind[from] + more;
                if (best == NONE || sum > score) {
                    best = from;
                    score = sum;
                }
            }
        }
        if (best == NONE) {
            break;
        }
        any = true;
        const unsigned row = first_row + best, chosen = offer.token(row, next[best]);
        const unsigned token = offer.forces() ? forced : chosen;
        const float log_prob = offer.forces() ? 0.0f : offer.log_prob(row, next[best]);
        next[best] = offer.from(row, next[best] + 1);
        if (token == eos || offer.over) {
            if (rank < beam) {
                insert(ended, &count, beam, {score / shrink, length, best, token, log_prob, chosen == eos});
            }
        } else if (opened < beam) {
            open[opened] = score;
            parents[opened] = row;
            froms[opened] = best;
            tokens[opened] = token;
            log_probs[opened] = __float_as_uint(log_prob);
            opened++;
        }
    }
    // Nothing ends them then, so they stop where they are.
    const bool cut = offer.over && forced == NONE;
    if (cut) {
        for (unsigned from = 0; from < before; from++) {
            if (behind[from] != -INFINITY) {
                insert(ended, &count, beam, {behind[from] / shrink_here, length, from, NONE, 0.0f, 0});
            }
        }
    }
    for (unsigned i = opened; i < beam; i++) {
        // Some row goes on there; nobody looks.
        open[i] = -INFINITY;
        parents[i] = first_row;
        froms[i] = 0;
        tokens[i] = eos;
        log_probs[i] = 0;
    }
    counts[source] = count;
    bool done = opened == 0;
    if (!done && count == beam) {
        const float divisor = stopping == AS_LONG ? shrink_last[source] : shrink;
        done = stopping == FIRST || open[0] / divisor <= ended[count - 1].score;
    }
    out[place] = !any && !cut ? LOST : done ? DONE : OPEN;
}

// The same for greedy search, in which a source has one row and one candidate, and no scores.
extern "C" __global__ void follow(const unsigned *found, const unsigned *live, const unsigned *limits, unsigned *counts,
                                  End *ends, const unsigned sources, const unsigned length, const unsigned eos,
                                  const unsigned forced, unsigned *out) {
    const unsigned place = blockIdx.x * blockDim.x + threadIdx.x;
    if (place >= sources) {
        return;
    }
    const unsigned source = live[place], token = found[2 * place], bits = found[2 * place + 1];
    const bool ends_itself = token == eos, over = length >= limits[source];
    if (ends_itself || over) {
        const End end = ends_itself ? End{0.0f, length, 0, token, __uint_as_float(bits), 1}
                                    : End{0.0f, length, 0, forced, 0.0f, 0};
        ends[source] = end;
        counts[source] = 1;
    }
    out[place] = !isfinite(__uint_as_float(bits)) ? LOST : ends_itself || over ? DONE : OPEN;
    out[sources + place] = place;
    out[2 * sources + place] = 0;
    out[3 * sources + place] = token;
    out[4 * sources + place] = bits;
}
