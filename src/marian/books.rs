//! A search whose books a device keeps: of a step the host learns which sources are done and what the open hypotheses are,
//! and not what there was to choose from.

use super::Want;
use crate::error::Result;

/// What a search goes by, beyond the configuration.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The open hypotheses of a source; 1 is greedy search.
    pub beam: usize,
    /// Hypotheses are ranked by `log-probability / length^length_penalty`.
    pub length_penalty: f32,
    /// The most tokens for each source of the batch, the end mark not counted.
    pub limits: Vec<usize>,
}

/// What the log-probability of a hypothesis of `length` tokens is divided by.
pub fn penalty(length: usize, exponent: f32) -> f32 {
    (length as f64).powf(f64::from(exponent)) as f32
}

/// The search of the batch that a session has encoded. Law: it finds, to the bit, what [`crate::decode`] finds with the same
/// session's [`super::Session::step`].
pub trait Books {
    /// One target position further for the sources `live`: indices into the batch, ascending; at first all of them, then those of
    /// the call before that are still open. `want` is what [`super::Session::step`] would be asked for.
    fn advance(&mut self, live: &[usize], want: &Want<'_>, out: &mut Turn) -> Result<()>;

    /// The hypotheses of each source of the batch that have ended, best first; at most `beam`.
    fn ends(&mut self) -> Result<Vec<Vec<End>>>;
}

/// What comes of a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Turn {
    /// Of each live source.
    pub standings: Vec<Standing>,
    /// Of each live source its `beam` open hypotheses, best first: which of those of the step before each goes on, with which
    /// token, and the token's log-probability. Where a source has fewer, what stands in their places means nothing.
    pub from: Vec<u32>,
    pub tokens: Vec<u32>,
    pub log_probs: Vec<f32>,
    /// Of each hypothesis that went in, `width`, where it was asked for: as [`super::Candidates::attention`]. In the first step a
    /// source has one, later `beam`.
    pub attention: Vec<f32>,
    /// The longest source of the batch.
    pub width: usize,
}

/// How a source stands after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Open,
    Done,
    /// The network gave no finite score to go on with.
    Lost,
}

/// A hypothesis that has ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct End {
    /// log-probability / length^penalty; 0 in greedy search.
    pub score: f32,
    /// The step, from 0, in which it ended, and which of its source's hypotheses before that step it goes on.
    pub step: usize,
    pub from: usize,
    /// Its last token, with the token's log-probability; `None` for one that was cut off where it was.
    pub last: Option<(u32, f32)>,
    /// Whether it ended by itself.
    pub by_itself: bool,
}
