//! Marian networks. Token ids in, the best next tokens out; no text in here.
//!
//! There are two, behind one trait:
//! * [`tensor`]: candle tensors throughout, any device, f32, f16 or bf16; the plain form, and what a GPU runs;
//! * [`cpu`]: the same network on preallocated buffers with fused loops and packed products (int8 or f32), for speed.

mod books;
pub mod config;
pub mod cpu;
pub mod device;
mod fleet;
pub mod quantised;
pub mod shortlist;
pub mod tensor;
pub mod weights;

pub use books::{Books, End, Rules, Standing, Turn, penalty};
pub use config::Config;
pub use fleet::Fleet;
pub use weights::Weights;

use crate::error::{Error, ErrorKind, Result};

/// A loaded network. Shared by all workers; each runs its batches in a [`Session`] of its own.
pub trait Network: Send + Sync {
    /// What `config.json` says.
    fn config(&self) -> &Config;

    /// A place to run batches in, with buffers that are kept from one batch to the next.
    fn session(&self) -> Box<dyn Session + '_> {
        self.session_on(1)
    }

    /// The same, where up to `threads` threads of a CPU work on a batch together.
    fn session_on(&self, threads: usize) -> Box<dyn Session + '_>;

    /// How many sessions can work at a time: a GPU serves two in turn, or one after the other. `None`: one a thread.
    fn workers(&self) -> Option<usize> {
        None
    }

    /// In words, for `--verbose` and the report: `cpu int8 (avx512-vnni)`, `cuda:0 f16`.
    fn describe(&self) -> String;
}

/// One batch at a time: [`Session::encode`] once, then [`Session::step`] until every hypothesis has ended.
///
/// Law: a row's results are the same bits whatever rows stand beside it.
pub trait Session {
    /// Encodes the sources (ids with the end mark, each of any length from 1) and forgets the batch before.
    fn encode(&mut self, sources: &[&[u32]]) -> Result<()>;

    /// One target position further. Row `i` goes on from row `rows[i].parent` of the step before (in the first step: from
    /// source `parent`, with the decoder's start token as `token`). Rows that no one names are forgotten, rows named
    /// several times are copied: this one call reorders beams and shrinks the batch.
    fn step(&mut self, rows: &[Row], want: &Want<'_>, out: &mut Candidates) -> Result<()>;

    /// The search of the sources that were encoded, for the session to keep the books of; `None` where it can but step, as a
    /// processor does, whose memory is the host's.
    fn books(&mut self, _: &Rules) -> Result<Option<Box<dyn Books + '_>>> {
        Ok(None)
    }

    /// The encoder's output: `sources × longest × d_model`, row-major, unspecified at padding. For tests.
    fn encoder_states(&mut self) -> Result<Vec<f32>>;

    /// The logits of the last step, bias added, nothing suppressed: `rows × target vocabulary`. For tests.
    fn logits(&mut self) -> Result<Vec<f32>>;
}

/// A hypothesis that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which row of the step before it continues.
    pub parent: usize,
    /// Its last token.
    pub token: u32,
}

/// What a step is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Want<'a> {
    /// How many best tokens a row.
    pub k: usize,
    /// Log-probabilities rather than raw logits as [`Candidates::scores`].
    pub log_probs: bool,
    /// Cross-attention as well.
    pub attention: bool,
    /// Tokens that may not come next: pad, `bad_words_ids`, the end mark before the least length. They never become
    /// candidates; they stay in the normaliser of the log-probabilities (`transformers`' beam search masks after its
    /// log-softmax as well).
    pub suppress: &'a [u32],
}

/// The best next tokens of each row, best first; of equal scores the smaller id comes first.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    /// `rows × k`.
    pub ids: Vec<u32>,
    /// `rows × k`.
    pub scores: Vec<f32>,
    /// `rows × width`, where it was asked for: the mean over [`config::AlignmentHeads`]; 0 at padding.
    pub attention: Vec<f32>,
    /// The longest source of the batch.
    pub width: usize,
}

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        let message = error.to_string();
        // With `RUST_BACKTRACE` set, candle puts a backtrace behind the message.
        let message = message.lines().next().unwrap_or_default();
        let kind = if is_out_of_memory(message) { ErrorKind::Memory } else { ErrorKind::Device };
        Self::new(kind, message).because(error)
    }
}

/// Whether a device's error says that there was no room. The backends have no common code for it, only their words: CUDA's
/// `CUDA_ERROR_OUT_OF_MEMORY`, cuBLAS' `CUBLAS_STATUS_ALLOC_FAILED`, Metal's `Failed to create metal resource: Buffer`.
fn is_out_of_memory(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["out_of_memory", "out of memory", "alloc_failed", "failed to create metal resource: buffer", "failed to allocate"]
        .iter()
        .any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_out_of_memory_is_told_from_other_failures() {
        for (message, kind) in [
            ("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")", ErrorKind::Memory),
            ("CublasError(CUBLAS_STATUS_ALLOC_FAILED)", ErrorKind::Memory),
            ("DriverError(CUDA_ERROR_ILLEGAL_ADDRESS, \"an illegal memory access\")", ErrorKind::Device),
            ("shape mismatch in matmul", ErrorKind::Device),
        ] {
            assert_eq!(Error::from(candle_core::Error::Msg(message.to_owned())).kind(), kind, "{message}");
        }
    }
}
