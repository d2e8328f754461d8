//! Takes out what the model said twice.

use std::ops::Range;

use super::draft::Draft;
use super::text::words;
use crate::document::Note;
use crate::protect::Prepared;

/// Words whose doubling is never meant.
const FUNCTION_WORDS: [&str; 22] = [
    "the", "a", "an", "of", "to", "and", "or", "for", "with", "by", "from", "at", "as", "are", "was", "were", "its",
    "their", "his", "which", "we", "they",
];

/// A source of a few words comes out once ("Hallo" is not "Hello hello"), and no article comes out twice.
pub fn collapse(draft: &mut Draft, p: &Prepared) {
    let source = words(p.source());
    if (1..=4).contains(&source.len()) && !repeats(p.source()) {
        let found = words(draft.text());
        let half = found.len() / 2;
        let lower = |i: usize| draft.text()[found[i].clone()].to_lowercase();
        let twice = half > 0 && found.len().is_multiple_of(2) && (0..half).all(|i| lower(i) == lower(i + half));
        let free = twice && draft.is_free(found[half - 1].end..found[found.len() - 1].end);
        if free {
            let (from, to) = (found[half - 1].end, found[found.len() - 1].end);
            draft.replace(from..to, "", None);
            draft.notes.push(Note::info("doubled", "the model said it twice; once is kept"));
        }
    }
    if repeats(p.source()) {
        return;
    }
    let mut found = words(draft.text());
    let mut i = 0;
    while i + 1 < found.len() {
        let text = draft.text();
        let (a, b) = (found[i].clone(), found[i + 1].clone());
        let same = text[a.clone()].eq_ignore_ascii_case(&text[b.clone()]) && &text[a.end..b.start] == " ";
        let word = text[b.clone()].to_ascii_lowercase();
        if same && FUNCTION_WORDS.contains(&word.as_str()) && draft.is_free(a.end..b.end) {
            draft.replace(a.end..b.end, "", None);
            found = words(draft.text());
        } else {
            i += 1;
        }
    }
    begun_twice(draft, p);
}

/// Names that the model began before it wrote them: "Vladimir Put Putin", where both come of one word.
fn begun_twice(draft: &mut Draft, p: &Prepared) {
    let text = draft.text();
    let source = words(p.source());
    let capital = |word: &Range<usize>| p.source()[word.clone()].starts_with(char::is_uppercase);
    let starts: Vec<Range<usize>> = words(text)
        .windows(2)
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .filter(|(a, b)| {
            let (first, second) = (&text[a.clone()], &text[b.clone()]);
            second.starts_with(char::is_uppercase) && second.starts_with(first) && &text[a.end..b.start] == " "
        })
        .filter(|(a, b)| draft.is_free(a.start..b.start))
        .filter(|(a, b)| {
            origin(draft, &source, a).is_some_and(|word| capital(word) && origin(draft, &source, b) == Some(word))
        })
        .map(|(a, b)| a.start..b.start)
        .collect();
    for start in starts.into_iter().rev() {
        let what = draft.text()[start.clone()].trim_end().to_owned();
        draft.replace(start, "", None);
        draft.notes.push(Note::info("doubled", format!("the model began a name twice; “{what}” is left out")));
    }
}

/// The word of the source that most of `target` comes from.
fn origin<'a>(draft: &Draft, source: &'a [Range<usize>], target: &Range<usize>) -> Option<&'a Range<usize>> {
    let tied = source.iter().map(|word| (draft.tie(target.clone(), word.clone()), word));
    tied.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(tie, _)| *tie > 0.0).map(|(_, word)| word)
}

/// Whether the source itself says a word twice in a row, or the same words twice.
fn repeats(source: &str) -> bool {
    let found: Vec<String> = words(source).into_iter().map(|w| source[w].to_lowercase()).collect();
    found.windows(2).any(|w| w[0] == w[1])
        || (found.len() > 1 && found.len().is_multiple_of(2) && found[..found.len() / 2] == found[found.len() / 2..])
}
