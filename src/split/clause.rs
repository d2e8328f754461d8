//! Cuts a segment that is too long for the model at the best places there are.

use std::ops::Range;

use unicode_segmentation::GraphemeCursor;

/// The pieces of `text`, each as long as `fits` allows, none much shorter than the others. Only white space lies between
/// them, and none starts or ends with it. A single letter (with its accents) is a piece even where it does not fit.
///
/// `fits` should be monotone: what is part of something that fits, fits. It is called on pieces of about the size that
/// fits, a few dozen times a piece at most, and once on the whole.
pub fn split_long(text: &str, fits: &dyn Fn(&str) -> bool) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let end = text.trim_end().len();
    let mut start = text.len() - text.trim_start().len();
    if start >= end {
        return out;
    }
    if fits(&text[start..end]) {
        out.push(start..end);
        return out;
    }
    let mut guess = 256;
    while start < end {
        let reach = reach(text, start, end, guess, fits);
        if reach == end {
            out.push(start..end);
            break;
        }
        guess = reach - start;
        let mut cut = cut(text, start, reach, end);
        let mut piece = trimmed(text, start, cut);
        // Tokens do not add up exactly: a cut before the reach may, very rarely, not fit.
        if cut < reach && !fits(&text[piece.clone()]) {
            cut = reach;
            piece = trimmed(text, start, cut);
        }
        out.push(piece);
        start = cut + (text[cut..end].len() - text[cut..end].trim_start().len());
    }
    out
}

/// How far a piece from `start` may go: by doubling, then by halving; at least one letter with its accents.
fn reach(text: &str, start: usize, end: usize, guess: usize, fits: &dyn Fn(&str) -> bool) -> usize {
    let fits_to = |to: usize| fits(text[start..to].trim_end());
    let (mut good, mut bad);
    let mut to = letter_at(text, start.saturating_add(guess).min(end));
    if to > start && fits_to(to) {
        good = to;
        loop {
            if good == end {
                return end;
            }
            to = letter_after(text, good, start.saturating_add((good - start).saturating_mul(2)).min(end));
            if !fits_to(to) {
                bad = to;
                break;
            }
            good = to;
        }
    } else {
        good = start;
        bad = to.max(start);
    }
    // A few letters more or less do not matter when the piece is long.
    while bad.saturating_sub(good) > ((good - start) / 64).max(1) {
        to = letter_after(text, good, good + (bad - good) / 2);
        if to >= bad {
            break;
        }
        if fits_to(to) {
            good = to;
        } else {
            bad = to;
        }
    }
    if good > start { good } else { next_letter(text, start, end) }
}

/// The last boundary of a character at or before `i`.
fn letter_at(text: &str, mut i: usize) -> usize {
    while !text.is_char_boundary(i) {
        i -= 1;
    }
    i
}

/// The last boundary of a character at or before `i`, or the next one after `good` if that is further.
fn letter_after(text: &str, good: usize, i: usize) -> usize {
    let to = letter_at(text, i);
    if to > good { to } else { good + text[good..].chars().next().map_or(0, char::len_utf8) }
}

/// The end of the letter at `start`, with its accents if there are not absurdly many.
fn next_letter(text: &str, start: usize, end: usize) -> usize {
    let near = letter_at(text, start.saturating_add(64).min(end));
    let mut cursor = GraphemeCursor::new(0, near - start, true);
    match cursor.next_boundary(&text[start..near], 0) {
        Ok(Some(boundary)) if boundary > 0 => start + boundary,
        _ => text[start..].chars().next().map_or(end, |c| start + c.len_utf8()),
    }
}

/// The best place to cut between `start` and `reach`, in the last part that keeps the pieces of the rest balanced.
fn cut(text: &str, start: usize, reach: usize, end: usize) -> usize {
    let rest = end - start;
    let room = reach - start;
    let pieces = rest.div_ceil(room).max(1);
    let ideal = start + rest / pieces;
    let from = letter_at(text, start + (ideal.min(reach) - start) / 2);
    let mut best: Option<(f64, usize)> = None;
    for (i, c) in text[from..reach].char_indices() {
        let at = from + i + c.len_utf8();
        if at > reach {
            break;
        }
        let Some(worth) = worth(text, at, c) else { continue };
        let far = (at as f64 - ideal as f64).abs() / room as f64;
        // A cut after a stop is worth a piece that is half as long; one at a space is worth little.
        let score = worth - 2.0 * far;
        if best.is_none_or(|(most, _)| score > most) {
            best = Some((score, at));
        }
    }
    match best {
        Some((_, at)) => at,
        None => between_letters(text, start, reach),
    }
}

/// What a cut is worth at `at`, after the character `c`; `None` inside a word.
fn worth(text: &str, at: usize, c: char) -> Option<f64> {
    if !c.is_whitespace() {
        return None;
    }
    let after = &text[at..];
    if after.chars().next().is_none_or(char::is_whitespace) {
        return None;
    }
    let before = text[..at].trim_end();
    let mut sign = before.chars().next_back()?;
    if matches!(sign, '»' | '”' | '"' | ')' | ']' | '’') {
        sign = before[..before.len() - sign.len_utf8()]
            .trim_end()
            .chars()
            .next_back()
            .filter(|c| ".!?…;:,".contains(*c))
            .unwrap_or(sign);
    }
    let opens = after.starts_with(['(', '«', '“', '[', '—', '–']);
    Some(match sign {
        '.' | '!' | '?' | '…' => 2.0,
        ';' => 1.8,
        ':' => 1.5,
        ',' if conjunction(after) => 1.4,
        ',' => 1.2,
        '—' | '–' => 0.6,
        ')' | ']' | '»' | '”' => 0.9,
        _ if opens => 0.9,
        _ if conjunction(after) => 0.8,
        // A space that holds together: 12 000, page 5, « mot.
        '«' | '“' | '(' => 0.0,
        _ if matches!(c, '\u{a0}' | '\u{202f}' | '\u{2009}') => 0.05,
        _ if sign.is_numeric() && after.starts_with(char::is_numeric) => 0.05,
        _ if after.starts_with([';', ':', '!', '?', '»', '%', '€']) => 0.0,
        _ => 0.4,
    })
}

/// Whether a word that joins clauses stands at the start of `text`.
fn conjunction(text: &str) -> bool {
    const JOIN: [&str; 26] = [
        "et", "ou", "mais", "car", "donc", "or", "ni", "puis", "que", "qui", "dont", "où", "lorsque", "puisque",
        "quand", "comme", "si", "tandis", "parce", "afin", "alors", "ainsi", "pour", "lequel", "laquelle", "soit",
    ];
    let end = text.char_indices().take(10).find(|(_, c)| !c.is_alphabetic()).map(|(i, _)| i);
    end.is_some_and(|end| JOIN.contains(&&text[..end]))
}

/// The last place at or before `reach` that parts no letter from its accents, if it is near; else `reach`.
fn between_letters(text: &str, start: usize, reach: usize) -> usize {
    let from = letter_at(text, reach.saturating_sub(64).max(start));
    let to = letter_at(text, (reach + 8).min(text.len()));
    let window = &text[from..to];
    let mut cursor = GraphemeCursor::new(reach - from, window.len(), true);
    if cursor.is_boundary(window, 0).unwrap_or(true) {
        return reach;
    }
    match cursor.prev_boundary(window, 0) {
        Ok(Some(boundary)) if from + boundary > start && boundary > 0 => from + boundary,
        _ => reach,
    }
}

fn trimmed(text: &str, start: usize, end: usize) -> Range<usize> {
    start..start + text[start..end].trim_end().len()
}
