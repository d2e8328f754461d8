//! Names of people, which stay as they are: a model takes Claire for a light and Jean for a pair of jeans.
//!
//! `first_names.tsv` lists first names, and says which of them are ordinary words as well. With a surname behind it, a first name is one
//! wherever it stands; without, where nothing says that it is a word, the name of a place, of a king or of a saint.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use super::capitals::is_acronym;
use super::names::exonym;
use super::numbers::roman;
use crate::text::{capitalised, runs};

/// How much a first name is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It is nothing else.
    Plain,
    /// At the start of a sentence it may be an ordinary word.
    Start,
    /// It is an ordinary word wherever it stands alone.
    Word,
    /// Alone it is rather a holiday, a place, a king or a saint.
    Surname,
}

static FIRST_NAMES: LazyLock<HashMap<&str, Kind>> = LazyLock::new(|| {
    let lines = include_str!("first_names.tsv").lines().filter(|line| !line.starts_with('#'));
    let kind = |mark| match mark {
        "start" => Kind::Start,
        "word" => Kind::Word,
        "surname" => Kind::Surname,
        _ => Kind::Plain,
    };
    lines.map(|line| line.split_once('\t').map_or((line, Kind::Plain), |(name, mark)| (name, kind(mark)))).collect()
});

/// Words behind which a name is that of a saint, a king, a pope; English may have another for it.
const CROWNED: &str = "saint sainte saints st ste vierge apôtre apôtres évangile pape papes roi rois reine prince princesse empereur \
    impératrice tsar tsarine duc duchesse infante père île ile ouragan cyclone tempête en";

/// Words that say that a text is from the Bible, whose people have English names.
const BIBLE: &str = "Jésus Christ Vierge apôtre apôtres évangile Évangile évangéliste disciples";

/// Words behind which there is a name.
const CALLS: &str = "bonjour bonsoir salut coucou cher chère chers chères merci madame monsieur mademoiselle mme mlle maître \
    docteur dr tante oncle prénommé prénommée nommé nommée surnommé surnommée appelle appelait";

/// What stands before the colon of a field whose content is a name.
const FIELDS: &str = "de à cc cci nom prénom prénoms destinataire expéditeur expéditrice auteur autrice auteure contact signé \
    candidat candidate patient patiente client cliente";

/// Words before a noun: what has a capital behind them is no name of a person without a surname.
const DETERMINERS: &str = "le la les l un une des du ce cet cette ces mon ma mes ton ta son sa ses notre nos votre vos leur leurs au aux \
    chaque quelle quel aucun aucune";

/// Verbs and the little words before them: what stands before one, with no article, is a name.
const VERBAL: &str = "a est était avait sera aura serait aurait fut eut va vient veut peut doit sait dit fait voit croit prend met \
    part sort vit lit aime pense habite travaille regarde arrive reste parle semble trouve donne demande raconte \
    explique ajoute souligne répond répondit demanda regarda sourit rit entra sortit reprit allait venait voulait \
    pouvait devait savait disait faisait n ne s se m me lui y nous vous leur";

/// Whether a word stands in a list, parted by spaces.
fn among(list: &str, word: &str) -> bool {
    list.split(' ').any(|listed| listed == word)
}

/// Whether a word is a first name, and so no word to look up, where it has a capital letter.
pub(super) fn is_first_name(word: &str) -> bool {
    matches!(FIRST_NAMES.get(word), Some(Kind::Plain | Kind::Start | Kind::Surname))
}

/// The people named in `text`, in order, never overlapping.
pub fn find(text: &str) -> Vec<Range<usize>> {
    let words = words(text);
    let biblical = words.iter().any(|word| among(BIBLE, &text[word.clone()]));
    let mut out = Vec::new();
    let mut next = 0;
    for at in 0..words.len() {
        if at < next {
            continue;
        }
        let here = Place { text, words: &words, at };
        let Some(kind) = here.kind().filter(|_| !is_numbered(here.word(at + 1))) else {
            if here.is_titled() {
                out.push(words[at].clone());
            }
            continue;
        };
        let end = here.surname(kind);
        if end > at || (!biblical && here.is_person(kind)) {
            out.push(words[at].start..words[end].end);
            next = end + 1;
        }
    }
    out
}

/// Whether a word is the number of a king, a queen or a pope.
fn is_numbered(word: &str) -> bool {
    matches!(word, "Ier" | "Ire") || roman(word).is_some()
}

/// Letters, with the hyphens between them.
fn words(text: &str) -> Vec<Range<usize>> {
    runs(text, |i, c, open| {
        let joins = |c| matches!(c, '-' | '‑') || (matches!(c, '\'' | '’') && is_particle(text, i));
        let next = text[i + c.len_utf8()..].starts_with(char::is_alphabetic);
        c.is_alphabetic() || unicode_normalization::char::is_combining_mark(c) || (open && next && joins(c))
    })
}

/// Whether an apostrophe at `at` belongs to a name: D'Ornano, O'Brien, N'Golo.
fn is_particle(text: &str, at: usize) -> bool {
    let mut before = text[..at].chars().rev();
    let letter = before.next().is_some_and(|c| "DON".contains(c));
    let rest = text[at..].chars().skip(1).take(2).collect::<String>();
    letter && !before.next().is_some_and(char::is_alphabetic) && rest.starts_with(char::is_uppercase) && at > 1
}

/// A word among those of a text.
struct Place<'a> {
    text: &'a str,
    words: &'a [Range<usize>],
    at: usize,
}

impl Place<'_> {
    fn word(&self, i: usize) -> &str {
        self.words.get(i).map_or("", |word| &self.text[word.clone()])
    }

    /// What stands between a word and the next one.
    fn gap(&self, i: usize) -> &str {
        let end = self.words.get(i + 1).map_or(self.text.len(), |next| next.start);
        self.words.get(i).map_or("", |word| &self.text[word.end..end])
    }

    /// What kind of first name the word is; the first part of a compound says it (Jean-Paul). In capitals only a name that
    /// is nothing else counts, before another word in capitals.
    fn kind(&self) -> Option<Kind> {
        let word = self.word(self.at);
        let (head, rest) = word.split_once(['-', '‑']).unwrap_or((word, ""));
        if let Some(kind) = FIRST_NAMES.get(head) {
            let compound = rest.split(['-', '‑']).all(|part| part.starts_with(char::is_uppercase));
            return if rest.is_empty() { Some(*kind) } else { compound.then_some(Kind::Plain) };
        }
        if !is_loud(word) {
            return None;
        }
        let kind = FIRST_NAMES.get(capitalised(&head.to_lowercase()).as_str())?;
        let gap = self.gap(0);
        let speaks = self.at == 0
            && (is_speaker(gap) || (self.words.len() == 1 && gap.starts_with('.')))
            && matches!(kind, Kind::Plain | Kind::Start);
        let named = *kind == Kind::Plain && is_loud(self.word(self.at + 1));
        if speaks { Some(*kind) } else { named.then_some(Kind::Surname) }
    }

    /// Whether a surname in capitals stands behind a title: M. DUPONT.
    fn is_titled(&self) -> bool {
        let word = self.word(self.at);
        among("m mm mme mmes mlle me dr madame monsieur", &self.before().to_lowercase())
            && is_loud(word)
            && is_surname(word, true)
    }

    /// The last word of the name that begins here: other first names and a surname, with its particle.
    fn surname(&self, kind: Kind) -> usize {
        let (lower, first) = (self.before().to_lowercase(), self.word(self.at));
        let crowned = among(CROWNED, &lower);
        let noun = matches!(kind, Kind::Start | Kind::Word | Kind::Surname) && among(DETERMINERS, &lower);
        if crowned || noun {
            return self.at;
        }
        let mut end = self.at;
        let goes_on = |end: usize| matches!(self.gap(end), " " | "\u{a0}" | "\u{202f}");
        while goes_on(end) && FIRST_NAMES.contains_key(self.word(end + 1)) {
            end += 1;
        }
        // “Reine Élisabeth” is no name of this kind, and neither are “Jules César” and “Jean Paul II”.
        let crowned = exonym(self.word(end)).is_some() || (goes_on(end) && is_numbered(self.word(end + 1)));
        if end > self.at && (crowned || matches!(kind, Kind::Word | Kind::Surname)) {
            return self.at;
        }
        let mut last = end;
        while goes_on(last) && is_name_particle(self.word(last + 1)) {
            last += 1;
        }
        let surname = self.word(last + 1);
        let found = goes_on(last) && is_surname(surname, is_loud(first));
        // A surname that English writes otherwise is left to those who know it, the first name as well.
        match found {
            true if is_transliterated(surname) || exonym(surname).is_some() => self.at,
            true => last + 1,
            false => end,
        }
    }

    /// Whether a first name without a surname is that of a person.
    fn is_person(&self, kind: Kind) -> bool {
        if kind == Kind::Surname {
            return false;
        }
        let before = &self.text[..self.words[self.at].start];
        let (lower, gap) = (self.before().to_lowercase(), self.gap(self.at));
        let after = self.word(self.at + 1);
        let called = self.at > 0 && among(CALLS, &lower) && before.ends_with([' ', '\u{a0}']);
        if called || self.is_field(before) {
            return true;
        }
        let adjoins = before.ends_with([' ', '\u{a0}', '\'', '’']);
        let other = self.at > 0 && upper(self.word(self.at - 1)) && !self.begins(self.at - 1);
        // “Catherine de Russie”, “Laurent le Magnifique”, “Nicolas II”, “Lycée Claire” are no names of this kind.
        let goes_on = gap == " " && (upper(after) || (is_linking(after) && upper(self.word(self.at + 2))));
        if goes_on || (adjoins && (other || among(DETERMINERS, &lower) || among(CROWNED, &lower))) {
            return false;
        }
        let opens = opens(before);
        match kind {
            Kind::Plain => true,
            Kind::Start => !opens || self.is_subject() || self.stands_alone(),
            Kind::Word => !opens && !among("de d en", &lower) || self.is_subject(),
            Kind::Surname => false,
        }
    }

    /// Whether the word is followed by a verb, by another name or by what is said of it: “Claire, 34 ans”, “Claire, tu viens ?”
    fn is_subject(&self) -> bool {
        let (gap, after) = (self.gap(self.at), self.word(self.at + 1));
        match gap {
            " " if ["et", "ou"].contains(&after) => FIRST_NAMES.contains_key(self.word(self.at + 2)),
            " " | "'" | "’" | "\u{a0}" => among(VERBAL, after),
            ", " => among("tu vous je j qui elle il c", after),
            _ => gap.starts_with(", ") && gap.contains(|c: char| c.is_numeric()),
        }
    }

    /// Whether the word is a text of its own, as a signature is, or the label of what somebody says.
    fn stands_alone(&self) -> bool {
        let gap = self.gap(self.at);
        let figure = gap.contains(|c: char| c.is_numeric());
        let signs = self.words.len() == 1 && matches!(gap.trim(), "" | "," | ".");
        signs || (self.at == 0 && is_speaker(gap) && !figure)
    }

    /// The word before, if nothing but a space or an apostrophe is between.
    fn before(&self) -> &str {
        let close = |i: usize| matches!(self.gap(i), " " | "\u{a0}" | "\u{202f}" | "'" | "’" | ". " | ".\u{a0}");
        self.at.checked_sub(1).filter(|&i| close(i)).map_or("", |i| self.word(i))
    }

    /// Whether a sentence begins with a word.
    fn begins(&self, i: usize) -> bool {
        self.words.get(i).is_some_and(|word| opens(&self.text[..word.start]))
    }

    /// Whether a text ends with the label of a field that holds a name.
    fn is_field(&self, before: &str) -> bool {
        let Some(label) = before.trim_end().strip_suffix(':') else { return false };
        among(FIELDS, &label.trim().trim_start_matches(['*', '-', ' ']).to_lowercase())
    }
}

/// Whether a sentence or what stands for one begins behind a text.
fn opens(before: &str) -> bool {
    let before = before.trim_end();
    before.is_empty() || before.ends_with(|c: char| ".!?…:;«“\"„(—–-•*|/>".contains(c))
}

/// Whether a name is followed by what it says: “Claire : Oui”, “TOINETTE. — Ha !”.
fn is_speaker(gap: &str) -> bool {
    let gap: String = gap.chars().filter(|c| !c.is_whitespace()).collect();
    [":", ":«", ".—", ".–", ".-", ":—", ":-", "—", "–"].contains(&gap.as_str())
}

fn upper(word: &str) -> bool {
    word.starts_with(char::is_uppercase)
}

/// Words between a first name and where somebody is from, or what he is called.
fn is_linking(word: &str) -> bool {
    among("de du des d le la l", word)
}

/// Two letters or more, all of them capitals.
fn is_loud(word: &str) -> bool {
    let letters = || word.chars().filter(|c| c.is_alphabetic());
    letters().count() > 1 && letters().all(char::is_uppercase)
}

/// A word between a first name and a surname.
fn is_name_particle(word: &str) -> bool {
    among("Le La De Van van Von von der den Den Ben ben El el Al Da Dos Di", word)
}

/// Whether a word can be a surname behind a first name; behind one in capitals it must be in capitals and no word of the grammar.
fn is_surname(word: &str, loud: bool) -> bool {
    let lower = word.to_lowercase();
    let little = among(DETERMINERS, &lower)
        || among(VERBAL, &lower)
        || among("et ou de d à en pour par dans sur avec qui que au il elle monsieur madame mademoiselle", &lower);
    let capital = word.starts_with(char::is_uppercase) && word.chars().count() > 1;
    let fits = !little && if is_loud(word) { roman(word).is_none() && !is_acronym(word) } else { !loud };
    capital && fits && !["Ier", "Iᵉʳ"].contains(&word)
}

/// Whether a surname is a Russian one in French letters, for which English has others.
fn is_transliterated(surname: &str) -> bool {
    let lower = surname.to_lowercase();
    ["tch", "kh", "dj", "iev", "ïev", "ouch", "ouk"].iter().any(|part| lower.contains(part))
        || ["enko", "ov", "ova", "eva", "ski", "skaïa", "ine"].iter().any(|end| lower.ends_with(end))
            && lower.contains("ou")
        || ["enko", "skaïa", "vski"].iter().any(|end| lower.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&str> {
        find(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn the_list_is_in_order_and_marked_with_known_words() {
        let lines: Vec<&str> = include_str!("first_names.tsv").lines().filter(|line| !line.starts_with('#')).collect();
        for line in &lines {
            let (name, mark) = line.split_once('\t').unwrap_or((line, "surname"));
            assert!(["start", "word", "surname"].contains(&mark) && name.starts_with(char::is_uppercase), "{line}");
        }
        assert!(lines.is_sorted() && FIRST_NAMES.len() == lines.len());
    }

    #[test]
    fn first_names_and_surnames_belong_together() {
        for (text, name) in [
            ("Jean Castex a démissionné.", "Jean Castex"),
            ("Aurore Petit, 34 ans", "Aurore Petit"),
            ("Claire FONTAINE est là", "Claire FONTAINE"),
            ("Rose MARTIN est là", "Rose MARTIN"),
            ("Par Laurence Fournier", "Laurence Fournier"),
            ("a assuré Marie Dupont", "Marie Dupont"),
            ("avec Marine Le Pen hier", "Marine Le Pen"),
            ("avec Jean-Paul DUPONT.", "Jean-Paul DUPONT"),
            ("À : Claire Petit", "Claire Petit"),
            ("avec Désiré N'Golo hier", "Désiré N'Golo"),
            ("M. DUPONT est venu", "DUPONT"),
        ] {
            assert_eq!(names(text), [name], "{text}");
        }
    }

    #[test]
    fn a_first_name_alone_is_known_by_what_stands_beside_it() {
        for (text, name) in [
            ("Marie est venue.", "Marie"),
            ("Pierre n'est pas là.", "Pierre"),
            ("Claire", "Claire"),
            ("Claire : Oui.", "Claire"),
            ("Prénom : Rose", "Rose"),
            ("Bonjour Olive,", "Olive"),
            ("Merci Claire !", "Claire"),
            ("TOINETTE. — Ha !", "TOINETTE"),
            ("J'ai vu Blanche hier.", "Blanche"),
            ("Sophie arrive.", "Sophie"),
            ("Claire, tu viens ?", "Claire"),
        ] {
            assert_eq!(names(text), [name], "{text}");
        }
    }

    #[test]
    fn ordinary_words_kings_and_places_are_no_people() {
        for text in [
            "Claire et nette, la réponse est non.",
            "Pierre angulaire du projet",
            "Victoire de Paris",
            "Rose",
            "Jean : 49 €",
            "Blanche comme neige",
            "la Victoire, la Reine Élisabeth, l'Ange Gabriel",
            "Olive, tomate et basilic",
            "le roi Louis XIV et la reine Anne",
            "saint Pierre et la Vierge Marie",
            "Jésus dit à Pierre",
            "Noël est une fête.",
            "Catherine de Russie",
            "Alexandre Loukachenko, Nicolas II",
            "Joseph Staline, Jules César, Jean Paul II",
            "PIERRE BLANCHE",
            "MARIE EST VENUE",
            "en Virginie et à Maurice",
            "Parfait Monsieur",
            "",
        ] {
            assert_eq!(names(text), [""; 0], "{text}");
        }
    }
}
