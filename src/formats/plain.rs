//! Plain text. A line is a block, except where lines are a hard-wrapped paragraph: then they are one block, with `\n` at
//! their ends, and its translation is wrapped again at the paragraph's own width.
//!
//! Markers, dashes, indentation, quote marks, boxes, rules and blanks stand in the gaps, and so does every line without a
//! letter.

use std::ops::Range;

use self::divided::Words;
use self::emphasis::Emphasis;
use super::html;
use super::inner::Markup;
use super::lines::{Cell, Line, Marker, cells, has_text, is_blank, lead, lines, marker, trim, unadorned, width};
use super::weave::Woven;
use super::wrap::{Margin, Row, Wrapped, divides, fill};
use super::{Options, Parsed};
use crate::document::{Block, BlockKind, Document, Target};
use crate::error::Result;

mod divided;
mod emphasis;

/// A plain text.
pub struct Plain {
    document: Document,
    /// One a block.
    shapes: Vec<(Shape, Emphasis)>,
    /// The blocks that hold tags of HTML.
    tagged: Option<Woven>,
}

/// How a block's text stands in the source.
#[derive(Debug)]
enum Shape {
    /// As it is.
    Line,
    /// A cell that spaces pad to a width in columns; at least so many of them stay.
    Padded { columns: usize, least: usize },
    /// A hard-wrapped paragraph.
    Wrapped(Box<Wrapping>),
    /// HTML: the number among such blocks.
    Tagged(usize),
}

#[derive(Debug)]
struct Wrapping {
    /// Columns before the first line's text.
    first: usize,
    /// What the other lines start with.
    prefix: String,
    line_end: String,
    margin: usize,
}

/// What is known of a line before its neighbours are looked at.
#[derive(Debug)]
struct Scanned {
    line: Line,
    /// After indentation and quote marks, trailing blanks and ornaments left out.
    body: Range<usize>,
    /// Bytes of `body` before its text.
    marker: usize,
    kind: Option<Marker>,
    class: Class,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Blank,
    /// Nothing to translate: a rule, a number, code between fences.
    Opaque,
    /// Without a letter, but with digits: it may be a line of a paragraph.
    Digits,
    /// Several cells.
    Cells,
    Text,
}

impl Plain {
    /// Reads a plain text; every text is one.
    ///
    /// # Errors
    /// Never for a text; see [`Document::new`].
    pub fn parse(source: String, options: &Options) -> Result<Self> {
        let rows = scan(&source);
        let (blocks, shapes, tagged) = (Vec::new(), Vec::new(), Vec::new());
        let mut reader = Reader { source: &source, words: None, blocks, shapes, tagged };
        reader.read(&rows, options.wrapped);
        let Reader { blocks, shapes, tagged, .. } = reader;
        let tagged = (!tagged.is_empty()).then(|| Woven::new(source.clone(), tagged)).transpose()?;
        Ok(Self { document: Document::new(source, blocks)?, shapes, tagged })
    }
}

impl Parsed for Plain {
    fn document(&self) -> &Document {
        &self.document
    }

    fn write(&self, block: usize, target: &Target) -> String {
        let Block { range, text, marks, .. } = &self.document.blocks()[block];
        if target.text == *text && (marks.is_empty() || target.marks == *marks) {
            return self.document.source()[range.clone()].to_owned();
        }
        let (shape, emphasis) = &self.shapes[block];
        let text = emphasis.put(target);
        match shape {
            Shape::Line => one_line(&text),
            Shape::Padded { columns, least } => {
                let text = one_line(&text);
                let spaces = columns.saturating_sub(width(&text)).max(*least);
                text + &" ".repeat(spaces)
            }
            Shape::Tagged(number) => {
                self.tagged.as_ref().map_or_else(String::new, |tagged| tagged.write(*number, target))
            }
            Shape::Wrapped(w) => fill(&text, w.first, &w.prefix, &w.line_end, w.margin),
        }
    }
}

/// `text` without line ends: a line stays a line whatever it became.
pub(crate) fn one_line(text: &str) -> String {
    text.replace("\r\n", " ").replace(super::lines::is_line_end, " ")
}

fn scan(source: &str) -> Vec<Scanned> {
    let mut rows: Vec<Scanned> = lines(source).into_iter().map(|line| scan_line(source, line)).collect();
    // What stands between two fences is code.
    let mut open: Option<(usize, &str)> = None;
    for i in 0..rows.len() {
        let body = &source[rows[i].body.clone()];
        let Some(fence) = fence(body) else { continue };
        match open {
            None => open = Some((i, fence)),
            Some((start, sign)) if body.trim_end() == fence && fence.starts_with(sign) => {
                rows[start..=i].iter_mut().for_each(|row| row.class = Class::Opaque);
                open = None;
            }
            Some(_) => {}
        }
    }
    rows
}

fn fence(body: &str) -> Option<&str> {
    let c = body.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let n = body.len() - body.trim_start_matches(c).len();
    (n >= 3 && !body[n..].contains(c)).then(|| &body[..n])
}

fn scan_line(source: &str, line: Line) -> Scanned {
    let start = line.content.start + lead(&source[line.content.clone()]);
    let mut body = trim(source, start..line.content.end);
    let mut text = &source[body.clone()];
    let (mut taken, mut kind) = marker(text).map_or((0, None), |(n, kind)| (n, Some(kind)));
    if let Some(core) = unadorned(text).filter(|_| kind.is_none()) {
        (taken, kind) = (core.start, Some(Marker::Ornament));
        body.end = body.start + core.end;
        text = &source[body.clone()];
    }
    let rest = &text[taken..];
    let class = if text.is_empty() {
        Class::Blank
    } else if !has_text(rest) || text.len() == taken || only_marker(text) {
        if kind.is_none() && rest.chars().any(char::is_numeric) { Class::Digits } else { Class::Opaque }
    } else if several(rest) {
        Class::Cells
    } else {
        Class::Text
    };
    Scanned { line, body, marker: taken, kind, class }
}

/// A marker with nothing after it: `a)`, `IV.`
fn only_marker(text: &str) -> bool {
    text.len() < 12 && !text.contains(is_blank) && marker(&format!("{text} X")).is_some_and(|(n, _)| n > text.len())
}

/// Whether a line has a separator of cells; a line of one cell between bars has.
fn several(text: &str) -> bool {
    let found = cells(text);
    found.len() != 1 || found[0].text != (0..text.len())
}

struct Reader<'a> {
    source: &'a str,
    /// The document's words, when a line that ends with a hyphen asked for them.
    words: Option<Words<'a>>,
    blocks: Vec<Block>,
    shapes: Vec<(Shape, Emphasis)>,
    tagged: Vec<(Block, super::weave::Shape)>,
}

impl<'a> Reader<'a> {
    fn read(&mut self, rows: &[Scanned], wrapped: Wrapped) {
        let units = units(self.source, rows);
        let column = |row: &Scanned, at: usize| width(&self.source[row.line.content.start..at]);
        let view = |row: &Scanned| Row {
            text: &self.source[row.body.clone()],
            width: column(row, row.body.end),
            item: row.kind.is_some(),
            hangs: false,
        };
        let mut views: Vec<Row<'a>> = rows.iter().map(view).collect();
        for unit in units.iter().filter(|unit| unit.len() > 1 && rows[unit.start].kind.is_some()) {
            let text = column(&rows[unit.start], rows[unit.start].body.start + rows[unit.start].marker);
            for i in unit.start + 1..unit.end {
                views[i].hangs = column(&rows[i], rows[i].body.start) == text;
            }
        }
        let margin = match wrapped {
            Wrapped::No => Margin::default(),
            _ => Margin::of(units.iter().map(|unit| &views[unit.clone()])),
        };
        for unit in units {
            let sizes = match wrapped {
                Wrapped::Auto if unit.len() > 1 => margin.paragraphs(&views[unit.clone()]),
                Wrapped::Yes => margin.said(&views[unit.clone()]),
                _ => vec![1; unit.len()],
            };
            let mut at = unit.start;
            for size in sizes {
                let range = at..at + size;
                at += size;
                if size == 1 {
                    self.line(rows, range.start);
                } else {
                    self.paragraph(rows, range, &views);
                }
            }
        }
    }

    /// A line that stands for itself.
    fn line(&mut self, rows: &[Scanned], at: usize) {
        let row = &rows[at];
        let start = row.body.start + row.marker;
        match row.class {
            Class::Text => {
                let range = trim(self.source, start..row.body.end);
                let kind = self.kind(rows, at, &range);
                if self.tags(&range, kind) {
                    return;
                }
                let text = &self.source[range.clone()];
                self.push(range, kind, text, Shape::Line);
            }
            Class::Cells => {
                let text = &self.source[start..row.body.end];
                let cells_too =
                    |i: Option<usize>| i.and_then(|i| rows.get(i)).is_some_and(|row| row.class == Class::Cells);
                let alone = !cells_too(at.checked_sub(1)) && !cells_too(Some(at + 1));
                for mut cell in cells(text).into_iter().filter(|cell| has_text(&text[cell.text.clone()])) {
                    // Nothing shows that one space would be padding: "Home | News | Sport".
                    cell.padding = if alone && cell.padding == 1 { 0 } else { cell.padding };
                    self.cell(start, &cell);
                }
            }
            Class::Blank | Class::Opaque | Class::Digits => {}
        }
    }

    /// Reads what holds tags or entities as HTML, so that they go with their words; whether it did.
    fn tags(&mut self, range: &Range<usize>, kind: BlockKind) -> bool {
        let tagged = Markup::of(&self.source[range.clone()]) != Markup::None;
        if tagged {
            let mut found = Vec::new();
            html::read(self.source, range.clone(), &mut found);
            // What stands within a tag is left alone.
            for (block, shape) in found.into_iter().filter(|(_, shape)| !shape.inside) {
                self.blocks.push(Block { kind, ..block.clone() });
                self.shapes.push((Shape::Tagged(self.tagged.len()), Emphasis::default()));
                self.tagged.push((block, shape));
            }
        }
        tagged
    }

    fn cell(&mut self, start: usize, cell: &Cell) {
        let range = start + cell.text.start..start + cell.text.end;
        let text = &self.source[range.clone()];
        let shape = match cell.padding {
            0 => Shape::Line,
            n => Shape::Padded { columns: width(text) + n, least: cell.least },
        };
        self.push(range.start..range.end + cell.padding, BlockKind::Cell, text, shape);
    }

    fn push(&mut self, range: Range<usize>, kind: BlockKind, text: &str, shape: Shape) {
        let (text, marks, emphasis) = emphasis::take(text);
        self.blocks.push(Block { range, kind, text, marks });
        self.shapes.push((shape, emphasis));
    }

    fn kind(&self, rows: &[Scanned], at: usize, range: &Range<usize>) -> BlockKind {
        let text = &self.source[range.clone()];
        let blank = |i: Option<usize>| i.and_then(|i| rows.get(i)).is_none_or(|row| row.class == Class::Blank);
        let alone = blank(at.checked_sub(1)) && blank(Some(at + 1));
        let titled = text.len() <= 160
            && text.chars().find(|c| c.is_alphanumeric()).is_some_and(|c| c.is_uppercase() || c.is_numeric())
            && !text.ends_with(['.', '!', '?', '…', ':', ';', ',', '»', '”', '"'])
            && text.split(is_blank).count() <= 14;
        match rows[at].kind {
            Some(Marker::Turn) => BlockKind::Dialogue,
            Some(Marker::Heading) => BlockKind::Heading,
            Some(Marker::Number) if alone && titled => BlockKind::Heading,
            Some(Marker::Number | Marker::Bullet) => BlockKind::ListItem,
            Some(Marker::Ornament) | None if alone && titled => BlockKind::Heading,
            Some(Marker::Ornament) | None => BlockKind::Paragraph,
        }
    }

    fn paragraph(&mut self, rows: &[Scanned], unit: Range<usize>, views: &[Row<'_>]) {
        let (first, second, last) = (&rows[unit.start], &rows[unit.start + 1], &rows[unit.end - 1]);
        let range = first.body.start + first.marker..last.body.end;
        if !has_text(&self.source[range.clone()]) {
            return;
        }
        let kind = match first.kind {
            Some(Marker::Turn) => BlockKind::Dialogue,
            Some(Marker::Number | Marker::Bullet) => BlockKind::ListItem,
            Some(Marker::Heading) => BlockKind::Heading,
            Some(Marker::Ornament) | None => BlockKind::Paragraph,
        };
        if self.tags(&range, kind) {
            return;
        }
        let mut text = self.source[range.start..first.body.end].to_owned();
        let repeated = self.repeated(&text, &rows[unit.start + 1..unit.end]);
        for row in &rows[unit.start + 1..unit.end] {
            self.join(&mut text, &self.source[row.body.start + repeated..row.body.end]);
        }
        let margin = views[unit.clone()].iter().map(|row| row.width).max().unwrap_or(0);
        let shape = Shape::Wrapped(Box::new(Wrapping {
            first: width(&self.source[first.line.content.start..range.start]),
            prefix: self.source[second.line.content.start..second.body.start + repeated].to_owned(),
            line_end: self.source[first.line.content.end..first.line.next].to_owned(),
            margin,
        }));
        self.push(range, kind, &text, shape);
    }

    /// Bytes of the mark that an older custom repeats at the head of every line of a quotation, with the blanks after it.
    fn repeated(&self, first: &str, rest: &[Scanned]) -> usize {
        let head = |row: &Scanned| {
            let line = &self.source[row.body.clone()];
            let words = line.trim_start_matches(['«', '»']).trim_start_matches(is_blank);
            &line[..line.len() - words.len()]
        };
        let Some(mark) = rest.first().map(head).filter(|mark| mark.starts_with(['«', '»'])) else { return 0 };
        if first.starts_with('«') && rest.iter().all(|row| head(row) == mark) { mark.len() } else { 0 }
    }

    /// Adds a paragraph's next line. What a hyphen at the line's end divides or joins is one word.
    fn join(&mut self, text: &mut String, line: &str) {
        if !divides(text, line) {
            text.push('\n');
        } else if text.ends_with('\u{ad}') {
            text.pop();
        } else {
            let source = self.source;
            let words = self.words.get_or_insert_with(|| Words::of(source));
            if words.divides(&text[..text.len() - 1], line) {
                text.pop();
            }
        }
        text.push_str(line);
    }
}

/// Runs of lines that could be paragraphs; every other line is a run of one. Blank lines are in none.
fn units(source: &str, rows: &[Scanned]) -> Vec<Range<usize>> {
    let before = |row: &Scanned| &source[row.line.content.start..row.body.start];
    let goes_on = |row: &Scanned| source[row.body.clone()].starts_with(char::is_lowercase);
    let mut out: Vec<Range<usize>> = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        if row.class == Class::Blank {
            continue;
        }
        let open = out.last().filter(|unit| {
            unit.end == i && rows[unit.start].class == Class::Text && matches!(row.class, Class::Text | Class::Digits)
        });
        let Some(unit) = open.cloned() else {
            out.push(i..i + 1);
            continue;
        };
        let last = &rows[i - 1];
        let stopped = source[last.body.clone()].ends_with(['.', '!', '?', '…', ':', '»', '”', '"']);
        let starts = match row.kind {
            // A dash in the middle of a sentence.
            Some(Marker::Turn) => stopped || !source[row.body.start + row.marker..].starts_with(char::is_lowercase),
            Some(_) => true,
            None => false,
        };
        let quotes = |row: &Scanned| before(row).matches('>').count();
        let title = matches!(rows[unit.start].kind, Some(Marker::Heading | Marker::Ornament));
        if starts || quotes(row) != quotes(last) || title {
            out.push(i..i + 1);
        } else if unit.len() == 1 || before(row) == before(last) {
            out.last_mut().expect("there is a unit").end = i + 1;
        } else if width(before(row)) < width(before(last)) && unit.len() > 1 && last.kind.is_none() && !goes_on(last) {
            // The line before was the first of a paragraph, set in.
            out.last_mut().expect("there is a unit").end = i - 1;
            out.push(i - 1..i + 1);
        } else {
            out.push(i..i + 1);
        }
    }
    out
}

#[cfg(test)]
mod tests;
