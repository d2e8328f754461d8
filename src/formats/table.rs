//! Finds the named columns in CSV and TSV: where their cells stand, what they say, how they are written.
//!
//! A table is read in parts of whole rows, so that it may be of any size; what its beginning says holds for all of them.

use std::ops::Range;

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

use super::Options;
use super::records::{Found, Place};
use super::rows::{KEPT, Read, Tally, missing};
use crate::error::{Error, Result};

/// What the beginning of a table says of its rows.
pub struct Table {
    separator: u8,
    /// Whether quotation marks enclose cells.
    quoting: bool,
    /// Whether every line is a row, as in TSV: no quotation mark reaches over its end.
    by_line: bool,
    /// Whether the first row names the columns.
    header: bool,
    width: usize,
    /// The columns that are translated, and the one that gets the translation.
    columns: Vec<usize>,
    into: Option<Into>,
}

/// Where translations go that do not replace their source.
enum Into {
    Column(usize),
    /// After the last column, under this name.
    New(String),
}

/// Tells which lines of CSV end a row: not those within quotation marks.
pub struct RowEnds {
    reader: Box<Reader>,
    open: bool,
}

/// One cell of a table.
struct Cell {
    /// Source bytes, quotes included.
    raw: Range<usize>,
    text: String,
}

/// So much of a table, to the end of a line, tells how it is written. The first of its parts is at least as long.
pub(crate) const HEAD: usize = 64 << 10;

impl Table {
    /// From the first part of a table, `tabs` for TSV; `None` where there is no row.
    ///
    /// # Errors
    /// When a column that was named is not there.
    pub fn begin(source: &str, options: &Options, tabs: bool) -> Result<Option<Self>> {
        let start = mark(source);
        let end = source.bytes().skip(HEAD).position(|b| b == b'\n').map_or(source.len(), |at| HEAD + at + 1);
        let head = &source[start..end];
        let separator = if tabs { b'\t' } else { sniff(head) };
        let mut table = Self {
            separator,
            quoting: !tabs || quoted(head),
            by_line: tabs,
            header: false,
            width: 0,
            columns: Vec::new(),
            into: None,
        };
        let Some(first) = table.rows(source, start).next() else { return Ok(None) };
        let header: Vec<&str> = first.iter().map(|cell| cell.text.trim()).collect();
        let named = |name: &str| header.iter().position(|h| *h == name);
        let numbers: Option<Vec<usize>> = options.fields.iter().map(|f| f.parse().ok().filter(|&n| n > 0)).collect();
        table.header = numbers.is_none();
        table.width = header.len();
        table.columns = match numbers {
            Some(numbers) => numbers.iter().map(|n| n - 1).collect(),
            None => {
                let known: Vec<String> = header.iter().map(|&h| h.to_owned()).collect();
                let column = |name: &String| named(name).ok_or_else(|| missing(name, &known));
                options.fields.iter().map(column).collect::<Result<_>>()?
            }
        };
        if let Some(&far) = table.columns.iter().find(|&&c| c >= header.len()) {
            return Err(Error::settings(format!("no column {} in the file; it has {}", far + 1, header.len())));
        }
        let into = |name: &String| named(name).map_or_else(|| Into::New(name.clone()), Into::Column);
        table.into = options.into.as_ref().map(into);
        Ok(Some(table))
    }

    /// The values of the columns in some rows, the first of which stands on this line.
    pub(crate) fn read(&self, source: &str, line: usize) -> (Read, Tally) {
        let (mut found, mut faults) = (Vec::new(), Vec::new());
        let mut tally = Tally { seen: true, ..Tally::default() };
        let is_start = line == 1;
        let start = if is_start { mark(source) } else { 0 };
        let mut rows = self.rows(source, start);
        if is_start && self.header {
            let end = rows.next().and_then(|row| row.last().map(|cell| cell.raw.end));
            if let (Some(Into::New(name)), Some(end)) = (&self.into, end) {
                let before = format!("{}{}", char::from(self.separator), self.written(name));
                let to = Place::Into { range: end..end, before, after: String::new() };
                let encode = Box::new(str::to_owned);
                found.push(Found { range: end..end, text: String::new(), places: None, to, encode });
            }
        }
        let (mut line, mut counted) = (line, 0);
        for row in rows {
            let Some(head) = row.first() else { continue };
            line += source[counted..head.raw.start].matches('\n').count();
            counted = head.raw.start;
            tally.rows += 1;
            match self.row(source, &row) {
                Ok(own) => found.extend(own),
                Err((own, why)) => {
                    tally.broken += 1;
                    faults.push(Error::input(format!("line {line}: {why}")));
                    found.extend(own);
                }
            }
        }
        ((found, faults), tally)
    }

    /// The values of one row; with a reason where some or all of it cannot be read.
    fn row(&self, source: &str, row: &[Cell]) -> Result<Vec<Found>, (Vec<Found>, String)> {
        let (Some(last), true) = (row.last(), row.len() == self.width) else {
            return Err((Vec::new(), format!("{} columns instead of {}{KEPT}", row.len(), self.width)));
        };
        let end = last.raw.end..last.raw.end;
        let (mut own, mut odd) = (Vec::new(), false);
        for cell in self.columns.iter().filter_map(|&column| row.get(column)) {
            let Some((range, places)) = cell_places(source, cell, self.quoting) else {
                odd = true;
                continue;
            };
            // A value that is quoted keeps its quotes, which stand outside of its range.
            let inside = self.into.is_none() && range.start > cell.raw.start;
            let to = match &self.into {
                None => Place::Here,
                Some(Into::Column(there)) => {
                    let range = row.get(*there).map_or(end.clone(), |cell| cell.raw.clone());
                    Place::Into { range, before: String::new(), after: String::new() }
                }
                Some(Into::New(_)) => {
                    let before = char::from(self.separator).to_string();
                    Place::Into { range: end.clone(), before, after: String::new() }
                }
            };
            let (separator, quoting) = (self.separator, self.quoting);
            let encode = move |text: &str| {
                if inside { text.replace('"', "\"\"") } else { write_cell(text, separator, quoting) }
            };
            own.push(Found { range, text: cell.text.clone(), places, to, encode: Box::new(encode) });
        }
        let own = Found::sorted(own);
        if odd { Err((own, "quotation marks out of place; the cell is kept as it is".to_owned())) } else { Ok(own) }
    }

    fn written(&self, text: &str) -> String {
        write_cell(text, self.separator, self.quoting)
    }

    /// The rows of a source from this byte on, which begins one.
    fn rows<'a>(&self, source: &'a str, start: usize) -> impl Iterator<Item = Vec<Cell>> + use<'a> {
        let mut reader = ReaderBuilder::new().delimiter(self.separator).quoting(self.quoting).build();
        let (separator, by_line) = (self.separator, self.by_line);
        let bytes = source.as_bytes();
        let mut buffer = vec![0; 4096];
        let mut at = start;
        std::iter::from_fn(move || {
            // Line ends before a row belong to none.
            let blank = bytes[at..].iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
            let (mut from, mut text, mut row) = (at + blank, Vec::new(), Vec::new());
            let mut end = bytes.len();
            if by_line {
                (at, end) = (from, bytes[from..].iter().position(|&b| b == b'\n').map_or(end, |n| from + n + 1));
                reader.reset();
            }
            loop {
                let (result, read, written) = reader.read_field(&bytes[at..end], &mut buffer);
                at += read;
                text.extend_from_slice(&buffer[..written]);
                let record_end = match result {
                    ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => continue,
                    ReadFieldResult::End => return None,
                    ReadFieldResult::Field { record_end } => record_end,
                };
                from = from.min(at);
                let raw = &bytes[from..at];
                let raw = match record_end {
                    true => raw.iter().rposition(|b| !matches!(b, b'\r' | b'\n')).map_or(0, |last| last + 1),
                    false => raw.strip_suffix(&[separator]).unwrap_or(raw).len(),
                };
                let text = String::from_utf8_lossy(&std::mem::take(&mut text)).into_owned();
                row.push(Cell { raw: from..from + raw, text });
                from = at;
                if record_end {
                    return Some(std::mem::take(&mut row));
                }
            }
        })
    }
}

impl RowEnds {
    /// From the first line of a table.
    pub fn new(line: &str) -> Self {
        Self { reader: Box::new(ReaderBuilder::new().delimiter(sniff(line)).build()), open: false }
    }

    /// Whether a row ends with this line, the next of the table.
    pub fn at(&mut self, line: &[u8]) -> bool {
        if !self.open {
            if !line.contains(&b'"') {
                return true;
            }
            self.reader.reset();
            self.open = true;
        }
        let (mut rest, mut cell) = (line, [0; 4096]);
        while !rest.is_empty() {
            let (result, read, _) = self.reader.read_field(rest, &mut cell);
            rest = &rest[read..];
            if matches!(result, ReadFieldResult::Field { record_end: true }) {
                // What follows on the same line is another row, as after a bare carriage return.
                self.open = rest.iter().any(|b| !matches!(b, b'\r' | b'\n'));
            }
        }
        !self.open
    }
}

/// The length of the byte order mark.
fn mark(source: &str) -> usize {
    source.len() - source.trim_start_matches('\u{feff}').len()
}

/// The separator: what stands most often in the first line.
fn sniff(source: &str) -> u8 {
    let line = source.lines().next().unwrap_or_default();
    let count = |b: u8| line.bytes().filter(|&x| x == b).count();
    [b',', b';', b'\t'].into_iter().rev().max_by_key(|&b| count(b)).filter(|&b| count(b) > 0).unwrap_or(b',')
}

/// Whether quotation marks at the starts of cells enclose them: each that opens a cell closes one.
fn quoted(source: &str) -> bool {
    let cells = || source.lines().flat_map(|line| line.split('\t')).filter(|cell| cell.starts_with('"'));
    cells().next().is_some() && cells().all(|cell| cell.len() > 1 && cell.ends_with('"'))
}

/// The source bytes of a text, and where each of its bytes starts if they are not the same.
type Places = (Range<usize>, Option<Vec<usize>>);

/// Where a cell's text stands, and where each of its bytes does; `None` where its quotation marks are out of place.
fn cell_places(source: &str, cell: &Cell, quoting: bool) -> Option<Places> {
    let raw = source.get(cell.raw.clone())?;
    if raw == cell.text && !(quoting && raw.starts_with('"')) {
        return Some((cell.raw.clone(), None));
    }
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    let range = cell.raw.start + 1..cell.raw.end - 1;
    if inner == cell.text {
        return (!inner.contains('"')).then_some((range, None));
    }
    if inner.replace("\"\"", "\"") != cell.text {
        return None;
    }
    let mut places = Vec::with_capacity(inner.len());
    let mut bytes = inner.bytes().enumerate();
    while let Some((i, b)) = bytes.next() {
        places.push(range.start + i);
        if b == b'"' {
            bytes.next();
        }
    }
    places.push(range.end);
    Some((range, Some(places)))
}

fn write_cell(text: &str, separator: u8, quoting: bool) -> String {
    if !quoting {
        // Without quotes nothing may stand in a cell that ends it.
        return text.replace([char::from(separator), '\n', '\r'], " ");
    }
    let needed = text.contains([char::from(separator), '"', '\n', '\r']);
    if needed { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
