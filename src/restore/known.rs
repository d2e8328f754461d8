//! Writes [known names](crate::protect::known) as English has them, where the model took them for ordinary words.

use std::ops::Range;

use super::draft::Draft;
use super::placeholders::find;
use super::text::{begins_sentence, trimmed, whole_words};
use crate::document::Note;
use crate::protect::{Prepared, Span, SpanKind};
use crate::text::capitalised;

/// Puts every known name of `p` in its place; one whose place the alignment does not tell stays as the model has it.
pub fn write(draft: &mut Draft, p: &Prepared) {
    for span in p.spans() {
        let SpanKind::Name { bare } = span.kind else { continue };
        let Some(place) = place(draft, p, span) else { continue };
        let text = draft.text();
        let here = &text[place.clone()];
        let french = &p.source()[..span.range.start];
        let before = article_before(text, place.start);
        let goes = has_article(&span.write) || (bare && owns_article(french, &text[..place.start - before]));
        let start = if goes { place.start - before } else { place.start };
        let opens = begins_sentence(&text[..start]);
        let lacks = before == 0 && !bare && !has_article(&span.write) && (opens || ends_with_capital_article(french));
        let kept = span.write == p.source()[span.range.clone()] && here.starts_with(char::is_uppercase);
        let name = match kept || opens {
            _ if lacks && article(french).is_some_and(is_definite) => format!("The {}", span.write),
            true => capitalised(&span.write),
            false => span.write.clone(),
        };
        if here != name {
            draft.notes.push(Note::info("name_known", format!("“{here}” became “{name}”")));
        }
        if draft.is_free(start..place.end) {
            draft.put(start..place.end, &name, span.range.clone());
        }
    }
}

/// Lets the punctuation go by names that are words and nothing else: a stop may come to stand beside them.
pub fn release(draft: &mut Draft, p: &Prepared) {
    let plain = |name: &str| name.chars().all(|c| c.is_alphabetic() || " '’-".contains(c));
    for span in p.spans().iter().filter(|span| span.kind.is_name() && plain(&span.write)) {
        draft.release(&span.range);
    }
}

/// Whether an article between `english` and a name that has none in English is the name's, because one stands before it in `french`
/// too (“la Société générale”). In “région du Pendjab” and “péninsule de Basse-Californie”, “the Punjab region”, it is another
/// word's, unless English says “of the”.
fn owns_article(french: &str, english: &str) -> bool {
    match article(french) {
        Some(article) if is_definite(article) => true,
        Some(_) => english.trim_end().to_lowercase().ends_with("of"),
        None => false,
    }
}

/// The article that a French text ends with, "de" before it included.
fn article(french: &str) -> Option<&'static str> {
    // No article is longer than “de la ”.
    let tail = french.char_indices().rev().nth(8).map_or(french, |(at, _)| &french[at..]);
    let french = tail.to_lowercase().replace('’', "'");
    let ends = |end: &&&str| french.strip_suffix(**end).is_some_and(|rest| !rest.ends_with(char::is_alphanumeric));
    ["de la ", "de l'", "du ", "des ", "le ", "la ", "les ", "l'", "au ", "aux "].iter().find(ends).copied()
}

/// Whether a sentence begins with the article that a French text ends with: "PARIS (AFP) — Le".
fn ends_with_capital_article(french: &str) -> bool {
    ["Le ", "La ", "Les ", "L'", "L’"].iter().any(|article| french.ends_with(article))
}

/// Whether an article is no genitive.
fn is_definite(article: &str) -> bool {
    !article.starts_with('d')
}

/// Where the name of `span` stands, in English, in French or in words that the model made of it.
fn place(draft: &Draft, p: &Prepared, span: &Span) -> Option<Range<usize>> {
    let french = &p.source()[span.range.clone()];
    let there = |name: &str, exact| find(draft, name, span, false, exact);
    let found = there(&span.write, true).or_else(|| there(&span.write, false)).or_else(|| there(french, false));
    found.or_else(|| made_of(draft, span))
}

/// The words that the alignment leads to, without the little ones round them and a possessive behind.
fn made_of(draft: &Draft, span: &Span) -> Option<Range<usize>> {
    let text = draft.text();
    let target = whole_words(text, draft.target_of(span.range.clone())?);
    let target = trimmed(text, target, |c| !c.is_alphanumeric());
    let mut start = target.start;
    while let Some((first, _)) = text[start..target.end].split_once(' ').filter(|(first, _)| leads(first)) {
        start += first.len() + 1;
    }
    let mut end = target.end;
    while let Some((rest, _)) = text[start..end].rsplit_once(' ').filter(|(_, last)| leads(last)) {
        end = start + rest.len();
    }
    let owner = text[start..end].trim_end_matches(['s', 'S']).strip_suffix(['\'', '’']);
    let target = start..owner.map_or(end, |owner| start + owner.len());
    let count = |s: &str| s.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).count();
    let made = &text[target.clone()];
    let words = count(made);
    // A name does not become a sentence, nor what only points to it: an alignment that says so is wrong.
    let fits = 0 < words && words <= 2 * count(&span.write).max(2) && !is_pronoun(made) && !leads(made);
    (fits && draft.is_free(target.clone())).then_some(target)
}

fn is_article(word: &str) -> bool {
    ["the", "a", "an"].iter().any(|article| word.eq_ignore_ascii_case(article))
}

/// Whether a word stands beside a name rather than at an end of it.
fn leads(word: &str) -> bool {
    is_article(word)
        || ["to", "of", "in", "at", "on", "from", "by", "for", "with", "and", "or"]
            .contains(&word.to_lowercase().as_str())
}

fn is_pronoun(word: &str) -> bool {
    const PRONOUNS: [&str; 16] = [
        "he", "she", "it", "they", "him", "her", "them", "his", "its", "their", "who", "which", "that", "this", "one",
        "there",
    ];
    PRONOUNS.iter().any(|pronoun| word.eq_ignore_ascii_case(pronoun))
}

/// Whether a name begins with an article of its own.
fn has_article(name: &str) -> bool {
    ["Le ", "La ", "Les ", "L'", "L’", "The "].iter().any(|article| name.starts_with(article))
}

/// How many bytes before `at` are an article and its space.
fn article_before(text: &str, at: usize) -> usize {
    let word = text[..at].trim_end_matches(' ').rsplit(|c: char| !c.is_alphanumeric() && c != '-').next();
    let word = word.filter(|word| is_article(word) && text[..at].ends_with(' ')).unwrap_or_default();
    let spaces = at - text[..at].trim_end_matches(' ').len();
    if word.is_empty() { 0 } else { word.len() + spaces }
}
