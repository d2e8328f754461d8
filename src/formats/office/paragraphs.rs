//! Paragraphs of office documents as their readers meet them: elements that hold some of a paragraph's text, and things
//! that stand in it, which may hold paragraphs themselves: a footnote, a text box.

use std::ops::Range;

use crate::document::{Block, BlockKind};
use crate::formats::flow::{Encode, Flow, value};
use crate::formats::weave::{Shape, Syntax};

pub(super) type Found = Vec<(Block, Shape)>;

/// The paragraphs that are open, and what the closed ones became.
#[derive(Default)]
pub(super) struct Paragraphs {
    open: Vec<Paragraph>,
    out: Found,
}

pub(super) struct Paragraph {
    pub kind: BlockKind,
    pub flow: Flow,
    /// Elements that hold text: their names, the numbers of their marks, and where their end begins if that is not where
    /// their end tag does.
    holders: Vec<(String, usize, Option<usize>)>,
    /// What stands in the text and is not over yet: its name, how often that is open, where it starts.
    standing: Option<(String, usize, usize)>,
    /// The blocks in it.
    found: Found,
}

impl Paragraphs {
    pub fn start(&mut self, kind: BlockKind) {
        let flow = Flow::new(Syntax::Xml);
        self.open.push(Paragraph { kind, flow, holders: Vec::new(), standing: None, found: Vec::new() });
    }

    pub fn end(&mut self) {
        if let Some(paragraph) = self.open.pop() {
            let Paragraph { kind, flow, .. } = paragraph;
            flow.finish(kind, self.here());
        }
    }

    /// The innermost paragraph's text so far is a block of its own.
    pub fn cut(&mut self) {
        if let Some(Paragraph { kind, flow, .. }) = self.open.pop() {
            flow.finish(kind, self.here());
            self.start(kind);
        }
    }

    /// The paragraph whose text is being read.
    pub fn text(&mut self) -> Option<&mut Paragraph> {
        self.open.last_mut().filter(|p| p.standing.is_none())
    }

    /// The innermost paragraph.
    pub fn last(&mut self) -> Option<&mut Paragraph> {
        self.open.last_mut()
    }

    /// A value by itself.
    pub fn value(&mut self, range: Range<usize>, text: String, encode: Encode) {
        self.here().extend(value(range, text, encode));
    }

    pub fn finish(mut self) -> Found {
        while !self.open.is_empty() {
            self.end();
        }
        self.out
    }

    fn here(&mut self) -> &mut Found {
        match self.open.last_mut() {
            Some(outer) => &mut outer.found,
            None => &mut self.out,
        }
    }
}

impl Paragraph {
    /// An element that holds some of the text starts.
    pub fn hold(&mut self, name: &str, place: Range<usize>) {
        let id = self.flow.open(place);
        self.holders.push((name.to_owned(), id, None));
    }

    /// The start of the innermost holder is only over at `end`; `false` where it holds text already.
    pub fn widen(&mut self, name: &str, end: usize) -> bool {
        let Some((_, id, _)) = self.holders.last().filter(|(open, ..)| open == name) else { return false };
        self.flow.widen(*id, end)
    }

    /// The end of the innermost holder begins at `start`.
    pub fn closing(&mut self, name: &str, start: usize) {
        if let Some(holder) = self.holders.last_mut().filter(|(open, ..)| open == name) {
            holder.2 = Some(start);
        }
    }

    /// A holder's end; `false` where none of that name is open.
    pub fn release(&mut self, name: &str, place: Range<usize>) -> bool {
        let Some(depth) = self.holders.iter().rposition(|(open, ..)| open == name) else { return false };
        let (_, id, start) = self.holders.swap_remove(depth);
        self.holders.truncate(depth);
        self.flow.close(id, start.unwrap_or(place.start)..place.end, None);
        true
    }

    /// Whether a part of the text is held by an element.
    pub fn is_held(&self) -> bool {
        !self.holders.is_empty()
    }

    /// Something starts to stand in the text.
    pub fn stand(&mut self, name: &str, place: &Range<usize>) {
        self.standing = Some((name.to_owned(), 1, place.start));
    }

    /// Another element starts within what stands.
    pub fn deeper(&mut self, name: &str) {
        if let Some((open, depth, _)) = &mut self.standing {
            *depth += usize::from(open == name);
        }
    }

    /// An element ends within what stands; with that itself, the text goes on, and it answers so.
    pub fn end_within(&mut self, name: &str, place: &Range<usize>) -> bool {
        let Some((open, depth, start)) = &mut self.standing else { return false };
        *depth -= usize::from(open == name);
        let over = *depth == 0;
        if over {
            let range = *start..place.end;
            self.standing = None;
            self.flow.stand(range);
            self.flow.inner(std::mem::take(&mut self.found));
        }
        over
    }
}
