//! Small readings of text that several restorers share.

use crate::runs::runs;
use std::ops::Range;

/// Whether a needle found at `range` stands alone: not inside a longer word.
pub(crate) fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let needle = &text[range.clone()];
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let open = needle.starts_with(word) && text[..range.start].ends_with(word);
    let close = needle.ends_with(word) && text[range.end..].starts_with(word);
    !open && !close
}

/// `range` widened to whole words.
pub(crate) fn whole_words(text: &str, range: Range<usize>) -> Range<usize> {
    let Range { mut start, mut end } = range;
    if text[start..end].starts_with(char::is_alphanumeric) {
        start -= text[..start].chars().rev().take_while(|c| c.is_alphanumeric()).map(char::len_utf8).sum::<usize>();
    }
    if text[start..end].ends_with(char::is_alphanumeric) {
        end += text[end..].chars().take_while(|c| c.is_alphanumeric()).map(char::len_utf8).sum::<usize>();
    }
    start..end
}

/// `range` without the characters at its ends for which `off` holds.
pub(crate) fn trimmed(text: &str, range: Range<usize>, off: impl Fn(char) -> bool) -> Range<usize> {
    let s = &text[range.clone()];
    let start = range.start + s.len() - s.trim_start_matches(&off).len();
    let len = text[start..range.end].trim_end_matches(&off).len();
    start..start + len
}

/// Words: runs of letters and figures, with the apostrophes and hyphens inside them.
pub(crate) fn words(text: &str) -> Vec<Range<usize>> {
    runs(text, |i, c, open| {
        let next = text[i + c.len_utf8()..].starts_with(char::is_alphanumeric);
        c.is_alphanumeric()
            || unicode_normalization::char::is_combining_mark(c)
            || (open && next && matches!(c, '\'' | '’' | '-' | '‑'))
    })
}

/// Marks that close a quotation or a bracket; “ closes what „ opens.
pub(crate) fn is_closer(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '’' | '»' | '›' | ')' | ']' | '\'')
}
