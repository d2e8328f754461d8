//! The boundary between text and network: a sentence in, hypotheses out, each with its alignment.
//!
//! Everything above this line (split, protect, restore, check) knows no tensor; everything below knows no layout.

mod marian;
mod shortlist;

pub use marian::MarianEngine;
pub use shortlist::shortlist;

use std::ops::Range;

use crate::error::Result;
use crate::memory::MemoryUse;
use crate::text::runs;

/// Translates sentences. [`crate::marian`] is the real one; [`Identity`] returns its input, for the laws.
pub trait Engine: Send + Sync {
    /// The hypotheses for each of `sources`, best first, in order: one result for one source whatever happens to
    /// the others. `progress` is told of every source that is done, from any thread; it answers whether to go on.
    fn translate(&self, sources: &[String], options: &Options, progress: &dyn Progress)
    -> Vec<Result<Vec<Hypothesis>>>;

    /// Tokens that the model would see for `text`, its end mark included; its words, unless the engine knows better.
    fn count_tokens(&self, text: &str) -> usize {
        words(text).len() + 1
    }

    /// The longest source the model takes, in tokens, its end mark included.
    fn max_tokens(&self) -> usize {
        512
    }

    /// Whether the model can read this character.
    fn reads(&self, _: char) -> bool {
        true
    }

    /// Whether the model can write this character.
    fn writes(&self, _: char) -> bool {
        true
    }

    /// How many calls of [`Engine::translate`] at a time make better use of the machine than one after the other.
    fn calls(&self) -> usize {
        1
    }

    /// What its memory was good for, and why that keeps nothing any more if it does not; `None` for an engine without one.
    fn memory(&self) -> Option<(MemoryUse, Option<String>)> {
        None
    }
}

/// How to search.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// 1 is greedy search.
    pub beam: usize,
    /// How many hypotheses to return; at most `beam`.
    pub n_best: usize,
    /// Hypotheses are ranked by `log-probability / length^length_penalty`.
    pub length_penalty: f32,
    /// Least and most target tokens, the end mark not counted; `None` leaves it to the model and the source's length.
    pub min_length: Option<usize>,
    pub max_length: Option<usize>,
    /// Source tokens of a batch, padding counted.
    pub batch_tokens: usize,
    /// Worker threads.
    pub threads: usize,
    /// Whether [`Hypothesis::alignment`] is wanted.
    pub alignment: bool,
    /// Whether [`Hypothesis::score`] and [`Hypothesis::token_scores`] are wanted; beam search gives them anyway.
    pub scores: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            beam: 1,
            n_best: 1,
            length_penalty: 1.0,
            min_length: None,
            max_length: None,
            batch_tokens: 2048,
            threads: 1,
            alignment: true,
            scores: true,
        }
    }
}

/// One translation of one sentence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hypothesis {
    pub text: String,
    /// What the search ranked it by: `log-probability / length^length_penalty`, in a greedy search the mean of its tokens'
    /// log-probabilities; `NaN` where it was not asked for.
    pub score: f32,
    /// Log-probability of each target token, the end mark last.
    pub token_scores: Vec<f32>,
    pub alignment: Option<Alignment>,
    /// Whether the model ended it, rather than the length limit.
    pub finished: bool,
}

impl Hypothesis {
    /// Mean log-probability of a token (natural logarithm, at most 0); the score where the tokens' are not known.
    pub fn mean_score(&self) -> f32 {
        match self.token_scores.len() {
            0 => self.score,
            n => self.token_scores.iter().sum::<f32>() / n as f32,
        }
    }
}

/// Which source tokens each target token came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alignment {
    /// Byte ranges in the source text, one a source token; the end mark's is empty.
    pub source: Vec<Range<usize>>,
    /// Byte ranges in [`Hypothesis::text`], one a target token, in order; the end mark's is empty.
    pub target: Vec<Range<usize>>,
    /// `target.len()` rows of `source.len()`: each row sums to 1, to within rounding.
    pub weights: Vec<f32>,
}

/// Hears how far the work is.
pub trait Progress: Sync {
    /// `n` more sources are done, with `tokens` target tokens; `false` asks the engine to stop soon.
    fn done(&self, n: usize, tokens: usize) -> bool;
}

/// Hears nothing, never stops.
impl Progress for () {
    fn done(&self, _: usize, _: usize) -> bool {
        true
    }
}

impl Alignment {
    /// Engines round weights to whole multiples of this: no use of them is finer, and a memory keeps them in a byte each.
    pub const STEP: f32 = 1.0 / 1024.0;

    /// The weight in whole steps.
    pub fn round(weight: f32) -> f32 {
        (weight / Self::STEP).round() * Self::STEP
    }

    /// The row of target token `t`: one weight a source token.
    pub fn row(&self, t: usize) -> &[f32] {
        let n = self.source.len();
        self.weights.get(t * n..(t + 1) * n).unwrap_or(&[])
    }
}

/// An engine that returns its input, aligned word by word with itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity;

impl Engine for Identity {
    fn translate(&self, sources: &[String], _: &Options, progress: &dyn Progress) -> Vec<Result<Vec<Hypothesis>>> {
        sources
            .iter()
            .map(|text| {
                let words = words(text);
                let tokens = words.len() + 1;
                let mut ranges = words;
                ranges.push(text.len()..text.len());
                progress.done(1, tokens);
                Ok(vec![Hypothesis {
                    text: text.clone(),
                    score: 0.0,
                    token_scores: vec![0.0; tokens],
                    alignment: (tokens <= self.max_tokens()).then(|| diagonal(ranges)),
                    finished: true,
                }])
            })
            .collect()
    }
}

/// Every token aligned with itself. Its size is the square of their number.
fn diagonal(ranges: Vec<Range<usize>>) -> Alignment {
    let tokens = ranges.len();
    let mut weights = vec![0.0; tokens * tokens];
    weights.iter_mut().step_by(tokens + 1).for_each(|w| *w = 1.0);
    Alignment { source: ranges.clone(), target: ranges, weights }
}

/// The byte ranges of runs without white space.
fn words(text: &str) -> Vec<Range<usize>> {
    runs(text, |_, c, _| !c.is_whitespace())
}
