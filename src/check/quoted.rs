//! A quotation, or what stands round it, that did not come through: "dit-il" gone, or all of it inside the marks.

use std::ops::Range;

use crate::document::QuoteRole;
use crate::protect::Prepared;
use crate::restore::draft::Draft;

/// A stretch is lost if less than so much of a token comes from it.
const LEAST: f32 = 0.35;

/// The places where an outermost quotation begins, and where it ends with the stops after it.
pub fn edges(p: &Prepared) -> Vec<usize> {
    let source = p.source();
    let least = p.quotes().iter().map(|q| q.depth).min().unwrap_or(0);
    let edge = |q: &crate::document::QuoteMark| match q.role {
        QuoteRole::Open => Some(q.range.start),
        QuoteRole::Continue => None,
        QuoteRole::Close => {
            let rest = &source[q.range.end..];
            Some(source.len() - rest.trim_start_matches([',', '.', ';', ':', '!', '?', '…', ')', ']']).len())
        }
    };
    p.quotes().iter().filter(|q| q.depth == least).filter_map(edge).collect()
}

/// The stretches between the edges of quotations, of two words and more, that no word of the translation comes from.
pub fn lost<'a>(draft: &Draft, p: &'a Prepared) -> Vec<&'a str> {
    let source = p.source();
    let edges = edges(p);
    if edges.is_empty() || edges.len() > 20 || !draft.is_aligned() {
        return Vec::new();
    }
    let mut out = Vec::new();
    let mut start = p.lead().len();
    for end in edges.into_iter().chain([source.len()]) {
        let stretch = start..end.max(start);
        let words = source[stretch.clone()].split_whitespace().filter(|w| w.contains(char::is_alphabetic)).count();
        if words > 1 && came_through(draft, stretch.clone()) < LEAST {
            out.push(source[stretch.clone()].trim());
        }
        start = stretch.end;
    }
    out
}

/// How many pieces of the translation come from `source`, by weight.
fn came_through(draft: &Draft, source: Range<usize>) -> f32 {
    draft.ties(source).filter(|(target, _)| !target.is_empty()).map(|(_, weight)| weight).sum()
}
