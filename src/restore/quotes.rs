//! Quotation marks of the output: the source decides which there are, the alignment where they stand.
//!
//! Every mark of the source stands exactly once in the output, round the words that translate the quoted words, with the
//! sign of its depth. The marks that the model wrote are taken where they agree; what it dropped is put back, what it
//! invented goes.

mod place;

use std::ops::Range;

use self::place::Placer;
use super::draft::{Draft, Edit};
use crate::document::{Note, QuoteMark, QuoteRole};
use crate::split::quotes::{Found, Language, find};

/// With more marks than this in a segment the model's are not compared with the alignment one by one.
const MANY: usize = 200;

/// How quotation marks are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QuoteStyle {
    /// Straight in a sentence whose own marks are all straight, and to the end of a quotation that begins there; else curly.
    #[default]
    Auto,
    /// “ ” outside, ‘ ’ inside, in turn.
    Curly,
    /// " outside, ' inside, in turn.
    Straight,
    /// The source's own signs, with the spaces inside guillemets.
    Source,
}

impl QuoteStyle {
    /// What [`QuoteStyle::Auto`] means in a sentence with these marks, and every other style as it is.
    pub fn settled<'a>(self, mut marks: impl Iterator<Item = &'a str>) -> Self {
        match self {
            Self::Auto if marks.all(str::is_ascii) => Self::Straight,
            Self::Auto => Self::Curly,
            chosen => chosen,
        }
    }
}

/// Puts the quotation marks of `draft` right. `quotes` are the marks of the segment in order, with ranges of
/// `segment_text` and absolute depths; where the segment starts, `depth_at_start` quotations are open. `style` is
/// [settled](QuoteStyle::settled) already; `Auto` is curly here.
pub fn restore(draft: &mut Draft, segment_text: &str, quotes: &[QuoteMark], depth_at_start: usize, style: QuoteStyle) {
    let mut found = find(draft.text(), Language::English);
    // Single quotes may be apostrophes: they count only if the source has a second level, or the model wrote no others.
    let doubles = found.iter().filter(|mark| !mark.single).count();
    if doubles == quotes.len() || (quotes.iter().all(|mark| mark.depth == 0) && depth_at_start == 0 && doubles > 0) {
        found.retain(|mark| !mark.single);
    }
    if quotes.is_empty() && found.is_empty() {
        return;
    }
    let units = units(quotes);
    let places = in_order(draft, quotes, &units, &found)
        .unwrap_or_else(|| Placer::new(draft, segment_text, quotes, &found).place(&units));
    write(draft, segment_text, quotes, &found, places, style);
    capitals(draft, segment_text, quotes);
}

/// A sentence that is quoted behind a colon begins with a capital, as it does in the source.
fn capitals(draft: &mut Draft, segment_text: &str, quotes: &[QuoteMark]) {
    let ours: Vec<&QuoteMark> = quotes.iter().filter(|mark| mark.role == QuoteRole::Open).collect();
    let theirs: Vec<Found> = find(draft.text(), Language::English).into_iter().filter(|mark| mark.open).collect();
    if ours.len() != theirs.len() {
        return;
    }
    let text = draft.text();
    let edits = ours.into_iter().zip(theirs).filter_map(|(mark, found)| {
        let behind_colon = segment_text[..mark.range.start].trim_end().ends_with(':');
        let capital = segment_text[mark.range.end..].trim_start().starts_with(char::is_uppercase);
        let first = text[found.range.end..].chars().next().filter(|c| c.is_lowercase() && behind_colon && capital)?;
        let range = found.range.end..found.range.end + first.len_utf8();
        draft.is_free(range.clone()).then(|| Edit { range, new: first.to_uppercase().to_string(), source: None })
    });
    let edits: Vec<Edit> = edits.collect();
    draft.replace_all(&edits);
}

/// Marks that belong together: indices of the source's marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Pair(usize, usize),
    /// Its partner is in another segment, or nowhere.
    Open(usize),
    Close(usize),
}

fn units(marks: &[QuoteMark]) -> Vec<Unit> {
    let mut open: Vec<usize> = Vec::new();
    let mut units = Vec::with_capacity(marks.len());
    for (i, mark) in marks.iter().enumerate() {
        while open.last().is_some_and(|&o| marks[o].depth > mark.depth || (opens(mark) && marks[o].depth == mark.depth))
        {
            units.extend(open.pop().map(Unit::Open));
        }
        if opens(mark) {
            open.push(i);
        } else {
            match open.pop_if(|o| marks[*o].depth == mark.depth) {
                Some(o) => units.push(Unit::Pair(o, i)),
                None => units.push(Unit::Close(i)),
            }
        }
    }
    units.extend(open.into_iter().map(Unit::Open));
    units
}

fn opens(mark: &QuoteMark) -> bool {
    mark.role != QuoteRole::Close
}

/// Where a mark of the source goes.
#[derive(Clone, Debug, Default)]
struct Place {
    /// In the stead of this mark of the model.
    found: Option<usize>,
    /// Else here.
    at: usize,
    /// Among marks in the same place.
    rank: usize,
}

/// The marks of the model in order, if they are the source's in number and kind, and stand round the right words.
fn in_order(draft: &Draft, marks: &[QuoteMark], units: &[Unit], found: &[Found]) -> Option<Vec<Place>> {
    if marks.len() != found.len() || marks.iter().zip(found).any(|(mark, found)| opens(mark) != found.open) {
        return None;
    }
    for &unit in units.iter().take(MANY / 4) {
        let Unit::Pair(open, close) = unit else { continue };
        let (from, to) = (found[open].range.end, found[close].range.start);
        let Some(best) = draft.target_of(marks[open].range.end..marks[close].range.start) else { continue };
        let words = draft.text().get(best.clone()).map_or(0, |text| text.split_whitespace().count());
        if words > 1 && (best.end <= from || best.start >= to) {
            return None;
        }
    }
    Some((0..marks.len()).map(|i| Place { found: Some(i), at: found[i].range.start, rank: i }).collect())
}

/// Writes the marks at their places and takes out those of the model that are left.
fn write(
    draft: &mut Draft,
    segment_text: &str,
    marks: &[QuoteMark],
    found: &[Found],
    mut places: Vec<Place>,
    style: QuoteStyle,
) {
    let text = draft.text();
    let mut order: Vec<usize> = (0..marks.len()).collect();
    order.sort_by_key(|&i| places[i].rank);
    // Marks that are put in go round those that were there, in their order.
    let mut limit = usize::MAX;
    for &i in order.iter().rev() {
        if places[i].found.is_none() && opens(&marks[i]) {
            places[i].at = places[i].at.min(limit);
        }
        limit = places[i].found.map_or(places[i].at, |f| found[f].range.start);
    }
    limit = 0;
    for &i in &order {
        if places[i].found.is_none() {
            places[i].at = places[i].at.max(limit);
        }
        limit = places[i].found.map_or(places[i].at, |f| found[f].range.end);
    }
    let singles = singles(segment_text, marks);
    let mut edits: Vec<(usize, Edit)> = Vec::with_capacity(marks.len() + found.len());
    let mut left = vec![true; found.len()];
    let (mut restored, mut removed) = (Vec::new(), 0);
    for (rank, &i) in order.iter().enumerate() {
        let new = sign(segment_text, &marks[i], singles[i], style);
        let source = Some(marks[i].range.clone());
        match places[i].found {
            Some(f) => {
                left[f] = false;
                edits.push((rank, Edit { range: with_spaces(text, &found[f].range, opens(&marks[i])), new, source }));
            }
            None => {
                restored.push(new.trim().to_owned());
                edits.push((rank, Edit { range: places[i].at..places[i].at, new, source }));
            }
        }
    }
    for (mark, left) in found.iter().zip(left) {
        if left {
            removed += 1;
            let range = with_spaces(text, &mark.range, mark.open);
            let (before, after) = (text[..range.start].chars().next_back(), text[range.end..].chars().next());
            let joins = before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric);
            edits.push((usize::MAX, Edit { range, new: if joins { " " } else { "" }.to_owned(), source: None }));
        }
    }
    edits.sort_by_key(|(rank, edit)| (edit.range.start, edit.range.end, *rank));
    let mut done = 0;
    let edits: Vec<Edit> = edits
        .into_iter()
        .map(|(_, mut edit)| {
            // Two marks may claim the same space.
            edit.range.start = edit.range.start.max(done);
            edit.range.end = edit.range.end.max(edit.range.start);
            done = edit.range.end;
            edit
        })
        .collect();
    if !restored.is_empty() {
        draft.notes.push(Note::info("quote_restored", format!("put back {}", restored.join(" "))));
    }
    if removed > 0 {
        draft.notes.push(Note::info("quote_removed", format!("took out {removed}")));
    }
    draft.replace_all(&edits);
}

/// For each mark whether it is written with single signs: levels take turns. An outermost quotation is double unless
/// its author wrote it with single marks.
fn singles(source: &str, marks: &[QuoteMark]) -> Vec<bool> {
    let mut out = vec![false; marks.len()];
    let mut open: Vec<(usize, bool)> = Vec::new();
    for (i, mark) in marks.iter().enumerate() {
        while open.last().is_some_and(|&(depth, _)| depth > mark.depth || (opens(mark) && depth == mark.depth)) {
            open.pop();
        }
        let own = mark.depth == 0 && matches!(&source[mark.range.clone()], "'" | "‘" | "’" | "‹" | "›");
        out[i] = match open.last() {
            Some(&(depth, single)) if !opens(mark) && depth == mark.depth => {
                open.pop();
                single
            }
            Some(&(depth, single)) => single ^ ((mark.depth - depth) % 2 == 1),
            None => own ^ (mark.depth % 2 == 1),
        };
        if opens(mark) {
            open.push((mark.depth, out[i]));
        }
    }
    out
}

/// The sign of `mark` in the output.
fn sign(source: &str, mark: &QuoteMark, single: bool, style: QuoteStyle) -> String {
    let sign = match (style, opens(mark), single) {
        (QuoteStyle::Auto | QuoteStyle::Curly, true, false) => "“",
        (QuoteStyle::Auto | QuoteStyle::Curly, false, false) => "”",
        (QuoteStyle::Auto | QuoteStyle::Curly, true, true) => "‘",
        (QuoteStyle::Auto | QuoteStyle::Curly, false, true) => "’",
        (QuoteStyle::Straight, _, false) => "\"",
        (QuoteStyle::Straight, _, true) => "'",
        (QuoteStyle::Source, ..) => return source[with_spaces(source, &mark.range, opens(mark))].to_owned(),
    };
    sign.to_owned()
}

/// A mark and the spaces on its inner side.
fn with_spaces(text: &str, mark: &Range<usize>, open: bool) -> Range<usize> {
    if open {
        let rest = &text[mark.end..];
        mark.start..mark.end + rest.len() - rest.trim_start().len()
    } else {
        text[..mark.start].trim_end().len()..mark.end
    }
}

/// The words of `text`: what stands between spaces and dashes, without the punctuation round it.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    let mut fresh = true;
    for (i, c) in text.char_indices() {
        if c.is_whitespace() || matches!(c, '—' | '–') {
            fresh = true;
        } else if c.is_alphanumeric() {
            let end = i + c.len_utf8();
            match out.last_mut() {
                Some(word) if !fresh => word.end = end,
                _ => out.push(i..end),
            }
            fresh = false;
        }
    }
    out
}

#[cfg(test)]
mod tests;
