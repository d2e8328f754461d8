//! The cells of a line, and what forms have between them.

use super::{is_blank, trim};

use std::ops::Range;

/// One cell of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    /// Its text, without blanks around it; not empty.
    pub text: Range<usize>,
    /// The spaces after it that pad it to its column's width.
    pub padding: usize,
    /// How many of them must stay.
    pub least: usize,
}

/// The cells of a line: what stands between tabs, three spaces or more, bars, box-drawing characters, arrows, and what is
/// there to be filled in or ticked. Ranges count from the start of `text`.
pub(crate) fn cells(text: &str) -> Vec<Cell> {
    let table = text.starts_with('|') && text[1..].contains('|');
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut from = 0;
    let mut i = 0;
    while i < bytes.len() {
        let run = |b: u8| bytes[i..].iter().take_while(|&&x| x == b).count();
        let blank = |j: Option<&u8>| j.is_none_or(|&b| b == b' ' || b == b'\t');
        let (step, separates) = match bytes[i] {
            b'\t' => (1, true),
            b' ' => (run(b' '), run(b' ') >= 3),
            b'|' if bytes.get(i + 1) != Some(&b'_') => {
                (1, table || blank(bytes.get(i + 1)) && (i == 0 || blank(bytes.get(i - 1))))
            }
            // U+2500 to U+257F
            0xe2 if matches!(bytes.get(i + 1), Some(0x94 | 0x95)) => (3, true),
            b'|' | b'.' | b'_' => leader(text, i),
            b'[' | b'(' | b'-' | 0xe2 => tick(text, i),
            _ => (1, false),
        };
        if separates {
            push_cell(text, from..i, step, &mut out);
            from = i + step;
        }
        i += step;
    }
    push_cell(text, from..bytes.len(), 0, &mut out);
    out
}

/// What parts texts in a line without columns: three spaces or more, leaders (`.....`, `____`), boxes to tick.
pub(crate) fn breaks(text: &str) -> Vec<Range<usize>> {
    let blank = |c: char| c == ' ' || c == '\u{a0}';
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let (run, least) = match c {
            '_' => (rest.trim_start_matches('_'), 3),
            '.' => (rest.trim_start_matches('.'), 5),
            c if blank(c) => (rest.trim_start_matches(blank), 3),
            '☐' | '☑' | '☒' | '□' | '■' | '▢' => (&rest[c.len_utf8()..], 1),
            c => {
                at += c.len_utf8();
                continue;
            }
        };
        let run = &rest[..rest.len() - run.len()];
        if run.chars().count() >= least {
            out.push(at..at + run.len());
        }
        at += run.len();
    }
    out
}

/// Bytes of the dots, low lines, bars and slashes at `i`, and whether they are a leader or a place to write: `......`,
/// `____`, `__ / __`, `../....`, `|__|__|`.
fn leader(text: &str, i: usize) -> (usize, bool) {
    let bytes = text.as_bytes();
    let mut end = i;
    let (mut dots, mut lines, mut parted) = (0, 0, false);
    while let Some(&b) = bytes.get(end) {
        let n = bytes[end..].iter().take_while(|&&x| x == b).count();
        match b {
            b'.' => dots = dots.max(n),
            b'_' => lines = lines.max(n),
            b'/' | b'|' if n == 1 => parted = true,
            b' ' if n == 1 && bytes.get(end + 1).is_some_and(|b| b"._/|".contains(b)) => {}
            _ => break,
        }
        end += n;
    }
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let free = !letter(text[..i].chars().next_back());
    let apart = free && !letter(text[end..].chars().next());
    let long = dots >= 5 || lines >= 4 || free && dots == 4;
    (end - i, long || apart && (lines >= 2 || dots >= 2 && parted))
}

/// Bytes at `i` of a box to tick or an arrow, `[ ]`, `( )`, `[x]`, `☐`, `-->`, and whether there is one.
fn tick(text: &str, i: usize) -> (usize, bool) {
    let rest = &text[i..];
    let length = match rest.chars().next() {
        Some('☐' | '☑' | '☒') => Some(3),
        Some('[' | '(') => {
            let inner = rest[1..].trim_start_matches(' ');
            let inner = if inner.len() + 1 == rest.len() { inner.trim_start_matches(['x', 'X']) } else { inner };
            let n = rest.len() - inner.len();
            let close = if rest.starts_with('[') { ']' } else { ')' };
            let ticked = rest[1..].starts_with(['x', 'X']);
            (n > 1 && inner.starts_with(close) && !(ticked && (n > 2 || close == ')'))).then_some(n + 1)
        }
        Some('-') => ["-->", "->"].iter().find(|arrow| rest.starts_with(**arrow)).map(|arrow| arrow.len()),
        _ => None,
    };
    let free = !text[..i].ends_with(|c: char| c.is_alphanumeric() || c == '-');
    match length.filter(|_| free) {
        Some(n) => (n, true),
        None => (1, false),
    }
}

fn push_cell(text: &str, range: Range<usize>, separator: usize, out: &mut Vec<Cell>) {
    let first = range.start == 0;
    let mut inner = trim(text, range);
    // What parts a cell from its label is none of its text: "Couleur    : rouge".
    let cell = &text[inner.clone()];
    let rest = cell.trim_start_matches([':', '=', '–', '—', '-', ',', ';']);
    if !first && rest.len() < cell.len() && rest.starts_with(is_blank) {
        inner.start = inner.end - rest.trim_start_matches(is_blank).len();
    }
    if inner.is_empty() {
        return;
    }
    let rest = &text[inner.end..];
    let spaces = rest.len() - rest.trim_start_matches(' ').len();
    // Padding only where something stands after it.
    let (padding, least) = match spaces {
        n if n == rest.len() || separator == 0 || rest[n..].starts_with('\t') => (0, 0),
        // A place to write needs no column.
        1 if rest[1..].starts_with(['_', '[', '(', '-', '☐', '☑', '☒']) || rest.starts_with(" |_") => (0, 0),
        n if n >= 3 && !rest[n..].starts_with(is_bar) => (n, 2),
        n => (n, n.min(1)),
    };
    out.push(Cell { text: inner, padding, least });
}

fn is_bar(c: char) -> bool {
    c == '|' || ('\u{2500}'..='\u{257f}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<String> {
        cells(text).iter().map(|c| text[c.text.clone()].to_owned()).collect()
    }

    #[test]
    fn cells_stand_between_tabs_bars_and_wide_spaces() {
        assert_eq!(parts("nom\tâge\t\tville"), ["nom", "âge", "ville"]);
        assert_eq!(parts("| Nom  | Âge |"), ["Nom", "Âge"]);
        assert_eq!(parts("│ Nom │ Âge │"), ["Nom", "Âge"]);
        assert_eq!(parts("Accueil | Plan"), ["Accueil", "Plan"]);
        assert_eq!(parts("si a||b ou a|b"), ["si a||b ou a|b"]);
        assert_eq!(parts("Nom     Âge"), ["Nom", "Âge"]);
        assert_eq!(parts("Deux  espaces"), ["Deux  espaces"]);
        assert_eq!(parts("Chapitre ......... 12"), ["Chapitre", "12"]);
        assert_eq!(parts(""), Vec::<String>::new());
    }

    #[test]
    fn a_label_keeps_its_sign() {
        assert_eq!(parts("Couleur      : rouge"), ["Couleur", "rouge"]);
        assert_eq!(parts("poids     = lourd"), ["poids", "lourd"]);
        assert_eq!(parts("Solde     -12 euros"), ["Solde", "-12 euros"]);
    }

    #[test]
    fn what_is_to_be_filled_in_stands_between_cells() {
        for (text, expected) in [
            ("Date de naissance : __ / __ / ____", vec!["Date de naissance :"]),
            ("Code postal : |__|__|__|", vec!["Code postal :"]),
            ("Né(e) le : ../../....", vec!["Né(e) le :"]),
            ("Sexe : [ ] M [x] F", vec!["Sexe :", "M", "F"]),
            ("( ) Oui  ( ) Non", vec!["Oui", "Non"]),
            ("Fait à ____________, le ___/___/_____", vec!["Fait à", "le"]),
            ("Signature : ......  Date : ..../....", vec!["Signature :", "Date :"]),
            ("J'accepte    ☐ Je refuse", vec!["J'accepte", "Je refuse"]),
            ("Fichier --> Ouvrir", vec!["Fichier", "Ouvrir"]),
        ] {
            assert_eq!(parts(text), expected);
        }
        for text in [
            "Il hésite... et/ou part",
            "la méthode __init__ de a__b",
            "f( ) et t[x] (x)",
            "Fin.... Oui",
            "a->b et c-- -d",
        ] {
            assert_eq!(parts(text), [text]);
        }
    }
}
