//! OpenDocument's XML. Spans and links go with their words; footnotes and frames stand where their neighbours went, and
//! their own paragraphs are translated; fields pass through; comments and what is deleted stay as they are.

use std::ops::Range;

use super::paragraphs::{Found, Paragraphs};
use crate::document::BlockKind;
use crate::error::Result;
use crate::formats::html::{decode, goes_on};
use crate::formats::lines::has_letter;
use crate::formats::xml::{self, Token};

const SPACES: &[(&str, &str)] = &[
    ("urn:oasis:names:tc:opendocument:xmlns:office:1.0", "office"),
    ("urn:oasis:names:tc:opendocument:xmlns:text:1.0", "text"),
    ("urn:oasis:names:tc:opendocument:xmlns:table:1.0", "table"),
    ("urn:oasis:names:tc:opendocument:xmlns:drawing:1.0", "draw"),
    ("urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0", "svg"),
    ("http://www.w3.org/1998/Math/MathML", "math"),
];

/// Elements of a paragraph that hold some of its text.
const HOLDERS: &[&str] = &["text:span", "text:a", "text:meta", "text:meta-field"];
/// Elements that stand in the text and may hold paragraphs, beside the drawn ones.
const STANDING: &[&str] = &["text:note"];
/// Elements that are left alone wherever they are.
const OPAQUE: &[&str] = &[
    "office:annotation",
    "office:forms",
    "office:scripts",
    "office:event-listeners",
    "text:tracked-changes",
    "text:note-citation",
    "draw:object",
    "math:math",
];
/// Elements whose whole text is a value.
const VALUES: &[&str] = &["svg:title", "svg:desc"];

/// Finds the blocks of a part that stands at `range`.
///
/// # Errors
/// When it is not well-formed.
pub(super) fn read(source: &str, range: Range<usize>) -> Result<Found> {
    let mut reader = Reader {
        source,
        paragraphs: Paragraphs::default(),
        lists: 0,
        cells: 0,
        skipped: None,
        value: None,
        passed: range.start,
        end: range.end,
    };
    xml::read(source, range, SPACES, &mut |token, place| {
        reader.token(token, place);
        Ok(())
    })?;
    Ok(reader.paragraphs.finish())
}

struct Reader<'a> {
    source: &'a str,
    paragraphs: Paragraphs,
    /// How many list items and table cells are open.
    lists: usize,
    cells: usize,
    skipped: Option<Skipped>,
    /// Where the value that is being read starts.
    value: Option<usize>,
    /// Where the text starts that has not been taken with something before it.
    passed: usize,
    end: usize,
}

/// An element that is passed over.
struct Skipped {
    name: String,
    depth: usize,
    start: Range<usize>,
    text: String,
}

impl Reader<'_> {
    fn token(&mut self, token: Token<'_>, place: Range<usize>) {
        if let Some(skipped) = &mut self.skipped {
            match token {
                Token::Start(name) if name == skipped.name => skipped.depth += 1,
                Token::End(name) if name == skipped.name => skipped.depth -= 1,
                Token::Text => skipped.text.push_str(&decode(&self.source[place.clone()])),
                _ => {}
            }
            if let Some(skipped) = self.skipped.take_if(|skipped| skipped.depth == 0) {
                self.passed(skipped, place);
            }
            return;
        }
        match token {
            Token::Start(name) => self.start(name, place),
            Token::Empty(name) => self.empty(name, place),
            Token::End(name) => self.end(name, place),
            Token::Text => {
                if let Some(paragraph) = self.paragraphs.text().filter(|_| place.start >= self.passed) {
                    paragraph.flow.escaped(self.source, place, false);
                }
            }
            Token::Other => {}
        }
    }

    fn start(&mut self, name: &str, place: Range<usize>) {
        match name {
            // Paragraphs are not within paragraphs, but for those in what stands there.
            "text:p" | "text:h" if self.paragraphs.text().is_none() => {
                let kind = match name {
                    "text:h" => BlockKind::Heading,
                    _ if self.cells > 0 => BlockKind::Cell,
                    _ if self.lists > 0 => BlockKind::ListItem,
                    _ => BlockKind::Paragraph,
                };
                self.paragraphs.start(kind);
                return;
            }
            "text:list-item" => self.lists += 1,
            "table:table-cell" => self.cells += 1,
            _ if VALUES.contains(&name) => self.value = Some(place.end),
            _ => {}
        }
        if OPAQUE.contains(&name) || name.starts_with("text:") && name.ends_with("-source") {
            self.skip_from(name, place);
            return;
        }
        match self.paragraphs.text() {
            Some(paragraph) if HOLDERS.contains(&name) => paragraph.hold(name, place),
            Some(paragraph) if STANDING.contains(&name) || name.starts_with("draw:") => paragraph.stand(name, &place),
            Some(_) if matches!(name, "text:s" | "text:tab" | "text:line-break") => self.empty(name, place),
            Some(_) => self.skip_from(name, place),
            None => {
                if let Some(paragraph) = self.paragraphs.last() {
                    paragraph.deeper(name);
                }
            }
        }
    }

    fn empty(&mut self, name: &str, place: Range<usize>) {
        let Some(paragraph) = self.paragraphs.text() else { return };
        match name {
            "text:p" | "text:h" | "text:soft-page-break" => {}
            // Spaces that set things apart, beside one that stands as it is.
            "text:s"
                if !paragraph.is_held() && xml::value(self.source, &place, "c").parse().is_ok_and(|n: u32| n > 1) =>
            {
                self.paragraphs.cut();
            }
            "text:s" => paragraph.flow.space(None),
            "text:tab" if !paragraph.is_held() => self.paragraphs.cut(),
            // Half of an element that holds text on both sides could come to stand within others.
            "text:tab" => {
                // The number of a page stays where the tab is.
                let rest = &self.source[place.end..self.end];
                let number = &rest[..rest.find('<').unwrap_or(rest.len())];
                self.passed = place.end + if has_letter(number) { 0 } else { number.len() };
                paragraph.flow.stand(place.start..self.passed);
                paragraph.flow.space(None);
            }
            "text:line-break" => {
                let rest = &self.source[place.end..self.end];
                let next = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
                let next = if next.starts_with('<') { next.split_once('>').map_or("", |(_, text)| text) } else { next };
                if !paragraph.is_held() && !goes_on(paragraph.flow.text(), next) {
                    self.paragraphs.cut();
                } else {
                    paragraph.flow.stand(place);
                    paragraph.flow.space(None);
                }
            }
            _ => paragraph.flow.stand(place),
        }
    }

    fn end(&mut self, name: &str, place: Range<usize>) {
        match name {
            "text:p" | "text:h" => {
                self.paragraphs.end();
                return;
            }
            "text:list-item" => self.lists = self.lists.saturating_sub(1),
            "table:table-cell" => self.cells = self.cells.saturating_sub(1),
            _ => {}
        }
        if let Some(start) = self.value.take_if(|_| VALUES.contains(&name)) {
            let range = start..place.start;
            let text = decode(&self.source[range.clone()]);
            self.paragraphs.value(range, text, Box::new(xml::escape));
        }
        match self.paragraphs.text() {
            Some(paragraph) => {
                if HOLDERS.contains(&name) && !paragraph.release(name, place.clone()) {
                    paragraph.flow.stand(place);
                }
            }
            None => {
                if let Some(paragraph) = self.paragraphs.last() {
                    paragraph.end_within(name, &place);
                }
            }
        }
    }

    fn skip_from(&mut self, name: &str, place: Range<usize>) {
        self.skipped = Some(Skipped { name: name.to_owned(), depth: 1, start: place, text: String::new() });
    }

    /// An element of a line that was passed over: a field, whose text the model may see, or something without words.
    fn passed(&mut self, skipped: Skipped, place: Range<usize>) {
        let Some(paragraph) = self.paragraphs.text() else { return };
        let text = skipped.text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() || OPAQUE.contains(&skipped.name.as_str()) {
            paragraph.flow.stand(skipped.start.start..place.end);
        } else {
            paragraph.flow.verbatim(&text, skipped.start, place);
        }
    }
}
