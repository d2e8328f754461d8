//! Hard-wrapped paragraphs: telling them from lines that mean to be lines, and filling lines again.

use super::lines::{marker, width};
use crate::french::leaves_open;

/// Whether lines that follow each other are joined to paragraphs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wrapped {
    /// Where they look like it: near a common right margin, sentences running over their ends. In doubt a line stands
    /// for itself.
    #[default]
    Auto,
    /// Lines without a blank line, a marker or a new indentation between them are a paragraph.
    Yes,
    /// Each line is a paragraph.
    No,
}

/// A line as the detection sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    /// Its text without indentation, quote marks and trailing blanks.
    pub text: &'a str,
    /// Columns of the whole line, indentation counted.
    pub width: usize,
}

/// The narrowest margin that counts as one, in columns.
const NARROWEST: usize = 32;

/// How two lines that follow each other look as parts of one sentence or paragraph: from -2 (a new line of verse) to
/// 4 (surely running on).
fn running_on(line: &str, next: &str) -> i32 {
    let end = line.trim_end_matches(['»', '”', '"', ')', ']', '\u{a0}', '\u{202f}', ' ']);
    let stopped = end.ends_with(['.', '!', '?', '…', ':', ';']);
    let first = next.trim_start_matches(['«', '“', '"', '(', '\u{a0}', '\u{202f}', ' ']).chars().next();
    match (stopped, first) {
        (false, Some(c)) if c.is_alphanumeric() && leaves_open(end) => 4 - i32::from(!c.is_lowercase()),
        (false, Some(c)) if c.is_lowercase() => 2,
        (false, Some(c)) if c.is_uppercase() => -2,
        (true, Some(c)) if c.is_alphabetic() => -1,
        _ => 0,
    }
}

/// Whether the first word of `next` would have passed `margin` at the end of `row`.
fn reaches(row: Row<'_>, next: Row<'_>, margin: usize) -> bool {
    let word = next.text.split_ascii_whitespace().next().unwrap_or_default();
    row.width + 1 + width(word) > margin
}

/// What the whole document says about its right margin.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Margin {
    /// Columns; 0 where no paragraph shows one.
    width: usize,
    /// Whether most of what could be wrapped is.
    sure: bool,
}

impl Margin {
    /// Reads the margin off runs of lines without blank lines, markers or new indentation between them.
    pub fn of<'a>(runs: impl Iterator<Item = &'a [Row<'a>]>) -> Self {
        let (mut width, mut wrapped, mut all) = (0, 0, 0);
        for run in runs.filter(|run| run.len() > 1) {
            all += run.len();
            for piece in pieces(run) {
                if piece.len() > 2 && paragraph(piece, longest(run)) {
                    width = width.max(longest(piece));
                    wrapped += piece.len();
                }
            }
        }
        Self { width, sure: wrapped * 10 >= all * 6 && wrapped >= 6 }
    }

    /// Cuts a run into paragraphs: how many rows each has.
    pub fn paragraphs(self, run: &[Row<'_>]) -> Vec<usize> {
        let mut out = Vec::new();
        for piece in pieces(run) {
            if self.joins(piece, longest(run)) { out.push(piece.len()) } else { out.extend(piece.iter().map(|_| 1)) }
        }
        out
    }

    fn joins(self, piece: &[Row<'_>], longest: usize) -> bool {
        let breaks = piece.len().saturating_sub(1);
        if breaks == 0 {
            return false;
        }
        let fits = self.width > 0
            && longest <= self.width
            && piece.windows(2).all(|pair| reaches(pair[0], pair[1], self.width));
        let score = score(piece);
        if fits && (self.sure && (breaks == 1 || score > -(breaks as i32)) || score >= 2) {
            return true;
        }
        match breaks {
            1 => score >= 4 && piece[0].width >= 40 && longest == piece[0].width,
            _ => paragraph(piece, longest),
        }
    }
}

fn longest(rows: &[Row<'_>]) -> usize {
    rows.iter().map(|row| row.width).max().unwrap_or(0)
}

fn score(piece: &[Row<'_>]) -> i32 {
    piece.windows(2).map(|pair| running_on(pair[0].text, pair[1].text)).sum()
}

/// Whether three lines or more read as a paragraph by themselves.
fn paragraph(piece: &[Row<'_>], margin: usize) -> bool {
    let breaks = piece.len().saturating_sub(1);
    let short = piece.windows(2).filter(|pair| !reaches(pair[0], pair[1], margin)).count();
    let score = score(piece);
    breaks > 1 && margin >= NARROWEST && short * 8 <= breaks && score >= 3 && score >= breaks as i32
}

/// The parts of a run between lines that stop short of its margin without running on.
fn pieces<'a, 'b>(run: &'b [Row<'a>]) -> impl Iterator<Item = &'b [Row<'a>]> {
    let margin = longest(run);
    run.chunk_by(move |a, b| reaches(*a, *b, margin) || running_on(a.text, b.text) > 0)
}

/// Fills lines with the words of `text`: the first line has `first` columns before it, the others start with `prefix`;
/// none passes `margin` if its words allow it. No line starts with what would read as a marker.
pub(crate) fn fill(text: &str, first: usize, prefix: &str, line_end: &str, margin: usize) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    let (mut column, mut empty) = (first, true);
    let indent = width(prefix);
    let words = text.split(|c: char| c.is_ascii_whitespace()).filter(|word| !word.is_empty());
    for word in words {
        let n = width(word);
        if empty {
            empty = false;
        } else if column + 1 + n > margin && !starts_like_markup(word) {
            out.push_str(line_end);
            out.push_str(prefix);
            column = indent;
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += n;
    }
    out
}

/// Whether a line that starts with `word` would look like an item, a turn of speech, a quotation or a heading.
fn starts_like_markup(word: &str) -> bool {
    let Some(c) = word.chars().next() else { return false };
    if c.is_alphabetic() && word.len() > 8 {
        return false;
    }
    c == '>' || marker(&format!("{word} X")).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filling_keeps_words_and_margin() {
        assert_eq!(fill("un deux trois quatre", 0, "  ", "\n", 9), "un deux\n  trois\n  quatre");
        assert_eq!(fill("un deux", 7, "> ", "\r\n", 9), "un\r\n> deux");
        assert_eq!(fill("interminable mot", 0, "", "\n", 5), "interminable\nmot");
        assert_eq!(fill("douze fois - vingt", 0, "", "\n", 10), "douze fois -\nvingt");
        assert_eq!(fill("", 0, "", "\n", 5), "");
    }
}
