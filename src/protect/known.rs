//! Names that a model may take for ordinary words, and how English has them: newspapers, parties, institutions, places, works.
//!
//! `known.tsv` lists them, a name a line: the French name in exactly these letters; the English one, if it is another; `bare` where
//! English puts no article before it. Of a line with brackets (`au [Figaro]`) what stands in them is the name, and the rest tells it
//! from other words. Streets are known by their first word.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::Regex;

/// A name in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// The English name.
    pub english: String,
    /// Whether English puts no article before it.
    pub bare: bool,
}

/// A line of the list.
struct Entry {
    /// Bytes of the line's first field, without brackets, that are the name.
    name: Range<usize>,
    english: &'static str,
    bare: bool,
}

static ENTRIES: LazyLock<(AhoCorasick, Vec<Entry>)> = LazyLock::new(|| {
    let mut patterns = Vec::new();
    let mut entries = Vec::new();
    for line in include_str!("known.tsv").lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split('\t');
        let (french, english, bare) = (fields.next().unwrap_or_default(), fields.next(), fields.next());
        for apostrophe in ["'", "’"] {
            if apostrophe == "’" && !french.contains('\'') {
                continue;
            }
            let french = french.replace('\'', apostrophe);
            let pattern = french.replace(['[', ']'], "");
            let name = match (french.find('['), french.find(']')) {
                (Some(start), Some(end)) => start..end - 1,
                _ => 0..pattern.len(),
            };
            entries.push(Entry { name, english: english.unwrap_or_default(), bare: bare == Some("bare") });
            patterns.push(pattern);
        }
    }
    let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&patterns);
    (automaton.expect("a few thousand short names"), entries)
});

/// Streets of the French-speaking world, which English leaves as they are. With “une” it is any street of a town.
static STREET: LazyLock<Regex> = LazyLock::new(|| {
    let word = r"\p{Lu}[\p{L}'’]*(?:-[\p{L}'’]+)*";
    let street = format!(
        r"(?:\b(?P<any>[Uu]ne|[Cc]ette|[Cc]haque|[Tt]oute|[Aa]ucune)\s(?:\p{{L}}+\s)?)?\b(?P<name>(?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Qq]uai)\s(?:de\sla\s|de\sl['’]|du\s|des\s|de\s|d['’])?{word}(?:\s{word}){{0,2}})"
    );
    Regex::new(&street).expect("a valid pattern")
});

/// The names of `text` in order, never overlapping.
pub fn find(text: &str) -> Vec<Known> {
    let (automaton, entries) = &*ENTRIES;
    let mut found = Vec::new();
    for m in automaton.find_iter(text) {
        if !is_apart(text, &m.range()) {
            continue;
        }
        let Some(entry) = entries.get(m.pattern().as_usize()) else { continue };
        let range = m.start() + entry.name.start..m.start() + entry.name.end;
        let english = if entry.english.is_empty() { &text[range.clone()] } else { entry.english };
        found.push(Known { english: english.to_owned(), range, bare: entry.bare });
    }
    for street in STREET.captures_iter(text).filter(|street| street.name("any").is_none()) {
        let Some(name) = street.name("name") else { continue };
        if !super::numbers::overlaps_any(&found.iter().map(|k| k.range.clone()).collect::<Vec<_>>(), &name.range()) {
            found.push(Known { range: name.range(), english: name.as_str().to_owned(), bare: true });
        }
    }
    found.sort_by_key(|known| known.range.start);
    found
}

/// Whether a name found at `range` is no part of a longer word, or of one with hyphens.
fn is_apart(text: &str, range: &Range<usize>) -> bool {
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    let before = &text[..range.start];
    let after = &text[range.end..];
    let joined = |rest: Option<&str>, next: fn(&str) -> bool| rest.is_some_and(next);
    !before.ends_with(letter)
        && !after.starts_with(letter)
        && !joined(before.strip_suffix('-'), |rest| rest.ends_with(char::is_alphanumeric))
        && !joined(after.strip_prefix('-'), |rest| rest.starts_with(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(&str, String)> {
        find(text).into_iter().map(|known| (&text[known.range], known.english)).collect()
    }

    #[test]
    fn the_list_is_well_formed() {
        for line in include_str!("known.tsv").lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            let french = fields[0];
            assert!((1..=3).contains(&fields.len()) && fields.iter().all(|f| f.trim() == *f), "{line}");
            assert!(fields.len() < 3 || fields[2] == "bare", "{line}");
            let brackets = french.matches('[').count();
            assert!(brackets < 2 && brackets == french.matches(']').count(), "{line}");
            let plain = french.replace(['[', ']'], "");
            let name = french.split(['[', ']']).nth(brackets).unwrap_or_default();
            let english = fields.get(1).filter(|e| !e.is_empty()).copied().unwrap_or(name);
            assert!(find(&plain).iter().any(|known| known.english == english), "{line}");
        }
    }

    #[test]
    fn a_name_is_told_by_its_capitals_and_what_stands_beside_it() {
        assert_eq!(names("Le Canard enchaîné le dit."), [("Le Canard enchaîné", "Le Canard enchaîné".to_owned())]);
        assert_eq!(names("dit-il au Figaro"), [("Figaro", "Le Figaro".to_owned())]);
        assert!(names("le canard enchaîné, le Rassemblement nationaliste").is_empty());
        assert!(names("la Croix-Rougeaud").is_empty());
    }

    #[test]
    fn streets_stay_as_they_are() {
        let streets = |text| names(text).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(streets("au 12, rue de la Paix, à Paris"), ["rue de la Paix"]);
        assert_eq!(streets("l'avenue du Général-de-Gaulle Il"), ["avenue du Général-de-Gaulle Il"]);
        assert_eq!(streets("rue d'Alésia et boulevard Victor Hugo"), ["rue d'Alésia", "boulevard Victor Hugo"]);
        assert!(
            streets("dans une rue de Paris, cette petite rue de Lyon, les rues de Rome, la rue déserte").is_empty()
        );
    }
}
