//! Attention. Everywhere here the channels of queries, keys and values are interleaved by head (see
//! [`super::matrix::interleaved`]): with `h` heads, a power of two up to 16, lane `i` of any vector belongs to head `i % h`, so
//! the scores of all heads against a key are one sum of vectors, and one softmax serves all heads.

use super::cells::{Cells, Form};
use super::product::{Aligned, lanes, lanes_mut};
use super::simd::{LANES, Simd, vectorised};

/// Scores and what else attention puts down on its way; kept from call to call.
#[derive(Default)]
pub struct Scratch {
    scores: Aligned<[f32; LANES]>,
    query: Vec<i8>,
}

/// Turns every `stride`th of the scores into e^(score − largest), lane by lane; gives 1 / their sums.
#[inline(always)]
fn soften<S: Simd>(s: S, scores: &mut [[f32; LANES]], stride: usize) -> S::V {
    let mut largest = s.splat(f32::NEG_INFINITY);
    for score in scores.iter().step_by(stride) {
        largest = s.max(largest, s.load(score));
    }
    let mut sum = s.splat(0.0);
    for score in scores.iter_mut().step_by(stride) {
        let e = s.exp(s.sub(s.load(score), largest));
        sum = s.add(sum, e);
        s.store(e, score);
    }
    s.div(s.splat(1.0), sum)
}

/// Queries, and keys, that are taken together.
const SIDE: usize = 4;
/// Vectors of values that are mixed together: they stay in registers.
const WIDE: usize = 16;

vectorised! {
    /// One query against the cells `at` of a layer: `out` gets the mixed values, `weights` what each cell counted, each lane
    /// taken `share` times, if it is not empty (then it is as long as `at`). The query is scaled already.
    pub fn attend[F: Form](
        s;
        query: &[f32],
        heads: usize,
        cells: &Cells<F>,
        layer: usize,
        at: &[u32],
        scratch: &mut Scratch,
        weights: &mut [f32],
        share: &[f32; LANES],
        out: &mut [f32],
    ) {
        let width = query.len();
        let Scratch { scores, query: bytes } = scratch;
        scores.resize(at.len());
        let (scale, offset) = F::prepare(s, query, bytes);
        let (fours, rest) = at.as_chunks::<SIDE>();
        let (scores_of_fours, scores_of_rest) = scores.as_chunks_mut::<SIDE>();
        for (i, (at, scores)) in fours.iter().zip(scores_of_fours).enumerate() {
            // These cells' values are needed soon, the next cells' keys sooner.
            for &at in at {
                F::fetch_values(s, cells.cell(layer, at), width);
            }
            for &at in fours.get(i + 1).map_or(rest, |next| next) {
                F::fetch_keys(s, cells.cell(layer, at), width);
            }
            let [a, b, c, d] = *at;
            let keys = [cells.cell(layer, a), cells.cell(layer, b), cells.cell(layer, c), cells.cell(layer, d)];
            let sums = F::scores(s, query, bytes, scale, offset, keys);
            for (sum, score) in sums.into_iter().zip(scores) {
                s.store(s.fold(sum, heads), score);
            }
        }
        for (&at, score) in rest.iter().zip(scores_of_rest) {
            let key = cells.cell(layer, at);
            F::fetch_values(s, key, width);
            let [sum] = F::scores(s, query, bytes, scale, offset, [key]);
            s.store(s.fold(sum, heads), score);
        }
        let inverse = soften(s, scores, 1);
        let share = s.mul(inverse, s.load(share));
        for (to, score) in weights.iter_mut().zip(scores.iter()) {
            *to = s.sum(s.mul(s.load(score), share));
        }
        for (&at, score) in at.iter().zip(scores.iter_mut()) {
            let worth = F::worth(s, cells.cell(layer, at), s.load(score));
            s.store(worth, score);
        }
        for (part, out) in lanes_mut(out).chunks_mut(WIDE).enumerate() {
            let mut sums = [s.splat(0.0); WIDE];
            if out.len() == WIDE {
                for (&at, worth) in at.iter().zip(scores.iter()) {
                    let worth = s.load(worth);
                    let values = F::values(cells.cell(layer, at), width);
                    for (sum, v) in sums.iter_mut().zip(&values[part * WIDE..][..WIDE]) {
                        *sum = s.fma(worth, F::load(s, v), *sum);
                    }
                }
            } else {
                for (&at, worth) in at.iter().zip(scores.iter()) {
                    let worth = s.load(worth);
                    let values = F::values(cells.cell(layer, at), width);
                    for (sum, v) in sums.iter_mut().zip(&values[part * WIDE..]) {
                        *sum = s.fma(worth, F::load(s, v), *sum);
                    }
                }
            }
            for (out, sum) in out.iter_mut().zip(sums) {
                s.store(s.mul(sum, inverse), out);
            }
        }
    }
}

/// Scores of `Q` queries against `K` keys.
#[inline(always)]
fn scores<S: Simd, const Q: usize, const K: usize>(
    s: S,
    queries: [&[[f32; LANES]]; Q],
    keys: [&[[f32; LANES]]; K],
    heads: usize,
    out: &mut [[f32; LANES]],
) {
    let mut sums = [[s.splat(0.0); Q]; K];
    for c in 0..queries[0].len() {
        let mut q = [s.splat(0.0); Q];
        for (q, query) in q.iter_mut().zip(&queries) {
            *q = s.load(&query[c]);
        }
        for (sums, key) in sums.iter_mut().zip(&keys) {
            let key = s.load(&key[c]);
            for (sum, &q) in sums.iter_mut().zip(&q) {
                *sum = s.fma(q, key, *sum);
            }
        }
    }
    for (sums, out) in sums.iter().zip(out.chunks_mut(Q)) {
        for (&sum, out) in sums.iter().zip(out) {
            s.store(s.fold(sum, heads), out);
        }
    }
}

/// `C` vectors, from `first` on, of the mixed values of `Q` queries.
#[inline(always)]
fn mix<S: Simd, const Q: usize, const C: usize>(
    s: S,
    rows: &[f32],
    width: usize,
    first: usize,
    scores: &[[f32; LANES]],
    inverse: &[S::V; Q],
    out: &mut [f32],
) {
    let mut sums = [[s.splat(0.0); C]; Q];
    for (row, p) in rows.chunks_exact(3 * width).zip(scores.chunks_exact(Q)) {
        let mut values = [s.splat(0.0); C];
        for (v, from) in values.iter_mut().zip(&lanes(&row[2 * width..])[first..first + C]) {
            *v = s.load(from);
        }
        for (sums, p) in sums.iter_mut().zip(p) {
            let p = s.load(p);
            for (sum, &v) in sums.iter_mut().zip(&values) {
                *sum = s.fma(p, v, *sum);
            }
        }
    }
    for ((sums, &inverse), out) in sums.iter().zip(inverse).zip(out.chunks_exact_mut(width)) {
        for (&sum, out) in sums.iter().zip(&mut lanes_mut(out)[first..first + C]) {
            s.store(s.mul(sum, inverse), out);
        }
    }
}

/// `Q` queries, from row `query` on, against all keys of a sequence.
#[inline(always)]
fn some<S: Simd, const Q: usize>(
    s: S,
    rows: &[f32],
    query: usize,
    width: usize,
    heads: usize,
    scratch: &mut Aligned<[f32; LANES]>,
    out: &mut [f32],
) {
    let tokens = rows.len() / (3 * width);
    scratch.resize(tokens * Q);
    let queries: [_; Q] = std::array::from_fn(|i| lanes(&rows[(query + i) * 3 * width..][..width]));
    let key = |i: usize| lanes(&rows[i * 3 * width + width..][..width]);
    let mut at = 0;
    while at + SIDE <= tokens {
        let keys = std::array::from_fn(|i| key(at + i));
        scores::<S, Q, SIDE>(s, queries, keys, heads, &mut scratch[at * Q..][..SIDE * Q]);
        at += SIDE;
    }
    while at < tokens {
        scores::<S, Q, 1>(s, queries, [key(at)], heads, &mut scratch[at * Q..][..Q]);
        at += 1;
    }
    let mut inverse = [s.splat(0.0); Q];
    for (i, inverse) in inverse.iter_mut().enumerate() {
        *inverse = soften(s, &mut scratch[i..], Q);
    }
    // The width is a multiple of four vectors.
    for first in (0..width / LANES).step_by(4) {
        mix::<S, Q, 4>(s, rows, width, first, scratch, &inverse, out);
    }
}

vectorised! {
    /// Self-attention within one sequence: `rows` are a query, a key and a value a token, each `width` wide (a multiple of
    /// 64); `out` gets the mixed values, a row a token. The queries are scaled already.
    pub fn attend_all(s; rows: &[f32], width: usize, heads: usize, scratch: &mut Scratch, out: &mut [f32]) {
        let tokens = rows.len() / (3 * width);
        let mut query = 0;
        while query + SIDE <= tokens {
            some::<_, SIDE>(s, rows, query, width, heads, &mut scratch.scores, &mut out[query * width..][..SIDE * width]);
            query += SIDE;
        }
        while query < tokens {
            some::<_, 1>(s, rows, query, width, heads, &mut scratch.scores, &mut out[query * width..][..width]);
            query += 1;
        }
    }
}
