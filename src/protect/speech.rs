//! Finds who speaks beside a quotation ("…", a souligné la ministre): a model translates that best where the verb is the plainest one, so
//! that is what it sees; what verb it was is put into the English afterwards.
//!
//! `speech.tsv` has the verbs: the infinitive, and the English in the past and in the present.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::wording::Wording;
use crate::french::verbs::{Form, readings};

/// A verb of speech.
struct Verb {
    reflexive: bool,
    /// What always follows it: "valoir" of "faire valoir".
    rest: &'static str,
    past: &'static str,
    present: &'static str,
}

/// The verbs of speech by their infinitives, the second word of some left off.
static VERBS: LazyLock<HashMap<&str, Vec<Verb>>> = LazyLock::new(|| {
    let mut out: HashMap<&str, Vec<Verb>> = HashMap::new();
    for line in include_str!("speech.tsv").lines() {
        let mut fields = line.split('\t');
        let french = fields.next().unwrap_or_default();
        let (past, present) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        let plain = french.strip_prefix("se ").or_else(|| french.strip_prefix("s'"));
        let reflexive = plain.is_some();
        let (infinitive, rest) = plain.unwrap_or(french).split_once(' ').unwrap_or((plain.unwrap_or(french), ""));
        out.entry(infinitive).or_default().push(Verb { reflexive, rest, past, present });
    }
    out
});

/// The plainest of them, and what a model writes for its past and its present.
const PLAIN: &str = "déclarer";
const PAST: [&str; 3] = ["said", "declared", "stated"];
const PRESENT: [&str; 5] = ["says", "declares", "states", "say", "declare"];
/// What models know well beside a name.
const USUAL: [&str; 12] = [
    "affirmer",
    "ajouter",
    "annoncer",
    "confirmer",
    "déclarer",
    "demander",
    "estimer",
    "expliquer",
    "indiquer",
    "préciser",
    "rappeler",
    "répondre",
];

/// The ends of quotations, and the commas and marks within them behind which an attribution may stand.
static PLACE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"(?:([»”"]\s?,?)|[,!?…])\s+"#).expect("a valid pattern"));

/// "a-t-elle ensuite souligné", "souligne-t-elle", "a souligné", "souligne": pronoun, auxiliary or verb, subject, adverbs, participle.
static SHAPES: LazyLock<[Regex; 4]> = LazyLock::new(|| {
    let own = r"(?P<own>s['’]|se )?";
    let auxiliary = r"(?P<verb>ai|a|ont|avait|avaient|aura|aurait|auraient|est|sont|était|étaient)";
    let subject = r"-(?:t-)?(?P<subject>ils?|elles?)\b";
    let adverbs =
        r"(?P<adverbs>(?: (?:aussi|alors|ensuite|encore|également|enfin|ainsi|déjà|toutefois|même|\p{L}+ment))*)";
    let pattern = |shape: String| Regex::new(&format!("^{shape}")).expect("a valid pattern");
    [
        pattern(format!(r"{own}{auxiliary}{subject}{adverbs} (?P<participle>\p{{L}}+)(?P<rest> \p{{L}}+)?")),
        pattern(format!(r"{own}(?P<verb>\p{{L}}+){subject}(?P<rest> \p{{L}}+)?")),
        pattern(format!(r"{own}{auxiliary}{adverbs} (?P<participle>\p{{L}}+)(?P<rest> \p{{L}}+)?")),
        pattern(format!(r"{own}(?P<verb>\p{{L}}+)(?P<rest> \p{{L}}+)?")),
    ]
});

/// Every attribution of `text` with the words to show for its verb.
pub fn find(text: &str) -> Vec<Wording> {
    let mut out = Vec::new();
    for place in PLACE.captures_iter(text) {
        let Some(all) = place.get(0).filter(|all| all.start() > 0) else { continue };
        let marked = text[..all.start()].trim_end().ends_with(['!', '?', '…']);
        let behind = match place.get(1) {
            // A turn of speech has no marks.
            None if text.trim_start().starts_with(['—', '–']) => Behind::Quotation,
            None => Behind::Clause,
            Some(_) if all.as_str().contains(',') => Behind::Quotation,
            Some(_) if marked => Behind::Question,
            Some(_) => Behind::Citation,
        };
        let here = &text[all.end()..];
        let found = SHAPES.iter().find_map(|shape| attribution(here, &shape.captures(here)?, behind));
        out.extend(found.map(|Wording { range, mut shown, instead }| {
            // Without a comma the model takes the verb of a question for another one.
            if behind == Behind::Question {
                shown.insert_str(0, ", ");
            }
            Wording { range: all.end() + range.start..all.end() + range.end, shown, instead }
        }));
    }
    out
}

/// What stands before an attribution.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Behind {
    /// A part of a quotation, or of a turn of speech.
    Clause,
    /// A quotation that a comma ends.
    Quotation,
    /// A quotation that ends with a mark of its own, and no comma.
    Question,
    /// One that may be a word of the sentence: "le mot « non » souligne un refus".
    Citation,
}

/// The attribution that `text` begins with, as one of the [`SHAPES`] found it.
fn attribution(text: &str, found: &Captures<'_>, behind: Behind) -> Option<Wording> {
    let part = |name| found.name(name).map_or("", |part| part.as_str());
    let subject = part("subject").to_lowercase();
    let participle = found.name("participle");
    let spoken = participle.or(found.name("verb"))?;
    let rest = found.name("rest").filter(|rest| text[rest.end()..].chars().next().is_none_or(|c| !c.is_alphanumeric()));
    let (verb, form) =
        verb(spoken.as_str(), part("own"), rest.map_or("", |rest| rest.as_str().trim()), participle.is_some())?;
    let last = rest.filter(|_| !verb.rest.is_empty()).map_or(spoken.end(), |rest| rest.end());
    let end = last.max(found.name("subject").map_or(0, |subject| subject.end()));
    let usual = USUAL.contains(&form.infinitive()) && verb.rest.is_empty() && behind != Behind::Question;
    let name = text[end..].trim_start().starts_with(char::is_uppercase);
    let named = names_subject(&text[end..])
        && match behind {
            Behind::Clause => name && form.is_simple_past(),
            Behind::Quotation | Behind::Question => true,
            Behind::Citation => name,
        };
    if subject.is_empty() && (usual || !named) {
        return None;
    }
    let perfect = participle.is_some() || form.is_simple_past();
    let finite = match participle {
        // "S'est indigné" is "a déclaré".
        Some(_) => readings(&part("verb").to_lowercase()).iter().find_map(|form| form.of("avoir"))?,
        None if perfect && form.is_plural() => "ont",
        None if perfect => "a",
        None => form.of(PLAIN)?,
    };
    let pronoun = match subject.as_str() {
        "" => String::new(),
        subject if finite.ends_with(['a', 'e']) => format!("-t-{subject}"),
        subject => format!("-{subject}"),
    };
    let said = if perfect { " déclaré" } else { "" };
    let shown = format!("{finite}{pronoun}{}{said}", part("adverbs"));
    Some(Wording { range: 0..end, shown, instead: english(verb, &subject) })
}

/// The verb of speech that `word` is a form of: a participle or a third person.
fn verb(word: &str, own: &str, rest: &str, participle: bool) -> Option<(&'static Verb, Form)> {
    let fits = |form: &&Form| if participle { form.is_past_participle() } else { form.is_third_person() };
    let word = word.to_lowercase();
    // "Dit Paul" is the past.
    let past_first = |form: &&Form| !form.is_simple_past();
    let mut forms: Vec<&Form> = readings(&word).iter().filter(fits).collect();
    forms.sort_by_key(past_first);
    forms.into_iter().find_map(|&form| {
        let of_form = |verb: &&Verb| verb.reflexive != own.is_empty() && (verb.rest.is_empty() || verb.rest == rest);
        let verbs = VERBS.get(form.infinitive())?.iter().filter(of_form);
        Some((verbs.max_by_key(|verb| verb.rest.len())?, form))
    })
}

/// Whether what follows a verb may be who speaks: a name, or an article and a noun.
fn names_subject(rest: &str) -> bool {
    const DETERMINERS: [&str; 23] = [
        "le", "la", "les", "l", "un", "une", "des", "ce", "cet", "cette", "ces", "son", "sa", "ses", "leur", "leurs",
        "mon", "ma", "mes", "notre", "nos", "votre", "vos",
    ];
    let Some(rest) = rest.strip_prefix(char::is_whitespace) else { return false };
    let word = rest.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    word.starts_with(char::is_uppercase) || word.starts_with("celui") || DETERMINERS.contains(&word)
}

/// What a model writes for the plainest verb, with what the verb is in English. A pronoun beside it is who speaks, no thing.
fn english(verb: &Verb, subject: &str) -> Vec<(String, String)> {
    let past = PAST.map(|said| (said, verb.past));
    let present = PRESENT.map(|says| (says, verb.present));
    let plain = past.into_iter().chain(present);
    let who = match subject {
        "" => return plain.map(|(theirs, ours)| (theirs.to_owned(), ours.to_owned())).collect(),
        "il" => "he",
        "elle" => "she",
        _ => "they",
    };
    let others = ["he", "she", "it", "they"];
    let with_pronoun = plain
        .clone()
        .flat_map(|(theirs, ours)| others.map(|other| (format!("{other} {theirs}"), format!("{who} {ours}"))));
    // An adverb may stand between.
    with_pronoun.chain(plain.map(|(theirs, ours)| (theirs.to_owned(), ours.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut out = text.to_owned();
        find(text).into_iter().rev().for_each(|wording| out.replace_range(wording.range, &wording.shown));
        out
    }

    #[test]
    fn who_speaks_is_shown_with_the_plainest_verb() {
        for (text, plain) in [
            ("« Non », a souligné Marie.", "« Non », a déclaré Marie."),
            ("« Non », s'est indignée la ministre.", "« Non », a déclaré la ministre."),
            ("« Non », s’indigne-t-elle.", "« Non », déclare-t-elle."),
            ("« Non », a-t-elle ensuite martelé.", "« Non », a-t-elle ensuite déclaré."),
            ("« Non », fait-elle valoir.", "« Non », déclare-t-elle."),
            ("« Non », a fait savoir le parquet.", "« Non », a déclaré le parquet."),
            ("« Oui ? » demanda-t-il.", "« Oui ? » , a-t-il déclaré."),
            ("« Ce projet, dit-elle, est mort. »", "« Ce projet, a-t-elle déclaré, est mort. »"),
            ("« Non », dit Paul.", "« Non », a déclaré Paul."),
            ("— Entrez, dit le vieux.", "— Entrez, a déclaré le vieux."),
            ("Entrez, dit Paul.", "Entrez, a déclaré Paul."),
            ("« Oui ! » déclare la ministre.", "« Oui ! » , déclare la ministre."),
            ("« Non », insistent les élus.", "« Non », déclarent les élus."),
            ("\"Non\", avaient-ils prévenu.", "\"Non\", avaient-ils déclaré."),
        ] {
            assert_eq!(shown(text), plain);
        }
    }

    #[test]
    fn other_verbs_and_places_are_left_alone() {
        for text in [
            "Il a souligné la fin.",
            "Le mot « non » souligne un refus.",
            "Le maire, a souligné la presse, a menti.",
            "« Non », selon la ministre.",
            "« Non », a mangé Paul.",
            "« Ce mot » a choqué la ministre.",
        ] {
            assert_eq!(shown(text), text);
        }
    }

    #[test]
    fn the_verb_is_known_in_english() {
        let found = &find("« Non », s'indigne-t-elle.")[0];
        assert!(found.instead.contains(&("it says".to_owned(), "she says indignantly".to_owned())));
        let found = &find("« Non », a souligné Marie.")[0];
        assert!(found.instead.contains(&("said".to_owned(), "stressed".to_owned())));
    }
}
