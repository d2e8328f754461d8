//! Builds the text that the model sees of a sentence.

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

use super::numbers::{self, Money, UnitKind, Value};
use super::sight::{self, Sight};
use super::{Look, Prepared, ProtectOptions, QuoteSight, times};
use crate::document::{QuoteMark, QuoteRole};
use crate::engine::Engine;

/// Whether a range joins two words.
fn between_words(text: &str, r: &Range<usize>) -> bool {
    text[..r.start].ends_with(char::is_alphanumeric) && text[r.end..].starts_with(char::is_alphanumeric)
}

/// What stands in the place of a range in the text shown.
enum Act {
    Hide,
    Show(String),
    /// As it stands, in whatever case.
    Keep,
}

/// Builds the text that the model sees.
pub(super) fn look(p: &Prepared, engine: &dyn Engine, options: &ProtectOptions) -> Sight {
    let text = p.source.as_str();
    let mut acts: Vec<(Range<usize>, Act)> = Vec::new();
    for span in &p.spans {
        let act = match &span.look {
            Look::Shown if span.kind.is_words() => continue,
            Look::Shown => Act::Keep,
            Look::StandIn(word) => Act::Show(word.clone()),
            // A sign that joins two words (▁) is shown as the space that it stands for.
            Look::Hidden if between_words(text, &span.range) => Act::Show(" ".to_owned()),
            Look::Hidden => Act::Hide,
        };
        acts.push((span.range.clone(), act));
    }
    acts.extend(times::durations(text).into_iter().map(|(range, words)| (range, Act::Show(words))));
    acts.extend(p.wordings.iter().map(|wording| (wording.range.clone(), Act::Show(wording.shown.clone()))));
    quote_acts(p, engine, options.quotes, &mut acts);
    sign_acts(p, engine, &mut acts);
    acts.extend(by_and_to(p).into_iter().map(|at| (at..at, Act::Show(",".to_owned()))));
    // Spans come first where two want the same bytes.
    acts.sort_by_key(|(r, _)| r.start);
    let mut out = Sight::default();
    let mut at = p.lead;
    let small: Vec<&(Range<usize>, bool)> = p.capitals.runs.iter().flat_map(|r| &r.words).collect();
    for (range, act) in acts {
        if range.start < at {
            continue;
        }
        plain(text, at..range.start, &small, engine, &mut out);
        match act {
            Act::Hide => {}
            Act::Show(shown) => out.push(range.clone(), &shown, false),
            Act::Keep => out.push(range.clone(), &text[range.clone()], true),
        }
        at = range.end;
    }
    plain(text, at..text.len(), &small, engine, &mut out);
    out.trim();
    out
}

/// Ordinary text: white space, letters as the model reads them, capitals made small.
fn plain(text: &str, range: Range<usize>, small: &[&(Range<usize>, bool)], engine: &dyn Engine, out: &mut Sight) {
    let mut chars = text[range.clone()].char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        let start = range.start + i;
        let mut end = start + c.len_utf8();
        if c.is_whitespace() {
            out.push_space(start..end);
            continue;
        }
        while let Some((_, mark)) = chars.next_if(|&(_, c)| is_combining_mark(c)) {
            end += mark.len_utf8();
        }
        let whole = &text[start..end];
        let one =
            if whole.len() == c.len_utf8() { whole.to_owned() } else { sight::composed(c, &whole[c.len_utf8()..]) };
        let k = small.partition_point(|(r, _)| r.end <= start);
        let lower = small.get(k).is_some_and(|(r, first)| r.start <= start && !(*first && r.start == start));
        let one = if lower { one.to_lowercase() } else { one };
        let mut shown = String::with_capacity(one.len());
        for c in one.chars().filter(|&c| !sight::is_invisible(c)) {
            // A mark that no letter takes up (and the model does not know) is dropped.
            shown.push_str(&sight::shown(c, engine).unwrap_or_default());
        }
        // Byte for byte only where the characters are of the same lengths.
        let same = shown.chars().map(char::len_utf8).eq(whole.chars().map(char::len_utf8));
        out.push(start..end, &shown, same);
    }
}

/// Quotation marks: in the form that the model reads, without the spaces of French.
fn quote_acts(p: &Prepared, engine: &dyn Engine, sight: QuoteSight, acts: &mut Vec<(Range<usize>, Act)>) {
    if sight == QuoteSight::Source {
        return;
    }
    let text = p.source.as_str();
    let inside = |at: usize, forward: bool| -> usize {
        let space = |c: &char| numbers::is_space(*c);
        if forward {
            text[at..].chars().take_while(space).map(char::len_utf8).sum()
        } else {
            text[..at].chars().rev().take_while(space).map(char::len_utf8).sum()
        }
    };
    let curly = sight == QuoteSight::Curly && engine.reads('“') && engine.reads('”');
    let paired = pairs(&p.quotes);
    for (i, q) in p.quotes.iter().enumerate() {
        let Range { start, end } = q.range;
        let partner = paired[i].map(|j| &p.quotes[j]);
        let range = match q.role {
            QuoteRole::Open | QuoteRole::Continue => start..end + inside(end, true),
            QuoteRole::Close => start - inside(start, false)..end,
        };
        let edge = |r: &Range<usize>, role: QuoteRole| match role {
            QuoteRole::Close => !text[r.end..].contains(char::is_alphanumeric),
            _ => !text[p.lead.min(r.start)..r.start].contains(char::is_alphanumeric),
        };
        // A mark whose partner is in another sentence, or a pair round the whole sentence, says nothing about the order
        // of the words; the model does better without.
        let bare = match partner {
            None => edge(&q.range, q.role),
            Some(other) => edge(&q.range, q.role) && edge(&other.range, other.role),
        };
        let hidden = sight == QuoteSight::Hidden || bare || q.role == QuoteRole::Continue || !engine.reads('"');
        acts.push((
            range,
            match (hidden, curly, q.role) {
                (true, ..) => Act::Hide,
                (_, false, _) => Act::Show("\"".to_owned()),
                (_, true, QuoteRole::Close) => Act::Show("”".to_owned()),
                (_, true, _) => Act::Show("“".to_owned()),
            },
        ));
    }
}

/// For each mark the index of its partner in the same segment.
fn pairs(quotes: &[QuoteMark]) -> Vec<Option<usize>> {
    let mut out = vec![None; quotes.len()];
    let mut open: Vec<usize> = Vec::new();
    for (i, q) in quotes.iter().enumerate() {
        match q.role {
            QuoteRole::Open => open.push(i),
            QuoteRole::Continue => {}
            QuoteRole::Close => {
                if let Some(k) = open.iter().rposition(|&o| quotes[o].depth == q.depth) {
                    out[i] = Some(open[k]);
                    out[open[k]] = Some(i);
                    open.truncate(k);
                }
            }
        }
    }
    out
}

/// Where "de 4,7 % à 850 M€" wants a comma for the model to see that it is by so much and to so much.
fn by_and_to(p: &Prepared) -> Vec<usize> {
    let text = p.source.as_str();
    let mut out = Vec::new();
    for pair in p.numbers.windows(2) {
        let (by, to) = (&pair[0], &pair[1]);
        let (start, mut end) = (by.range.start, by.whole_range().end);
        let percent = by.unit.as_ref().is_some_and(|unit| unit.kind == UnitKind::Percent);
        let points = ["points", "point"].iter().find(|word| text[end..].trim_start().starts_with(**word));
        if let Some(word) = points.filter(|_| !percent) {
            end = text.len() - text[end..].trim_start().len() + word.len();
        }
        let joined = text.get(end..to.whole_range().start).is_some_and(|between| between.trim() == "à");
        let same = percent && to.unit.as_ref().is_some_and(|unit| unit.kind == UnitKind::Percent)
            || points.is_some() && text[to.range.end..].trim_start().starts_with("point");
        let of = text[..start].trim_end().ends_with(" de");
        if of && joined && !same && (percent || points.is_some()) {
            out.push(end);
        }
    }
    out
}

/// Signs beside numbers that the model cannot read or write are shown as words, and times of day as English has them:
/// "18 h 30" comes out as "18, 30" where it is not shown as 18:30.
fn sign_acts(p: &Prepared, engine: &dyn Engine, acts: &mut Vec<(Range<usize>, Act)>) {
    let text = p.source.as_str();
    let knows = |c: char| engine.reads(c) && engine.writes(c);
    for number in &p.numbers {
        if let Value::Time { hour, minute } = number.value {
            let shown = match minute {
                // A model knows the word, and English has p.m. as well.
                None if text[number.range.clone()].contains("heure") => continue,
                None if !times::is_of_day(text, number) && hour == 1 => "1 heure".to_owned(),
                None if !times::is_of_day(text, number) => format!("{hour} heures"),
                _ => format!("{hour}:{:02}", minute.unwrap_or(0)),
            };
            if engine.reads(':') && engine.writes(':') {
                acts.push((number.range.clone(), Act::Show(shown)));
            }
        }
        if let Some(shown) = &number.shown {
            let sign = shown.chars().next_back().filter(|&c| numbers::CURRENCIES.contains(&c) && !knows(c));
            let shown = sign.map_or_else(|| shown.clone(), |c| shown.replace(c, numbers::currency_names(c).0));
            acts.push((number.whole_range(), Act::Show(shown)));
            continue;
        }
        let Some(unit) = &number.unit else { continue };
        let (before, after) = (unit.range.start..number.range.start, number.range.end..unit.range.end);
        match unit.kind {
            UnitKind::Money(money) if !knows(money.sign) || !money.multiple.is_empty() => {
                let name = numbers::currency_names(money.sign).0;
                let of = if name.starts_with('e') { "d'" } else { "de " };
                let words = match money.multiple {
                    "M" => format!(" millions {of}{name}"),
                    "bn" => format!(" milliards {of}{name}"),
                    _ => format!(" {name}"),
                };
                if before.is_empty() {
                    acts.push((after, Act::Show(words)));
                } else {
                    acts.push((before, Act::Hide));
                    acts.push((number.range.end..number.range.end, Act::Show(words)));
                }
            }
            // Whose dollars they are is written again with the sign.
            UnitKind::Money(Money { sign, country, .. }) if !country.is_empty() => {
                let behind = text[after.clone()].find(sign).map_or(after.end, |i| after.start + i + sign.len_utf8());
                acts.push((behind..after.end, Act::Hide));
            }
            UnitKind::Degree(scale) if !knows('°') => {
                let words = scale.map_or(" degrés".to_owned(), |c| format!(" degrés {c}"));
                acts.push((after, Act::Show(words)));
            }
            UnitKind::Numero if !knows('°') => {
                let word = if text[before.clone()].starts_with('N') { "Numéro " } else { "numéro " };
                acts.push((before, Act::Show(word.to_owned())));
            }
            _ => {}
        }
    }
    // What is left of them stands alone.
    for (i, c) in text.char_indices() {
        if (numbers::CURRENCIES.contains(&c) || c == '°') && !engine.reads(c) {
            let range = i..i + c.len_utf8();
            if !acts.iter().any(|(r, _)| r.start < range.end && r.end > range.start) {
                let name = if c == '°' { "" } else { numbers::currency_names(c).0 };
                acts.push((range, Act::Show(name.to_owned())));
            }
        }
    }
}
