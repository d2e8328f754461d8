//! What a text and its translation have in common, and where: so that a number or a quotation mark that stands on a line of the
//! source stands on that line of the translation.

use std::borrow::Cow;
use std::ops::{Range, RangeInclusive};

/// The numbers and quotation marks that a source and its translation have in common, in the order of both.
pub(crate) struct Anchors {
    /// Bytes of the source and of the translation.
    pairs: Vec<(Range<usize>, Range<usize>)>,
    /// Bytes of the translation.
    size: usize,
}

/// Something that a translation should have as well.
struct Token<'a> {
    /// Of a number its figures alone: 1 234,5 is 1,234.5.
    text: Cow<'a, str>,
    /// How sure a sign it is.
    weight: u32,
    /// Whether it is to stay on its line; the others help to find which is which.
    holds: bool,
    range: Range<usize>,
}

/// Fields of the table of a comparison, at most: the longest paragraphs do without anchors.
const TABLE: usize = 1 << 20;

impl Anchors {
    pub fn new(source: &str, target: &str) -> Self {
        let size = target.len();
        let (a, b) = (tokens(source), tokens(target));
        let columns = b.len() + 1;
        if a.is_empty() || b.is_empty() || (a.len() + 1).saturating_mul(columns) > TABLE {
            return Self { pairs: Vec::new(), size };
        }
        // The heaviest common subsequence: `best[i][j]` is its weight from token `i` of one and `j` of the other on.
        let mut best = vec![0u32; (a.len() + 1) * columns];
        for i in (0..a.len()).rev() {
            for j in (0..b.len()).rev() {
                let both = if a[i].text == b[j].text { a[i].weight + best[(i + 1) * columns + j + 1] } else { 0 };
                best[i * columns + j] = both.max(best[(i + 1) * columns + j]).max(best[i * columns + j + 1]);
            }
        }
        let mut pairs = Vec::new();
        let (mut i, mut j) = (0, 0);
        while i < a.len() && j < b.len() {
            let here = best[i * columns + j];
            if a[i].text == b[j].text && here == a[i].weight + best[(i + 1) * columns + j + 1] {
                if a[i].holds {
                    pairs.push((a[i].range.clone(), b[j].range.clone()));
                }
                (i, j) = (i + 1, j + 1);
            } else if here == best[(i + 1) * columns + j] {
                i += 1;
            } else {
                j += 1;
            }
        }
        Self { pairs, size }
    }

    /// Between what bytes of the translation a place stands that is at byte `at` of the source.
    pub fn around(&self, at: usize) -> RangeInclusive<usize> {
        let next = self.pairs.partition_point(|(source, _)| source.end <= at);
        let start = next.checked_sub(1).map_or(0, |i| self.pairs[i].1.end);
        start..=self.pairs.get(next).map_or(self.size, |(_, target)| target.start)
    }
}

/// Words that a translation keeps, quotation marks in one form, and stops that end a sentence.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    let mut at = 0;
    let spaces = text.char_indices().filter(|&(i, c)| c.is_whitespace() && !parts_thousands(text, i, c));
    for end in spaces.map(|(i, c)| i + c.len_utf8()).chain(std::iter::once(text.len())) {
        let (start, word) = (at, text[at..end].trim_end());
        at = end;
        let core = word.trim_matches(|c: char| !c.is_alphanumeric());
        // Without a letter or a figure all of it is trimmed from the front.
        let head = if core.is_empty() {
            0
        } else {
            word.len() - word.trim_start_matches(|c: char| !c.is_alphanumeric()).len()
        };
        let tail = head + core.len();
        let mut push = |text, weight, holds, range: Range<usize>| {
            out.push(Token { text, weight, holds, range: start + range.start..start + range.end })
        };
        let marks = |from: usize, to: usize| word[from..to].char_indices().map(move |(i, c)| (from + i, c));
        if !core.is_empty() {
            for (i, c) in marks(0, head).filter(|(_, c)| matches!(c, '«' | '“' | '"' | '„')) {
                push("“".into(), 2, true, i..i + c.len_utf8());
            }
            let figures = core.contains(|c: char| c.is_ascii_digit());
            if figures || core.chars().count() > 3 {
                push(figures_of(core), if figures { 4 } else { 3 }, figures, head..tail);
            }
        }
        for (i, c) in marks(tail, word.len()) {
            match c {
                // A guillemet stands by itself, with a space on either side.
                '«' | '„' => push("“".into(), 2, true, i..i + c.len_utf8()),
                '»' | '”' => push("”".into(), 2, true, i..i + c.len_utf8()),
                '"' if !core.is_empty() => push("”".into(), 2, true, i..i + 1),
                '.' | '!' | '?' if core.chars().count() > 2 => push(".".into(), 1, false, i..i + 1),
                _ => {}
            }
        }
    }
    out
}

/// Whether the space at byte `at` parts thousands: one to three figures before it, three and no more behind.
fn parts_thousands(text: &str, at: usize, space: char) -> bool {
    let before = text[..at].bytes().rev().take_while(u8::is_ascii_digit).count();
    let behind = text[at + space.len_utf8()..].bytes().take_while(u8::is_ascii_digit).count();
    (1..=3).contains(&before) && behind == 3
}

/// The figures of a number, without what parts them, which another language writes in another way.
fn figures_of(word: &str) -> Cow<'_, str> {
    match word.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || matches!(c, '.' | ',')) {
        true => word.chars().filter(char::is_ascii_digit).collect::<String>().into(),
        false => word.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_keeps_its_side_of_numbers_and_marks() {
        let source = "Il y avait 3 chats « gris » à Lyon, dit-on. Le 14 mai 2021, c’était fini";
        let target = "In Lyon there were 3 “grey” cats, they say. On 14 May 2021 it was all over";
        let anchors = Anchors::new(source, target);
        for (place, before, after) in
            [("chats", "3", "“"), ("gris", "“", "”"), ("à", "”", "14"), ("2021", "14", "2021")]
        {
            let bounds = anchors.around(source.find(place).unwrap());
            let before = target.find(before).unwrap() + before.len();
            assert_eq!(bounds, before..=target.find(after).unwrap(), "{place}");
        }
        assert_eq!(anchors.around(0), 0..=target.find('3').unwrap());
        assert_eq!(*anchors.around(source.len()).end(), target.len());
        // Thousands and fractions.
        let source = "Les 500 000 membres ont payé 1\u{202f}234,5 francs en 2019 300 fois";
        let target = "The 500,000 members paid 1,234.5 francs 300 times in 2019";
        let bounds = Anchors::new(source, target).around(source.find("membres").unwrap());
        assert_eq!(bounds, target.find(" members").unwrap()..=target.find("1,234").unwrap());
    }

    #[test]
    fn what_only_one_of_them_has_holds_nothing() {
        assert_eq!(Anchors::new("un 2 trois", "one two three").around(4), 0..=13);
        assert_eq!(Anchors::new("", "").around(0), 0..=0);
        let long = "7 ".repeat(2000);
        assert_eq!(Anchors::new(&long, &long).around(2000), 0..=4000);
    }
}
