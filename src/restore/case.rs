//! Capitals: what the source shouts is shouted, and a sentence starts as its source does.

use std::ops::Range;

use super::draft::Draft;
use super::text::words;
use crate::protect::{Prepared, Span};

/// Words that English writes with a capital wherever they stand.
const ALWAYS: [&str; 52] = [
    "I",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
    "French",
    "English",
    "German",
    "Spanish",
    "Italian",
    "European",
    "American",
    "British",
    "Belgian",
    "Swiss",
    "Canadian",
    "Chinese",
    "Japanese",
    "Russian",
    "African",
    "Asian",
    "Arab",
    "Arabic",
    "Dutch",
    "Portuguese",
    "Greek",
    "Polish",
    "Turkish",
    "Indian",
    "Parisian",
    "Christian",
    "Catholic",
    "Jewish",
    "Muslim",
    "Mr",
    "Mrs",
    "God",
];

/// Writes in capitals what the source has in capitals.
pub fn shout(draft: &mut Draft, p: &Prepared) {
    let capitals = p.capitals();
    if capitals.whole {
        upper(draft, 0..draft.text().len());
        return;
    }
    for run in &capitals.runs {
        if let Some(target) = draft.target_of(run.range.clone()) {
            let target = super::text::whole_words(draft.text(), target);
            upper(draft, target);
        }
    }
}

/// Writes the free words of `range` in capitals.
fn upper(draft: &mut Draft, range: Range<usize>) {
    let inside: Vec<Range<usize>> =
        words(draft.text()).into_iter().filter(|w| w.start >= range.start && w.end <= range.end).collect();
    for word in inside.into_iter().rev() {
        let loud = draft.text()[word.clone()].to_uppercase();
        if draft.is_free(word.clone()) && loud != draft.text()[word.clone()] {
            draft.replace(word, &loud, None);
        }
    }
}

/// Gives the first letter the case of the source's first letter.
pub fn first_letter(draft: &mut Draft, p: &Prepared) {
    let rest = &p.source()[p.lead().len()..];
    let Some((at, c)) = rest.char_indices().find(|(_, c)| c.is_alphanumeric()) else { return };
    let at = p.lead().len() + at;
    let is_span = |s: &Span| s.range.contains(&at) && !s.kind.is_name();
    if p.spans().iter().any(is_span) || !(c.is_uppercase() || c.is_lowercase()) {
        return;
    }
    let text = draft.text();
    let Some((start, first)) = text.char_indices().find(|(_, c)| c.is_alphanumeric()) else { return };
    let range = start..start + first.len_utf8();
    if !draft.is_free(range.clone()) {
        return;
    }
    if c.is_uppercase() && first.is_lowercase() {
        draft.replace(range, &first.to_uppercase().to_string(), None);
    } else if c.is_lowercase() && first.is_uppercase() {
        let word = words(&text[start..]).into_iter().next().map_or("", |w| &text[start..][w]);
        let stem = word.split(['\'', '’', '-']).next().unwrap_or(word);
        let other_capitals = word.chars().skip(1).any(char::is_uppercase);
        if !other_capitals && !ALWAYS.contains(&stem) && !is_name(draft, p, start..start + word.len()) {
            draft.replace(range, &first.to_lowercase().to_string(), None);
        }
    }
}

/// Gives "the" its capital where an article of the source has one in the midst: behind a name without a stop, as in a caption
/// ("AFP Le président kényan"), another text begins there.
pub fn articles(draft: &mut Draft, p: &Prepared) {
    let source = p.source();
    let starts = |word: &Range<usize>, test: fn(char) -> bool| source[word.clone()].starts_with(test);
    for three in words(source).windows(3) {
        let [before, article, noun] = three else { continue };
        let begins = matches!(&source[article.clone()], "Le" | "La" | "Les")
            && starts(before, char::is_uppercase)
            && starts(noun, char::is_lowercase)
            && source[before.end..article.start].trim().is_empty();
        if !begins {
            continue;
        }
        let text = draft.text();
        let tie = |word: &Range<usize>| draft.tie(word.clone(), article.start..noun.end);
        let made = words(text).into_iter().filter(|w| &text[w.clone()] == "the" && tie(w) >= 0.3);
        if let Some(word) = made.max_by(|a, b| tie(a).total_cmp(&tie(b)))
            && draft.is_free(word.clone())
        {
            draft.replace(word, "The", None);
        }
    }
}

/// Whether a word of the translation comes from a word with a capital in the source.
fn is_name(draft: &Draft, p: &Prepared, target: Range<usize>) -> bool {
    let source = p.source();
    let capital = |w: &Range<usize>| source[w.clone()].starts_with(char::is_uppercase);
    words(source).into_iter().filter(capital).any(|w| draft.tie(target.clone(), w) >= 0.3)
}
