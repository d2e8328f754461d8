//! Runs of characters of one kind: words, letters.

use std::ops::Range;

/// The byte ranges of the longest runs of characters that are `inside`: told the byte offset, the character, and whether a
/// run is open before it.
pub(crate) fn runs(text: &str, mut inside: impl FnMut(usize, char, bool) -> bool) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = None;
    for (i, c) in text.char_indices() {
        match (inside(i, c, start.is_some()), start) {
            (true, None) => start = Some(i),
            (false, Some(s)) => {
                out.push(s..i);
                start = None;
            }
            _ => {}
        }
    }
    out.extend(start.map(|s| s..text.len()));
    out
}
