//! Every number of the source stands in the translation, as English writes it.

mod words;
mod write;

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use self::words::{counts_in_words, said};
pub use self::write::localise;
use self::write::{clock_like, ordinal_ending, write};
use super::Style;
use super::draft::{Draft, Edit};
use crate::document::Note;
use crate::protect::Prepared;
use crate::protect::numbers::{Number, Value};

/// A number of the source and where the translation has it.
#[derive(Clone, Debug, PartialEq)]
struct Match {
    /// Which number of the source.
    number: usize,
    target: Range<usize>,
}

static TIME: LazyLock<Regex> = LazyLock::new(|| {
    let time = r"(?i)\b(\d{1,2})(?:\s?h(?:ours?|rs?)?\s?(\d{2})\b|\s?h(?:ours?|rs?)?\b|[:.](\d{2})\b|,?\s(\d{2})\b|\b)(?:\s?([ap])\.?\s?m\b\.?)?";
    Regex::new(time).expect("a valid pattern")
});
static FIGURES: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\d{1,3}(?:[ ,.]\d{3})+(?:[.,]\d+)?\b|\d+(?:[.,]\d+)?").expect("a valid pattern"));

/// Compiles the patterns that any number needs.
pub(crate) fn warm_up() {
    LazyLock::force(&TIME);
    LazyLock::force(&FIGURES);
}

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
    one_clock(draft);
    endings(draft);
}

/// "The 22th" is none of the endings that English has.
fn endings(draft: &mut Draft) {
    static WRONG: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(\d*[123])th\b").expect("a valid pattern"));
    let edits = WRONG.captures_iter(draft.text()).filter_map(|found| {
        let figures = found.get(1)?.as_str();
        let new = format!("{figures}{}", ordinal_ending(figures.parse().ok()?));
        Some(Edit { range: found.get(0)?.range(), new, source: None })
    });
    let edits: Vec<Edit> = edits.collect();
    draft.replace_all(&edits);
}

/// "21 p.m." is on neither clock.
fn one_clock(draft: &mut Draft) {
    let text = draft.text();
    let wrong = clock_times(text).into_iter().filter(|time| time.half.is_some() && (13..24).contains(&time.hour));
    let right = |time: ClockTime| {
        let new = clock_like(&text[time.range.clone()], time.hour, time.minute);
        Edit { range: time.range, new, source: None }
    };
    let edits: Vec<Edit> = wrong.map(right).collect();
    draft.replace_all(&edits);
}

/// What may be a time of day in an English text, as it stands there.
struct ClockTime {
    range: Range<usize>,
    /// The figures of the hour.
    figures: Range<usize>,
    hour: u32,
    minute: Option<u32>,
    /// The first letter of a.m. or p.m., small.
    half: Option<char>,
}

/// Every number of a text that may be a time of day.
fn clock_times(text: &str) -> Vec<ClockTime> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(found) = TIME.captures_at(text, at) {
        let (Some(all), Some(figures)) = (found.get(0), found.get(1)) else { break };
        let half = found.get(5).and_then(|m| m.as_str().chars().next()).map(|c| c.to_ascii_lowercase());
        // In "May 14, 10 a.m." the hour is what seems to be minutes.
        if let Some(hour) = found.get(4).filter(|_| half.is_some()) {
            at = hour.start();
            continue;
        }
        at = all.end();
        let minute = found.get(2).or(found.get(3)).or(found.get(4)).and_then(|m| m.as_str().parse().ok());
        let Ok(hour) = figures.as_str().parse() else { continue };
        out.push(ClockTime { range: all.range(), figures: figures.range(), hour, minute, half });
    }
    out
}

/// The numbers of the source that are nowhere in the translation, as the source writes them.
pub fn lost(draft: &Draft, p: &Prepared) -> Vec<String> {
    let matches = matched(draft, p);
    missing(draft, p, &matches).into_iter().map(|n| p.source()[p.numbers()[n].whole_range()].to_owned()).collect()
}

/// The figures of the translation that nothing in the source accounts for: no number, no word for one.
pub fn invented(draft: &Draft, p: &Prepared) -> Vec<String> {
    let (text, matches) = (draft.text(), matched(draft, p));
    // Where a number of the source is said otherwise, or in words, figures in the translation have their reason.
    if counts_in_words(p.source()) || matches.len() < p.numbers().len() {
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
    for time in clock_times(text) {
        let value = match time.half {
            Some('p') if time.hour < 12 => time.hour + 12,
            Some('a') if time.hour == 12 => 0,
            _ => time.hour,
        };
        let same = value % 24 == hour % 24 && time.minute.unwrap_or(0) == minute.unwrap_or(0);
        if same && is_whole_number(text, &time.figures) {
            out.push(time.range);
        }
    }
    out
}

/// Where `text` has what can only be a time of day: with a colon, or with a.m. or p.m.
fn clocks(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let sure = |time: &ClockTime| time.half.is_some() || text[time.range.clone()].contains(':');
    clock_times(text).into_iter().filter(sure).map(|time| time.range)
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
    let clocks: Vec<Range<usize>> = clocks(draft.text())
        .filter(|r| draft.is_free(r.clone()) && is_whole_number(draft.text(), r))
        .filter(|r| !matches.iter().any(|m| m.target.start < r.end && m.target.end > r.start))
        .collect();
    let mut edits: Vec<Match> = Vec::new();
    for &n in &open {
        let strays = match numbers[n].value {
            Value::Cardinal { .. } => &strays,
            Value::Time { .. } => &clocks,
            // A figure in its place may be right in a way that is not known here.
            Value::Ordinal(_) => continue,
        };
        let unused = |r: &&Range<usize>| !edits.iter().any(|m| m.target.start < r.end && m.target.end > r.start);
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
        let was = draft.text()[edit.target.clone()].to_owned();
        let new = match number.value {
            Value::Time { hour, minute } => clock_like(&was, hour, minute),
            _ => number.english(),
        };
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
