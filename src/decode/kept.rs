//! Search, greedy or with a beam, where the device keeps the books: what is left is to ask for step after step and to put
//! together the hypotheses that were found.

use super::{Search, Sequence, no_candidate};
use crate::error::Result;
use crate::marian::{Books, End, Standing, Turn};

/// The `n_best` sequences of each of `sources`, best first; sources that are done leave the batch at once.
pub(crate) fn search(search: &Search<'_>, books: &mut dyn Books, sources: &[&[u32]]) -> Result<Vec<Vec<Sequence>>> {
    let mut trail = Trail::default();
    let mut live: Vec<usize> = (0..sources.len()).collect();
    while !live.is_empty() {
        search.go_on()?;
        let suppress = search.suppressed(trail.steps.len());
        let mut turn = Turn::default();
        books.advance(&live, &search.want(&suppress), &mut turn)?;
        if turn.standings.contains(&Standing::Lost) {
            return Err(no_candidate());
        }
        let standings = live.iter().zip(&turn.standings);
        let open = standings.filter(|&(_, standing)| *standing == Standing::Open).map(|(&source, _)| source).collect();
        trail.steps.push(Step { live: std::mem::replace(&mut live, open), turn });
    }
    let ends = books.ends()?.into_iter().zip(sources).enumerate();
    let found = ends.map(|(i, (ends, source))| {
        let best = ends.iter().take(search.options.n_best.max(1));
        best.map(|end| trail.follow(search, end, i, source.len())).collect()
    });
    Ok(found.collect())
}

/// What came of every step.
#[derive(Default)]
struct Trail {
    steps: Vec<Step>,
}

struct Step {
    /// The sources that took part, ascending.
    live: Vec<usize>,
    turn: Turn,
}

impl Step {
    /// The attention of hypothesis `from` of the source at `place`, of `width` tokens; none where it was not asked for.
    fn attention(&self, place: usize, from: usize, width: usize) -> &[f32] {
        let Turn { attention, width: longest, .. } = &self.turn;
        match attention.is_empty() {
            true => &[],
            false => {
                let hypotheses = attention.len() / longest / self.live.len();
                let row = place * hypotheses + from;
                &attention[row * longest..row * longest + width]
            }
        }
    }
}

impl Trail {
    /// The whole hypothesis of `source`, of `width` tokens, that ends with `end`.
    fn follow(&self, search: &Search<'_>, end: &End, source: usize, width: usize) -> Sequence {
        // Each token, with its log-probability and the attention of the hypothesis that it went on; the last one first.
        let mut way: Vec<(u32, f32, &[f32])> = Vec::new();
        let mut from = end.from;
        for (number, step) in self.steps.iter().enumerate().take(end.step + 1).rev() {
            let place = step.live.partition_point(|&other| other < source);
            let before = if number == end.step {
                let Some((token, log_prob)) = end.last else { continue };
                way.push((token, log_prob, step.attention(place, from, width)));
                from
            } else {
                let Turn { from: before, tokens, log_probs, .. } = &step.turn;
                let at = place * (tokens.len() / step.live.len()) + from;
                let before = before[at] as usize;
                way.push((tokens[at], log_probs[at], step.attention(place, before, width)));
                before
            };
            from = before;
        }
        way.reverse();
        let mut sequence = Sequence {
            tokens: way.iter().map(|&(token, ..)| token).collect(),
            log_probs: way.iter().map(|&(_, log_prob, _)| log_prob).collect(),
            score: end.score,
            attention: way.iter().flat_map(|&(.., attention)| attention).copied().collect(),
            finished: end.by_itself,
        };
        if search.options.beam <= 1 {
            sequence.score_greedily(search.options.scores);
        }
        sequence
    }
}
