//! Whether a full stop ends a sentence, or belongs to an abbreviation, an initial, a list number or a name.

use super::words::{is_initial, text_end, word_at, word_before};
use super::{Next, Reader, Stop, is_dash};
use crate::split::abbreviations::{self, Kind};

impl Reader<'_> {
    /// Whether the full stop at `i` ends a sentence, `next` being no lower-case word.
    pub(super) fn period_ends(&self, i: usize, closed: bool, next: &Next) -> bool {
        let text = self.text;
        let word = word_before(text, i);
        let letters = word.chars().count();
        let Some(first) = word.chars().next() else { return true };
        let begin = i - letters;
        let follower = word_at(text, next.at);
        let label = text.get(next.at).is_numeric() || abbreviations::is_roman(&follower) || is_initial(text, next.at);
        let starter = !next.bracket && !is_initial(text, next.at) && abbreviations::starts_sentences(&follower);
        let article = !next.bracket && abbreviations::is_article(&follower);
        if !closed && self.is_list_number(begin, &word) {
            return false;
        }
        if word.contains('.') {
            match abbreviations::kind(&word) {
                Kind::Never => return closed,
                Kind::Ends => return !next.bracket,
                _ => {}
            }
            let acronym = word.split('.').all(|part| {
                let part = part.trim_start_matches('-');
                let mut letters = part.chars();
                let first = letters.next();
                let rest = letters.clone().count();
                first.is_some_and(char::is_alphabetic)
                    && letters.all(char::is_alphabetic)
                    && (rest == 0 || (rest < 3 && first.is_some_and(char::is_uppercase)))
            });
            if !acronym {
                return true;
            }
            // The birth of Christ counts years and ends what it stands in.
            if matches!(word.as_str(), "J.-C" | "J.C") && begin > 0 {
                let era = word_before(text, text_end(text, begin));
                if matches!(era.to_lowercase().as_str(), "av" | "apr" | "ap" | "avant" | "après") {
                    // En 52 av. J.-C. César …: a date by itself is no sentence.
                    let spaces = text.chars[self.start..begin].iter().filter(|c| c.is_whitespace());
                    return !label && !next.bracket && (starter || spaces.take(4).count() > 3);
                }
            }
            // N.B. and P.S. lead.
            return (starter || article) && !self.only_signs(begin);
        }
        // Cuire 20 min. Servir; l'un est de 230 V. Le courant
        if abbreviations::is_unit(&word) && self.follows_number(begin) {
            return !label && !next.bracket;
        }
        if letters == 1 {
            let degrees = matches!(first, 'C' | 'F') && text.before(text_end(text, begin)) == '°';
            if degrees || text.before(begin) == '°' {
                return true;
            }
            return if first.is_uppercase() {
                abbreviations::kind(&word) != Kind::Never
                    && (starter || self.lettered(begin) && !label || (article && self.names_a_thing(begin)))
                    || closed
            } else if first.is_alphabetic() {
                let unit = begin > 0 && text.chars[text_end(text, begin).saturating_sub(1)].is_numeric();
                let whole = "'’/".contains(text.before(begin)) || matches!(first, 'a' | 'y' | 'à' | 'ô');
                whole
                    || closed
                    || (unit && !label && !next.bracket)
                    || ((starter || article) && (first == 's' || self.names_a_thing(begin)))
            } else {
                true
            };
        }
        match abbreviations::kind(&word) {
            Kind::Word => true,
            Kind::Never => closed,
            Kind::Ends => !next.bracket,
            Kind::MayEnd => starter || article || closed && !label,
            Kind::BeforeNumber => {
                let common = abbreviations::is_common_word(&word);
                // La fig. B, le bât. C
                let lettered = follower.chars().count() == 1 && !common;
                !label && !lettered && !next.bracket && (starter || article || closed || common)
            }
        }
    }

    /// Whether `word` at `begin` numbers an item: it begins the sentence, or comes after a colon.
    fn is_list_number(&self, begin: usize, word: &str) -> bool {
        let numbers = word.chars().count() == 1
            || abbreviations::is_roman(word)
            || (word.len() <= 6
                && word
                    .split('.')
                    .all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())));
        let before = text_end(self.text, begin);
        numbers && (self.only_signs(before) || ":;(".contains(self.text.before(before)))
    }

    /// Whether only signs stand between the start of the sentence and `end`, near enough to look.
    fn only_signs(&self, end: usize) -> bool {
        end <= self.start + 4 && !self.text.chars[self.start.min(end)..end].iter().any(|c| c.is_alphanumeric())
    }

    /// Whether a number stands before `begin`.
    fn follows_number(&self, begin: usize) -> bool {
        self.text.before(text_end(self.text, begin)).is_numeric()
    }

    /// Whether the word before the single letter at `begin` is one that takes a letter.
    fn lettered(&self, begin: usize) -> bool {
        abbreviations::is_lettered(&word_before(self.text, text_end(self.text, begin)))
    }

    /// Whether the word before the single letter at `begin` is a thing that letters tell apart (le plan B, la vitamine
    /// C), rather than a name or a word that leads to one.
    fn names_a_thing(&self, begin: usize) -> bool {
        let end = text_end(self.text, begin);
        let before = word_before(self.text, end);
        // A, B et C
        if matches!(before.as_str(), "et" | "ou") && end >= 2 {
            let letter = word_before(self.text, text_end(self.text, end - 2));
            return letter.chars().count() == 1 && letter.chars().all(char::is_uppercase);
        }
        let lower = before.chars().next().is_some_and(|c| c.is_lowercase() || c.is_numeric());
        lower && before.chars().count() > 3 && !abbreviations::joins(&before)
    }

    /// Whether the writer forgot the space after a stop: "fini.Il repart".
    pub(super) fn lacks_space(&self, stop: Stop, i: usize, end: usize, next: &Next) -> bool {
        let text = self.text;
        // Il sortit.--La nuit tombait.
        if next.dash
            && text.get(next.at).is_uppercase()
            && (is_dash(text.get(end)) && text.get(end + 1) == '-' || text.get(end) == '—')
        {
            return stop != Stop::Period || self.period_ends(i, false, next);
        }
        if next.bracket || next.dash {
            return false;
        }
        let (a, b) = (text.get(next.at), text.get(next.at + 1));
        let capital = a.is_uppercase() && (b.is_lowercase() || "'’".contains(b));
        let (y, z) = (text.before(i.saturating_sub(1)), text.before(i));
        let ended = (z.is_lowercase() && (y.is_lowercase() || end > i + 1))
            || (z.is_numeric() && y.is_numeric())
            || z.is_whitespace()
            || ")]»”".contains(z);
        if !capital || !ended {
            return false;
        }
        // In a name of a file, a site or a method the stop is no stop.
        let from = i.saturating_sub(60);
        let to = (next.at + 60).min(text.len());
        let head = text.chars[from..i].iter().rev().take_while(|c| !c.is_whitespace());
        let tail = text.chars[next.at..to].iter().take_while(|c| !c.is_whitespace());
        if head.chain(tail).any(|c| "/\\@_=<>(".contains(*c)) {
            return false;
        }
        let dotted = text.chars[from..i].iter().rev().take_while(|c| !c.is_whitespace()).any(|&c| c == '.');
        let follower = word_at(text, next.at).to_lowercase();
        let extension = matches!(
            follower.as_str(),
            "com" | "net" | "org" | "fr" | "js" | "io" | "be" | "ch" | "eu" | "pdf" | "exe"
        );
        stop != Stop::Period
            || (!dotted && !extension && matches!(abbreviations::kind(&word_before(text, i)), Kind::Word | Kind::Ends))
    }
}
