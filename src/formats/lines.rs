//! Lines of a text as people lay them out: ends of every kind, indentation, quote marks, list markers, dashes, cells.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

pub(crate) use self::cells::{Cell, breaks, cells};

mod cells;

/// One line: its content and, after it, its end (`\n`, `\r\n`, `\r`, VT, FF, NEL, U+2028, U+2029, or nothing at the last).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub content: Range<usize>,
    /// Where the next line starts.
    pub next: usize,
}

/// Whether a character ends a line.
pub(crate) fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether a character is white space or as good as: a byte order mark or a zero-width space.
pub(crate) fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}')
}

/// The lines of a text; joined, contents and ends are the text. A text that ends with a line end has no line after it.
pub(crate) fn lines(source: &str) -> Vec<Line> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut chars = source.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if !is_line_end(c) {
            continue;
        }
        let mut next = at + c.len_utf8();
        if c == '\r' && chars.next_if(|&(_, c)| c == '\n').is_some() {
            next += 1;
        }
        out.push(Line { content: start..at, next });
        start = next;
    }
    if start < source.len() {
        out.push(Line { content: start..source.len(), next: source.len() });
    }
    out
}

/// Columns that a text takes; a tab goes to the next multiple of eight.
pub(crate) fn width(text: &str) -> usize {
    text.chars().fold(0, |n, c| match c {
        '\t' => (n / 8 + 1) * 8,
        '\u{feff}' | '\u{200b}' | '\u{300}'..='\u{36f}' => n,
        _ => n + 1,
    })
}

/// `range` of `source` without the blanks at its ends.
pub(crate) fn trim(source: &str, range: Range<usize>) -> Range<usize> {
    let text = &source[range.clone()];
    let start = range.start + text.len() - text.trim_start_matches(is_blank).len();
    start..start + source[start..range.end].trim_end_matches(is_blank).len()
}

/// Whether there is anything to translate: letters, or a number alone that English writes otherwise (12,50 €).
pub(crate) fn has_text(text: &str) -> bool {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
        let space = r"[ \u{a0}\u{202f}]";
        let grouped = format!(r"\d{{1,3}}(?:{space}\d{{3}})+");
        let unit = format!(r"{space}?[%€$£]");
        let number = format!(r"(?:{grouped}(?:,\d+)?(?:{unit})?|\d+,\d+(?:{unit})?|\d+{unit})");
        Regex::new(&format!(r"^[-+−±≈~<>(]?{space}?{number}\)?$")).expect("a valid pattern")
    });
    has_letter(text) || text.contains(|c: char| c.is_ascii_digit()) && NUMBER.is_match(text.trim())
}

/// Whether there is a letter.
pub(crate) fn has_letter(text: &str) -> bool {
    text.chars().any(char::is_alphabetic)
}

/// Bytes of indentation and `>` quote marks at the start of a line.
pub(crate) fn lead(line: &str) -> usize {
    let inside = |text: &str| text.len() - text.trim_start_matches(|c| is_blank(c) || c == '>').len();
    let n = inside(line);
    // `>>fra<<` is a word of its kind, not a quotation.
    let word = line[n..].trim_start_matches(|c: char| c.is_alphanumeric() || c == '_' || c == '-');
    if line[..n].ends_with('>') && word.starts_with("<<") {
        return line.len() - line.trim_start_matches(is_blank).len();
    }
    n
}

/// What a line starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    /// `# `
    Heading,
    /// `- `, `• `, `* `: with a box or not; `-h, --help  `, the options of a program.
    Bullet,
    /// `1. `, `a) `, `(3) `, `[2] `, `IV. `, `1.2 `
    Number,
    /// `— `, `– `, `-- `: a turn of speech.
    Turn,
    /// `!! `, `=== `: see [`unadorned`].
    Ornament,
}

/// The marker at the start of `text` (after its [`lead`]) with the blanks after it: its bytes and kind. There is always
/// something after a marker.
pub(crate) fn marker(text: &str) -> Option<(usize, Marker)> {
    let found = heading(text)
        .or_else(|| bullet(text))
        .or_else(|| option(text))
        .or_else(|| number(text))
        .or_else(|| turn(text))?;
    (found.0 < text.len()).then_some(found)
}

/// What stands between the ornaments of a line, signs in a run at both ends or at one: `!! Attention`, `=== Résumé ===`,
/// `Suite >>`. `None` where there are none, or nothing to translate between them.
pub(crate) fn unadorned(text: &str) -> Option<Range<usize>> {
    let sign = text.chars().next().filter(|c| "!?*=-~+#</:%@^".contains(*c)).unwrap_or(' ');
    let start = text.len() - text.trim_start_matches(sign).len();
    let same = if sign == '<' { '>' } else { sign };
    let last = text.chars().next_back().filter(|c| *c == same || ">=*~+#-".contains(*c)).unwrap_or(' ');
    let end = text.trim_end_matches(last).len();
    let tail = text.len() - end;
    let core = |range: Range<usize>| Some(trim(text, range)).filter(|core| has_letter(&text[core.clone()]));
    let inside = |range: Range<usize>| core(range).filter(|core| !text[core.clone()].contains(&text[..2]));
    let blank_before = text[..end].ends_with(is_blank);
    if start >= 2 && start < end {
        let glued =
            text[start..].starts_with(char::is_alphabetic) && ("!?=~".contains(sign) || sign == '-' && start > 2);
        let open = sign == '<' && text.contains(">>");
        return match last == same && tail >= 2 {
            true => inside(start..end),
            false => core(start..text.len()).filter(|core| (core.start > start || glued) && !open),
        };
    }
    let after = tail >= 2 && !(last == '-' && tail == 2) && blank_before;
    core(0..end).filter(|_| after && start < 2)
}

/// `text` starts with `sign`, `n` bytes, and blanks: how long they are together.
fn before_blank(text: &str, n: usize) -> Option<usize> {
    let rest = &text[n..];
    let after = rest.trim_start_matches(is_blank);
    (after.len() < rest.len()).then(|| text.len() - after.len())
}

fn heading(text: &str) -> Option<(usize, Marker)> {
    let n = text.len() - text.trim_start_matches('#').len();
    (1..=6).contains(&n).then(|| before_blank(text, n))?.map(|n| (n, Marker::Heading))
}

fn bullet(text: &str) -> Option<(usize, Marker)> {
    let c = text.chars().next()?;
    let n = c.len_utf8();
    let n = match c {
        '*' => before_blank(text, n).or_else(|| footnote(text)),
        '+' | '-' | '·' | '✓' | '✔' | '→' | '⇒' | '➔' | '►' | '▶' => before_blank(text, n),
        '•' | '‣' | '◦' | '▪' | '▫' | '■' | '□' | '●' | '○' | '◆' | '☐' | '☑' | '☒' | '⁃' => {
            Some(before_blank(text, n).unwrap_or(n))
        }
        '[' => Some(0),
        _ => None,
    }?;
    let rest = &text[n..];
    let boxed = ["[ ]", "[x]", "[X]"].iter().any(|b| rest.starts_with(b));
    match boxed.then(|| before_blank(rest, 3)).flatten() {
        Some(more) => Some((n + more, Marker::Bullet)),
        None => (n > 0).then_some((n, Marker::Bullet)),
    }
}

/// Bytes of the stars of a footnote, with no space after them and no others on the line: `*Prix TTC.`
fn footnote(text: &str) -> Option<usize> {
    let note = text.trim_start_matches('*');
    (note.starts_with(char::is_alphabetic) && !note.contains('*')).then(|| text.len() - note.len())
}

/// A program's options and their arguments, with two spaces or more before what is said of them.
fn option(text: &str) -> Option<(usize, Marker)> {
    let n = text.find("  ").or_else(|| text.find('\t')).filter(|_| text.starts_with('-'))?;
    let dashed = |word: &str| word.starts_with("--") || word.starts_with('-') && word.trim_end_matches(',').len() == 2;
    let sign = |word: &str| dashed(word) || word.starts_with(['<', '[']) || !word.contains(char::is_lowercase);
    let words = || text[..n].split(' ');
    (words().next().is_some_and(dashed) && words().all(sign))
        .then(|| before_blank(text, n))?
        .map(|n| (n, Marker::Bullet))
}

fn number(text: &str) -> Option<(usize, Marker)> {
    let bytes = text.as_bytes();
    let open = match bytes.first()? {
        b'(' => Some(b')'),
        b'[' => Some(b']'),
        _ => None,
    };
    let start = usize::from(open.is_some());
    let run = |from: usize, keep: fn(&u8) -> bool| from + bytes[from..].iter().take_while(|&b| keep(b)).count();
    let digits = run(start, u8::is_ascii_digit);
    let mut end = digits;
    let label = match digits - start {
        1..=3 => true,
        0 => {
            end = run(start, u8::is_ascii_alphabetic);
            let word = &text[start..end];
            let roman = end - start >= 2 && word.len() <= 5 && word.bytes().all(|b| b"IVX".contains(&b));
            // A single capital with a stop is an initial: `M. Durand`.
            let stop = bytes.get(end) == Some(&b'.');
            roman || (end - start == 1 && (!stop || word.bytes().all(|b| b.is_ascii_lowercase())))
        }
        _ => false,
    };
    if !label {
        return None;
    }
    if let Some(close) = open {
        return (bytes.get(end) == Some(&close)).then(|| before_blank(text, end + 1))?.map(|n| (n, Marker::Number));
    }
    let lettered = digits == start;
    // 1.2.3, with a stop at the end or none.
    while !lettered && bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = run(end + 1, u8::is_ascii_digit);
    }
    let deep = end > digits && !lettered;
    let rest = &text[end..];
    let sign = ["°)", ".)", ")", ".", "°"].iter().find(|s| rest.starts_with(**s)).map_or(0, |s| s.len());
    let capital = |n: usize| text[n..].chars().next().is_some_and(char::is_uppercase);
    if sign > 0 {
        // `20 ° C` and such: a degree sign numbers only capitals.
        let n = before_blank(text, end + sign)?;
        return (rest.as_bytes()[0] != 0xc2 || capital(n)).then_some((n, Marker::Number));
    }
    let n = before_blank(text, end)?;
    if deep && capital(n) {
        return Some((n, Marker::Number));
    }
    // `1 – Titre`
    let dash = text[n..].chars().next().filter(|c| matches!(c, '-' | '–' | '—') && !lettered)?;
    let n = before_blank(text, n + dash.len_utf8())?;
    capital(n).then_some((n, Marker::Number))
}

fn turn(text: &str) -> Option<(usize, Marker)> {
    let rest = text.trim_start_matches(['—', '–', '―']);
    let mut n = text.len() - rest.len();
    if n == 0 {
        let hyphens = text.len() - text.trim_start_matches('-').len();
        let next = text[hyphens..].chars().next()?;
        let speech = next.is_alphabetic() || matches!(next, '«' | '“' | '"' | '…' | '.');
        n = match hyphens {
            1 if speech => 1,
            2 => 2,
            _ => return None,
        };
    }
    Some((before_blank(text, n).unwrap_or(n), Marker::Turn))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_alone_is_a_text_where_english_writes_it_otherwise() {
        for text in ["12,50 €", "+3,5 %", "1 250", "(1\u{202f}250,50)", "20 €", "Oui"] {
            assert!(has_text(text), "{text}");
        }
        for text in ["12", "2024", "1,2,3", "00:00:01,000", "06 12 34 56 78", "12/05/2024", "—", "3.14"] {
            assert!(!has_text(text), "{text}");
        }
    }

    #[test]
    fn every_line_end_ends_a_line() {
        let text = "a\r\nb\rc\nd\u{2028}e\u{2029}f\u{85}g\u{b}h\u{c}\n";
        let parts: Vec<&str> = lines(text).iter().map(|l| &text[l.content.clone()]).collect();
        assert_eq!(parts, ["a", "b", "c", "d", "e", "f", "g", "h", ""]);
        assert_eq!(lines("").len(), 0);
        assert_eq!(lines("\n\nx").len(), 3);
    }

    #[test]
    fn boxes_leaders_and_wide_gaps_part_texts() {
        let text = "☐ Oui    ☑ Non  Nom : ____ fin... à_b";
        let found: Vec<&str> = breaks(text).into_iter().map(|gap| &text[gap]).collect();
        assert_eq!(found, ["☐", "    ", "☑", "____"]);
    }

    #[test]
    fn markers_are_told_from_words() {
        let taken = |text: &str| marker(text).map(|(n, _)| &text[..n]).unwrap_or("").to_owned();
        for (text, expected) in [
            ("- item", "- "),
            ("* item", "* "),
            ("•item", "•"),
            ("1. Titre", "1. "),
            ("12) b", "12) "),
            ("(3)  c", "(3)  "),
            ("a) toiture", "a) "),
            ("a. toiture", "a. "),
            ("[2] Voir", "[2] "),
            ("- [ ] faire", "- [ ] "),
            ("[x] fait", "[x] "),
            ("IV. Suite", "IV. "),
            ("1.2 Contexte", "1.2 "),
            ("1.2.3. Contexte", "1.2.3. "),
            ("1° Le juge", "1° "),
            ("1 – Titre", "1 – "),
            ("# Titre", "# "),
            ("– Oui.", "– "),
            ("—\u{a0}Oui.", "—\u{a0}"),
            ("-- Oui.", "-- "),
            ("-Oui.", "-"),
            ("*Prix TTC.", "*"),
            ("-h, --help     aide", "-h, --help     "),
            ("-o FICHIER  écrit", "-o FICHIER  "),
            ("-Oui  et non", "-"),
        ] {
            assert_eq!(taken(text), expected, "{text}");
        }
        for text in [
            "M. Durand",
            "MM. Durand",
            "C. Nadeau",
            "2019. Il",
            "-5 °C",
            "#mot",
            "3.5 millions",
            "20 ° c",
            "a",
            "a)",
            "-",
            "—",
            "1.",
            "**gras**",
            "12 – 14 mai",
            "à) b",
            "é. b",
            "*gras*",
            "Ça",
            "o x",
            "(non)",
            "(",
            "[",
            "[ ]",
            "",
        ] {
            assert_eq!(taken(text), "", "{text}");
        }
    }

    #[test]
    fn ornaments_are_told_from_punctuation() {
        for (text, expected) in [
            ("!! Attention", "Attention"),
            ("!!! Attention !!!", "Attention"),
            ("*** Attention ***", "Attention"),
            ("=== Résumé ===", "Résumé"),
            ("-----Message d'origine-----", "Message d'origine"),
            ("<< Retour", "Retour"),
            ("Suite >>", "Suite"),
            ("Prix **", "Prix"),
        ] {
            assert_eq!(unadorned(text).map(|core| &text[core]), Some(expected));
        }
        for text in [
            "Attention !!!",
            "<< Oui >>, dit-il.",
            "**Un** et **deux**",
            "**Un",
            ">>fra<<",
            "dit-il --",
            "====",
            "!!",
            "",
        ] {
            assert_eq!(unadorned(text), None, "{text}");
        }
    }
}
