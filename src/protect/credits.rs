//! Who took a picture, and for whom: “DENIS CHARLET/AFP”, “© JOËL SAGET”. It stays as it stands.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

static CREDIT: LazyLock<Regex> = LazyLock::new(|| {
    let loud = r"\p{Lu}[\p{Lu}'’.-]+";
    let name = r"\p{Lu}[\p{L}'’.-]+";
    let initial = r"(?:\s\p{Lu}\.)?";
    let agency = "(?:AFP|AP|REUTERS|Reuters|EPA|SIPA|Sipa|MYOP|Myop|GETTY IMAGES|Getty Images|Getty|MAXPPP|MaxPPP|PANORAMIC|Panoramic|\
                  ABACA|Abaca|ABACAPRESS|HANS LUCAS|Hans Lucas|VU|MAGNUM|Magnum|BELGA|Belga|DPA|ANSA|PA|ZUMA|NurPhoto|NURPHOTO|\
                  ICON SPORT|Icon Sport|PRESSE SPORTS|Presse Sports|REA|Rea|BESTIMAGE|Bestimage|DIVERGENCE|Divergence|SPUTNIK)";
    let behind = format!(r"(?:{loud}(?:\s{loud}){{0,4}}|{name}{initial}(?:\s{name}){{1,2}})");
    let by = format!(r"{behind}\s?/\s?{agency}(?:\s?/\s?{agency})*\b");
    let own = format!(r"©\s?((?:{loud}(?:\s{loud}){{1,4}}|{name}{initial}(?:\s{name}){{1,2}})(?:\s?/\s?{agency})*)");
    let ordered = format!(r"({loud}(?:\s{loud}){{1,3}} POUR)\s?[«“]\s?(?:LE|LA|L['’]|LES|LIB|TÉL|M\s)");
    Regex::new(&format!("({by})|{own}|{ordered}")).expect("a valid pattern")
});

/// The names in the credits of `text`, in order, with the agencies behind them.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    // Most texts have none, and the pattern is slow to see it.
    if !text.contains(['/', '©']) && !text.contains("POUR") {
        return Vec::new();
    }
    let found = CREDIT.captures_iter(text);
    found.filter_map(|credit| credit.iter().skip(1).flatten().next().map(|name| name.range())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credits_stay_as_they_stand() {
        let names = |text: &'static str| find(text).into_iter().map(|range| &text[range]).collect::<Vec<_>>();
        assert_eq!(names("Photo : DENIS CHARLET/AFP"), ["DENIS CHARLET/AFP"]);
        assert_eq!(names("(CHRISTOPHE PETIT TESSON / EPA)"), ["CHRISTOPHE PETIT TESSON / EPA"]);
        assert_eq!(names("À Lyon, lundi. © Joël Saget / AFP"), ["Joël Saget / AFP"]);
        assert_eq!(names("LAURENCE GEAI POUR « LE MONDE »"), ["LAURENCE GEAI POUR"]);
        for text in ["entre 50 et/ou 60", "© 2024 Tous droits réservés", "la ligne Paris/Lyon", "UN PLAN POUR « TOUS »"]
        {
            assert_eq!(names(text), [""; 0], "{text}");
        }
    }
}
