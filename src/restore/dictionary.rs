//! Writes what the [dictionary](crate::protect::dictionary) of a model has for a word where the model has something else.

use std::ops::Range;

use super::draft::Draft;
use super::text::{begins_sentence, occurrences, trimmed, whole_words};
use crate::document::Note;
use crate::protect::Prepared;
use crate::text::{capitalised, runs};

/// The log-probability of a token from which on the model is sure of it. It is hardly ever wrong then: what it wrote is a
/// translation that the dictionary lacks.
const SURE: f32 = -0.25;

/// Looks at each word of `p` that the dictionary has: where none of its translations is there, the best is written over what the
/// alignment says the model made of it.
pub fn write(draft: &mut Draft, p: &Prepared) {
    for lookup in p.lookups() {
        let text = draft.text().to_lowercase();
        // A label is written as it is listed: “Prices” is no form of “Price”.
        let there = |english: &String| match lookup.label {
            true => occurrences(&text, &english.to_lowercase()).next().is_some(),
            false => is_there(&text, english),
        };
        if lookup.english.iter().any(there) {
            continue;
        }
        let Some((place, best)) = made_of(draft, p, &lookup.range).zip(lookup.english.first()) else { continue };
        let made = &draft.text()[place.clone()];
        let named = made.starts_with(char::is_uppercase);
        let opens = begins_sentence(&draft.text()[..place.start]);
        // What has a capital in the midst of a sentence is a name, but not in a heading or a table.
        let other = named && !opens && !lookup.label && !best.starts_with(char::is_uppercase);
        let french = &p.source()[lookup.range.clone()];
        let copied = made.to_lowercase() == french.to_lowercase();
        let sure = draft.certainty(&place) > SURE && !lookup.label && !lookup.if_sure;
        // “Between Russia and Ukraine” says it in words of its own.
        let spelt_out = lookup.if_sure && letters(made).len() > letters(french).len();
        if other || spelt_out || (!copied && (sure || lookup.if_copied)) {
            continue;
        }
        let best = lookup.past.as_ref().filter(|_| !wants_participle(&draft.text()[..place.start])).unwrap_or(best);
        let capital = if lookup.label { french.starts_with(char::is_uppercase) } else { named && opens };
        let new = if capital { capitalised(best) } else { best.clone() };
        let place = with_repeats(draft, place, &new);
        let made = &draft.text()[place.clone()];
        draft.notes.push(Note::info("word_known", format!("“{made}” became “{new}”")));
        draft.replace(place, &new, Some(lookup.range.clone()));
    }
}

/// `place` with the words beside it that `new`, which is to stand there, begins or ends with: “with” before “with care”.
fn with_repeats(draft: &Draft, place: Range<usize>, new: &str) -> Range<usize> {
    let text = draft.text();
    let like = |range: &Range<usize>, words: &str| {
        text.get(range.clone()).is_some_and(|here| here.eq_ignore_ascii_case(words)) && draft.is_free(range.clone())
    };
    let spaces = || new.match_indices(' ').map(|(i, _)| i);
    let before = spaces().rev().find_map(|i| {
        let range = place.start.checked_sub(i + 1)?..place.start;
        (like(&range, &new[..=i]) && !text[..range.start].ends_with(char::is_alphanumeric)).then_some(range.start)
    });
    let after = spaces().find_map(|i| {
        let range = place.end..place.end + new.len() - i;
        let apart = text.get(range.end..).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
        (like(&range, &new[i..]) && apart).then_some(range.end)
    });
    before.unwrap_or(place.start)..after.unwrap_or(place.end)
}

/// Whether English that ends with `before` goes on with a participle: “has”, “was never”.
fn wants_participle(before: &str) -> bool {
    const AUXILIARIES: [&str; 15] =
        ["have", "has", "had", "having", "be", "been", "being", "is", "are", "was", "were", "get", "gets", "got", "ve"];
    let adverb = |word: &&str| {
        word.ends_with("ly") || ["not", "never", "also", "already", "always", "just", "still"].contains(word)
    };
    let before = before.to_lowercase();
    let mut words =
        before.split(|c: char| !c.is_alphanumeric()).rev().filter(|word| !word.is_empty()).skip_while(adverb);
    before.ends_with(' ') && words.next().is_some_and(|word| AUXILIARIES.contains(&word))
}

/// Whether a text in small letters has an English word, or each word of a term that is more than grammar, bent or not.
fn is_there(text: &str, english: &str) -> bool {
    let english = english.to_lowercase();
    let have = letters(text);
    let has = |word: &str| have.iter().any(|range| is_form(&text[range.clone()], word));
    letters(&english).into_iter().map(|range| &english[range]).filter(|word| !is_little(word)).all(has)
}

fn letters(text: &str) -> Vec<Range<usize>> {
    runs(text, |_, c, _| c.is_alphanumeric())
}

/// Whether `word` is `base` or a regular form of it: plural, third person, past, -ing, comparison, what is made with an ending, or
/// denied, as French may do with a word of its own.
fn is_form(word: &str, base: &str) -> bool {
    const ENDINGS: [&str; 18] = [
        "", "s", "es", "ed", "d", "ing", "er", "ers", "or", "ors", "est", "ly", "y", "ful", "less", "ness", "ment",
        "al",
    ];
    let denied = ["un", "non", "in", "im", "dis"].iter().find_map(|no| word.strip_prefix(no));
    let word = denied.filter(|rest| rest.starts_with(base)).unwrap_or(word);
    let stem = base.strip_suffix(['e', 'y']).unwrap_or(base);
    let Some(rest) = word.strip_prefix(base).or_else(|| word.strip_prefix(stem).filter(|_| stem.len() > 2)) else {
        return false;
    };
    let doubled = rest.chars().next().filter(|&c| base.ends_with(c)).map_or(rest, |c| &rest[c.len_utf8()..]);
    let changed = rest.strip_prefix('i').filter(|rest| base.ends_with('y') && !rest.is_empty()).unwrap_or(rest);
    [rest, doubled, changed].iter().any(|rest| ENDINGS.contains(rest))
}

/// The words that the alignment leads to, without the little ones round them.
fn made_of(draft: &Draft, p: &Prepared, source: &Range<usize>) -> Option<Range<usize>> {
    let text = draft.text();
    let french = letters(&p.source()[source.clone()]);
    let of_word = |word: &Range<usize>| draft.target_of(source.start + word.start..source.start + word.end);
    let mut found: Vec<Range<usize>> =
        french.iter().filter_map(of_word).map(|range| whole_words(text, range)).collect();
    found.sort_by_key(|range| range.start);
    // A term that came out in places apart is not to be mended.
    let apart = |pair: &[Range<usize>]| pair[0].end < pair[1].start && !is_grammar(&text[pair[0].end..pair[1].start]);
    if found.windows(2).any(apart) {
        return None;
    }
    let target = found.first()?.start..found.iter().map(|range| range.end).max()?;
    let mut target = trimmed(text, target, |c| !c.is_alphanumeric());
    // “With acknowledgement of receipt” stands for its preposition as well.
    let leads = french
        .first()
        .is_some_and(|word| PREPOSITIONS.contains(&p.source()[source.clone()][word.clone()].to_lowercase().as_str()));
    while let Some((first, _)) = text[target.clone()].split_once(' ').filter(|(first, _)| !leads && is_little(first)) {
        target.start += first.len() + 1;
    }
    while let Some((rest, _)) = text[target.clone()].rsplit_once(' ').filter(|(_, last)| is_little(last)) {
        target.end = target.start + rest.len();
    }
    let made = &text[target.clone()];
    let count = letters(made).len();
    // “At:” stands for “À :”.
    let fits = 0 < count && count <= french.len() + 1 && (!is_little(made) || (leads && french.len() == 1));
    let plain = !made.contains(|c: char| c.is_numeric() || ",;:()".contains(c));
    (fits && plain && draft.is_free(target.clone())).then_some(target)
}

/// French words with which a group begins that does the work of an adverb.
const PREPOSITIONS: [&str; 14] =
    ["à", "au", "aux", "de", "d", "du", "en", "dans", "par", "pour", "sans", "sous", "sur", "avec"];

/// Whether there is nothing but grammar in a stretch of text.
fn is_grammar(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).all(is_little)
}

/// Whether a word belongs to the grammar of the sentence rather than to its matter.
pub(super) fn is_little(word: &str) -> bool {
    const LITTLE: [&str; 70] = [
        "the", "a", "an", "to", "of", "in", "at", "on", "from", "by", "for", "with", "and", "or", "but", "as", "than",
        "that", "which", "who", "is", "are", "was", "were", "be", "been", "being", "has", "have", "had", "will",
        "would", "can", "could", "may", "must", "should", "do", "does", "did", "not", "no", "he", "she", "it", "they",
        "we", "you", "i", "him", "her", "them", "us", "his", "its", "their", "our", "your", "my", "this", "these",
        "those", "there", "so", "very", "more", "most", "all", "some", "into",
    ];
    LITTLE.iter().any(|little| word.eq_ignore_ascii_case(little))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_count_as_the_word() {
        for (word, base) in [
            ("admirals", "admiral"),
            ("winding", "wind"),
            ("carried", "carry"),
            ("stubbornly", "stubborn"),
            ("trapped", "trap"),
            ("glaring", "glare"),
            ("cities", "city"),
            ("easily", "easy"),
            ("boxes", "box"),
            ("mayor", "mayor"),
            ("untested", "test"),
            ("treeless", "tree"),
        ] {
            assert!(is_form(word, base), "{word}, {base}");
        }
        for (word, base) in
            [("admirers", "admiral"), ("winter", "wind"), ("stud", "studio"), ("ate", "at"), ("potholes", "pot")]
        {
            assert!(!is_form(word, base), "{word}, {base}");
        }
        assert!(
            is_there("a kick-off at six", "kick-off")
                && is_there("kick offs", "kick-off")
                && !is_there("a kick", "kick-off")
        );
    }
}
