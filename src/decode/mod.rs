//! Search: batches of token ids in, token sequences out. No text in here, and no tensor.

pub mod batch;
pub mod beam;
pub mod greedy;
mod kept;

use std::borrow::Cow;
use std::sync::atomic::AtomicUsize;

use crate::engine::{Options, Progress};
use crate::error::{Error, ErrorKind, Result};
use crate::marian::{Config, Network, Rules, Want};

/// One hypothesis in tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequence {
    /// Target ids without the start token; ends with the end mark if `finished`, and where the configuration forces one at
    /// the length limit.
    pub tokens: Vec<u32>,
    /// Log-probability of each token, 0 for a forced one; empty where it was not asked for.
    pub log_probs: Vec<f32>,
    /// Mean log-probability, or what the search ranked by; `NaN` where it was not asked for.
    pub score: f32,
    /// `tokens.len() × source.len()`; empty where it was not asked for.
    pub attention: Vec<f32>,
    /// Whether it ended by itself.
    pub finished: bool,
}

impl Sequence {
    /// Its score as greedy search gives it: the mean of its tokens' log-probabilities, if that is `wanted`.
    fn score_greedily(&mut self, wanted: bool) {
        self.score = f32::NAN;
        match wanted {
            true => self.score = self.log_probs.iter().sum::<f32>() / self.log_probs.len().max(1) as f32,
            false => self.log_probs.clear(),
        }
    }
}

/// The most tokens of a batch, padding counted, that a device has been seen to have no room for, halved.
pub(crate) struct Room(AtomicUsize);

impl Default for Room {
    fn default() -> Self {
        Self(AtomicUsize::new(usize::MAX))
    }
}

/// Decodes every source (ids with the end mark): batches of like length by token budget, the longest first, one
/// batch a thread. The results are in the order of the sources and do not depend on batches or threads.
pub fn decode(
    network: &dyn Network,
    sources: &[Vec<u32>],
    options: &Options,
    progress: &dyn Progress,
) -> Vec<Result<Vec<Sequence>>> {
    batch::run(network, sources, options, progress, &Room::default())
}

/// What the searches share: the configuration, what was asked for, and whether to go on.
pub(crate) struct Search<'a> {
    pub config: &'a Config,
    pub options: &'a Options,
    /// Asked at each step; `true` stops the search.
    pub stopped: &'a dyn Fn() -> bool,
}

impl Search<'_> {
    /// The most target tokens for a source of `length` tokens, the end mark not counted.
    fn limit(&self, length: usize) -> usize {
        // A translation is rarely half as long again as its source; a model that runs away is stopped here.
        let reasonable = length.saturating_mul(3).saturating_add(50);
        let trained = self.config.max_length.min(self.config.max_position_embeddings);
        // `max_length` counts the start token and the end mark.
        self.options.max_length.unwrap_or_else(|| reasonable.min(trained.saturating_sub(2)))
    }

    /// What may not come next after `length` tokens.
    fn suppressed(&self, length: usize) -> Cow<'_, [u32]> {
        if length >= self.options.min_length.unwrap_or(0) {
            return Cow::Borrowed(&self.config.suppressed);
        }
        let mut suppressed = self.config.suppressed.clone();
        suppressed.push(self.config.eos_token_id);
        Cow::Owned(suppressed)
    }

    /// What a step is asked for.
    fn want<'a>(&self, suppress: &'a [u32]) -> Want<'a> {
        let (options, choices) = (self.options, self.config.decoder_vocab_size.saturating_sub(suppress.len()));
        let (k, log_probs) = match options.beam {
            0 | 1 => (1, options.scores),
            beam => (beam.saturating_mul(2).min(choices).max(1), true),
        };
        Want { k, log_probs, attention: options.alignment, suppress }
    }

    /// What a device that keeps the books goes by.
    fn rules(&self, sources: &[&[u32]]) -> Rules {
        Rules {
            beam: self.options.beam.max(1),
            length_penalty: self.options.length_penalty,
            limits: sources.iter().map(|source| self.limit(source.len())).collect(),
        }
    }

    fn go_on(&self) -> Result<()> {
        if (self.stopped)() { Err(interrupted()) } else { Ok(()) }
    }
}

pub(crate) fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "stopped before it was translated")
}

/// A network that gives not one number to go on with: overflow in a half type, or weights that are not numbers.
fn no_candidate() -> Error {
    Error::model("the network gave no finite score; the weights are damaged, or too large for half precision")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
#[path = "decode_tests.rs"]
mod tests;
