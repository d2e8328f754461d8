//! The rows of a file of JSON lines, some at a time: a file of any size in little memory.

use std::io::{self, BufRead, Seek, SeekFrom};

use super::digest::Hasher;
use super::journal::Reached;
use super::lines;
use super::shard::{Shard, row_name};
use crate::error::{Error, Result};
use crate::formats::{KEPT, Options, Parsed, Records, Tally};
use crate::translator::Outcome;

/// The rows of a file, as they are read.
pub struct Rows<R> {
    input: R,
    /// Of the bytes so far.
    hasher: Hasher,
    bytes: u64,
    lines: usize,
    tally: Tally,
}

/// Some rows.
pub enum Piece {
    /// Rows that follow each other, from this byte of the file.
    Parsed { records: Records, offset: u64, rows: u64 },
    /// A row that is no text, as it is, and why.
    Raw { bytes: Vec<u8>, error: Error },
}

/// Rows are parsed together up to so many bytes.
const PART: u64 = 64 << 10;

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

impl<R: BufRead> Rows<R> {
    pub fn new(input: R) -> Self {
        Self { input, hasher: Hasher::default(), bytes: 0, lines: 0, tally: Tally::default() }
    }

    /// Bytes that were read.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What is known of the rows so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Goes on after the bytes that `hasher` has taken in.
    ///
    /// # Errors
    /// When the input cannot be wound forward.
    pub fn go_on(&mut self, hasher: Hasher, from: &Reached) -> io::Result<()>
    where
        R: Seek,
    {
        let Reached { bytes, lines, digest: _, rows, broken, seen } = *from;
        self.input.seek(SeekFrom::Start(bytes))?;
        (self.hasher, self.bytes, self.lines) = (hasher, bytes, lines);
        (self.tally.rows, self.tally.broken, self.tally.seen) = (rows, broken, seen);
        Ok(())
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
    /// When the input cannot be read, or the options make no sense.
    pub fn part(&mut self, options: &Options, share: Option<(Shard, &str)>) -> Result<Option<Vec<Piece>>> {
        let (start, mut pieces, mut run, mut line) = (self.bytes, Vec::new(), Run::default(), Vec::new());
        let failed = |e| Error::input(format!("cannot be read: {e}"));
        while self.bytes - start < PART && lines::next(&mut self.input, &mut line).map_err(failed)? {
            self.hasher.update(&line);
            self.lines += 1;
            let offset = self.bytes;
            self.bytes += line.len() as u64;
            let bytes = std::mem::take(&mut line);
            if share.is_some_and(|(shard, id)| !shard.takes(&row_name(&bytes, id))) {
                self.close(options, &mut run, &mut pieces)?;
                continue;
            }
            match String::from_utf8(bytes) {
                Ok(text) if run.text.is_empty() => run = Run { text, offset, line: self.lines },
                Ok(text) => run.text.push_str(&text),
                Err(error) => {
                    self.close(options, &mut run, &mut pieces)?;
                    self.tally.rows += 1;
                    self.tally.broken += 1;
                    let at = error.utf8_error().valid_up_to();
                    let message = format!("line {}: not UTF-8 at byte {at}{KEPT}", self.lines);
                    pieces.push(Piece::Raw { bytes: error.into_bytes(), error: Error::input(message) });
                }
            }
        }
        self.close(options, &mut run, &mut pieces)?;
        Ok((self.bytes > start).then_some(pieces))
    }

    /// Parses the lines that were gathered.
    fn close(&mut self, options: &Options, run: &mut Run, pieces: &mut Vec<Piece>) -> Result<()> {
        let Run { text, offset, line } = std::mem::take(run);
        if !text.is_empty() {
            let (records, tally) = Records::jsonl_part(text, line, options)?;
            let rows = tally.rows as u64;
            self.tally.add(tally);
            pieces.push(Piece::Parsed { records, offset, rows });
        }
        Ok(())
    }
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
