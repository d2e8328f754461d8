//! Tells times of day ("à 15 h 30") from how long something took ("en 1 h 30", "un film de 2 h").

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::numbers::{Number, Value, is_space};

/// Whether an hour without minutes is a time of day, by the word before it: "à 20 h", "de 9 h à 18 h", but not "un film de
/// 2 h" or "35 h par semaine".
pub fn is_of_day(text: &str, number: &Number) -> bool {
    let before = text[..number.range.start].trim_end();
    match word_before(text, number.range.start).as_str() {
        "a" if before.ends_with("y a") => false,
        "à" | "vers" | "dès" | "avant" | "après" | "et" | "entre" | "jusqu" | "a" => true,
        "de" | "des" if to_figures(&text[number.range.end..]) => true,
        _ => in_range(text, &number.range),
    }
}

/// Whether a time is one end of "9h-12h".
fn in_range(text: &str, time: &Range<usize>) -> bool {
    static FROM: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\d\s?h(?:\d\d)?\s?[-–—/]\s?$").expect("a valid pattern"));
    static TO: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^\s?[-–—/]\s?\d{1,2}\s?h(?:\d\d)?\b").expect("a valid pattern"));
    TO.is_match(&text[time.end..]) || FROM.is_match(&text[..time.start])
}

/// A time that begins with the figures of `text` in `figures`, worth `n`, and where it ends.
pub(super) fn read(text: &str, n: u64, figures: Range<usize>) -> Option<(Value, usize)> {
    if n > 24 || figures.len() > 2 {
        return None;
    }
    let hour = u32::try_from(n).ok()?;
    if let Some(found) = quarter(text, hour, figures.clone()) {
        return Some(found);
    }
    let rest = &text[figures.end..];
    let unspaced = rest.trim_start_matches(is_space);
    if rest.len() - unspaced.len() > 3 {
        return None;
    }
    let in_full = unspaced.strip_prefix("heures").or_else(|| unspaced.strip_prefix("heure"));
    let after = in_full.or_else(|| unspaced.strip_prefix(['h', 'H']))?;
    let end = text.len() - after.len();
    if in_full.is_some() && !is_hour(text, figures.start..end) {
        return None;
    }
    let spaced = after.trim_start_matches(is_space);
    let digits = spaced.bytes().take_while(u8::is_ascii_digit).count();
    let minute = spaced.get(..2).filter(|_| digits == 2).and_then(|m| m.parse::<u32>().ok()).filter(|&m| m < 60);
    match minute {
        Some(_) => {
            let end = text.len() - spaced.len() + 2;
            let took = in_full.is_none() && is_duration(text, hour, figures.start..end);
            (!took).then_some((Value::Time { hour, minute }, end))
        }
        None if after.starts_with(char::is_alphanumeric) => None,
        None => Some((Value::Time { hour, minute: None }, end)),
    }
}

/// Where `text` says how long something took in hours and minutes, with the words for each sign: a model takes "1 h 30" for a time
/// of day.
pub fn durations(text: &str) -> Vec<(Range<usize>, String)> {
    static HOURS: LazyLock<Regex> = LazyLock::new(|| {
        let space = r"[ \u{a0}\u{202f}]?";
        let seconds = format!(r"{space}(\d{{1,2}}){space}s\b");
        let minutes = format!(r"(\d{{1,2}})(?:{space}(?:min|mn)\b)?");
        Regex::new(&format!(r"\b(\d{{1,2}})({space}h{space}){minutes}(?:{seconds})?")).expect("a valid pattern")
    });
    static LONG: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\b(\d{2,4})([ \u{a0}\u{202f}]?h)\b").expect("a valid pattern"));
    let mut out = Vec::new();
    if !text.contains('h') {
        return out;
    }
    for found in LONG.captures_iter(text) {
        let (Some(hours), Some(sign)) = (found.get(1), found.get(2)) else { continue };
        if hours.as_str().parse().is_ok_and(|n: u32| n > 24) {
            out.push((sign.range(), " heures".to_owned()));
        }
    }
    for found in HOURS.captures_iter(text) {
        let (Some(hour), Some(sign), Some(minute)) = (found.get(1), found.get(2), found.get(3)) else { continue };
        let Ok(n) = hour.as_str().parse() else { continue };
        if !is_duration(text, n, hour.start()..minute.end()) {
            continue;
        }
        let (end, seconds) = (found.get(0).map_or(0, |all| all.end()), found.get(4));
        let name = if n == 1 { "heure" } else { "heures" };
        out.push((sign.range(), format!(" {name}{}", if seconds.is_some() { ", " } else { " et " })));
        let rest = match seconds {
            Some(seconds) => format!("{} minutes et {} secondes", minute.as_str(), seconds.as_str()),
            None => format!("{} minutes", minute.as_str()),
        };
        out.push((minute.start()..end, rest));
    }
    out
}

/// Whether hours and minutes in `range` are how long something took: "en 1 h 30", "après 2 h 47 de jeu", "un film de 1 h 45".
fn is_duration(text: &str, hour: u32, range: Range<usize>) -> bool {
    const LASTING: [&str; 37] = [
        "en",
        "pendant",
        "durant",
        "dure",
        "durent",
        "durait",
        "duré",
        "durer",
        "durera",
        "dureront",
        "durée",
        "passé",
        "sous",
        "reposer",
        "repos",
        "cuire",
        "cuisson",
        "mijoter",
        "lever",
        "mariner",
        "tremper",
        "chauffer",
        "mettre",
        "met",
        "mettent",
        "mis",
        "faut",
        "faudra",
        "fallu",
        "prend",
        "prendra",
        "pris",
        "attendre",
        "attendez",
        "compter",
        "comptez",
        "préparation",
    ];
    // 2 h 10 min 30 s.
    if after_minutes(text, range.end).is_some() {
        return true;
    }
    let after = text[range.end..].trim_start_matches(is_space);
    // Of the film, not of the morning.
    let of = ["de ", "d'", "d’"].iter().find_map(|of| after.strip_prefix(of));
    let of_something = of.is_some_and(|rest| !["la ", "l'", "l’"].iter().any(|article| rest.starts_with(article)));
    let word = word_before(text, range.start);
    // "Le film (1h47)".
    let bracketed = text[..range.start].ends_with('(') && after.starts_with(')') && hour < 5;
    LASTING.contains(&word.as_str())
        || bracketed
        || after.starts_with("plus tard")
        || (of_something && word != "de")
        // "Le train de 8 h 30" leaves then.
        || (word == "de" && hour < 5 && !to_figures(after))
}

/// What stands behind the sign of minutes behind `end`, if there is one.
fn after_minutes(text: &str, end: usize) -> Option<&str> {
    let after = text[end..].trim_start_matches(is_space);
    ["min", "mn", "'", "′"].iter().find_map(|name| after.strip_prefix(name))
}

/// The word before `start`, in small letters, marks between them let go.
fn word_before(text: &str, start: usize) -> String {
    let before = text[..start].trim_end_matches(|c: char| c.is_whitespace() || c == ':');
    before.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or_default().to_lowercase()
}

/// Whether "à" and figures follow.
fn to_figures(after: &str) -> bool {
    after.trim_start().strip_prefix("à ").is_some_and(|rest| rest.starts_with(char::is_numeric))
}

/// Whether "18 heures" in `range` is a time of day: "à 18 heures", "entre 8 heures et 20 heures", but not "à 2 heures de route".
fn is_hour(text: &str, range: Range<usize>) -> bool {
    let before = text[..range.start].trim_end();
    let word = before.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    let after = text[range.end..].trim_start_matches(is_space);
    let of_day = match word {
        "A" => before == "A",
        "et" => before.contains("ntre "),
        "de" | "De" => to_figures(after),
        "est" | "était" | "sera" => before.to_lowercase().trim_end_matches(word).trim_end().ends_with("il"),
        _ => ["à", "vers", "dès", "avant", "après", "entre"].contains(&word.to_lowercase().as_str()),
    };
    // "et demie" is no time of day either, where it is not yet read as one.
    of_day && !["de ", "d'", "d’", "et demi", "et quart"].iter().any(|more| after.starts_with(more))
}

static QUARTER: LazyLock<Regex> = LazyLock::new(|| {
    let quarter = r"^[ \u{a0}\u{202f}]?(?:heures?|h) (?:(et quart)|et (demie?)|moins le quart)\b";
    Regex::new(quarter).expect("a valid pattern")
});

/// "à 8 heures et demie", as a time; not "2 heures et demie de débat".
fn quarter(text: &str, hour: u32, figures: Range<usize>) -> Option<(Value, usize)> {
    let found = QUARTER.captures(&text[figures.end..])?;
    let stop = figures.end + found.get(0)?.end();
    let before = text[..figures.start].trim_end().to_lowercase();
    let of_day = ["à", "vers", "dès", "avant", "jusqu'à"]
        .iter()
        .any(|word| before.strip_suffix(word).is_some_and(|rest| !rest.ends_with(char::is_alphanumeric)));
    if !of_day || text[stop..].starts_with(" de ") {
        return None;
    }
    let (hour, minute) = match (found.get(1), found.get(2)) {
        (Some(_), _) => (hour, 15),
        (_, Some(_)) => (hour, 30),
        _ => (hour.checked_sub(1)?, 45),
    };
    Some((Value::Time { hour, minute: Some(minute) }, stop))
}

/// Times of day in words, with the figures for them: "midi et demi", "vers trois heures moins le quart".
pub fn spoken(text: &str) -> Vec<(Range<usize>, String)> {
    const HOURS: [&str; 12] =
        ["une", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze"];
    const MINUTES: [(&str, i32); 15] = [
        ("et demie", 30),
        ("et demi", 30),
        ("et quart", 15),
        ("moins le quart", -15),
        ("moins vingt-cinq", -25),
        ("moins vingt", -20),
        ("moins dix", -10),
        ("moins cinq", -5),
        ("vingt-cinq", 25),
        ("trente-cinq", 35),
        ("quarante", 40),
        ("trente", 30),
        ("vingt", 20),
        ("dix", 10),
        ("cinq", 5),
    ];
    static SPOKEN: LazyLock<Regex> = LazyLock::new(|| {
        let hours = HOURS.join("|");
        let minutes = MINUTES.map(|(words, _)| words).join("|");
        let before = r"(?:à|vers|dès|avant|après|jusqu['’]à|il est|il était)";
        let noon = r"(midi|minuit) (et demie?|et quart|moins (?:le quart|vingt-cinq|vingt|dix|cinq))";
        Regex::new(&format!(r"(?i)\b{before} (({hours}) heures? ({minutes}))\b|\b({noon})\b")).expect("a valid pattern")
    });
    let lower = text.to_lowercase();
    if lower.len() != text.len() || !["heure", "midi", "minuit"].iter().any(|word| lower.contains(word)) {
        return Vec::new();
    }
    let mut out = Vec::new();
    for found in SPOKEN.captures_iter(&lower) {
        let (Some(all), Some(hour), Some(minutes)) =
            (found.get(1).or(found.get(4)), found.get(2).or(found.get(5)), found.get(3).or(found.get(6)))
        else {
            continue;
        };
        // "À deux heures et demie de Paris", "cinq minutes".
        let rest = lower[all.end()..].trim_start();
        if ["de ", "d'", "d’", "minute"].iter().any(|more| rest.starts_with(more)) && !rest.starts_with("de l") {
            continue;
        }
        let hours = match hour.as_str() {
            "minuit" => 0,
            "midi" => 12,
            name => HOURS.iter().position(|h| *h == name).map_or(0, |i| i as i32 + 1),
        };
        let Some((_, minutes)) = MINUTES.iter().find(|(words, _)| *words == minutes.as_str()) else { continue };
        let time = (hours * 60 + minutes).rem_euclid(24 * 60);
        out.push((all.range(), format!("{}:{:02}", time / 60, time % 60)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protect::numbers;

    fn english(text: &str) -> Vec<String> {
        numbers::read(text, &[]).iter().map(Number::english).collect()
    }

    #[test]
    fn times_are_read() {
        assert_eq!(english("à 15 h 30, 8h, 20h05"), ["15:30", "8:00", "20:05"]);
        assert_eq!(english("à 8 heures et demie, vers 9 h moins le quart"), ["8:30", "8:45"]);
        assert_eq!(english("en 2 h 10 min 30 s, à 12 h 55 mardi"), ["2", "10", "30", "12:55"]);
        assert_eq!(english("2 heures et quart de débat, à 3 heures et demie de Paris"), ["2", "3"]);
    }

    #[test]
    fn durations_are_no_times() {
        let shown = |text: &str| {
            let mut out = text.to_owned();
            durations(text).into_iter().rev().for_each(|(range, words)| out.replace_range(range, &words));
            out
        };
        assert_eq!(shown("Paris-Lyon en 1 h 57"), "Paris-Lyon en 1 heure et 57 minutes");
        assert_eq!(
            shown("après 2 h 47 de jeu, à 2h10 de Paris"),
            "après 2 heures et 47 minutes de jeu, à 2 heures et 10 minutes de Paris"
        );
        assert_eq!(
            shown("Durée : 1 h 30. Un film de 1 h 45."),
            "Durée : 1 heure et 30 minutes. Un film de 1 heure et 45 minutes."
        );
        assert_eq!(shown("en 2 h 10 min 30 s"), "en 2 heures, 10 minutes et 30 secondes");
        assert_eq!(shown("en 2 h 10 min, à 2 h 10"), "en 2 heures et 10 minutes, à 2 h 10");
        assert_eq!(shown("plus de 2 h 5 min, à 2 h 10"), "plus de 2 heures et 5 minutes, à 2 h 10");
        assert_eq!(english("en 1 h 30, après 2 h 47 de jeu"), ["1", "30", "2", "47"]);
        let times = "à 15 h 30, vers 8 h 30 du matin, à 3 h 30 de l'après-midi, de 8 h 30 à 9 h 30, le train de 8 h 30";
        assert_eq!((shown(times), english(times).len()), (times.to_owned(), 6));
    }

    #[test]
    fn hours_that_no_day_has_are_how_long_it_took() {
        let shown = |text: &str| {
            let mut out = text.to_owned();
            let mut found = durations(text);
            found.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
            found.into_iter().for_each(|(range, words)| out.replace_range(range, &words));
            out
        };
        assert_eq!(shown("sous 48 h, 72h, à 20 h"), "sous 48 heures, 72 heures, à 20 h");
        assert_eq!(shown("Laissez reposer 2 h 30."), "Laissez reposer 2 heures et 30 minutes.");
        assert_eq!(shown("Le Grand Bleu (2h17)"), "Le Grand Bleu (2 heures et 17 minutes)");
    }

    #[test]
    fn both_ends_of_opening_hours_are_times_of_day() {
        let of_day = |text: &str| numbers::read(text, &[]).iter().filter(|n| is_of_day(text, n)).count();
        assert_eq!(of_day("Ouvert 9h-12h et 14h – 18h"), 4);
        assert_eq!(of_day("Un film de 2 h, 35 h par semaine"), 0);
    }

    #[test]
    fn spoken_times_are_shown_in_figures() {
        let shown = |text: &str| {
            let mut out = text.to_owned();
            spoken(text).into_iter().rev().for_each(|(range, words)| out.replace_range(range, &words));
            out
        };
        assert_eq!(shown("à midi et demi, vers minuit moins le quart"), "à 12:30, vers 23:45");
        assert_eq!(shown("Il est trois heures moins le quart, à sept heures et quart"), "Il est 2:45, à 7:15");
        assert_eq!(shown("à une heure et demie du matin"), "à 1:30 du matin");
        for text in ["à deux heures et demie de Paris", "trois heures et demie de débat", "à midi", "les dix heures"]
        {
            assert_eq!(shown(text), text);
        }
    }

    #[test]
    fn hours_ago_are_no_time_of_day() {
        let of_day = |text: &str| is_of_day(text, &numbers::read(text, &[])[0]);
        assert!(of_day("à 2 h") && of_day("Rendez-vous a 2 h") && !of_day("il y a 2 h") && !of_day("un film de 2 h"));
    }

    #[test]
    fn hours_in_full_are_times_of_day_behind_a_word_that_says_so() {
        let times = |text: &str| -> Vec<Value> {
            numbers::read(text, &[]).into_iter().map(|n| n.value).filter(|v| matches!(v, Value::Time { .. })).collect()
        };
        let at = |hour, minute| Value::Time { hour, minute };
        assert_eq!(times("prévu à 21 heures."), [at(21, None)]);
        assert_eq!(times("À 18 heures 30, entre 8 heures et 9 heures"), [at(18, Some(30)), at(8, None), at(9, None)]);
        assert_eq!(times("de 9 heures à 17 heures"), [at(9, None), at(17, None)]);
        assert_eq!(times("Il est 15 heures, la durée est 3 heures"), [at(15, None)]);
        assert_eq!(times("à 2 heures de route, 24 heures plus tard, en 3 heures, 2 jours et 3 heures"), []);
    }
}
