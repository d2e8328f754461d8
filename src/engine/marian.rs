//! The engine that translates: a tokenizer, a network and a search.

use std::sync::Arc;

use super::{Alignment, Engine, Hypothesis, Options, Progress};
use crate::decode::{self, Sequence};
use crate::error::{Error, Result};
use crate::marian::Network;
use crate::spread::spread;
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
        let texts = sources.iter().collect();
        let tokens: Vec<Tokens> = spread(texts, options.threads, |text: &String| self.tokenizer.encode(text));
        let most = self.max_tokens();
        // A source that is too long takes no part in the search; the others are not held up by it.
        let fits = |i: &usize| tokens[*i].ids.len() <= most;
        let chosen: Vec<usize> = (0..sources.len()).filter(fits).collect();
        let ids: Vec<Vec<u32>> = chosen.iter().map(|&i| tokens[i].ids.clone()).collect();
        let found = decode::decode(self.network.as_ref(), &ids, options, progress);
        let mut sequences: Vec<Option<Result<Vec<Sequence>>>> = sources.iter().map(|_| None).collect();
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
