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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Block, BlockKind};
    use crate::engine::{Alignment, Hypothesis, Identity};
    use crate::protect::{ProtectOptions, prepare};
    use crate::split;
    use crate::text::runs;

    fn prepared(source: &str) -> Prepared {
        let segments = split::split(&[Block::plain(source, 0..source.len(), BlockKind::Paragraph)]);
        assert_eq!(segments.len(), 1);
        prepare(source, &segments[0].quotes, &[], &Identity, &ProtectOptions::default())
    }

    /// What is lost where the words of `target` come from the words of the text shown that `from` counts.
    fn missing(source: &str, target: &str, from: &[usize]) -> Vec<String> {
        let p = prepared(source);
        let words = |text: &str| runs(text, |_, c, _| !c.is_whitespace());
        let (shown, words) = (words(p.text()), words(target));
        let mut weights = vec![0.0; shown.len() * words.len()];
        from.iter().enumerate().for_each(|(t, s)| weights[t * shown.len() + s] = 1.0);
        let alignment = Some(Alignment { source: shown, target: words, weights });
        let hypothesis = Hypothesis { text: target.to_owned(), alignment, finished: true, ..Hypothesis::default() };
        let draft = Draft::new(&hypothesis, |r| p.to_segment(r));
        lost(&draft, &p).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn quotations_are_cut_at_their_edges() {
        let source = "« Je pars », dit le roi, « demain. »";
        let p = prepared(source);
        let cuts: Vec<&str> = edges(&p).windows(2).map(|w| &source[w[0]..w[1]]).collect();
        assert_eq!(cuts, ["« Je pars »,", " dit le roi, ", "« demain. »"]);
    }

    #[test]
    fn who_said_it_is_not_lost() {
        let source = "« Je pars », dit le roi.";
        assert_eq!(missing(source, "\"I leave\", said the king.", &[0, 1, 2, 3, 4]), [""; 0]);
        assert_eq!(missing(source, "I leave.", &[0, 1]), ["dit le roi."]);
        assert_eq!(missing(source, "Said the king.", &[2, 3, 4]), ["« Je pars »,"]);
    }
}
