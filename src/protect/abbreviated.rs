//! Abbreviations that a model reads better in full. Each is told by what stands beside it, so that no word is taken for one.

use std::sync::{LazyLock, OnceLock};

use regex::{Regex, RegexSet};

use super::wording::Wording;
use crate::text::capitalised;

/// The pattern, whose first group is the abbreviation, and the words for it.
const WORDS: [(&str, &str); 47] = [
    (r"[0-9]\s(pers)\.", "personnes"),
    (r"[0-9]\s(hab)\b", "habitants"),
    (r"[[0-9]½¼¾]\s(cl)\b", "centilitres"),
    (r"\b(?:1|0,[0-9]+|1/2|½)\s(l)\b", "litre"),
    (r"(?:[2-9]|[0-9][0-9]|1,[0-9]+)\s(l)\b", "litres"),
    (r"\b(env)\.\s[0-9]", "environ"),
    (r"\b([Aa]rt)\.\s[0-9]", "article"),
    (r"\b([Cc]hap)\.\s[[0-9]IVX]", "chapitre"),
    (r"\b([Vv]ol)\.\s[[0-9]IVX]", "volume"),
    (r"\b([Éé]q)\.\s?[[0-9](]", "équation"),
    (r"(?:[0-9],?|,|\b[Aa]u|\b[Dd]u|\b[Ll]e)\s([Bb](?:l?v)?d)\b\.?\s\p{Lu}", "boulevard"),
    (r"(?:[0-9]|,\s)(?:\s?bis|\s?ter)?,?\s?\b(av)\.\s\p{Lu}\p{Ll}", "avenue"),
    (r"\b[IVXL]+e\s(s)\.", "siècle"),
    (r"\b(8e?s) de finale\b", "huitièmes"),
    (r"\b(16e?s) de finale\b", "seizièmes"),
    (r"\b(24\s?h(?:eures)?\s?/\s?24)\b", "jour et nuit"),
    (r"\b(7\s?j(?:ours)?\s?/\s?7)\b", "tous les jours"),
    (r"\b([Tt]lj)\b", "tous les jours"),
    (r"(?:[€$%²]|[0-9]|kWh|\bm2)\s?(/\s?an)\b", " par an"),
    (r"(?:[€$%²]|[0-9]|kWh|\bm2)\s?(/\s?mois)\b", " par mois"),
    (r"(?:[€$%²]|[0-9]|kWh|\bm2)\s?(/\s?jour)\b", " par jour"),
    (r"[0-9]\s(tr/min)\b", "tours par minute"),
    (r"[0-9]\s(hab\./km²)", "habitants par km²"),
    (r"[0-9]\s(CHF)\b", "francs suisses"),
    (r"[0-9]\s(GBP)\b", "livres sterling"),
    (r"[0-9]\s(USD)\b", "dollars américains"),
    (r"[0-9]\s(EUR)\b", "euros"),
    (r"\b([Dd]re)\s\p{Lu}", "docteure"),
    (r"\b(Me)\s\p{Lu}[\p{Ll}.-]", "l'avocat"),
    (r"\b(Mgr)\s\p{Lu}", "monseigneur"),
    (r"\b(S\.\s?E\.\sM)\.\s", "Son Excellence monsieur"),
    (r"\b(S\.\s?M)\.\s(?:le|la)\s", "Sa Majesté"),
    (r"\b(lun)\.", "lundi"),
    (r"\b(mar)\.\s[0-9]", "mardi"),
    (r"\b(mer)\.\s[0-9]", "mercredi"),
    (r"\b(jeu)\.\s[0-9]", "jeudi"),
    (r"\b(ven)\.\s?[[0-9],]", "vendredi"),
    (r"\b(sam)\.\s[0-9]", "samedi"),
    (r"\b(dim)\.\s[0-9]", "dimanche"),
    (r"\b([Ll]un)\.\s?[-–]", "lundi"),
    (r"[-–]\s?(ven)\.", "vendredi"),
    (r"\b([Tt]él)\.?\s?:", "téléphone"),
    (r"(?:\b[Ll]e|\b[Dd]u|\b[Aa]u|,)\s(Pr)\b\.?\s\p{Lu}", "professeur"),
    (r"\b(svp)\b", "s'il vous plaît"),
    (r"\b(stp)\b", "s'il te plaît"),
    (r"\b(bcp)\b", "beaucoup"),
    (r"\b([Rr]dv)\b", "rendez-vous"),
];

/// "Quelques semaines seulement après", "au lendemain".
macro_rules! some_time {
    () => {
        r" (?:(?:à peine |moins d['’]|près d['’]|plus d['’])?(?:quelques|une?|deux|trois|quatre|cinq|six|dix|[0-9]+) (?:heures?|jours?|semaines?|mois|ans?|années) (?:seulement |à peine )?(?:après|avant|plus tard)|au lendemain|alors que|dans un contexte)\b"
    };
}

/// What a model writes, with what is right in its place.
type Instead = &'static [(&'static str, &'static str)];

/// Abbreviations and words that a model takes better for something else, which its English is then mended for: the pattern, the words
/// shown, and what the model writes for them with what is right.
const OTHERS: [(&str, &str, Instead); 10] = [
    // What comes some days after something takes place and does not intervene.
    (TAKING_PLACE[0], "a lieu", &[]),
    (TAKING_PLACE[1], "ont lieu", &[]),
    (TAKING_PLACE[2], "avait lieu", &[]),
    (TAKING_PLACE[3], "avaient lieu", &[]),
    (SPOON_OF_SOUP[0], "tasse", &[("cup", "tablespoon"), ("cups", "tablespoon")]),
    (SPOON_OF_SOUP[1], "tasses", &[("cups", "tablespoons"), ("cup", "tablespoon")]),
    (SPOON_OF_COFFEE[0], "tasse", &[("cup", "teaspoon"), ("cups", "teaspoon")]),
    (SPOON_OF_COFFEE[1], "tasses", &[("cups", "teaspoons"), ("cup", "teaspoon")]),
    (r"\b(apr?\.\sJ\.\s?-?C|après Jésus[- ]Christ)", "après Jésus-Christ", &AFTER),
    (r"\b(av\.\sJ\.\s?-?C|avant Jésus[- ]Christ)", "avant Jésus-Christ", &BEFORE),
];

const TAKING_PLACE: [&str; 4] = [
    concat!(r"\b(intervient)", some_time!()),
    concat!(r"\b(interviennent)", some_time!()),
    concat!(r"\b(intervenait)", some_time!()),
    concat!(r"\b(intervenaient)", some_time!()),
];

/// One, and more.
const SPOON_OF_SOUP: [&str; 2] = [
    r"(?i)\b(?:1|1/2|1/4|une|la)\s((?:c|cuill?)\.?\s?à\s?(?:s\b\.?|soupe)|cuillère à soupe|cuillerée à soupe)",
    r"(?i)\b((?:c|cuill?)\.?\s?à\s?(?:s\b\.?|soupe)|cuillères à soupe|cuillerées à soupe)",
];
const SPOON_OF_COFFEE: [&str; 2] = [
    r"(?i)\b(?:1|1/2|1/4|une|la)\s((?:c|cuill?)\.?\s?à\s?(?:c\b\.?|café)|cuillère à café|cuillerée à café)",
    r"(?i)\b((?:c|cuill?)\.?\s?à\s?(?:c\b\.?|café)|cuillères à café|cuillerées à café)",
];
const AFTER: [(&str, &str); 4] =
    [("after Jesus-Christ", "AD"), ("after Jesus Christ", "AD"), ("after Christ", "AD"), ("ad", "AD")];
const BEFORE: [(&str, &str); 4] =
    [("before Jesus-Christ", "BC"), ("before Jesus Christ", "BC"), ("before Christ", "BC"), ("bc", "BC")];

/// Those that French writes with a capital wherever they stand.
const TITLES: [&str; 4] = ["professeur", "l'avocat", "monseigneur", "docteure"];

/// How months are shortened, and the months.
const MONTHS: [(&str, &str); 8] = [
    ("[Jj]anv", "janvier"),
    ("[Ff]évr?", "février"),
    ("[Aa]vr", "avril"),
    ("[Jj]uill?", "juillet"),
    ("[Ss]ept", "septembre"),
    ("[Oo]ct", "octobre"),
    ("[Nn]ov", "novembre"),
    ("[Dd]éc", "décembre"),
];

/// Months behind the day of an event that is called by its date: "le 7-Octobre".
const OF_DAYS: [(&str, &str); 12] = [
    ("Janvier", " janvier"),
    ("Février", " février"),
    ("Mars", " mars"),
    ("Avril", " avril"),
    ("Mai", " mai"),
    ("Juin", " juin"),
    ("Juillet", " juillet"),
    ("Août", " août"),
    ("Septembre", " septembre"),
    ("Octobre", " octobre"),
    ("Novembre", " novembre"),
    ("Décembre", " décembre"),
];

/// An abbreviation: what it looks like, the words for it, and what of their English is to be another word.
struct Entry {
    pattern: String,
    /// The pattern by itself, from when it is first needed: few of them are.
    regex: OnceLock<Regex>,
    words: &'static str,
    instead: Instead,
}

impl Entry {
    fn regex(&self) -> &Regex {
        self.regex.get_or_init(|| Regex::new(&self.pattern).expect("a valid pattern"))
    }
}

/// All of the patterns at once, which most sentences do not match, and each of them.
static PATTERNS: LazyLock<(RegexSet, Vec<Entry>)> = LazyLock::new(|| {
    let month =
        |(month, words)| (format!(r"\b(?:[0-9]{{1,2}}|1er)\s({month})\.|\b({month})\.\s(?:[0-9]{{4}}\b|[-–—])"), words);
    let others = OTHERS.iter().map(|&(pattern, words, instead)| (pattern.to_owned(), words, instead));
    let named = OF_DAYS.map(|(month, words)| (format!(r"\b(?:[0-9]{{1,2}}|1er)(-{month})\b"), words));
    let usual =
        MONTHS.map(month).into_iter().chain(named).chain(WORDS.map(|(pattern, words)| (pattern.to_owned(), words)));
    let all = others.chain(usual.map(|(pattern, words)| (pattern, words, &[][..])));
    let entry = |(pattern, words, instead)| Entry { pattern, regex: OnceLock::new(), words, instead };
    let all: Vec<Entry> = all.map(entry).collect();
    (RegexSet::new(all.iter().map(|entry| &entry.pattern)).expect("valid patterns"), all)
});

/// The abbreviations of `text`, with their full stops where the sentence goes on, and the words to show for them.
pub fn find(text: &str) -> Vec<Wording> {
    let mut found = Vec::new();
    let (set, each) = &*PATTERNS;
    for entry in set.matches(text).into_iter().map(|i| &each[i]) {
        let Entry { words: full, instead, .. } = entry;
        for m in entry.regex().captures_iter(text).filter_map(|c| c.iter().skip(1).flatten().next()) {
            let title = TITLES.contains(full);
            let capital = m.as_str().starts_with(char::is_uppercase) && (!title || m.start() == 0);
            let full = if capital { capitalised(full) } else { (*full).to_owned() };
            let range = m.start()..m.end() + usize::from(stops_nothing(&text[m.end()..]));
            let instead = instead.iter().map(|(theirs, ours)| ((*theirs).to_owned(), (*ours).to_owned())).collect();
            found.push(Wording { range, shown: full, instead });
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
        found.sort_by_key(|wording| std::cmp::Reverse(wording.range.start));
        found.dedup_by_key(|wording| wording.range.start);
        found.into_iter().for_each(|wording| out.replace_range(wording.range, &wording.shown));
        out
    }

    #[test]
    fn they_are_written_in_full() {
        assert_eq!(
            shown("née le 29 févr. 1952, morte le 1er déc. 2001"),
            "née le 29 février 1952, morte le 1er décembre 2001"
        );
        assert_eq!(shown("Recette pour 4 pers."), "Recette pour 4 personnes.");
        assert_eq!(shown("Févr. 2020 - sept. 2021"), "Février 2020 - septembre 2021");
        assert_eq!(shown("au XIIe s., le 12 mars"), "au XIIe siècle, le 12 mars");
        assert_eq!(shown("Selon Me Blanc, lun. et mar. 5"), "Selon l'avocat Blanc, lundi et mardi 5");
        assert_eq!(shown("depuis le 7-Octobre et le 8-Mai"), "depuis le 7 octobre et le 8 mai");
        assert_eq!(shown("Voir chap. 3, art. 12 et vol. IV"), "Voir chapitre 3, article 12 et volume IV");
        assert_eq!(shown("au 12 bis, av. Foch et 3, bd Voltaire"), "au 12 bis, avenue Foch et 3, boulevard Voltaire");
        assert_eq!(shown("En 79 ap. J.-C., elle brûla."), "En 79 après Jésus-Christ, elle brûla.");
        assert_eq!(shown("La visite intervient six mois à peine après"), "La visite a lieu six mois à peine après");
        assert_eq!(shown("Il intervient six mois"), "Il intervient six mois");
        assert_eq!(shown("Tél. : 12 ; le Pr Blanc, svp"), "Téléphone : 12 ; le professeur Blanc, s'il vous plaît");
    }

    #[test]
    fn measures_that_models_misread_stand_for_others() {
        assert_eq!(shown("1 c. à s. de sucre, 2 cuillères à café de sel"), "1 tasse de sucre, 2 tasses de sel");
        assert!(find("2 c. à soupe d'huile")[0].instead.contains(&("cups".to_owned(), "tablespoons".to_owned())));
    }

    #[test]
    fn words_are_no_abbreviations() {
        for text in [
            "Il a vu le vol. Douze hommes l'ont fait.",
            "Elle me Plaît. Me voici.",
            "Ils étaient sept. Le chat dort.",
            "C'est de l'art. Oui.",
            "Il lit la BD Tintin et une bd Astérix.",
            "Il joue à la c. D'accord.",
        ] {
            assert_eq!(shown(text), text);
        }
    }
}
