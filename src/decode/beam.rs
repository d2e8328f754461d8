//! Beam search, token for token that of `transformers`' `generate`.
//!
//! Each step looks at the `2 × beam` best continuations of all open hypotheses of a source: those of the first `beam`
//! that end are finished, the best `beam` of those that do not end stay open. A source is done when its open hypotheses
//! can no longer beat the worst finished one ([`EarlyStopping`] says how that is guessed).

use super::{Search, Sequence, no_candidate};
use crate::error::Result;
use crate::marian::config::EarlyStopping;
use crate::marian::{Candidates, Row, Session, Want};

/// The `n_best` sequences of each of `sources`, best first; sources that are done leave the batch at once.
pub(crate) fn search(search: &Search<'_>, session: &mut dyn Session, sources: &[&[u32]]) -> Result<Vec<Vec<Sequence>>> {
    let (config, options) = (search.config, search.options);
    session.encode(sources)?;
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
        let choices = config.decoder_vocab_size.saturating_sub(suppress.len());
        let k = options.beam.saturating_mul(2).min(choices).max(1);
        let want = Want { k, log_probs: true, attention: options.alignment, suppress: &suppress };
        session.step(&rows, &want, &mut best)?;
        let attention = trail.keep(&best);
        let mut row = 0;
        for beam in &mut beams {
            let first_row = row;
            row += beam.open.len();
            beam.advance(search, length, &Choices { best: &best, k, first_row, attention }, &mut trail)?;
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
        let mut continuations = self.continuations(search, over, offer);
        if continuations.is_empty() {
            return Err(no_candidate());
        }
        // Equal scores keep their order: the better hypothesis first, then the better token.
        continuations.sort_by(|a, b| b.score.total_cmp(&a.score));
        continuations.truncate(2 * width);
        let penalty = penalty(length + 1, search.options.length_penalty);
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
                true => self.finished.push(End { last, score: next.score / penalty, by_itself: next.by_itself }),
                false => open.push(Open { last, score: next.score, row }),
            }
        }
        if over && config.forced_eos_token_id.is_none() {
            // Nothing ends them, so they stop where they are.
            let penalty = self::penalty(length.max(1), search.options.length_penalty);
            let cut = |open: &Open| End { last: open.last, score: open.score / penalty, by_itself: false };
            self.finished.extend(self.open.iter().map(cut));
        }
        self.finished.sort_by(|a, b| b.score.total_cmp(&a.score));
        self.finished.truncate(width);
        self.open = open;
        Ok(())
    }

    /// The best continuations of each open hypothesis, in their order.
    fn continuations(&self, search: &Search<'_>, over: bool, offer: &Choices<'_>) -> Vec<Continuation> {
        let eos = search.config.eos_token_id;
        let mut all = Vec::with_capacity(self.open.len() * offer.k);
        for (from, open) in self.open.iter().enumerate() {
            let at = (offer.first_row + from) * offer.k;
            let ids = &offer.best.ids[at..at + offer.k];
            let scores = &offer.best.scores[at..at + offer.k];
            if over && let Some(forced) = search.config.forced_eos_token_id {
                if scores[0].is_finite() {
                    // As in `generate`, a forced token has probability 1.
                    let by_itself = ids[0] == eos;
                    all.push(Continuation { from, token: forced, log_prob: 0.0, score: open.score, by_itself });
                }
                continue;
            }
            for (&token, &log_prob) in ids.iter().zip(scores) {
                if log_prob.is_finite() && (!over || token == eos) {
                    let by_itself = token == eos;
                    all.push(Continuation { from, token, log_prob, score: open.score + log_prob, by_itself });
                }
            }
        }
        all
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

fn penalty(length: usize, exponent: f32) -> f32 {
    (length as f64).powf(f64::from(exponent)) as f32
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
