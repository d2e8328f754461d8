//! Abbreviations that a model reads better in full. Each is told by what stands beside it, so that no word is taken for one.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use crate::text::capitalised;

/// The pattern, whose first group is the abbreviation, and the words for it.
const WORDS: [(&str, &str); 26] = [
    (r"\b(?:\d{1,2}|1er)\s(janv)\.", "janvier"),
    (r"\b(?:\d{1,2}|1er)\s(févr?)\.", "février"),
    (r"\b(?:\d{1,2}|1er)\s(avr)\.", "avril"),
    (r"\b(?:\d{1,2}|1er)\s(juill?)\.", "juillet"),
    (r"\b(?:\d{1,2}|1er)\s(sept)\.", "septembre"),
    (r"\b(?:\d{1,2}|1er)\s(oct)\.", "octobre"),
    (r"\b(?:\d{1,2}|1er)\s(nov)\.", "novembre"),
    (r"\b(?:\d{1,2}|1er)\s(déc)\.", "décembre"),
    (r"\d\s(pers)\.", "personnes"),
    (r"\d\s(hab)\b", "habitants"),
    (r"\b(c\.\s?à\s?s)\b", "cuillères à soupe"),
    (r"\b(c\.\s?à\s?c)\b", "cuillères à café"),
    (r"\b(env)\.\s\d", "environ"),
    (r"\b([Aa]rt)\.\s\d", "article"),
    (r"\b([Cc]hap)\.\s[\dIVX]", "chapitre"),
    (r"\b([Vv]ol)\.\s[\dIVX]", "volume"),
    (r"\b([Éé]q)\.\s?[\d(]", "équation"),
    (r"(?:\d,?|,|\b[Aa]u|\b[Dd]u|\b[Ll]e)\s([Bb](?:l?v)?d)\b\.?\s\p{Lu}", "boulevard"),
    (r"(?:\d|,\s)(?:\s?bis|\s?ter)?,?\s?\b(av)\.\s\p{Lu}\p{Ll}", "avenue"),
    (r"\b(ap\.\sJ\.\s?-?C)\.", "après Jésus-Christ"),
    (r"\b([Tt]él)\.?\s?:", "téléphone"),
    (r"(?:\b[Ll]e|\b[Dd]u|\b[Aa]u|,)\s(Pr)\b\.?\s\p{Lu}", "professeur"),
    (r"\b(svp)\b", "s'il vous plaît"),
    (r"\b(stp)\b", "s'il te plaît"),
    (r"\b(bcp)\b", "beaucoup"),
    (r"\b([Rr]dv)\b", "rendez-vous"),
];

/// All of the patterns at once, which most sentences do not match, and each of them.
static PATTERNS: LazyLock<(RegexSet, Vec<Regex>)> = LazyLock::new(|| {
    let patterns = WORDS.map(|(pattern, _)| pattern);
    let each = patterns.iter().map(|pattern| Regex::new(pattern).expect("a valid pattern")).collect();
    (RegexSet::new(patterns).expect("valid patterns"), each)
});

/// The abbreviations of `text`, with their full stops where the sentence goes on, and the words to show for them.
pub fn find(text: &str) -> Vec<(Range<usize>, String)> {
    let mut found = Vec::new();
    let (set, each) = &*PATTERNS;
    for i in set.matches(text) {
        let full = WORDS[i].1;
        for m in each[i].captures_iter(text).filter_map(|c| c.get(1)) {
            let capital = m.as_str().starts_with(char::is_uppercase) && full != "professeur";
            let full = if capital { capitalised(full) } else { full.to_owned() };
            found.push((m.start()..m.end() + usize::from(stops_nothing(&text[m.end()..])), full));
        }
    }
    found
}

/// Whether the full stop that `rest` begins with belongs to the abbreviation alone: the sentence goes on behind it.
fn stops_nothing(rest: &str) -> bool {
    let Some(rest) = rest.strip_prefix('.') else { return false };
    let next = rest.trim_start();
    !next.is_empty() && !next.starts_with(['»', '”', '"'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut out = text.to_owned();
        let mut found = find(text);
        found.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        found.into_iter().for_each(|(range, full)| out.replace_range(range, &full));
        out
    }

    #[test]
    fn they_are_written_in_full() {
        assert_eq!(
            shown("née le 29 févr. 1952, morte le 1er déc. 2001"),
            "née le 29 février 1952, morte le 1er décembre 2001"
        );
        assert_eq!(shown("Recette pour 4 pers."), "Recette pour 4 personnes.");
        assert_eq!(shown("1 c. à s. de sucre"), "1 cuillères à soupe de sucre");
        assert_eq!(shown("Voir chap. 3, art. 12 et vol. IV"), "Voir chapitre 3, article 12 et volume IV");
        assert_eq!(shown("au 12 bis, av. Foch et 3, bd Voltaire"), "au 12 bis, avenue Foch et 3, boulevard Voltaire");
        assert_eq!(shown("En 79 ap. J.-C., elle brûla."), "En 79 après Jésus-Christ, elle brûla.");
        assert_eq!(shown("Tél. : 12 ; le Pr Blanc, svp"), "Téléphone : 12 ; le professeur Blanc, s'il vous plaît");
    }

    #[test]
    fn words_are_no_abbreviations() {
        for text in [
            "Il a vu le vol. Douze hommes l'ont fait.",
            "en 50 av. J.-C.",
            "Ils étaient sept. Le chat dort.",
            "C'est de l'art. Oui.",
            "Il lit la BD Tintin et une bd Astérix.",
            "Il joue à la c. D'accord.",
        ] {
            assert_eq!(shown(text), text);
        }
    }
}
