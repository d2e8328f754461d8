//! Numbers in words, on another scale, in Roman figures.

use std::sync::LazyLock;

use regex::Regex;

use super::FIGURES;
use crate::protect::numbers::{Number, Value, roman};
use crate::restore::text::words;

static SCALE: LazyLock<Regex> = LazyLock::new(|| {
    let scale = r"^[\s-]?(mille|thousand|k\b|millions?|billions?|milliards?|trillions?|bn\b|m\b|hundred)";
    Regex::new(scale).expect("a valid pattern")
});

/// French words that count.
const COUNTS: &str = "un une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize vingt \
    vingts trente quarante cinquante soixante septante huitante nonante cent cents mille million \
    millions milliard milliards demi demie quart dizaine douzaine quinzaine vingtaine centaine midi \
    minuit première";

/// Whether a French text counts something in words.
pub fn counts_in_words(text: &str) -> bool {
    let lower = text.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).any(|w| COUNTS.split(' ').any(|count| count == w))
}

/// Whether `text` says the number in words, on another scale, in Roman figures or as a decade.
pub fn said(text: &str, source: &str, number: &Number) -> bool {
    let lower = text.to_lowercase();
    let spoken: Vec<&str> = words(&lower).into_iter().map(|w| &lower[w]).flat_map(|w| w.split('-')).collect();
    let has = |w: &str| spoken.iter().any(|s| s.trim_end_matches("'s") == w);
    let value = match &number.value {
        Value::Cardinal { whole, fraction: None, .. } => whole.parse::<u64>().ok(),
        Value::Cardinal { .. } => None,
        Value::Ordinal(n) => Some(*n),
        Value::Time { hour, minute } => {
            if matches!(hour, 0 | 12 | 24) && ["noon", "midnight", "midday"].iter().any(|w| has(w)) {
                return true;
            }
            // "at half past eight", "8 o'clock", "a quarter to nine".
            let hours = [u64::from(*hour), u64::from(hour % 12), u64::from(hour + 1), u64::from((hour + 1) % 12)];
            let spoken = hours.iter().any(|&h| in_words(h, &has) || spoken.contains(&h.to_string().as_str()));
            return spoken && (minute.is_none() || has("past") || has("to") || has("o'clock"));
        }
    };
    let near = |values: &[f64]| -> bool {
        let factor = scale(&source[number.range.end..]);
        let Some(worth) = number.decimal().map(|d| d * factor) else { return false };
        FIGURES.find_iter(&lower).any(|m| {
            let figure = m.as_str().replace([',', ' '], "");
            let f = scale(&lower[m.end()..]);
            values.iter().chain([&f]).any(|f| figure.parse::<f64>().is_ok_and(|v| (v * f - worth).abs() < worth * 1e-9))
        })
    };
    if let Some(value) = value {
        let decade = value < 100
            && FIGURES.find_iter(&lower).any(|m| {
                let s = m.as_str();
                s.len() == 4
                    && (s.starts_with("19") || s.starts_with("18") || s.starts_with("20"))
                    && s.ends_with(&format!("{value:02}"))
            });
        let is_roman = words(text).into_iter().any(|w| {
            let figures = text[w.clone()].trim_end_matches(|c: char| c.is_lowercase());
            !figures.is_empty() && roman(figures) == Some(value)
        });
        let ordinal = matches!(number.value, Value::Ordinal(_));
        if decade || (ordinal && is_roman) || in_words(value, &has) {
            return true;
        }
    }
    near(&[])
}

/// What "millions" and the like after a number multiply it by.
fn scale(after: &str) -> f64 {
    match SCALE.captures(after).and_then(|c| c.get(1)).map(|m| m.as_str()) {
        Some("hundred") => 1e2,
        Some("mille" | "thousand" | "k") => 1e3,
        Some("million" | "millions" | "m") => 1e6,
        Some("milliard" | "milliards" | "billion" | "billions" | "bn") => 1e9,
        Some("trillion" | "trillions") => 1e12,
        _ => 1.0,
    }
}

const UNITS: [&str; 20] = [
    "zero|no|none|nil",
    "one|a|an|first|once|single|1st",
    "two|second|twice|both|half|pair|couple|2nd",
    "three|third|triple|3rd",
    "four|fourth|quarter",
    "five|fifth",
    "six|sixth",
    "seven|seventh",
    "eight|eighth",
    "nine|ninth",
    "ten|tenth",
    "eleven|eleventh",
    "twelve|twelfth|dozen",
    "thirteen|thirteenth",
    "fourteen|fourteenth",
    "fifteen|fifteenth|fortnight",
    "sixteen|sixteenth",
    "seventeen|seventeenth",
    "eighteen|eighteenth",
    "nineteen|nineteenth",
];
const TENS: [&str; 10] = [
    "",
    "",
    "twenty|twentieth|twenties",
    "thirty|thirtieth|thirties",
    "forty|fortieth|forties",
    "fifty|fiftieth|fifties",
    "sixty|sixtieth|sixties",
    "seventy|seventieth|seventies",
    "eighty|eightieth|eighties",
    "ninety|ninetieth|nineties",
];

/// Whether the words say `value`.
fn in_words(value: u64, has: &dyn Fn(&str) -> bool) -> bool {
    let any = |alternatives: &str| !alternatives.is_empty() && alternatives.split('|').any(has);
    match usize::try_from(value) {
        Ok(n) if n < 20 => any(UNITS[n]),
        Ok(n) if n < 100 => any(TENS[n / 10]) && (n % 10 == 0 || any(UNITS[n % 10])),
        Ok(n @ (100 | 1000 | 1_000_000)) => has(match n {
            100 => "hundred",
            1000 => "thousand",
            _ => "million",
        }),
        Ok(n) if n < 1000 && n % 100 == 0 => has("hundred") && any(UNITS[n / 100]),
        Ok(n) if n < 100_000 && n % 1000 == 0 => has("thousand") && in_words(value / 1000, has),
        Ok(n) if n < 100_000_000 && n % 1_000_000 == 0 => has("million") && in_words(value / 1_000_000, has),
        _ => false,
    }
}
