//! The part of the output layer that a shortlist leaves for a batch.
//!
//! The product is taken over the tokens of all sources together; each row then looks at those of its own source only, in
//! their own order, so that neither what it finds nor how its normaliser is summed depends on its neighbours.

use std::ops::Range;

use super::matrix::Matrix;
use super::product::{Rows, Store, Team, product};
use crate::error::Result;
use crate::marian::shortlist::Shortlist;

/// The tokens that a batch may produce.
pub struct Wanted {
    /// The output layer for the tokens of all sources, ascending.
    layer: Matrix,
    /// The tokens of one source after another, ascending, and where they stand in `layer`.
    tokens: Vec<u32>,
    places: Vec<u32>,
    /// One range of `tokens` a source.
    ranges: Vec<Range<usize>>,
    logits: Vec<f32>,
}

impl Wanted {
    /// # Errors
    /// [`crate::error::ErrorKind::Device`]: no memory.
    pub fn new(shortlist: &Shortlist, output: &Matrix, sources: &[&[u32]]) -> Result<Self> {
        let (mut tokens, mut ranges) = (Vec::new(), Vec::with_capacity(sources.len()));
        for source in sources {
            let start = tokens.len();
            shortlist.candidates(source, &mut tokens);
            ranges.push(start..tokens.len());
        }
        // Where each token of the vocabulary stands, of those that someone wants.
        let mut place_of = vec![u32::MAX; output.outputs];
        tokens.iter().for_each(|&token| place_of[token as usize] = 0);
        let all: Vec<u32> = (0..output.outputs as u32).filter(|&token| place_of[token as usize] == 0).collect();
        for (place, &token) in all.iter().enumerate() {
            place_of[token as usize] = place as u32;
        }
        let places = tokens.iter().map(|&token| place_of[token as usize]).collect();
        Ok(Self { layer: output.select(&all)?, tokens, places, ranges, logits: Vec::new() })
    }

    /// Computes the logits of the first `rows` rows of `x`.
    pub fn compute(&mut self, team: &Team, x: &Rows, rows: usize) {
        let width = self.layer.outputs;
        if self.logits.len() < rows * width {
            self.logits.resize(rows * width, 0.0);
        }
        product(team, x, rows, &self.layer, Store::to(&mut self.logits[..rows * width], width));
    }

    /// What a row whose source is `source` may look at: the logits, the places of its own, and their tokens.
    pub fn of(&self, row: usize, source: usize) -> (&[f32], &[u32], &[u32]) {
        let width = self.layer.outputs;
        let range = self.ranges[source].clone();
        (&self.logits[row * width..][..width], &self.places[range.clone()], &self.tokens[range])
    }
}
