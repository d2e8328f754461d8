//! The engine that translates: a tokenizer, a network and a search.

use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Alignment, Engine, Hypothesis, Options, Progress};
use crate::decode::{self, Room, Sequence};
use crate::error::{Error, Result};
use crate::marian::Network;
use crate::spread::{in_place, on_threads, spread};
use crate::tokenize::{Tokenizer, Tokens};

/// A Marian model ready to translate.
pub struct MarianEngine {
    pub(super) tokenizer: Tokenizer,
    pub(super) network: Arc<dyn Network>,
}

impl MarianEngine {
    /// Joins a tokenizer and a network of the same model.
    pub fn new(tokenizer: Tokenizer, network: Arc<dyn Network>) -> Self {
        Self { tokenizer, network }
    }

    /// What the network runs on, in words.
    pub fn describe(&self) -> String {
        self.network.describe()
    }

    /// Translates sources that are tokenised, decoded and made text one after the other.
    fn translate_together(
        &self,
        sources: Vec<&String>,
        options: &Options,
        progress: &dyn Progress,
        room: &Room,
    ) -> Vec<Result<Vec<Hypothesis>>> {
        let tokens: Vec<Tokens> = spread(sources, options.threads, |text: &String| self.tokenizer.encode(text));
        let most = self.max_tokens();
        // A source that is too long takes no part in the search; the others are not held up by it.
        let fits = |i: &usize| tokens[*i].ids.len() <= most;
        let chosen: Vec<usize> = (0..tokens.len()).filter(fits).collect();
        let ids: Vec<Vec<u32>> = chosen.iter().map(|&i| tokens[i].ids.clone()).collect();
        let found = decode::batch::run(self.network.as_ref(), &ids, options, progress, room);
        let mut sequences: Vec<Option<Result<Vec<Sequence>>>> = tokens.iter().map(|_| None).collect();
        for (i, found) in chosen.into_iter().zip(found) {
            sequences[i] = Some(found);
        }
        let work = |(tokens, sequences): (&Tokens, Option<Result<Vec<Sequence>>>)| {
            let n = tokens.ids.len();
            let too_long = || Err(Error::input(format!("a segment of {n} tokens; the model takes {most} at most")));
            let sequences = sequences.unwrap_or_else(too_long)?;
            Ok(sequences.into_iter().map(|sequence| self.hypothesis(tokens, sequence)).collect())
        };
        spread(tokens.iter().zip(sequences).collect(), options.threads, work)
    }

    fn hypothesis(&self, source: &Tokens, sequence: Sequence) -> Hypothesis {
        let decoded = self.tokenizer.decode(&sequence.tokens);
        let mut weights: Vec<f32> = sequence.attention.into_iter().map(Alignment::round).collect();
        let row = source.ranges.len();
        if self.network.config().alignment.next_step && weights.len() > row {
            // Every token takes the row of the next; the end mark, which is never an input, keeps its own.
            weights.drain(..row);
            weights.extend_from_within(weights.len() - row..);
        }
        let alignment =
            (!weights.is_empty()).then(|| Alignment { source: source.ranges.clone(), target: decoded.ranges, weights });
        Hypothesis {
            text: decoded.text,
            score: sequence.score,
            token_scores: sequence.log_probs,
            alignment,
            finished: sequence.finished,
        }
    }
}

impl Engine for MarianEngine {
    fn translate(
        &self,
        sources: &[String],
        options: &Options,
        progress: &dyn Progress,
    ) -> Vec<Result<Vec<Hypothesis>>> {
        let room = Room::default();
        let parts = match self.network.workers() {
            Some(workers) => parts(sources, options.batch_tokens.saturating_mul(workers)),
            None => Vec::new(),
        };
        if parts.len() < 2 {
            return self.translate_together(sources.iter().collect(), options, progress, &room);
        }
        let next = AtomicUsize::new(0);
        let lane = || {
            let mut found = Vec::new();
            while progress.done(0, 0)
                && let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed))
            {
                let sources = part.iter().map(|&i| &sources[i]).collect();
                found.extend(part.iter().copied().zip(self.translate_together(sources, options, progress, &room)));
            }
            found
        };
        in_place(sources.len(), on_threads(LANES, lane), || Err(decode::interrupted()))
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.tokenizer.count(text)
    }

    fn max_tokens(&self) -> usize {
        self.network.config().max_position_embeddings
    }

    fn reads(&self, c: char) -> bool {
        self.tokenizer.reads(c)
    }

    fn writes(&self, c: char) -> bool {
        self.tokenizer.writes(c)
    }

    fn calls(&self) -> usize {
        // On a CPU the second uses the cores that have no more batches of the first. A GPU takes one at a time, while the
        // other is tokenised, or restored.
        2
    }
}

/// A device decodes one part while the processor makes tokens of the next, and text of the one before.
const LANES: usize = 2;

/// Bytes of French a token, about, or a little fewer.
const BYTES: usize = 4;

/// Cuts `sources` into parts of like size and of sources of like length, each of about so many tokens.
fn parts(sources: &[String], tokens: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by_key(|&i| Reverse(sources[i].len()));
    let bytes: usize = sources.iter().map(String::len).sum();
    let count = (bytes / BYTES).div_ceil(tokens.max(1)).max(1);
    let mut parts = vec![Vec::new(); count];
    let mut before = 0;
    for i in order {
        parts[(before * count / bytes.max(1)).min(count - 1)].push(i);
        before += sources[i].len();
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_of_like_size_and_hold_every_source_once() {
        let sources: Vec<String> = (0..100).map(|i| "x".repeat((i * 37) % 90)).collect();
        assert_eq!(parts(&sources, usize::MAX).len(), 1);
        assert!(parts(&[], 10).is_empty());
        let parts = parts(&sources, 300);
        assert_eq!(parts.len(), 4);
        let mut all: Vec<usize> = parts.concat();
        assert!(all.windows(2).all(|pair| sources[pair[0]].len() >= sources[pair[1]].len()));
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
        for part in &parts {
            let bytes: usize = part.iter().map(|&i| sources[i].len()).sum();
            assert!((900..1300).contains(&bytes), "{bytes}");
        }
    }
}
