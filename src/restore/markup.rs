//! Inline marks on the words that translate the marked ones.
//!
//! The marks of a block form a tree. From its root down, the target's words are shared out among the children of a mark
//! by the alignment, and each child takes one unbroken stretch, so that marks nest as in the source and never cross.

use std::ops::Range;

use super::text::stands_alone;
use crate::document::{Block, Link, Mark, Target};
use crate::protect::numbers::overlaps_any;

/// One segment of a block: its bytes of the block's text, its bytes of the target, and its links (with ranges of the
/// segment and of its translation).
pub type Placed<'a> = (Range<usize>, Range<usize>, &'a [Link]);

/// A word or a sign of the target.
struct Unit {
    target: Range<usize>,
    /// Bytes of the block's text it comes from, with weights.
    links: Vec<(Range<usize>, f32)>,
    word: bool,
}

/// Carries the marks of `block` over to `target`, its translation: each once, nested as in the source. A mark that
/// covers a segment covers its translation; verbatim marks go round their text; empty ones go between the words that
/// translate their neighbours.
pub fn place_marks(block: &Block, segments: &[Placed<'_>], target: String) -> Target {
    if block.marks.is_empty() || target == block.text {
        return Target { text: target, marks: block.marks.clone() };
    }
    let fits = |(s, t, _): &&Placed<'_>| block.text.get(s.clone()).is_some() && target.get(t.clone()).is_some();
    let segments: Vec<Placed<'_>> = segments.iter().filter(fits).cloned().collect();
    let placer = Placer { block, segments: &segments, target: &target, units: units(&segments, &target) };
    let tree = children(&block.marks);
    let mut places: Vec<Range<usize>> = vec![0..0; block.marks.len()];
    placer.share(None, 0..target.len(), &tree, &mut places);
    let marks = block.marks.iter().zip(&places).map(|(m, r)| Mark { range: r.clone(), ..m.clone() });
    let mut order: Vec<(usize, Mark)> = marks.enumerate().collect();
    // Outermost first where two start together; an empty mark stays on its side of its neighbours.
    let depth = depths(&tree, block.marks.len());
    order.sort_by_key(|(i, m)| (m.range.start, depth[*i], *i));
    let mut marks: Vec<Mark> = order.into_iter().map(|(_, m)| m).collect();
    uncross(&mut marks);
    Target { marks, text: target }
}

/// Ends every mark within those that are open where it starts: a mark that took a word beside it may reach too far.
fn uncross(marks: &mut [Mark]) {
    let mut open: Vec<usize> = Vec::new();
    for mark in marks {
        open.retain(|&end| end > mark.range.start);
        let least = open.iter().copied().min().unwrap_or(usize::MAX);
        mark.range.end = mark.range.end.min(least);
        open.push(mark.range.end);
    }
}

/// For each mark (and, last, for the block) the marks directly inside it.
fn children(marks: &[Mark]) -> Vec<Vec<usize>> {
    let mut tree = vec![Vec::new(); marks.len() + 1];
    let mut order: Vec<usize> = (0..marks.len()).collect();
    order.sort_by_key(|&i| (marks[i].range.start, std::cmp::Reverse(marks[i].range.end), i));
    let mut open: Vec<usize> = Vec::new();
    for i in order {
        let r = &marks[i].range;
        while open.last().is_some_and(|&o| {
            let outer = &marks[o].range;
            // An empty mark at the end of another stands after it.
            outer.end < r.end || outer.end <= r.start
        }) {
            open.pop();
        }
        tree[open.last().copied().unwrap_or(marks.len())].push(i);
        if !r.is_empty() {
            open.push(i);
        }
    }
    tree
}

fn depths(tree: &[Vec<usize>], n: usize) -> Vec<usize> {
    let mut depth = vec![0; n];
    let mut todo: Vec<(usize, usize)> = tree[n].iter().map(|&i| (i, 0)).collect();
    while let Some((i, d)) = todo.pop() {
        depth[i] = d;
        todo.extend(tree[i].iter().map(|&c| (c, d + 1)));
    }
    depth
}

/// The words and signs of the target with what they come from.
fn units(segments: &[Placed<'_>], target: &str) -> Vec<Unit> {
    let mut out = Vec::new();
    for (source, place, links) in segments {
        let text = &target[place.clone()];
        let mut links: Vec<&Link> = links.iter().collect();
        links.sort_by_key(|l| (l.target.start, l.target.end));
        let first = out.len();
        let mut start = 0;
        while start < text.len() {
            let c = text[start..].chars().next().unwrap_or(' ');
            let word = c.is_alphanumeric();
            let end = if word {
                start + text[start..].chars().take_while(|c| c.is_alphanumeric()).map(char::len_utf8).sum::<usize>()
            } else {
                start + c.len_utf8()
            };
            if !c.is_whitespace() {
                out.push(Unit { target: place.start + start..place.start + end, links: Vec::new(), word });
            }
            start = end;
        }
        let mut from = first;
        for link in links {
            let r = place.start + link.target.start..place.start + link.target.end;
            let s = source.start + link.source.start..(source.start + link.source.end).min(source.end);
            while from < out.len() && out[from].target.end <= r.start {
                from += 1;
            }
            for unit in out[from..].iter_mut().take_while(|u| u.target.start < r.end) {
                let shared = unit.target.end.min(r.end).saturating_sub(unit.target.start.max(r.start));
                unit.links.push((s.clone(), link.weight * shared as f32));
            }
        }
    }
    out
}

struct Placer<'a> {
    block: &'a Block,
    segments: &'a [Placed<'a>],
    target: &'a str,
    units: Vec<Unit>,
}

impl Placer<'_> {
    /// Shares `within` (bytes of the target) out among the children of `parent`, and theirs among theirs.
    fn share(&self, parent: Option<usize>, within: Range<usize>, tree: &[Vec<usize>], places: &mut [Range<usize>]) {
        let marks = &self.block.marks;
        let all = &tree[parent.unwrap_or(marks.len())];
        let solid: Vec<usize> = all.iter().copied().filter(|&i| !marks[i].range.is_empty()).collect();
        let first = self.units.partition_point(|u| u.target.end <= within.start);
        let last = self.units.partition_point(|u| u.target.start < within.end);
        let units = &self.units[first..last.max(first)];
        // Text that passes through unchanged is found by its own letters, inside whatever holds it.
        let mut used = Vec::new();
        let fixed: Vec<Option<Range<usize>>> = solid.iter().map(|&i| self.fixed(i, tree, &within, &mut used)).collect();
        let mut owner: Vec<Option<usize>> = units.iter().map(|u| self.owner(u, &solid)).collect();
        for (unit, owner) in units.iter().zip(&mut owner) {
            let inside = |f: &Option<Range<usize>>| f.as_ref().is_some_and(|f| meets(f, &unit.target));
            if let Some(k) = fixed.iter().position(inside) {
                *owner = Some(k);
            }
        }
        let mut taken: Vec<Range<usize>> = Vec::new();
        // The others keep clear of verbatim text.
        let mut order: Vec<usize> = (0..solid.len()).collect();
        order.sort_by_key(|&k| !(marks[solid[k]].verbatim && fixed[k].is_some()));
        for k in order {
            let i = solid[k];
            let run = best_run(units, &owner, k, fixed[k].as_ref());
            let place = match run {
                _ if marks[i].verbatim && fixed[k].is_some() => fixed[k].clone().unwrap_or_default(),
                Some((a, b)) => self.edges(i, units[a].target.start..units[b].target.end, &within),
                None => {
                    let at = self.point(marks[i].range.start, &within);
                    let near = self.neighbour(i, at, units, &owner, &taken);
                    if let Some(unit) = near {
                        owner[unit] = Some(k);
                    }
                    near.map_or(at..at, |unit| units[unit].target.clone())
                }
            };
            let place = clear_of(place, &taken, fixed[k].as_ref());
            taken.push(place.clone());
            places[i] = place.clone();
            self.share(Some(i), place, tree, places);
        }
        for &i in all.iter().filter(|&&i| marks[i].range.is_empty()) {
            let at = self.point(marks[i].range.start, &within);
            // A picture beside a marked word does not slip into the mark.
            let at = taken.iter().find(|t| t.start < at && at < t.end).map_or(at, |t| {
                let before = solid.iter().any(|&s| places[s] == *t && marks[s].range.start >= marks[i].range.start);
                if before { t.start } else { t.end }
            });
            places[i] = at..at;
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

    /// Where the verbatim text of mark `i`, or of those inside it, stands in the target; not where it is `used` already,
    /// by another mark with the same text; `used` is in order.
    fn fixed(
        &self,
        i: usize,
        tree: &[Vec<usize>],
        within: &Range<usize>,
        used: &mut Vec<Range<usize>>,
    ) -> Option<Range<usize>> {
        let mark = &self.block.marks[i];
        if !mark.verbatim {
            let inside = tree[i].iter().filter_map(|&c| self.fixed(c, tree, within, used));
            let inside = inside.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end));
            return inside.or_else(|| self.same_word(&mark.range, within).filter(|r| !overlaps_any(used, r)));
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
        let found = best.map(|(_, r)| r)?;
        used.insert(used.partition_point(|u| u.start < found.start), found.clone());
        Some(found)
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
        (within.start <= found.start && found.end <= within.end).then(|| found.clone())
    }

    /// The free word beside `at`, for a mark none of whose words was translated: a link without text is lost to its reader.
    fn neighbour(
        &self,
        i: usize,
        at: usize,
        units: &[Unit],
        owner: &[Option<usize>],
        taken: &[Range<usize>],
    ) -> Option<usize> {
        let words = self.block.text[self.block.marks[i].range.clone()].contains(char::is_alphanumeric);
        let free = |&n: &usize| {
            let place = &units[n].target;
            let beside = place.start.abs_diff(at).min(place.end.abs_diff(at)) <= 1;
            words && units[n].word && owner[n].is_none() && beside && !overlaps_any(taken, place)
        };
        (0..units.len()).rev().find(free)
    }

    /// Stops and closing marks at the end of a stretch belong to the mark where the source has them in it; a mark that
    /// ends with a segment ends with its translation.
    fn edges(&self, i: usize, place: Range<usize>, within: &Range<usize>) -> Range<usize> {
        let source = self.block.marks[i].range.clone();
        let Range { mut start, mut end } = place;
        for (s, t, _) in self.segments {
            if source.start <= s.start && s.end <= source.end && meets(t, &(start..end)) {
                start = start.min(t.start);
                end = end.max(t.end);
            }
        }
        let text = &self.block.text;
        let (head, tail) = (text[source.clone()].chars().next(), text[source.clone()].trim_end().chars().next_back());
        let sign = |c: char| !c.is_alphanumeric() && !c.is_whitespace();
        let whole = self.segments.iter().any(|(s, ..)| s.end == source.end);
        if tail.is_some_and(sign) {
            let more = self.target[end..].chars().take_while(|&c| sign(c) && ".,;:!?…)]”’\"".contains(c));
            end += more.map(char::len_utf8).sum::<usize>();
        } else if !whole {
            let cut = self.target[start..end].trim_end_matches(|c: char| ".,;:!?…".contains(c) || c.is_whitespace());
            end = start + cut.len();
        }
        if head.is_some_and(sign) {
            let more = self.target[..start].chars().rev().take_while(|&c| "([“‘\"".contains(c));
            start -= more.map(char::len_utf8).sum::<usize>();
        }
        start.max(within.start)..end.min(within.end).max(start.max(within.start))
    }

    /// The place in the target, inside `within`, of a place in the block's text.
    fn point(&self, at: usize, within: &Range<usize>) -> usize {
        let found = self.raw_point(at).clamp(within.start, within.end);
        // Never inside a word.
        let inside = self.units.iter().find(|u| u.target.start < found && found < u.target.end);
        inside.map_or(found, |u| u.target.end.min(within.end))
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
            let strongest = |u: &Unit| u.links.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(s, _)| s.clone());
            let left = units().filter_map(|u| strongest(u).filter(|l| l.end <= at).map(|l| (l.end, u.target.end)));
            let right =
                units().filter_map(|u| strongest(u).filter(|l| l.start >= at).map(|l| (l.start, u.target.start)));
            let left = left.max_by_key(|&(end, _)| end);
            let right = right.min_by_key(|&(start, _)| start);
            let spaced = text[..at].ends_with(char::is_whitespace);
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

/// The unbroken stretch of units that is most `k`'s: it never takes a word that is another mark's.
fn best_run(units: &[Unit], owner: &[Option<usize>], k: usize, fixed: Option<&Range<usize>>) -> Option<(usize, usize)> {
    let worth = |i: usize| match owner[i] {
        Some(o) if o == k && fixed.is_some_and(|f| meets(f, &units[i].target)) => 1000.0,
        Some(o) if o == k => 1.0,
        Some(_) => -1e6,
        None if units[i].word => -0.7,
        None => -0.1,
    };
    let mut best: (f32, Option<(usize, usize)>) = (0.0, None);
    let mut run = (0.0, 0);
    for i in 0..units.len() {
        if run.0 <= 0.0 {
            run = (0.0, i);
        }
        run.0 += worth(i);
        if run.0 > best.0 {
            best = (run.0, Some((run.1, i)));
        }
    }
    best.1
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

fn meets(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// How much of `part` lies in `whole`, 0 to 1.
fn share_of(part: &Range<usize>, whole: &Range<usize>) -> f32 {
    let shared = part.end.min(whole.end).saturating_sub(part.start.max(whole.start));
    shared as f32 / part.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::BlockKind;

    fn block(text: &str, marks: &[(Range<usize>, bool)]) -> Block {
        let mut block = Block::plain(text, 0..text.len(), BlockKind::Paragraph);
        let mark = |(id, (range, verbatim)): (usize, &(Range<usize>, bool))| Mark {
            range: range.clone(),
            id,
            verbatim: *verbatim,
        };
        block.marks = marks.iter().enumerate().map(mark).collect();
        block
    }

    /// Links word by word: `pairs` of a target and a source word.
    fn links(source: &str, target: &str, pairs: &[(&str, &str)]) -> Vec<Link> {
        let at = |t: &str, w: &str| {
            let i = t.find(w).expect("is there");
            i..i + w.len()
        };
        pairs.iter().map(|(t, s)| Link { target: at(target, t), source: at(source, s), weight: 0.9 }).collect()
    }

    fn marked(target: &Target) -> Vec<(usize, &str)> {
        target.marks.iter().map(|m| (m.id, &target.text[m.range.clone()])).collect()
    }

    #[test]
    fn marks_follow_the_words() {
        let (s, t) = ("Le chat noir dort.", "The black cat sleeps.");
        let l = links(s, t, &[("The", "Le"), ("black", "noir"), ("cat", "chat"), ("sleeps", "dort")]);
        let b = block(s, &[(3..12, false), (8..12, false)]);
        let out = place_marks(&b, &[(0..s.len(), 0..t.len(), &l)], t.to_owned());
        assert_eq!(marked(&out), [(0, "black cat"), (1, "black")]);
        let b = block(s, &[(3..7, false), (8..12, false)]);
        let out = place_marks(&b, &[(0..s.len(), 0..t.len(), &l)], t.to_owned());
        assert_eq!(marked(&out), [(1, "black"), (0, "cat")]);
        let b = block(s, &[(0..s.len(), false)]);
        let out = place_marks(&b, &[(0..s.len(), 0..t.len(), &l)], t.to_owned());
        assert_eq!(marked(&out), [(0, t)]);
    }

    #[test]
    fn code_and_pictures_keep_their_place() {
        let (s, t) = ("Tapez a puis b ici.", "Here, type a then b.");
        let l = links(s, t, &[("Here", "ici"), ("type", "Tapez"), ("then", "puis")]);
        let b = block(s, &[(6..7, true), (8..8, false), (13..14, true)]);
        let out = place_marks(&b, &[(0..s.len(), 0..t.len(), &l)], t.to_owned());
        let a = t.find(" a ").expect("is there") + 1;
        let get = |id: usize| out.marks.iter().find(|m| m.id == id).expect("not lost").range.clone();
        assert_eq!(get(0), a..a + 1);
        assert_eq!(&t[get(2)], "b");
        assert_eq!(get(1).start, t.find("then").expect("is there"));
    }

    #[test]
    fn the_same_code_twice_is_marked_twice() {
        let (s, t) = ("Tapez ls puis ls.", "Type ls then ls.");
        let b = block(s, &[(6..8, true), (14..16, true)]);
        let out = place_marks(&b, &[(0..s.len(), 0..t.len(), &[])], t.to_owned());
        assert_eq!(marked(&out), [(0, "ls"), (1, "ls")]);
    }

    #[test]
    fn a_number_is_marked_where_it_is_whatever_the_alignment_says() {
        let (s, t) = ("Voir [1] et [2] là.", "See [1] and [2] there.");
        let l = links(s, t, &[("1", "2"), ("2", "1")]);
        let b = block(s, &[(6..7, false), (13..14, false)]);
        let out = place_marks(&b, &[(0..s.len(), 0..t.len(), &l)], t.to_owned());
        assert_eq!(marked(&out), [(0, "1"), (1, "2")]);
    }

    #[test]
    fn a_link_whose_words_were_dropped_keeps_a_word() {
        let (s, t) = ("Il a vu hier un film.", "He saw a film.");
        let l = links(s, t, &[("He", "Il"), ("saw", "vu"), ("film", "film")]);
        let b = block(s, &[(8..12, false)]);
        let out = place_marks(&b, &[(0..s.len(), 0..t.len(), &l)], t.to_owned());
        assert!(!out.marks[0].range.is_empty(), "{out:?}");
    }

    #[test]
    fn no_mark_is_lost_where_nothing_is_known() {
        let b = block("Un deux trois", &[(0..2, false), (3..7, false), (8..13, false), (13..13, false)]);
        let out = place_marks(&b, &[(0..13, 0..3, &[])], "One".to_owned());
        assert_eq!(out.marks.len(), 4);
        let out = place_marks(&b, &[], String::new());
        assert_eq!(out.marks.len(), 4);
    }

    mod random {
        use proptest::prelude::*;

        use super::*;

        /// Marks that nest: stretches of a text of words, cut out of one another.
        fn marks(n: usize) -> impl Strategy<Value = Vec<(Range<usize>, bool)>> {
            let any = (0..=n, 0..=n, any::<bool>()).prop_map(|(a, b, v)| (a.min(b)..a.max(b), v));
            proptest::collection::vec(any, 0..8).prop_map(|all| {
                let mut kept: Vec<(Range<usize>, bool)> = Vec::new();
                for (r, v) in all {
                    let crosses = |k: &Range<usize>| {
                        let apart = k.end <= r.start || r.end <= k.start;
                        let nested = (k.start <= r.start && r.end <= k.end) || (r.start <= k.start && k.end <= r.end);
                        !apart && !nested
                    };
                    if !kept.iter().any(|(k, _)| crosses(k)) {
                        kept.push((r, v));
                    }
                }
                kept.sort_by_key(|(r, _)| (r.start, std::cmp::Reverse(r.end)));
                kept
            })
        }

        proptest! {
            #[test]
            fn marks_are_neither_lost_nor_crossed(
                marks in marks(24),
                links in proptest::collection::vec((0usize..24, 0usize..30, 0f32..1.0), 0..12),
                cut in 1usize..24,
            ) {
                let (s, t) = ("un deux trois quatre cinq", "five four, three two one (x)");
                let b = block(s, &marks);
                let links: Vec<Link> = links
                    .into_iter()
                    .map(|(a, x, weight)| Link { source: a..(a + 3).min(s.len()), target: x.min(t.len())..(x + 4).min(t.len()), weight })
                    .collect();
                let whole: Placed<'_> = (0..s.len(), 0..t.len(), &links);
                let two: [Placed<'_>; 2] = [(0..cut, 0..cut, &links), (cut..s.len(), cut..t.len(), &[])];
                for segments in [&[whole][..], &two[..], &[]] {
                    let out = place_marks(&b, segments, t.to_owned());
                    prop_assert_eq!(&out.text, t);
                    let mut ids: Vec<usize> = out.marks.iter().map(|m| m.id).collect();
                    ids.sort_unstable();
                    prop_assert_eq!(ids, (0..marks.len()).collect::<Vec<_>>());
                    for (i, a) in out.marks.iter().enumerate() {
                        prop_assert!(t.get(a.range.clone()).is_some());
                        for c in &out.marks[i + 1..] {
                            let (a, c) = (&a.range, &c.range);
                            let apart = a.end <= c.start || c.end <= a.start;
                            let nested = (a.start <= c.start && c.end <= a.end) || (c.start <= a.start && a.end <= c.end);
                            prop_assert!(apart || nested, "{:?} {:?}", a, c);
                            prop_assert!(a.start <= c.start, "in order");
                        }
                    }
                }
            }
        }
    }
}
