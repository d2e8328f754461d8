//! The words and signs of a translation with the source bytes that they come from.

use std::ops::Range;

use super::{Placed, meets};
use crate::document::Link;
use crate::protect::numbers::{CURRENCIES, is_space};

/// A word, an amount or a sign of the target.
pub struct Unit {
    pub target: Range<usize>,
    /// Bytes of the block's text it comes from, with weights.
    pub links: Vec<(Range<usize>, f32)>,
    pub word: bool,
    /// A word without a meaning of its own, or the ending ’s: it goes with others.
    pub little: bool,
}

/// Articles, prepositions and conjunctions.
const LITTLE: [&str; 18] = [
    "the", "a", "an", "of", "to", "in", "on", "at", "by", "for", "from", "with", "and", "or", "but", "nor", "as",
    "than",
];

/// The words and signs of the target with what they come from.
pub fn units(segments: &[Placed<'_>], target: &str) -> Vec<Unit> {
    let mut out = Vec::new();
    for (source, place, links) in segments {
        let text = &target[place.clone()];
        let mut links: Vec<&Link> = links.iter().collect();
        links.sort_by_key(|l| (l.target.start, l.target.end));
        let first = out.len();
        let mut start = 0;
        while start < text.len() {
            let rest = &text[start..];
            let c = rest.chars().next().unwrap_or(' ');
            let ending = text[..start].ends_with(char::is_alphanumeric).then(|| genitive(rest)).flatten();
            let length = ending.or_else(|| amount(rest)).unwrap_or_else(|| word(rest).max(c.len_utf8()));
            let end = start + length;
            if !c.is_whitespace() {
                let little = ending.is_some() || LITTLE.iter().any(|w| w.eq_ignore_ascii_case(&rest[..length]));
                let word = ending.is_none() && rest[..length].contains(char::is_alphanumeric);
                out.push(Unit { target: place.start + start..place.start + end, links: Vec::new(), word, little });
            }
            start = end;
        }
        let mut from = first;
        for link in links {
            let r = place.start + link.target.start..place.start + link.target.end;
            let s = source.start + link.source.start..(source.start + link.source.end).min(source.end);
            while from < out.len() && out[from].target.end <= r.start {
                from += 1;
            }
            for unit in out[from..].iter_mut().take_while(|u| u.target.start < r.end) {
                let shared = unit.target.end.min(r.end).saturating_sub(unit.target.start.max(r.start));
                unit.links.push((s.clone(), link.weight * shared as f32));
            }
        }
    }
    out
}

/// The bytes of the letters and figures that `text` begins with.
fn word(text: &str) -> usize {
    text.len() - text.trim_start_matches(char::is_alphanumeric).len()
}

/// The bytes of the ending ’s that `text` begins with.
fn genitive(text: &str) -> Option<usize> {
    let rest = text.strip_prefix(['\'', '’'])?.strip_prefix('s')?;
    (!rest.starts_with(char::is_alphanumeric)).then(|| text.len() - rest.len())
}

/// The bytes of the number that `text` begins with, with its sign of money or per cent on either side: €1,250.50.
fn amount(text: &str) -> Option<usize> {
    let figures = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let sign = CURRENCIES.iter().find(|&&sign| text.starts_with(sign)).map_or(0, |sign| sign.len_utf8());
    let mut end = sign + Some(figures(&text[sign..])).filter(|&n| n > 0)?;
    loop {
        let rest = &text[end..];
        let more = rest.strip_prefix(['.', ',']).map_or(0, figures);
        // A comma parts thousands; what it parts else are two numbers.
        if more == 0 || rest.starts_with(',') && more != 3 {
            break;
        }
        end += 1 + more;
    }
    // Ordinals and the like are words; €3M is an amount.
    let letters = word(&text[end..]);
    if letters > 0 {
        return (sign > 0).then_some(end + letters);
    }
    let rest = text[end..].trim_start_matches(is_space);
    let behind = rest.chars().next().filter(|c| *c == '%' || sign == 0 && CURRENCIES.contains(c));
    // Of several amounts in a row, each sign stands before its own.
    let behind = behind.filter(|c| !rest[c.len_utf8()..].starts_with(|c: char| c.is_ascii_digit()));
    Some(behind.map_or(end, |c| text.len() - rest.len() + c.len_utf8()))
}

/// The unbroken stretch of units that is most `k`'s: it never takes a word that is another mark's, and a word with a meaning
/// before one without.
pub fn best_run(
    units: &[Unit],
    owner: &[Option<usize>],
    k: usize,
    fixed: Option<&Range<usize>>,
) -> Option<(usize, usize)> {
    let worth = |i: usize, unit: &Unit| -> f32 {
        match owner[i] {
            Some(o) if o == k && fixed.is_some_and(|f| meets(f, &unit.target)) => 1000.0,
            Some(o) if o == k && unit.little => 0.3,
            Some(o) if o == k => 1.0,
            Some(_) => -1e6,
            None if unit.word => -0.7,
            None => -0.1,
        }
    };
    let mut best: (f32, Option<(usize, usize)>) = (0.0, None);
    let mut run = (0.0f32, 0);
    for (i, unit) in units.iter().enumerate() {
        if run.0 <= 0.0 {
            run = (0.0, i);
        }
        // Nothing begins with the ending ’s.
        let ending = unit.little && !unit.word && run.1 == i;
        run.0 += if ending { worth(i, unit).min(0.0) } else { worth(i, unit) };
        if run.0 > best.0 {
            best = (run.0, Some((run.1, i)));
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_one_unit() {
        let shown = |text: &str| -> Vec<String> {
            units(&[(0..0, 0..text.len(), &[])], text).iter().map(|u| text[u.target.clone()].to_owned()).collect()
        };
        assert_eq!(shown("€1,250.50, 20 € or 3 %."), ["€1,250.50", ",", "20 €", "or", "3 %", "."]);
        assert_eq!(shown("20 €30 1,2 €3M 3rd"), ["20", "€30", "1", ",", "2", "€3M", "3rd"]);
        assert_eq!(shown("Ann's 's it’s"), ["Ann", "'s", "'", "s", "it", "’s"]);
    }
}
