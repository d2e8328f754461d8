//! Cuts blocks into sentences, and reads their quotation marks.
//!
//! ```text
//! Block.text ── quotes (the quote stack, over all blocks) ──▶ marks ── sentence ──▶ Segment
//! Segment too long for the model ── clause ──▶ pieces
//! ```
//!
//! Everything here is linear in the length of the text, and total: any text gives segments that cover it.

mod abbreviations;
pub mod clause;
pub mod quotes;
pub mod sentence;

use std::ops::Range;

use crate::document::{Block, BlockKind, QuoteMark, Segment};

/// The segments of `blocks` in document order. They never overlap, never start or end with white space that is not
/// verbatim, and cover every other character; a blank block has none.
pub fn split(blocks: &[Block]) -> Vec<Segment> {
    let mut segments = Vec::new();
    for (index, (block, reading)) in blocks.iter().zip(quotes::read(blocks)).enumerate() {
        let verbatim = verbatim(block);
        let mut marks = reading.marks.into_iter().peekable();
        let mut depth = reading.depth;
        for range in sentence::ranges(&block.text, &verbatim) {
            let start_depth = depth;
            let mut quotes = Vec::new();
            while let Some(mark) = marks.next_if(|mark| mark.range.start < range.end) {
                depth = mark.depth_after();
                quotes.push(mark);
            }
            segments.push(Segment { block: index, range, quotes, depth: start_depth });
        }
    }
    segments
}

/// The segments of `blocks` that are several texts, each of which takes the next blocks: no quotation goes on from one text to
/// the next.
pub fn split_texts(blocks: &[Block], texts: impl IntoIterator<Item = Range<usize>>) -> Vec<Segment> {
    let moved = |by: usize| move |segment: Segment| Segment { block: by + segment.block, ..segment };
    let of =
        |text: Range<usize>| split(blocks.get(text.clone()).unwrap_or_default()).into_iter().map(moved(text.start));
    texts.into_iter().flat_map(of).collect()
}

/// The sentences of one text, by themselves.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    sentence::ranges(text, &[])
}

/// A segment for people and programs to look at.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Description<'a> {
    /// Index of the block, from 0.
    pub block: usize,
    pub kind: BlockKind,
    /// Bytes of the block's text; where the block has no markup, its range in the document is `at + start..at + end`.
    pub start: usize,
    pub end: usize,
    /// The first byte of the block in the document.
    pub at: usize,
    /// How many quotations are open where it starts.
    pub depth: usize,
    pub text: &'a str,
    /// Ranges are bytes of the block's text.
    pub quotes: &'a [QuoteMark],
}

/// `segments` with what their blocks say about them.
pub fn describe<'a>(blocks: &'a [Block], segments: &'a [Segment]) -> impl Iterator<Item = Description<'a>> {
    segments.iter().map(|segment| {
        let block = &blocks[segment.block];
        Description {
            block: segment.block,
            kind: block.kind,
            start: segment.range.start,
            end: segment.range.end,
            at: block.range.start,
            depth: segment.depth,
            text: &block.text[segment.range.clone()],
            quotes: &segment.quotes,
        }
    })
}

/// Ranges of the block's text in which nothing is punctuation: code, addresses. Sorted, not overlapping.
fn verbatim(block: &Block) -> Vec<Range<usize>> {
    let mut ranges: Vec<_> = block
        .marks
        .iter()
        .filter(|mark| mark.verbatim && !mark.range.is_empty())
        .map(|mark| mark.range.clone())
        .collect();
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// A text by characters: what the rules look at.
struct Text {
    chars: Vec<char>,
    /// Byte offset of each character, and the text's length at the end.
    at: Vec<usize>,
    /// Whether the character stands in a verbatim range.
    masked: Vec<bool>,
}

impl Text {
    fn new(text: &str, verbatim: &[Range<usize>]) -> Self {
        let mut out =
            Self { chars: Vec::with_capacity(text.len()), at: Vec::with_capacity(text.len() + 1), masked: vec![] };
        for (i, c) in text.char_indices() {
            out.chars.push(c);
            out.at.push(i);
        }
        let mut ranges = verbatim.iter().peekable();
        out.masked.extend(out.at.iter().map(|&i| {
            while ranges.next_if(|range| range.end <= i).is_some() {}
            ranges.peek().is_some_and(|range| range.start <= i)
        }));
        out.at.push(text.len());
        out
    }

    fn len(&self) -> usize {
        self.chars.len()
    }

    /// The character before `i`; a space at the start.
    fn before(&self, i: usize) -> char {
        i.checked_sub(1).map_or(' ', |i| self.chars[i])
    }

    /// The character at `i`; a space past the end.
    fn get(&self, i: usize) -> char {
        self.chars.get(i).copied().unwrap_or(' ')
    }

    /// Whether there is white space at `i` that no verbatim range holds fast.
    fn is_space(&self, i: usize) -> bool {
        self.chars[i].is_whitespace() && !self.masked[i]
    }

    /// The first character from `i` that is not such white space, or the end.
    fn skip_space(&self, mut i: usize) -> usize {
        while i < self.len() && self.is_space(i) {
            i += 1;
        }
        i
    }
}

impl QuoteMark {
    /// How many quotations are open after the mark.
    pub fn depth_after(&self) -> usize {
        match self.role {
            crate::document::QuoteRole::Close => self.depth,
            _ => self.depth + 1,
        }
    }
}

#[cfg(test)]
mod tests;
