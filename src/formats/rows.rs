//! Finds the named fields in JSON lines and in tables: where their values stand, what they say, how they are written.

use std::ops::Range;

use csv_core::{ReadFieldResult, ReaderBuilder};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Options;
use super::records::{Found, Place};
use crate::error::{Error, Result};

/// What becomes of a line that cannot be read, at the end of each message about one.
pub(crate) const KEPT: &str = "; the line is kept as it is";

type Read = (Vec<Found>, Vec<Error>);

/// What is known of the rows of a JSON lines file that were read so far.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub rows: usize,
    /// Faults: rows that cannot be read, and fields in them.
    pub broken: usize,
    /// Whether any row had a field that was named.
    pub seen: bool,
    /// Names of fields that there are.
    known: Vec<String>,
}

impl Tally {
    /// Adds the rows of the next part.
    pub fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.broken += other.broken;
        self.seen |= other.seen;
        for name in other.known {
            self.know(name);
        }
    }

    fn know(&mut self, name: String) {
        if self.known.len() < 20 && !self.known.contains(&name) {
            self.known.push(name);
        }
    }

    /// Whether the file, now that it is read, was one that could be translated.
    ///
    /// # Errors
    /// When no row could be read or none had a field that was named.
    pub fn check(&self, options: &Options) -> Result<()> {
        if self.rows > 0 && self.rows == self.broken {
            return Err(Error::input("no row of the file can be read"));
        }
        if self.rows > 0 && !self.seen {
            return Err(missing(&options.fields.join("”, “"), &self.known));
        }
        Ok(())
    }
}

/// The keys and values of a JSON object in order, as they stand in the source.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// The values of the named fields in JSON lines, in the order of the source, whose first line has this number.
pub(crate) fn jsonl(source: &str, first: usize, options: &Options) -> (Read, Tally) {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    let mut tally = Tally::default();
    let mut at = 0;
    for (number, line) in source.split_inclusive('\n').enumerate() {
        let start = at;
        at += line.len();
        let text = line.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{feff}');
        if text.is_empty() {
            continue;
        }
        tally.rows += 1;
        let offset = start + (text.as_ptr() as usize - line.as_ptr() as usize);
        let fault = |why: String| Error::input(format!("line {}: {why}{KEPT}", first + number));
        let entries = match serde_json::from_str::<Entries<'_>>(text) {
            Ok(Entries(entries)) => entries,
            Err(error) => {
                faults.push(fault(format!("not a JSON object: {error}")));
                continue;
            }
        };
        entries.iter().for_each(|(name, _)| tally.know(name.clone()));
        let json = Json { text, offset, into: options.into.as_deref() };
        let mut own = Vec::new();
        for field in &options.fields {
            match json.field(&entries, field, &mut own) {
                Ok(there) => tally.seen |= there,
                Err(why) => faults.push(fault(why)),
            }
        }
        own.sort_by_key(|f| f.start());
        // The same value may have been named twice.
        own.dedup_by(|b, a| b.start() < a.end());
        found.extend(own);
    }
    tally.broken = faults.len();
    ((found, faults), tally)
}

fn missing(fields: &str, known: &[String]) -> Error {
    Error::settings(format!("no field “{fields}” in the file; it has {}; name one with --field", known.join(", ")))
}

impl Found {
    fn start(&self) -> usize {
        match &self.to {
            Place::Here => self.range.start,
            Place::Into { range, .. } => range.start,
        }
    }

    fn end(&self) -> usize {
        match &self.to {
            Place::Here => self.range.end,
            Place::Into { range, .. } => range.end,
        }
    }
}

/// One line.
struct Json<'a> {
    text: &'a str,
    /// Where it starts in the source.
    offset: usize,
    into: Option<&'a str>,
}

impl<'a> Json<'a> {
    fn range(&self, raw: &RawValue) -> Range<usize> {
        let start = self.offset + (raw.get().as_ptr() as usize - self.text.as_ptr() as usize);
        start..start + raw.get().len()
    }

    /// Adds the values of a field; whether the line has it.
    fn field(&self, entries: &[(String, &'a RawValue)], name: &str, out: &mut Vec<Found>) -> Result<bool, String> {
        let Some((_, raw)) = entries.iter().find(|(key, _)| key == name) else {
            let Some((head, rest)) = name.split_once('.') else { return Ok(false) };
            let inner = entries
                .iter()
                .find(|(key, _)| key == head)
                .and_then(|(_, raw)| serde_json::from_str::<Entries<'a>>(raw.get()).ok());
            return inner.map_or(Ok(false), |Entries(entries)| self.field(&entries, rest, out));
        };
        if let Some(mut found) = self.string(raw) {
            if let Some(into) = self.into {
                found.to = match entries.iter().find(|(key, _)| key == into) {
                    Some((_, old)) => {
                        Place::Into { range: self.range(old), before: "\"".to_owned(), after: "\"".to_owned() }
                    }
                    None => {
                        let end = self.range(raw).end;
                        let name = escape(into, false);
                        Place::Into { range: end..end, before: format!(",\"{name}\":\""), after: "\"".to_owned() }
                    }
                };
            }
            out.push(found);
            return Ok(true);
        }
        if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) {
            if self.into.is_some() {
                return Err(format!("the field “{name}” is an array, which cannot go into another field"));
            }
            out.extend(items.into_iter().filter_map(|item| self.string(item)));
        }
        Ok(true)
    }

    fn string(&self, raw: &RawValue) -> Option<Found> {
        let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
        let text: String = serde_json::from_str(raw.get()).ok()?;
        let range = self.range(raw);
        let range = range.start + 1..range.end - 1;
        let places = inner.contains('\\').then(|| json_places(inner, range.start));
        // A file that is ASCII by escapes stays so.
        let ascii = inner.is_ascii() && inner.contains("\\u");
        Some(Found { range, text, places, to: Place::Here, encode: Box::new(move |text| escape(text, ascii)) })
    }
}

/// Where each byte of a decoded JSON string starts in the source; `inner` is valid, without its quotes.
fn json_places(inner: &str, offset: usize) -> Vec<usize> {
    let mut out = Vec::with_capacity(inner.len());
    let unit = |at: usize| inner.get(at + 2..at + 6).and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or(0);
    let mut at = 0;
    while let Some(c) = inner[at..].chars().next() {
        let (read, written) = match (c, inner.as_bytes().get(at + 1)) {
            ('\\', Some(b'u')) => match unit(at) {
                0..0x80 => (6, 1),
                0x80..0x800 => (6, 2),
                // Two halves of one character.
                0xd800..0xdc00 => (12, 4),
                _ => (6, 3),
            },
            ('\\', _) => (2, 1),
            (c, _) => (c.len_utf8(), c.len_utf8()),
        };
        let escaped = c == '\\';
        out.extend((0..written).map(|i| offset + at + if escaped { 0 } else { i }));
        at = (at + read).min(inner.len());
    }
    out.push(offset + inner.len());
    out
}

/// A text as the inside of a JSON string.
fn escape(text: &str, ascii: bool) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let inner = &quoted[1..quoted.len() - 1];
    if !ascii {
        return inner.to_owned();
    }
    let mut out = String::with_capacity(inner.len());
    for c in inner.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    out
}

/// One cell of a table.
struct Cell {
    /// Source bytes, quotes included.
    raw: Range<usize>,
    text: String,
}

/// The values of the named columns of a table, in the order of the source.
pub(crate) fn table(source: &str, options: &Options, tabs: bool) -> Result<Read> {
    let start = source.len() - source.trim_start_matches('\u{feff}').len();
    let separator = if tabs { b'\t' } else { sniff(&source[start..]) };
    let quoting = !tabs || quoted(&source[start..]);
    let mut rows = records(source, start, separator, quoting).into_iter();
    let numbers: Option<Vec<usize>> = options.fields.iter().map(|f| f.parse().ok().filter(|&n| n > 0)).collect();
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    let Some(first) = rows.next() else { return Ok((found, faults)) };
    let header: Vec<String> = first.iter().map(|cell| cell.text.trim().to_owned()).collect();
    let named = |name: &str| header.iter().position(|h| h == name);
    let columns: Vec<usize> = match &numbers {
        Some(numbers) => numbers.iter().map(|n| n - 1).collect(),
        None => {
            let column = |name: &String| named(name).ok_or_else(|| missing(name, &header));
            options.fields.iter().map(column).collect::<Result<_>>()?
        }
    };
    if let Some(&far) = columns.iter().find(|&&c| c >= header.len()) {
        return Err(Error::settings(format!("no column {} in the file; it has {}", far + 1, header.len())));
    }
    let into = options.into.as_deref().map(|name| (name, named(name)));
    let quote = move |text: &str| write_cell(text, separator, quoting);
    let sign = char::from(separator).to_string();
    let mut header_row = None;
    if numbers.is_none() {
        if let (Some((name, None)), Some(last)) = (into, first.last()) {
            let end = last.raw.end;
            let before = format!("{sign}{}", quote(name));
            found.push(Found {
                range: end..end,
                text: String::new(),
                places: None,
                to: Place::Into { range: end..end, before, after: String::new() },
                encode: Box::new(str::to_owned),
            });
        }
    } else {
        header_row = Some(first);
    }
    let (mut line, mut counted) = (1, 0);
    for row in header_row.into_iter().chain(rows) {
        let (Some(head), Some(last)) = (row.first(), row.last()) else { continue };
        line += source[counted..head.raw.start].matches('\n').count();
        counted = head.raw.start;
        if row.len() != header.len() {
            let (n, wanted) = (row.len(), header.len());
            faults
                .push(Error::input(format!("line {line}: {n} columns instead of {wanted}; the row is kept as it is")));
            continue;
        }
        let mut own = Vec::new();
        for &column in &columns {
            let Some(cell) = row.get(column) else { continue };
            let Some((range, places)) = cell_places(source, cell, quoting) else {
                faults.push(Error::input(format!(
                    "line {line}: quotation marks out of place; the cell is kept as it is"
                )));
                continue;
            };
            let enclosed = range.start > cell.raw.start;
            let to = match into {
                None => Place::Here,
                Some((_, Some(there))) => {
                    let range = row.get(there).map_or(last.raw.end..last.raw.end, |cell| cell.raw.clone());
                    Place::Into { range, before: String::new(), after: String::new() }
                }
                Some((_, None)) => {
                    let end = last.raw.end;
                    Place::Into { range: end..end, before: sign.clone(), after: String::new() }
                }
            };
            // A value that is quoted keeps its quotes, which stand outside of its range.
            let inside = enclosed && matches!(to, Place::Here);
            own.push(Found {
                range,
                text: cell.text.clone(),
                places,
                to,
                encode: Box::new(move |text| if inside { text.replace('"', "\"\"") } else { quote(text) }),
            });
        }
        own.sort_by_key(Found::start);
        own.dedup_by(|b, a| b.start() < a.end());
        found.extend(own);
    }
    Ok((found, faults))
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

fn records(source: &str, start: usize, separator: u8, quoting: bool) -> Vec<Vec<Cell>> {
    let mut reader = ReaderBuilder::new().delimiter(separator).quoting(quoting).build();
    let bytes = source.as_bytes();
    let mut buffer = vec![0; 4096];
    let (mut rows, mut row) = (Vec::new(), Vec::new());
    let (mut at, mut from, mut text) = (start, start, Vec::new());
    loop {
        // Line ends before a row belong to none.
        if row.is_empty() && from == at {
            let blank = bytes[at..].iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
            from = at + blank;
        }
        let (result, read, written) = reader.read_field(&bytes[at..], &mut buffer);
        at += read;
        text.extend_from_slice(&buffer[..written]);
        let record_end = match result {
            ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => continue,
            ReadFieldResult::End => break,
            ReadFieldResult::Field { record_end } => record_end,
        };
        from = from.min(at);
        let mut end = at;
        let ends = |b: u8| if record_end { matches!(b, b'\r' | b'\n') } else { b == separator };
        while end > from && ends(bytes[end - 1]) {
            end -= 1;
            if !record_end {
                break;
            }
        }
        let value = String::from_utf8_lossy(&std::mem::take(&mut text)).into_owned();
        row.push(Cell { raw: from..end, text: value });
        from = at;
        if record_end {
            rows.push(std::mem::take(&mut row));
        }
    }
    rows
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
