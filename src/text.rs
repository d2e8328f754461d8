//! What more rooms than one ask of a text, in either language.

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

/// `text` with a capital first letter.
pub(crate) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
