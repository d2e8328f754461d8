//! What stands beside a place in the text.

use crate::split::Text;

/// No abbreviation is longer.
const WORD: usize = 24;

/// The end of the text before `i`, white space left out.
pub fn text_end(text: &Text, mut i: usize) -> usize {
    while i > 0 && text.chars[i - 1].is_whitespace() {
        i -= 1;
    }
    i
}

/// What stands before `i` since white space, an apostrophe or a sign; empty where it is longer than any abbreviation.
pub fn word_before(text: &Text, i: usize) -> String {
    let mut begin = i;
    while begin > 0 && is_part(text.chars[begin - 1]) && i - begin <= WORD {
        begin -= 1;
    }
    // A hyphen joins words; only an abbreviation in itself has one.
    text.chars[begin..i].iter().collect::<String>().trim_matches(['-', '.']).to_owned()
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '.' || c == '-' || c == '§'
}

/// The word at `i`, with its apostrophe if it is elided.
pub fn word_at(text: &Text, i: usize) -> String {
    let mut end = i;
    while end - i <= WORD && text.get(end).is_alphanumeric() {
        end += 1;
    }
    let elided = "'’".contains(text.get(end)) && end > i;
    text.chars[i..end + usize::from(elided)].iter().collect()
}

/// Whether a single capital with a full stop stands at `i`, or a capital before a number (art. L. 12, art. R 5).
pub fn is_initial(text: &Text, i: usize) -> bool {
    let (a, b, c) = (text.get(i), text.get(i + 1), text.get(i + 2));
    a.is_uppercase() && (b == '.' || b.is_ascii_digit() || (b.is_whitespace() && c.is_ascii_digit()))
}

/// Whether an address of the web begins at `i`.
pub fn is_address(text: &Text, i: usize) -> bool {
    ["http://", "https://", "www."].iter().any(|prefix| prefix.chars().enumerate().all(|(k, c)| text.get(i + k) == c))
}
