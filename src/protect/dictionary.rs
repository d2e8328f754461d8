//! Words and terms that a model does not know well, with the translations that are right for them.
//!
//! A model may come with a `dictionary.tsv`. Each line has a French form in small letters, a tab, and the English that is right for
//! it, parted by `|`; the first English is written where the model has none of them. A form with a colon behind it counts only as a
//! label: a heading, a cell, what stands alone before a colon. `taken^took part` is a participle and the past that English may want
//! in its place. With `=` before the English a form counts only where the model left it in French, with `!` also where the model is sure
//! of what it wrote. The lines are in the order of their bytes, so that a form is found without reading them all.
//! `scripts/eval/dictionary.py` makes such files.

use std::ops::Range;

use super::glossary::{key, words};
use super::numbers::overlaps_any;
use super::people;
use crate::error::{Error, Result};
use crate::store::Blob;

/// What may stand before the English.
const MARKS: [char; 2] = ['=', '!'];

/// The dictionary of a model.
#[derive(Clone, Debug)]
pub struct Dictionary(Blob);

/// A word or term of a text that stands in the dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// The translations that are right, the best first.
    pub english: Vec<String>,
    /// The first of them in the past, where that is another and the first is a participle.
    pub past: Option<String>,
    /// Whether it is a label.
    pub label: bool,
    /// Whether it is of interest only where the model left it in French.
    pub if_copied: bool,
    /// Whether it counts where the model is sure as well.
    pub if_sure: bool,
}

impl Lookup {
    fn new(range: Range<usize>, english: &str, label: bool) -> Self {
        let (if_copied, if_sure) = (english.starts_with('='), english.starts_with('!'));
        let english = english.trim_start_matches(MARKS);
        let mut english: Vec<String> = english.split('|').map(str::to_owned).collect();
        let (participle, past) = english.first().and_then(|first| either(first)).unzip();
        english.splice(0..usize::from(participle.is_some()), participle.into_iter().chain(past.clone()));
        Self { range, english, past, label, if_copied, if_sure }
    }
}

/// The participle and the past of `taken^took part`.
fn either(english: &str) -> Option<(String, String)> {
    let (participle, rest) = english.split_once('^')?;
    let (past, rest) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
    Some((format!("{participle}{rest}"), format!("{past}{rest}")))
}

impl Dictionary {
    /// Takes a model's file.
    ///
    /// # Errors
    /// When it is not UTF-8, a line has not two fields, or the lines are not in order; the message names file and line.
    pub fn load(lines: Blob) -> Result<Self> {
        // The bundled one is read through by a test rather than at every start.
        if !lines.is_embedded() {
            check(&lines).map_err(|error| error.at(lines.path()))?;
        }
        Ok(Self(lines))
    }

    /// What the dictionary has of `text` outside `taken` (sorted ranges), in order, the longest term at each place.
    pub fn find(&self, text: &str, taken: &[Range<usize>]) -> Vec<Lookup> {
        let ranges = words(text);
        let mut out: Vec<Lookup> = Vec::new();
        let mut free = 0;
        for (i, first) in ranges.iter().enumerate() {
            if first.start < free {
                continue;
            }
            if let Some(lookup) = self.longest(text, &ranges[i..], taken) {
                free = lookup.range.end;
                out.push(lookup);
            }
        }
        out
    }

    /// The longest term that begins with the first of `ranges`, which are words.
    fn longest(&self, text: &str, ranges: &[Range<usize>], taken: &[Range<usize>]) -> Option<Lookup> {
        let mut found = None;
        let mut form = String::new();
        let start = ranges.first()?.start;
        let mut end = start;
        for range in ranges {
            let Some(joint) = joint(&text[end..range.start]) else { break };
            form.push_str(joint);
            form.push_str(&key(&text[range.clone()]));
            end = range.end;
            let place = self.place(&form);
            let (here, english) = self.line(place).unwrap_or_default();
            let person = range.start == start && people::is_first_name(&text[start..end]);
            let known = (here == form && is_plain(text, &(start..end)) && !person).then_some(english);
            let label = if is_label(text, &(start..end)) { self.english(&format!("{form}:")) } else { None };
            if let Some(english) = label.or(known).filter(|_| !overlaps_any(taken, &(start..end))) {
                found = Some(Lookup::new(start..end, english, label.is_some()));
            }
            // Longer terms stand right behind.
            let next =
                if here == form { self.line(place + here.len() + english.len() + 2) } else { Some((here, english)) };
            let longer = next.and_then(|(next, _)| next.strip_prefix(&form));
            if !longer.is_some_and(|rest| rest.starts_with([' ', '-', '\''])) {
                break;
            }
        }
        found
    }

    /// The second field of the line whose first is `form`.
    fn english(&self, form: &str) -> Option<&str> {
        self.line(self.place(form)).filter(|(here, _)| *here == form).map(|(_, english)| english)
    }

    /// Where the first line begins that is not before `form`.
    fn place(&self, form: &str) -> usize {
        let bytes: &[u8] = &self.0;
        let (mut low, mut high) = (0, bytes.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let start = bytes[low..middle].iter().rposition(|&b| b == b'\n').map_or(low, |i| low + i + 1);
            let end = bytes[middle..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |i| middle + i);
            let here = bytes[start..end].split(|&b| b == b'\t').next().unwrap_or_default();
            if here < form.as_bytes() {
                low = (end + 1).min(bytes.len());
            } else {
                high = start;
            }
        }
        low
    }

    /// The fields of the line that begins at `start`; `None` behind the last.
    fn line(&self, start: usize) -> Option<(&str, &str)> {
        let rest = self.0.get(start..)?;
        let end = rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
        std::str::from_utf8(&rest[..end]).ok()?.split_once('\t')
    }
}

/// Whether a file is a dictionary.
fn check(bytes: &[u8]) -> Result<()> {
    let text = std::str::from_utf8(bytes).map_err(|e| Error::model("not UTF-8; make it again").because(e))?;
    let mut before = "";
    for (n, line) in text.split_terminator('\n').enumerate() {
        let fault = |what: &str| Err(Error::model(format!("line {}: {what}", n + 1)));
        let Some((form, english)) =
            line.split_once('\t').filter(|(form, english)| !form.is_empty() && !english.is_empty())
        else {
            return fault("write FORM<tab>ENGLISH|ENGLISH");
        };
        if form <= before {
            return fault(&format!("“{form}” is not in order behind “{before}”; sort the lines (LC_ALL=C sort)"));
        }
        if english.trim_start_matches(MARKS).starts_with('|')
            || english.ends_with(['|', '=', '!'])
            || english.contains("||")
        {
            return fault("a translation that is empty");
        }
        if english.contains(['\t', '\r']) {
            return fault("more than two fields, or lines that end with CR LF");
        }
        before = form;
    }
    Ok(())
}

/// What joins two words of a term, as the dictionary writes it; `None` where what stands between them parts them.
fn joint(between: &str) -> Option<&'static str> {
    match between {
        "" => Some(""),
        "-" | "‑" => Some("-"),
        "'" | "’" => Some("'"),
        _ => between.chars().all(char::is_whitespace).then_some(" "),
    }
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
        let lines = "amiral\tadmiral\namiral de la flotte\tFleet Admiral\namiraux\tadmirals\ncoup d'envoi\tkick-off|kickoff\ncrampon\tstud\nprix:\tprice\nà-côté\textra\n";
        let found = dictionary(lines).expect("reads").find(text, &[]);
        found.iter().map(|lookup| (text[lookup.range.clone()].to_owned(), lookup.english[0].clone())).collect()
    }

    #[test]
    fn words_and_terms_are_found() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(found("Les amiraux craignaient."), [pair("amiraux", "admirals")]);
        assert_eq!(found("l'amiral, là"), [pair("amiral", "admiral")]);
        assert_eq!(found("l'amiral de la marine"), [pair("amiral", "admiral")]);
        assert_eq!(found("un amiral de la flotte"), [pair("amiral de la flotte", "Fleet Admiral")]);
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
    fn a_participle_has_its_past_beside_it() {
        let dictionary = dictionary("pris part\ttaken^took part|joined\n").expect("reads");
        let lookup = dictionary.find("Il a pris part.", &[]).remove(0);
        assert_eq!(lookup.english, ["taken part", "took part", "joined"]);
        assert_eq!(lookup.past.as_deref(), Some("took part"));
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

    #[cfg(feature = "bundled")]
    #[test]
    fn the_bundled_one_is_in_order() {
        let lines = crate::store::bundled().expect("is there").dictionary.expect("is there");
        assert!(lines.is_embedded());
        check(&lines).expect("is in order");
    }

    #[test]
    fn faults_name_the_line() {
        for lines in [
            "a\tb\nc\n",
            "a\tb\nc\t\n",
            "b\tb\na\tc\n",
            "a\tb\nc\td\te\n",
            "a\tb\na\tb\n",
            "a\tb\nc\td|\n",
            "a\tb\nc\t=\n",
            "a\tb\nc\t!\n",
            "a\tb\nc\t|d\n",
        ] {
            let message = dictionary(lines).expect_err("is wrong").to_string();
            assert!(message.starts_with("d.tsv: line 2"), "{message}");
        }
    }
}
