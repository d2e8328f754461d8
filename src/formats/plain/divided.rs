//! Words at the end of a line: whether the hyphen there divides a word or is the word's own.

use std::collections::HashSet;

/// The words of a text: as they are, with their hyphens, and between those.
pub(super) struct Words<'a>(HashSet<&'a str>);

impl<'a> Words<'a> {
    pub fn of(text: &'a str) -> Self {
        let whole = text.split(|c: char| !c.is_alphabetic() && c != '-');
        Self(whole.flat_map(|word| word.split('-').chain([word])).collect())
    }

    fn has(&self, word: &str) -> bool {
        self.0.contains(word) || self.0.contains(word.to_lowercase().as_str())
    }

    /// Whether the hyphen after `line` goes when `next` joins it: the document knows best; else a hyphen that the language
    /// wants stays.
    pub fn divides(&self, line: &str, next: &str) -> bool {
        let not_letter = |c: char| !c.is_alphabetic();
        let head = line.rsplit(not_letter).next().unwrap_or_default();
        let tail = next.split(not_letter).next().unwrap_or_default();
        let compound = line[..line.len() - head.len()].ends_with('-');
        let goes_on = next[tail.len()..].starts_with('-');
        let whole = !tail.is_empty() && self.has(&format!("{head}{tail}"));
        whole
            || tail.starts_with(char::is_lowercase)
                && !self.has(&format!("{head}-{tail}"))
                && !hyphenated(&head.to_lowercase(), tail, compound, goes_on)
    }
}

const PREFIXES: &[&str] =
    &["non", "demi", "semi", "quasi", "grand", "grands", "après", "avant", "arrière", "vice", "porte", "sous", "là"];

/// Prefixes that words are divided after before a vowel.
const ETYMOLOGICAL: &[&str] = &["in", "dés", "trans", "sub", "mal", "bis", "inter", "hyper", "super"];

const TENS: &[&str] = &["dix", "vingt", "trente", "quarante", "cinquante", "soixante", "quatre"];

const UNITS: &[&str] = &[
    "deux", "trois", "quatr", "cinq", "six", "sept", "huit", "neu", "dix", "vingt", "onz", "douz", "treiz", "quatorz",
    "quinz", "seiz",
];

/// What joins the parts of a compound: arc-en-ciel, c'est-à-dire, a-t-il.
const LINKS: &[&str] = &["à", "en", "de", "du", "la", "le", "les", "sur", "sous", "t", "l", "d", "au", "aux", "et"];

/// Whether French writes a hyphen between `head` and `tail`; `compound` where another stands before them, `goes_on` where one
/// stands after them.
fn hyphenated(head: &str, tail: &str, compound: bool, goes_on: bool) -> bool {
    // Words are divided before a consonant: another hyphen is their own, as in dit-il, peut-être, micro-ondes.
    let vowel = |c: char| "aàâeéèêëiîïoôœuùûyh".contains(c);
    let before_vowel = tail.starts_with(vowel) && !tail.starts_with('h') && !ETYMOLOGICAL.contains(&head);
    if before_vowel || compound && LINKS.contains(&head) || goes_on && LINKS.contains(&tail) {
        return true;
    }
    let polite = head.ends_with("ez") || head.ends_with("ons");
    match tail {
        "je" | "nous" | "vous" | "moi" | "toi" | "même" | "mêmes" => return true,
        "tu" => return head.ends_with(['s', 'x']),
        "ce" => return matches!(head, "est" | "sont" | "fût"),
        "là" => return !matches!(head, "voi" | "de"),
        "ci" => return head.ends_with(['s', 'x']) || matches!(head, "celui" | "celle"),
        "lui" => return head != "ce",
        "le" | "la" | "les" | "leur" => return polite,
        _ => {}
    }
    match head {
        "quasi" => tail != "ment",
        "porte" | "sous" => !["r", "ment", "cri", "sign", "trac", "traire"].iter().any(|end| tail.starts_with(end)),
        "ex" => !tail.starts_with(['c', 'p', 'q', 't']) || tail.starts_with("pr") && tail.len() > 6,
        "mi" => {
            let halves = ["temps", "chemin", "parcours", "course", "hauteur", "saison", "clos", "voix", "journée"];
            let months = ["janvier", "février", "mars", "mai", "juin", "juillet", "septembre", "novembre", "décembre"];
            halves.contains(&tail) || months.contains(&tail)
        }
        "au" | "par" | "ci" => tail.starts_with("de") && !matches!(tail, "deur" | "don"),
        _ => PREFIXES.contains(&head) || TENS.contains(&head) && UNITS.iter().any(|unit| tail.starts_with(unit)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(words: &str, elsewhere: &str) -> String {
        let known = Words::of(elsewhere);
        let join = |word: &str| {
            let (head, tail) = word.rsplit_once('/').unwrap_or((word, ""));
            if known.divides(head, tail) { format!("{head}{tail}") } else { format!("{head}-{tail}") }
        };
        words.split(' ').map(join).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_hyphen_of_a_division_goes() {
        let words = "mo/ment sen/timents vidéo/projecteur péri/scolaires com/me ver/tu mer/ci voi/là ce/lui va/leur \
            enfan/ce mi/nistre ex/pliquer ex/cellent sous/crire quasi/ment dés/ordre au/tour qu'aujour/d'hui";
        assert_eq!(joined(words, ""), words.replace('/', ""));
    }

    #[test]
    fn a_hyphen_of_the_language_stays() {
        let words = "dit/il va-t/il va/t-elle parle-t/on dis/je peux/tu voulez/vous donnez/moi prenez/le allons/y \
            celui/ci ceux/là lui/même peut/être c'est/à-dire c'est-à/dire qu'est/ce vingt/deux soixante/dix quatre/vingts \
            non/violence demi/heure mi/temps ex/mari ex/président grand/mère sous/sol après/midi micro/ondes \
            Covid/19 Jean/Paul Sainte/Marie au/dessus là/bas arc-en/ciel";
        assert_eq!(joined(words, "Covid"), words.replace('/', "-"));
    }

    #[test]
    fn the_document_knows_its_words() {
        assert_eq!(
            joined("porte/monnaie mi/temps ciné/club", "Le mitemps, un ciné-club"),
            "porte-monnaie mitemps ciné-club"
        );
    }
}
