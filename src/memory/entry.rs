//! How hypotheses are kept: every bit of them, in about a fifth of their size.

use serde::{Deserialize, Serialize};

use crate::engine::{Alignment, Hypothesis};

#[derive(Serialize, Deserialize)]
struct Entry {
    text: String,
    score: f32,
    token_scores: Vec<f32>,
    finished: bool,
    alignment: Option<Aligned>,
}

#[derive(Serialize, Deserialize)]
struct Aligned {
    source: Vec<(usize, usize)>,
    target: Vec<(usize, usize)>,
    weights: Weights,
}

/// Small numbers take a byte each, and most weights are small.
#[derive(Serialize, Deserialize)]
enum Weights {
    /// In steps of [`Alignment::STEP`].
    Steps(Vec<u16>),
    Exact(Vec<f32>),
}

pub fn write(hypotheses: &[Hypothesis]) -> Vec<u8> {
    let entries: Vec<Entry> = hypotheses.iter().map(Entry::of).collect();
    let bytes = postcard::to_stdvec(&entries).unwrap_or_default();
    lz4_flex::compress_prepend_size(&bytes)
}

/// `None` where the bytes are damaged.
pub fn read(bytes: &[u8]) -> Option<Vec<Hypothesis>> {
    let size = u32::from_le_bytes(*bytes.first_chunk::<4>()?) as usize;
    // Damaged bytes must not ask for memory that no entry needs: LZ4 makes at most 255 bytes of one.
    if size / 255 > bytes.len() {
        return None;
    }
    let entries: Vec<Entry> = postcard::from_bytes(&lz4_flex::decompress_size_prepended(bytes).ok()?).ok()?;
    Some(entries.into_iter().map(Entry::hypothesis).collect())
}

impl Entry {
    fn of(hypothesis: &Hypothesis) -> Self {
        let Hypothesis { text, score, token_scores, finished, alignment } = hypothesis;
        Self {
            text: text.clone(),
            score: *score,
            token_scores: token_scores.clone(),
            finished: *finished,
            alignment: alignment.as_ref().map(Aligned::of),
        }
    }

    fn hypothesis(self) -> Hypothesis {
        let Self { text, score, token_scores, finished, alignment } = self;
        Hypothesis { text, score, token_scores, finished, alignment: alignment.map(Aligned::alignment) }
    }
}

impl Aligned {
    fn of(alignment: &Alignment) -> Self {
        let pairs = |ranges: &[std::ops::Range<usize>]| ranges.iter().map(|r| (r.start, r.end)).collect();
        let steps: Option<Vec<u16>> = alignment.weights.iter().map(|&weight| steps(weight)).collect();
        Self {
            source: pairs(&alignment.source),
            target: pairs(&alignment.target),
            weights: steps.map_or_else(|| Weights::Exact(alignment.weights.clone()), Weights::Steps),
        }
    }

    fn alignment(self) -> Alignment {
        let ranges = |pairs: Vec<(usize, usize)>| pairs.into_iter().map(|(start, end)| start..end).collect();
        let weights = match self.weights {
            Weights::Steps(steps) => steps.into_iter().map(|n| f32::from(n) * Alignment::STEP).collect(),
            Weights::Exact(weights) => weights,
        };
        Alignment { source: ranges(self.source), target: ranges(self.target), weights }
    }
}

/// The weight as a whole number of steps, if it is one.
fn steps(weight: f32) -> Option<u16> {
    let steps = (weight / Alignment::STEP).round();
    let fits = (0.0..=f32::from(u16::MAX)).contains(&steps);
    (fits && (steps * Alignment::STEP).to_bits() == weight.to_bits()).then_some(steps as u16)
}
