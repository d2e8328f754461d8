//! Stretches that a start and an end of their own delimit, each an element without text: comments, bookmarks, reference marks.
//! They become marks, so that neither end is lost from the other.

use std::ops::Range;

use super::weave::Weave;
use super::xml;
use crate::document::{Block, Mark};

/// An element that may be one of the two ends of a stretch.
struct End<'a> {
    /// What it is an end of: `bookmark`.
    kind: &'a str,
    closes: bool,
    id: &'a str,
    name: &'a str,
}

/// In how many open stretches an end is looked for.
const NEAR: usize = 64;
/// How many stretches of a block become marks; text for people has far fewer.
const MOST: usize = 1000;

/// Makes one mark of each start and end that belong together and have text between them.
pub(crate) fn join(source: &str, block: &mut Block, weave: &mut Weave) {
    let mut open: Vec<(End<'_>, usize)> = Vec::new();
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for mark in block.marks.iter().filter(|mark| mark.range.is_empty()) {
        let Some(end) = weave.pieces.get(mark.id).and_then(|piece| end(source, &piece.open)) else { continue };
        if !end.closes {
            if !end.id.is_empty() || !end.name.is_empty() {
                open.push((end, mark.id));
            }
            continue;
        }
        let same = |(start, _): &(End<'_>, usize)| {
            let named = |a: &str, b: &str| !a.is_empty() && a == b;
            start.kind == end.kind && (named(start.id, end.id) || named(start.name, end.name))
        };
        let far = open.len().saturating_sub(NEAR);
        if let Some(found) = open[far..].iter().rposition(same) {
            pairs.push((open.remove(far + found).1, mark.id));
        }
    }
    for (start, end) in pairs.into_iter().take(MOST) {
        pair(block, weave, start, end);
    }
}

/// Reads the element at `place` as an end of a stretch.
fn end<'a>(source: &'a str, place: &Range<usize>) -> Option<End<'a>> {
    let text = source.get(place.clone())?.strip_prefix('<')?;
    let tag = place.start..place.start + 2 + text.find('>')?;
    let name = text.split(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).next()?;
    let local = name.rsplit(':').next()?;
    let closing = local.strip_suffix("-end").or_else(|| local.strip_suffix("End"));
    let opening = local.strip_suffix("-start").or_else(|| local.strip_suffix("Start"));
    let kind = closing.or(opening).unwrap_or(local);
    let value = |key| xml::value(source, &tag, key);
    Some(End { kind, closes: closing.is_some(), id: value("id"), name: value("name") })
}

/// Makes one mark of two that stand between characters; it is widened to hold whole what it would cross.
fn pair(block: &mut Block, weave: &mut Weave, start: usize, end: usize) {
    let at = |id: usize| block.marks.iter().find(|mark| mark.id == id).map(|mark| mark.range.start);
    let (Some(from), Some(to)) = (at(start), at(end)) else { return };
    if block.text.get(from..to).is_none_or(|text| text.trim().is_empty()) {
        return;
    }
    block.marks.retain(|mark| mark.id != start && mark.id != end);
    let mut range = from..to;
    let own = weave.pieces[start].open.start..weave.pieces[end].open.end;
    while let Some(mark) = block.marks.iter().find(|mark| crosses(&mark.range, &range)) {
        range = range.start.min(mark.range.start)..range.end.max(mark.range.end);
        let parent = weave.pieces[mark.id].parent.replace(start);
        if parent != Some(start) {
            weave.pieces[start].parent = parent;
        }
    }
    let as_it_was = range == (from..to);
    let outside = |mark: &Mark| {
        let first = weave.pieces[mark.id].open.start < own.start;
        let (same, empty) = (mark.range.start == range.start, mark.range.is_empty());
        let larger = mark.range.end > range.end || mark.range == range && first && as_it_was;
        mark.range.start < range.start || same && if empty { first } else { larger }
    };
    let place = block.marks.iter().rposition(outside).map_or(0, |last| last + 1);
    let parent = weave.pieces[start].parent;
    for piece in &mut weave.pieces {
        if piece.parent == parent && own.start < piece.open.start && piece.open.end < own.end {
            piece.parent = Some(start);
        }
    }
    weave.pieces[start].close = weave.pieces[end].open.clone();
    block.marks.insert(place, Mark { range, id: start, verbatim: false });
}

fn crosses(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.start && b.start < a.end && a.end < b.end || b.start < a.start && a.start < b.end && b.end < a.end
}
