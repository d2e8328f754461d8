//! The first stage of a job: reads what is still to do and hands it on in windows.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use super::digest::{Digest, Hasher};
use super::durable;
use super::inputs::Task;
use super::journal::{At, Known, Past, Reached};
use super::rows::{Piece, Rows};
use super::{Job, Stopped};
use crate::error::{Error, Result};
use crate::formats::{self, Parsed};

/// Some work that is translated together and committed together.
#[derive(Default)]
pub struct Window {
    pub items: Vec<Item>,
    /// Source bytes.
    pub bytes: usize,
}

/// One step of the work, in order.
pub enum Item {
    /// A document as a whole.
    Document { task: Task, target: PathBuf, input: Digest, parsed: Box<dyn Parsed> },
    /// A record file begins, or goes on where an earlier run stopped.
    Open { task: Task, target: PathBuf, at: Option<At> },
    /// Some of its rows.
    Rows(Piece),
    /// It is read so far.
    Reached(Reached),
    /// It ends.
    Close,
    /// It cannot go on.
    Abandon { error: Error, discard: bool },
    /// Something that an earlier run did.
    Skip { bytes: u64 },
    /// A document that cannot be translated.
    Fault { name: String, error: Error },
}

/// How much goes into a window, and whether to go on.
pub struct Pace<'a> {
    pub budget: AtomicUsize,
    pub stop: &'a (dyn Fn() -> bool + Sync),
    /// Set when a later stage has failed.
    pub failed: AtomicBool,
    /// Set when some of the work was left because of `stop`.
    pub left: AtomicBool,
    /// When it was first seen that the job is to stop.
    pub told: OnceLock<Instant>,
}

impl Item {
    /// What the translator gets of it.
    pub fn parsed(&self) -> Option<&dyn Parsed> {
        match self {
            Self::Document { parsed, .. } => Some(parsed.as_ref()),
            Self::Rows(piece) => piece.parsed(),
            _ => None,
        }
    }
}

/// Reads what is still to do.
pub struct Reader<'a> {
    job: &'a Job<'a>,
    past: &'a Past,
    pace: &'a Pace<'a>,
    /// The lanes that windows are dealt to in turn, and whose turn it is.
    out: Vec<SyncSender<Window>>,
    turn: usize,
    window: Window,
}

impl<'a> Reader<'a> {
    pub fn new(job: &'a Job<'a>, past: &'a Past, pace: &'a Pace<'a>, out: Vec<SyncSender<Window>>) -> Self {
        Self { job, past, pace, out, turn: 0, window: Window::default() }
    }

    /// Reads all there is to do; ends early when it is told to, or when no one takes the windows.
    pub fn run(mut self) {
        let _ = self.read_all();
    }

    fn read_all(&mut self) -> Result<(), Stopped> {
        for task in self.job.inputs.tasks() {
            match task {
                Ok(task) => self.task(task)?,
                Err(error) => {
                    let name = error.path().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
                    self.push(Item::Fault { name, error }, 0)?;
                }
            }
        }
        self.flush()
    }

    /// Adds to the window, and hands it on when it is full.
    fn push(&mut self, item: Item, bytes: usize) -> Result<(), Stopped> {
        self.window.items.push(item);
        self.window.bytes += bytes;
        // Items without text, such as faults, must not gather without end.
        let full = self.window.bytes >= self.pace.budget.load(Ordering::Relaxed) || self.window.items.len() >= 100_000;
        if full { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Stopped> {
        if self.window.items.is_empty() {
            return Ok(());
        }
        if self.pace.leaves() || self.pace.failed.load(Ordering::Relaxed) {
            return Err(Stopped);
        }
        let lane = &self.out[self.turn % self.out.len()];
        self.turn += 1;
        lane.send(std::mem::take(&mut self.window)).map_err(|_| Stopped)
    }

    fn task(&mut self, task: Task) -> Result<(), Stopped> {
        let target = self.job.target(&task);
        let fault = |error: Error| Item::Fault { name: task.name.clone(), error: error.at(&task.path) };
        match self.is_done(&task, &target) {
            Ok(true) => return self.push(Item::Skip { bytes: task.bytes }, 0),
            Ok(false) => {}
            Err(error) => return self.push(fault(error), 0),
        }
        if task.records {
            return match self.open(&task, &target) {
                Ok((file, at)) => self.stream(task, target, file, at),
                Err(error) => self.push(fault(error), 0),
            };
        }
        match self.document(&task) {
            Ok((parsed, input)) => {
                let bytes = task.bytes as usize;
                self.push(Item::Document { task, target, input, parsed }, bytes)
            }
            Err(error) => self.push(fault(error), 0),
        }
    }

    /// Whether an earlier run did it.
    fn is_done(&self, task: &Task, target: &Path) -> Result<bool> {
        if std::fs::canonicalize(target).is_ok_and(|t| std::fs::canonicalize(&task.path).is_ok_and(|p| p == t)) {
            return Err(Error::settings("would be replaced by its translation; choose another place for the output"));
        }
        if std::fs::metadata(target).is_ok_and(|metadata| !metadata.is_file()) {
            let message = "cannot be written: there is something that is no file at the place of its translation";
            return Err(Error::settings(format!("{message}, {}", target.display())));
        }
        let Some(Known { input, output, .. }) = self.past.done(&task.name) else { return Ok(false) };
        match std::fs::metadata(target) {
            Err(_) => return Ok(false),
            Ok(metadata) if metadata.len() != *output => {
                let message = "was translated, but its output was changed since; delete that to have it made again";
                return Err(Error::input(format!("{message}: {}", target.display())));
            }
            Ok(_) => {}
        }
        let now = if task.records { self.digest(&task.path)? } else { self.bytes(&task.path)?.1 };
        Ok(now == *input)
    }

    fn bytes(&self, path: &Path) -> Result<(Vec<u8>, Digest)> {
        let bytes = std::fs::read(path).map_err(|e| Error::io(path, "read", e))?;
        let digest = Digest::of(&bytes);
        Ok((bytes, digest))
    }

    fn document(&self, task: &Task) -> Result<(Box<dyn Parsed>, Digest)> {
        let (bytes, digest) = self.bytes(&task.path)?;
        let parsed = formats::parse_with((self.job.format)(&task.path)?, bytes, self.job.options)?;
        Ok((parsed, digest))
    }

    /// The digest of a whole record file, in UTF-8.
    fn digest(&self, path: &Path) -> Result<Digest> {
        let failed = |e| Error::io(path, "read", e);
        let mut input = formats::encoding::reader(Box::new(open(path)?), self.job.options.encoding);
        let mut hasher = Hasher::default();
        loop {
            let buffer = input.fill_buf().map_err(failed)?;
            let n = buffer.len();
            if n == 0 || (self.pace.stop)() {
                return Ok(hasher.digest());
            }
            hasher.update(buffer);
            input.consume(n);
        }
    }

    /// Opens a record file where an earlier run stopped, if that still fits.
    fn open(&self, task: &Task, target: &Path) -> Result<(Rows<'static>, Option<At>)> {
        let begin = || -> Result<Rows<'static>> {
            let format = (self.job.format)(&task.path)?;
            Ok(Rows::new(Box::new(open(&task.path)?), format, self.job.options))
        };
        let mut rows = begin()?;
        let Some(at) = self.past.at.get(&task.name) else { return Ok((rows, None)) };
        let there = std::fs::metadata(durable::part(target)).map_or(0, |m| m.len());
        if there >= at.written && rows.go_on(&at.reached, self.job.options, self.pace.stop).unwrap_or(false) {
            return Ok((rows, Some(at.clone())));
        }
        Ok((begin()?, None))
    }

    fn stream(&mut self, task: Task, target: PathBuf, mut rows: Rows<'static>, at: Option<At>) -> Result<(), Stopped> {
        let path = task.path.clone();
        let abandon = |error: Error, discard| Item::Abandon { error: error.at(&path), discard };
        let share = task.by_row.then(|| (self.job.inputs.shard(), self.job.id));
        self.push(Item::Open { task, target, at }, 0)?;
        loop {
            let before = rows.bytes();
            match rows.part(self.job.options, share) {
                Ok(Some(part)) => {
                    self.window.items.extend(part.into_iter().map(Item::Rows));
                    self.push(Item::Reached(rows.reached()), (rows.bytes() - before) as usize)?;
                }
                Ok(None) => break,
                // Nothing was written yet of what is no such file at all.
                Err(error) => return self.push(abandon(error, before == 0), 0),
            }
        }
        let end = match rows.tally().check(self.job.options) {
            Ok(()) => Item::Close,
            Err(error) => abandon(error, true),
        };
        self.push(end, 0)
    }
}

fn open(path: &Path) -> Result<BufReader<File>> {
    let file = File::open(path).map_err(|e| Error::io(path, "open", e))?;
    Ok(BufReader::with_capacity(1 << 18, file))
}
