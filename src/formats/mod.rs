//! Documents in and out. One file a format, its reader and its writer side by side.
//!
//! Law: `parsed.render(targets)` is the source byte for byte when every target equals its block's text and marks.

use std::ops::Range;
use std::path::Path;

use encoding::Encoded;
use encoding_rs::Encoding;

use crate::document::{Document, Target};
use crate::error::{Error, Result};

mod anchors;
mod bilingual;
pub mod encoding;
mod escape;
mod flow;
mod front_matter;
mod html;
mod inner;
#[cfg(test)]
mod laws;
mod lines;
mod markdown;
mod notes;
mod office;
mod plain;
mod po;
mod ranges;
pub(crate) mod records;
mod rows;
mod subtitles;
mod table;
mod weave;
mod wrap;
mod xliff;
mod xml;

pub use bilingual::{Bilingual, Pair};
pub use plain::Plain;
pub use po::Catalogue;
pub use records::Records;
pub(crate) use rows::KEPT;
pub use rows::Tally;
pub use subtitles::Subtitles;
pub(crate) use table::HEAD;
pub use table::{RowEnds, Table};
pub use wrap::Wrapped;

/// A document that has been read, and knows how to write each of its blocks again.
pub trait Parsed: Send + Sync {
    /// The source and its blocks.
    fn document(&self) -> &Document;

    /// The bytes that replace `document().blocks()[block].range` for a translation. Where the target equals the block
    /// (same text, same marks) they are the source's own.
    fn write(&self, block: usize, target: &Target) -> String;

    /// The runs of blocks that are texts by themselves, in order: the values of records, which know nothing of each other.
    fn texts(&self) -> Vec<Range<usize>> {
        std::iter::once(0..self.document().blocks().len()).collect()
    }

    /// What could not be read and passes through as it is: rows that are broken. Each names its line.
    fn faults(&self) -> &[Error] {
        &[]
    }

    /// The whole document with its blocks' translations, one a block. Formats whose blocks stand within others' markup
    /// put them in their places here, so it is the way to write a document.
    fn render(&self, targets: &[Target]) -> String {
        self.document().render(|block| self.write(block, &targets[block]))
    }

    /// The whole document as a file: the bytes of [`Parsed::render`], or the archive that holds them.
    ///
    /// # Errors
    /// When an archive cannot be put together again.
    fn to_bytes(&self, targets: &[Target]) -> Result<Vec<u8>> {
        Ok(self.render(targets).into_bytes())
    }
}

/// The formats that fr2en reads and writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    #[default]
    Plain,
    Markdown,
    Html,
    /// SubRip.
    Srt,
    /// WebVTT.
    Vtt,
    /// A JSON object on each line.
    Jsonl,
    Csv,
    /// Like CSV, with tabs.
    Tsv,
    /// A gettext catalogue.
    Po,
    /// XLIFF 1.2 or 2.
    Xliff,
    /// Word.
    Docx,
    /// OpenDocument text.
    Odt,
    Epub,
}

/// How to read and write; every format takes what concerns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What text is encoded in; without it, what an HTML document, an XLIFF file or a PO catalogue says of itself, and else
    /// UTF-8. Those are written in the same encoding where that has a byte for each character, all else in UTF-8. Office
    /// documents ignore it.
    pub encoding: Option<&'static Encoding>,
    /// Plain text: whether lines that follow each other are paragraphs.
    pub wrapped: Wrapped,
    /// Markdown: the fields of the front matter that are translated.
    pub front_matter: Vec<String>,
    /// HTML, front matter: whether `lang="fr"` becomes `lang="en"`. It is the one change that is made even where no text changes.
    pub language: bool,
    /// Subtitles: the longest line, in characters.
    pub subtitle_columns: usize,
    /// Subtitles: the most lines of a cue, where the source has no more.
    pub subtitle_lines: usize,
    /// JSONL, CSV, TSV: the fields that are translated. A dot leads into an object; in a table without a header a column is
    /// named by its number, from 1.
    pub fields: Vec<String>,
    /// JSONL, CSV, TSV: the field that gets the translation, where the source is to stay. Only with one field.
    pub into: Option<String>,
    /// JSONL, CSV, TSV: what the fields hold. A plain text with tags or entities of HTML is read as such.
    pub content: Format,
}

impl Default for Options {
    fn default() -> Self {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Self {
            encoding: None,
            wrapped: Wrapped::default(),
            front_matter: names(&[
                "title",
                "subtitle",
                "description",
                "summary",
                "excerpt",
                "abstract",
                "lead",
                "headline",
            ]),
            language: false,
            subtitle_columns: 42,
            subtitle_lines: 2,
            fields: names(&["text"]),
            into: None,
            content: Format::Plain,
        }
    }
}

impl Format {
    /// A name of each format, as [`Format::from_name`] takes it.
    pub const NAMES: &[&str] =
        &["plain", "markdown", "html", "srt", "vtt", "jsonl", "csv", "tsv", "po", "xliff", "docx", "odt", "epub"];

    /// The format that a file's name stands for; `None` where its extension says nothing.
    pub fn from_path(path: &Path) -> Option<Self> {
        Self::from_name(path.extension()?.to_str()?)
    }

    /// The extension of a file's name where it stands for a format that is not read, and is no plain text.
    pub fn unsupported(path: &Path) -> Option<&str> {
        const OTHERS: &[&str] = &[
            "ass", "azw", "azw3", "doc", "dot", "fb2", "fodt", "gz", "key", "mobi", "odg", "odp", "ods", "pages",
            "pdf", "ppt", "pptx", "ps", "rtf", "sbv", "ssa", "sub", "xls", "xlsx", "zip",
        ];
        let extension = path.extension()?.to_str()?;
        OTHERS.contains(&extension.to_ascii_lowercase().as_str()).then_some(extension)
    }

    /// The format of this name or extension, without the dot, in either case.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "txt" | "text" | "plain" => Self::Plain,
            "md" | "markdown" | "mdown" | "mkd" | "mdx" | "qmd" | "rmd" => Self::Markdown,
            "html" | "htm" | "xhtml" => Self::Html,
            "srt" => Self::Srt,
            "vtt" | "webvtt" => Self::Vtt,
            "jsonl" | "ndjson" => Self::Jsonl,
            "csv" => Self::Csv,
            "tsv" | "tab" => Self::Tsv,
            "po" | "pot" => Self::Po,
            "xliff" | "xlf" | "sdlxliff" | "mqxliff" | "mxliff" => Self::Xliff,
            "docx" | "docm" | "dotx" | "dotm" => Self::Docx,
            "odt" | "ott" => Self::Odt,
            "epub" => Self::Epub,
            _ => return None,
        })
    }

    /// Whether its documents are archives, which no terminal shows.
    pub fn is_archive(self) -> bool {
        matches!(self, Self::Docx | Self::Odt | Self::Epub)
    }
}

/// Reads a document with the usual options, byte order mark and all.
///
/// # Errors
/// When the bytes cannot be a document of that format; the message gives the line or the byte.
pub fn parse(format: Format, bytes: impl Into<Vec<u8>>) -> Result<Box<dyn Parsed>> {
    parse_with(format, bytes, &Options::default())
}

/// Reads a document; see [`parse`].
///
/// # Errors
/// As [`parse`].
pub fn parse_with(format: Format, bytes: impl Into<Vec<u8>>, options: &Options) -> Result<Box<dyn Parsed>> {
    if format.is_archive() {
        return Ok(Box::new(office::Package::parse(format, bytes.into(), options)?));
    }
    let bytes = bytes.into();
    // What names its own encoding has to be true to it when it is written again.
    let own = match format {
        Format::Html | Format::Xliff | Format::Po => options.encoding.or_else(|| encoding::declared(format, &bytes)),
        _ => None,
    };
    match own.filter(|encoding| encoding.is_single_byte()) {
        None => parse_text(format, encoding::decode(bytes, options.encoding)?, options),
        Some(encoding) => {
            let source = encoding::decode(bytes, Some(encoding))?;
            Ok(Box::new(Encoded { parsed: parse_text(format, source, options)?, format, encoding }))
        }
    }
}

/// Reads a document that is text.
pub(crate) fn parse_text(format: Format, source: String, options: &Options) -> Result<Box<dyn Parsed>> {
    Ok(match format {
        Format::Plain => Box::new(Plain::parse(source, options)?),
        Format::Markdown => Box::new(markdown::parse(source, options)?),
        Format::Srt => Box::new(Subtitles::parse(source, options, false)?),
        Format::Vtt => Box::new(Subtitles::parse(source, options, true)?),
        Format::Jsonl => Box::new(Records::jsonl(source, options)?),
        Format::Csv => Box::new(Records::table(source, options, false)?),
        Format::Tsv => Box::new(Records::table(source, options, true)?),
        Format::Po => Box::new(Catalogue::parse(source, options)?),
        Format::Xliff => Box::new(xliff::parse(source, options)?),
        Format::Html => Box::new(html::parse(source, options)?),
        Format::Docx | Format::Odt | Format::Epub => {
            return Err(Error::settings("a document of this format is an archive, not text"));
        }
    })
}
