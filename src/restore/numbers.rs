//! Every number of the source stands in the translation, as English writes it.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::draft::Draft;
use super::text::words;
use super::{Clock, Currency, Style};
use crate::document::Note;
use crate::protect::Prepared;
use crate::protect::numbers::{Number, UnitKind, Value, currency_names, is_of_day, roman};

/// A number of the source and where the translation has it.
#[derive(Clone, Debug, PartialEq)]
struct Match {
    /// Which number of the source.
    number: usize,
    target: Range<usize>,
}

static TIME: LazyLock<Regex> = LazyLock::new(|| {
    let time = r"(?i)\b(\d{1,2})(?:\s?h(?:ours?|rs?)?\s?(\d{2})\b|\s?h(?:ours?|rs?)?\b|(?:[:.]|,?\s)(\d{2})\b|\b)(?:\s?([ap])\.?\s?m\b\.?)?";
    Regex::new(time).expect("a valid pattern")
});
static FIGURES: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\d{1,3}(?:[ ,.]\d{3})+(?:[.,]\d+)?\b|\d+(?:[.,]\d+)?").expect("a valid pattern"));
static SCALE: LazyLock<Regex> = LazyLock::new(|| {
    let scale = r"^[\s-]?(mille|thousand|k\b|millions?|billions?|milliards?|trillions?|bn\b|m\b|hundred)";
    Regex::new(scale).expect("a valid pattern")
});

/// Writes the numbers of `draft` as English does and puts right those that the model changed. What is nowhere to be
/// found is noted.
pub fn restore(draft: &mut Draft, p: &Prepared, style: &Style) {
    let numbers = p.numbers();
    if numbers.is_empty() {
        return;
    }
    let mut matches = matched(draft, p);
    repair(draft, p, &mut matches);
    for n in missing(draft, p, &matches) {
        let written = p.source()[numbers[n].whole_range()].to_owned();
        draft.notes.push(Note::warning("number_lost", format!("“{written}” is not in the translation")));
    }
    matches.sort_by_key(|m| std::cmp::Reverse(m.target.start));
    for Match { number, target } in matches {
        let (range, new) = write(draft.text(), target, &numbers[number], p, style);
        if draft.is_free(range.clone()) && draft.text()[range.clone()] != new {
            draft.replace(range, &new, Some(numbers[number].whole_range()));
        }
    }
}

/// The numbers of the source that are nowhere in the translation, as the source writes them.
pub fn lost(draft: &Draft, p: &Prepared) -> Vec<String> {
    let matches = matched(draft, p);
    missing(draft, p, &matches).into_iter().map(|n| p.source()[p.numbers()[n].whole_range()].to_owned()).collect()
}

/// The figures of the translation that nothing in the source accounts for: no number, no word for one.
pub fn invented(draft: &Draft, p: &Prepared) -> Vec<String> {
    const SPOKEN: [&str; 44] = [
        "un",
        "une",
        "deux",
        "trois",
        "quatre",
        "cinq",
        "six",
        "sept",
        "huit",
        "neuf",
        "dix",
        "onze",
        "douze",
        "treize",
        "quatorze",
        "quinze",
        "seize",
        "vingt",
        "vingts",
        "trente",
        "quarante",
        "cinquante",
        "soixante",
        "septante",
        "huitante",
        "nonante",
        "cent",
        "cents",
        "mille",
        "million",
        "millions",
        "milliard",
        "milliards",
        "demi",
        "demie",
        "quart",
        "dizaine",
        "douzaine",
        "quinzaine",
        "vingtaine",
        "centaine",
        "midi",
        "minuit",
        "première",
    ];
    let lower = p.source().to_lowercase();
    let spoken = lower.split(|c: char| !c.is_alphanumeric()).any(|w| SPOKEN.contains(&w));
    let (text, matches) = (draft.text(), matched(draft, p));
    // Where a number of the source is said otherwise, or in words, figures in the translation have their reason.
    if spoken || matches.len() < p.numbers().len() {
        return Vec::new();
    }
    let strays = FIGURES.find_iter(text).filter(|m| draft.is_free(m.range()) && is_whole_number(text, &m.range()));
    let strays = strays.filter(|m| !matches.iter().any(|n| n.target.start < m.end() && n.target.end > m.start()));
    strays.map(|m| m.as_str().to_owned()).collect()
}

/// Finds the numbers of the source in the translation by what they are worth; where one occurs twice, the alignment says
/// which is which.
fn matched(draft: &Draft, p: &Prepared) -> Vec<Match> {
    let (text, numbers) = (draft.text(), p.numbers());
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(numbers[i].range.len()), i));
    let mut out: Vec<Match> = Vec::new();
    let len = |n: usize| n.max(1) as f32;
    for i in order {
        let number = &numbers[i];
        let free = |r: &Range<usize>| {
            draft.is_free(r.clone()) && !out.iter().any(|m| m.target.start < r.end && m.target.end > r.start)
        };
        let place = number.range.start as f32 / len(p.source().len());
        let rank = |r: &Range<usize>| {
            let off = (r.start as f32 / len(text.len()) - place).abs();
            draft.tie(r.clone(), number.range.clone()) - 0.1 * off
        };
        let mut best: Option<(f32, Range<usize>)> = None;
        for range in candidates(text, p.source(), number).into_iter().filter(free) {
            let rank = rank(&range);
            if best.as_ref().is_none_or(|(r, _)| rank > *r) {
                best = Some((rank, range));
            }
        }
        if let Some((_, target)) = best {
            out.push(Match { number: i, target });
        }
    }
    out
}

/// Where `text` may have `number`: the best form of writing that occurs.
fn candidates(text: &str, source: &str, number: &Number) -> Vec<Range<usize>> {
    if let Value::Time { hour, minute } = number.value {
        return times(text, hour, minute);
    }
    for form in number.forms(source) {
        let found: Vec<Range<usize>> = text
            .match_indices(form.as_str())
            .map(|(i, s)| i..i + s.len())
            .filter(|r| is_whole_number(text, r))
            .collect();
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// Whether the figures at `r` are a whole number, not a part of a longer one.
fn is_whole_number(text: &str, r: &Range<usize>) -> bool {
    let digit = |c: char| c.is_ascii_digit();
    let (before, after) = (&text[..r.start], &text[r.end..]);
    let cut = |s: &str| s.strip_suffix(['.', ',']).is_some_and(|s| s.ends_with(digit));
    let more = |s: &str| s.strip_prefix(['.', ',']).is_some_and(|s| s.starts_with(digit));
    let in_word = before.ends_with(char::is_alphabetic) && !before.ends_with(char::is_uppercase);
    !(before.ends_with(digit) || after.starts_with(digit) || cut(before) || more(after) || in_word)
}

/// Where `text` has a time of day.
fn times(text: &str, hour: u32, minute: Option<u32>) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    for found in TIME.captures_iter(text) {
        let (Some(all), Some(h)) = (found.get(0), found.get(1)) else { continue };
        let minutes = found.get(2).or(found.get(3)).and_then(|m| m.as_str().parse::<u32>().ok());
        let Ok(mut value) = h.as_str().parse::<u32>() else { continue };
        match found.get(4).map(|m| m.as_str()) {
            Some("p" | "P") if value < 12 => value += 12,
            Some("a" | "A") if value == 12 => value = 0,
            _ => {}
        }
        let same = value % 24 == hour % 24 && minutes.unwrap_or(0) == minute.unwrap_or(0);
        if same && is_whole_number(text, &h.range()) {
            out.push(all.range());
        }
    }
    out
}

/// Puts the source's figures in the place of other ones that the alignment says the model made of them.
fn repair(draft: &mut Draft, p: &Prepared, matches: &mut Vec<Match>) {
    let numbers = p.numbers();
    let open = missing(draft, p, matches);
    let figures = |text: &str| -> Vec<Range<usize>> { FIGURES.find_iter(text).map(|m| m.range()).collect() };
    let strays: Vec<Range<usize>> = figures(draft.text())
        .into_iter()
        .filter(|r| draft.is_free(r.clone()) && is_whole_number(draft.text(), r))
        .filter(|r| !matches.iter().any(|m| m.target.start < r.end && m.target.end > r.start))
        .collect();
    let mut edits: Vec<Match> = Vec::new();
    for &n in &open {
        // A figure in the place of a time or an ordinal may be right in a way that is not known here.
        if !matches!(numbers[n].value, Value::Cardinal { .. }) {
            continue;
        }
        let unused = |r: &&Range<usize>| !edits.iter().any(|m| m.target == **r);
        let tie = |r: &Range<usize>| draft.tie(r.clone(), numbers[n].range.clone());
        let best = strays.iter().filter(unused).max_by(|a, b| tie(a).total_cmp(&tie(b)));
        let only = open.len() == 1 && strays.len() == 1;
        if let Some(range) = best.filter(|r| tie(r) >= 0.4 || (only && (tie(r) >= 0.15 || !draft.is_aligned()))) {
            edits.push(Match { number: n, target: range.clone() });
        }
    }
    edits.sort_by_key(|m| std::cmp::Reverse(m.target.start));
    for edit in edits {
        let number = &numbers[edit.number];
        let new = number.english();
        let was = draft.text()[edit.target.clone()].to_owned();
        let shift = |x: usize| if x >= edit.target.end { x - edit.target.len() + new.len() } else { x };
        for m in matches.iter_mut() {
            m.target = shift(m.target.start)..shift(m.target.end);
        }
        draft.replace(edit.target.clone(), &new, Some(number.range.clone()));
        draft.notes.push(Note::info("number_repaired", format!("{was} became {new}, as in the source")));
        let start = edit.target.start;
        matches.push(Match { number: edit.number, target: start..start + new.len() });
    }
}

/// The numbers of the source that are neither matched nor said in another way.
fn missing(draft: &Draft, p: &Prepared, matches: &[Match]) -> Vec<usize> {
    let found = |i: usize| matches.iter().any(|m| m.number == i);
    (0..p.numbers().len()).filter(|&i| !found(i) && !said(draft.text(), p.source(), &p.numbers()[i])).collect()
}

/// Whether `text` says the number in words, on another scale, in Roman figures or as a decade.
fn said(text: &str, source: &str, number: &Number) -> bool {
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

/// What is to be written for a number that stands at `target`, and the bytes it replaces (with its sign).
fn write(text: &str, target: Range<usize>, number: &Number, p: &Prepared, style: &Style) -> (Range<usize>, String) {
    let here = &text[target.clone()];
    if let Value::Time { hour, minute } = number.value {
        let new = time(here, hour, minute, is_of_day(p.source(), number), style.clock);
        return (target, new);
    }
    if matches!(number.value, Value::Ordinal(_)) {
        return (target, here.to_owned());
    }
    // "2024" may stand as "2,024" in a poor translation: the source says how it is grouped.
    let figures = number.english();
    let (before, after) = (&text[..target.start], &text[target.end..]);
    match number.unit.as_ref().map(|u| &u.kind) {
        Some(UnitKind::Percent) => {
            let rest = after.trim_start_matches([' ', '\u{a0}', '\u{202f}']);
            if rest.starts_with('%') {
                return (target.start..text.len() - rest.len() + 1, format!("{figures}%"));
            }
        }
        Some(UnitKind::Currency(sign, multiple)) => {
            return money(text, target, &figures, *sign, multiple, style.currency);
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

static NUMERO: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:\bn\s?[°ºo]\.?|\bno\.?|\bnumber|\bnum\.?|\bnr\.?|#|№)\s?$").expect("a valid pattern")
});
static MONEY_AFTER: LazyLock<Regex> = LazyLock::new(|| {
    let money = r"^\s?((?:millions?|billions?|thousand|trillions?|[Mk]|bn)\b)?(?:\s?(?:of|d'))?\s?([€$£¥]|[A-Za-z]+(?: sterling)?)";
    Regex::new(money).expect("a valid pattern")
});
static MONEY_BEFORE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"([€$£¥]|\b[A-Z]{3})\s?$").expect("a valid pattern"));

/// An amount of money with the sign of the source.
fn money(
    text: &str,
    target: Range<usize>,
    figures: &str,
    sign: char,
    multiple: &str,
    order: Currency,
) -> (Range<usize>, String) {
    let names = currency_names(sign).1;
    let is_name = |s: &str| s.starts_with(sign) || names.iter().any(|n| n.eq_ignore_ascii_case(s));
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
                scale = if word.len() > 2 { format!(" {word}") } else { word.to_owned() };
                end = target.end + found.get(1).map_or(0, |m| m.end());
            }
            if let Some(name) = named {
                end = target.end + name.end();
            }
        }
    }
    if before.is_none() && end == target.end {
        // The model left the money out.
        scale.push_str(multiple);
    } else if scale.is_empty() {
        scale.push_str(multiple);
    }
    let new = match order {
        Currency::Before => format!("{sign}{figures}{scale}"),
        Currency::Keep => format!("{figures}{scale} {sign}"),
    };
    (start..end, new)
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
        Clock::Twelve if of_day && hour < 24 && (english || preposition) => {
            let (h, half) =
                (if hour.is_multiple_of(12) { 12 } else { hour % 12 }, if hour < 12 { "a.m." } else { "p.m." });
            match minute.filter(|&m| m > 0) {
                Some(m) => format!("{h}:{m:02} {half}"),
                None => format!("{h} {half}"),
            }
        }
        Clock::Twelve if of_day => exact,
        _ if french && hour == 1 => "1 hour".to_owned(),
        _ if french => format!("{hour} hours"),
        _ => here.to_owned(),
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
            (_, Some(UnitKind::Percent)) => format!("{figures}%"),
            (_, Some(UnitKind::Currency(sign, multiple))) => match style.currency {
                Currency::Before => format!("{sign}{figures}{multiple}"),
                Currency::Keep => format!("{figures}{multiple} {sign}"),
            },
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
