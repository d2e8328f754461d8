//! Whether a segment is something to translate at all.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use crate::text::runs;

use super::numbers::{Number, overlaps_any};
use super::{Span, SpanKind};

/// Where a segment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Route {
    /// To the model.
    Model,
    /// Nothing but figures, signs, units and labels.
    NoWords,
    /// Nothing but what is protected: an address, code, emoji.
    Protected,
    /// Letters that the model cannot read, and hardly anything else.
    Foreign,
    /// A single abbreviation.
    Abbreviation,
    /// Letters spaced out, or one word over and over.
    Pattern,
    /// English already.
    English,
}

/// Units that mean the same in English.
static UNITS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "km m cm mm kg g mg t l L ml cl dl ha h H min s ms W kW MW GW kWh MWh V A mA mAh Hz kHz MHz GHz dB N Pa hPa bar ppm px pt dpi \
     Mo Go Ko ko To Mb Gb MB GB KB kB TB C F K x am pm a.m p.m k M Md"
        .split(' ')
        .collect()
});

/// Words that are frequent in English and are no French words.
static ENGLISH: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "the of and to in is was that for it with are by this from be have has had he she they we you not his her their which who will \
     would been were there what when where how why been than then them these those said about into over our your my its can could \
     should do does did"
        .split_whitespace()
        .collect()
});

/// Words that are frequent in French and are no English words.
static FRENCH: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "le la les des est dans pour qui que une un du et pas avec aux cette ses sont ont leur leurs nous vous ils elles mais où donc \
     été être avoir fait comme plus par sur au ce ces cet il elle je tu ne se de en sa son mon ton l d qu n s c j m à y ou si tout"
        .split_whitespace()
        .collect()
});

/// Decides for `text`, whose first `lead` bytes are a dash or a bullet.
pub(super) fn choose(text: &str, lead: usize, spans: &[Span], numbers: &[Number], keep_english: bool) -> Route {
    let hidden: Vec<Range<usize>> = spans.iter().filter(|s| !s.kind.is_words()).map(|s| s.range.clone()).collect();
    let figures: Vec<Range<usize>> = numbers.iter().map(Number::whole_range).collect();
    let mut words: Vec<(usize, &str)> = Vec::new();
    for range in letters(text) {
        let in_figure = figures.iter().any(|f| f.start <= range.start && range.end <= f.end);
        if range.start >= lead && !overlaps_any(&hidden, &range) && !in_figure {
            words.push((range.start, &text[range]));
        }
    }
    if words.is_empty() {
        let foreign = spans.iter().any(|s| s.kind == SpanKind::Foreign);
        let only_signs = spans.iter().all(|s| matches!(s.kind, SpanKind::Emoji | SpanKind::Sign | SpanKind::Figure));
        return match (foreign, only_signs) {
            (true, _) => Route::Foreign,
            (_, true) => Route::NoWords,
            _ => Route::Protected,
        };
    }
    if !words.iter().any(|(_, w)| w.contains(is_latin)) {
        return Route::Foreign;
    }
    let after_number = |at: usize| {
        text[..at].trim_end().ends_with(|c: char| c.is_ascii_digit() || matches!(c, '/' | '²' | '³' | '°' | '%'))
    };
    // A lone Greek letter is a label, but a line of Greek is none.
    if words.iter().all(|&(at, w)| is_label(w) || (UNITS.contains(w) && after_number(at))) {
        return if words.len() > 2 && words.iter().all(|(_, w)| w.chars().count() == 1) && numbers.is_empty() {
            Route::Pattern
        } else {
            Route::NoWords
        };
    }
    if words.len() > 2 && words.iter().all(|(_, w)| w.chars().count() == 1) {
        return Route::Pattern;
    }
    if words.len() > 3 && words.iter().all(|(_, w)| *w == words[0].1) {
        return Route::Pattern;
    }
    if let [(_, word)] = words[..] {
        let consonants = !word.chars().any(|c| "AEIOUYÀÂÉÈÊËÎÏÔÙÛÜŒ".contains(c) || !c.is_ascii_uppercase());
        if consonants && word.len() > 1 {
            return Route::Abbreviation;
        }
    }
    let foreign: usize =
        spans.iter().filter(|s| s.kind == SpanKind::Foreign).map(|s| text[s.range.clone()].chars().count()).sum();
    let own: usize = words.iter().map(|(_, w)| w.chars().count()).sum();
    if foreign > 8 * own {
        return Route::Foreign;
    }
    if keep_english && is_english(&words) { Route::English } else { Route::Model }
}

/// Whether a letter is of the alphabet that French is written in, full-width forms and ligatures included.
fn is_latin(c: char) -> bool {
    c.is_alphabetic() && matches!(c as u32, 0..=0x24F | 0x1E00..=0x1EFF | 0xFB00..=0xFB06 | 0xFF21..=0xFF5A)
}

/// "A", "b", "IV": a label, not the words à, a, y.
fn is_label(word: &str) -> bool {
    let one = word.chars().count() == 1 && !matches!(word, "à" | "À" | "y" | "Y" | "ô" | "Ô" | "a");
    one || (word.len() > 1 && super::numbers::roman(word).is_some_and(|_| word.chars().all(|c| "IVX".contains(c))))
}

/// Whether the words say that a text is English and not French: at least three of the most frequent words, none of French.
fn is_english(words: &[(usize, &str)]) -> bool {
    let lower = |w: &str| w.to_lowercase();
    let english = words.iter().filter(|(_, w)| ENGLISH.contains(lower(w).as_str())).count();
    let french = words.iter().filter(|(_, w)| FRENCH.contains(lower(w).as_str()) || !w.is_ascii()).count();
    english >= 3 && french == 0 && english * 6 >= words.len()
}

/// Runs of letters.
fn letters(text: &str) -> Vec<Range<usize>> {
    runs(text, |_, c, _| c.is_alphabetic() || unicode_normalization::char::is_combining_mark(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Identity;
    use crate::protect::{ProtectOptions, prepare};

    fn route(text: &str) -> Route {
        prepare(text, &[], &[], &Identity, &ProtectOptions::default()).route()
    }

    #[test]
    fn symbol_only_and_number_only_segments_never_reach_the_model() {
        for text in [
            "!?!?",
            "* * *",
            "…",
            "1 234,56 €",
            "15 h 30",
            "20 °C",
            "12/05/2024",
            "5 km",
            "2 345",
            "A",
            "b)",
            "IV",
            "🎉",
        ] {
            assert_eq!(route(text), Route::NoWords, "{text}");
        }
        assert_eq!(route("https://exemple.fr/a"), Route::Protected);
        assert_eq!(route("`ls -l`"), Route::Protected);
        assert_eq!(route("L E   T I T R E"), Route::Pattern);
        assert_eq!(route("la la la la la la"), Route::Pattern);
        assert_eq!(route("SNCF"), Route::Abbreviation);
    }

    #[test]
    fn sentences_reach_the_model() {
        for text in ["Oui.", "À", "Le chat dort.", "- Le chat", "5 chats", "The end", "Il y a 3 km.", "Menu", "ONU"] {
            assert_eq!(route(text), Route::Model, "{text}");
        }
        assert_eq!(route("The minister announced a rise on Monday."), Route::Model);
        assert_eq!(route("The minister said that it was the end of the month."), Route::English);
    }
}
