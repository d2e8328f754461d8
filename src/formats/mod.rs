//! Documents in and out. One file a format, its reader and its writer side by side.
//!
//! Law: `parsed.render(targets)` is the source byte for byte when every target equals its block's text and marks.

use crate::document::{Document, Target};
use crate::error::Result;

/// A document that has been read, and knows how to write each of its blocks again.
pub trait Parsed: Send + Sync {
    /// The source and its blocks.
    fn document(&self) -> &Document;

    /// The bytes that replace `document().blocks()[block].range` for a translation. Where the target equals the block
    /// (same text, same marks) they are the source's own.
    fn write(&self, block: usize, target: &Target) -> String;

    /// The whole document with its blocks' translations, one a block.
    fn render(&self, targets: &[Target]) -> String {
        self.document().render(|block| self.write(block, &targets[block]))
    }
}

/// The formats that fr2en reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    Plain,
}

/// Reads a document. `source` starts with its byte order mark if it has one.
///
/// # Errors
/// When the text cannot be a document of that format; the message gives the line.
pub fn parse(_format: Format, _source: String) -> Result<Box<dyn Parsed>> {
    unimplemented!()
}
