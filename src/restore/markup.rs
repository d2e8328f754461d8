//! Inline marks on the words that translate the marked ones.
//!
//! The marks of a block form a tree. From its root down, the target's words are shared out among the children of a mark
//! by the alignment, and each child takes one unbroken stretch, so that marks nest as in the source and never cross.

mod edges;
mod parts;
#[cfg(test)]
mod tests;
mod tree;
mod units;

use std::ops::Range;

use self::tree::{children, depths};
use self::units::{Unit, best_run, units};
use super::text::{stands_alone, trimmed, whole_words};
use crate::document::{Block, Link, Mark, Target};
use crate::protect::numbers::overlaps_any;

/// One segment of a block: its bytes of the block's text, its bytes of the target, and its links (with ranges of the
/// segment and of its translation).
pub type Placed<'a> = (Range<usize>, Range<usize>, &'a [Link]);

/// Carries the marks of `block` over to `target`, its translation: each once, nested as in the source. A mark that
/// covers a segment covers its translation; verbatim marks go round their text; empty ones go between the words that
/// translate their neighbours.
pub fn place_marks(block: &Block, segments: &[Placed<'_>], target: String) -> Target {
    if block.marks.is_empty() || target == block.text {
        return Target { text: target, marks: block.marks.clone() };
    }
    let fits = |(s, t, _): &&Placed<'_>| block.text.get(s.clone()).is_some() && target.get(t.clone()).is_some();
    let segments: Vec<Placed<'_>> = segments.iter().filter(fits).cloned().collect();
    let (n, tree) = (block.marks.len(), children(&block.marks));
    let units = units(&segments, &target);
    let mut placer = Placer { block, segments: &segments, target: &target, units, verbatim: vec![None; n] };
    placer.find_verbatim(&tree[n], &tree, &(0..target.len()), &mut Vec::new());
    let mut places: Vec<Range<usize>> = vec![0..0; n];
    placer.share(None, 0..target.len(), &tree, &mut places);
    let marks = block.marks.iter().zip(&places).map(|(m, r)| Mark { range: r.clone(), ..m.clone() });
    let mut order: Vec<(usize, Mark)> = marks.enumerate().collect();
    // Outermost first where two start together; an empty mark stays on its side of its neighbours.
    let depth = depths(&tree, &block.marks, &places);
    order.sort_by_key(|(i, m)| (m.range.start, depth[*i], *i));
    Target { marks: order.into_iter().map(|(_, m)| m).collect(), text: target }
}

struct Placer<'a> {
    block: &'a Block,
    segments: &'a [Placed<'a>],
    target: &'a str,
    units: Vec<Unit>,
    /// Where the text of verbatim marks stands in the target.
    verbatim: Vec<Option<Range<usize>>>,
}

impl Placer<'_> {
    /// Shares `within` (bytes of the target) out among the children of `parent`, and theirs among theirs.
    fn share(&self, parent: Option<usize>, within: Range<usize>, tree: &[Vec<usize>], places: &mut [Range<usize>]) {
        let marks = &self.block.marks;
        let all = &tree[parent.unwrap_or(marks.len())];
        let mut taken: Vec<Range<usize>> = Vec::new();
        let mut solid: Vec<usize> = all.iter().copied().filter(|&i| !marks[i].range.is_empty()).collect();
        // A part of a word goes with that word, however the others are shared out.
        solid.retain(|&i| {
            let Some(word) = self.word_round(i) else { return true };
            let place = clear_of(self.part_of_word(i, &word, &within), &taken, None);
            taken.push(place.clone());
            places[i] = place.clone();
            self.share(Some(i), place, tree, places);
            false
        });
        let first = self.units.partition_point(|u| u.target.end <= within.start);
        let last = self.units.partition_point(|u| u.target.start < within.end);
        let units = &self.units[first..last.max(first)];
        let fixed: Vec<Option<Range<usize>>> = solid.iter().map(|&i| self.fixed(i, tree, &within)).collect();
        let mut owner: Vec<Option<usize>> = units.iter().map(|u| self.owner(u, &solid)).collect();
        for (unit, owner) in units.iter().zip(&mut owner) {
            let inside = |f: &Option<Range<usize>>| f.as_ref().is_some_and(|f| meets(f, &unit.target));
            if let Some(k) = fixed.iter().position(inside) {
                *owner = Some(k);
            }
        }
        // What is found by its letters comes first, verbatim text before all; the others keep clear of it.
        let mut order: Vec<usize> = (0..solid.len()).collect();
        order.sort_by_key(|&k| (fixed[k].is_none(), !marks[solid[k]].verbatim));
        for k in order {
            let i = solid[k];
            let run = best_run(units, &owner, k, fixed[k].as_ref());
            let place = match run {
                _ if marks[i].verbatim && fixed[k].is_some() => fixed[k].clone().unwrap_or_default(),
                Some((a, b)) => {
                    let place = self.edges(i, units[a].target.start..units[b].target.end, &within);
                    // White space at the edges of verbatim text is in no unit.
                    let fixed = fixed[k].as_ref().unwrap_or(&place);
                    place.start.min(fixed.start)..place.end.max(fixed.end)
                }
                None if fixed[k].is_some() => fixed[k].clone().unwrap_or_default(),
                None => {
                    let at = self.point(marks[i].range.start, &within);
                    let near = self.neighbour(i, at, &within, units, &owner, &taken);
                    if let Some(unit) = near {
                        owner[unit] = Some(k);
                    }
                    near.map_or(at..at, |unit| units[unit].target.clone())
                }
            };
            let place = clear_of(place, &taken, fixed[k].as_ref());
            let place = if self.verbatim[i].is_some() {
                place
            } else {
                let place = self.whole_verbatim(place, &within);
                let inner = trimmed(self.target, place.clone(), char::is_whitespace);
                // White space of its own has what passes through.
                let fixed = fixed[k].as_ref().filter(|f| lies_in(f, &place)).unwrap_or(&inner);
                inner.start.min(fixed.start)..inner.end.max(fixed.end)
            };
            taken.push(place.clone());
            places[i] = place.clone();
            self.share(Some(i), place, tree, places);
        }
        for &i in all.iter().filter(|&&i| marks[i].range.is_empty()) {
            let at = self.point(marks[i].range.start, &within);
            // A picture beside a marked word does not slip into the mark.
            let at = taken.iter().find(|t| t.start < at && at < t.end).map_or(at, |t| {
                let follows = |s: usize| places[s] == *t && marks[s].range.start >= marks[i].range.start;
                let before = all.iter().any(|&s| !marks[s].range.is_empty() && follows(s));
                if before { t.start } else { t.end }
            });
            places[i] = self.whole_verbatim(at..at, &within);
        }
    }

    /// Which of the marks `solid` a unit comes from most.
    fn owner(&self, unit: &Unit, solid: &[usize]) -> Option<usize> {
        let total: f32 = unit.links.iter().map(|(_, w)| w).sum();
        let mut best = (0.0, None);
        for (k, &i) in solid.iter().enumerate() {
            let range = &self.block.marks[i].range;
            let own = unit.links.iter().filter(|(s, _)| meets(s, range));
            // A link to a whole segment says little about a word of it.
            let own = own.map(|(s, w)| w * share_of(s, range)).sum::<f32>();
            if own > best.0 {
                best = (own, Some(k));
            }
        }
        best.1.filter(|_| best.0 * 2.0 > total)
    }

    /// Finds the text of the verbatim marks among `marks` and below; what is inside another one, in its place only.
    fn find_verbatim(
        &mut self,
        marks: &[usize],
        tree: &[Vec<usize>],
        within: &Range<usize>,
        used: &mut Vec<Range<usize>>,
    ) {
        for &i in marks {
            match self.by_letters(i, within, used) {
                Some(found) => {
                    self.find_verbatim(&tree[i], tree, &found, &mut Vec::new());
                    used.insert(used.partition_point(|u| u.start < found.start), found.clone());
                    self.verbatim[i] = Some(found);
                }
                None => self.find_verbatim(&tree[i], tree, within, used),
            }
        }
    }

    /// The place in `within` with the text of the verbatim mark `i` that the alignment ties to it most; not where it is
    /// `used` already (in order), by another mark with the same text.
    fn by_letters(&self, i: usize, within: &Range<usize>, used: &[Range<usize>]) -> Option<Range<usize>> {
        let mark = &self.block.marks[i];
        if !mark.verbatim {
            return None;
        }
        let text = self.block.text.get(mark.range.clone()).filter(|t| !t.is_empty())?;
        let tie = |r: &Range<usize>| -> f32 {
            let units = self.units.iter().filter(|u| meets(&u.target, r));
            let links = units.flat_map(|u| &u.links);
            links.filter(|(s, _)| meets(s, &mark.range)).map(|(s, w)| w * share_of(s, &mark.range)).sum()
        };
        let found =
            self.target[within.clone()].match_indices(text).map(|(p, s)| within.start + p..within.start + p + s.len());
        let mut best: Option<((bool, f32), Range<usize>)> = None;
        for r in found.filter(|r| !overlaps_any(used, r)).take(200) {
            let rank = (stands_alone(self.target, &r), tie(&r));
            if best.as_ref().is_none_or(|(b, _)| rank > *b) {
                best = Some((rank, r));
            }
        }
        best.map(|(_, r)| r)
    }

    /// What of `within` mark `i` must cover: its verbatim text, or that of the marks inside it; a number or a name.
    fn fixed(&self, i: usize, tree: &[Vec<usize>], within: &Range<usize>) -> Option<Range<usize>> {
        if self.block.marks[i].verbatim {
            return self.verbatim[i].clone();
        }
        let inside = tree[i].iter().filter_map(|&c| self.fixed(c, tree, within)).filter(|r| lies_in(r, within));
        let inside = inside.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end));
        let all = || self.verbatim.iter().flatten();
        inside.or_else(|| self.same_word(&self.block.marks[i].range, within).filter(|r| !all().any(|v| meets(v, r))))
    }

    /// `place` without the parts of verbatim texts that it would cut; those that hold all of `within` are none of it.
    fn whole_verbatim(&self, place: Range<usize>, within: &Range<usize>) -> Range<usize> {
        let Range { mut start, mut end } = place;
        for v in self.verbatim.iter().flatten().filter(|v| !lies_in(within, v)) {
            if v.start < start && start < v.end {
                (start, end) = (v.end, end.max(v.end));
            } else if v.start < end && end < v.end {
                end = v.start;
            }
        }
        start..end
    }

    /// A number or a name that the target has as often as the source: the same one of them.
    fn same_word(&self, range: &Range<usize>, within: &Range<usize>) -> Option<Range<usize>> {
        let text = self.block.text.get(range.clone())?.trim();
        if !text.contains(|c: char| c.is_numeric() || c.is_uppercase()) {
            return None;
        }
        let all = |text: &str, word: &str| -> Vec<Range<usize>> {
            let found = text.match_indices(word).take(200).map(|(at, word)| at..at + word.len());
            found.filter(|r| stands_alone(text, r)).collect()
        };
        let (here, there) = (all(&self.block.text, text), all(self.target, text));
        let number = here.iter().position(|r| range.start <= r.start && r.end <= range.end)?;
        let found = there.get(number).filter(|_| here.len() == there.len())?;
        lies_in(found, within).then(|| found.clone())
    }

    /// The free word beside `at`, for a mark none of whose words was translated: a link without text is lost to its reader.
    fn neighbour(
        &self,
        i: usize,
        at: usize,
        within: &Range<usize>,
        units: &[Unit],
        owner: &[Option<usize>],
        taken: &[Range<usize>],
    ) -> Option<usize> {
        let words = self.block.text[self.block.marks[i].range.clone()].contains(char::is_alphanumeric);
        let free = |&n: &usize| {
            let place = &units[n].target;
            let beside = place.start.abs_diff(at).min(place.end.abs_diff(at)) <= 1;
            words
                && units[n].word
                && !units[n].little
                && owner[n].is_none()
                && lies_in(place, within)
                && beside
                && !overlaps_any(taken, place)
        };
        (0..units.len()).rev().find(free)
    }

    /// The place in the target, inside `within`, of a place in the block's text.
    fn point(&self, at: usize, within: &Range<usize>) -> usize {
        let found = self.raw_point(at).clamp(within.start, within.end);
        // Never inside a word.
        let inside = self.units.iter().find(|u| u.target.start < found && found < u.target.end);
        inside.map_or(found, |u| u.target.end.min(within.end))
    }

    /// The source's word that a unit comes from most.
    fn source_of(&self, unit: &Unit) -> Option<Range<usize>> {
        let link = unit.links.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        self.block.text.get(link.0.clone()).map(|_| whole_words(&self.block.text, link.0.clone()))
    }

    /// Where the words end that go on from byte `end` of the target with what stands before the source's byte `at`: behind
    /// “chat noir” is behind “black cat”.
    fn behind_phrase(&self, at: usize, end: usize) -> usize {
        let mut end = end;
        for unit in &self.units[self.units.partition_point(|u| u.target.start < end)..] {
            let gap = &self.target[end..unit.target.start];
            let before = self.source_of(unit).is_some_and(|s| s.end <= at);
            if !unit.word || unit.little || !before || !gap.chars().all(char::is_whitespace) {
                break;
            }
            end = unit.target.end;
        }
        end
    }

    fn raw_point(&self, at: usize) -> usize {
        let text = &self.block.text;
        if text[..at].trim().is_empty() {
            return 0;
        }
        if text[at..].trim().is_empty() {
            return self.target.len();
        }
        let mut last = 0;
        for (s, t, _) in self.segments {
            if at <= s.start {
                // Between two segments: beside the one that it touches.
                return if at == s.start { t.start } else { last };
            }
            last = t.end;
            if at >= s.end {
                continue;
            }
            let units = || self.units.iter().filter(|u| u.word && meets(&u.target, t));
            let left = units()
                .filter_map(|u| self.source_of(u).filter(|l| l.end <= at).map(|l| (l.end, !u.little, u.target.end)));
            let right =
                units().filter_map(|u| self.source_of(u).filter(|l| l.start >= at).map(|l| (l.start, u.target.start)));
            let left = left.max_by_key(|&(end, full, _)| (end, full)).map(|(end, _, place)| (end, place));
            let right = right.min_by_key(|&(start, _)| start);
            let spaced = text[..at].ends_with(char::is_whitespace);
            if let Some((l, x)) = left.filter(|_| !spaced) {
                let beside = text[l..at].chars().all(|c| !c.is_alphanumeric());
                if beside {
                    return self.behind_signs(at, self.behind_phrase(at, x));
                }
            }
            return match (left, right) {
                (Some((l, x)), Some((r, y))) => {
                    let nearer_right = r - at < at - l || (r - at == at - l && spaced);
                    if nearer_right || (spaced && x <= y) { y } else { x }
                }
                (Some((_, x)), None) => x,
                (None, Some((_, y))) => y,
                (None, None) => {
                    let guess = t.start + t.len() * (at - s.start) / s.len().max(1);
                    (guess..=t.end).find(|&i| self.target.is_char_boundary(i)).unwrap_or(t.end)
                }
            };
        }
        last
    }
}

/// `place` without what its siblings have; `must` stays if it can.
fn clear_of(place: Range<usize>, taken: &[Range<usize>], must: Option<&Range<usize>>) -> Range<usize> {
    let Range { mut start, mut end } = place;
    let middle = must.map_or(start + (end - start) / 2, |m| m.start.clamp(start, end));
    for t in taken {
        if t.start < end && start < t.end {
            if t.start >= middle { end = t.start.max(start) } else { start = t.end.min(end) }
        }
        // Even an empty place must not lie inside another mark.
        if start == end && t.start < start && start < t.end {
            (start, end) = (t.end, t.end);
        }
    }
    start..end
}

/// Whether `a` is a part of `b`.
fn lies_in(a: &Range<usize>, b: &Range<usize>) -> bool {
    b.start <= a.start && a.end <= b.end
}

fn meets(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// How much of `part` lies in `whole`, 0 to 1.
fn share_of(part: &Range<usize>, whole: &Range<usize>) -> f32 {
    let shared = part.end.min(whole.end).saturating_sub(part.start.max(whole.start));
    shared as f32 / part.len().max(1) as f32
}
