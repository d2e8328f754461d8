//! Finds where quotation marks go that the model did not write, or not where they belong.

use std::ops::Range;

use super::{MANY, Place, Unit, opens, words};
use crate::document::QuoteMark;
use crate::restore::draft::Draft;
use crate::restore::text::phrase_end;
use crate::split::quotes::Found;

/// A mark of the model this many words from where the alignment puts it is taken to be right.
const NEAR: usize = 2;

/// Finds places by alignment, and takes the model's marks near them.
pub(super) struct Placer<'a> {
    draft: &'a Draft,
    source: &'a str,
    marks: &'a [QuoteMark],
    found: &'a [Found],
    /// Words of source and target, without punctuation.
    source_words: Vec<Range<usize>>,
    words: Vec<Range<usize>>,
    used: Vec<bool>,
}

/// A stretch of words, first and last, with the model's marks on its sides.
#[derive(Clone, Debug)]
struct Span {
    first: usize,
    last: usize,
    /// Whether the sides are sure, being those of the whole segment.
    fixed: (bool, bool),
    open: Option<usize>,
    close: Option<usize>,
}

impl<'a> Placer<'a> {
    pub(super) fn new(draft: &'a Draft, source: &'a str, marks: &'a [QuoteMark], found: &'a [Found]) -> Self {
        let (source_words, words) = (words(source), words(draft.text()));
        Self { draft, source, marks, found, source_words, words, used: vec![false; found.len()] }
    }

    pub(super) fn place(mut self, units: &[Unit]) -> Vec<Place> {
        let mut spans: Vec<(Unit, Span)> = units.iter().map(|&unit| (unit, self.estimate(unit))).collect();
        if self.marks.len() <= MANY && self.found.len() <= MANY {
            self.take_pairs(&mut spans);
            self.take_edges(&mut spans);
        }
        nest(&mut spans);
        let mut places = vec![Place::default(); self.marks.len()];
        // Pairs come inner first: of those that end after one word the outer closes no earlier, and of those that begin
        // before one the outer opens no later.
        let mut closed = vec![0; self.words.len() + 1];
        let mut opened = vec![usize::MAX; self.words.len() + 1];
        for (unit, span) in &spans {
            let (open, close) = match *unit {
                Unit::Pair(open, close) => (Some(open), Some(close)),
                Unit::Open(open) => (Some(open), None),
                Unit::Close(close) => (None, Some(close)),
            };
            if let Some(mark) = open {
                let word = span.first.min(self.words.len());
                opened[word] = self.before(mark, span.first).min(opened[word]);
                places[mark] = Place { found: span.open, at: opened[word], rank: 0 };
            }
            if let Some(mark) = close {
                let word = span.last.min(self.words.len());
                closed[word] = self.after(mark, span.last).max(closed[word]);
                places[mark] = Place { found: span.close, at: closed[word], rank: 0 };
            }
        }
        self.rank(&mut places, &spans);
        places
    }

    /// The words of the target that translate what `unit` encloses.
    fn estimate(&self, unit: Unit) -> Span {
        let inner = match unit {
            Unit::Pair(open, close) => self.marks[open].range.end..self.marks[close].range.start,
            Unit::Open(open) => self.marks[open].range.end..self.source.len(),
            Unit::Close(close) => 0..self.marks[close].range.start,
        };
        let end = self.words.len().saturating_sub(1);
        let begins = self.source_words.partition_point(|word| word.end <= inner.start);
        let stops = self.source_words.partition_point(|word| word.start < inner.end);
        let (anchored, closed) = (begins == 0, stops == self.source_words.len());
        let (mut first, mut last);
        // For each piece of the target, how much more it comes from inside than from outside; attention to the marks
        // themselves and to the end mark says neither.
        let outside = [0..inner.start.saturating_sub(1), inner.end + 1..self.source.len()];
        let ties: Vec<(Range<usize>, f32)> =
            if self.marks.len() <= MANY { self.draft.ties(inner.clone()).collect() } else { Vec::new() };
        let mut gains: Vec<(Range<usize>, f32)> = ties.clone();
        for outside in outside.into_iter().filter(|range| range.start < range.end) {
            for (gain, (_, weight)) in gains.iter_mut().zip(self.draft.ties(outside)) {
                gain.1 -= weight;
            }
        }
        match (best_run(&gains), self.between(begins, stops)) {
            (Some(range), _) => {
                first = self.words.partition_point(|word| word.end <= range.start).min(end);
                last = self.words.partition_point(|word| word.start < range.end).saturating_sub(1).max(first);
                // At the head of the source, at the head of the target, unless the words there clearly come from
                // elsewhere: reported speech that the model turned round.
                let strange = |from: usize, to: usize| {
                    let weights = ties.iter().filter(|(t, _)| t.start >= from && t.end <= to).map(|(_, w)| *w);
                    let (n, sum) = weights.fold((0.0, 0.0), |(n, sum), w| (n + 1.0, sum + w));
                    n > 1.0 && sum < 0.25 * n
                };
                if anchored && !strange(0, self.words.get(first).map_or(0, |w| w.start)) {
                    first = 0;
                }
                if closed && !strange(self.words.get(last).map_or(0, |w| w.end), self.draft.text().len()) {
                    last = end;
                }
            }
            (None, Some(between)) => (first, last) = between,
            (None, None) => {
                let all = self.source_words.len().max(1);
                let scale = |k: usize| (k * self.words.len() + all / 2) / all;
                first = scale(begins).min(end);
                last = scale(stops).saturating_sub(1).clamp(first, end.max(first));
            }
        }
        if !(closed && last == end) {
            last = self.before_stop(first, self.before_phrase(first, last, inner.clone()), inner.end);
        }
        Span { first, last, fixed: (anchored && first == 0, closed && last == end), open: None, close: None }
    }

    /// The words between those that translate the neighbours of the source words `begins..stops`.
    fn between(&self, begins: usize, stops: usize) -> Option<(usize, usize)> {
        let target = |word: &Range<usize>| self.draft.target_of(word.clone());
        let left = match begins.checked_sub(1) {
            None => 0,
            Some(word) => {
                let end = target(&self.source_words[word])?.end;
                self.words.partition_point(|word| word.start < end)
            }
        };
        let right = match self.source_words.get(stops) {
            None => self.words.len(),
            Some(word) => {
                let start = target(word)?.start;
                self.words.partition_point(|word| word.end <= start)
            }
        };
        (left < right && right - left <= 2 * (stops - begins) + 2).then(|| (left, right - 1))
    }

    /// `last`, or the word before what only begins another phrase.
    fn before_phrase(&self, first: usize, last: usize, inner: Range<usize>) -> usize {
        let (Some(from), Some(to)) = (self.words.get(first), self.words.get(last)) else { return last };
        let end = phrase_end(self.draft.text(), from.start..to.end, &self.source[inner]);
        self.words.partition_point(|word| word.start < end).saturating_sub(1)
    }

    /// `last`, or a word near it that a `!` or `?` comes after, if the quotation ends with one in the source too.
    fn before_stop(&self, first: usize, last: usize, end: usize) -> usize {
        let own = self.source[..end].trim_end();
        let Some(stop) = own.chars().next_back().filter(|c| matches!(c, '!' | '?')) else { return last };
        let text = self.draft.text();
        let strong = |&k: &usize| self.words.get(k).is_some_and(|word| text[word.end..].trim_start().starts_with(stop));
        let from = last.saturating_sub(NEAR).max(first);
        (from..=last + NEAR).filter(strong).min_by_key(|k| k.abs_diff(last)).unwrap_or(last)
    }

    /// The first word after a mark of the model, or the last before it.
    fn word_of(&self, mark: &Found) -> usize {
        if mark.open {
            self.words.partition_point(|word| word.end <= mark.range.start)
        } else {
            self.words.partition_point(|word| word.start < mark.range.end).saturating_sub(1)
        }
    }

    /// Takes pairs of the model that enclose about the same words.
    fn take_pairs(&mut self, spans: &mut [(Unit, Span)]) {
        let mut open = Vec::new();
        let mut pairs = Vec::new();
        for (i, mark) in self.found.iter().enumerate() {
            if mark.open {
                open.push(i);
            } else if let Some(o) = open.pop() {
                pairs.push((o, i, self.word_of(&self.found[o]), self.word_of(mark)));
            }
        }
        for (unit, span) in spans {
            if !matches!(unit, Unit::Pair(..)) {
                continue;
            }
            let far = |&&(_, _, first, last): &&(usize, usize, usize, usize)| {
                first.abs_diff(span.first) + last.abs_diff(span.last)
            };
            let free = pairs.iter().filter(|&&(o, c, first, last)| {
                let fits = (!span.fixed.0 || first == span.first) && (!span.fixed.1 || last == span.last);
                fits && !self.used[o] && !self.used[c] && first <= span.last && last >= span.first && first <= last
            });
            let Some(&(o, c, first, last)) = free.min_by_key(far) else { continue };
            let near = 2 * NEAR + (span.last - span.first) / 2;
            if first.abs_diff(span.first) + last.abs_diff(span.last) <= near {
                (self.used[o], self.used[c]) = (true, true);
                *span = Span { first, last, open: Some(o), close: Some(c), ..span.clone() };
            }
        }
    }

    /// Takes single marks of the model near a side that has none yet.
    fn take_edges(&mut self, spans: &mut [(Unit, Span)]) {
        for (unit, span) in spans {
            if span.open.is_none() && !matches!(unit, Unit::Close(_)) {
                let near = self.nearest(true, span.first, span.fixed.0);
                if let Some(mark) = near.filter(|&mark| self.word_of(&self.found[mark]) <= span.last) {
                    self.used[mark] = true;
                    (span.open, span.first) = (Some(mark), self.word_of(&self.found[mark]));
                }
            }
            if span.close.is_none() && !matches!(unit, Unit::Open(_)) {
                let near = self.nearest(false, span.last, span.fixed.1);
                if let Some(mark) = near.filter(|&mark| self.word_of(&self.found[mark]) >= span.first) {
                    self.used[mark] = true;
                    (span.close, span.last) = (Some(mark), self.word_of(&self.found[mark]));
                }
            }
        }
    }

    fn nearest(&self, open: bool, word: usize, exact: bool) -> Option<usize> {
        let free = (0..self.found.len()).filter(|&i| !self.used[i] && self.found[i].open == open);
        let far = |i: &usize| self.word_of(&self.found[*i]).abs_diff(word);
        free.min_by_key(far).filter(|i| far(i) <= if exact { 0 } else { NEAR })
    }

    /// Where an opening mark goes before the word `first`: after what the source has before its mark.
    fn before(&self, mark: usize, first: usize) -> usize {
        let text = self.draft.text();
        let Some(word) = self.words.get(first) else { return text.len() - text.trim_start().len() };
        if first == 0 && only_marks(&self.source[..self.marks[mark].range.start]) {
            return text.len() - text.trim_start().len();
        }
        let mut at = word.start;
        let inside = self.source[self.marks[mark].range.end..].trim_start();
        for (i, c) in text[..word.start].char_indices().rev() {
            let belongs = match c {
                '(' | '[' => inside.starts_with(['(', '[']),
                '.' | '…' => inside.starts_with(['.', '…']),
                '$' | '€' | '£' | '#' | '@' | '-' | '+' | '/' | '\'' | '’' => true,
                _ => false,
            };
            if !belongs {
                break;
            }
            at = i;
        }
        at
    }

    /// Where a closing mark goes after the word `last`: behind the stop that the source has inside.
    fn after(&self, mark: usize, last: usize) -> usize {
        let text = self.draft.text();
        let Some(word) = self.words.get(last) else { return text.trim_end().len() };
        if last + 1 == self.words.len() && only_marks(&self.source[self.marks[mark].range.end..]) {
            return text.trim_end().len();
        }
        // What the source has between its last word and the mark.
        let inside = &self.source[..self.marks[mark].range.start];
        let own = &inside[inside.trim_end_matches(|c: char| !c.is_alphanumeric()).len()..];
        let (mut at, mut end) = (word.end, word.end);
        for c in text[word.end..].chars() {
            end += c.len_utf8();
            let belongs = match c {
                // French spacing before a stop that belongs.
                _ if c.is_whitespace() && text[end..].trim_start().starts_with(['!', '?', '…']) => continue,
                '.' | '!' | '?' | '…' => own.contains(['.', '!', '?', '…']),
                ',' | ';' | ':' => own.ends_with(c),
                ')' | ']' => own.contains(c),
                '%' | '°' | '$' | '€' | '\'' | '’' => !c.is_ascii_punctuation() || c == '%' || c == '$',
                _ => false,
            };
            if !belongs {
                break;
            }
            at = end;
        }
        at
    }

    /// Orders the marks: what closes before what opens, the inner before the outer where they close.
    fn rank(&self, places: &mut [Place], spans: &[(Unit, Span)]) {
        let mut partner: Vec<Option<usize>> = vec![None; places.len()];
        for (unit, _) in spans {
            if let Unit::Pair(open, close) = *unit {
                (partner[open], partner[close]) = (Some(close), Some(open));
            }
        }
        let key = |i: usize| -> usize {
            let text = self.draft.text();
            match places[i].found {
                // A mark of the model may stand off from its word.
                Some(f) if self.found[f].open => {
                    let end = self.found[f].range.end;
                    end + text[end..].len() - text[end..].trim_start().len()
                }
                Some(f) => text[..self.found[f].range.start].trim_end().len(),
                None => places[i].at,
            }
        };
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_by_key(|&i| {
            let open = opens(&self.marks[i]);
            let empty = partner[i].is_some_and(|other| key(other) == key(i));
            let inner = match (open, partner[i]) {
                (false, Some(other)) if !empty => usize::MAX - other,
                // What began in a segment before is outside of all that begins in this one.
                (false, None) => usize::MAX,
                _ => i,
            };
            (key(i), if empty { 1 } else { 2 * u8::from(open) }, inner)
        });
        let mut rank = vec![0; places.len()];
        for (r, &i) in order.iter().enumerate() {
            rank[i] = r;
        }
        for (place, rank) in places.iter_mut().zip(rank) {
            place.rank = rank;
        }
    }
}

/// Whether `text` has nothing but quotation marks and spaces.
fn only_marks(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || "«»‹›“”„‘’\"'".contains(c))
}

/// The stretch with the greatest sum, if that is positive.
fn best_run(gains: &[(Range<usize>, f32)]) -> Option<Range<usize>> {
    let mut best: (f32, Option<Range<usize>>) = (0.0, None);
    let mut run: (f32, usize) = (0.0, 0);
    for (target, gain) in gains {
        if run.0 <= 0.0 {
            run = (0.0, target.start);
        }
        run.0 += gain;
        if run.0 > best.0 {
            best = (run.0, Some(run.1..target.end));
        }
    }
    best.1
}

/// Makes the spans of pairs nest as the pairs do.
fn nest(spans: &mut [(Unit, Span)]) {
    // What is inside in the source is inside in the target. Inner pairs come first.
    let mut inner: Vec<(usize, usize)> = Vec::new();
    for i in 0..spans.len() {
        let Unit::Pair(open, _) = spans[i].0 else { continue };
        while let Some((_, child)) = inner.pop_if(|(o, _)| *o > open) {
            let (mut a, mut b) = (spans[i].1.clone(), spans[child].1.clone());
            if b.first < a.first {
                if a.open.is_some() && a.first <= b.last {
                    (b.first, b.open) = (a.first, None)
                } else {
                    (a.first, a.open) = (b.first, None)
                }
            }
            if b.last > a.last {
                if a.close.is_some() && a.last >= b.first {
                    (b.last, b.close) = (a.last, None)
                } else {
                    (a.last, a.close) = (b.last, None)
                }
            }
            (spans[i].1, spans[child].1) = (a, b);
        }
        inner.push((open, i));
    }
    // What stands apart in the source stands apart: of two that cross, the later one begins after the earlier one.
    let mut order: Vec<usize> = (0..spans.len()).filter(|&i| matches!(spans[i].0, Unit::Pair(..))).collect();
    order.sort_by_key(|&i| (spans[i].1.first, usize::MAX - spans[i].1.last, usize::MAX - i));
    let mut open: Vec<usize> = Vec::new();
    for i in order {
        while let Some(&outer) = open.last() {
            let (first, last) = (spans[i].1.first, spans[i].1.last);
            let (from, to) = (spans[outer].1.first, spans[outer].1.last);
            if to < first {
                open.pop();
            } else if last > to {
                (spans[i].1.first, spans[i].1.open) = (to + 1, None);
                open.pop();
            } else if !encloses(spans[outer].0, spans[i].0) && first > from {
                (spans[outer].1.last, spans[outer].1.close) = (first - 1, None);
                open.pop();
            } else {
                break;
            }
        }
        open.push(i);
    }
}

/// Whether the source has the pair `b` inside the pair `a`.
fn encloses(a: Unit, b: Unit) -> bool {
    matches!((a, b), (Unit::Pair(o, c), Unit::Pair(p, d)) if o < p && d < c)
}
