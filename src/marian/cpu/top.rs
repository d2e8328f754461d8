//! The best tokens of each row and the normaliser of its log-probabilities, taken from the output layer as it is computed:
//! the logits themselves are never stored.

use super::product::{Epilogue, lanes, lanes_mut};
use super::simd::{LANES, PANEL, Simd, vectorised};
use crate::marian::{Candidates, Want};

/// An [`Epilogue`] that keeps the best `k` tokens a row.
#[derive(Default)]
pub struct Top {
    k: usize,
    log_probs: bool,
    suppress: Vec<u32>,
    rows: Vec<Row>,
    /// `rows × k`, best first.
    best: Vec<(f32, u32)>,
    /// The tokens that the columns stand for; empty where each stands for itself.
    names: Vec<u32>,
}

#[derive(Clone)]
struct Row {
    /// How many of its `k` places are taken.
    found: usize,
    /// What a score must exceed: the worst kept one, once all places are taken.
    bar: f32,
    /// The normaliser is `e^peak · Σ sums`; no score so far exceeds `peak`.
    peak: f32,
    sums: [f32; LANES],
}

impl Top {
    /// Forgets what was before.
    pub fn start(&mut self, rows: usize, want: &Want<'_>) {
        self.k = want.k;
        self.log_probs = want.log_probs;
        self.suppress.clear();
        self.suppress.extend_from_slice(want.suppress);
        let row = Row { found: 0, bar: f32::NEG_INFINITY, peak: f32::NEG_INFINITY, sums: [0.0; LANES] };
        self.rows.clear();
        self.rows.resize(rows, row);
        self.best.clear();
        self.best.resize(rows * want.k, (f32::NEG_INFINITY, 0));
        self.names.clear();
    }

    /// Writes ids and scores; places that no token took have id 0 and score −∞.
    pub fn finish(&self, out: &mut Candidates) {
        out.ids.clear();
        out.scores.clear();
        out.ids.extend(self.best.iter().map(|best| best.1));
        out.scores.extend(self.best.iter().map(|best| best.0));
        if self.log_probs {
            for (row, scores) in self.rows.iter().zip(out.scores.chunks_mut(self.k.max(1))) {
                let normaliser = row.peak + row.sums.iter().sum::<f32>().ln();
                for score in scores {
                    *score -= normaliser;
                }
            }
        }
    }

    /// Offers the scores of `mask` among sixteen tokens from `first` on.
    #[cold]
    #[inline(never)]
    fn offer(&mut self, row: usize, first: u32, mut mask: u16, scores: &[f32; LANES]) {
        let Row { found, bar, .. } = &mut self.rows[row];
        let best = &mut self.best[row * self.k..][..self.k];
        while mask != 0 {
            let lane = mask.trailing_zeros();
            mask &= mask - 1;
            let score = scores[lane as usize];
            let column = first + lane;
            let id = self.names.get(column as usize).copied().unwrap_or(column);
            if best.is_empty() || (*found == best.len() && score <= *bar) || self.suppress.contains(&id) {
                continue;
            }
            // Tokens come in ascending order: an equal score goes behind.
            *found = (*found + 1).min(best.len());
            let mut place = *found - 1;
            while place > 0 && best[place - 1].0 < score {
                best[place] = best[place - 1];
                place -= 1;
            }
            best[place] = (score, id);
            if *found == best.len() {
                *bar = best[best.len() - 1].0;
            }
        }
    }
}

vectorised! {
    /// Offers a row the tokens `names`, ascending, whose logits stand at `places` of `logits`.
    pub fn offer_some(s; top: &mut Top, row: usize, logits: &[f32], places: &[u32], names: &[u32]) {
        top.names.clear();
        top.names.extend_from_slice(names);
        for (i, places) in places.chunks(PANEL).enumerate() {
            let mut scores = [f32::NEG_INFINITY; PANEL];
            for (score, &place) in scores.iter_mut().zip(places) {
                *score = logits[place as usize];
            }
            let mut values = [s.splat(0.0); PANEL / LANES];
            for (value, scores) in values.iter_mut().zip(lanes(&scores)) {
                *value = s.load(scores);
            }
            top.put(s, row, i * PANEL, values);
        }
    }
}

impl Epilogue for Top {
    #[inline(always)]
    fn put<S: Simd>(&mut self, s: S, row: usize, column: usize, values: [S::V; PANEL / LANES]) {
        let state = &mut self.rows[row];
        let bar = s.splat(state.bar);
        if self.log_probs {
            let mut peak = s.splat(state.peak);
            let largest = s.max(s.max(values[0], values[1]), s.max(values[2], values[3]));
            if s.greater(largest, peak) != 0 {
                let new = s.largest(largest);
                // The first time there is nothing to rescale.
                let factor = s.exp(s.splat(if state.peak == f32::NEG_INFINITY { 0.0 } else { state.peak - new }));
                let sums = lanes_mut(&mut state.sums);
                s.store(s.mul(s.load(&sums[0]), factor), &mut sums[0]);
                state.peak = new;
                peak = s.splat(new);
            }
            let sums = lanes_mut(&mut state.sums);
            let mut sum = s.load(&sums[0]);
            for v in values {
                sum = s.add(sum, s.exp(s.sub(v, peak)));
            }
            s.store(sum, &mut sums[0]);
        }
        if s.greater(s.max(s.max(values[0], values[1]), s.max(values[2], values[3])), bar) != 0 {
            for (i, v) in values.into_iter().enumerate() {
                let mask = s.greater(v, bar);
                if mask != 0 {
                    let mut scores = [0.0; LANES];
                    s.store(v, &mut scores);
                    self.offer(row, (column + i * LANES) as u32, mask, &scores);
                }
            }
        }
    }
}
