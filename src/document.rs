//! The types that travel: a document is read into blocks, a block is split into segments, a segment gets a translation.
//!
//! ```text
//! Document.source  ─┬─ gap ─ block ─ gap ─ block ─ gap      (one more gap than blocks; joined, they are the source)
//! Block.text       ─┬─ gap ─ segment ─ gap ─ segment ─ gap  (likewise)
//! ```

use std::ops::Range;

use crate::error::{Error, Result};

/// A source document and the blocks of text in it that are to be translated.
#[derive(Clone, Debug, Default)]
pub struct Document {
    source: String,
    blocks: Vec<Block>,
}

/// A stretch of text that is translated as one flow: a paragraph, a heading, a list item, a table cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The bytes of [`Document::source`] that this block's translation replaces.
    pub range: Range<usize>,
    /// What the block is to its reader.
    pub kind: BlockKind,
    /// The text to translate: markup taken out, entities decoded. Equal to `source[range]` where a format has neither.
    pub text: String,
    /// Inline markup, outermost first where two start together; ranges nest and never cross.
    pub marks: Vec<Mark>,
}

/// What a block is to its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BlockKind {
    Paragraph,
    Heading,
    ListItem,
    /// A turn of speech: a line that starts with a dash.
    Dialogue,
    Cell,
    /// An `alt` or `title` text, a front-matter field, a value of a record.
    Field,
    /// One sentence or more of a subtitle, over one cue or several.
    Cue,
}

/// Inline markup on a range of a block's text: emphasis, a link, a tag. An empty range is a thing that stands
/// between two characters (an image, a line break, a footnote mark).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Bytes of [`Block::text`].
    pub range: Range<usize>,
    /// The format's own number for it, unique in the block; its reader knows what to write for it.
    pub id: usize,
    /// The text in the range passes through unchanged: code, an address.
    pub verbatim: bool,
}

/// What a block became: English text with the block's marks on the words that translate the marked ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    pub text: String,
    /// The block's marks, each once, with ranges of `text`; nested as in the source.
    pub marks: Vec<Mark>,
}

/// A sentence, or what stands for one: the unit that the model sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The index of its block.
    pub block: usize,
    /// Bytes of [`Block::text`]; neither empty nor starting or ending with white space.
    pub range: Range<usize>,
    /// Quotation marks in the segment, with ranges of [`Block::text`].
    pub quotes: Vec<QuoteMark>,
    /// How many quotations are open where it starts.
    pub depth: usize,
}

/// A quotation mark in a source text, as the quote stack read it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct QuoteMark {
    /// The mark itself, without the spaces inside guillemets.
    pub range: Range<usize>,
    pub role: QuoteRole,
    /// 0 for the outermost quotation.
    pub depth: usize,
}

/// What a quotation mark does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum QuoteRole {
    Open,
    Close,
    /// An opening mark repeated at the head of a further paragraph of the same quotation: it opens nothing new.
    Continue,
}

/// What became of a segment.
#[derive(Clone, Debug, Default)]
pub struct Translation {
    pub text: String,
    /// Which source bytes (of the segment) each stretch of `text` translates; for carrying marks over.
    pub links: Vec<Link>,
    /// Mean log-probability of a target token; `None` where the model was not asked.
    pub score: Option<f32>,
    /// What was changed, retried or given up on the way.
    pub notes: Vec<Note>,
}

/// A stretch of a translation and the stretch of the source it stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    pub target: Range<usize>,
    pub source: Range<usize>,
    /// 0 to 1: how sure the alignment is.
    pub weight: f32,
}

/// One thing that a guard or a restorer did, for the report.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Note {
    /// A stable name: `repetition`, `number_lost`, `quote_restored`, `kept_source`, …
    pub code: &'static str,
    /// Whether the reader should look at the segment.
    pub warning: bool,
    /// In words.
    pub detail: String,
}

impl Document {
    /// A document from its source and blocks; the blocks in order, within the source, none overlapping.
    ///
    /// # Errors
    /// When the blocks break that rule, which is a fault of the format's reader.
    pub fn new(source: String, blocks: Vec<Block>) -> Result<Self> {
        let mut end = 0;
        for block in &blocks {
            let Range { start, end: stop } = block.range.clone();
            if start < end || stop < start || source.get(start..stop).is_none() {
                return Err(Error::input(format!(
                    "byte {start}: the reader found blocks that overlap; please report this"
                )));
            }
            end = stop;
        }
        Ok(Self { source, blocks })
    }

    /// The whole source text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The blocks in order.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The text between the blocks, before the first and after the last: one more than there are blocks.
    pub fn gaps(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.blocks.iter().map(|b| b.range.end));
        let ends = self.blocks.iter().map(|b| b.range.start).chain(std::iter::once(self.source.len()));
        starts.zip(ends).map(|(start, end)| &self.source[start..end])
    }

    /// The document with `write(i)` in the place of block `i`.
    pub fn render(&self, write: impl FnMut(usize) -> String) -> String {
        self.render_part(0..self.source.len(), write)
    }

    /// A part of the document, no end of which lies within a block, with `write(i)` in the place of block `i`.
    pub fn render_part(&self, part: Range<usize>, mut write: impl FnMut(usize) -> String) -> String {
        let first = self.blocks.partition_point(|b| b.range.end <= part.start && b.range.start < part.start);
        let mut out = String::with_capacity(part.len());
        let mut at = part.start;
        for (i, block) in self.blocks.iter().enumerate().skip(first).take_while(|(_, b)| b.range.end <= part.end) {
            out.push_str(&self.source[at..block.range.start]);
            out.push_str(&write(i));
            at = block.range.end;
        }
        out.push_str(&self.source[at..part.end]);
        out
    }
}

impl Block {
    /// A block whose text stands in the source as it is, without markup.
    pub fn plain(source: &str, range: Range<usize>, kind: BlockKind) -> Self {
        Self { text: source[range.clone()].to_owned(), range, kind, marks: Vec::new() }
    }
}

impl Note {
    /// Something the reader should look at.
    pub fn warning(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, warning: true, detail: detail.into() }
    }

    /// Something that was put right.
    pub fn info(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, warning: false, detail: detail.into() }
    }
}
