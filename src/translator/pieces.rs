//! Cuts what the model cannot take at once: at clauses, never inside anything protected.

use std::ops::Range;

use crate::engine::Engine;
use crate::protect::Prepared;
use crate::split::clause::split_long;

/// The pieces of a segment, in bytes of it, of which `engine` sees at most about `most` tokens each; mostly one. Only white
/// space lies between them.
pub(super) fn pieces(p: &Prepared, engine: &dyn Engine, most: usize) -> Vec<Range<usize>> {
    let shown = p.text();
    // A token is a byte at least, so a short text need not be counted.
    if shown.len() < most {
        return cut_at(p, std::iter::empty());
    }
    // What the model sees is cut, and the cuts are taken to the source: an address counts as what stands in for it.
    let cuts = split_long(shown, &|text| engine.count_tokens(text) <= most);
    cut_at(p, cuts.into_iter().skip(1).map(|piece| p.to_segment(piece).start))
}

/// The pieces between the places `cuts`, in order, moved to where nothing is parted that belongs together.
pub(super) fn cut_at(p: &Prepared, cuts: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let source = p.source();
    let mut out = Vec::new();
    let mut start = 0;
    for cut in cuts {
        let inside = p.spans().partition_point(|span| span.range.end <= cut);
        let cut = p.spans().get(inside).filter(|span| span.range.start < cut).map_or(cut, |span| span.range.start);
        if cut <= start {
            continue;
        }
        // What opens goes with what follows.
        let opener = |c: char| c.is_whitespace() || "«“„‹(".contains(c);
        let head = start + source[start..cut].trim_end_matches(opener).len();
        // But what is protected is no opener.
        let end = inside.checked_sub(1).map_or(head, |last| head.max(p.spans()[last].range.end));
        let next = source.len() - source[end..].trim_start().len();
        if end > start && next < source.len() {
            out.push(start..end);
            start = next;
        }
    }
    out.push(start..source.len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Identity;
    use crate::protect::{ProtectOptions, prepare};

    fn cut(text: &str, most: usize) -> Vec<&str> {
        let p = prepare(text, &[], &[], &Identity, &ProtectOptions::default());
        pieces(&p, &Identity, most).into_iter().map(|r| &text[r]).collect()
    }

    #[test]
    fn a_long_address_is_not_cut() {
        let address = format!("https://exemple.fr/{}", "a/".repeat(300));
        let text = format!("Voir la page {address} pour en savoir plus sur le chat.");
        assert_eq!(cut(&text, 8), [&format!("Voir la page {address} pour en"), "savoir plus sur le chat."]);
    }

    #[test]
    fn code_that_ends_with_an_opener_is_not_cut() {
        let text = "Tapez x(\"oui\" ici.";
        let p = prepare(text, &[], &[Range { start: 6, end: 8 }], &Identity, &ProtectOptions::default());
        let pieces: Vec<&str> = cut_at(&p, [8].into_iter()).into_iter().map(|r| &text[r]).collect();
        assert_eq!(pieces, ["Tapez x(", "\"oui\" ici."]);
    }

    #[test]
    fn what_opens_goes_with_what_follows() {
        assert_eq!(cut("Un deux trois, « quatre cinq six. »", 7), ["Un deux trois,", "« quatre cinq six. »"]);
    }
}
