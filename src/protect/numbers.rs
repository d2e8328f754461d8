//! Reads the numbers of a French text: what they are worth, however they are written.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::times;

mod money;

pub use money::{CURRENCIES, Money, currency_names};
use money::{Price, THOUSANDS, count_thousands, country, price, share_units};

/// A number as it stands in a French text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// Bytes of the figures with their separators, without sign or unit.
    pub range: Range<usize>,
    pub value: Value,
    /// What it counts, where that is written with a sign that English places otherwise.
    pub unit: Option<Unit>,
    /// The number and its unit as French may also write them, for the model to see: it misreads "2 €50" and "12 k€".
    pub shown: Option<String>,
}

/// What a number is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Figures without separators; `grouped` where the source parted the thousands.
    Cardinal { whole: String, fraction: Option<String>, grouped: bool },
    /// 15 h 30, 15h.
    Time { hour: u32, minute: Option<u32> },
    /// 1er, 2e, XXe.
    Ordinal(u64),
}

/// A sign that belongs to a number; the range covers the number, the sign and the space between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    pub range: Range<usize>,
    pub kind: UnitKind,
}

/// The signs whose place or spacing differs between French and English.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnitKind {
    Percent,
    Money(Money),
    /// °C, °F or a lone °.
    Degree(Option<char>),
    /// n° 5.
    Numero,
}

/// Spaces that part thousands or a number from its unit.
pub fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\u{2007}' | '\u{2008}')
}

impl Number {
    /// The figures as English writes them: 1,234.56, 15:30; for an ordinal the plain figures.
    pub fn english(&self) -> String {
        match &self.value {
            Value::Cardinal { whole, fraction, grouped } => {
                let mut out = if *grouped { group(whole) } else { whole.clone() };
                if let Some(fraction) = fraction {
                    out.push('.');
                    out.push_str(fraction);
                }
                out
            }
            Value::Time { hour, minute } => format!("{hour}:{:02}", minute.unwrap_or(0)),
            Value::Ordinal(n) => n.to_string(),
        }
    }

    /// The ways in which a translation may write the same figures, the likeliest first.
    pub fn forms(&self, text: &str) -> Vec<String> {
        let mut out = Vec::new();
        let mut add = |s: String| {
            if !s.is_empty() && !out.contains(&s) {
                out.push(s);
            }
        };
        match &self.value {
            Value::Cardinal { whole, fraction, .. } => {
                let tails: Vec<String> = match fraction {
                    Some(f) => vec![format!(".{f}"), format!(",{f}")],
                    None => vec![String::new()],
                };
                if self.shown.is_none() {
                    add(text[self.range.clone()].chars().map(|c| if is_space(c) { ' ' } else { c }).collect());
                }
                for tail in tails {
                    add(format!("{}{tail}", group(whole)));
                    add(format!("{whole}{tail}"));
                    add(format!("{}{tail}", group(whole).replace(',', " ")));
                    add(format!("{}{tail}", group(whole).replace(',', ".")));
                }
                if fraction.is_none() {
                    // What a model may make of France 2.
                    add(format!("{whole}.00"));
                }
            }
            // Times are found by what they are worth; ordinals by their figures.
            Value::Time { .. } => {}
            Value::Ordinal(n) => {
                add(n.to_string());
                let own = &text[self.range.clone()];
                let roman = own.trim_end_matches(|c: char| !matches!(c, 'I' | 'V' | 'X' | 'L' | 'C'));
                if !roman.is_empty() {
                    // What a model makes of IIIe that knows no Roman numbers.
                    add(format!("{roman}th"));
                }
                add(own.to_owned());
            }
        }
        out
    }

    /// The worth as a plain decimal, where it is a cardinal.
    pub fn decimal(&self) -> Option<f64> {
        match &self.value {
            Value::Cardinal { whole, fraction, .. } => {
                format!("{whole}.{}", fraction.as_deref().unwrap_or("0")).parse().ok()
            }
            _ => None,
        }
    }

    /// All that belongs to the number, its sign included.
    pub fn whole_range(&self) -> Range<usize> {
        self.unit.as_ref().map_or_else(|| self.range.clone(), |u| u.range.clone())
    }
}

/// Commas between groups of three figures.
pub fn group(figures: &str) -> String {
    let mut out = String::with_capacity(figures.len() + figures.len() / 3);
    for (i, c) in figures.chars().enumerate() {
        if i > 0 && (figures.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

static ROMAN: LazyLock<Regex> = LazyLock::new(|| {
    // "Le", "Les", "Ce", "Vers" are words: only I takes "er", and L and C do not stand alone.
    let roman = r"\b(?:([IVX]|[IVXLC]{2,})(?:e|ème|ᵉ)|(I)(?:er|ère|re))\b";
    Regex::new(roman).expect("a valid pattern")
});

/// The numbers of `text` outside `taken` (sorted ranges), in order.
pub fn read(text: &str, taken: &[Range<usize>]) -> Vec<Number> {
    let mut out = Vec::new();
    let free = |r: &Range<usize>| !overlaps_any(taken, r);
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if !bytes[i].is_ascii_digit() {
            i += 1;
            continue;
        }
        let before = text[..i].chars().next_back();
        let number = read_at(text, i);
        let end = number.range.end;
        // A figure inside a word (H2O, A320) belongs to the word.
        if !before.is_some_and(|c| c.is_alphabetic() || c == '_') && free(&number.range) {
            out.push(number);
        }
        i = end.max(i + 1);
    }
    for found in ROMAN.captures_iter(text) {
        let (Some(all), Some(figures)) = (found.get(0), found.get(1).or(found.get(2))) else { continue };
        if let Some(n) = roman(figures.as_str()).filter(|_| free(&all.range())) {
            out.push(Number { range: all.range(), value: Value::Ordinal(n), unit: None, shown: None });
        }
    }
    out.sort_by_key(|n| n.range.start);
    let mut taken = 0;
    for number in &mut out {
        if number.unit.is_none() {
            number.unit = unit(text, taken, number).filter(|u| free(&u.range));
        }
        count_thousands(text, number);
        taken = number.whole_range().end;
    }
    share_units(text, &mut out);
    out
}

/// Whether a range meets one of the sorted, disjoint `ranges`.
pub(crate) fn overlaps_any(ranges: &[Range<usize>], r: &Range<usize>) -> bool {
    let i = ranges.partition_point(|t| t.end <= r.start);
    ranges.get(i).is_some_and(|t| t.start < r.end)
}

/// The number whose first figure is at byte `start`.
fn read_at(text: &str, start: usize) -> Number {
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut end = start + digits(start);
    let mut whole = text[start..end].to_owned();
    let mut grouped = false;
    let mut fraction = None;
    // 2024-118 345 is the number of a file.
    let joined = figures_hyphenated(text, start) > 3;
    if whole.len() <= 3 && !whole.starts_with('0') && !joined {
        let mut separator = None;
        while let Some(c) = text[end..].chars().next() {
            let same = separator.is_none_or(|s: char| s == c || (is_space(s) && is_space(c)));
            let next = end + c.len_utf8();
            if !(is_space(c) || c == '.') || !same || digits(next) != 3 || (c == '.' && !dots_group(text, start, next))
            {
                break;
            }
            separator = Some(c);
            grouped = true;
            whole.push_str(&text[next..next + 3]);
            end = next + 3;
        }
    }
    let tail = text[end..].chars().next();
    if let Some(c @ (',' | '.')) = tail {
        let n = digits(end + 1);
        let after = &text[end + 1 + n..];
        let more = after.starts_with([',', '.']) && after[1..].starts_with(|c: char| c.is_ascii_digit());
        let more =
            more || text[..start].strip_suffix([',', '.']).is_some_and(|t| t.ends_with(|c: char| c.is_ascii_digit()));
        // 1,2,3 is a list and 1.2.3 a version; "1 234.56" and "3.5" are English already.
        if n > 0 && !more && (c == ',' || !text[start..end].contains('.')) {
            fraction = Some(text[end + 1..end + 1 + n].to_owned());
            end += 1 + n;
        }
    }
    let plain = !grouped && fraction.is_none();
    if let Some((value, stop)) = plain.then(|| suffix(text, &whole, end)).flatten() {
        return Number { range: start..stop, value, unit: None, shown: None };
    }
    if let Some(price) = price(text, start..end).filter(|_| fraction.is_none()) {
        let Price { end, cents, name, sign } = price;
        let unit = sign
            .map(|sign| Unit { range: start..end, kind: UnitKind::Money(Money { sign, multiple: "", country: "" }) });
        let shown = Some(format!("{whole},{cents} {name}"));
        let fraction = Some(cents.to_owned());
        return Number { range: start..end, value: Value::Cardinal { whole, fraction, grouped }, unit, shown };
    }
    Number { range: start..end, value: Value::Cardinal { whole, fraction, grouped }, unit: None, shown: None }
}

/// How many figures a hyphen joins to what begins at `start`.
fn figures_hyphenated(text: &str, start: usize) -> usize {
    text[..start].strip_suffix('-').map_or(0, |rest| rest.bytes().rev().take_while(u8::is_ascii_digit).count())
}

/// Whether `12.345` (its second group at `next`) is twelve thousand rather than a decimal or a version.
fn dots_group(text: &str, start: usize, next: usize) -> bool {
    let rest = &text[next + 3..];
    if rest.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    // 45.678-B is a reference.
    if rest.starts_with('-') && rest[1..].starts_with(char::is_uppercase) {
        return false;
    }
    // A name or "version" before it: a version. A second group of three settles it.
    if rest.starts_with('.') && rest[1..].bytes().take_while(u8::is_ascii_digit).count() == 3 {
        return true;
    }
    // 09-12.345 is the number of a case.
    if figures_hyphenated(text, start) > 0 {
        return false;
    }
    let before = text[..start].trim_end();
    let word = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    !(word.eq_ignore_ascii_case("version") || word.eq_ignore_ascii_case("v") || word.starts_with(char::is_uppercase))
}

/// A time or an ordinal: what stands after the figures `whole`, which end at `end`.
fn suffix(text: &str, whole: &str, end: usize) -> Option<(Value, usize)> {
    let n: u64 = whole.parse().ok()?;
    let rest = &text[end..];
    for ending in ["ers", "er", "ères", "ère", "res", "re", "èmes", "ème", "es", "e", "nde", "nd", "ᵉ"] {
        if rest.strip_prefix(ending).is_some_and(|after| !after.starts_with(char::is_alphanumeric)) {
            return Some((Value::Ordinal(n), end + ending.len()));
        }
    }
    times::read(text, n, end - whole.len()..end)
}

/// The sign that belongs to `number`; the first `taken` bytes are another's: "3 €5 €".
fn unit(text: &str, taken: usize, number: &Number) -> Option<Unit> {
    let Range { start, end } = number.range.clone();
    let before = text[taken..start].trim_end_matches(is_space);
    let before = &text[..taken + before.len()];
    if let Some(c) = before[taken..].chars().next_back().filter(|_| matches!(number.value, Value::Cardinal { .. })) {
        let at = before.len() - c.len_utf8();
        if CURRENCIES.contains(&c) && before.len() == start && !text[..at].ends_with(|c: char| c.is_ascii_digit()) {
            let money = Money { sign: c, multiple: "", country: "" };
            return Some(Unit { range: at..end, kind: UnitKind::Money(money) });
        }
        if matches!(c, '°' | 'º') && text[..at].ends_with(['n', 'N']) {
            let alone = !text[..at - 1].ends_with(char::is_alphanumeric);
            return alone.then_some(Unit { range: at - 1..end, kind: UnitKind::Numero });
        }
    }
    if !matches!(number.value, Value::Cardinal { .. }) {
        return None;
    }
    let rest = text[end..].trim_start_matches(is_space);
    let at = text.len() - rest.len();
    let sign = rest.chars().next()?;
    let stop = at + sign.len_utf8();
    match sign {
        // Format strings double the sign.
        '%' => {
            let doubled = usize::from(text[stop..].starts_with('%'));
            Some(Unit { range: start..stop + doubled, kind: UnitKind::Percent })
        }
        '°' | 'º' => {
            let after = text[stop..].trim_start_matches(is_space);
            let scale = after.chars().next().filter(|c| matches!(c, 'C' | 'F'));
            let alone = !after.get(1..).unwrap_or("").starts_with(char::is_alphanumeric);
            match scale.filter(|_| alone) {
                Some(c) => Some(Unit { range: start..text.len() - after.len() + 1, kind: UnitKind::Degree(Some(c)) }),
                None => Some(Unit { range: start..stop, kind: UnitKind::Degree(None) }),
            }
        }
        _ => {
            for (french, multiple) in
                [("", ""), ("Mds", "bn"), ("Md", "bn"), ("M", "M"), ("k", THOUSANDS), ("K", THOUSANDS)]
            {
                let after = rest.strip_prefix(french).map(|r| r.trim_start_matches(is_space));
                if let Some(sign) = after.and_then(|r| r.chars().next()).filter(|c| CURRENCIES.contains(c)) {
                    let stop = text.len() - after.map_or(0, str::len) + sign.len_utf8();
                    let (country, len) = if sign == '$' { country(&text[stop..]) } else { ("", 0) };
                    let money = Money { sign, multiple, country };
                    return Some(Unit { range: start..stop + len, kind: UnitKind::Money(money) });
                }
            }
            None
        }
    }
}

/// What a Roman number is worth; `None` where it is none.
pub fn roman(figures: &str) -> Option<u64> {
    let worth = |c| {
        Some(match c {
            'I' => 1,
            'V' => 5,
            'X' => 10,
            'L' => 50,
            'C' => 100,
            'D' => 500,
            'M' => 1000,
            _ => return None,
        })
    };
    let values: Vec<u64> = figures.chars().map(worth).collect::<Option<_>>()?;
    let mut total = 0;
    for (i, &v) in values.iter().enumerate() {
        if values.get(i + 1).is_some_and(|&next| next > v) {
            total -= i64::try_from(v).ok()?;
        } else {
            total += i64::try_from(v).ok()?;
        }
    }
    u64::try_from(total).ok().filter(|&n| n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn english(text: &str) -> Vec<String> {
        read(text, &[]).iter().map(Number::english).collect()
    }

    #[test]
    fn french_figures_are_read() {
        assert_eq!(
            english("1 234,56 et 12\u{202f}000, 1.234.567 ou 3,5 %"),
            ["1,234.56", "12,000", "1,234,567", "3.5"]
        );
        assert_eq!(english("En 2024, 75001 Paris, 0,5 mm"), ["2024", "75001", "0.5"]);
        assert_eq!(english("le 1er, la 2e, au XXe siècle"), ["1", "2", "20"]);
        assert_eq!(english("Le chat, Les chats, Ce chat vers Lyon, Ve siècle, François Ier"), ["5", "1"]);
        assert_eq!(english("réf. 2024-118 345, 10-12 000"), ["2024", "118", "345", "10", "12,000"]);
        assert_eq!(english("H2O, A320, 1,2,3"), ["1", "2", "3"]);
        assert_eq!(english("12.500 places, version 12.500, n° 09-12.345"), ["12,500", "12.500", "09", "12.345"]);
    }

    #[test]
    fn units_belong_to_their_number() {
        let money = |sign, multiple, country| UnitKind::Money(Money { sign, multiple, country });
        let kind = |t: &str| read(t, &[])[0].unit.clone().map(|u| (t[u.range].to_owned(), u.kind));
        assert_eq!(kind("12\u{a0}000 €."), Some(("12\u{a0}000 €".into(), money('€', "", ""))));
        assert_eq!(kind("3 M€"), Some(("3 M€".into(), money('€', "M", ""))));
        assert_eq!(kind("20 °C"), Some(("20 °C".into(), UnitKind::Degree(Some('C')))));
        assert_eq!(kind("n° 5"), Some(("n° 5".into(), UnitKind::Numero)));
        assert_eq!(kind("3,5 %"), Some(("3,5 %".into(), UnitKind::Percent)));
        assert_eq!(kind("$5"), Some(("$5".into(), money('$', "", ""))));
        assert_eq!(kind("20 $ CAN de"), Some(("20 $ CAN".into(), money('$', "", "CA"))));
        assert_eq!(kind("20 $ CANNES"), Some(("20 $".into(), money('$', "", ""))));
        assert_eq!(kind("3 M$ US"), Some(("3 M$ US".into(), money('$', "M", "US"))));
        assert_eq!(kind("5 km"), None);
        let both = read("3 €5 €", &[]);
        assert_eq!((both[0].whole_range(), both[1].whole_range()), (0..5, 5..10));
    }

    #[test]
    fn hostile_figures_do_no_harm() {
        for text in [
            "1.",
            "1,",
            "°",
            "9é",
            "é9",
            "1 \u{a0}é",
            "n°",
            "1 h é",
            "0000000000000000000000001e",
            "12.345é",
            "l’IP=«192.168.0.1»",
        ] {
            let _ = read(text, &[]);
        }
    }
}
