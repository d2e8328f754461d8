//! Terms that the user wants translated in one way, or not at all.

use std::collections::HashMap;
use std::ops::Range;

use crate::error::{Error, Result};
use crate::text::runs;

/// Terms and what becomes of them.
#[derive(Clone, Debug, Default)]
pub struct Glossary {
    /// By the first word of the term in small letters.
    terms: HashMap<String, Vec<Term>>,
    inflected: bool,
    len: usize,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    /// In small letters, words parted by one space.
    source: Vec<String>,
    /// As written in the file; `None` where the term stays as it is.
    target: Option<String>,
}

/// A term found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// What the translation must hold.
    pub write: String,
    /// Whether it is to stay exactly as it stands, case and all.
    pub kept: bool,
}

impl Glossary {
    /// Reads tab-separated lines: `source<TAB>target`, or `source` alone for a term that is not to be translated.
    /// Blank lines and lines that start with `#` mean nothing.
    ///
    /// # Errors
    /// When a line has more than two fields, no source, or contradicts an earlier line; the message names `name` and
    /// the line.
    pub fn parse(text: &str, name: &str) -> Result<Self> {
        let mut glossary = Self::default();
        let mut seen: HashMap<String, (usize, Option<String>)> = HashMap::new();
        for (i, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let (n, line) = (i + 1, line.trim_end_matches(['\r', '\t']));
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let fault = |what: String| Error::input(format!("line {n}: {what}")).at(name);
            let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
            let (source, target) = match fields[..] {
                [source] => (source, None),
                [source, target] => (source, Some(target.to_owned())),
                _ => {
                    let what = format!("{} fields; write SOURCE<tab>TARGET, or SOURCE alone", fields.len());
                    return Err(fault(what));
                }
            };
            let words: Vec<String> = words(source).iter().map(|r| key(&source[r.clone()])).collect();
            if words.is_empty() {
                return Err(fault("the source term is missing; write SOURCE<tab>TARGET".to_owned()));
            }
            match seen.get(&words.join(" ")) {
                Some((_, before)) if *before == target => continue,
                Some((line, _)) => {
                    let what =
                        format!("“{source}” is already on line {line} with another translation; keep one of them");
                    return Err(fault(what));
                }
                None => seen.insert(words.join(" "), (n, target.clone())),
            };
            glossary.terms.entry(words[0].clone()).or_default().push(Term { source: words, target });
            glossary.len += 1;
        }
        Ok(glossary)
    }

    /// Whether the plural and the feminine of a term count as the term: with "journal" in the glossary, "journaux" is found
    /// too, and its translation is written in the plural. A line of its own for a form goes before.
    #[must_use]
    pub fn inflected(mut self, yes: bool) -> Self {
        self.inflected = yes;
        self
    }

    /// How many terms there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The terms in `text` in order, the longest at each place, never overlapping.
    pub fn find(&self, text: &str) -> Vec<Found> {
        if self.is_empty() {
            return Vec::new();
        }
        let ranges = words(text);
        let keys: Vec<String> = ranges.iter().map(|r| key(&text[r.clone()])).collect();
        let mut out = Vec::new();
        let mut i = 0;
        while i < keys.len() {
            let Some((term, plural)) = self.term_at(&keys[i..]) else {
                i += 1;
                continue;
            };
            let last = i + term.source.len() - 1;
            let range = ranges[i].start..ranges[last].end;
            let here = &text[range.clone()];
            let write = match &term.target {
                None => here.to_owned(),
                // A capital that only the sentence's start asked for is asked for again by the case restorer.
                Some(target) if plural => pluralised(target),
                Some(target) => target.clone(),
            };
            out.push(Found { range, write, kept: term.target.is_none() });
            i = last + 1;
        }
        out
    }

    /// The longest term that `keys` start with, and whether it stands there in the plural.
    fn term_at(&self, keys: &[String]) -> Option<(&Term, bool)> {
        let forms = |word: &String| if self.inflected { bases(word) } else { Vec::new() };
        let differ = |term: &Term| term.source.iter().zip(keys).filter(|(s, k)| s != k).count();
        let fits = |term: &&Term| {
            term.source.len() <= keys.len() && term.source.iter().zip(keys).all(|(s, k)| s == k || forms(k).contains(s))
        };
        let mut firsts = forms(&keys[0]);
        firsts.insert(0, keys[0].clone());
        let terms = firsts.iter().filter_map(|first| self.terms.get(first)).flatten().filter(fits);
        let found = terms.min_by_key(|term| (std::cmp::Reverse(term.source.len()), differ(term)))?;
        let plural = found.source.iter().zip(keys).any(|(s, k)| s != k && k.ends_with(['s', 'x']));
        Some((found, plural))
    }
}

/// The singulars and masculines that `word`, in small letters, may be the plural or the feminine of.
fn bases(word: &str) -> Vec<String> {
    const PLURAL: [(&str, &str); 3] = [("aux", "al"), ("s", ""), ("x", "")];
    const FEMININE: [(&str, &str); 11] = [
        ("trice", "teur"),
        ("euse", "eur"),
        ("euse", "eux"),
        ("elle", "el"),
        ("enne", "en"),
        ("onne", "on"),
        ("ette", "et"),
        ("ère", "er"),
        ("ète", "et"),
        ("ve", "f"),
        ("e", ""),
    ];
    let bend = |word: &str, endings: &[(&str, &str)]| -> Vec<String> {
        let stems = endings.iter().filter_map(|(ending, base)| Some((word.strip_suffix(ending)?, base)));
        stems.filter(|(stem, _)| stem.chars().count() > 1).map(|(stem, base)| format!("{stem}{base}")).collect()
    };
    let mut out = bend(word, &PLURAL);
    let feminine: Vec<String> =
        out.iter().map(String::as_str).chain([word]).flat_map(|word| bend(word, &FEMININE)).collect();
    out.extend(feminine);
    out
}

/// The English plural of a term's last word; what looks like a plural stays.
fn pluralised(term: &str) -> String {
    let consonant = |c: char| c.is_ascii_lowercase() && !"aeiou".contains(c);
    let hissing = ["ss", "us", "x", "z", "ch", "sh"].iter().any(|e| term.ends_with(e));
    if let Some(stem) = term.strip_suffix('y').filter(|stem| stem.ends_with(consonant)) {
        format!("{stem}ies")
    } else if let Some(stem) = term.strip_suffix("is") {
        format!("{stem}es")
    } else if hissing {
        format!("{term}es")
    } else if term.ends_with('s') {
        term.to_owned()
    } else {
        format!("{term}s")
    }
}

/// A word in small letters with its accents, in one normal form.
pub(super) fn key(word: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    word.nfc().flat_map(char::to_lowercase).map(|c| if c == '’' { '\'' } else { c }).collect()
}

/// Byte ranges of words. An apostrophe ends a word that it elides ("l'" + "arbre"); a hyphen or a full stop parts words
/// as well, and a term with them is a term of several words.
pub(super) fn words(text: &str) -> Vec<Range<usize>> {
    let mark = unicode_normalization::char::is_combining_mark;
    runs(text, |_, c, _| c.is_alphanumeric() || mark(c) || "+#_".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(glossary: &Glossary, text: &str) -> Vec<(String, String)> {
        glossary.find(text).into_iter().map(|f| (text[f.range].to_owned(), f.write)).collect()
    }

    #[test]
    fn terms_are_found_on_word_boundaries() {
        let g = Glossary::parse("# mine\nrouteur\trouter\nrouteur Wi-Fi\twireless router\nLa Poste\n", "t.tsv")
            .expect("reads");
        assert_eq!(g.len(), 3);
        assert_eq!(
            found(&g, "Le Routeur, l'arouteur de La Poste."),
            [("Routeur".into(), "router".into()), ("La Poste".into(), "La Poste".into())]
        );
        assert_eq!(found(&g, "Un routeur Wi-Fi."), [("routeur Wi-Fi".into(), "wireless router".into())]);
        assert_eq!(found(&g, "Des routeurs."), []);
    }

    #[test]
    fn inflected_terms_are_found_on_request() {
        let terms = "routeur\trouter\njournal\tdiary\nappel d'offres\tcall for tenders\nbateau\tboat\nbateau fluvial\tbarge\n\
            directeur\thead\nactif\tlive\nsouris\tmouse\ncheval de bois\thobbyhorse\nœil\teye\nyeux\teyes\n";
        let g = Glossary::parse(terms, "t.tsv").expect("reads").inflected(true);
        for (text, form, write) in [
            ("Des routeurs.", "routeurs", "routers"),
            ("Les Journaux du matin", "Journaux", "diaries"),
            ("deux appels d'offres", "appels d'offres", "call for tenders"),
            ("les bateaux fluviaux", "bateaux fluviaux", "barges"),
            ("un bateau fluvial", "bateau fluvial", "barge"),
            ("la directrice", "directrice", "head"),
            ("les directrices", "directrices", "heads"),
            ("l’active", "active", "live"),
            ("la souris", "souris", "mouse"),
            ("un cheval de bois", "cheval de bois", "hobbyhorse"),
            ("les yeux", "yeux", "eyes"),
        ] {
            assert_eq!(found(&g, text), [(form.to_owned(), write.to_owned())], "{text}");
        }
        assert_eq!(found(&g, "une routine de routage"), []);
    }

    #[test]
    fn faults_name_the_line() {
        let message = |t: &str| Glossary::parse(t, "t.tsv").expect_err("is wrong").to_string();
        assert_eq!(message("a\tb\nc\td\te\n"), "t.tsv: line 2: 3 fields; write SOURCE<tab>TARGET, or SOURCE alone");
        assert!(message("a\tb\n\na\tc\n").starts_with("t.tsv: line 3: “a” is already on line 1"));
        assert!(message("\tb\n").starts_with("t.tsv: line 1: the source term is missing"));
    }
}
