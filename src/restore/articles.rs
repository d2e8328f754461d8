//! “An” before a vowel and “a” before another letter, where the model or a restorer changed the word behind it.

use std::sync::LazyLock;

use regex::Regex;

use super::draft::{Draft, Edit};
use super::text::begins_sentence;

/// “A” and the word behind it, which begins with the letter of a vowel, or eight, eleven, eighteen, or is read letter by letter.
static BEFORE_VOWEL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b[Aa] ([AEIOÉaeioé][a-zé]\w*|8\d*\b|1[18]\b|(?:ECHR|HIV|HR|ICC|MRI|NSAID|STI)\b)")
        .expect("a valid pattern")
});

/// “An” and a word that begins with no vowel whoever says it.
static BEFORE_CONSONANT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b[Aa]n [bcdfgjklmnpqrstvwz][a-z]{2,}\b").expect("a valid pattern"));

/// Words that may stand behind a letter A that is no article.
const BEHIND_A_LETTER: [&str; 20] = [
    "is", "are", "and", "or", "of", "in", "on", "at", "if", "as", "it", "all", "any", "also", "am", "an", "off",
    "only", "each", "either",
];

/// Writes “an” for every “a” before a vowel, and “a” for “an” before a consonant.
pub fn agree(draft: &mut Draft) {
    let text = draft.text();
    let longer = BEFORE_VOWEL
        .captures_iter(text)
        .filter_map(|found| Some((found.get(0)?.start(), found.get(1)?)))
        .filter(|(at, word)| {
            let lower = word.as_str().to_lowercase();
            // "A European", "a one-off" begin with a consonant; a capital in the midst is a letter ("vitamin A increases").
            let sounds = ["eu", "ew", "one", "once", "oui"].iter().all(|start| !lower.starts_with(start));
            let letter = text[*at..].starts_with('A') && !begins_sentence(&text[..*at]);
            sounds && !letter && !is_joined(&text[..*at]) && !BEHIND_A_LETTER.contains(&lower.as_str())
        })
        .map(|(at, _)| Edit { range: at..at + 1, new: format!("{}n", &text[at..=at]), source: None });
    let shorter = BEFORE_CONSONANT.find_iter(text).filter(|found| !is_joined(&text[..found.start()]));
    let shorter =
        shorter.map(|found| Edit { range: found.start() + 1..found.start() + 2, new: String::new(), source: None });
    let mut edits: Vec<Edit> = longer.chain(shorter).collect();
    edits.sort_by_key(|edit| edit.range.start);
    draft.replace_all(&edits);
}

/// Whether an "a" behind `before` is a part of something longer: "l'a", "n/a", "U.S.A".
fn is_joined(before: &str) -> bool {
    before.ends_with(['\'', '’', '-', '/', '.', '@', '&'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_stands_before_a_vowel() {
        let agreed = |text: &str| {
            let mut draft = Draft::same(text);
            agree(&mut draft);
            draft.text().to_owned()
        };
        assert_eq!(agreed("A envelope and a often told tale."), "An envelope and an often told tale.");
        assert_eq!(agreed("“A icon,” he said. A atom."), "“An icon,” he said. An atom.");
        assert_eq!(
            agreed("a 8% rise, a 11-metre kick, a 80 m race, a MRI"),
            "an 8% rise, an 11-metre kick, an 80 m race, an MRI"
        );
        assert_eq!(
            agreed("An pothole, an heir, an SMS, an x-ray, an carillon"),
            "A pothole, an heir, an SMS, an x-ray, a carillon"
        );
        for text in [
            "A European, a one-off, a unit, a house, a user",
            "a 110 m race, a 1,800 m race, vitamin A increases it, and A is a letter, plan A or B, a and b",
            "He came a bit late, l'a annoncé, at 5 a.m. on",
        ] {
            assert_eq!(agreed(text), text);
        }
    }
}
