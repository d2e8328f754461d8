//! A translation that is still being edited, and always knows which source bytes each of its parts came from.

use std::ops::Range;

use crate::document::{Link, Note};
use crate::engine::Hypothesis;

/// The text of a hypothesis with its alignment to the segment. The restorers edit it one after the other; every edit
/// keeps the alignment true.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    text: String,
    /// In order, never overlapping; what lies between them (spaces) belongs to none.
    pieces: Vec<Piece>,
    /// Byte ranges of the segment, one a source token; the end mark's is empty.
    source: Vec<Range<usize>>,
    pub notes: Vec<Note>,
}

#[derive(Clone, Debug)]
struct Piece {
    target: Range<usize>,
    /// Attention over the source tokens; empty where the piece was put in by hand with a known source.
    weights: Vec<f32>,
    /// Where it was put in by hand.
    fixed: Option<Range<usize>>,
    /// Whether it must stay as it is.
    frozen: bool,
    /// Log-probability of the token; 0 where no model wrote it.
    log_prob: f32,
}

/// One change of a [`Draft`]: `new` stands for `range`; see [`Draft::replace`] for `source`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub range: Range<usize>,
    pub new: String,
    pub source: Option<Range<usize>>,
}

impl Draft {
    /// A draft of `hypothesis`; `to_segment` takes a byte range of the text that the model saw to one of the segment.
    pub fn new(hypothesis: &Hypothesis, to_segment: impl Fn(Range<usize>) -> Range<usize>) -> Self {
        let mut draft = Self { text: hypothesis.text.clone(), ..Self::default() };
        if let Some(alignment) = &hypothesis.alignment {
            draft.source = alignment.source.iter().cloned().map(to_segment).collect();
            let mut end = 0;
            for (t, target) in alignment.target.iter().enumerate() {
                // Whatever an engine says, pieces are in order and on the boundaries of characters.
                let fits = end <= target.start && hypothesis.text.get(target.clone()).is_some_and(|s| !s.is_empty());
                if fits {
                    end = target.end;
                    let weights = alignment.row(t).to_vec();
                    draft.pieces.push(Piece {
                        target: target.clone(),
                        weights,
                        fixed: None,
                        frozen: false,
                        log_prob: hypothesis.token_scores.get(t).copied().unwrap_or(f32::NEG_INFINITY),
                    });
                }
            }
        }
        draft
    }

    /// A draft that stands for the whole of its source, word for word unknown: a copied segment.
    pub fn copied(text: &str) -> Self {
        let piece = Piece {
            target: 0..text.len(),
            weights: Vec::new(),
            fixed: Some(0..text.len()),
            frozen: false,
            log_prob: 0.0,
        };
        let pieces = if text.is_empty() { Vec::new() } else { vec![piece] };
        Self { text: text.to_owned(), pieces, ..Self::default() }
    }

    /// A copy of the source whose every word stands for itself.
    pub fn same(text: &str) -> Self {
        let mut draft = Self { text: text.to_owned(), ..Self::default() };
        let mut at = 0;
        for word in text.split_inclusive(char::is_whitespace) {
            let range = at..at + word.trim_end().len();
            at += word.len();
            if !range.is_empty() {
                draft.pieces.push(Piece {
                    target: range.clone(),
                    weights: Vec::new(),
                    fixed: Some(range),
                    frozen: false,
                    log_prob: 0.0,
                });
            }
        }
        draft
    }

    /// The text as it stands.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Replaces bytes of the text. `source` says what the new text stands for; without it, it takes over what the
    /// replaced pieces came from.
    pub fn replace(&mut self, range: Range<usize>, new: &str, source: Option<Range<usize>>) {
        self.edit(range, new, source, false);
    }

    /// As [`Self::replace`], and no restorer is to touch the new text again: it stands as the source has it.
    pub fn put(&mut self, range: Range<usize>, new: &str, source: Range<usize>) {
        self.edit(range, new, Some(source), true);
    }

    fn edit(&mut self, range: Range<usize>, new: &str, source: Option<Range<usize>>, frozen: bool) {
        let Range { start, end } = range;
        let first = self.pieces.partition_point(|p| p.target.end <= start);
        let mut last = first + self.pieces[first..].partition_point(|p| p.target.start < end);
        // An insertion between two pieces touches none; inside one it parts it.
        if start == end && self.pieces.get(first).is_some_and(|p| p.target.start < start) {
            last = first + 1;
        }
        let mut weights: Vec<f32> = Vec::new();
        let mut fixed = source;
        let mut parts: Vec<Piece> = Vec::with_capacity(3);
        for piece in &self.pieces[first..last] {
            if piece.target.start < start {
                parts.push(Piece { target: piece.target.start..start, ..piece.clone() });
            }
            if start == end {
                continue;
            }
            if weights.is_empty() {
                weights.clone_from(&piece.weights);
            } else {
                weights.iter_mut().zip(&piece.weights).for_each(|(sum, w)| *sum += w);
            }
            if fixed.is_none() {
                fixed.clone_from(&piece.fixed);
            }
        }
        let total: f32 = weights.iter().sum();
        if total > 0.0 {
            weights.iter_mut().for_each(|w| *w /= total);
        }
        if !new.is_empty() && (fixed.is_some() || !weights.is_empty()) {
            parts.push(Piece { target: start..start + new.len(), weights, fixed, frozen, log_prob: 0.0 });
        }
        let moved = |x: usize| x - end + start + new.len();
        if let Some(piece) = self.pieces[first..last].last().filter(|p| p.target.end > end) {
            parts.push(Piece { target: start + new.len()..moved(piece.target.end), ..piece.clone() });
        }
        for piece in &mut self.pieces[last..] {
            piece.target = moved(piece.target.start)..moved(piece.target.end);
        }
        self.pieces.splice(first..last, parts);
        self.text.replace_range(start..end, new);
    }

    /// The stretches that no restorer may touch, in order.
    pub fn frozen(&self) -> Vec<Range<usize>> {
        self.pieces.iter().filter(|p| p.frozen).map(|p| p.target.clone()).collect()
    }

    /// Lets restorers touch again what was [put](Self::put) in for exactly these source bytes.
    pub fn release(&mut self, source: &Range<usize>) {
        for piece in self.pieces.iter_mut().filter(|piece| piece.fixed.as_ref() == Some(source)) {
            piece.frozen = false;
        }
    }

    /// Whether a restorer may change these bytes, or insert at this place.
    pub fn is_free(&self, range: Range<usize>) -> bool {
        let i = self.pieces.partition_point(|p| p.target.end <= range.start);
        self.pieces[i..]
            .iter()
            .take_while(|p| p.target.start < range.end.max(range.start + 1))
            .all(|p| !p.frozen || p.target.start >= range.end)
    }

    /// Where the text that was put in for exactly these source bytes stands.
    pub fn placed(&self, source: &Range<usize>) -> Option<Range<usize>> {
        self.pieces.iter().find(|p| p.frozen && p.fixed.as_ref() == Some(source)).map(|p| p.target.clone())
    }

    /// How strongly the bytes `target` are tied to the bytes `source` of the segment, 0 to 1.
    pub fn tie(&self, target: Range<usize>, source: Range<usize>) -> f32 {
        let (mut sum, mut len) = (0.0, 0.0);
        let first = self.pieces.partition_point(|p| p.target.end <= target.start);
        for piece in self.pieces[first..].iter().take_while(|p| p.target.start < target.end) {
            let shared = piece.target.end.min(target.end).saturating_sub(piece.target.start.max(target.start)) as f32;
            sum += self.weight(piece, &source) * shared;
            len += shared;
        }
        if len > 0.0 { sum / len } else { 0.0 }
    }

    /// Whether anything is known about which words came from where.
    pub fn is_aligned(&self) -> bool {
        !self.pieces.is_empty()
    }

    /// Makes all of `edits`, which are in order and do not overlap, with ranges of the text as it stands now. Those that
    /// would change what is frozen are left out.
    pub fn replace_all(&mut self, edits: &[Edit]) {
        let edits: Vec<&Edit> = edits.iter().filter(|e| self.is_free(e.range.clone())).collect();
        let mut text = String::with_capacity(self.text.len() + edits.iter().map(|edit| edit.new.len()).sum::<usize>());
        let mut pieces = Vec::with_capacity(self.pieces.len() + edits.len());
        let mut old = std::mem::take(&mut self.pieces).into_iter().peekable();
        let mut done = 0;
        for edit in edits {
            debug_assert!(done <= edit.range.start, "edits are in order");
            let shift = |x: usize, text: &str| x - done + text.len();
            // Pieces before the edit, and the part before it of one that goes on into it.
            while let Some(piece) = old.next_if(|piece| piece.target.end <= edit.range.start) {
                let target = shift(piece.target.start, &text)..shift(piece.target.end, &text);
                pieces.push(Piece { target, ..piece });
            }
            if let Some(piece) = old.peek_mut().filter(|piece| piece.target.start < edit.range.start) {
                let target = shift(piece.target.start, &text)..shift(edit.range.start, &text);
                pieces.push(Piece { target, ..piece.clone() });
                piece.target.start = edit.range.start;
            }
            text.push_str(&self.text[done..edit.range.start]);
            let mut weights: Vec<f32> = Vec::new();
            let mut fixed = edit.source.clone();
            while let Some(piece) = old.peek_mut().filter(|piece| piece.target.start < edit.range.end) {
                if weights.is_empty() {
                    weights.clone_from(&piece.weights);
                } else {
                    weights.iter_mut().zip(&piece.weights).for_each(|(sum, w)| *sum += w);
                }
                fixed = fixed.or_else(|| piece.fixed.clone());
                if piece.target.end > edit.range.end {
                    piece.target.start = edit.range.end;
                    break;
                }
                old.next();
            }
            let total: f32 = weights.iter().sum();
            if total > 0.0 {
                weights.iter_mut().for_each(|w| *w /= total);
            }
            if !edit.new.is_empty() && (fixed.is_some() || !weights.is_empty()) {
                let target = text.len()..text.len() + edit.new.len();
                pieces.push(Piece { target, weights, fixed, frozen: false, log_prob: 0.0 });
            }
            text.push_str(&edit.new);
            done = edit.range.end;
        }
        for piece in old {
            let target = piece.target.start - done + text.len()..piece.target.end - done + text.len();
            pieces.push(Piece { target, ..piece });
        }
        text.push_str(&self.text[done..]);
        self.text = text;
        self.pieces = pieces;
    }

    /// How strongly each stretch of the text is tied to `source` (bytes of the segment): target range and weight 0 to 1.
    pub fn ties(&self, source: Range<usize>) -> impl Iterator<Item = (Range<usize>, f32)> + '_ {
        self.pieces.iter().map(move |piece| (piece.target.clone(), self.weight(piece, &source)))
    }

    /// How strongly a piece is tied to `source`.
    fn weight(&self, piece: &Piece, source: &Range<usize>) -> f32 {
        match &piece.fixed {
            Some(fixed) => f32::from(u8::from(overlap(fixed, source))),
            None => {
                let own = self.source.iter().zip(&piece.weights).filter(|(s, _)| overlap(s, source));
                own.map(|(_, w)| w).sum()
            }
        }
    }

    /// The log-probability of the token that the model was least sure of within `range`; 0 for what it did not write.
    pub fn certainty(&self, range: &Range<usize>) -> f32 {
        let own = self.pieces.iter().filter(|piece| overlap(&piece.target, range));
        own.map(|piece| piece.log_prob).fold(0.0, f32::min)
    }

    /// The target bytes that translate `source`: the best contiguous stretch of pieces, by the sum over pieces inside of
    /// (weight on `source` − ½) — the stretch whose pieces come mostly from there. `None` where nothing does.
    pub fn target_of(&self, source: Range<usize>) -> Option<Range<usize>> {
        let mut best: (f32, Option<Range<usize>>) = (0.0, None);
        let mut run: (f32, usize) = (0.0, 0);
        for (target, weight) in self.ties(source) {
            if run.0 <= 0.0 {
                run = (0.0, target.start);
            }
            run.0 += weight - 0.5;
            if run.0 > best.0 {
                best = (run.0, Some(run.1..target.end));
            }
        }
        best.1
    }

    /// For each piece, the source token it is most tied to.
    pub fn links(&self) -> Vec<Link> {
        let mut out = Vec::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            if let Some(fixed) = &piece.fixed {
                out.push(Link { target: piece.target.clone(), source: fixed.clone(), weight: 1.0 });
                continue;
            }
            // The end mark attracts attention that means nothing: leave it out where anything else is there.
            let best = (0..piece.weights.len().min(self.source.len()))
                .filter(|&s| !self.source[s].is_empty())
                .max_by(|&a, &b| piece.weights[a].total_cmp(&piece.weights[b]));
            if let Some(s) = best {
                let (target, source) = (piece.target.clone(), self.source[s].clone());
                out.push(Link { target, source, weight: piece.weights[s] });
            }
        }
        out
    }
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, Identity, Options};

    fn draft(text: &str) -> Draft {
        let mut out = Identity.translate(&[text.to_owned()], &Options::default(), &());
        let hypotheses = out.remove(0).expect("identity never fails");
        Draft::new(&hypotheses[0], |r| r)
    }

    #[test]
    fn edits_keep_the_alignment() {
        let mut d = draft("un deux trois quatre");
        d.replace(3..7, "two", None);
        assert_eq!(d.text(), "un two trois quatre");
        assert_eq!(d.target_of(3..7), Some(3..6));
        assert_eq!(d.target_of(8..13), Some(7..12));
        d.replace(0..0, "\u{201c}", None);
        assert_eq!(d.target_of(3..13), Some(6..15));
        d.replace(15..15, "\u{201d}", Some(8..13));
        assert_eq!(&d.text()[d.target_of(8..13).expect("is there")], "trois\u{201d}");
        d.replace(0..d.text().len(), "", None);
        assert_eq!(d.target_of(0..20), None);
    }

    #[test]
    fn many_edits_at_once_are_as_good_as_one_by_one() {
        let edit = |range: Range<usize>, new: &str, source| Edit { range, new: new.to_owned(), source };
        let edits = [
            edit(0..0, "\u{201c}", Some(0..2)),
            edit(2..3, "", None),
            edit(4..7, "W", None),
            edit(8..14, "three", Some(8..13)),
            edit(20..20, "!", None),
        ];
        for text in ["un deux trois quatre", "undeuxtroisquatre456"] {
            let (mut all, mut each) = (draft(text), draft(text));
            all.replace_all(&edits);
            for edit in edits.iter().rev() {
                each.replace(edit.range.clone(), &edit.new, edit.source.clone());
            }
            assert_eq!(all.text(), each.text());
            assert_eq!(all.target_of(8..13), each.target_of(8..13), "{}", all.text());
            assert_eq!(all.links(), each.links());
        }
    }
}
