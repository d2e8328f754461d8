//! Search: batches of token ids in, token sequences out. No text in here, and no tensor.

pub mod batch;
pub mod beam;
pub mod greedy;

use crate::engine::{Options, Progress};
use crate::error::Result;
use crate::marian::Network;

/// One hypothesis in tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequence {
    /// Target ids without the start token; ends with the end mark if `finished`.
    pub tokens: Vec<u32>,
    /// Log-probability of each token; empty where it was not asked for.
    pub log_probs: Vec<f32>,
    /// Mean log-probability, or what the search ranked by; `NaN` where it was not asked for.
    pub score: f32,
    /// `tokens.len() × source.len()`; empty where it was not asked for.
    pub attention: Vec<f32>,
    /// Whether it ended by itself.
    pub finished: bool,
}

/// Decodes every source (ids with the end mark): batches of like length by token budget, the longest first, one
/// batch a thread. The results are in the order of the sources and do not depend on batches or threads.
pub fn decode(
    network: &dyn Network,
    sources: &[Vec<u32>],
    options: &Options,
    progress: &dyn Progress,
) -> Vec<Result<Vec<Sequence>>> {
    batch::run(network, sources, options, progress)
}
