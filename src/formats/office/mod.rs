//! Documents that are archives of XML: DOCX, ODT, EPUB. Their parts, one after the other, are the document's source; what
//! is not text (pictures, fonts, styles) is copied as it was compressed.

mod archive;
mod docx;
mod epub;
mod odt;
mod paragraphs;
pub(super) mod runs;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;

use archive::Archive;
use paragraphs::Found;

use super::flow::value;
use super::html::{self, decode};
use super::weave::Woven;
use super::xml::{self, Token};
use super::{Format, Options, Parsed};
use crate::document::{Document, Target};
use crate::error::{Error, Result};

/// A document of several parts in an archive.
pub(crate) struct Package {
    archive: Archive,
    /// Their names and their bytes of the source.
    parts: Vec<(String, Range<usize>)>,
    text: Woven,
}

/// A part as it is to be read.
struct Part {
    name: String,
    read: fn(&str, Range<usize>) -> Result<Found>,
    xhtml: bool,
}

impl Part {
    fn new(name: &str, read: fn(&str, Range<usize>) -> Result<Found>) -> Self {
        Self { name: name.to_owned(), read, xhtml: false }
    }
}

impl Package {
    /// Reads a document.
    ///
    /// # Errors
    /// When it is no such document, broken, encrypted, or would take too much memory.
    pub fn parse(format: Format, bytes: Vec<u8>, options: &Options) -> Result<Self> {
        let mut archive = Archive::open(bytes)?;
        let found = match format {
            Format::Docx => word(&mut archive)?,
            Format::Odt => open_document(&mut archive)?,
            _ => epub::parts(&mut archive)?,
        };
        let (mut source, mut blocks, mut parts) = (String::new(), Vec::new(), Vec::new());
        for part in found {
            let Some(text) = archive.text(&part.name)? else { continue };
            let within = |e: Error| Error::input(format!("{} in it {e}", part.name));
            let text = match options.language {
                true if part.xhtml => html::say_english(&text, true),
                true => say_english(&text).map_err(within)?,
                false => text,
            };
            let start = source.len();
            source.push_str(&text);
            blocks.extend((part.read)(&source, start..source.len()).map_err(within)?);
            parts.push((part.name, start..source.len()));
        }
        Ok(Self { archive, parts, text: Woven::new(source, blocks)? })
    }
}

impl Parsed for Package {
    fn document(&self) -> &Document {
        self.text.document()
    }

    fn write(&self, block: usize, target: &Target) -> String {
        self.text.write(block, target)
    }

    fn render(&self, targets: &[Target]) -> String {
        self.text.render(targets)
    }

    fn to_bytes(&self, targets: &[Target]) -> Result<Vec<u8>> {
        let mut changed = BTreeMap::new();
        let mut archive = self.archive.again();
        for (name, range) in &self.parts {
            let text = self.text.render_part(range.clone(), targets);
            if archive.text(name)?.as_ref() != Some(&text) {
                changed.insert(name.as_str(), text);
            }
        }
        if changed.is_empty() { Ok(self.archive.bytes()) } else { self.archive.with(&changed) }
    }
}

/// The parts of a Word document that hold text or say its language.
fn word(archive: &mut Archive) -> Result<Vec<Part>> {
    const TYPES: &str = "[Content_Types].xml";
    let no_document = || Error::input("is not a Word document");
    let types = archive.text(TYPES)?.ok_or_else(no_document)?;
    let mut parts: Vec<(usize, Part)> = Vec::new();
    xml::read(&types, 0..types.len(), &[], &mut |token, place| {
        let (Token::Empty(_) | Token::Start(_)) = token else { return Ok(()) };
        let kind = xml::value(&types, &place, "ContentType").trim_end_matches("+xml");
        let kind = kind.rsplit('.').next().unwrap_or_default();
        let name = decode(xml::value(&types, &place, "PartName"));
        let name = name.trim_start_matches('/');
        let part = match kind {
            "main" => Some((0, Part::new(name, docx::read))),
            "header" | "footer" | "footnotes" | "endnotes" => Some((1, Part::new(name, docx::read))),
            "styles" | "settings" | "numbering" => Some((2, Part::new(name, |_, _| Ok(Found::new())))),
            "core-properties" => {
                let read = |source: &str, range| values(source, range, &["dc:title", "dc:subject", "dc:description"]);
                Some((3, Part::new(name, read)))
            }
            _ => None,
        };
        parts.extend(part.filter(|_| !name.starts_with("word/glossary/")));
        Ok(())
    })
    .map_err(|e| Error::input(format!("{TYPES} in it {e}")))?;
    parts.sort_by_key(|(order, _)| *order);
    match parts.first() {
        Some((0, main)) if types.contains("word") && archive.has(&main.name) => {}
        _ => return Err(no_document()),
    }
    Ok(parts.into_iter().map(|(_, part)| part).collect())
}

/// The parts of an OpenDocument text that hold text or say its language.
fn open_document(archive: &mut Archive) -> Result<Vec<Part>> {
    let kind = archive.text("mimetype")?.unwrap_or_default();
    // A template may have styles alone, with headers and footers in them.
    if !kind.starts_with("application/vnd.oasis.opendocument.text")
        || !(archive.has("content.xml") || archive.has("styles.xml"))
    {
        return Err(Error::input("is not an OpenDocument text"));
    }
    if archive.text("META-INF/manifest.xml")?.is_some_and(|text| text.contains("encryption-data")) {
        return Err(Error::input("is encrypted; save it without a password"));
    }
    let meta = |source: &str, range| values(source, range, &["dc:title", "dc:subject", "dc:description"]);
    Ok(vec![Part::new("content.xml", odt::read), Part::new("styles.xml", odt::read), Part::new("meta.xml", meta)])
}

/// The texts of the elements named, each a value by itself.
fn values(source: &str, range: Range<usize>, names: &[&str]) -> Result<Found> {
    const SPACES: &[(&str, &str)] =
        &[("http://purl.org/dc/elements/1.1/", "dc"), ("http://www.daisy.org/z3986/2005/ncx/", "ncx")];
    let mut found = Found::new();
    let mut start = None;
    xml::read(source, range, SPACES, &mut |token, place| {
        match token {
            Token::Start(name) => start = names.contains(&name).then_some(place.end),
            Token::End(_) => {
                if let Some(start) = start.take() {
                    let text = decode(&source[start..place.start]);
                    found.extend(value(start..place.start, text, Box::new(xml::escape)));
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

/// The source with its language made English, wherever XML of these formats says it.
fn say_english(source: &str) -> Result<String> {
    let english = |text: &str| match text.get(..2).filter(|start| start.eq_ignore_ascii_case("fr")) {
        Some(_) if text.len() == 2 => Some("en".to_owned()),
        Some(_) if text[2..].starts_with(['-', '_']) => Some(format!("en{}US", &text[2..3])),
        _ => None,
    };
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut open = false;
    xml::read(source, 0..source.len(), &[], &mut |token, place| {
        match token {
            Token::Start(name) | Token::Empty(name) => {
                let local = name.rsplit(':').next().unwrap_or(name);
                open = local == "language" && matches!(token, Token::Start(_));
                let mut own = Vec::new();
                let key = if matches!(local, "lang" | "themeFontLang") { "val" } else { "lang" };
                for key in [key, "language"] {
                    let range = xml::attribute(source, &place, key);
                    own.extend(range.and_then(|range| english(&source[range.clone()]).map(|text| (range, text))));
                }
                if xml::value(source, &place, "language") == "fr" {
                    own.extend(xml::attribute(source, &place, "country").map(|range| (range, "US".to_owned())));
                }
                own.sort_by_key(|(range, _)| range.start);
                edits.extend(own);
            }
            Token::Text if open => {
                edits.extend(english(source[place.clone()].trim()).map(|text| (place, text)));
            }
            _ => open = false,
        }
        Ok(())
    })?;
    Ok(xml::spliced(source, &edits))
}
