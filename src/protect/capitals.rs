//! Capitals that shout: what is written in capitals only because the line is.

use std::ops::Range;

use super::numbers::overlaps_any;
use crate::engine::Engine;

/// Which words of a segment are in capitals only for effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capitals {
    /// Every word is: the translation is written in capitals throughout.
    pub whole: bool,
    /// Runs of such words, in order.
    pub runs: Vec<Run>,
}

/// A run of words in capitals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub range: Range<usize>,
    /// The words to write small, each with whether its first letter stays a capital.
    pub words: Vec<(Range<usize>, bool)>,
}

/// Abbreviations with vowels that French headlines are full of. Those without a vowel need no list.
const ACRONYMS: [&str; 73] = [
    "ONU", "OTAN", "UE", "USA", "UNESCO", "UNICEF", "INSEE", "EDF", "RATP", "OM", "OL", "IA", "API", "URL", "ADN",
    "ARN", "IRM", "TVA", "INRAE", "INSERM", "CEA", "ENA", "OMS", "OMC", "AFP", "CIA", "NASA", "RSA", "SIDA", "URSS",
    "FIFA", "UEFA", "CAC", "PIB", "ONG", "OGM", "USB", "IBM", "BCE", "OPEP", "RER", "TER", "EHPAD", "HLM", "FMI",
    "OCDE", "ASSE", "PME", "SA", "EU", "UK", "DOM", "SAS", "SASU", "SARL", "EURL", "SCOP", "SCI", "GIE", "SIREN",
    "SIRET", "CDI", "CPAM", "URSSAF", "CNIL", "IBAN", "BIC", "RIB", "CAF", "ESN", "UMP", "ANSSI", "ADEME",
];

/// Short words that are no abbreviations although few letters make them look like it.
const SHORT_WORDS: [&str; 16] = [
    "OUI", "NON", "VIE", "MER", "ÉTÉ", "AMI", "EAU", "FIN", "JEU", "LOI", "MOT", "PRIX", "MENU", "AIDE", "PAYS", "ART",
];

struct Word {
    range: Range<usize>,
    shape: Shape,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Two letters or more, all capitals, not an abbreviation.
    Shouted,
    /// An abbreviation, a lone capital: fits in either company.
    Neutral,
    Other,
}

/// Looks for capitals in `text` outside `taken` (sorted ranges). `engine` knows names better with their capital than without.
pub fn find(text: &str, taken: &[Range<usize>], engine: &dyn Engine) -> Capitals {
    // A sentence without two capitals side by side shouts nothing.
    let mut pairs = text.chars().zip(text.chars().skip(1));
    if !pairs.any(|(a, b)| a.is_uppercase() && (b.is_uppercase() || b == '\'' || b == '’')) {
        return Capitals::default();
    }
    let words: Vec<Word> = words(text).into_iter().filter(|w| !overlaps_any(taken, &w.range)).collect();
    let shouted = words.iter().filter(|w| w.shape == Shape::Shouted).count();
    let whole = shouted > 0
        && words.iter().all(|w| w.shape != Shape::Other)
        && (shouted > 1 || words.iter().any(|w| w.shape == Shape::Shouted && is_word(&text[w.range.clone()])));
    let mut runs = Vec::new();
    for group in words.split(|w| w.shape == Shape::Other) {
        let loud: Vec<&Word> = group.iter().filter(|w| w.shape == Shape::Shouted).collect();
        let (Some(first), Some(last)) = (loud.first(), loud.last()) else { continue };
        let enough = whole || loud.len() > 1 || loud.iter().any(|w| is_plain_shout(&text[w.range.clone()]));
        if !enough {
            continue;
        }
        let (mut start, mut end) = (first.range.start, last.range.end);
        if whole {
            start = group.first().map_or(start, |w| w.range.start.min(start));
            end = group.last().map_or(end, |w| w.range.end.max(end));
        }
        let opens = words.first().is_some_and(|w| w.range.start == first.range.start);
        let small = group.iter().filter(|w| w.range.start >= start && w.range.end <= end).filter_map(|w| {
            let word = &text[w.range.clone()];
            let lone_letter = w.shape == Shape::Neutral && is_lone_word(word);
            // Two or three words inside a sentence may be a name: they keep their first capitals.
            let title = !whole && loud.len() <= 3 && word.chars().count() > 3;
            let first = w.range.start == words[0].range.start && (whole || opens);
            (w.shape == Shape::Shouted || lone_letter)
                .then(|| (w.range.clone(), first || title || is_name(word, engine)))
        });
        runs.push(Run { range: start..end, words: small.collect() });
    }
    Capitals { whole, runs }
}

/// Words and their shapes; an apostrophe parts them.
fn words(text: &str) -> Vec<Word> {
    let mut out = Vec::new();
    let mut start = None;
    let letter = |c: char| c.is_alphabetic() || unicode_normalization::char::is_combining_mark(c);
    let mut push = |range: Range<usize>| {
        let shape = shape(&text[range.clone()]);
        out.push(Word { range, shape });
    };
    for (i, c) in text.char_indices() {
        match (letter(c), start) {
            (true, None) => start = Some(i),
            (false, Some(s)) => {
                push(s..i);
                start = None;
            }
            _ => {}
        }
    }
    if let Some(s) = start {
        push(s..text.len());
    }
    out
}

fn shape(word: &str) -> Shape {
    let letters = || word.chars().filter(|c| c.is_alphabetic());
    if letters().any(|c| !c.is_uppercase()) {
        return Shape::Other;
    }
    if letters().count() < 2 || is_acronym(word) { Shape::Neutral } else { Shape::Shouted }
}

/// No vowel, or a well-known abbreviation.
pub(super) fn is_acronym(word: &str) -> bool {
    let vowel = |c: char| "AEIOUYÀÂÉÈÊËÎÏÔÙÛÜŒ".contains(c) || !c.is_ascii();
    !word.chars().any(vowel) || ACRONYMS.contains(&word)
}

/// Whether a lone word in capitals is a word: long, with an accent, or a known short one.
fn is_word(word: &str) -> bool {
    word.chars().count() > 5 || !word.is_ascii() || SHORT_WORDS.contains(&word)
}

/// Whether one word in capitals in the midst of others is shouted, not an abbreviation.
fn is_plain_shout(word: &str) -> bool {
    word.chars().count() > 7 || matches!(word, "NON" | "OUI" | "JAMAIS" | "TOUS" | "TOUT" | "TRÈS" | "PAS")
}

/// Whether the model writes a word with fewer tokens if it has a capital: PARIS is the town, not the bets.
fn is_name(word: &str, engine: &dyn Engine) -> bool {
    word.chars().count() > 2 && engine.count_tokens(&small(word, true)) < engine.count_tokens(&small(word, false))
}

/// `word` in small letters, but for its first one if that is to stay.
fn small(word: &str, first: bool) -> String {
    let head = word.chars().next().filter(|_| first).map_or(0, char::len_utf8);
    word[..head].to_owned() + &word[head..].to_lowercase()
}

/// À, A, Y and the elided L', D', C', J', M', N', S', T'.
fn is_lone_word(word: &str) -> bool {
    matches!(word, "À" | "A" | "Y" | "Ô" | "L" | "D" | "C" | "J" | "M" | "N" | "S" | "T")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Hypothesis, Identity, Options, Progress};
    use crate::error::Result;

    /// Knows two towns, and has one token for a letter of everything else.
    struct Towns;

    impl Engine for Towns {
        fn translate(
            &self,
            sources: &[String],
            options: &Options,
            progress: &dyn Progress,
        ) -> Vec<Result<Vec<Hypothesis>>> {
            Identity.translate(sources, options, progress)
        }
        fn count_tokens(&self, text: &str) -> usize {
            if ["Paris", "Évry"].contains(&text) { 1 } else { text.chars().count() }
        }
    }

    fn lowered(text: &str) -> (bool, String) {
        let found = find(text, &[], &Towns);
        let mut out = text.to_owned();
        for (range, first) in found.runs.iter().flat_map(|r| &r.words).rev() {
            out.replace_range(range.clone(), &small(&text[range.clone()], *first));
        }
        (found.whole, out)
    }

    #[test]
    fn all_caps_lines_are_true_cased() {
        assert_eq!(
            lowered("LE MINISTRE A ANNONCÉ L'ARRIVÉE DU TGV."),
            (true, "Le ministre a annoncé l'arrivée du TGV.".into())
        );
        assert_eq!(
            lowered("« NOUS NE RECULERONS PAS », A-T-IL DÉCLARÉ."),
            (true, "« Nous ne reculerons pas », a-t-il déclaré.".into())
        );
        assert_eq!(lowered("INTRODUCTION"), (true, "Introduction".into()));
        assert_eq!(lowered("LES TRAINS DE PARIS À ÉVRY"), (true, "Les trains de Paris à Évry".into()));
    }

    #[test]
    fn abbreviations_are_not_shouted() {
        for text in ["SNCF", "L'ONU et la SNCF", "Le groupe BNP PARIBAS", "M. Dupont", "Le PIB de l'UE", "Jean DUPONT"]
        {
            assert_eq!(lowered(text), (false, text.to_owned()));
        }
    }

    #[test]
    fn a_shouted_run_in_a_sentence() {
        assert_eq!(lowered("ATTENTION : le chien mord."), (false, "Attention : le chien mord.".into()));
        assert_eq!(lowered("Le film d'ALAIN DELON sort."), (false, "Le film d'Alain Delon sort.".into()));
    }
}
