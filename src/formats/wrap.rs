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
    /// It starts with a marker.
    pub item: bool,
    /// It is set in to the column of its item's text.
    pub hangs: bool,
}

/// The narrowest margin that counts as one, in columns.
const NARROWEST: usize = 32;

/// What two lines have to score to be one paragraph without more evidence.
const SURE: i32 = 4;

/// Whether a word is divided between two lines, or joined to another by its hyphen.
pub(crate) fn divides(line: &str, next: &str) -> bool {
    let stem = line.strip_suffix(['-', '\u{ad}']);
    stem.is_some_and(|stem| stem.ends_with(char::is_alphabetic)) && next.starts_with(char::is_alphanumeric)
}

/// Whether nothing but closing marks stands after a stop at the end of a line.
fn stopped(line: &str) -> bool {
    unquoted(line).ends_with(['.', '!', '?', '…', ':', ';'])
}

fn unquoted(line: &str) -> &str {
    line.trim_end_matches(['»', '”', '"', ')', ']', '\u{a0}', '\u{202f}', ' '])
}

/// The first character of a line but for opening marks.
fn first(line: &str) -> Option<char> {
    line.trim_start_matches(['«', '»', '“', '"', '(', '\u{a0}', '\u{202f}', ' ']).chars().next()
}

/// How two lines that follow each other look as parts of one sentence or paragraph: from -2 (a new line of verse) to
/// [`SURE`] (surely running on) and more.
fn running_on(row: &Row<'_>, next: &Row<'_>) -> i32 {
    let Some(c) = first(next.text) else { return 0 };
    let aside = next.text.starts_with('(') && next.text.ends_with(')');
    match stopped(row.text) {
        false if divides(row.text, next.text) => SURE,
        false if c.is_alphanumeric() && leaves_open(unquoted(row.text)) => SURE - i32::from(c.is_uppercase()),
        // A new item would have a marker of its own.
        false if c.is_lowercase() && !aside => {
            if row.item || next.hangs {
                SURE
            } else {
                2
            }
        }
        false if c.is_uppercase() => -2,
        true if c.is_alphabetic() => -1,
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
                if paragraph(piece, longest(run)) {
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
        fits && (self.sure && (breaks == 1 || score > -(breaks as i32)) || score >= 2) || paragraph(piece, longest)
    }

    /// Cuts a run that is said to be wrapped: lines that stop far short of the margin before what begins anew, as in
    /// addresses and signatures, are no part of a paragraph.
    pub fn said(self, run: &[Row<'_>]) -> Vec<usize> {
        let margin = self.width.max(longest(run));
        let goes_on = |row: &Row<'_>, next: &Row<'_>| {
            let anew = first(next.text).is_some_and(|c| c.is_uppercase() || c.is_numeric());
            !anew || running_on(row, next) > 0 || reaches(*row, *next, margin - margin / 4)
        };
        run.chunk_by(goes_on).map(<[Row<'_>]>::len).collect()
    }
}

fn longest(rows: &[Row<'_>]) -> usize {
    rows.iter().map(|row| row.width).max().unwrap_or(0)
}

fn score(piece: &[Row<'_>]) -> i32 {
    piece.windows(2).map(|pair| running_on(&pair[0], &pair[1])).sum()
}

/// Whether lines read as a paragraph by themselves, in a run whose longest line is `margin` wide.
fn paragraph(piece: &[Row<'_>], margin: usize) -> bool {
    if let [first, second] = piece {
        return two_lines(first, second, margin);
    }
    let breaks = piece.len().saturating_sub(1);
    let short =
        piece.windows(2).filter(|pair| !reaches(pair[0], pair[1], margin) && running_on(&pair[0], &pair[1]) < SURE);
    // One line that is a little short says nothing against several others.
    let (far, short) = short.fold((0, 0), |(far, n), pair| (far + usize::from(pair[0].width * 4 < margin * 3), n + 1));
    let score = score(piece);
    breaks > 1
        && margin >= NARROWEST
        && (short * 8 <= breaks || short == 1 && far == 0 && breaks > 2)
        && score >= 3
        && score >= breaks as i32
}

/// Whether two lines read as a paragraph: the first surely runs on, or is a long line of running text that the second, which
/// has a stop, goes on with.
fn two_lines(row: &Row<'_>, next: &Row<'_>, margin: usize) -> bool {
    if divides(row.text, next.text) && row.width >= NARROWEST {
        return true;
    }
    let text = first(row.text).is_some_and(char::is_uppercase) || row.item;
    let sentence = text && !row.text.ends_with(',') && stopped(next.text);
    row.width == margin
        && match running_on(row, next) {
            SURE.. => row.width >= 40,
            2.. => row.width >= 60 && sentence,
            _ => false,
        }
}

/// The parts of a run between lines that stop short of its margin without running on.
fn pieces<'a, 'b>(run: &'b [Row<'a>]) -> impl Iterator<Item = &'b [Row<'a>]> {
    let margin = longest(run);
    run.chunk_by(move |a, b| reaches(*a, *b, margin) || running_on(a, b) > 0)
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
