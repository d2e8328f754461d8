//! What other programs add to a line of Markdown: attributes, formulas, emoji by name, notes in their places.

use std::ops::Range;

/// Something that is hidden within a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub range: Range<usize>,
    pub kind: Hidden,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hidden {
    /// A word that passes through.
    Word,
    /// It belongs to the mark before it.
    Attributes,
    /// It stands between words.
    Sign,
    /// It ends a text.
    Bound,
    /// It stands between words, with a text in it: `^[une note]`.
    Note,
    /// A part of a word that is set low or high: `~2~`.
    Raised,
}

impl Span {
    pub fn word(range: Range<usize>) -> Self {
        Self { range, kind: Hidden::Word }
    }
}

/// How far the end of a formula or a note is looked for.
const FAR: usize = 1000;

/// The spans of a line that starts at byte `at`.
pub(super) fn spans(line: &str, at: usize) -> Vec<Span> {
    let found = attribute_lists(line)
        .into_iter()
        .map(|range| (range, Hidden::Attributes))
        .chain(notes(line).into_iter().map(|range| (range, Hidden::Note)))
        .chain(emoji(line).into_iter().map(|range| (range, Hidden::Sign)))
        .chain(raised(line));
    found.map(|(range, kind)| Span { range: at + range.start..at + range.end, kind }).collect()
}

/// `{.class}`, `{target=_blank}` right after a link, an image, code or emphasis, or after another one.
fn attribute_lists(line: &str) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    for (start, _) in line.match_indices('{') {
        let after = line[..start].ends_with([')', ']', '`', '*', '_']) || out.last().is_some_and(|o| o.end == start);
        let inner = &line[start + 1..];
        let Some(end) = inner.find('}').filter(|_| after && !inner.starts_with(['{', '%'])) else { continue };
        let known =
            |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '#' | '=' | '"' | '\'' | ' ' | ':' | '/');
        let names = inner[..end].contains(['.', '#', '=', ':']);
        if names && inner[..end].chars().all(known) {
            out.push(start..start + 1 + end + 1);
        }
    }
    out
}

/// Notes in their places: `^[une note]`, with nothing else than words in them.
fn notes(line: &str) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    for (start, sign) in line.match_indices("^[") {
        let inner = &line[start + sign.len()..];
        let end = inner
            .bytes()
            .take(FAR)
            .position(|b| b == b']')
            .filter(|&end| !inner[..end].contains(['[', '*', '_', '`', '<', '&', '\\']));
        let free = !line[..start].ends_with('[') && out.last().is_none_or(|last| last.end <= start);
        if let Some(end) = end.filter(|_| free) {
            out.push(start..start + sign.len() + end + 1);
        }
    }
    out
}

/// Emoji by their names: `:smile:`.
fn emoji(line: &str) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    let mut last = 0;
    for (start, _) in line.match_indices(':') {
        let inner = &line[start + 1..];
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '+');
        let name = &inner[..inner.len() - inner.trim_start_matches(known).len()];
        let rest = &inner[name.len()..];
        let word = |c: char| c.is_alphanumeric();
        let apart = !line[..start].ends_with(word) && rest.starts_with(':') && !rest[1..].starts_with(word);
        let named = matches!(name, "+1" | "-1") || name.starts_with(|c: char| c.is_ascii_lowercase());
        if apart && named && start >= last && !rest[1..].starts_with([':', '`']) {
            last = start + 1 + name.len() + 1;
            out.push(start..last);
        }
    }
    out
}

/// Figures and letters set low or high: in `1^er^` they are a part that is marked, `H~2~O` is a word that passes through.
fn raised(line: &str) -> Vec<(Range<usize>, Hidden)> {
    let mut out: Vec<(Range<usize>, Hidden)> = Vec::new();
    let mut at = 0;
    while let Some(found) = line[at..].find(['~', '^']) {
        let start = at + found;
        let (sign, inner) = line[start..].split_at(1);
        at = start + 1;
        let before = line[..start].trim_end_matches(char::is_alphanumeric).len();
        let end = inner.bytes().take(11).position(|b| sign.as_bytes() == [b]).filter(|&end| end > 0 && before < start);
        let Some(end) = end.filter(|&end| inner[..end].chars().all(|c| c.is_alphanumeric() || "+-−".contains(c)))
        else {
            continue;
        };
        let (close, rest) = (start + 1 + end + 1, &inner[end + 1..]);
        if rest.starts_with(sign) {
            continue;
        }
        if inner[..end].chars().all(char::is_alphabetic) {
            out.push((start..close, Hidden::Raised));
            at = close;
            continue;
        }
        at = close + rest.len() - rest.trim_start_matches(char::is_alphanumeric).len();
        match out.last_mut().filter(|(last, _)| last.end > before) {
            Some((last, _)) => last.end = at,
            None => out.push((before..at, Hidden::Word)),
        }
    }
    out
}

/// Formulas of LaTeX: `\(…\)`, `\[…\]`, in a paragraph.
pub(super) fn formulas(source: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(found) = source[at..].find('\\') {
        let start = at + found;
        let close = match source.as_bytes().get(start + 1) {
            Some(b'(') => "\\)",
            Some(b'[') => "\\]",
            // The other half of an escaped backslash is one as well.
            Some(b'\\') => {
                at = start + 2;
                continue;
            }
            _ => {
                at = start + 1;
                continue;
            }
        };
        at = start + 2;
        let near = source[at..].char_indices().nth(FAR).map_or(source.len(), |(n, _)| at + n);
        let inside = source[at..near].split("\n\n").next().unwrap_or_default();
        let Some(n) = inside.find(close).filter(|&n| is_formula(&inside[..n])) else { continue };
        // In a line, square brackets may be escaped ones.
        let same_line = |&c: &char| c != '\n';
        let before = source[..start].chars().rev().take_while(same_line).any(char::is_alphanumeric);
        let behind = source[at + n + 2..].chars().take_while(same_line).any(char::is_alphanumeric);
        if close == "\\)" || !before && !behind {
            out.push(start..at + n + 2);
            at += n + 2;
        }
    }
    out
}

/// Brackets that are only escaped have words between them.
fn is_formula(text: &str) -> bool {
    let mut letters = text.split(|c: char| !c.is_alphabetic());
    text.contains(['\\', '^', '_', '=']) || letters.all(|word| word.chars().count() < 2)
}
