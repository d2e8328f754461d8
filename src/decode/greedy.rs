//! Greedy search: the best token at each step.

use super::{Search, Sequence, no_candidate};
use crate::error::Result;
use crate::marian::{Candidates, Row, Session};

/// The sequence of each of `sources`, which the session has encoded; those that end leave the batch at once.
pub(crate) fn search(search: &Search<'_>, session: &mut dyn Session, sources: &[&[u32]]) -> Result<Vec<Sequence>> {
    let (config, options) = (search.config, search.options);
    let mut sequences = vec![Sequence::default(); sources.len()];
    // The source of each row.
    let mut open: Vec<usize> = (0..sources.len()).collect();
    let mut rows: Vec<Row> = open.iter().map(|&i| Row { parent: i, token: config.decoder_start_token_id }).collect();
    let mut best = Candidates::default();
    let mut length = 0;
    while !rows.is_empty() {
        search.go_on()?;
        let suppress = search.suppressed(length);
        session.step(&rows, &search.want(&suppress), &mut best)?;
        rows.clear();
        let mut still_open = Vec::with_capacity(open.len());
        for (row, &source) in open.iter().enumerate() {
            let sequence = &mut sequences[source];
            let (mut token, mut log_prob) = (best.ids[row], best.scores[row]);
            if !log_prob.is_finite() {
                return Err(no_candidate());
            }
            sequence.finished = token == config.eos_token_id;
            let over = length >= search.limit(sources[source].len());
            if over && !sequence.finished {
                let Some(forced) = config.forced_eos_token_id else { continue };
                (token, log_prob) = (forced, 0.0);
            }
            sequence.tokens.push(token);
            sequence.log_probs.push(log_prob);
            if options.alignment {
                let weights = &best.attention[row * best.width..];
                sequence.attention.extend_from_slice(&weights[..sources[source].len()]);
            }
            if !(sequence.finished || over) {
                still_open.push(source);
                rows.push(Row { parent: row, token });
            }
        }
        open = still_open;
        length += 1;
    }
    sequences.iter_mut().for_each(|sequence| sequence.score_greedily(options.scores));
    Ok(sequences)
}
