//! Idioms with a verb that a model takes word by word, with plain French that it translates better: "mettre sous les verrous" and
//! "emprisonner".
//!
//! A model may come with an `idioms.tsv`: on each line an idiom in the infinitive, a tab, and the plain words, which fit into the same
//! place. The model is shown these, bent as the idiom was. `crate::french::verbs` knows the forms.

use std::collections::HashMap;
use std::ops::Range;

use super::numbers::overlaps_any;
use super::wording::Wording;
use crate::error::{Error, Result};
use crate::french::verbs::{self, Form, readings};
use crate::store::Blob;
use crate::text::{capitalised, runs};

/// The idioms of a model.
#[derive(Clone, Debug, Default)]
pub struct Idioms {
    /// By the infinitive that they begin with.
    by_verb: HashMap<String, Vec<Idiom>>,
}

#[derive(Clone, Debug)]
struct Idiom {
    reflexive: bool,
    /// What stands behind the verb, in small letters with straight apostrophes.
    rest: String,
    plain: Plain,
}

/// The plain words for an idiom.
#[derive(Clone, Debug)]
struct Plain {
    reflexive: bool,
    verb: String,
    rest: String,
}

/// Verbs whose compound tenses have "être".
const WITH_BEING: [&str; 16] = [
    "aller",
    "venir",
    "partir",
    "sortir",
    "entrer",
    "rentrer",
    "rester",
    "tomber",
    "retomber",
    "arriver",
    "devenir",
    "revenir",
    "repartir",
    "passer",
    "monter",
    "descendre",
];

/// What may stand between a verb and the rest of an idiom, or between an auxiliary and a participle.
const ADVERBS: [&str; 30] = [
    "pas",
    "plus",
    "jamais",
    "rien",
    "guère",
    "point",
    "toujours",
    "souvent",
    "aussi",
    "ainsi",
    "alors",
    "donc",
    "encore",
    "déjà",
    "bien",
    "enfin",
    "ensuite",
    "également",
    "vite",
    "très",
    "trop",
    "tout",
    "même",
    "peu",
    "parfois",
    "vraiment",
    "rapidement",
    "progressivement",
    "finalement",
    "récemment",
];

impl Idioms {
    /// Takes a model's file.
    ///
    /// # Errors
    /// When it is not UTF-8, a line has not two fields, or a verb is not known; the message names file and line.
    pub fn load(lines: &Blob) -> Result<Self> {
        let mut idioms = Self::default();
        idioms.read(lines).map_err(|error| error.at(lines.path()))?;
        Ok(idioms)
    }

    fn read(&mut self, bytes: &[u8]) -> Result<()> {
        let text = std::str::from_utf8(bytes).map_err(|e| Error::model("not UTF-8").because(e))?;
        for (n, line) in text.lines().enumerate() {
            let fault = |what: String| Error::model(format!("line {}: {what}", n + 1));
            let (idiom, plain) = line
                .split_once('\t')
                .filter(|(idiom, plain)| !idiom.is_empty() && !plain.is_empty())
                .ok_or_else(|| fault("write IDIOM<tab>PLAIN WORDS".to_owned()))?;
            let ((reflexive, verb, rest), plain) = (parts(idiom), parts(plain));
            for verb in [verb, plain.1] {
                if !verbs::is_known(verb) {
                    return Err(fault(format!("“{verb}” is no infinitive that is known")));
                }
            }
            let plain = Plain { reflexive: plain.0, verb: plain.1.to_owned(), rest: plain.2.to_owned() };
            self.by_verb.entry(verb.to_owned()).or_default().push(Idiom {
                reflexive,
                rest: rest.to_lowercase(),
                plain,
            });
        }
        Ok(())
    }

    /// The idioms of `text` outside `taken` (sorted ranges) with the words to show for them.
    pub fn find(&self, text: &str, taken: &[Range<usize>]) -> Vec<Wording> {
        let words: Vec<Word> = runs(text, |_, c, _| c.is_alphabetic())
            .into_iter()
            .map(|range| Word { lower: text[range.clone()].to_lowercase(), range })
            .collect();
        let mut out: Vec<Wording> = Vec::new();
        for at in 0..words.len() {
            let free = out.last().is_none_or(|last| last.range.end <= words[at].range.start);
            if let Some(found) = free.then(|| self.longest(text, &words, at)).flatten() {
                let shown = found.shown(text, &words, at);
                if !shown.iter().any(|wording| overlaps_any(taken, &wording.range)) {
                    out.extend(shown);
                }
            }
        }
        out
    }

    /// The longest idiom whose verb is the word `at`.
    fn longest(&self, text: &str, words: &[Word], at: usize) -> Option<Found<'_>> {
        let mut best: Option<Found<'_>> = None;
        for form in readings(&words[at].lower) {
            for idiom in self.by_verb.get(form.infinitive()).into_iter().flatten() {
                let longer = best.as_ref().is_none_or(|best| best.idiom.rest.len() < idiom.rest.len());
                if let Some(rest) = longer.then(|| rest(text, words, at, &idiom.rest)).flatten() {
                    best = Some(Found { idiom, verb: form.infinitive(), rest });
                }
            }
        }
        best
    }
}

/// A word of a text, and it in small letters.
struct Word {
    range: Range<usize>,
    lower: String,
}

/// An idiom at a verb, and where the rest of it stands, with the space before.
struct Found<'a> {
    idiom: &'a Idiom,
    /// The infinitive.
    verb: &'static str,
    rest: Range<usize>,
}

impl Found<'_> {
    /// The words to show where the verb is the word `at`; none where it is a noun or another verb's.
    fn shown(&self, text: &str, words: &[Word], at: usize) -> Vec<Wording> {
        let Idiom { reflexive, plain, .. } = self.idiom;
        let verb = &words[at];
        let auxiliary = auxiliary(words, at);
        let Some(mut form) = reading(&verb.lower, self.verb, auxiliary.is_some()) else { return Vec::new() };
        if form.is_finite() && is_noun(words, at) {
            return Vec::new();
        }
        // The pronoun stands before the verb, or before the auxiliary.
        let first = auxiliary.filter(|_| form.is_past_participle()).unwrap_or(at);
        let pronoun = first.checked_sub(1).map(|i| &words[i]).filter(|word| is_own(text, word, &words[first]));
        if *reflexive && pronoun.is_none()
            || (!reflexive && pronoun.is_some_and(|word| matches!(word.lower.as_str(), "se" | "s")))
        {
            return Vec::new();
        }
        let mut out = Vec::new();
        let mut start = verb.range.start;
        let being = auxiliary.filter(|&i| {
            form.is_past_participle() && readings(&words[i].lower).iter().any(|f| f.infinitive() == "être")
        });
        let passive = being.is_some() && !reflexive && !WITH_BEING.contains(&form.infinitive());
        let has = !plain.reflexive && !WITH_BEING.contains(&plain.verb.as_str());
        if let Some(i) = being.filter(|_| !passive && has) {
            // "S'est mis à table" and "est tombé des nues" become "a avoué" and "a été surpris".
            let from = pronoun.filter(|_| *reflexive).map_or(words[i].range.start, |word| word.range.start);
            let Some(having) = readings(&words[i].lower).iter().find_map(|form| form.of("avoir")) else {
                return Vec::new();
            };
            out.push(fitting(text, from..words[i].range.end, having));
            form = form.masculine();
        } else if let Some(pronoun) = pronoun.filter(|_| *reflexive && !plain.reflexive) {
            start = pronoun.range.start;
        }
        let Some(new) = form.of(&plain.verb) else { return Vec::new() };
        let (mut behind, mut end) = (String::new(), self.rest.end);
        if !plain.rest.is_empty() {
            behind = format!(" {}", plain.rest);
        }
        let follows = &text[end..];
        if self.idiom.rest.ends_with('\'') {
            behind.push(' ');
        } else if let Some((short, _)) =
            behind.strip_suffix("de").zip(follows.strip_prefix(' ').filter(|word| word.starts_with(is_vowel)))
        {
            behind = format!("{short}d'");
            end += 1;
        }
        if self.rest.start == verb.range.end {
            out.push(fitting(text, start..end, &format!("{new}{behind}")));
        } else {
            out.push(fitting(text, start..verb.range.end, new));
            out.push(Wording::same(self.rest.start..end, behind));
        }
        out
    }
}

/// An idiom's or its plain words' pronoun, infinitive and rest.
fn parts(phrase: &str) -> (bool, &str, &str) {
    let plain = phrase.strip_prefix("se ").or_else(|| phrase.strip_prefix("s'"));
    let (verb, rest) = plain.unwrap_or(phrase).split_once(' ').unwrap_or((plain.unwrap_or(phrase), ""));
    (plain.is_some(), verb, rest)
}

/// Where `rest` stands behind the word `at`, an adverb between them let pass, with the space before it.
fn rest(text: &str, words: &[Word], at: usize, rest: &str) -> Option<Range<usize>> {
    let end = words[at].range.end;
    if rest.is_empty() {
        return Some(end..end);
    }
    let behind = |from: usize| same(&text[from..], rest).map(|len| from..from + len);
    behind(end).or_else(|| {
        let adverb =
            words.get(at + 1).filter(|word| is_adverb(&word.lower) && text[end..word.range.start].trim().is_empty())?;
        behind(adverb.range.end)
    })
}

/// How many bytes of `text` are a space and then `words`, whatever their case and apostrophes, if it begins so.
fn same(text: &str, words: &str) -> Option<usize> {
    let mut chars = text.char_indices().peekable();
    chars.next().filter(|(_, c)| c.is_whitespace())?;
    for wanted in words.chars() {
        let (_, c) = chars.next()?;
        let c = if matches!(c, '’' | 'ʼ') {
            '\''
        } else if c.is_whitespace() {
            ' '
        } else {
            c
        };
        if !c.to_lowercase().eq([wanted]) {
            return None;
        }
    }
    let end = chars.peek().map_or(text.len(), |&(i, _)| i);
    let inside = words.ends_with(char::is_alphanumeric) && text[end..].starts_with(char::is_alphanumeric);
    (!inside).then_some(end)
}

fn is_adverb(word: &str) -> bool {
    ADVERBS.contains(&word) || (word.ends_with("ment") && word.len() > 7)
}

/// The auxiliary of a participle at the word `at`.
fn auxiliary(words: &[Word], at: usize) -> Option<usize> {
    let before = words[..at].iter().rposition(|word| !is_adverb(&word.lower))?;
    let is_auxiliary = |form: &Form| matches!(form.infinitive(), "avoir" | "être");
    (at - before <= 3 && readings(&words[before].lower).iter().any(is_auxiliary)).then_some(before)
}

/// Which form of the verb a word is.
fn reading(word: &str, infinitive: &str, has_auxiliary: bool) -> Option<Form> {
    let forms = || readings(word).iter().copied().filter(|form| form.infinitive() == infinitive);
    let participle = forms().find(|form| form.is_past_participle());
    let finite = forms().find(|form| !form.is_past_participle() && !form.is_rare());
    // "La mise au jour" is a noun.
    let alone = participle.filter(|form| !form.is_feminine_participle());
    if has_auxiliary { participle.or(finite) } else { finite.or(alone).or_else(|| forms().find(|form| form.is_rare())) }
}

/// Whether what may be a finite verb at the word `at` is a noun: "la garde à vue", "en garde à vue", but not "il la garde à vue".
fn is_noun(words: &[Word], at: usize) -> bool {
    const BEFORE_NOUNS: [&str; 29] = [
        "un", "une", "des", "du", "de", "d", "ce", "cet", "cette", "ces", "mon", "ma", "mes", "ton", "ta", "tes",
        "son", "sa", "ses", "leur", "leurs", "au", "aux", "en", "à", "sans", "par", "sous", "chaque",
    ];
    const BEFORE_PRONOUNS: [&str; 17] = [
        "je", "tu", "il", "elle", "on", "nous", "vous", "ils", "elles", "qui", "ne", "n", "me", "te", "se", "pas",
        "lui",
    ];
    let word = |n: usize| at.checked_sub(n).map_or("", |i| words[i].lower.as_str());
    match word(1) {
        "le" | "la" | "les" | "l" => !BEFORE_PRONOUNS.contains(&word(2)),
        before => BEFORE_NOUNS.contains(&before),
    }
}

/// Whether `word` is the pronoun of a reflexive verb right before `verb`.
fn is_own(text: &str, word: &Word, verb: &Word) -> bool {
    let between = &text[word.range.end..verb.range.start];
    match word.lower.as_str() {
        "se" | "me" | "te" | "nous" | "vous" => between.trim().is_empty(),
        "s" | "m" | "t" => matches!(between, "'" | "’"),
        _ => false,
    }
}

fn is_vowel(c: char) -> bool {
    "aàâeéèêëiîïoôuùûœ".contains(c)
}

/// `new` in the place of `range`, with the little word before it elided or not, as French wants it: "ne met" is "n'empêche".
fn fitting(text: &str, range: Range<usize>, new: &str) -> Wording {
    const ELIDED: [&str; 9] = ["ne", "de", "je", "me", "te", "se", "le", "la", "que"];
    let before = &text[..range.start];
    let vowel = new.starts_with(is_vowel) || ["hab", "hés", "hon", "hos", "hum"].iter().any(|h| new.starts_with(h));
    let capital = text[range.clone()].starts_with(char::is_uppercase);
    let little = ELIDED.iter().flat_map(|word| [(*word).to_owned(), capitalised(word)]).find_map(|word| {
        let short = &word[..word.len() - 1];
        let (written, wanted) = if vowel {
            (vec![format!("{word} ")], format!("{short}'"))
        } else {
            (vec![format!("{short}'"), format!("{short}’")], format!("{word} "))
        };
        let rest = written.iter().find_map(|written| before.strip_suffix(written.as_str()))?;
        (!rest.ends_with(|c: char| c.is_alphanumeric() || c == '-')).then_some((rest.len(), wanted))
    });
    let new = if capital { capitalised(new) } else { new.to_owned() };
    match little {
        Some((start, little)) => Wording::same(start..range.end, format!("{little}{new}")),
        None => Wording::same(range, new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "mettre sous les verrous\temprisonner\nse mettre à table\tavouer\ntomber des nues\têtre très surpris\n\
        mettre au jour\tdécouvrir\nse mettre en marche\tse lancer\ngarder à vue\tsurveiller\ntirer son épingle du jeu\tréussir\n";

    fn shown(text: &str) -> String {
        let idioms = Idioms::load(&Blob::new("i.tsv", LINES.as_bytes().to_vec())).expect("reads");
        let mut out = text.to_owned();
        let mut found = idioms.find(text, &[]);
        found.sort_by_key(|wording| std::cmp::Reverse(wording.range.start));
        found.into_iter().for_each(|wording| out.replace_range(wording.range, &wording.shown));
        out
    }

    #[test]
    fn idioms_are_shown_in_plain_words_bent_as_they_were() {
        for (idiom, plain) in [
            ("La police mettra sous les verrous le chef.", "La police emprisonnera le chef."),
            ("Il n'a pas été mis sous les verrous.", "Il n'a pas été emprisonné."),
            ("Elles ont été mises au jour.", "Elles ont été découvertes."),
            ("Il ne met sous les verrous personne.", "Il n'emprisonne personne."),
            ("Ils mettent souvent au jour des os.", "Ils découvrent souvent des os."),
            ("Il s'est mis à table.", "Il a avoué."),
            ("Elle ne s’est pas mise à table.", "Elle n'a pas avoué."),
            ("Il veut se mettre à table.", "Il veut avouer."),
            ("Elle est tombée des nues.", "Elle a été très surpris."),
            ("Je tombe des nues.", "Je suis très surpris."),
            ("La foule s'est mise en marche.", "La foule s'est lancée."),
            ("Mettre au jour un réseau.", "Découvrir un réseau."),
            ("Elle le garde à vue, elle les met au jour.", "Elle le surveille, elle les découvre."),
        ] {
            assert_eq!(shown(idiom), plain);
        }
    }

    #[test]
    fn nouns_and_other_verbs_are_left_alone() {
        for text in [
            "La mise au jour du réseau",
            "La garde à vue dure",
            "placé en garde à vue",
            "Il se met au jour",
            "Le jour est mis",
            "au jour",
        ] {
            assert_eq!(shown(text), text);
        }
    }

    #[test]
    fn a_list_that_is_none_is_refused() {
        let load = |lines: &str| Idioms::load(&Blob::new("i.tsv", lines.as_bytes().to_vec()));
        assert!(load("mettre au jour\n").is_err_and(|e| e.to_string().contains("line 1")));
        assert!(
            load("mettre au jour\tdécouvrir\nschtroumpfer\tfaire\n")
                .is_err_and(|e| e.to_string().contains("schtroumpfer"))
        );
    }
}
