//! Where a mark's words begin and end: which of the signs beside them are its own.

use std::ops::Range;

use super::{Placer, meets};
use crate::restore::text::{phrase_end, trimmed};

impl Placer<'_> {
    /// The words of mark `i` in the target, with the signs at their ends that the source has in it and without others; a mark
    /// that ends with a segment ends with its translation.
    pub(super) fn edges(&self, i: usize, place: Range<usize>, within: &Range<usize>) -> Range<usize> {
        let source = self.block.marks[i].range.clone();
        let own = self.block.text[source.clone()].trim();
        let Range { mut start, mut end } = place;
        for (s, t, _) in self.segments {
            if source.start <= s.start && s.end <= source.end && meets(t, &(start..end)) {
                start = start.min(t.start);
                end = end.max(t.end);
            }
        }
        let covered = |at: usize, side: fn(&Range<usize>) -> usize| {
            let inside = |s: &Range<usize>| source.start <= s.start && s.end <= source.end;
            self.segments.iter().any(|(s, t, _)| inside(s) && side(t) == at)
        };
        let off = |c: char| c.is_whitespace() || kind(c).is_some();
        let bare = trimmed(self.target, start..end, off);
        if bare.is_empty() {
            return start.max(within.start)..end.min(within.end).max(start.max(within.start));
        }
        if !covered(start, |t| t.start) {
            start = bare.start - signs(own.chars(), self.target[..bare.start].chars().rev());
        }
        if !covered(end, |t| t.end) {
            end = bare.end;
            let whole = self.segments.iter().any(|(s, ..)| s.end == source.end);
            if !whole && own.ends_with(char::is_alphanumeric) {
                end = phrase_end(self.target, bare, own);
            }
            end += signs(own.chars().rev(), self.target[end..].chars());
        }
        start.max(within.start)..end.min(within.end).max(start.max(within.start))
    }

    /// Where what followed the source's byte `at` directly goes: behind the signs from `end` on that it stood behind there.
    pub(super) fn behind_signs(&self, at: usize, end: usize) -> usize {
        end + signs(self.block.text[..at].chars().rev(), self.target[end..].chars())
    }
}

/// How many bytes of the signs that `there` begins with are those that `own` begins with: each kind as often, whatever stands
/// before the last of them.
fn signs(own: impl Iterator<Item = char>, there: impl Iterator<Item = char>) -> usize {
    let mut wanted: Vec<char> = Vec::new();
    let mut last = None;
    for c in own.take_while(|&c| kind(c).is_some() || c.is_whitespace()) {
        // Three stops in a row are one sign.
        if last.replace(c) != Some(c) {
            wanted.extend(kind(c));
        }
    }
    let (mut at, mut end, mut last) = (0, 0, None);
    for (c, kind) in there.map_while(|c| kind(c).map(|kind| (c, kind))) {
        let again = last.replace(c) == Some(c) && end == at;
        at += c.len_utf8();
        if again {
            end = at;
        } else if let Some(found) = wanted.iter().position(|&w| w == kind) {
            wanted.swap_remove(found);
            end = at;
        }
    }
    end
}

/// The signs that may stand between a mark and what is round it; those that languages write differently are one kind.
fn kind(c: char) -> Option<char> {
    match c {
        '.' | ',' | ';' | ':' | '!' | '?' | '…' => Some('.'),
        '«' | '»' | '“' | '”' | '„' | '‹' | '›' | '‘' | '’' | '"' | '\'' => Some('"'),
        '(' | ')' | '[' | ']' => Some(c),
        _ => None,
    }
}
