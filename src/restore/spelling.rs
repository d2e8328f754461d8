//! One spelling in a document: a model that was trained on both writes Defense and Defence in one sentence.
//!
//! `spelling.tsv` has the British word and the American one, and `us` behind a British word whose American form has other meanings
//! too (a check is no cheque), so that it is not made British.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::draft::{Draft, Edit};
use super::text::begins_sentence;
use super::{Spelling, Style};
use crate::text::{capitalised, runs};

static AMERICAN: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| lines().map(|(uk, us, _)| (uk, us)).collect());
static BRITISH: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| lines().filter(|(.., both)| *both).map(|(uk, us, _)| (us, uk)).collect());

/// The British word, the American one, and whether that has no other meaning.
fn lines() -> impl Iterator<Item = (&'static str, &'static str, bool)> {
    include_str!("spelling.tsv").lines().filter_map(|line| {
        let mut fields = line.split('\t');
        Some((fields.next()?, fields.next()?, fields.next().is_none()))
    })
}

/// Words that stay in names: the Labour Party, the Barbican Centre.
const IN_NAMES: [&str; 10] =
    ["labour", "centre", "center", "theatre", "theater", "harbour", "harbor", "programme", "grey", "gray"];

/// Writes the words of `draft` as the style spells them.
pub fn write(draft: &mut Draft, style: &Style) {
    let table = match style.spelling {
        Spelling::Us => &AMERICAN,
        Spelling::Uk => &BRITISH,
        Spelling::Keep => return,
    };
    let text = draft.text();
    let mut edits = Vec::new();
    for range in runs(text, |_, c, _| c.is_ascii_alphabetic()) {
        let word = &text[range.clone()];
        let lower = word.to_ascii_lowercase();
        let Some(new) = table.get(lower.as_str()) else { continue };
        let capital = word.starts_with(|c: char| c.is_ascii_uppercase());
        let shouted = capital && word.len() > 1 && !word.contains(|c: char| c.is_ascii_lowercase());
        let named = capital && !shouted && !begins_sentence(&text[..range.start]) && IN_NAMES.contains(&lower.as_str());
        if named || !draft.is_free(range.clone()) {
            continue;
        }
        let new = match (shouted, capital) {
            (true, _) => new.to_ascii_uppercase(),
            (_, true) => capitalised(new),
            _ => (*new).to_owned(),
        };
        edits.push(Edit { range, new, source: None });
    }
    draft.replace_all(&edits);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Hypothesis;

    fn spelt(text: &str, spelling: Spelling) -> String {
        let hypothesis = Hypothesis { text: text.to_owned(), ..Hypothesis::default() };
        let mut draft = Draft::new(&hypothesis, |range| range);
        write(&mut draft, &Style { spelling, ..Style::default() });
        draft.text().to_owned()
    }

    #[test]
    fn a_document_is_spelt_in_one_way() {
        let mixed = "The Defense Ministry and the MINISTRY OF DEFENCE organised the Labour Party's colour programme.";
        assert_eq!(
            spelt(mixed, Spelling::Us),
            "The Defense Ministry and the MINISTRY OF DEFENSE organized the Labour Party's color program."
        );
        assert_eq!(spelt("The defense checks a color program.", Spelling::Uk), "The defence checks a colour program.");
        assert_eq!(spelt(mixed, Spelling::Keep), mixed);
        assert_eq!(
            spelt("In the Centre, a centre. Centres, promises, rises.", Spelling::Us),
            "In the Centre, a center. Centers, promises, rises."
        );
    }
}
