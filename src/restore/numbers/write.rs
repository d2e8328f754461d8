//! How English writes a number: amounts of money, percentages, degrees, times of day.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::protect::Prepared;
use crate::protect::numbers::{Money, Number, UnitKind, Value, currency_names};
use crate::protect::times::is_of_day;
use crate::restore::{Clock, Currency, Style};

/// What is to be written for a number that stands at `target`, and the bytes it replaces (with its sign).
pub fn write(text: &str, target: Range<usize>, number: &Number, p: &Prepared, style: &Style) -> (Range<usize>, String) {
    let here = &text[target.clone()];
    if let Value::Time { hour, minute } = number.value {
        let new = time(here, hour, minute, is_of_day(p.source(), number), style.clock);
        return (target, new);
    }
    if let Value::Ordinal(n) = number.value {
        return in_english(text, target, n, p.source(), number.range.clone());
    }
    // "2024" may stand as "2,024" in a poor translation: the source says how it is grouped.
    let figures = number.english();
    let (before, after) = (&text[..target.start], &text[target.end..]);
    match number.unit.as_ref().map(|u| &u.kind) {
        Some(UnitKind::Percent) => {
            let rest = after.trim_start_matches([' ', '\u{a0}', '\u{202f}']);
            let found = rest.len() - rest.trim_start_matches('%').len();
            if found > 0 {
                let signs = percent(&p.source()[number.whole_range()]);
                return (target.start..text.len() - rest.len() + found.min(signs.len()), format!("{figures}{signs}"));
            }
        }
        Some(UnitKind::Money(kind)) => {
            return money(text, target, &figures, *kind, style.currency);
        }
        Some(UnitKind::Degree(scale)) => {
            if let Some(len) = degree(after, *scale) {
                let sign = scale.map_or("°".to_owned(), |c| format!(" °{c}"));
                return (target.start..target.end + len, format!("{figures}{sign}"));
            }
        }
        Some(UnitKind::Numero) => {
            if let Some(found) = NUMERO.find(before) {
                return (found.start()..target.end, format!("No. {figures}"));
            }
        }
        None => {}
    }
    (target, figures)
}

/// The sign of a percentage, doubled where the source doubles it.
fn percent(source: &str) -> &'static str {
    if source.ends_with("%%") { "%%" } else { "%" }
}

static NUMERO: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:\bn\s?[°ºo]\.?|\bno\.?|\bnumber|\bnum\.?|\bnr\.?|#|№)\s?$").expect("a valid pattern")
});
static MONEY_AFTER: LazyLock<Regex> = LazyLock::new(|| {
    let money = r"^\s?((?:(?:(?:M|bn|k)\s)?(?:millions?|billions?|thousand|trillions?)|[Mk]|bn)\b)?(?:(?:\s?(?:of|d'))?\s?([€$£¥]|[A-Za-z]+(?: sterling)?))?";
    Regex::new(money).expect("a valid pattern")
});
static MONEY_BEFORE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"([€$£¥]|\b[A-Z]{3})\s?$").expect("a valid pattern"));

/// An ordinal that is still French, "12e" or "XXe", in English; one that is not stays.
fn in_english(text: &str, target: Range<usize>, n: u64, source: &str, own: Range<usize>) -> (Range<usize>, String) {
    let (before, after, source) = (&source[..own.start], &source[own.end..], &source[own]);
    let suffix = source.trim_start_matches(|c: char| c.is_ascii_digit() || c.is_uppercase());
    let here = &text[target.clone()];
    let copied = here == source || (here.ends_with("th") && here.starts_with(char::is_uppercase));
    let followed = || {
        let rest = text[target.end..].strip_prefix(suffix);
        !suffix.is_empty()
            && here.ends_with(|c: char| c.is_ascii_digit())
            && rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    };
    let end = match copied {
        true => target.end,
        false if followed() => target.end + suffix.len(),
        // “First” lost its ending where it is neither a date nor the number of a chapter.
        false
            if here == "1"
                && is_bare(text, &target)
                && suffix.starts_with(['e', 'r'])
                && !is_plain_first(before, after) =>
        {
            target.end
        }
        false => return (target.clone(), here.to_owned()),
    };
    if source == "Ier" && !text[end..].trim_start().starts_with("centur") && follows_name(before) {
        return (target.start..end, "I".to_owned());
    }
    (target.start..end, format!("{n}{}", ordinal_ending(n)))
}

/// Whether a king or an emperor is before the number.
fn follows_name(before: &str) -> bool {
    let word = before.trim_end().rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    word.starts_with(char::is_uppercase) && !["Le", "Au", "Du"].contains(&word)
}

/// Whether no letter stands behind a figure.
fn is_bare(text: &str, figure: &Range<usize>) -> bool {
    !text[figure.end..].starts_with(char::is_alphabetic)
}

/// Whether English has a plain 1 for "1er" between these: "le 1er mai", "article 1er".
fn is_plain_first(before: &str, after: &str) -> bool {
    const MONTHS: [&str; 12] =
        ["janv", "févr", "mars", "avr", "mai", "juin", "juil", "août", "sept", "oct", "nov", "déc"];
    const PARTS: [&str; 8] = ["article", "alinéa", "paragraphe", "chapitre", "annexe", "titre", "section", "livre"];
    let next = after.trim_start_matches(|c: char| c.is_whitespace() || c == '-').to_lowercase();
    let last = before.trim_end().rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
    let to_date = ["au ", "et ", "ou "]
        .iter()
        .any(|to| next.strip_prefix(to).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())));
    MONTHS.iter().any(|month| next.starts_with(month)) || PARTS.contains(&last.as_str()) || to_date
}

/// What stands behind the figures of 1st, 2nd, 11th.
pub fn ordinal_ending(n: u64) -> &'static str {
    match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    }
}

/// An amount of money with the sign of the source, and the country before it.
fn money(text: &str, target: Range<usize>, figures: &str, money: Money, order: Currency) -> (Range<usize>, String) {
    let names = currency_names(money.sign).1;
    let is_name = |s: &str| s.starts_with(money.sign) || names.iter().any(|n| n.eq_ignore_ascii_case(s));
    let (mut start, mut end) = (target.start, target.end);
    let before = MONEY_BEFORE.captures(&text[..start]).and_then(|c| c.get(1)).filter(|m| is_name(m.as_str()));
    if let Some(sign) = &before {
        start = sign.start();
    }
    let mut scale = String::new();
    if let Some(found) = MONEY_AFTER.captures(&text[end..]) {
        let named = found.get(2).filter(|m| is_name(m.as_str()));
        if named.is_some() || (before.is_some() && found.get(1).is_some()) {
            if let Some(word) = found.get(1).map(|m| m.as_str()) {
                // "M million" of 15 M€, "bn billion" of 15 Md€.
                let word = word.split_whitespace().next_back().unwrap_or(word);
                scale = if word.len() > 2 { format!(" {word}") } else { word.to_owned() };
                end = target.end + found.get(1).map_or(0, |m| m.end());
            }
            if let Some(name) = named {
                end = target.end + name.end();
            }
        }
    }
    match (scale.as_str(), money.multiple) {
        ("" | "M", "M") => " million".clone_into(&mut scale),
        ("" | "bn", "bn") => " billion".clone_into(&mut scale),
        _ => {}
    }
    (start..end, amount(figures, &scale, money, order))
}

/// An amount of money as English writes it.
fn amount(figures: &str, scale: &str, Money { sign, country, .. }: Money, order: Currency) -> String {
    match order {
        Currency::Before => format!("{country}{sign}{figures}{scale}"),
        Currency::Keep => format!("{figures}{scale} {country}{sign}"),
    }
}

/// How many bytes after a number are a degree sign in some guise.
fn degree(after: &str, scale: Option<char>) -> Option<usize> {
    static DEGREE: LazyLock<Regex> = LazyLock::new(|| {
        let degree = r"^\s?(°|º|˚|o|deg(?:rees?)?\.?|degrés?)?\s?(Celsius|Fahrenheit|centigrade|[CF]\b)?";
        Regex::new(degree).expect("a valid pattern")
    });
    let found = DEGREE.captures(after)?;
    let sign = found.get(1).map(|m| m.as_str());
    match (scale, found.get(2)) {
        (Some(c), Some(name)) => name.as_str().to_uppercase().starts_with([c, 'C']).then_some(found.get(0)?.end()),
        (Some(_), None) => sign.and(found.get(1)).map(|m| m.end()),
        // A plain degree: words are fine.
        (None, _) if matches!(sign, Some("°" | "º" | "˚")) => found.get(1).map(|m| m.end()),
        (None, _) if sign.is_none() && !after.trim_start().starts_with(char::is_alphabetic) => Some(0),
        _ => None,
    }
}

/// A time of day. What the model wrote in good English stays unless the style asks for one clock.
fn time(here: &str, hour: u32, minute: Option<u32>, preposition: bool, clock: Clock) -> String {
    let lower = here.to_lowercase();
    // "15h30", and what is left of it where the model lost the letter: "15, 30", "15.30".
    let bare = minute.is_some() && !lower.contains([':', 'm', 'h']);
    let french = bare || (lower.contains('h') && !lower.contains("hour"));
    let english = lower.contains(':') || lower.contains('m');
    let of_day = minute.is_some() || preposition || english;
    let exact = format!("{hour}:{:02}", minute.unwrap_or(0));
    match clock {
        Clock::Keep if !french => here.to_owned(),
        Clock::Keep | Clock::TwentyFour if of_day => exact,
        Clock::Twelve if of_day && hour < 24 && (english || preposition) => twelve(hour, minute),
        Clock::Twelve if of_day => exact,
        _ if french && hour == 1 => "1 hour".to_owned(),
        _ if french => format!("{hour} hours"),
        _ => here.to_owned(),
    }
}

/// A time of day with a.m. or p.m.
fn twelve(hour: u32, minute: Option<u32>) -> String {
    let (h, half) = (if hour.is_multiple_of(12) { 12 } else { hour % 12 }, if hour < 12 { "a.m." } else { "p.m." });
    match minute.filter(|&m| m > 0) {
        Some(m) => format!("{h}:{m:02} {half}"),
        None => format!("{h} {half}"),
    }
}

/// A time of day on the clock of `here`, which is another time.
pub fn clock_like(here: &str, hour: u32, minute: Option<u32>) -> String {
    match here.to_lowercase().contains('m') && hour < 24 {
        true => twelve(hour, minute),
        false => format!("{hour}:{:02}", minute.unwrap_or(0)),
    }
}

/// The numbers of a text that is not translated, written as English does.
pub fn localise(text: &str, numbers: &[Number], style: &Style) -> Vec<(Range<usize>, String)> {
    let mut out = Vec::new();
    for number in numbers {
        let figures = number.english();
        let range = number.whole_range();
        let new = match (&number.value, number.unit.as_ref().map(|u| &u.kind)) {
            (Value::Time { hour, minute: Some(m) }, _) => match style.clock {
                Clock::Twelve => time(":", *hour, Some(*m), false, style.clock),
                _ => figures,
            },
            (Value::Time { .. } | Value::Ordinal(_), _) => continue,
            (_, Some(UnitKind::Percent)) => format!("{figures}{}", percent(&text[range.clone()])),
            (_, Some(UnitKind::Money(money))) => amount(&figures, money.multiple, *money, style.currency),
            (_, Some(UnitKind::Degree(Some(c)))) => format!("{figures} °{c}"),
            (_, Some(UnitKind::Degree(None))) => format!("{figures}°"),
            (_, Some(UnitKind::Numero)) => format!("No. {figures}"),
            (_, None) => figures,
        };
        let rest = &text[range.end..];
        let bytes = [("Mo", "MB"), ("Go", "GB"), ("Ko", "kB"), ("ko", "kB"), ("To", "TB")];
        let unit = rest.trim_start_matches(crate::protect::numbers::is_space);
        let octets = bytes.iter().find(|(f, _)| {
            unit.strip_prefix(f).is_some_and(|r| !r.starts_with(char::is_alphanumeric)) && number.unit.is_none()
        });
        match octets {
            Some((french, english)) => {
                out.push((range.start..text.len() - unit.len() + french.len(), format!("{new} {english}")));
            }
            None => out.push((range, new)),
        }
    }
    out
}
