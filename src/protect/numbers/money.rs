//! Amounts of money: how French writes them, and what English makes of that.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{Number, Unit, UnitKind, Value, group, is_space};

/// What money an amount is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    pub sign: char,
    /// The multiple before the sign as English writes it: `M` of 3 M€, `bn` of 2 Md€; mostly empty. Thousands (12 k€) are counted
    /// in the number.
    pub multiple: &'static str,
    /// Whose money it is, as English puts it before the sign: `CA` of 50 $ CAN; mostly empty.
    pub country: &'static str,
}

/// The multiple of "12 k€" until it is counted.
pub(super) const THOUSANDS: &str = "k";

/// Signs of money.
pub const CURRENCIES: [char; 4] = ['€', '$', '£', '¥'];

/// How French and English name the money of a sign, the name that the model is to see first.
pub fn currency_names(sign: char) -> (&'static str, &'static [&'static str]) {
    match sign {
        '€' => ("euros", &["euros", "euro", "EUR"]),
        '$' => ("dollars", &["dollars", "dollar", "USD"]),
        '£' => ("livres", &["pounds sterling", "pounds", "pound", "livres", "GBP"]),
        _ => ("yens", &["yens", "yen", "JPY"]),
    }
}

/// "450 k€" is 450,000 euros: English has no sign for thousands.
pub(super) fn count_thousands(text: &str, number: &mut Number) {
    let (Value::Cardinal { whole, fraction, grouped }, Some(unit)) = (&mut number.value, &mut number.unit) else {
        return;
    };
    let UnitKind::Money(money) = &mut unit.kind else { return };
    if money.multiple != THOUSANDS {
        return;
    }
    money.multiple = "";
    let decimals = fraction.take().unwrap_or_default();
    let (thousands, rest) = decimals.split_at(decimals.len().min(3));
    *whole = format!("{whole}{thousands:0<3}");
    *grouped = true;
    *fraction = Some(rest.to_owned()).filter(|rest| !rest.is_empty());
    let sign = &text[unit.range.clone()][number.range.len()..];
    let sign = sign.trim_start_matches(|c: char| is_space(c) || matches!(c, 'k' | 'K'));
    let comma = fraction.as_ref().map_or(String::new(), |rest| format!(",{rest}"));
    number.shown = Some(format!("{}{comma} {sign}", group(whole).replace(',', " ")));
}

/// "De 12 à 15 M€": the first amount is of the same money as the second.
pub(super) fn share_units(text: &str, numbers: &mut [Number]) {
    for i in 1..numbers.len() {
        let [first, second] = &mut numbers[i - 1..=i] else { continue };
        let Some(Unit { range, kind: kind @ UnitKind::Money(_) }) = &second.unit else { continue };
        let bare = first.unit.is_none() && matches!(first.value, Value::Cardinal { .. });
        if !bare || range.start < second.range.start || first.range.end > range.start {
            continue;
        }
        let before = text[..first.range.start].trim_end().to_lowercase();
        let after = |word: &str| before.strip_suffix(word).is_some_and(|rest| !rest.ends_with(char::is_alphanumeric));
        let shared = match text[first.range.end..range.start].trim_matches(is_space) {
            "et" => after("entre"),
            "à" => after("de") || after("environ") || before.is_empty(),
            "ou" | "-" | "–" => true,
            _ => false,
        };
        if shared {
            first.unit = Some(Unit { range: first.range.clone(), kind: kind.clone() });
        }
    }
}

/// The rest of a price whose cents stand behind the money.
pub(super) struct Price<'a> {
    pub end: usize,
    pub cents: &'a str,
    /// How the money is written, and its sign if that is how.
    pub name: &'a str,
    pub sign: Option<char>,
}

/// "2 €50", "12 € 50." and "20 euros 50 le kilo", whose euros are at `figures`.
pub(super) fn price(text: &str, figures: Range<usize>) -> Option<Price<'_>> {
    static PRICE: LazyLock<Regex> = LazyLock::new(|| {
        let space = r"[ \u{a0}\u{202f}]?";
        Regex::new(&format!(r"^{space}(?:([€$£])({space})|(euros?)[ \u{{a0}}\u{{202f}}])(\d\d)\b"))
            .expect("a valid pattern")
    });
    let found = PRICE.captures(&text[figures.end..])?;
    let (name, cents) = (found.get(1).or(found.get(3))?.as_str(), found.get(4)?);
    let end = figures.end + cents.end();
    let rest = text[end..].trim_start_matches(is_space);
    let of_its_own = rest.starts_with(|c: char| c.is_ascii_digit() || "€$£%°".contains(c))
        || rest.starts_with([',', '.']) && rest[1..].starts_with(|c: char| c.is_ascii_digit());
    let joined = found.get(2).is_some_and(|space| space.is_empty());
    // Figures with a word behind them count that.
    let alone = !rest.starts_with(char::is_alphabetic)
        || ["le ", "la ", "les ", "l'", "l’", "pour ", "par ", "au ", "de plus"]
            .iter()
            .any(|word| rest.starts_with(word));
    (!of_its_own && (joined || alone)).then(|| Price {
        end,
        cents: cents.as_str(),
        name,
        sign: found.get(1).and_then(|sign| sign.as_str().chars().next()),
    })
}

/// Whose dollars they are, by what stands behind the sign, and its length: "50 $ CAN" is CA$50 in English.
pub(super) fn country(after: &str) -> (&'static str, usize) {
    let codes = [
        ("USD", "US"),
        ("US", "US"),
        ("CAD", "CA"),
        ("CAN", "CA"),
        ("CA", "CA"),
        ("AUD", "AU"),
        ("AU", "AU"),
        ("HK", "HK"),
        ("NZ", "NZ"),
    ];
    let space = after.len() - after.trim_start_matches(is_space).len();
    let ends = |rest: &str| !rest.starts_with(char::is_alphanumeric);
    let found = codes.iter().find(|(code, _)| after[space..].strip_prefix(code).is_some_and(ends));
    found.map_or(("", 0), |(code, country)| (country, space + code.len()))
}
