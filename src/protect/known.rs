//! Names that a model may take for ordinary words, and how English has them: newspapers, parties, institutions, places, works.
//!
//! `known.tsv` lists them, a name a line: the French name in exactly these letters; the English one, if it is another; `bare` where
//! English puts no article before it. Of a line with brackets (`au [Figaro]`) what stands in them is the name, and the rest tells it
//! from other words; so does a space before them, with which no sentence begins, and a quotation mark, which stands for any. Names in
//! capitals that begin with an article are known where they stand alone. Streets are known by their first word.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::text::runs;

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
    before: &'static str,
    name: &'static str,
    after: &'static str,
    english: &'static str,
    bare: bool,
    /// Whether a space stands before it.
    inside: bool,
}

/// The list by the first word of each line.
static ENTRIES: LazyLock<HashMap<&str, Vec<Entry>>> = LazyLock::new(|| {
    let mut entries: HashMap<&str, Vec<Entry>> = HashMap::new();
    for line in include_str!("known.tsv").lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split('\t');
        let (french, english, bare) = (fields.next().unwrap_or_default(), fields.next(), fields.next());
        let inside = french.starts_with(' ');
        let (before, name) = french.trim_start().split_once('[').unwrap_or(("", french));
        let (name, after) = name.split_once(']').unwrap_or((name, ""));
        let english = english.filter(|english| !english.is_empty()).unwrap_or(name);
        let entry = Entry { before, name, after, english, bare: bare == Some("bare"), inside };
        let first = if before.contains(char::is_alphanumeric) { before } else { name };
        entries.entry(first_word(first)).or_default().push(entry);
    }
    entries
});

impl Entry {
    /// Le Point, L'Équipe.
    fn is_article_and_word(&self) -> bool {
        let articles = ["Le ", "La ", "Les ", "L'", "LE ", "LA ", "LES "];
        let word = articles.iter().find_map(|article| self.name.strip_prefix(article));
        word.is_some_and(|word| word.chars().all(char::is_alphanumeric))
    }

    /// Where the name is, and where the line ends, if it stands at `start` of `text`.
    fn at(&self, text: &str, start: usize) -> Option<(Range<usize>, usize)> {
        // What has no letters stands before the word by which the entry was found.
        let signs = !self.before.is_empty() && !self.before.contains(char::is_alphanumeric);
        let marked = || text[..start].trim_end().ends_with(OPENING);
        let name = if signs { marked().then_some(start)? } else { start + begins_with(&text[start..], self.before)? };
        let after = name + begins_with(&text[name..], self.name)?;
        let end = after + begins_with(&text[after..], self.after)?;
        let fits = !self.inside || text[..start].ends_with(' ');
        // "Le Point" is a paper, "Le Point de vente" none.
        let goes_on =
            self.is_article_and_word() && ["de ", "du ", "des ", "d'", "d’"].iter().any(|of| more(text, end, of));
        let alone =
            self.name.contains(char::is_lowercase) || !self.is_article_and_word() || is_alone(text, &(start..end));
        (fits && !goes_on && alone && is_apart(text, &(start..end))).then_some((name..after, end))
    }
}

/// Whether `word` stands behind a space at `end`.
fn more(text: &str, end: usize, word: &str) -> bool {
    text[end..].strip_prefix(' ').is_some_and(|rest| rest.starts_with(word))
}

/// Marks that open a quotation.
const OPENING: [char; 3] = ['«', '“', '"'];

/// The length of `start` in `text`, if it begins so; either apostrophe will do, any space, and any mark that opens a quotation with the
/// space behind it.
fn begins_with(text: &str, start: &str) -> Option<usize> {
    let mut rest = text;
    for c in start.chars() {
        let mut chars = rest.chars();
        let t = chars.next()?;
        let same = match c {
            '\'' => matches!(t, '\'' | '’'),
            ' ' => matches!(t, ' ' | '\u{a0}' | '\u{202f}'),
            '«' => OPENING.contains(&t),
            _ => t == c,
        };
        rest = if c == '«' { chars.as_str().trim_start() } else { chars.as_str() };
        if !same {
            return None;
        }
    }
    Some(text.len() - rest.len())
}

/// Whether a name in capitals is a text of its own, stands in quotation marks or is the author of a report: “LE MONDE AVEC AFP”.
fn is_alone(text: &str, range: &Range<usize>) -> bool {
    let (before, after) = (text[..range.start].trim_end(), text[range.end..].trim_start());
    let opens = !before.contains(char::is_alphanumeric) || before.ends_with(OPENING) || before.ends_with('(');
    let reports = after.to_lowercase().starts_with("avec ") || after.starts_with('/');
    opens && (reports || !after.contains(char::is_alphanumeric) || after.starts_with(['»', '”', '"', ')']))
}

fn first_word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()
}

/// Streets of the French-speaking world, which English leaves as they are: those named with a preposition or with a hyphen, as the
/// others may be anywhere (“rue Tverskaïa”).
static STREET: LazyLock<Regex> = LazyLock::new(|| {
    let word = r"\p{Lu}[\p{L}'’]*";
    let preposition = r"(?:de\sla\s|de\sl['’]|du\s|des\s|de\s|d['’])";
    let hyphens = r"(?:-[\p{L}'’]+)";
    let first = format!("(?:{preposition}{word}{hyphens}*|{word}{hyphens}+)");
    let street = format!(r"\b(?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Qq]uai)\s{first}(?:\s{word}{hyphens}*){{0,2}}");
    Regex::new(&street).expect("a valid pattern")
});

/// The names of `text` in order, never overlapping.
pub fn find(text: &str) -> Vec<Known> {
    let mut found: Vec<Known> = Vec::new();
    let mut end = 0;
    for word in runs(text, |_, c, _| c.is_alphanumeric()) {
        let Some(entries) = ENTRIES.get(&text[word.clone()]).filter(|_| word.start >= end) else { continue };
        let here = entries.iter().filter_map(|entry| Some((entry, entry.at(text, word.start)?)));
        let Some((entry, (range, stop))) = here.max_by_key(|(_, (_, stop))| *stop) else { continue };
        let kept = entry.english == entry.name;
        let english = if kept { &text[range.clone()] } else { entry.english };
        found.push(Known { english: english.to_owned(), range, bare: entry.bare });
        end = stop;
    }
    for street in STREET.find_iter(text).map(|m| m.range()).filter(|street| !is_any(&text[..street.start])) {
        let meets = |known: &Known| known.range.start < street.end && street.start < known.range.end;
        // "rue du Palais-Royal" is one name, and so is "36, quai des Orfèvres".
        if found.iter().all(|known| !meets(known) || known.range.len() < street.len()) {
            found.retain(|known| !meets(known));
            found.push(Known { english: text[street.clone()].to_owned(), range: street, bare: false });
        }
    }
    found.sort_by_key(|known| known.range.start);
    found
}

/// Whether what stands before a street says that it is any street of a town: “une rue de Paris”, “cette petite rue de Lyon”.
fn is_any(before: &str) -> bool {
    let words = before.rsplit(|c: char| c.is_whitespace() || matches!(c, '\'' | '’')).filter(|word| !word.is_empty());
    let any = |word: &str| ["une", "cette", "chaque", "toute", "aucune"].contains(&word.to_lowercase().as_str());
    words.take(2).any(any)
}

/// Whether a name found at `range` is no part of a longer word, or of one with hyphens.
fn is_apart(text: &str, range: &Range<usize>) -> bool {
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    let (before, after) = (&text[..range.start], &text[range.end..]);
    let hyphen_before = before.strip_suffix('-').is_some_and(|rest| rest.ends_with(letter));
    let hyphen_after = after.strip_prefix('-').is_some_and(|rest| rest.starts_with(letter));
    !before.ends_with(letter) && !after.starts_with(letter) && !hyphen_before && !hyphen_after
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
            assert!((1..=3).contains(&fields.len()) && fields.iter().all(|f| f.trim_end() == *f), "{line}");
            assert!(fields.len() < 3 || fields[2] == "bare", "{line}");
            let brackets = french.matches('[').count();
            assert!(brackets < 2 && brackets == french.matches(']').count(), "{line}");
            let plain = french.replace(['[', ']'], "");
            let name = french.split(['[', ']']).nth(brackets).unwrap_or_default();
            let english = fields.get(1).filter(|e| !e.is_empty()).copied().unwrap_or(name);
            let plain = plain.replacen(' ', "x ", usize::from(plain.starts_with(' ')));
            assert!(find(&plain).iter().any(|known| known.english == english), "{line}");
        }
    }

    #[test]
    fn a_name_is_told_by_its_capitals_and_what_stands_beside_it() {
        assert_eq!(names("Le Canard enchaîné le dit."), [("Le Canard enchaîné", "Le Canard enchaîné".to_owned())]);
        assert_eq!(names("dit-il au Figaro"), [("Figaro", "Le Figaro".to_owned())]);
        assert!(names("le canard enchaîné, le Rassemblement nationaliste").is_empty());
        assert!(names("la Croix-Rougeaud, Le Point de vente, L'Équipe d’Italie").is_empty());
        assert_eq!(names("Le Point le dit.").len(), 1);
    }

    #[test]
    fn streets_stay_as_they_are() {
        let streets = |text| names(text).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(streets("au 12, rue de la Paix, à Paris"), ["rue de la Paix"]);
        assert_eq!(streets("l'avenue du Général-de-Gaulle Il"), ["avenue du Général-de-Gaulle Il"]);
        assert_eq!(streets("rue d'Alésia et boulevard Saint-Michel"), ["rue d'Alésia", "boulevard Saint-Michel"]);
        assert_eq!(streets("avenue Foch, rue Tverskaïa"), [""; 0]);
        assert!(
            streets("dans une rue de Paris, cette petite rue de Lyon, les rues de Rome, la rue déserte").is_empty()
        );
    }
}
