//! Beam search, token for token that of `transformers`' `generate`.
//!
//! Each step looks at the `2 × beam` best continuations of all open hypotheses of a source: those of the first `beam`
//! that end are finished, the best `beam` of those that do not end stay open. A source is done when its open hypotheses
//! can no longer beat the worst finished one ([`EarlyStopping`] says how that is guessed).

use super::{Search, Sequence, no_candidate};
use crate::error::Result;
use crate::marian::config::EarlyStopping;
use crate::marian::{Candidates, Row, Session, penalty};

/// The `n_best` sequences of each of `sources`, which the session has encoded, best first; sources that are done leave the batch at once.
pub(crate) fn search(search: &Search<'_>, session: &mut dyn Session, sources: &[&[u32]]) -> Result<Vec<Vec<Sequence>>> {
    let (config, options) = (search.config, search.options);
    let mut trail = Trail::default();
    let mut found = vec![Vec::new(); sources.len()];
    let mut beams: Vec<Beam> = (0..sources.len())
        .map(|source| Beam {
            source,
            limit: search.limit(sources[source].len()),
            open: vec![Open { last: None, score: 0.0, row: source }],
            finished: Vec::new(),
        })
        .collect();
    let mut best = Candidates::default();
    let mut length = 0;
    while !beams.is_empty() {
        search.go_on()?;
        let rows: Vec<Row> = beams
            .iter()
            .flat_map(|beam| &beam.open)
            .map(|open| Row {
                parent: open.row,
                token: open.last.map_or(config.decoder_start_token_id, |last| trail.steps[last].token),
            })
            .collect();
        let suppress = search.suppressed(length);
        let want = search.want(&suppress);
        session.step(&rows, &want, &mut best)?;
        let attention = trail.keep(&best);
        let mut row = 0;
        for beam in &mut beams {
            let first_row = row;
            row += beam.open.len();
            beam.advance(search, length, &Choices { best: &best, k: want.k, first_row, attention }, &mut trail)?;
        }
        length += 1;
        beams.retain_mut(|beam| {
            let done = beam.is_done(search, length);
            if done {
                let finished = beam.finished.iter().take(options.n_best.max(1));
                found[beam.source] = finished.map(|end| trail.follow(end, sources[beam.source].len())).collect();
            }
            !done
        });
    }
    Ok(found)
}

/// The search for one source.
struct Beam {
    source: usize,
    /// The most tokens, the end mark not counted.
    limit: usize,
    /// At most `beam`, best first.
    open: Vec<Open>,
    /// At most `beam`, best first.
    finished: Vec<End>,
}

/// A hypothesis that goes on.
struct Open {
    /// Its last token, an index into the trail; `None` at the start.
    last: Option<usize>,
    /// The sum of its log-probabilities.
    score: f32,
    /// Its row in the step before (in the first step: its source).
    row: usize,
}

/// A hypothesis that has ended.
struct End {
    last: Option<usize>,
    /// log-probability / length^penalty
    score: f32,
    by_itself: bool,
}

/// What the network offers the rows of one beam.
struct Choices<'a> {
    best: &'a Candidates,
    k: usize,
    /// The row of the first open hypothesis.
    first_row: usize,
    /// Where the attention of row 0 lies in the trail.
    attention: usize,
}

/// A continuation of the open hypothesis `from`.
struct Continuation {
    from: usize,
    token: u32,
    log_prob: f32,
    /// The sum of log-probabilities, this one included.
    score: f32,
    by_itself: bool,
}

impl Beam {
    /// From `length` tokens to one more.
    fn advance(&mut self, search: &Search<'_>, length: usize, offer: &Choices<'_>, trail: &mut Trail) -> Result<()> {
        let (config, width) = (search.config, search.options.beam);
        let over = length >= self.limit;
        // Nothing ends them then, so they stop where they are.
        let cut = over && config.forced_eos_token_id.is_none();
        let continuations = self.continuations(search, over, offer);
        if continuations.is_empty() && !cut {
            return Err(no_candidate());
        }
        let shrink = penalty(length + 1, search.options.length_penalty);
        let mut open = Vec::with_capacity(width);
        for (rank, next) in continuations.into_iter().enumerate() {
            let ends = next.token == config.eos_token_id || over;
            if if ends { rank >= width } else { open.len() == width } {
                continue;
            }
            let before = &self.open[next.from];
            let row = offer.first_row + next.from;
            let attention = offer.attention + row * offer.best.width;
            trail.steps.push(Step { before: before.last, token: next.token, log_prob: next.log_prob, attention });
            let last = Some(trail.steps.len() - 1);
            match ends {
                true => self.finished.push(End { last, score: next.score / shrink, by_itself: next.by_itself }),
                false => open.push(Open { last, score: next.score, row }),
            }
        }
        if cut {
            let shrink = penalty(length.max(1), search.options.length_penalty);
            let end = |open: &Open| End { last: open.last, score: open.score / shrink, by_itself: false };
            self.finished.extend(self.open.iter().map(end));
        }
        self.finished.sort_by(|a, b| b.score.total_cmp(&a.score));
        self.finished.truncate(width);
        self.open = open;
        Ok(())
    }

    /// The best `2 × beam` continuations, best first; of equal ones that of the better hypothesis, then of the better token.
    fn continuations(&self, search: &Search<'_>, over: bool, offer: &Choices<'_>) -> Vec<Continuation> {
        // Those of one hypothesis come best first: the next of all is at the head of one of them.
        let mut offers: Vec<_> = (0..self.open.len()).map(|from| self.offers(from, search, over, offer)).collect();
        let mut heads: Vec<_> = offers.iter_mut().map(Iterator::next).collect();
        let mut best = Vec::with_capacity(2 * search.options.beam);
        while best.len() < 2 * search.options.beam {
            let score = |i: usize| heads[i].as_ref().map_or(f32::NEG_INFINITY, |next| next.score);
            let first = (1..heads.len()).fold(0, |first, i| if score(i) > score(first) { i } else { first });
            let Some(next) = heads[first].take() else { break };
            best.push(next);
            heads[first] = offers[first].next();
        }
        best
    }

    /// The continuations of the open hypothesis `from`, best first.
    fn offers<'a>(
        &'a self,
        from: usize,
        search: &'a Search<'_>,
        over: bool,
        offer: &'a Choices<'_>,
    ) -> impl Iterator<Item = Continuation> + 'a {
        let (eos, before) = (search.config.eos_token_id, self.open[from].score);
        let forced = if over { search.config.forced_eos_token_id } else { None };
        let at = (offer.first_row + from) * offer.k;
        let choices = offer.best.ids[at..at + offer.k].iter().zip(&offer.best.scores[at..at + offer.k]);
        choices
            .take(if forced.is_some() { 1 } else { offer.k })
            .filter(move |&(&token, log_prob)| log_prob.is_finite() && (forced.is_some() || !over || token == eos))
            .map(move |(&token, &log_prob)| match forced {
                // As in `generate`, a forced token has probability 1.
                Some(forced) => {
                    Continuation { from, token: forced, log_prob: 0.0, score: before, by_itself: token == eos }
                }
                None => Continuation { from, token, log_prob, score: before + log_prob, by_itself: token == eos },
            })
    }

    /// Whether nothing better can come, after `length` tokens.
    fn is_done(&self, search: &Search<'_>, length: usize) -> bool {
        let options = search.options;
        let Some(open) = self.open.first() else { return true };
        let (true, Some(worst)) = (self.finished.len() >= options.beam, self.finished.last()) else { return false };
        let best_length = match search.config.early_stopping {
            EarlyStopping::First => return true,
            EarlyStopping::Never if options.length_penalty > 0.0 => self.limit + 1,
            EarlyStopping::Never | EarlyStopping::Heuristic => length,
        };
        open.score / penalty(best_length, options.length_penalty) <= worst.score
    }
}

/// Every token of every hypothesis, each with a way back to the start.
#[derive(Default)]
struct Trail {
    steps: Vec<Step>,
    /// The attention of every row of every step.
    attention: Vec<f32>,
}

struct Step {
    before: Option<usize>,
    token: u32,
    log_prob: f32,
    /// Where its attention begins.
    attention: usize,
}

impl Trail {
    /// Keeps the attention of a step; gives the place of its first row.
    fn keep(&mut self, candidates: &Candidates) -> usize {
        let place = self.attention.len();
        self.attention.extend_from_slice(&candidates.attention);
        place
    }

    /// The whole hypothesis that ends with `end`, for a source of `width` tokens.
    fn follow(&self, end: &End, width: usize) -> Sequence {
        let mut steps: Vec<&Step> =
            std::iter::successors(end.last, |&i| self.steps[i].before).map(|i| &self.steps[i]).collect();
        steps.reverse();
        let attention = match self.attention.is_empty() {
            true => Vec::new(),
            false => steps.iter().flat_map(|s| &self.attention[s.attention..s.attention + width]).copied().collect(),
        };
        Sequence {
            tokens: steps.iter().map(|step| step.token).collect(),
            log_probs: steps.iter().map(|step| step.log_prob).collect(),
            score: end.score,
            attention,
            finished: end.by_itself,
        }
    }
}
