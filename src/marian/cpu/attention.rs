//! Attention. Everywhere here the channels of queries, keys and values are interleaved by head (see
//! [`super::matrix::interleaved`]): with `h` heads, a power of two up to 16, lane `i` of any vector belongs to head `i % h`, so
//! the scores of all heads against a key are one sum of vectors, and one softmax serves all heads.

use half::f16;

use super::product::{Epilogue, lanes, lanes_mut};
use super::simd::{LANES, PANEL, Simd, vectorised};

/// What keys and values are kept in.
pub trait Element: Copy + Default + Send + 'static {
    fn load<S: Simd>(s: S, from: &[Self; LANES]) -> S::V;
    fn store<S: Simd>(s: S, v: S::V, to: &mut [Self; LANES]);
}

impl Element for f32 {
    #[inline(always)]
    fn load<S: Simd>(s: S, from: &[Self; LANES]) -> S::V {
        s.load(from)
    }
    #[inline(always)]
    fn store<S: Simd>(s: S, v: S::V, to: &mut [Self; LANES]) {
        s.store(v, to);
    }
}

impl Element for f16 {
    #[inline(always)]
    fn load<S: Simd>(s: S, from: &[Self; LANES]) -> S::V {
        s.load_half(from)
    }
    #[inline(always)]
    fn store<S: Simd>(s: S, v: S::V, to: &mut [Self; LANES]) {
        s.store_half(v, to);
    }
}

/// Cells of a key and a value each, by number. Memory grows a block at a time and is kept.
pub struct Cells<E> {
    blocks: Vec<Vec<E>>,
    /// Of a cell: twice the width of the network.
    width: usize,
}

/// Cells of a block.
const BLOCK: usize = 64;

impl<E: Element> Cells<E> {
    pub fn new(d_model: usize) -> Self {
        Self { blocks: Vec::new(), width: 2 * d_model }
    }

    /// Room for cells `0..count`.
    pub fn reserve(&mut self, count: usize) {
        while self.blocks.len() * BLOCK < count {
            self.blocks.push(vec![E::default(); BLOCK * self.width]);
        }
    }

    /// The key of a cell, then its value.
    #[inline(always)]
    pub fn cell(&self, i: usize) -> &[E] {
        &self.blocks[i / BLOCK][i % BLOCK * self.width..][..self.width]
    }

    #[inline(always)]
    fn cell_mut(&mut self, i: usize) -> &mut [E] {
        &mut self.blocks[i / BLOCK][i % BLOCK * self.width..][..self.width]
    }
}

/// Writes queries (if `query` is not empty) to rows of their width, and keys and values to cells `first`, `first + 1`, ….
pub struct Keep<'a, E> {
    pub query: &'a mut [f32],
    /// Width of the queries, a multiple of `PANEL`; 0 where the outputs are keys and values alone.
    pub width: usize,
    pub cells: &'a mut Cells<E>,
    pub first: usize,
}

impl<E: Element> Epilogue for Keep<'_, E> {
    #[inline(always)]
    fn put<S: Simd>(&mut self, s: S, row: usize, column: usize, values: [S::V; PANEL / LANES]) {
        if column < self.width {
            let to = &mut self.query[row * self.width + column..][..PANEL];
            for (to, v) in lanes_mut(to).iter_mut().zip(values) {
                s.store(v, to);
            }
        } else {
            let to = &mut self.cells.cell_mut(self.first + row)[column - self.width..][..PANEL];
            for (to, v) in lanes_mut(to).iter_mut().zip(values) {
                E::store(s, v, to);
            }
        }
    }
}

/// Turns `scores[key × stride]` into e^(score − largest), lane by lane; gives 1 / their sums.
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

vectorised! {
    /// One query against the cells `at`: `out` gets the mixed values, `weights` what each cell counted, the mean of
    /// all heads, if it is not empty (then it is as long as `at`). The query is scaled already.
    pub fn attend[E: Element](
        s;
        query: &[f32],
        heads: usize,
        cells: &Cells<E>,
        at: &[u32],
        scratch: &mut Vec<[f32; LANES]>,
        weights: &mut [f32],
        out: &mut [f32],
    ) {
        let width = query.len();
        let query = lanes(query);
        scratch.resize(at.len(), [0.0; LANES]);
        let key = |i: u32| lanes(&cells.cell(i as usize)[..width]);
        let value = |i: u32| lanes(&cells.cell(i as usize)[width..2 * width]);
        let (fours, rest) = at.as_chunks::<4>();
        let (scratch_fours, scratch_rest) = scratch.as_chunks_mut::<4>();
        // Two sums a key hide the latency of the additions; a key's sums are the same alone and in company.
        for (at, scores) in fours.iter().zip(scratch_fours) {
            let keys = at.map(|i| key(i));
            let mut sums = [[s.splat(0.0); 2]; 4];
            for (c, q) in query.chunks_exact(2).enumerate() {
                let q = [s.load(&q[0]), s.load(&q[1])];
                for (sum, key) in sums.iter_mut().zip(&keys) {
                    sum[0] = s.fma(q[0], E::load(s, &key[2 * c]), sum[0]);
                    sum[1] = s.fma(q[1], E::load(s, &key[2 * c + 1]), sum[1]);
                }
            }
            for (score, sum) in scores.iter_mut().zip(sums) {
                s.store(s.fold(s.add(sum[0], sum[1]), heads), score);
            }
        }
        for (&at, score) in rest.iter().zip(scratch_rest) {
            let key = key(at);
            let mut sum = [s.splat(0.0); 2];
            for (c, q) in query.chunks_exact(2).enumerate() {
                sum[0] = s.fma(s.load(&q[0]), E::load(s, &key[2 * c]), sum[0]);
                sum[1] = s.fma(s.load(&q[1]), E::load(s, &key[2 * c + 1]), sum[1]);
            }
            s.store(s.fold(s.add(sum[0], sum[1]), heads), score);
        }
        let inverse = soften(s, scratch, 1);
        for (to, score) in weights.iter_mut().zip(scratch.iter()) {
            *to = s.sum(s.mul(s.load(score), inverse)) / LANES as f32;
        }
        // A quarter or less of the width at a time stays in registers.
        const WIDE: usize = 8;
        for (part, out) in lanes_mut(out).chunks_mut(WIDE).enumerate() {
            let first = part * WIDE;
            if out.len() == WIDE {
                let mut sums = [s.splat(0.0); WIDE];
                for (&at, p) in at.iter().zip(scratch.iter()) {
                    let p = s.load(p);
                    for (sum, v) in sums.iter_mut().zip(&value(at)[first..first + WIDE]) {
                        *sum = s.fma(p, E::load(s, v), *sum);
                    }
                }
                for (out, sum) in out.iter_mut().zip(sums) {
                    s.store(s.mul(sum, inverse), out);
                }
            } else {
                for (c, out) in out.iter_mut().enumerate() {
                    let mut sum = s.splat(0.0);
                    for (&at, p) in at.iter().zip(scratch.iter()) {
                        sum = s.fma(s.load(p), E::load(s, &value(at)[first + c]), sum);
                    }
                    s.store(s.mul(sum, inverse), out);
                }
            }
        }
    }
}

/// Queries, and keys, that are taken together.
const SIDE: usize = 4;

/// Scores of `Q` queries against `K` keys.
#[inline(always)]
fn scores<S: Simd, const Q: usize, const K: usize>(
    s: S,
    queries: [&[[f32; LANES]]; Q],
    keys: [&[[f32; LANES]]; K],
    heads: usize,
    out: &mut [[f32; LANES]],
) {
    let chunks = queries[0].len();
    let mut sums = [[s.splat(0.0); Q]; K];
    for c in 0..chunks {
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
    scratch: &mut Vec<[f32; LANES]>,
    out: &mut [f32],
) {
    let tokens = rows.len() / (3 * width);
    scratch.resize(tokens * Q, [0.0; LANES]);
    let queries: [_; Q] = std::array::from_fn(|i| lanes(&rows[(query + i) * 3 * width..][..width]));
    let key = |i: usize| lanes(&rows[i * 3 * width + width..][..width]);
    let mut at = 0;
    while at + SIDE <= tokens {
        scores::<S, Q, SIDE>(
            s,
            queries,
            std::array::from_fn(|i| key(at + i)),
            heads,
            &mut scratch[at * Q..][..SIDE * Q],
        );
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
    let chunks = width / LANES;
    for first in (0..chunks).step_by(4) {
        // The width is a multiple of four vectors.
        mix::<S, Q, 4>(s, rows, width, first, scratch, &inverse, out);
    }
}

vectorised! {
    /// Self-attention within one sequence: `rows` are a query, a key and a value a token, each `width` wide (a multiple of
    /// [`PANEL`]); `out` gets the mixed values, a row a token. The queries are scaled already.
    pub fn attend_all(s; rows: &[f32], width: usize, heads: usize, scratch: &mut Vec<[f32; LANES]>, out: &mut [f32]) {
        let tokens = rows.len() / (3 * width);
        let mut query = 0;
        while query + SIDE <= tokens {
            some::<_, SIDE>(s, rows, query, width, heads, scratch, &mut out[query * width..][..SIDE * width]);
            query += SIDE;
        }
        while query < tokens {
            some::<_, 1>(s, rows, query, width, heads, scratch, &mut out[query * width..][..width]);
            query += 1;
        }
    }
}
