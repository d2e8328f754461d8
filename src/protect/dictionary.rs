//! Words and terms that a model does not know well, with the translations that are right for them.
//!
//! A model may come with a `dictionary.tsv`. Each line has a French form in small letters, a tab, and the English that is right for
//! it, parted by `|`; the first English is written where the model has none of them. A form with a colon behind it counts only as a
//! label: a heading, a cell, what stands alone before a colon. The lines are in the order of their bytes, so
//! that a form is found without reading them all. `scripts/eval/dictionary.py` makes such files.

use std::cmp::Ordering;
use std::ops::Range;

use super::glossary::{key, words};
use super::numbers::overlaps_any;
use crate::error::{Error, Result};
use crate::store::Blob;

/// The dictionary of a model.
#[derive(Clone, Debug)]
pub struct Dictionary {
    lines: Blob,
    /// How many words the longest form has.
    longest: usize,
}

/// A word or term of a text that stands in the dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// The translations that are right, the best first.
    pub english: Vec<String>,
    /// Whether it is a label.
    pub label: bool,
}

impl Dictionary {
    /// Takes a model's file.
    ///
    /// # Errors
    /// When it is not UTF-8, a line has not two fields, or the lines are not in order; the message names file and line.
    pub fn load(lines: Blob) -> Result<Self> {
        let longest = check(&lines).map_err(|error| error.at(lines.path()))?;
        Ok(Self { lines, longest })
    }

    /// What the dictionary has of `text` outside `taken` (sorted ranges), in order, the longest term at each place.
    pub fn find(&self, text: &str, taken: &[Range<usize>]) -> Vec<Lookup> {
        let ranges = words(text);
        let mut out = Vec::new();
        let mut i = 0;
        while i < ranges.len() {
            let most = self.longest.min(ranges.len() - i);
            let found = (1..=most).rev().find_map(|n| {
                let here = &ranges[i..i + n];
                let range = here[0].start..here[n - 1].end;
                let mut form = joined(text, here)?;
                let known = self.english(&form).filter(|_| is_plain(text, &range));
                form.push(':');
                let label = if is_label(text, &range) { self.english(&form) } else { None };
                let english = label.or(known).filter(|_| !overlaps_any(taken, &range))?;
                let english = english.split('|').map(str::to_owned).collect();
                Some((n, Lookup { range, english, label: label.is_some() }))
            });
            i += found.as_ref().map_or(1, |(n, _)| *n);
            out.extend(found.map(|(_, lookup)| lookup));
        }
        out
    }

    /// The second field of the line whose first is `form`.
    fn english(&self, form: &str) -> Option<&str> {
        let bytes: &[u8] = &self.lines;
        // The line, if it is there, begins in this range.
        let (mut low, mut high) = (0, bytes.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let start = bytes[..middle].iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1).max(low);
            let end = bytes[middle..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |i| middle + i);
            let line = std::str::from_utf8(&bytes[start..end]).ok()?;
            let (here, english) = line.split_once('\t').unwrap_or((line, ""));
            match here.cmp(form) {
                Ordering::Equal => return Some(english),
                Ordering::Less => low = end + 1,
                Ordering::Greater => high = start,
            }
        }
        None
    }
}

/// Whether a file is a dictionary; the number of words of its longest form.
fn check(bytes: &[u8]) -> Result<usize> {
    let text = std::str::from_utf8(bytes).map_err(|e| Error::model("not UTF-8; make it again").because(e))?;
    let (mut longest, mut before) = (0, "");
    for (n, line) in text.lines().enumerate() {
        let fault = |what: &str| Err(Error::model(format!("line {}: {what}", n + 1)));
        let Some((form, english)) =
            line.split_once('\t').filter(|(form, english)| !form.is_empty() && !english.is_empty())
        else {
            return fault("write FORM<tab>ENGLISH|ENGLISH");
        };
        if form <= before {
            return fault(&format!("“{form}” is not in order behind “{before}”; sort the lines (LC_ALL=C sort)"));
        }
        if english.contains('\t') {
            return fault("more than two fields");
        }
        longest = longest.max(1 + form.bytes().filter(|b| b" -'".contains(b)).count());
        before = form;
    }
    Ok(longest)
}

/// Words in small letters with what joins them: a space, a hyphen or an apostrophe; nothing where something else parts them.
fn joined(text: &str, ranges: &[Range<usize>]) -> Option<String> {
    let mut out = String::new();
    let mut end = None;
    for range in ranges {
        let between = end.map_or("", |end| &text[end..range.start]);
        match between.chars().next() {
            None => {}
            Some('-' | '‑') if between.chars().count() == 1 => out.push('-'),
            Some('\'' | '’') if between.chars().count() == 1 => out.push('\''),
            Some(_) if between.chars().all(char::is_whitespace) => out.push(' '),
            Some(_) => return None,
        }
        out.push_str(&key(&text[range.clone()]));
        end = Some(range.end);
    }
    Some(out).filter(|out| !out.is_empty())
}

/// Whether a word is neither a name, as it has no capital but at the start of a text or among capitals, nor a part of a compound.
fn is_plain(text: &str, range: &Range<usize>) -> bool {
    let (before, word, after) = (&text[..range.start], &text[range.clone()], &text[range.end..]);
    let hyphen = |c: &char| matches!(c, '-' | '‑');
    let compound =
        before.chars().next_back().is_some_and(|c| hyphen(&c)) || after.chars().next().is_some_and(|c| hyphen(&c));
    let capital = word.starts_with(char::is_uppercase);
    let shouted = !word.contains(char::is_lowercase) && word.chars().count() > 1;
    let first = !before.contains(char::is_alphanumeric);
    !compound && (!capital || first || shouted)
}

/// Whether a word or term stands alone: in a text of its own or between marks that part a heading, a table, a list of data.
fn is_label(text: &str, range: &Range<usize>) -> bool {
    let parts = |c: char| ":–—|/().".contains(c);
    let (before, after) = (text[..range.start].trim_end(), text[range.end..].trim_start());
    let opens = !before.contains(char::is_alphanumeric) || before.ends_with(parts) || before.ends_with(" -");
    let closes = !after.contains(char::is_alphanumeric) || after.starts_with(parts) || after.starts_with("- ");
    opens && closes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dictionary(lines: &str) -> Result<Dictionary> {
        Dictionary::load(Blob::new("d.tsv", lines.as_bytes().to_vec()))
    }

    fn found(text: &str) -> Vec<(String, String)> {
        let lines = "amiral\tadmiral\namiraux\tadmirals\ncoup d'envoi\tkick-off|kickoff\ncrampon\tstud\nprix:\tprice\nà-côté\textra\n";
        let found = dictionary(lines).expect("reads").find(text, &[]);
        found.iter().map(|lookup| (text[lookup.range.clone()].to_owned(), lookup.english[0].clone())).collect()
    }

    #[test]
    fn words_and_terms_are_found() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(found("Les amiraux craignaient."), [pair("amiraux", "admirals")]);
        let two = [pair("Amiraux", "admirals"), pair("coup d’envoi", "kick-off")];
        assert_eq!(found("« Amiraux ! Le coup d’envoi »"), two);
        assert_eq!(
            found("L'AMIRAL, UN CRAMPON, un à-côté"),
            [pair("AMIRAL", "admiral"), pair("CRAMPON", "stud"), pair("à-côté", "extra")]
        );
        for text in
            ["le quai de l'Amiral", "amirauté", "vice-amiral", "un coup. D'envoi", "coup, d'envoi", "à côté", "Aa", "Z"]
        {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn every_line_is_found() {
        let forms: Vec<String> = (0..300).map(|i| format!("m{}", "aé".repeat(i % 7) + &i.to_string())).collect();
        let sorted: std::collections::BTreeSet<&String> = forms.iter().collect();
        let lines: String = sorted.iter().map(|form| format!("{form}\tthe {form}\n")).collect();
        for lines in [lines.as_str(), lines.trim_end()] {
            let dictionary = dictionary(lines).expect("reads");
            for form in &forms {
                assert_eq!(dictionary.english(form), Some(format!("the {form}").as_str()));
                assert_eq!(
                    dictionary.english(&form[..form.len() - 1]).is_some(),
                    forms.iter().any(|f| *f == form[..form.len() - 1])
                );
            }
        }
    }

    #[test]
    fn faults_name_the_line() {
        for lines in ["a\tb\nc\n", "a\tb\nc\t\n", "b\tb\na\tc\n", "a\tb\nc\td\te\n", "a\tb\na\tb\n"] {
            let message = dictionary(lines).expect_err("is wrong").to_string();
            assert!(message.starts_with("d.tsv: line 2"), "{message}");
        }
    }
}
