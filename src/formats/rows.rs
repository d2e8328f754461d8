//! Finds the named fields in JSON lines: where their values stand, what they say, how they are written.

use std::ops::Range;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Options;
use super::records::{Found, Place};
use crate::error::{Error, Result};

/// What becomes of a line that cannot be read, at the end of each message about one.
pub(crate) const KEPT: &str = "; the line is kept as it is";

/// The values that were found, in the order of the source, and what could not be read.
pub(crate) type Read = (Vec<Found>, Vec<Error>);

/// What is known of the rows of a file that were read so far.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub rows: usize,
    /// Rows that cannot be read, or fields of which cannot.
    pub broken: usize,
    /// Whether any row had a field that was named.
    pub seen: bool,
    /// Names of fields that there are.
    pub(super) known: Vec<String>,
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
        found.extend(Found::sorted(own));
    }
    tally.broken = faults.len();
    ((found, faults), tally)
}

pub(crate) fn missing(fields: &str, known: &[String]) -> Error {
    Error::settings(format!("no field “{fields}” in the file; it has {}; name one with --field", known.join(", ")))
}

impl Found {
    /// Puts what was found in a row in order; the same value may have been named twice.
    pub(crate) fn sorted(mut row: Vec<Self>) -> Vec<Self> {
        row.sort_by_key(Self::start);
        row.dedup_by(|b, a| b.start() < a.end());
        row
    }

    fn start(&self) -> usize {
        match &self.to {
            Place::Here => self.range.start,
            Place::Into { range, .. } | Place::Over(range) => range.start,
        }
    }

    fn end(&self) -> usize {
        match &self.to {
            Place::Here => self.range.end,
            Place::Into { range, .. } | Place::Over(range) => range.end,
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
        // Of fields of one name, readers take the last.
        let find = |name: &str| entries.iter().rfind(|(key, _)| key == name).map(|(_, raw)| *raw);
        let Some(raw) = find(name) else {
            let Some((head, rest)) = name.split_once('.') else { return Ok(false) };
            let inner = find(head).and_then(|raw| serde_json::from_str::<Entries<'a>>(raw.get()).ok());
            return inner.map_or(Ok(false), |Entries(entries)| self.field(&entries, rest, out));
        };
        if let Some(mut found) = self.string(raw) {
            if let Some(into) = self.into {
                found.to = match find(into) {
                    Some(old) => {
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
