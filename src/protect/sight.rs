//! The text that the model sees, and which byte of the segment each of its bytes came from.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{decompose_canonical, is_combining_mark};

use crate::engine::Engine;

/// A text made from another one, with the way back.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    text: String,
    /// In order of both texts; the model's bytes are covered without a gap.
    chunks: Vec<Chunk>,
}

#[derive(Clone, Debug)]
struct Chunk {
    /// Where it starts in the text that the model sees.
    start: usize,
    source: Range<usize>,
    /// Whether byte `i` of one is byte `i` of the other.
    same: bool,
}

impl Sight {
    /// The text that the model sees.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Takes over source bytes as `shown`.
    pub(super) fn push(&mut self, source: Range<usize>, shown: &str, same: bool) {
        if shown.is_empty() {
            return;
        }
        let start = self.text.len();
        self.text.push_str(shown);
        if let Some(last) = self.chunks.last_mut().filter(|c| same && c.same && c.source.end == source.start) {
            last.source.end = source.end;
            return;
        }
        self.chunks.push(Chunk { start, source, same });
    }

    /// White space: one space, none at the start or after another.
    pub(super) fn push_space(&mut self, source: Range<usize>) {
        if !self.text.is_empty() && !self.text.ends_with(' ') {
            let same = source.len() == 1;
            self.push(source, " ", same);
        }
    }

    /// Drops the space at the end.
    pub(super) fn trim(&mut self) {
        while self.text.ends_with(' ') {
            self.text.pop();
            let end = self.text.len();
            if let Some(last) = self.chunks.last_mut() {
                if last.start >= end {
                    self.chunks.pop();
                } else if last.same {
                    last.source.end -= 1;
                }
            }
        }
    }

    /// The bytes of the segment that a range of the text shown came from. Ranges past the end are cut; an empty range
    /// gives an empty one.
    pub fn to_segment(&self, shown: Range<usize>) -> Range<usize> {
        let start = self.edge(shown.start, false);
        if shown.end <= shown.start {
            return start..start;
        }
        let end = self.edge(shown.end, true);
        start..end.max(start)
    }

    /// Where a boundary of the text shown lies in the segment; `end` says which side of it is meant.
    fn edge(&self, at: usize, end: bool) -> usize {
        let at = at.min(self.text.len());
        let i = if end {
            self.chunks.partition_point(|c| c.start < at)
        } else {
            self.chunks.partition_point(|c| c.start <= at)
        };
        let Some(chunk) = i.checked_sub(1).and_then(|i| self.chunks.get(i)) else {
            return self.chunks.first().map_or(0, |c| c.source.start);
        };
        let stop = self.chunks.get(i).map_or(self.text.len(), |c| c.start);
        match (chunk.same, end) {
            (true, _) => (chunk.source.start + at - chunk.start).min(chunk.source.end),
            (false, true) => chunk.source.end,
            (false, false) if at >= stop => chunk.source.end,
            (false, false) => chunk.source.start,
        }
    }
}

/// Characters that say nothing to a model and that it must not stumble over: soft hyphens, joiners, direction marks.
pub fn is_invisible(c: char) -> bool {
    matches!(c as u32, 0xAD | 0x34F | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0xFE00..=0xFE0F | 0xFEFF)
}

/// How a character is shown to `engine`: as itself, by something the model can read, or not at all (`None`: it is to be
/// taken out and put back). White space and invisible characters are not asked about.
pub fn shown(c: char, engine: &dyn Engine) -> Option<String> {
    // Where the tokenizer folds a ligature or a full-width letter, the model reads it.
    if engine.reads(c) {
        return Some(c.to_string());
    }
    let readable = |s: &str| !s.is_empty() && s.chars().all(|c| engine.reads(c));
    let same_in_ascii = match c {
        '’' | '‘' | 'ʼ' | '′' | '‹' | '›' => "'",
        '“' | '”' | '„' | '«' | '»' | '″' => "\"",
        '–' | '—' | '―' | '−' | '‐' | '‑' => "-",
        '…' => "...",
        '×' => "x",
        '·' => "-",
        'œ' => "oe",
        'Œ' => "OE",
        'æ' => "ae",
        'Æ' => "AE",
        'ß' => "ss",
        'ø' => "o",
        'Ø' => "O",
        'ł' => "l",
        'Ł' => "L",
        'đ' => "d",
        'ı' => "i",
        '\u{fe52}' => ".",
        _ => "",
    };
    if readable(same_in_ascii) {
        return Some(same_in_ascii.to_owned());
    }
    let folded: String = std::iter::once(c).nfkd().filter(|&c| !is_combining_mark(c)).collect();
    (folded.chars().any(char::is_alphanumeric) && readable(&folded)).then_some(folded)
}

/// The letter and the marks that follow it as one character, where there is one: "e" + acute is "é".
pub fn composed(base: char, marks: &str) -> String {
    std::iter::once(base).chain(marks.chars()).nfc().collect()
}

/// Letters without their accents, in small: for comparing words.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            'œ' | 'Œ' => out.push_str("oe"),
            'æ' | 'Æ' => out.push_str("ae"),
            '’' | 'ʼ' => out.push('\''),
            _ => decompose_canonical(c, |d| {
                if !is_combining_mark(d) {
                    out.extend(d.to_lowercase());
                }
            }),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_leads_back() {
        let mut s = Sight::default();
        s.push(2..5, "abc", true);
        s.push_space(5..8);
        s.push(8..10, "oe", false);
        s.push(12..14, "de", true);
        s.push_space(14..15);
        s.trim();
        assert_eq!(s.text(), "abc oede");
        assert_eq!(s.to_segment(0..3), 2..5);
        assert_eq!(s.to_segment(1..2), 3..4);
        assert_eq!(s.to_segment(4..6), 8..10);
        assert_eq!(s.to_segment(5..7), 8..13);
        assert_eq!(s.to_segment(6..8), 12..14);
        assert_eq!(s.to_segment(8..8), 14..14);
        assert_eq!(s.to_segment(0..99), 2..14);
        assert_eq!(Sight::default().to_segment(3..4), 0..0);
    }
}
