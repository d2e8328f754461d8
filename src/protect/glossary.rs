//! Terms that the user wants translated in one way, or not at all.

use std::collections::HashMap;
use std::ops::Range;

use crate::error::{Error, Result};
use crate::runs::runs;

/// Terms and what becomes of them.
#[derive(Clone, Debug, Default)]
pub struct Glossary {
    /// By the first word of the term in small letters, the longest terms first.
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
        for terms in glossary.terms.values_mut() {
            terms.sort_by_key(|t| std::cmp::Reverse(t.source.len()));
        }
        Ok(glossary)
    }

    /// Whether plurals and feminine forms of a term count as the term ("chevaux" no, "routeurs" for "routeur" yes).
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

    /// The term that `keys` start with, and whether it stands there in the plural.
    fn term_at(&self, keys: &[String]) -> Option<(&Term, bool)> {
        let exact = |term: &&Term| keys.len() >= term.source.len() && term.source.iter().eq(&keys[..term.source.len()]);
        if let Some(term) = self.terms.get(&keys[0]).and_then(|t| t.iter().find(exact)) {
            return Some((term, false));
        }
        if !self.inflected {
            return None;
        }
        let fits = |term: &&Term| {
            keys.len() >= term.source.len()
                && term.source.iter().zip(keys).all(|(s, k)| s == k || stems(k).any(|k| k == *s))
        };
        let found = stems(&keys[0])
            .chain(std::iter::once(keys[0].clone()))
            .find_map(|stem| self.terms.get(&stem).and_then(|t| t.iter().find(fits)))?;
        let plural = found.source.iter().zip(keys).any(|(s, k)| s != k && k.ends_with(['s', 'x']));
        Some((found, plural))
    }
}

/// The forms that a word may be an inflection of: plural and feminine endings taken off.
fn stems(word: &str) -> impl Iterator<Item = String> + '_ {
    let endings =
        [("aux", "al"), ("eaux", "eau"), ("s", ""), ("x", ""), ("es", ""), ("e", ""), ("ives", "if"), ("ive", "if")];
    endings.into_iter().filter_map(move |(ending, back)| {
        let stem = word.strip_suffix(ending)?;
        (stem.chars().count() > 2).then(|| format!("{stem}{back}"))
    })
}

/// The English plural of a term's last word.
fn pluralised(term: &str) -> String {
    let hissing = ["s", "x", "z", "ch", "sh"].iter().any(|e| term.ends_with(e));
    let consonant = |c: char| c.is_ascii_lowercase() && !"aeiou".contains(c);
    match term.strip_suffix('y').filter(|stem| stem.ends_with(consonant)) {
        Some(stem) => format!("{stem}ies"),
        None if hissing => format!("{term}es"),
        None => format!("{term}s"),
    }
}

/// A word in small letters with its accents, in one normal form.
fn key(word: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    word.nfc().flat_map(char::to_lowercase).map(|c| if c == '’' { '\'' } else { c }).collect()
}

/// Byte ranges of words. An apostrophe ends a word that it elides ("l'" + "arbre"); a hyphen or a full stop parts words
/// as well, and a term with them is a term of several words.
fn words(text: &str) -> Vec<Range<usize>> {
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
        assert_eq!(found(&g.inflected(true), "Des routeurs."), [("routeurs".into(), "routers".into())]);
    }

    #[test]
    fn faults_name_the_line() {
        let message = |t: &str| Glossary::parse(t, "t.tsv").expect_err("is wrong").to_string();
        assert_eq!(message("a\tb\nc\td\te\n"), "t.tsv: line 2: 3 fields; write SOURCE<tab>TARGET, or SOURCE alone");
        assert!(message("a\tb\n\na\tc\n").starts_with("t.tsv: line 3: “a” is already on line 1"));
        assert!(message("\tb\n").starts_with("t.tsv: line 1: the source term is missing"));
    }
}
