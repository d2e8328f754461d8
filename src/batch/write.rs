//! The last stage of a job: writes outputs, each whole or not at all, and then the journal.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::time::Instant;

use serde_json::json;

use super::digest::Digest;
use super::durable;
use super::inputs::{Extent, Task};
use super::journal::{At, Commit, Done, Journal, Past, Reached};
use super::read::Item;
use super::report::{Counts, Observer, Progress, Report, is_doubtful};
use super::rows::Piece;
use super::{Summary, Translated};
use crate::error::{Error, ErrorKind, Result};
use crate::formats::Parsed;
use crate::translator::{DocumentReport, Outcome, Translator};

pub struct Writer<'a> {
    journal: Journal,
    report: Option<Report>,
    observer: &'a dyn Observer,
    translator: &'a Translator,
    /// The record file in hand.
    stream: Option<Stream>,
    /// What the window in hand adds to the journal.
    commit: Commit,
    /// Outputs of the window that still have to get their names, which an earlier commit may speak of.
    renames: Vec<(PathBuf, PathBuf)>,
    /// Files whose names have to reach the disk.
    names: BTreeSet<PathBuf>,
    /// Of the whole job.
    counts: Counts,
    faults: usize,
    /// Segments of this run that someone should look at.
    doubtful: u64,
    start: Instant,
    progress: Progress,
    /// Source bytes that earlier runs translated.
    skipped: u64,
}

/// A record file that is being written.
struct Stream {
    task: Task,
    target: PathBuf,
    file: BufWriter<File>,
    written: u64,
    counts: Counts,
    reached: Option<Reached>,
    /// Whether the journal knows of it.
    committed: bool,
    shown: usize,
}

/// So many faults of one record file are told one by one.
const SHOWN: usize = 20;

impl<'a> Writer<'a> {
    pub fn new(
        journal: Journal,
        report: Option<Report>,
        observer: &'a dyn Observer,
        translator: &'a Translator,
        extent: Extent,
    ) -> Self {
        let progress =
            Progress { documents_in_all: extent.documents, bytes_in_all: extent.bytes, ..Progress::default() };
        Self {
            journal,
            report,
            observer,
            translator,
            stream: None,
            commit: Commit::default(),
            renames: Vec::new(),
            names: BTreeSet::new(),
            counts: Counts::default(),
            faults: 0,
            doubtful: 0,
            start: Instant::now(),
            progress,
            skipped: 0,
        }
    }

    /// Gives their names to outputs that were whole when an earlier run ended. `find` knows where they go.
    ///
    /// # Errors
    /// When that cannot be done or noted.
    pub fn recover(&mut self, past: &mut Past, find: &dyn Fn(&str) -> Option<PathBuf>) -> Result<()> {
        let mut commit = Commit { report: past.report, ..Commit::default() };
        for done in std::mem::take(&mut past.closing) {
            let Some(target) = find(&done.name) else { continue };
            let part = durable::part(&target);
            let size = |path: &Path| std::fs::metadata(path).map(|m| m.len()).ok();
            if size(&part) == Some(done.output) {
                durable::rename(&part, &target)?;
                durable::sync_directory(&target)?;
            } else if size(&target) != Some(done.output) {
                continue;
            }
            commit.done.push(done);
        }
        if !commit.done.is_empty() {
            self.journal.commit(commit.clone())?;
            past.add(commit);
        }
        Ok(())
    }

    /// Writes window after window, from each lane in turn, until one has no more: what others still have comes after
    /// something that was given up.
    ///
    /// # Errors
    /// When the job cannot go on.
    pub fn run(mut self, lanes: &[Receiver<Translated>], past: &Past) -> Result<Summary> {
        self.counts = past.counts;
        for translated in lanes.iter().cycle().map_while(|lane| lane.recv().ok()) {
            self.window(translated, past)?;
        }
        let clean = self.counts.is_clean() && self.faults == 0;
        self.finish(clean)?;
        Ok(Summary { counts: self.counts, clean, stopped: false, doubtful: self.doubtful })
    }

    fn window(&mut self, translated: Translated, past: &Past) -> Result<()> {
        let Translated { window, outcomes } = translated;
        let mut outcomes = outcomes.into_iter();
        for item in window.items {
            let outcome = item.parsed().map(|_| outcomes.next().unwrap_or_default());
            self.item(item, outcome.unwrap_or_default())?;
        }
        // What is made again replaces what was counted for it.
        for old in self.commit.done.iter().filter_map(|done| past.done(&done.name)) {
            self.counts.subtract(&old.counts);
        }
        self.settle()?;
        self.progress.bytes += window.bytes as u64;
        self.tell();
        Ok(())
    }

    fn item(&mut self, item: Item, outcome: Outcome) -> Result<()> {
        match item {
            Item::Document { task, target, input, parsed } => self.document(&task, &target, input, &*parsed, outcome),
            Item::Open { task, target, at } => self.open(task, target, at),
            Item::Rows(piece) => self.rows(&piece, outcome),
            Item::Reached(reached) => {
                if let Some(stream) = &mut self.stream {
                    stream.reached = Some(reached);
                }
                Ok(())
            }
            Item::Close => self.close(),
            Item::Abandon { error, discard } => self.abandon(&error, discard),
            Item::Skip { bytes } => {
                self.progress.documents += 1;
                self.skip(bytes);
                Ok(())
            }
            Item::Fault { name, error } => self.fault(&name, &error),
        }
    }

    fn skip(&mut self, bytes: u64) {
        self.progress.bytes += bytes;
        self.skipped += bytes;
    }

    fn document(
        &mut self,
        task: &Task,
        target: &Path,
        input: Digest,
        parsed: &dyn Parsed,
        outcome: Outcome,
    ) -> Result<()> {
        let counts = Counts { documents: 1, broken: parsed.faults().len() as u64, ..Counts::of(&outcome.report) };
        for fault in parsed.faults() {
            self.observer.fault(&named(fault, &task.path));
            self.note(|report| report.fault(&task.name, fault))?;
        }
        let written = parsed.to_bytes(&outcome.targets).and_then(|bytes| {
            durable::write(target, &bytes)?;
            Ok(bytes.len() as u64)
        });
        let output = match written {
            Ok(output) => output,
            Err(error) if error.is_temporary() => return Err(error),
            Err(error) => return self.fault(&task.name, &error.at(&task.path)),
        };
        self.names.insert(target.to_owned());
        self.segments(&task.name, &task.path, outcome)?;
        self.done(Done { name: task.name.clone(), input, output, counts })
    }

    fn open(&mut self, task: Task, target: PathBuf, at: Option<At>) -> Result<()> {
        let part = durable::part(&target);
        let failed = |e| Error::io(&part, "write", e);
        let (file, written, counts, reached) = match at {
            Some(At { written, counts, reached, .. }) => {
                self.skip(reached.bytes);
                let mut file = OpenOptions::new().write(true).open(&part).map_err(failed)?;
                // What was written after the last commit is translated and written again.
                file.set_len(written).and_then(|()| file.seek(SeekFrom::Start(written))).map_err(failed)?;
                self.observer.detail(&format!("{}: goes on at byte {written} of its output", task.path.display()));
                (file, written, counts, Some(reached))
            }
            None => {
                let file = durable::create(&part)?;
                self.names.insert(part);
                (file, 0, Counts { documents: 1, ..Counts::default() }, None)
            }
        };
        let file = BufWriter::with_capacity(1 << 18, file);
        let committed = reached.is_some();
        self.stream = Some(Stream { task, target, file, written, counts, reached, committed, shown: 0 });
        Ok(())
    }

    fn rows(&mut self, piece: &Piece, mut outcome: Outcome) -> Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        let broken = piece.faults().len() as u64;
        stream.counts.add(&Counts { rows: piece.rows(), broken, ..Counts::of(&outcome.report) });
        stream.write(&piece.to_bytes(&mut outcome)?)?;
        let (name, path) = (stream.task.name.clone(), stream.task.path.clone());
        piece.faults().iter().try_for_each(|fault| self.row_fault(fault))?;
        self.segments(&name, &path, outcome)
    }

    fn row_fault(&mut self, fault: &Error) -> Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        stream.shown += 1;
        match stream.shown {
            ..=SHOWN => self.observer.fault(&named(fault, &stream.task.path)),
            n if n == SHOWN + 1 => {
                let message = "there are more such rows; --report FILE names them all";
                self.observer.fault(&Error::input(message).at(&stream.task.path));
            }
            _ => {}
        }
        let name = stream.task.name.clone();
        self.note(|report| report.fault(&name, fault))
    }

    fn close(&mut self) -> Result<()> {
        let Some(mut stream) = self.stream.take() else { return Ok(()) };
        stream.sync()?;
        // An empty file has nothing that was reached.
        let input = stream.reached.map_or_else(|| Digest::of(b""), |reached| reached.digest);
        let (name, output) = (stream.task.name.clone(), stream.written);
        let done = Done { name, input, output, counts: stream.counts };
        if stream.committed {
            // The journal must know that it is whole before its part has gone.
            self.commit.closing.push(done.clone());
        }
        self.renames.push((durable::part(&stream.target), stream.target.clone()));
        self.names.insert(stream.target);
        self.done(done)
    }

    fn abandon(&mut self, error: &Error, discard: bool) -> Result<()> {
        let Some(mut stream) = self.stream.take() else { return Ok(()) };
        if discard {
            let _ = std::fs::remove_file(durable::part(&stream.target));
        } else {
            stream.sync()?;
            self.commit.at.extend(stream.at());
        }
        self.fault(&stream.task.name, error)
    }

    /// A document is done; what is said of it can be written.
    fn done(&mut self, done: Done) -> Result<()> {
        self.note(|report| report.document(&done.name, &done.counts))?;
        self.counts.add(&done.counts);
        self.progress.documents += 1;
        self.commit.done.push(done);
        Ok(())
    }

    /// Counts and tells what the translator found wrong.
    fn segments(&mut self, name: &str, path: &Path, outcome: Outcome) -> Result<()> {
        let DocumentReport { segments, .. } = &outcome.report;
        self.progress.segments += segments.len() as u64;
        self.doubtful += segments.iter().filter(|segment| is_doubtful(segment)).count() as u64;
        self.progress.words += Counts::of(&outcome.report).words;
        if let Some(error) = outcome.error() {
            self.observer.fault(&error.at(path));
        }
        self.note(|report| report.segments(name, &outcome.report))
    }

    fn fault(&mut self, name: &str, error: &Error) -> Result<()> {
        self.faults += 1;
        self.observer.fault(error);
        self.note(|report| report.fault(name, error))
    }

    fn note(&mut self, write: impl FnOnce(&mut Report) -> Result<()>) -> Result<()> {
        self.report.as_mut().map_or(Ok(()), write)
    }

    /// Puts everything on disk, and then the journal.
    fn settle(&mut self) -> Result<()> {
        let mut commit = std::mem::take(&mut self.commit);
        if let Some(report) = &mut self.report {
            commit.report = report.sync()?;
        }
        if let Some(stream) = &mut self.stream {
            stream.sync()?;
            let at = stream.at();
            stream.committed |= at.is_some();
            commit.at.extend(at);
        }
        let closing = std::mem::take(&mut commit.closing);
        if !closing.is_empty() {
            self.journal.commit(Commit { closing, report: commit.report, ..Commit::default() })?;
        }
        for (part, target) in self.renames.drain(..) {
            durable::rename(&part, &target)?;
        }
        let mut synced: Option<PathBuf> = None;
        for name in std::mem::take(&mut self.names) {
            let parent = name.parent().map(Path::to_owned);
            if synced.is_none() || synced != parent {
                durable::sync_directory(&name)?;
                synced = parent;
            }
        }
        if commit.done.is_empty() && commit.at.is_empty() {
            return Ok(());
        }
        self.journal.commit(commit)
    }

    fn tell(&mut self) {
        let progress = &mut self.progress;
        progress.seconds = self.start.elapsed().as_secs_f64();
        progress.words_per_second = progress.words as f64 / progress.seconds.max(1e-9);
        let left = progress.bytes_in_all.saturating_sub(progress.bytes) as f64;
        let done = progress.bytes.saturating_sub(self.skipped) as f64;
        progress.seconds_left = (done > 0.0).then(|| left * progress.seconds / done);
        progress.memory = self.translator.engine().memory().map(|(used, _)| used);
        self.observer.progress(progress);
    }

    fn finish(&mut self, clean: bool) -> Result<()> {
        self.tell();
        if let Some((_, Some(fault))) = self.translator.engine().memory() {
            self.observer.fault(&Error::new(ErrorKind::Io, format!("nothing more was remembered: {fault}")));
        }
        let Progress { seconds, words_per_second, memory, .. } = self.progress;
        let (counts, model) = (self.counts, self.translator.describe().to_owned());
        self.note(|report| {
            report.line(&json!({
                "program": concat!("fr2en ", env!("CARGO_PKG_VERSION")), "model": model, "totals": counts, "clean": clean,
                "seconds": seconds, "words_per_second": words_per_second, "memory": memory,
            }))?;
            report.sync().map(drop)
        })
    }
}

impl Stream {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.written += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|e| Error::io(&self.target, "write", e))
    }

    fn sync(&mut self) -> Result<()> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_data());
        synced.map_err(|e| Error::io(&self.target, "write", e))
    }

    fn at(&self) -> Option<At> {
        let (name, written, counts) = (self.task.name.clone(), self.written, self.counts);
        self.reached.map(|reached| At { name, reached, written, counts })
    }
}

/// A fault that names its file, too.
fn named(fault: &Error, path: &Path) -> Error {
    Error::new(fault.kind(), fault.to_string()).at(path)
}
