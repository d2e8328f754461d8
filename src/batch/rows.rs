//! The rows of a file of JSON lines or of a table, some at a time: a file of any size in little memory.

use std::io::{self, BufRead};

use super::digest::Hasher;
use super::journal::Reached;
use super::lines;
use super::shard::{Shard, row_name};
use crate::error::{Error, Result};
use crate::formats::{self, Format, KEPT, Options, Parsed, Records, RowEnds, Table, Tally};
use crate::translator::Outcome;

/// The rows of a file, as they are read.
pub struct Rows<'a> {
    input: Box<dyn BufRead + Send + 'a>,
    kind: Kind,
    /// Of the bytes so far, in UTF-8.
    hasher: Hasher,
    bytes: u64,
    lines: usize,
    tally: Tally,
}

/// How rows are written, and what the beginning of the file said of them.
enum Kind {
    Json,
    Csv(Option<RowEnds>, Option<Table>),
    Tsv(Option<Table>),
}

/// Some rows.
pub enum Piece {
    /// Rows that follow each other, from this byte of the file.
    Parsed { records: Records, offset: u64, rows: u64 },
    /// A row that is no text, as it is, and why.
    Raw { bytes: Vec<u8>, error: Error },
}

/// Rows are parsed together up to so many bytes. The first of them tell how a table is written.
const PART: u64 = formats::HEAD as u64;

impl Piece {
    /// What the translator gets of it.
    pub fn parsed(&self) -> Option<&dyn Parsed> {
        match self {
            Self::Parsed { records, .. } => Some(records),
            Self::Raw { .. } => None,
        }
    }

    /// What is wrong with its rows.
    pub fn faults(&self) -> &[Error] {
        match self {
            Self::Parsed { records, .. } => records.faults(),
            Self::Raw { error, .. } => std::slice::from_ref(error),
        }
    }

    /// Its rows in English. The places of segments in the report become those of the whole file.
    ///
    /// # Errors
    /// As [`Parsed::to_bytes`].
    pub fn to_bytes(&self, outcome: &mut Outcome) -> Result<Vec<u8>> {
        match self {
            Self::Parsed { records, offset, .. } => {
                outcome.report.segments.iter_mut().for_each(|segment| segment.offset += *offset as usize);
                records.to_bytes(&outcome.targets)
            }
            Self::Raw { bytes, .. } => Ok(bytes.clone()),
        }
    }

    pub fn rows(&self) -> u64 {
        match self {
            Self::Parsed { rows, .. } => *rows,
            Self::Raw { .. } => 1,
        }
    }
}

impl<'a> Rows<'a> {
    /// Reads rows in this format, which is a table's or else JSON lines, in the encoding that the options name.
    pub fn new(input: Box<dyn BufRead + Send + 'a>, format: Format, options: &Options) -> Self {
        let kind = match format {
            Format::Csv => Kind::Csv(None, None),
            Format::Tsv => Kind::Tsv(None),
            _ => Kind::Json,
        };
        let input = formats::encoding::reader(input, options.encoding);
        Self { input, kind, hasher: Hasher::default(), bytes: 0, lines: 0, tally: Tally::default() }
    }

    /// Bytes that were read, in UTF-8.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What is known of the rows so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Goes on where an earlier run was; `false` where the file does not begin with what that run read. `stop` is asked now
    /// and then whether to leave early.
    ///
    /// # Errors
    /// When the input cannot be read, or the options make no sense.
    pub fn go_on(&mut self, from: &Reached, options: &Options, stop: &dyn Fn() -> bool) -> Result<bool> {
        // The beginning of a table tells what its rows mean.
        if !matches!(self.kind, Kind::Json) {
            self.part(options, None)?;
        }
        while let Some(left @ 1..) = from.bytes.checked_sub(self.bytes) {
            let buffer = self.input.fill_buf().map_err(unreadable)?;
            let n = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            if n == 0 || stop() {
                break;
            }
            self.hasher.update(&buffer[..n]);
            self.input.consume(n);
            self.bytes += n as u64;
        }
        if self.bytes != from.bytes || self.hasher.digest() != from.digest {
            return Ok(false);
        }
        let Reached { bytes: _, lines, digest: _, rows, broken, seen } = *from;
        self.lines = lines;
        (self.tally.rows, self.tally.broken, self.tally.seen) = (rows, broken, seen);
        Ok(true)
    }

    /// How far the file is read, for the journal.
    pub fn reached(&self) -> Reached {
        let Tally { rows, broken, seen, .. } = self.tally;
        Reached { bytes: self.bytes, lines: self.lines, digest: self.hasher.digest(), rows, broken, seen }
    }

    /// The next rows, only those of a share where one is given, with the field that they are told apart by; `None` at the
    /// end.
    ///
    /// # Errors
    /// When the input cannot be read, the options make no sense, or a table lacks a column.
    pub fn part(&mut self, options: &Options, share: Option<(Shard, &str)>) -> Result<Option<Vec<Piece>>> {
        let (start, mut pieces, mut run) = (self.bytes, Vec::new(), Run::default());
        while self.bytes - start < PART {
            let line = self.lines + 1;
            let Some(bytes) = self.row().map_err(unreadable)? else { break };
            self.hasher.update(&bytes);
            let offset = self.bytes;
            self.bytes += bytes.len() as u64;
            if share.is_some_and(|(shard, id)| !shard.takes(&row_name(&bytes, id))) {
                self.close(options, &mut run, &mut pieces)?;
                continue;
            }
            let (bytes, why) = match String::from_utf8(bytes) {
                Ok(text) if !text.contains('\0') => {
                    if run.text.is_empty() {
                        run = Run { text, offset, line };
                    } else {
                        run.text.push_str(&text);
                    }
                    continue;
                }
                Ok(text) => (text.into_bytes(), "NUL, which no text holds".to_owned()),
                Err(error) => {
                    let at = error.utf8_error().valid_up_to();
                    (error.into_bytes(), format!("not UTF-8 at byte {at}"))
                }
            };
            self.close(options, &mut run, &mut pieces)?;
            self.tally.rows += 1;
            self.tally.broken += 1;
            if line == 1 && !matches!(self.kind, Kind::Json) {
                // Without its first row a table cannot be understood.
                return Err(formats::encoding::decode(bytes, None).err().unwrap_or_else(|| Error::input(why)));
            }
            pieces.push(Piece::Raw { bytes, error: Error::input(format!("line {line}: {why}{KEPT}")) });
        }
        self.close(options, &mut run, &mut pieces)?;
        Ok((self.bytes > start).then_some(pieces))
    }

    /// The next row with its line end; it may reach over several lines.
    fn row(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut row = Vec::new();
        loop {
            let start = row.len();
            if !lines::next(&mut self.input, &mut row)? {
                return Ok((!row.is_empty()).then_some(row));
            }
            self.lines += 1;
            let line = &row[start..];
            if let Kind::Csv(ends, _) = &mut self.kind
                && !ends.get_or_insert_with(|| RowEnds::new(&String::from_utf8_lossy(line))).at(line)
            {
                if row.len() > lines::LONGEST {
                    let message =
                        format!("a row of more than {} MiB; is a quotation mark left open?", lines::LONGEST >> 20);
                    return Err(io::Error::new(io::ErrorKind::InvalidData, message));
                }
                continue;
            }
            return Ok(Some(row));
        }
    }

    /// Parses the rows that were gathered.
    fn close(&mut self, options: &Options, run: &mut Run, pieces: &mut Vec<Piece>) -> Result<()> {
        let Run { text, offset, line } = std::mem::take(run);
        if text.is_empty() {
            return Ok(());
        }
        let tabs = matches!(self.kind, Kind::Tsv(_));
        let (records, tally) = match &mut self.kind {
            Kind::Json => Records::jsonl_part(text, line, options)?,
            Kind::Csv(_, table) | Kind::Tsv(table) => {
                if table.is_none() {
                    *table = Table::begin(&text, options, tabs)?;
                }
                match table {
                    Some(table) => Records::table_part(text, table, line, options)?,
                    // Blank lines alone.
                    None => Records::jsonl_part(text, line, options)?,
                }
            }
        };
        let rows = tally.rows as u64;
        self.tally.add(tally);
        pieces.push(Piece::Parsed { records, offset, rows });
        Ok(())
    }
}

fn unreadable(error: io::Error) -> Error {
    Error::input(format!("cannot be read: {error}"))
}

/// Lines that follow each other.
#[derive(Default)]
struct Run {
    text: String,
    /// Where they start in the file.
    offset: u64,
    /// The number of the first.
    line: usize,
}
