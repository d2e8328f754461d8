//! The words and signs of a translation with the source bytes that they come from.

use std::ops::Range;

use super::{Placed, meets};
use crate::document::Link;

/// A word or a sign of the target.
pub struct Unit {
    pub target: Range<usize>,
    /// Bytes of the block's text it comes from, with weights.
    pub links: Vec<(Range<usize>, f32)>,
    pub word: bool,
}

/// The words and signs of the target with what they come from.
pub fn units(segments: &[Placed<'_>], target: &str) -> Vec<Unit> {
    let mut out = Vec::new();
    for (source, place, links) in segments {
        let text = &target[place.clone()];
        let mut links: Vec<&Link> = links.iter().collect();
        links.sort_by_key(|l| (l.target.start, l.target.end));
        let first = out.len();
        let mut start = 0;
        while start < text.len() {
            let c = text[start..].chars().next().unwrap_or(' ');
            let word = c.is_alphanumeric();
            let end = if word {
                start + text[start..].chars().take_while(|c| c.is_alphanumeric()).map(char::len_utf8).sum::<usize>()
            } else {
                start + c.len_utf8()
            };
            if !c.is_whitespace() {
                out.push(Unit { target: place.start + start..place.start + end, links: Vec::new(), word });
            }
            start = end;
        }
        let mut from = first;
        for link in links {
            let r = place.start + link.target.start..place.start + link.target.end;
            let s = source.start + link.source.start..(source.start + link.source.end).min(source.end);
            while from < out.len() && out[from].target.end <= r.start {
                from += 1;
            }
            for unit in out[from..].iter_mut().take_while(|u| u.target.start < r.end) {
                let shared = unit.target.end.min(r.end).saturating_sub(unit.target.start.max(r.start));
                unit.links.push((s.clone(), link.weight * shared as f32));
            }
        }
    }
    out
}

/// The unbroken stretch of units that is most `k`'s: it never takes a word that is another mark's.
pub fn best_run(
    units: &[Unit],
    owner: &[Option<usize>],
    k: usize,
    fixed: Option<&Range<usize>>,
) -> Option<(usize, usize)> {
    let worth = |i: usize| match owner[i] {
        Some(o) if o == k && fixed.is_some_and(|f| meets(f, &units[i].target)) => 1000.0,
        Some(o) if o == k => 1.0,
        Some(_) => -1e6,
        None if units[i].word => -0.7,
        None => -0.1,
    };
    let mut best: (f32, Option<(usize, usize)>) = (0.0, None);
    let mut run = (0.0, 0);
    for i in 0..units.len() {
        if run.0 <= 0.0 {
            run = (0.0, i);
        }
        run.0 += worth(i);
        if run.0 > best.0 {
            best = (run.0, Some((run.1, i)));
        }
    }
    best.1
}
