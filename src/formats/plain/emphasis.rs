//! Emphasis as people write it in plain text: `*mot*`, `**mot**`, `_mot_`. Its signs are marks that move with their words.

use crate::document::{Mark, Target};

/// The signs of a block's marks, by the marks' numbers.
#[derive(Debug, Default)]
pub(super) struct Emphasis(Vec<String>);

/// `text` without the signs of emphasis, what they mark, and the signs.
pub(super) fn take(text: &str) -> (String, Vec<Mark>, Emphasis) {
    let mut out = String::with_capacity(text.len());
    let (mut marks, mut signs) = (Vec::new(), Vec::new());
    let (mut from, mut at) = (0, 0);
    while let Some(i) = text[at..].find(['*', '_']).map(|i| at + i) {
        let Some((sign, words)) = emphasised(text, i) else {
            at = i + text[i..].len() - text[i..].trim_start_matches(&text[i..=i]).len();
            continue;
        };
        out.push_str(&text[from..i]);
        let start = out.len();
        out.push_str(words);
        marks.push(Mark { range: start..out.len(), id: signs.len(), verbatim: false });
        at = i + 2 * sign.len() + words.len();
        from = at;
        signs.push(sign.to_owned());
    }
    out.push_str(&text[from..]);
    (out, marks, Emphasis(signs))
}

/// The sign at `i` and the words between it and its like, if it emphasises them.
fn emphasised(text: &str, i: usize) -> Option<(&str, &str)> {
    let rest = &text[i..];
    let sign = &rest[..rest.len() - rest.trim_start_matches(&rest[..1]).len()];
    let inside = &rest[sign.len()..];
    let words = &inside[..inside.find(&rest[..1])?];
    let after = &inside[words.len()..];
    let begins = |c: char| c.is_whitespace() || "«“\"'’([—–:".contains(c);
    let ends = |c: char| c.is_whitespace() || ".,;:!?…)]»”\"'’—–-".contains(c);
    let held = sign.len() <= 3
        && text[..i].chars().next_back().is_none_or(begins)
        && words.starts_with(|c: char| c.is_alphanumeric() || "«“\"([".contains(c))
        && !words.ends_with(char::is_whitespace)
        && words.contains(char::is_alphabetic)
        && after.starts_with(sign)
        && {
            // A stop within a name ends nothing: __init__.py
            let mut rest = after[sign.len()..].chars();
            let (a, b) = (rest.next().unwrap_or(' '), rest.next().unwrap_or(' '));
            ends(a) && !(a == '.' && b.is_alphanumeric())
        };
    held.then_some((sign, words))
}

impl Emphasis {
    /// The text of `target` with the signs round the words that translate the marked ones.
    pub fn put(&self, target: &Target) -> String {
        let mut text = target.text.clone();
        let mut places: Vec<(usize, &str)> = Vec::new();
        for mark in
            target.marks.iter().filter(|mark| target.text.get(mark.range.clone()).is_some_and(|w| !w.is_empty()))
        {
            let Some(sign) = self.0.get(mark.id) else { continue };
            places.extend([(mark.range.start, sign.as_str()), (mark.range.end, sign.as_str())]);
        }
        places.sort_by_key(|&(at, _)| at);
        for (at, sign) in places.into_iter().rev() {
            text.insert_str(at, sign);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_emphasis_are_marks() {
        for (source, expected, signs) in [
            ("Il partit _sans rien dire_, vers **tous** (*eux*).", "Il partit sans rien dire, vers tous (eux).", 3),
            (
                "5 * 3 * 2, a_b_c, *.txt, __init__.py, f(*a, **b), ** x **",
                "5 * 3 * 2, a_b_c, *.txt, __init__.py, f(*a, **b), ** x **",
                0,
            ),
            ("*é*", "é", 1),
            ("____ _ * **", "____ _ * **", 0),
        ] {
            let (text, marks, emphasis) = take(source);
            assert_eq!((text.as_str(), marks.len()), (expected, signs));
            assert_eq!(emphasis.put(&Target { text, marks }), source);
        }
    }
}
