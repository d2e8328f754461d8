//! Marks on a part of a word: the figure of CO₂, the ending of an ordinal. They stand on that part of the word that
//! translates theirs, on all of it, or on nothing right behind it; never on another word.

use std::ops::Range;

use super::{Placer, lies_in, meets, share_of};

/// A word of the source and the marked part of it.
struct Part<'a> {
    before: &'a str,
    marked: &'a str,
    after: &'a str,
}

impl Placer<'_> {
    /// The source's word that mark `i` is a part of, if it is one.
    pub(super) fn word_round(&self, i: usize) -> Option<Range<usize>> {
        let (text, mark) = (&self.block.text, &self.block.marks[i]);
        let marked = text.get(mark.range.clone())?;
        if mark.verbatim || marked.is_empty() || marked.contains(char::is_whitespace) {
            return None;
        }
        let in_word = |c: char| c.is_alphanumeric();
        let (before, after) = (&text[..mark.range.start], &text[mark.range.end..]);
        // A minus begins an exponent.
        let joined = marked.starts_with(|c: char| in_word(c) || matches!(c, '-' | '−' | '+'));
        let head = if joined { before.len() - before.trim_end_matches(in_word).len() } else { 0 };
        let joined = marked.ends_with(in_word);
        let tail = if joined { after.len() - after.trim_start_matches(in_word).len() } else { 0 };
        let word = mark.range.start - head..mark.range.end + tail;
        let code = || self.block.marks.iter().any(|m| m.verbatim && meets(&m.range, &word));
        (head + tail > 0 && !code()).then_some(word)
    }

    /// The place in `within` of mark `i`, a part of the source's word at `word`.
    pub(super) fn part_of_word(&self, i: usize, word: &Range<usize>, within: &Range<usize>) -> Range<usize> {
        let (text, range) = (&self.block.text, &self.block.marks[i].range);
        let part = Part {
            before: &text[word.start..range.start],
            marked: &text[range.clone()],
            after: &text[range.end..word.end],
        };
        let place = match self.same_word(word, within).or_else(|| self.word_of(word, within)) {
            Some(found) => {
                let part = part.within(&self.target[found.clone()]);
                part.map_or(found.end..found.end, |part| found.start + part.start..found.start + part.end)
            }
            None => {
                let at = self.point(word.end, within);
                at..at
            }
        };
        self.whole_verbatim(place, within)
    }

    /// The word of the target that comes from the source's word at `word` most; for one with figures, one with the same.
    fn word_of(&self, word: &Range<usize>, within: &Range<usize>) -> Option<Range<usize>> {
        let figures = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let own = figures(&self.block.text[word.clone()]);
        let mut best = (0.0, None);
        for unit in self.units.iter().filter(|u| u.word && lies_in(&u.target, within)) {
            let links = unit.links.iter().filter(|(s, _)| meets(s, word));
            let tie: f32 = links.map(|(s, weight)| weight * share_of(s, word)).sum();
            let same = tie > 0.0 && !own.is_empty() && figures(&self.target[unit.target.clone()]) == own;
            let tie = if same { tie + 1000.0 } else { tie };
            if tie > best.0 {
                best = (tie, Some(unit.target.clone()));
            }
        }
        best.1
    }
}

impl Part<'_> {
    /// The bytes of `word`, which translates the whole of the source's word, for the marked part; `None` if it has none.
    fn within(&self, word: &str) -> Option<Range<usize>> {
        let Self { before, marked, after } = *self;
        let count = |text: &str| text.chars().count();
        let own = [before, marked, after].concat();
        if count(word) == count(&own) && word.to_lowercase() == own.to_lowercase() {
            let byte = |n: usize| word.char_indices().nth(n).map_or(word.len(), |(i, _)| i);
            return Some(byte(count(before))..byte(count(before) + count(marked)));
        }
        let letters = marked.chars().all(char::is_alphabetic);
        if after.is_empty() {
            let figures = marked.ends_with(|c: char| c.is_ascii_digit()) && !letters;
            if figures && word.ends_with(marked) {
                return Some(word.len() - marked.len()..word.len());
            }
            // The ending of an ordinal: XIXe, 19th.
            let number = |text: &str| text.chars().all(|c| c.is_ascii_digit() || "IVXLCDM".contains(c));
            let ending = word.trim_start_matches(|c: char| c.is_ascii_digit());
            let ordinal = ending.len() < word.len() && !ending.is_empty() && ending.chars().all(char::is_alphabetic);
            if letters && number(before) && ordinal {
                return Some(word.len() - ending.len()..word.len());
            }
        } else if before.is_empty() && word.starts_with(marked) {
            return Some(0..marked.len());
        }
        // What is most of the word stands for all of it.
        (count(marked) > 3 * (count(before) + count(after))).then_some(0..word.len())
    }
}
