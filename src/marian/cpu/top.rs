//! The best tokens of each row and the normaliser of its log-probabilities, taken from the output layer as it is computed:
//! the logits themselves are never stored.

use std::sync::{Mutex, PoisonError};

use super::matrix::Matrix;
use super::product::{Epilogue, Rows, Team, lanes, lanes_mut, some_panels};
use super::simd::{LANES, PANEL, Simd, vectorised};
use crate::marian::{Candidates, Want};

/// Parts of the vocabulary, whose normalisers are summed each by itself: so that threads can share the output layer, and the
/// sums are the same however many there are.
const PARTS: usize = 8;

/// The best `k` tokens of each row, and its normaliser.
#[derive(Default)]
pub struct Top {
    asked: Asked,
    found: Found,
    parts: Vec<Mutex<Found>>,
}

#[derive(Clone, Default)]
struct Asked {
    k: usize,
    log_probs: bool,
    suppress: Vec<u32>,
}

/// What was found in the vocabulary, or in a part of it.
#[derive(Default)]
struct Found {
    rows: Vec<Row>,
    /// `rows × k`, best first.
    best: Vec<(f32, u32)>,
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

const NOTHING: Row = Row { found: 0, bar: f32::NEG_INFINITY, peak: f32::NEG_INFINITY, sums: [0.0; LANES] };

impl Found {
    fn clear(&mut self, rows: usize, k: usize) {
        self.rows.clear();
        self.rows.resize(rows, NOTHING);
        self.best.clear();
        self.best.resize(rows * k, (f32::NEG_INFINITY, 0));
    }

    /// Puts a token in its place. Tokens come in ascending order: an equal score goes behind.
    fn offer(&mut self, k: usize, row: usize, score: f32, id: u32) {
        let Row { found, bar, .. } = &mut self.rows[row];
        let best = &mut self.best[row * k..][..k];
        if best.is_empty() || (*found == k && score <= *bar) {
            return;
        }
        *found = (*found + 1).min(k);
        let mut place = *found - 1;
        while place > 0 && best[place - 1].0 < score {
            best[place] = best[place - 1];
            place -= 1;
        }
        best[place] = (score, id);
        if *found == k {
            *bar = best[k - 1].0;
        }
    }

    /// Takes over what was found in a later part.
    fn join(&mut self, k: usize, later: &Found) {
        for (i, part) in later.rows.iter().enumerate() {
            for &(score, id) in &later.best[i * k..][..part.found] {
                self.offer(k, i, score, id);
            }
            let row = &mut self.rows[i];
            // A part with suppressed tokens alone, or a shortlist's filler, has nothing to add.
            if part.peak > f32::NEG_INFINITY {
                let peak = row.peak.max(part.peak);
                let (ours, theirs) = ((row.peak - peak).exp(), (part.peak - peak).exp());
                for (sum, part) in row.sums.iter_mut().zip(&part.sums) {
                    *sum = *sum * ours + part * theirs;
                }
                row.peak = peak;
            }
        }
    }
}

impl Top {
    /// Forgets what was before.
    pub fn start(&mut self, rows: usize, want: &Want<'_>) {
        self.asked.k = want.k;
        self.asked.log_probs = want.log_probs;
        self.asked.suppress.clear();
        self.asked.suppress.extend_from_slice(want.suppress);
        self.found.clear(rows, want.k);
    }

    /// Looks through all outputs of a layer for the first `rows` rows of `x`. The logits themselves are never stored.
    pub fn take(&mut self, team: &Team, x: &Rows, rows: usize, layer: &Matrix) {
        let (asked, k) = (&self.asked, self.asked.k);
        let panels = layer.panels();
        let look = |i: usize, part: &mut Found| {
            let range = i * panels / PARTS..(i + 1) * panels / PARTS;
            some_panels(team.isa, x, rows, layer, range, &mut Look { asked, found: part, names: &[] });
        };
        self.parts.resize_with(PARTS, Mutex::default);
        if team.parts(rows, layer) == 1 {
            let part = self.parts[0].get_mut().unwrap_or_else(PoisonError::into_inner);
            for i in 0..PARTS {
                part.clear(rows, k);
                // What does not come up to the best so far need not be looked at.
                for (part, found) in part.rows.iter_mut().zip(&self.found.rows) {
                    part.bar = found.bar;
                }
                look(i, part);
                self.found.join(k, part);
            }
            return;
        }
        team.crew.run(PARTS, &|i| {
            let mut part = self.parts[i].lock().unwrap_or_else(PoisonError::into_inner);
            part.clear(rows, k);
            look(i, &mut part);
        });
        for part in &mut self.parts {
            self.found.join(k, part.get_mut().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Writes ids and scores; places that no token took have id 0 and score −∞.
    pub fn finish(&self, out: &mut Candidates) {
        out.ids.clear();
        out.scores.clear();
        out.ids.extend(self.found.best.iter().map(|best| best.1));
        out.scores.extend(self.found.best.iter().map(|best| best.0));
        if self.asked.log_probs {
            for (row, scores) in self.found.rows.iter().zip(out.scores.chunks_mut(self.asked.k.max(1))) {
                let normaliser = row.peak + row.sums.iter().sum::<f32>().ln();
                for score in scores {
                    *score -= normaliser;
                }
            }
        }
    }
}

/// An [`Epilogue`] that keeps the best tokens.
struct Look<'a> {
    asked: &'a Asked,
    found: &'a mut Found,
    names: &'a [u32],
}

impl Look<'_> {
    /// Offers the scores of `mask` among sixteen tokens from `first` on.
    #[cold]
    #[inline(never)]
    fn offer(&mut self, row: usize, first: u32, mut mask: u16, scores: &[f32; LANES]) {
        while mask != 0 {
            let lane = mask.trailing_zeros();
            mask &= mask - 1;
            let column = first + lane;
            let id = self.names.get(column as usize).copied().unwrap_or(column);
            if !self.asked.suppress.contains(&id) {
                self.found.offer(self.asked.k, row, scores[lane as usize], id);
            }
        }
    }
}

vectorised! {
    /// Offers a row the tokens `names`, ascending, whose logits stand at `places` of `logits`.
    pub fn offer_some(s; top: &mut Top, row: usize, logits: &[f32], places: &[u32], names: &[u32]) {
        let mut look = Look { asked: &top.asked, found: &mut top.found, names };
        for (i, places) in places.chunks(PANEL).enumerate() {
            let mut scores = [f32::NEG_INFINITY; PANEL];
            for (score, &place) in scores.iter_mut().zip(places) {
                *score = logits[place as usize];
            }
            let mut values = [s.splat(0.0); PANEL / LANES];
            for (value, scores) in values.iter_mut().zip(lanes(&scores)) {
                *value = s.load(scores);
            }
            look.put(s, row, i * PANEL, values);
        }
    }
}

impl Epilogue for Look<'_> {
    #[inline(always)]
    fn put<S: Simd>(&mut self, s: S, row: usize, column: usize, values: [S::V; PANEL / LANES]) {
        let state = &mut self.found.rows[row];
        let bar = s.splat(state.bar);
        if self.asked.log_probs {
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
