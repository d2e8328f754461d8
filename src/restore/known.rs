//! Writes [known names](crate::protect::known) as English has them, where the model took them for ordinary words.

use std::ops::Range;

use super::dictionary::is_little;
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
        // “Van Gogh's Starry Night”, “its World Cup”, “the 2026 World Cup” have a word before them that goes in the place of an article.
        let determined = before == 0 && is_determined(&text[..place.start]);
        let write = if determined { span.write.strip_prefix("The ").unwrap_or(&span.write) } else { &span.write };
        let goes = has_article(write) || (bare && owns_article(french, &text[..place.start - before]));
        let start = if goes { place.start - before } else { place.start };
        let opens = begins_sentence(&text[..start]);
        let begins = capital_article(french);
        let wants = opens || begins.is_some() || wants_article(french, text, &place);
        let lacks = before == 0 && !bare && !determined && !has_article(write) && wants;
        let kept = span.write == p.source()[span.range.clone()] && here.starts_with(char::is_uppercase);
        let name = match kept || opens {
            _ if lacks && article(french).is_some_and(|article| is_definite(article) || !opens) => {
                let capital = opens || begins.is_some_and(|before| !begins_sentence(before));
                format!("{} {write}", if capital { "The" } else { "the" })
            }
            true => capitalised(write),
            false => write.to_owned(),
        };
        // The article may stand before a quotation mark: the “Monde” is “Le Monde”.
        let marks = text[..start].len() - text[..start].trim_end_matches(['"', '“']).len();
        let outer = if has_article(write) && marks > 0 { article_before(text, start - marks) } else { 0 };
        let outer = start - marks - outer..start - marks;
        let at = (lacks && name.starts_with("the")).then(|| opening_in(french, &text[..start])).flatten();
        if here != name {
            draft.notes.push(Note::info("name_known", format!("“{here}” became “{name}”")));
        }
        if draft.is_free(start..place.end) {
            draft.put(start..place.end, &name, span.range.clone());
            if !outer.is_empty() && draft.is_free(outer.clone()) {
                draft.replace(outer, "", None);
            }
            if let Some(at) = at.filter(|at| draft.is_free(at.clone())) {
                draft.replace(at, "At", None);
            }
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
/// word's, unless English says “of the”. Behind “en” there is none.
fn owns_article(french: &str, english: &str) -> bool {
    match article(french) {
        Some(article) if is_definite(article) => true,
        Some(_) => english.trim_end().to_lowercase().ends_with("of"),
        None => french.to_lowercase().ends_with("en "),
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

/// What stands before an article with a capital that a French text ends with: "PARIS (AFP) — Le".
fn capital_article(french: &str) -> Option<&str> {
    ["Le ", "La ", "Les ", "L'", "L’"].iter().find_map(|article| french.strip_suffix(article))
}

/// Whether English goes on with a name that has a word of the kind of an article already: a possessive, “this”, or an article with
/// nothing between but what tells one of the kind from others (“the 2026”, “the Rennes”).
fn is_determined(english: &str) -> bool {
    const DETERMINERS: [&str; 12] =
        ["the", "a", "an", "my", "your", "his", "her", "its", "our", "their", "this", "that"];
    for word in english.rsplit(' ').skip(1).take(3) {
        let owner = word.ends_with("'s") || word.ends_with("’s") || word.ends_with("s'") || word.ends_with("s’");
        if owner || DETERMINERS.iter().any(|determiner| word.eq_ignore_ascii_case(determiner)) {
            return english.ends_with(' ');
        }
        if word.contains(|c: char| ",;:.".contains(c))
            || !word.starts_with(|c: char| c.is_uppercase() || c.is_numeric())
        {
            return false;
        }
    }
    false
}

/// Whether a name that stands at `place` behind a preposition lacks the article that French has: “in Kremlin”, but not “in Kremlin
/// circles”.
fn wants_article(french: &str, text: &str, place: &Range<usize>) -> bool {
    const PREPOSITIONS: [&str; 10] = ["in", "at", "to", "from", "of", "by", "on", "with", "for", "into"];
    let (before, after) = (&text[..place.start], &text[place.end..]);
    let preposition = before.strip_suffix(' ').and_then(|before| before.rsplit(|c: char| !c.is_alphabetic()).next());
    let next = after.strip_prefix(' ').map(|after| after.split(' ').next().unwrap_or_default());
    article(french).is_some()
        && preposition.is_some_and(|word| PREPOSITIONS.iter().any(|p| word.eq_ignore_ascii_case(p)))
        && next.is_none_or(is_little)
        && !after.starts_with(['\'', '’', '-'])
}

/// Where a sentence begins with “In” for “Au”: what is said there is said at a place.
fn opening_in(french: &str, english: &str) -> Option<Range<usize>> {
    let start = english.strip_suffix("In ").filter(|before| begins_sentence(before))?.len();
    (french.ends_with("Au ") || french.ends_with("À la ") || french.ends_with("À l'")).then_some(start..start + 2)
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
    // WHO is none.
    let loud = word.len() > 1 && !word.contains(char::is_lowercase);
    !loud && PRONOUNS.iter().any(|pronoun| word.eq_ignore_ascii_case(pronoun))
}

/// Whether a name begins with an article of its own.
fn has_article(name: &str) -> bool {
    ["Le ", "La ", "Les ", "L'", "L’", "The ", "LE ", "LA ", "LES "].iter().any(|article| name.starts_with(article))
}

/// How many bytes before `at` are an article and its space.
fn article_before(text: &str, at: usize) -> usize {
    let word = text[..at].trim_end_matches(' ').rsplit(|c: char| !c.is_alphanumeric() && c != '-').next();
    let word = word.filter(|word| is_article(word) && text[..at].ends_with(' ')).unwrap_or_default();
    let spaces = at - text[..at].trim_end_matches(' ').len();
    if word.is_empty() { 0 } else { word.len() + spaces }
}
