//! Small readings of text that several restorers share.

use std::ops::Range;

use crate::french::leaves_open;
use crate::text::runs;

/// Whether a needle found at `range` stands alone: not inside a longer word.
pub(crate) fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let needle = &text[range.clone()];
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let open = needle.starts_with(word) && text[..range.start].ends_with(word);
    let close = needle.ends_with(word) && text[range.end..].starts_with(word);
    !open && !close
}

/// Whether a sentence begins behind `before`.
pub(crate) fn begins_sentence(before: &str) -> bool {
    let words = before.trim_end_matches(|c: char| !c.is_alphanumeric() && !".!?…".contains(c));
    words.is_empty() || words.ends_with(['.', '!', '?', '…'])
}

/// Where `needle` stands alone in `text`.
pub(crate) fn occurrences<'a>(text: &'a str, needle: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
    text.match_indices(needle).map(|(i, s)| i..i + s.len()).filter(|range| stands_alone(text, range))
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

/// English words that no phrase ends with, and those that may stand before them.
const NEVER_LAST: [&str; 12] = ["the", "a", "an", "of", "its", "their", "our", "your", "my", "and", "or", "but"];
const BEFORE_THOSE: [&str; 13] =
    ["that", "in", "on", "at", "to", "by", "with", "from", "for", "as", "into", "during", "after"];

/// Where the stretch `range` of an English text ends if words at its end that only begin another phrase (“and”, “in the”, “in”
/// before “the”) are left out; where it ended if it has no others, or if `source`, which it translates, breaks off as well.
pub(crate) fn phrase_end(text: &str, range: Range<usize>, source: &str) -> usize {
    let own = source.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '…');
    if own.ends_with('…') || leaves_open(own) {
        return range.end;
    }
    let among = |word: &str, list: &[&str]| list.iter().any(|w| word.eq_ignore_ascii_case(w));
    let mut follows = text[range.end..].split_whitespace().next().unwrap_or_default();
    let mut end = range.end;
    while let Some((before, word)) = text[range.start..end].trim_end().rsplit_once(char::is_whitespace) {
        let infinitive = word == "to" && follows.starts_with(char::is_lowercase);
        let begins =
            infinitive || among(word, &NEVER_LAST) || (among(word, &BEFORE_THOSE) && among(follows, &NEVER_LAST));
        if !begins || before.trim_end().is_empty() {
            break;
        }
        (end, follows) = (range.start + before.trim_end().len(), word);
    }
    end
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_do_not_end_with_the_beginning_of_others() {
        for (text, source, kept) in [
            ("Paris and then", "Paris", "Paris"),
            ("exercises in the evening", "exercices", "exercises"),
            ("exercises in the evening", "exercices dans la", "exercises in the"),
            ("the evening", "le soir", "the"),
        ] {
            let end = text.rfind(' ').unwrap_or_default();
            assert_eq!(&text[..phrase_end(text, 0..end, source)], kept, "{text}, {source}");
        }
        assert_eq!(phrase_end("drills in the evening", 0.."drills in".len(), "exercices"), "drills".len());
        assert_eq!(phrase_end("ready to negotiate", 0.."ready to".len(), "prêt"), "ready".len());
        assert_eq!(phrase_end("those I spoke to, then", 0.."those I spoke to".len(), "x"), "those I spoke to".len());
        assert_eq!(phrase_end("to live in peace", 0.."to live in".len(), "vivre"), "to live in".len());
    }
}
